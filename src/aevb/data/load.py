"""A data set as training uses it: verified and split."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from aevb.data.cache import read_cache
from aevb.data.formats import Arrays
from aevb.errors import DataError


class Dataset(NamedTuple):
    """Images of one data set, split; D is the product of ``image_shape``."""

    name: str
    """Its key in config/datasets.yaml."""
    label: str
    """Its name in tables and figures."""
    image_shape: tuple[int, int]
    """Rows and columns of an image."""
    train: np.ndarray
    """uint8 [N_train, D], values 0 … 255, an image's pixels row by row."""
    validation: np.ndarray
    """uint8 [N_validation, D]; may have no rows."""
    test: np.ndarray
    """uint8 [N_test, D]."""
    train_index: np.ndarray | None = None
    """Where each training image stands in its file, from 0: [N_train], int64. Of a video, the
    number of the frame; an npz file's parts follow each other. None of images that come from no
    file."""
    test_index: np.ndarray | None = None
    """The same of the test images, [N_test]."""
    train_labels: np.ndarray | None = None
    """uint8 [N_train]; None where the data set has no labels."""
    test_labels: np.ndarray | None = None
    """uint8 [N_test]; None where the data set has no labels."""


def load(name: str, definition: dict, path: Path) -> Dataset:
    """Read a data set that :func:`aevb.data.fetch` has cached, verify it and split it.

    The parts follow each other in the file's order, first training, then validation, then test
    images; MNIST's test images come from the official test file. With a ``shuffle_seed`` the
    images (of MNIST, those of the training file) are first put into the order
    ``np.random.default_rng(shuffle_seed).permutation(N)``. The paper states no split: 50 000
    training images of MNIST follow from its Figure 3, 1600 / 365 shuffled images of Frey Face
    from the first author's later code.

    Args:
        name: the data set's name.
        definition: its entry in config/datasets.yaml.
        path: the cached file.

    Raises:
        DataError: the file is missing or damaged, or the split asks for more than it holds.
    """
    arrays = read_cache(name, definition, path).arrays
    in_parts = definition["format"] == "npz"
    parts = dict(arrays) if in_parts else _split(name, definition, arrays)
    if in_parts:
        # The parts follow each other, as in the canonical content.
        n_train, n_before = len(parts["train"]), len(parts["train"]) + len(parts["validation"])
        parts["train_index"] = np.arange(n_train)
        parts["test_index"] = np.arange(n_before, n_before + len(parts["test"]))
    return Dataset(name, definition["label"], tuple(definition["image_shape"]), **parts)


def _split(name: str, definition: dict, arrays: Arrays) -> Arrays:
    split = definition["split"]
    separate = definition["format"] == "mnist_idx"
    images = arrays["train_images" if separate else "images"]
    seed = split.get("shuffle_seed")
    order = np.arange(len(images))
    if seed is not None:
        order = np.random.default_rng(seed).permutation(len(images))
    images = images[order]
    first, second = split["train"], split["train"] + split.get("validation", 0)
    rest = arrays["test_images"] if separate else images[second:]
    rest_index = np.arange(len(rest)) if separate else order[second:]
    if second > len(images) or split["test"] > len(rest):
        raise DataError(
            f"{name}: the split ({split['train']} train, {split.get('validation', 0)} validation,"
            f" {split['test']} test) asks for more than the {len(images)} images"
            + (f" and {len(rest)} test images there are" if separate else " there are")
            + "; change it in config/datasets.yaml"
        )
    parts = {
        "train": images[:first],
        "validation": images[first:second],
        "test": rest[: split["test"]],
        "train_index": order[:first],
        "test_index": rest_index[: split["test"]],
    }
    if separate and "train_labels" in arrays and "test_labels" in arrays:
        parts["train_labels"] = arrays["train_labels"][order][:first]
        parts["test_labels"] = arrays["test_labels"][: split["test"]]
    return parts
