"""The estimators of the bound against closed forms, in float64."""

from itertools import product

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from aevb.algorithms import bounds
from aevb.models.linear_gaussian import ProbabilisticPCA
from conftest import assert_means

tfd = tfp.distributions
N, D, N_Z = 4, 5, 2
REPLICATES = 40_000
GENERATOR = np.random.default_rng(1)
# Orthogonal columns: the exact posterior is a diagonal Gaussian, so q can be it.
MODEL = ProbabilisticPCA(
    np.linalg.qr(GENERATOR.standard_normal((D, N_Z)))[0] * [1.5, 0.8],
    GENERATOR.standard_normal(D),
    0.3,
)
X = MODEL.sample(N, GENERATOR)
WRONG_MEANS = GENERATOR.standard_normal((N, N_Z))
WRONG_SCALES = GENERATOR.uniform(0.4, 1.3, (N, N_Z))
PRIOR = tfd.Independent(tfd.Normal(tf.zeros(N_Z, tf.float64), 1.0), 1)


def likelihood(z):
    mean = z @ MODEL.weights.T + MODEL.mean
    return tfd.Independent(tfd.Normal(mean, tf.constant(MODEL.variance**0.5, tf.float64)), 1)


def gaussian(means, scales):
    return tfd.Independent(tfd.Normal(tf.constant(means), tf.constant(scales)), 1)


def exact_posterior():
    means, covariance = MODEL.posterior(X)
    return gaussian(means, np.broadcast_to(np.sqrt(np.diag(covariance)), means.shape))


def wrong_posterior():
    return gaussian(WRONG_MEANS, WRONG_SCALES)


def estimator_a(posterior, noise, likelihood=likelihood):
    return bounds.estimator_a(tf.constant(X), posterior, PRIOR, likelihood, noise).numpy()


def estimator_b(posterior, noise, likelihood=likelihood):
    return bounds.estimator_b(tf.constant(X), posterior, likelihood, noise).numpy()


def noise(n_samples, replicates=REPLICATES, seed=2):
    """[L, replicates, n, N_z]"""
    shape = (n_samples, replicates, N, N_Z)
    return tf.constant(np.random.default_rng(seed).standard_normal(shape))


def check_unbiased(estimator, n_samples=1):
    """An estimator's mean is the exact bound, for a q that is far from the posterior."""
    covariance = np.stack([np.diag(scales**2) for scales in WRONG_SCALES])
    exact = MODEL.lower_bound(X, WRONG_MEANS, covariance)
    assert_means(estimator(wrong_posterior(), noise(n_samples)), exact, detects=0.7)


def check_equals_log_likelihood(estimator):
    """With q the exact posterior, every single draw of estimator A is log p(x)."""
    found = estimator(exact_posterior(), noise(1, replicates=50))
    np.testing.assert_allclose(found, np.broadcast_to(MODEL.log_likelihood(X), found.shape))


@pytest.mark.statistical
@pytest.mark.parametrize("n_samples", [1, 5])
@pytest.mark.parametrize("estimator", [estimator_a, estimator_b])
def test_estimators_have_the_exact_bound_as_their_mean(estimator, n_samples):
    """40 000 draws for each of 4 datapoints; fails by chance once in 1e6; finds 0.7 nats."""
    check_unbiased(estimator, n_samples)


@pytest.mark.statistical
@pytest.mark.parametrize("n_samples", [1, 5])
def test_estimators_agree(n_samples):
    """Paired on the same noise, 40 000 draws; fails by chance once in 1e6; finds 0.1 nats."""
    draws = noise(n_samples)
    difference = estimator_a(wrong_posterior(), draws) - estimator_b(wrong_posterior(), draws)
    assert_means(difference, 0.0, detects=0.1)


def test_bound_is_the_log_likelihood_where_q_is_the_posterior():
    check_equals_log_likelihood(estimator_a)
    exact = MODEL.lower_bound(X, *MODEL.posterior(X))
    np.testing.assert_allclose(exact, MODEL.log_likelihood(X))


@pytest.mark.statistical
def test_estimator_b_has_the_log_likelihood_as_its_mean_where_q_is_the_posterior():
    """40 000 draws for each of 4 datapoints; fails by chance once in 1e6; finds 0.1 nats."""
    found = estimator_b(exact_posterior(), noise(1))
    assert_means(found, MODEL.log_likelihood(X), detects=0.1)


@pytest.mark.statistical
@pytest.mark.parametrize("estimator", [estimator_a, estimator_b])
def test_variance_is_one_over_l(estimator):
    """z-test of Var(L=1) − 5 Var(L=5), each from 40 000 draws, standard errors from the fourth
    moments; 8 comparisons at 5 standard errors fail by chance less than once in 1e5 runs, and a
    deviation of 25 % of the variance is found."""
    variances, errors = [], []
    for n_samples in (1, 5):
        values = estimator(wrong_posterior(), noise(n_samples, seed=n_samples))
        centred = values - values.mean(axis=0)
        variance = (centred**2).mean(axis=0)
        variances.append(n_samples * variance)
        errors.append(n_samples * np.sqrt(((centred**4).mean(axis=0) - variance**2) / len(values)))
    error = np.hypot(*errors)
    assert (10 * error < 0.25 * variances[0]).all()
    np.testing.assert_array_less(np.abs(variances[0] - variances[1]), 5 * error)


@pytest.mark.statistical
def test_estimator_b_has_less_variance_where_sigma_is_small():
    """The paper's "typically": A keeps the noise of ½ Σ ε², variance N_z/2, however small σ is;
    B's variance goes with σ². 40 000 draws: the variances are known within 5 % (5 standard
    errors), and they differ tenfold."""
    narrow = gaussian(MODEL.posterior(X)[0], np.full((N, N_Z), 0.01))
    a = estimator_a(narrow, noise(1)).var(axis=0)
    b = estimator_b(narrow, noise(1)).var(axis=0)
    np.testing.assert_allclose(a, N_Z / 2, rtol=0.1)
    np.testing.assert_array_less(b, 0.1 * a)


def test_estimator_b_has_more_variance_where_q_is_the_posterior():
    """A is then constant, B is not: "typically" is not "always"."""
    a = estimator_a(exact_posterior(), noise(1, 1000)).var(axis=0)
    b = estimator_b(exact_posterior(), noise(1, 1000)).var(axis=0)
    np.testing.assert_array_less(a, 1e-20)
    np.testing.assert_array_less(0.1, b)


def check_negative_kl(negative_kl):
    """Against TFP, and against the two integrals of Appendix B by Gauss-Hermite quadrature, which
    is exact for them: their integrands are quadratic."""
    posterior = wrong_posterior()
    found = np.asarray(negative_kl(posterior))
    prior = tfd.MultivariateNormalDiag(tf.zeros(N_Z, tf.float64))
    same = tfd.MultivariateNormalDiag(posterior.mean(), posterior.stddev())
    np.testing.assert_allclose(found, -tfd.kl_divergence(same, prior), rtol=1e-12)
    nodes, weights = np.polynomial.hermite_e.hermegauss(10)
    weights = weights / weights.sum()
    z = WRONG_MEANS[..., None] + WRONG_SCALES[..., None] * nodes
    log_p = -0.5 * (np.log(2 * np.pi) + z**2)
    log_q = -0.5 * (np.log(2 * np.pi * WRONG_SCALES[..., None] ** 2) + nodes**2)
    cross_entropy, entropy = ((weights * f).sum(axis=(1, 2)) for f in (log_p, log_q))
    np.testing.assert_allclose(found, cross_entropy - entropy, rtol=1e-12)
    variances, half_log = WRONG_SCALES**2, 0.5 * N_Z * np.log(2 * np.pi)
    np.testing.assert_allclose(
        cross_entropy, -half_log - 0.5 * (WRONG_MEANS**2 + variances).sum(axis=1), rtol=1e-12
    )
    np.testing.assert_allclose(
        entropy, -half_log - 0.5 * (1 + np.log(variances)).sum(axis=1), rtol=1e-12
    )


def test_negative_kl():
    check_negative_kl(bounds.negative_kl)
    standard = gaussian(np.zeros((N, N_Z)), np.ones((N, N_Z)))
    np.testing.assert_array_equal(bounds.negative_kl(standard), np.zeros(N))


def check_minibatch_estimator(estimator):
    """Its mean over all minibatches of 2, drawn with replacement, is the sum over the data."""
    values = MODEL.log_likelihood(X)
    batches = values[np.array(list(product(range(N), repeat=2)))]
    np.testing.assert_allclose(np.mean(estimator(tf.constant(batches), N)), values.sum())


def test_minibatch_estimator_is_unbiased():
    check_minibatch_estimator(bounds.minibatch_estimator)
    stacked = tf.ones([3, 7, 2])
    np.testing.assert_allclose(bounds.minibatch_estimator(stacked, 10), np.full((3, 7), 10.0))


def test_reparameterisation_keeps_the_noise():
    posterior, draws = wrong_posterior(), noise(3, 5)
    z = bounds.reparameterise(posterior, draws)
    assert z.shape == draws.shape
    np.testing.assert_allclose((z - posterior.mean()) / posterior.stddev(), draws)


def without_kl(posterior, draws):
    return estimator_b(posterior, draws) - bounds.negative_kl(posterior).numpy()


def with_kl_of_wrong_sign(posterior, draws):
    return estimator_b(posterior, draws) - 2 * bounds.negative_kl(posterior).numpy()


class WithoutConstant:
    """A Gaussian whose log-density lacks −(D/2) log 2π."""

    def __init__(self, z):
        self.distribution = likelihood(z)

    def log_prob(self, x):
        return self.distribution.log_prob(x) + D / 2 * np.log(2 * np.pi)


@pytest.mark.parametrize(
    "broken",
    [
        without_kl,
        with_kl_of_wrong_sign,
        lambda posterior, draws: estimator_a(posterior, draws, WithoutConstant),
        lambda posterior, draws: estimator_b(posterior, draws, WithoutConstant),
        lambda posterior, draws: estimator_b(posterior, tf.zeros_like(draws)),
    ],
    ids=["no KL", "wrong sign of the KL", "A without 2π", "B without 2π", "no noise"],
)
def test_control_broken_estimators_are_found_biased(broken):
    with pytest.raises(AssertionError):
        check_unbiased(broken)


@pytest.mark.parametrize("broken", [without_kl, with_kl_of_wrong_sign])
def test_control_broken_bounds_are_not_the_log_likelihood(broken):
    with pytest.raises(AssertionError):
        check_equals_log_likelihood(broken)


def test_control_broken_kl_and_minibatch_scale_are_found():
    with pytest.raises(AssertionError):
        check_negative_kl(lambda posterior: -bounds.negative_kl(posterior))
    with pytest.raises(AssertionError):
        check_negative_kl(lambda posterior: bounds.negative_kl(posterior) - 0.5 * N_Z)
    with pytest.raises(AssertionError):
        check_minibatch_estimator(lambda values, n: tf.reduce_sum(values, axis=-1))
