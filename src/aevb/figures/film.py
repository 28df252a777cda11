"""Section 7: a state-space model of a film beside an i.i.d. VAE, and what needs no model."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import EngFormatter, MaxNLocator

from aevb.errors import DataError
from aevb.figures import mosaics, style
from aevb.pictures import Pictures, read_pictures
from aevb.settings.future_work import FILM_MODELS, FILM_SHOWN
from aevb.tables import seeds, tidy, words
from aevb.tables.curves import PARSERS

FILM, VAE, REPEAT, INTERPOLATION = FILM_MODELS
_CURVES: dict[str, tidy.Parser] = {
    "dataset": tidy.name,
    "model": tidy.one_of(FILM, VAE),
    "split": PARSERS["split"],
    "seed": tidy.count,
    "training_samples": tidy.positive,
    "lower_bound": tidy.number("Did the run diverge?"),
}
_TABLE: dict[str, tidy.Parser] = {
    "dataset": tidy.name,
    "task": tidy.one_of("next frames", "missing frames"),
    "model": tidy.one_of(*FILM_MODELS),
    "frame": tidy.positive,
    "seed": tidy.count,
    "error": tidy.number(least=0),
    "log_density": tidy.optional(tidy.number()),
    "n": tidy.positive,
}
_COLOURS = ("AEVB", "wake-sleep", "MCEM")
_STYLES = {
    model: {"color": colour, "linestyle": dashes, "marker": marker, "markersize": 3.5}
    for model, colour, dashes, marker in zip(
        FILM_MODELS,
        [*(style.PALETTE[name] for name in _COLOURS), style.NEUTRAL],
        ["solid", (0, (5, 1.5)), (0, (1.5, 1.2)), (0, (4, 1, 1, 1))],
        ["o", "s", "D", "^"],
        strict=True,
    )
}
_WIDTH, _HEIGHT = 9.6, 6.0


def make(
    curves: Path, table: Path, pictures: Path, note: str | None = None
) -> dict[str, Figure | str]:
    """The picture, from what ``aevb future-work film`` has made."""
    return {"picture": draw(read_curves(curves), read_table(table), read_pictures(pictures), note)}


def read_curves(path: Path) -> pd.DataFrame:
    """The bounds along training, nats a frame; DataError when damaged."""
    return tidy.read_all([path], _CURVES, ["dataset", "model", "split", "seed", "training_samples"])


def read_table(path: Path) -> pd.DataFrame:
    """The errors and log densities of predictions; DataError when damaged."""
    return tidy.read_all([path], _TABLE, ["dataset", "task", "model", "frame", "seed"])


def finding(curves: Path, table: Path) -> Iterator[str]:
    """Bound and errors of both models, mean over seeds."""
    bounds = _over_seeds(_test(read_curves(curves)), "training_samples", "lower_bound")
    ends = {model: rows["mean"].iloc[-1] for model, rows in bounds.items()}
    rows = read_table(table)
    ahead = rows[(rows["task"] == "next frames") & rows["frame"].isin(FILM_SHOWN)]
    errors = ahead.groupby(["frame", "model"])["error"].mean()
    parts = [
        f"{h}: {errors[h, FILM]:.3f} ({errors[h, REPEAT]:.3f})" for h in ahead["frame"].unique()
    ]
    yield (
        f"{words.title(rows['dataset'].iloc[0])}, test bound a frame:"
        f" {', '.join(f'{model} {words.minus(end)}' for model, end in ends.items())} nats; error so"
        f" many frames ahead (of repeating the last frame): {', '.join(parts)}."
    )


def draw(
    curves: pd.DataFrame, table: pd.DataFrame, pictures: Pictures, note: str | None = None
) -> Figure:
    """The test bound along training; error and log density of the frames to come, and error of
    missing ones; a prediction and a filled gap as pictures, of the first seed."""
    name = table["dataset"].iloc[0]
    following, missing = (
        table[table["task"] == task] for task in ("next frames", "missing frames")
    )
    with style.theme():
        figure = Figure(figsize=(_WIDTH, _HEIGHT))
        places = [(left, 0.645, 0.235, 0.285) for left in (0.075, 0.405, 0.745)]
        bound, error, density = map(figure.add_axes, places)
        _lines(bound, _test(curves), "training_samples", "lower_bound", markers=False)
        bound.set(xlabel="training frames", ylabel="test bound (nats per frame)")
        bound.xaxis.set_major_formatter(EngFormatter(sep=""))
        bound.xaxis.set_major_locator(MaxNLocator(4))
        bound.set_title(f"{words.title(name)}: bound", loc="left")
        _lines(error, following, "frame", "error")
        error.set(xlabel="frames ahead", ylabel="RMS error (of white = 1)")
        error.set_ylim(0, 1.1 * following["error"].max())
        error.set_title("prediction: error", loc="left")
        _lines(density, following, "frame", "log_density")
        density.set(xlabel="frames ahead", ylabel="log density (nats per frame)")
        density.set_title("prediction: log density", loc="left")
        gap = figure.add_axes((0.815, 0.185, 0.165, 0.285))
        _lines(gap, missing, "frame", "error")
        gap.set(xlabel="frame in the gap", ylabel="RMS error")
        gap.set_ylim(0, 1.1 * missing["error"].max())
        gap.xaxis.set_major_locator(MaxNLocator(integer=True))
        gap.set_title("gap: error", loc="left")
        shown = _images(pictures, f"{name}/next_frames", 3)
        place = figure.add_axes((0.075, 0.14, 0.275, 0.36))
        ahead = [h for h in FILM_SHOWN if h <= following["frame"].max()]
        _pictures(place, shown, name in pictures.ink, ["true", "predicted", "repeated"])
        _columns(place, ["last", *(f"+{h}" for h in ahead)])
        shown = _images(pictures, f"{name}/missing_frames", 4)
        place = figure.add_axes((0.425, 0.14, 0.32, 0.36))
        labels = ["true", "seen", "filled in", "interpolated"]
        _pictures(place, shown, name in pictures.ink, labels)
        _columns(place, ["before", *map(str, range(1, shown.shape[1] - 1)), "after"])
        handles = [Line2D([], [], label=model, **_STYLES[model]) for model in FILM_MODELS]
        figure.legend(
            handles=handles,
            ncols=4,
            fontsize="small",
            loc="lower center",
            bbox_to_anchor=(0.5, 0.055),
        )
        n_seeds = table["seed"].nunique()
        told = "one seed"
        if n_seeds > 1:
            told = f"{n_seeds} seeds; bands: 95 % prediction interval of a further one"
        told += f"; {following['n'].max()} predictions, {missing['n'].max()} gaps; pictures: means"
        style.footer(figure, [*([note] if note else []), told])
    return figure


def _test(curves: pd.DataFrame) -> pd.DataFrame:
    """The test bounds from where both models have one after some learning: what comes before would
    squeeze the rest."""
    test = curves[curves["split"] == "test"]
    points = test.groupby("model")["training_samples"].unique()
    return test[test["training_samples"] >= max(sorted(counts)[1] for counts in points)]


def _over_seeds(rows: pd.DataFrame, along: str, value: str) -> dict[str, pd.DataFrame]:
    """Mean and standard deviation of a value by model, in the order of FILM_MODELS."""
    found = rows.dropna(subset=value).groupby(["model", along])[value].agg(["mean", "std", "count"])
    return {model: found.loc[model] for model in FILM_MODELS if model in found.index}


def _lines(axes: Axes, rows: pd.DataFrame, along: str, value: str, *, markers: bool = True) -> None:
    for model, line in _over_seeds(rows, along, value).items():
        looks = _STYLES[model] | ({} if markers else {"marker": None})
        axes.plot(line.index, line["mean"], **looks)
        if (line["count"] > 1).all():
            half = seeds.half_width(line["std"], line["count"])
            low, high = line["mean"] - half, line["mean"] + half
            color, opacity = looks["color"], style.BAND_OPACITY
            axes.fill_between(line.index, low, high, color=color, alpha=opacity, linewidth=0)


def _images(pictures: Pictures, name: str, n_rows: int) -> np.ndarray:
    found = pictures.images.get(name)
    if found is None or found.ndim != 4 or len(found) != n_rows:
        raise DataError(f"{name}: the pictures lack it; make table and pictures anew, together")
    return found


def _pictures(axes: Axes, images: np.ndarray, ink: bool, labels: list[str]) -> None:
    mosaics.show(axes, images, ink=ink)
    mosaics.label_rows(axes, labels)


def _columns(axes: Axes, labels: list[str]) -> None:
    axes.xaxis.tick_top()
    axes.set_xticks(np.arange(len(labels)) + 0.5, labels)
    axes.tick_params(axis="x", length=0, labelsize="small", labelcolor=style.NEUTRAL)
