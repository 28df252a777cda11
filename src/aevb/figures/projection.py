"""Where the encoder puts the data in a two-dimensional latent space (§4)."""

from pathlib import Path

import numpy as np
import pandas as pd
import seaborn
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from aevb.figures import style
from aevb.tables import tidy, words

_PARSERS: dict[str, tidy.Parser] = {
    "dataset": tidy.name,
    "latent_dim": tidy.positive,
    "split": tidy.one_of("train", "test"),
    "image": tidy.count,
    "label": tidy.optional(tidy.count),
    "z1": tidy.number(),
    "z2": tidy.number(),
}
_PANEL, _GAP, _LEFT, _BOTTOM, _TOP, _BAR = 3.7, 0.75, 0.62, 0.9, 0.32, 0.85
_LABEL_COLORS = [to_hex(color) for color in seaborn.color_palette("colorblind", 10)]


def make(table: Path, note: str | None = None) -> dict[str, Figure | str]:
    """The picture, from the projection of ``aevb project``."""
    return {"picture": draw(read_projection(table), note=note)}


def read_projection(path: Path) -> pd.DataFrame:
    """The table that ``aevb project`` wrote, checked.

    Raises:
        DataError: see :func:`aevb.tables.tidy.read_all`.
    """
    return tidy.read_all([path], _PARSERS, ["dataset", "split", "image"])


def draw(projection: pd.DataFrame, note: str | None = None) -> Figure:
    """The posterior means in latent space, one panel a data set.

    Images with labels are points in the colour of their label, which is also written at the
    median of each; images without are frames of a video, joined in the order of time.
    """
    names = sorted(projection["dataset"].unique(), reverse=True)
    width = _LEFT + len(names) * (_PANEL + _GAP) + _BAR
    height = _BOTTOM + _PANEL + _TOP
    with style.theme():
        figure = Figure(figsize=(width, height))
        for i, name in enumerate(names):
            rows = projection[projection["dataset"] == name]
            left = _LEFT + i * (_PANEL + _GAP)
            place = left / width, _BOTTOM / height, _PANEL / width, _PANEL / height
            axes = figure.add_axes(place)
            limit = 1.04 * np.abs(rows[["z1", "z2"]].to_numpy()).max()
            if rows["label"].isna().any():
                bar = figure.add_axes(
                    ((left + _PANEL + 0.12) / width, place[1], 0.11 / width, place[3])
                )
                _path(axes, bar, rows.sort_values("image"))
                what = f"{len(rows):,} frames in order of time"
            else:
                _classes(axes, rows)
                what = f"{len(rows):,} test images by digit"
            axes.set(xlim=(-limit, limit), ylim=(-limit, limit), aspect="equal")
            axes.set_xlabel("$z_1$")
            axes.set_ylabel("$z_2$", labelpad=0)
            axes.set_title(f"{words.title(name)}: {what}")
            for radius in (1, 2, 3):
                angles = np.linspace(0, 2 * np.pi, 200)
                axes.plot(
                    radius * np.cos(angles),
                    radius * np.sin(angles),
                    color=style.lighter(style.NEUTRAL, 0.55),
                    linewidth=0.7,
                    linestyle=(0, (1, 2)),
                    zorder=1,
                )
        lines = [note] if note else []
        style.footer(figure, [*lines, "dotted: 1, 2 and 3 standard deviations of the prior"])
    return figure


def _classes(axes: Axes, rows: pd.DataFrame) -> None:
    labels = sorted(rows["label"].astype(int).unique())
    for label in labels:
        chosen = rows[rows["label"] == label]
        color = _LABEL_COLORS[label % len(_LABEL_COLORS)]
        # As an image: ten thousand circles would make the PDF slow to show.
        axes.scatter(
            chosen["z1"], chosen["z2"], s=2.2, color=color, alpha=0.55, linewidth=0, rasterized=True
        )
    # Colours alone do not tell ten classes apart.
    medians = rows.groupby("label")[["z1", "z2"]].median().loc[labels].to_numpy()
    for label, place in zip(labels, _apart(medians, 0.07 * np.ptp(axes.get_xlim())), strict=True):
        axes.text(
            *place,
            str(label),
            ha="center",
            va="center",
            fontsize="x-large",
            fontweight="bold",
            color=_LABEL_COLORS[label % len(_LABEL_COLORS)],
            path_effects=[withStroke(linewidth=3, foreground="white")],
            zorder=5,
        )


def _apart(points: np.ndarray, distance: float) -> np.ndarray:
    """The points [n, 2], pushed away from each other until no two are closer than ``distance``."""
    points = np.array(points, np.float64)
    for _ in range(200):
        steps = points[:, np.newaxis] - points
        lengths = np.linalg.norm(steps, axis=-1) + 1e-12
        lacking = np.clip(distance - lengths, 0, None)
        np.fill_diagonal(lacking, 0)
        if not lacking.any():
            break
        points += 0.5 * (steps / lengths[..., np.newaxis] * lacking[..., np.newaxis]).sum(axis=1)
    return points


def _path(axes: Axes, bar: Axes, rows: pd.DataFrame) -> None:
    points = rows[["z1", "z2"]].to_numpy()
    segments = np.stack([points[:-1], points[1:]], axis=1)
    time = rows["image"].to_numpy()
    lines = LineCollection(segments, cmap="cividis", linewidth=0.35, alpha=0.5, zorder=2)
    lines.set_array(time[:-1])
    axes.add_collection(lines)
    shown = axes.scatter(*points.T, c=time, cmap="cividis", s=4, linewidth=0, zorder=3)
    axes.figure.colorbar(shown, cax=bar, label="frame")
    bar.tick_params(labelsize="small")
