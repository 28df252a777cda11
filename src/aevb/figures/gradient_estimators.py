"""The same training by each estimator of the bound's gradient in φ (§2.2, §2.3)."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from aevb.algorithms.settings import ESTIMATORS
from aevb.figures import studies, style
from aevb.tables import words
from aevb.tables.studies import ends, read_study


def make(table: Path, note: str | None = None) -> dict[str, Figure | str]:
    """The picture and the bounds at the end, from the curves of ``aevb section2 study``."""
    study = read_study(table)
    return studies.made(study, ends(study, ["estimator"]), draw, note)


def finding(table: Path) -> Iterator[str]:
    """The bound that each estimator reaches."""
    study = read_study(table)
    last = ends(study, ["estimator"]).set_index("estimator")["test"]
    samples = study["training_samples"].max()
    told = ", ".join(
        f"{label} {words.minus(last[kind])}" for kind, label in ESTIMATORS.items() if kind in last
    )
    yield (
        f"Test bound after {samples:,} samples, all with the step size selected for SGVB B, nats:"
        f" {told}."
    )


def draw(study: pd.DataFrame, note: str | None = None) -> Figure:
    """The test bound along training, one curve an estimator of the gradient, at equal samples."""
    with style.theme():
        figure, axes = studies.canvas(study, "the same training with each estimator of ∇φ", note)
        for kind, label in ESTIMATORS.items():
            rows = study[study["estimator"] == kind]
            if len(rows):
                named = f"{label}: {studies.reached(rows)}"
                studies.curve(axes, rows, named, studies.COLORS[label], studies.MARKERS[label])
        axes.legend(fontsize="small", loc="best", title="test bound at the end")
    return figure
