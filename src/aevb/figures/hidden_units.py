"""The same training with different numbers of hidden units, against overfitting (§5)."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from aevb.figures import studies, style
from aevb.tables import words
from aevb.tables.studies import ends, read_selected

_BY = ["dataset", "latent_dim", "hidden_units", "step_size"]
_LOOKS = tuple(zip(studies.COLORS.values(), studies.MARKERS.values(), strict=True))


def make(table: Path, note: str | None = None) -> dict[str, Figure | str]:
    """The picture and the bounds at the end, from the curves of ``aevb section2 study``."""
    study = read_selected(table)
    return studies.made(study, ends(study, _BY), draw, note)


def finding(table: Path) -> Iterator[str]:
    """The test bound and the gap to training of each number of hidden units."""
    for (dataset, latent_dim), rows in ends(read_selected(table), _BY).groupby(_BY[:2]):
        told = "; ".join(
            f"{row.hidden_units} hidden units {words.minus(row.test)}, training minus test"
            f" {words.minus(row.gap)}"
            for row in rows.itertuples()
        )
        yield f"{words.title(dataset)}, N_z = {latent_dim}: test bound at the end, nats: {told}."


def draw(study: pd.DataFrame, note: str | None = None) -> Figure:
    """The test bound along training of the first data set, one curve a number of hidden units."""
    shown = study[study["dataset"] == study["dataset"].iloc[0]]
    with style.theme():
        figure, axes = studies.canvas(shown, "hidden units", note)
        by_seed = ends(shown, ["hidden_units", "seed"]).groupby("hidden_units")["gap"]
        gaps = by_seed.agg(studies.with_interval)
        for (units, rows), looks in zip(shown.groupby("hidden_units"), _LOOKS, strict=False):
            label = f"{units}: {gaps[units]} nats"
            studies.curve(axes, rows, label, *looks)
        axes.legend(
            fontsize="small", loc="best", title="hidden units: training − test bound at the end"
        )
    return figure
