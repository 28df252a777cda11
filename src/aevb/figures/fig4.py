"""Figure 4: the data manifolds that models with a two-dimensional latent space have learned."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from aevb.errors import DataError
from aevb.figures import mosaics, style
from aevb.pictures import Pictures, read_pictures
from aevb.tables import words

_PANEL, _GAP, _LEFT, _BOTTOM, _TOP = 3.9, 0.45, 0.35, 0.62, 0.32
_FOOTER = 3.95
_ORDER = ("FreyFace", "MNIST")


def make(pictures: Path, note: str | None = None) -> dict[str, Figure | str]:
    """The picture, from the images of ``aevb manifold``."""
    return {"picture": draw(read_pictures(pictures), note=note)}


def finding(pictures: Path) -> Iterator[str]:
    """How smooth each manifold is."""
    parts = []
    for name, images in read_pictures(pictures).images.items():
        step, all_pairs = smoothness(images)
        parts.append(
            f"{words.title(name)}: neighbours on the grid differ by {step:.3f} (rms per"
            f" pixel), any two images by {all_pairs:.3f}"
        )
    yield "; ".join(parts) + "."


def smoothness(images: np.ndarray) -> tuple[float, float]:
    """How far neighbours on a grid of images are apart, and how far any two images are.

    Args:
        images: [grid rows, grid columns, rows, columns].

    Returns:
        Both as the root of the mean squared difference a pixel. Neighbours are those in one row or
        column; any two are drawn with replacement, so their mean square is twice the variance.
    """
    images = images.astype(np.float64)
    steps = [np.diff(images, axis=axis) ** 2 for axis in (0, 1)]
    step = np.sqrt(np.mean(np.concatenate([part.ravel() for part in steps])))
    return float(step), float(np.sqrt(2 * images.var(axis=(0, 1)).mean()))


def draw(pictures: Pictures, note: str | None = None) -> Figure:
    """The decoder's means at the quantiles (i + ½)/n of the prior, one panel a data set.

    Args:
        pictures: of ``aevb manifold``: [grid rows, grid columns, rows, columns] by data set.
        note: the footer.

    Raises:
        DataError: an array is not a grid of images.
    """
    names = [name for name in _ORDER if name in pictures.images]
    names += [name for name in pictures.images if name not in names]
    widths = []
    for name in names:
        images = pictures.images[name]
        if images.ndim != 4:
            raise DataError(f"Figure 4: {name}: not a grid of images; make the manifold anew")
        grid_rows, grid_columns, rows, columns = images.shape
        widths.append(_PANEL * grid_columns * columns / (grid_rows * rows))
    width = max(_LEFT + sum(widths) + (_GAP + _LEFT) * (len(names) - 1) + 0.12, _FOOTER)
    height = _BOTTOM + _PANEL + _TOP
    with style.theme():
        figure = Figure(figsize=(width, height))
        left = _LEFT
        for name, panel_width in zip(names, widths, strict=True):
            place = left / width, _BOTTOM / height, panel_width / width, _PANEL / height
            axes = figure.add_axes(place)
            images = pictures.images[name]
            mosaics.show(axes, images, ink=name in pictures.ink, gap=0)
            axes.set_title(f"Learned {words.title(name)} manifold")
            axes.set_xlabel("$z_2$ →", fontsize="small")
            axes.set_ylabel("← $z_1$", fontsize="small")
            left += panel_width + _GAP + _LEFT
        quantiles = "latent variables: the prior's quantiles (i + ½)/n in both dimensions"
        style.footer(figure, [*([note] if note else []), quantiles])
    return figure
