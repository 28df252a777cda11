"""Full VB against MAP (Appendix F): likelihoods, the weights' signal-to-noise ratio, pruning."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from aevb.figures import style
from aevb.tables import tidy, words

METHODS = {
    "MAP": (style.PALETTE["MCEM"], "D"),
    "full VB, at the mean weights": (style.PALETTE["wake-sleep"], "s"),
    "full VB, averaged over weights": (style.PALETTE["AEVB"], "o"),
}
_COMPARISON: dict[str, tidy.Parser] = {
    "n_train": tidy.positive,
    "method": tidy.one_of(*METHODS),
    "split": tidy.one_of("train", "test"),
    "marginal_log_likelihood": tidy.number("Did the run diverge?"),
    "standard_error": tidy.number(least=0),
    "gain_over_map": tidy.number(),
    "gain_standard_error": tidy.number(least=0),
    "n_points": tidy.positive,
}
_HISTOGRAM: dict[str, tidy.Parser] = {
    "tensor": tidy.name,
    "decibels": tidy.number(),
    "weights": tidy.count,
    "n_train": tidy.positive,
}
_PRUNING: dict[str, tidy.Parser] = {
    "n_train": tidy.positive,
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
    """The marginal likelihoods of full VB and MAP."""
    parts = []
    for size, rows in read_comparison([table]).groupby("n_train"):
        values = rows.set_index(["method", "split"])["marginal_log_likelihood"]
        told = [
            f"{method} {words.minus(values[method, 'test'])}"
            f" (training {words.minus(values[method, 'train'])})"
            for method in METHODS
        ]
        parts.append(f"N = {size:,}: {', '.join(told)}")
    yield f"Exact test log p(x), nats: {'; '.join(parts)}."


def read_comparison(paths: list[Path]) -> pd.DataFrame:
    """Tables of ``aevb section2 full-vb``: the marginal likelihoods; DataError when damaged."""
    return tidy.read_all(paths, _COMPARISON, ["n_train", "method", "split"])


def read_histogram(paths: list[Path]) -> pd.DataFrame:
    """The same for the signal-to-noise ratios."""
    return tidy.read_all(paths, _HISTOGRAM, ["n_train", "tensor", "decibels"])


def read_pruning(paths: list[Path]) -> pd.DataFrame:
    """The same for the pruning curves."""
    return tidy.read_all(paths, _PRUNING, ["n_train", "method", "pruned"])


def draw(
    comparison: pd.DataFrame,
    histogram: pd.DataFrame,
    pruning: pd.DataFrame,
    note: str | None = None,
) -> Figure:
    """One row a number of training images: how much likelier training and test points are than
    under MAP (paired over the points, 95 % intervals), the
    histogram of |μ|/σ over the decoder's weights, and the test likelihood of pruned decoders."""
    sizes = sorted(comparison["n_train"].unique())
    height = 1.3 + 2.6 * len(sizes)
    with style.theme():
        figure = Figure(figsize=(9.4, height))
        for i, size in enumerate(sizes):
            base = (height - 0.4 - 2.6 * i - 1.8) / height
            tall = 1.8 / height
            axes = figure.add_axes((0.085, base, 0.22, tall))
            _gains(axes, comparison[comparison["n_train"] == size])
            axes.set_title(f"N = {size:,}", loc="left")
            axes = figure.add_axes((0.41, base, 0.22, tall))
            counts = histogram[histogram["n_train"] == size].groupby("decibels")["weights"].sum()
            axes.fill_between(
                counts.index, counts / 1000, step="mid", color=style.PALETTE["AEVB"], alpha=0.6
            )
            axes.set(ylim=(0, None), xlabel="|μ|/σ of a weight (dB)", ylabel="thousand weights")
            axes.axvline(0, color=style.NEUTRAL, linewidth=0.8, linestyle=(0, (1, 2)))
            axes = figure.add_axes((0.745, base, 0.24, tall))
            for method, group in pruning[pruning["n_train"] == size].groupby("method"):
                color, marker = METHODS[method]
                group = group.sort_values("pruned")
                axes.plot(
                    100 * group["pruned"],
                    group["marginal_log_likelihood"],
                    color=color,
                    marker=marker,
                    markersize=4,
                )
            axes.set(xlabel="weights set to zero (%)", ylabel="test log p(x) (nats)")
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
        points = comparison["n_points"].max()
        style.footer(
            figure,
            [*([note] if note else []), f"first {points:,} images of each split, by quadrature"],
        )
    return figure


def _gains(axes: Axes, rows: pd.DataFrame) -> None:
    ticks = []
    for at, split in enumerate(("train", "test")):
        here = rows[rows["split"] == split].set_index("method")
        for j, (method, (color, marker)) in enumerate(list(METHODS.items())[1:]):
            axes.errorbar(
                [at + 0.2 * (j - 0.5)],
                [here.loc[method, "gain_over_map"]],
                yerr=[1.96 * here.loc[method, "gain_standard_error"]],
                color=color,
                marker=marker,
                markersize=4.5,
                linestyle="none",
            )
        ticks.append(f"{split}\n(MAP {words.minus(here.loc['MAP', 'marginal_log_likelihood'])})")
    axes.axhline(0, color=METHODS["MAP"][0], linewidth=1.0, linestyle=(0, (3, 2)))
    axes.set_xticks([0, 1], ticks, fontsize="small")
    axes.set_xlim(-0.5, 1.5)
    axes.set_ylabel("log p(x) − MAP's (nats)")
