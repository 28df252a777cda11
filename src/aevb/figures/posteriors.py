"""The same training with other location-scale families of q(z|x) (§2.4)."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import seaborn
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from aevb.figures import studies, style
from aevb.tables import words
from aevb.tables.studies import ends, read_study


def make(table: Path, note: str | None = None) -> dict[str, Figure | str]:
    """The picture and the bounds at the end, from the curves of ``aevb section2 study``."""
    study = read_study(table)
    return studies.made(study, ends(study, ["posterior"]), draw, note)


def finding(table: Path) -> Iterator[str]:
    """The bound that each family reaches."""
    last = ends(read_study(table), ["posterior"]).set_index("posterior")["test"]
    told = ", ".join(f"{kind.replace('_', ' ')} {words.minus(v)}" for kind, v in last.items())
    yield f"Test bound at the end, nats: {told}."


def draw(study: pd.DataFrame, note: str | None = None) -> Figure:
    """The test bound along training, one curve a family of q(z|x)."""
    kinds = list(dict.fromkeys(study["posterior"]))
    colors = [to_hex(color) for color in seaborn.color_palette("colorblind", len(kinds))]
    with style.theme():
        figure, axes = studies.canvas(study, "families of q(z|x)", note)
        for kind, color, marker in zip(kinds, colors, "osD^vP", strict=False):
            rows = study[study["posterior"] == kind]
            label = f"{kind.replace('_', ' ')}: {studies.reached(rows)}"
            studies.curve(axes, rows, label, color, marker)
        axes.legend(fontsize="small", loc="best", title="test bound at the end")
    return figure
