"""The one training loop: chunks of steps, evaluation schedule, checkpoints, divergence guard.

What a step computes is the backend's (:mod:`aevb.training.backends`); the loop needs neither
TensorFlow nor to know which device there is.
"""

import json
import math
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from aevb.arrays import Tensors, read_snapshots, snapshot_arrays
from aevb.errors import DivergenceError
from aevb.process.interruption import Interrupted, stop_requests
from aevb.process.progress import LOGGER, Progress
from aevb.training import checkpoints
from aevb.training.backends import Backend, Chunk

SPLITS = ("train", "test", "train_images")
"""What a curve has: the mean objective of the minibatches since the log point before, and the bound
of the test data and of fixed training images at the log point."""
PARAMETERS = "parameters/"
"""How the names of the learned arrays of a state begin."""
_CHUNK_SECONDS = 2.0
_FIRST_CHUNK_SAMPLES = 2000


@dataclass
class Run:
    """A training run between two minibatches: all that a checkpoint holds."""

    state: Any
    """The backend's."""
    objective_sum: np.ndarray
    """Sum of the steps' objectives since the last log point, [E], nats."""
    steps: int = 0
    """How many have been made."""
    objective_count: int = 0
    """Steps in the sum."""
    seconds: float = 0.0
    """Spent in the training loop, in all processes together."""
    rows: list[tuple[int, np.ndarray]] = field(default_factory=list)
    """Log points so far: training samples, and of each of :data:`SPLITS` a value for every member,
    [3, E], nats; the bounds are NaN where the algorithm has none."""
    snapshots: dict[int, Tensors] = field(default_factory=dict)
    """The parameters by name after so many training samples, each array [E, ...]."""
    devices: list[str] = field(default_factory=list)
    """What has computed it so far, one after the other."""

    def tensors(self, state: Tensors) -> Tensors:
        """The run as named arrays; ``state`` is the backend's, fetched."""
        return (
            state
            | snapshot_arrays(self.snapshots)
            | {
                "objective_sum": self.objective_sum,
                "objective_count": np.array(self.objective_count),
                "seconds": np.array(self.seconds),
                "curve_samples": np.array([samples for samples, *_ in self.rows], np.int64),
                "curve": np.reshape(
                    [values for _, values in self.rows],
                    (len(self.rows), len(SPLITS), len(self.objective_sum)),
                ),
                "devices": np.frombuffer(json.dumps(self.devices).encode(), np.uint8),
            }
        )

    @classmethod
    def restored(cls, tensors: Tensors, state: Any) -> "Run":
        """The run that ``tensors`` holds; ``state`` is the backend's, made of them."""
        return cls(
            state=state,
            objective_sum=tensors["objective_sum"],
            steps=int(tensors["iteration"]),
            objective_count=int(tensors["objective_count"]),
            seconds=float(tensors["seconds"]),
            rows=list(zip(tensors["curve_samples"].tolist(), tensors["curve"], strict=True)),
            snapshots=read_snapshots(tensors),
            devices=json.loads(tensors["devices"].tobytes()),
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
    backend: Backend,
    log_points: list[int],
    *,
    name: str,
    snapshot_points: list[int] | None = None,
    checkpoint_folder: Path | None = None,
    fingerprint: str = "",
    checkpoint_seconds: float = 60.0,
    may_diverge: bool = False,
) -> tuple[Run, Times]:
    """Train to the last of ``log_points``, evaluating the bound at each where there is one.

    Continues from the newest usable checkpoint in ``checkpoint_folder``, and writes one every
    ``checkpoint_seconds``, at the end, and on SIGTERM or Ctrl-C. A checkpoint serves any backend.

    Args:
        backend: of this run, with its data, seeds and step sizes.
        log_points: training-sample counts in ascending order; the last is the budget.
        name: what progress lines call the run.
        snapshot_points: at which of the log points to keep the parameters; none by default.
        checkpoint_folder: None trains without checkpoints.
        fingerprint: of everything that decides the numbers.
        checkpoint_seconds: time between checkpoints.
        may_diverge: whether members that become non-finite are left behind, NaN from there on, for
            as long as there are others.

    Returns:
        The finished run, its rows one for each log point, and where the time went.

    Raises:
        DivergenceError: a bound or a parameter became non-finite; of all members where they may
            diverge.
        Interrupted: on SIGTERM or Ctrl-C, after the checkpoint is written.
    """
    members, per_step, budget = len(backend.step_sizes), backend.samples_per_step, log_points[-1]
    times = Times()
    run = None
    if checkpoint_folder is not None:
        found = checkpoints.read_newest(checkpoint_folder, fingerprint, budget, LOGGER.info)
        if found is not None:
            run = Run.restored(found[1], backend.put(found[1]))
            LOGGER.info(f"{name}: continuing from the checkpoint at {found[0]:,} samples")
    if run is None:
        run = Run(backend.start(), np.zeros(members))

    def samples_seen() -> int:
        return run.steps * per_step

    def save() -> None:
        nonlocal last_checkpoint
        if checkpoint_folder is not None:
            began = time.monotonic()
            tensors = run.tensors(backend.fetch(run.state))
            checkpoints.write(checkpoint_folder, samples_seen(), tensors, fingerprint)
            last_checkpoint = time.monotonic()
            times.checkpoints += last_checkpoint - began

    began = time.monotonic()
    backend.compile()
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
                bounds = np.full((len(SPLITS) - 1, members), np.nan)
                if backend.has_bound:
                    began = time.monotonic()
                    bounds = backend.evaluate(run.state, run.steps)
                    times.evaluation += time.monotonic() - began
                    _refuse_non_finite_bound(name, bounds[0], seen, may_diverge)
                run.rows.append(
                    (seen, np.vstack([run.objective_sum / run.objective_count, bounds]))
                )
                run.objective_sum, run.objective_count = np.zeros(members), 0
                if seen in (snapshot_points or ()):
                    run.snapshots[seen] = parameters_of(backend.fetch(run.state))
            if seen >= budget:
                break
            target = next(point for point in log_points if point > seen)
            n_steps = min(chunk_steps, (target - seen) // per_step)
            began = time.monotonic()
            run.state, chunk = backend.run_chunk(run.state, n_steps)
            seconds = time.monotonic() - began
            times.training += seconds
            times.samples += n_steps * per_step * members
            run.seconds += seconds
            run.steps += n_steps
            if seconds < _CHUNK_SECONDS / 2 and n_steps == chunk_steps:
                chunk_steps *= 2
            if backend.device not in run.devices[-1:]:
                run.devices.append(backend.device)
            _refuse_non_finite(name, backend, run, chunk, may_diverge)
            run.objective_sum = run.objective_sum + chunk.objective_sum
            run.objective_count += n_steps
            progress.update(samples_seen(), _text(backend, chunk.objective_sum / n_steps))
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
        progress.update(samples_seen(), _text(backend, run.rows[-1][1][0]), force=True)
    return run, times


def values_of(
    rows: Iterable[tuple[int, np.ndarray]],
) -> Iterator[tuple[str, int, int, float]]:
    """Split, member, training samples and value (nats) of each finite number of a curve."""
    for samples, splits in rows:
        for split, values in zip(SPLITS, splits.tolist(), strict=True):
            for member, value in enumerate(values):
                if math.isfinite(value):
                    yield split, member, samples, value


def parameters_of(state: Mapping[str, np.ndarray]) -> Tensors:
    """The learned arrays of a fetched state, by their names without ``parameters/``."""
    return {
        name.removeprefix(PARAMETERS): array
        for name, array in state.items()
        if name.startswith(PARAMETERS)
    }


def _text(backend: Backend, objective: np.ndarray) -> str:
    name = "bound" if backend.has_bound else "log p(x, z)"
    return f"{name} {' '.join(f'{value:.2f}' for value in objective)}"


def _refuse_non_finite(
    name: str, backend: Backend, run: Run, chunk: Chunk, may_diverge: bool
) -> None:
    steps, finite = chunk.first_non_finite, chunk.finite
    sound = (steps < 0) & finite.all(axis=0)
    if sound.all() or (may_diverge and sound.any()):
        return
    tensors = parameters_of(backend.fetch(run.state))
    broken = [tensor for tensor, row in zip(tensors, finite, strict=True) if not row.all()]
    step = steps[steps >= 0].min() if (steps >= 0).any() else run.steps
    what = "the objective" if (steps >= 0).any() else "a parameter"
    raise DivergenceError(
        f"{name}: {what} became non-finite at step {step}"
        f" ({step * backend.samples_per_step:,} samples);"
        f" non-finite tensors: {', '.join(broken) or 'none'}; step size"
        f" {', '.join(f'{value:g}' for value in backend.step_sizes)}."
        " Nothing is drawn from this run; try a smaller step size (step_sizes in"
        " config/config.yaml) or another seed; the last checkpoint is from before"
    )


def _refuse_non_finite_bound(name: str, test: np.ndarray, samples: int, may_diverge: bool) -> None:
    sound = np.isfinite(test)
    if not (sound.all() or (may_diverge and sound.any())):
        raise DivergenceError(
            f"{name}: the test bound is non-finite at {samples:,} samples though the training"
            " bound is not; try a smaller step size (step_sizes in config/config.yaml)"
        )
