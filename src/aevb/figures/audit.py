"""All verdicts at a glance: a row each, by kind, with the share of its cases that hold."""

from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from aevb.audit.claims import KINDS
from aevb.figures import style
from aevb.tables import tidy

COLORS = {
    "replicated": "#0173b2",
    "partly": "#ece133",
    "not replicated": "#9b2226",
    "undecided": "#949494",
    "not run at this scale": "#d9d9d9",
}
"""Of the verdicts; apart in grey print and under all colour-vision deficiencies, and named."""

_PARSERS: dict[str, tidy.Parser] = {
    "claim": tidy.name,
    "kind": tidy.one_of(*KINDS),
    "section": tidy.name,
    "says": tidy.name,
    "verdict": tidy.one_of(*COLORS),
    "holding": tidy.count,
    "cases": tidy.count,
}
_ROW = 0.215


def make(claims: Path, note: str | None = None) -> dict[str, Figure | str]:
    """The picture and its table, from the claims of ``aevb audit --output``."""
    verdicts = read_verdicts(claims)
    return {"picture": draw(verdicts, note=note), "csv": verdicts.to_csv(index=False)}


def read_verdicts(path: Path) -> pd.DataFrame:
    """The table of claims that ``aevb audit`` writes, checked.

    Raises:
        DataError: see :func:`aevb.tables.tidy.read_all`.
    """
    return tidy.read_all([path], _PARSERS, ["claim"])


def draw(verdicts: pd.DataFrame, note: str | None = None) -> Figure:
    """A row a verdict, by kind and in the paper's order: what it says, the verdict, and the share
    of its cases that hold as a bar."""
    lines: list[tuple[str, object]] = []
    for kind, title in KINDS.items():
        rows = list(verdicts[verdicts["kind"] == kind].itertuples())
        lines += [(title, None), *((row.says, row) for row in rows)] if rows else []
    with style.theme():
        height = _ROW * (len(lines) + 1) + 1.0
        figure = Figure(figsize=(10.8, height))
        axes = figure.add_axes((0.635, 0.55 / height, 0.15, _ROW * (len(lines) + 1) / height))
        for y, (says, row) in enumerate(lines):
            text = {"fontsize": "small", "va": "center"}
            if row is None:
                axes.text(-0.04, y, says, ha="right", fontweight="bold", **text)
                continue
            share = row.holding / row.cases if row.cases else 0.0
            color = COLORS[row.verdict]
            axes.barh(y, 1.0, color=style.lighter(color, 0.8), height=0.74)
            axes.barh(y, share, color=color, height=0.74)
            axes.text(-0.04, y, says, ha="right", **text)
            told = f"{row.verdict}, {row.holding} of {row.cases}" if row.cases else row.verdict
            axes.text(1.04, y, told, ha="left", **text)
        axes.set(xlim=(0, 1), ylim=(len(lines) - 0.4, -0.6), yticks=[], xticks=[0, 0.5, 1])
        axes.set_xticklabels(["0", "½", "1"], fontsize="small")
        axes.set_xlabel("share of cases that hold", fontsize="small")
        axes.spines["left"].set_visible(False)
        handles = [Patch(facecolor=color, label=name) for name, color in COLORS.items()]
        figure.legend(handles=handles, loc="upper center", ncols=len(handles), fontsize="small")
        if note:
            style.footer(figure, [note])
    return figure
