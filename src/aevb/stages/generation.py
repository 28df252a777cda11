"""What a decoder makes of latent variables: manifolds and prior samples (Figures 4 and 5)."""

import functools

import numpy as np
import pandas as pd
import tensorflow as tf
from scipy import stats

from aevb import random
from aevb.likelihood.model import Model

_BLOCK = 2000


def manifold_grid(rows: int) -> np.ndarray:
    """Latent variables at the prior's quantiles (Figure 4): [rows², 2], float32.

    z = Φ⁻¹((i + ½) / rows) for i = 0 … rows − 1 in each of the two dimensions; the first changes
    down the rows of the picture, the second along its columns.
    """
    quantiles = stats.norm.ppf((np.arange(rows) + 0.5) / rows)
    first, second = np.meshgrid(quantiles, quantiles, indexing="ij")
    return np.stack([first.ravel(), second.ravel()], axis=1).astype(np.float32)


def prior_samples(latent_dim: int, n: int, seed: int) -> np.ndarray:
    """Draws z ~ N(0, I) (Figure 5): [n, N_z], float32, the same for the same seed."""
    keys = random.keys(tf.constant([seed]), random.Purpose.GENERATION)
    return random.normal(keys, (n, latent_dim))[0].numpy()


def decode(model: Model, z: np.ndarray) -> np.ndarray:
    """The mean of p(x|z), as the paper's figures show it: z [..., N_z] -> [..., D], float32."""
    z = np.asarray(z, np.float32)
    flat = z.reshape(-1, z.shape[-1])
    run = _decoder(model.architecture)
    parts = [
        run(model.parameters.decoder, tf.constant(flat[np.newaxis, i : i + _BLOCK]))[0].numpy()
        for i in range(0, len(flat), _BLOCK)
    ]
    return np.concatenate(parts).reshape(*z.shape[:-1], -1)


def manifold_table(label: str, z: np.ndarray, images: np.ndarray) -> pd.DataFrame:
    """Where each image of a manifold stands.

    Args:
        label: the data set's name.
        z: of :func:`manifold_grid`, [rows², 2].
        images: their means, [rows, rows, image rows, image columns].

    Returns:
        One row an image: ``dataset, row, column, z1, z2, mean_pixel``.
    """
    places = {"dataset": label, **_places(len(images)), "z1": z[:, 0], "z2": z[:, 1]}
    return pd.DataFrame({**places, "mean_pixel": images.mean(axis=(2, 3)).ravel()})


def sample_table(label: str, z: np.ndarray, images: np.ndarray, seed: int) -> pd.DataFrame:
    """What each image of a grid of samples was drawn from.

    Args:
        label: the data set's name.
        z: of :func:`prior_samples`, [rows², N_z].
        images: their means, [rows, rows, image rows, image columns].
        seed: of the samples.

    Returns:
        One row an image: ``dataset, latent_dim, seed, row, column, squared_norm`` (|z|²) and
        ``mean_pixel``.
    """
    names = {"dataset": label, "latent_dim": z.shape[1], "seed": seed}
    numbers = {
        "squared_norm": (z.astype(np.float64) ** 2).sum(axis=1),
        "mean_pixel": images.mean(axis=(2, 3)).ravel(),
    }
    return pd.DataFrame({**names, **_places(len(images)), **numbers})


def _places(rows: int) -> dict[str, np.ndarray]:
    row, column = np.divmod(np.arange(rows**2), rows)
    return {"row": row, "column": column}


@functools.cache
def _decoder(architecture):
    @tf.function(autograph=False, reduce_retracing=True)
    def run(decoder, z):
        return architecture.decode(decoder, z).mean()

    return run
