"""What happens to Snakemake itself, done to it for real: killed, started twice, its worker killed,
the clock set back.

Nothing that was finished is lost, and the numbers are those of a run to which nothing happened.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from processes import at_work_in
from project import RUNS, Copy

pytestmark = [pytest.mark.slow, pytest.mark.workflow, pytest.mark.timeout(1200)]

CURVE = f"{RUNS}/aevb/latent_dim_2/curve.csv"
CHECKPOINTS = f".checkpoints/{RUNS}/aevb/latent_dim_2"
# The first option is one of the default profile's, which the copy does not have.
BUDGET = (
    "--rerun-incomplete",
    *("--config", "training_samples=2000000", "checkpoint_seconds=0.05"),
)
PATIENCE = 300.0


def start(copy: Copy) -> subprocess.Popen:
    """Snakemake on its way to one curve, in a process group of its own."""
    command = [sys.executable, "-m", "snakemake", "--cores", "2", CURVE, *BUDGET]
    return subprocess.Popen(
        command,
        cwd=copy.folder,
        env=copy.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def checkpoints(copy: Copy) -> list[Path]:
    return sorted((copy.folder / CHECKPOINTS).glob("*.safetensors"))


def workers(copy: Copy) -> list[int]:
    """The processes that train in this copy."""
    return [
        process.pid
        for process, words, _ in at_work_in(copy.folder)
        if "train" in words and words[0].endswith(("python", "python3"))
    ]


def wait_for(condition, process: subprocess.Popen) -> None:
    """Until the condition holds; fails where the process ends before or it takes too long."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.fixture(scope="module", autouse=True)
def compiled_once(tmp_path_factory) -> Iterator[None]:
    """The processes find what the first of them has compiled; that is not for folders with spaces
    in their name, but for a flag."""
    folder = tmp_path_factory.mktemp("compiled")
    flags = ("directory", folder), ("device_types", "CPU")
    words = " ".join(f"--tf_xla_persistent_cache_{name}={value}" for name, value in flags)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TF_XLA_FLAGS", words)
        yield


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> bytes:
    """The curve of a run to which nothing happened."""
    copy = Copy(tmp_path_factory.mktemp("whole"))
    code, text = copy.snakemake(CURVE, *BUDGET)
    assert code == 0, text
    return (copy.folder / CURVE).read_bytes()


@pytest.fixture
def copy(tmp_path) -> Copy:
    return Copy(tmp_path)


def test_killed_worker(copy, whole):
    """A worker killed outright, as by a memory limit, is started again and goes on."""
    process = start(copy)
    try:
        wait_for(lambda: checkpoints(copy), process)
        killed = workers(copy)
        assert killed
        for number in killed:
            os.kill(number, signal.SIGKILL)
        text, _ = process.communicate(timeout=PATIENCE)
    finally:
        process.kill()
    assert process.returncode == 0, text
    log = copy.read(f"{RUNS}/aevb/latent_dim_2/logs/train.log")
    assert "continuing from the checkpoint at" in log
    assert (copy.folder / CURVE).read_bytes() == whole


@pytest.mark.parametrize("orphan", [False, True], ids=["with its workers", "alone"])
def test_killed_snakemake(copy, whole, orphan):
    """kill -9 of Snakemake, with its workers or without: what it says to do is enough, what was
    selected is kept, and even beside the worker that it left behind the numbers come out."""
    process = start(copy)
    wait_for(lambda: checkpoints(copy), process)
    left = workers(copy)
    if orphan:
        process.kill()
    else:
        os.killpg(process.pid, signal.SIGKILL)
        for number in left:
            os.kill(number, signal.SIGKILL)
    process.wait()
    selected = copy.folder / f"{RUNS}/aevb/step_size.csv"
    before = selected.stat().st_mtime_ns
    try:
        code, text = copy.snakemake(CURVE, *BUDGET)
        if code != 0:
            assert "--unlock" in text, text
            assert "Traceback" not in text
            code, text = copy.snakemake("--unlock")
            assert code == 0, text
            code, text = copy.snakemake(CURVE, *BUDGET)
        assert code == 0, text
    finally:
        for number in workers(copy):
            os.kill(number, signal.SIGKILL)
    assert (copy.folder / CURVE).read_bytes() == whole
    assert selected.stat().st_mtime_ns == before


def test_ctrl_c(copy, whole):
    """It stops what runs, with a checkpoint from which the same command goes on."""
    process = start(copy)
    wait_for(lambda: checkpoints(copy), process)
    os.killpg(process.pid, signal.SIGINT)
    text, _ = process.communicate(timeout=30)
    assert process.returncode != 0
    assert not workers(copy), text
    assert 0 < int(checkpoints(copy)[-1].stem) < 2_000_000
    code, text = copy.snakemake(CURVE, *BUDGET)
    assert code == 0, text
    assert "continuing from the checkpoint at" in text
    assert (copy.folder / CURVE).read_bytes() == whole


def test_two_at_once(copy, whole):
    """The second Snakemake in a folder is told that the first is at work, and disturbs nothing."""
    process = start(copy)
    try:
        wait_for(lambda: list((copy.folder / ".snakemake/locks").glob("*")), process)
        code, text = copy.snakemake(CURVE, *BUDGET)
        assert code != 0
        assert "cannot be locked" in text and "Traceback" not in text
        text, _ = process.communicate(timeout=PATIENCE)
    finally:
        process.kill()
    assert process.returncode == 0, text
    assert (copy.folder / CURVE).read_bytes() == whole


def stamp(copy: Copy, first: float) -> None:
    """Give all files times from ``first`` on, in their order."""
    files = [path for path in copy.folder.rglob("*") if path.is_file()]
    files = [path for path in files if ".snakemake" not in path.parts]
    for i, path in enumerate(sorted(files, key=lambda path: path.stat().st_mtime_ns)):
        os.utime(path, (first + i * 1e-3, first + i * 1e-3))


def test_clock_set_back(copy, whole):
    """Files from tomorrow are not made anew. What would be older than they are is refused in plain
    words; nothing finished is lost, and once the clock is right the numbers come out."""
    code, text = copy.snakemake(f"{RUNS}/aevb/step_size.csv", *BUDGET)
    assert code == 0, text
    stamp(copy, time.time() + 86_400)
    assert copy.planned(f"{RUNS}/aevb/step_size.csv", *BUDGET) == {}
    code, text = copy.snakemake(CURVE, *BUDGET)
    assert code != 0
    assert "clock skew" in text and "Traceback" not in text
    assert not (copy.folder / CURVE).exists()
    assert (copy.folder / RUNS / "aevb/step_size.csv").exists()
    assert checkpoints(copy)[-1].stem == f"{2_000_000:012d}"
    stamp(copy, time.time() - 60)
    code, text = copy.snakemake(CURVE, *BUDGET)
    assert code == 0, text
    assert "continuing from the checkpoint at 2,000,000 samples" in text
    assert (copy.folder / CURVE).read_bytes() == whole
