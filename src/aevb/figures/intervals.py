"""How a number with its interval is drawn."""

import math

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from aevb.figures import style
from aevb.tables import seeds

COLORS = {
    "encoder": style.PALETTE["AEVB"],
    "HMC": style.PALETTE["MCEM"],
    "AIS": style.PALETTE["wake-sleep"],
}
"""Of the kinds of inference; what needs none is drawn in the neutral colour."""


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


def over_seeds(values: pd.Series, errors: pd.Series | None = None) -> pd.Series:
    """The mean with its 95 % interval over seeds; with one seed that of its standard error.

    Returns:
        ``value, low, high``, in the unit of ``values``; the ends are NaN where nothing tells them.
    """
    mean = values.mean()
    if len(values) > 1:
        half = seeds.half_width_of_mean(values)
    else:
        half = np.nan if errors is None else seeds.half_width_of_error(errors.iloc[0])
    return pd.Series({"value": mean, "low": mean - half, "high": mean + half})
