"""Hamiltonian Monte Carlo on posteriors that are known exactly."""

import functools
import math

import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from aevb.likelihood import hmc
from aevb.likelihood.choices import INITIAL_STEP_SIZE
from aevb.likelihood.model import log_joint
from aevb.models.linear_gaussian import ProbabilisticPCA
from conftest import assert_means
from exact import without_encoder

pytestmark = pytest.mark.long

CHAINS, N, DIM = 8, 4, 2
SAMPLES = 200
UNIT = np.ones(N)


def constant(values):
    return tf.constant(values, tf.float32)


def normal(shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def gaussian(width, limit=math.inf):
    """log N(0, width²) of each coordinate up to a constant, NaN where the first exceeds limit."""

    def target(z):
        log_prob = -tf.reduce_sum((z / width[:, tf.newaxis]) ** 2, axis=-1) / 2
        return tf.where(z[..., 0] > limit, math.nan, log_prob)

    return target


@functools.cache
def program(
    samples=SAMPLES, burn_in=300, leapfrog_steps=4, jitter=0.2, adaptation="dual_averaging"
):
    @tf.function(jit_compile=True, autograph=False)
    def run(width, limit, chains, seed):
        return hmc.sample(
            gaussian(width, limit),
            chains,
            seed,
            samples=samples,
            burn_in=burn_in,
            leapfrog_steps=leapfrog_steps,
            jitter=jitter,
            adaptation=adaptation,
        )

    return run


def chains_at(position, step_size=INITIAL_STEP_SIZE):
    position = constant(position)
    return hmc.Chains(position, tf.fill([position.shape[1]], step_size))


def run(width=UNIT, limit=math.inf * UNIT, seed=0, chains=None, **options):
    chains = chains or chains_at(normal((CHAINS, N, DIM)))
    arguments = constant(width), constant(limit), chains, tf.constant([0, seed])
    chains, draws = program(**options)(*arguments)
    return chains, hmc.Draws(*(values.numpy() for values in draws))


# Invariance.

POSTERIOR = ProbabilisticPCA(
    np.linalg.qr(normal((6, DIM), 1))[0] * [1.0, 1.2], normal(6, 2), variance=0.5
)
DATA = POSTERIOR.sample(5, np.random.default_rng(3))
MEANS, COVARIANCE = POSTERIOR.posterior(DATA)
ROOT = np.linalg.cholesky(COVARIANCE)


@tf.function(jit_compile=True, autograph=False)
def one_transition(z, power):
    """With a step size of 0.8 posterior deviations, jittered, and two of them."""

    def target(z):
        residual = constant(DATA - POSTERIOR.mean) - z @ constant(POSTERIOR.weights.T)
        log_likelihood = -tf.reduce_sum(residual**2, axis=-1) / (2 * POSTERIOR.variance)
        return power * (log_likelihood - tf.reduce_sum(z**2, axis=-1) / 2)

    kernel = hmc.JitteredHMC(
        target,
        step_size=tf.fill([1, len(DATA), 1], 0.8 * float(np.sqrt(COVARIANCE[0, 0]))),
        num_leapfrog_steps=2,
        store_parameters_in_results=True,
        jitter=0.2,
    )
    z, results = kernel.one_step(z, kernel.bootstrap_results(z), seed=tf.constant([1, 2]))
    return z, results.log_accept_ratio


def check_invariance(power):
    """Kolmogorov-Smirnov test of 200 000 coordinates, standardised with the exact posterior."""
    start = MEANS + normal((20_000, len(DATA), DIM), 4) @ ROOT.T
    z, log_accept = one_transition(constant(start), tf.constant(power))
    acceptance = np.minimum(np.exp(log_accept), 1).mean()
    assert 0.7 < acceptance < 0.97
    standardised = np.linalg.solve(ROOT, (z.numpy() - MEANS)[..., np.newaxis])
    assert stats.kstest(standardised.ravel(), "norm").pvalue > 1e-6


@pytest.mark.statistical
def test_one_transition_leaves_the_posterior_as_it_is():
    """Fails by chance for one seed in 1e6."""
    check_invariance(1.0)


@pytest.mark.statistical
def test_control_invariance_is_not_found_for_a_cooled_target():
    """The deviation falls by up to 5 %, a distance of 0.012 between the distribution functions:
    five times what 200 000 draws spread by."""
    with pytest.raises(AssertionError):
        check_invariance(1.1)


# Convergence.


@pytest.mark.statistical
@pytest.mark.parametrize("latent_dim", [2, 10])
def test_chains_from_the_prior_reach_the_posterior(latent_dim):
    """Means and covariances of each datapoint, from 256 independent chains.

    The false-failure rate is the one of assert_means, 1e-6, for each of two calls; finds a mean
    or a covariance that is off by 0.1. The widths of a posterior differ by a factor of 3.
    """
    truth = ProbabilisticPCA(
        0.5 * normal((20, latent_dim), 5) * np.geomspace(1, 0.3, latent_dim), normal(20, 6), 0.5
    )
    x = truth.sample(3, np.random.default_rng(7))
    means, covariance = truth.posterior(x)
    model = without_encoder(truth)

    @tf.function(jit_compile=True, autograph=False)
    def sample(chains, seed):
        return hmc.sample(
            lambda z: log_joint(model, constant(x), z),
            chains,
            seed,
            samples=100,
            burn_in=200,
            leapfrog_steps=4,
        )

    _, draws = sample(chains_at(normal((256, 3, latent_dim), 8)), tf.constant([0, 1]))
    centred = draws.z.numpy() - means
    assert_means(centred.mean(axis=0), 0, detects=0.1)
    products = np.einsum("scni,scnj->cnij", centred, centred) / 100
    assert_means(products, covariance, detects=0.1)
    assert (draws.rhat.numpy() < 1.02).all()
    assert (draws.divergences.numpy() == 0).all()
    # The effective sample size predicts the spread of the chains' means, whose standard deviation
    # 256 chains give within 18 % (four standard errors).
    spread = (centred.mean(axis=0) / np.sqrt(np.diag(covariance))).std(axis=0).max(axis=-1)
    np.testing.assert_allclose(spread, (draws.ess.numpy() / 256) ** -0.5, rtol=0.3)
    expected = log_joint(model, constant(x), draws.z[-1])
    np.testing.assert_allclose(draws.log_prob[-1], expected, rtol=1e-4)


# Adaptation.


def test_step_sizes_follow_the_width_of_each_posterior():
    width = np.geomspace(1 / 30, 1, N)
    chains, draws = run(width)
    np.testing.assert_allclose(draws.acceptance, 0.9, atol=0.05)
    relative = chains.step_size.numpy() / width
    assert relative.max() < 1.3 * relative.min()
    assert (draws.rhat < 1.02).all()


def test_jitter_breaks_the_orbit_that_returns_to_its_start():
    """Ten leapfrog steps of 2 sin(π/10) on a standard normal are the identity."""
    chains = chains_at(normal((CHAINS, N, DIM), 9), 2 * math.sin(math.pi / 10))
    fixed, jittered = (
        run(chains=chains, burn_in=0, leapfrog_steps=10, jitter=jitter)[1] for jitter in (0, 0.2)
    )
    assert (fixed.acceptance > 0.99).all()
    assert (fixed.rhat > 2).all()
    assert (jittered.rhat < 1.1).all()


def test_without_burn_in_the_step_size_stays():
    chains = chains_at(normal((CHAINS, N, DIM), 9), 2 * math.sin(math.pi / 10))
    after, _ = run(chains=chains, burn_in=0, leapfrog_steps=10, jitter=0.2)
    np.testing.assert_array_equal(after.step_size, chains.step_size)


# Failures.


def test_energies_that_are_nan_are_rejected_and_counted_and_the_neighbours_unharmed():
    limit = np.array([math.inf, 1.0, -math.inf, math.inf])
    start = np.minimum(normal((CHAINS, N, DIM), 10), 0.9)
    _, unharmed = run(chains=chains_at(start))
    after, draws = run(limit=limit, chains=chains_at(start))
    for found, expected in zip(draws, unharmed, strict=True):
        points = [0, 3]
        axis = {"axis": 2 if found.ndim > 1 else 0}
        np.testing.assert_array_equal(found.take(points, **axis), expected.take(points, **axis))
    # The limit cuts the target off: its chains are those of a truncated normal distribution.
    assert (draws.z[:, :, 1, 0] <= 1).all()
    assert 0 < draws.divergences[1] < SAMPLES * CHAINS
    assert draws.rhat[1] < 1.1
    # Nowhere defined: nothing moves, and every diagnostic says so.
    assert (draws.z[:, :, 2] == start[:, 2].astype(np.float32)).all()
    assert draws.divergences[2] == SAMPLES * CHAINS
    assert draws.acceptance[2] == 0
    assert np.isnan(draws.rhat[2])
    assert np.isnan(draws.ess[2])
    assert np.isfinite(after.step_size).all()


def test_chains_recover_once_the_target_is_defined():
    nowhere, _ = run(limit=-math.inf * UNIT)
    _, draws = run(chains=nowhere, seed=1)
    assert (draws.rhat < 1.02).all()
    np.testing.assert_allclose(draws.acceptance, 0.9, atol=0.05)


# Reproducibility.


def test_a_seed_gives_the_same_draws_and_another_seed_others():
    (_, first), (_, again), (_, other) = run(seed=1), run(seed=1), run(seed=2)
    np.testing.assert_array_equal(first.z, again.z)
    assert (first.z != other.z).mean() > 0.99


def test_chains_continue_where_they_stood():
    before, draws = run()
    np.testing.assert_array_equal(before.position, draws.z[-1])
    chains = hmc.Chains(before.position, tf.fill([N], 1e-6))
    _, on = run(chains=chains, burn_in=0, leapfrog_steps=10, jitter=0.2)
    assert abs(on.z[0] - draws.z[-1]).max() < 1e-3


@pytest.mark.statistical
def test_xla_and_eager_execution_accept_equally_often():
    """A target of which XLA makes something else would have an acceptance of its own.

    The random numbers differ. 10 000 proposals of each, whose acceptance probabilities have a
    standard deviation of at most 0.3: 0.02 is five times what their means differ by, which fails
    by chance for fewer than one seed in 4e5.
    """
    options = {"samples": 10, "burn_in": 0, "leapfrog_steps": 2, "jitter": 0}
    width = np.geomspace(0.5, 1, N)
    chains = chains_at(width[:, np.newaxis] * normal((1000, N, DIM), 11), 0.8)
    _, compiled = run(width, chains=chains, **options)
    target = gaussian(constant(width), constant(math.inf * UNIT))
    _, eager = hmc.sample(target, chains, tf.constant([0, 3]), **options)
    assert compiled.acceptance[0] < 0.9 < compiled.acceptance[-1]
    np.testing.assert_allclose(compiled.acceptance, eager.acceptance, atol=0.02)
    np.testing.assert_allclose(eager.log_prob, target(eager.z), rtol=1e-4, atol=1e-5)


# Diagnostics.


@pytest.mark.statistical
@pytest.mark.parametrize("chains", [1, 4])
def test_diagnostics_of_draws_with_known_correlation(chains):
    """Autoregressive draws of coefficient ρ are worth T (1 − ρ) / (1 + ρ); 2000 of each chain
    give that within a third, five times the spread of the estimate (7 %)."""
    rho = np.array([0.0, 0.5, 0.8, -0.5])
    z = [normal((chains, 4, 1), 12)]
    for noise in normal((1999, chains, 4, 1), 13):
        z.append(rho[:, np.newaxis] * z[-1] + np.sqrt(1 - rho**2)[:, np.newaxis] * noise)
    z = constant(np.array(z))
    expected = 2000 * chains * (1 - rho) / (1 + rho)
    np.testing.assert_allclose(hmc.effective_sample_size(z), expected, rtol=0.33)
    assert (hmc.rhat(z).numpy() < 1.03).all()


def test_diagnostics_of_chains_that_do_not_agree():
    """Two chains in each of two modes, ± 5: of the m = 8 half chains, V/W = 1 + 25 · 8/7 exactly,
    and R̂² = (m + 1)/m V/W − 1/m."""
    modes = np.array([5.0, 5.0, -5.0, -5.0])[:, np.newaxis, np.newaxis]
    z = constant(modes + normal((1000, 4, 1, 2), 14))
    assert float(hmc.rhat(z)[0]) == pytest.approx(
        math.sqrt(9 / 8 * (1 + 25 * 8 / 7) - 1 / 8), rel=0.05
    )
    assert hmc.effective_sample_size(z)[0] < 10


def test_draws_that_alternate_are_worth_no_more_than_the_cap():
    alternating = np.where(np.arange(100) % 2, 1.0, -1.0)[:, np.newaxis, np.newaxis, np.newaxis]
    assert float(hmc.effective_sample_size(constant(alternating))[0]) == pytest.approx(200)


def test_a_coordinate_that_has_not_moved_is_not_hidden_by_one_that_has():
    z = normal((100, 2, 1, 2), 15)
    z[..., 1] = 0.3
    assert np.isnan(hmc.rhat(constant(z))[0])
    assert np.isnan(hmc.rhat(constant(z[:3]))[0])
    assert np.isnan(hmc.effective_sample_size(constant(z))[0])


def test_evaluations_count_the_gradients_of_one_chain():
    assert hmc.evaluations(samples=50, burn_in=10, leapfrog_steps=4) == 241


@pytest.mark.statistical
def test_annealing_finds_the_mode_with_the_mass():
    """Two narrow modes at ± 1 under N(0, 1), one 400 nats below the other.

    Chains that start from the prior as they are stay in either, a quarter in the light one.
    Annealed ones leave the light mode while crossing is still easy. Of 500 chains 250 ± 11 would
    end there by chance; 60 is 17 standard deviations away.
    """

    def log_likelihood(z):
        heavy = -0.5 * tf.square((z[..., 0] - 1) / 0.05)
        light = -0.5 * tf.square((z[..., 0] + 1) / 0.05) - 400.0
        return tf.reduce_logsumexp(tf.stack([heavy, light]), axis=0)

    def log_prior(z):
        return -0.5 * tf.square(z[..., 0])

    start = hmc.Chains(constant(normal((1, 500, 1), 30)), tf.fill([500], 0.1))

    @tf.function(jit_compile=True, autograph=False)
    def run(chains, annealed):
        seed = tf.constant([3, 4])
        if annealed:
            chains = hmc.anneal(
                log_prior, log_likelihood, chains, seed, temperatures=16, leapfrog_steps=4
            )
        posterior = lambda z: log_prior(z) + log_likelihood(z)  # noqa: E731
        return hmc.sample(posterior, chains, seed, samples=4, burn_in=50, leapfrog_steps=4)[0]

    light = {a: int((run(start, a).position[0, :, 0] < 0).numpy().sum()) for a in (False, True)}
    assert light[False] > 100
    assert light[True] < 60


def test_the_librarys_step_sizes_follow_each_transition():
    """e^1.02 as large after an acceptance, e^−1.02 after a rejection, of each datapoint alone."""
    start = chains_at(normal((1, N, DIM), 5), 0.5)
    width = np.array([0.02, 0.3, 1.0, 50.0])
    chains, draws = run(width, chains=start, samples=12, burn_in=0, adaptation="library")
    positions = np.concatenate([start.position.numpy()[np.newaxis], draws.z])
    accepted = (np.diff(positions, axis=0) != 0).any(axis=-1)
    ups = np.where(accepted, 1, -1).sum(axis=0)[0]
    expected = math.log(0.5) + hmc.LIBRARY_LOG_FACTOR * ups
    np.testing.assert_allclose(np.log(chains.step_size), expected, atol=1e-5)
    assert len(set(ups)) > 1 and accepted.any() and not accepted.all()
