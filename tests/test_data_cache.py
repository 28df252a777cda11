"""The cached file: used when it verifies, replaced when damaged, never half-written; the split."""

import errno
import hashlib
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import scipy.io

from aevb import data
from aevb.errors import DataError

PIXELS = np.random.default_rng(0).integers(0, 256, (40, 12), np.uint8)


@pytest.fixture(autouse=True)
def no_data_dir(monkeypatch):
    monkeypatch.delenv("AEVB_DATA_DIR", raising=False)


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "a folder"
    folder.mkdir()
    scipy.io.savemat(folder / "faces.mat", {"ff": PIXELS.T})
    np.savez(folder / "own.npz", train=PIXELS[:30], test=PIXELS[30:])
    return folder


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "a cache"


def faces(**split) -> dict:
    return {
        "label": "Faces",
        "observation": "gaussian",
        "image_shape": [4, 3],
        "format": "frey_mat",
        "files": {
            "faces.mat": {"variable": "ff", "sha256": hashlib.sha256(PIXELS.tobytes()).hexdigest()}
        },
        "sources": [{"kind": "local"}],
        "split": {"train": 25, "test": 10, **split},
    }


def own(**file) -> dict:
    return {
        "label": "Own",
        "observation": "bernoulli",
        "image_shape": [4, 3],
        "format": "npz",
        "files": {"own.npz": file},
        "sources": [{"kind": "local"}],
    }


def quiet(line: str) -> None:
    pass


def test_verified_cache_needs_no_source(folder, cache):
    first = data.fetch("faces", faces(), cache, folder, quiet)
    before = Path(first["path"]).stat()
    again = data.fetch("faces", faces(), cache, folder / "nowhere", quiet)
    assert again == first
    assert again["source"] == {"faces.mat": "local folder"}
    assert Path(first["path"]).stat().st_mtime_ns == before.st_mtime_ns


def flip_a_pixel(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[content.find(PIXELS.tobytes()) + 5] ^= 1
    path.write_bytes(content)


def replace_the_pixels(path: Path) -> None:
    """Leave a file that agrees with itself, but not with the hash in the definition."""
    sha256 = {"faces.mat": hashlib.sha256(PIXELS[::-1].tobytes()).hexdigest()}
    provenance = np.array(json.dumps({"sha256": sha256, "source": {}}))
    np.savez(path, images=PIXELS[::-1], provenance=provenance)


DAMAGE = {
    "flipped bit": flip_a_pixel,
    "truncated": lambda path: path.write_bytes(path.read_bytes()[:-50]),
    "empty": lambda path: path.write_bytes(b""),
    "text": lambda path: path.write_text("hello"),
    "other pixels": replace_the_pixels,
    "no array": lambda path: np.savez(path, provenance=np.array('{"sha256": {}, "source": {}}')),
    "no provenance": lambda path: np.savez(path, images=PIXELS),
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_damaged_cache_is_told_and_fetched_again(folder, cache, kind):
    path = Path(data.fetch("faces", faces(), cache, folder, quiet)["path"])
    good = path.read_bytes()
    DAMAGE[kind](path)
    with pytest.raises(DataError, match=r"damaged.*run the fetch step again"):
        data.load("faces", faces(), path)
    lines: list[str] = []
    data.fetch("faces", faces(), cache, folder, lines.append)
    assert "damaged" in lines[0]
    assert path.read_bytes() == good


def test_damaged_unpinned_cache_is_detected(folder, cache):
    path = Path(data.fetch("own", own(), cache, folder, quiet)["path"])
    with np.load(path) as archive:
        arrays = dict(archive)
    arrays["train"][0, 0] ^= 1
    np.savez(path, **arrays)
    with pytest.raises(DataError, match="damaged"):
        data.load("own", own(), path)


def test_missing_cache(cache):
    with pytest.raises(DataError, match="is missing; run the fetch step again"):
        data.load("faces", faces(), cache / "faces.npz")


@pytest.mark.parametrize("call", ["replace", "fsync"])
@pytest.mark.parametrize("old", [True, False], ids=["old file", "no old file"])
def test_full_disk_leaves_the_old_file_and_nothing_else(folder, cache, monkeypatch, call, old):
    path = cache / "faces.npz"
    if old:
        cache.mkdir()
        path.write_bytes(b"old, and to be replaced")

    def full(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, call, full)
    with pytest.raises(DataError, match=r"cannot be written: No space left on device"):
        data.fetch("faces", faces(), cache, folder, quiet)
    assert [entry.name for entry in cache.iterdir()] == (["faces.npz"] if old else [])
    assert not old or path.read_bytes() == b"old, and to be replaced"


def test_interrupt_leaves_nothing(folder, cache, monkeypatch):
    def interrupt(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        data.fetch("faces", faces(), cache, folder, quiet)
    assert list(cache.iterdir()) == []


def test_cache_folder_that_cannot_be_made(folder, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DataError, match="cannot be written"):
        data.fetch("faces", faces(), tmp_path / "file" / "cache", folder, quiet)


def test_own_npz(folder, cache):
    record = data.fetch("own", own(), cache, folder, quiet)
    assert record["sha256"]["own.npz"] == hashlib.sha256(PIXELS.tobytes()).hexdigest()
    dataset = data.load("own", own(), Path(record["path"]))
    assert dataset.image_shape == (4, 3)
    assert dataset.validation.shape == (0, 12)
    np.testing.assert_array_equal(dataset.train, PIXELS[:30])
    np.testing.assert_array_equal(dataset.test, PIXELS[30:])


def test_own_npz_that_changes_is_noticed(folder, cache):
    data.fetch("own", own(), cache, folder, quiet)
    np.savez(folder / "own.npz", train=PIXELS[:20], test=PIXELS[20:30])
    record = data.fetch("own", own(), cache, folder, quiet)
    assert data.load("own", own(), Path(record["path"])).train.shape == (20, 12)
    (folder / "own.npz").unlink()
    assert data.fetch("own", own(), cache, folder, quiet) == record


def test_own_npz_with_a_pinned_hash(folder, cache):
    pinned = own(sha256=hashlib.sha256(PIXELS.tobytes()).hexdigest())
    data.fetch("own", pinned, cache, folder, quiet)
    with pytest.raises(DataError, match="wrong content"):
        data.fetch("own", own(sha256="0" * 64), cache / "other", folder, quiet)


@pytest.mark.parametrize("seed", [0, 3])
def test_shuffled_split(folder, cache, seed):
    path = Path(data.fetch("faces", faces(), cache, folder, quiet)["path"])
    dataset = data.load("faces", faces(validation=5, shuffle_seed=seed), path)
    order = np.random.default_rng(seed).permutation(40)
    np.testing.assert_array_equal(dataset.train, PIXELS[order[:25]])
    np.testing.assert_array_equal(dataset.validation, PIXELS[order[25:30]])
    np.testing.assert_array_equal(dataset.test, PIXELS[order[30:]])


def test_video_order(folder, cache):
    path = Path(data.fetch("faces", faces(), cache, folder, quiet)["path"])
    for definition in (faces(), faces(shuffle_seed=None)):
        dataset = data.load("faces", definition, path)
        np.testing.assert_array_equal(dataset.train, PIXELS[:25])
        np.testing.assert_array_equal(dataset.test, PIXELS[25:35])


def test_split_larger_than_the_data(folder, cache):
    path = Path(data.fetch("faces", faces(), cache, folder, quiet)["path"])
    with pytest.raises(DataError, match=r"asks for more than the 40 images"):
        data.load("faces", faces(train=31), path)


def test_record_round_trip(folder, cache, tmp_path):
    record = data.fetch("faces", faces(), cache, folder, quiet)
    path = tmp_path / "records" / "faces.json"
    data.write_record(record, path)
    assert json.loads(path.read_text()) == record
    assert data.available_path(path) == cache / "faces.npz"


def test_unavailable_record(tmp_path):
    record = data.unavailable_record("faces", DataError("HTTP 403"))
    assert record == {"dataset": "faces", "available": False, "reason": "HTTP 403"}
    data.write_record(record, tmp_path / "faces.json")
    with pytest.raises(DataError, match="faces is not available: HTTP 403"):
        data.available_path(tmp_path / "faces.json")


@pytest.mark.parametrize("content", [None, "", "[]", "{}"])
def test_bad_record(tmp_path, content):
    path = tmp_path / "faces.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(DataError, match="run the fetch step again"):
        data.available_path(path)


def test_record_write_failure_keeps_the_old_one(tmp_path, monkeypatch):
    path = tmp_path / "faces.json"
    data.write_record({"dataset": "old"}, path)
    before = path.read_text()

    def full(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(DataError, match="cannot be written"):
        data.write_record({"dataset": "new"}, path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["faces.json"]
    assert path.read_text() == before


def test_cached_file_is_the_same_each_time(folder, cache):
    first = Path(data.fetch("faces", faces(), cache, folder, quiet)["path"]).read_bytes()
    (cache / "faces.npz").unlink()
    assert Path(data.fetch("faces", faces(), cache, folder, quiet)["path"]).read_bytes() == first
    with np.load(io.BytesIO(first)) as archive:
        assert archive["images"].dtype == np.uint8


def test_no_tensorflow_is_imported():
    code = "import sys, aevb.data; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
