"""How the paper's curves are drawn beside the interval of a further seed of ours."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from aevb.figures import style

# Inches.
_PANEL_WIDTH, _PANEL_HEIGHT = 1.62, 1.4
_LEFT, _RIGHT, _TOP = 1.0, 0.16, 0.30
_GAP, _ROW_GAP = 0.16, 0.62
_AXIS_LABEL, _STRIP, _FOOTER = 0.50, 0.30, 0.24
_LEGEND = 7.9
_INTERVAL_OPACITY, _SEEDS_OPACITY = 0.22, 0.5
# Nats. Below it the vertical axis is linear, above logarithmic: curves that agree to half a nat and
# those that are a hundred apart are both to be seen.
_LINEAR_BELOW = 1.0


class Panel(NamedTuple):
    """One curve of the paper and ours: its title, its algorithm, and its rows of
    :mod:`aevb.tables.further_seed`."""

    title: str
    algorithm: str
    rows: pd.DataFrame


def draw(
    rows: Sequence[tuple[str, Sequence[Panel]]],
    *,
    samples: str,
    logarithmic: bool,
    unit: float = 1.0,
    note: str | None = None,
) -> Figure:
    """Draw the paper's curves minus the means of ours, a panel each.

    At zero lies the mean of ours, around it the range of our seeds (dark) and the 95 % prediction
    interval of one further seed (pale). Where the paper's curve is inside the pale band, it is a
    plausible further seed of ours. The vertical axes are one, linear to a nat and logarithmic
    beyond.

    Args:
        rows: their labels, top to bottom, and the panels of each, left to right.
        samples: label of the horizontal axis.
        logarithmic: whether it is.
        unit: training samples that it counts in.
        note: what the footer says first: scale and variant.
    """
    n_rows = max(len(rows), 1)
    n_columns = max((len(panels) for _, panels in rows), default=1)
    right = _LEFT + n_columns * (_PANEL_WIDTH + _GAP) - _GAP
    width = max(right, _LEGEND) + _RIGHT
    bottom = _FOOTER + _STRIP + _AXIS_LABEL
    height = bottom + n_rows * _PANEL_HEIGHT + (n_rows - 1) * _ROW_GAP + _TOP
    tables = [panel.rows for _, panels in rows for panel in panels]
    limit = _limit(pd.concat(tables)) if tables else _LINEAR_BELOW
    with style.theme():
        figure = Figure(figsize=(width, height))
        for i, (label, panels) in enumerate(rows):
            for j, panel in enumerate(panels):
                left = _LEFT + j * (_PANEL_WIDTH + _GAP)
                base = bottom + (n_rows - 1 - i) * (_PANEL_HEIGHT + _ROW_GAP)
                axes = figure.add_axes(
                    (left / width, base / height, _PANEL_WIDTH / width, _PANEL_HEIGHT / height)
                )
                _panel(axes, panel, limit, unit, logarithmic)
                axes.tick_params(labelleft=j == 0)
                if j == 0:
                    axes.set_ylabel(f"{label}\npaper − ours (nats)", fontsize="small")
        figure.supxlabel(
            samples,
            x=max(_LEFT + right, 3.2) / 2 / width,
            y=(bottom - _AXIS_LABEL + 0.02) / height,
            va="bottom",
            fontsize="medium",
        )
        _legend(figure, (_FOOTER + 0.02) / height)
        style.footer(figure, ["  ·  ".join(part for part in [note, _seeds(tables)] if part)])
    return figure


def _panel(axes: Axes, panel: Panel, limit: float, unit: float, logarithmic: bool) -> None:
    rows, color = panel.rows.sort_values("training_samples"), style.PALETTE[panel.algorithm]
    samples = rows["training_samples"] / unit
    for low, high, opacity in (
        (-rows["half_width"], rows["half_width"], _INTERVAL_OPACITY),
        (rows["lowest"] - rows["ours"], rows["highest"] - rows["ours"], _SEEDS_OPACITY),
    ):
        axes.fill_between(samples, low, high, color=color, alpha=opacity, linewidth=0)
    axes.axhline(0.0, color=color, linewidth=1.0)
    axes.plot(samples, -rows["difference"], color="black", linewidth=1.3)
    axes.set_yscale("symlog", linthresh=_LINEAR_BELOW, linscale=0.6)
    axes.set_ylim(-limit, limit)
    powers = 10.0 ** np.arange(0, np.floor(np.log10(limit)) + 1)
    axes.set_yticks([*-powers[::-1], 0, *powers])
    axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y:g}".replace("-", "−")))
    axes.yaxis.set_minor_formatter(NullFormatter())
    if logarithmic:
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(numticks=5))
        axes.xaxis.set_minor_locator(LogLocator(subs=range(2, 10), numticks=100))
        axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_title(panel.title, fontsize="medium")


def _limit(rows: pd.DataFrame) -> float:
    """Nats, symmetric: all that is drawn is inside."""
    drawn = rows[["half_width", "difference"]].abs().max(axis=None)
    return 1.3 * max(float(np.nan_to_num(drawn)), _LINEAR_BELOW)


def _legend(figure: Figure, base: float) -> None:
    handles = [
        Line2D([], [], color="black", linewidth=1.3, label="the paper’s curve"),
        Line2D([], [], color=style.NEUTRAL, linewidth=1.0, label="mean of ours"),
        Patch(facecolor=style.NEUTRAL, alpha=_SEEDS_OPACITY, label="min–max of seeds"),
        Patch(
            facecolor=style.NEUTRAL,
            alpha=_INTERVAL_OPACITY,
            label="95 % prediction interval of a further seed",
        ),
    ]
    figure.legend(
        handles=handles,
        loc="lower center",
        bbox_to_anchor=(0.5, base),
        ncols=len(handles),
        fontsize="small",
        columnspacing=1.3,
        handlelength=1.8,
        borderaxespad=0,
    )


def _seeds(tables: Sequence[pd.DataFrame]) -> str:
    counts = [table["n_seeds"] for table in tables if len(table)]
    if not counts:
        return "no point in common with the paper’s curves"
    n = pd.concat(counts)
    told = f"ours: {style.span(n.min(), n.max(), str)} seed{'' if n.max() == 1 else 's'}"
    return told if n.max() > 1 else f"{told}, which tells no interval"


def shares(table: pd.DataFrame, by: list[str]) -> Iterator[tuple[tuple, float, int]]:
    """Of each group of curves: its key, the share of its points at which the paper's curve is
    inside the interval, and how many seeds there are at least; of points with an interval."""
    known = table.dropna(subset=["half_width"])
    for key, rows in known.groupby(by):
        inside = rows["difference"].abs() <= rows["half_width"]
        yield key, float(inside.mean()), int(rows["n_seeds"].min())
