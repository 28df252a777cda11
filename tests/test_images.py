"""A person's own images, what a record says of its data, and where each image of a split stood."""

import json
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import scipy.io

from aevb import data
from aevb.data.images import read_images
from aevb.data.record import dataset_of, definition_of
from aevb.errors import ConfigError, DataError
from aevb.training.assembly import training_set
from tiny import SETTINGS

SHAPE = (4, 3)
PIXELS = np.random.default_rng(0).integers(0, 256, (40, 12), np.uint8)
REALS = (PIXELS[:5] / 255).astype(np.float64)


def save(path: Path, array, **options) -> Path:
    np.save(path, array, **options)
    return path


def refusal(path: Path, **options) -> str:
    """What is said of a file that is refused: one line, which names the file."""
    with pytest.raises(DataError) as error:
        read_images(path, SHAPE, **options)
    (line,) = str(error.value).splitlines()
    assert line.startswith(f"{path}: ")
    return line.removeprefix(f"{path}: ")


# What is accepted.


@pytest.mark.parametrize("shape", [(5, 12), (5, 4, 3)])
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16])
def test_flat_and_square_images_are_the_same(tmp_path, shape, dtype):
    """[n, D] and [n, rows, columns] give the same float32 pixels, row by row, unscaled."""
    values = REALS.astype(dtype)
    found = read_images(save(tmp_path / "own.npy", values.reshape(shape)), SHAPE)
    assert (found.shape, found.dtype) == ((5, 12), np.float32)
    np.testing.assert_array_equal(found, values.astype(np.float32))


def test_a_single_image(tmp_path):
    """[rows, columns] is one image, not that many images of a row each."""
    found = read_images(save(tmp_path / "own.npy", REALS[0].reshape(SHAPE)), SHAPE)
    np.testing.assert_array_equal(found, REALS[:1].astype(np.float32))


@pytest.mark.parametrize("divisor", [255, 256])
def test_bytes_are_divided(tmp_path, divisor):
    """Bytes become pixels by the model's own divisor."""
    found = read_images(save(tmp_path / "own.npy", PIXELS), SHAPE, divisor)
    np.testing.assert_array_equal(found, PIXELS.astype(np.float32) / np.float32(divisor))
    assert found.max() == np.float32(PIXELS.max()) / np.float32(divisor)


@pytest.mark.parametrize("dtype", [bool, np.int64, np.uint16, np.int8])
def test_zeros_and_ones_of_any_type(tmp_path, dtype):
    """Truth values and whole numbers other than bytes are pixels as they are."""
    values = (PIXELS[:3] > 127).astype(dtype)
    found = read_images(save(tmp_path / "own.npy", values), SHAPE)
    np.testing.assert_array_equal(found, (PIXELS[:3] > 127).astype(np.float32))


def test_archives(tmp_path):
    """Of an npz the only array is taken, whatever its name, or the one called `images`."""
    one, several = tmp_path / "one.npz", tmp_path / "several.npz"
    np.savez(one, whatever=REALS)
    np.savez_compressed(several, labels=np.arange(5), images=REALS)
    for path in (one, several):
        np.testing.assert_array_equal(read_images(path, SHAPE), REALS.astype(np.float32))


# What is refused.


def test_missing_file(tmp_path):
    """A missing file is named."""
    assert refusal(tmp_path / "absent.npy") == "there is no such file"


def test_archive_that_does_not_say_which(tmp_path):
    """Several arrays without one called `images`, or none at all, are refused with their names."""
    path = tmp_path / "own.npz"
    np.savez(path, first=REALS, second=REALS)
    assert refusal(path) == (
        "holds the arrays first [5, 12], second [5, 12]; call the one to use `images`"
    )
    np.savez(path)
    assert refusal(path) == "an .npz file without any array"


@pytest.mark.parametrize(
    "shape", [(), (12,), (0, 12), (0, 4, 3), (5, 11), (5, 3, 4), (3, 4), (1, 1, 12)]
)
def test_wrong_shape(tmp_path, shape):
    """Images of another shape are refused with theirs and with the model's; so are no images."""
    said = refusal(save(tmp_path / "own.npy", np.zeros(shape)))
    assert f"has the shape {list(shape)}; expected [n, 4, 3] or [n, 12], with n ≥ 1" in said


# Records.


def faces(**split) -> dict:
    return {
        "label": "Faces",
        "observation": "gaussian",
        "image_shape": [4, 3],
        "format": "frey_mat",
        "files": {"faces.mat": {"variable": "ff"}},
        "sources": [{"kind": "local"}],
        "terms": {"licence": "none"},
        "split": {"train": 25, "test": 10, **split},
    }


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "local"
    folder.mkdir()
    scipy.io.savemat(folder / "faces.mat", {"ff": PIXELS.T})
    return folder


def fetch(name: str, definition: dict, folder: Path) -> dict:
    return data.fetch(name, definition, folder.parent / "cache", folder, lambda line: None)


def test_record_says_what_the_data_are(folder, tmp_path):
    """A record holds the name and a definition with which the data can be loaded again."""
    record, path = fetch("faces", faces(), folder), tmp_path / "faces.json"
    data.write_record(record, path)
    assert dataset_of(path) == "faces"
    definition = definition_of(path)
    assert definition == {k: v for k, v in faces().items() if k not in ("sources", "terms")}
    loaded = data.load("faces", definition, data.available_path(path))
    np.testing.assert_array_equal(loaded.test, PIXELS[25:35])


def test_record_of_an_older_version(folder, tmp_path):
    """A record without the definition still has its name; the definition is asked for anew."""
    path = tmp_path / "faces.json"
    record = fetch("faces", faces(), folder)
    del record["definition"]
    data.write_record(record, path)
    assert dataset_of(path) == "faces"
    with pytest.raises(DataError, match=r"does not say what the data are; run the fetch step ag"):
        definition_of(path)


def test_record_of_an_absent_data_set(tmp_path):
    """An absent data set has a name and no definition; the reason is told."""
    path = tmp_path / "faces.json"
    data.write_record(data.unavailable_record("faces", DataError("HTTP 403")), path)
    assert dataset_of(path) == "faces"
    with pytest.raises(DataError, match=r"faces is not available: HTTP 403"):
        definition_of(path)


@pytest.mark.parametrize("content", [None, "", "{", "[]", "{}", "3", '{"available": true}'])
@pytest.mark.parametrize("ask", [dataset_of, definition_of])
def test_damaged_record(tmp_path, content, ask):
    """A missing or damaged record is named in one line, with what to do."""
    path = tmp_path / "faces.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(DataError) as error:
        ask(path)
    (line,) = str(error.value).splitlines()
    assert line.startswith(f"{path} is {'missing' if content is None else 'damaged'}")
    assert line.endswith("run the fetch step again")


# Where the images of a split stood.


def test_places_in_a_shuffled_file(folder):
    """Of a shuffled split, each index points at its image in the file."""
    definition = faces(validation=5, shuffle_seed=3)
    path = Path(fetch("faces", definition, folder)["path"])
    loaded = data.load("faces", definition, path)
    np.testing.assert_array_equal(PIXELS[loaded.train_index], loaded.train)
    np.testing.assert_array_equal(PIXELS[loaded.test_index], loaded.test)
    order = np.random.default_rng(3).permutation(40)
    np.testing.assert_array_equal(loaded.train_index, order[:25])
    np.testing.assert_array_equal(loaded.test_index, order[30:])
    assert loaded.train_index.dtype == loaded.test_index.dtype == np.int64
    assert loaded.train_labels is None and loaded.test_labels is None


def test_places_in_a_video(folder):
    """Unshuffled, the test images come after the training and the validation images."""
    definition = faces(validation=3)
    path = Path(fetch("faces", definition, folder)["path"])
    loaded = data.load("faces", definition, path)
    np.testing.assert_array_equal(loaded.train_index, np.arange(25))
    np.testing.assert_array_equal(loaded.test_index, np.arange(28, 38))


@pytest.mark.parametrize("n_validation", [0, 4])
def test_places_in_an_own_file(folder, n_validation):
    """The parts of an npz file follow each other, so no two images share a place."""
    parts = {"train": PIXELS[:20], "test": PIXELS[30:]}
    if n_validation:
        parts["validation"] = PIXELS[20 : 20 + n_validation]
    np.savez(folder / "own.npz", **parts)
    definition = faces() | {"format": "npz", "files": {"own.npz": {}}, "split": None}
    loaded = data.load("own", definition, Path(fetch("own", definition, folder)["path"]))
    np.testing.assert_array_equal(loaded.train_index, np.arange(20))
    np.testing.assert_array_equal(loaded.test_index, 20 + n_validation + np.arange(10))
    assert loaded.train_labels is None and loaded.test_labels is None


def idx(array: np.ndarray) -> bytes:
    header = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
    return header + array.tobytes()


IDX_FILES = ("train_images", "train_labels", "test_images", "test_labels")


def digits(names=IDX_FILES, **split) -> dict:
    return faces(**split) | {
        "label": "Digits",
        "observation": "bernoulli",
        "format": "mnist_idx",
        "files": {f"{name}-idx": {"array": name} for name in names},
    }


@pytest.fixture
def labelled(folder):
    """A folder with MNIST's four files in small: label i of 0 … 39 stands at image i."""
    arrays = {
        "train_images": PIXELS.reshape(40, 4, 3),
        "train_labels": np.arange(40, dtype=np.uint8),
        "test_images": PIXELS[::-1][:12].reshape(12, 4, 3),
        "test_labels": np.arange(100, 112, dtype=np.uint8),
    }
    for name, array in arrays.items():
        (folder / f"{name}-idx").write_bytes(idx(array))
    return folder


@pytest.mark.parametrize("seed", [None, 7])
def test_labels_stay_with_their_images(labelled, seed):
    """Of MNIST, labels and places go with the images through split and shuffle."""
    definition = digits(shuffle_seed=seed, validation=5)
    path = Path(fetch("digits", definition, labelled)["path"])
    loaded = data.load("digits", definition, path)
    # In this file label and place are the same number.
    np.testing.assert_array_equal(loaded.train_labels, loaded.train_index)
    np.testing.assert_array_equal(PIXELS[loaded.train_labels], loaded.train)
    assert (np.diff(loaded.train_index) == 1).all() == (seed is None)
    # The test images come from their own file, in its order.
    np.testing.assert_array_equal(loaded.test_labels, np.arange(100, 110))
    np.testing.assert_array_equal(loaded.test_index, np.arange(10))
    np.testing.assert_array_equal(loaded.test, PIXELS[::-1][:10])
    assert loaded.train_labels.dtype == loaded.test_labels.dtype == np.uint8


def test_images_without_labels(labelled):
    """MNIST's images without its label files have places and no labels."""
    definition = digits(names=("train_images", "test_images"))
    loaded = data.load("digits", definition, Path(fetch("digits", definition, labelled)["path"]))
    assert loaded.train_labels is None and loaded.test_labels is None
    np.testing.assert_array_equal(loaded.train_index, np.arange(25))


# The first training images.


def test_a_smaller_training_set_is_cut_alike(labelled):
    """With n_train, images, places and labels are cut at the same point; the test set is not."""
    definition = digits(shuffle_seed=7)
    whole = data.load("digits", definition, Path(fetch("digits", definition, labelled)["path"]))
    cut = training_set(replace(SETTINGS, n_train=6), whole)
    for field in ("train", "train_index", "train_labels"):
        np.testing.assert_array_equal(getattr(cut, field), getattr(whole, field)[:6])
    for field in ("validation", "test", "test_index", "test_labels"):
        assert getattr(cut, field) is getattr(whole, field)
    everything = training_set(replace(SETTINGS, n_train=None), whole)
    assert len(everything.train) == len(everything.train_index) == 25
    with pytest.raises(ConfigError, match=r"n_train: 26 training images .* digits has 25"):
        training_set(replace(SETTINGS, n_train=26), whole)


def test_a_smaller_training_set_without_places():
    """Images that come from no file have neither places nor labels, before and after the cut."""
    made = data.Dataset("made", "Made", SHAPE, PIXELS[:25], PIXELS[25:25], PIXELS[25:])
    cut = training_set(replace(SETTINGS, n_train=4), made)
    np.testing.assert_array_equal(cut.train, PIXELS[:4])
    assert cut.train_index is None and cut.train_labels is None


def test_record_is_plain_json(folder, tmp_path):
    """The definition in a record is what it was, so that a record can be read anywhere."""
    path = tmp_path / "faces.json"
    data.write_record(fetch("faces", faces(shuffle_seed=3), folder), path)
    assert json.loads(path.read_text())["definition"]["split"]["shuffle_seed"] == 3
