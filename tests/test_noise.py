"""Supervised models with latent variables: p(y|x) where it is known, and where it must be lost."""

from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf
from scipy import stats
from typer.testing import CliRunner

from aevb import random
from aevb.algorithms.aevb import AEVB
from aevb.algorithms.optimisers import Adagrad
from aevb.arrays import named_arrays
from aevb.cli import app
from aevb.future_work import densities, halves
from aevb.future_work.learning import learn
from aevb.future_work.noise import Conditional, Decoder, SideBySide, given
from aevb.likelihood import ais, importance, quadrature
from aevb.likelihood.model import Model, log_joint
from aevb.models.architecture import Parameters
from aevb.models.linear_gaussian import ProbabilisticPCA
from aevb.models.mlp import MLP
from aevb.settings.future_work import NOISES
from aevb.stages.weights import write
from tiny import SETTINGS

D_X, D_Y, N_Z, N = 2, 3, 2, 200
GENERATOR = np.random.default_rng(0)
SLOPES = GENERATOR.standard_normal((D_X, D_Y))
# Orthogonal columns, so that the posterior is a diagonal Gaussian, as q is.
NOISE = ProbabilisticPCA(
    np.linalg.qr(GENERATOR.standard_normal((D_Y, N_Z)))[0] * [1.5, 0.8],
    GENERATOR.standard_normal(D_Y),
    0.3,
)
X = GENERATOR.standard_normal((N, D_X)).astype(np.float32)
Y = (X @ SLOPES + NOISE.sample(N, GENERATOR)).astype(np.float32)
ROWS = np.concatenate([X, Y], axis=1)
TRUTH = NOISE.log_likelihood(Y - X @ SLOPES)
"""log p(y|x) of y = Sᵀ x + W z + b + σ ε, the Gaussian N(y; Sᵀ x + b, W Wᵀ + σ² I)."""
NETWORK = Conditional(D_X, D_Y, N_Z, D_X + D_Y, "gaussian", linear=True)


def linear_gaussian(widening: float = 1.0, slopes: np.ndarray = SLOPES) -> Model:
    """That model with its exact posterior, whose standard deviations are widened, as networks
    without tanh: the hidden units of the encoder are (x, y), those of the decoder Sᵀ x + W z."""
    encoder, _ = NOISE.parameters(widening)
    posterior = np.concatenate(
        [-SLOPES @ encoder.output_weights[0].numpy(), encoder.output_weights[0]]
    )
    wide = np.eye(D_Y, D_X + D_Y)
    nothing, variances = np.zeros(D_X + D_Y), np.full(D_Y, np.log(NOISE.variance))

    def tensors(*values):
        return [tf.constant(np.asarray(value)[np.newaxis], tf.float32) for value in values]

    q = MLP(
        *tensors(
            np.eye(D_X + D_Y),
            nothing,
            np.concatenate([posterior, np.zeros_like(posterior)], axis=1),
            encoder.output_bias[0],
        )
    )
    outputs = np.concatenate([wide.T, np.zeros_like(wide.T)], axis=1)
    p = MLP(*tensors(NOISE.weights.T @ wide, nothing, outputs, [*NOISE.mean, *variances]))
    return Model(NETWORK, Parameters(q, Decoder(*tensors(slopes @ wide), p)))


def lower_bound(model: Model, draws: int = 64, estimator: str = "A") -> np.ndarray:
    """The bound of each row, by so many draws."""
    learner = AEVB(model.architecture, Adagrad(0, "none", 0.0), draws, estimator)
    keys = random.keys(tf.constant([0]), random.Purpose.EVALUATION)
    return learner.lower_bound(model.parameters, tf.constant(ROWS[np.newaxis]), keys)[0].numpy()


def test_the_bound_is_the_log_likelihood_where_q_is_the_posterior():
    """Every draw gives log p(y|x) then, so that the tolerance is rounding alone: no false alarm."""
    np.testing.assert_allclose(lower_bound(linear_gaussian()), TRUTH, atol=1e-4)


@pytest.mark.parametrize("widening", [0.5, 2.0])
def test_the_bound_lies_below_by_the_divergence_of_q(widening):
    """At 5 standard errors of the mean over all rows and draws, one false alarm in 10⁶."""
    model = linear_gaussian(widening)
    divergence = N_Z * (0.5 * (widening**2 - 1) - np.log(widening))
    each = lower_bound(model) - TRUTH
    assert each.mean() == pytest.approx(-divergence, abs=5 * each.std() / np.sqrt(N))
    assert each.mean() < -0.1
    means, covariance = NOISE.posterior(Y - X @ SLOPES)
    exact = NOISE.lower_bound(Y - X @ SLOPES, means, widening**2 * covariance)
    np.testing.assert_allclose(exact - TRUTH, -divergence, atol=1e-9)


@pytest.mark.parametrize("wrong", ["no KL", "x unseen", "x of others"])
def test_what_is_not_the_bound_fails(wrong):
    """The negative controls of the two tests above."""
    if wrong == "no KL":
        model = linear_gaussian()
        q = model.architecture.encode(model.parameters.encoder, tf.constant(ROWS[np.newaxis]))
        decoded = NETWORK.decode(model.parameters.decoder, q.mean())
        found = decoded.log_prob(tf.constant(ROWS[np.newaxis]))[0].numpy()
        assert (found > TRUTH + 0.1).mean() > 0.9
    else:
        slopes = 0 * SLOPES if wrong == "x unseen" else np.roll(SLOPES, 1, axis=0)
        found = lower_bound(linear_gaussian(slopes=slopes))
        assert found.mean() < TRUTH.mean() - 0.5
    assert np.abs(found - TRUTH).mean() > 0.1


def test_quadrature_importance_sampling_and_annealing_agree_with_the_closed_form():
    """Within the tolerance of quadrature; and within 5 standard errors of the mean, one false alarm
    in 10⁶, for the others, whose standard error of a row is at most 0.2."""
    model = linear_gaussian(1.3)
    for x, y, truth in list(zip(X, Y, TRUTH, strict=True))[:3]:
        found = quadrature.estimate(given(model, tf.constant(x)), y[np.newaxis])
        assert found.passed.all()
        assert found.value[0] == pytest.approx(truth, abs=0.01)
    sampled = importance.estimate(model, ROWS[:50], importance.Budget(samples=500), 0)
    annealed = ais.estimate(model, ROWS[:50], ais.Budget(chains=8, steps=128), 0)
    for found in (sampled, annealed):
        assert found.passed.mean() > 0.9
        error = np.sqrt((found.standard_error**2).mean() / 50)
        assert found.value.mean() == pytest.approx(TRUTH[:50].mean(), abs=5 * error + 0.01)


def test_one_x_given_is_the_same_model():
    model = Model(
        replace(NETWORK, linear=False, hidden_units=7),
        replace(NETWORK, linear=False, hidden_units=7, initial_standard_deviation=1.0).init(
            tf.constant([3])
        ),
    )
    z = tf.constant(GENERATOR.standard_normal((4, 1, N_Z)), tf.float32)
    one = given(model, tf.constant(X[0]))
    found = log_joint(one, tf.constant(Y[:1]), z)
    np.testing.assert_allclose(found, log_joint(model, tf.constant(ROWS[:1]), z), rtol=1e-5)
    other = log_joint(model, tf.constant(np.concatenate([X[1], Y[0]])[np.newaxis]), z)
    assert np.abs(found - other).min() > 1e-3


@pytest.mark.parametrize("observation", ["gaussian", "bernoulli"])
def test_without_latent_variables_the_bound_is_the_log_likelihood(observation):
    network = Conditional(D_X, D_Y, 0, 4, observation, initial_standard_deviation=1.0)
    parameters = network.init(tf.constant([0, 1]))
    rows = tf.constant(np.stack([np.abs(ROWS) % 1] * 2), tf.float32)
    learner = AEVB(network, Adagrad(0, "none", 0.0))
    keys = random.keys(tf.constant([0, 1]), random.Purpose.EVALUATION)
    nothing = tf.zeros([2, N, 0])
    exact = network.decode(parameters.decoder, nothing).log_prob(rows)
    np.testing.assert_allclose(learner.lower_bound(parameters, rows, keys), exact, rtol=1e-6)
    assert parameters.encoder == ()
    state = learner.init(tf.constant([0, 1]), tf.constant([0.1, 0.1]))
    first = None
    for _ in range(30):
        state, info = learner.step(state, rows, tf.constant([0, 1]))
        first = info.objective if first is None else first
    assert (info.objective > first + 0.1).numpy().all()


def test_draws_of_the_known_noise_have_the_known_density():
    """P(y|x) of each draw is uniform: Kolmogorov and Smirnov's test at one false alarm in 10⁴; and
    it tells one noise from another."""
    drawn = densities.rows(2000, 5)
    truths = densities.truths(tf.constant(drawn[:, 0]))
    assert stats.kstest(drawn[:, 0], stats.uniform(-1, 2).cdf).pvalue > 1e-4
    for k, noise in enumerate(NOISES):
        cumulative = truths[k].cdf(tf.constant(drawn[:, 1 + k])).numpy()
        assert stats.kstest(cumulative, "uniform").pvalue > 1e-4, noise
        other = truths[k].cdf(tf.constant(drawn[:, 1 + (k + 2) % len(NOISES)])).numpy()
        assert stats.kstest(other, "uniform").pvalue < 1e-4, noise


def one_dimensional(**settings) -> tuple[Conditional, Decoder]:
    network = Conditional(1, 1, 1, 20, "gaussian", initial_standard_deviation=0.5, **settings)
    return network, network.init(tf.constant([4])).decoder


def test_densities_by_the_trapezoidal_rule_agree_with_adaptive_quadrature():
    """Within the tolerance of the latter, 0.01 nats, where the density is above e⁻¹⁰."""
    network, decoder = one_dimensional(initial_log_variance=-2.0)
    found, error = densities.log_density(network, decoder, densities.X[3:4], densities.Y)
    assert np.exp(found).sum() * (densities.Y[1] - densities.Y[0]) == pytest.approx(1, abs=1e-4)
    places = np.flatnonzero(found[0] > -10)[::10]
    model = given(Model(network, Parameters((), decoder)), tf.constant(densities.X[3:4]))
    exact = quadrature.estimate(model, densities.Y[places, np.newaxis])
    assert exact.passed.all() and error[0, places].max() < 1e-4
    np.testing.assert_allclose(found[0, places], exact.value, atol=0.01)


def test_a_linear_network_has_the_density_of_a_gaussian():
    network, decoder = one_dimensional(linear=True, log_variance_factor=0.0)
    found, _ = densities.log_density(network, decoder, densities.X[:2], densities.Y)
    hidden = decoder.network
    slope = (hidden.hidden_weights @ hidden.output_weights)[0, 0, 0].numpy()
    mean = [
        network.output(decoder, tf.constant([[[x]]]), tf.zeros([1, 1, 1])).mean().numpy().item()
        for x in densities.X[:2]
    ]
    variance = np.exp(hidden.output_bias[0, 1].numpy()) + slope**2
    wanted = stats.norm(np.array(mean)[:, np.newaxis], variance**0.5).logpdf(densities.Y)
    np.testing.assert_allclose(found, wanted, atol=1e-3)
    wrong = stats.norm(np.array(mean)[:, np.newaxis], (variance - slope**2) ** 0.5)
    assert np.abs(found - wrong.logpdf(densities.Y)).max() > 0.1


def test_least_divergence_of_a_gaussian():
    """Nothing where the truth is one; else what the closed forms of the entropies say."""
    truths = zip(*(densities.truths(tf.constant([x])) for x in densities.X), strict=True)
    y = densities.Y.astype(np.float32)
    gaussian, heteroscedastic, skewed, bimodal = (
        densities.least_divergences(np.stack([t.log_prob(y) for t in one]).astype(np.float64))
        for one in truths
    )
    assert gaussian.values() == pytest.approx([0, 0, 0], abs=1e-5)
    growing = 1 / (1 + np.exp(-3 * densities.X.astype(np.float64)))
    variances = (0.1 + 0.5 * growing) ** 2
    wanted = 0.5 * np.log(variances.mean()) - 0.5 * np.log(variances).mean()
    assert list(heteroscedastic.values()) == pytest.approx([0, 0, wanted], abs=1e-4)
    for one in (skewed, bimodal):
        nothing, each, common = one.values()
        assert nothing == 0 and 0.1 < each < common + 1e-9


def test_members_learn_a_noise_each():
    network, _ = one_dimensional()
    seeds = tf.constant([0, 0, 1, 1])
    parameters = network.init(seeds)
    rows = tf.constant(GENERATOR.standard_normal((4, 30, 3)), tf.float32)
    keys = random.keys(seeds, random.Purpose.EVALUATION)
    found = SideBySide(network, Adagrad(0, "none", 0.0)).lower_bound(parameters, rows, keys)
    for member, column in enumerate([1, 2, 1, 2]):
        alone = tf.gather(rows, [0, column], axis=-1)
        wanted = AEVB(network, Adagrad(0, "none", 0.0)).lower_bound(parameters, alone, keys)
        np.testing.assert_allclose(found[member], wanted[member], rtol=1e-5)


def test_training_that_is_cut_short_goes_on_to_the_same_numbers(tmp_path):
    network = replace(densities.NETWORKS[densities.LATENT], hidden_units=5)
    learner, data = SideBySide(network, Adagrad(0, "matrices", 0.01)), densities.rows(500, 0)

    def learned(samples: int, folder):
        found = learn(
            learner, data, data[:50], seeds=[0] * 4, step_size=0.06, training_samples=samples,
            batch_size=100, pixel_divisor=1.0, name="noise", checkpoint_folder=folder,
            modules=["aevb.future_work.noise"],
        )  # fmt: skip
        return tf.nest.flatten(found.parameters)

    learned(1000, tmp_path)
    for again, whole in zip(learned(3000, tmp_path), learned(3000, None), strict=True):
        np.testing.assert_array_equal(again, whole)


def halves_model(path, observation="bernoulli"):
    """A model of p(lower half|upper half) of 6 × 6 pixels, written as the study writes it."""
    definition = SETTINGS.definition | {"observation": observation}
    experiment = replace(SETTINGS, definition=definition, initial_standard_deviation=0.5)
    network = halves.network(experiment, experiment.latent_dim)
    write(path, named_arrays(network.init(tf.constant([0, 1]))), experiment)
    return experiment, network


def test_completions_keep_the_upper_half(tmp_path):
    experiment, network = halves_model(tmp_path / "w.safetensors")
    trained = halves.read_model(tmp_path / "w.safetensors")
    assert trained.model.architecture == network and trained.experiment == experiment
    images = GENERATOR.random((3, 36)).astype(np.float32)
    z = halves.draws(network.latent_dim, 2, 3, 0)
    found = halves.complete(experiment, trained.model, images, z)
    np.testing.assert_array_equal(found[..., :18], np.stack([images[:, :18]] * 2))
    other = np.concatenate([images[:, :18], 1 - images[:, 18:]], axis=1)
    np.testing.assert_array_equal(found, halves.complete(experiment, trained.model, other, z))
    assert (np.abs(found[0] - found[1])[:, 18:] > 1e-3).any()


def test_apply_complete(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    halves_model(tmp_path / "w.safetensors")
    np.save("images.npy", GENERATOR.random((5, 6, 6)))
    words = ["apply", "complete", "images.npy", "--weights", "w.safetensors", "--output", "c.npz"]
    outcome = CliRunner().invoke(app, [*words, "--draws", "3"])
    assert outcome.exit_code == 0, outcome.output
    with np.load("c.npz") as found:
        assert found["completions"].shape == (3, 5, 6, 6)
    network = replace(SETTINGS, latent_dim=2)
    write(tmp_path / "w.safetensors", {"decoder/weights": np.zeros((1, 2))}, network)
    outcome = CliRunner().invoke(app, words)
    assert outcome.exit_code != 0
    assert "decoder/input_weights" in str(outcome.exception or outcome.output)
