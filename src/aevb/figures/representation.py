"""Representation (§2.1): what a linear probe reads off the latent means."""

import math
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from aevb.figures import style
from aevb.tables import words
from aevb.tables.measurements import read_measurements, select

_METHODS = {
    "encoder's means": (style.PALETTE["AEVB"], "o"),
    "PCA": (style.PALETTE["wake-sleep"], "s"),
}
_RAW = "raw pixels"


def make(table: Path, note: str | None = None) -> dict[str, Figure | str]:
    """The picture, from the table of ``aevb evaluate representation``."""
    return {"picture": draw(read_measurements([table]), note=note)}


def finding(table: Path) -> Iterator[str]:
    """The best accuracy of each method."""
    rows = select(read_measurements([table]), quantity="accuracy")
    best = rows.sort_values("value").groupby("method").tail(1)
    told = [f"{r.method} {r.value:.3f} (N_z = {r.latent_dim})" for r in best.itertuples()]
    yield f"best accuracy: {', '.join(told)}."


def draw(measurements: pd.DataFrame, note: str | None = None) -> Figure:
    """Accuracy of the probe against the size of the latent space, with 95 % intervals.

    Args:
        measurements: as :func:`aevb.tables.measurements.read_measurements` gives it.
        note: the footer.
    """
    rows = select(measurements, application="representation", quantity="accuracy")
    name, condition = rows["dataset"].iloc[0], rows["condition"].iloc[0]
    n_test = rows["n_images"].iloc[0]
    with style.theme():
        figure = Figure(figsize=(5.2, 3.9))
        axes = figure.add_axes((0.14, 0.22, 0.83, 0.69))
        raw = select(rows, method=_RAW).iloc[0]
        axes.axhspan(raw["low"], raw["high"], color=style.NEUTRAL, alpha=0.15, linewidth=0)
        axes.axhline(
            raw["value"],
            color=style.NEUTRAL,
            linestyle=(0, (4, 2)),
            linewidth=1.2,
            label=f"{_RAW} ({raw['latent_dim']:,} numbers)",
        )
        for method, (color, marker) in _METHODS.items():
            line = select(rows, method=method).sort_values("latent_dim")
            error = [line["value"] - line["low"], line["high"] - line["value"]]
            axes.errorbar(
                line["latent_dim"],
                line["value"],
                yerr=error,
                color=color,
                marker=marker,
                markersize=5,
                linewidth=1.6,
                capsize=2.5,
                label=method,
            )
        axes.set_xscale("log")
        dims = sorted(select(rows, method="PCA")["latent_dim"].unique())
        axes.set_xticks(dims, [str(dim) for dim in dims])
        axes.xaxis.set_minor_formatter("")
        axes.set_xlim(dims[0] / 1.25, dims[-1] * 1.25)
        axes.set_ylim(math.floor(10 * rows["low"].min()) / 10, 1.0)
        axes.set_xlabel("size of the latent space, $N_z$, and of PCA")
        axes.set_ylabel("accuracy on test images")
        axes.set_title(f"{words.title(name)}: linear {condition}")
        axes.legend(loc="lower right", fontsize="small")
        lines = [note] if note else []
        style.footer(figure, [*lines, f"{n_test:,} test images; bars and band: 95 % intervals"])
    return figure
