"""What a device computes of a bundle and how fast: agreement with the CPU, and steps a second."""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import NamedTuple

import numpy as np

from aevb.bundle.archive import Bundle, BundledRun
from aevb.bundle.running import backend
from aevb.errors import AevbError
from aevb.files import write_atomically
from aevb.process.progress import LOGGER
from aevb.training.backends.pjrt import Device, PjrtBackend

STEPS = 20
"""After so many steps from one state the numbers are compared: rounding has not yet grown."""
_SECONDS = 1.0
_COMPILED_AT_ONCE = 4


class Agreement(NamedTuple):
    """How far a device is from the CPU after STEPS steps from the same state."""

    run: str
    device: str
    precision: str
    members: int
    objective: float
    """Mean over members and steps, nats."""
    objective_difference: float
    """Largest difference of a member's mean objective, nats."""
    bound_difference: float
    """Largest difference of a member's test bound at the end, nats; NaN where there is none."""


class Speed(NamedTuple):
    """How fast a device trains."""

    run: str
    device: str
    precision: str
    members: int
    first_seconds: float
    """Of the start: initial state and ten steps."""
    steps_per_second: float
    samples_per_second: float
    """All members together."""


def agreement(run: BundledRun, tested: PjrtBackend, precision: str, bundle: Bundle) -> Agreement:
    """Train on the CPU and on the device from the same state."""
    reference = backend(bundle, run, Device("cpu"))
    state = reference.start()
    start = reference.fetch(state)
    sums, bounds = [], []
    for one in (reference, tested):
        moved, chunk = one.run_chunk(one.put(start), STEPS)
        sums.append(chunk.objective_sum / STEPS)
        bounds.append(one.evaluate(moved, STEPS) if one.has_bound else np.full(1, np.nan))
    return Agreement(
        run.name,
        tested.device,
        precision,
        len(run.seeds),
        float(sums[0].mean()),
        float(np.abs(sums[0] - sums[1]).max()),
        float(np.abs(bounds[0] - bounds[1]).max()),
    )


def speed(run: BundledRun, tested: PjrtBackend, precision: str, bundle: Bundle) -> Speed:
    """Train for a few seconds, after a chunk to warm up."""
    began = time.monotonic()
    state, _ = tested.run_chunk(tested.start(), 10)
    first = time.monotonic() - began
    n_steps, spent = 50, 0.0
    while spent < _SECONDS:
        n_steps *= 2
        began = time.monotonic()
        state, _ = tested.run_chunk(state, n_steps)
        spent = time.monotonic() - began
    rate = n_steps / spent
    per_second = rate * tested.samples_per_step * len(run.seeds)
    return Speed(run.name, tested.device, precision, len(run.seeds), first, rate, per_second)


def write(path: Path, rows: Sequence[NamedTuple]) -> None:
    """The rows as CSV."""
    lines = [",".join(rows[0]._fields)]
    for row in rows:
        cells = [f"{cell:.6g}" if isinstance(cell, float) else str(cell) for cell in row]
        lines.append(",".join(f'"{cell}"' if "," in cell else cell for cell in cells))
    write_atomically(path, "\n".join(lines) + "\n")


MEASURES = {"agreement": agreement, "speed": speed}


def check(bundle: Bundle, output: Path, device: Device, precisions: Sequence[str]) -> list[str]:
    """Measure each run of a bundle: that which its name begins with, ``agreement`` or ``speed``.

    All programs are compiled first, several at a time, so that nothing else goes on while speed is
    measured. ``agreement.csv`` and ``speed.csv`` are written as they grow. What fails is named and
    passed over, so that the rest is measured.

    Returns:
        What failed.
    """
    failed: list[str] = []
    rows: dict[str, list[NamedTuple]] = {name: [] for name in MEASURES}
    cases = [(run, precision) for run in bundle.runs for precision in precisions]

    def compiled(case: tuple[BundledRun, str]) -> PjrtBackend:
        made = backend(bundle, case[0], device, case[1])
        made.compile()
        return made

    with ThreadPoolExecutor(_COMPILED_AT_ONCE) as pool:
        began = time.monotonic()
        waiting = [pool.submit(compiled, case) for case in cases]
        wait(waiting)
        LOGGER.info(f"compiled the programs in {time.monotonic() - began:.1f} s")
    for (run, precision), made in zip(cases, waiting, strict=True):
        kind = run.name.split("/")[0]
        try:
            row = MEASURES[kind](run, made.result(), precision, bundle)
        except AevbError as error:
            failed.append(f"{run.name}: {error}")
            LOGGER.warning(failed[-1])
            continue
        rows[kind].append(row)
        cells = [f"{cell:.5g}" if isinstance(cell, float) else str(cell) for cell in row]
        LOGGER.info(" ".join(cells))
        write(Path(output) / f"{kind}.csv", rows[kind])
    return failed
