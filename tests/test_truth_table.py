"""Estimators of log p(x) against the truth, and probabilistic PCA as networks."""

from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from aevb import data, random
from aevb.arrays import named_arrays
from aevb.errors import ConfigError
from aevb.likelihood import importance, quadrature
from aevb.likelihood.labels import labels
from aevb.likelihood.methods.registry import read_methods
from aevb.likelihood.model import Model
from aevb.models.linear_gaussian import LinearGaussian, ProbabilisticPCA
from aevb.stages import truth_table
from aevb.stages.truth_table import compare_on_network, compare_on_ppca
from aevb.tables.estimators import COLUMNS, read_truths
from aevb.training.assembly import architecture
from tiny import SETTINGS

N_Z, POINTS = 2, 30
WITHIN = 5.0
"""Standard errors of the mean of 30 errors: falsely outside with a probability of 3e-5, that of
Student's t with 29 degrees of freedom."""
ESTIMATORS = {
    "paper": {"method": "harmonic", "samples": 200, "burn_in": 30, "max_rhat": 1.2},
    "importance_1000": {"method": "importance", "samples": 1000},
    "ais": {"method": "ais", "chains": 8, "steps": 64, "segments": 8},
    "quadrature": {"method": "quadrature"},
}


def images() -> data.Dataset:
    """Images of a linear-Gaussian model: 500 for training, 40 for testing."""
    rng = np.random.default_rng(0)
    axes = np.linalg.qr(rng.standard_normal((36, N_Z)))[0]
    truth = ProbabilisticPCA(axes * [150.0, 70.0], np.full(36, 120.0), 20.0**2)
    drawn = np.clip(np.round(truth.sample(540, rng)), 0, 255).astype(np.uint8)
    return data.Dataset("tiny", "Tiny", (6, 6), drawn[:500], drawn[:0], drawn[500:])


DATA = images()


def ppca(estimators, points=POINTS, seed=0):
    """The table, by estimator."""
    table = compare_on_ppca(DATA, N_Z, estimators, points, seed)
    return table.set_index("estimator")


@pytest.fixture(scope="module")
def table():
    return compare_on_ppca(DATA, N_Z, ESTIMATORS, POINTS)


# The table


def test_columns_and_rows(table, tmp_path):
    """One row an estimator, two for annealed importance sampling, with the columns and the labels
    that the figure reads; an estimator without settings has a budget that can be read, too."""
    assert list(table.columns) == COLUMNS
    assert table["estimator"].tolist() == [
        "harmonic kernel, 200 (paper)",
        "importance, 1000",
        "AIS",
        "AIS backward",
        "quadrature",
    ]
    for name, value in {
        "model": "PPCA",
        "latent_dim": N_Z,
        "truth": "closed form",
        "n_points": POINTS,
    }.items():
        assert (table[name] == value).all()
    rows = table.set_index("estimator")
    assert rows["budget"]["importance, 1000"] == "samples 1000"
    assert rows["budget"]["quadrature"] == "default"
    assert rows["likelihood_evaluations"]["importance, 1000"] == 1000
    assert (rows["likelihood_evaluations"] > 1).all()
    assert (rows["seconds"] > 0).all()
    path = tmp_path / "truths.csv"
    table.to_csv(path, index=False)
    assert read_truths([path])["estimator"].tolist() == table["estimator"].tolist()


def test_mean_square_is_bias_and_spread(table):
    """rmse² = bias² + (1 − 1/n) sd², and the bias' standard error is sd / √n."""
    n = table["n_points"]
    squares = table["bias"] ** 2 + (1 - 1 / n) * table["standard_deviation"] ** 2
    np.testing.assert_allclose(table["rmse"] ** 2, squares, rtol=1e-9)
    np.testing.assert_allclose(
        table["bias_standard_error"], table["standard_deviation"] / np.sqrt(n), rtol=1e-9
    )


def test_quadrature_is_exact(table):
    """Within 0.01 nats in the mean and for every point; nothing about it is random."""
    row = table.set_index("estimator").loc["quadrature"]
    assert abs(row["bias"]) < 0.01
    assert row["rmse"] < 0.01
    assert row["n_flagged"] == 0


@pytest.mark.statistical
def test_estimators_are_unbiased_on_ppca(table):
    """Importance sampling from an encoder 1.5 times too wide and the paper's estimator are within
    WITHIN standard errors of the truth, but for 0.02 nats and 0.1 nats; AIS is, either way, but
    for 0.1 nats.

    False-failure rate: below 1.2e-4 for the four together. The 0.02 nats are for the bias of a
    logarithm, half the squared standard error of a point.
    """
    rows = table.set_index("estimator")
    for name, allowed in (
        ("importance, 1000", 0.02),
        ("harmonic kernel, 200 (paper)", 0.1),
        ("AIS", 0.1),
        ("AIS backward", 0.1),
    ):
        row = rows.loc[name]
        assert abs(row["bias"]) < allowed + WITHIN * row["bias_standard_error"], name
        assert row["standard_deviation"] < 0.5, name
    assert rows["standard_deviation"]["importance, 1000"] > 0, "an exact posterior would have none"


def test_control_a_shifted_estimator_shows_its_shift(monkeypatch):
    """An estimator that is 0.1 nats too high has a bias of 0.1 nats, and no more spread."""
    only = {"quadrature": ESTIMATORS["quadrature"]}
    before = ppca(only).loc["quadrature"]
    original = quadrature.estimate

    def shifted(*arguments):
        estimate = original(*arguments)
        return estimate._replace(value=estimate.value + 0.1)

    monkeypatch.setattr(quadrature, "estimate", shifted)
    after = ppca(only).loc["quadrature"]
    assert after["bias"] - before["bias"] == pytest.approx(0.1, abs=1e-9)
    assert after["bias"] == pytest.approx(0.1, abs=0.01)
    assert after["standard_deviation"] == pytest.approx(before["standard_deviation"], abs=1e-9)


def test_flagged_points_are_counted_and_count(monkeypatch):
    """n_flagged says how many points fail the gate; their errors enter the mean like all others."""
    only = {"quadrature": ESTIMATORS["quadrature"]}
    original = quadrature.estimate

    def doubtful(*arguments):
        estimate = original(*arguments)
        passed, value = estimate.passed.copy(), estimate.value.copy()
        passed[:3] = False
        value[:3] += 10
        return estimate._replace(passed=passed, value=value)

    monkeypatch.setattr(quadrature, "estimate", doubtful)
    row = ppca(only).loc["quadrature"]
    assert row["n_flagged"] == 3
    assert row["bias"] == pytest.approx(1.0, abs=0.01)


def test_point_without_a_value(monkeypatch):
    """It is flagged, and the errors are those of the other points."""
    only = {"quadrature": ESTIMATORS["quadrature"]}
    original = quadrature.estimate

    def failing(*arguments):
        found = original(*arguments)
        value, passed = found.value + 0.1, found.passed.copy()
        value[0], passed[0] = np.nan, False
        return found._replace(value=value, passed=passed)

    monkeypatch.setattr(quadrature, "estimate", failing)
    row = ppca(only).loc["quadrature"]
    assert (row["n_points"], row["n_flagged"]) == (POINTS, 1)
    assert row["bias"] == pytest.approx(0.1, abs=0.01)
    assert row["bias_standard_error"] < 0.01


def test_too_few_samples_are_flagged():
    """A single draw from the encoder passes no gate, and its estimate is the bound's."""
    row = ppca({"one": {"method": "importance", "samples": 1}}).loc["importance, 1"]
    assert row["n_flagged"] == POINTS
    assert row["bias"] < 0


def test_points_beyond_the_test_set():
    """All test images are used where there are fewer than asked for."""
    assert (ppca({"quadrature": ESTIMATORS["quadrature"]}, points=1000)["n_points"] == 40).all()


def test_quadrature_is_left_out_of_many_dimensions():
    """With four latent dimensions quadrature has no row; with nothing else there is an error."""
    estimators = {"importance": {"method": "importance", "samples": 100}}
    estimators["quadrature"] = ESTIMATORS["quadrature"]
    found = compare_on_ppca(DATA, 4, estimators, POINTS)
    assert found["estimator"].tolist() == ["importance, 100"]
    with pytest.raises(ConfigError, match="none of the estimators applies"):
        compare_on_ppca(DATA, 4, {"quadrature": ESTIMATORS["quadrature"]}, POINTS)


# Networks


def network(algorithm="aevb", latent_dim=N_Z):
    """An experiment and weights of the right shapes, larger than at the start of training."""
    experiment = replace(SETTINGS.with_algorithm(algorithm), latent_dim=latent_dim, n_train=50)
    parameters = architecture(experiment).init(tf.constant([0, 1]))
    parameters = tf.nest.map_structure(lambda tensor: 30 * tensor, parameters)
    if algorithm == "mcem":
        parameters = parameters._replace(encoder=())
    return experiment, named_arrays(parameters)


def test_network_is_compared_with_quadrature(monkeypatch):
    """The truth is quadrature's, of the first member and the first test images; quadrature itself
    has no row."""
    estimators = {"importance": {"method": "importance", "samples": 500}}
    estimators["quadrature"] = ESTIMATORS["quadrature"]
    experiment, weights = network()
    found = compare_on_network(experiment, weights, DATA, estimators, 10)
    (row,) = found.to_dict("records")
    assert list(found.columns) == COLUMNS
    assert (row["model"], row["truth"], row["latent_dim"]) == ("AEVB, N=50", "quadrature", N_Z)
    assert row["estimator"] == "importance, 500"
    made = architecture(experiment)
    model = Model(made, truth_table.parameters_of(made, weights, member=0))
    x = (DATA.test[:10] / 255).astype(np.float32)
    error = (
        importance.estimate(model, x, importance.Budget(samples=500), 0).value
        - quadrature.estimate(model, x).value
    )
    assert row["bias"] == pytest.approx(error.mean(), abs=1e-6)


def test_network_before_training():
    """Without weights the network is untrained, its posterior the prior, and log p(x) −36 ln 2."""
    wanted = replace(SETTINGS, latent_dim=N_Z)
    rows = compare_on_network(wanted, None, DATA, ESTIMATORS, POINTS)
    assert set(rows["model"]) == {"untrained"}
    assert "quadrature" not in set(rows["estimator"])
    exact = rows.set_index("estimator").loc["importance, 1000"]
    assert abs(exact["bias"]) < 0.01


def test_monte_carlo_em_has_no_importance_sampling():
    """Without an encoder importance sampling has no row; alone, it is an error."""
    experiment, weights = network("mcem")
    only = {"importance": {"method": "importance", "samples": 500}}
    with pytest.raises(ConfigError, match="MCEM, N=50: none of the estimators applies"):
        compare_on_network(experiment, weights, DATA, only, 10)


def test_network_of_four_dimensions_has_no_truth():
    """Quadrature takes three at most, so there is nothing to compare with: one line says so."""
    experiment, weights = network(latent_dim=4)
    only = {"importance": {"method": "importance", "samples": 500}}
    with pytest.raises(ConfigError, match="at most 3 latent dimensions"):
        compare_on_network(experiment, weights, DATA, only, 10)


# Probabilistic PCA as networks

TRUTH = ProbabilisticPCA.fit(DATA.train / 256, N_Z)
X = (DATA.test[:8] / 256).astype(np.float32)


def test_networks_of_ppca_are_the_model():
    """Decoder and encoder of `parameters` give p(x|z) and the posterior p(z|x), up to float32."""
    parameters = TRUTH.parameters()
    linear = LinearGaussian(36, N_Z)
    posterior = linear.encode(parameters.encoder, tf.constant(X[np.newaxis]))
    means, covariance = TRUTH.posterior(X)
    np.testing.assert_allclose(posterior.mean()[0], means, rtol=1e-4, atol=1e-4)
    deviations = np.broadcast_to(np.sqrt(np.diag(covariance)), means.shape)
    np.testing.assert_allclose(posterior.stddev()[0], deviations, rtol=1e-5)
    np.testing.assert_allclose(covariance, np.diag(np.diag(covariance)), atol=1e-12)
    z = np.random.default_rng(1).standard_normal((len(X), N_Z)).astype(np.float32)
    likelihood = linear.decode(parameters.decoder, tf.constant(z[np.newaxis]))
    normal = stats.norm(z @ TRUTH.weights.T + TRUTH.mean, np.sqrt(TRUTH.variance))
    np.testing.assert_allclose(likelihood.log_prob(X)[0], normal.logpdf(X).sum(axis=1), rtol=1e-5)
    back = ProbabilisticPCA.from_decoder(parameters.decoder)
    np.testing.assert_allclose(back.log_likelihood(X), TRUTH.log_likelihood(X), rtol=1e-5)


def test_bayes_rule_holds_for_the_networks():
    """log p(x, z) − log q(z|x) is log p(x), whatever z."""
    parameters, linear = TRUTH.parameters(), LinearGaussian(36, N_Z)
    posterior = linear.encode(parameters.encoder, tf.constant(X[np.newaxis]))
    for seed in (0, 1):
        noise = random.normal(
            random.keys(tf.constant([seed]), random.Purpose.LIKELIHOOD), (len(X), N_Z)
        )
        z = posterior.mean() + posterior.stddev() * noise
        log_joint = linear.prior().log_prob(z) + linear.decode(parameters.decoder, z).log_prob(X)
        found = (log_joint - posterior.log_prob(z))[0]
        np.testing.assert_allclose(found, TRUTH.log_likelihood(X), atol=1e-2)


def test_widening():
    """It multiplies the encoder's standard deviations and changes nothing else."""
    exact, wide = TRUTH.parameters(), TRUTH.parameters(1.5)
    linear = LinearGaussian(36, N_Z)
    ours, theirs = (
        linear.encode(parameters.encoder, tf.constant(X[np.newaxis]))
        for parameters in (wide, exact)
    )
    np.testing.assert_allclose(ours.stddev(), 1.5 * theirs.stddev(), rtol=1e-5)
    np.testing.assert_array_equal(ours.mean(), theirs.mean())
    for one, other in zip(wide.decoder, exact.decoder, strict=True):
        np.testing.assert_array_equal(one, other)


def test_posterior_that_is_not_diagonal():
    """A model whose posterior is correlated has no such encoder."""
    turned = ProbabilisticPCA(
        TRUTH.weights @ np.array([[0.6, -0.8], [0.8, 0.6]]), TRUTH.mean, TRUTH.variance
    )
    with pytest.raises(ValueError, match="not diagonal"):
        turned.parameters()


def test_labels_of_estimators():
    """What a label shows of a budget that is not given is the method's own default; two alike are
    told apart."""
    given = {
        "paper": {"method": "harmonic"},
        "many": {"method": "harmonic", "samples": 4000, "density": "full"},
        "again": {"method": "harmonic", "samples": 4000, "density": "full"},
        "one": {"method": "importance", "samples": 1},
        "ais": {"method": "ais"},
        "exact": {"method": "quadrature"},
    }
    assert list(labels(read_methods(given)).values()) == [
        *("harmonic kernel, 50 (paper)", "harmonic full, 4000", "harmonic full, 4000 [again]"),
        *("importance, 1", "AIS", "quadrature"),
    ]
