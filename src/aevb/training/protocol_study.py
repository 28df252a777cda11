"""One run of the protocol study: a setting with every seed and step size side by side (§5)."""

from pathlib import Path

import pandas as pd

from aevb.data import Dataset
from aevb.settings.experiment import Experiment
from aevb.training.assembly import backend, training_data
from aevb.training.backends import IN_TENSORFLOW, Execution
from aevb.training.experiment import fingerprint, schedule
from aevb.training.loop import train, values_of


def run(
    name: str,
    experiment: Experiment,
    data: Dataset,
    *,
    checkpoint_folder: Path | None,
    checkpoint_seconds: float,
    execution: Execution = IN_TENSORFLOW,
) -> pd.DataFrame:
    """Train every seed of an experiment with each of its step sizes.

    Args:
        name: ``STAGE/DATASET/ALGORITHM/latent_dim_N/SETTING``.
        experiment: of :func:`aevb.settings.protocol_study.runs`.
        data: what it learns from.
        checkpoint_folder, checkpoint_seconds, execution: as of
            :func:`aevb.training.experiment.run_training`.

    Returns:
        One row a member, split and log point: ``run, seed, step_size, split, training_samples,
        objective`` (nats per datapoint; of the training split the mean since the row before). A
        member that diverges has no rows from there on.

    Raises:
        DivergenceError: all members diverged.
        Interrupted: see :func:`aevb.training.loop.train`.
    """
    data = training_data(experiment, data)
    members = [(seed, size) for size in experiment.step_sizes for seed in experiment.seeds]
    seeds, step_sizes = (list(part) for part in zip(*members, strict=True))
    computed = backend(experiment, data, seeds, step_sizes, execution, checkpoint_folder)
    points, _ = schedule(experiment, computed.samples_per_step)
    finished, _ = train(
        computed,
        points,
        name=f"{experiment.name} {name.rpartition('/')[2]}",
        checkpoint_folder=checkpoint_folder,
        fingerprint=f"{fingerprint(experiment, step_sizes[0], data)} {sorted(set(step_sizes))}",
        checkpoint_seconds=checkpoint_seconds,
        may_diverge=True,
    )
    rows = [
        (name, *members[member], split, samples, value)
        for split, member, samples, value in values_of(finished.rows)
    ]
    columns = ["run", "seed", "step_size", "split", "training_samples", "objective"]
    return pd.DataFrame(rows, columns=columns)
