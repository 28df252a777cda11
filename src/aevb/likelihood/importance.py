"""Importance sampling of log p(x) with the encoder as proposal (beyond the paper).

log (1/k) Σ_j p(x, z_j) / q(z_j|x) with z_j ~ q(z|x): in expectation at most log p(x), and the
higher the larger k (Burda, Grosse & Salakhutdinov, 2016, "Importance Weighted Autoencoders",
arXiv:1509.00519, theorem 1). With k = 1 it is the bound's estimator A.
"""

import functools
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from scipy.special import softmax

from aevb import random
from aevb.likelihood.estimate import Estimate
from aevb.likelihood.methods.importance import Importance
from aevb.likelihood.model import Model, log_joint
from aevb.models.architecture import Parameters

LARGEST_PARETO_K = 0.7
"""Of a value that passes (Vehtari et al., 2024): beyond it no k that is practical is enough."""

LARGEST_STANDARD_ERROR = 0.2
"""Of a value that passes, in nats."""


Budget = Importance


class _Sums(NamedTuple):
    """What is kept of the weights seen so far, for each of n datapoints."""

    log_scale: tf.Tensor
    """Largest log weight, [n], nats."""
    first: tf.Tensor
    """Σ w, in units of the largest, [n]."""
    second: tf.Tensor
    """Σ w², in the same units squared, [n]."""
    tail: tf.Tensor
    """The largest log weights, sorted from the largest on, [n, M + 1]."""


def estimate(model: Model, x: np.ndarray, budget: Budget, seed: int) -> Estimate:
    """Lower estimates of log p(x): in expectation at most log p(x).

    Args:
        model: with an encoder.
        x: [n, D].
        budget: see :class:`Budget`.
        seed: the result is a function of it, of the model, of ``x`` and of k.

    Returns:
        The standard error is the delta method's; NaN for k = 1. Diagnostics: ``ess`` of the
        weights, from 1 to k; ``max_share``, the largest weight's part of their sum; ``pareto_k``,
        the shape of their upper tail, see :func:`pareto_k`. A point passes if its value is
        finite, its standard error at most LARGEST_STANDARD_ERROR and its ``pareto_k`` at most
        LARGEST_PARETO_K: with fewer than 25 samples none does.

    Raises:
        ValueError: the model has no encoder, or the budget makes no sense.
    """
    if not model.has_encoder:
        raise ValueError("importance sampling proposes from the encoder, and this model has none")
    k = budget.samples
    run = _program(model.architecture, k, min(budget.block, k))
    (key,) = random.keys(tf.constant([seed]), random.Purpose.LIKELIHOOD)
    sums = run(model.parameters, tf.constant(x, tf.float32), key)
    log_scale, first, second, tail = (values.numpy().astype(np.float64) for values in sums)
    ess = first**2 / second
    with np.errstate(divide="ignore", invalid="ignore"):
        # Of the mean, relative to the mean: (k / ess − 1) / (k − 1).
        standard_error = np.sqrt(np.maximum(k / ess - 1, 0) / (k - 1))
    value = log_scale + np.log(first / k)
    shape = pareto_k(tail)
    return Estimate(
        value=value,
        standard_error=standard_error,
        passed=np.isfinite(value)
        & (standard_error <= LARGEST_STANDARD_ERROR)
        & (shape <= LARGEST_PARETO_K),
        diagnostics={"ess": ess, "max_share": 1 / first, "pareto_k": shape},
        likelihood_evaluations=len(x) * k,
    )


def pareto_k(tail: np.ndarray) -> np.ndarray:
    """Shape of a generalised Pareto distribution fitted to the upper tail of the weights.

    Moments of the weights beyond 1/shape are infinite. The fit is that of Zhang & Stephens (2009,
    "A New and Efficient Estimation Method for the Generalized Pareto Distribution", Technometrics
    51), with the weak prior towards ½ of Vehtari et al. (2024, "Pareto Smoothed Importance
    Sampling", JMLR 25), who also say how large a tail to take.

    Args:
        tail: the M + 1 largest log weights, from the largest on, [n, M + 1].

    Returns:
        [n]; ∞ where M is less than 5, −∞ where all weights of the tail are equal.
    """
    count = tail.shape[1] - 1
    if count < 5:
        return np.full(len(tail), np.inf)
    weights = np.exp(tail - tail[:, :1])
    excess = weights[:, -2::-1] - weights[:, -1:]
    quartile = excess[:, int(count / 4 + 0.5) - 1]
    points = 30 + int(np.sqrt(count))
    grid = 1 - np.sqrt(points / (np.arange(points) + 0.5))
    with np.errstate(all="ignore"):
        # Candidates b for −shape/scale, each with the shape that makes it most likely.
        b = grid / (3 * quartile[:, np.newaxis]) + 1 / excess[:, -1:]
        shape = np.log1p(-b[..., np.newaxis] * excess[:, np.newaxis]).mean(axis=-1)
        posterior = softmax(count * (np.log(-b / shape) - shape - 1), axis=-1)
        mean_b = (posterior * b).sum(axis=-1, keepdims=True)
        fitted = np.log1p(-mean_b * excess).mean(axis=-1)
    return np.where(quartile > 0, (count * fitted + 10 * 0.5) / (count + 10), -np.inf)


@functools.cache
def _program(architecture, k: int, block: int):
    """Parameters, x, key -> :class:`_Sums`, from k samples in blocks."""
    kept = int(np.ceil(min(0.2 * k, 3 * np.sqrt(k)))) + 1

    @tf.function(jit_compile=True, autograph=False)
    def run(parameters: Parameters, x: tf.Tensor, key: tf.Tensor) -> _Sums:
        model = Model(architecture, parameters)
        q = architecture.encode(parameters.encoder, x[tf.newaxis])
        mean, deviation = q.mean()[0], q.stddev()[0]

        def noise(j):
            # Of each sample by its number, so that blocks do not matter.
            key_of_sample = tf.random.experimental.stateless_fold_in(key, j, alg="philox")
            return architecture.noise(key_of_sample[tf.newaxis], tuple(mean.shape))[0]

        def add(start, sums):
            j = start + tf.range(block)
            z = mean + deviation * tf.map_fn(noise, j, fn_output_signature=tf.float32)
            log_q = q.log_prob(z[:, tf.newaxis])[:, 0]
            log_weights = log_joint(model, x, z) - log_q
            log_weights = tf.where(j[:, tf.newaxis] < k, log_weights, -np.inf)
            log_scale = tf.maximum(sums.log_scale, tf.reduce_max(log_weights, axis=0))
            weights, shrinkage = tf.exp(log_weights - log_scale), tf.exp(sums.log_scale - log_scale)
            largest = tf.concat([sums.tail, tf.transpose(log_weights)], axis=-1)
            return start + block, _Sums(
                log_scale=log_scale,
                first=sums.first * shrinkage + tf.reduce_sum(weights, axis=0),
                second=sums.second * shrinkage**2 + tf.reduce_sum(weights**2, axis=0),
                tail=tf.math.top_k(largest, kept).values,
            )

        zeros, tail = tf.zeros(x.shape[0]), tf.fill([x.shape[0], kept], -np.inf)
        # The lowest finite number: infinities have no difference.
        empty = _Sums(zeros + tf.float32.min, zeros, zeros, tail)
        _, sums = tf.while_loop(lambda start, _: start < k, add, (0, empty))
        return sums

    return run
