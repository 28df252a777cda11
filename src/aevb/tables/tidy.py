"""Reading tidy CSV tables such that a mistake in one is found at once, and named."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from aevb.errors import DataError

#: Makes a cell's text a value, or raises ValueError with what is wrong with it: "is no name.".
Parser = Callable[[str], Any]


def name(text: str) -> str:
    """Any text but none."""
    if not text:
        raise ValueError("is no name.")
    return text


def one_of(*allowed: str) -> Parser:
    """One of a few words."""

    def parse(text: str) -> str:
        if text not in allowed:
            raise ValueError(f"is not one of {', '.join(allowed)}.")
        return text

    return parse


def flag(text: str) -> bool:
    """0 or 1."""
    return one_of("0", "1")(text) == "1"


def number(hint: str = "", least: float = -math.inf, most: float = math.inf) -> Parser:
    """A finite number from ``least`` to ``most``; ``hint`` asks for the cause of another one."""

    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            raise ValueError("is not a number.") from None
        if not math.isfinite(value):
            raise ValueError(f"is not finite. {hint}".strip())
        if not least <= value <= most:
            bound = f"below {least:g}" if value < least else f"above {most:g}"
            raise ValueError(f"is {bound}.")
        return value

    return parse


def whole(text: str) -> int:
    """A whole number."""
    value = number()(text)
    if value != int(value):
        raise ValueError("is not a whole number.")
    return int(value)


def count(text: str) -> int:
    """A whole number that is not negative."""
    value = number()(text)
    if value != int(value) or value < 0:
        raise ValueError("is not a count.")
    return int(value)


def positive(text: str) -> int:
    """A positive whole number."""
    value = number()(text)
    if value != int(value) or value <= 0:
        raise ValueError("is not a positive whole number.")
    return int(value)


def optional(parser: Parser) -> Parser:
    """NaN for an empty cell."""
    return lambda text: parser(text) if text else math.nan


def read(path: Path, columns: Mapping[str, Parser]) -> pd.DataFrame:
    """The named columns of a CSV file, checked cell by cell. Further columns are ignored.

    Raises:
        DataError: the file is missing, unreadable or empty, lacks a column, or holds a cell that
            its column's parser refuses. The text names file, line and column.
    """
    try:
        # As text, so that a message can quote what the file really holds.
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
    except FileNotFoundError:
        raise DataError(f"{path}: no such file. Make the table first.") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}).") from None
    except pd.errors.EmptyDataError:
        raise DataError(f"{path}: the file is empty. Delete it and make it anew.") from None
    except (pd.errors.ParserError, UnicodeDecodeError) as error:
        # pandas ends some of its messages with a line break.
        raise DataError(f"{path}: not a CSV table ({' '.join(str(error).split())}).") from None
    missing = [column for column in columns if column not in table]
    if missing:
        raise DataError(
            f"{path}: column {', '.join(map(repr, missing))} is missing; "
            f"it has {', '.join(map(repr, table.columns))}."
        )
    if table.empty:
        raise DataError(f"{path}: the table has no rows. Delete it and make it anew.")
    # Cells that a line cut short does not have are empty, too.
    table = table.fillna("")
    return pd.DataFrame({c: _parse(path, table[c], parser) for c, parser in columns.items()})


def read_all(
    paths: Iterable[Path | str],
    columns: Mapping[str, Parser],
    key: Sequence[str],
    check: Callable[[Path, pd.DataFrame], None] = lambda path, table: None,
) -> pd.DataFrame:
    """Any number of tables, one below the other; no two rows share their ``key``.

    Args:
        paths: at least one file, each as for :func:`read`.
        columns: as for :func:`read`.
        key: the columns that tell one row from another.
        check: called with each file and its table; raises DataError if columns contradict.

    Raises:
        DataError: as :func:`read`, or a row appears twice.
    """
    paths = [Path(path) for path in paths]
    tables = [read(path, columns) for path in paths]
    for path, table in zip(paths, tables, strict=True):
        check(path, table)
    joined = pd.concat(tables, ignore_index=True)
    key = list(key)
    repeated = joined.duplicated(key)
    if repeated.any():
        row = int(np.flatnonzero(repeated)[0])
        ends = np.cumsum([len(table) for table in tables])
        path = paths[int(np.searchsorted(ends, row, side="right"))]
        point = ", ".join(f"{column} {joined[column][row]}" for column in key)
        raise DataError(
            f"{path}: the point with {point} appears a second time. Give each run's table once, "
            "and do not mix runs that differ only in their settings."
        )
    return joined


def told(path: Path, *columns: str) -> pd.DataFrame | None:
    """A finished table as it is; None where there is none.

    Raises:
        DataError: it is no CSV table, or lacks one of the columns.
    """
    if not path.exists():
        return None
    try:
        table = pd.read_csv(path)
    except ValueError as error:
        # pandas ends some of its messages with a line break.
        detail = " ".join(str(error).split())
        raise DataError(f"{path}: not a CSV table ({detail}); make it anew") from None
    missing = [column for column in columns if column not in table]
    if missing:
        raise DataError(f"{path}: column {', '.join(map(repr, missing))} is missing")
    return table


def refuse(path: Path, table: pd.DataFrame, wrong: pd.Series, column: str, why: str) -> None:
    """Raise a DataError at the first of the ``wrong`` rows (a mask), if there is any."""
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        value = "" if pd.isna(table[column][row]) else table[column][row]
        raise DataError(f"{_cell(path, row, column)}: '{value}' {why}")


def _parse(path: Path, cells: pd.Series, parser: Parser) -> pd.Series:
    values = {}
    # Most columns have few distinct cells.
    for text in cells.unique().tolist():
        try:
            values[text] = parser(text)
        except ValueError as error:
            row = int(np.flatnonzero(cells == text)[0])
            raise DataError(f"{_cell(path, row, str(cells.name))}: {text!r} {error}") from None
    return pd.Series([values[text] for text in cells.tolist()])


def _cell(path: Path, row: int, column: str) -> str:
    # The header is line 1.
    return f"{path}, line {row + 2}, column {column!r}"
