"""What two folders of results differ in: everything but times is found."""

import json
from pathlib import Path

import numpy as np
import pytest

from aevb.arrays import to_safetensors
from aevb.audit.differences import differences
from aevb.errors import DataError

CURVE = "runs/authors/tiny/aevb/latent_dim_2/curve.csv"
RUN = "runs/authors/tiny/aevb/latent_dim_2/run.json"
WEIGHTS = "runs/authors/tiny/aevb/latent_dim_2/weights.safetensors"


def write(folder: Path, name: str, content: str | bytes) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)


def results(folder: Path) -> Path:
    """A folder with a file of each kind."""
    write(folder, CURVE, "training_samples,bound,seconds\n100,-200.5,1.5\n200,-150.25,3\n")
    record = {"final": {"bound": -150.25}, "samples_per_second": 100.0, "threads": 1}
    write(folder, RUN, json.dumps(record))
    weights = to_safetensors({"w": np.arange(3.0)}, {"b": "2", "a": "1"})
    write(folder, WEIGHTS, weights)
    write(folder, "runs/authors/tiny/aevb/latent_dim_2/logs/train.log", "08:00:00 trained\n")
    write(folder, "tables/runs.csv", "dataset,training_minutes\ntiny,0.5\n")
    write(folder, "tables/runs.html", "<td>0.5</td>")
    write(folder, "tables/truth.html", "<td>1</td>")
    write(folder, "figures/fig2.pdf", b"%PDF")
    write(folder, "manifest.json", '{"files": {}}')
    return folder


@pytest.fixture
def two(tmp_path) -> tuple[Path, Path]:
    return results(tmp_path / "one"), results(tmp_path / "other")


def test_the_same(two):
    """Nothing, where all is the same."""
    assert list(differences(*two)) == []


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (CURVE, "training_samples,bound,seconds\n100,-200.5,7\n200,-150.25,9\n"),
        (
            RUN,
            '{"final": {"bound": -150.25}, "samples_per_second": 3, "threads": 1,'
            ' "last_process": {"wall_seconds": 2, "peak_memory_gb": 1}}',
        ),
        ("tables/runs.html", "<td>0.7</td>"),
        ("manifest.json", '{"files": {"a": "b"}}'),
        ("report.html", "<html>"),
        ("runs/authors/tiny/aevb/latent_dim_2/logs/train.log", "09:00:00 trained\n"),
        ("logs/fetch.log", "another"),
    ],
)
def test_times_do_not_count(two, name, content):
    """What a run measured of itself, logs, and the list of hashes differ without a word."""
    write(two[1], name, content)
    assert list(differences(*two)) == []


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        (
            CURVE,
            "training_samples,bound,seconds\n100,-200.5,1.5\n200,-150.5,3\n",
            "bound in 1 of 2 rows, by 0.25 at most",
        ),
        (
            CURVE,
            "training_samples,bound,seconds\n100,,1.5\n200,-150.25,3\n",
            "bound in 1 of 2 rows",
        ),
        (
            CURVE,
            "training_samples,bound,seconds\n100,-200.5,1.5\n200,diverged,3\n",
            "bound in 1 of 2 rows",
        ),
        (
            CURVE,
            "training_samples,bound,seconds\n100,-200.50,1.5\n200,-150.25,3\n",
            "bound in 1 of 2 rows, by 0 at most",
        ),
        (
            CURVE,
            "training_samples,bound,minutes\n100,-200.5,1.5\n200,-150.25,3\n",
            "has other columns",
        ),
        (CURVE, "", "differs, and is damaged"),
        (CURVE, b"\xff\xfe", "differs, and is damaged"),
        (RUN, "3", "final/bound, threads, all of it"),
        (
            RUN,
            '{"final": {"bound": -150.25, "seconds": {}}, "threads": 1, "x": null}',
            "x",
        ),
        (
            RUN,
            '{"final": {"bound": -150.25}, "threads": true, "memory_study": {"bound": 1}}',
            "threads, memory_study/bound",
        ),
        (CURVE, "training_samples,bound,seconds\n100,-200.5,1.5\n", "has 2 and 1 rows"),
        (CURVE, "training_samples,seconds\n100,1.5\n200,3\n", "has other columns"),
        (
            RUN,
            '{"final": {"bound": -150.0}, "samples_per_second": 100.0, "code": "x"}',
            "final/bound, threads, code",
        ),
        (RUN, "{", "differs, and is damaged"),
        (WEIGHTS, to_safetensors({"w": np.arange(3.0) + 1e-9}, {"b": "2", "a": "1"}), "differs"),
        ("tables/truth.html", "<td>2</td>", "differs"),
        ("figures/fig2.pdf", b"%PDF2", "differs"),
    ],
)
def test_everything_else_counts(two, name, content, what):
    """A number, a row, a column, a key, a byte of a picture or a page."""
    write(two[1], name, content)
    assert list(differences(*two)) == [(name, what)]


@pytest.mark.parametrize("values", [("", "nan"), ("NA", "None"), ("12", "0012")])
def test_numbers_are_compared_as_written(two, values):
    """What a reader of tables takes for the same is not the same."""
    for folder, value in zip(two, values, strict=True):
        write(folder, CURVE, f"training_samples,bound\n100,{value}\n")
    (found,) = differences(*two)
    assert found.what.startswith("bound in 1 of 1 rows")


def test_a_page_of_no_folder(two, monkeypatch):
    """Folders may be named from where one stands."""
    write(two[0], "explorer.html", "<html>")
    write(two[1], "explorer.html", "<body>")
    monkeypatch.chdir(two[0])
    found = list(differences(Path(), Path("../other")))
    assert found == [("explorer.html", "differs")]


@pytest.mark.parametrize("which", [0, 1])
def test_a_missing_file_counts(two, which):
    """In either folder."""
    (two[which] / WEIGHTS).unlink()
    assert list(differences(*two)) == [(WEIGHTS, f"is not in {two[which]}")]


def test_nothing_is_not_the_same_as_nothing(two, tmp_path):
    """A folder without results is refused, on both sides."""
    for pair in ((two[0], tmp_path / "none"), (tmp_path / "none", two[0])):
        with pytest.raises(DataError, match="there are no results"):
            list(differences(*pair))


def test_command(run, two):
    """It lists, and ends with 1 where they differ."""
    code, out, _ = run("compare", *two)
    assert code == 0 and "are the same, times aside" in out
    write(two[1], CURVE, "training_samples,bound,seconds\n100,-200.5,1.5\n200,-150.5,3\n")
    code, out, err = run("compare", *two)
    assert code == 1
    assert out == f"{CURVE}: bound in 1 of 2 rows, by 0.25 at most\n"
    assert "differ in 1 files" in err


def test_safetensors_of_one_content_are_the_same_bytes():
    """Whatever the order in which metadata come; the library's own order changes."""
    tensors = {"b": np.ones((2, 3), np.float32), "ä": np.arange(5, dtype=np.int8)}
    metadata = {"x": "1", "y": 'ü "2"', "z": ""}
    written = {
        to_safetensors(tensors, {name: metadata[name] for name in order})
        for order in ("xyz", "zyx", "yxz")
    }
    assert len(written) == 1
