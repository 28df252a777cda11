"""Studies of section 2: the bound along training with one setting changed at a time."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from aevb.figures import style
from aevb.tables import words

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
    seeds = study["seed"].nunique()
    style.footer(figure, [*([note] if note else []), f"mean over {seeds} seed(s)"])
    return figure, axes


def curve(axes: Axes, rows: pd.DataFrame, label: str, color: str, marker: str) -> None:
    """Draw the test bound of one setting along training, the mean over seeds."""
    test = rows[rows["split"] == "test"]
    mean = test.groupby("training_samples")["lower_bound"].mean()
    # The first points, before any learning, would squeeze the rest.
    mean = mean[mean.index >= np.sqrt(mean.index.max()) * 10] if len(mean) > 4 else mean
    axes.plot(mean.index, mean, color=color, marker=marker, markersize=3.5, label=label)
