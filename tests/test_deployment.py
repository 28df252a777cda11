"""The workflow where people put it: a module of another workflow, another working directory."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from aevb.workflow import checkout
from project import CONFIG, DATASETS, EVERYTHING, Copy
from tiny import write_images

pytestmark = [pytest.mark.long, pytest.mark.workflow, pytest.mark.timeout(900)]

ROOT = Path(__file__).parents[1]
SNAKEFILE = f'"{ROOT / "Snakefile"}"'
CURVE = "results/full/runs/authors/mnist/aevb/latent_dim_3/curve.csv"


class Elsewhere(Copy):
    """A working directory that is no checkout, with the tiny configuration."""

    def __init__(self, folder: Path):
        self.folder = folder / "mein Projekt"
        (self.folder / "config").mkdir(parents=True)
        (self.folder / "workflow").mkdir()
        write_images(self.folder / "tiny.npz")
        self.config = CONFIG | {"data_dir": str(self.folder)}

    def configure(self) -> None:
        """Copy the configuration, as snakedeploy does."""
        self.write("config/config.yaml", yaml.safe_dump(self.config))
        self.write("config/datasets.yaml", yaml.safe_dump(DATASETS))
        self.write("config/claims.yaml", (ROOT / "config/claims.yaml").read_text("utf-8"))

    def deploy(self, snakefile: str, rules: str, prefix: str = "", before: str = "") -> None:
        """Write the Snakefile that snakedeploy writes, with what an author may add."""
        self.configure()
        prefix = f"    prefix: {prefix!r}\n" if prefix else ""
        self.write(
            "workflow/Snakefile",
            f'{before}\nconfigfile: "config/config.yaml"\n\n'
            f"module vae:\n    snakefile:\n        {snakefile}\n"
            f"    config:\n        config\n{prefix}\n{rules}\n",
        )


@pytest.fixture
def elsewhere(tmp_path) -> Elsewhere:
    return Elsewhere(tmp_path)


def test_module_of_another_workflow(elsewhere):
    """Imported with `use rule * from vae as vae_*` and a prefix of its files, the workflow fetches
    the data, makes Figure 1, and plans the rest, all below that prefix; what the importing workflow
    tells its own jobs holds for them."""
    own = 'rule mine:\n    output: "mine.txt"\n    shell: "echo $MINE:$PYTHONPATH > {output}"\n'
    elsewhere.deploy(
        SNAKEFILE,
        "use rule * from vae as vae_*\nuse rule all from vae as everything",
        "vae/",
        f'shell.prefix("set -euo pipefail; export MINE=${{{{HOME:+yes}}}}; ")\n{own}',
    )
    made = ["mine.txt", "vae/data/tiny.json", "vae/results/short/figures/fig1.pdf"]
    code, text = elsewhere.snakemake(*made)
    assert code == 0, text
    for file in made:
        assert (elsewhere.folder / file).exists()
    assert elsewhere.read("mine.txt") == f"yes:{ROOT / 'src'}\n"
    assert not (elsewhere.folder / "results").exists()
    assert not (elsewhere.folder / "data").exists()
    planned = elsewhere.planned("everything")
    assert planned.pop("everything") == 1
    assert planned == {f"vae_{rule}": count for rule, count in EVERYTHING.items()}


def test_module_on_github(elsewhere, tmp_path):
    """The Snakefile that snakedeploy writes names a tag on GitHub; the package, the schemas and the
    paper's curves are then taken from there as well."""
    git = ["git", "-c", "user.name=A", "-c", "user.email=a@example.org"]
    source, cache = Copy(tmp_path).folder, tmp_path / "cache"
    # Where Snakemake keeps what it has cloned from github.com/owner/aevb.
    clone = cache / "snakemake/snakemake/source-cache/snakemake-git-cache/github.com/owner/aevb"
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "All"], ["tag", "v1"]):
        subprocess.run([*git, *words], cwd=source, check=True)
    subprocess.run(["git", "clone", "-q", "--bare", source, clone], check=True)
    github = 'github("owner/aevb", path="Snakefile", tag="v1")'
    elsewhere.deploy(github, "use rule * from vae")
    elsewhere.variables = {"XDG_CACHE_HOME": str(cache)}
    code, text = elsewhere.snakemake("fig1", "data/tiny.json")
    assert code == 0, text
    assert (elsewhere.folder / "results/short/figures/fig1.pdf").exists()
    assert elsewhere.planned() == EVERYTHING


def test_another_working_directory(elsewhere):
    """With `--directory`, or from another folder, results and data lie there, and so does the
    configuration where there is one; the paper's curves and the claims are the checkout's."""
    (elsewhere.folder / "data").mkdir()
    for name in ("mnist", "frey_face", "tiny"):
        elsewhere.write(f"data/{name}.json", f'{{"dataset": "{name}", "available": true}}')
    words = ["--snakefile", str(ROOT / "Snakefile")]
    shipped = elsewhere.planned(*words, "fig2", "audit", "--config", "scale=smoke")
    assert shipped["draw_fig2"] == shipped["manifest"] == 1 and shipped["train"] >= 18
    elsewhere.configure()
    (elsewhere.folder / "config/claims.yaml").unlink()
    assert elsewhere.planned(*words) == EVERYTHING | {"draw_fig1": 1}


def test_configuration_of_the_working_directory_comes_first(tmp_path, monkeypatch):
    """A file of config/ is taken from the working directory if it is there, file by file."""
    monkeypatch.chdir(tmp_path)
    Path("config").mkdir()
    Path("config/claims.yaml").write_text("claims: {}", encoding="utf-8")
    assert checkout.configuration_file("claims.yaml") == Path("config/claims.yaml")
    for name in ("config.yaml", "datasets.yaml"):
        assert checkout.configuration_file(name) == ROOT / "config" / name


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["audit", "--folder", str(ROOT / "results/full"), "--scale", "full"], "record is sound"),
        (["table", "fig2-distance", str(ROOT / CURVE), "--output", "distance.csv"], ""),
        (["audit", "--scale", "full"], "results/full is not there"),
    ],
)
def test_command_line_elsewhere(tmp_path, command, said):
    """The command line finds the paper's curves, the schemas and the claims from any folder, and
    looks for results in that folder."""
    done = subprocess.run(
        [sys.executable, "-m", "aevb", *command],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
    )
    text = " ".join((done.stdout + done.stderr).split())
    assert said in text
    assert "Traceback" not in text
    assert (tmp_path / "distance.csv").exists() == ("distance.csv" in command)
