"""Jobs of a smoke run on real data, killed by SIGKILL at times drawn at random: the same command,
given again, ends in the numbers of the run to which nothing happened."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file

from aevb import data
from aevb.process import compiled
from aevb.settings import load
from aevb.workflow.jobs import Jobs
from aevb.workflow.outputs import Outputs, Run
from configuration import CONFIG, DATASETS

pytestmark = [pytest.mark.slow, pytest.mark.workflow, pytest.mark.timeout(3600)]

KILLS = 20
"""Of each job, a run each, at times from a tenth of the unbroken run to a little beyond its end."""
LEAST_KILLED = 12
"""Runs that must have been killed before their end: with fewer the times were no test."""
LEAST_RESUMED = {"likelihood": 1}
"""Of these, that must have gone on from what was kept, 3 of other jobs. The likelihoods of a smoke
run are of two snapshots, and most of the time is over before those of the first are there."""

OUTPUTS = Outputs(*load(CONFIG, DATASETS), "smoke", lambda dataset: dataset == "mnist")
FIG3 = {"dataset": "mnist", "hidden_units": "100", "n_train": "1000", "latent_dim": "3"}
TRAINED = {
    "aevb": OUTPUTS.run("mnist", 10, "aevb"),
    "wake_sleep": OUTPUTS.run("mnist", 10, "wake_sleep"),
    "mcem": OUTPUTS.run("mnist", 3, "mcem", 1000),
}
JOBS = (*TRAINED, "likelihood")


class Ended(NamedTuple):
    """How a process ended, what it said, and how long it took."""

    code: int
    text: str
    seconds: float


class Again(NamedTuple):
    """A run that was to be killed: whether it was before its end, how the same command ended, and
    in what numbers."""

    killed: bool
    again: Ended
    numbers: dict


class Place(NamedTuple):
    """A folder with MNIST, in which jobs are started; each has a folder of its own for all that it
    writes."""

    folder: Path

    def command(self, job: str, name: str) -> list[str]:
        """The words of a job that writes to the folder ``name``."""
        if job == "likelihood":
            words = ["likelihood", "snapshots.safetensors", "--record", "record.json"]
            estimators = Jobs(OUTPUTS).likelihood_estimators(FIG3)
            words += ["--estimators", estimators, "--points", str(OUTPUTS.budget("fig3.points"))]
            words += ["--output", f"{name}/likelihood.csv", "--flagged", f"{name}/flagged.csv"]
            return [*words, "--checkpoint-dir", f"{name}/checkpoints"]
        return self.training(TRAINED[job], name)

    def training(self, run: Run, name: str) -> list[str]:
        """The words of a training job that keeps a checkpoint of every chunk of steps."""
        words = ["train", "--settings", run.experiment.to_json(), "--record", "record.json"]
        words += ["--step-size-table", "step_size.csv", "--curve", f"{name}/curve.csv"]
        words += ["--run-record", f"{name}/run.json", "--weights", f"{name}/weights.safetensors"]
        if run.experiment.snapshots:
            words += ["--snapshots", f"{name}/snapshots.safetensors"]
        return [*words, "--checkpoint-dir", f"{name}/checkpoints", "--checkpoint-seconds", "0"]

    def run(self, words: list[str], seconds: float | None = None) -> Ended:
        """Run a job to its end, or kill it after so many seconds."""
        start = time.monotonic()
        process = subprocess.Popen(
            [sys.executable, "-m", "aevb", *words],
            cwd=self.folder,
            env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            text, _ = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            text, _ = process.communicate()
        finally:
            process.kill()
        return Ended(process.returncode, text, time.monotonic() - start)


@pytest.fixture(scope="module")
def place(real_mnist, tmp_path_factory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("killed")
    _, definitions = load(CONFIG, DATASETS)
    record = data.fetch("mnist", definitions["mnist"], folder / "cache", log=lambda line: None)
    (folder / "record.json").write_text(json.dumps(record))
    (folder / "step_size.csv").write_text("step_size,selected\n0.02,True\n")
    found = Place(folder)
    with pytest.MonkeyPatch.context() as patch:
        # Else every run would compile, and most be killed while they do.
        patch.setenv(compiled.VARIABLE, str(folder / "compiled"))
        ended = found.run(found.training(OUTPUTS.run("mnist", 3, "aevb", 1000), "fig3"))
        assert ended.code == 0, ended.text
        shutil.move(folder / "fig3/snapshots.safetensors", folder)
        yield found


def numbers(folder: Path) -> dict:
    """All numbers that a job wrote, but for times and for where it ran."""
    found: dict = {}
    for path in sorted(folder.glob("*.csv")):
        table = pd.read_csv(path)
        found[path.name] = table.drop(columns="seconds", errors="ignore").to_csv(index=False)
    for path in sorted(folder.glob("*.safetensors")):
        for name, values in load_file(path).items():
            found[path.name, name] = values.tobytes()
    if (folder / "run.json").exists():
        content = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        found["run.json"] = content["final"], content["step_size"], content["experiment"]
    return found


def went_on(text: str, whole: str) -> bool:
    """Whether a run did not start from nothing: it says so, or estimated at fewer snapshots."""
    estimated = whole.count("likelihoods at")
    return "continuing from the checkpoint at" in text or text.count("likelihoods at") < estimated


@pytest.mark.parametrize("job", JOBS)
def test_a_run_that_was_killed_ends_in_the_same_numbers(place, job):
    """All of 20: curves and tables digit for digit, weights bit for bit."""
    first = place.run(place.command(job, f"{job}_first"))
    # With what the first has compiled, and side by side, as those whose times these give.
    with ThreadPoolExecutor(2) as pool:
        commands = [place.command(job, f"{job}_{name}") for name in ("whole", "beside")]
        whole, _ = pool.map(place.run, commands)
    assert (first.code, whole.code) == (0, 0), first.text + whole.text
    wanted = numbers(place.folder / f"{job}_whole")
    assert len(wanted) > 1 and numbers(place.folder / f"{job}_first") == wanted
    times = np.random.default_rng(JOBS.index(job)).uniform(0.1, 1.1, KILLS) * whole.seconds

    def killed_and_resumed(i: int) -> Again:
        folder = place.folder / f"{job}_{i}"
        killed = place.run(place.command(job, folder.name), times[i])
        again = place.run(place.command(job, folder.name))
        found = numbers(folder)
        shutil.rmtree(folder)
        return Again(killed.code == -signal.SIGKILL, again, found)

    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(killed_and_resumed, range(KILLS)))
    assert [one.again.text for one in outcomes if one.again.code != 0] == []
    assert [i for i, one in enumerate(outcomes) if one.numbers != wanted] == []
    killed = [one.again.text for one in outcomes if one.killed]
    resumed = [text for text in killed if went_on(text, whole.text)]
    print(f"{job}: {len(killed)} killed before the end, {len(resumed)} of them resumed")
    assert len(killed) >= LEAST_KILLED and len(resumed) >= LEAST_RESUMED.get(job, 3)
