"""Section 7: a hierarchy of two layers of latent variables beside the model with one."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullFormatter

from aevb.figures import mosaics, style
from aevb.pictures import Pictures, read_pictures
from aevb.settings.future_work import HIERARCHY_MODELS
from aevb.tables import tidy, words

_CURVES: dict[str, tidy.Parser] = {
    "dataset": tidy.name,
    "model": tidy.one_of(*HIERARCHY_MODELS),
    "split": tidy.one_of("train", "test"),
    "seed": tidy.count,
    "training_samples": tidy.positive,
    "lower_bound": tidy.number(),
}
_ENDS: dict[str, tidy.Parser] = {
    "dataset": tidy.name,
    "model": tidy.one_of(*HIERARCHY_MODELS),
    "seed": tidy.count,
    "parameters": tidy.positive,
    "training_samples": tidy.positive,
    "test_lower_bound": tidy.number(),
    "marginal_log_likelihood": tidy.number(),
    "standard_error": tidy.number(least=0),
    "n_points": tidy.positive,
    "n_flagged": tidy.count,
    "gap": tidy.number(),
    "seconds_per_sample": tidy.number(least=0),
    "active_1": tidy.count,
    "active_2": tidy.optional(tidy.count),
}
_COLORS = {
    model: style.PALETTE["AEVB" if model.startswith("hierarchy") else "wake-sleep"]
    for model in HIERARCHY_MODELS
}
_DASHES = {
    model: "solid" if model.endswith("MLP") else (0, (3.2, 1.4)) for model in HIERARCHY_MODELS
}
_ROW, _SHOWN = 3.1, 6


def make(curves: Path, table: Path, pictures: Path, note: str | None = None) -> dict[str, Figure]:
    """The picture, from what ``aevb future-work hierarchy`` has made."""
    return {"picture": draw(read_curves(curves), read_ends(table), read_pictures(pictures), note)}


def read_curves(path: Path) -> pd.DataFrame:
    """The bounds along training, checked.

    Raises:
        DataError: see :func:`aevb.tables.tidy.read_all`.
    """
    return tidy.read_all([path], _CURVES, ["dataset", "model", "split", "seed", "training_samples"])


def read_ends(path: Path) -> pd.DataFrame:
    """What was measured of each model and seed, checked; see :func:`read_curves`."""
    return tidy.read_all([path], _ENDS, ["dataset", "model", "seed"])


def finding(table: Path) -> Iterator[str]:
    """What a second layer changes at equal training samples, mean over seeds."""
    ends = read_ends(table)
    for name, rows in ends.groupby("dataset", sort=False):
        means = rows.groupby("model")[["test_lower_bound", "marginal_log_likelihood"]].mean()
        parts = []
        for network in ("MLP", "conv."):
            gain = means.loc[f"hierarchy, {network}"] - means.loc[f"one layer, {network}"]
            bound, likelihood = map(words.signed, gain)
            parts.append(f"{network} bound {bound}, log p(x) {likelihood} nats")
        yield (
            f"{words.title(name)}, two layers minus one at {rows['training_samples'].max():,}"
            f" samples: {'; '.join(parts)}."
        )


def draw(
    curves: pd.DataFrame, ends: pd.DataFrame, pictures: Pictures, note: str | None = None
) -> Figure:
    """One row a data set: the test bound along training, bound and log p(x) at its end, samples."""
    names = list(dict.fromkeys(curves["dataset"]))
    height = 0.95 + _ROW * len(names)
    with style.theme():
        figure = Figure(figsize=(9.6, height))
        for i, name in enumerate(names):
            bottom, tall = (height - 0.35 - _ROW * i - 2.3) / height, 2.3 / height
            axes = figure.add_axes((0.085, bottom, 0.25, tall))
            _along(axes, curves[curves["dataset"] == name])
            axes.set_title(words.title(name), loc="left")
            axes = figure.add_axes((0.435, bottom, 0.16, tall))
            _at_the_end(axes, ends[ends["dataset"] == name])
            for j, model in enumerate(HIERARCHY_MODELS):
                grid = pictures.images[f"{name}/{model}"][:_SHOWN, :_SHOWN]
                place = (0.63 + 0.185 * (j % 2), bottom + (0.52 - 0.52 * (j // 2)) * tall)
                axes = figure.add_axes((*place, 0.17, 0.44 * tall))
                mosaics.show(axes, grid, ink=name in pictures.ink)
                axes.set_title(model, fontsize="x-small", pad=2, color=_COLORS[model])
        handles = [
            Line2D([], [], color=_COLORS[one], linestyle=_DASHES[one], label=one)
            for one in HIERARCHY_MODELS
        ]
        handles += [
            Line2D([], [], color=style.NEUTRAL, linestyle="none", marker="o", label="bound"),
            Line2D(
                *([], []),
                color=style.NEUTRAL,
                linestyle="none",
                marker="D",
                markerfacecolor="white",
                label="log p(x), AIS",
            ),
        ]
        figure.legend(
            handles=handles, ncols=6, fontsize="small", loc="lower center", columnspacing=1.2,
            bbox_to_anchor=(0.5, 0.22 / height),
        )  # fmt: skip
        points, seeds = ends["n_points"].max(), ends["seed"].nunique()
        told = f"{seeds} seed(s); log p(x) of {points} test images; samples: means of p(x|z)"
        style.footer(figure, [*([note] if note else []), told])
    return figure


def _along(axes: Axes, rows: pd.DataFrame) -> None:
    for model in HIERARCHY_MODELS:
        test = rows[(rows["model"] == model) & (rows["split"] == "test")]
        bounds = test.groupby("training_samples")["lower_bound"].agg(["mean", "min", "max"])
        # The first points, before any learning, would squeeze the rest.
        bounds = bounds[bounds.index >= np.sqrt(bounds.index.max()) * 10]
        color = _COLORS[model]
        axes.plot(bounds.index, bounds["mean"], color=color, linestyle=_DASHES[model])
        opacity = style.BAND_OPACITY
        axes.fill_between(bounds.index, bounds["min"], bounds["max"], color=color, alpha=opacity)
    axes.set(xscale="log", xlabel="# training samples", ylabel="test bound (nats)")
    axes.xaxis.set_minor_formatter(NullFormatter())


def _at_the_end(axes: Axes, rows: pd.DataFrame) -> None:
    for at, model in enumerate(HIERARCHY_MODELS):
        for row in rows[rows["model"] == model].itertuples():
            color = _COLORS[model]
            axes.plot([row.test_lower_bound], [at], marker="o", markersize=5, color=color)
            axes.errorbar(
                [row.marginal_log_likelihood],
                [at],
                xerr=2 * row.standard_error,
                marker="D",
                markersize=5,
                markerfacecolor="white",
                color=color,
            )
    axes.set(ylim=(len(HIERARCHY_MODELS) - 0.5, -0.5), xlabel="nats per datapoint")
    axes.set_yticks(range(len(HIERARCHY_MODELS)), [m.replace(", ", "\n") for m in HIERARCHY_MODELS])
    axes.tick_params(axis="y", labelsize="x-small")
