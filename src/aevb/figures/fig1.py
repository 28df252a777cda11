"""Figure 1: the directed graphical model."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Circle, FancyArrowPatch, FancyBboxPatch

from aevb.figures import style

_PLACES = {"phi": (-1.7, 0.9), "z": (0.0, 0.9), "theta": (1.7, 0.9), "x": (0.0, -0.9)}
_SYMBOLS = {"phi": r"$\phi$", "z": r"$\mathbf{z}$", "theta": r"$\theta$", "x": r"$\mathbf{x}$"}
_RADIUS = 0.36
_GENERATIVE, _VARIATIONAL = "generative", "variational"
_COLORS = {_GENERATIVE: style.NEUTRAL, _VARIATIONAL: style.PALETTE["AEVB"]}
_DASHES = {_GENERATIVE: "solid", _VARIATIONAL: (0, (4, 2))}
_MEANINGS = {
    _GENERATIVE: r"generative model $p_\theta(\mathbf{z})\,p_\theta(\mathbf{x}|\mathbf{z})$",
    _VARIATIONAL: r"variational approximation $q_\phi(\mathbf{z}|\mathbf{x})$",
}
_EDGES = [
    ("theta", "z", _GENERATIVE, "p_theta(z)"),
    ("theta", "x", _GENERATIVE, "p_theta(x|z)"),
    ("z", "x", _GENERATIVE, "p_theta(x|z)"),
    ("phi", "z", _VARIATIONAL, "q_phi(z|x)"),
    ("x", "z", _VARIATIONAL, "q_phi(z|x)"),
]
# The two edges between z and x part to either side.
_BENDS = {("z", "x"): -0.28, ("x", "z"): -0.28}


def table() -> pd.DataFrame:
    """The edges of the graph: ``source, target, model`` (generative or variational) and the
    ``distribution`` that the edge belongs to. x is observed; x and z are in the plate of the N
    datapoints."""
    return pd.DataFrame(_EDGES, columns=["source", "target", "model", "distribution"])


def make() -> dict[str, Figure | str]:
    """The picture, and its edges as a table."""
    return {"picture": draw(), "csv": table().to_csv(index=False)}


def draw() -> Figure:
    """The graph of Figure 1: solid generative, dashed variational edges, the plate N, x shaded."""
    with style.theme():
        figure = Figure(figsize=(4.6, 3.7))
        axes = figure.add_axes((0.02, 0.17, 0.96, 0.82))
        axes.set(xlim=(-2.5, 2.5), ylim=(-1.55, 1.6), aspect="equal")
        axes.axis("off")
        axes.add_patch(
            FancyBboxPatch(
                (-0.85, -1.45),
                1.7,
                2.95,
                boxstyle="round,pad=0,rounding_size=0.12",
                facecolor="none",
                edgecolor=style.NEUTRAL,
                linewidth=1.1,
            )
        )
        axes.text(0.74, -1.34, "$N$", ha="right", va="bottom", fontsize="large")
        for row in table().itertuples():
            axes.add_patch(_edge(row.source, row.target, row.model))
        for name, place in _PLACES.items():
            if name in ("x", "z"):
                fill = "#d9d9d9" if name == "x" else "white"
                axes.add_patch(
                    Circle(place, _RADIUS, facecolor=fill, edgecolor=style.NEUTRAL, linewidth=1.3)
                )
            axes.text(*place, _SYMBOLS[name], ha="center", va="center", fontsize=15)
        handles = [
            Line2D([], [], color=_COLORS[kind], linestyle=_DASHES[kind], label=meaning)
            for kind, meaning in _MEANINGS.items()
        ]
        figure.legend(handles=handles, loc="lower center", fontsize="small", handlelength=2.6)
    return figure


def _edge(source: str, target: str, model: str) -> FancyArrowPatch:
    start, end = np.array(_PLACES[source]), np.array(_PLACES[target])
    direction = (end - start) / np.linalg.norm(end - start)
    return FancyArrowPatch(
        start + direction * (_RADIUS if source in ("x", "z") else 0.24),
        end - direction * _RADIUS,
        connectionstyle=f"arc3,rad={_BENDS.get((source, target), 0)}",
        arrowstyle="-|>",
        mutation_scale=13,
        linewidth=1.4,
        linestyle=_DASHES[model],
        color=_COLORS[model],
        shrinkA=0,
        shrinkB=0,
    )
