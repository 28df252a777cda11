"""What the studies of section 7's future work compare."""

from collections.abc import Iterable

LAYERS = ("one layer", "hierarchy")
"""One layer of latent variables, and two."""

NETWORKS = ("MLP", "conv.")
"""The paper's networks, and convolutional ones."""


def hierarchy_models(networks: Iterable[str] = NETWORKS) -> list[str]:
    """What is compared with these networks, by name."""
    return [f"{layers}, {network}" for network in networks for layers in LAYERS]
