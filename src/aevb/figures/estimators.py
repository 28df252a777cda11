"""Estimators of the marginal likelihood against its true value: bias, spread and cost."""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullFormatter, NullLocator

from aevb.errors import DataError
from aevb.figures import style
from aevb.figures.labels import name_beside
from aevb.figures.looks import Look, looks_of
from aevb.tables import tidy, words
from aevb.tables.estimators import PPCA, read_truths, render

#: Nats: a bias inside this is as good as none.
TOLERANCE = 0.05
#: The paper calls its estimator reliable below this many latent dimensions (Appendix D).
RELIABLE_BELOW = 5
#: A point is drawn hollow when a larger share than this of its datapoints was flagged.
FLAGGED = 0.05
#: Nats: smaller errors than this are drawn here, and named with their size.
SMALLEST = 1e-3


# Nats: up to here the axes of bias are linear.
_LINEAR = 0.01
# Inches.
_WIDTH, _LEFT, _RIGHT, _TOP = 9.0, 0.85, 0.2, 0.36
_PPCA_HEIGHT, _LEGEND, _ROW_GAP = 2.6, 2.35, 0.92
_DOTS_LEFT, _DOTS_GAP, _DOT_LINE, _ACROSS = 2.5, 0.22, 0.2, 3
_COST_HEIGHT = 2.7
_BOTTOM, _FOOTER_LINE = 0.78, 0.14
_CHARACTERS_AN_INCH = 16
# Points.
_MARKER = 4.4


def make(tables: list[Path], note: str | None = None) -> dict[str, Figure | str]:
    """The picture, its table, and a page of all numbers, from the tables of ``aevb
    compare-estimators``."""
    truths = read_truths(tables)
    return {
        "picture": draw(truths, note=note),
        "page": render(truths),
        "csv": truths.to_csv(index=False, float_format="%.6g"),
    }


def finding(drawn: Path) -> Iterator[str]:
    """The bias of the paper's estimator, with many samples, by the size of the latent space."""
    table = tidy.told(drawn, "model", "estimator", "latent_dim", "bias")
    if table is None:
        return
    kernel = table[
        (table["model"] == PPCA) & table["estimator"].str.contains("harmonic kernel, 4000")
    ].set_index("latent_dim")["bias"]
    if kernel.empty:
        yield "The large budget is not tried."
    else:
        told = ", ".join(f"{words.signed(bias, 3)} for N_z = {dim}" for dim, bias in kernel.items())
        yield f"Bias on probabilistic PCA with 4000 samples, nats: {told}."


def draw(truths: pd.DataFrame, note: str | None = None) -> Figure:
    """Draw bias, spread and cost of every estimator.

    Top: bias against N_z for probabilistic PCA, whose likelihood is known in closed form. Middle:
    bias for each trained network, against quadrature. Bottom: root mean square error against
    likelihood evaluations for each datapoint; a large mark is the mean over the networks (PPCA of
    the smallest N_z if there are none), a small one a single network. Bars reach one standard
    deviation of a datapoint's error either way. A mark is hollow where more than 5 % of the
    datapoints were flagged. Parts without data are left out.

    Args:
        truths: as :func:`read_truths` gives it; nats per datapoint.
        note: what the footer says first: scale and variant.

    Raises:
        DataError: ``truths`` is empty.
    """
    if truths.empty:
        raise DataError("The table of estimators has no rows: there is nothing to draw.")
    linear = truths[truths["model"] == PPCA]
    networks = truths[truths["model"] != PPCA]
    looks = looks_of(truths["estimator"].unique())
    names = list(networks["model"].unique())
    rows = [names[i : i + _ACROSS] for i in range(0, len(names), _ACROSS)]
    listed = [name for name in looks if name in set(networks["estimator"])]
    dots_height = _DOT_LINE * (len(listed) + 0.6)

    footer = style.pack(_footer(truths, note), int(_CHARACTERS_AN_INCH * _WIDTH))
    heights = [_PPCA_HEIGHT] * bool(len(linear)) + [dots_height] * len(rows) + [_COST_HEIGHT]
    bottom = _BOTTOM + _FOOTER_LINE * len(footer)
    height = bottom + sum(heights) + _ROW_GAP * (len(heights) - 1) + _TOP
    with style.theme():
        figure = Figure(figsize=(_WIDTH, height))
        top = height - _TOP

        def add(left: float, width: float, tall: float) -> Axes:
            place = (left / _WIDTH, (top - tall) / height, width / _WIDTH, tall / height)
            return figure.add_axes(place)

        if len(linear):
            width = _WIDTH - _LEFT - _RIGHT - _LEGEND
            _bias_by_dimension(add(_LEFT, width, _PPCA_HEIGHT), linear, looks)
            top -= _PPCA_HEIGHT + _ROW_GAP
        across = max(map(len, rows), default=1)
        width = (_WIDTH - _DOTS_LEFT - _RIGHT - _DOTS_GAP * (across - 1)) / across
        limits = _bias_limits(networks)
        for row in rows:
            for j, name in enumerate(row):
                axes = add(_DOTS_LEFT + j * (width + _DOTS_GAP), width, dots_height)
                _bias_by_estimator(axes, networks[networks["model"] == name], listed, looks, limits)
                axes.tick_params(labelleft=j == 0)
            top -= dots_height + _ROW_GAP
        axes = add(_LEFT, _WIDTH - _LEFT - _RIGHT, _COST_HEIGHT)
        _cost(axes, networks if len(networks) else linear, looks)
        _legend(figure, looks, truths)
        style.footer(figure, footer)
    return figure


def _bias_by_dimension(axes: Axes, rows: pd.DataFrame, looks: dict[str, Look]) -> None:
    """PPCA: the dimensions evenly spaced, the estimators side by side at each."""
    dims = sorted(rows["latent_dim"].unique())
    place = {dim: float(i) for i, dim in enumerate(dims)}
    drawn = [name for name in looks if name in set(rows["estimator"])]
    step = 0.8 / len(drawn)
    for i, name in enumerate(drawn):
        one = rows[rows["estimator"] == name].sort_values("latent_dim")
        shift = (i - (len(drawn) - 1) / 2) * step
        x = one["latent_dim"].map(place) + shift
        _marks(axes, x, one["bias"], one, looks[name], name, vertical=True)
    _bias_axis(axes, _bias_limits(rows), vertical=True)
    for boundary in range(1, len(dims)):
        axes.axvline(boundary - 0.5, color="#dddddd", linewidth=0.6, zorder=0)
    below = sum(dim < RELIABLE_BELOW for dim in dims)
    if 0 < below < len(dims):
        axes.axvline(below - 0.5, color=style.NEUTRAL, linewidth=0.9, linestyle=":", zorder=1)
        axes.annotate(
            "◂ reliable, says the paper",
            (below - 0.5, 1.0),
            xycoords=("data", "axes fraction"),
            xytext=(-4, -2),
            textcoords="offset points",
            ha="right",
            va="top",
            fontsize="x-small",
            color=style.NEUTRAL,
        )
    axes.set_xlim(-0.5, len(dims) - 0.5)
    axes.xaxis.set_major_locator(FixedLocator(list(place.values())))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: str(dims[round(x)])))
    axes.tick_params(axis="x", length=0)
    axes.set_xlabel("latent dimensions $N_z$")
    axes.set_ylabel("bias (nats per datapoint)")
    axes.set_title("probabilistic PCA, against the closed form", loc="left")


def _bias_by_estimator(
    axes: Axes,
    rows: pd.DataFrame,
    listed: Sequence[str],
    looks: dict[str, Look],
    limits: tuple[float, float],
) -> None:
    """One network: the estimators from top to bottom."""
    dims = sorted(rows["latent_dim"].unique())
    for name in listed:
        one = rows[rows["estimator"] == name].sort_values("latent_dim")
        # Several N_z of one network, if there are, lie side by side.
        y = listed.index(name) + 0.5 * (one["latent_dim"].map(dims.index) + 0.5) / len(dims) - 0.25
        _marks(axes, one["bias"], y, one, looks[name], name, vertical=False)
    _bias_axis(axes, limits, vertical=False)
    axes.set_ylim(len(listed) - 0.4, -0.6)
    axes.yaxis.set_major_locator(FixedLocator(range(len(listed))))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: listed[round(y)]))
    axes.tick_params(axis="y", length=0, labelsize="small")
    axes.grid(axis="y", color="#e4e4e4", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.set_xlabel("bias (nats)")
    found = ", ".join(map(str, dims))
    axes.set_title(f"{rows['model'].iloc[0]}, $N_z$ = {found}", fontsize="small")


def _marks(
    axes: Axes,
    x: pd.Series,
    y: pd.Series,
    rows: pd.DataFrame,
    look: Look,
    name: str,
    vertical: bool,
) -> None:
    axes.errorbar(
        x,
        y,
        **{"yerr" if vertical else "xerr": rows["standard_deviation"]},
        fmt="none",
        ecolor=look.color,
        elinewidth=0.9,
        label=f"spread {name}",
        zorder=3,
    )
    flagged = _flagged(rows)
    for chosen, face in ((~flagged, look.color), (flagged, "white")):
        if chosen.any():
            axes.plot(
                x[chosen],
                y[chosen],
                linestyle="none",
                marker=look.marker,
                markersize=_MARKER,
                markerfacecolor=face,
                markeredgecolor=look.color,
                label=name,
                zorder=4,
            )


def _flagged(rows: pd.DataFrame) -> pd.Series:
    return rows["n_flagged"] / rows["n_points"] > FLAGGED


def _bias_limits(rows: pd.DataFrame) -> tuple[float, float]:
    """Nats: decades that hold each mark and its bar, and the tolerance with room to spare."""
    if rows.empty:
        return -1.0, 1.0
    low = (rows["bias"] - rows["standard_deviation"]).min()
    high = (rows["bias"] + rows["standard_deviation"]).max()
    return -_decade_above(max(-low, 10 * _LINEAR)), _decade_above(max(high, 10 * _LINEAR))


def _decade_above(value: float) -> float:
    """The next 1 or 3 times a power of ten, with a little room."""
    exponent = math.floor(math.log10(value))
    return next(m * 10.0**exponent for m in (1.1, 3.3, 11.0) if value <= m * 10.0**exponent)


def _bias_axis(axes: Axes, limits: tuple[float, float], vertical: bool) -> None:
    """Linear to 0.01 nats either way, logarithmic beyond, with the tolerance around zero."""
    set_scale, set_limits, axis, line, band = (
        (axes.set_yscale, axes.set_ylim, axes.yaxis, axes.axhline, axes.axhspan)
        if vertical
        else (axes.set_xscale, axes.set_xlim, axes.xaxis, axes.axvline, axes.axvspan)
    )
    set_scale("symlog", linthresh=_LINEAR, linscale=0.9 if vertical else 0.4)
    set_limits(*limits)
    band(-TOLERANCE, TOLERANCE, color="#e6efe6", linewidth=0, zorder=-1)
    line(0.0, color=style.NEUTRAL, linewidth=0.8, zorder=1)
    most = math.floor(math.log10(max(map(abs, limits))))
    # Sideways there is room for every other decade only, and none for the first beside the zero.
    first = round(math.log10(_LINEAR))
    labelled = range(first, most + 1) if vertical and most <= 3 else range(first + 1, most + 1, 2)
    decades = [10.0**exponent for exponent in labelled]
    axis.set_major_locator(FixedLocator([*(-d for d in decades), 0.0, *decades]))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:g}".replace("-", "\N{MINUS SIGN}")))


def _cost(axes: Axes, rows: pd.DataFrame, looks: dict[str, Look]) -> None:
    """Root mean square error against likelihood evaluations, each estimator named beside it."""
    smallest = rows["latent_dim"].min()
    rows = rows[rows["latent_dim"] == smallest]
    models = rows["model"].unique()
    # A closed form needs no evaluation, and has no place on a logarithmic axis.
    rows = rows[rows["likelihood_evaluations"] > 0]
    pooled = rows.groupby("estimator")[list(rows)].apply(_pooled)
    labels = {}
    for name in [n for n in looks if n in pooled.index]:
        look, (cost, rmse, flagged) = looks[name], pooled.loc[name]
        single = rows[rows["estimator"] == name]
        if len(single) > 1:
            axes.plot(
                single["likelihood_evaluations"],
                single["rmse"].clip(lower=SMALLEST),
                linestyle="none",
                marker=look.marker,
                markersize=0.5 * _MARKER,
                color=style.lighter(look.color),
                label=f"single {name}",
                zorder=2,
            )
        axes.plot(
            cost,
            max(rmse, SMALLEST),
            linestyle="none",
            marker=look.marker,
            markersize=1.3 * _MARKER,
            markerfacecolor="white" if flagged > FLAGGED else look.color,
            markeredgecolor=look.color,
            label=name,
            zorder=4,
        )
        text = name if rmse >= SMALLEST else f"{name}: {style.power(rmse) if rmse else 0} nats"
        labels[text] = (cost, max(rmse, SMALLEST), look.color)

    axes.set_xscale("log")
    axes.set_yscale("log")
    for set_limits, values in (
        (axes.set_xlim, rows["likelihood_evaluations"]),
        (axes.set_ylim, rows["rmse"].clip(lower=SMALLEST)),
    ):
        if len(values):
            set_limits(values.min() / 2.5, values.max() * 2.5)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(LogLocator(numticks=10))
        axis.set_minor_formatter(NullFormatter())
    axes.axhline(TOLERANCE, color="#9db89d", linewidth=0.8, linestyle="--", zorder=0)
    axes.set_xlabel("likelihood evaluations for each datapoint")
    axes.set_ylabel("RMSE (nats)")
    of = models[0] if len(models) == 1 else f"mean of {len(models)} networks (small: each one)"
    axes.set_title(f"error and cost: {of}, $N_z$ = {smallest}", loc="left")
    name_beside(axes, labels, _MARKER)


def _pooled(rows: pd.DataFrame) -> pd.Series:
    weight = rows["n_points"] / rows["n_points"].sum()
    return pd.Series(
        {
            "cost": (weight * rows["likelihood_evaluations"]).sum(),
            "rmse": np.sqrt((weight * rows["rmse"] ** 2).sum()),
            "flagged": rows["n_flagged"].sum() / rows["n_points"].sum(),
        }
    )


def _legend(figure: Figure, looks: dict[str, Look], truths: pd.DataFrame) -> None:
    handles = [
        Line2D(
            [],
            [],
            linestyle="none",
            marker=look.marker,
            markersize=_MARKER,
            color=look.color,
            label=name,
        )
        for name, look in looks.items()
    ]
    if _flagged(truths).any():
        neutral = {"markerfacecolor": "white", "markeredgecolor": style.NEUTRAL}
        label = f"hollow: > {100 * FLAGGED:g} % flagged"
        dot = Line2D([], [], linestyle="none", marker="o", markersize=_MARKER, **neutral)
        dot.set_label(label)
        handles.append(dot)
    width, height = figure.get_size_inches()
    figure.legend(
        handles=handles,
        fontsize="x-small",
        handlelength=1.2,
        borderaxespad=0,
        loc="upper left",
        bbox_to_anchor=(1 - (_RIGHT + _LEGEND - 0.12) / width, 1 - _TOP / height),
    )


def _footer(truths: pd.DataFrame, note: str | None) -> list[str]:
    points = style.span(truths["n_points"].min(), truths["n_points"].max(), str)
    shares = 100 * truths["n_flagged"] / truths["n_points"]
    flagged = style.span(shares.min(), shares.max(), lambda share: f"{share:.3g}")
    parts = [note] if note else []
    return [
        *parts,
        f"each mark: {points} datapoints, {flagged} % flagged by the estimator’s own checks",
        "bias: mean of estimate − truth; bars: ± 1 standard deviation of a datapoint’s error",
        f"shaded, dashed: {TOLERANCE} nats; axes of bias are linear to ± {_LINEAR} nats",
    ]
