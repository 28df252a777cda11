"""The estimator of Appendix D where log p(x) is known, and the densities it fits."""

import math

import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from aevb.likelihood import harmonic, hmc
from aevb.likelihood.choices import KINDS
from aevb.likelihood.density import BANDWIDTHS, SMALLEST_DEVIATION, log_density
from aevb.likelihood.harmonic import PAPER, Budget
from aevb.likelihood.model import Model, log_joint
from aevb.models.linear_gaussian import LinearGaussian, ProbabilisticPCA
from aevb.models.vae import VAE
from exact import without_encoder

pytestmark = pytest.mark.long


def constant(values, dtype=tf.float32):
    return tf.constant(values, dtype)


def normal(shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


# Densities: 40 samples of five datapoints in two dimensions, evaluated at 15 places.

K, M = 40, 15


def points(replaced=None):
    """A normal, a correlated, a bimodal, a shifted and a narrow one; ``replaced`` by position."""
    samples = normal((K, 5, 2), 1)
    samples[:, 1, 1] += 3 * samples[:, 1, 0]
    samples[:, 2, 0] += np.where(np.arange(K) % 2, 15, -15)
    samples[:, 3] = 4 + 1e-2 * samples[:, 3]
    samples[:, 4] *= 1e-3
    for i, values in (replaced or {}).items():
        samples[:, i] = values
    return samples


def places():
    return points()[:M] + 0.1 * normal((M, 5, 1), 2) * points().std(axis=0)


def fitted(kind, samples):
    return [values.numpy() for values in log_density(kind, constant(samples, tf.float64), places())]


def library_bandwidth(samples):
    """``kde_infer_factor`` of the first author's ``hmc_est.py``, with SciPy."""
    first, second = samples[: K // 2].T, samples[K // 2 :].T
    factors = [K ** (-1 / 6) * factor for factor in BANDWIDTHS]
    scores = [stats.gaussian_kde(second, bw_method=f).logpdf(first).sum() for f in factors]
    return factors[int(np.argmax(scores))]


def test_kernel_density_is_scipys_with_the_librarys_bandwidth():
    samples = points()
    log_prob, bandwidth, fallback = fitted("kernel", samples)
    assert not fallback.any()
    assert len(set(bandwidth)) > 1, "the test wants bandwidths that differ"
    for i in range(5):
        assert bandwidth[i] == pytest.approx(library_bandwidth(samples[:, i]), rel=1e-12)
        kernel = stats.gaussian_kde(samples[:, i].T, bw_method=bandwidth[i])
        np.testing.assert_allclose(log_prob[:, i], kernel.logpdf(places()[:, i].T), rtol=1e-9)


def test_gaussian_densities_are_scipys():
    samples = points()
    full, diagonal = fitted("full", samples)[0], fitted("diagonal", samples)[0]
    for i in range(5):
        mean, covariance = samples[:, i].mean(axis=0), np.cov(samples[:, i].T)
        for found, matrix in ((full, covariance), (diagonal, np.diag(np.diag(covariance)))):
            expected = stats.multivariate_normal(mean, matrix).logpdf(places()[:, i])
            np.testing.assert_allclose(found[:, i], expected, rtol=1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_degenerate_samples_fall_back_and_leave_their_neighbours_alone(kind):
    """One that did not move, one on a line, one that did not move in its second half, one NaN."""
    line = normal((K, 1), 3) * [1.0, 2.0]
    stuck = normal((K, 2), 4)
    stuck[K // 2 :] = stuck[0]
    broken = normal((K, 2), 5)
    broken[7, 1] = math.nan
    samples = points({0: [0.3, -0.7], 1: line, 2: stuck, 4: broken})
    log_prob, bandwidth, fallback = fitted(kind, samples)
    np.testing.assert_array_equal(log_prob[:, 3], fitted(kind, points())[0][:, 3])
    expected = {"kernel": [1, 1, 1, 0, 1], "full": [1, 1, 0, 0, 1], "diagonal": [0] * 5}[kind]
    np.testing.assert_array_equal(fallback, np.array(expected, bool))
    assert np.isfinite(log_prob[:, :4]).all()
    assert np.isnan(log_prob[:, 4]).all()
    assert np.isnan(bandwidth[fallback]).all()
    diagonal = fitted("diagonal", samples)[0]
    np.testing.assert_array_equal(log_prob[:, fallback], diagonal[:, fallback])
    floored = stats.norm([0.3, -0.7], SMALLEST_DEVIATION).logpdf(places()[:, 0]).sum(axis=1)
    np.testing.assert_allclose(diagonal[:, 0], floored, rtol=1e-6)


@pytest.mark.parametrize("kind", ["kernel", "full"])
def test_too_few_samples_fall_back(kind):
    """Fewer than four for each dimension: seven, where eight are needed."""
    samples = constant(points()[:7], tf.float64)
    log_prob, bandwidth, fallback = log_density(kind, samples, places())
    assert fallback.numpy().all()
    assert np.isnan(bandwidth).all()
    np.testing.assert_array_equal(log_prob, log_density("diagonal", samples, places()).log_prob)


# The harmonic form.


def pca(latent_dim, dim=12):
    return ProbabilisticPCA(0.5 * normal((dim, latent_dim), 6), normal(dim, 7), variance=0.5)


def check_zero_variance(without_prior=False):
    truth = pca(3)
    x = truth.sample(10, np.random.default_rng(8)).astype(np.float32)
    means, covariance = truth.posterior(x)
    z = means + normal((30, 10, 3), 9) @ np.linalg.cholesky(covariance).T
    log_q = stats.multivariate_normal(np.zeros(3), covariance).logpdf(z - means)
    log_p = log_joint(without_encoder(truth), x, constant(z)).numpy().astype(np.float64)
    if without_prior:
        log_p -= stats.norm.logpdf(z).sum(axis=-1)
    value, error = harmonic.harmonic_mean(constant(log_q - log_p, tf.float64), 30.0)
    np.testing.assert_allclose(value, truth.log_likelihood(x), atol=1e-4)
    np.testing.assert_allclose(error, 0, atol=1e-5)


def test_with_the_posterior_as_q_every_weight_is_the_same():
    """In float32, through the decoder."""
    check_zero_variance()


def test_control_without_the_prior_they_are_not():
    with pytest.raises(AssertionError):
        check_zero_variance(without_prior=True)


def test_standard_error_is_the_delta_methods():
    log_weights = normal((400, 3), 10)
    value, error = harmonic.harmonic_mean(
        constant(log_weights, tf.float64), constant([400.0, 100.0, 4.0], tf.float64)
    )
    weights = np.exp(log_weights)
    np.testing.assert_allclose(value, -np.log(weights.mean(axis=0)))
    expected = weights.std(axis=0, ddof=1) / weights.mean(axis=0) / np.sqrt([400, 100, 4])
    np.testing.assert_allclose(error, expected)


# From exact posterior draws: those of N(0, I), with log p(x) = 0.

DRAWS, N = 200, 200


def from_draws(dim, kind="kernel", change=lambda z: z, log_evidence=0.0):
    z = change(normal((DRAWS, 1, N, dim), 11))
    log_p = stats.norm.logpdf(z).sum(axis=-1) + log_evidence
    value, error, q = harmonic.from_samples(
        constant(z, tf.float64), constant(log_p, tf.float64), tf.fill([N], float(DRAWS)), kind
    )
    return value.numpy(), error.numpy(), q


def check_bias(value, truth=0.0):
    """|bias| ≤ 0.1 nats, known within five standard errors: one chance in 2e6 to be wrong."""
    error = (value - truth).std() / np.sqrt(len(value))
    assert abs((value - truth).mean()) + 5 * error <= 0.1


@pytest.mark.statistical
@pytest.mark.parametrize("kind", KINDS)
def test_exact_draws_give_the_evidence(kind):
    value, error, _ = from_draws(3, kind)
    check_bias(value)
    # The kernel's weights have heavy tails, which few draws do not show.
    assert 0.4 < np.median(error) / value.std() < 1.3


@pytest.mark.statistical
def test_control_draws_that_fit_and_estimate_do_not():
    """The same draws in both halves: q is large just where the weights are evaluated."""
    with pytest.raises(AssertionError):
        check_bias(from_draws(3, change=lambda z: np.concatenate([z[: DRAWS // 2]] * 2))[0])


@pytest.mark.statistical
def test_error_grows_beyond_five_dimensions():
    """100 draws fit a kernel density in 3 dimensions well and in 20 not at all, which the
    standard error does not say."""
    (three, *_), (twenty, error, _) = from_draws(3), from_draws(20)
    assert twenty.mean() > 1 > 10 * abs(three.mean())
    assert twenty.mean() > 2 * np.median(error)


@pytest.mark.parametrize("log_evidence", [-2000.0, 1500.0])
def test_nothing_overflows(log_evidence):
    expected, shifted = from_draws(3), from_draws(3, log_evidence=log_evidence)
    np.testing.assert_allclose(shifted[0], log_evidence + expected[0], rtol=1e-12)
    np.testing.assert_allclose(shifted[1], expected[1], rtol=1e-6)


def test_halves_of_a_chain_are_used_in_order():
    """The first half of every chain fits, and only the second enters the mean."""
    z = normal((8, 2, 3, 1), 12)
    log_p = normal((8, 2, 3), 13)
    value, _, _ = harmonic.from_samples(
        constant(z, tf.float64), constant(log_p, tf.float64), tf.fill([3], 16.0), "diagonal"
    )
    first, second = z[:4].reshape(8, 3), z[4:].reshape(8, 3)
    log_q = stats.norm(first.mean(axis=0), first.std(axis=0, ddof=1)).logpdf(second)
    expected = -np.log(np.exp(log_q - log_p[4:].reshape(8, 3)).mean(axis=0))
    np.testing.assert_allclose(value, expected)


# By the indices of the first author's library.


def test_the_librarys_indices():
    """Written out: rows of z are dimension by dimension, columns of log p(x, z) image by image."""
    samples, n, d = 10, 4, 2
    z, log_p = normal((samples, 1, n, d), 14), normal((samples, 1, n), 15)
    rows = [z[:, 0, image, dim] for dim in range(d) for image in range(n)]
    columns = [log_p[sample, 0, image] for image in range(n) for sample in range(samples)]
    half = samples // 2
    against = np.reshape(columns[half * n :], (n, samples - half))
    expected = []
    for image in range(n):
        taken = rows[image * d : (image + 1) * d]
        log_q = sum(
            stats.norm(row[:half].mean(), row[:half].std(ddof=1)).logpdf(row[half:])
            for row in taken
        )
        expected.append(-np.log(np.exp(log_q - against[image]).mean()))
    value, error, _ = harmonic.from_samples(
        constant(z, tf.float64),
        constant(log_p, tf.float64),
        tf.fill([n], 10.0),
        "diagonal",
        "library",
    )
    np.testing.assert_allclose(value, expected)
    assert np.isnan(error).all()


def test_for_one_image_the_librarys_indices_are_right():
    z, log_p = constant(normal((50, 1, 1, 3), 16)), constant(normal((50, 1, 1), 17))
    values = [
        float(harmonic.from_samples(z, log_p, tf.fill([1], 50.0), "kernel", indexing)[0][0])
        for indexing in ("image", "library")
    ]
    assert values[0] == values[1]


@pytest.mark.statistical
@pytest.mark.parametrize(("indexing", "expected"), [("library", -544.34), ("image", -543.33)])
def test_what_the_library_logs_at_initialisation(indexing, expected):
    """There every posterior is the prior and log p(x) = −784 ln 2; 50 independent draws in three
    dimensions. The paper's curves start at −544.31 … −544.57. The means of 16 000 images are
    expected (standard errors 0.01 and 0.003).

    Within 0.2 nats; the mean of 1000 images has a standard error of 0.03, so six of them. Each
    value is a control for the other.
    """
    n = 1000
    z = normal((50, 1, n, 3), 18)
    log_p = stats.norm.logpdf(z).sum(axis=-1) - 784 * math.log(2)
    value, _, _ = harmonic.from_samples(
        constant(z, tf.float64),
        constant(log_p, tf.float64),
        tf.fill([n], 50.0),
        "kernel",
        indexing,
    )
    assert abs(value.numpy().mean() - expected) < 0.2
    assert value.numpy().std() / math.sqrt(n) < 0.033


# With chains.

GENEROUS = Budget(samples=800, chains=2, burn_in=150)
SMALL = Budget(samples=40, chains=1, burn_in=20)


@pytest.mark.statistical
@pytest.mark.parametrize("latent_dim", [2, 3])
def test_estimates_of_probabilistic_pca(latent_dim):
    """|bias| ≤ 0.1 nats, see check_bias; the standard errors are of the right size."""
    truth = pca(latent_dim)
    x = truth.sample(100, np.random.default_rng(14)).astype(np.float32)
    estimate = harmonic.estimate(without_encoder(truth), x, GENEROUS)
    check_bias(estimate.value, truth.log_likelihood(x))
    deviations = (estimate.value - truth.log_likelihood(x)).std()
    assert 0.3 < np.median(estimate.standard_error) / deviations < 2
    assert estimate.passed.mean() > 0.9
    assert (estimate.diagnostics["ess"] > 100).all()
    assert estimate.likelihood_evaluations == 100 * 2 * (1 + (400 + 150) * 4)


@pytest.mark.statistical
def test_the_papers_budget_at_an_untrained_decoder():
    """−784 ln 2 is the truth, the posterior being the prior; 50 samples overshoot by 0.3 nats.

    The mean of 100 points has a standard error of 0.08: six of them either way.
    """
    model = VAE(784, 3, 8, "bernoulli")
    parameters = tf.nest.map_structure(tf.zeros_like, model.init(tf.constant([0])))
    x = np.random.default_rng(15).integers(0, 2, (100, 784)).astype(np.float32)
    estimate = harmonic.estimate(Model(model, parameters), x, PAPER)
    assert -0.2 < estimate.value.mean() + 784 * np.log(2) < 0.8
    assert estimate.passed.mean() > 0.9
    assert not estimate.diagnostics["fallback"].any()
    assert estimate.likelihood_evaluations == 100 * (1 + 100 * 4)


TRUTH = pca(2)
X = TRUTH.sample(6, np.random.default_rng(16)).astype(np.float32)


def arrays(estimate):
    return [estimate.value, estimate.standard_error, *estimate.diagnostics.values()]


def test_a_seed_gives_the_same_estimate_and_another_seed_another():
    first, again, other = (
        harmonic.estimate(without_encoder(TRUTH), X, SMALL, seed) for seed in (1, 1, 2)
    )
    for found, expected in zip(arrays(again), arrays(first), strict=True):
        np.testing.assert_array_equal(found, expected)
    assert (first.value != other.value).all()
    for values in arrays(first):
        assert values.shape == (6,)
    assert first.value.dtype == np.float64
    assert first.passed.dtype == bool


def test_other_parameters_and_another_gate_need_no_other_program():
    program = harmonic._program(LinearGaussian(12, 2), SMALL.model_copy(update={"max_rhat": 0.0}))
    harmonic.estimate(without_encoder(TRUTH), X, SMALL)
    other = ProbabilisticPCA(2 * TRUTH.weights, TRUTH.mean, 0.4)
    estimate = harmonic.estimate(
        without_encoder(other), X, SMALL.model_copy(update={"max_rhat": 0.5})
    )
    assert program.experimental_get_tracing_count() == 1
    assert not estimate.passed.any()
    assert (abs(estimate.value - other.log_likelihood(X)) < 3).all()


def test_chains_go_on_at_other_parameters():
    _, chains = harmonic.estimate_with_chains(without_encoder(TRUTH), X, SMALL)
    assert chains.position.shape == (1, 6, 2)
    first, _ = harmonic.estimate_with_chains(without_encoder(TRUTH), X, SMALL, 1, chains)
    again = harmonic.estimate(without_encoder(TRUTH), X, SMALL, 1, chains)
    fresh = harmonic.estimate(without_encoder(TRUTH), X, SMALL, 1)
    np.testing.assert_array_equal(first.value, again.value)
    assert (first.value != fresh.value).all()


@pytest.mark.parametrize("broken", ["datapoint", "parameters"])
def test_nan_is_reported_where_it_is(broken):
    """A datapoint without a likelihood stays without a value; the others have theirs."""
    expected = harmonic.estimate(without_encoder(TRUTH), X, SMALL)
    x, model = X.copy(), without_encoder(TRUTH)
    if broken == "datapoint":
        x[2, 0] = math.nan
        affected = [2]
    else:
        model = without_encoder(ProbabilisticPCA(math.nan * TRUTH.weights, TRUTH.mean, 0.5))
        affected = range(6)
    estimate = harmonic.estimate(model, x, SMALL)
    others = np.setdiff1d(np.arange(6), affected)
    np.testing.assert_array_equal(estimate.value[others], expected.value[others])
    assert np.isnan(estimate.value[affected]).all()
    assert not estimate.passed[affected].any()
    assert (estimate.diagnostics["divergences"][affected] > 0).all()


def test_chains_that_never_move_do_not_pass():
    """Steps far too long and no burn-in: there is nothing to fit a density to, so no value."""
    budget = Budget(samples=40, chains=1, burn_in=0, max_rhat=1.1)
    chains = hmc.Chains(constant(normal((1, 6, 2), 17)), tf.fill([6], 1e3))
    estimate = harmonic.estimate(without_encoder(TRUTH), X, budget, chains=chains)
    assert np.isnan(estimate.value).all()
    assert estimate.diagnostics["fallback"].all()
    assert np.isnan(estimate.diagnostics["rhat"]).all()
    assert not estimate.passed.any()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"samples": 51}, "two samples"),
        ({"samples": 2}, "two samples"),
        ({"samples": 48, "chains": 5}, "two samples"),
        ({"chains": 0}, "chains"),
        ({"burn_in": -1}, "burn_in"),
        ({"leapfrog_steps": 0}, "leapfrog_steps"),
        ({"density": "cov"}, "density"),
        ({"indexing": "row"}, "indexing"),
        ({"adaptation": "none"}, "adaptation"),
        ({"initial_step_size": 0.0}, "initial_step_size"),
        ({"indexing": "library", "chains": 2}, "one chain"),
        ({"chains": 2}, "chains of shape"),
    ],
)
def test_budgets_that_make_no_sense_are_refused(change, message):
    chains = hmc.Chains(tf.zeros([1, 6, 2]), tf.ones([6]))
    with pytest.raises(ValueError, match=message):
        budget = Budget(**SMALL.model_dump() | change)
        harmonic.estimate(without_encoder(TRUTH), X, budget, chains=chains)
