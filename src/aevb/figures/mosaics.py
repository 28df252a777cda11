"""Many small images as one picture."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from aevb.figures import style

_NOTHING = 0.82
"""The grey of pixels that nobody has seen."""


def mosaic(images: np.ndarray, *, ink: bool, gap: int = 1) -> np.ndarray:
    """A grid of images as one, white between them.

    Args:
        images: [grid rows, grid columns, rows, columns], in [0, 1] (clipped to it); NaN where
            there is nothing to see.
        ink: whether the pixels are ink, shown dark on white; brightness otherwise.
        gap: pixels between two images.

    Returns:
        Brightness in [0, 1], two-dimensional.
    """
    brightness = np.clip(images, 0, 1)
    brightness = 1 - brightness if ink else brightness
    brightness = np.where(np.isnan(brightness), _NOTHING, brightness)
    padded = np.pad(brightness, [(0, 0), (0, 0), (0, gap), (0, gap)], constant_values=1.0)
    grid_rows, grid_columns, rows, columns = padded.shape
    joined = padded.transpose(0, 2, 1, 3).reshape(grid_rows * rows, grid_columns * columns)
    return joined[: joined.shape[0] - gap, : joined.shape[1] - gap]


def show(axes: Axes, images: np.ndarray, *, ink: bool, gap: int = 1) -> None:
    """Fill ``axes`` with the :func:`mosaic` of images [grid rows, grid columns, rows, columns].

    Grid cell i is centred at i + ½ of the axes' vertical coordinate, which runs downward.
    """
    picture = mosaic(images, ink=ink, gap=gap)
    n_rows, n_columns = images.shape[:2]
    # The last gap is not drawn, so the cells are a little longer than the picture divided evenly.
    height = n_rows * picture.shape[0] / (picture.shape[0] + gap)
    width = n_columns * picture.shape[1] / (picture.shape[1] + gap)
    axes.imshow(
        picture,
        cmap="gray",
        vmin=0,
        vmax=1,
        interpolation="none",
        extent=(0, width, height, 0),
        aspect=images.shape[2] / images.shape[3],
    )
    axes.set(xticks=[], yticks=[], xlim=(0, n_columns), ylim=(n_rows, 0))
    for spine in axes.spines.values():
        spine.set_visible(False)


def label_rows(axes: Axes, labels: Sequence[str]) -> None:
    """Write one label at the left of each row of the grid that ``axes`` shows."""
    axes.set_yticks(np.arange(len(labels)) + 0.5, labels)
    axes.tick_params(axis="y", length=0, labelsize="small", labelcolor=style.NEUTRAL)
