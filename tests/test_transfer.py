"""Checkpoints packed on one machine and unpacked on another."""

import io
import tarfile

import numpy as np
import pytest

from aevb.errors import CheckpointError
from aevb.training import checkpoints
from aevb.workflow.transfer import export_checkpoints, import_checkpoints


@pytest.fixture
def kept(tmp_path):
    """Checkpoints of two runs at two scales."""
    folder = tmp_path / "here"
    for scale in ("quick", "full"):
        for samples in (100, 200):
            tensors = {"w": np.full(3, samples, np.float32)}
            checkpoints.write(folder / f"results/{scale}/runs/a", samples, tensors, "print")
    return folder


def export(kept, tmp_path, prefix=""):
    archive = tmp_path / "to go/checkpoints.tar"
    export_checkpoints(kept, archive, lambda line: None, prefix)
    return archive


def unpack(archive, tmp_path):
    lines = []
    n = import_checkpoints(archive, tmp_path / "there", lines.append)
    return n, lines


def files(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_round_trip(kept, tmp_path):
    """Every checkpoint arrives, byte for byte, and is used as its run's newest."""
    n, _ = unpack(export(kept, tmp_path), tmp_path)
    assert n == 4
    assert files(tmp_path / "there") == files(kept)
    found = checkpoints.read_newest(
        tmp_path / "there/results/full/runs/a", "print", 1000, lambda line: None
    )
    assert found[0] == 200


def test_one_scale_alone(kept, tmp_path):
    """Of one scale, and none of a scale that was never run."""
    unpack(export(kept, tmp_path, "results/full"), tmp_path)
    assert len(files(tmp_path / "there")) == 2
    with pytest.raises(CheckpointError, match="holds no checkpoints; train first"):
        export(kept, tmp_path, "results/paper")


def test_what_is_there_is_left_alone(kept, tmp_path):
    """A checkpoint of the same name is not written over, and is named."""
    archive = export(kept, tmp_path)
    mine = tmp_path / "there/results/full/runs/a/000000000200.safetensors"
    mine.parent.mkdir(parents=True)
    mine.write_bytes(b"mine")
    n, lines = unpack(archive, tmp_path)
    assert n == 3 and mine.read_bytes() == b"mine"
    assert any("left alone" in line and str(mine) in line for line in lines)


def flip(content: bytes) -> bytes:
    at = content.index(b"checksum") + 30
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


DAMAGES = {
    # An archive ends in zeros, so half of it may be whole.
    "cut": (lambda content: content[:2000], "not a whole archive"),
    "flipped": (flip, "is damaged; export it again"),
    "empty": (lambda content: b"", "not a whole archive"),
    "text": (lambda content: b"<html>", "not a whole archive"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_archive(kept, tmp_path, damage):
    """One line; nothing damaged is left."""
    change, message = DAMAGES[damage]
    archive = export(kept, tmp_path)
    archive.write_bytes(change(archive.read_bytes()))
    with pytest.raises(CheckpointError, match=message) as refused:
        unpack(archive, tmp_path)
    assert str(archive) in str(refused.value) and "\n" not in str(refused.value)
    sound = files(kept)
    assert all(sound[name] == content for name, content in files(tmp_path / "there").items())


@pytest.mark.parametrize("name", ["../x.safetensors", "/tmp/x.safetensors", "x.py"])
def test_an_archive_cannot_write_elsewhere(tmp_path, name):
    """Names that leave the folder, or are no checkpoint's, are refused."""
    archive = tmp_path / "evil.tar"
    with tarfile.open(archive, "w") as tar:
        for entry, content in ((name, b"x"), ("hashes.json", f'{{"{name}": "0"}}'.encode())):
            member = tarfile.TarInfo(entry)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    with pytest.raises(CheckpointError, match="is no name of a checkpoint"):
        unpack(archive, tmp_path)


def test_missing_archive(tmp_path):
    """A file that is not there."""
    with pytest.raises(CheckpointError, match="there is no such file"):
        unpack(tmp_path / "none.tar", tmp_path)
