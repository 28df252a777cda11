"""Location-scale posteriors q(z|x) other than the Gaussian (§2.4): noise, density, KL divergence.

Each component is z_j = μ_j + σ_j ε_j, with ε from a standard member of mean 0 and variance 1. The
scale σ is therefore the standard deviation for every kind, not the kind's own scale (the b of a
Laplace distribution is σ/√2), and :func:`aevb.algorithms.bounds.reparameterise` needs no change.

Against the prior N(0, I), −KL(q ‖ p) = H(q) + E_q[log p] has a closed form for every kind, as log p
is quadratic: its mean takes but μ and σ, and the entropy of a location-scale family is that of
its standard member plus log σ. Estimator B therefore serves them all. It should serve the uniform
and the triangular q: log q is −∞ outside their support, which the rounding of a z near the edge can
cross, so that estimator A can become infinite. (E_q is over q's own support alone, where log p is
finite; there is nothing wrong with the bound.)
"""

from dataclasses import dataclass

import numpy as np
import tensorflow as tf
from scipy import special

from aevb import random
from aevb.errors import ConfigError
from aevb.models.posteriors.quantiles import (
    laplace_quantile,
    logistic_quantile,
    open_uniform,
    triangular_quantile,
)

STUDENT_T_DF = 5
"""The degrees of freedom of Student's t: a whole number, above 2, so that it has a variance."""

KINDS = ("gaussian", "laplace", "logistic", "student_t", "triangular", "uniform")

_LAPLACE_SCALE = np.sqrt(0.5)
_LOGISTIC_SCALE = np.sqrt(3.0) / np.pi
_STUDENT_T_SCALE = np.sqrt((STUDENT_T_DF - 2) / STUDENT_T_DF)
_TRIANGULAR_END = np.sqrt(6.0)
_UNIFORM_END = np.sqrt(3.0)
_LOG_2_PI = np.log(2 * np.pi)


@dataclass(frozen=True)
class LocationScale:
    """q(z|x) with independent components of one kind.

    It has of a TFP distribution what the estimators of :mod:`aevb.algorithms.bounds` use.

    Attributes:
        kind: one of KINDS.
        location: μ [..., n, N_z], the mean.
        scale: σ [..., n, N_z], the standard deviation, positive.

    Raises:
        ConfigError: there is no such kind.
    """

    kind: str
    location: tf.Tensor
    scale: tf.Tensor

    def __post_init__(self):
        _known(self.kind)

    def mean(self) -> tf.Tensor:
        """μ, [..., n, N_z]."""
        return self.location

    def stddev(self) -> tf.Tensor:
        """σ, [..., n, N_z]."""
        return self.scale

    def log_prob(self, z: tf.Tensor) -> tf.Tensor:
        """log q(z|x) [..., n], nats, summed over the components of z [..., n, N_z]."""
        return log_prob(self.kind, self.location, self.scale, z)

    def negative_kl(self) -> tf.Tensor:
        """−KL(q(z|x) ‖ N(0, I)), [..., n], nats; see :func:`negative_kl`."""
        return tf.reduce_sum(negative_kl(self.kind, self.location, self.scale), axis=-1)


def noise(kind: str, keys: tf.Tensor, shape: tuple[int, ...]) -> tf.Tensor:
    """ε [E, *shape], float32, of mean 0 and variance 1, one independent draw for each key.

    Args:
        kind: one of KINDS.
        keys: [E, 2], see :func:`aevb.random.keys`.
        shape: of each member's noise.

    Raises:
        ConfigError: there is no such kind.
    """
    _known(kind)
    if kind == "gaussian":
        return random.normal(keys, shape)
    if kind == "student_t":
        # t(ν) √((ν−2)/ν): one normal number over the root of the sum of ν other squares.
        normal = random.normal(keys, (1 + STUDENT_T_DF, *shape))
        squares = tf.reduce_sum(tf.square(normal[:, 1:]), axis=1)
        return normal[:, 0] * tf.sqrt((STUDENT_T_DF - 2.0) / squares)
    u = open_uniform(keys, shape)
    if kind == "laplace":
        return _LAPLACE_SCALE.astype(np.float32) * laplace_quantile(u)
    if kind == "logistic":
        return _LOGISTIC_SCALE.astype(np.float32) * logistic_quantile(u)
    if kind == "triangular":
        return _TRIANGULAR_END.astype(np.float32) * (2.0 * triangular_quantile(u, 0.5) - 1.0)
    return _UNIFORM_END.astype(np.float32) * (2.0 * u - 1.0)


def log_prob(kind: str, location: tf.Tensor, scale: tf.Tensor, z: tf.Tensor) -> tf.Tensor:
    """log q(z|x), summed over the components: z [..., n, N_z] -> [..., n], nats.

    −∞ outside the support of a uniform or a triangular q: |z_j − μ_j| above √3 σ_j or √6 σ_j.

    Raises:
        ConfigError: there is no such kind.
    """
    _known(kind)
    standard = _standard_log_prob(kind, (z - location) / scale)
    return tf.reduce_sum(standard - tf.math.log(scale), axis=-1)


def negative_kl(kind: str, location: tf.Tensor, scale: tf.Tensor) -> tf.Tensor:
    """−KL(q(z_j|x) ‖ N(0, 1)) = H(ε) + log σ_j − ½ log 2π − ½ (μ_j² + σ_j²), of each component.

    Args:
        kind: one of KINDS; H(ε) is :func:`entropy`.
        location: μ [..., n, N_z].
        scale: σ [..., n, N_z], the standard deviations.

    Returns:
        [..., n, N_z], nats, never positive.

    Raises:
        ConfigError: there is no such kind.
    """
    constant = entropy(kind) - 0.5 * _LOG_2_PI
    return constant + tf.math.log(scale) - 0.5 * (tf.square(location) + tf.square(scale))


def entropy(kind: str) -> float:
    """H(ε) of the standard member with variance 1, nats; the Gaussian's is the largest.

    Raises:
        ConfigError: there is no such kind.
    """
    _known(kind)
    half = (STUDENT_T_DF + 1) / 2
    return float(
        {
            "gaussian": 0.5 * (1.0 + _LOG_2_PI),
            "laplace": 1.0 + np.log(2 * _LAPLACE_SCALE),
            "logistic": 2.0 + np.log(_LOGISTIC_SCALE),
            "student_t": half * (special.digamma(half) - special.digamma(STUDENT_T_DF / 2))
            + 0.5 * np.log(STUDENT_T_DF)
            + special.betaln(STUDENT_T_DF / 2, 0.5)
            + np.log(_STUDENT_T_SCALE),
            "triangular": 0.5 + np.log(_TRIANGULAR_END),
            "uniform": np.log(2 * _UNIFORM_END),
        }[kind]
    )


def _known(kind: str) -> None:
    if kind not in KINDS:
        raise ConfigError(f"there is no posterior {kind!r}; it is one of {', '.join(KINDS)}")


def _standard_log_prob(kind: str, e: tf.Tensor) -> tf.Tensor:
    """log q(ε) of the standard member with variance 1, elementwise."""
    if kind == "gaussian":
        return -0.5 * (tf.square(e) + _LOG_2_PI)
    if kind == "laplace":
        return -tf.abs(e) / _LAPLACE_SCALE - np.log(2 * _LAPLACE_SCALE)
    if kind == "logistic":
        size = tf.abs(e) / _LOGISTIC_SCALE
        return -size - 2.0 * tf.math.softplus(-size) - np.log(_LOGISTIC_SCALE)
    if kind == "student_t":
        constant = special.betaln(STUDENT_T_DF / 2, 0.5) + 0.5 * np.log(STUDENT_T_DF - 2)
        # (ε / its scale)² / ν, the variance being 1.
        squares = tf.square(e) / (STUDENT_T_DF - 2.0)
        return -0.5 * (STUDENT_T_DF + 1.0) * tf.math.log1p(squares) - constant
    end = _TRIANGULAR_END if kind == "triangular" else _UNIFORM_END
    inside = tf.abs(e) < end
    if kind == "uniform":
        log_density = tf.fill(tf.shape(e), tf.cast(-np.log(2 * end), e.dtype))
    else:
        # Outside it is the centre's height, so that no gradient is a NaN.
        size = tf.where(inside, tf.abs(e), tf.zeros_like(e)) / end
        log_density = tf.math.log1p(-size) - np.log(end)
    return tf.where(inside, log_density, tf.constant(-np.inf, e.dtype))
