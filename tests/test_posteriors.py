"""Location-scale posteriors: noise, density and KL divergence against SciPy and quadrature.

The draws' keys are fixed, and the false-failure rates are over keys.
"""

from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp
from scipy import integrate, stats

from aevb import random
from aevb.algorithms import bounds
from aevb.errors import ConfigError
from aevb.models import posteriors
from conftest import assert_means

tfd = tfp.distributions
DF = posteriors.STUDENT_T_DF
EXACT = {
    "gaussian": stats.norm(),
    "laplace": stats.laplace(scale=np.sqrt(1 / 2)),
    "logistic": stats.logistic(scale=np.sqrt(3) / np.pi),
    "student_t": stats.t(DF, scale=np.sqrt((DF - 2) / DF)),
    "triangular": stats.triang(0.5, -np.sqrt(6), 2 * np.sqrt(6)),
    "uniform": stats.uniform(-np.sqrt(3), 2 * np.sqrt(3)),
}
"""The standard members, with mean 0 and variance 1."""
N_Z = 3
LOCATION = np.array([[0.4, -1.2, 0.0], [2.0, 0.1, -0.3]], np.float32)
SCALE = np.array([[0.8, 0.3, 1.0], [0.05, 1.7, 0.6]], np.float32)
SEEDS = tf.constant([0, 5])
kinds = pytest.mark.parametrize("kind", posteriors.KINDS)


def keys(seeds=SEEDS, step=0):
    return random.keys(seeds, random.Purpose.POSTERIOR, step)


def check_noise(noise, kind):
    assert stats.kstest(np.ravel(noise).astype(np.float64), EXACT[kind].cdf).pvalue > 1e-6


def check_negative_kl(found, kind):
    """Against ∫ q (log p − log q) over q's support, in float64."""
    for index in np.ndindex(LOCATION.shape):
        mean, sd = float(LOCATION[index]), float(SCALE[index])
        # Beyond 40 only Student's t has anything left; elsewhere 0 · ∞ lurks there.
        ends = EXACT[kind].support()
        ends = ends if kind == "student_t" else np.clip(ends, -40.0, 40.0)

        def integrand(e, mean=mean, sd=sd):
            log_q = EXACT[kind].logpdf(e) - np.log(sd)
            return EXACT[kind].pdf(e) * (stats.norm.logpdf(mean + sd * e) - log_q)

        parts = [integrate.quad(integrand, a, b)[0] for a, b in ((ends[0], 0), (0, ends[1]))]
        np.testing.assert_allclose(found[index], sum(parts), atol=1e-5, rtol=1e-5)


def test_every_standard_member_has_mean_zero_and_variance_one():
    assert tuple(EXACT) == posteriors.KINDS
    for exact in EXACT.values():
        np.testing.assert_allclose([exact.mean(), exact.var()], [0.0, 1.0], atol=1e-12)


@pytest.mark.statistical
@kinds
def test_noise_has_the_standard_distribution(kind):
    """Kolmogorov-Smirnov and z-tests of mean and variance, 200 000 draws; each fails by chance
    once in 1e6; a mean that is off by 0.03 and a variance that is off by 0.12 are found."""
    noise = posteriors.noise(kind, keys(), (50_000, 2)).numpy()
    assert noise.shape == (2, 50_000, 2) and noise.dtype == np.float32
    check_noise(noise, kind)
    assert_means(noise.reshape(-1), 0.0, detects=0.03)
    assert_means(noise.reshape(-1) ** 2, 1.0, detects=0.12)


@pytest.mark.statistical
@kinds
def test_members_and_components_are_independent(kind):
    """Products of different members' and components' noise, 50 000 draws; fails by chance once in
    1e6; finds a correlation of 0.06."""
    noise = posteriors.noise(kind, keys(), (50_000, 2)).numpy()
    assert_means(noise[0] * noise[1], 0.0, detects=0.06)
    assert_means(noise[:, :, 0].T * noise[:, :, 1].T, 0.0, detects=0.06)


@kinds
def test_a_member_draws_what_it_would_draw_alone(kind):
    """Within rounding: a logarithm's last bit can depend on its place in a vector."""
    together = posteriors.noise(kind, keys(), (20, N_Z)).numpy()
    for member, seed in enumerate(SEEDS.numpy()):
        alone = posteriors.noise(kind, keys(tf.constant([seed])), (20, N_Z))
        np.testing.assert_allclose(together[member], alone[0], rtol=1e-5, atol=1e-7)
    assert not np.array_equal(together, posteriors.noise(kind, keys(step=1), (20, N_Z)))


@kinds
def test_noise_and_bound_can_be_compiled(kind):
    """As training uses them, in one XLA program; the same numbers within rounding."""

    def bound(location, scale):
        q = posteriors.LocationScale(kind, location, scale)
        noise = posteriors.noise(kind, keys(), location.shape[1:])
        z = bounds.reparameterise(q, noise)
        return q.negative_kl() - tf.reduce_sum(tf.square(z - 1.0), axis=-1)

    arguments = tf.constant([LOCATION] * 2), tf.constant([SCALE] * 2)
    compiled = tf.function(bound, jit_compile=True, autograph=False)(*arguments)
    np.testing.assert_allclose(bound(*arguments), compiled, rtol=1e-4, atol=1e-4)


@kinds
def test_log_density(kind):
    """Against SciPy, float32, at draws that are not near an edge and with another leading axis."""
    noise = EXACT[kind].ppf(np.linspace(0.001, 0.999, 5 * LOCATION.size))
    z = (LOCATION + SCALE * noise.reshape(5, *LOCATION.shape)).astype(np.float32)
    q = posteriors.LocationScale(kind, tf.constant(LOCATION), tf.constant(SCALE))
    found = q.log_prob(tf.constant(z)).numpy()
    assert found.dtype == np.float32 and found.shape == (5, 2)
    standard = (z.astype(np.float64) - LOCATION) / SCALE
    exact = (EXACT[kind].logpdf(standard) - np.log(SCALE)).sum(axis=-1)
    np.testing.assert_allclose(found, exact, rtol=1e-4, atol=1e-3)


@kinds
def test_density_integrates_to_one(kind):
    grid = np.linspace(-60.0, 60.0, 240_001)
    zeros = tf.zeros(1, tf.float64)
    log_density = posteriors.log_prob(kind, zeros + 0.3, zeros + 0.7, tf.constant(grid[:, None]))
    np.testing.assert_allclose(np.trapezoid(np.exp(log_density), grid), 1.0, atol=2e-3)


@pytest.mark.parametrize(("kind", "end"), [("uniform", np.sqrt(3)), ("triangular", np.sqrt(6))])
def test_log_density_outside_the_support_is_minus_infinity(kind, end):
    location, scale = tf.constant([0.5]), tf.constant([2.0])
    z = tf.constant([[0.5 + 2 * 0.999 * end], [0.5 + 2 * 1.001 * end], [0.5 - 2 * 1.001 * end]])
    with tf.GradientTape() as tape:
        tape.watch([location, scale])
        found = posteriors.log_prob(kind, location, scale, tf.cast(z, tf.float32))
        inside = tf.reduce_sum(tf.where(tf.math.is_finite(found), found, 0.0))
    assert np.isfinite(found[0]) and (found[1:].numpy() == -np.inf).all()
    for gradient in tape.gradient(inside, [location, scale], unconnected_gradients="zero"):
        assert np.isfinite(gradient).all()


@kinds
def test_negative_kl_against_quadrature(kind):
    """To 1e-5 nats: inside the range in which float32 holds it."""
    found = posteriors.negative_kl(kind, tf.constant(LOCATION), tf.constant(SCALE)).numpy()
    assert found.dtype == np.float32 and (found <= 1e-6).all()
    check_negative_kl(found, kind)
    q = posteriors.LocationScale(kind, tf.constant(LOCATION), tf.constant(SCALE))
    np.testing.assert_allclose(q.negative_kl(), found.sum(axis=-1), rtol=1e-6)


def test_the_gaussian_has_the_paper_s_kl_and_the_largest():
    """Appendix B; of all densities with a given variance the Gaussian has the largest entropy."""
    q = posteriors.LocationScale("gaussian", tf.constant(LOCATION), tf.constant(SCALE))
    appendix = tf.reduce_sum(bounds.negative_kl_per_dimension(q), axis=-1)
    np.testing.assert_allclose(q.negative_kl(), appendix, rtol=1e-5)
    for kind, exact in EXACT.items():
        np.testing.assert_allclose(posteriors.entropy(kind), exact.entropy(), atol=1e-7)
        assert posteriors.entropy(kind) <= posteriors.entropy("gaussian")


@pytest.mark.statistical
@kinds
def test_estimator_a_has_the_closed_form_as_its_mean(kind):
    """log p(z) − log q(z|x) at reparameterised z, 100 000 draws of each of 2 posteriors; fails by
    chance once in 1e6; finds 0.1 nats. In float64, where no draw falls over an edge."""
    q = posteriors.LocationScale(
        kind, *(tf.constant(values, tf.float64) for values in (LOCATION, SCALE))
    )
    noise = tf.cast(posteriors.noise(kind, keys(SEEDS[:1]), (100_000, 2, N_Z))[0], tf.float64)
    prior = tfd.Independent(tfd.Normal(tf.zeros(N_Z, tf.float64), 1.0), 1)
    nothing = SimpleNamespace(log_prob=lambda x: 0.0)
    without_likelihood = bounds.estimator_a(None, q, prior, lambda z: nothing, noise[None])
    assert_means(without_likelihood, q.negative_kl(), detects=0.1)


@kinds
def test_control_other_kinds_noise_and_divergence_are_found(kind):
    """And a scale that is not the standard deviation."""
    noise = posteriors.noise(kind, keys(), (50_000, 2)).numpy()
    kl = {k: posteriors.negative_kl(k, LOCATION, SCALE).numpy() for k in posteriors.KINDS}
    for other in set(posteriors.KINDS) - {kind}:
        with pytest.raises(AssertionError):
            check_noise(noise, other)
        with pytest.raises(AssertionError):
            check_negative_kl(kl[other], kind)
    with pytest.raises(AssertionError):
        check_noise(1.05 * noise, kind)
    with pytest.raises(AssertionError):
        check_negative_kl(posteriors.negative_kl(kind, LOCATION, 1.01 * SCALE).numpy(), kind)


def test_unknown_kinds_are_refused():
    for call in (
        lambda: posteriors.noise("cauchy", keys(), (2,)),
        lambda: posteriors.log_prob("cauchy", LOCATION, SCALE, LOCATION),
        lambda: posteriors.negative_kl("cauchy", LOCATION, SCALE),
        lambda: posteriors.LocationScale("cauchy", LOCATION, SCALE),
    ):
        with pytest.raises(ConfigError, match="'cauchy'; it is one of gaussian, laplace") as caught:
            call()
        assert "\n" not in str(caught.value)
