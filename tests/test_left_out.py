"""The workflow where a data set could not be had, job by job, with a stand-in for every job but the
fetching: which jobs there are, what is out of date, and what a report holds."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml

from aevb import catalogue
from aevb.data.formats import content_sha256, decode
from aevb.settings import load
from aevb.workflow.outputs import Outputs
from project import Copy

pytestmark = [pytest.mark.long, pytest.mark.workflow, pytest.mark.timeout(1200)]

ROOT = Path(__file__).parents[1]
SHELL = re.compile(r"^( *)shell:\n(?:\1 {4}.*\n)+", re.MULTILINE)
SHAPES = {"mnist": [28, 28], "frey_face": [28, 20]}
# A folder is told from a file by its name, which has no ending.
TOUCH = (
    r'for path in {output:q}; do case "${{path##*/}}" in '
    r'*.*) touch "$path";; *) mkdir -p "$path";; esac; done'
)


class Outline(Copy):
    """A copy with the shipped configuration of the scale `smoke` whose jobs only touch their
    outputs, with small images in place of both data sets: MNIST's at hand and with a checksum,
    Frey Face's out of reach."""

    def __init__(self, folder: Path):
        super().__init__(folder)
        self.data = folder / "my images"
        self.data_dir = str(self.data)
        for rules in (self.folder / "workflow/rules").glob("*.smk"):
            if rules.name != "data.smk":
                text = rules.read_text(encoding="utf-8")
                rules.write_text(
                    SHELL.sub(lambda found: f"{found[1]}shell:\n{found[1]}    '{TOUCH}'\n", text),
                    encoding="utf-8",
                )
        config = yaml.safe_load((ROOT / "config/config.yaml").read_text(encoding="utf-8"))
        # The stand-ins have no labels, which a probe would need.
        config["figures"]["applications"]["representation"] = {}
        self.write("config/config.yaml", yaml.safe_dump(config | {"scale": "smoke"}))
        self.place("mnist", self.data)
        self.place("frey_face", folder)
        definitions = {name: self.definition(name) for name in SHAPES}
        raw = (self.data / "mnist.npz").read_bytes()
        arrays = decode(raw, {}, definitions["mnist"])
        sha256 = content_sha256(arrays, {}, definitions["mnist"])
        definitions["mnist"]["files"]["mnist.npz"]["sha256"] = sha256
        self.write("config/datasets.yaml", yaml.safe_dump({"datasets": definitions}))

    def definition(self, name: str) -> dict:
        return {
            "label": {"mnist": "MNIST", "frey_face": "FreyFace"}[name],
            "observation": "bernoulli",
            "image_shape": SHAPES[name],
            "format": "npz",
            "files": {f"{name}.npz": {}},
            "sources": [{"kind": "local"}],
        }

    def place(self, name: str, folder: Path) -> None:
        images = np.random.default_rng(0).integers(0, 256, (20, np.prod(SHAPES[name])), np.uint8)
        np.savez(folder / f"{name}.npz", train=images, test=images[:5])

    def environment(self) -> dict[str, str]:
        found = super().environment()
        return found | ({"AEVB_DATA_DIR": self.data_dir} if self.data_dir else {})

    def listed(self, *words: str) -> list[str]:
        """The lines of a listing that name results or data."""
        code, text = self.snakemake(*words)
        assert code == 0, text
        return [line for line in text.splitlines() if re.match(r"(results|data)/", line)]


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Outline:
    """An outline in which the default target was made once, without Frey Face."""
    copy = Outline(tmp_path_factory.mktemp("outline"))
    copy.outcome = copy.snakemake()
    return copy


def test_what_can_be_had_is_made(made):
    """Everything of MNIST, nothing of Frey Face, and a loud word about that."""
    code, text = made.outcome
    assert code == 0, text
    assert "LEFT OUT: frey_face" in text and "LEFT OUT: mnist" not in text
    runs = made.folder / "results/smoke/runs/authors"
    assert (runs / "mnist").is_dir() and not (runs / "frey_face").exists()
    assert json.loads(made.read("data/frey_face.json"))["available"] is False


def test_a_second_call_has_nothing_to_do(made):
    """What was left out is not out of date for ever."""
    before = made.times()
    code, text = made.snakemake()
    assert code == 0, text
    assert made.times() == before and made.planned() == {}


# For params Snakemake 9 lists an output of every job, changed or not.
@pytest.mark.parametrize("kind", ["code", "input"])
def test_nothing_has_changed(made, kind):
    """Snakemake's listings of what is out of date have nothing to list."""
    assert made.listed("--list-changes", kind) == []


def test_listings_and_reports_are_whole(made, monkeypatch):
    """A report has all that was made, and everything would be deleted, also from a shell that knows
    nothing of the local folder."""
    monkeypatch.setattr(made, "data_dir", "")
    code, text = made.snakemake("--report", "results/smoke/report.html")
    assert code == 0, text
    page = made.read("results/smoke/report.html")
    figures = [path.name for path in (made.folder / "results/smoke/figures").glob("*.pdf")]
    settings = load(*(made.folder / "config" / name for name in ("config.yaml", "datasets.yaml")))
    files = catalogue.files(Outputs(*settings, "smoke", lambda dataset: dataset == "mnist"))
    wanted = {Path(file).name for file in files if file.endswith(".pdf")}
    assert {*wanted, "audit.pdf"} == {*figures} and len(wanted) > 15
    assert [name for name in figures if f"results/smoke/figures/{name}" not in page] == []
    code, text = made.snakemake("--delete-all-output", "--dry-run")
    assert code == 0, text
    results = [path for path in made.times() if "/logs/" not in path]
    assert len(results) > 100
    assert [path for path in results if path not in text] == []


def test_what_has_come_is_fetched_and_made(made):
    """Once the local folder has the missing file, it is fetched, and its figures are planned; a
    listing after that is whole again."""
    shutil.copy(made.folder.parent / "frey_face.npz", made.data)
    planned = made.planned("--", "data/frey_face.json")
    assert planned == {"fetch": 1}
    code, text = made.snakemake("data/frey_face.json")
    assert code == 0, text
    assert json.loads(made.read("data/frey_face.json"))["available"] is True
    planned = made.planned()
    assert planned["train"] == 8 and "fetch" not in planned
