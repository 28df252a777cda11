"""Nested states and snapshots as flat sets of named arrays, the form in which they are kept."""

from typing import Any

import numpy as np

Tensors = dict[str, np.ndarray]


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
