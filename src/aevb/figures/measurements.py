"""The table of the applications' numbers, and how a number with its interval is drawn."""

import math
from collections.abc import Iterable
from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes

from aevb.errors import DataError
from aevb.figures import style, tables

_END = tables.optional(tables.number())
_PARSERS: dict[str, tables.Parser] = {
    "application": tables.name,
    "dataset": tables.name,
    "latent_dim": tables.positive,
    "condition": tables.name,
    "method": tables.name,
    "quantity": tables.name,
    "value": tables.number("Did the run diverge?"),
    "low": _END,
    "high": _END,
    "n_images": tables.positive,
}
KEY = ["application", "dataset", "latent_dim", "condition", "method", "quantity"]

COLORS = {
    "encoder": style.PALETTE["AEVB"],
    "HMC": style.PALETTE["MCEM"],
    "AIS": style.PALETTE["wake-sleep"],
}
"""Of the kinds of inference; what needs none is drawn in the neutral colour."""


ENOUGH = 0.95
"""Of the images must pass a method's own checks, or its mark is hollow."""


_CHECKS = ("share with R-hat below 1.1", "share that passes its checks")


def read_measurements(paths: Iterable[Path]) -> pd.DataFrame:
    """The tables of ``aevb evaluate``, checked, one below the other.

    Raises:
        DataError: see :func:`aevb.figures.tables.read_all`.
    """
    return tables.read_all(paths, _PARSERS, KEY)


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


def dot(
    axes: Axes, row: pd.Series, at: float, color: str, marker: str = "o", *, hollow: bool = False
) -> None:
    """A number at the height ``at``, with its interval as a line; hollow where it is in doubt."""
    if not math.isnan(row["low"]):
        axes.plot([row["low"], row["high"]], [at, at], color=color, linewidth=1.4, zorder=2)
    fill = "white" if hollow else color
    axes.plot(
        [row["value"]],
        [at],
        marker=marker,
        color=color,
        markerfacecolor=fill,
        markersize=5,
        zorder=3,
    )


def text(row: pd.Series, digits: int) -> str:
    """``value [low, high]`` with true minus signs."""
    value = style.minus(row["value"], digits)
    if math.isnan(row["low"]):
        return value
    return f"{value} [{style.minus(row['low'], digits)}, {style.minus(row['high'], digits)}]"
