"""Figure 3: the marginal log-likelihood of AEVB, wake-sleep and MCEM along training (§5)."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from aevb.figures import style
from aevb.figures.fig3_frame import Frame, frame_of
from aevb.tables import tidy, words
from aevb.tables.fig3 import select, table
from aevb.tables.likelihood_curves import (
    ALGORITHMS,
    CURVE,
    SPLITS,
    VALUE,
    over_seeds,
    read_likelihoods,
    read_paper_likelihoods,
)

#: Left, bottom, width and height in fractions of the figure.
Rectangle = tuple[float, float, float, float]
#: The panels' rows, top to bottom, and what is written over them; other estimators follow.
ESTIMATORS = {
    "library": "the paper’s estimator as its authors’ library computes it for several images",
    "paper": "the paper’s estimator: Appendix D, 50 samples",
    "quadrature": "exact: quadrature",
}

#: A point is drawn hollow when a larger share than this of its datapoints was flagged.
FLAGGED = 0.05

# Inches.
_PANEL_WIDTH, _PANEL_HEIGHT = 2.75, 2.1
_LEFT, _GAP, _LEGEND_GAP, _LEGEND = 0.80, 0.72, 0.22, 1.72
_TOP, _ROW_GAP, _HEADING = 0.56, 0.92, 0.27
_AXIS_LABEL, _FOOTER, _FOOTER_LINE = 0.55, 0.24, 0.14
# Of the footer's type size; wide letters are rare enough in it for this to hold.
_CHARACTERS_AN_INCH = 16
# Points.
_MARKER = 3.6

_HOLLOW = {"marker": "o", "markersize": _MARKER, "markerfacecolor": "white"}


def make(
    likelihoods: list[Path],
    paper: Path,
    estimator: list[str] | None = None,
    note: str | None = None,
) -> dict[str, Figure | str]:
    """The picture and its table, from the runs' likelihoods, of some estimators or of all, and the
    paper's."""
    ours, theirs = read_likelihoods(likelihoods, estimator), read_paper_likelihoods(paper)
    drawn = table(ours, theirs).to_csv(index=False, float_format="%.6f")
    return {"picture": draw(ours, theirs, note=note), "csv": drawn}


def finding(orders: Path) -> Iterator[str]:
    """Where the algorithms rank as in the paper."""
    rows = tidy.told(orders, "n_train", "split", "estimator", "training_samples", "order", "agrees")
    if rows is None:
        return
    if rows.empty:
        yield "The curves are too short."
        return
    # The exact values where there are any.
    exact = rows[rows["estimator"] == "quadrature"]
    rows = exact if len(exact) else rows
    panel = ["n_train", "split"]
    last = rows[
        rows["training_samples"] == rows.groupby(panel)["training_samples"].transform("max")
    ]
    agrees = last["agrees"].astype(str) == "True"
    others = ", ".join(
        f"N = {row.n_train}, {row.split}: {row.order}" for row in last[~agrees].itertuples()
    )
    yield (
        f"The algorithms rank as in the paper in {agrees.sum()} of {len(last)} comparisons of"
        " their last common points" + (f"; not for {others}." if others else ".")
    )


def draw(table: pd.DataFrame, paper: pd.DataFrame, note: str | None = None) -> Figure:
    """Draw our curves over the paper's: a column for each N_train, a row for each estimator.

    Train is solid and test dashed. Ours is thick: the mean over seeds, with a band from the lowest
    to the highest seed where there are several, a hollow dot where more than 5 % of an
    evaluation's datapoints were flagged, and a bar of one standard error either way where that is
    longer than the line is wide. The paper's own curves, made with its own estimator, lie thin and
    pale behind in every row.

    Horizontally the axes are the printed ones, linear in millions of samples, or end where the
    longest of our curves ends; for runs below 5e6 samples they are logarithmic. Vertically they are
    the printed ones, grown by tens of nats until the last point of each of our curves is inside (in
    a run below 5e6 samples, all from a third of its length on). Points over 60 nats from where the
    median curve ends do not count for this; a curve that has no point inside is named in the panel
    with its last value.

    Args:
        table: as :func:`aevb.tables.likelihood_curves.read_likelihoods` gives it; nats per
            datapoint.
        paper: as :func:`aevb.tables.likelihood_curves.read_paper_likelihoods` gives it; may be
            empty.
        note: what the footer says first: scale and variant.

    Raises:
        DataError: ``table`` is empty, or has more than one data set or N_z.
    """
    ours, theirs = select(table, paper)
    estimators = _estimators(ours)
    with style.theme():
        frames = {n_train: frame_of(n_train, rows) for n_train, rows in ours.groupby("n_train")}
        figure, cell = _canvas(len(estimators), len(frames), _footer(ours, frames, note))
        for j, (n_train, frame) in enumerate(frames.items()):
            for i, estimator in enumerate(estimators):
                axes = figure.add_axes(cell(i, j))
                panel = ours[(ours["n_train"] == n_train) & (ours["estimator"] == estimator)]
                _panel(axes, panel, theirs[theirs["n_train"] == n_train], frame)
                axes.set_title(f"$N_{{train}}$ = {n_train}")
                if j == 0:
                    axes.set_ylabel("log p(x) (nats per datapoint)")
        for i, estimator in enumerate(estimators):
            _heading(figure, cell(i, 0), ESTIMATORS.get(estimator, estimator))
        _legend(figure, ours, theirs)
    return figure


def _estimators(ours: pd.DataFrame) -> list[str]:
    present = set(ours["estimator"])
    known = [name for name in ESTIMATORS if name in present]
    return known + sorted(present - set(known))


def _canvas(
    n_rows: int, n_columns: int, footer: list[str]
) -> tuple[Figure, Callable[[int, int], Rectangle]]:
    """A figure with footer and axis label, and a function from row and column to a rectangle."""
    right = _LEFT + n_columns * _PANEL_WIDTH + (n_columns - 1) * _GAP
    width = right + _LEGEND_GAP + _LEGEND
    lines = style.pack(footer, int(_CHARACTERS_AN_INCH * width))
    bottom = _FOOTER + _FOOTER_LINE * (len(lines) - 1) + _AXIS_LABEL
    height = bottom + n_rows * _PANEL_HEIGHT + (n_rows - 1) * _ROW_GAP + _TOP
    figure = Figure(figsize=(width, height))

    def cell(row: int, column: int) -> Rectangle:
        left = _LEFT + column * (_PANEL_WIDTH + _GAP)
        base = bottom + (n_rows - 1 - row) * (_PANEL_HEIGHT + _ROW_GAP)
        return left / width, base / height, _PANEL_WIDTH / width, _PANEL_HEIGHT / height

    figure.supxlabel(
        "# training samples evaluated (millions)",
        x=(_LEFT + right) / 2 / width,
        y=(bottom - _AXIS_LABEL + 0.04) / height,
        va="bottom",
        fontsize="medium",
    )
    style.footer(figure, lines)
    return figure, cell


def _heading(figure: Figure, cell: Rectangle, text: str) -> None:
    left, base, _, height = cell
    top = base + height + _HEADING / figure.get_size_inches()[1]
    figure.text(left, top, text, ha="left", va="bottom", fontsize="medium", fontweight="bold")


def _panel(axes: Axes, ours: pd.DataFrame, theirs: pd.DataFrame, frame: Frame) -> None:
    axes.set_xscale("log" if frame.logarithmic else "linear")
    axes.set_xlim(*frame.samples)
    axes.set_ylim(*frame.likelihood)
    hidden = []
    for algorithm in ALGORITHMS:
        for split in SPLITS:
            reference = _curve(theirs, algorithm, split)
            if len(reference):
                axes.plot(
                    reference["training_samples"],
                    reference[VALUE],
                    color=style.lighter(style.PALETTE[algorithm]),
                    linestyle=style.DASHES[split],
                    linewidth=style.PAPER_WIDTH,
                    label=f"paper {algorithm} {split}",
                    zorder=2,
                )
            curve = _curve(ours, algorithm, split)
            if not len(curve):
                continue
            summary = over_seeds(curve)
            inside = summary["training_samples"].between(*frame.samples)
            inside &= summary["mean"].between(*frame.likelihood)
            _ours(axes, summary, algorithm, split, frame, alone=inside.sum() == 1)
            if not inside.any():
                hidden.append(f"{algorithm} {split} {words.minus(summary['mean'].iloc[-1])}")

    if frame.logarithmic:
        axes.xaxis.set_major_locator(LogLocator(numticks=10))
        axes.xaxis.set_minor_locator(LogLocator(subs=range(2, 10), numticks=100))
        axes.xaxis.set_minor_formatter(NullFormatter())
    else:
        axes.xaxis.set_major_locator(MaxNLocator(7, steps=[1, 2, 2.5, 5, 10]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda samples, _: f"{samples / 1e6:g}"))
    axes.yaxis.set_major_locator(MaxNLocator(7, steps=[1, 2, 5, 10]))
    if hidden:
        axes.text(
            0.98,
            0.03,
            "\n".join(["ours, off these axes, ends at", *hidden]),
            transform=axes.transAxes,
            ha="right",
            va="bottom",
            fontsize="xx-small",
            color=style.NEUTRAL,
            zorder=9,
        )


def _ours(
    axes: Axes, summary: pd.DataFrame, algorithm: str, split: str, frame: Frame, alone: bool
) -> None:
    """One curve of ours: band, line, bars and hollow dots; dots all along if ``alone``."""
    color, width = style.PALETTE[algorithm], style.OURS_WIDTHS[algorithm]
    label = f"{algorithm} {split}"
    # Wake-sleep, the widest, lies lowest.
    zorder = 4 + sorted(ALGORITHMS, key=style.OURS_WIDTHS.get, reverse=True).index(algorithm)
    samples, mean = summary["training_samples"], summary["mean"]
    several = summary[summary["n_seeds"] > 1]
    if len(several):
        axes.fill_between(
            several["training_samples"],
            several["low"],
            several["high"],
            color=color,
            alpha=style.BAND_OPACITY,
            linewidth=0,
            label=f"seeds {label}",
            zorder=3,
        )
    axes.plot(
        samples,
        mean,
        color=color,
        linestyle=style.DASHES[split],
        linewidth=width,
        # A curve may have a single point inside the axes, which a line would not show.
        marker="o" if alone else None,
        markersize=_MARKER,
        label=f"ours {label}",
        zorder=zorder,
    )
    long = summary[_longer_than_wide(summary, algorithm, frame)]
    if len(long):
        axes.errorbar(
            long["training_samples"],
            long["mean"],
            yerr=long["standard_error"],
            fmt="none",
            ecolor=color,
            elinewidth=0.7,
            capsize=1.5,
            capthick=0.7,
            label=f"standard error {label}",
            zorder=zorder,
        )
    flagged = summary[summary["flagged_share"] > FLAGGED]
    if len(flagged):
        axes.plot(
            flagged["training_samples"],
            flagged["mean"],
            linestyle="none",
            color=color,
            markeredgewidth=0.9,
            label=f"flagged {label}",
            zorder=zorder + 0.5,
            **_HOLLOW,
        )


def _longer_than_wide(summary: pd.DataFrame, algorithm: str, frame: Frame) -> pd.Series:
    """Whether a bar of one standard error either way would show beside the line."""
    low, high = frame.likelihood
    nats_a_point = (high - low) / (72 * _PANEL_HEIGHT)
    return 2 * summary["standard_error"] > style.OURS_WIDTHS[algorithm] * nats_a_point


def _curve(rows: pd.DataFrame, algorithm: str, split: str) -> pd.DataFrame:
    return rows[(rows["algorithm"] == algorithm) & (rows["split"] == split)]


def _legend(figure: Figure, ours: pd.DataFrame, theirs: pd.DataFrame) -> None:
    """One entry for each thing that a stroke says, right of the panels."""
    drawn = {*ours["algorithm"], *theirs["algorithm"]}
    seeds = ours.groupby([*CURVE, "estimator"])["seed"].nunique().max()
    handles = style.legend_handles(
        [name for name in ALGORITHMS if name in drawn], paper=len(theirs) > 0, band=seeds > 1
    )
    curves = ours.groupby([*CURVE, "estimator"])
    if any((over_seeds(curve)["flagged_share"] > FLAGGED).any() for _, curve in curves):
        label = f"> {_percent(FLAGGED)} flagged"
        width = style.OURS_WIDTHS["wake-sleep"]
        handles.append(Line2D([], [], color=style.NEUTRAL, linewidth=width, label=label, **_HOLLOW))
    right = 1 - _LEGEND / figure.get_size_inches()[0]
    figure.legend(
        handles=handles,
        fontsize="small",
        handlelength=2.2,
        borderaxespad=0,
        loc="center left",
        bbox_to_anchor=(right, 0.5),
    )


def _footer(ours: pd.DataFrame, frames: dict[int, Frame], note: str | None) -> list[str]:
    parts = [note] if note else []
    for n_train, group in ours.groupby("n_train"):
        reached = group.groupby([*CURVE, "estimator", "seed"])["training_samples"].max()
        seeds = group.groupby([*CURVE, "estimator"])["seed"].nunique()
        samples = style.span(reached.min(), reached.max(), style.power)
        n_seeds = style.span(seeds.min(), seeds.max(), str)
        plural = "" if seeds.max() == 1 else "s"
        parts.append(
            f"ours, $N_{{train}}$ = {n_train}: to {samples} samples a curve, {n_seeds} seed{plural}"
        )
    points = style.span(ours["n_points"].min(), ours["n_points"].max(), str)
    parts.append(f"each value is the mean over {points} datapoints")
    summaries = [
        (n_train, algorithm, over_seeds(curve))
        for (_, _, n_train, algorithm, *_), curve in ours.groupby([*CURVE, "estimator"])
    ]
    shares = ours["n_flagged"] / ours["n_points"]
    ranges = shares.groupby(ours["estimator"]).agg(["min", "max"])
    texts = [f"{name} {style.span(*ranges.loc[name], _hundredths)} %" for name in _estimators(ours)]
    parts.append(f"of them flagged by the estimator’s own checks: {', '.join(texts)}")
    if any((summary["flagged_share"] > FLAGGED).any() for *_, summary in summaries):
        parts.append(f"hollow: more than {_percent(FLAGGED)} flagged")
    if any(_longer_than_wide(s, algorithm, frames[n]).any() for n, algorithm, s in summaries):
        parts.append("bars: ± 1 standard error")
    return parts


def _hundredths(share: float) -> str:
    return f"{100 * share:.3g}"


def _percent(share: float) -> str:
    return f"{_hundredths(share)} %"
