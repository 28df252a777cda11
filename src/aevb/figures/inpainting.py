"""Inpainting (§2.1): completions of half images, and how likely the missing half was."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from aevb.errors import DataError
from aevb.figures import intervals, mosaics, style
from aevb.pictures import Pictures, read_pictures
from aevb.tables import measurements, words

_METHODS = ("encoder", "HMC")
_INFERENCE = {
    "encoder": "encoder's draws",
    "HMC": "HMC's draws",
    "AIS": "annealed importance",
}
_MARGINAL = "marginal"
# Inches.
_CELL, _LEFT, _BETWEEN, _DOTS, _RIGHT = 0.5, 1.0, 1.55, 2.3, 0.25
_TOP, _GAP, _BOTTOM = 0.42, 0.95, 1.0


def make(table: Path, pictures: Path, note: str | None = None) -> dict[str, Figure | str]:
    """The picture, from what ``aevb evaluate inpainting`` has made."""
    rows = measurements.read_measurements([table])
    return {"picture": draw(rows, read_pictures(pictures), note=note)}


def finding(table: Path) -> Iterator[str]:
    """The log-likelihood of the missing half by each method."""
    yield measurements.told(table, "log-likelihood", digits=1)


def draw(
    rows: pd.DataFrame, pictures: Pictures, note: str | None = None, columns: int = 8
) -> Figure:
    """One block for each data set: the truth, what is seen of it, completions by each kind of
    inference; beside them how much likelier the missing half is for having seen the other.

    Args:
        rows: as :func:`aevb.tables.measurements.read_measurements` gives it.
        pictures: ``<data set>/<what>``: [shown, rows, columns], of completions
            [completions, shown, rows, columns].
        note: the footer.
        columns: how many images at most.

    Raises:
        DataError: pictures and table are not of the same evaluation.
    """
    blocks = list(rows.groupby("dataset", sort=False))
    stacks = [_stack(pictures, name) for name, _ in blocks]
    shown = min(columns, max(images.shape[1] for _, images in stacks))
    sizes = [(_CELL * images.shape[3] / max(images.shape[2:]), _CELL) for _, images in stacks]
    panel = shown * max(wide for wide, _ in sizes)
    heights = [len(labels) * _CELL for labels, _ in stacks]
    width = _LEFT + panel + _BETWEEN + _DOTS + _RIGHT
    height = _TOP + sum(heights) + _GAP * (len(heights) - 1) + _BOTTOM
    with style.theme():
        figure = Figure(figsize=(width, height))
        top = height - _TOP
        for (name, group), (labels, images), (wide, _), tall in zip(
            blocks, stacks, sizes, heights, strict=True
        ):
            images = images[:, :shown]
            base = (top - tall) / height
            place = _LEFT / width, base, images.shape[1] * wide / width, tall / height
            axes = figure.add_axes(place)
            mosaics.show(axes, images, ink=name in pictures.ink)
            mosaics.label_rows(axes, labels)
            axes.set_title(f"{words.title(name)}, $N_z$={group['latent_dim'].iloc[0]}")
            left = (_LEFT + panel + _BETWEEN) / width
            dots = figure.add_axes(
                (left, base + 0.12 * tall / height, _DOTS / width, 0.8 * tall / height)
            )
            _gains(dots, group)
            top -= tall + _GAP
        n_images = style.span(rows["n_images"].min(), rows["n_images"].max(), "{:,}".format)
        lines = [note] if note else []
        style.footer(
            figure,
            [
                *lines,
                f"means over {n_images} test images, 95 % intervals; pictures: the first ones",
                "log p: of the missing half given the seen one;"
                " annealed importance sampling: log p(whole) − log p(seen half)",
            ],
        )
    return figure


def _gains(axes: Axes, rows: pd.DataFrame) -> None:
    """What seeing the upper half is worth, with the log-likelihoods themselves as text."""
    gains = measurements.select(rows, quantity="gain over the marginal")
    log_likelihoods = measurements.select(rows, quantity="log-likelihood")
    nothing = measurements.select(log_likelihoods, method=_MARGINAL).iloc[0]
    axes.axvline(0, color=style.NEUTRAL, linewidth=0.8, linestyle=(0, (1, 2)))
    ends = [0.0]
    for at, (method, label) in enumerate(_INFERENCE.items()):
        gain = measurements.select(gains, method=method).iloc[0]
        value = measurements.select(log_likelihoods, method=method).iloc[0]["value"]
        color = intervals.COLORS[method]
        passed = measurements.share_passed(rows, method)
        hollow = passed is None or passed < measurements.ENOUGH
        intervals.dot(axes, gain, at, color, hollow=hollow)
        if passed is None:
            label += "\nhas no checks"
        elif hollow:
            label += f"\n{100 * passed:.0f} % pass its checks"
        ends += [gain["value"], *gain[["low", "high"]].dropna()]
        axes.text(
            -0.04,
            at,
            f"{label}\nlog p = {words.minus(value)}",
            ha="right",
            va="center",
            fontsize="small",
            color=color,
            transform=axes.get_yaxis_transform(),
        )
        axes.text(
            0.5,
            at - 0.16,
            measurements.text(gain, 1),
            ha="center",
            va="bottom",
            fontsize="x-small",
            color=color,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5},
            transform=axes.get_yaxis_transform(),
        )
    margin = 0.08 * (max(ends) - min(ends)) or 1.0
    axes.set(xlim=(min(ends) - margin, max(ends) + margin), ylim=(len(_INFERENCE) - 0.4, -0.7))
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.tick_params(labelsize="small")
    axes.set_xlabel(
        "gain from seeing the upper half, nats\n"
        f"(0: log p(missing half) = {words.minus(nothing['value'])})",
        fontsize="small",
    )


def _stack(pictures: Pictures, name: str):
    """Row labels, and images [rows of the picture, shown, rows, columns]."""
    wanted = ["truth", "observed", *_METHODS]
    missing = [what for what in wanted if f"{name}/{what}" not in pictures.images]
    if missing:
        raise DataError(
            f"{name}: the pictures lack {', '.join(missing)}; make table and pictures anew,"
            " together"
        )
    found = {what: pictures.images[f"{name}/{what}"] for what in wanted}
    labels = ["truth", "seen"]
    images = [found["truth"], found["observed"]]
    for method in _METHODS:
        completions = found[method]
        labels += [f"{method}" if i == 0 else "" for i in range(len(completions))]
        images += list(completions)
    if len({one.shape for one in images}) != 1:
        raise DataError(f"{name}: the pictures have no common shape; make them anew")
    return labels, np.stack(images)
