"""Figure 4: the data manifolds that models with a two-dimensional latent space have learned."""

from matplotlib.figure import Figure

from aevb.errors import DataError
from aevb.figures import mosaics, style
from aevb.pictures import Pictures

_PANEL, _GAP, _LEFT, _BOTTOM, _TOP = 3.9, 0.45, 0.35, 0.62, 0.32
_FOOTER = 3.95
_ORDER = ("FreyFace", "MNIST")


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
            axes.set_title(f"Learned {style.title(name)} manifold")
            axes.set_xlabel("$z_2$ →", fontsize="small")
            axes.set_ylabel("← $z_1$", fontsize="small")
            left += panel_width + _GAP + _LEFT
        quantiles = "latent variables: the prior's quantiles (i + ½)/n in both dimensions"
        style.footer(figure, [*([note] if note else []), quantiles])
    return figure
