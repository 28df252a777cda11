"""How many latent dimensions a model uses: the KL of each, in descending order."""

from pathlib import Path

import numpy as np
import pandas as pd
import seaborn
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from aevb.figures import style, tables

_PARSERS: dict[str, tables.Parser] = {
    "dataset": tables.name,
    "latent_dim": tables.positive,
    "rank": tables.positive,
    "dimension": tables.count,
    "kl": tables.number(),
    "mean_variance": tables.number(),
    "active": tables.one_of("True", "False"),
}
_FLOOR = 1e-4
_PANEL, _HEIGHT, _GAP, _LEFT, _BOTTOM, _TOP = 3.9, 3.0, 0.7, 0.9, 1.0, 0.32


def read_usage(path: Path) -> pd.DataFrame:
    """The table that ``aevb project`` wrote, checked; ``active`` is a bool.

    Raises:
        DataError: see :func:`aevb.figures.tables.read_all`.
    """
    rows = tables.read_all([path], _PARSERS, ["dataset", "latent_dim", "rank"])
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
            axes.set_title(style.title(name))
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
