"""Uniform numbers in the open interval, and inverse CDFs that they go through."""

import tensorflow as tf

from aevb import random

_HALF_A_STEP = 2.0**-24


def open_uniform(keys: tf.Tensor, shape: tuple[int, ...]) -> tf.Tensor:
    """Uniform numbers in the open interval (0, 1), [E, *shape], float32.

    Those of :func:`aevb.random.uniform` are k 2⁻²³ and can be 0, where many an inverse CDF or its
    gradient is infinite. Half a step is added, which float32 holds exactly: the numbers lie
    symmetrically, 2⁻²⁴ from either end at the least.
    """
    return random.uniform(keys, shape) + _HALF_A_STEP


def laplace_quantile(u: tf.Tensor) -> tf.Tensor:
    """The inverse CDF of the Laplace distribution with location 0 and scale 1."""
    centred = 2.0 * u - 1.0
    return -tf.sign(centred) * tf.math.log1p(-tf.abs(centred))


def logistic_quantile(u: tf.Tensor) -> tf.Tensor:
    """The inverse CDF of the logistic distribution with location 0 and scale 1."""
    return tf.math.log(u) - tf.math.log1p(-u)


def triangular_quantile(u: tf.Tensor, mode: float) -> tf.Tensor:
    """The inverse CDF of the triangular distribution on (0, 1) with its peak at ``mode``."""
    return tf.where(u < mode, tf.sqrt(mode * u), 1.0 - tf.sqrt((1.0 - mode) * (1.0 - u)))
