"""Estimators of ∇_φ of the lower bound (§2.2, §2.3): how much noise each has.

The score-function estimator is what §2.2 calls the naive one, f(z) ∇_φ log q(z|x) with
f = log p(x, z) − log q(z|x); with a baseline, f less its value at one further draw of the same
datapoint (in training, :class:`aevb.algorithms.aevb.AEVB` takes the mean over L further draws).
A and B are the SGVB estimators (eq. 6 and 7).
"""

import functools
from typing import NamedTuple

import numpy as np
import pandas as pd
import tensorflow as tf

from aevb import random
from aevb.algorithms import bounds
from aevb.algorithms.settings import ESTIMATORS
from aevb.likelihood.model import Model
from aevb.process.progress import LOGGER


class Moments(NamedTuple):
    """Of the gradient over R replicates, all parameters of the encoder in one vector [P]."""

    mean: np.ndarray
    """[P], float64."""
    variance: float
    """The trace of the covariance, unbiased."""
    standard_error: float
    """Of the variance, from the spread of the replicates' squared distances from their mean: it
    takes the parameters' correlations as they are."""


def gradient(model: Model, kind: str, x: tf.Tensor, noise: tf.Tensor) -> tf.Tensor:
    """One estimate of ∇_φ (1/M) Σ_i L(x_i).

    Args:
        model: with an encoder, of one member.
        kind: a key of :data:`aevb.algorithms.settings.ESTIMATORS`.
        x: the minibatch, [M, D].
        noise: standard normal, [L, M, N_z]; of ``score_baseline`` [L, M, 2 N_z], the second half
            of which makes the baselines.

    Returns:
        [P], nats per datapoint and unit of φ: all parameters of the encoder, one after the other.
    """
    rows = tf.reshape(tf.tile(x[tf.newaxis], [noise.shape[0], 1, 1]), [-1, x.shape[-1]])
    run = _program(model.architecture, kind)
    return run(model.parameters, rows, tf.reshape(noise, [-1, noise.shape[-1]]))


def moments(
    model: Model,
    kind: str,
    data: np.ndarray,
    *,
    draws: int,
    minibatch: int,
    replicates: int,
    seed: int = 0,
) -> Moments:
    """Mean and variance of the gradient over random minibatches and random noise.

    Args:
        model: with an encoder, of one member.
        kind: a key of :data:`aevb.algorithms.settings.ESTIMATORS`.
        data: [N, D], values in [0, 1]; minibatches are drawn from it with replacement.
        draws: L.
        minibatch: M.
        replicates: R ≥ 2, how many estimates.
        seed: of minibatches and noise. The minibatches are the same for all estimators.
    """
    seeds = tf.constant([seed])
    width = (2 if kind == "score_baseline" else 1) * model.latent_dim
    values = []
    for i in range(replicates):
        index_keys = random.keys(seeds, random.Purpose.MINIBATCH, i)
        chosen = random.indices(index_keys, minibatch, len(data))[0].numpy()
        noise_keys = random.keys(seeds, random.Purpose.ESTIMATORS, i)
        noise = model.architecture.noise(noise_keys, (draws, minibatch, width))[0]
        value = gradient(model, kind, tf.constant(data[chosen], tf.float32), noise)
        values.append(value.numpy())
    mean = np.mean(values, axis=0, dtype=np.float64)
    distances = np.array([((value - mean) ** 2).sum() for value in values])
    distances *= replicates / (replicates - 1)
    error = distances.std(ddof=1) / np.sqrt(replicates)
    return Moments(mean, float(distances.mean()), float(error))


def measure(
    models: dict[str, Model],
    data: np.ndarray,
    pairs: list[tuple[int, int]],
    replicates: int,
    seed: int = 0,
) -> pd.DataFrame:
    """The noise of each estimator at each (L, M).

    Args:
        models: by state, such as trained and untrained.
        data: [N, D], values in [0, 1].
        pairs: of L and M.
        replicates: estimates for each variance.
        seed: of minibatches and noise.

    Returns:
        One row a state, estimator, L and M: ``variance``, the trace of the covariance of the
        gradient over all encoder parameters; ``signal``, an unbiased estimate of the squared norm
        of the mean gradient; ``standard_error`` of the variance; ``replicates``.
    """
    rows = []
    for state, model in models.items():
        for kind, label in ESTIMATORS.items():
            for draws, minibatch in pairs:
                found = moments(
                    model,
                    kind,
                    data,
                    draws=draws,
                    minibatch=minibatch,
                    replicates=replicates,
                    seed=seed,
                )
                rows.append(
                    {
                        "state": state,
                        "estimator": label,
                        "samples_per_datapoint": draws,
                        "batch_size": minibatch,
                        "variance": found.variance,
                        "standard_error": found.standard_error,
                        "signal": float((found.mean**2).sum()) - found.variance / replicates,
                        "replicates": replicates,
                    }
                )
            LOGGER.info(
                f"{state}: {label}: variance {rows[-1]['variance']:.3g} at L={draws}, M={minibatch}"
            )
    return pd.DataFrame(rows)


@functools.cache
def _program(architecture, kind: str):
    """Parameters, x [L M, D], noise [L M, N_z or 2 N_z] -> gradient [P]. Without XLA: each shape
    would be compiled anew, which takes longer than what is measured."""

    def value(parameters, x, noise):
        posterior = architecture.encode(parameters.encoder, x)
        prior = architecture.prior()

        def likelihood(z):
            return architecture.decode(parameters.decoder, z)

        further = None
        if kind == "score_baseline":
            noise, further = tf.split(noise, 2, axis=-1)
        return bounds.estimate(kind, x, posterior, prior, likelihood, noise, further)

    @tf.function(autograph=False, reduce_retracing=True)
    def run(parameters, x, noise):
        with tf.GradientTape() as tape:
            tape.watch(parameters.encoder)
            rows = value(parameters, x[tf.newaxis], noise[tf.newaxis, tf.newaxis])
            objective = tf.reduce_mean(rows)
        slopes = tape.gradient(objective, parameters.encoder)
        return tf.concat([tf.reshape(slope, [-1]) for slope in tf.nest.flatten(slopes)], axis=0)

    return run
