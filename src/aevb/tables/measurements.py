"""The table of the applications' numbers."""

import math
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from aevb.errors import DataError
from aevb.tables import tidy, words

_END = tidy.optional(tidy.number())
_PARSERS: dict[str, tidy.Parser] = {
    "application": tidy.name,
    "dataset": tidy.name,
    "latent_dim": tidy.positive,
    "condition": tidy.name,
    "method": tidy.name,
    "quantity": tidy.name,
    "value": tidy.number("Did the run diverge?"),
    "low": _END,
    "high": _END,
    "n_images": tidy.positive,
}
KEY = ["application", "dataset", "latent_dim", "condition", "method", "quantity"]


ENOUGH = 0.95
"""Of the images must pass a method's own checks, or its mark is hollow."""


_CHECKS = ("share with R-hat below 1.1", "share that passes its checks")


def read_measurements(paths: Iterable[Path]) -> pd.DataFrame:
    """The tables of ``aevb evaluate``, checked, one below the other.

    Raises:
        DataError: see :func:`aevb.tables.tidy.read_all`.
    """
    return tidy.read_all(paths, _PARSERS, KEY)


def select(measurements: pd.DataFrame, **values: object) -> pd.DataFrame:
    """The rows with these values, by column; DataError if there are none."""
    rows = measurements
    for column, value in values.items():
        rows = rows[rows[column] == value]
    if rows.empty:
        wanted = ", ".join(f"{column} {value}" for column, value in values.items())
        raise DataError(f"the table has no row with {wanted}; make it anew")
    return rows


def share_passed(rows: pd.DataFrame, method: str) -> float | None:
    """The share of images that pass a method's own checks, of the rows of one data set and
    condition; None where it has none."""
    checks = rows[(rows["method"] == method) & rows["quantity"].isin(_CHECKS)]
    return float(checks["value"].iloc[0]) if len(checks) else None


def text(row: pd.Series, digits: int) -> str:
    """``value [low, high]`` with true minus signs."""
    value = words.minus(row["value"], digits)
    if math.isnan(row["low"]):
        return value
    return f"{value} [{words.minus(row['low'], digits)}, {words.minus(row['high'], digits)}]"


def told(table: Path, quantity: str, digits: int = 3) -> str:
    """A quantity by each method, in words, of each data set and condition of one application."""
    rows = select(read_measurements([table]), quantity=quantity)
    parts = [
        f"{words.title(dataset)}, {words.title(condition)}: "
        + ", ".join(f"{r.method} {words.minus(r.value, digits)}" for r in group.itertuples())
        for (dataset, condition), group in rows.groupby(["dataset", "condition"], sort=False)
    ]
    return f"{quantity}: {'; '.join(parts)}."
