"""Training the runs of a bundle, on whatever device there is; no TensorFlow."""

import platform
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import jax
import numpy as np
from safetensors.numpy import load as load_tensors

from aevb import __version__
from aevb.arrays import Tensors
from aevb.bundle import results
from aevb.bundle.archive import Bundle, BundledRun
from aevb.errors import DivergenceError
from aevb.process.progress import LOGGER
from aevb.provenance import machine, peak_memory_gb
from aevb.training import checkpoints
from aevb.training.backends.pjrt import Device, PjrtBackend
from aevb.training.loop import Run, Times, parameters_of, train

_COMPILED_AHEAD = 2


def run(
    bundle: Bundle,
    output: Path,
    device: Device,
    *,
    precision: str = "highest",
    checkpoint_seconds: float | None = 60.0,
    keep_members: int | None = None,
    deadline: float | None = None,
) -> list[str]:
    """Train all runs of a bundle, one after the other, each from its newest checkpoint.

    While one trains, the programs of the next are compiled. What is finished is not done again.

    Args:
        bundle: what to train.
        output: folder of the results, one below it for each run.
        device: where.
        precision: see :class:`~aevb.training.backends.pjrt.PjrtBackend`.
        checkpoint_seconds: time between checkpoints; None for none.
        keep_members: of so many of the first members the parameters are kept; None keeps all.
        deadline: :func:`time.monotonic` after which no further run is begun.

    Returns:
        The names of the runs that have diverged, which have no result.

    Raises:
        ProgramError: a program cannot be compiled or run.
        Interrupted: on SIGTERM or Ctrl-C, after the checkpoint is written.
    """
    output = Path(output)
    waiting = [item for item in bundle.runs if not _is_finished(output, item)]
    LOGGER.info(
        f"{bundle.path}: {len(bundle.runs)} runs, {len(bundle.runs) - len(waiting)} finished;"
        f" device: {device.name}"
    )
    diverged = []
    with ThreadPoolExecutor(_COMPILED_AHEAD) as pool:
        for item, ready in _prepared(bundle, waiting, device, precision, pool):
            if deadline is not None and time.monotonic() > deadline:
                LOGGER.info(f"{item.label}: not begun: the time is over")
                break
            computed = ready.result()
            folder = output / results.CHECKPOINTS / item.name if checkpoint_seconds else None
            if folder is not None:
                _place_checkpoint(bundle, item, folder)
            try:
                finished, times = train(
                    computed,
                    item.log_points,
                    name=item.label,
                    snapshot_points=item.snapshot_points,
                    checkpoint_folder=folder,
                    fingerprint=item.fingerprint,
                    checkpoint_seconds=checkpoint_seconds or 0.0,
                    may_diverge=len(set(item.step_sizes)) > 1,
                )
            except DivergenceError as error:
                LOGGER.warning(f"LEFT OUT: {error}")
                diverged.append(item.name)
                continue
            results.write(output, _result(item, computed, finished, times, keep_members))
    return diverged


def backend(
    bundle: Bundle, run: BundledRun, device: Device, precision: str = "highest"
) -> PjrtBackend:
    """A run of a bundle on a device."""
    train_data = bundle.array(run.train_data[0])[: run.train_data[1]]
    arrays = train_data, bundle.array(run.test_data), run.seeds, run.step_sizes
    return PjrtBackend(bundle.programs(run), device, *arrays, precision=precision)


def _prepared(
    bundle: Bundle, runs: list[BundledRun], device: Device, precision: str, pool: ThreadPoolExecutor
) -> Iterator[tuple[BundledRun, Future]]:
    """The runs in order, each with its backend, a few compiled ahead of need."""

    def prepare(item: BundledRun) -> PjrtBackend:
        made = backend(bundle, item, device, precision)
        made.compile()
        return made

    futures: list[Future] = []
    try:
        for i, item in enumerate(runs):
            while len(futures) < min(len(runs), i + 1 + _COMPILED_AHEAD):
                futures.append(pool.submit(prepare, runs[len(futures)]))
            yield item, futures[i]
            # The arrays of a run that is done make room on the device.
            futures[i] = Future()
    finally:
        for future in futures:
            future.cancel()


def _is_finished(output: Path, item: BundledRun) -> bool:
    path = results.path_of(output, item)
    return path.exists() and results.read(path).item == item


def _place_checkpoint(bundle: Bundle, item: BundledRun, folder: Path) -> None:
    if item.checkpoint is None:
        return
    samples, part = item.checkpoint
    if checkpoints.read_newest(folder, item.fingerprint, item.log_points[-1], LOGGER.info) is None:
        checkpoints.write(folder, samples, load_tensors(bundle.part(part)), item.fingerprint)


def _result(
    item: BundledRun, backend: PjrtBackend, run: Run, times: Times, keep_members: int | None
) -> results.Result:
    def kept(arrays: Tensors) -> Tensors:
        return {name: array[:keep_members] for name, array in arrays.items()}

    samples, (objective, bound, _) = run.rows[-1]
    return results.Result(
        item=item,
        rows=run.rows,
        parameters=kept(parameters_of(backend.fetch(run.state))),
        snapshots={point: kept(arrays) for point, arrays in run.snapshots.items()},
        record={
            "experiment": item.experiment,
            "step_sizes": item.step_sizes,
            "seeds": item.seeds,
            "package": {"version": __version__, "programs": item.programs["chunk"]},
            "versions": {
                "python": platform.python_version(),
                "jax": jax.__version__,
                "numpy": np.__version__,
            },
            "machine": machine(),
            "devices": run.devices,
            "threads": 0,
            "final": {
                "training_samples": samples,
                f"train_{item.objective}": objective.tolist(),
                **({"test_lower_bound": bound.tolist()} if backend.has_bound else {}),
            },
            "training_seconds": run.seconds,
            "samples_per_second": samples * len(item.seeds) / run.seconds,
            "last_process": {
                "compilation_seconds": times.compilation,
                "training_seconds": times.training,
                "evaluation_seconds": times.evaluation,
                "checkpoint_seconds": times.checkpoints,
                "peak_memory_gb": peak_memory_gb(),
            },
        },
    )
