"""Manifolds, samples and encodings of trained models."""

from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp
from scipy import stats

from aevb.arrays import named_arrays
from aevb.data import Dataset
from aevb.errors import DataError
from aevb.likelihood.model import Model
from aevb.stages.encoding import Encoding, encode, latent_usage, projection_table
from aevb.stages.generation import (
    decode,
    manifold_grid,
    manifold_table,
    prior_samples,
    sample_table,
)
from aevb.stages.trained import Trained, check_data, read_trained
from aevb.stages.weights import write as write_weights
from aevb.training.assembly import architecture
from tiny import DEFINITION, SETTINGS

tfd = tfp.distributions


def tiny(scale: float = 30.0) -> Trained:
    """An untrained model with weights large enough to tell images apart."""
    network = architecture(SETTINGS)
    parameters = tf.nest.map_structure(lambda w: scale * w, network.init(tf.constant([3])))
    return Trained(SETTINGS, Model(network, parameters))


def images(n: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (n, 36), np.uint8)


@pytest.mark.parametrize("rows", [1, 10, 20])
def test_manifold_grid_is_at_the_quantiles(rows):
    """Φ of the grid is (i + ½)/n, the first coordinate down the rows (Figure 4)."""
    grid = manifold_grid(rows).reshape(rows, rows, 2)
    quantiles = stats.norm.cdf(grid.astype(np.float64))
    expected = (np.arange(rows) + 0.5) / rows
    np.testing.assert_allclose(quantiles[:, :, 0], np.tile(expected[:, None], rows), atol=1e-7)
    np.testing.assert_allclose(quantiles[:, :, 1], np.tile(expected, (rows, 1)), atol=1e-7)


@pytest.mark.statistical
def test_prior_samples_are_standard_normal():
    """Kolmogorov-Smirnov at a false-failure rate of 1e-6; a prior 5 % too wide would fail."""
    z = prior_samples(5, 20_000, seed=0)
    assert z.shape == (20_000, 5)
    assert stats.kstest(z.ravel(), "norm").pvalue > 1e-6
    assert stats.kstest(1.05 * z.ravel(), "norm").pvalue < 1e-6
    assert np.array_equal(z[:10], prior_samples(5, 20_000, seed=0)[:10])
    assert not np.array_equal(z[:10], prior_samples(5, 20_000, seed=1)[:10])
    largest = np.abs(np.corrcoef(z.T) - np.eye(5)).max()
    assert largest < 5.2 / np.sqrt(20_000)


def test_decoding_is_appendix_c():
    """Eq. 11 in NumPy, for any leading shape, and for more rows than one block holds."""
    model = tiny().model
    decoder = [part[0].numpy().astype(np.float64) for part in model.parameters.decoder]
    z = np.random.default_rng(1).normal(size=(3, 701, 2)).astype(np.float32)
    hidden = np.tanh(z @ decoder[0] + decoder[1])
    expected = 1 / (1 + np.exp(-(hidden @ decoder[2] + decoder[3])))
    found = decode(model, z)
    assert found.shape == (3, 701, 36)
    np.testing.assert_allclose(found, expected, atol=2e-6)


def test_encoding_is_equation_9():
    """Means, deviations and the KL of each dimension, against TFP's own KL."""
    trained = tiny()
    x = trained.pixels(images(50))
    found = encode(trained.model, x)
    encoder = [part[0].numpy().astype(np.float64) for part in trained.model.parameters.encoder]
    outputs = np.tanh(x @ encoder[0] + encoder[1]) @ encoder[2] + encoder[3]
    np.testing.assert_allclose(found.mean, outputs[:, :2], atol=1e-5)
    np.testing.assert_allclose(found.standard_deviation, np.exp(outputs[:, 2:] / 2), rtol=1e-5)
    exact = tfd.kl_divergence(
        tfd.Normal(found.mean, found.standard_deviation), tfd.Normal(0.0, 1.0)
    )
    np.testing.assert_allclose(found.kl, exact.numpy(), atol=1e-4)


def test_encoding_of_another_family_has_its_own_kl():
    """A Laplace q(z|x) costs more than the Gaussian with its mean and variance."""
    gaussian = tiny()
    network = replace(gaussian.model.architecture, posterior="laplace")
    laplace = Model(network, gaussian.model.parameters)
    x = gaussian.pixels(images(20))
    ours, theirs = encode(laplace, x), encode(gaussian.model, x)
    np.testing.assert_array_equal(ours.mean, theirs.mean)
    # By the difference of their entropies, ½ log 2πe − 1 − log(2/√2).
    offset = 0.5 * np.log(2 * np.pi * np.e) - 1 - np.log(np.sqrt(2))
    np.testing.assert_allclose(ours.kl - theirs.kl, offset, atol=1e-3)


def test_latent_usage_ranks_and_counts():
    """Dimensions by falling KL; active is a matter of the means' variance, not of the KL."""
    mean = np.zeros((400, 3), np.float32)
    mean[:, 2] = np.tile([-1.0, 1.0], 200)
    mean[:, 0] = np.tile([-0.09, 0.09], 200)
    kl = np.tile(np.float32([0.5, 0.001, 2.0]), (400, 1))
    usage = latent_usage(Encoding(mean, np.ones_like(mean), kl))
    assert usage["dimension"].tolist() == [2, 0, 1]
    assert usage["rank"].tolist() == [1, 2, 3]
    np.testing.assert_allclose(usage["kl"], [2.0, 0.5, 0.001], rtol=1e-6)
    np.testing.assert_allclose(usage["mean_variance"], [1.0, 0.0081, 0.0], atol=1e-6)
    assert usage["active"].tolist() == [True, False, False]


def test_usage_adds_up_to_the_bounds_kl():
    """The sum over dimensions is the KL of the bound (App. B)."""
    trained = tiny()
    encoding = encode(trained.model, trained.pixels(images(200)))
    posterior = tfd.Independent(tfd.Normal(encoding.mean, encoding.standard_deviation), 1)
    prior = tfd.Independent(tfd.Normal(tf.zeros(2), tf.ones(2)), 1)
    exact = float(tf.reduce_mean(tfd.kl_divergence(posterior, prior)))
    assert latent_usage(encoding)["kl"].sum() == pytest.approx(exact, rel=1e-5)


def dataset(labels: bool) -> Dataset:
    train, test = images(6, 1), images(4, 2)
    return Dataset(
        "tiny",
        "Tiny",
        (6, 6),
        train,
        train[:0],
        test,
        train_index=np.array([9, 1, 2, 8, 4, 5]),
        test_index=np.array([7, 0, 6, 3]),
        train_labels=np.arange(6, dtype=np.uint8) if labels else None,
        test_labels=np.array([3, 1, 1, 2], np.uint8) if labels else None,
    )


def test_projection_of_labelled_images():
    """The test images alone, each with its label and its own means."""
    trained, data = tiny(), dataset(labels=True)
    table = projection_table(trained, data)
    assert table["image"].tolist() == [0, 3, 6, 7]
    assert table["label"].tolist() == [1, 2, 1, 3]
    assert set(table["split"]) == {"test"}
    means = encode(trained.model, trained.pixels(data.test)).mean
    np.testing.assert_array_equal(table[["z1", "z2"]], means[[1, 3, 2, 0]])


def test_projection_of_a_video():
    """All frames in the order of time, whichever part they fell into."""
    trained, data = tiny(), dataset(labels=False)
    table = projection_table(trained, data)
    assert table["image"].tolist() == list(range(10))
    splits = ["test", "train", "train", "test", "train", "train", "test", "test", "train", "train"]
    assert table["split"].tolist() == splits
    assert table["label"].isna().all()
    first = encode(trained.model, trained.pixels(data.test[1:2])).mean[0]
    # Another number of images at once sums in another order.
    np.testing.assert_allclose(table.loc[0, ["z1", "z2"]].astype(float), first, rtol=1e-5)


def test_tables_beside_the_pictures():
    """Each image's row, column and latent variables."""
    z = manifold_grid(2)
    pictures = np.arange(4.0).reshape(2, 2, 1, 1) * np.ones((2, 2, 6, 6))
    table = manifold_table("Tiny", z, pictures)
    assert table[["row", "column"]].to_numpy().tolist() == [[0, 0], [0, 1], [1, 0], [1, 1]]
    np.testing.assert_array_equal(table[["z1", "z2"]], z)
    assert table["mean_pixel"].tolist() == [0, 1, 2, 3]
    samples = sample_table("Tiny", np.float32([[3, 4], [0, 1], [1, 1], [2, 0]]), pictures, seed=5)
    assert samples["squared_norm"].tolist() == [25, 1, 2, 4]
    assert samples["latent_dim"].tolist() == [2] * 4


def test_trained_models_are_read_back(tmp_path):
    """What was written is what is used; another model's arrays are refused in one line."""
    trained = tiny()
    path = tmp_path / "weights.safetensors"
    arrays = named_arrays(trained.model.parameters)
    write_weights(path, arrays, SETTINGS)
    found = read_trained(path)
    z = prior_samples(2, 5, seed=0)
    np.testing.assert_array_equal(decode(found.model, z), decode(trained.model, z))
    assert found.label == "Tiny" and found.image_shape == (6, 6)

    without = {name: array for name, array in arrays.items() if name.startswith("decoder")}
    write_weights(path, without, SETTINGS)
    assert not read_trained(path, encoder=False).model.has_encoder
    with pytest.raises(DataError, match="has no encoder"):
        read_trained(path)

    lacking = {name: array for name, array in arrays.items() if name != "decoder/hidden_bias"}
    write_weights(path, lacking, SETTINGS)
    with pytest.raises(DataError, match="there is no decoder/hidden_bias"):
        read_trained(path)

    arrays["decoder/output_weights"] = arrays["decoder/output_weights"][..., :30].copy()
    write_weights(path, arrays, SETTINGS)
    with pytest.raises(DataError, match=r"output_weights is \[8, 30\].*another model"):
        read_trained(path)


def test_images_of_another_shape_are_refused():
    """A data set of other images is named with both shapes."""
    with pytest.raises(DataError, match=r"4 × 9 pixels.*6 × 6"):
        check_data(tiny(), dataset(labels=True)._replace(image_shape=(4, 9)), "data/tiny.json")
    assert DEFINITION["image_shape"] == [6, 6]
