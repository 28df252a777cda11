"""What a run of a bundle leaves: its curve, its parameters and how it was made, in one file."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

import numpy as np
from safetensors import SafetensorError, safe_open

from aevb.arrays import Tensors, read_snapshots, snapshot_arrays, to_safetensors
from aevb.bundle.archive import BundledRun, run_of
from aevb.errors import DataError
from aevb.files import write_atomically
from aevb.training.checkpoints import checksum
from aevb.training.loop import PARAMETERS, Run, parameters_of, values_of

CHECKPOINTS = ".checkpoints"
"""Where below an output folder checkpoints are kept."""
_NAME = "result.safetensors"


class Result(NamedTuple):
    """A finished run of a bundle. E is the member axis."""

    item: BundledRun
    """What was asked for."""
    rows: list[tuple[int, np.ndarray]]
    """See :class:`aevb.training.loop.Run`."""
    parameters: Tensors
    """Of the members that were kept, by name."""
    snapshots: dict[int, Tensors]
    """The same along training, by training samples."""
    record: dict
    """Device, versions, times."""

    def as_run(self) -> Run:
        """The finished run, for :func:`aevb.training.curves.curve_table`."""
        return Run(state=None, objective_sum=np.zeros(len(self.item.seeds)), rows=self.rows)


def path_of(folder: Path, item: BundledRun) -> Path:
    """Where the result of a run lies in an output folder."""
    return Path(folder) / item.name / _NAME


def write(folder: Path, result: Result) -> None:
    """Write a result, and its record as JSON beside it."""
    path = path_of(folder, result.item)
    tensors = {
        "curve_samples": np.array([samples for samples, *_ in result.rows], np.int64),
        "curve": np.array([splits for _, splits in result.rows]),
        **{PARAMETERS + name: array for name, array in result.parameters.items()},
        **snapshot_arrays(result.snapshots),
    }
    metadata = {
        "run": json.dumps(asdict(result.item)),
        "record": json.dumps(result.record),
        "checksum": checksum(tensors),
    }
    write_atomically(path, to_safetensors(tensors, metadata))
    write_atomically(path.with_name("run.json"), json.dumps(result.record, indent=2) + "\n")


def read(path: Path) -> Result:
    """The result in a file.

    Raises:
        DataError: it is missing, damaged or none.
    """
    try:
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}
        if metadata["checksum"] != checksum(tensors):
            raise ValueError("its checksum does not match its content")
        return Result(
            item=run_of(json.loads(metadata["run"])),
            rows=list(zip(tensors["curve_samples"].tolist(), tensors["curve"], strict=True)),
            parameters=parameters_of(tensors),
            snapshots=read_snapshots(tensors),
            record=json.loads(metadata["record"]),
        )
    except FileNotFoundError:
        raise DataError(f"{path}: there is no such file") from None
    except (SafetensorError, KeyError, TypeError, ValueError, OSError) as error:
        detail = " ".join(str(error).split())
        raise DataError(
            f"{path}: no result of a bundle can be read ({detail}); run the bundle again"
        ) from None


def read_all(folder: Path) -> list[Result]:
    """All results below a folder, by name.

    Raises:
        DataError: there is none, or one is damaged.
    """
    paths = sorted(Path(folder).rglob(_NAME))
    if not paths:
        raise DataError(
            f"{folder}: holds no results; make them with"
            " `python -m aevb.bundle run BUNDLE --output FOLDER`"
        )
    return [read(path) for path in paths]


def write_table(found: list[Result], path: Path) -> None:
    """All curves in one tidy table (CSV): a row a run, member, split and log point, nats."""
    lines = ["run,seed,step_size,split,training_samples,objective"]
    for result in found:
        members = list(zip(result.item.seeds, result.item.step_sizes, strict=True))
        for split, member, samples, value in values_of(result.rows):
            seed, step_size = members[member]
            lines.append(f"{result.item.name},{seed},{step_size:g},{split},{samples},{value:.6f}")
    write_atomically(path, "\n".join(lines) + "\n")
