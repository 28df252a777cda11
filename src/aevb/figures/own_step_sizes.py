"""Estimators of the bound's gradient, each with the step size selected for it (§2.2)."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from aevb.algorithms.settings import ESTIMATORS
from aevb.figures import studies, style
from aevb.tables import words
from aevb.tables.studies import ends, read_selected

_BY = ["estimator", "step_size"]


def make(table: Path, note: str | None = None) -> dict[str, Figure | str]:
    """The picture and the bounds at the end, from the curves of ``aevb section2 study``."""
    study = read_selected(table)
    return studies.made(study, ends(study, _BY), draw, note)


def finding(table: Path) -> Iterator[str]:
    """The step size that is selected for each estimator, and the bound that it reaches."""
    study = read_selected(table)
    told = ", ".join(
        f"{ESTIMATORS[row.estimator]} {words.minus(row.test)} (step size {row.step_size:g})"
        for row in ends(study, _BY).itertuples()
    )
    samples = study["training_samples"].max()
    yield f"Test bound after {samples:,} samples, each with a step size of its own, nats: {told}."


def draw(study: pd.DataFrame, note: str | None = None) -> Figure:
    """The test bound along training, one curve an estimator of the gradient, at equal samples."""
    with style.theme():
        figure, axes = studies.canvas(study, "each ∇φ with a step size of its own", note)
        for kind, label in ESTIMATORS.items():
            rows = study[study["estimator"] == kind]
            if len(rows):
                named = f"{label}, {rows['step_size'].iloc[0]:g}: {studies.reached(rows)}"
                studies.curve(axes, rows, named, studies.COLORS[label], studies.MARKERS[label])
        axes.legend(fontsize="small", loc="best", title="step size, test bound at the end")
    return figure
