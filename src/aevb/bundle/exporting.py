"""Writing a bundle: TensorFlow traces and lowers the programs of each run."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from safetensors.numpy import save

from aevb.bundle.archive import BundledRun, Writer
from aevb.data import Dataset
from aevb.process.progress import LOGGER
from aevb.settings import experiment as make_experiment
from aevb.settings.experiment import Experiment
from aevb.training import checkpoints
from aevb.training.assembly import programs, trainer, training_data
from aevb.training.experiment import (
    fingerprint,
    fingerprint_of_members,
    schedule,
    selection_schedule,
)


def add(
    writer: Writer,
    name: str,
    experiment: Experiment,
    step_sizes: Sequence[float],
    data: Dataset,
    checkpoint_folder: Path | None = None,
    panels: Sequence[str] = (),
) -> None:
    """Add one experiment to a bundle, with every step size for each of its seeds.

    Args:
        writer: collects the bundle.
        name: where the run belongs below ``runs/``.
        experiment: its settings.
        step_sizes: Adagrad's; with one, the results are those of `aevb train`.
        data: its data set.
        checkpoint_folder: where a checkpoint to go on from may lie.
        panels: the names of all runs by which, with this one, a step size is selected.
    """
    whole, data = data, training_data(experiment, data)
    members = [(seed, float(size)) for size in step_sizes for seed in experiment.seeds]
    lowered = programs(experiment, data, len(members))
    points = selection_schedule if panels else schedule
    log_points, snapshots = points(experiment, lowered.samples_per_step)
    if panels or len(step_sizes) > 1:
        summed_at = log_points if panels else None
        bound_to = fingerprint_of_members(experiment, members, summed_at, data)
    else:
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
            panels=list(panels),
        )
    )
    LOGGER.info(f"{name}: {len(members)} members, {log_points[-1]:,} samples")


def add_selection(
    writer: Writer, table: Path, experiments: Sequence[Experiment], data: Dataset
) -> None:
    """Add the runs by which a step size is selected, a panel each.

    Args:
        writer: collects the bundle.
        table: the ``step_size.csv`` that :mod:`aevb.bundle.importing` will make of them.
        experiments: the panels, as :func:`aevb.training.experiment.select_step_size` takes them.
        data: their data set.
    """
    names = [f"{table.with_suffix('')}/latent_dim_{one.latent_dim}" for one in experiments]
    for name, one in zip(names, experiments, strict=True):
        add(writer, name, one, one.step_sizes, data, panels=names)


AGREEMENT_MEMBERS = 2
SPEED_MEMBERS = (1, 8, 64)


def add_check(
    writer: Writer,
    config: dict,
    definitions: dict,
    data: Callable[[Experiment], Dataset],
) -> None:
    """Add what a device is checked with (:mod:`aevb.bundle.check`).

    Agreement: every algorithm, on one panel of each data set of Figure 2 and on Figure 3's
    smallest training set, with a warm-up shorter than the steps that are compared. Speed: AEVB and
    wake-sleep on these panels and on the largest latent space, with several numbers of members.

    Args:
        writer: collects the bundle.
        config, definitions: of :func:`aevb.settings.load`.
        data: experiment -> its data set.
    """
    figures = config["figures"]

    def wanted(members: int, **choice) -> Experiment:
        experiment = make_experiment(config, definitions, **choice)
        return replace(
            experiment,
            seeds=tuple(range(members)),
            training_samples=experiment.selection_samples,
            warmup_minibatches=10,
            snapshots=False,
        )

    panels = [
        {"dataset": dataset, "latent_dim": dims[len(dims) * 3 // 5], "algorithm": algorithm}
        for dataset, dims in figures["fig2"]["latent_dims"].items()
        for algorithm in figures["fig2"]["algorithms"]
    ]
    fig3 = figures["fig3"]
    small = {key: fig3[key] for key in ("dataset", "latent_dim", "hidden_units")}
    small |= {"n_train": min(fig3["n_train"])}
    others = [small | {"algorithm": algorithm} for algorithm in ("mcem", "full_vb")]
    largest = [
        {"dataset": dataset, "latent_dim": max(dims), "algorithm": "aevb"}
        for dataset, dims in figures["fig2"]["latent_dims"].items()
    ]
    for choice in panels + others:
        experiment = wanted(AGREEMENT_MEMBERS, **choice)
        add(writer, _check_name("agreement", choice), experiment, [0.01], data(experiment))
    for choice in panels + largest:
        for members in SPEED_MEMBERS:
            experiment = wanted(members, **choice)
            name = f"{_check_name('speed', choice)}/members_{members}"
            add(writer, name, experiment, [0.01], data(experiment))


def _check_name(kind: str, choice: dict) -> str:
    return f"{kind}/{choice['dataset']}/{choice['algorithm']}/latent_dim_{choice['latent_dim']}"
