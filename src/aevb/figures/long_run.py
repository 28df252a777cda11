"""Figure 2 further along its axis than its other runs go, with few seeds (§5)."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from aevb.figures import fig2
from aevb.tables import tidy, words
from aevb.tables.curves import CURVE, interpolate


def make(curves: list[Path], paper: Path, note: str | None = None) -> dict[str, Figure | str]:
    """The picture and its table, from the runs' curves and the paper's, as Figure 2 has them."""
    return fig2.make(curves, paper, note)


def finding(drawn: Path) -> Iterator[str]:
    """How far the mean over seeds is from the paper's curve on the test set at its end, of each
    panel that the paper has so far."""
    table = tidy.told(drawn, "source", *CURVE, "training_samples", "lower_bound")
    if table is None:
        return
    test = table[table["split"] == "test"]
    for (name, algorithm), rows in test.groupby(["dataset", "algorithm"]):
        told = []
        for dim, panel in rows.groupby("latent_dim"):
            ours = panel[panel["source"] == "ours"]
            theirs = panel[panel["source"] == "paper"]
            if ours.empty or theirs.empty:
                continue
            end = ours["training_samples"].max()
            bound = ours.loc[ours["training_samples"] == end, "lower_bound"].mean()
            (reference,) = interpolate(theirs, [end])
            if np.isfinite(reference):
                difference = words.signed(bound - reference)
                told.append(f"{difference} at N_z = {dim} and {end:,.0f} samples")
        if told:
            title = words.title(name)
            yield f"{title}: {algorithm} minus the paper's test bound, nats: {'; '.join(told)}."
