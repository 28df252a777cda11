"""What the studies of section 7's future work compare."""

from collections.abc import Iterable

LAYERS = ("one layer", "hierarchy")
"""One layer of latent variables, and two."""

NETWORKS = ("MLP", "conv.")
"""The paper's networks, and convolutional ones."""


def hierarchy_models(networks: Iterable[str] = NETWORKS) -> list[str]:
    """What is compared with these networks, by name."""
    return [f"{layers}, {network}" for network in networks for layers in LAYERS]


FILM_MODELS = ("state-space model", "i.i.d. VAE", "repeat the last frame", "interpolation")
"""What learns a film, predicts its frames or fills them in."""

FILM_SHOWN = (1, 5, 10, 20)
"""How many frames ahead predictions are shown."""

FILM_AHEAD = max(FILM_SHOWN)
"""Frames that are predicted."""

SYNTHETIC = "synthetic"
"""The film that stands in for one that cannot be had, at the smallest scale."""
