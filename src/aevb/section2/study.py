"""Studies: experiments that differ in one setting each, trained one after the other."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from aevb.data import Dataset
from aevb.errors import DivergenceError
from aevb.process.progress import LOGGER
from aevb.settings.experiment import Experiment
from aevb.settings.section2 import STUDY_SETTINGS
from aevb.training.backends import IN_TENSORFLOW, Execution
from aevb.training.experiment import run_training


def run(
    experiments: list[Experiment],
    step_sizes: dict[str, float],
    data: Callable[[Experiment], Dataset],
    *,
    checkpoint_folder: Path,
    checkpoint_seconds: float,
    execution: Execution = IN_TENSORFLOW,
) -> pd.DataFrame:
    """Train each experiment in the one training loop, and put their curves into one table.

    A study that is interrupted goes on from the checkpoints of its experiments.

    Args:
        experiments: of :func:`aevb.settings.study`.
        step_sizes: Adagrad's global step size for each data set.
        data: the data set of an experiment.
        checkpoint_folder: each experiment has a folder of its own in it.
        checkpoint_seconds: time between checkpoints.
        execution: what computes.

    Returns:
        Tidy curves (see :func:`aevb.training.curves.curve_table`) with the columns of
        STUDY_SETTINGS in front and ``seconds``, that training took in all, behind. An experiment
        that diverges is left out, loudly.

    Raises:
        DivergenceError: all of them diverge.
    """
    tables = []
    for i, experiment in enumerate(experiments, start=1):
        settings = {key: getattr(experiment, key) for key in STUDY_SETTINGS}
        told = ", ".join(f"{key} {value}" for key, value in settings.items())
        LOGGER.info(f"{experiment.name}: {i} of {len(experiments)}: {told}")
        name = hashlib.sha256(experiment.to_json().encode()).hexdigest()[:12]
        try:
            outcome = run_training(
                experiment,
                step_sizes[experiment.dataset],
                data(experiment),
                checkpoint_folder=checkpoint_folder / name,
                checkpoint_seconds=checkpoint_seconds,
                execution=execution,
            )
        except DivergenceError as error:
            # That a setting diverges is what a study may find out.
            LOGGER.warning(f"LEFT OUT: {told}: {error}")
            continue
        seconds = outcome.record["training_seconds"]
        columns = outcome.curve.assign(**settings, seconds=seconds)
        tables.append(columns[[*STUDY_SETTINGS, *outcome.curve.columns, "seconds"]])
    if not tables:
        raise DivergenceError("every experiment of the study diverged; add a smaller step size")
    return pd.concat(tables, ignore_index=True)
