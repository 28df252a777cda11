"""The numbers at the ends of our curves: kept to see whether they come out again, and told."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from aevb.errors import DataError
from aevb.tables import curves, likelihood_curves, tidy


def ends(table: pd.DataFrame, estimators: Sequence[str] = ("quadrature",)) -> pd.DataFrame:
    """The last point of each of our curves of Figure 2 or 3.

    Args:
        table: a figure's CSV table. Of Figure 3 only the named estimators count: chains differ
            more between machines.

    Returns:
        What tells the curves apart, ``training_samples``, and the bound or the marginal
        log-likelihood, in nats per datapoint, the mean over seeds.

    Raises:
        DataError: the table is of neither figure.
    """
    for key, value in (
        ([*likelihood_curves.CURVE, "estimator"], likelihood_curves.VALUE),
        (curves.CURVE, "lower_bound"),
    ):
        if {"source", *key, "training_samples", value} <= set(table):
            break
    else:
        raise DataError("the table is not that of Figure 2 or 3")
    ours = table[table["source"] == "ours"]
    if "estimator" in key:
        ours = ours[ours["estimator"].isin(estimators)]
    last = ours.groupby(key)["training_samples"].transform("max")
    ours = ours[ours["training_samples"] == last]
    return ours.groupby([*key, "training_samples"], as_index=False)[value].mean()


def ends_of(drawn: Path) -> pd.DataFrame | None:
    """The same of Figure 2's table; None where there is none."""
    curve = ["dataset", "latent_dim", "algorithm", "split"]
    table = tidy.told(drawn, "source", *curve, "training_samples", "lower_bound")
    return None if table is None else ends(table)
