"""MAP against maximum likelihood, on panels of Figure 2 (§2.1, §5)."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from aevb.errors import DataError
from aevb.figures import intervals, studies, style
from aevb.tables import words
from aevb.tables.studies import ends, read_study


def make(table: Path, note: str | None = None) -> dict[str, Figure | str]:
    """The picture and the bounds at the end, from the curves of ``aevb section2 study``."""
    study = read_study(table)
    return studies.made(study, summary(study), draw, note)


def finding(table: Path) -> Iterator[str]:
    """The gap of training and test bound with the prior on the weights and without."""
    parts = []
    for (name, dim), rows in summary(read_study(table)).groupby(["dataset", "latent_dim"]):
        gaps = rows.set_index("weight_prior")["gap"]
        told = [
            f"{'maximum likelihood' if prior == 'none' else 'MAP'} {words.signed(gap)}"
            for prior, gap in gaps.items()
        ]
        parts.append(f"{words.title(name)}, N_z = {dim}: {', '.join(told)}")
    yield f"Training bound minus test bound at the end, nats: {'; '.join(parts)}."


def summary(study: pd.DataFrame) -> pd.DataFrame:
    """MAP against maximum likelihood: the last bounds and their gap on each panel.

    Returns:
        One row a panel and prior: ``dataset, latent_dim, weight_prior, train, test, gap``.

    Raises:
        DataError: a panel lacks one of the two.
    """
    table = ends(study, ["dataset", "latent_dim", "weight_prior"])
    for panel, rows in table.groupby(["dataset", "latent_dim"]):
        if "none" not in set(rows["weight_prior"]) or len(rows) < 2:
            raise DataError(f"{panel[0]}, N_z = {panel[1]}: MAP or maximum likelihood is missing")
    return table.sort_values(["dataset", "latent_dim", "weight_prior"], ignore_index=True)


def draw(study: pd.DataFrame, note: str | None = None) -> Figure:
    """Training bound minus test bound at the end, with the N(0, I) prior on the weights and
    without, one row a panel: the mean over seeds, with its 95 % interval."""
    table = ends(study, ["dataset", "latent_dim", "weight_prior", "seed"])
    table = table.sort_values(["dataset", "latent_dim"])
    names = {"none": "maximum likelihood"}
    looks = {
        "MAP": (style.PALETTE["AEVB"], "o"),
        "maximum likelihood": (style.PALETTE["MCEM"], "D"),
    }
    places = {"MAP": -0.13, "maximum likelihood": 0.13}
    panels = list(dict.fromkeys(zip(table["dataset"], table["latent_dim"], strict=True)))
    datasets = list(dict.fromkeys(dataset for dataset, _ in panels))
    with style.theme():
        figure = Figure(figsize=(7.2, 1.9 + 0.34 * max(len(panels), 2)))
        for i, dataset in enumerate(datasets):
            width = 0.72 / len(datasets)
            left = 0.13 + i * (width + 0.12)
            axes = figure.add_axes((left, 0.36, width, 0.5))
            dims = [dim for name, dim in panels if name == dataset]
            for at, dim in enumerate(dims):
                rows = table[(table["dataset"] == dataset) & (table["latent_dim"] == dim)]
                for prior, found in rows.groupby("weight_prior"):
                    name = names.get(prior, "MAP")
                    row, height = intervals.over_seeds(found["gap"]), at + places[name]
                    intervals.dot(axes, row, height, *looks[name])
            axes.axvline(0, color=style.NEUTRAL, linewidth=0.8, linestyle=(0, (1, 2)))
            axes.set(ylim=(len(dims) - 0.5, -0.5))
            axes.set_yticks(range(len(dims)), [f"$N_z$={dim}" for dim in dims])
            axes.set_xlabel("training − test bound (nats)")
            axes.set_title(words.title(dataset))
        handles = [
            Line2D([], [], color=color, marker=marker, linestyle="none", label=name)
            for name, (color, marker) in looks.items()
        ]
        figure.legend(handles=handles, fontsize="small", loc="lower right", ncols=2)
        style.footer(figure, [*([note] if note else []), studies.told(study)])
    return figure
