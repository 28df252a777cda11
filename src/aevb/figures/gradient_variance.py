"""The noise of the gradient estimators (§2.2, §2.3) against L and against M."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullLocator

from aevb.figures import style
from aevb.figures.studies import COLORS, MARKERS
from aevb.tables import words
from aevb.tables.gradient_variance import ratios, read_variances

_DASHES = {"trained": "solid", "untrained": (0, (3.2, 1.4))}


def make(table: Path, note: str | None = None) -> dict[str, Figure | str]:
    """The picture and each variance over that of SGVB B, from ``aevb section2 gradients``."""
    rows = read_variances(table)
    shares = ratios(rows).to_csv(index=False, float_format="%.6g")
    return {"picture": draw(rows, note=note), "ratios": shares}


def finding(table: Path) -> Iterator[str]:
    """Each estimator's variance over that of SGVB B."""
    shares = ratios(read_variances(table))
    parts = [
        f"{words.title(name)}, {state}: "
        + ", ".join(f"{row.estimator} {row.ratio:,.2f}" for row in group.itertuples())
        for (name, state), group in shares.groupby(["dataset", "state"], sort=False)
    ]
    point = shares.iloc[0]
    yield (
        f"Variance of ∇φ over that of SGVB B at L = {point['samples_per_datapoint']},"
        f" M = {point['batch_size']}: {'; '.join(parts)}."
    )


def draw(variances: pd.DataFrame, note: str | None = None) -> Figure:
    """The trace of the gradient's covariance, one row a data set: against L at a fixed M, and
    against M at L = 1; solid after training, dashed before."""
    names = sorted(variances["dataset"].unique(), reverse=True)
    height = 0.75 + 3.05 * len(names)
    with style.theme():
        figure = Figure(figsize=(8.2, height))
        for i, name in enumerate(names):
            rows = variances[variances["dataset"] == name]
            base = (height - 0.4 - 3.05 * i - 2.1) / height
            single = rows[rows["samples_per_datapoint"] == 1]
            several = rows[rows["samples_per_datapoint"] > 1]
            fixed = several["batch_size"].mode().iloc[0] if len(several) else 1
            panels = (
                (rows[rows["batch_size"] == fixed], "samples_per_datapoint", f"L, at M={fixed}"),
                (single, "batch_size", "M, at L=1"),
            )
            for j, (shown, column, label) in enumerate(panels):
                axes = figure.add_axes((0.11 + 0.32 * j, base, 0.25, 2.1 / height))
                _panel(axes, shown, column)
                axes.set_xlabel(label)
                if j == 0:
                    axes.set_ylabel("variance of ∇φ (trace)")
                    latent_dim = rows["latent_dim"].iloc[0]
                    axes.set_title(f"{words.title(name)}, $N_z$={latent_dim}", loc="left")
        handles = [
            Line2D([], [], color=color, marker=MARKERS[label], markersize=4, label=label)
            for label, color in COLORS.items()
        ]
        handles += [
            Line2D([], [], color=style.NEUTRAL, linestyle=dashes, label=state)
            for state, dashes in _DASHES.items()
        ]
        figure.legend(handles=handles, fontsize="small", loc="center right", handlelength=2.4)
        replicates = variances["replicates"].max()
        style.footer(
            figure,
            [
                *([note] if note else []),
                f"each variance over {replicates} random minibatches and noises; all parameters φ",
            ],
        )
    return figure


def _panel(axes: Axes, rows: pd.DataFrame, column: str) -> None:
    for (estimator, state), group in rows.groupby(["estimator", "state"]):
        group = group.sort_values(column)
        axes.errorbar(
            group[column],
            group["variance"],
            yerr=group["standard_error"],
            color=COLORS[estimator],
            marker=MARKERS[estimator],
            markersize=3.5,
            linestyle=_DASHES[state],
            linewidth=1.2,
        )
    axes.set(xscale="log", yscale="log")
    ticks = sorted(rows[column].unique())
    axes.set_xticks(ticks[:: -(-len(ticks) // 5)], minor=False)
    axes.xaxis.set_major_formatter("{x:.0f}")
    axes.xaxis.set_minor_locator(NullLocator())
