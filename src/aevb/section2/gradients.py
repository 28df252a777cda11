"""Estimators of ∇_φ of the lower bound (§2.2, §2.3): how much noise each has.

The score-function estimator is what §2.2 calls the naive one, f(z) ∇_φ log q(z|x) with
f = log p(x, z) − log q(z|x); with a baseline, f less its value at one further draw of the same
datapoint. A and B are the SGVB estimators (eq. 6 and 7).
"""

import functools
from typing import NamedTuple

import numpy as np
import pandas as pd
import tensorflow as tf

from aevb import bounds, random
from aevb.likelihood.model import Model
from aevb.progress import LOGGER

ESTIMATORS = {
    "score": "score function",
    "score_baseline": "score function, baseline",
    "A": "SGVB A",
    "B": "SGVB B",
}
"""By name, and what tables and figures call them."""


class Moments(NamedTuple):
    """Of the gradient over R replicates, all parameters of the encoder in one vector [P]."""

    mean: np.ndarray
    """[P], float64."""
    variance: np.ndarray
    """[P], float64, unbiased."""
    replicates: int


def gradient(model: Model, kind: str, x: tf.Tensor, noise: tf.Tensor) -> tf.Tensor:
    """One estimate of ∇_φ (1/M) Σ_i L(x_i).

    Args:
        model: with an encoder, of one member.
        kind: a key of :data:`ESTIMATORS`.
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
        kind: a key of :data:`ESTIMATORS`.
        data: [N, D], values in [0, 1]; minibatches are drawn from it with replacement.
        draws: L.
        minibatch: M.
        replicates: R ≥ 2, how many estimates.
        seed: of minibatches and noise: the same for all estimators.
    """
    seeds = tf.constant([seed])
    width = (2 if kind == "score_baseline" else 1) * model.latent_dim
    mean, squares = 0.0, 0.0
    for i in range(replicates):
        index_keys = random.keys(seeds, random.Purpose.MINIBATCH, i)
        chosen = random.indices(index_keys, minibatch, len(data))[0].numpy()
        noise_keys = random.keys(seeds, random.Purpose.ESTIMATORS, i)
        noise = random.normal(noise_keys, (draws, minibatch, width))[0]
        value = gradient(model, kind, tf.constant(data[chosen], tf.float32), noise)
        # Welford's updates: the variance of parameters with a large mean would cancel otherwise.
        value = value.numpy().astype(np.float64)
        step = value - mean
        mean = mean + step / (i + 1)
        squares = squares + step * (value - mean)
    return Moments(mean, squares / (replicates - 1), replicates)


def measure(
    models: dict[str, Model],
    data: np.ndarray,
    grid: list[tuple[int, int]],
    replicates: int,
    seed: int = 0,
) -> pd.DataFrame:
    """The noise of each estimator at each (L, M).

    Args:
        models: by state, such as trained and untrained.
        data: [N, D], values in [0, 1].
        grid: pairs of L and M.
        replicates: estimates for each variance.
        seed: of minibatches and noise.

    Returns:
        One row a state, estimator, L and M: ``variance``, the trace of the covariance of the
        gradient over all encoder parameters; ``signal``, an unbiased estimate of the squared norm
        of the mean gradient; ``standard_error`` of the variance, under the normal approximation,
        which for few effective directions is too small; ``replicates``.
    """
    rows = []
    for state, model in models.items():
        for kind, label in ESTIMATORS.items():
            for draws, minibatch in grid:
                found = moments(
                    model,
                    kind,
                    data,
                    draws=draws,
                    minibatch=minibatch,
                    replicates=replicates,
                    seed=seed,
                )
                variance = float(found.variance.sum())
                directions = variance**2 / float((found.variance**2).sum())
                rows.append(
                    {
                        "state": state,
                        "estimator": label,
                        "samples_per_datapoint": draws,
                        "batch_size": minibatch,
                        "variance": variance,
                        "standard_error": variance * np.sqrt(2 / ((replicates - 1) * directions)),
                        "signal": float((found.mean**2).sum()) - variance / replicates,
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

        if kind == "B":
            return bounds.estimator_b(x, posterior, likelihood, noise)
        if kind == "A":
            return bounds.estimator_a(x, posterior, prior, likelihood, noise)
        if kind == "score":
            return bounds.score_function(x, posterior, prior, likelihood, noise)
        noise, further = tf.split(noise, 2, axis=-1)
        return bounds.score_function(x, posterior, prior, likelihood, noise, further)

    @tf.function(autograph=False, reduce_retracing=True)
    def run(parameters, x, noise):
        with tf.GradientTape() as tape:
            tape.watch(parameters.encoder)
            rows = value(parameters, x[tf.newaxis], noise[tf.newaxis, tf.newaxis])
            objective = tf.reduce_mean(rows)
        slopes = tape.gradient(objective, parameters.encoder)
        return tf.concat([tf.reshape(slope, [-1]) for slope in slopes], axis=0)

    return run
