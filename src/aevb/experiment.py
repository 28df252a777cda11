"""The stages of one experiment: select the step size, then train."""

import hashlib
import json
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd
import tensorflow as tf

from aevb import __version__
from aevb.algorithms import LABELS
from aevb.assembly import trainer, training_set
from aevb.checkpoints import Tensors
from aevb.config import Experiment
from aevb.data import Dataset
from aevb.errors import DivergenceError
from aevb.progress import LOGGER
from aevb.provenance import code_hash, machine, peak_memory_gb, versions
from aevb.schedule import log_points, snapshot_points
from aevb.training import Run, curve_table, named_arrays, train

_BUDGET = ("training_samples", "selection_samples", "step_sizes", "variant")
"""Settings that do not decide what a given step computes."""


def select_step_size(experiments: list[Experiment], data: Dataset) -> pd.DataFrame:
    """Select one step size by "performance on the training set in the first few iterations" (§5).

    The experiments are the panels of one figure: the same training set and algorithm, different
    latent dimensions. For each, all candidates train side by side from the first seed, with the
    same minibatches and noise. A candidate's performance is the mean of all minibatch bounds (of
    Monte Carlo EM, of log p(x, z)) over the first ``selection_samples``, averaged over the panels:
    a single panel's order can be a matter of luck. A candidate that becomes non-finite anywhere
    loses.

    Returns:
        One row a panel and candidate: ``step_size``, ``training_samples``, ``objective`` (nats,
        NaN when it became non-finite), ``status`` (``ok``, ``below its start`` or
        ``non-finite``), ``mean_over_panels`` (nats) and ``selected``.

    Raises:
        DivergenceError: every candidate became non-finite somewhere.
    """
    table = pd.concat([_try_step_sizes(item, data) for item in experiments], ignore_index=True)
    bounds = table.pivot(index="step_size", columns="latent_dim", values="objective")
    means = bounds.mean(axis=1, skipna=False)
    if means.isna().all():
        first = experiments[0]
        raise DivergenceError(
            f"{first.dataset} {first.algorithm}: every step size of {list(first.step_sizes)} became"
            f" non-finite within {first.selection_samples:,} samples;"
            " add a smaller one to step_sizes"
        )
    table["mean_over_panels"] = table["step_size"].map(means)
    table["selected"] = table["step_size"] == means.idxmax()
    for step_size, mean in means.items():
        LOGGER.info(
            f"{experiments[0].dataset} {experiments[0].algorithm}: step size {step_size:g}: mean"
            f" objective {mean:.2f} nats" + (", selected" if step_size == means.idxmax() else "")
        )
    return table


def _try_step_sizes(experiment: Experiment, data: Dataset) -> pd.DataFrame:
    data = training_set(experiment, data)
    compiled = trainer(experiment, data)
    n = len(experiment.step_sizes)
    seeds = tf.fill([n], experiment.seeds[0])
    run = Run.start(compiled, seeds, tf.constant(experiment.step_sizes, tf.float32))
    train_data = tf.constant(data.train)
    rest = -(-experiment.selection_samples // compiled.samples_per_step) - 1
    state, first = compiled.run_chunk(run.state, train_data, seeds, tf.constant(1))
    _, chunk = compiled.run_chunk(state, train_data, seeds, tf.constant(rest))
    start, later = first.objective_sum.numpy(), chunk.objective_sum.numpy()
    bounds = (start + later) / (1 + rest)
    finite = np.isfinite(bounds) & chunk.finite.numpy().all(axis=0)
    table = pd.DataFrame(
        {
            "dataset": data.label,
            "latent_dim": experiment.latent_dim,
            "n_train": len(data.train),
            "algorithm": LABELS[experiment.algorithm],
            "variant": experiment.variant,
            "seed": experiment.seeds[0],
            "step_size": experiment.step_sizes,
            "training_samples": (1 + rest) * compiled.samples_per_step,
            "objective": np.where(finite, bounds, np.nan),
            "status": np.select([~finite, bounds < start], ["non-finite", "below its start"], "ok"),
        }
    )
    for row in table.itertuples():
        LOGGER.info(
            f"{experiment.name}: step size {row.step_size:g}: mean objective"
            f" {row.objective:.2f} nats over the first {row.training_samples:,} samples,"
            f" {row.status}"
        )
    return table


def fingerprint(experiment: Experiment, step_size: float, data: Dataset) -> str:
    """Hash of everything that decides what a step computes: settings, data and code.

    The budget is not part of it, so a checkpoint serves a larger one.
    """
    settings = {k: v for k, v in asdict(experiment).items() if k not in _BUDGET}
    digest = hashlib.sha256(
        json.dumps(settings | {"step_size": step_size}, sort_keys=True).encode()
    )
    # How checkpoints are written or progress is shown changes no number, so not all imports count.
    algorithm = f"aevb.algorithms.{experiment.algorithm}"
    digest.update(code_hash(algorithm, "aevb.schedule").encode())
    digest.update(code_hash("aevb.assembly", "aevb.training", imports=False).encode())
    digest.update(np.ascontiguousarray(data.train))
    digest.update(np.ascontiguousarray(data.test))
    return digest.hexdigest()


def run_training(
    experiment: Experiment,
    step_size: float,
    data: Dataset,
    *,
    checkpoint_folder: Path | None,
    checkpoint_seconds: float,
) -> tuple[pd.DataFrame, Tensors, dict[int, Tensors], dict]:
    """Train every seed of the experiment to its budget.

    Returns:
        The tidy curve (see :func:`aevb.training.curve_table`), the learned parameters by name,
        the same at each snapshot point, where snapshots are asked for, and the record of the run.

    Raises:
        DivergenceError, Interrupted: see :func:`aevb.training.train`.
    """
    began = time.monotonic()
    data = training_set(experiment, data)
    compiled = trainer(experiment, data)
    seeds = tf.constant(experiment.seeds, tf.int32)
    LOGGER.info(
        f"{experiment.name}: step size {step_size:g}, seeds {list(experiment.seeds)},"
        f" {experiment.training_samples:,} samples"
    )
    schedule = compiled.samples_per_step, experiment.training_samples
    snapshots = snapshot_points(*schedule) if experiment.snapshots else []
    run, times = train(
        compiled,
        Run.start(compiled, seeds, tf.fill([len(experiment.seeds)], np.float32(step_size))),
        tf.constant(data.train),
        tf.constant(data.test),
        seeds,
        sorted({*log_points(*schedule), *snapshots}),
        snapshot_points=snapshots,
        name=experiment.name,
        checkpoint_folder=checkpoint_folder,
        fingerprint=fingerprint(experiment, step_size, data),
        checkpoint_seconds=checkpoint_seconds,
    )
    curve = curve_table(
        run,
        list(experiment.seeds),
        compiled.algorithm.objective,
        dataset=data.label,
        latent_dim=experiment.latent_dim,
        algorithm=LABELS[experiment.algorithm],
        **({} if experiment.n_train is None else {"n_train": experiment.n_train}),
    )
    samples, train_objective, test_bound = run.rows[-1]
    record = {
        "experiment": asdict(experiment),
        "step_size": step_size,
        "package": {"version": __version__, "code": code_hash("aevb.experiment")},
        "versions": versions(),
        "machine": machine(),
        "devices": [device.name for device in tf.config.list_logical_devices()],
        "threads": tf.config.threading.get_intra_op_parallelism_threads(),
        "final": {
            "training_samples": samples,
            f"train_{compiled.algorithm.objective}": train_objective.tolist(),
            **({"test_lower_bound": test_bound.tolist()} if compiled.has_bound else {}),
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
    return curve, named_arrays(run.state.parameters), run.snapshots, record
