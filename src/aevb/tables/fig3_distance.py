"""How far our curves of Figure 3 lie from the paper's, and whether the algorithms rank alike."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from aevb.tables.likelihood_curves import (
    ALGORITHMS,
    CURVE,
    VALUE,
    interpolate,
    read_likelihoods,
    read_paper_likelihoods,
    without_start,
)
from aevb.tables.matched import matched

SAMPLES = (1e6, 2e6, 5e6, 1e7, 2e7, 3e7, 4e7, 5e7, 6e7, 6.8e7)

_PANEL = ["n_train", "split", "estimator", "training_samples"]
_DISTANCE = {
    "n_train": "int64",
    "algorithm": "str",
    "split": "str",
    "estimator": "str",
    "training_samples": "int64",
    "ours": "float64",
    "seed_sd": "float64",
    "n_seeds": "int64",
    "flagged_share": "float64",
    "paper": "float64",
    "difference": "float64",
}
_ORDERS = {
    "n_train": "int64",
    "split": "str",
    "estimator": "str",
    "training_samples": "int64",
    "order": "str",
    "paper_order": "str",
    "agrees": "bool",
}


def make(
    likelihoods: list[Path], paper: Path, estimator: list[str] | None = None
) -> dict[str, str]:
    """The distances and the orders, from the runs' likelihoods, of some estimators or of all, and
    the paper's."""
    found = distance(read_likelihoods(likelihoods, estimator), read_paper_likelihoods(paper))
    made = {"output": found, "orders": orders(found)}
    return {name: rows.to_csv(index=False, float_format="%.3f") for name, rows in made.items()}


def distance(
    table: pd.DataFrame, paper: pd.DataFrame, samples: Sequence[float] = SAMPLES
) -> pd.DataFrame:
    """Our marginal log-likelihood minus the paper's at round sample counts (Figure 3).

    The paper's number is always that of its own estimator (Appendix D), whatever ours is.

    Args:
        table: as :func:`aevb.tables.likelihood_curves.read_likelihoods` gives it.
        paper: as :func:`aevb.tables.likelihood_curves.read_paper_likelihoods` gives it.
        samples: where to compare; both sides are interpolated there, linearly in the samples.

    Returns:
        ``n_train, algorithm, split, estimator, training_samples``, then in nats per datapoint
        ``ours`` (mean over the seeds that reach the count), ``seed_sd`` (their standard deviation
        with n − 1; NaN for one seed), ``n_seeds``, ``flagged_share`` of our points in [0, 1],
        ``paper`` and ``difference`` (ours − paper). One row for each curve, estimator and count
        that both sides reach, so a short run gives no rows; the columns are there all the same.
        Between a curve's start at −544 nats and its next stored vertex the paper has no value.
    """
    found = matched(
        table.assign(flagged_share=table["n_flagged"] / table["n_points"]),
        without_start(paper),
        samples,
        curve=CURVE,
        own=["estimator"],
        value=VALUE,
        interpolate=interpolate,
        also=["flagged_share"],
    )
    found = found[list(_DISTANCE)].astype(_DISTANCE)
    return found.sort_values(list(_DISTANCE)[:5], ignore_index=True)


def orders(distances: pd.DataFrame) -> pd.DataFrame:
    """The algorithms from best to worst, ours beside the paper's (Figure 3).

    Args:
        distances: as :func:`distance` gives them.

    Returns:
        ``n_train, split, estimator, training_samples, order, paper_order, agrees``; one row
        wherever all three algorithms have a distance. The orders read like "AEVB > MCEM >
        wake-sleep", by the means over seeds, however close; ``agrees`` tells whether they are the
        same. The columns are there even if no row is.
    """
    rows = []
    for where, panel in distances.groupby(_PANEL):
        if set(panel["algorithm"]) == set(ALGORITHMS):
            ours, theirs = _order(panel, "ours"), _order(panel, "paper")
            rows.append((*where, ours, theirs, ours == theirs))
    return pd.DataFrame(rows, columns=list(_ORDERS)).astype(_ORDERS)


def _order(panel: pd.DataFrame, column: str) -> str:
    ranked = panel.sort_values([column, "algorithm"], ascending=[False, True])
    return " > ".join(ranked["algorithm"])
