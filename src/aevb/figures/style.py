"""The looks that all figures share, and how a figure becomes files."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import matplotlib
import seaborn
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure

from aevb.files import write_atomically

# Blue and orange stay apart under all three colour-vision deficiencies, and in grey print, where
# the blue is the darker one.
_COLORBLIND = seaborn.color_palette("colorblind")
PALETTE = {"AEVB": to_hex(_COLORBLIND[0]), "wake-sleep": to_hex(_COLORBLIND[1])}
DASHES = {"train": "solid", "test": (0, (3.2, 1.4))}
NEUTRAL = "#3a3a3a"

# AEVB is drawn over wake-sleep and is the narrower, so that both show where they coincide.
OURS_WIDTHS = {"AEVB": 1.6, "wake-sleep": 2.3}
PAPER_WIDTH = 0.9
BAND_OPACITY = 0.25
PNG_DPI = 200

_THEME = {
    **seaborn.axes_style("ticks"),
    **seaborn.plotting_context("paper", font_scale=1.15),
    # The one family that comes with matplotlib: the same text metrics, and so the same bytes, on
    # every machine.
    "font.family": ["DejaVu Sans"],
    "mathtext.fontset": "dejavusans",
    # TrueType instead of Type 3: text in the PDF can be searched, and journals accept it.
    "pdf.fonttype": 42,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
}


def lighter(color: str, amount: float = 0.45) -> str:
    """The colour mixed with white: ``amount`` 0 leaves it as it is, 1 makes it white."""
    return to_hex([channel + (1.0 - channel) * amount for channel in to_rgb(color)])


@contextmanager
def theme() -> Iterator[None]:
    """The house style, for as long as the block lasts; the caller's settings come back after it."""
    with matplotlib.rc_context(_THEME):
        yield


def save(figure: Figure, stem: Path | str) -> tuple[Path, Path]:
    """Write ``<stem>.pdf`` and ``<stem>.png`` (200 dpi), each atomically.

    The same figure gives the same bytes: no date is stored. Both are rendered before the first is
    written, so a figure that cannot be rendered leaves the old pair alone.

    Returns:
        The paths of the PDF and of the PNG.
    """
    stem = Path(stem)
    contents = {}
    with theme():
        for suffix, options in (
            ("pdf", {"metadata": {"CreationDate": None}}),
            ("png", {"metadata": {"Software": None}, "dpi": PNG_DPI}),
        ):
            buffer = io.BytesIO()
            figure.savefig(buffer, format=suffix, **options)
            contents[stem.with_name(f"{stem.name}.{suffix}")] = buffer.getvalue()
    for path, content in contents.items():
        write_atomically(path, content)
    pdf, png = contents
    return pdf, png
