"""Which reading of the protocol comes closer to the paper's curves."""

import pandas as pd

from aevb.figures.fig2_distance import distance

_PANEL = ["dataset", "latent_dim", "algorithm", "split"]


def compare(curves: dict[str, pd.DataFrame], paper: pd.DataFrame) -> pd.DataFrame:
    """Distances to the paper's curves side by side, one row a point and variant.

    Args:
        curves: for each variant, tidy curves (see :mod:`aevb.figures.curves`).
        paper: the paper's curves.

    Returns:
        The columns of :func:`aevb.figures.fig2_distance.distance` after ``variant``, and
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
