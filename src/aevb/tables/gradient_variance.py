"""The noise of gradient estimators as a table (§2.2, §2.3)."""

from pathlib import Path

import pandas as pd

from aevb.algorithms.settings import ESTIMATORS
from aevb.tables import tidy

_PARSERS: dict[str, tidy.Parser] = {
    "dataset": tidy.name,
    "latent_dim": tidy.positive,
    "state": tidy.one_of("untrained", "trained"),
    "estimator": tidy.one_of(*ESTIMATORS.values()),
    "samples_per_datapoint": tidy.positive,
    "batch_size": tidy.positive,
    "variance": tidy.number("Did the run diverge?"),
    "standard_error": tidy.number(),
    "signal": tidy.number(),
    "replicates": tidy.positive,
}
_KEY = ["dataset", "state", "estimator", "samples_per_datapoint", "batch_size"]


def read_variances(path: Path) -> pd.DataFrame:
    """The table of ``aevb section2 gradients``, checked.

    Raises:
        DataError: see :func:`aevb.tables.tidy.read_all`.
    """
    return tidy.read_all([path], _PARSERS, _KEY)


def ratios(variances: pd.DataFrame) -> pd.DataFrame:
    """Each estimator's variance over that of SGVB B, at the smallest L and M that all have.

    Returns:
        One row a data set, state and estimator: ``dataset, state, estimator,
        samples_per_datapoint, batch_size, ratio``.
    """
    rows = []
    for (name, state), group in variances.groupby(["dataset", "state"], sort=False):
        point = group.sort_values(["samples_per_datapoint", "batch_size"]).iloc[0]
        here = group[
            (group["samples_per_datapoint"] == point["samples_per_datapoint"])
            & (group["batch_size"] == point["batch_size"])
        ].set_index("estimator")["variance"]
        rows += [
            {
                "dataset": name,
                "state": state,
                "estimator": estimator,
                "samples_per_datapoint": point["samples_per_datapoint"],
                "batch_size": point["batch_size"],
                "ratio": value / here["SGVB B"],
            }
            for estimator, value in here.items()
        ]
    return pd.DataFrame(rows)
