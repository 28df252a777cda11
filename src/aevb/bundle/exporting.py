"""Writing a bundle: TensorFlow traces and lowers the programs of each run."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from safetensors.numpy import save

from aevb import checkpoints
from aevb.assembly import programs, trainer, training_set
from aevb.bundle.archive import BundledRun, Writer
from aevb.config import Experiment
from aevb.data import Dataset
from aevb.experiment import fingerprint, schedule
from aevb.progress import LOGGER


def add(
    writer: Writer,
    name: str,
    experiment: Experiment,
    step_sizes: Sequence[float],
    data: Dataset,
    checkpoint_folder: Path | None = None,
) -> None:
    """Add one experiment to a bundle, with every step size for each of its seeds.

    Args:
        writer: collects the bundle.
        name: where the run belongs below ``runs/``.
        experiment: its settings.
        step_sizes: Adagrad's; with one, the results are those of `aevb train`.
        data: its data set.
        checkpoint_folder: where a checkpoint to go on from may lie.
    """
    whole, data = data, training_set(experiment, data)
    members = [(seed, float(size)) for size in step_sizes for seed in experiment.seeds]
    lowered = programs(experiment, data, len(members))
    log_points, snapshots = schedule(experiment, lowered.samples_per_step)
    bound_to = fingerprint(experiment, step_sizes[0], data)
    checkpoint = None
    if checkpoint_folder is not None and len(step_sizes) == 1:
        found = checkpoints.read_newest(checkpoint_folder, bound_to, log_points[-1], LOGGER.info)
        if found is not None:
            checkpoint = found[0], writer.part(save(found[1]))
    writer.runs.append(
        BundledRun(
            name=name,
            label=experiment.name,
            experiment=asdict(experiment),
            objective=trainer(experiment, data).algorithm.objective,
            seeds=[seed for seed, _ in members],
            step_sizes=[size for _, size in members],
            log_points=log_points,
            snapshot_points=snapshots,
            programs=writer.programs(lowered),
            train_data=(writer.array(whole.train), len(data.train)),
            test_data=writer.array(data.test),
            fingerprint=bound_to,
            checkpoint=checkpoint,
        )
    )
    LOGGER.info(f"{name}: {len(members)} members, {log_points[-1]:,} samples")
