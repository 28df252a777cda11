"""Densities fitted to samples, those of many datapoints at once.

For the estimator of Appendix D, to which any density is right and a closer one better.
"""

import math
from typing import NamedTuple

import tensorflow as tf

from aevb.likelihood.choices import Kind

SAMPLES_PER_DIMENSION = 4
"""With fewer, a kernel density or a full covariance is not tried."""

SMALLEST_DEVIATION = 1e-6
"""A standard deviation below is taken to be this: float32 resolves no less for a z of order 1."""

SINGULAR = 1e-8
"""A covariance is singular if less than this share of a coordinate's variance is its own, and not
explained by those before it."""

BANDWIDTHS = tuple(math.exp((i - 5) / 2) for i in range(10))
"""What the kernel's bandwidth is chosen from, in units of Scott's factor (the first author's
library)."""


class Density(NamedTuple):
    """A fitted density of each of n datapoints, at m places."""

    log_prob: tf.Tensor
    """[m, n], float64, nats."""
    bandwidth: tf.Tensor
    """Of the kernel, in units of the samples' deviations, [n]; NaN without a kernel."""
    fallback: tf.Tensor
    """Whether a diagonal Gaussian had to do, [n], bool."""


@tf.function(jit_compile=True, autograph=False)
def log_density(kind: Kind, samples: tf.Tensor, places: tf.Tensor) -> Density:
    """Fit a density to the samples of each datapoint and evaluate it at its places.

    ``diagonal``: a Gaussian with the samples' means and variances. ``full``: one with their
    covariance. ``kernel``: Gaussian kernels around the samples with their covariance times h²; h
    is the one of n^(−1/(d+4)) e^((i−5)/2), i = 0 … 9, with which kernels around the second half of
    the samples explain the first half best (``kde_infer_factor`` in the first author's
    ``hmc_est.py``).

    Instead of ``full`` and ``kernel``, a point gets ``diagonal`` if it has fewer than
    SAMPLES_PER_DIMENSION samples for each dimension or a covariance that is SINGULAR; a variance
    below SMALLEST_DEVIATION² is raised to it. So q is a density whatever finite samples are; a NaN
    among them makes the point's log densities NaN.

    Args:
        kind: see above.
        samples: [k, n, d], k ≥ 2. In the order of the chain, of which the halves are to be
            independent.
        places: [m, n, d].

    Returns:
        In float64, whatever the samples are. No sum over samples leaves the logarithm.
    """
    samples, places = tf.cast(samples, tf.float64), tf.cast(places, tf.float64)
    k, n, d = samples.shape
    no_bandwidth = tf.fill([n], tf.constant(math.nan, tf.float64))
    diagonal = _diagonal(samples, places)
    if kind == "diagonal":
        return Density(diagonal, no_bandwidth, tf.zeros([n], tf.bool))
    if k < SAMPLES_PER_DIMENSION * d:
        return Density(diagonal, no_bandwidth, tf.ones([n], tf.bool))
    if kind == "full":
        whitening = _whitening(samples)
        log_prob = _standard_normal(whitening(places)) + whitening.log_determinant
        return _unless_singular(log_prob, no_bandwidth, diagonal, whitening.regular)
    scott = k ** (-1 / (d + 4))
    factors = scott * tf.constant(BANDWIDTHS, tf.float64)[:, tf.newaxis]
    scores, half_regular = _kernel(samples[k // 2 :], samples[: k // 2], factors)
    best = tf.gather(factors[:, 0], tf.argmax(tf.reduce_sum(scores, axis=0), axis=0))
    log_prob, regular = _kernel(samples, places, best[tf.newaxis])
    return _unless_singular(log_prob[:, 0], best, diagonal, regular & half_regular)


class _Whitening(NamedTuple):
    """The map that gives samples the mean zero and the covariance I, of each datapoint."""

    mean: tf.Tensor
    """[n, d]"""
    deviation: tf.Tensor
    """[n, d]"""
    root: tf.Tensor
    """Cholesky factor of the correlations, [n, d, d]."""
    regular: tf.Tensor
    """Whether there is such a map, [n]; the identity stands in for the root where not."""

    def __call__(self, z: tf.Tensor) -> tf.Tensor:
        scaled = tf.transpose((z - self.mean) / self.deviation, [1, 2, 0])
        return tf.transpose(tf.linalg.triangular_solve(self.root, scaled), [2, 0, 1])

    @property
    def log_determinant(self) -> tf.Tensor:
        """Of its Jacobian, [n]."""
        diagonal = self.deviation * tf.linalg.diag_part(self.root)
        return -tf.reduce_sum(tf.math.log(diagonal), axis=-1)


def _moments(samples):
    mean = tf.reduce_mean(samples, axis=0)
    variance = tf.reduce_sum((samples - mean) ** 2, axis=0) / (samples.shape[0] - 1)
    return mean, tf.maximum(tf.sqrt(variance), SMALLEST_DEVIATION)


def _whitening(samples) -> _Whitening:
    mean, deviation = _moments(samples)
    scaled = (samples - mean) / deviation
    correlations = tf.einsum("knd,kne->nde", scaled, scaled) / (samples.shape[0] - 1)
    # NaN where it does not exist; XLA raises nothing.
    root = tf.linalg.cholesky(correlations)
    regular = tf.reduce_all(tf.linalg.diag_part(root) ** 2 > SINGULAR, axis=-1)
    identity = tf.eye(samples.shape[-1], dtype=samples.dtype)
    root = tf.where(regular[:, tf.newaxis, tf.newaxis], root, identity)
    return _Whitening(mean, deviation, root, regular)


def _diagonal(samples, places):
    mean, deviation = _moments(samples)
    log_determinant = -tf.reduce_sum(tf.math.log(deviation), axis=-1)
    return _standard_normal((places - mean) / deviation) + log_determinant


def _kernel(samples, places, factors):
    """Log densities with bandwidths ``factors`` [h, n or 1]: [m, h, n], and which are regular."""
    whitening = _whitening(samples)
    k, _, d = samples.shape
    centres = whitening(samples)

    def mean_kernel(place):
        squares = tf.reduce_sum((place - centres) ** 2, axis=-1)
        scaled = squares / factors[:, tf.newaxis] ** 2
        return tf.reduce_logsumexp(-scaled / 2, axis=1) - math.log(k)

    # One place at a time: all at once would not fit into memory.
    log_means = tf.map_fn(mean_kernel, whitening(places))
    log_volumes = d * tf.math.log(factors) + d / 2 * math.log(2 * math.pi)
    return log_means - log_volumes + whitening.log_determinant, whitening.regular


def _standard_normal(z):
    return -(tf.reduce_sum(z**2, axis=-1) + z.shape[-1] * math.log(2 * math.pi)) / 2


def _unless_singular(log_prob, bandwidth, diagonal, regular) -> Density:
    return Density(
        tf.where(regular, log_prob, diagonal),
        tf.where(regular, bandwidth, math.nan),
        ~regular,
    )
