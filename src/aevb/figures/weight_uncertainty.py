"""Full VB against MAP (Appendix F): likelihoods, the weights' signal-to-noise ratio, pruning."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from aevb.figures import intervals, style
from aevb.tables import tidy, words

METHODS = {
    "MAP": (style.PALETTE["MCEM"], "D"),
    "full VB, at the mean weights": (style.PALETTE["wake-sleep"], "s"),
    "full VB, averaged over weights": (style.PALETTE["AEVB"], "o"),
}
_COMPARISON: dict[str, tidy.Parser] = {
    "n_train": tidy.positive,
    "seed": tidy.count,
    "method": tidy.one_of(*METHODS),
    "split": tidy.one_of("train", "test"),
    "marginal_log_likelihood": tidy.number("Did the run diverge?"),
    "standard_error": tidy.number(least=0),
    "gain_over_map": tidy.number(),
    "gain_standard_error": tidy.number(least=0),
    "n_points": tidy.positive,
}
_HISTOGRAM: dict[str, tidy.Parser] = {
    "n_train": tidy.positive,
    "seed": tidy.count,
    "tensor": tidy.name,
    "decibels": tidy.number(),
    "weights": tidy.count,
}
_PRUNING: dict[str, tidy.Parser] = {
    "n_train": tidy.positive,
    "seed": tidy.count,
    "method": tidy.one_of(*METHODS),
    "pruned": tidy.number(least=0, most=1),
    "marginal_log_likelihood": tidy.number("Did the run diverge?"),
}


def make(
    tables: list[Path], histograms: list[Path], prunings: list[Path], note: str | None = None
) -> dict[str, Figure | str]:
    """The picture and its three tables, from those of ``aevb section2 full-vb``."""
    comparison, histogram, pruning = (
        read_comparison(tables),
        read_histogram(histograms),
        read_pruning(prunings),
    )
    drawn = {"csv": comparison, "pruning_table": pruning, "histogram_table": histogram}
    texts = {name: rows.to_csv(index=False, float_format="%.6g") for name, rows in drawn.items()}
    return {"picture": draw(comparison, histogram, pruning, note=note), **texts}


def finding(table: Path) -> Iterator[str]:
    """The marginal likelihoods of full VB and MAP, means over seeds."""
    parts = []
    for size, rows in read_comparison([table]).groupby("n_train"):
        values = rows.groupby(["method", "split"])["marginal_log_likelihood"].mean()
        told = [
            f"{method} {words.minus(values[method, 'test'])}"
            f" (training {words.minus(values[method, 'train'])})"
            for method in METHODS
        ]
        parts.append(f"N = {size:,}: {', '.join(told)}")
    yield f"Exact test log p(x), nats: {'; '.join(parts)}."


def read_comparison(paths: list[Path]) -> pd.DataFrame:
    """Tables of ``aevb section2 full-vb``: the marginal likelihoods; DataError when damaged."""
    return tidy.read_all(paths, _COMPARISON, ["n_train", "seed", "method", "split"])


def read_histogram(paths: list[Path]) -> pd.DataFrame:
    """The same for the signal-to-noise ratios."""
    return tidy.read_all(paths, _HISTOGRAM, ["n_train", "seed", "tensor", "decibels"])


def read_pruning(paths: list[Path]) -> pd.DataFrame:
    """The same for the pruning curves."""
    return tidy.read_all(paths, _PRUNING, ["n_train", "seed", "method", "pruned"])


def draw(
    comparison: pd.DataFrame,
    histogram: pd.DataFrame,
    pruning: pd.DataFrame,
    note: str | None = None,
) -> Figure:
    """One row a number of training images: how much likelier training and test points are than
    under MAP (mean over seeds with its 95 % interval; of one seed, that of the points), the
    histogram of |μ|/σ over the decoder's weights, and the test likelihood of pruned decoders,
    both means over seeds, the latter with the seeds' range."""
    sizes = sorted(comparison["n_train"].unique())
    height = 1.3 + 2.6 * len(sizes)
    with style.theme():
        figure = Figure(figsize=(9.4, height))
        for i, size in enumerate(sizes):
            bottom, tall = (height - 0.4 - 2.6 * i - 1.8) / height, 1.8 / height
            axes = figure.add_axes((0.085, bottom, 0.22, tall))
            _gains(axes, comparison[comparison["n_train"] == size])
            axes.set_title(f"N = {size:,}", loc="left")
            axes = figure.add_axes((0.41, bottom, 0.22, tall))
            _ratios(axes, histogram[histogram["n_train"] == size])
            axes = figure.add_axes((0.745, bottom, 0.24, tall))
            _pruned(axes, pruning[pruning["n_train"] == size])
        handles = [
            Line2D([], [], color=color, marker=marker, markersize=4.5, label=method)
            for method, (color, marker) in METHODS.items()
        ]
        figure.legend(
            handles=handles,
            fontsize="small",
            loc="lower center",
            ncols=3,
            bbox_to_anchor=(0.5, 0.36 / height),
        )
        points, n_seeds = comparison["n_points"].max(), comparison["seed"].nunique()
        told = f"first {points:,} images of each split, by quadrature; "
        told += f"{n_seeds} seeds" if n_seeds > 1 else "one seed"
        style.footer(figure, [*([note] if note else []), told])
    return figure


def _gains(axes: Axes, rows: pd.DataFrame) -> None:
    ticks = []
    for at, split in enumerate(("train", "test")):
        here = rows[rows["split"] == split]
        for j, (method, (color, marker)) in enumerate(list(METHODS.items())[1:]):
            found = here[here["method"] == method]
            row = intervals.over_seeds(found["gain_over_map"], found["gain_standard_error"])
            axes.errorbar(
                [at + 0.2 * (j - 0.5)],
                [row["value"]],
                yerr=[[row["value"] - row["low"]], [row["high"] - row["value"]]],
                color=color,
                marker=marker,
                markersize=4.5,
                linestyle="none",
            )
        reached = here[here["method"] == "MAP"]["marginal_log_likelihood"].mean()
        ticks.append(f"{split}\n(MAP {words.minus(reached)})")
    axes.axhline(0, color=METHODS["MAP"][0], linewidth=1.0, linestyle=(0, (3, 2)))
    axes.set_xticks([0, 1], ticks, fontsize="small")
    axes.set_xlim(-0.5, 1.5)
    axes.set_ylabel("log p(x) − MAP's (nats)")


def _ratios(axes: Axes, rows: pd.DataFrame) -> None:
    counts = rows.groupby("decibels")["weights"].sum() / rows["seed"].nunique()
    axes.fill_between(
        counts.index, counts / 1000, step="mid", color=style.PALETTE["AEVB"], alpha=0.6
    )
    axes.set(ylim=(0, None), xlabel="|μ|/σ of a weight (dB)", ylabel="thousand weights")
    axes.axvline(0, color=style.NEUTRAL, linewidth=0.8, linestyle=(0, (1, 2)))


def _pruned(axes: Axes, rows: pd.DataFrame) -> None:
    for method, found in rows.groupby("method"):
        color, marker = METHODS[method]
        values = found.groupby("pruned")["marginal_log_likelihood"].agg(["mean", "min", "max"])
        shares = 100 * values.index
        axes.plot(shares, values["mean"], color=color, marker=marker, markersize=4)
        axes.fill_between(
            shares, values["min"], values["max"], color=color, alpha=style.BAND_OPACITY, linewidth=0
        )
    axes.set(xlabel="weights set to zero (%)", ylabel="test log p(x) (nats)")
