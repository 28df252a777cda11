"""The catalogue: its entries against their modules and the committed record, the rules that come
from it, and a new figure, which is one module and one entry."""

import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest
from sybil import Document

import commands
from aevb import catalogue
from aevb.audit.tables import read_csv
from aevb.catalogue import PRODUCTS
from aevb.catalogue.entries import latent
from aevb.errors import ConfigError, UnavailableError
from aevb.settings import STUDIES, load, read_yaml
from aevb.workflow.jobs import Jobs
from aevb.workflow.outputs import Outputs
from command_line import CONFIGURATION
from configuration import CONFIG, DATASETS
from project import Copy

ROOT = Path(__file__).parents[1]
SETTINGS, DEFINITIONS = load(CONFIG, DATASETS)
RECORD = ROOT / "results/full"
NAMED = pytest.mark.parametrize("product", PRODUCTS, ids=lambda product: product.name)


def outputs(*left_out: str, **figures) -> Outputs:
    settings = SETTINGS | {"figures": SETTINGS["figures"] | figures}
    return Outputs(settings, DEFINITIONS, "full", lambda dataset: dataset not in left_out)


EVERYTHING = outputs()


def test_the_explorer_is_made_of_networks_that_its_page_knows(monkeypatch):
    """Whether they are the configuration's or the variant's, for each of its data sets."""

    def is_made(**changes) -> bool:
        config, definitions = load(read_yaml(CONFIG) | changes, DATASETS)
        made = Outputs(config, definitions, "smoke", lambda dataset: True)
        return "explorer.html" in catalogue.files(made)

    assert is_made() and is_made(variant="library")
    monkeypatch.setattr(latent, "TANH_DECODERS", {"mlp": ("hidden", "output")})
    assert not is_made()
    assert is_made(architecture="mlp") and is_made(variant="library")
    assert not is_made(
        variant="library", architecture={"frey_face": "deep_decoder", "default": "mlp"}
    )


@NAMED
def test_entry_and_module_agree(product):
    """`make` takes what the entry gives it and no more, and `finding` the files it is told from."""
    if product.name == "explorer":
        return
    drawn = product.drawn
    given = {"folder"} if drawn.folder else {*drawn.inputs, *drawn.given, *drawn.options}
    given |= {"note"} if drawn.note else set()
    assert set(inspect.signature(product.module.make).parameters) == given
    assert bool(product.paper) == bool(product.told_from) == hasattr(product.module, "finding")
    if product.told_from:
        parameters = inspect.signature(product.module.finding).parameters
        assert len(parameters) == len(product.told_from)


@NAMED
def test_tables_are_those_of_the_record(product):
    """Each table of the committed record has the entry's columns and no other, and lost cells only
    where the entry allows them."""
    for table in product.tables:
        found = read_csv(RECORD / table.file)
        assert list(found) == table.columns.split()
        assert {c for c in found if found[c].isna().any()} <= set(table.may_be_empty.split())
        assert set(table.may_be_empty.split()) <= set(found)


@NAMED
def test_every_table_is_one_of_the_files(product):
    """Each output that is a table has its columns in the entry, so that a record is checked."""
    if product.of_record:
        drawn = {file for file in product.files() if file.endswith(".csv")}
        assert drawn == {table.file for table in product.tables}


def test_listing_is_light():
    """Neither TensorFlow nor matplotlib nor pandas is imported to know what there is."""
    heavy = ["tensorflow", "matplotlib", "pandas"]
    code = f"import sys, aevb.catalogue; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stdout + done.stderr


def test_no_file_is_made_twice():
    """Rules, and the files that they make, are told apart by their names."""
    rules = catalogue.rules(EVERYTHING)
    names = [rule.command.rule for rule in rules]
    assert len(set(names)) == len(names)
    made = [
        pattern.replace("{name}", name)
        for rule in rules
        for name in rule.makers
        for pattern in rule.outputs.values()
    ]
    assert len(set(made)) == len(made)
    assert {f"results/{{scale}}/{file}" for file in catalogue.files(EVERYTHING)} - set(made) == {
        # Trained by the rule `study`.
        *(f"results/{{scale}}/figures/{name}.csv" for name in STUDIES),
    }


def test_one_data_set_alone():
    """Figure 2's row of one data set reads the curves of that alone, whatever can be had."""
    (rule,) = [one for one in catalogue.rules(EVERYTHING) if "fig2" in one.makers]
    curves = rule.read({"scale": "smoke", "name": "fig2_frey_face"})["curves"]
    assert len(curves) == 8
    assert all(curve.startswith("results/smoke/runs/authors/frey_face/") for curve in curves)
    assert rule.labels("pdf")({"scale": "smoke", "name": "fig2_frey_face"}) == {
        "figure": "Figure 2",
        "data set": "FreyFace",
        "algorithm": "AEVB, wake-sleep",
        "N_z": "2, 5, 10, 20",
        "format": "PDF",
    }


def test_what_is_made_depends_on_the_data():
    """Without a data set those of it alone are not; without any, only what needs none."""

    def names(*left_out):
        return {one.name for one in catalogue.made(outputs(*left_out))}

    assert names() == {one.name for one in PRODUCTS if one.of_record}
    assert names() - names("frey_face") == {"film", "hidden_units"}
    lost = {
        "fig3",
        "fig3_distance",
        "fig3_seeds",
        "fig5",
        "representation",
        "anomaly",
        "estimators",
    }
    lost |= {"gradient_estimators", "draws_and_minibatches", "posteriors", "weight_uncertainty"}
    lost |= {"hierarchy", "long_run", "own_step_sizes", "likeness", "noise"}
    assert names() - names("mnist") == lost
    free = {"fig1", "kl_divergence", "reparameterisations", "step_sizes", "findings", "runs"}
    assert names("mnist", "frey_face") == free


def test_what_cannot_be_made_says_why():
    """A target whose products need what is not configured, or not to be had, asks for it all the
    same, and the inputs refuse it."""
    nothing = outputs(fig4={"rows": {}})
    assert catalogue.asked_for("fig4", nothing) == ["figures/fig4.pdf"]
    (rule,) = [one for one in catalogue.rules(nothing) if one.command.rule == "manifold"]
    with pytest.raises(ConfigError, match=r"figures\.fig4\.rows: names no data set"):
        rule.read({"scale": "full"})
    (rule,) = [one for one in catalogue.rules(outputs("mnist")) if "fig3" in one.makers]
    with pytest.raises(UnavailableError, match="no data set could be had"):
        rule.read({"scale": "full"})


def test_words_wait_for_the_data_as_the_inputs_do():
    """While it is not known which data can be had, neither says anything else."""

    class Pending(Exception):
        pass

    def pending(dataset):
        raise Pending

    rules = catalogue.rules(EVERYTHING._replace(has=pending))
    (rule,) = [one for one in rules if one.command.rule == "evaluate_denoising"]
    job = {"scale": "smoke"}
    for ask in (rule.read, lambda wildcards: rule.words(wildcards, {}, rule.outputs, 1)):
        with pytest.raises(Pending):
            ask(job)


def test_words_are_quoted_for_a_shell():
    """Spaces and braces in a path come through, options with tables are JSON."""
    (rule,) = [one for one in catalogue.rules(EVERYTHING) if one.command.rule == "evaluate_anomaly"]
    job, read = {"scale": "smoke"}, {"weights": ["a b"], "record": ["r"], "foreign": []}
    made = {option: f"o/{Path(path).name}" for option, path in rule.outputs.items()}
    assert rule.words(job, read, made, 2) == (
        "evaluate anomaly --weights 'a b' --record r --points 20 --ais"
        """ '{"chains": 4, "leapfrog_steps": 2, "segments": 16, "steps": 64}'"""
        " --output o/anomaly --scores o/anomaly_scores.csv --threads 2"
    )


def test_jobs_refuse_what_cannot_be():
    """The truth of a network by quadrature in ten dimensions, a record of another scale."""
    jobs = Jobs(EVERYTHING)
    with pytest.raises(ConfigError, match="10 is too large for quadrature"):
        jobs.network_truth_estimators({"scale": "full", "latent_dim": "10"})
    with pytest.raises(ConfigError, match="audit of smoke need --config scale=smoke"):
        jobs.check_scale({"scale": "smoke"})
    assert jobs.check_scale({"scale": "full"}) is None


def test_readme_names_files_that_are_made():
    """Each figure, table and page in README's table is a product's."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    table = readme.split("## What you get")[1].split("\n\n")[2]
    named = re.findall(r"`((?:figures|tables)/[\w.]+|explorer\.html)`", table)
    files = catalogue.files(EVERYTHING)
    assert len(named) > 2
    assert [name for name in named if not any(file.startswith(name) for file in files)] == []


@pytest.fixture(scope="module")
def extended(tmp_path_factory) -> Copy:
    """A copy of the project with the figure of docs/extending.md."""
    copy = Copy(tmp_path_factory.mktemp("extended"))
    page = Document.parse(str(ROOT / "docs/extending.md"), commands.blocks)
    blocks = {one.region.lexemes["kind"]: one.parsed for one in page.examples()}
    (module,) = [kind for kind in blocks if "src/aevb/figures/" in kind]
    copy.write(module.removeprefix("python file="), blocks[module])
    # The last patch of the page is the entry.
    apply = ["git", "apply", "-"]
    subprocess.run(apply, cwd=copy.folder, input=blocks["diff"], text=True, check=True)
    return copy


def aevb(copy: Copy, *words: object) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "aevb", *map(str, words)],
        cwd=copy.folder,
        env=copy.environment() | {"PYTHONPATH": str(copy.folder / "src")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return " ".join(done.stdout.split())


def test_new_figure_is_planned(extended):
    """It is a job of its target and of the default one."""
    (extended.folder / "data").mkdir()
    extended.write("data/tiny.json", '{"dataset": "tiny", "available": true}')
    assert extended.planned("fig2")["draw_final_bounds"] == 1
    assert extended.planned()["draw_final_bounds"] == 1


def test_new_figure_is_drawn(extended):
    """`aevb figure` draws it, from the curves of the committed record."""
    curves = sorted((RECORD / "runs/authors/mnist").glob("*/latent_dim_*/curve.csv"))
    aevb(extended, "figure", "final-bounds", *curves, "--output", "drawn")
    for form in ("pdf", "png", "csv"):
        assert (extended.folder / f"drawn.{form}").stat().st_size > 100


def test_new_figure_belongs_to_a_record(extended):
    """A record without it is not whole."""
    words = ["audit", "--scale", "full", "--folder", RECORD, *CONFIGURATION]
    told = aevb(extended, *words)
    assert "figures/final_bounds.pdf is missing" in told
