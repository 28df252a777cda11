"""What the studies of section 7's future work compare."""

from collections.abc import Iterable, Sequence

from aevb.errors import ConfigError

LAYERS = ("one layer", "hierarchy")
"""One layer of latent variables, and two."""

NETWORKS = ("MLP", "conv.")
"""The paper's networks, and convolutional ones."""

FILM_MODELS = ("state-space model", "i.i.d. VAE", "repeat the last frame", "interpolation")
"""What learns a film, predicts its frames or fills them in."""

FILM_SHOWN = (1, 5, 10, 20)
"""How many frames ahead predictions are shown."""

FILM_AHEAD = max(FILM_SHOWN)
"""Frames that are predicted."""

SYNTHETIC = "synthetic"
"""The film that stands in for one that cannot be had, at the smallest scale."""

NOISES = ("Gaussian", "heteroscedastic", "skewed", "bimodal")
"""The known noise of a one-dimensional y; all but the first depend on x."""

NOISE_MODELS = ("latent variables", "Gaussian, variance of x", "Gaussian, one variance")
"""What learns the noise."""

HALVES_MODELS = ("latent variables", "deterministic", "inpainting")
"""What predicts the lower half of an image from the upper one: p(y|x) with latent variables and
without, and the model of whole images, which is not told what it will be asked."""


def hierarchy_models(networks: Iterable[str] = NETWORKS) -> list[str]:
    """What is compared with these networks, by name."""
    return [f"{layers}, {network}" for network in networks for layers in LAYERS]


def check_networks(networks: Iterable[str], image_shape: Sequence[int], where: str) -> None:
    """Raise ConfigError where there are no such networks for images of this shape: convolutional
    ones halve the sides twice."""
    if "conv." in networks and any(side % 4 for side in image_shape):
        rows, columns = image_shape
        raise ConfigError(
            f"{where}: convolutional networks need sides that are multiples of 4, and images are"
            f" {rows} × {columns}; ask for MLP alone"
        )
