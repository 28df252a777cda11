"""Estimators of the marginal likelihood against its true value: bias, spread and cost."""

import math
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Annotation
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullFormatter, NullLocator
from matplotlib.transforms import Bbox

from aevb.errors import DataError
from aevb.figures import style
from aevb.tables import pages, tidy, words

#: The model whose likelihood has a closed form, probabilistic PCA; all others are trained networks.
PPCA = "PPCA"
TRUTHS = ("closed form", "quadrature")
KEY = ["model", "latent_dim", "estimator"]

_HINT = "Did the estimator overflow?"
_PARSERS: dict[str, tidy.Parser] = {
    "model": tidy.name,
    "latent_dim": tidy.positive,
    "estimator": tidy.name,
    "budget": tidy.name,
    "truth": tidy.one_of(*TRUTHS),
    "n_points": tidy.positive,
    "n_flagged": tidy.count,
    "bias": tidy.number(_HINT),
    "bias_standard_error": tidy.number(_HINT, least=0.0),
    "standard_deviation": tidy.number(_HINT, least=0.0),
    "rmse": tidy.number(_HINT, least=0.0),
    "bias_passed": tidy.optional(tidy.number(_HINT)),
    "seconds": tidy.number(least=0.0),
    "likelihood_evaluations": tidy.number(least=0.0),
}
COLUMNS = list(_PARSERS)

#: Nats: a bias inside this is as good as none.
TOLERANCE = 0.05
#: The paper calls its estimator reliable below this many latent dimensions (Appendix D).
RELIABLE_BELOW = 5
#: A point is drawn hollow when a larger share than this of its datapoints was flagged.
FLAGGED = 0.05
#: Nats: smaller errors than this are drawn here, and named with their size.
SMALLEST = 1e-3


class Look(NamedTuple):
    """How one estimator is drawn."""

    color: str
    marker: str


# Of each family of estimators, by how their names begin.
_FAMILIES = {
    "harmonic": Look("#b84a00", "o"),
    "importance": Look("#0173b2", "s"),
    "AIS": Look("#7a3a8c", "^"),
    "quadrature": Look(style.NEUTRAL, "D"),
}
_OTHER = Look("#6b6b6b", "v")
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


def read_truths(paths: Iterable[Path | str]) -> pd.DataFrame:
    """Read and check tables of estimators against the truth.

    Args:
        paths: CSV files with the columns of ``COLUMNS``, one row for each model, N_z and estimator;
            further columns are ignored. ``bias`` is the mean over ``n_points`` datapoints of
            estimate minus truth, ``bias_standard_error`` its standard error,
            ``standard_deviation`` that of the error of a point, ``rmse`` the root of its mean
            square: nats. ``likelihood_evaluations`` is per datapoint, ``seconds`` for all.

    Returns:
        One table with these columns. Models, and within a model estimators, keep the order of the
        files; N_z ascends.

    Raises:
        DataError: no file is given, or one is missing, empty, lacks a column, or holds a cell that
            is not what its column asks for, or a row that was already read. The text names file,
            line and column.
    """
    paths = list(paths)
    if not paths:
        raise DataError("No table of estimators was given: there is nothing to draw.")
    truths = tidy.read_all(paths, _PARSERS, KEY, _consistent)
    # The files know better than the alphabet which estimators belong side by side.
    order = {c: {v: i for i, v in enumerate(truths[c].unique())} for c in ("model", "estimator")}
    return truths.sort_values(
        KEY, ignore_index=True, key=lambda values: values.map(order.get(values.name, lambda v: v))
    )


def render(truths: pd.DataFrame) -> str:
    """The table as a page of HTML, for the report: one row a model, N_z and estimator.

    Args:
        truths: as :func:`read_truths` gives it.
    """
    shown = pd.DataFrame(
        {
            "model": truths["model"],
            "N_z": truths["latent_dim"],
            "estimator": truths["estimator"],
            "bias ± standard error (nats)": [
                f"{bias:+.3f} ± {error:.3f}"
                for bias, error in zip(truths["bias"], truths["bias_standard_error"], strict=True)
            ],
            "standard deviation of a point": truths["standard_deviation"].map("{:.3f}".format),
            "flagged": [
                f"{flagged} of {points}"
                for flagged, points in zip(truths["n_flagged"], truths["n_points"], strict=True)
            ],
            "bias of those that passed": truths["bias_passed"].map("{:+.3f}".format),
            "evaluations a point": truths["likelihood_evaluations"].map("{:,.0f}".format),
            "milliseconds a point": (1e3 * truths["seconds"] / truths["n_points"]).map(
                "{:,.1f}".format
            ),
        }
    ).replace("+nan", "none")
    return pages.table(shown)


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
    looks = _looks(truths["estimator"].unique())
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


def _consistent(path: Path, table: pd.DataFrame) -> None:
    wrong = table["n_flagged"] > table["n_points"]
    tidy.refuse(path, table, wrong, "n_flagged", "is more than n_points.")


def _looks(names: Sequence[str]) -> dict[str, Look]:
    """A family has one marker and one hue, its members grow paler in their order.

    Returns:
        The names family by family, as the legend lists them, and how each is drawn.
    """
    families: dict[str, list[str]] = {family: [] for family in [*_FAMILIES, ""]}
    for name in names:
        families[next(f for f in families if name.startswith(f))].append(name)
    return {
        name: Look(style.lighter(look.color, 0.6 * i / max(len(members), 2)), look.marker)
        for family, members in families.items()
        for look in [_FAMILIES.get(family, _OTHER)]
        for i, name in enumerate(members)
    }


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
    _label(axes, labels)


def _pooled(rows: pd.DataFrame) -> pd.Series:
    weight = rows["n_points"] / rows["n_points"].sum()
    return pd.Series(
        {
            "cost": (weight * rows["likelihood_evaluations"]).sum(),
            "rmse": np.sqrt((weight * rows["rmse"] ** 2).sum()),
            "flagged": rows["n_flagged"].sum() / rows["n_points"].sum(),
        }
    )


# Where a label may lie beside its mark, best first: offset in points, and alignment.
_BESIDE = [
    (dx, dy, ha, va)
    for far in (1, 2, 3, 4)
    for dx, dy, ha, va in (
        (6, 0, "left", "center"),
        (-6, 0, "right", "center"),
        (5, 5 * far, "left", "bottom"),
        (5, -5 * far, "left", "top"),
        (-5, 5 * far, "right", "bottom"),
        (-5, -5 * far, "right", "top"),
        (0, 6 * far, "center", "bottom"),
        (0, -6 * far, "center", "top"),
    )
]


def _label(axes: Axes, labels: dict[str, tuple[float, float, str]]) -> None:
    """Names beside the marks, each where it first meets no other name and no mark."""
    page = axes.get_window_extent()
    half = 0.65 * _MARKER * axes.figure.dpi / 72
    taken = []
    for x, y, _ in labels.values():
        px, py = axes.transData.transform((x, y))
        taken.append(Bbox.from_extents(px - half, py - half, px + half, py + half))
    for text, (x, y, color) in labels.items():
        best: tuple[int, Annotation, Bbox] | None = None
        for dx, dy, ha, va in _BESIDE:
            note = axes.annotate(
                text,
                (x, y),
                xytext=(dx, dy),
                textcoords="offset points",
                ha=ha,
                va=va,
                fontsize="x-small",
                color=color,
                zorder=5,
            )
            box = note.get_window_extent()
            met = sum(box.overlaps(other) for other in taken)
            outside = box.x0 < page.x0 or box.x1 > page.x1 or box.y0 < page.y0 or box.y1 > page.y1
            cost = met + outside
            if best is None or cost < best[0]:
                if best:
                    best[1].remove()
                best = (cost, note, box)
            else:
                note.remove()
            if cost == 0:
                break
        taken.append(best[2])


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
