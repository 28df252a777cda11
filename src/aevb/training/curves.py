"""The curve of a training run as a tidy table."""

from typing import Any

import numpy as np
import pandas as pd

from aevb.training.loop import SPLITS, Run


def curve_table(run: Run, seeds: list[int], objective: str, **columns: Any) -> pd.DataFrame:
    """The run's tidy curve, one row a point, ``columns`` first, nats per datapoint.

    ``objective`` names the column of the values. There is the split ``train`` alone where the
    algorithm has no bound to evaluate; see :data:`aevb.training.loop.SPLITS`.
    """
    records = [
        {**columns, "split": split, "seed": seed, "training_samples": samples, objective: value}
        for samples, splits in run.rows
        for split, values in zip(SPLITS, splits, strict=True)
        for seed, value in zip(seeds, values.tolist(), strict=True)
        if not np.isnan(value)
    ]
    table = pd.DataFrame(records)
    return table.sort_values(["split", "seed", "training_samples"], ignore_index=True)
