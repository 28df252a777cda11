"""The one training loop: XLA chunks, evaluation schedule, checkpoints, divergence guard.

An algorithm is anything with ``init`` and ``step`` (see :mod:`aevb.algorithms`). The loop runs its
step many times in one XLA program, with the data set passed as an argument and a member axis E for
seeds or step sizes. How the work is cut into chunks changes no number: a step depends on nothing
but the state, the seed and its own index.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import tensorflow as tf

from aevb import checkpoints, random
from aevb.errors import DivergenceError
from aevb.interruption import Interrupted, stop_requests
from aevb.progress import LOGGER, Progress

_EVALUATION_BLOCK = 1000
_CHUNK_SECONDS = 2.0
_FIRST_CHUNK_SAMPLES = 2000


class Chunk(NamedTuple):
    """What a chunk of steps reports."""

    objective_sum: tf.Tensor
    """Sum over the chunk's steps of their mean objective, [E], float64, nats."""
    first_non_finite: tf.Tensor
    """Index of the first step whose objective was not finite, −1 when all were, [E], int32."""
    finite: tf.Tensor
    """Whether each tensor of the parameters is finite at the end, [tensors, E]."""


@dataclass(frozen=True)
class Trainer:
    """An algorithm with the way its minibatches are made, compiled.

    Attributes:
        algorithm: see :mod:`aevb.algorithms`.
        batch_size: M; datapoints are drawn with replacement. None for an algorithm whose step
            takes the whole training set and says itself for how many samples that counts.
        pixel_divisor: what the uint8 pixels are divided by.
        binarise: draw each pixel from a Bernoulli each time it is used.
    """

    algorithm: Any
    batch_size: int | None
    pixel_divisor: float
    binarise: bool = False

    @property
    def samples_per_step(self) -> int:
        """Training samples that one step counts for."""
        return self.batch_size or self.algorithm.samples_per_step

    @property
    def has_bound(self) -> bool:
        """Whether there is an encoder, hence a lower bound to evaluate on test data."""
        return hasattr(self.algorithm, "lower_bound")

    @cached_property
    def run_chunk(self) -> Callable:
        """(state, data [N, D] uint8, seeds [E], n_steps) -> state, Chunk; one XLA program."""
        return tf.function(self._run_chunk, jit_compile=True, autograph=False)

    @cached_property
    def evaluate(self) -> Callable:
        """(parameters, data [N, D] uint8, seeds [E], iteration) -> mean bound [E], float64."""
        return tf.function(self._evaluate, jit_compile=True, autograph=False)

    def _minibatch(self, data: tf.Tensor, seeds: tf.Tensor, iteration: tf.Tensor) -> tf.Tensor:
        binarisation_keys = random.keys(seeds, random.Purpose.BINARISATION, iteration)
        if self.batch_size is None:
            return self._observe(data[tf.newaxis], binarisation_keys)
        keys = random.keys(seeds, random.Purpose.MINIBATCH, iteration)
        drawn = random.indices(keys, self.batch_size, data.shape[0])
        return self._observe(tf.gather(data, drawn), binarisation_keys)

    def _observe(self, pixels: tf.Tensor, keys: tf.Tensor) -> tf.Tensor:
        x = tf.cast(pixels, tf.float32) / self.pixel_divisor
        if not self.binarise:
            return x
        return tf.cast(random.uniform(keys, tuple(x.shape[-2:])) < x, tf.float32)

    def _run_chunk(self, state, data, seeds, n_steps):
        last = state.iteration + n_steps

        def step(state, objective_sum, first_non_finite):
            batch = self._minibatch(data, seeds, state.iteration)
            new_state, info = self.algorithm.step(state, batch, seeds)
            is_first = ~tf.math.is_finite(info.objective) & (first_non_finite < 0)
            return (
                new_state,
                objective_sum + tf.cast(info.objective, tf.float64),
                tf.where(is_first, state.iteration, first_non_finite),
            )

        members = seeds.shape[0]
        state, objective_sum, first_non_finite = tf.while_loop(
            lambda state, *_: state.iteration < last,
            step,
            (state, tf.zeros(members, tf.float64), tf.fill([members], -1)),
        )
        finite = [
            tf.reduce_all(tf.math.is_finite(tensor), axis=list(range(1, tensor.shape.rank)))
            for tensor in tf.nest.flatten(state.parameters)
        ]
        return state, Chunk(objective_sum, first_non_finite, tf.stack(finite))

    def _evaluate(self, parameters, data, seeds, iteration):
        n = data.shape[0]
        whole = n // _EVALUATION_BLOCK

        def block_sum(pixels, block):
            members = seeds.shape[0]
            # A step's evaluation may take many blocks: each gets an index of its own.
            index = iteration * (whole + 1) + block
            pixels = tf.broadcast_to(pixels, [members, *pixels.shape])
            binarisation_keys = random.keys(seeds, random.Purpose.TEST_BINARISATION, index)
            x = self._observe(pixels, binarisation_keys)
            keys = random.keys(seeds, random.Purpose.EVALUATION, index)
            bounds = self.algorithm.lower_bound(parameters, x, keys)
            return tf.reduce_sum(tf.cast(bounds, tf.float64), axis=-1)

        total = tf.zeros(seeds.shape[0], tf.float64)
        if whole:
            blocks = tf.reshape(
                data[: whole * _EVALUATION_BLOCK], [whole, _EVALUATION_BLOCK, data.shape[1]]
            )
            _, total = tf.while_loop(
                lambda block, _: block < whole,
                lambda block, total: (block + 1, total + block_sum(blocks[block], block)),
                (tf.constant(0), total),
            )
        if n % _EVALUATION_BLOCK:
            total += block_sum(data[whole * _EVALUATION_BLOCK :], tf.constant(whole))
        return total / n


@dataclass
class Run:
    """A training run between two minibatches: all that a checkpoint holds."""

    state: Any
    objective_sum: np.ndarray
    """Sum of the steps' objectives since the last log point, [E], nats."""
    objective_count: int = 0
    """Steps in that sum."""
    seconds: float = 0.0
    """Spent in the training loop, in all processes together."""
    rows: list[tuple[int, np.ndarray, np.ndarray]] = field(default_factory=list)
    """Log points so far: (training samples, train objective [E], test bound [E]), nats; the test
    bound is NaN where the algorithm has none."""
    snapshots: dict[int, checkpoints.Tensors] = field(default_factory=dict)
    """The parameters by name after so many training samples, each array [E, ...]."""

    @classmethod
    def start(cls, trainer: Trainer, seeds: tf.Tensor, step_sizes: tf.Tensor) -> "Run":
        """A run before its first minibatch."""
        return cls(trainer.algorithm.init(seeds, step_sizes), np.zeros(seeds.shape[0]))

    def tensors(self) -> checkpoints.Tensors:
        """The run as named arrays."""
        curve = np.array([[train, test] for _, train, test in self.rows])
        return (
            named_arrays(self.state)
            | snapshot_arrays(self.snapshots)
            | {
                "objective_sum": self.objective_sum,
                "objective_count": np.array(self.objective_count),
                "seconds": np.array(self.seconds),
                "curve_samples": np.array([samples for samples, *_ in self.rows], np.int64),
                "curve": curve.reshape(len(self.rows), 2, len(self.objective_sum)),
            }
        )

    def restored(self, tensors: checkpoints.Tensors) -> "Run":
        """The run that ``tensors`` holds; this one only lends its structure."""
        names = list(named_arrays(self.state))
        values = [tf.constant(tensors[name]) for name in names]
        rows = zip(tensors["curve_samples"].tolist(), tensors["curve"], strict=True)
        return Run(
            state=tf.nest.pack_sequence_as(self.state, values),
            objective_sum=tensors["objective_sum"],
            objective_count=int(tensors["objective_count"]),
            seconds=float(tensors["seconds"]),
            rows=[(samples, pair[0], pair[1]) for samples, pair in rows],
            snapshots=read_snapshots(tensors),
        )


@dataclass
class Times:
    """Where the seconds of this process went."""

    compilation: float = 0.0
    training: float = 0.0
    evaluation: float = 0.0
    checkpoints: float = 0.0
    samples: int = 0
    """Training samples seen, all members together."""


def train(
    trainer: Trainer,
    run: Run,
    train_data: tf.Tensor,
    test_data: tf.Tensor,
    seeds: tf.Tensor,
    log_points: list[int],
    *,
    name: str,
    snapshot_points: list[int] | None = None,
    checkpoint_folder: Path | None = None,
    fingerprint: str = "",
    checkpoint_seconds: float = 60.0,
) -> tuple[Run, Times]:
    """Train to the last of ``log_points``, evaluating the bound at each where there is one.

    Continues from the newest usable checkpoint in ``checkpoint_folder``, and writes one every
    ``checkpoint_seconds``, at the end, and on SIGTERM or Ctrl-C.

    Args:
        trainer: the compiled algorithm.
        run: a fresh run.
        train_data, test_data: uint8 pixels, [N, D] and [N_test, D].
        seeds: [E].
        log_points: training-sample counts in ascending order; the last is the budget.
        name: what progress lines call the run.
        snapshot_points: at which of the log points to keep the parameters; none by default.
        checkpoint_folder: None trains without checkpoints.
        fingerprint: of everything that decides the numbers.
        checkpoint_seconds: time between checkpoints.

    Returns:
        The finished run, its rows one for each log point, and where the time went.

    Raises:
        DivergenceError: a bound or a parameter became non-finite.
        Interrupted: on SIGTERM or Ctrl-C, after the checkpoint is written.
    """
    members, per_step, budget = int(seeds.shape[0]), trainer.samples_per_step, log_points[-1]
    times = Times()
    if checkpoint_folder is not None:
        found = checkpoints.read_newest(checkpoint_folder, fingerprint, budget, LOGGER.info)
        if found is not None:
            run = run.restored(found[1])
            LOGGER.info(f"{name}: continuing from the checkpoint at {found[0]:,} samples")

    def samples_seen() -> int:
        return int(run.state.iteration) * per_step

    def save() -> None:
        nonlocal last_checkpoint
        if checkpoint_folder is not None:
            began = time.monotonic()
            checkpoints.write(checkpoint_folder, samples_seen(), run.tensors(), fingerprint)
            last_checkpoint = time.monotonic()
            times.checkpoints += last_checkpoint - began

    began = time.monotonic()
    one, zero = tf.constant(1), tf.constant(0)
    trainer.run_chunk(run.state, train_data, seeds, zero)
    if trainer.has_bound:
        trainer.evaluate(run.state.parameters, test_data, seeds, one)
    times.compilation = time.monotonic() - began

    progress = Progress(name, budget, samples_seen())
    last_checkpoint = time.monotonic()
    chunk_steps = max(1, _FIRST_CHUNK_SAMPLES // per_step)
    with stop_requests() as requested:
        while True:
            seen = samples_seen()
            if seen == budget:
                # The end of a budget need not be a log point of a longer run: its row stays out
                # of the checkpoint, so that going on from there gives the longer run's numbers.
                save()
            if seen in log_points and (not run.rows or run.rows[-1][0] < seen):
                test = np.full(members, np.nan)
                if trainer.has_bound:
                    began = time.monotonic()
                    parameters, iteration = run.state.parameters, run.state.iteration
                    test = trainer.evaluate(parameters, test_data, seeds, iteration).numpy()
                    times.evaluation += time.monotonic() - began
                    _refuse_non_finite_bound(name, test, seen)
                run.rows.append((seen, run.objective_sum / run.objective_count, test))
                run.objective_sum, run.objective_count = np.zeros(members), 0
                if seen in (snapshot_points or ()):
                    run.snapshots[seen] = named_arrays(run.state.parameters)
            if seen >= budget:
                break
            target = next(point for point in log_points if point > seen)
            n_steps = min(chunk_steps, (target - seen) // per_step)
            began = time.monotonic()
            state, chunk = trainer.run_chunk(run.state, train_data, seeds, tf.constant(n_steps))
            objective_sum = chunk.objective_sum.numpy()
            seconds = time.monotonic() - began
            times.training += seconds
            times.samples += n_steps * per_step * members
            run.seconds += seconds
            if seconds < _CHUNK_SECONDS / 2 and n_steps == chunk_steps:
                chunk_steps *= 2
            _refuse_non_finite(name, state, chunk, per_step)
            run.state = state
            run.objective_sum = run.objective_sum + objective_sum
            run.objective_count += n_steps
            progress.update(samples_seen(), _text(trainer, objective_sum / n_steps))
            if requested:
                save()
                raise Interrupted(
                    requested[0],
                    f"{name}: stopped at {samples_seen():,} of {budget:,} samples;"
                    " the same command goes on from there",
                )
            if time.monotonic() - last_checkpoint > checkpoint_seconds:
                save()
    if run.rows:
        progress.update(samples_seen(), _text(trainer, run.rows[-1][1]), force=True)
    return run, times


def curve_table(run: Run, seeds: list[int], objective: str, **columns: Any) -> pd.DataFrame:
    """The run's tidy curve, one row a point, ``columns`` first, nats per datapoint.

    ``objective`` names the column of the values. There are no test rows where the algorithm has no
    bound to test.
    """
    records = [
        {**columns, "split": split, "seed": seed, "training_samples": samples, objective: value}
        for samples, train, test_bound in run.rows
        for split, values in (("train", train), ("test", test_bound))
        for seed, value in zip(seeds, values.tolist(), strict=True)
        if not np.isnan(value)
    ]
    table = pd.DataFrame(records)
    return table.sort_values(["split", "seed", "training_samples"], ignore_index=True)


def named_arrays(structure: Any, prefix: str = "") -> checkpoints.Tensors:
    """A nested NamedTuple of tensors as arrays named by their path, in flattening order."""
    if isinstance(structure, tuple) and not structure:
        return {}
    if not hasattr(structure, "_fields"):
        return {prefix: np.asarray(structure)}
    arrays = {}
    for name in structure._fields:
        path = f"{prefix}/{name}" if prefix else name
        arrays |= named_arrays(getattr(structure, name), path)
    return arrays


def snapshot_arrays(snapshots: dict[int, checkpoints.Tensors]) -> checkpoints.Tensors:
    """All snapshots in one set of arrays, named ``snapshots/<training samples>/<parameter>``."""
    return {
        f"snapshots/{samples}/{name}": array
        for samples, arrays in snapshots.items()
        for name, array in arrays.items()
    }


def read_snapshots(tensors: checkpoints.Tensors) -> dict[int, checkpoints.Tensors]:
    """The inverse of :func:`snapshot_arrays`; whatever else ``tensors`` holds is passed over."""
    snapshots: dict[int, checkpoints.Tensors] = {}
    for path, array in tensors.items():
        kind, _, rest = path.partition("/")
        if kind == "snapshots":
            samples, _, name = rest.partition("/")
            snapshots.setdefault(int(samples), {})[name] = array
    return dict(sorted(snapshots.items()))


def _text(trainer: Trainer, objective: np.ndarray) -> str:
    name = "bound" if trainer.has_bound else "log p(x, z)"
    return f"{name} {' '.join(f'{value:.2f}' for value in objective)}"


def _refuse_non_finite(name: str, state: Any, chunk: Chunk, per_step: int) -> None:
    steps, finite = chunk.first_non_finite.numpy(), chunk.finite.numpy()
    if (steps < 0).all() and finite.all():
        return
    tensors = list(named_arrays(state.parameters))
    broken = [tensor for tensor, row in zip(tensors, finite, strict=True) if not row.all()]
    step = steps[steps >= 0].min() if (steps >= 0).any() else int(state.iteration)
    what = "the objective" if (steps >= 0).any() else "a parameter"
    raise DivergenceError(
        f"{name}: {what} became non-finite at step {step} ({step * per_step:,} samples);"
        f" non-finite tensors: {', '.join(broken) or 'none'}; step size"
        f" {', '.join(f'{value:g}' for value in state.step_size.numpy())}."
        " Nothing is drawn from this run; try a smaller step size (step_sizes in"
        " config/config.yaml) or another seed; the last checkpoint is from before"
    )


def _refuse_non_finite_bound(name: str, test: np.ndarray, samples: int) -> None:
    if not np.isfinite(test).all():
        raise DivergenceError(
            f"{name}: the test bound is non-finite at {samples:,} samples though the training"
            " bound is not; try a smaller step size (step_sizes in config/config.yaml)"
        )
