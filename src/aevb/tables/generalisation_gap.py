"""How much better training images fare than test images: the gap that overfitting opens (§5)."""

from pathlib import Path

import pandas as pd

from aevb.errors import DataError
from aevb.tables.curves import TRAINING_IMAGES, read_curves

_RUN = ["dataset", "latent_dim", "algorithm", "seed", "training_samples"]


def make(curves: list[Path]) -> dict[str, str]:
    """The table, from the curves of Figure 2's runs."""
    return {"output": gaps(curves).to_csv(index=False, float_format="%.6f")}


def gaps(curves: list[Path]) -> pd.DataFrame:
    """Both bounds at each log point by the same parameters, and their difference.

    Returns:
        One row a run, seed and log point: ``dataset, latent_dim, algorithm, seed,
        training_samples``, then in nats per datapoint ``train`` (of the first training images, as
        many as there are test images), ``test`` and ``gap``, the former minus the latter.

    Raises:
        DataError: see :func:`aevb.tables.curves.read_curves`; or a curve is of before the training
            images were evaluated.
    """
    rows = read_curves(curves, (TRAINING_IMAGES, "test"))
    wide = rows.pivot(index=_RUN, columns="split", values="lower_bound")
    if TRAINING_IMAGES not in wide or wide.isna().any(axis=None):
        raise DataError(
            "the curves lack the bound of fixed training images, which older versions did not"
            " evaluate: train the runs anew"
        )
    found = wide.rename(columns={TRAINING_IMAGES: "train"})[["train", "test"]]
    return found.assign(gap=found["train"] - found["test"]).reset_index().rename_axis(columns=None)
