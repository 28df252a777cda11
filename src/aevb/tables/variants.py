"""Which reading of the protocol comes closer to the paper's curves."""

from pathlib import Path

import pandas as pd

from aevb.errors import ConfigError
from aevb.tables.curves import read_curves, read_paper_curves
from aevb.tables.fig2_distance import distance

_PANEL = ["dataset", "latent_dim", "algorithm", "split"]


def make(curves: list[Path], paper: Path) -> dict[str, str]:
    """The table, from curves given as NAME=CURVE.csv, NAME the variant, and the paper's.

    Raises:
        ConfigError: one is not given like this.
    """
    paths: dict[str, list[Path]] = {}
    for item in map(str, curves):
        name, separator, path = item.partition("=")
        if not separator:
            raise ConfigError(f"{item!r} is not of the form NAME=CURVE.csv")
        paths.setdefault(name, []).append(Path(path))
    theirs = read_paper_curves(paper)
    rows = compare({name: read_curves(files) for name, files in paths.items()}, theirs)
    return {"output": rows.to_csv(index=False, float_format="%.3f")}


def compare(curves: dict[str, pd.DataFrame], paper: pd.DataFrame) -> pd.DataFrame:
    """Distances to the paper's curves side by side, one row a point and variant.

    Args:
        curves: for each variant, tidy curves (see :mod:`aevb.tables.curves`).
        paper: the paper's curves.

    Returns:
        The columns of :func:`aevb.tables.fig2_distance.distance` after ``variant``, and
        ``closest``: whether no other variant is nearer at that point. Nats per datapoint.
    """
    rows = pd.concat(
        [distance(table, paper).assign(variant=name) for name, table in curves.items()],
        ignore_index=True,
    )
    rows = rows[["variant", *(column for column in rows if column != "variant")]]
    point = [*_PANEL, "training_samples"]
    gap = rows["difference"].abs()
    rows["closest"] = gap == gap.groupby([rows[key] for key in point]).transform("min")
    return rows.sort_values([*point, "variant"], ignore_index=True)
