"""Gradient estimators of §2 against the exact gradient of a bound that has a closed form."""

import math

import numpy as np
import pytest
import tensorflow as tf

from aevb import random
from aevb.algorithms import bounds
from aevb.likelihood.model import Model
from aevb.section2 import gradients
from aevb.section2.kl_divergence import compare
from conftest import assert_means
from exact import exact_model

pytestmark = [pytest.mark.long, pytest.mark.statistical]


def model_and_data(widening: float = 1.3) -> tuple[Model, np.ndarray]:
    """Probabilistic PCA whose encoder is too wide and off by half, so that its gradient is not
    zero."""
    _, model, x = exact_model(widening)
    encoder = model.parameters.encoder
    shifted = encoder._replace(output_bias=tf.add(encoder.output_bias, [[0.5, -0.5, 0.0, 0.0]]))
    return Model(model.architecture, model.parameters._replace(encoder=shifted)), x[:4]


def exact_gradient(model: Model, x: np.ndarray) -> np.ndarray:
    """∇_φ of the mean over x of −KL + E_q[log p(x|z)], both in closed form."""
    decoder = model.parameters.decoder
    weights, bias = decoder.output_weights[0], decoder.output_bias[0]
    data = tf.constant(x[np.newaxis])
    with tf.GradientTape() as tape:
        tape.watch(model.parameters.encoder)
        q = model.architecture.encode(model.parameters.encoder, data)
        mean, variance = q.mean()[0], tf.square(q.stddev()[0])
        residual = tf.reduce_sum(tf.square(data[0] - mean @ weights - bias[:-1]), axis=-1)
        spread = tf.reduce_sum(variance * tf.reduce_sum(tf.square(weights), axis=1), axis=-1)
        constant = x.shape[1] * (math.log(2 * math.pi) + bias[-1])
        reconstruction = -0.5 * (constant + (residual + spread) / tf.exp(bias[-1]))
        bound = tf.reduce_mean(bounds.negative_kl(q)[0] + reconstruction)
    slopes = tape.gradient(bound, model.parameters.encoder)
    return np.concatenate([slope.numpy().ravel() for slope in slopes])


def estimates(model: Model, x: np.ndarray, kind: str, draws: int, n: int = 1000) -> np.ndarray:
    found = []
    for i in range(n):
        width = (2 if kind == "score_baseline" else 1) * model.latent_dim
        noise = random.normal(noise_keys(i), (draws, len(x), width))[0]
        found.append(gradients.gradient(model, kind, tf.constant(x), noise).numpy())
    return np.array(found)


def noise_keys(i: int) -> tf.Tensor:
    return random.keys(tf.constant([7]), random.Purpose.ESTIMATORS, i)


# What is found out at most, in nats: the score function's noise is larger than its gradient.
DETECTS = {"score": 90.0, "score_baseline": 25.0, "A": 5.0, "B": 5.0}


@pytest.mark.parametrize("kind", gradients.ESTIMATORS)
@pytest.mark.parametrize("draws", [1, 8])
def test_every_estimator_is_unbiased(kind, draws):
    """The mean of each is the exact gradient, in every parameter (false failures: 1e-6)."""
    model, x = model_and_data()
    exact = exact_gradient(model, x)
    assert np.abs(exact).max() > 0.5
    assert_means(estimates(model, x, kind, draws), exact, detects=DETECTS[kind])


def test_a_stopped_gradient_is_caught():
    """Negative control: with z held fixed, estimator A has another mean."""
    model, x = model_and_data()
    encoder = model.parameters.encoder
    found = []
    for i in range(400):
        noise = random.normal(
            random.keys(tf.constant([7]), random.Purpose.ESTIMATORS, i), (1, 4, 2)
        )
        with tf.GradientTape() as tape:
            tape.watch(encoder)
            q = model.architecture.encode(encoder, x[np.newaxis])
            z = tf.stop_gradient(bounds.reparameterise(q, noise))
            decoded = model.architecture.decode(model.parameters.decoder, z)
            f = decoded.log_prob(x) + model.architecture.prior().log_prob(z) - q.log_prob(z)
            objective = tf.reduce_mean(f)
        slopes = tape.gradient(objective, encoder)
        found.append(np.concatenate([slope.numpy().ravel() for slope in slopes]))
    with pytest.raises(AssertionError):
        assert_means(np.array(found), exact_gradient(model, x), detects=10.0)


def test_a_baseline_from_its_own_draw_is_caught():
    """Negative control: a baseline that depends on the draw itself biases the estimate."""
    model, x = model_and_data()
    found = []
    for i in range(400):
        noise = random.normal(noise_keys(i), (2, 4, 2))[0][:, tf.newaxis]
        with tf.GradientTape() as tape:
            tape.watch(model.parameters.encoder)
            q = model.architecture.encode(model.parameters.encoder, x[np.newaxis])
            value = bounds.score_function(
                tf.constant(x[np.newaxis]),
                q,
                model.architecture.prior(),
                lambda z: model.architecture.decode(model.parameters.decoder, z),
                noise,
                baseline_noise=noise,
            )
            objective = tf.reduce_mean(value)
        slopes = tape.gradient(objective, model.parameters.encoder)
        found.append(np.concatenate([slope.numpy().ravel() for slope in slopes]))
    with pytest.raises(AssertionError):
        assert_means(np.array(found), exact_gradient(model, x), detects=90.0)


def test_noise_falls_as_the_paper_says():
    """B is below A, A below the score function; with L the noise given the data falls as 1/L."""
    model, x = model_and_data()
    table = gradients.measure({"trained": model}, x[:1], [(1, 1), (16, 1)], replicates=200)
    by = table.set_index(["estimator", "samples_per_datapoint"])["variance"]
    assert by["SGVB B", 1] < by["SGVB A", 1]
    assert by["SGVB A", 1] < 0.2 * by["score function", 1]
    assert by["score function, baseline", 1] < by["score function", 1]
    for label in gradients.ESTIMATORS.values():
        # One datapoint: all noise is the estimator's. The error of a ratio is some 15 %.
        assert by[label, 1] / by[label, 16] == pytest.approx(16, rel=0.5), label
    exact = (exact_gradient(model, x[:1]) ** 2).sum()
    rows = table[table["estimator"].isin(["SGVB A", "SGVB B"])]
    np.testing.assert_allclose(rows["signal"], exact, rtol=0.4)


def test_moments_are_numpys():
    """The running mean and variance are those of all replicates at once."""
    model, x = model_and_data()
    found = gradients.moments(model, "B", x[:1], draws=1, minibatch=1, replicates=6, seed=7)
    values = estimates(model, x[:1], "B", 1, n=6).astype(np.float64)
    np.testing.assert_allclose(found.mean, values.mean(axis=0), atol=1e-4)
    assert found.variance == pytest.approx(values.var(axis=0, ddof=1).sum(), rel=1e-4)


def test_the_variances_error_is_that_of_repetitions():
    """Forty variances of twenty replicates scatter as their standard errors say, to a factor of
    1.6 (the parameters are strongly correlated: under independence it would be far smaller)."""
    model, x = model_and_data()
    found = [
        gradients.moments(model, "B", x[:1], draws=1, minibatch=1, replicates=20, seed=seed)
        for seed in range(40)
    ]
    scatter = np.std([one.variance for one in found], ddof=1)
    told = np.mean([one.standard_error for one in found])
    assert 1 / 1.6 < scatter / told < 1.6


def test_the_analytic_kl_is_the_mean_of_log_ratios():
    """Appendix B for J = 1 … 200: z-scores of 180 pairs are standard normal (Bonferroni, 1e-6)."""
    table = compare(draws=4000)
    assert sorted(table["latent_dim"].unique()) == [1, 2, 3, 5, 10, 20, 50, 100, 200]
    z = (table["monte_carlo"] - table["analytic"]) / table["standard_error"]
    assert np.abs(z).max() < 6
    assert np.mean(z**2) == pytest.approx(1, abs=0.5)
    assert (table["analytic"] < 0).all()
    # Negative control: a KL without its term of the log-variances is found out.
    wrong = table["analytic"] + 0.05 * table["latent_dim"]
    assert np.abs((table["monte_carlo"] - wrong) / table["standard_error"]).max() > 6
