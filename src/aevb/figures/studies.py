"""Studies of section 2: the bound along training with one setting changed at a time."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import seaborn
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from aevb.config import ESTIMATORS, STUDY_SETTINGS
from aevb.errors import DataError
from aevb.figures import style, tables
from aevb.figures.curves import ALGORITHMS, SPLITS, interpolate

SETTINGS = list(STUDY_SETTINGS)
_PARSERS: dict[str, tables.Parser] = {
    "estimator": tables.name,
    "posterior": tables.name,
    "samples_per_datapoint": tables.positive,
    "batch_size": tables.positive,
    "weight_prior": tables.name,
    "dataset": tables.name,
    "latent_dim": tables.positive,
    "algorithm": tables.one_of(*ALGORITHMS),
    "split": tables.one_of(*SPLITS),
    "seed": tables.whole,
    "training_samples": tables.positive,
    "lower_bound": tables.number("Did the run diverge?"),
}
_KEY = [*SETTINGS, "dataset", "latent_dim", "split", "seed", "training_samples"]

COLORS = {
    "SGVB B": style.PALETTE["AEVB"],
    "SGVB A": style.PALETTE["wake-sleep"],
    "score function, baseline": "#8c8c8c",
    "score function": style.PALETTE["MCEM"],
}
MARKERS = {"SGVB B": "o", "SGVB A": "s", "score function, baseline": "^", "score function": "D"}


def read_study(path: Path) -> pd.DataFrame:
    """The table of ``aevb section2 study``, checked.

    Raises:
        DataError: see :func:`aevb.figures.tables.read_all`.
    """
    return tables.read_all([path], _PARSERS, _KEY)


def ends(study: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """The last bounds of each curve: one row for each value of ``by``, with ``train``, ``test``
    and ``gap`` (train minus test), the mean over seeds, in nats per datapoint.

    ``train`` is the running mean since the point before: while the bound still rises it lags
    behind, and the gap is lowered by as much.
    """
    last = study["training_samples"].groupby([study[c] for c in [*by, "split"]]).transform("max")
    rows = study[study["training_samples"] == last]
    wide = rows.pivot_table(index=list(by), columns="split", values="lower_bound", sort=False)
    return wide.assign(gap=wide["train"] - wide["test"]).reset_index().rename_axis(columns=None)


def draw_estimators(study: pd.DataFrame, note: str | None = None) -> Figure:
    """The test bound along training, one curve an estimator of the gradient, at equal samples."""
    with style.theme():
        figure, axes = _figure(study, "the same training with each estimator of ∇φ", note)
        for kind, label in ESTIMATORS.items():
            rows = study[study["estimator"] == kind]
            if len(rows):
                _curve(axes, rows, label, COLORS[label], MARKERS[label])
        axes.legend(fontsize="small", loc="best")
    return figure


def draw_posteriors(study: pd.DataFrame, note: str | None = None) -> Figure:
    """The test bound along training, one curve a family of q(z|x)."""
    kinds = list(dict.fromkeys(study["posterior"]))
    colors = [to_hex(color) for color in seaborn.color_palette("colorblind", len(kinds))]
    with style.theme():
        figure, axes = _figure(study, "families of q(z|x)", note)
        finals = ends(study, ["posterior"]).set_index("posterior")["test"]
        for kind, color, marker in zip(kinds, colors, "osD^vP", strict=False):
            rows = study[study["posterior"] == kind]
            label = f"{kind.replace('_', ' ')}: {style.minus(finals[kind])}"
            _curve(axes, rows, label, color, marker)
        axes.legend(fontsize="small", loc="best", title="test bound at the end")
    return figure


def matched(study: pd.DataFrame) -> pd.DataFrame:
    """Test bounds of the study of L and M, at equal samples and at equal cost.

    The cost of a curve is its likelihood evaluations, L times its training samples. Equal samples
    are the largest number that all reach; equal cost is what a run with L = 1 has spent there.

    Returns:
        One row an L and M: ``samples_per_datapoint, batch_size, training_samples, at_equal_samples,
        evaluations, at_equal_cost`` (nats per datapoint; missing where a curve begins later).
    """
    test = study[study["split"] == "test"]
    groups = test.groupby(["samples_per_datapoint", "batch_size"])
    common = float(groups["training_samples"].max().min())
    rows = []
    for (draws, minibatch), group in groups:
        mean = group.groupby("training_samples", as_index=False)["lower_bound"].mean()
        equal, cheap = interpolate(mean, [common, common / draws])
        rows.append(
            {
                "samples_per_datapoint": draws,
                "batch_size": minibatch,
                "training_samples": common,
                "at_equal_samples": equal,
                "evaluations": common,
                "at_equal_cost": cheap,
            }
        )
    return pd.DataFrame(rows)


def draw_grid(study: pd.DataFrame, note: str | None = None) -> Figure:
    """The test bound over the grid of L and M: at equal samples, and at equal cost."""
    table = matched(study)
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
            grid = table.pivot(index="samples_per_datapoint", columns="batch_size", values=column)
            seaborn.heatmap(
                grid,
                ax=axes,
                annot=grid.map(lambda value: style.minus(value) if value == value else ""),
                fmt="",
                cmap="cividis",
                cbar=False,
                linewidths=1,
            )
            axes.set(xlabel="M, datapoints a minibatch", ylabel="L, draws of z")
            axes.set_title(title)
        style.footer(figure, [*([note] if note else []), "test bound, nats per datapoint"])
    return figure


def weight_prior_table(study: pd.DataFrame) -> pd.DataFrame:
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


def draw_weight_prior(study: pd.DataFrame, note: str | None = None) -> Figure:
    """Training bound minus test bound at the end, with the N(0, I) prior on the weights and
    without, one row a panel."""
    table = weight_prior_table(study)
    names = {"none": "maximum likelihood"}
    looks = {
        "MAP": (style.PALETTE["AEVB"], "o"),
        "maximum likelihood": (style.PALETTE["MCEM"], "D"),
    }
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
                for _, row in rows.iterrows():
                    label = names.get(row["weight_prior"], "MAP")
                    color, marker = looks[label]
                    axes.plot(
                        [row["gap"]],
                        [at],
                        marker=marker,
                        color=color,
                        linestyle="none",
                        label=label if at == 0 else None,
                    )
            axes.axvline(0, color=style.NEUTRAL, linewidth=0.8, linestyle=(0, (1, 2)))
            axes.set(ylim=(len(dims) - 0.5, -0.5))
            axes.set_yticks(range(len(dims)), [f"$N_z$={dim}" for dim in dims])
            axes.set_xlabel("running training − test bound (nats)")
            axes.set_title(style.title(dataset))
        handles, labels = figure.axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, fontsize="small", loc="lower right", ncols=2)
        style.footer(figure, [note] if note else [])
    return figure


def _figure(study: pd.DataFrame, title: str, note: str | None) -> tuple[Figure, Axes]:
    name, latent_dim = study["dataset"].iloc[0], study["latent_dim"].iloc[0]
    figure = Figure(figsize=(5.4, 3.9))
    axes = figure.add_axes((0.19, 0.22, 0.78, 0.69))
    axes.set_xscale("log")
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("# training samples evaluated")
    axes.set_ylabel("test bound (nats per datapoint)")
    axes.set_title(f"{style.title(name)}, $N_z$={latent_dim}: {title}", fontsize="medium")
    seeds = study["seed"].nunique()
    style.footer(figure, [*([note] if note else []), f"mean over {seeds} seed(s)"])
    return figure, axes


def _curve(axes: Axes, rows: pd.DataFrame, label: str, color: str, marker: str) -> None:
    test = rows[rows["split"] == "test"]
    mean = test.groupby("training_samples")["lower_bound"].mean()
    # The first points, before any learning, would squeeze the rest.
    mean = mean[mean.index >= np.sqrt(mean.index.max()) * 10] if len(mean) > 4 else mean
    axes.plot(mean.index, mean, color=color, marker=marker, markersize=3.5, label=label)
