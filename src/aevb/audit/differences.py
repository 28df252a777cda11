"""What two folders of results differ in, times and logs aside.

Two runs of one commit on one machine make the same bytes, but for what they measured of themselves.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from aevb.arrays import named
from aevb.audit.manifest import NAME
from aevb.audit.tables import read_csv
from aevb.errors import DataError

_MEASURED = re.compile(r"seconds|minutes|per_second|memory")
"""In the names of columns and keys that hold what a run took, not what it found."""
_IGNORED = (".log", ".snakemake_timestamp")


class Difference(NamedTuple):
    """A file, by its path below the folders, and what differs in it."""

    file: str
    what: str


def differences(one: Path, other: Path) -> Iterator[Difference]:
    """All files that one of two folders lacks, or that differ in more than times.

    Logs are passed over, and the manifest, which has the hashes of the files that are compared.

    Raises:
        DataError: a folder is not there, or there is no file in it.
    """
    files = sorted(_files(one) | _files(other))
    for name in files:
        paths = one / name, other / name
        lacking = [folder for folder in (one, other) if not (folder / name).exists()]
        if lacking:
            yield Difference(name, f"is not in {lacking[0]}")
        elif paths[0].read_bytes() != paths[1].read_bytes():
            what = _KINDS.get(paths[0].suffix, _bytes)(*paths)
            if what:
                yield Difference(name, what)


def _files(folder: Path) -> set[str]:
    found = {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.endswith(_IGNORED) and path.name != NAME
    }
    if not found:
        raise DataError(f"{folder}: there are no results")
    return found


def _bytes(one: Path, other: Path) -> str:
    return "differs"


def _page(one: Path, other: Path) -> str:
    """The page of a table shows the times that the table has."""
    tables = [path.parents[1].glob(f"*/{path.stem}.csv") for path in (one, other)]
    if any(_measured(read_csv(table).columns) for table in (*tables[0], *tables[1])):
        return ""
    return "differs"


def _measured(names: Any) -> list[str]:
    return [name for name in names if _MEASURED.search(name)]


def _table(one: Path, other: Path) -> str:
    tables = [read_csv(path) for path in (one, other)]
    first, second = (table.drop(columns=_measured(table.columns)) for table in tables)
    if list(first.columns) != list(second.columns):
        return "has other columns"
    if len(first) != len(second):
        return f"has {len(first)} and {len(second)} rows"
    return "; ".join(
        f"{name} {_distance(first[name], second[name])}"
        for name in first.columns
        if not first[name].equals(second[name])
    )


def _distance(one: pd.Series, other: pd.Series) -> str:
    apart = ~((one == other) | (one.isna() & other.isna()))
    rows = f"in {apart.sum()} of {len(apart)} rows"
    if not all(map(pd.api.types.is_numeric_dtype, (one, other))):
        return rows
    furthest = (one.astype(float) - other)[apart].abs().max()
    return rows if np.isnan(furthest) else f"{rows}, by {furthest:.3g} at most"


def _record(one: Path, other: Path) -> str:
    try:
        parts = [named(json.loads(path.read_text(encoding="utf-8"))) for path in (one, other)]
    except ValueError:
        return "differs, and is damaged"
    return ", ".join(
        key
        for key in dict.fromkeys([*parts[0], *parts[1]])
        if not _MEASURED.search(key) and parts[0].get(key) != parts[1].get(key)
    )


_KINDS = {".csv": _table, ".json": _record, ".html": _page}
