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
from aevb.training.experiment import run_training, select_step_size


def run(
    experiments: list[Experiment],
    step_sizes: dict[str, float] | None,
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
        step_sizes: Adagrad's global step size for each data set; without any, the one that is
            selected for each experiment, by its own first bounds.
        data: the data set of an experiment.
        checkpoint_folder: each experiment has a folder of its own in it.
        checkpoint_seconds: time between checkpoints.
        execution: what computes.

    Returns:
        Tidy curves (see :func:`aevb.training.curves.curve_table`) with the columns of
        STUDY_SETTINGS in front and ``seconds``, that training took in all, behind; where step sizes
        are selected ``hidden_units`` and ``step_size`` after these. An experiment that diverges is
        left out, loudly.

    Raises:
        DivergenceError: all of them diverge.
    """
    tables = []
    names = STUDY_SETTINGS if step_sizes else (*STUDY_SETTINGS, "hidden_units")
    for i, experiment in enumerate(experiments, start=1):
        settings = {key: getattr(experiment, key) for key in names}
        told = ", ".join(f"{key} {value}" for key, value in settings.items())
        LOGGER.info(f"{experiment.name}: {i} of {len(experiments)}: {told}")
        name = hashlib.sha256(experiment.to_json().encode()).hexdigest()[:12]
        images = data(experiment)
        try:
            if step_sizes:
                step_size = step_sizes[experiment.dataset]
            else:
                folder = checkpoint_folder / name / "step_size"
                step_size = _selected(experiment, images, execution, folder, checkpoint_seconds)
            outcome = run_training(
                experiment,
                step_size,
                images,
                checkpoint_folder=checkpoint_folder / name,
                checkpoint_seconds=checkpoint_seconds,
                execution=execution,
            )
        except DivergenceError as error:
            # That a setting diverges is what a study may find out.
            LOGGER.warning(f"LEFT OUT: {told}: {error}")
            continue
        seconds = outcome.record["training_seconds"]
        behind = {k: v for k, v in settings.items() if k not in STUDY_SETTINGS}
        behind |= {} if step_sizes else {"step_size": step_size}
        columns = outcome.curve.assign(**settings | behind, seconds=seconds)
        tables.append(columns[[*STUDY_SETTINGS, *outcome.curve.columns, "seconds", *behind]])
    if not tables:
        raise DivergenceError("every experiment of the study diverged; add a smaller step size")
    return pd.concat(tables, ignore_index=True)


def _selected(
    experiment: Experiment,
    images: Dataset,
    execution: Execution,
    checkpoint_folder: Path,
    checkpoint_seconds: float,
) -> float:
    """The step size that is selected for an experiment alone."""
    table = select_step_size(
        [experiment.for_selection()],
        images,
        execution,
        checkpoint_folder=checkpoint_folder,
        checkpoint_seconds=checkpoint_seconds,
    )
    return float(table.loc[table["selected"], "step_size"].iloc[0])
