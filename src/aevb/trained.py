"""A trained model, ready to be used: its experiment, its networks and its images."""

import math
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from aevb.arrays import Tensors
from aevb.assembly import architecture
from aevb.data import Dataset
from aevb.errors import DataError
from aevb.likelihood.model import Model
from aevb.models.mlp import MLP
from aevb.models.vae import Parameters
from aevb.settings.experiment import Experiment
from aevb.weights import read


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
    for network in ("decoder", "encoder"):
        names = [f"{network}/{name}" for name in MLP._fields]
        missing = [name for name in names if name not in arrays]
        if missing and (network == "decoder" or len(missing) < len(names)):
            raise DataError(
                f"{path}: {experiment.name}: there is no {', '.join(missing)}; take the weights of"
                " aevb, wake_sleep or mcem (full_vb has a posterior over weights instead)"
            )
    data_dim = math.prod(experiment.definition["image_shape"])
    model = Model(architecture(experiment, data_dim), parameters_of(arrays, member))
    if encoder and not model.has_encoder:
        raise DataError(
            f"{path}: {experiment.name} has no encoder; take the weights of aevb or wake_sleep"
        )
    observed = 2 if experiment.definition["observation"] == "gaussian" else 1
    sizes = {"decoder": (experiment.latent_dim, observed * data_dim)}
    if model.has_encoder:
        sizes["encoder"] = (data_dim, 2 * experiment.latent_dim)
    for name, (inputs, outputs) in sizes.items():
        network = getattr(model.parameters, name)
        found = network.hidden_weights.shape[1], network.output_weights.shape[2]
        if found != (inputs, outputs):
            raise DataError(
                f"{path}: the {name} has {found[0]} inputs and {found[1]} outputs, but"
                f" {experiment.name} has {inputs} and {outputs}: the file is of another model"
            )
    return Trained(experiment, model)


def parameters_of(arrays: Tensors, member: int) -> Parameters:
    """One member's parameters from arrays by name (see :func:`aevb.arrays.named_arrays`)."""
    networks = {}
    for network in Parameters._fields:
        found = {
            name: arrays[f"{network}/{name}"][member : member + 1]
            for name in MLP._fields
            if f"{network}/{name}" in arrays
        }
        networks[network] = MLP(**{k: tf.constant(v) for k, v in found.items()}) if found else ()
    return Parameters(**networks)


def check_data(trained: Trained, data: Dataset, where: str) -> None:
    """Raise DataError unless the images of ``data`` have the shape that the model has learned."""
    if tuple(data.image_shape) != trained.image_shape:
        raise DataError(
            f"{where}: {data.name} has images of {' × '.join(map(str, data.image_shape))} pixels,"
            f" the model {trained.experiment.name} takes"
            f" {' × '.join(map(str, trained.image_shape))}"
        )
