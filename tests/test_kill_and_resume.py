"""`aevb train` killed for real: the same command goes on to the numbers of an unbroken run."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from aevb import data
from tiny import DEFINITION, SETTINGS

pytestmark = pytest.mark.workflow

BUDGET = 4_000_000
PATIENCE = 200.0


@dataclass
class Outcome:
    """How one process ended."""

    code: int
    text: str
    checkpoints: list[int]
    """Sample counts of the checkpoints at its end."""
    finished: bool
    """Whether a curve was there."""


def settings() -> str:
    return replace(SETTINGS, step_sizes=(0.05,), training_samples=BUDGET).to_json()


class Place:
    """A folder in which one training command is started, as often as need be."""

    def __init__(self, folder: Path):
        self.folder = folder
        rng = np.random.default_rng(0)
        parts = {
            name: rng.integers(0, 256, (n, 36), np.uint8)
            for name, n in (("train", 200), ("test", 50))
        }
        np.savez(folder / "tiny.npz", **parts)
        record = data.fetch("tiny", DEFINITION, folder / "cache", folder, lambda line: None)
        (folder / "record.json").write_text(json.dumps(record))
        (folder / "step_size.csv").write_text("step_size,selected\n0.01,False\n0.05,True\n")

    def command(self, name: str) -> list[str]:
        options = {
            "--settings": settings(),
            "--record": "record.json",
            "--step-size-table": "step_size.csv",
            "--curve": f"{name}/curve.csv",
            "--run-record": f"{name}/run.json",
            "--weights": f"{name}/weights.safetensors",
            "--checkpoint-dir": f"{name}/checkpoints",
            "--checkpoint-seconds": "0.05",
        }
        words = [word for pair in options.items() for word in pair]
        return [sys.executable, "-m", "aevb", "train", *words]

    def checkpoints(self, name: str) -> list[int]:
        return sorted(int(path.stem) for path in self.folder.glob(f"{name}/checkpoints/*tensors"))

    def run(self, name: str, number: int | None = None) -> Outcome:
        """Run to the end, or send a signal once a checkpoint newer than those there appears."""
        before = self.checkpoints(name)
        process = subprocess.Popen(
            self.command(name),
            cwd=self.folder,
            env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            end = time.monotonic() + PATIENCE
            while number is not None and process.poll() is None and time.monotonic() < end:
                if self.checkpoints(name)[-1:] > before[-1:]:
                    process.send_signal(number)
                    break
                time.sleep(0.005)
            text, _ = process.communicate(timeout=PATIENCE)
        finally:
            process.kill()
        finished = (self.folder / name / "curve.csv").exists()
        return Outcome(process.returncode, text, self.checkpoints(name), finished)


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Place:
    return Place(tmp_path_factory.mktemp("a place with spaces"))


@pytest.fixture(scope="module")
def unbroken(place) -> Outcome:
    return place.run("unbroken")


@pytest.fixture(scope="module")
def broken(place) -> dict[str, Outcome]:
    """One run killed, started again and stopped twice, then started again and left alone."""
    stops = {"SIGKILL": signal.SIGKILL, "SIGTERM": signal.SIGTERM, "SIGINT": signal.SIGINT}
    outcomes = {name: place.run("broken", number) for name, number in stops.items()}
    return outcomes | {"end": place.run("broken")}


def continued_from(outcome: Outcome) -> int:
    (found,) = re.findall(r"continuing from the checkpoint at ([\d,]+) samples", outcome.text)
    return int(found.replace(",", ""))


def test_unbroken_run_ends_well(unbroken):
    """The run to compare with ends with exit code 0, from scratch, at its budget."""
    assert unbroken.code == 0, unbroken.text
    assert unbroken.finished
    assert "continuing" not in unbroken.text
    assert unbroken.checkpoints[-1] == BUDGET


def test_sigkill_leaves_a_checkpoint_and_no_output(broken):
    """kill -9 in the middle leaves checkpoints from before the end, and no curve."""
    killed = broken["SIGKILL"]
    assert killed.code == -signal.SIGKILL, killed.text
    assert killed.checkpoints
    assert 0 < killed.checkpoints[-1] < BUDGET
    assert not killed.finished


def test_run_after_sigkill_goes_on(broken):
    """The same command after kill -9 goes on from the newest checkpoint there was."""
    assert continued_from(broken["SIGTERM"]) == broken["SIGKILL"].checkpoints[-1]


@pytest.mark.parametrize(("name", "code"), [("SIGTERM", 143), ("SIGINT", 130)])
def test_asked_to_stop(broken, name, code):
    """SIGTERM and Ctrl-C end with their exit code, a checkpoint and one line that says how on."""
    stopped = broken[name]
    assert stopped.code == code, stopped.text
    assert not stopped.finished
    assert "Traceback" not in stopped.text
    last = stopped.text.splitlines()[-1]
    (samples,) = re.findall(r"stopped at ([\d,]+) of 4,000,000 samples", last)
    assert "the same command goes on from there" in last
    assert int(samples.replace(",", "")) == stopped.checkpoints[-1] < BUDGET


def test_run_after_a_stop_goes_on(broken):
    """The same command after SIGTERM or Ctrl-C goes on from where it stopped."""
    assert continued_from(broken["SIGINT"]) == broken["SIGTERM"].checkpoints[-1]
    assert continued_from(broken["end"]) == broken["SIGINT"].checkpoints[-1]


def test_broken_run_equals_the_unbroken_one(place, unbroken, broken):
    """Curve (byte for byte) and weights (bit for bit) are those of the unbroken run."""
    assert broken["end"].code == 0, broken["end"].text
    curves = [place.folder / name / "curve.csv" for name in ("unbroken", "broken")]
    assert curves[0].read_bytes() == curves[1].read_bytes()
    one, other = (load_file(curve.with_name("weights.safetensors")) for curve in curves)
    assert one.keys() == other.keys()
    assert len(one) == 8
    for name in one:
        np.testing.assert_array_equal(one[name], other[name], err_msg=name)
    finals = [json.loads(curve.with_name("run.json").read_text())["final"] for curve in curves]
    assert finals[0] == finals[1]
    assert finals[0]["training_samples"] == BUDGET
