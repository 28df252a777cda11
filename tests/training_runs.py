"""Runs of the training loop: one that is stopped on its way, two that are to be the same."""

import os
import signal

import numpy as np

from aevb.arrays import named_arrays
from aevb.process.progress import Progress
from aevb.training.loop import Run


def assert_identical(one: Run, other: Run) -> None:
    """Same curve and same state, bit for bit."""
    assert [row[0] for row in one.rows] == [row[0] for row in other.rows]
    for mine, theirs in zip(one.rows, other.rows, strict=True):
        np.testing.assert_array_equal(mine[1], theirs[1])
    mine, theirs = named_arrays(one.state), named_arrays(other.state)
    assert mine.keys() == theirs.keys()
    for name in mine:
        np.testing.assert_array_equal(mine[name], theirs[name], err_msg=name)


def stop_at(monkeypatch, samples: int, number: int = signal.SIGTERM) -> None:
    """Send this process a signal once ``samples`` are done."""

    def update(self, done, *arguments, **options):
        if done >= samples:
            os.kill(os.getpid(), number)

    monkeypatch.setattr(Progress, "update", update)
