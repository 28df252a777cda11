"""Facts of the real data sets; they need the files in the folder that AEVB_DATA_DIR names."""

import os
from pathlib import Path

import numpy as np
import pytest
import yaml

from aevb import data

pytestmark = pytest.mark.skipif(
    not os.environ.get("AEVB_DATA_DIR"),
    reason="AEVB_DATA_DIR is not set to a folder that holds the real data files",
)
DEFINITIONS = yaml.safe_load(
    (Path(__file__).parents[1] / "config" / "datasets.yaml").read_text(encoding="utf-8")
)["datasets"]


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    cache = tmp_path_factory.mktemp("real data")
    found = {}
    for name, definition in DEFINITIONS.items():
        local = definition | {"sources": [{"kind": "local"}]}
        found[name] = Path(data.fetch(name, local, cache)["path"])
    return found


def test_mnist(paths):
    mnist = data.load("mnist", DEFINITIONS["mnist"], paths["mnist"])
    assert (mnist.label, mnist.image_shape) == ("MNIST", (28, 28))
    assert mnist.train.shape == (50000, 784)
    assert mnist.validation.shape == mnist.test.shape == (10000, 784)
    assert mnist.train.dtype == mnist.validation.dtype == mnist.test.dtype == np.uint8
    # The mean and standard deviation that everyone normalises MNIST with.
    pixels = np.concatenate([mnist.train, mnist.validation])
    assert pixels.mean() / 255 == pytest.approx(0.1307, abs=5e-5)
    assert pixels.std() / 255 == pytest.approx(0.3081, abs=5e-5)
    assert pixels.min() == 0
    assert pixels.max() == 255


def test_mnist_keeps_the_official_order(paths):
    mnist = data.load("mnist", DEFINITIONS["mnist"], paths["mnist"])
    arrays = data.read_cache("mnist", DEFINITIONS["mnist"], paths["mnist"]).arrays
    np.testing.assert_array_equal(mnist.train, arrays["train_images"][:50000])
    np.testing.assert_array_equal(mnist.validation, arrays["train_images"][50000:])
    np.testing.assert_array_equal(mnist.test, arrays["test_images"])
    assert arrays["train_labels"][:5].tolist() == [5, 0, 4, 1, 9]
    assert arrays["test_labels"][:5].tolist() == [7, 2, 1, 0, 4]


def test_frey_face(paths):
    frey = data.load("frey_face", DEFINITIONS["frey_face"], paths["frey_face"])
    assert (frey.label, frey.image_shape) == ("FreyFace", (28, 20))
    assert frey.train.shape == (1600, 560)
    assert frey.validation.shape == (0, 560)
    assert frey.test.shape == (365, 560)
    pixels = np.concatenate([frey.train, frey.test])
    assert pixels.mean() / 255 == pytest.approx(0.60573, abs=5e-6)
    assert (pixels.min(), pixels.max()) == (8, 238)


def test_images_are_upright(paths):
    """Neighbours in a row and in a column are alike, which a transposed image's are not."""
    for name, path in paths.items():
        dataset = data.load(name, DEFINITIONS[name], path)
        shaped = dataset.test[:300].astype(float).reshape(-1, *dataset.image_shape)
        right = np.abs(np.diff(shaped, axis=2)).mean()
        wrong_width = dataset.test[:300].astype(float).reshape(-1, *dataset.image_shape[::-1])
        down, wrong = np.abs(np.diff(shaped, axis=1)).mean(), np.abs(np.diff(wrong_width, axis=1))
        assert right < 30
        assert down < 30
        if dataset.image_shape[0] != dataset.image_shape[1]:
            assert down < 0.7 * wrong.mean()


def test_frey_face_split_is_a_seeded_partition_of_the_video(paths):
    images = data.read_cache("frey_face", DEFINITIONS["frey_face"], paths["frey_face"]).arrays[
        "images"
    ]
    seed = DEFINITIONS["frey_face"]["split"]["shuffle_seed"]
    order = np.random.default_rng(seed).permutation(1965)
    assert not set(order[:1600]) & set(order[1600:])
    first = data.load("frey_face", DEFINITIONS["frey_face"], paths["frey_face"])
    again = data.load("frey_face", DEFINITIONS["frey_face"], paths["frey_face"])
    for dataset in (first, again):
        np.testing.assert_array_equal(dataset.train, images[order[:1600]])
        np.testing.assert_array_equal(dataset.test, images[order[1600:]])
    # Every frame is used exactly once.
    rows = sorted(map(bytes, np.concatenate([first.train, first.test])))
    assert rows == sorted(map(bytes, images))


def test_frey_face_in_video_order(paths):
    definition = DEFINITIONS["frey_face"]
    images = data.read_cache("frey_face", definition, paths["frey_face"]).arrays["images"]
    video = definition | {"split": {"train": 1600, "test": 365, "shuffle_seed": None}}
    dataset = data.load("frey_face", video, paths["frey_face"])
    np.testing.assert_array_equal(dataset.train, images[:1600])
    np.testing.assert_array_equal(dataset.test, images[1600:])
