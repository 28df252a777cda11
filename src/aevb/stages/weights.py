"""Learned parameters as files: safetensors that say which experiment they come from."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open

from aevb.arrays import Tensors, to_safetensors
from aevb.errors import DataError
from aevb.files import write_atomically
from aevb.settings.experiment import Experiment
from aevb.training.checkpoints import checksum


def write(path: Path, arrays: Tensors, experiment: Experiment) -> None:
    """Write arrays by name with their experiment and a checksum."""
    metadata = {"experiment": experiment.to_json(), "checksum": checksum(arrays)}
    write_atomically(path, to_safetensors(arrays, metadata))


def name_of(experiment: Experiment) -> str:
    """What a record calls the file of a model of Figures 2 to 5 that it keeps."""
    n_train = "" if experiment.n_train is None else f"_n_train_{experiment.n_train}"
    model = f"{experiment.dataset}_{experiment.algorithm}{n_train}"
    return f"{model}_latent_dim_{experiment.latent_dim}.safetensors"


def keep(paths: Sequence[Path], folder: Path) -> list[Path]:
    """Write the first seed's weights of runs to a folder, in half precision.

    Args:
        paths: the weights as `aevb train` wrote them.
        folder: where they go, by the names that :func:`name_of` gives.

    Returns:
        The files.

    Raises:
        DataError: two would have one name; or see :func:`read`.
    """
    found = [read(path, "decoder/") for path in paths]
    kept = [folder / name_of(experiment) for experiment, _ in found]
    for path, place in zip(paths, kept, strict=True):
        if kept.count(place) > 1:
            raise DataError(f"{path}: there are two models for {place.name}; keep one of them")
    most = np.finfo(np.float16).max
    for place, (experiment, arrays) in zip(kept, found, strict=True):
        halved = {k: np.clip(v[:1], -most, most).astype(np.float16) for k, v in arrays.items()}
        write(place, halved, replace(experiment, seeds=experiment.seeds[:1]))
    return kept


def kept_in(folder: Path) -> list[Path]:
    """The files of a folder that :func:`keep` wrote, by name.

    Raises:
        DataError: there are none.
    """
    found = sorted(folder.glob("*.safetensors"))
    if not found:
        raise DataError(f"{folder}: keeps no trained models; `aevb keep-weights` writes them")
    return found


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
