"""What came of the attempts to get the data, and when there is to be another."""

import json
from pathlib import Path

import pytest

from aevb.data import attempts
from aevb.errors import DataError


def definition(**file: str) -> dict:
    return {"sources": [{"kind": "https"}, {"kind": "local"}], "files": {"x.npz": file}}


@pytest.fixture
def folder(tmp_path) -> str:
    """A local folder that holds the file."""
    (tmp_path / "x.npz").write_bytes(b"0")
    return str(tmp_path)


def test_a_file_that_comes_or_changes_is_another_attempt(folder, tmp_path):
    """Nothing, then the file, then a newer one; a packed one counts as well."""
    told = [attempts.attempt(definition(), str(tmp_path / "other"), None)]
    told.append(attempts.attempt(definition(), folder, {"available": False}))
    Path(folder, "x.npz").touch()
    told.append(attempts.attempt(definition(), folder, None))
    Path(folder, "x.npz.gz").touch()
    told.append(attempts.attempt(definition(), folder, None))
    assert told[0] == "no local file" and told[0] == attempts.attempt(definition(), None, None)
    assert len(set(told)) == 4


def test_what_was_had_is_not_had_again(folder):
    """With a checksum it is the same wherever the folder is; without one a file is looked at."""
    had = {"available": True, "attempt": "once"}
    assert attempts.attempt(definition(sha256="0"), folder, had) == "once"
    assert attempts.attempt(definition(), None, had) == "once"
    assert attempts.attempt(definition(), folder, had) != "once"


def test_a_source_may_have_a_folder_of_its_own(folder):
    """It comes before the one for all."""
    own = definition() | {"sources": [{"kind": "local", "folder": folder}]}
    assert "x.npz" in attempts.attempt(own, None, None)


def test_what_was_left_out_has_its_reason(tmp_path):
    """Of the data sets that were tried; a damaged record is named, with what to do."""
    paths = [tmp_path / f"{name}.json" for name in ("a", "b", "c")]
    paths[0].write_text(json.dumps({"dataset": "a", "available": True}))
    paths[1].write_text(json.dumps({"dataset": "b", "available": False, "reason": "no network"}))
    assert attempts.left_out(paths) == {"b": "no network"}
    assert "LEFT OUT: b" in attempts.banner("b", "no network", "data")
    paths[2].write_text('{"dataset": "c"}')
    with pytest.raises(DataError, match="is damaged; delete it"):
        attempts.left_out(paths)
