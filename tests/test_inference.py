"""Inference from partial and corrupted images on probabilistic PCA, where all of it is known.

The model is linear and Gaussian, so p(z|y) and p(y'|y) are Gaussians in closed form for every
channel that is linear: missing pixels, added noise, block means.
"""

import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from aevb.applications.inference import (
    Budget,
    encoder_completions,
    encoder_image,
    log_predictive,
    posterior_image,
    sample_posterior,
)
from aevb.applications.inpainting import annealed, filled
from aevb.applications.observations import BlockMeans, GaussianNoise, VisiblePixels, observed
from aevb.likelihood import ais
from aevb.models.linear_gaussian import ProbabilisticPCA
from conftest import assert_means
from exact import DIM, LATENT_DIM, POINTS, exact_model

pytestmark = [pytest.mark.long, pytest.mark.statistical]

VISIBLE, MISSING = VisiblePixels(tuple(range(8))), VisiblePixels(tuple(range(8, 16)))
# Many chains, so that the moments of each point can be tested: those averaged over points would
# be right for any calibrated posterior, however little it knows.
BUDGET = Budget(samples=30, chains=128, burn_in=60, annealing=2, leapfrog_steps=5)


def linear_posterior(
    truth: ProbabilisticPCA, matrix: np.ndarray, noise: np.ndarray, y: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Mean [n, N_z] and covariance of p(z|y) for y = A x + N(0, noise), A [D_y, D]."""
    slope = matrix @ truth.weights
    spread = truth.variance * matrix @ matrix.T + noise
    precision = np.eye(LATENT_DIM) + slope.T @ np.linalg.solve(spread, slope)
    covariance = np.linalg.inv(precision)
    residual = y - truth.mean @ matrix.T
    return residual @ np.linalg.solve(spread, slope) @ covariance, covariance


def selection(channel: VisiblePixels) -> np.ndarray:
    return np.eye(DIM)[list(channel.indices)]


def conditional_log_density(truth: ProbabilisticPCA, x: np.ndarray) -> np.ndarray:
    """log p(missing | visible) in closed form: [n], nats."""
    see, miss = selection(VISIBLE), selection(MISSING)
    cross = miss @ truth.covariance @ see.T
    gain = cross @ np.linalg.inv(see @ truth.covariance @ see.T)
    means = truth.mean[8:] + (x[:, :8] - truth.mean[:8]) @ gain.T
    covariance = miss @ truth.covariance @ miss.T - gain @ cross.T
    return np.array(
        [
            stats.multivariate_normal.logpdf(a, m, covariance)
            for a, m in zip(x[:, 8:], means, strict=True)
        ]
    )


def standardised(z: np.ndarray, mean: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """Draws z [S, C, n, N_z] less their means, whitened: one row a chain and point."""
    factor = np.linalg.cholesky(covariance)
    return np.linalg.solve(factor, (z - mean)[..., np.newaxis])[..., 0]


CHANNELS = {
    "missing pixels": (VISIBLE, selection(VISIBLE), 0.0),
    "noise": (GaussianNoise(0.7), np.eye(DIM), 0.49),
    "block means": (
        BlockMeans((4, 4), 2),
        np.array(
            [
                [0.25 if (i // 8, i % 4 // 2) == divmod(b, 2) else 0.0 for i in range(DIM)]
                for b in range(4)
            ]
        ),
        0.0,
    ),
}


def moments_of_chains(z: np.ndarray, mean: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """First and second moments of each point's whitened draws [S, C, n, N_z], averaged within
    each chain: one row a chain, [C, 2 n N_z]. Chains are independent."""
    white = standardised(z, mean, covariance)
    averages = np.stack([white.mean(axis=0), (white**2).mean(axis=0) - 1])
    return averages.transpose(1, 0, 2, 3).reshape(z.shape[1], -1)


@pytest.mark.parametrize("name", CHANNELS)
def test_hmc_draws_from_the_posterior(name):
    """Means and variances of p(z|y) are those in closed form (false failures: 1e-6)."""
    channel, matrix, noise = CHANNELS[name]
    truth, model, x = exact_model()
    y = channel.observe(x, np.random.default_rng(1))
    draws = sample_posterior(model, channel, y, BUDGET, seed=0)
    assert draws.z.shape == (30, 128, POINTS, LATENT_DIM)
    assert (draws.rhat < 1.2).all() and (draws.acceptance > 0.6).all()
    exact = linear_posterior(truth, matrix, noise * np.eye(len(matrix)), y)
    assert_means(moments_of_chains(draws.z, *exact), 0.0, detects=1.2)


def test_hmc_would_be_caught_with_the_wrong_channel():
    """Negative control: draws given all pixels are not draws given half of them."""
    truth, model, x = exact_model()
    everything = VisiblePixels(tuple(range(DIM)))
    draws = sample_posterior(model, everything, x, BUDGET, seed=0)
    exact = linear_posterior(truth, selection(VISIBLE), np.zeros((8, 8)), x[:, :8])
    with pytest.raises(AssertionError):
        assert_means(moments_of_chains(draws.z, *exact), 0.0, detects=3.0)


def completions(widening: float) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray]]:
    """Draws in 200 independent runs of each of 5 points, shaped as chains."""
    truth, model, x = exact_model(widening)
    runs, points = 200, 5
    y = VISIBLE.observe(np.tile(x[:points], (runs, 1)))
    z = encoder_completions(
        model, VISIBLE, y, np.zeros(DIM, np.float32), sweeps=200, keep=150, seed=0
    )
    assert z.shape == (150, 1, runs * points, LATENT_DIM)
    exact = linear_posterior(truth, selection(VISIBLE), np.zeros((8, 8)), y[:points])
    return z.reshape(150, runs, points, LATENT_DIM), exact


def test_completions_with_the_exact_encoder_are_gibbs_samples():
    """Where q(z|x) is the posterior, the sweeps draw from p(z|visible pixels)."""
    z, exact = completions(1.0)
    assert_means(moments_of_chains(z, *exact), 0.0, detects=0.5)


def test_completions_with_a_wrong_encoder_are_not():
    """Negative control: an encoder that is 30 % too wide is found out."""
    z, exact = completions(1.3)
    with pytest.raises(AssertionError):
        assert_means(moments_of_chains(z, *exact), 0.0, detects=2.0)


def test_log_predictive_is_the_conditional_density():
    """Log p(missing | visible) by exact draws is that in closed form, within 0.05 nats a point."""
    truth, model, x = exact_model()
    mean, covariance = linear_posterior(truth, selection(VISIBLE), np.zeros((8, 8)), x[:, :8])
    noise = np.random.default_rng(2).standard_normal((400, 50, POINTS, LATENT_DIM))
    z = (mean + noise @ np.linalg.cholesky(covariance).T).astype(np.float32)
    exact = conditional_log_density(truth, x)
    found = log_predictive(model, MISSING, MISSING.observe(x), z)
    np.testing.assert_allclose(found, exact, atol=0.1)
    assert np.abs(found - exact).mean() < 0.03
    # Negative control: draws that know nothing of the visible half.
    blind = log_predictive(model, MISSING, MISSING.observe(x), noise.astype(np.float32))
    assert (exact - blind).mean() > 0.3


def test_annealing_gives_the_same_by_the_chain_rule():
    """Log p(x) − log p(visible) by AIS is log p(missing | visible), on average within 0.05."""
    truth, model, x = exact_model()
    budget = ais.Budget(chains=64, steps=128, segments=8, tuning_chains=2)
    seen = filled(np.full_like(x, np.nan), VISIBLE, VISIBLE.observe(x))
    whole, seen = annealed(model, (x, seen), budget, seed=0)
    assert whole.passed.all() and seen.passed.all()
    error = whole.value - seen.value - conditional_log_density(truth, x)
    assert abs(error.mean()) < 0.05 and np.abs(error).max() < 0.3


@pytest.mark.parametrize("name", CHANNELS)
def test_posterior_image_is_the_conditional_mean(name):
    """E[x|y] from draws is the closed form's; where y leaves nothing open, it is y's exactly."""
    channel, matrix, noise = CHANNELS[name]
    truth, model, x = exact_model()
    y = channel.observe(x, np.random.default_rng(1))
    draws = sample_posterior(model, channel, y, BUDGET, seed=0)
    spread = matrix @ truth.covariance @ matrix.T + noise * np.eye(len(matrix))
    gain = np.linalg.solve(spread, matrix @ truth.covariance).T
    exact = truth.mean + (y - truth.mean @ matrix.T) @ gain.T
    found = posterior_image(model, channel, y, draws.z)
    assert np.abs(found - exact).max() < 0.12
    assert np.abs(found - exact).mean() < 0.03
    # Negative control: the decoder's means alone leave out what y tells of single pixels.
    means = draws.z.mean(axis=(0, 1)) @ truth.weights.T + truth.mean
    assert np.abs(means - exact).max() > 0.5
    if not noise:
        np.testing.assert_allclose(found @ matrix.T, y, atol=1e-4)


def test_encoder_image_takes_the_encoders_z():
    """With the exact encoder and no noise to speak of, it is E[x|y, z] at the posterior's mean."""
    truth, model, x = exact_model()
    everything = VisiblePixels(tuple(range(DIM)))
    np.testing.assert_allclose(encoder_image(model, everything, x, x), x, atol=1e-5)
    nothing = GaussianNoise(1e4)
    means = truth.posterior(x)[0] @ truth.weights.T + truth.mean
    np.testing.assert_allclose(encoder_image(model, nothing, x, x), means, atol=1e-3)


def test_same_seed_same_draws():
    """Draws are a function of the seed."""
    _, model, x = exact_model()
    first, again, other = (
        sample_posterior(model, VISIBLE, VISIBLE.observe(x), BUDGET, seed).z for seed in (0, 0, 1)
    )
    assert np.array_equal(first, again) and not np.allclose(first, other)


@pytest.mark.parametrize("field", Budget.model_fields)
def test_impossible_budgets(field):
    """Every part of a budget must be there."""
    with pytest.raises(ValueError, match=field):
        Budget(**{field: 0})


def test_runs_under_xla_without_retracing():
    """A second call of the same shape costs no second compilation."""
    from aevb.applications import inference

    _, model, x = exact_model()
    run = inference._scorer(observed(model, MISSING).architecture)
    before = run.experimental_get_tracing_count()
    z = np.zeros((3, 1, POINTS, LATENT_DIM), np.float32)
    for _ in range(2):
        log_predictive(model, MISSING, MISSING.observe(x), z)
    assert run.experimental_get_tracing_count() - before <= 1
    assert isinstance(model.parameters.decoder.output_weights, tf.Tensor)
