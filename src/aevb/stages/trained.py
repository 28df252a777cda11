"""A trained model, ready to be used: its experiment, its networks and its images."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from aevb.arrays import Tensors, named
from aevb.data import Dataset
from aevb.errors import DataError
from aevb.likelihood.model import Model
from aevb.models.architecture import Architecture, Parameters
from aevb.settings.experiment import Experiment
from aevb.stages.weights import read
from aevb.training.assembly import architecture


class Trained(NamedTuple):
    """One member of a training run."""

    experiment: Experiment
    model: Model

    @property
    def label(self) -> str:
        """The data set's name in tables and figures."""
        return self.experiment.definition["label"]

    @property
    def image_shape(self) -> tuple[int, int]:
        """Rows and columns of an image."""
        return tuple(self.experiment.definition["image_shape"])

    def pixels(self, images: np.ndarray) -> np.ndarray:
        """Bytes [n, D] as the networks see them: float32 in [0, 1]."""
        return images.astype(np.float32) / np.float32(self.experiment.pixel_divisor)


def read_trained(path: Path, *, encoder: bool = True, member: int = 0) -> Trained:
    """One member of the weights that `aevb train` wrote.

    Args:
        path: the weights.
        encoder: whether one is needed.
        member: which of the seeds.

    Raises:
        DataError: the file is missing, damaged or foreign, its arrays are not those of the network
            that it names, or it lacks the encoder that is needed.
    """
    experiment, arrays = read(path, "decoder/")
    network = architecture(experiment)
    for part, nest in network.shapes()._asdict().items():
        shapes = named(nest, part)
        missing = [name for name in shapes if name not in arrays]
        if missing and (part == "decoder" or len(missing) < len(shapes)):
            raise DataError(
                f"{path}: {experiment.name}: there is no {', '.join(missing)}; take the weights of"
                " aevb, wake_sleep or mcem (full_vb has a posterior over weights instead)"
            )
        for name, shape in shapes.items():
            if name in arrays and arrays[name].shape[1:] != tuple(shape):
                raise DataError(
                    f"{path}: {name} is {list(arrays[name].shape[1:])}, but {experiment.name} has"
                    f" {list(shape)} there: the file is of another model"
                )
    model = Model(network, parameters_of(network, arrays, member))
    if encoder and not model.has_encoder:
        raise DataError(
            f"{path}: {experiment.name} has no encoder; take the weights of aevb or wake_sleep"
        )
    return Trained(experiment, model)


def parameters_of(network: Architecture, arrays: Tensors, member: int) -> Parameters:
    """One member's parameters of a network.

    Args:
        network: its parameters are asked for; the encoder's may be missing altogether.
        arrays: by name (see :func:`aevb.arrays.named_arrays`), each [E, ...].
        member: which one.
    """
    shapes = network.shapes()
    learns_encoder = any(name in arrays for name in named(shapes.encoder, "encoder"))
    wanted = shapes if learns_encoder else shapes._replace(encoder=())
    return one_member(wanted, arrays, member)


def one_member(shapes: Any, arrays: Tensors, member: int) -> Any:
    """A nest of tensors [1, ...] like ``shapes``, from arrays [E, ...] by their paths in it."""
    chosen = [tf.constant(arrays[name][member : member + 1]) for name in named(shapes)]
    return tf.nest.pack_sequence_as(shapes, chosen)


def check_data(trained: Trained, data: Dataset, where: str) -> None:
    """Raise DataError unless the images of ``data`` have the shape that the model has learned."""
    if tuple(data.image_shape) != trained.image_shape:
        raise DataError(
            f"{where}: {data.name} has images of {' × '.join(map(str, data.image_shape))} pixels,"
            f" the model {trained.experiment.name} takes"
            f" {' × '.join(map(str, trained.image_shape))}"
        )
