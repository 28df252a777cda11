"""The curve of a training run as a tidy table."""

from typing import Any

import pandas as pd

from aevb.training.loop import Run, values_of


def curve_table(run: Run, seeds: list[int], objective: str, **columns: Any) -> pd.DataFrame:
    """The run's tidy curve, one row a point, ``columns`` first, nats per datapoint.

    ``objective`` names the column of the values. There is the split ``train`` alone where the
    algorithm has no bound to evaluate; see :data:`aevb.training.loop.SPLITS`.
    """
    records = [
        {
            **columns,
            "split": split,
            "seed": seeds[member],
            "training_samples": samples,
            objective: value,
        }
        for split, member, samples, value in values_of(run.rows)
    ]
    table = pd.DataFrame(records)
    return table.sort_values(["split", "seed", "training_samples"], ignore_index=True)
