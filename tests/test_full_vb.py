"""Full variational Bayes against models whose posterior and evidence are known."""

import math
from dataclasses import dataclass

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp
from scipy import stats
from scipy.special import logsumexp

from aevb.algorithms.full_vb import FullVB, WeightPosterior, draw_weights, negative_kl
from aevb.algorithms.optimisers import Adagrad
from aevb.models import mlp
from aevb.models.architecture import Parameters
from aevb.models.linear_gaussian import LinearGaussian, ProbabilisticPCA
from aevb.models.mlp import MLP
from aevb.random import Purpose, keys, normal
from aevb.training.backends.tensorflow import Trainer
from conftest import assert_means

pytestmark = pytest.mark.long

tfd = tfp.distributions
FREE = Adagrad(warmup_minibatches=0, weight_prior="none", prior_scale=0.0)


@dataclass(frozen=True)
class GaussianMean:
    """x ~ N(θ, I) with θ the output bias; z changes nothing, and its q is the prior."""

    data_dim: int
    latent_dim: int = 1

    def init(self, seeds: tf.Tensor) -> Parameters:
        shapes = mlp.shapes(1, 0, self.data_dim)._replace(output_weights=(0, self.data_dim))
        network = MLP(*(tf.zeros([seeds.shape[0], *shape]) for shape in shapes))
        return Parameters(network, network)

    def prior(self) -> tfd.Distribution:
        return tfd.Independent(tfd.Normal(tf.zeros(1), tf.ones(1)), 1)

    def noise(self, keys: tf.Tensor, shape: tuple[int, ...]) -> tf.Tensor:
        return normal(keys, shape)

    def encode(self, encoder: MLP, x: tf.Tensor) -> tfd.Distribution:
        mean = tf.zeros([*x.shape[:-1], 1]) + 0.0 * sum(tf.reduce_sum(w) for w in encoder)
        return tfd.Independent(tfd.Normal(mean, tf.ones_like(mean)), 1)

    def decode(self, decoder: MLP, z: tf.Tensor) -> tfd.Distribution:
        unused = 0.0 * sum(tf.reduce_sum(w) for w in decoder)
        mean = decoder.output_bias[..., tf.newaxis, :] + tf.zeros_like(z) + unused
        return tfd.Independent(tfd.Normal(mean, tf.ones_like(mean)), 1)


def converge(algorithm: FullVB, x: np.ndarray, step_size: float, steps: int):
    """The state after so many steps on the whole data, and the mean objective of the last tenth."""
    batch, seeds = tf.constant(x[np.newaxis], tf.float32), tf.constant([0])

    @tf.function(jit_compile=True, autograph=False)
    def run(state, n):
        def step(i, state, total):
            state, info = algorithm.step(state, batch, seeds)
            return i + 1, state, total + info.objective

        return tf.while_loop(lambda i, *_: i < n, step, (tf.constant(0), state, tf.zeros(1)))[1:]

    state = algorithm.init(seeds, tf.constant([step_size]))
    state, _ = run(state, tf.constant(steps - steps // 10))
    state, total = run(state, tf.constant(steps // 10))
    return state, float(total[0]) / (steps // 10)


def conjugate_data(n: int = 20, dim: int = 3) -> np.ndarray:
    return np.random.default_rng(0).normal(0.7, 1, (n, dim)).astype(np.float32)


def exact_evidence(x: np.ndarray) -> float:
    """log p(X) of N(θ, 1) with θ ~ N(0, 1), each dimension by itself."""
    n = len(x)
    covariance = np.eye(n) + np.ones((n, n))
    return sum(stats.multivariate_normal.logpdf(column, np.zeros(n), covariance) for column in x.T)


@pytest.mark.parametrize("form", ["analytic", "generic"])
def test_conjugate_gaussian(form):
    """The posterior N(Σx/(N+1), 1/(N+1)) and the evidence log p(X) come out, by either form."""
    x = conjugate_data()
    n, dim = x.shape
    algorithm = FullVB(GaussianMean(dim), FREE, n_train=n, form=form, samples_per_datapoint=4)
    state, objective = converge(algorithm, x, step_size=0.1, steps=12_000)
    posterior = state.parameters.decoder
    deviation = 1 / math.sqrt(n + 1)
    mean = posterior.mean.output_bias[0].numpy()
    np.testing.assert_allclose(mean, x.sum(axis=0) / (n + 1), atol=0.15 * deviation)
    found = np.exp(0.5 * posterior.log_variance.output_bias[0].numpy())
    np.testing.assert_allclose(found, deviation, rtol=0.05)
    assert n * objective == pytest.approx(exact_evidence(x), abs=0.05)


def test_a_bound_without_its_weights_kl_is_caught():
    """Negative control: leaving out KL(q(θ) ‖ p(θ)) gives more than the evidence."""
    x = conjugate_data()
    algorithm = FullVB(GaussianMean(3), FREE, n_train=len(x), samples_per_datapoint=4)
    state, objective = converge(algorithm, x, step_size=0.1, steps=4000)
    without = len(x) * objective - float(negative_kl(state.parameters.decoder)[0])
    assert without > exact_evidence(x) + 1


@pytest.mark.statistical
def test_both_forms_have_the_same_mean():
    """Eq. 22 and eq. 24 estimate one bound (false failures: 1e-6)."""
    model = LinearGaussian(4, 2, initial_standard_deviation=0.3)
    x = tf.constant(np.random.default_rng(1).normal(size=(1, 6, 4)), tf.float32)
    values = {}
    for form in ("analytic", "generic"):
        algorithm = FullVB(model, FREE, n_train=6, form=form, initial_weight_deviation=0.2)
        parameters = algorithm.init(tf.constant([0]), tf.constant([0.1])).parameters

        @tf.function(jit_compile=True)
        def evaluate(i, algorithm=algorithm, parameters=parameters):
            members = keys(tf.constant([0]), Purpose.POSTERIOR, i)
            per_datapoint, weights = algorithm.terms(parameters, x, members)
            return tf.reduce_sum(per_datapoint) + weights[0]

        values[form] = np.array([float(evaluate(tf.constant(i))) for i in range(1500)])
    assert_means(values["generic"] - values["analytic"].mean(), 0.0, detects=6.0)
    assert values["analytic"].std() < values["generic"].std()


def test_the_weights_kl_is_the_sum_over_weights():
    """Against TFP's own divergence, for every tensor."""
    rng = np.random.default_rng(2)
    shapes = mlp.shapes(2, 3, 4)
    mean, log_variance = (
        MLP(*(tf.constant(rng.normal(size=(2, *shape)), tf.float32) for shape in shapes))
        for _ in range(2)
    )
    exact = np.zeros(2)
    for m, v in zip(mean, log_variance, strict=True):
        kl = tfd.kl_divergence(tfd.Normal(m, tf.exp(0.5 * v)), tfd.Normal(0.0, 1.0))
        exact -= tf.reduce_sum(kl, axis=list(range(1, m.shape.rank))).numpy()
    np.testing.assert_allclose(
        negative_kl(WeightPosterior(mean, log_variance)).numpy(), exact, rtol=1e-5
    )


@pytest.mark.statistical
def test_drawn_weights_have_the_posteriors_moments():
    """Mean and variance of each weight, and log p(θ)/q(θ) against the densities."""
    mean = MLP(*(tf.fill([1, *shape], 0.5) for shape in mlp.shapes(1, 1, 2)))
    log_variance = MLP(*(tf.fill([1, *shape], math.log(0.09)) for shape in mlp.shapes(1, 1, 2)))
    posterior = WeightPosterior(mean, log_variance)
    drawn, ratios = [], []
    for i in range(2000):
        theta, ratio = draw_weights(posterior, keys(tf.constant([0]), Purpose.POSTERIOR, i))
        drawn.append(np.concatenate([w.numpy().ravel() for w in theta]))
        ratios.append(float(ratio[0]))
    drawn = np.array(drawn)
    assert_means(np.concatenate([drawn, (drawn - 0.5) ** 2], axis=1), [0.5] * 6 + [0.09] * 6, 0.1)
    exact = stats.norm.logpdf(drawn).sum(1) - stats.norm.logpdf(drawn, 0.5, 0.3).sum(1)
    np.testing.assert_allclose(ratios, exact, atol=1e-4)


def test_bayesian_ppca_bounds_its_evidence():
    """Probabilistic PCA with priors on W, b and log σ²: the bound is below the evidence, near it,
    and q(θ) is a good proposal for it.

    The evidence is importance sampling of θ from q(θ), made half as wide again to reach over what
    it underestimates, with log p(X|θ) in closed form.
    """
    rng = np.random.default_rng(3)
    n, dim = 60, 3
    x = (rng.normal(size=(n, 1)) @ [[1.0, -0.8, 0.5]] + 0.5 * rng.normal(size=(n, dim))).astype(
        np.float32
    )
    model = LinearGaussian(dim, 1, initial_standard_deviation=0.3)
    algorithm = FullVB(model, FREE, n_train=n, samples_per_datapoint=4)
    state, objective = converge(algorithm, x, step_size=0.1, steps=12_000)
    posterior = state.parameters.decoder
    wide = posterior._replace(
        log_variance=MLP(*(v + 2 * math.log(1.5) for v in posterior.log_variance))
    )
    log_weights = []
    for i in range(3000):
        theta, ratio = draw_weights(wide, keys(tf.constant([1]), Purpose.POSTERIOR, i))
        log_likelihood = ProbabilisticPCA.from_decoder(theta).log_likelihood(x).sum()
        log_weights.append(log_likelihood + float(ratio[0]))
    evidence = logsumexp(log_weights) - math.log(len(log_weights))
    weights = np.exp(np.array(log_weights) - max(log_weights))
    assert weights.sum() ** 2 / (weights**2).sum() > 100
    bound = n * objective
    assert bound < evidence
    # What a diagonal q(θ) and a diagonal q(z|x) cost on seven weights.
    assert evidence - bound < 3.0
    # It is Bayesian: below the maximum of the likelihood, which pays for no weights.
    assert evidence < n * ProbabilisticPCA.fit(x, 1).maximum() - 3


def test_trains_in_the_one_loop():
    """The trainer takes it as it takes the others: a bound, chunks, finite parameters."""
    rng = np.random.default_rng(4)
    data = tf.constant(rng.integers(0, 256, (40, 16)), tf.uint8)
    algorithm = FullVB(LinearGaussian(16, 2), FREE, n_train=40)
    trainer = Trainer(algorithm, batch_size=10, pixel_divisor=256.0)
    seeds = tf.constant([0, 1])
    state = algorithm.init(seeds, tf.constant([0.01, 0.02]))
    at_once, chunk = trainer.run_chunk(state, data, seeds, tf.constant(30))
    half, _ = trainer.run_chunk(state, data, seeds, tf.constant(10))
    halves, _ = trainer.run_chunk(half, data, seeds, tf.constant(20))
    for one, other in zip(tf.nest.flatten(at_once), tf.nest.flatten(halves), strict=True):
        np.testing.assert_array_equal(one, other)
    assert chunk[2].numpy().all()
    assert trainer.has_bound and trainer.evaluate(state.parameters, data, seeds, 1).shape == (2,)
