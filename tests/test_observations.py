"""Channels: p(y|z) of what is seen of an image, against enumeration and closed forms."""

import itertools
from collections.abc import Callable

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp
from scipy import stats
from scipy.integrate import trapezoid
from scipy.special import gammaln

from aevb.applications.observations import (
    BitFlips,
    BlockMeans,
    GaussianNoise,
    PartlySeen,
    VisiblePixels,
    observed,
)
from aevb.errors import ConfigError
from aevb.likelihood.model import Model, log_likelihood
from aevb.models.linear_gaussian import LinearGaussian, ProbabilisticPCA
from aevb.models.pixels import BernoulliPixels

tfd = tfp.distributions
LOGITS = np.array([-2.0, 0.3, 1.5, -0.4], np.float32)
PROBABILITIES = 1 / (1 + np.exp(-LOGITS.astype(np.float64)))
BITS = np.array(list(itertools.product([0.0, 1.0], repeat=4)), np.float32)


def bits() -> BernoulliPixels:
    return BernoulliPixels(tf.constant(LOGITS))


def gaussian(mean: np.ndarray, deviation: np.ndarray) -> tfd.Distribution:
    return tfd.Independent(
        tfd.Normal(tf.constant(mean, tf.float32), tf.constant(deviation, tf.float32)), 1
    )


def log_prior_of_bits(x: np.ndarray) -> np.ndarray:
    return (x * np.log(PROBABILITIES) + (1 - x) * np.log1p(-PROBABILITIES)).sum(axis=1)


def enumerated(likelihood: Callable[[np.ndarray], np.ndarray]) -> float:
    """log Σ_x p(y|x) p(x|z) over all binary images x."""
    return float(np.log((likelihood(BITS) * np.exp(log_prior_of_bits(BITS))).sum()))


@pytest.mark.parametrize("rate", [0.01, 0.1, 0.45])
def test_bit_flips_enumerated(rate):
    """Log p(y|z) is the sum over all images that may have been flipped into y."""
    channel = BitFlips(rate).likelihood(bits())
    for y in BITS:
        exact = enumerated(lambda x, y=y: np.where(x == y, 1 - rate, rate).prod(axis=1))
        assert channel.log_prob(y).numpy() == pytest.approx(exact, abs=2e-6)
    total = np.exp(channel.log_prob(BITS).numpy().astype(np.float64)).sum()
    assert total == pytest.approx(1, abs=1e-5)


def test_bit_flips_do_not_saturate():
    """A decoder that is certain and wrong costs log ρ a pixel, no more."""
    certain = BernoulliPixels(tf.constant([200.0, -200.0]))
    found = BitFlips(0.1).likelihood(certain).log_prob(tf.constant([0.0, 1.0])).numpy()
    assert found == pytest.approx(2 * np.log(0.1), abs=1e-5)


def test_noise_on_bits_enumerated():
    """Log p(y|z) is the sum over all binary images that noise may have turned into y."""
    noise = GaussianNoise(0.4)
    y = np.array([0.3, 1.6, -0.2, 0.5], np.float32)
    exact = enumerated(lambda x: stats.norm.pdf(y, x, 0.4).prod(axis=1))
    assert noise.likelihood(bits()).log_prob(y).numpy() == pytest.approx(exact, abs=5e-6)
    # Negative control: noise that is taken for smaller than it is.
    wrong = GaussianNoise(0.35).likelihood(bits()).log_prob(y).numpy()
    assert abs(wrong - exact) > 0.1


def test_noise_on_bits_is_normalised():
    """The density of one noisy pixel integrates to one."""
    y = np.linspace(-3, 4, 20_001, dtype=np.float32)[:, np.newaxis]
    one = GaussianNoise(0.3).likelihood(BernoulliPixels(tf.constant([0.7])))
    density = np.exp(one.log_prob(y).numpy().astype(np.float64))
    assert trapezoid(density, y[:, 0].astype(np.float64)) == pytest.approx(1, abs=1e-5)


def test_noise_on_gaussian_pixels_adds_variances():
    """N(μ, σ²) plus noise of variance s² is N(μ, σ² + s²)."""
    mean, deviation, y = np.array([0.2, 0.7]), np.array([0.05, 0.3]), np.array([0.5, 0.1])
    found = GaussianNoise(0.2).likelihood(gaussian(mean, deviation)).log_prob(y.astype(np.float32))
    exact = stats.norm.logpdf(y, mean, np.sqrt(deviation**2 + 0.04)).sum()
    assert found.numpy() == pytest.approx(exact, abs=1e-5)


def test_visible_pixels_are_the_decoders():
    """Seeing some pixels leaves out the others' factors and nothing else."""
    channel = VisiblePixels((3, 1))
    x = BITS[11:12]
    assert channel.observe(x).tolist() == [[x[0, 3], x[0, 1]]]
    log_factors = x[0] * np.log(PROBABILITIES) + (1 - x[0]) * np.log1p(-PROBABILITIES)
    found = channel.likelihood(bits()).log_prob(channel.observe(x)).numpy()[0]
    assert found == pytest.approx(log_factors[[3, 1]].sum(), abs=1e-6)
    mean, deviation = np.arange(4.0), np.arange(1.0, 5.0)
    found = channel.likelihood(gaussian(mean, deviation)).log_prob(np.float32([2.0, 2.0])).numpy()
    assert found == pytest.approx(stats.norm.logpdf([2, 2], mean[[3, 1]], [4, 2]).sum(), abs=1e-5)


@pytest.mark.parametrize("pixels", ["Bernoulli", "Gaussian"])
def test_missing_pixels_count_nothing(pixels):
    """NaN in y is a pixel that is not seen: the same log p(y|z), and its slope, as without it."""
    x = np.float32([[0.2, 0.9, 0.4, 0.0], [1.0, 0.1, 0.5, 0.3]])
    chosen = ((3, 1), (0, 1))
    y = np.full_like(x, np.nan)
    for image, whole, indices in zip(y, x, chosen, strict=True):
        image[list(indices)] = whole[list(indices)]
    parameters = tf.constant(np.random.default_rng(0).normal(size=(2, 4)).astype(np.float32))

    def log_prob(channel, y, which=slice(None)):
        with tf.GradientTape() as tape:
            tape.watch(parameters)
            of = parameters[which]
            decoded = (
                BernoulliPixels(of)
                if pixels == "Bernoulli"
                else tfd.Independent(tfd.Normal(of, tf.fill(of.shape, 0.3)), 1)
            )
            value = channel.likelihood(decoded).log_prob(y)
        return value.numpy(), tape.gradient(value, parameters).numpy()

    values, slopes = log_prob(PartlySeen(), y)
    for i, indices in enumerate(chosen):
        channel = VisiblePixels(indices)
        value, slope = log_prob(channel, channel.observe(x[i : i + 1])[0], i)
        assert values[i] == pytest.approx(value, abs=1e-5)
        np.testing.assert_allclose(slopes[i], slope[i], atol=1e-6)
        assert not slopes[i][np.isnan(y[i])].any()


def test_block_means_average_the_right_pixels():
    """Blocks are neighbours in rows and columns, taken row by row."""
    image = np.arange(24, dtype=np.float32).reshape(1, 24)
    blocks = BlockMeans((4, 6), 2)
    assert blocks.small_shape == (2, 3)
    square = image.reshape(4, 6)
    expected = [square[i : i + 2, j : j + 2].mean() for i in (0, 2) for j in (0, 2, 4)]
    assert blocks.observe(image)[0].tolist() == expected
    mean = blocks.likelihood(gaussian(image[0], np.ones(24))).distribution.loc.numpy()
    assert mean.tolist() == expected


def test_block_means_of_gaussian_pixels():
    """The mean of independent normals is normal; its variance is the mean variance over n."""
    rng = np.random.default_rng(0)
    mean, deviation = rng.uniform(size=16), rng.uniform(0.1, 0.5, 16)
    averaging = np.zeros((4, 16))
    for i, j in itertools.product(range(4), range(4)):
        averaging[2 * (i // 2) + j // 2, 4 * i + j] = 0.25
    y = averaging @ mean + 0.05
    exact = stats.multivariate_normal.logpdf(
        y, averaging @ mean, averaging @ np.diag(deviation**2) @ averaging.T
    )
    channel = BlockMeans((4, 4), 2).likelihood(gaussian(mean, deviation))
    assert channel.log_prob(y.astype(np.float32)).numpy() == pytest.approx(exact, abs=1e-4)


def test_block_means_of_like_bits_are_binomial():
    """The ones in a block of like pixels are binomial, up to the coefficient."""
    channel = BlockMeans((4, 4), 4).likelihood(BernoulliPixels(tf.fill([16], 0.6)))
    count = np.arange(17)
    found = channel.log_prob((count / 16).astype(np.float32)[:, np.newaxis]).numpy()
    coefficient = gammaln(17) - gammaln(count + 1) - gammaln(17 - count)
    exact = stats.binom.logpmf(count, 16, 1 / (1 + np.exp(-0.6))) - coefficient
    np.testing.assert_allclose(found, exact, atol=2e-5)


@pytest.mark.statistical
@pytest.mark.parametrize("channel", [BitFlips(0.2), GaussianNoise(0.3)])
def test_what_is_seen_has_the_right_law(channel):
    """What ``observe`` makes of a black image has the mean and the variance of its channel.

    z-tests with a false-failure rate of 1e-6 each: 4.9 standard errors.
    """
    y = channel.observe(np.zeros((200, 500), np.float32), np.random.default_rng(1)).ravel()
    mean = 0.2 if isinstance(channel, BitFlips) else 0.0
    deviation = 0.4 if isinstance(channel, BitFlips) else 0.3
    assert abs(y.mean() - mean) < 4.9 * deviation / np.sqrt(y.size)
    assert y.std() == pytest.approx(deviation, rel=0.02)
    if isinstance(channel, BitFlips):
        assert set(np.unique(y).tolist()) == {0.0, 1.0}


@pytest.mark.parametrize(
    "make, says",
    [
        (lambda: BitFlips(0.0), "between 0 and 0.5"),
        (lambda: BitFlips(0.5), "between 0 and 0.5"),
        (lambda: GaussianNoise(-0.1), "must be positive"),
        (lambda: BlockMeans((28, 20), 8), "do not divide"),
        (lambda: BitFlips(0.1).likelihood(gaussian(np.ones(2), np.ones(2))), "Bernoulli pixels"),
    ],
)
def test_impossible_channels(make, says):
    """A channel that makes no sense is refused in one line."""
    with pytest.raises(ConfigError, match=says) as caught:
        make()
    assert "\n" not in str(caught.value)


def test_seen_model_is_the_marginal_of_a_linear_gaussian():
    """Averaged over its prior, a model seen through a mask has the Gaussian marginal of p(x)."""
    rng = np.random.default_rng(3)
    truth = ProbabilisticPCA(rng.normal(size=(6, 1)), rng.normal(size=6), 0.3)
    weights = truth.weights.T[np.newaxis].astype(np.float32)
    parameters = LinearGaussian(6, 1).init(tf.constant([0]))
    decoder = parameters.decoder._replace(
        output_weights=tf.constant(weights),
        output_bias=tf.constant(np.append(truth.mean, np.log(0.3))[np.newaxis], tf.float32),
    )
    model = Model(LinearGaussian(6, 1), parameters._replace(decoder=decoder))
    visible = VisiblePixels((0, 2, 5))
    seen = observed(model, visible)
    assert seen.latent_dim == 1 and not seen.has_encoder
    x = truth.sample(5, rng).astype(np.float32)
    y = visible.observe(x)
    z = np.linspace(-8, 8, 4001, dtype=np.float32)
    log_joint = log_likelihood(seen, tf.constant(y), tf.constant(np.tile(z[:, None, None], (5, 1))))
    density = np.exp(log_joint.numpy().astype(np.float64)) * stats.norm.pdf(z)[:, np.newaxis]
    chosen = list(visible.indices)
    exact = stats.multivariate_normal.logpdf(
        y, truth.mean[chosen], truth.covariance[np.ix_(chosen, chosen)]
    )
    found = np.log(trapezoid(density, z.astype(np.float64), axis=0))
    np.testing.assert_allclose(found, exact, atol=1e-4)


@pytest.mark.parametrize("channel", [BitFlips(0.2), GaussianNoise(0.4)])
def test_restored_bits_enumerated(channel):
    """E[x|y, z] is the mean over all images, weighted by how likely they are given y and z."""
    y = np.array([1.0, 0.0, 1.0, 0.0], np.float32)
    if isinstance(channel, BitFlips):
        weight = np.where(y == BITS, 0.8, 0.2).prod(axis=1)
    else:
        y += np.float32([0.3, 0.2, -0.4, 0.6])
        weight = stats.norm.pdf(y, BITS, 0.4).prod(axis=1)
    weight = weight * np.exp(log_prior_of_bits(BITS))
    exact = weight @ BITS / weight.sum()
    np.testing.assert_allclose(channel.restore(bits(), tf.constant(y)), exact, atol=2e-6)


def test_restored_blocks_keep_what_was_seen():
    """Of Gaussian pixels the block means come back exactly; sure Bernoulli pixels do not move."""
    rng = np.random.default_rng(4)
    blocks = BlockMeans((4, 4), 2)
    y = rng.uniform(size=4).astype(np.float32)
    moved = blocks.restore(gaussian(rng.uniform(size=16), rng.uniform(0.1, 0.5, 16)), y).numpy()
    np.testing.assert_allclose(blocks.observe(moved[np.newaxis])[0], y, atol=1e-5)
    sure = BernoulliPixels(tf.constant(np.where(np.arange(16) % 2, 40.0, -40.0), tf.float32))
    np.testing.assert_allclose(blocks.restore(sure, tf.constant(y)), sure.mean(), atol=1e-5)
