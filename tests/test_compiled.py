"""Compiled programs are found again by the next process, and never stand in anybody's way."""

import subprocess
import sys

import pytest

from aevb.process import compiled

COMPUTE = """
from aevb.process.startup import start_tensorflow

start_tensorflow(1)
import tensorflow as tf

print(tf.function(lambda x: tf.sin(x) @ x, jit_compile=True)(tf.ones([3, 3])).numpy().tolist())
"""


@pytest.fixture
def folder(monkeypatch, tmp_path):
    """Where programs are kept by ``AEVB_COMPILED``, with nothing to be done on exit."""
    monkeypatch.setenv(compiled.VARIABLE, str(tmp_path / "kept"))
    monkeypatch.delenv("TF_XLA_FLAGS", raising=False)
    monkeypatch.setattr(compiled.atexit, "register", lambda *_: None)
    return tmp_path / "kept"


def test_the_next_process_finds_them(folder):
    """A second process computes the same and writes nothing; what was damaged is made again."""
    outputs, written = [], []
    for damage in (False, False, True):
        if damage:
            (program,) = folder.rglob("*.pb")
            program.write_bytes(program.read_bytes()[:100])
        done = subprocess.run(
            [sys.executable, "-c", COMPUTE], capture_output=True, text=True, check=True
        )
        outputs.append(done.stdout)
        written.append({path: path.stat().st_mtime_ns for path in folder.rglob("*.pb")})
    assert outputs[0] == outputs[1] == outputs[2] != ""
    assert len(written[0]) == 1
    assert written[0] == written[1]
    assert written[0].keys() == written[2].keys() and written[0] != written[2]


def test_only_damaged_ones_are_removed(tmp_path):
    """One that is still without a digest belongs to a process that is running."""
    for name in ("whole", "cut", "changed", "new", "gone"):
        (tmp_path / f"{name}.pb").write_bytes(name.encode() * 100)
        if name != "new":
            compiled.vouch(tmp_path)
    (tmp_path / "new.sha256").unlink(missing_ok=True)
    (tmp_path / "cut.pb").write_bytes(b"cut")
    (tmp_path / "changed.pb").write_bytes(b"changeD" * 100)
    (tmp_path / "gone.pb").unlink()
    compiled.remove_damaged(tmp_path)
    assert sorted(path.name for path in tmp_path.glob("*.pb")) == ["new.pb", "whole.pb"]


@pytest.mark.parametrize(
    "case", ["not asked for", "a file", "a space", "a space above", "no room", "own flag"]
)
def test_nothing_is_kept_where_it_cannot_be(folder, monkeypatch, tmp_path, case):
    """The flags stay as they are, and nothing fails."""
    own = {"own flag": "--tf_xla_persistent_cache_directory=/somewhere"}.get(case, "--tf_xla_x=1")
    monkeypatch.setenv("TF_XLA_FLAGS", own)
    if case == "not asked for":
        monkeypatch.delenv(compiled.VARIABLE)
    if case == "a file":
        folder.write_text("here is no folder", encoding="utf-8")
    if case == "a space":
        monkeypatch.setenv(compiled.VARIABLE, str(tmp_path / "my runs"))
    if case == "a space above":
        (tmp_path / "my runs").mkdir()
        monkeypatch.chdir(tmp_path / "my runs")
        monkeypatch.setenv(compiled.VARIABLE, "kept")
    if case == "no room":
        monkeypatch.setattr(compiled, "_LEAST_FREE", 2**80)
    assert compiled.keep() is None
    assert compiled.os.environ["TF_XLA_FLAGS"] == own


def test_flags_of_others_stay(folder, monkeypatch):
    """The folder is told beside them, and differs by what changes the code that XLA makes."""
    monkeypatch.setenv("TF_XLA_FLAGS", "--tf_xla_x=1")
    first = compiled.keep()
    assert compiled.os.environ["TF_XLA_FLAGS"].startswith(
        f"--tf_xla_x=1 --tf_xla_persistent_cache_directory={first} "
    )
    assert first.parent == folder
    monkeypatch.setenv("TF_XLA_FLAGS", "")
    monkeypatch.setenv("XLA_FLAGS", "--xla_backend_optimization_level=1")
    assert compiled.keep() not in (first, None)
