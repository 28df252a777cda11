"""Learned parameters as files: safetensors that say which experiment they come from."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from aevb.arrays import Tensors
from aevb.errors import DataError
from aevb.files import write_atomically
from aevb.settings.experiment import Experiment
from aevb.training.checkpoints import checksum

HALF = "weights_float16.safetensors"
"""What a run's weights of half precision are called, beside those of single precision."""


def write_trained(path: Path, arrays: Tensors, experiment: Experiment) -> None:
    """Write the weights of a run and, beside them, those of its first seed in half precision, which
    a record has room for.

    Args:
        path: the file of the weights as they are.
        arrays: by name, [E, ...], a member a seed.
        experiment: that they come from.
    """
    write(path, arrays, experiment)
    most = np.finfo(np.float16).max
    halved = {k: np.clip(v[:1], -most, most).astype(np.float16) for k, v in arrays.items()}
    write(path.with_name(HALF), halved, replace(experiment, seeds=experiment.seeds[:1]))


def write(path: Path, arrays: Tensors, experiment: Experiment) -> None:
    """Write arrays by name with their experiment and a checksum."""
    metadata = {"experiment": experiment.to_json(), "checksum": checksum(arrays)}
    write_atomically(path, save(arrays, metadata))


def read(path: Path, kind: str) -> tuple[Experiment, Tensors]:
    """The experiment and the arrays of a file that :func:`write` wrote, half precision as single.

    Args:
        path: the file.
        kind: how the names of some of its arrays must begin: ``decoder/`` for weights,
            ``snapshots/`` for those along training.

    Raises:
        DataError: the file is missing, damaged, foreign, or of the other kind.
    """
    try:
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            arrays = {name: file.get_tensor(name) for name in file.keys()}
    except FileNotFoundError:
        raise DataError(f"{path}: there is no such file; train first") from None
    except (SafetensorError, OSError, ValueError) as error:
        raise DataError(f"{path}: no weights can be read ({error}); train again") from None
    if "experiment" not in metadata:
        raise DataError(f"{path}: not written by `aevb train`: it names no experiment")
    if metadata.get("checksum") != checksum(arrays):
        raise DataError(f"{path}: damaged: its checksum does not match its content; train again")
    if not any(name.startswith(kind) for name in arrays):
        raise DataError(f"{path}: holds nothing under {kind}: is it the file of another option?")
    single = {n: v.astype(np.float32) if v.dtype == np.float16 else v for n, v in arrays.items()}
    return Experiment.from_json(metadata["experiment"]), single
