"""Checkpoints: what is written is read back, and what is damaged or foreign is refused."""

import errno

import numpy as np
import pytest

from aevb import files
from aevb.arrays import Tensors
from aevb.errors import CheckpointError
from aevb.training import checkpoints


def tensors(seed: int = 0) -> Tensors:
    rng = np.random.default_rng(seed)
    return {
        "parameters/weights": rng.normal(size=(2, 3, 4)).astype(np.float32),
        "objective_sum": rng.normal(size=2),
        "iteration": np.array(7, np.int32),
        "curve_samples": np.zeros(0, np.int64),
        "curve": np.zeros((0, 2, 0)),
    }


def same(one: Tensors, other: Tensors) -> bool:
    return one.keys() == other.keys() and all(
        one[name].dtype == other[name].dtype
        and one[name].shape == other[name].shape
        and np.array_equal(one[name], other[name])
        for name in one
    )


def truncate(path, content):
    path.write_bytes(content[: len(content) // 2])


def truncate_last_byte(path, content):
    path.write_bytes(content[:-1])


def flip_in_tensors(path, content):
    path.write_bytes(content[:-20] + bytes([content[-20] ^ 1]) + content[-19:])


def flip_in_header(path, content):
    at = content.index(b"float" if b"float" in content else b"F32")
    path.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])


def empty(path, content):
    path.write_bytes(b"")


def other_format(path, content):
    path.write_bytes(b"<!DOCTYPE html><html>no checkpoint</html>")


DAMAGES = [truncate, truncate_last_byte, flip_in_tensors, flip_in_header, empty, other_format]


def test_round_trip(tmp_path):
    """What is written is read back: names, dtypes, shapes (scalars and empty ones too), values."""
    path = checkpoints.write(tmp_path / "new folder", 300, tensors(), "print")
    assert same(checkpoints.read(path, "print"), tensors())
    samples, found = checkpoints.read_newest(path.parent, "print", 300, print)
    assert samples == 300
    assert same(found, tensors())


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_file_is_refused_by_name(tmp_path, damage):
    """A damaged file is refused with an error that names it and says that it is damaged."""
    path = checkpoints.write(tmp_path, 300, tensors(), "print")
    damage(path, path.read_bytes())
    with pytest.raises(CheckpointError, match="is damaged") as caught:
        checkpoints.read(path, "print")
    assert str(path) in str(caught.value)


def test_foreign_file_is_refused_by_name(tmp_path):
    """A whole checkpoint of another experiment is refused as such, not as damaged."""
    path = checkpoints.write(tmp_path, 300, tensors(), "print")
    with pytest.raises(CheckpointError, match="other settings or another version") as caught:
        checkpoints.read(path, "another print")
    assert str(path) in str(caught.value)
    assert "damaged" not in str(caught.value)


def test_file_without_our_metadata_is_refused(tmp_path):
    """A safetensors file that this package did not write is refused."""
    from safetensors.numpy import save

    path = tmp_path / "000000000300.safetensors"
    path.write_bytes(save(tensors()))
    with pytest.raises(CheckpointError):
        checkpoints.read(path, "print")


@pytest.mark.parametrize("damage", DAMAGES)
def test_newest_falls_back_to_the_older_good_one(tmp_path, damage):
    """With the newest damaged, the older good one is used, and the log names the damaged one."""
    checkpoints.write(tmp_path, 300, tensors(3), "print")
    newest = checkpoints.write(tmp_path, 400, tensors(4), "print")
    damage(newest, newest.read_bytes())
    lines = []
    samples, found = checkpoints.read_newest(tmp_path, "print", 1000, lines.append)
    assert samples == 300
    assert same(found, tensors(3))
    assert len(lines) == 1
    assert str(newest) in lines[0]


def test_newest_falls_back_past_a_foreign_one(tmp_path):
    """A newer checkpoint of another experiment is passed over, named in the log, and kept."""
    checkpoints.write(tmp_path, 300, tensors(3), "print")
    foreign = checkpoints.write(tmp_path, 400, tensors(4), "another print")
    lines = []
    samples, _ = checkpoints.read_newest(tmp_path, "print", 1000, lines.append)
    assert samples == 300
    assert str(foreign) in lines[0]
    assert foreign.exists()


def test_none_when_no_good_one_is_left(tmp_path):
    """Nothing is found in a missing or empty folder, nor where every file is bad."""
    assert checkpoints.read_newest(tmp_path / "missing", "print", 1000, print) is None
    assert checkpoints.read_newest(tmp_path, "print", 1000, print) is None
    for samples in (300, 400):
        path = checkpoints.write(tmp_path, samples, tensors(), "print")
        truncate(path, path.read_bytes())
    lines = []
    assert checkpoints.read_newest(tmp_path, "print", 1000, lines.append) is None
    assert len(lines) == 2


def test_longer_than_the_budget_is_passed_over(tmp_path):
    """A checkpoint beyond the budget is not used, is named in the log and is left alone."""
    checkpoints.write(tmp_path, 300, tensors(3), "print")
    longer = checkpoints.write(tmp_path, 400, tensors(4), "print")
    lines = []
    samples, found = checkpoints.read_newest(tmp_path, "print", 399, lines.append)
    assert (samples, same(found, tensors(3))) == (300, True)
    assert str(longer) in lines[0]
    assert longer.exists()
    assert checkpoints.read_newest(tmp_path, "print", 400, print)[0] == 400


def test_write_keeps_the_newest_two(tmp_path):
    """Of the checkpoints a run writes in turn the newest two stay; other files stay as well."""
    (tmp_path / "notes.txt").write_text("kept")
    (tmp_path / "weights.safetensors").write_text("kept")
    for samples in (100, 900, 1000, 20000):
        checkpoints.write(tmp_path, samples, tensors(), "print")
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "000000001000.safetensors",
        "000000020000.safetensors",
        "notes.txt",
        "weights.safetensors",
    ]


def test_write_never_deletes_a_longer_one(tmp_path):
    """A shorter run that writes beside longer checkpoints deletes only its own old ones."""
    for samples in (5000, 6000):
        checkpoints.write(tmp_path, samples, tensors(), "print")
    for samples in (100, 200, 300):
        checkpoints.write(tmp_path, samples, tensors(), "print")
    assert sorted(int(path.stem) for path in tmp_path.iterdir()) == [200, 300, 5000, 6000]


@pytest.mark.parametrize("call", ["replace", "fsync"])
def test_failing_write_leaves_the_old_ones(tmp_path, monkeypatch, call):
    """When the disk is full the old checkpoints stay whole and no temporary file is left."""
    for samples in (100, 200):
        checkpoints.write(tmp_path, samples, tensors(samples), "print")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def full(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(files.os, call, full)
        for samples in (200, 300):
            with pytest.raises(OSError, match="No space left"):
                checkpoints.write(tmp_path, samples, tensors(9), "print")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    samples, found = checkpoints.read_newest(tmp_path, "print", 1000, print)
    assert (samples, same(found, tensors(200))) == (200, True)
