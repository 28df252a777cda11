"""How many latent dimensions a model uses: the KL of each, in descending order."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import seaborn
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from aevb.figures import style
from aevb.tables import tidy, words
from aevb.tables.ends import of_fig2

_PARSERS: dict[str, tidy.Parser] = {
    "dataset": tidy.name,
    "latent_dim": tidy.positive,
    "rank": tidy.positive,
    "dimension": tidy.count,
    "kl": tidy.number(),
    "mean_variance": tidy.number(),
    "active": tidy.one_of("True", "False"),
}
_FLOOR = 1e-4
_PANEL, _HEIGHT, _GAP, _LEFT, _BOTTOM, _TOP = 3.9, 3.0, 0.7, 0.9, 1.0, 0.32


def make(table: Path, note: str | None = None) -> dict[str, Figure | str]:
    """The picture, from the usage of ``aevb project``."""
    return {"picture": draw(read_usage(table), note=note)}


def finding(table: Path, bounds: Path) -> Iterator[str]:
    """Of each data set: the active dimensions, and what the largest models lose on test images;
    the bounds are Figure 2's table."""
    ends = of_fig2(bounds)
    for name, rows in summary(read_usage(table)).groupby("dataset"):
        rows = rows.sort_values("latent_dim")
        used = ", ".join(f"{row.active} of {row.latent_dim}" for row in rows.itertuples())
        ours = f"{words.title(name)}: active latent dimensions: {used}."
        largest, before = rows["latent_dim"].iloc[-1], rows["latent_dim"].iloc[-2:].iloc[0]
        gaps, tests = (None, None) if ends is None else _gaps(ends, name)
        if gaps is not None and {largest, before} <= set(gaps.index) and largest != before:
            told = [
                f"{words.signed(gaps[dim])} (test {words.minus(tests[dim])}) for N_z = {dim}"
                for dim in (largest, before)
            ]
            ours += f" Running training bound minus test bound at the end, nats: {', '.join(told)}."
        if rows["active"].iloc[-1] == largest:
            ours += " No dimension is superfluous."
        yield ours


def _gaps(ends: pd.DataFrame, name: str) -> tuple[pd.Series, pd.Series]:
    """AEVB's training minus test bound, and its test bound, by N_z. The training value is the
    running mean since the point before, so it lags behind while the bound still rises."""
    rows = ends[(ends["dataset"] == name) & (ends["algorithm"] == "AEVB")]
    splits = rows.pivot(index="latent_dim", columns="split", values="lower_bound")
    return splits["train"] - splits["test"], splits["test"]


def read_usage(path: Path) -> pd.DataFrame:
    """The table that ``aevb project`` wrote, checked; ``active`` is a bool.

    Raises:
        DataError: see :func:`aevb.tables.tidy.read_all`.
    """
    rows = tidy.read_all([path], _PARSERS, ["dataset", "latent_dim", "rank"])
    return rows.assign(active=rows["active"] == "True")


def summary(usage: pd.DataFrame) -> pd.DataFrame:
    """One row a model: ``dataset, latent_dim, active`` (how many dimensions) and ``kl`` (their
    sum over all dimensions, nats)."""
    groups = usage.groupby(["dataset", "latent_dim"], as_index=False)
    return groups.agg(active=("active", "sum"), kl=("kl", "sum"))


def draw(usage: pd.DataFrame, note: str | None = None) -> Figure:
    """The mean KL of each latent dimension against its rank, one panel a data set, one line a
    size of the latent space; filled marks are active dimensions."""
    names = sorted(usage["dataset"].unique(), reverse=True)
    width = _LEFT + len(names) * (_PANEL + _GAP) - _GAP + 0.15
    height = _BOTTOM + _HEIGHT + _TOP
    with style.theme():
        figure = Figure(figsize=(width, height))
        for i, name in enumerate(names):
            left = _LEFT + i * (_PANEL + _GAP)
            axes = figure.add_axes(
                (left / width, _BOTTOM / height, _PANEL / width, _HEIGHT / height)
            )
            _panel(axes, usage[usage["dataset"] == name])
            axes.set_title(words.title(name))
            if i == 0:
                axes.set_ylabel("KL of the dimension (nats)")
        lines = [note] if note else []
        footer = f"filled: active, the posterior mean varies by more than {0.01:g}; hollow: not"
        style.footer(figure, [*lines, footer, f"below {_FLOOR:g} nats: drawn there"])
    return figure


def _panel(axes: Axes, usage: pd.DataFrame) -> None:
    counts = summary(usage).set_index("latent_dim")
    colors = [to_hex(color) for color in seaborn.color_palette("viridis_r", len(counts) + 1)[1:]]
    markers = "osD^vP"
    for i, (latent_dim, row) in enumerate(counts.iterrows()):
        lines = usage[usage["latent_dim"] == latent_dim].sort_values("rank")
        kl = np.maximum(lines["kl"], _FLOOR)
        label = f"$N_z$={latent_dim}: {row['active']:.0f} active, {row['kl']:.1f} nats"
        look = {"color": colors[i], "marker": markers[i % len(markers)], "markersize": 4}
        axes.plot(lines["rank"], kl, color=colors[i], linewidth=1.2)
        active = lines["active"].to_numpy()
        axes.plot(lines["rank"][active], kl[active], linestyle="none", label=label, **look)
        hollow = {**look, "markerfacecolor": "white", "markersize": 3, "markeredgewidth": 0.7}
        axes.plot(lines["rank"][~active], kl[~active], linestyle="none", **hollow)
    axes.set(xscale="log", yscale="log")
    # Two decades at least: differences of a few per cent are not what the figure is about.
    drawn = np.maximum(usage["kl"], _FLOOR)
    axes.set_ylim(min(0.7 * drawn.min(), 0.03 * drawn.max()), 1.6 * drawn.max())
    axes.yaxis.set_minor_formatter("")
    axes.set_xlabel("rank of the latent dimension")
    ticks = [1, 2, 5, 10, 20, 50, 100, 200]
    axes.set_xticks([t for t in ticks if t <= usage["rank"].max()], minor=False)
    axes.xaxis.set_major_formatter("{x:.0f}")
    axes.xaxis.set_minor_formatter("")
    axes.legend(fontsize="small", loc="lower left", handlelength=1.2)
