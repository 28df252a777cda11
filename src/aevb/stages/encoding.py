"""What an encoder makes of images: their place in latent space, and which dimensions it uses."""

from typing import NamedTuple

import numpy as np
import pandas as pd
import tensorflow as tf

from aevb.algorithms.bounds import negative_kl_per_dimension
from aevb.data import Dataset
from aevb.likelihood.model import Model
from aevb.stages.trained import Trained

ACTIVE_VARIANCE = 0.01
"""A latent dimension is active if its posterior mean varies by more than this over the data
(Burda, Grosse & Salakhutdinov, 2016, "Importance Weighted Autoencoders", appendix C)."""

_BLOCK = 5000


class Encoding(NamedTuple):
    """q(z|x) of n images."""

    mean: np.ndarray
    """μ, [n, N_z], float32."""
    standard_deviation: np.ndarray
    """σ, [n, N_z], float32."""
    kl: np.ndarray
    """KL(q(z_j|x) ‖ N(0, 1)) of each latent dimension, [n, N_z], float32, nats."""


def encode(model: Model, x: np.ndarray) -> Encoding:
    """The encoder's Gaussian of each image (eq. 9): x [n, D], values in [0, 1]."""
    parts = []
    for i in range(0, len(x), _BLOCK):
        block = tf.constant(x[np.newaxis, i : i + _BLOCK], tf.float32)
        posterior = model.architecture.encode(model.parameters.encoder, block)
        values = posterior.mean(), posterior.stddev(), -negative_kl_per_dimension(posterior)
        parts.append([value[0].numpy() for value in values])
    return Encoding(*(np.concatenate(part) for part in zip(*parts, strict=True)))


def latent_usage(encoding: Encoding) -> pd.DataFrame:
    """How much each latent dimension tells about the data, in descending order.

    Returns:
        One row a dimension: ``rank`` (from 1), ``dimension`` (from 0), ``kl`` (mean over the
        images, nats), ``mean_variance`` (variance of the posterior mean over the images) and
        ``active`` (see ACTIVE_VARIANCE). The ``kl`` of all dimensions add up to the bound's KL.
    """
    kl = encoding.kl.astype(np.float64).mean(axis=0)
    variance = encoding.mean.astype(np.float64).var(axis=0)
    order = np.argsort(-kl, kind="stable")
    return pd.DataFrame(
        {
            "rank": np.arange(1, len(kl) + 1),
            "dimension": order,
            "kl": kl[order],
            "mean_variance": variance[order],
            "active": variance[order] > ACTIVE_VARIANCE,
        }
    )


def projection_table(trained: Trained, data: Dataset) -> pd.DataFrame:
    """Where the encoder puts images in a 2-D latent space (§4).

    Of a data set with labels, the test images; of one without, which is taken for a video, all
    images in the order of its file.

    Returns:
        One row an image: ``dataset``, ``latent_dim``, ``split``, ``image`` (its place in its
        file), ``label`` (missing where there are none), ``z1`` and ``z2``, the posterior means.
    """
    splits = ("test",) if data.test_labels is not None else ("train", "test")
    parts = []
    for split in splits:
        images, labels = getattr(data, split), getattr(data, f"{split}_labels")
        mean = encode(trained.model, trained.pixels(images)).mean
        part = {
            "dataset": trained.label,
            "latent_dim": 2,
            "split": split,
            "image": getattr(data, f"{split}_index"),
            "label": pd.array(
                [pd.NA] * len(images) if labels is None else labels.tolist(), dtype="Int64"
            ),
            "z1": mean[:, 0],
            "z2": mean[:, 1],
        }
        parts.append(pd.DataFrame(part))
    return pd.concat(parts, ignore_index=True).sort_values("image", ignore_index=True)
