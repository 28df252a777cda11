"""Telling unusual images by how likely the model finds them."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from aevb.errors import DataError
from aevb.figures import intervals, mosaics, style
from aevb.pictures import Pictures, read_pictures
from aevb.tables import measurements, tidy, words

_METHODS = {
    "encoder's bound": (style.PALETTE["AEVB"], "o"),
    "AIS log p(x)": (style.PALETTE["MCEM"], "D"),
    "PPCA log p(x)": (style.PALETTE["wake-sleep"], "s"),
}
_SCORES: dict[str, tidy.Parser] = {
    "dataset": tidy.name,
    "method": tidy.one_of(*_METHODS),
    "kind": tidy.name,
    "image": tidy.count,
    "score": tidy.number("Did annealing diverge?"),
}
_CELL, _LEFT, _BETWEEN, _PANEL, _TOP, _BOTTOM = 0.55, 1.25, 0.35, 2.5, 0.42, 0.85


def make(
    table: Path, pictures: Path, scores: Path, note: str | None = None
) -> dict[str, Figure | str]:
    """The picture, from what ``aevb evaluate anomaly`` has made."""
    rows, all_scores = measurements.read_measurements([table]), read_scores(scores)
    return {"picture": draw(rows, all_scores, read_pictures(pictures), note=note)}


def finding(table: Path) -> Iterator[str]:
    """How well each method tells the unusual images."""
    yield measurements.told(table, "auroc")


def read_scores(path: Path) -> pd.DataFrame:
    """The table of all scores that ``aevb evaluate anomaly`` wrote, checked.

    Raises:
        DataError: see :func:`aevb.tables.tidy.read_all`.
    """
    return tidy.read_all([path], _SCORES, ["method", "kind", "image"])


def draw(
    rows: pd.DataFrame,
    scores: pd.DataFrame,
    pictures: Pictures,
    note: str | None = None,
    columns: int = 8,
) -> Figure:
    """A row for each kind of images: some of them, the spread of log p(x), and how well each
    score tells them from test images (area under the ROC, 95 % intervals).

    Args:
        rows: as :func:`aevb.tables.measurements.read_measurements` gives it.
        scores: as :func:`read_scores` gives it.
        pictures: ``<data set>/<kind>``, [shown, rows, columns].
        note: the footer.
        columns: how many images at most.

    Raises:
        DataError: the three are not of the same evaluation.
    """
    areas = measurements.select(rows, application="anomaly", quantity="auroc")
    name = areas["dataset"].iloc[0]
    kinds = [name, *dict.fromkeys(areas["condition"])]
    found = [pictures.images.get(f"{name}/{kind}") for kind in kinds]
    if any(images is None for images in found) or set(kinds) != set(scores["kind"]):
        raise DataError(
            f"{name}: table, scores and pictures are of different evaluations; make them anew"
        )
    shown = min(columns, min(len(images) for images in found))
    images = np.stack([one[:shown] for one in found])
    wide = _CELL * images.shape[3] / max(images.shape[2:]) * shown
    tall = _CELL * len(kinds)
    width = _LEFT + wide + 2 * (_BETWEEN + _PANEL) + 0.15
    height = _TOP + tall + _BOTTOM + 0.25
    base = (_BOTTOM + 0.25) / height
    with style.theme():
        figure = Figure(figsize=(width, height))
        axes = figure.add_axes((_LEFT / width, base, wide / width, tall / height))
        mosaics.show(axes, images, ink=name in pictures.ink)
        titles = {name: f"{words.title(name)} test"}
        mosaics.label_rows(axes, [titles.get(k, words.title(k)) for k in kinds])
        axes.set_title(f"$N_z$={areas['latent_dim'].iloc[0]}")

        left = (_LEFT + wide + _BETWEEN) / width
        spread = figure.add_axes((left, base, _PANEL / width, tall / height))
        exact = scores[scores["method"] == "AIS log p(x)"]
        spread.boxplot(
            [exact.loc[exact["kind"] == kind, "score"] for kind in kinds],
            positions=np.arange(len(kinds)) + 0.5,
            orientation="horizontal",
            widths=0.5,
            flierprops={"marker": ".", "markersize": 3, "markeredgecolor": style.NEUTRAL},
            medianprops={"color": _METHODS["AIS log p(x)"][0]},
        )
        spread.set(ylim=(len(kinds), 0), yticks=[])
        # Values of four digits and a sign need room.
        spread.locator_params(axis="x", nbins=5)
        spread.set_xlabel("log p(x) by AIS, nats", fontsize="small")

        left = (_LEFT + wide + 2 * _BETWEEN + _PANEL) / width
        area = figure.add_axes((left, base, _PANEL / width, tall / height))
        for i, kind in enumerate(kinds[1:], start=1):
            for j, (method, (color, marker)) in enumerate(_METHODS.items()):
                row = measurements.select(areas, condition=kind, method=method).iloc[0]
                intervals.dot(area, row, i + 0.25 + 0.25 * j, color, marker)
        area.axvline(0.5, color=style.NEUTRAL, linewidth=0.8, linestyle=(0, (1, 2)))
        lowest = min(0.45, areas["low"].min() - 0.03)
        area.set(ylim=(len(kinds), 0), yticks=[], xlim=(lowest, 1.03))
        area.set_xlabel("area under the ROC", fontsize="small")
        handles = [
            Line2D([], [], color=color, marker=marker, linewidth=1.4, markersize=5, label=method)
            for method, (color, marker) in _METHODS.items()
        ]
        area.legend(handles=handles, loc="upper left", fontsize="x-small", borderaxespad=0)
        for panel in (spread, area):
            panel.spines["left"].set_visible(False)
            panel.tick_params(labelsize="small")
        lines = [note] if note else []
        style.footer(
            figure,
            [*lines, "dotted: chance. 95 % intervals over images; PPCA: of the same N_z"],
        )
    return figure
