"""From the settings of an experiment to the algorithm, the network and the minibatches."""

import math
from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

import numpy as np

from aevb.algorithms.optimisers import Adagrad
from aevb.data import Dataset
from aevb.errors import ConfigError
from aevb.models.architecture import Architecture
from aevb.models.registry import ARCHITECTURES
from aevb.settings.experiment import Experiment
from aevb.training.backends import IN_TENSORFLOW, Backend, Execution
from aevb.training.backends.lowering import lower
from aevb.training.backends.programs import ProgramError, Programs
from aevb.training.backends.tensorflow import TensorFlowBackend, Trainer


def architecture(experiment: Experiment) -> Architecture:
    """The network of an experiment."""
    image_shape = tuple(experiment.definition["image_shape"])
    known = {
        "data_dim": math.prod(image_shape),
        "image_shape": image_shape,
        "latent_dim": experiment.latent_dim,
        "hidden_units": experiment.hidden_units,
        "observation": experiment.definition["observation"],
        "initial_standard_deviation": experiment.initial_standard_deviation,
        "zero_initial_log_variance": experiment.zero_initial_log_variance,
        "log_variance_factor": experiment.log_variance_factor,
        "prior_on_first": experiment.weight_prior != "but_first",
        "posterior": experiment.settings.posterior,
    }
    return _made(resolve_name(ARCHITECTURES[experiment.architecture]), known)


def training_set(experiment: Experiment, data: Dataset) -> Dataset:
    """The data set with the first ``n_train`` training images, or all when that is None.

    Raises:
        ConfigError: the data set has fewer.
    """
    n_train, available = experiment.n_train, len(data.train)
    if n_train is not None and n_train > available:
        raise ConfigError(
            f"n_train: {n_train} training images are asked for, but {data.name} has {available}"
        )
    fields = ("train", "train_index", "train_labels")
    present = {name: getattr(data, name) for name in fields if getattr(data, name) is not None}
    return data._replace(**{name: array[:n_train] for name, array in present.items()})


def training_data(experiment: Experiment, data: Dataset) -> Dataset:
    """What a run learns from and what its bound is evaluated on: of :func:`training_set`, the first
    ``test_images`` test images, or all when that is None.

    Raises:
        ConfigError: see :func:`training_set`.
    """
    return training_set(experiment, data)._replace(test=data.test[: experiment.test_images])


def optimiser(experiment: Experiment, n_train: int) -> Adagrad:
    """Adagrad as an experiment on so many training images has it (§5)."""
    whole = experiment.settings.whole_batches
    return Adagrad(
        warmup_minibatches=experiment.warmup_minibatches,
        weight_prior=experiment.weight_prior,
        prior_scale=1.0 if whole else experiment.batch_size / n_train,
    )


def trainer(experiment: Experiment, data: Dataset) -> Trainer:
    """The algorithm, the network and the minibatches that the settings ask for (§5, App. E)."""
    n_train = len(data.train)
    settings = experiment.settings
    known = {
        "model": architecture(experiment),
        "optimiser": optimiser(experiment, n_train),
        "n_train": n_train,
        "samples_per_datapoint": experiment.samples_per_datapoint,
        **asdict(settings),
    }
    return Trainer(
        algorithm=_made(resolve_name(settings.implementation), known),
        batch_size=None if settings.whole_batches else experiment.batch_size,
        pixel_divisor=float(experiment.pixel_divisor),
        binarise=experiment.binarisation == "dynamic",
    )


def _made(kind: type, known: dict[str, Any]) -> Any:
    """One of ``kind``, with what it has a field for of what is known."""
    return kind(**{one.name: known[one.name] for one in fields(kind) if one.name in known})


def programs(experiment: Experiment, data: Dataset, members: int) -> Programs:
    """What the experiment computes for so many seeds or step sizes at once, as StableHLO."""
    n_train, data_dim = data.train.shape
    return lower(trainer(experiment, data), n_train, len(data.test), data_dim, members)


def backend(
    experiment: Experiment,
    data: Dataset,
    seeds: Sequence[int],
    step_sizes: Sequence[float],
    execution: Execution = IN_TENSORFLOW,
    cache: Path | None = None,
) -> Backend:
    """What computes a run of the experiment, one member for each of ``seeds`` and ``step_sizes``.

    Args:
        experiment: its settings.
        data: what it learns from, see :func:`training_data`.
        seeds, step_sizes: of the members.
        execution: TensorFlow, or a device of PJRT.
        cache: of PJRT: folder of the compiled programs; None keeps none.

    Raises:
        ProgramError: PJRT is asked for and not installed, or has no such platform.
    """
    return backend_of(
        trainer(experiment, data), data.train, data.test, seeds, step_sizes, execution, cache
    )


def backend_of(
    trainer: Trainer,
    train: np.ndarray,
    test: np.ndarray,
    seeds: Sequence[int],
    step_sizes: Sequence[float],
    execution: Execution = IN_TENSORFLOW,
    cache: Path | None = None,
) -> Backend:
    """What computes a trainer's programs on uint8 images [N, D] and [N_test, D]; the rest, and what
    it raises, as of :func:`backend`."""
    arrays = train, test, seeds, step_sizes
    if execution.backend == "tensorflow":
        return TensorFlowBackend(trainer, *arrays)
    try:
        from aevb.training.backends.pjrt import Device, PjrtBackend
    except ImportError as error:
        raise ProgramError(
            f"backend: pjrt needs JAX, which cannot be imported ({error}); install it with"
            " `pip install jax`, or with the plugin of your device, such as `jax[cuda13]`"
        ) from None
    device = Device(execution.platform, cache)
    lowered = lower(trainer, *train.shape[:1], *test.shape, len(seeds))
    return PjrtBackend(lowered, device, *arrays, precision=execution.precision)
