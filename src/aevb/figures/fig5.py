"""Figure 5: samples from generative models of different latent dimensionality."""

from matplotlib.figure import Figure

from aevb.errors import DataError
from aevb.figures import mosaics, style
from aevb.pictures import Pictures

_PANEL, _GAP, _TOP, _BOTTOM = 2.3, 0.16, 0.32, 0.28


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
