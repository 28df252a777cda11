"""The paper's curves among the seeds of settings that the paper leaves open (§5)."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

from aevb.figures import style
from aevb.tables import protocol, words
from aevb.tables.curves import read_paper_curves

_FIRST = 5e4
"""Samples before which nothing is drawn: no number of the paper's lies there."""
_KINDS = {
    "library's setting": style.PALETTE["wake-sleep"],
    "best on all panels": style.PALETTE["AEVB"],
    "best on some panels": style.PALETTE["MCEM"],
}
"""What is drawn, and its colour."""
# Inches.
_WIDTH, _HEIGHT = 1.75, 1.6
_LEFT, _RIGHT, _TOP, _BOTTOM, _GAP, _ROW_GAP = 0.85, 0.15, 0.95, 0.95, 0.6, 0.8


def make(study: Path, paper: Path, note: str | None = None) -> dict[str, Figure | str]:
    """The picture, each standing behind it, and the ranking of the settings."""
    curves, theirs = protocol.read_study(study), read_paper_curves(paper)
    table = protocol.standings(curves, theirs)
    ranked = protocol.ranking(table)
    return {
        "picture": draw(protocol.bands(curves), theirs, ranked, note=note),
        "csv": table.to_csv(index=False, float_format="%.6g"),
        "ranking": ranked.to_csv(index=False, float_format="%.4g"),
    }


def draw(
    bands: pd.DataFrame, paper: pd.DataFrame, ranked: pd.DataFrame, note: str | None = None
) -> Figure:
    """The paper's test curve on each panel, in the bands of the best and of the library's setting.

    Args:
        bands: of :func:`aevb.tables.protocol.bands`.
        paper: of :func:`aevb.tables.curves.read_paper_curves`.
        ranked: of :func:`aevb.tables.protocol.ranking`.
        note: what to write below.
    """
    rows = [
        (dataset, algorithm, sorted(group["latent_dim"].unique()))
        for (dataset, algorithm), group in bands.groupby(["dataset", "algorithm"])
    ]
    rows.sort(key=lambda row: (row[0] != "MNIST", row[1]))
    columns = max(len(dims) for *_, dims in rows)
    width = _LEFT + columns * _WIDTH + (columns - 1) * _GAP + _RIGHT
    height = _TOP + len(rows) * _HEIGHT + (len(rows) - 1) * _ROW_GAP + _BOTTOM
    with style.theme():
        figure = Figure(figsize=(width, height))
        for i, (dataset, algorithm, dims) in enumerate(rows):
            places = ranked[(ranked["dataset"] == dataset) & (ranked["algorithm"] == algorithm)]
            chosen = _chosen(places, protocol.LIBRARY[dataset, algorithm])
            bottom = height - _TOP - (i + 1) * _HEIGHT - i * _ROW_GAP
            for j, latent_dim in enumerate(dims):
                left = _LEFT + j * (_WIDTH + _GAP)
                place = (left / width, bottom / height, _WIDTH / width, _HEIGHT / height)
                axes = figure.add_axes(place)
                panel = {"dataset": dataset, "algorithm": algorithm, "latent_dim": latent_dim}
                _panel(axes, _of(bands, panel), _of(paper, panel), chosen)
                axes.set_title(f"$N_z$ = {latent_dim}", fontsize="medium")
            told = "; ".join(
                f"{kind.replace(' setting', '')}: {setting.replace('_', ' ')}, {step_size:g}"
                for (setting, step_size), kind in chosen.items()
            )
            figure.text(
                _LEFT / width,
                (bottom + _HEIGHT + 0.33) / height,
                f"{words.title(dataset)}, {algorithm}   ({told})",
                fontsize="small",
                color=style.NEUTRAL,
            )
        label = "test bound (nats per datapoint)"
        figure.text(0.1 / width, 0.5, label, rotation="vertical", va="center")
        figure.text(0.5, (_BOTTOM - 0.42) / height, "# training samples evaluated", ha="center")
        figure.legend(
            handles=[
                Line2D([], [], color="black", marker="o", markersize=3, label="paper"),
                *(Patch(facecolor=c, alpha=0.4, label=kind) for kind, c in _KINDS.items()),
            ],
            loc="upper center",
            ncols=1 + len(_KINDS),
        )
        lines = [
            "Bands: where a further seed lies with 95 % probability, from up to eight seeds. In"
            " brackets: settings and step sizes."
        ]
        style.footer(figure, [*lines, *([note] if note else [])])
    return figure


def _chosen(places: pd.DataFrame, library: tuple[str, float]) -> dict[tuple[str, float], str]:
    """Which settings are drawn, and what they are; a setting that is several once."""
    everywhere = places[places["panels"] == places["panels"].max()]
    chosen = {library: "library's setting"}
    for kind, table in (("best on all panels", everywhere), ("best on some panels", places)):
        best = table.iloc[0]
        chosen.setdefault((best["setting"], best["step_size"]), kind)
    return chosen


def _of(table: pd.DataFrame, panel: dict) -> pd.DataFrame:
    return table[(table[list(panel)] == list(panel.values())).all(axis=1)]


def _panel(
    axes: Axes, bands: pd.DataFrame, paper: pd.DataFrame, chosen: dict[tuple[str, float], str]
) -> None:
    theirs = paper[paper["split"] == "test"].sort_values("training_samples")
    theirs = theirs[theirs["training_samples"] <= bands["training_samples"].max()]
    lowest, highest = [theirs["lower_bound"].min()], [theirs["lower_bound"].max()]
    for (setting, step_size), kind in chosen.items():
        one = bands[(bands["setting"] == setting) & (bands["step_size"] == step_size)]
        one = one[one["training_samples"] >= _FIRST].sort_values("training_samples")
        low, high = one["mean"] - one["half_width"], one["mean"] + one["half_width"]
        if one.empty:
            continue
        samples, color = one["training_samples"], _KINDS[kind]
        axes.fill_between(samples, low, high, color=color, alpha=0.4, linewidth=0)
        axes.plot(samples, one["mean"], color=color, linewidth=1.2)
        # Where the paper has no point yet, one seed's leap may make a band very wide.
        beside = samples >= theirs["training_samples"].min()
        lowest.append(low[beside].quantile(0.1))
        highest.append(high[beside].max())
    axes.plot(
        theirs["training_samples"],
        theirs["lower_bound"],
        color="black",
        marker="o",
        markersize=3,
        linewidth=0.9,
        zorder=5,
    )
    bottom, top = min(lowest), max(highest)
    axes.set_ylim(bottom - 0.05 * (top - bottom), top + 0.08 * (top - bottom))
    axes.set_xscale("log")
    axes.set_xlim(_FIRST, 1.1 * float(np.max(bands["training_samples"])))
    axes.xaxis.set_major_locator(LogLocator())
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.yaxis.set_major_locator(MaxNLocator(4))
    axes.tick_params(labelsize="small")
