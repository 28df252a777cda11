"""Figure 2: the lower bound of AEVB and of wake-sleep against training samples evaluated (§5)."""

import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

from aevb.figures import style
from aevb.tables import fig2, tidy, words
from aevb.tables.curves import ALGORITHMS, CURVE, SPLITS, over_seeds, read_curves, read_paper_curves
from aevb.tables.ends import of_fig2

#: Left, bottom, width and height in fractions of the figure.
Rectangle = tuple[float, float, float, float]


class Frame(NamedTuple):
    """The limits of a panel: sample counts, and nats per datapoint."""

    samples: tuple[float, float]
    bound: tuple[float, float]


#: The printed axes (Figure 2).
PAPER_FRAMES = {
    "MNIST": Frame((1e5, 2.5e8), (-150.0, -95.0)),
    "FreyFace": Frame((1e5, 1e8), (0.0, 1600.0)),
}
# When the vertical axis has to grow, it grows by whole steps (nats), so that it ends on a tick.
_STEPS = {"MNIST": 50.0, "FreyFace": 200.0}

#: From this many samples on, what a run shows lies for the most part inside the printed axes.
LONG_RUN = 1e6

_COLUMNS = 5
# Inches.
_PANEL_WIDTH, _PANEL_HEIGHT = 1.62, 1.85
_LEFT, _RIGHT, _TOP = 0.80, 0.16, 0.30
_GAP, _MIXED_GAP, _ROW_GAP = 0.38, 0.62, 0.62
_AXIS_LABEL, _STRIP, _FOOTER, _FOOTER_LINE = 0.55, 0.30, 0.24, 0.14
# Of the footer's type size; wide letters are rare enough in it for this to hold.
_CHARACTERS_AN_INCH = 16


def make(curves: list[Path], paper: Path, note: str | None = None) -> dict[str, Figure | str]:
    """The picture and its table, from the runs' curves and the paper's."""
    ours, theirs = read_curves(curves), read_paper_curves(paper)
    drawn = fig2.table(ours, theirs).to_csv(index=False, float_format="%.6f")
    return {"picture": draw(ours, theirs, note=note), "csv": drawn}


def finding(drawn: Path, distances: Path) -> Iterator[str]:
    """Of each data set: where AEVB ends above wake-sleep, and how far both are from the paper."""
    ends = of_fig2(drawn)
    distance = tidy.told(
        distances, "dataset", "algorithm", "split", "training_samples", "difference"
    )
    if ends is None or distance is None:
        return
    for name, rows in ends.groupby("dataset"):
        test = rows[rows["split"] == "test"]
        bounds = test.pivot(index="latent_dim", columns="algorithm", values="lower_bound")
        if not {"AEVB", "wake-sleep"} <= set(bounds):
            continue
        above = int((bounds["AEVB"] > bounds["wake-sleep"]).sum())
        title, samples = words.title(name), test["training_samples"].max()
        ours = (
            f"{title}: AEVB ends above wake-sleep on the test set in {above} of {len(bounds)}"
            f" panels, at {samples:,.0f} samples."
        )
        matched = distance[(distance["dataset"] == name) & (distance["split"] == "test")]
        if len(matched):
            last = matched[matched["training_samples"] == matched["training_samples"].max()]
            parts = [
                f"{algorithm} {words.reach(group['difference'])}"
                for algorithm, group in last.groupby("algorithm")
            ]
            ours += (
                f" Ours minus the paper's at {last['training_samples'].iloc[0]:,.0f} samples,"
                f" nats: {', '.join(parts)}."
            )
        yield ours


def draw(
    curves: pd.DataFrame,
    paper: pd.DataFrame,
    datasets: Sequence[str] | None = None,
    note: str | None = None,
) -> Figure:
    """Draw our curves over the paper's, in the paper's layout.

    One row a data set, one panel for each N_z in ``curves``, at most five a row. Train is solid and
    test dashed, for ours as for the paper's. Ours is thick: the mean over seeds, with a band from
    the lowest to the highest seed where there are several. The paper's is thin and pale, behind.

    The axes are the printed ones once our curves of that data set reach 1e6 samples; a curve that
    then has no point inside is named in the panel with its last value. For a shorter run the axes
    grow to the left and downwards until all of ours is inside. A panel that the paper does not
    have gets axes that fit its data.

    Args:
        curves: as :func:`aevb.tables.curves.read_curves` gives it; nats per datapoint.
        paper: as :func:`aevb.tables.curves.read_paper_curves` gives it; may be empty.
        datasets: which data sets, top to bottom; all that ``curves`` has by default.
        note: what the footer says before the sample counts and seeds: scale and variant.

    Raises:
        DataError: ``curves`` is empty or has nothing of a data set that was asked for.
    """
    ours, theirs = fig2.select(curves, paper, datasets)
    rows = _rows(ours)
    in_paper = set(zip(theirs["dataset"], theirs["latent_dim"], strict=True))
    mixed = any(len({(name, dim) in in_paper for dim in dims}) > 1 for name, dims in rows)

    n_columns = max(len(dims) for _, dims in rows)
    free_cell = next((i for i, (_, dims) in enumerate(rows) if len(dims) < n_columns), None)
    if free_cell is None and n_columns < _COLUMNS:
        n_columns, free_cell = n_columns + 1, 0

    with style.theme():
        figure, cell = _canvas(
            len(rows), n_columns, _MIXED_GAP if mixed else _GAP, free_cell, _footer(ours, note)
        )
        for i, (name, dims) in enumerate(rows):
            previous = None
            for j, dim in enumerate(dims):
                axes = figure.add_axes(cell(i, j))
                known = (name, dim) in in_paper
                frame = _frame(name, ours, in_paper, known)
                _panel(axes, name, dim, ours, theirs, frame)
                axes.tick_params(labelleft=frame != previous)
                previous = frame
                if j == 0:
                    axes.set_ylabel(r"$\mathcal{L}$ (nats per datapoint)")
        if free_cell is None:
            _legend(figure, ours, theirs, cell(len(rows) - 1, 0), below=True)
        else:
            _legend(figure, ours, theirs, cell(free_cell, n_columns - 1), below=False)
    return figure


def _rows(ours: pd.DataFrame) -> list[tuple[str, list[int]]]:
    rows = []
    for name, group in ours.groupby("dataset", sort=False):
        dims = sorted(group["latent_dim"].unique())
        rows += [(name, dims[i : i + _COLUMNS]) for i in range(0, len(dims), _COLUMNS)]
    return rows


def _canvas(
    n_rows: int, n_columns: int, gap: float, free_cell: int | None, footer: list[str]
) -> tuple[Figure, Callable[[int, int], Rectangle]]:
    """A figure with footer and axis label, and a function from row and column to a rectangle."""
    width = _LEFT + n_columns * _PANEL_WIDTH + (n_columns - 1) * gap + _RIGHT
    lines = style.pack(footer, int(_CHARACTERS_AN_INCH * width))
    bottom = _FOOTER + _FOOTER_LINE * (len(lines) - 1) + _AXIS_LABEL
    bottom += _STRIP if free_cell is None else 0.0
    height = bottom + n_rows * _PANEL_HEIGHT + (n_rows - 1) * _ROW_GAP + _TOP
    figure = Figure(figsize=(width, height))

    def cell(row: int, column: int) -> Rectangle:
        left = _LEFT + column * (_PANEL_WIDTH + gap)
        base = bottom + (n_rows - 1 - row) * (_PANEL_HEIGHT + _ROW_GAP)
        return left / width, base / height, _PANEL_WIDTH / width, _PANEL_HEIGHT / height

    span = n_columns if free_cell is None or n_rows > 1 else n_columns - 1
    middle = _LEFT + (span * (_PANEL_WIDTH + gap) - gap) / 2
    figure.supxlabel(
        "# training samples evaluated",
        x=middle / width,
        y=(bottom - _AXIS_LABEL + 0.04) / height,
        va="bottom",
        fontsize="medium",
    )
    style.footer(figure, lines)
    return figure, cell


def _frame(name: str, ours: pd.DataFrame, in_paper: set[tuple[str, int]], known: bool) -> Frame:
    """The limits that the panels of one data set share, in the paper or (``known`` False) not."""
    rows = ours[ours["dataset"] == name]
    rows = rows[[((name, dim) in in_paper) == known for dim in rows["latent_dim"]]]
    samples, bound = rows["training_samples"], rows["lower_bound"]
    long_run = samples.max() >= LONG_RUN
    if known and name in PAPER_FRAMES:
        frame = PAPER_FRAMES[name]
        if long_run:
            return frame
        step = _STEPS[name]
        return Frame(
            (min(frame.samples[0], _decade_below(samples.min())), frame.samples[1]),
            (
                min(frame.bound[0], math.floor(bound.min() / step) * step),
                max(frame.bound[1], math.ceil(bound.max() / step) * step),
            ),
        )
    if long_run:
        # As in the printed axes: the first steps would squeeze everything after them.
        shown = samples >= PAPER_FRAMES["MNIST"].samples[0]
        samples, bound = samples[shown], bound[shown]
    margin = 0.05 * (bound.max() - bound.min()) or 1.0
    first, last = _decade_below(samples.min()), float(samples.max())
    return Frame(
        (first, last if last > first else 10 * first),
        (bound.min() - margin, bound.max() + margin),
    )


def _decade_below(samples: float) -> float:
    return 10.0 ** math.floor(math.log10(samples))


def _panel(
    axes: Axes, name: str, dim: int, ours: pd.DataFrame, theirs: pd.DataFrame, frame: Frame
) -> None:
    hidden = []
    for algorithm in ALGORITHMS:
        color = style.PALETTE[algorithm]
        for split in SPLITS:
            here = {"dataset": name, "latent_dim": dim, "algorithm": algorithm, "split": split}
            label = f"{algorithm} {split}"
            reference, curve = _rows_of(theirs, here), _rows_of(ours, here)
            if len(reference):
                axes.plot(
                    reference["training_samples"],
                    reference["lower_bound"],
                    color=style.lighter(color),
                    linestyle=style.DASHES[split],
                    linewidth=style.PAPER_WIDTH,
                    label=f"paper {label}",
                    zorder=2,
                )
            if not len(curve):
                continue
            summary = over_seeds(curve)
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
                summary["training_samples"],
                summary["mean"],
                color=color,
                linestyle=style.DASHES[split],
                linewidth=style.OURS_WIDTHS[algorithm],
                # A run may have a single point inside the axes, which a line would not show.
                marker="o" if _n_inside(summary, frame) == 1 else None,
                markersize=3,
                label=f"ours {label}",
                zorder=4 + len(ALGORITHMS) - ALGORITHMS.index(algorithm),
            )
            if not _n_inside(summary, frame):
                hidden.append(f"{label} {words.minus(summary['mean'].iloc[-1])}")

    axes.set_xscale("log")
    axes.set_xlim(*frame.samples)
    axes.set_ylim(*frame.bound)
    axes.xaxis.set_major_locator(LogLocator(numticks=5))
    decades = math.log10(frame.samples[1] / frame.samples[0])
    # Over many decades the ticks in between would merge into a bar: there, one unlabelled a decade.
    between = range(2, 10) if decades < 4 else [1]
    axes.xaxis.set_minor_locator(LogLocator(subs=between, numticks=100))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]))
    axes.set_title(f"{words.title(name)}, $N_z$={dim}")
    if hidden:
        axes.text(
            0.04,
            0.98,
            "\n".join(["ours, off these axes, ends at", *hidden]),
            transform=axes.transAxes,
            ha="left",
            va="top",
            fontsize="xx-small",
            color=style.NEUTRAL,
        )


def _rows_of(table: pd.DataFrame, values: dict[str, object]) -> pd.DataFrame:
    chosen = pd.Series(True, index=table.index)
    for column, value in values.items():
        chosen &= table[column] == value
    return table[chosen]


def _n_inside(summary: pd.DataFrame, frame: Frame) -> int:
    return int(
        (
            summary["training_samples"].between(*frame.samples)
            & summary["mean"].between(*frame.bound)
        ).sum()
    )


def _legend(
    figure: Figure,
    ours: pd.DataFrame,
    theirs: pd.DataFrame,
    cell: Rectangle,
    below: bool,
) -> None:
    """One entry for each thing that a stroke says; in the cell, or in a strip below its row."""
    drawn = {*ours["algorithm"], *theirs["algorithm"]}
    seeds = ours.groupby(CURVE)["seed"].nunique().max()
    handles = style.legend_handles(
        [name for name in ALGORITHMS if name in drawn], paper=len(theirs) > 0, band=seeds > 1
    )
    left, base, _, height = cell
    if below:
        strip = (_AXIS_LABEL + _STRIP) / figure.get_size_inches()[1]
        place = {"loc": "lower center", "bbox_to_anchor": (0.5, base - strip)}
        place |= {"ncols": len(handles), "columnspacing": 1.3}
    else:
        place = {"loc": "center left", "bbox_to_anchor": (left, base + height / 2)}
    figure.legend(handles=handles, fontsize="small", handlelength=2.2, borderaxespad=0, **place)


def _footer(ours: pd.DataFrame, note: str | None) -> list[str]:
    parts = [note] if note else []
    for name, group in ours.groupby("dataset", sort=False):
        reached = group.groupby([*CURVE, "seed"])["training_samples"].max()
        seeds = group.groupby(CURVE)["seed"].nunique()
        samples = style.span(reached.min(), reached.max(), style.power)
        n_seeds = style.span(seeds.min(), seeds.max(), str)
        plural = "" if seeds.max() == 1 else "s"
        parts.append(
            f"ours, {words.title(name)}: to {samples} samples a curve, {n_seeds} seed{plural}"
        )
    return parts
