"""Nested states and snapshots as flat sets of named arrays, the form in which they are kept."""

import json
import struct
from collections.abc import Mapping
from typing import Any

import numpy as np
from safetensors.numpy import save

Tensors = dict[str, np.ndarray]
_LENGTH = struct.Struct("<Q")
"""Of the header of a safetensors file."""


def named(structure: Any, prefix: str = "") -> dict[str, Any]:
    """What a nest of named tuples, dictionaries and sequences holds, by its path in it.

    The order is that in which ``tf.nest`` flattens it.
    """
    if isinstance(structure, dict):
        parts = sorted(structure.items())
    elif isinstance(structure, list | tuple):
        parts = zip(getattr(structure, "_fields", range(len(structure))), structure, strict=True)
    else:
        return {prefix: structure}
    found: dict[str, Any] = {}
    for name, part in parts:
        found |= named(part, f"{prefix}/{name}" if prefix else str(name))
    return found


def named_arrays(structure: Any) -> Tensors:
    """A nest of tensors as arrays named by their path, in flattening order."""
    return {path: np.asarray(tensor) for path, tensor in named(structure).items()}


def to_safetensors(tensors: Tensors, metadata: Mapping[str, str]) -> bytes:
    """A safetensors file of arrays by name; the same bytes for the same content.

    The library alone writes several metadata in an order that differs from process to process.
    """
    written = save(tensors, dict(metadata))
    (length,) = _LENGTH.unpack_from(written)
    start = _LENGTH.size + length
    header = json.loads(written[_LENGTH.size : start])
    header["__metadata__"] = dict(sorted(metadata.items()))
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    # The arrays that follow are aligned, as the library has them.
    text += b" " * (-len(text) % _LENGTH.size)
    return b"".join((_LENGTH.pack(len(text)), text, written[start:]))


def snapshot_arrays(snapshots: dict[int, Tensors]) -> Tensors:
    """All snapshots in one set of arrays, named ``snapshots/<training samples>/<parameter>``."""
    return {
        f"snapshots/{samples}/{name}": array
        for samples, arrays in snapshots.items()
        for name, array in arrays.items()
    }


def read_snapshots(tensors: Tensors) -> dict[int, Tensors]:
    """The inverse of :func:`snapshot_arrays`; whatever else ``tensors`` holds is passed over."""
    snapshots: dict[int, Tensors] = {}
    for path, array in tensors.items():
        kind, _, rest = path.partition("/")
        if kind == "snapshots":
            samples, _, name = rest.partition("/")
            snapshots.setdefault(int(samples), {})[name] = array
    return dict(sorted(snapshots.items()))
