"""The last points of our curves, as they are kept and told."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from aevb.tables import tidy


def ends(table: pd.DataFrame, curve: Sequence[str], value: str) -> pd.DataFrame:
    """The last point of each of our curves in a figure's table, the mean over seeds.

    Args:
        table: with ``source`` and ``training_samples``.
        curve: the columns that tell the curves apart.
        value: the column of their values.

    Returns:
        ``curve``, ``training_samples`` and ``value``.
    """
    ours = table[table["source"] == "ours"]
    last = ours.groupby(list(curve))["training_samples"].transform("max")
    ours = ours[ours["training_samples"] == last]
    return ours.groupby([*curve, "training_samples"], as_index=False)[value].mean()


def of_fig2(drawn: Path) -> pd.DataFrame | None:
    """Those of Figure 2, from its table; None where there is none.

    Raises:
        DataError: it is no CSV table, or lacks a column.
    """
    curve = ["dataset", "latent_dim", "algorithm", "split"]
    table = tidy.told(drawn, "source", *curve, "training_samples", "lower_bound")
    return None if table is None else ends(table, curve, "lower_bound")
