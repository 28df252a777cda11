"""`aevb train` killed for real: the same command goes on to the numbers of an unbroken run."""

import json
import re
import signal
from collections.abc import Iterator

import numpy as np
import pytest
from safetensors.numpy import load_file

from aevb.process import compiled
from place import BUDGET, Outcome, Place

pytestmark = [pytest.mark.long, pytest.mark.workflow]


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Place:
    return Place(tmp_path_factory.mktemp("a place with spaces"))


@pytest.fixture(scope="module", autouse=True)
def compiled_once(tmp_path_factory) -> Iterator[None]:
    """The processes find what the first of them has compiled."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(compiled.VARIABLE, str(tmp_path_factory.mktemp("compiled")))
        yield


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
    (samples,) = re.findall(rf"stopped at ([\d,]+) of {BUDGET:,} samples", last)
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
