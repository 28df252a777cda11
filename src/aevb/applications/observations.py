"""Channels: how an image x is seen, in part or corrupted, as y; and p(y|z) of what is seen.

A decoder gives p(x|z); a channel turns it into p(y|z) = ∫ p(y|x) p(x|z) dx. :class:`Observed` is a
model seen through a channel, which every sampler and every estimator of this package takes as it
takes the model itself: the posterior of z is then p(z|y), and log p(y) what is estimated.
"""

import math
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from aevb.errors import ConfigError
from aevb.likelihood.model import Model
from aevb.models.architecture import Architecture
from aevb.models.pixels import BernoulliPixels

tfd = tfp.distributions

_CERTAIN = 1e4
"""A logit of probability 1 in float32."""


class Channel(Protocol):
    """How an image is seen. Immutable and hashable, so that it can be part of a program."""

    def observe(self, x: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        """What is seen of the images x [n, D]: y [n, D_y], float32."""

    def likelihood(self, pixels: tfd.Distribution) -> tfd.Distribution:
        """p(y|z) from p(x|z), a distribution with event shape [D] -> event shape [D_y]."""

    def restore(self, pixels: tfd.Distribution, y: tf.Tensor) -> tf.Tensor:
        """E[x|y, z] from p(x|z): what z leaves open of a pixel, y may tell.

        Args:
            pixels: p(x|z), batch shape [..., n], event shape [D].
            y: what is seen, [n, D_y].

        Returns:
            [..., n, D].
        """


@dataclass(frozen=True)
class Observed:
    """An architecture seen through a channel, with the same latent variables and decoder."""

    architecture: Architecture
    channel: Channel

    @property
    def latent_dim(self) -> int:
        """N_z."""
        return self.architecture.latent_dim

    def prior(self) -> tfd.Distribution:
        """p(z), as the architecture has it."""
        return self.architecture.prior()

    def decode(self, decoder: Any, z: tf.Tensor) -> tfd.Distribution:
        """p(y|z): z [..., n, N_z] -> batch shape [..., n], event shape [D_y]."""
        return self.channel.likelihood(self.architecture.decode(decoder, z))


def observed(model: Model, channel: Channel) -> Model:
    """The model seen through the channel; without an encoder, which would need whole images."""
    return Model(Observed(model.architecture, channel), model.parameters._replace(encoder=()))


@dataclass(frozen=True)
class VisiblePixels:
    """Only some pixels are seen; the others are missing (§2.1: inpainting)."""

    indices: tuple[int, ...]
    """Which of the D pixels."""

    def observe(self, x: np.ndarray, generator: np.random.Generator | None = None) -> np.ndarray:
        """See :class:`Channel`."""
        return np.ascontiguousarray(x[:, list(self.indices)], np.float32)

    def likelihood(self, pixels: tfd.Distribution) -> tfd.Distribution:
        """The decoder's distribution of those pixels: exact, since it factorises over pixels."""

        def chosen(values):
            return tf.gather(values, self.indices, axis=-1)

        if isinstance(pixels, BernoulliPixels):
            return BernoulliPixels(chosen(pixels.distribution.logits))
        return _normal(*map(chosen, _mean_and_deviation(pixels)))

    def restore(self, pixels: tfd.Distribution, y: tf.Tensor) -> tf.Tensor:
        """The visible pixels as they are, the decoder's mean of the others: exact."""
        mean = pixels.mean()
        place = tf.one_hot(self.indices, mean.shape[-1], dtype=mean.dtype)
        return y @ place + (1 - tf.reduce_sum(place, axis=0)) * mean


@dataclass(frozen=True)
class PartlySeen:
    """Other pixels of each image are missing, those that are NaN in y: one program for all."""

    def likelihood(self, pixels: tfd.Distribution) -> tfd.Distribution:
        """The decoder's distribution, in which missing pixels count nothing: exact, since it
        factorises over pixels."""
        return _Seen(pixels)


@dataclass(frozen=True)
class BitFlips:
    """Each pixel is inverted, x -> 1 − x, with probability ``rate``, independently."""

    rate: float

    def __post_init__(self):
        if not 0 < self.rate < 0.5:
            raise ConfigError(f"the rate of bit flips must be between 0 and 0.5, not {self.rate}")

    def observe(self, x: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        """See :class:`Channel`."""
        flipped = generator.random(x.shape) < self.rate
        return np.where(flipped, 1 - x, x).astype(np.float32)

    def likelihood(self, pixels: tfd.Distribution) -> tfd.Distribution:
        """Bernoulli with mean ρ + (1 − 2ρ) E[x]: exact for binary pixels.

        Raises:
            ConfigError: the decoder's pixels are not Bernoulli.
        """
        if not isinstance(pixels, BernoulliPixels):
            raise ConfigError("bits can be flipped only of Bernoulli pixels; use Gaussian noise")
        logits = pixels.distribution.logits
        odds = math.log(self.rate) - math.log1p(-self.rate)
        # log[(ρ + (1 − ρ) eˡ) / ((1 − ρ) + ρ eˡ)], which does not saturate before ρ is reached.
        ones = tf.nn.softplus(logits - odds) + odds
        return BernoulliPixels(ones - tf.nn.softplus(logits + odds))

    def restore(self, pixels: tfd.Distribution, y: tf.Tensor) -> tf.Tensor:
        """By Bayes' rule for each pixel: exact for binary pixels."""
        odds = math.log1p(-self.rate) - math.log(self.rate)
        return tf.sigmoid(pixels.distribution.logits + (2.0 * y - 1.0) * odds)


@dataclass(frozen=True)
class GaussianNoise:
    """Gaussian noise is added to each pixel: y = x + s ε, not clipped."""

    standard_deviation: float

    def __post_init__(self):
        if not self.standard_deviation > 0:
            raise ConfigError(
                "the standard deviation of the noise must be positive, not"
                f" {self.standard_deviation}"
            )

    def observe(self, x: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        """See :class:`Channel`."""
        noise = generator.standard_normal(x.shape)
        return (x + self.standard_deviation * noise).astype(np.float32)

    def likelihood(self, pixels: tfd.Distribution) -> tfd.Distribution:
        """Normal with the variances added; of Bernoulli pixels, the mixture of N(1, s²) and
        N(0, s²) with their probabilities. Exact."""
        if isinstance(pixels, BernoulliPixels):
            return _NoisyBits(pixels.distribution.logits, self.standard_deviation)
        mean, deviation = _mean_and_deviation(pixels)
        return _normal(mean, tf.sqrt(tf.square(deviation) + self.standard_deviation**2))

    def restore(self, pixels: tfd.Distribution, y: tf.Tensor) -> tf.Tensor:
        """By Bayes' rule for each pixel: exact for binary and for Gaussian pixels."""
        noise = self.standard_deviation**2
        if isinstance(pixels, BernoulliPixels):
            return tf.sigmoid(pixels.distribution.logits + (2.0 * y - 1.0) / (2.0 * noise))
        mean, deviation = _mean_and_deviation(pixels)
        variance = tf.square(deviation)
        return (noise * mean + variance * y) / (noise + variance)


@dataclass(frozen=True)
class BlockMeans:
    """The mean of each block of ``size`` × ``size`` pixels is seen (super-resolution)."""

    image_shape: tuple[int, int]
    size: int

    def __post_init__(self):
        if self.size < 1 or any(length % self.size for length in self.image_shape):
            rows, columns = self.image_shape
            raise ConfigError(
                f"blocks of {self.size} × {self.size} pixels do not divide images of"
                f" {rows} × {columns}"
            )

    @property
    def small_shape(self) -> tuple[int, int]:
        """Rows and columns of what is seen."""
        rows, columns = self.image_shape
        return rows // self.size, columns // self.size

    def observe(self, x: np.ndarray, generator: np.random.Generator | None = None) -> np.ndarray:
        """See :class:`Channel`."""
        return np.ascontiguousarray(self._means(np.asarray(x), np.mean), np.float32)

    def likelihood(self, pixels: tfd.Distribution) -> tfd.Distribution:
        """Of Gaussian pixels: normal with the mean of the means and, over the n = size² pixels,
        (1/n²) Σ σ² as the variance. Exact.

        Of Bernoulli pixels: log p(b|z) = n (b log ȳ + (1 − b) log(1 − ȳ)) with ȳ the mean of the
        probabilities, up to a constant that depends on b alone: that of a binomial count, which
        takes the pixels of a block to be alike. Their true variance is smaller, so what is seen
        counts for somewhat too little.
        """
        if isinstance(pixels, BernoulliPixels):
            means = self._means(pixels.mean(), tf.reduce_mean)
            means = tf.clip_by_value(means, 1e-6, 1 - 1e-6)
            return _BlockCounts(tf.math.log(means) - tf.math.log1p(-means), self.size**2)
        mean, deviation = _mean_and_deviation(pixels)
        variance = self._means(tf.square(deviation), tf.reduce_mean) / self.size**2
        return _normal(self._means(mean, tf.reduce_mean), tf.sqrt(variance))

    def restore(self, pixels: tfd.Distribution, y: tf.Tensor) -> tf.Tensor:
        """The decoder's means, moved such that the block means are those seen, each pixel in
        proportion to its variance: exact for Gaussian pixels, of Bernoulli ones the best linear
        estimate, clipped to [0, 1]."""
        mean, variance = pixels.mean(), pixels.variance()
        missing = y - self._means(mean, tf.reduce_mean)
        share = missing / (self._means(variance, tf.reduce_mean) + 1e-12)
        moved = mean + variance * self._spread(share)
        return tf.clip_by_value(moved, 0, 1) if isinstance(pixels, BernoulliPixels) else moved

    def _spread(self, values: tf.Tensor) -> tf.Tensor:
        """One value a block [..., D_y] to its pixels, [..., D]."""
        rows, columns = self.small_shape
        leading = [-1 if size is None else size for size in values.shape[:-1]]
        blocks = tf.reshape(values, (*leading, rows, 1, columns, 1))
        pixels = tf.tile(blocks, [1] * (len(leading) + 1) + [self.size, 1, self.size])
        return tf.reshape(pixels, (*leading, math.prod(self.image_shape)))

    def _means(self, values, mean):
        """The block means of values [..., D], by NumPy's or TensorFlow's ``mean``."""
        rows, columns = self.small_shape
        leading = [-1 if size is None else size for size in values.shape[:-1]]
        reshape = np.reshape if isinstance(values, np.ndarray) else tf.reshape
        blocks = reshape(values, (*leading, rows, self.size, columns, self.size))
        return reshape(mean(blocks, axis=(-3, -1)), (*leading, rows * columns))


class _Seen(tfd.Independent):
    """Pixels of which those that are NaN in what is seen have probability 1."""

    def __init__(self, pixels: tfd.Distribution):
        super().__init__(pixels.distribution, 1)
        self._pixels = pixels

    def _log_prob(self, y):
        seen = ~tf.math.is_nan(y)
        y = tf.where(seen, y, 0.0)
        if isinstance(self._pixels, BernoulliPixels):
            # Which are 0 with certainty.
            logits = tf.where(seen, self.distribution.logits, -_CERTAIN)
            return BernoulliPixels(logits).log_prob(y)
        return tf.reduce_sum(tf.where(seen, self.distribution.log_prob(y), 0.0), axis=-1)


class _NoisyBits(tfd.Independent):
    """Bernoulli pixels plus Gaussian noise."""

    def __init__(self, logits: tf.Tensor, standard_deviation: float):
        super().__init__(tfd.Normal(tf.sigmoid(logits), standard_deviation), 1)
        self._logits, self._deviation = logits, standard_deviation

    def _log_prob(self, y):
        variance = self._deviation**2
        zero = -0.5 * (tf.square(y) / variance + math.log(2 * math.pi * variance))
        one_against_zero = (2.0 * y - 1.0) / (2.0 * variance)
        mixed = tf.nn.softplus(self._logits + one_against_zero) - tf.nn.softplus(self._logits)
        return tf.reduce_sum(zero + mixed, axis=-1)


class _BlockCounts(BernoulliPixels):
    """Binomial counts of blocks, up to the binomial coefficient."""

    def __init__(self, logits: tf.Tensor, count: int):
        super().__init__(logits)
        self._count = count

    def _log_prob(self, y):
        return self._count * super()._log_prob(y)


def _mean_and_deviation(pixels: tfd.Distribution) -> tuple[tf.Tensor, tf.Tensor]:
    return pixels.distribution.loc, pixels.distribution.scale


def _normal(mean: tf.Tensor, deviation: tf.Tensor) -> tfd.Distribution:
    return tfd.Independent(tfd.Normal(mean, deviation), 1)
