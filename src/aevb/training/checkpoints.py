"""Checkpoints: atomic, checksummed, bound to one experiment, and never half-written.

A checkpoint is a safetensors file ``<samples>.safetensors`` in a folder of its own for each
experiment. Its header carries the experiment's fingerprint and a checksum of the tensors.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open

from aevb.arrays import Tensors, to_safetensors
from aevb.errors import CheckpointError
from aevb.files import write_atomically

_KEEP = 2


def write(
    folder: Path, samples: int, tensors: Tensors, fingerprint: str, keep: int | None = _KEEP
) -> Path:
    """Write the checkpoint of ``samples`` training samples and drop all but the newest ``keep``.

    A checkpoint of this experiment with more samples than this one is kept: it belongs to a
    longer run.
    """
    path = _path(folder, samples)
    metadata = {"fingerprint": fingerprint, "checksum": checksum(tensors)}
    write_atomically(path, to_safetensors(tensors, metadata))
    shorter = [other for other in _newest_first(folder) if _samples(other) <= samples]
    for old in shorter[keep:] if keep else ():
        old.unlink(missing_ok=True)
    return path


def read(path: Path, fingerprint: str) -> Tensors:
    """The tensors of a checkpoint.

    Raises:
        CheckpointError: the file is damaged, or another experiment's.
    """
    try:
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}
    except (SafetensorError, OSError, ValueError) as error:
        raise CheckpointError(f"{path} is damaged ({error})") from None
    if metadata.get("checksum") != checksum(tensors):
        raise CheckpointError(f"{path} is damaged (its checksum does not match its content)")
    if metadata.get("fingerprint") != fingerprint:
        raise CheckpointError(f"{path} belongs to other settings or another version of the code")
    return tensors


def read_newest(
    folder: Path, fingerprint: str, max_samples: int, log: Callable[[str], None]
) -> tuple[int, Tensors] | None:
    """The newest usable checkpoint of at most ``max_samples`` samples, with its sample count.

    A damaged or foreign one is named in the log and passed over; None when none is left.
    """
    for path in _newest_first(folder):
        samples = _samples(path)
        if samples > max_samples:
            log(f"{path} is beyond this run's {max_samples} samples: left alone")
            continue
        try:
            return samples, read(path, fingerprint)
        except CheckpointError as error:
            log(f"checkpoint refused: {error}")
    return None


def read_at(
    folder: Path, samples: int, fingerprint: str, log: Callable[[str], None]
) -> Tensors | None:
    """The checkpoint of exactly ``samples`` samples; None, and a line in the log when it is damaged
    or foreign, where there is no usable one."""
    path = _path(folder, samples)
    if not path.exists():
        return None
    try:
        return read(path, fingerprint)
    except CheckpointError as error:
        log(f"checkpoint refused: {error}")
        return None


def _path(folder: Path, samples: int) -> Path:
    return Path(folder) / f"{samples:012d}.safetensors"


def _samples(path: Path) -> int:
    return int(path.stem)


def _newest_first(folder: Path) -> list[Path]:
    paths = [path for path in Path(folder).glob("*.safetensors") if path.stem.isdecimal()]
    return sorted(paths, key=_samples, reverse=True)


def checksum(tensors: Tensors) -> str:
    """sha256 of the tensors, their names, types and shapes."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        array = np.ascontiguousarray(tensors[name])
        digest.update(f"{name} {array.dtype} {array.shape}\n".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()
