"""What the applications measure, on models and scores whose numbers are known."""

from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf
from scipy import stats
from sklearn.metrics import roc_auc_score

from aevb.applications import anomaly, inpainting, measures, representation, restoration
from aevb.applications.inference import Budget, encoder_image
from aevb.applications.observations import BlockMeans, GaussianNoise
from aevb.applications.representation import principal_components
from aevb.data import Dataset
from aevb.errors import DataError
from aevb.likelihood import ais, importance
from aevb.likelihood.model import Model
from aevb.stages.trained import Trained
from aevb.training.assembly import architecture
from exact import exact_model
from tiny import DEFINITION, SETTINGS

pytestmark = pytest.mark.long

HMC = Budget(samples=100, chains=4, burn_in=60, annealing=2)
ANNEALING = ais.Budget(chains=8, steps=64, segments=4, tuning_chains=2)


def test_auroc_of_two_normals():
    """Scores N(0, 1) and N(−d, 1) have the area Φ(d/√2); its interval covers that."""
    rng = np.random.default_rng(0)
    usual, unusual = rng.normal(0, 1, 4000), rng.normal(-1, 1, 3000)
    found = measures.auroc(usual, unusual)
    exact = stats.norm.cdf(1 / np.sqrt(2))
    assert found["low"] < exact < found["high"]
    assert found["value"] == pytest.approx(exact, abs=0.02)
    assert found["n_images"] == 7000
    # The other way round, and where nothing can be told.
    assert measures.auroc(unusual, usual)["value"] == pytest.approx(1 - found["value"], abs=1e-9)
    assert measures.auroc(np.zeros(10), np.zeros(7))["value"] == 0.5
    perfect = measures.auroc(np.ones(10), np.zeros(7))
    assert perfect["value"] == 1.0 and np.isnan(perfect["low"])
    with pytest.raises(DataError, match="not finite"):
        measures.auroc(np.array([0.0, np.nan]), np.zeros(3))


def test_auroc_is_scikit_learns():
    """With and without ties."""
    rng = np.random.default_rng(2)
    for digits in (0, 9):
        usual, unusual = rng.normal(1, 1, 50).round(digits), rng.normal(0, 1, 30).round(digits)
        kinds = np.repeat([0, 1], [50, 30])
        expected = roc_auc_score(kinds, -np.concatenate([usual, unusual]))
        assert measures.auroc(usual, unusual)["value"] == pytest.approx(expected, abs=1e-12)


def test_pairs_are_resampled_together():
    """Where each unusual image is a usual one less a bit, pairing narrows the interval."""
    rng = np.random.default_rng(3)
    usual = rng.normal(0, 1, 200)
    unusual = usual - 0.3 + 0.01 * rng.normal(size=200)
    together = measures.auroc(usual, unusual, paired=True)
    apart = measures.auroc(usual, unusual)
    assert together["value"] == apart["value"]
    assert together["high"] - together["low"] < 0.5 * (apart["high"] - apart["low"])


@pytest.mark.statistical
def test_intervals_of_means_cover():
    """Of 200 bootstrap intervals of normal means, 95 % should cover; fewer than 90 % (or all)
    has a probability of some 1e-3 under the nominal rate, and the seeds are fixed."""
    rng = np.random.default_rng(1)
    found = [measures.mean(rng.normal(2.0, 3.0, 60)) for _ in range(200)]
    covered = np.mean([one["low"] < 2.0 < one["high"] for one in found])
    assert 0.90 <= covered < 1.0
    widths = np.mean([one["high"] - one["low"] for one in found])
    assert widths == pytest.approx(2 * 1.96 * 3 / np.sqrt(60), rel=0.05)


def test_proportion_is_wilsons():
    """8 of 10: (0.490, 0.943), from the closed form."""
    found = measures.proportion(np.array([True] * 8 + [False] * 2))
    n, p, z = 10, 0.8, stats.norm.ppf(0.975)
    centre = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2)) / (1 + z**2 / n)
    assert (found["low"], found["high"]) == pytest.approx((centre - half, centre + half), abs=1e-9)


def test_constant_values_have_no_interval():
    """Where all images agree there is nothing to resample."""
    found = measures.mean(np.full(5, 0.25))
    assert found["value"] == 0.25 and np.isnan(found["low"]) and np.isnan(found["high"])


def test_root_mean_squared_error_is_per_image():
    """Of each image over its own pixels."""
    error = measures.root_mean_squared_error([[0.0, 3.0], [1.0, 1.0]], [[4.0, 0.0], [1.0, 1.0]])
    assert error.tolist() == [np.sqrt(12.5), 0.0]


def labelled(n_train: int = 600, n_test: int = 400) -> Dataset:
    """Three kinds of images, which differ in a third of the pixels each."""
    rng = np.random.default_rng(2)

    def draw(n):
        labels = rng.integers(0, 3, n)
        bright = np.arange(36) // 12 == labels[:, np.newaxis]
        noise = rng.normal(0, 40, (n, 36))
        return np.clip(60 + 120 * bright + noise, 0, 255).astype(np.uint8), labels.astype(np.uint8)

    (train, train_labels), (test, test_labels) = draw(n_train), draw(n_test)
    return Dataset(
        "tiny",
        "Tiny",
        (6, 6),
        train,
        train[:0],
        test,
        train_labels=train_labels,
        test_labels=test_labels,
    )


def hand_made(data: Dataset, blind: bool = False) -> Trained:
    """An encoder whose two means are the brightness of two thirds of the image, or nothing."""
    network = architecture(replace(SETTINGS, hidden_units=2))
    parameters = network.init(tf.constant([0]))
    thirds = (np.arange(36)[:, np.newaxis] // 12 == np.arange(2)).astype(np.float32) / 12
    encoder = parameters.encoder._replace(
        hidden_weights=tf.constant(thirds[np.newaxis] * (0.0 if blind else 1.0)),
        hidden_bias=tf.zeros([1, 2]),
        output_weights=tf.constant(np.eye(2, 4, dtype=np.float32)[np.newaxis]),
        output_bias=tf.zeros([1, 4]),
    )
    model = Model(network, parameters._replace(encoder=encoder))
    return Trained(replace(SETTINGS, hidden_units=2), model)


def test_probe_reads_what_the_means_tell():
    """Two brightnesses tell three kinds apart; means that say nothing are no better than chance."""
    data = labelled()
    rows = {row["method"]: row for row in representation.evaluate([hand_made(data)], data, 600)}
    assert rows["encoder's means"]["value"] > 0.97
    assert rows["raw pixels"]["value"] > 0.97 and rows["raw pixels"]["latent_dim"] == 36
    assert rows["PCA"]["value"] > 0.97 and rows["PCA"]["latent_dim"] == 2
    assert rows["encoder's means"]["n_images"] == 400
    blind = representation.evaluate([hand_made(data, blind=True)], data, 600)
    (value,) = [row["value"] for row in blind if row["method"] == "encoder's means"]
    assert value < 0.45


@pytest.mark.parametrize(
    ("train", "count"),
    [
        (np.eye(3, 36) * 255, 2),
        (np.tile(np.eye(3, 36), (4, 1)) * 255, 5),
        (np.full((12, 36), 128), 5),
        (np.eye(12)[:, :4] * 255, 4),
    ],
    ids=["few", "equal", "constant", "small"],
)
def test_as_many_components_as_there_are(train, count):
    """Of five that are asked for: what the images span is kept as it is, whether they are fewer
    than that, copies of each other, all the same, or of fewer pixels."""
    components = principal_components(train / 255, 5)
    assert components.n_components_ == count
    kept = components.inverse_transform(components.transform(train / 255))
    np.testing.assert_allclose(kept, train / 255, atol=1e-9)


def test_probe_needs_two_labels():
    """With the number of images that have one."""
    data = labelled()._replace(train_labels=np.full(len(labelled().train), 3, np.uint8))
    with pytest.raises(DataError, match="the first 100 training images have one label, 3, and a l"):
        representation.evaluate([hand_made(data)], data, 100)


def test_probe_needs_labels():
    """Without labels: one line that says so."""
    data = labelled()._replace(train_labels=None)
    with pytest.raises(DataError, match="has no labels"):
        representation.evaluate([hand_made(labelled())], data, 100)


class Linear(Trained):
    """Probabilistic PCA in the place of a trained network."""

    @property
    def label(self) -> str:
        return "Linear"

    def pixels(self, images: np.ndarray) -> np.ndarray:
        return images.astype(np.float32)


def linear(n_test: int = 40) -> tuple[Linear, Dataset, object]:
    truth, model, _ = exact_model()
    rng = np.random.default_rng(5)
    definition = DEFINITION | {"image_shape": [4, 4]}
    data = Dataset(
        "linear",
        "Linear",
        (4, 4),
        truth.sample(500, rng),
        np.zeros((0, 16)),
        truth.sample(n_test, rng),
    )
    return Linear(replace(SETTINGS, definition=definition), model), data, truth


def test_denoising_reaches_the_least_possible_error():
    """On probabilistic PCA, HMC's image is the conditional mean, which no other can better on
    average; its error is the closed form's."""
    trained, data, truth = linear()
    channel = GaussianNoise(1.0)
    rows, pictures = restoration.evaluate(
        "denoising", trained, data, {"noise": channel}, 40, HMC, shown=3
    )
    x = data.test.astype(np.float32)
    y = channel.observe(x, np.random.default_rng(0))
    covariance = truth.covariance
    exact = truth.mean + (y - truth.mean) @ np.linalg.solve(covariance + np.eye(16), covariance)
    values = {row["method"]: row["value"] for row in rows if row["quantity"] == "rmse"}
    least = measures.root_mean_squared_error(exact, x).mean()
    assert values["HMC"] == pytest.approx(least, rel=0.01)
    assert values["as observed"] == pytest.approx(1.0, abs=0.1)
    assert values["HMC"] < 0.9 * values["as observed"] and values["HMC"] < values["PCA"]
    assert set(pictures) == {
        f"Linear/noise/{method}" for method in ("truth", "as observed", "PCA", "encoder", "HMC")
    }
    np.testing.assert_allclose(pictures["Linear/noise/truth"], x[:3].reshape(3, 4, 4))
    # In this test pixels are not bounded, so the encoder's clipping shows.
    np.testing.assert_allclose(
        pictures["Linear/noise/encoder"].reshape(3, 16),
        encoder_image(trained.model, channel, y[:3], np.clip(y[:3], 0, 1)),
        atol=1e-5,
    )


def test_enlarging_keeps_what_is_constant_and_repeats():
    """Nearest neighbours repeat each block's mean; splines leave a constant image alone."""
    blocks = BlockMeans((4, 6), 2)
    coarse = np.arange(6, dtype=np.float32)[np.newaxis]
    nearest = restoration.enlarge(coarse, blocks, 0).reshape(4, 6)
    np.testing.assert_array_equal(nearest, np.kron(coarse.reshape(2, 3), np.ones((2, 2))))
    flat = restoration.enlarge(np.full((1, 6), 0.3, np.float32), blocks, 3)
    np.testing.assert_allclose(flat, 0.3, atol=1e-6)


def test_inpainting_by_three_ways_agrees_with_the_closed_form():
    """On probabilistic PCA the log-likelihood of the missing half has a closed form."""
    trained, data, truth = linear()
    rows, pictures = inpainting.evaluate(trained, data, 40, HMC, ANNEALING, shown=2)
    found = {(row["method"], row["quantity"]): row["value"] for row in rows}
    x = data.test
    whole = truth.log_likelihood(x)
    upper, lower = (
        stats.multivariate_normal.logpdf(x[:, half], truth.mean[half], truth.covariance[half, half])
        for half in (slice(0, 8), slice(8, 16))
    )
    exact, marginal = (whole - upper).mean(), lower.mean()
    for method in ("encoder", "HMC", "AIS"):
        assert found[method, "log-likelihood"] == pytest.approx(exact, abs=0.15), method
        gain = found[method, "gain over the marginal"]
        assert gain == pytest.approx(exact - marginal, abs=0.2), method
    assert found["marginal", "log-likelihood"] == pytest.approx(marginal, abs=0.1)
    assert exact - marginal > 0.3
    assert found["HMC", "rmse"] < found["mean image", "rmse"]
    seen = pictures["Linear/observed"]
    assert np.isnan(seen[:, 2:]).all() and not np.isnan(seen[:, :2]).any()
    for method in ("encoder", "HMC"):
        completed = pictures[f"Linear/{method}"]
        assert completed.shape == (4, 2, 4, 4)
        np.testing.assert_allclose(
            completed[:, :, :2], np.broadcast_to(seen[:, :2], (4, 2, 2, 4)), atol=1e-6
        )
        assert np.ptp(completed[:, :, 2:], axis=0).max() > 0


def test_bound_is_the_one_of_training():
    """The mean over draws is below log p(x) and near it where the encoder is the posterior."""
    _, model, x = exact_model()
    truth, _, _ = exact_model()
    bound = anomaly.lower_bound(model, x, draws=2000)
    np.testing.assert_allclose(bound.mean(), truth.log_likelihood(x).mean(), atol=0.05)
    _, wide, _ = exact_model(1.5)
    assert anomaly.lower_bound(wide, x, draws=2000).mean() < bound.mean() - 0.1
    one = importance.estimate(model, x, importance.Budget(samples=200), seed=0).value
    assert abs(one.mean() - bound.mean()) < 0.1


def test_anomalies_are_what_they_are_called():
    """Shuffled images keep their pixels, mirrored ones their rows, foreign ones their centre."""
    data = labelled(n_test=5)
    foreign = data._replace(
        name="other", label="Other", image_shape=(4, 8), test=np.full((3, 32), 7, np.uint8)
    )
    found = anomaly.anomalies(data, 4, foreign)
    assert list(found) == ["shuffled pixels", "mirrored", "Other"]
    assert (np.sort(found["shuffled pixels"]) == np.sort(data.test[:4])).all()
    assert (found["shuffled pixels"] != data.test[:4]).any(axis=1).all()
    square = data.test[:4].reshape(4, 6, 6)
    assert (found["mirrored"].reshape(4, 6, 6) == square[:, :, ::-1]).all()
    others = found["Other"].reshape(3, 6, 6)
    assert (others[:, 1:5] == 7).all() and (others[:, [0, 5]] == 0).all()
    assert list(anomaly.anomalies(data, 4, None)) == ["shuffled pixels", "mirrored"]


def test_anomaly_ranks_by_likelihood():
    """On the model's own data, shuffled images are found, by every score."""
    trained, data, truth = linear()
    rows, pictures, scores = anomaly.evaluate(trained, data, None, 40, ANNEALING, shown=2)
    areas = {
        (row["condition"], row["method"]): row["value"]
        for row in rows
        if row["quantity"] == "auroc"
    }
    checked = [row for row in rows if row["quantity"] == "share that passes its checks"]
    assert [row["condition"] for row in checked] == ["Linear", "shuffled pixels", "mirrored"]
    for method in ("encoder's bound", "AIS log p(x)", "PPCA log p(x)"):
        assert areas["shuffled pixels", method] > 0.8, method
    np.testing.assert_allclose(
        scores["AIS log p(x)/Linear"].mean(), truth.log_likelihood(data.test).mean(), atol=0.1
    )
    assert set(pictures) == {"Linear", "shuffled pixels", "mirrored"}
