"""Annealed importance sampling, against models whose log p(x) is known exactly or by quadrature."""

import numpy as np
import pytest
import tensorflow as tf
from scipy import stats
from scipy.special import logsumexp

from aevb.likelihood import ais, hmc
from aevb.likelihood.ais import Budget
from aevb.likelihood.model import Model
from aevb.models.linear_gaussian import LinearGaussian, ProbabilisticPCA
from aevb.models.vae import VAE
from conftest import assert_means
from exact import without_encoder

pytestmark = pytest.mark.long

Z = stats.norm.isf(1e-6)
"""Threshold of one-sided z-tests with a false-failure rate of 1e-6."""


def truth_of(latent_dim, dim=20, variance=0.05, signal=(10.0, 3.0)):
    """Probabilistic PCA whose posterior is ``signal`` times as narrow as its prior, the largest
    and the smallest such factor given; about those of MNIST."""
    generator = np.random.default_rng(latent_dim)
    directions = np.linalg.qr(generator.standard_normal((dim, latent_dim)))[0]
    scales = np.geomspace(*signal, latent_dim) * variance**0.5
    return ProbabilisticPCA(directions * scales, generator.standard_normal(dim), variance)


def score(samples):
    """Mean in standard errors."""
    return samples.mean() / stats.sem(samples)


@pytest.mark.statistical
@pytest.mark.parametrize("latent_dim", [2, 10])
def test_default_budget_is_unbiased_to_a_twentieth_of_a_nat(latent_dim):
    """Mean error within 0.05 nats, up to Z standard errors of the mean, of which the test demands
    that they are at most 0.1: a false-failure rate of 1e-6 for a bias of 0.05, and a bias of 0.25
    is found. The standard error is right within a factor of 1.5, in root mean square, and
    all but a few points pass."""
    truth = truth_of(latent_dim)
    found = ais.sandwich(without_encoder(truth), 120, Budget(), seed=0)
    for estimate in (found.lower, found.upper):
        errors = estimate.value - truth.log_likelihood(found.x)
        margin = Z * stats.sem(errors)
        assert margin < 0.1
        assert abs(errors.mean()) < 0.05 + margin
        assert estimate.passed.mean() > 0.9
        ratio = np.sqrt((errors**2).mean() / (estimate.standard_error**2).mean())
        assert 1 / 1.5 < ratio < 1.5
        assert estimate.likelihood_evaluations == 120 * ais.evaluations(Budget())


SMALL = Budget(chains=2, steps=16, segments=8)


def gaps(budget, n=300):
    """How far the lower and the upper estimates are off, with the sign that they should have."""
    truth = truth_of(5)
    found = ais.sandwich(without_encoder(truth), n, budget, seed=0)
    exact = truth.log_likelihood(found.x)
    return exact - found.lower.value, found.upper.value - exact


@pytest.mark.statistical
def test_forward_is_below_the_truth_and_reverse_above_it_and_both_approach_it():
    """One-sided z-tests with false-failure rates of 1e-6, at a budget that is too small; eight
    times as many steps close the gap on either side by more than half."""
    small, large = gaps(SMALL), gaps(SMALL.model_copy(update={"steps": 128}))
    for one, other in zip(small, large, strict=True):
        assert score(one) > Z
        assert score(one - 2 * other) > Z


@pytest.mark.statistical
def test_control_backward_chains_from_the_prior_give_no_upper_bound(monkeypatch):
    def independent(model, n, seed):
        _, x = simulate(model, n, seed)
        return simulate(model, n, seed + 1)[0], x

    simulate = ais.simulate
    monkeypatch.setattr(ais, "simulate", independent)
    lower, upper = gaps(SMALL)
    assert score(lower) > Z
    assert score(upper) < -Z


def check_weights(detects):
    """E[exp(lower − log p)] = 1 = E[exp(log p − upper)], at a budget of next to nothing.

    A weak likelihood leaves the weights a variance that 30 000 points can average. False-failure
    rate 1e-6.
    """
    truth = truth_of(2, dim=4, variance=0.5, signal=(1.0, 0.7))
    budget = Budget(chains=2, steps=4, segments=2, tuning_steps=8, tuning_chains=1)
    found = ais.sandwich(without_encoder(truth), 30_000, budget, seed=0)
    exact = truth.log_likelihood(found.x)
    weights = np.exp([found.lower.value - exact, exact - found.upper.value]).T
    assert_means(weights, 1.0, detects)


@pytest.mark.statistical
def test_weights_are_exact_in_expectation_at_any_budget():
    """Finds 5 %."""
    check_weights(detects=0.05)


@pytest.fixture
def use_kernel(monkeypatch):
    """Replaces the kernel for one test, in programs that are compiled anew."""

    def use(kernel):
        monkeypatch.setattr(ais, "_AnnealedHMC", kernel)
        ais._annealing.cache_clear()

    yield use
    ais._annealing.cache_clear()


class Cooled(ais._AnnealedHMC):
    """Leaves another distribution invariant than it is told to."""

    def __init__(self, target, **options):
        super().__init__(lambda z: 1.5 * target(z), **options)


@pytest.mark.statistical
@pytest.mark.parametrize("kernel", [Cooled, hmc.JitteredHMC])
def test_control_wrong_kernels_bias_the_weights(kernel, use_kernel):
    """The second is right for a constant target: annealed, it compares the log densities of two
    temperatures. With it some weights are so large that only a factor of two is sure to be found;
    the errors are larger."""
    use_kernel(kernel)
    with pytest.raises(AssertionError):
        check_weights(detects=1.0)


@pytest.mark.statistical
def test_random_decoder_agrees_with_quadrature():
    """A Bernoulli decoder: lower and upper estimates within 0.05 nats of the integral over a grid,
    up to Z standard errors of the mean, which are at most 0.1; so is the gap, which is negative
    by chance only."""
    model = VAE(20, 2, 10, "bernoulli", initial_standard_deviation=1.5)
    parameters = model.init(tf.constant([1]))
    weights = [value[0].numpy().astype(np.float64) for value in parameters.decoder]
    found = ais.sandwich(Model(model, parameters), 60, Budget(), seed=0)

    axis, spacing = np.linspace(-7, 7, 401, retstep=True)
    z = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    logits = np.tanh(z @ weights[0] + weights[1]) @ weights[2] + weights[3]
    log_joint = found.x @ logits.T - np.logaddexp(0, logits).sum(axis=1)
    log_joint += stats.norm.logpdf(z).sum(axis=1)
    exact = logsumexp(log_joint, axis=1) + 2 * np.log(spacing)

    lower, upper = found.lower.value - exact, found.upper.value - exact
    for error in (lower, upper, upper - lower):
        assert Z * stats.sem(error) < 0.1
        assert abs(error.mean()) < 0.05 + Z * stats.sem(error)
    assert score(upper - lower) > -Z
    assert found.lower.passed.mean() > 0.9


def test_same_seed_same_numbers_and_new_parameters_no_new_program():
    truth, other = truth_of(2), truth_of(2, variance=0.1)
    x = truth.sample(5, np.random.default_rng(0))
    values = [ais.estimate(without_encoder(truth), x, SMALL, seed).value for seed in (3, 3, 4)]
    np.testing.assert_array_equal(values[0], values[1])
    assert (values[0] != values[2]).all()
    assert (values[0] != ais.estimate(without_encoder(other), x, SMALL, 3).value).all()
    ais.reverse(without_encoder(other), np.zeros((5, 2)), x, SMALL, 3)
    program = ais._annealing(LinearGaussian(20, 2), 2, SMALL.leapfrog_steps)
    assert program.experimental_get_tracing_count() == 1


def test_latents_that_do_nothing_leave_the_estimate_exact():
    truth = ProbabilisticPCA(np.zeros((20, 2)), np.zeros(20), 1.0)
    x = truth.sample(5, np.random.default_rng(0))
    found = ais.estimate(without_encoder(truth), x, SMALL, 0)
    np.testing.assert_allclose(found.value, truth.log_likelihood(x), atol=1e-3)


def test_schedules_are_increasing_and_complete():
    truth = truth_of(10)
    ends, step_sizes = ais.tune(
        without_encoder(truth), ais.simulate(without_encoder(truth), 50, 0)[1], SMALL, 0
    )
    assert ends.shape == (9, 50) and step_sizes.shape == (8, 50)
    assert (ends[0] == 0).all() and (ends[-1] == 1).all()
    assert (np.diff(ends, axis=0) > 0).all()
    assert (step_sizes > 0).all() and (step_sizes[0] > step_sizes[-1]).all()


@pytest.mark.parametrize("variance", [3e-4, 1e3])
def test_extreme_log_densities_do_not_overflow(variance):
    """Around +1000 and −1900 nats; x that the model would never produce is 1e5 nats worse."""
    truth = truth_of(2, dim=400, variance=variance)
    x = truth.sample(10, np.random.default_rng(0))
    x[-1] += 30 * variance**0.5
    found = ais.estimate(without_encoder(truth), x, Budget(), seed=0)
    exact = truth.log_likelihood(x)
    assert (abs(exact) > 900).all()
    np.testing.assert_allclose(found.value[:-1], exact[:-1], atol=1.0)
    assert np.isfinite(found.value).all()


def test_gate_flags_small_budgets_and_bad_numbers():
    truth = truth_of(10)
    x = truth.sample(50, np.random.default_rng(0))
    x[0] = np.nan
    hasty = ais.estimate(without_encoder(truth), x, Budget(steps=16), seed=0)
    assert not hasty.passed[0]
    assert hasty.passed.mean() < 0.1


def test_budgets_that_make_no_sense_are_refused():
    for key, value in {"chains": 1, "segments": 0, "steps": 0, "leapfrog_steps": 0}.items():
        with pytest.raises(ValueError, match=key):
            Budget(**{key: value})
    with pytest.raises(ValueError, match="tuning_steps"):
        Budget(tuning_steps=7)
    with pytest.raises(ValueError, match="100 steps are no multiple of 16 segments"):
        Budget(steps=100, segments=16)
