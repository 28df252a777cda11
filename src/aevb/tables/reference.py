"""The numbers at the ends of our curves: kept to see whether they come out again, and told."""

from collections.abc import Sequence

import pandas as pd

from aevb.errors import DataError
from aevb.tables import curves, likelihood_curves
from aevb.tables.ends import ends as last


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
    if "estimator" in key:
        table = table[table["estimator"].isin(estimators)]
    return last(table, key, value)
