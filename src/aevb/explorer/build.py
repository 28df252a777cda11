"""Trained decoders with two latent variables, packed into a page that computes their images."""

import base64
import gzip
import json
import math
import re
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
import pandas as pd

from aevb.arrays import Tensors
from aevb.errors import DataError
from aevb.models.registry import TANH_DECODERS
from aevb.settings.experiment import Experiment
from aevb.stages import weights as weight_files
from aevb.tables import tidy
from aevb.tables.curves import read_curves

LATENT_DIM = 2
"""N_z that a page can show."""
TOLERANCE = 1e-3
"""Largest error of a pixel's mean that the packing may cause; half of one of 256 grey levels is
2e-3."""
LEVELS = 32767
"""The largest whole number that stands for a weight: 16 bits."""
LEAST_EXTENT = 3.5
"""The square of latent space that is drawn reaches at least so far from the origin."""

PLACEHOLDER = "{{DATA}}"
_TEMPLATE = Path(__file__).with_name("template.html")
_QUANTILES_PER_AXIS = 20


def _label(text: str) -> int:
    value = tidy.whole(text)
    if not 0 <= value <= 9:
        raise ValueError("is not a digit.")
    return value


_PROJECTION: dict[str, tidy.Parser] = {
    "dataset": tidy.name,
    "latent_dim": tidy.positive,
    "split": tidy.one_of("train", "test"),
    "image": tidy.count,
    "label": tidy.optional(_label),
    "z1": tidy.number("Did the run diverge?"),
    "z2": tidy.number("Did the run diverge?"),
}
_PROJECTION_KEY = ["dataset", "latent_dim", "split", "image"]


class Layer(NamedTuple):
    """Of a decoder: [n, inputs] -> [n, outputs]."""

    weights: np.ndarray
    """[inputs, outputs]"""
    bias: np.ndarray
    """[outputs]"""


Decoder = tuple[Layer, ...]
"""The layers from z [n, 2] to logits [n, D]."""


def mean_image(decoder: Decoder, z: np.ndarray) -> np.ndarray:
    """sigmoid(tanh(… tanh(z W + b) …) W' + b') in double precision: [n, 2] -> [n, D], in [0, 1]."""
    *hidden, (weights, bias) = ((w.astype(np.float64), b.astype(np.float64)) for w, b in decoder)
    for layer_weights, layer_bias in hidden:
        z = np.tanh(z @ layer_weights + layer_bias)
    # The logistic function by way of tanh: exp would overflow at large negative logits.
    return 0.5 + 0.5 * np.tanh(0.5 * (z @ weights + bias))


class Quantised(NamedTuple):
    """A matrix as whole numbers, with one scale a column."""

    values: np.ndarray
    """int16 [rows, columns]"""
    scale: np.ndarray
    """float32 [columns]; an element is its value times its column's scale."""

    def matrix(self) -> np.ndarray:
        """What the page makes of it: float64 [rows, columns]."""
        return self.values * self.scale.astype(np.float64)


def quantise(matrix: np.ndarray, levels: int = LEVELS) -> Quantised:
    """A matrix [rows, columns] rounded to whole multiples of max |column| / ``levels``.

    An element is off by at most half of that multiple. ``levels`` is at most 32767.
    """
    largest = np.abs(np.asarray(matrix, np.float64)).max(axis=0)
    scale = np.where(largest > 0, largest / levels, 1.0).astype(np.float32)
    values = np.rint(matrix / scale.astype(np.float64))
    return Quantised(np.clip(values, -levels, levels).astype(np.int16), scale)


def pack(
    decoder: Decoder, extent: float, where: str, levels: int = LEVELS
) -> dict[str, np.ndarray]:
    """The arrays from which the page computes the decoder.

    The matrices are quantised, which must not show: the images are compared with the exact ones at
    400 quantiles of the prior, and on as many points spread evenly over the drawn square.

    Args:
        decoder: the exact decoder.
        extent: the drawn square's reach from the origin on either axis.
        where: what to name in an error.
        levels: as for :func:`quantise`.

    Returns:
        For layer i, from 0 on: ``weights<i>`` (int16), its ``scale<i>`` and ``bias<i>`` (float32).

    Raises:
        DataError: a pixel's mean is off by more than :data:`TOLERANCE`.
    """
    matrices = [quantise(layer.weights, levels) for layer in decoder]
    biases = [layer.bias.astype(np.float32) for layer in decoder]
    packed = tuple(map(Layer, (matrix.matrix() for matrix in matrices), biases))
    z = _grid(extent)
    error = np.abs(mean_image(packed, z) - mean_image(decoder, z)).max()
    if not error <= TOLERANCE:
        raise DataError(
            f"{where}: the page would show a pixel's mean wrong by {error:.2g}, more than "
            f"{TOLERANCE:g}: the weights are too unequal for {levels} levels; train again with a "
            "smaller step size"
        )
    arrays = {}
    for i, (matrix, bias) in enumerate(zip(matrices, biases, strict=True)):
        arrays |= {f"weights{i}": matrix.values, f"scale{i}": matrix.scale, f"bias{i}": bias}
    return arrays


def compress(arrays: dict[str, np.ndarray]) -> tuple[list[list], str]:
    """Arrays of numbers as text: byte planes, one after the other, gzip, base64.

    The first plane of an array holds the lowest byte of every element, the next plane the second
    lowest, and so on: the upper bytes of neighbours resemble each other, which gzip finds only
    when they lie together. The same arrays give the same text.

    Returns:
        The layout, ``[name, type, number of elements]`` for each array, and the text.
    """
    layout, planes = [], []
    for name, array in arrays.items():
        layout.append([name, array.dtype.name, array.size])
        little = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
        planes.append(little.reshape(-1, 1).view(np.uint8).T.tobytes())
    return layout, base64.b64encode(gzip.compress(b"".join(planes), 9, mtime=0)).decode()


def build(weights: Iterable[Path], projection: Path, curves: Iterable[Path]) -> str:
    """The page, complete: everything it shows lies inside it.

    Args:
        weights: the files ``weights.safetensors`` of AEVB runs with N_z = 2, one a data set; their
            first member is shown. The data sets' order is the page's.
        projection: CSV with the columns ``dataset, latent_dim, split, image, label, z1, z2``: the
            encoder's means of a data set's images. ``label`` is the digit, or empty throughout a
            data set; ``image`` is then the frame's number in time. Further columns, data sets and
            latent dimensions are ignored.
        curves: tables as :func:`aevb.tables.curves.read_curves` reads them, with the test bound
            (nats per datapoint) of each of the runs' first seed.

    Returns:
        HTML. The same input gives the same text.

    Raises:
        DataError: a file is missing, damaged or lacks a column; weights are of another model, not
            finite, or two files are of one data set; a data set has no projection or no test
            bound; numbers are not finite; the images would not be exact to :data:`TOLERANCE`.
    """
    weights = [Path(path) for path in weights]
    curves = [Path(path) for path in curves]
    if not weights:
        raise DataError("No weights were given: there is nothing to explore. Train first.")
    decoders: dict[str, tuple[Path, Experiment, Decoder]] = {}
    for path in weights:
        experiment, decoder = _read_decoder(path)
        label = experiment.definition["label"]
        if label in decoders:
            raise DataError(
                f"{path}: a second model of {label}, after {decoders[label][0]}; give each data "
                "set's weights once"
            )
        decoders[label] = path, experiment, decoder
    points = tidy.read_all([projection], _PROJECTION, _PROJECTION_KEY)
    bounds = read_curves(curves)
    datasets = [
        _dataset(path, experiment, decoder, _points(points, label, projection))
        | _bound(bounds, label, experiment.seeds[0], curves, path)
        for label, (path, experiment, decoder) in decoders.items()
    ]
    # As it stands, "<" could end the script element that holds the data.
    data = json.dumps({"datasets": datasets}, ensure_ascii=False).replace("<", "\\u003c")
    return _TEMPLATE.read_text(encoding="utf-8").replace(PLACEHOLDER, data)


def _read_decoder(path: Path) -> tuple[Experiment, Decoder]:
    experiment, arrays = weight_files.read(path, "decoder/")
    if experiment.latent_dim != LATENT_DIM or experiment.algorithm != "aevb":
        raise DataError(
            f"{path}: weights of another model ({experiment.name}); the explorer shows AEVB with "
            f"latent_dim {LATENT_DIM}: give the weights of that run"
        )
    pixels = math.prod(experiment.definition["image_shape"])
    decoder = _first_member(path, experiment, arrays, pixels)
    if not all(np.isfinite(array).all() for layer in decoder for array in layer):
        raise DataError(f"{path}: a weight is not finite. Did the run diverge? Train again.")
    return experiment, decoder


def _first_member(path: Path, experiment: Experiment, arrays: Tensors, pixels: int) -> Decoder:
    names = TANH_DECODERS.get(experiment.architecture)
    if names is None:
        raise DataError(
            f"{path}: weights of the architecture {experiment.architecture}; the explorer knows "
            f"{', '.join(TANH_DECODERS)}"
        )
    # A Gaussian decoder's second half are log-variances, which the mean image does not need.
    outputs = pixels * (2 if experiment.definition["observation"] == "gaussian" else 1)
    sizes = [LATENT_DIM, *[experiment.hidden_units] * (len(names) - 1), outputs]

    def read(name: str, shape: tuple[int, ...]) -> np.ndarray:
        array = arrays.get(name)
        if array is None or array.shape[1:] != shape or not len(array):
            actual = "missing" if array is None else f"of the shape {list(array.shape)}"
            expected = ", ".join(map(str, ("members", *shape)))
            raise DataError(
                f"{path}: weights of another model: {name} is {actual}, not [{expected}]; "
                "train again"
            )
        return array[0]

    *hidden, output = (
        Layer(read(f"decoder/{name}_weights", shape), read(f"decoder/{name}_bias", shape[1:]))
        for name, shape in zip(names, pairwise(sizes), strict=True)
    )
    return *hidden, Layer(output.weights[:, :pixels], output.bias[:pixels])


def _points(table: pd.DataFrame, label: str, path: Path) -> pd.DataFrame:
    points = table[(table["dataset"] == label) & (table["latent_dim"] == LATENT_DIM)]
    if points.empty:
        found = ", ".join(
            f"{dataset} with latent_dim {dim}"
            for dataset, dim in sorted(set(zip(table["dataset"], table["latent_dim"], strict=True)))
        )
        raise DataError(
            f"{path}: no row of {label} with latent_dim {LATENT_DIM}; it has {found}; project "
            f"{label}, too"
        )
    if points["label"].isna().nunique() > 1:
        raise DataError(
            f"{path}: some images of {label} have a label and some have none; project again"
        )
    return points.sort_values(["image", "split"], ignore_index=True)


def _dataset(path: Path, experiment: Experiment, decoder: Decoder, points: pd.DataFrame) -> dict:
    z = points[["z1", "z2"]].to_numpy(np.float64)
    # A little beyond the outermost point, so that no point lies on the frame.
    extent = max(LEAST_EXTENT, math.ceil(10 * 1.02 * np.abs(z).max()) / 10)
    point_scale = float(np.float32(extent / LEVELS))
    labelled = bool(points["label"].notna().all())
    arrays = pack(decoder, extent, str(path)) | {
        "z1": np.rint(z[:, 0] / point_scale).astype(np.int16),
        "z2": np.rint(z[:, 1] / point_scale).astype(np.int16),
        "image": points["image"].to_numpy(np.int32),
        "test": (points["split"] == "test").to_numpy(np.uint8),
    }
    if labelled:
        arrays["digit"] = points["label"].to_numpy(np.uint8)
    layout, content = compress(arrays)
    label = experiment.definition["label"]
    return {
        "name": label,
        # "FreyFace" is two words to a reader.
        "title": re.sub(r"(?<=[a-z])(?=[A-Z])", " ", label),
        "imageShape": list(experiment.definition["image_shape"]),
        "latentDim": experiment.latent_dim,
        "layers": len(decoder),
        "extent": extent,
        "pointScale": point_scale,
        "labelled": labelled,
        "layout": layout,
        "content": content,
    }


def _bound(
    table: pd.DataFrame, label: str, seed: int, curves: list[Path], path: Path
) -> dict[str, float]:
    curve = table[
        (table["dataset"] == label)
        & (table["latent_dim"] == LATENT_DIM)
        & (table["algorithm"] == "AEVB")
        & (table["split"] == "test")
        & (table["seed"] == seed)
    ]
    if curve.empty:
        raise DataError(
            f"{', '.join(map(str, curves))}: no test bound of {label} with latent_dim "
            f"{LATENT_DIM}, AEVB and seed {seed}; give the curve.csv of the run that made {path}"
        )
    last = curve.loc[curve["training_samples"].idxmax()]
    return {
        "trainingSamples": int(last["training_samples"]),
        "testBound": float(last["lower_bound"]),
    }


def _grid(extent: float) -> np.ndarray:
    n = _QUANTILES_PER_AXIS
    quantiles = [NormalDist().inv_cdf((i + 0.5) / n) for i in range(n)]
    axes = (quantiles, np.linspace(-extent, extent, n))
    return np.concatenate([np.stack(np.meshgrid(a, a), axis=-1).reshape(-1, 2) for a in axes])
