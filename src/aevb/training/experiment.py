"""The stages of one experiment: select the step size, then train."""

import hashlib
import json
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import tensorflow as tf

from aevb import __version__
from aevb.algorithms.settings import LABELS
from aevb.arrays import Tensors
from aevb.data import Dataset
from aevb.errors import DivergenceError
from aevb.models.registry import ARCHITECTURES
from aevb.process.progress import LOGGER
from aevb.provenance import code_hash, machine, peak_memory_gb, versions
from aevb.settings.experiment import Experiment
from aevb.training.assembly import backend, trainer, training_data
from aevb.training.backends import IN_TENSORFLOW, Backend, Execution
from aevb.training.curves import curve_table
from aevb.training.loop import parameters_of, train
from aevb.training.schedule import log_points, snapshot_points

_TRAINING = ("aevb.training.assembly", "aevb.training.backends.tensorflow", "aevb.training.loop")
_BUDGET = (
    *("training_samples", "selection_samples", "selection_window", "selection_seeds"),
    *("step_sizes", "variant"),
)
"""Settings that do not decide what a given step computes."""


def select_step_size(
    experiments: list[Experiment],
    data: Dataset,
    execution: Execution = IN_TENSORFLOW,
    *,
    checkpoint_folder: Path | None = None,
    checkpoint_seconds: float = 60.0,
) -> pd.DataFrame:
    """Select one step size by "performance on the training set in the first few iterations" (§5).

    The experiments are the panels of one figure: the same training set and algorithm, different
    latent dimensions. For each, all candidates train side by side from each of its seeds, with the
    same minibatches and noise. A candidate's performance is the mean of all minibatch bounds (of
    Monte Carlo EM, of log p(x, z)) over the ``selection_window`` of the first
    ``selection_samples``, averaged over panels and seeds: a single panel's order can be a matter of
    luck. A candidate that becomes non-finite anywhere loses.

    Args:
        experiments: the panels.
        data: their data set.
        execution: TensorFlow, or a device of PJRT.
        checkpoint_folder: where each panel has a folder of checkpoints, from which it goes on; None
            for none.
        checkpoint_seconds: time between checkpoints.

    Returns:
        One row a panel, seed and candidate: ``step_size``, ``training_samples``, ``objective``
        (nats, NaN when it became non-finite), ``status`` (``ok``, ``below its start`` or
        ``non-finite``), ``mean_over_panels`` (nats) and ``selected``.

    Raises:
        DivergenceError: every candidate became non-finite somewhere.
        Interrupted: on SIGTERM or Ctrl-C, after a checkpoint is written.
    """
    tried = []
    for panel in experiments:
        folder = checkpoint_folder and checkpoint_folder / f"latent_dim_{panel.latent_dim}"
        tried.append(_try_step_sizes(panel, data, execution, folder, checkpoint_seconds))
    return select(tried, experiments[0])


def select(tried: list[pd.DataFrame], first: Experiment) -> pd.DataFrame:
    """Select from what was tried on each panel, see :func:`candidates`.

    Returns, raises: see :func:`select_step_size`, with messages about the experiment ``first``.
    """
    table = pd.concat(tried, ignore_index=True)
    bounds = table.pivot(index="step_size", columns=["latent_dim", "seed"], values="objective")
    means = bounds.mean(axis=1, skipna=False)
    if means.isna().all():
        raise DivergenceError(
            f"{first.dataset} {first.algorithm}: every step size of {list(first.step_sizes)} became"
            f" non-finite within {first.selection_samples:,} samples;"
            " add a smaller one to step_sizes"
        )
    table["mean_over_panels"] = table["step_size"].map(means)
    table["selected"] = table["step_size"] == means.idxmax()
    for step_size, mean in means.items():
        LOGGER.info(
            f"{first.dataset} {first.algorithm}: step size {step_size:g}: mean objective"
            f" {mean:.2f} nats" + (", selected" if step_size == means.idxmax() else "")
        )
    return table


def _try_step_sizes(
    experiment: Experiment,
    data: Dataset,
    execution: Execution,
    checkpoint_folder: Path | None,
    checkpoint_seconds: float,
) -> pd.DataFrame:
    data = training_data(experiment, data)
    members = [(seed, float(size)) for seed in experiment.seeds for size in experiment.step_sizes]
    seeds, step_sizes = (list(part) for part in zip(*members, strict=True))
    computed = backend(experiment, data, seeds, step_sizes, execution, checkpoint_folder)
    points, _ = selection_schedule(experiment, computed.samples_per_step)
    try:
        run, _ = train(
            computed,
            points,
            name=f"{experiment.name}, step sizes",
            checkpoint_folder=checkpoint_folder,
            fingerprint=fingerprint_of_members(experiment, members, points, data),
            checkpoint_seconds=checkpoint_seconds,
            may_diverge=True,
        )
        found = objectives_of(experiment, run.rows, computed.samples_per_step)
    except DivergenceError:
        found = nothing_found(experiment, len(members), computed.samples_per_step)
    return candidates(experiment, data, seeds, step_sizes, found)


class Objectives(NamedTuple):
    """How members do in the first few iterations."""

    begin: int
    """Training samples at which the part that counts begins."""
    end: int
    """And at which it ends."""
    start: np.ndarray
    """The objective of the first step, [E], nats."""
    mean: np.ndarray
    """The mean over all steps of the part that counts, [E], nats; NaN of a member that became
    non-finite."""


def candidates(
    experiment: Experiment,
    data: Dataset,
    seeds: Sequence[int],
    step_sizes: Sequence[float],
    found: Objectives,
) -> pd.DataFrame:
    """What was tried on one panel, the rows of :func:`select_step_size` without its choice.

    Args:
        experiment: the panel's.
        data: its data set with the images that it learns from.
        seeds, step_sizes: of each member, [E].
        found: how they did.
    """
    begin, end, start, bounds = found
    finite = np.isfinite(bounds)
    table = pd.DataFrame(
        {
            "dataset": data.label,
            "latent_dim": experiment.latent_dim,
            "n_train": len(data.train),
            "algorithm": LABELS[experiment.algorithm],
            "variant": experiment.variant,
            "seed": seeds,
            "step_size": step_sizes,
            "training_samples": end,
            "objective": bounds,
            "status": np.select([~finite, bounds < start], ["non-finite", "below its start"], "ok"),
        }
    )
    for row in table.itertuples():
        LOGGER.info(
            f"{experiment.name}: step size {row.step_size:g}, seed {row.seed}: mean objective"
            f" {row.objective:.2f} nats, {begin:,} to {end:,} samples, {row.status}"
        )
    return table


def window_steps(samples: int, window: tuple[float, float], samples_per_step: int) -> list[int]:
    """The steps at which a part of so many training samples, given as shares, begins and ends."""
    total = -(-samples // samples_per_step)
    return [round(share * total) for share in window]


def first_objectives(
    computed: Backend, samples: int, window: tuple[float, float] = (0.0, 1.0)
) -> Objectives:
    """How members do in the first few iterations (§5).

    Args:
        computed: whose run it is, from its start.
        samples: training samples, rounded up to whole steps.
        window: the part of them that counts, as shares.
    """
    begin, end = window_steps(samples, window, computed.samples_per_step)
    state, first = computed.run_chunk(computed.start(), 1)
    if begin > 1:
        state, _ = computed.run_chunk(state, begin - 1)
    _, chunk = computed.run_chunk(state, end - max(begin, 1))
    start = first.objective_sum
    means = (chunk.objective_sum + (start if begin == 0 else 0.0)) / (end - begin)
    finite = np.isfinite(means) & chunk.finite.all(axis=0)
    ends = begin * computed.samples_per_step, end * computed.samples_per_step
    return Objectives(*ends, start, np.where(finite, means, np.nan))


def selection_schedule(
    experiment: Experiment, samples_per_step: int
) -> tuple[list[int], list[int]]:
    """As :func:`schedule`, of a run whose curve has what :func:`objectives_of` asks for."""
    window = experiment.selection_samples, experiment.selection_window
    steps = {1, *window_steps(*window, samples_per_step)} - {0}
    return [step * samples_per_step for step in sorted(steps)], []


def objectives_of(
    experiment: Experiment, rows: Sequence[tuple[int, np.ndarray]], samples_per_step: int
) -> Objectives:
    """What :func:`first_objectives` gives, of a run that was evaluated by
    :func:`selection_schedule`: see :class:`aevb.training.loop.Run` for its rows."""
    window = experiment.selection_samples, experiment.selection_window
    begin, end = window_steps(*window, samples_per_step)
    of_step = {samples // samples_per_step: splits for samples, splits in rows}
    start, (mean, bound, _) = of_step[1][0], of_step[end]
    if begin == 0 and end > 1:
        # The curve's last mean is since the first step.
        mean = (start + (end - 1) * mean) / end
    # A last update that spoils the parameters shows in what they give, where there is a bound.
    sound = np.isfinite(bound)
    mean = np.where(np.isfinite(mean) & (sound | ~sound.any()), mean, np.nan)
    return Objectives(begin * samples_per_step, end * samples_per_step, start, mean)


def nothing_found(experiment: Experiment, members: int, samples_per_step: int) -> Objectives:
    """As :func:`objectives_of`, of a run all of whose members became non-finite."""
    window = experiment.selection_samples, experiment.selection_window
    begin, end = (step * samples_per_step for step in window_steps(*window, samples_per_step))
    return Objectives(begin, end, np.full(members, np.nan), np.full(members, np.nan))


def fingerprint(experiment: Experiment, step_size: float, data: Dataset) -> str:
    """Hash of everything that decides what a step computes: settings, data and code.

    The budget is not part of it, so a checkpoint serves a larger one.
    """
    settings = {k: v for k, v in asdict(experiment).items() if k not in _BUDGET}
    named = experiment.settings.implementation, ARCHITECTURES[experiment.architecture]
    modules = [name.partition(":")[0] for name in named]
    return digest(settings | {"step_size": step_size}, modules, data.train, data.test)


def fingerprint_of_members(
    experiment: Experiment,
    members: Sequence[tuple[int, float]],
    log_points: Sequence[int] | None,
    data: Dataset,
) -> str:
    """As :func:`fingerprint`, of a run with a seed and a step size for each member, both of which a
    state has in it, and with the log points where what is asked for depends on them."""
    told = [fingerprint(experiment, members[0][1], data), members, log_points]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def digest(settings: dict, modules: Sequence[str], train: np.ndarray, test: np.ndarray) -> str:
    """Hash of settings, of the code of training and of ``modules`` with what these import, and of
    the data."""
    found = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    # How checkpoints are written or progress is shown changes no number, so not all imports count.
    found.update(code_hash(*modules, "aevb.training.schedule").encode())
    found.update(code_hash(*_TRAINING, imports=False).encode())
    found.update(np.ascontiguousarray(train))
    found.update(np.ascontiguousarray(test))
    return found.hexdigest()


def schedule(experiment: Experiment, samples_per_step: int) -> tuple[list[int], list[int]]:
    """The training samples at which a run is evaluated, and those at which the parameters are kept
    as well."""
    budget = samples_per_step, experiment.training_samples
    snapshots = snapshot_points(*budget) if experiment.snapshots else []
    return sorted({*log_points(*budget), *snapshots}), snapshots


class Outcome(NamedTuple):
    """What came of a training run."""

    curve: pd.DataFrame
    """Tidy, see :func:`aevb.training.curves.curve_table`."""
    parameters: Tensors
    """What was learned, by name, each array [E, ...]."""
    snapshots: dict[int, Tensors]
    """The same after so many training samples, where snapshots are asked for."""
    record: dict[str, Any]
    """Settings, versions, machine, speed and last values (run.json)."""


def run_training(
    experiment: Experiment,
    step_size: float,
    data: Dataset,
    *,
    checkpoint_folder: Path | None,
    checkpoint_seconds: float,
    execution: Execution = IN_TENSORFLOW,
) -> Outcome:
    """Train every seed of the experiment to its budget.

    Raises:
        DivergenceError, Interrupted: see :func:`aevb.training.loop.train`.
    """
    began = time.monotonic()
    data = training_data(experiment, data)
    step_sizes = [step_size] * len(experiment.seeds)
    computed = backend(experiment, data, experiment.seeds, step_sizes, execution, checkpoint_folder)
    LOGGER.info(
        f"{experiment.name}: step size {step_size:g}, seeds {list(experiment.seeds)},"
        f" {experiment.training_samples:,} samples"
    )
    points, snapshots = schedule(experiment, computed.samples_per_step)
    run, times = train(
        computed,
        points,
        snapshot_points=snapshots,
        name=experiment.name,
        checkpoint_folder=checkpoint_folder,
        fingerprint=fingerprint(experiment, step_size, data),
        checkpoint_seconds=checkpoint_seconds,
    )
    objective = trainer(experiment, data).algorithm.objective
    curve = curve_table(
        run,
        list(experiment.seeds),
        objective,
        dataset=data.label,
        latent_dim=experiment.latent_dim,
        algorithm=LABELS[experiment.algorithm],
        **({} if experiment.n_train is None else {"n_train": experiment.n_train}),
    )
    samples, (train_objective, test_bound, _) = run.rows[-1]
    record = {
        "experiment": asdict(experiment),
        "step_size": step_size,
        "package": {"version": __version__, "code": code_hash("aevb.training.experiment")},
        "versions": versions(),
        "machine": machine(),
        "devices": run.devices,
        "threads": tf.config.threading.get_intra_op_parallelism_threads(),
        "final": {
            "training_samples": samples,
            f"train_{objective}": train_objective.tolist(),
            **({"test_lower_bound": test_bound.tolist()} if computed.has_bound else {}),
        },
        "training_seconds": run.seconds,
        "samples_per_second": samples * len(experiment.seeds) / run.seconds,
        "last_process": {
            "wall_seconds": time.monotonic() - began,
            "compilation_seconds": times.compilation,
            "training_seconds": times.training,
            "evaluation_seconds": times.evaluation,
            "checkpoint_seconds": times.checkpoints,
            "peak_memory_gb": peak_memory_gb(),
        },
    }
    parameters = parameters_of(computed.fetch(run.state))
    return Outcome(curve, parameters, run.snapshots, record)
