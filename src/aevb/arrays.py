"""Nested states and snapshots as flat sets of named arrays, the form in which they are kept."""

from typing import Any

import numpy as np

Tensors = dict[str, np.ndarray]


def named_arrays(structure: Any, prefix: str = "") -> Tensors:
    """A nested NamedTuple of tensors as arrays named by their path, in flattening order."""
    if isinstance(structure, tuple) and not structure:
        return {}
    if not hasattr(structure, "_fields"):
        return {prefix: np.asarray(structure)}
    arrays = {}
    for name in structure._fields:
        path = f"{prefix}/{name}" if prefix else name
        arrays |= named_arrays(getattr(structure, name), path)
    return arrays


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
