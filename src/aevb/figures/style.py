"""The looks that all figures share, and how a figure becomes files."""

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import matplotlib.style
import seaborn
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from aevb.algorithms.settings import ALGORITHMS
from aevb.files import write_atomically

PALETTE = {kind.label: kind.colour for kind in ALGORITHMS.values()}
DASHES = {"train": "solid", "test": (0, (3.2, 1.4))}
NEUTRAL = "#3a3a3a"

OURS_WIDTHS = {kind.label: kind.line_width for kind in ALGORITHMS.values()}
PAPER_WIDTH = 0.9
BAND_OPACITY = 0.25
PNG_DPI = 300

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


def legend_handles(algorithms: list[str], *, paper: bool, band: bool) -> list[Line2D | Patch]:
    """One legend entry for each thing that a stroke of Figures 2 and 3 says.

    Args:
        algorithms: those drawn, in their order.
        paper: whether the paper's curves are.
        band: whether several seeds are.
    """
    width = OURS_WIDTHS["wake-sleep"]
    handles: list[Line2D | Patch] = [
        Line2D([], [], color=PALETTE[name], linewidth=OURS_WIDTHS[name], label=name)
        for name in algorithms
    ]
    handles += [
        Line2D([], [], color=NEUTRAL, linestyle=dashes, linewidth=width, label=split)
        for split, dashes in DASHES.items()
    ]
    if paper:
        handles += [
            Line2D([], [], color=NEUTRAL, linewidth=width, label="ours (thick)"),
            Line2D(
                [],
                [],
                color=lighter(NEUTRAL),
                linewidth=PAPER_WIDTH,
                label="paper (thin, pale)",
            ),
        ]
    if band:
        handles.append(Patch(facecolor=NEUTRAL, alpha=BAND_OPACITY, label="min–max of seeds"))
    return handles


def footer(figure: Figure, lines: list[str]) -> None:
    """Write the lines in small type into the figure's lower left corner."""
    width, height = figure.get_size_inches()
    figure.text(
        0.08 / width,
        0.06 / height,
        "\n".join(lines),
        fontsize="x-small",
        color=NEUTRAL,
        ha="left",
        va="bottom",
    )


@contextmanager
def theme() -> Iterator[None]:
    """The house style, for as long as the block lasts; the caller's settings, such as those of a
    matplotlibrc, count for nothing in it and come back after it."""
    with matplotlib.style.context(_THEME, after_reset=True):
        yield


def save(figure: Figure, stem: Path | str) -> tuple[Path, Path]:
    """Write ``<stem>.pdf`` and ``<stem>.png`` (300 dpi), each atomically.

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


def pack(parts: list[str], length: int) -> list[str]:
    """The parts on as few lines of ``length`` characters as they fit, in their order."""
    lines: list[str] = []
    for part in parts:
        longer = f"{lines[-1]}  ·  {part}" if lines else part
        if lines and len(longer) <= length:
            lines[-1] = longer
        else:
            lines.append(part)
    return lines


def span(low: float, high: float, render: Callable[[float], str]) -> str:
    """``low–high`` as rendered; one of them where both read the same."""
    texts = list(dict.fromkeys([render(low), render(high)]))
    return "–".join(texts)


def power(value: float) -> str:
    """A positive number as mathtext, in at most three digits: ``$2.5\\times10^{8}$``."""
    mantissa, exponent = f"{value:.2e}".split("e")
    mantissa = mantissa.rstrip("0").rstrip(".")
    power = f"10^{{{int(exponent)}}}"
    return f"${power}$" if mantissa == "1" else rf"${mantissa}\times{power}$"
