"""Section 7: a hierarchy of two layers of latent variables beside the model with one."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullLocator

from aevb.figures import mosaics, style
from aevb.pictures import Pictures, read_pictures
from aevb.settings.future_work import NETWORKS, hierarchy_models
from aevb.tables import tidy, words
from aevb.tables.curves import PARSERS

_MODELS = hierarchy_models()
_CURVES: dict[str, tidy.Parser] = {
    "dataset": tidy.name,
    "model": tidy.one_of(*_MODELS),
    "split": PARSERS["split"],
    "seed": tidy.count,
    "training_samples": tidy.positive,
    "lower_bound": tidy.number(),
}
_ENDS: dict[str, tidy.Parser] = {
    "dataset": tidy.name,
    "model": tidy.one_of(*_MODELS),
    "seed": tidy.count,
    "parameters": tidy.positive,
    "training_samples": tidy.positive,
    "test_lower_bound": tidy.number(),
    "lower_bound": tidy.number(),
    "marginal_log_likelihood": tidy.number(),
    "standard_error": tidy.number(least=0),
    "n_points": tidy.positive,
    "n_flagged": tidy.count,
    "gap": tidy.optional(tidy.number()),
    "seconds_per_sample": tidy.number(least=0),
    "active_1": tidy.count,
    "active_2": tidy.optional(tidy.count),
}
_COLORS = {
    model: style.PALETTE["AEVB" if model.startswith("hierarchy") else "wake-sleep"]
    for model in _MODELS
}
_DASHES = {model: "solid" if model.endswith("MLP") else (0, (3.2, 1.4)) for model in _MODELS}
_ROW, _SHOWN = 3.2, 6


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
        for network in (one for one in NETWORKS if f"hierarchy, {one}" in means.index):
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
    models = [model for model in _MODELS if (curves["model"] == model).any()]
    height = 1.05 + _ROW * len(names)
    with style.theme():
        figure = Figure(figsize=(10.4, height))
        for i, name in enumerate(names):
            bottom, tall = (height - 0.4 - _ROW * i - 2.5) / height, 2.5 / height
            axes = figure.add_axes((0.075, bottom, 0.25, tall))
            _along(axes, curves[curves["dataset"] == name], models)
            axes.set_title(words.title(name), loc="left")
            axes = figure.add_axes((0.435, bottom, 0.24, tall))
            _at_the_end(axes, ends[ends["dataset"] == name], models)
            for j, model in enumerate(models):
                place = 0.71 + 0.145 * (j % 2), bottom + (0.53 - 0.56 * (j // 2)) * tall
                axes = figure.add_axes((*place, 0.135, 0.47 * tall))
                shown = pictures.images[f"{name}/{model}"][:_SHOWN, :_SHOWN]
                mosaics.show(axes, shown, ink=name in pictures.ink)
                axes.set_title(model, fontsize="small", pad=2, color=_COLORS[model])
        neutral = {"color": style.NEUTRAL, "linestyle": "none", "markersize": 5}
        handles = [
            Line2D([], [], color=_COLORS[model], linestyle=_DASHES[model], label=model)
            for model in models
        ]
        handles += [
            Line2D([], [], marker="o", label="bound", **neutral),
            Line2D([], [], marker="D", markerfacecolor="white", label="log p(x), AIS", **neutral),
        ]
        place = {"loc": "lower center", "bbox_to_anchor": (0.5, 0.24 / height)}
        figure.legend(handles=handles, ncols=6, fontsize="small", columnspacing=1.2, **place)
        seeds, points = ends["seed"].nunique(), ends["n_points"].max()
        told = f"{seeds} seed(s)" + (", bands from the least to the largest" if seeds > 1 else "")
        told += f"; right: of {points} test images, log p(x) ± 2 standard errors of AIS"
        told += f"; {ends['n_flagged'].sum()} of {ends['n_points'].sum()} do not pass its gate"
        style.footer(figure, [*([note] if note else []), told])
    return figure


def _along(axes: Axes, rows: pd.DataFrame, models: list[str]) -> None:
    for model in models:
        test = rows[(rows["model"] == model) & (rows["split"] == "test")]
        bounds = test.groupby("training_samples")["lower_bound"].agg(["mean", "min", "max"])
        # The first points, before any learning, would squeeze the rest.
        bounds = bounds[bounds.index >= np.sqrt(bounds.index.max()) * 10]
        color, opacity = _COLORS[model], style.BAND_OPACITY
        axes.plot(bounds.index, bounds["mean"], color=color, linestyle=_DASHES[model])
        axes.fill_between(bounds.index, bounds["min"], bounds["max"], color=color, alpha=opacity)
    axes.set(xscale="log", xlabel="# training samples", ylabel="test bound (nats per datapoint)")
    first, *_, last = bounds.index
    decades = 10.0 ** np.arange(np.ceil(np.log10(first * 1.5)), np.log10(last / 1.5))
    ticks = [first, *decades, last]
    axes.set_xticks(ticks, [style.power(tick) for tick in ticks])
    axes.xaxis.set_minor_locator(NullLocator())


def _at_the_end(axes: Axes, rows: pd.DataFrame, models: list[str]) -> None:
    for at, model in enumerate(models):
        color = _COLORS[model]
        for row in rows[rows["model"] == model].itertuples():
            axes.plot([row.lower_bound], [at + 0.12], marker="o", markersize=5, color=color)
            axes.errorbar(
                [row.marginal_log_likelihood],
                [at - 0.12],
                xerr=2 * row.standard_error,
                marker="D",
                markersize=5,
                markerfacecolor="white",
                color=color,
            )
    axes.set(ylim=(len(models) - 0.5, -0.5), xlabel="in the end (nats per datapoint)")
    axes.set_yticks(range(len(models)), [model.replace(", ", ",\n") for model in models])
    axes.tick_params(axis="y", labelsize="small")
