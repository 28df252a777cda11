"""Figure 5: samples from generative models of different latent dimensionality."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from aevb.errors import DataError
from aevb.figures import mosaics, style
from aevb.pictures import Pictures, read_pictures

_PANEL, _GAP, _TOP, _BOTTOM = 2.3, 0.16, 0.32, 0.28


def make(pictures: Path, note: str | None = None) -> dict[str, Figure | str]:
    """The picture, from the images of ``aevb sample``."""
    return {"picture": draw(read_pictures(pictures), note=note)}


def finding(pictures: Path) -> Iterator[str]:
    """How many pixels the decoders leave undecided."""
    parts = []
    for name, images in read_pictures(pictures).images.items():
        undecided = np.mean((images > 0.1) & (images < 0.9))
        parts.append(f"{undecided:.1%} for N_z = {name.partition('/')[2]}")
    yield f"Pixels that the decoder leaves undecided (mean from 0.1 to 0.9): {', '.join(parts)}."


def draw(pictures: Pictures, note: str | None = None) -> Figure:
    """The decoder's means at draws from the prior, one panel a size of the latent space.

    Args:
        pictures: of ``aevb sample``: [grid rows, grid columns, rows, columns], named ``<data
            set>/<N_z>``.
        note: the footer.

    Raises:
        DataError: an array is not a grid of images, or its name tells no N_z.
    """
    panels = []
    for name, images in pictures.images.items():
        dataset, _, latent_dim = name.partition("/")
        if images.ndim != 4 or not latent_dim.isdigit():
            raise DataError(f"Figure 5: {name}: not a grid of samples; make the samples anew")
        panels.append((dataset, int(latent_dim), images))
    panels.sort(key=lambda panel: panel[:2])
    width = len(panels) * _PANEL + (len(panels) - 1) * _GAP + 0.2
    height = _BOTTOM + _PANEL + _TOP
    with style.theme():
        figure = Figure(figsize=(width, height))
        for i, (dataset, latent_dim, images) in enumerate(panels):
            left = 0.1 + i * (_PANEL + _GAP)
            place = left / width, _BOTTOM / height, _PANEL / width, _PANEL / height
            axes = figure.add_axes(place)
            mosaics.show(axes, images, ink=dataset in pictures.ink)
            axes.set_title(f"{latent_dim}-D latent space")
        style.footer(figure, [note] if note else [])
    return figure
