"""Denoising and super-resolution (§2.1): pictures, and the error of each method beside them."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from aevb.errors import DataError
from aevb.figures import intervals, mosaics, style
from aevb.pictures import Pictures, read_pictures
from aevb.tables import measurements, words

_TRUTH = "truth"
# Inches.
_CELL, _LEFT, _BETWEEN, _DOTS, _RIGHT = 0.5, 1.05, 0.25, 1.9, 0.2
_TOP, _GAP, _BOTTOM = 0.42, 0.98, 1.16


def make(table: Path, pictures: Path, note: str | None = None) -> dict[str, Figure | str]:
    """The picture, from what ``aevb evaluate denoising`` or ``super-resolution`` has made."""
    rows = measurements.read_measurements([table])
    return {"picture": draw(rows, read_pictures(pictures), note=note)}


def finding(table: Path) -> Iterator[str]:
    """The error of each method, by data set and condition."""
    yield measurements.told(table, "rmse")


def draw(
    rows: pd.DataFrame, pictures: Pictures, note: str | None = None, columns: int = 8
) -> Figure:
    """One block for each data set and condition: a row of images for each method, and at its
    height the root mean squared error per pixel against the truth, with a 95 % interval.

    Args:
        rows: as :func:`aevb.tables.measurements.read_measurements` gives it, of one application.
        pictures: ``<data set>/<condition>/<method>``, [shown, rows, columns].
        note: the footer.
        columns: how many images at most.

    Raises:
        DataError: pictures and table are not of the same evaluation.
    """
    errors = rows[rows["quantity"] == "rmse"]
    blocks = list(errors.groupby(["dataset", "condition"], sort=False))
    stacks = [_stack(pictures, name, condition, group) for (name, condition), group in blocks]
    cells = [_cell(images) for _, images in stacks]
    n_columns = min(columns, max(images.shape[1] for _, images in stacks))
    panel = max(width for width, _ in cells) * n_columns
    heights = [len(labels) * cell[1] for (labels, _), cell in zip(stacks, cells, strict=True)]
    width = _LEFT + panel + _BETWEEN + _DOTS + _RIGHT
    height = _TOP + sum(heights) + _GAP * (len(heights) - 1) + _BOTTOM
    with style.theme():
        figure = Figure(figsize=(width, height))
        top = height - _TOP
        for ((name, condition), group), (labels, images), cell, tall in zip(
            blocks, stacks, cells, heights, strict=True
        ):
            shown = images[:, :n_columns]
            base, wide = (top - tall) / height, shown.shape[1] * cell[0]
            axes = figure.add_axes((_LEFT / width, base, wide / width, tall / height))
            mosaics.show(axes, shown, ink=name in pictures.ink)
            mosaics.label_rows(axes, labels)
            latent_dim = group["latent_dim"].iloc[0]
            axes.set_title(f"{words.title(name)}, $N_z$={latent_dim}: {condition}")
            left = (_LEFT + panel + _BETWEEN) / width
            dots = figure.add_axes((left, base, _DOTS / width, tall / height))
            here = rows[(rows["dataset"] == name) & (rows["condition"] == condition)]
            for at, method in enumerate(labels[1:], start=1):
                row = measurements.select(group, method=method).iloc[0]
                color = intervals.COLORS.get(method, style.NEUTRAL)
                passed = measurements.share_passed(here, method)
                hollow = passed is not None and passed < measurements.ENOUGH
                intervals.dot(dots, row, at + 0.5, color, hollow=hollow)
                mixed = f"\nR-hat < 1.1: {100 * passed:.0f} %" if hollow else ""
                dots.text(
                    row["value"],
                    at + 0.42,
                    measurements.text(row, 3) + mixed,
                    ha="center",
                    va="bottom",
                    fontsize="x-small",
                    color=color,
                )
            dots.set(ylim=(len(labels), 0), yticks=[])
            dots.set_xlim(0, 1.35 * group["value"].max())
            dots.spines["left"].set_visible(False)
            dots.set_xlabel("error per pixel (rmse)", fontsize="small")
            dots.tick_params(labelsize="small")
            top -= tall + _GAP
        lines = [note] if note else []
        n_images = style.span(errors["n_images"].min(), errors["n_images"].max(), "{:,}".format)
        lines += [
            f"errors: mean over {n_images} test images, 95 % interval; pictures: the first ones",
            "encoder: E[x|y, z] at its mean of z; HMC: E[x|y], the mean over draws of p(z|y)",
            "both take what y tells of single pixels. Hollow: chains that do not mix",
        ]
        style.footer(figure, lines)
    return figure


def _stack(pictures: Pictures, name: str, condition: str, group: pd.DataFrame):
    """Row labels, and images [methods, shown, rows, columns]."""
    labels = [_TRUTH, *group["method"]]
    found = [pictures.images.get(f"{name}/{condition}/{label}") for label in labels]
    missing = [label for label, images in zip(labels, found, strict=True) if images is None]
    shapes = {images.shape for images in found if images is not None}
    if missing or len(shapes) != 1:
        raise DataError(
            f"{name}, {condition}: the pictures lack {', '.join(missing) or 'a common shape'};"
            " make table and pictures anew, together"
        )
    return labels, np.stack(found)


def _cell(images) -> tuple[float, float]:
    """Width and height of an image, inches."""
    rows, columns = images.shape[2:]
    return _CELL * columns / max(rows, columns), _CELL * rows / max(rows, columns)
