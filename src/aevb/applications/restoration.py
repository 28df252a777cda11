"""Denoising and super-resolution (§2.1): whole images from corrupted or coarse ones."""

from typing import Any, NamedTuple

import numpy as np
from scipy import ndimage

from aevb.applications import measures
from aevb.applications.inference import Budget, encoder_image, posterior_image, sample_posterior
from aevb.applications.observations import BitFlips, BlockMeans, Channel, GaussianNoise
from aevb.applications.representation import principal_components
from aevb.data import Dataset
from aevb.process.progress import LOGGER
from aevb.stages.trained import Trained

ENCODER, HMC, COMPONENTS = "encoder", "HMC", "PCA"
NOISY, NEAREST, CUBIC = "as observed", "nearest pixel", "cubic spline"
_PCA_IMAGES = 10_000


class Restored(NamedTuple):
    """Whole images by each kind of inference."""

    encoder: np.ndarray
    """E[x|y, z] at the encoder's mean of z, [n, D]."""
    hmc: np.ndarray
    """E[x|y] over draws of p(z|y), [n, D]."""
    rhat: np.ndarray
    """Of those draws, [n]."""


def restore(
    trained: Trained, channel: Channel, y: np.ndarray, budget: Budget, seed: int = 0
) -> Restored:
    """Whole images from what is seen of them, y [n, D_y].

    To the encoder y is a clean image (a coarse one enlarged by a cubic spline), clipped to
    [0, 1]; HMC takes account of the channel. From z to the image both do.
    """
    whole = enlarge(y, channel, 3) if isinstance(channel, BlockMeans) else y
    draws = sample_posterior(trained.model, channel, y, budget, seed)
    return Restored(
        encoder_image(trained.model, channel, y, np.clip(whole, 0, 1)),
        posterior_image(trained.model, channel, y, draws.z),
        draws.rhat,
    )


def enlarge(y: np.ndarray, blocks: BlockMeans, order: int) -> np.ndarray:
    """Coarse images [n, D_y] at full size by a spline of that order (0: nearest): [n, D]."""
    coarse = y.reshape(len(y), *blocks.small_shape)
    factors = (1, blocks.size, blocks.size)
    fine = ndimage.zoom(coarse, factors, order=order, mode="nearest", grid_mode=True)
    return fine.reshape(len(y), -1).astype(np.float32)


def noisy_channels(trained: Trained, noise: float, bit_flips: float) -> dict[str, Channel]:
    """The channels of denoising by name: Gaussian noise and, of Bernoulli pixels, bit flips."""
    found: dict[str, Channel] = {f"Gaussian noise, sd {noise:g}": GaussianNoise(noise)}
    if trained.experiment.definition["observation"] == "bernoulli":
        found[f"{100 * bit_flips:g} % of bits flipped"] = BitFlips(bit_flips)
    return found


def coarse_channels(trained: Trained, factor: int) -> dict[str, Channel]:
    """The channel of super-resolution by name."""
    blocks = BlockMeans(trained.image_shape, factor)
    rows, columns = blocks.small_shape
    return {f"{rows} × {columns} block means": blocks}


def evaluate(
    application: str,
    trained: Trained,
    data: Dataset,
    channels: dict[str, Channel],
    points: int,
    budget: Budget,
    shown: int,
) -> tuple[list[dict[str, Any]], dict[str, np.ndarray]]:
    """How close restored test images are to the true ones.

    Args:
        application: what the rows call it.
        trained: the model.
        data: its data set; the first ``points`` test images are taken.
        channels: how they are seen, by name.
        points: how many images.
        budget: of HMC.
        shown: of how many images the pictures are kept.

    Returns:
        Rows of :func:`aevb.applications.measures.table`, the root mean squared error per pixel of
        each method; and pictures by name, ``<data set>/<condition>/<method>``, [shown, rows,
        columns].
    """
    x = trained.pixels(data.test[:points])
    known = trained.pixels(data.train[:_PCA_IMAGES])
    components = principal_components(known, trained.model.latent_dim)
    rows, pictures = [], {}
    for i, (condition, channel) in enumerate(channels.items()):
        y = channel.observe(x, np.random.default_rng(i))
        if isinstance(channel, BlockMeans):
            methods = {NEAREST: enlarge(y, channel, 0), CUBIC: enlarge(y, channel, 3)}
            observed = methods[CUBIC]
        else:
            methods = {NOISY: y}
            observed = y
        methods[COMPONENTS] = components.inverse_transform(components.transform(observed))
        restored = restore(trained, channel, y, budget, seed=i)
        methods |= {ENCODER: restored.encoder, HMC: restored.hmc}
        pictures |= {
            f"{data.label}/{condition}/{method}": images[:shown]
            for method, images in {"truth": x, **methods}.items()
        }
        names = {
            "application": application,
            "dataset": data.label,
            "latent_dim": trained.model.latent_dim,
            "condition": condition,
        }
        for method, images in methods.items():
            error = measures.mean(measures.root_mean_squared_error(images, x))
            rows.append({**names, "method": method, "quantity": "rmse", **error})
            LOGGER.info(f"{data.name}: {condition}: {method}: rmse {error['value']:.4f}")
        mixed = measures.proportion(restored.rhat < 1.1)
        rows.append({**names, "method": HMC, "quantity": "share with R-hat below 1.1", **mixed})
    return rows, {name: images.reshape(-1, *data.image_shape) for name, images in pictures.items()}
