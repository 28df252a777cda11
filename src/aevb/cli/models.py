"""Trained models that commands read, and the data sets that they have learned from."""

from pathlib import Path
from typing import TYPE_CHECKING

from aevb.errors import ConfigError, DataError
from aevb.process.progress import start_logging
from aevb.process.startup import start_tensorflow

if TYPE_CHECKING:
    from aevb.data import Dataset
    from aevb.settings import Experiment
    from aevb.stages.trained import Trained


def start_models(weights: list[Path], threads: int, log: Path | None) -> "list[Trained]":
    """The models of weights files, once messages and TensorFlow are set up."""
    start_logging(log)
    start_tensorflow(threads)
    return read_models(weights)


def read_models(weights: list[Path], latent_dim: int | None = None) -> "list[Trained]":
    """The models of weights files; ConfigError for one whose N_z is not ``latent_dim``."""
    from aevb.stages.trained import read_trained

    models = [read_trained(path) for path in weights]
    for path, trained in zip(weights, models, strict=True):
        if latent_dim not in (None, trained.model.latent_dim):
            raise ConfigError(
                f"{path}: the weights of {trained.experiment.name}; a model with"
                f" N_z={latent_dim} is needed here"
            )
    return models


def data_of(models: "list[Trained]", records: list[Path]) -> "list[Dataset]":
    """The data set of each model, found by name among the records."""
    from aevb import data
    from aevb.data.record import dataset_of
    from aevb.stages.trained import check_data

    by_name = {dataset_of(path): path for path in records}
    loaded: dict[str, Dataset] = {}
    for trained in models:
        name = trained.experiment.dataset
        if name not in by_name:
            raise DataError(
                f"--record: none of {', '.join(map(str, records))} is the record of {name}, which"
                f" {trained.experiment.name} has learned from"
            )
        if name not in loaded:
            path = data.available_path(by_name[name])
            loaded[name] = data.load(name, trained.experiment.definition, path)
        check_data(trained, loaded[name], str(by_name[name]))
    return [loaded[trained.experiment.dataset] for trained in models]


def is_ink(experiment: "Experiment") -> bool:
    """Whether pixels are shown dark on white: those of a Bernoulli decoder."""
    return experiment.definition["observation"] == "bernoulli"


def ink(models: "list[Trained]") -> set[str]:
    """The labels of the data sets whose pixels are shown dark on white."""
    return {trained.label for trained in models if is_ink(trained.experiment)}
