"""Studies of section 2: the bound along training with one setting changed at a time."""

from collections.abc import Callable

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from aevb.figures import style
from aevb.tables import words
from aevb.tables.seeds import half_width_of_mean

COLORS = {
    "SGVB B": style.PALETTE["AEVB"],
    "SGVB A": style.PALETTE["wake-sleep"],
    "score function, baseline": "#8c8c8c",
    "score function": style.PALETTE["MCEM"],
}
MARKERS = {"SGVB B": "o", "SGVB A": "s", "score function, baseline": "^", "score function": "D"}


def made(
    study: pd.DataFrame, summary: pd.DataFrame, draw: Callable[..., Figure], note: str | None
) -> dict[str, Figure | str]:
    """The picture of a study, and its summary as a table, as the catalogue wants them."""
    text = summary.to_csv(index=False, float_format="%.4f")
    return {"picture": draw(study, note=note), "summary": text}


def canvas(study: pd.DataFrame, title: str, note: str | None) -> tuple[Figure, Axes]:
    """An empty figure for test bounds along training, and its axes."""
    name, latent_dim = study["dataset"].iloc[0], study["latent_dim"].iloc[0]
    figure = Figure(figsize=(5.4, 3.9))
    axes = figure.add_axes((0.19, 0.22, 0.78, 0.69))
    axes.set_xscale("log")
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("# training samples evaluated")
    axes.set_ylabel("test bound (nats per datapoint)")
    axes.set_title(f"{words.title(name)}, $N_z$={latent_dim}: {title}", fontsize="medium")
    style.footer(figure, [*([note] if note else []), told(study, "bands: their range; ")])
    return figure, axes


def told(study: pd.DataFrame, bands: str = "") -> str:
    """What a footer says of the seeds; ``bands`` is what bands are, where there are any."""
    n = study["seed"].nunique()
    return f"{n} seeds; {bands}±: 95 % interval of the mean over them" if n > 1 else "one seed"


def curve(axes: Axes, rows: pd.DataFrame, label: str, color: str, marker: str) -> None:
    """Draw the test bound of one setting along training: the mean over seeds, with their range."""
    test = rows[rows["split"] == "test"]
    bounds = test.groupby("training_samples")["lower_bound"].agg(["mean", "min", "max"])
    start, end = bounds["mean"].iloc[0], bounds["mean"].iloc[-1]
    if end > start:
        # The first half of the way up takes few samples, and would squeeze the rest.
        bounds = bounds.loc[(bounds["mean"] >= (start + end) / 2).idxmax() :]
    axes.plot(bounds.index, bounds["mean"], color=color, marker=marker, markersize=3.5, label=label)
    axes.fill_between(
        bounds.index,
        bounds["min"],
        bounds["max"],
        color=color,
        alpha=style.BAND_OPACITY,
        linewidth=0,
    )


def reached(rows: pd.DataFrame) -> str:
    """The last test bound of one setting in words: the mean over seeds, with its interval where
    there are several."""
    test = rows[rows["split"] == "test"]
    last = test[test["training_samples"] == test["training_samples"].max()]["lower_bound"]
    return with_interval(last)


def with_interval(values: pd.Series) -> str:
    """The mean over seeds with Student's 95 % interval of it, where there are several."""
    mean = words.minus(values.mean())
    return f"{mean} ± {half_width_of_mean(values):.1f}" if len(values) > 1 else mean
