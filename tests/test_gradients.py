"""Gradients of the estimators, and the steps that the algorithms make of them."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from aevb import random
from aevb.algorithms import bounds
from aevb.algorithms.aevb import AEVB
from aevb.algorithms.optimisers import Adagrad
from aevb.algorithms.wake_sleep import WakeSleep
from aevb.models import mlp
from aevb.models.linear_gaussian import ProbabilisticPCA
from aevb.models.mlp import MLP
from aevb.models.vae import VAE
from conftest import assert_means

tfd = tfp.distributions
D, N_Z, HIDDEN, N = 4, 2, 3, 5


def networks(observation, seed=0):
    generator = np.random.default_rng(seed)
    shapes = (
        mlp.shapes(D, HIDDEN, 2 * N_Z),
        mlp.shapes(N_Z, HIDDEN, D * (1 + (observation == "gaussian"))),
    )
    return [[0.7 * generator.standard_normal(shape) for shape in network] for network in shapes]


def objective(estimator, observation):
    """The summed bound as a function of all parameters, in float64, on fixed noise."""
    generator = np.random.default_rng(1)
    x = tf.constant(generator.uniform(0, 1, (N, D)))
    noise = tf.constant(generator.standard_normal((3, N, N_Z)))
    prior = tfd.Independent(tfd.Normal(tf.zeros(N_Z, tf.float64), 1.0), 1)

    def decode(decoder, z):
        if observation == "bernoulli":
            return mlp.bernoulli(decoder, z)
        return mlp.gaussian(decoder, z, mean=tf.sigmoid)

    def evaluate(parameters):
        encoder, decoder = (MLP(*network) for network in parameters)
        posterior = mlp.gaussian(encoder, x, log_variance_factor=0.1)
        arguments = {"likelihood": lambda z: decode(decoder, z), "noise": noise}
        if estimator == "a":
            return tf.reduce_sum(bounds.estimator_a(x, posterior, prior, **arguments))
        return tf.reduce_sum(bounds.estimator_b(x, posterior, **arguments))

    return evaluate


@pytest.mark.parametrize("estimator", ["a", "b"])
@pytest.mark.parametrize("observation", ["bernoulli", "gaussian"])
def test_gradients_are_those_of_finite_differences(estimator, observation):
    """Central differences in float64 at 1e-5: an error of about 1e-9 of the objective."""
    evaluate = objective(estimator, observation)
    values = networks(observation)
    variables = tf.nest.map_structure(tf.constant, values)
    with tf.GradientTape() as tape:
        tape.watch(variables)
        result = evaluate(variables)
    gradients = tape.gradient(result, variables)
    step = 1e-5
    compiled = tf.function(evaluate, autograph=False)
    for network in range(2):
        for i, tensor in enumerate(values[network]):
            numeric = np.zeros_like(tensor)
            for index in np.ndindex(tensor.shape):
                around = []
                for sign in (1, -1):
                    moved = [[t.copy() for t in net] for net in values]
                    moved[network][i][index] += sign * step
                    around.append(float(compiled(tf.nest.map_structure(tf.constant, moved))))
                numeric[index] = (around[0] - around[1]) / (2 * step)
            np.testing.assert_allclose(gradients[network][i], numeric, rtol=1e-6, atol=1e-6)


REPLICATES = 200_000
MODEL = ProbabilisticPCA([[1.0], [0.5]], [0.2, -0.1], 1.0)
X = np.array([[0.9, -0.4]])
MEAN, LOG_VARIANCE = 0.3, -0.6


def single_draws(path_derivative=True, score=False, estimator="a"):
    """Gradients in (μ, log σ²) of single draws, [REPLICATES, 2]: each draw has a copy of them."""
    noise = tf.constant(np.random.default_rng(4).standard_normal((1, REPLICATES, 1)))
    parameters = tf.constant(np.tile([MEAN, LOG_VARIANCE], (REPLICATES, 1)))
    prior = tfd.Independent(tfd.Normal(tf.zeros(1, tf.float64), 1.0), 1)

    def likelihood(z):
        return tfd.Independent(tfd.Normal(z @ MODEL.weights.T + MODEL.mean, MODEL.variance**0.5), 1)

    with tf.GradientTape() as tape:
        tape.watch(parameters)
        mean, log_variance = tf.split(parameters, 2, axis=1)
        posterior = tfd.Independent(tfd.Normal(mean, tf.exp(0.5 * log_variance)), 1)
        if score:
            # ∇ E_q[f] = E_q[f ∇ log q]; the gradient of f itself has mean zero.
            z = tf.stop_gradient(bounds.reparameterise(posterior, noise))
            log_q = posterior.log_prob(z)
            f = likelihood(z).log_prob(X) + prior.log_prob(z) - log_q
            value = tf.stop_gradient(f) * log_q
        else:
            if not path_derivative:
                fixed = tf.stop_gradient(bounds.reparameterise(posterior, noise))
                noise = (fixed - mean) / posterior.stddev()
            if estimator == "a":
                value = bounds.estimator_a(tf.constant(X), posterior, prior, likelihood, noise)
            else:
                value = bounds.estimator_b(tf.constant(X), posterior, likelihood, noise)
    return tape.gradient(value, parameters).numpy()


def exact_gradient():
    """Central differences of the closed-form bound."""

    def bound(mean, log_variance):
        return MODEL.lower_bound(X, np.array([[mean]]), np.exp([[log_variance]]))[0]

    h = 1e-5
    return [
        (bound(MEAN + h, LOG_VARIANCE) - bound(MEAN - h, LOG_VARIANCE)) / (2 * h),
        (bound(MEAN, LOG_VARIANCE + h) - bound(MEAN, LOG_VARIANCE - h)) / (2 * h),
    ]


def check_gradient(draws):
    assert_means(draws, exact_gradient(), detects=0.12)


@pytest.mark.statistical
@pytest.mark.parametrize("estimator", ["a", "b"])
def test_reparameterised_gradient_has_the_exact_mean(estimator):
    """200 000 draws; fails by chance once in 1e6; finds 0.12 nats per unit of μ or log σ²."""
    check_gradient(single_draws(estimator=estimator))


@pytest.mark.statistical
def test_score_function_gradient_has_the_same_mean_and_more_variance():
    """200 000 draws of each on the same noise; fails by chance once in 1e6; finds 0.12."""
    score, path = single_draws(score=True), single_draws(estimator="b")
    check_gradient(score)
    assert_means(score - path, 0.0, detects=0.12)
    assert (score.var(axis=0) > 2 * path.var(axis=0)).all()


def test_control_a_gradient_that_does_not_pass_through_z_is_found():
    for estimator in ("a", "b"):
        with pytest.raises(AssertionError):
            check_gradient(single_draws(path_derivative=False, estimator=estimator))


SEEDS = tf.constant([4, 9, 4])
STEP_SIZES = tf.constant([0.05, 0.02, 0.05])


def algorithm(kind, observation="gaussian", **options):
    model = VAE(6, 2, 5, observation, initial_standard_deviation=0.3)
    return kind(model, Adagrad(0, "matrices", 0.1), **options)


def batch(members=3):
    x = np.random.default_rng(3).uniform(0, 1, (1, 8, 6)).astype(np.float32)
    return tf.constant(np.repeat(x, members, axis=0))


def two_steps(trained, state, x, seeds):
    infos = []
    for _ in range(2):
        state, info = trained.step(state, x, seeds)
        infos.append(info.objective)
    return state, tf.stack(infos)


def assert_close(found, expected):
    for a, b in zip(tf.nest.flatten(found), tf.nest.flatten(expected), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4)


KINDS = pytest.mark.parametrize("kind", [AEVB, WakeSleep])
OBSERVATIONS = pytest.mark.parametrize("observation", ["bernoulli", "gaussian"])


@KINDS
@OBSERVATIONS
def test_xla_and_eager_steps_agree(kind, observation):
    trained = algorithm(kind, observation)
    state = trained.init(SEEDS, STEP_SIZES)
    compiled = tf.function(
        lambda state, x, seeds: two_steps(trained, state, x, seeds),
        jit_compile=True,
        autograph=False,
    )
    eager = two_steps(trained, state, batch(), SEEDS)
    assert_close(compiled(state, batch(), SEEDS), eager)
    assert int(eager[0].iteration) == 2


@KINDS
def test_members_together_are_members_alone(kind):
    trained = algorithm(kind)
    state, found = two_steps(trained, trained.init(SEEDS, STEP_SIZES), batch(), SEEDS)
    for member in range(3):
        one = slice(member, member + 1)
        alone, expected = two_steps(
            trained, trained.init(SEEDS[one], STEP_SIZES[one]), batch(1), SEEDS[one]
        )
        np.testing.assert_allclose(found[:, one], expected, rtol=1e-4)
        assert_close(
            tf.nest.map_structure(lambda t, one=one: t[one], state.parameters), alone.parameters
        )
    # The first and the third have the same seed and step size; the second does not.
    for tensor in tf.nest.flatten(state.parameters):
        np.testing.assert_allclose(tensor[0], tensor[2], rtol=1e-5, atol=1e-6)
        assert np.abs(tensor[0] - tensor[1]).max() > 1e-3


def test_aevb_steps_up_the_gradient_of_its_bound():
    """First step without warm-up or prior: each parameter moves by the step size up its sign."""
    trained = AEVB(algorithm(AEVB).model, Adagrad(0, "matrices", 0.0))
    state = trained.init(SEEDS, STEP_SIZES)
    moved, info = trained.step(state, batch(), SEEDS)
    keys = random.keys(SEEDS, random.Purpose.POSTERIOR, 0)
    with tf.GradientTape() as tape:
        tape.watch(state.parameters)
        bound = trained.lower_bound(state.parameters, batch(), keys)
    np.testing.assert_allclose(info.objective, tf.reduce_mean(bound, axis=-1), rtol=1e-5)
    for before, after, squares, gradient in zip(
        *map(tf.nest.flatten, (state.parameters, moved.parameters, moved.accumulators)),
        tf.nest.flatten(tape.gradient(bound, state.parameters)),
        strict=True,
    ):
        # The gradient is that of the sum over the minibatch.
        np.testing.assert_allclose(squares, gradient**2, rtol=1e-4, atol=1e-5)
        clear = np.abs(gradient) > 0.02
        member_step = tf.reshape(STEP_SIZES, [-1] + [1] * (before.shape.rank - 1))
        expected = (member_step * tf.sign(gradient)).numpy()
        np.testing.assert_allclose((after - before).numpy()[clear], expected[clear], atol=1e-4)


@KINDS
def test_bound_averages_the_samples_of_a_datapoint(kind):
    trained = algorithm(kind, samples_per_datapoint=5)
    parameters = trained.init(SEEDS, STEP_SIZES).parameters
    keys = random.keys(SEEDS, random.Purpose.POSTERIOR, 0)
    posterior = trained.model.encode(parameters.encoder, batch())
    noise = random.normal(keys, (5, 8, 2))
    total = 0.0
    for sample in range(5):
        z = posterior.mean() + posterior.stddev() * noise[:, sample]
        total += trained.model.decode(parameters.decoder, z).log_prob(batch())
        if kind is WakeSleep:
            total += trained.model.prior().log_prob(z) - posterior.log_prob(z)
    expected = total / 5 + (bounds.negative_kl(posterior) if kind is AEVB else 0.0)
    found = trained.lower_bound(parameters, batch(), keys)
    assert found.shape == (3, 8)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


@pytest.mark.parametrize("updated", [True, False])
def test_sleep_dreams_from_the_decoder_that_the_setting_names(updated):
    trained = algorithm(WakeSleep, sleep_uses_updated_decoder=updated)
    state = trained.init(SEEDS, STEP_SIZES)
    moved, _ = trained.step(state, batch(), SEEDS)
    dreaming = (moved if updated else state).parameters.decoder
    z, x = trained.dream(dreaming, 8, SEEDS, tf.constant(0))
    assert (z.shape, x.shape) == ((3, 8, 2), (3, 8, 6))
    encoder = state.parameters.encoder
    with tf.GradientTape() as tape:
        tape.watch(encoder)
        log_q = tf.reduce_sum(trained.model.encode(encoder, x).log_prob(z))
    gradients = tape.gradient(log_q, encoder)
    expected, _ = trained.optimiser.ascend(
        encoder,
        state.accumulators.encoder,
        gradients,
        mlp.WEIGHT_MATRICES,
        STEP_SIZES,
        state.iteration,
    )
    assert_close(moved.parameters.encoder, expected)


def test_wake_phase_ascends_the_likelihood_alone():
    """The decoder's step is that of log p(x|z) with z from the encoder."""
    trained = algorithm(WakeSleep)
    state = trained.init(SEEDS, STEP_SIZES)
    moved, _ = trained.step(state, batch(), SEEDS)
    keys = random.keys(SEEDS, random.Purpose.POSTERIOR, 0)
    posterior = trained.model.encode(state.parameters.encoder, batch())
    noise = random.normal(keys, (1, 8, 2))[:, 0]
    z = posterior.mean() + posterior.stddev() * noise
    decoder = state.parameters.decoder
    with tf.GradientTape() as tape:
        tape.watch(decoder)
        log_p = tf.reduce_sum(trained.model.decode(decoder, z).log_prob(batch()))
    expected, _ = trained.optimiser.ascend(
        decoder,
        state.accumulators.decoder,
        tape.gradient(log_p, decoder),
        mlp.WEIGHT_MATRICES,
        STEP_SIZES,
        state.iteration,
    )
    assert_close(moved.parameters.decoder, expected)
