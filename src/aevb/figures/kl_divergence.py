"""Appendix B: the analytic KL divergence against Monte Carlo."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from scipy import stats

from aevb.figures import style
from aevb.tables import tidy

_PARSERS: dict[str, tidy.Parser] = {
    "latent_dim": tidy.positive,
    "posterior": tidy.count,
    "analytic": tidy.number(),
    "monte_carlo": tidy.number(),
    "standard_error": tidy.number(least=0),
    "standard_deviation": tidy.number(least=0),
}


def make(table: Path, note: str | None = None) -> dict[str, Figure | str]:
    """The picture, from the table of ``aevb section2 kl-divergence``."""
    return {"picture": draw(read_divergences(table), note=note)}


def finding(table: Path) -> Iterator[str]:
    """The largest difference from Monte Carlo."""
    rows = read_divergences(table)
    z = ((rows["monte_carlo"] - rows["analytic"]) / rows["standard_error"]).abs()
    yield (
        f"Largest difference from Monte Carlo for J = {rows['latent_dim'].min()} to"
        f" {rows['latent_dim'].max()}: {z.max():.1f} standard errors of {len(z)} cases."
    )


def read_divergences(path: Path) -> pd.DataFrame:
    """The table of ``aevb section2 kl-divergence``, checked.

    Raises:
        DataError: see :func:`aevb.tables.tidy.read_all`.
    """
    return tidy.read_all([path], _PARSERS, ["latent_dim", "posterior"])


def draw(divergences: pd.DataFrame, note: str | None = None) -> Figure:
    """The Monte Carlo error in standard errors, and the noise of one draw, against J."""
    z = (divergences["monte_carlo"] - divergences["analytic"]) / divergences["standard_error"]
    limit = stats.norm.isf(1e-6 / 2 / len(z))
    with style.theme():
        figure = Figure(figsize=(7.6, 3.2))
        axes = figure.add_axes((0.09, 0.27, 0.38, 0.62))
        axes.plot(
            divergences["latent_dim"],
            z,
            linestyle="none",
            marker="o",
            markersize=3,
            alpha=0.5,
            color=style.PALETTE["AEVB"],
        )
        for end in (-limit, limit):
            axes.axhline(end, color=style.NEUTRAL, linewidth=0.8, linestyle=(0, (3, 2)))
        axes.set(xscale="log", xlabel="J, latent dimensions")
        axes.set_ylabel("(Monte Carlo − analytic) / s.e.")
        axes = figure.add_axes((0.59, 0.27, 0.38, 0.62))
        groups = divergences.groupby("latent_dim")
        for values, label, color, marker in (
            (-groups["analytic"].mean(), "KL, analytic", style.NEUTRAL, "s"),
            (groups["standard_deviation"].mean(), "noise of one draw", style.PALETTE["MCEM"], "D"),
        ):
            axes.plot(values.index, values, color=color, marker=marker, markersize=4, label=label)
        axes.set(xscale="log", yscale="log", xlabel="J, latent dimensions", ylabel="nats")
        axes.legend(fontsize="small")
        worst = f"largest of {len(z)} errors: {np.abs(z).max():.1f} standard errors"
        style.footer(
            figure,
            [
                *([note] if note else []),
                f"{worst}; dashed: exceeded by chance once in a million figures",
            ],
        )
    return figure
