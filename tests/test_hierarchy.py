"""Section 7's hierarchy: its bound and log p(x) on a linear-Gaussian model, where both are known;
the convolutions against TensorFlow's; training that is interrupted."""

import functools

import numpy as np
import pytest
import tensorflow as tf

from aevb import random
from aevb.algorithms.optimisers import Adagrad
from aevb.arrays import named_arrays
from aevb.future_work import learning
from aevb.future_work.convolution import Convolution, ConvolutionalVAE, convolved, count, matched
from aevb.future_work.hierarchy import GaussianLayer, HierarchicalAEVB, Hierarchy, Layers
from aevb.likelihood import ais
from aevb.likelihood.model import Model
from aevb.models.architecture import Parameters
from aevb.models.linear_gaussian import LinearGaussian, ProbabilisticPCA
from aevb.models.vae import VAE
from aevb.process.interruption import Interrupted
from conftest import assert_means
from training_runs import stop_at

pytestmark = pytest.mark.long

DIM, FIRST, SECOND = 12, 3, 2
NETWORK = Hierarchy(LinearGaussian(DIM, FIRST), LinearGaussian(FIRST, SECOND))


class Linear:
    """z₂ ~ N(0, I), z₁ ~ N(W₂ z₂ + b₂, s₂² I), x ~ N(W₁ z₁ + b₁, s₁² I), whose posterior is a
    product of Gaussians with diagonal covariance, layer by layer, because the columns of W₁ and the
    rows of W₂ are orthogonal."""

    def __init__(self):
        generator = np.random.default_rng(0)
        directions = np.linalg.qr(generator.standard_normal((DIM, FIRST)))[0]
        means = generator.standard_normal(DIM), generator.standard_normal(FIRST)
        self.bottom = ProbabilisticPCA(directions * [2.0, 1.5, 0.7], means[0], 0.3)
        self.top = ProbabilisticPCA(np.array([[1.5, 0.0], [0.0, 0.8], [0.0, 0.0]]), means[1], 0.4)
        w1, w2 = self.bottom.weights, self.top.weights
        self.prior = w2 @ w2.T + 0.4 * np.eye(FIRST)
        marginal = w1 @ self.prior @ w1.T + 0.3 * np.eye(DIM)
        self.mean, self.factor = w1 @ means[1] + means[0], np.linalg.cholesky(marginal)

    def sample(self, n, seed=1):
        noise = np.random.default_rng(seed).standard_normal((n, DIM))
        return (self.mean + noise @ self.factor.T).astype(np.float32)

    def log_likelihood(self, x):
        whitened = np.linalg.solve(self.factor, (np.asarray(x, np.float64) - self.mean).T)
        log_constant = DIM * np.log(2 * np.pi) + 2 * np.log(np.diag(self.factor)).sum()
        return -0.5 * (log_constant + (whitened**2).sum(axis=0))

    def parameters(self, widening=1.0, noise=1.0):
        """The model with its posterior; ``widening`` is a factor on the deviations of q(z₁|x) and
        q(z₂|z₁), ``noise`` on s₂."""
        precision = self.bottom.weights.T @ self.bottom.weights / 0.3 + np.linalg.inv(self.prior)
        covariance = np.linalg.inv(precision)
        np.testing.assert_allclose(covariance, np.diag(np.diag(covariance)), atol=1e-12)
        slopes = covariance @ self.bottom.weights.T / 0.3
        known = np.linalg.solve(self.prior, self.top.mean)
        offset = covariance @ known - slopes @ self.bottom.mean
        log_variances = np.log(np.diag(covariance)) + 2 * np.log(widening)
        below, above = self.bottom.parameters(), self.top.parameters(widening)
        encoder = below.encoder._replace(
            output_weights=tf.constant(slopes.T[np.newaxis], tf.float32),
            output_bias=tf.constant(np.append(offset, log_variances)[np.newaxis], tf.float32),
        )
        is_noise = tf.constant([0.0] * FIRST + [2 * np.log(noise)], tf.float32)
        decoder = above.decoder._replace(output_bias=above.decoder.output_bias + is_noise)
        return Parameters(Layers(encoder, above.encoder), Layers(below.decoder, decoder))


TRUTH = Linear()
X = TRUTH.sample(50)


def check_bound(parameters, gap):
    """The mean over draws of log p(x) less the bound is ``gap``: at each point, where 0.7 nats are
    found, and over all points, where 0.1 are. FALSE_FAILURE_RATE each."""
    learner = HierarchicalAEVB(NETWORK, Adagrad(0, "none", 1.0))
    run = tf.function(learner.terms, jit_compile=True, autograph=False)
    x = tf.broadcast_to(X, [3000, *X.shape])
    draws = tf.constant(range(3000))
    keys = random.keys(draws, random.Purpose.EVALUATION)
    many = tf.nest.map_structure(lambda v: tf.repeat(v, 3000, axis=0), parameters)
    bound = sum(run(many, x, keys))[0].numpy()
    assert_means(TRUTH.log_likelihood(X) - bound, gap, detects=0.7)
    assert_means((TRUTH.log_likelihood(X) - bound).mean(axis=1), gap, detects=0.1)


def test_bound_is_log_p_with_the_exact_posterior():
    check_bound(TRUTH.parameters(), 0.0)


def test_bound_is_below_log_p_by_the_divergence_of_the_encoder():
    """KL(q(z₁|x) q(z₂|z₁) ‖ p(z₁, z₂|x)) of deviations that are 1.5 times too large."""
    check_bound(TRUTH.parameters(widening=1.5), (FIRST + SECOND) * (1.25 / 2 - np.log(1.5)))


@pytest.mark.parametrize("wrong", [{"widening": 1.5}, {"noise": 1.5}])
def test_control_another_encoder_or_model_is_found(wrong):
    with pytest.raises(AssertionError):
        check_bound(TRUTH.parameters(**wrong), 0.0)


def check_annealing(parameters, detects=0.15):
    """The weights of AIS on (z₁, z₂) have the mean p(x) exactly: that of their logarithm over
    200 points is log p(x) less half their variance. What is off by ``detects`` nats is
    found, at FALSE_FAILURE_RATE."""
    budget, x = ais.Budget(chains=16, steps=256), TRUTH.sample(200, seed=2)
    found = ais.estimate(Model(NETWORK, parameters), x, budget, seed=0)
    errors = found.value + found.standard_error**2 / 2 - TRUTH.log_likelihood(x)
    assert_means(errors, 0.0, detects)
    assert found.passed.mean() > 0.95


def test_annealed_importance_sampling_of_both_layers_gives_log_p():
    check_annealing(TRUTH.parameters())


def test_control_annealed_importance_sampling_of_another_model_does_not():
    with pytest.raises(AssertionError):
        check_annealing(TRUTH.parameters(noise=3.0), detects=0.7)


def test_samples_are_of_the_marginal():
    """The covariance of draws through both layers is that of p(x), at FALSE_FAILURE_RATE."""
    z, x = ais.simulate(Model(NETWORK, TRUTH.parameters()), 20_000, seed=0)
    assert z.shape == (20_000, FIRST + SECOND)
    whitened = np.linalg.solve(TRUTH.factor, (x - TRUTH.mean).T).T
    assert_means(whitened[:, :, None] * whitened[:, None, :], np.eye(DIM), detects=0.15)


@pytest.mark.parametrize(("side", "stride", "channels"), [(4, 2, 1), (3, 1, 8)])
def test_convolutions_are_tensorflows(side, stride, channels):
    draw = np.random.default_rng(0).standard_normal
    x = tf.constant(draw((2, 5, 8, 6, channels)), tf.float32)
    kernel = tf.constant(draw((2, side * side * channels, 7)), tf.float32)
    found = convolved(x, Convolution(kernel, tf.ones([2, 7])), side, stride)
    for member in range(2):
        weights = tf.reshape(kernel[member], [side, side, channels, 7])
        wanted = 1 + tf.nn.conv2d(x[member], weights, stride, "SAME")
        np.testing.assert_allclose(found[member], wanted, atol=1e-4)


def test_networks_that_are_compared_are_of_one_size():
    """With as many parameters as the paper's to within half a percent, on either data set."""
    for shape, observation, hidden in (((28, 28), "bernoulli", 500), ((28, 20), "gaussian", 200)):
        paper = VAE(np.prod(shape), 20, hidden, observation)
        one = ConvolutionalVAE(np.prod(shape), 20, 1, observation, image_shape=shape)
        assert count(matched(one, count(paper))) == pytest.approx(count(paper), rel=5e-3)


def small():
    bottom = ConvolutionalVAE(64, 3, 8, "bernoulli", image_shape=(8, 8))
    top = GaussianLayer(3, 2, 8, "gaussian")
    return HierarchicalAEVB(Hierarchy(bottom, top), Adagrad(2, "matrices", 0.1))


def images(n, seed=0):
    """Left or upper half white, a tenth of the pixels inverted: bytes [n, 64]."""
    generator = np.random.default_rng(seed)
    kinds = np.array([np.arange(64) % 8 < 4, np.arange(64) < 32])
    white = kinds[generator.integers(2, size=n)] ^ (generator.random((n, 64)) < 0.1)
    return 255 * white.astype(np.uint8)


def learned(folder):
    return learning.learn(
        small(),
        images(200),
        images(50, 1),
        seeds=(0, 1),
        step_size=0.05,
        training_samples=4000,
        batch_size=20,
        pixel_divisor=255,
        name="small hierarchy",
        checkpoint_folder=folder,
        modules=["aevb.future_work.hierarchy"],
        model="small",
    )


def test_training_ascends_the_bound_and_goes_on_where_it_stopped(tmp_path, monkeypatch):
    """Interrupted and continued it gives the numbers of a run that was not; two seeds differ."""
    monkeypatch.setattr(learning, "Trainer", functools.cache(learning.Trainer))
    whole = learned(None)
    test = whole.curve[whole.curve["split"] == "test"].groupby("seed")["lower_bound"]
    assert (test.last() > test.first() + 5).all()
    with monkeypatch.context() as patch:
        stop_at(patch, 1000)
        with pytest.raises(Interrupted):
            learned(tmp_path)
    assert list(tmp_path.rglob("*.safetensors"))
    resumed = learned(tmp_path)
    assert resumed.curve.equals(whole.curve)
    for name, values in named_arrays(whole.parameters).items():
        np.testing.assert_array_equal(values, named_arrays(resumed.parameters)[name])
        assert not np.array_equal(values[0], values[1]) or not values.any(), name
