"""What happens to long runs, done to one for real: damaged and foreign checkpoints, a full disk, a
read-only folder, a clock set back, no memory, NaN in a minibatch.

Each ends in one clear line, leaves no half-written output, keeps what was finished, and the same
command, once the fault is gone, gives the numbers of a run to which nothing happened.
"""

import contextlib
import io
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from safetensors.numpy import load_file

from aevb import cli
from aevb.process.progress import LOGGER
from aevb.training import assembly
from aevb.training.backends.tensorflow import Trainer
from place import Place, settings

pytestmark = pytest.mark.long

SAMPLES = 400_000
OUTPUTS = ("curve.csv", "run.json", "weights.safetensors")


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Place:
    """A folder whose name has spaces and letters beyond ASCII."""
    return Place(tmp_path_factory.mktemp("Läufe für Zoë, 数"))


@pytest.fixture(autouse=True)
def here(place, monkeypatch):
    monkeypatch.chdir(place.folder)
    yield
    for handler in LOGGER.handlers:
        handler.close()
    LOGGER.handlers.clear()


def train(place: Place, name: str, **changes: str) -> tuple[int, str]:
    """Exit code and messages of `aevb train`, in this process."""
    changes = {"settings": settings(training_samples=SAMPLES), "checkpoint_seconds": "0"} | changes
    before, sys.argv = sys.argv, ["aevb", *place.command(name, **changes)[3:]]
    text, code = io.StringIO(), 0
    try:
        with contextlib.redirect_stderr(text):
            cli.main()
    except SystemExit as ended:
        code = ended.code or 0
    finally:
        sys.argv = before
    return code, text.getvalue()


@pytest.fixture(scope="module")
def whole(place) -> Path:
    """The outputs of a run to which nothing happened."""
    with contextlib.chdir(place.folder):
        code, text = train(place, "whole")
    assert code == 0, text
    return place.folder / "whole"


def assert_one_line(code: int, text: str, *wanted: str) -> None:
    assert code == 1, text
    assert "Traceback" not in text
    (line,) = [line for line in text.splitlines() if "error: " in line]
    assert text.splitlines()[-1] == line
    for part in wanted:
        assert part in line


def assert_nothing_half_written(folder: Path) -> None:
    """No output, and no temporary file."""
    left = [path.name for path in folder.rglob("*") if path.is_file()]
    assert not [name for name in left if name in OUTPUTS or name.startswith(".")], left


def assert_same(folder: Path, whole: Path) -> None:
    """Curve byte for byte and weights bit for bit."""
    assert (folder / "curve.csv").read_bytes() == (whole / "curve.csv").read_bytes()
    one, other = (load_file(path / "weights.safetensors") for path in (folder, whole))
    assert one.keys() == other.keys()
    for tensor in one:
        np.testing.assert_array_equal(one[tensor], other[tensor])


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def flip_a_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-200] ^= 4
    path.write_bytes(content)


@pytest.mark.parametrize("damage", [truncate, flip_a_bit])
def test_damaged_checkpoint(place, whole, damage):
    """The newest checkpoint is refused by name, the one before serves."""
    folder = place.folder / damage.__name__
    shutil.copytree(whole / "checkpoints", folder / "checkpoints")
    *_, older, newest = sorted((folder / "checkpoints").glob("*.safetensors"))
    damage(newest)
    code, text = train(place, folder.name)
    assert code == 0, text
    assert f"checkpoint refused: {newest.relative_to(place.folder)} is damaged" in text
    assert f"continuing from the checkpoint at {int(older.stem):,} samples" in text
    assert_same(folder, whole)


def test_checkpoint_of_another_configuration(place, whole):
    """Checkpoints of a run with other settings are refused, and training starts anew."""
    folder = place.folder / "foreign"
    code, text = train(
        place, folder.name, settings=settings(training_samples=SAMPLES, weight_prior="none")
    )
    assert code == 0, text
    for name in OUTPUTS:
        (folder / name).unlink()
    code, text = train(place, folder.name)
    assert code == 0, text
    assert "belongs to other settings or another version of the code" in text
    assert "continuing" not in text
    assert_same(folder, whole)


def test_nan_in_a_minibatch(place, whole, monkeypatch):
    """Training stops with the step and what to do; checkpoints from before it remain, and none
    holds a NaN."""
    sound, step = Trainer._minibatch, 15_000

    def spoilt(self, data, seeds, iteration):
        batch = sound(self, data, seeds, iteration)
        return tf.where(iteration == step, np.float32(np.nan) * batch, batch)

    folder = place.folder / "nan"
    trainer = assembly.trainer
    with monkeypatch.context() as patched:
        patched.setattr(Trainer, "_minibatch", spoilt)
        patched.setattr(assembly, "trainer", lambda *given: replace(trainer(*given)))
        code, text = train(place, folder.name)
    assert_one_line(code, text, "non-finite at step 15000", "try a smaller step size")
    assert_nothing_half_written(folder)
    kept = place.checkpoints(folder.name)
    assert kept and kept[-1] < step * 20
    code, text = train(place, folder.name)
    assert code == 0, text
    assert f"continuing from the checkpoint at {kept[-1]:,} samples" in text
    assert_same(folder, whole)


@contextlib.contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """A file system of 256 KiB at ``folder``; skips the test where none may be mounted."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)]
    if not shutil.which("mount") or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("no file system may be mounted here; run as root to try a full disk")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(folder: Path) -> Path:
    """Take all space that is left, but for the last few kilobytes."""
    filler = folder / "filler"
    with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(1024))
    os.truncate(filler, filler.stat().st_size - 4096)
    return filler


def test_full_disk(place, whole):
    """A disk that is full stops the run in one line; with space again it goes on."""
    folder = place.folder / "full disk"
    with small_disk(folder):
        code, text = train(place, folder.name, settings=settings(training_samples=SAMPLES // 2))
        assert code == 0, text
        for name in OUTPUTS:
            (folder / name).unlink()
        kept = place.checkpoints(folder.name)
        filler = fill(folder)
        code, text = train(place, folder.name)
        assert_one_line(
            code, text, "No space left on device", "free some space", "full disk/checkpoints/"
        )
        filler.unlink()
        assert_nothing_half_written(folder)
        assert place.checkpoints(folder.name) == kept
        code, text = train(place, folder.name)
        assert code == 0, text
        assert f"continuing from the checkpoint at {SAMPLES // 2:,} samples" in text
        assert_same(folder, whole)


def test_disk_that_fills_up_under_the_log(place, whole):
    """A log that cannot be written any more is no reason to stop, or for a traceback."""
    folder = place.folder / "full log"
    with small_disk(folder):
        filler = fill(folder)
        os.truncate(filler, filler.stat().st_size + 4096)
        code, text = train(place, "beside the log", log=f"{folder.name}/train.log")
        assert code == 0 and "Traceback" not in text, text
    assert_same(place.folder / "beside the log", whole)


def test_read_only_folder(place, whole):
    """Results that may not be written end in one line; training itself is not lost."""
    folder = place.folder / "read only"
    elsewhere = {"checkpoint_dir": "kept elsewhere"}
    with small_disk(folder):
        subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
        code, text = train(place, folder.name, **elsewhere)
        assert_one_line(code, text, "Read-only file system", "make it writable", "read only/")
        assert not list(folder.iterdir())
        subprocess.run(["mount", "-o", "remount,rw", str(folder)], check=True)
        code, text = train(place, folder.name, **elsewhere)
        assert code == 0, text
        assert f"continuing from the checkpoint at {SAMPLES:,} samples" in text
        assert_same(folder, whole)


def test_clock_set_back(place, whole, monkeypatch):
    """Checkpoints from a day that has not come yet, and a clock that runs backwards: the newest is
    the one with the most samples, and the numbers stay."""
    folder = place.folder / "clock"
    code, text = train(place, folder.name, settings=settings(training_samples=SAMPLES // 2))
    assert code == 0, text
    tomorrow = time.time() + 86_400
    for i, path in enumerate(sorted((folder / "checkpoints").iterdir())):
        os.utime(path, (tomorrow - i, tomorrow - i))
    start = time.time()
    calls = iter(range(10**9))
    monkeypatch.setattr(time, "time", lambda: start - 3600.0 * next(calls))
    code, text = train(place, folder.name)
    assert code == 0, text
    assert f"continuing from the checkpoint at {SAMPLES // 2:,} samples" in text
    assert_same(folder, whole)


@pytest.mark.workflow
def test_out_of_memory(place):
    """A network that does not fit into the memory allowed ends in one line that says so."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (4 * 2**30, 4 * 2**30))

    outcome = place.run("huge", limit=limit, settings=settings(hidden_units=3_000_000))
    assert_one_line(outcome.code, outcome.text, "out of memory", "mem_mb", "smaller")
    assert not outcome.finished
    assert_nothing_half_written(place.folder / "huge")
