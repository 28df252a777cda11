"""What two folders of results differ in, times and logs aside.

Two runs of one commit on one machine make the same bytes, but for what they measured of themselves.
"""

import json
import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from aevb.audit import manifest
from aevb.audit.tables import read_csv
from aevb.errors import DataError

_MEASURED = re.compile(r"seconds|minutes|per_second|memory")
"""In the names of columns and keys that hold what a run took, not what it found."""


class Difference(NamedTuple):
    """A file, by its path below the folders, and what differs in it."""

    file: str
    what: str


def differences(one: Path, other: Path) -> Iterator[Difference]:
    """All files that one of two folders lacks, or that differ in more than times.

    Logs are passed over, and what is made of all files together: the report, and the manifest,
    which has the hashes of what is compared.

    Raises:
        DataError: a folder is not there, or there is no file in it.
    """
    one, other = one.resolve(), other.resolve()
    files = sorted(_files(one) | _files(other))
    for name in files:
        paths = one / name, other / name
        lacking = [folder for folder in (one, other) if not (folder / name).is_file()]
        if lacking:
            yield Difference(name, f"is not in {lacking[0]}")
        elif paths[0].read_bytes() != paths[1].read_bytes():
            try:
                what = _KINDS.get(paths[0].suffix, _bytes)(*paths)
            except (DataError, ValueError):
                what = "differs, and is damaged"
            if what:
                yield Difference(name, what)


def _files(folder: Path) -> set[str]:
    found = manifest.names(folder, audit=True)
    if not found:
        raise DataError(f"{folder}: there are no results")
    return set(found)


def _bytes(one: Path, other: Path) -> str:
    return "differs"


def _page(one: Path, other: Path) -> str:
    """The page of a table shows the times that the table has."""
    tables = [
        table for path in (one, other) for table in path.parents[1].glob(f"*/{path.stem}.csv")
    ]
    return "" if any(map(_MEASURED.search, chain(*map(_read, tables)))) else "differs"


def _table(one: Path, other: Path) -> str:
    first, second = _read(one), _read(other)
    if list(first.columns) != list(second.columns):
        return "has other columns"
    if len(first) != len(second):
        return f"has {len(first)} and {len(second)} rows"
    return "; ".join(
        f"{name} {_distance(first[name], second[name])}"
        for name in first
        if not _MEASURED.search(name) and not first[name].equals(second[name])
    )


def _read(path: Path) -> pd.DataFrame:
    """A table as it is written, to the last digit."""
    return read_csv(path, dtype=str, keep_default_na=False)


def _distance(one: pd.Series, other: pd.Series) -> str:
    apart = one != other
    rows = f"in {apart.sum()} of {len(apart)} rows"
    numbers = [pd.to_numeric(column[apart], errors="coerce") for column in (one, other)]
    furthest = (numbers[0] - numbers[1]).abs().max()
    return rows if np.isnan(furthest) else f"{rows}, by {furthest:.3g} at most"


def _record(one: Path, other: Path) -> str:
    first, second = (
        dict(_leaves(json.loads(path.read_text(encoding="utf-8")))) for path in (one, other)
    )
    return ", ".join(
        "/".join(map(str, key)) or "all of it"
        for key in dict.fromkeys([*first, *second])
        if first.get(key) != second.get(key) and not _MEASURED.search(str(key[-1:]))
    )


def _leaves(value: Any, key: tuple = ()) -> Iterator[tuple[tuple, str]]:
    """What JSON holds, by the keys on the way to it, as it is written."""
    if isinstance(value, dict | list) and value:
        parts = value.items() if isinstance(value, dict) else enumerate(value)
        for name, part in parts:
            yield from _leaves(part, (*key, name))
    else:
        yield key, json.dumps(value)


_KINDS = {".csv": _table, ".json": _record, ".html": _page}
