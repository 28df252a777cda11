"""L draws of z against minibatches of M datapoints (§2.3)."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import seaborn
from matplotlib.figure import Figure

from aevb.figures import studies, style
from aevb.tables import words
from aevb.tables.studies import matched, matched_by_seed, read_study


def make(table: Path, note: str | None = None) -> dict[str, Figure | str]:
    """The picture and the bounds that it compares, from the curves of ``aevb section2 study``."""
    study = read_study(table)
    return studies.made(study, matched(study), draw, note)


def finding(table: Path) -> Iterator[str]:
    """The bound for each L at M = 100, at equal samples and at equal cost."""
    rows = matched(read_study(table))
    here = rows[rows["batch_size"] == 100].set_index("samples_per_datapoint")
    samples = rows["training_samples"].iloc[0]
    if len(here) < 2 or 1 not in here.index:
        yield "L is not varied."
        return
    told = ", ".join(
        f"L = {draws}: {words.minus(row['at_equal_samples'])} and"
        f" {words.minus(row['at_equal_cost'])}"
        for draws, row in here.iterrows()
    )
    yield (
        f"Test bound at M = 100 after {samples:,.0f} samples, and after as many likelihood"
        f" evaluations, nats: {told}."
    )


def draw(study: pd.DataFrame, note: str | None = None) -> Figure:
    """The test bound over the grid of L and M: at equal samples, and at equal cost."""
    table, by_seed = matched(study), matched_by_seed(study)
    keys = ["samples_per_datapoint", "batch_size"]
    samples = table["training_samples"].iloc[0]
    with style.theme():
        figure = Figure(figsize=(7.4, 3.1))
        for i, (column, title) in enumerate(
            (
                ("at_equal_samples", f"at {style.power(samples)} training samples"),
                ("at_equal_cost", f"at {style.power(samples)} likelihood evaluations"),
            )
        ):
            axes = figure.add_axes((0.085 + 0.5 * i, 0.27, 0.36, 0.6))
            told = by_seed.dropna(subset=column).groupby(keys)[column].agg(studies.with_interval)
            grid = table.pivot(index=keys[0], columns=keys[1], values=column)
            seaborn.heatmap(
                grid,
                ax=axes,
                annot=told.str.replace(" ", "\n", n=1).unstack().reindex_like(grid).fillna(""),
                fmt="",
                cmap="cividis",
                cbar=False,
                linewidths=1,
            )
            axes.set(xlabel="M, datapoints a minibatch", ylabel="L, draws of z")
            axes.set_title(title)
        bounds = f"test bound, nats per datapoint; {studies.told(study)}"
        style.footer(figure, [*([note] if note else []), bounds])
    return figure
