"""Studies: experiments that differ in one setting each, trained one after the other."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from aevb.config import Experiment
from aevb.data import Dataset
from aevb.experiment import run_training
from aevb.progress import LOGGER

SETTINGS = ("estimator", "posterior", "samples_per_datapoint", "batch_size", "weight_prior")
"""What may differ between the experiments of a study."""


def run(
    experiments: list[Experiment],
    step_sizes: dict[str, float],
    data: Callable[[Experiment], Dataset],
    *,
    checkpoint_folder: Path,
    checkpoint_seconds: float,
) -> pd.DataFrame:
    """Train each experiment in the one training loop, and put their curves into one table.

    A study that is interrupted goes on from the checkpoints of its experiments.

    Args:
        experiments: of :func:`aevb.config.study`.
        step_sizes: Adagrad's global step size for each data set.
        data: the data set of an experiment.
        checkpoint_folder: each experiment has a folder of its own in it.
        checkpoint_seconds: time between checkpoints.

    Returns:
        Tidy curves (see :func:`aevb.training.curve_table`) with the columns of SETTINGS in front
        and ``seconds``, that training took in all, behind.
    """
    tables = []
    for i, experiment in enumerate(experiments, start=1):
        settings = {key: getattr(experiment, key) for key in SETTINGS}
        told = ", ".join(f"{key} {value}" for key, value in settings.items())
        LOGGER.info(f"{experiment.name}: {i} of {len(experiments)}: {told}")
        name = hashlib.sha256(experiment.to_json().encode()).hexdigest()[:12]
        curve, _, _, record = run_training(
            experiment,
            step_sizes[experiment.dataset],
            data(experiment),
            checkpoint_folder=checkpoint_folder / name,
            checkpoint_seconds=checkpoint_seconds,
        )
        columns = curve.assign(**settings, seconds=record["training_seconds"])
        tables.append(columns[[*SETTINGS, *curve.columns, "seconds"]])
    return pd.concat(tables, ignore_index=True)
