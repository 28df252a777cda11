"""The workflow from end to end on tiny images, in a copy of the repository."""

import os
import re
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from aevb.audit.differences import differences
from aevb.process import fork_server
from aevb.settings import SELECTING, STUDIES
from processes import at_work_in
from project import AUDITED, ESTIMATED, EVERYTHING, REDRAWN_FIG3, RUNS, Copy

# Making everything once takes minutes where other tests run beside it.
pytestmark = [pytest.mark.long, pytest.mark.workflow, pytest.mark.timeout(1200)]

ROOT = Path(__file__).parents[1]
RUN_FIG3 = f"{RUNS}/mcem/hidden_units_8/n_train_40/latent_dim_2"
FIGURES = [
    f"{figure}.{suffix}"
    for figure in (
        "fig1",
        "fig2",
        "long_run",
        "fig3",
        "fig4",
        "fig5",
        "projection",
        "latent_usage",
        "denoising",
        "super_resolution",
        "inpainting",
        "anomaly",
        "estimators",
        "audit",
    )
    for suffix in ("pdf", "png", "csv")
]
TABLES = [
    "fig2_distance.csv",
    "fig3_distance.csv",
    "fig3_orders.csv",
    "step_sizes.csv",
    "applications.csv",
    "findings.csv",
    "runs.csv",
]


@pytest.fixture(scope="module")
def untouched(tmp_path_factory) -> Copy:
    """A copy in which nothing is ever made."""
    return Copy(tmp_path_factory.mktemp("untouched"))


@pytest.fixture(scope="module")
def shipped(tmp_path_factory) -> Copy:
    """A copy with the configuration that is shipped, in which MNIST counts as fetched and nothing
    is ever made."""
    copy = Copy(tmp_path_factory.mktemp("shipped"))
    for name in ("config.yaml", "datasets.yaml"):
        shutil.copy(ROOT / "config" / name, copy.folder / "config")
    (copy.folder / "data").mkdir()
    for name in ("mnist", "frey_face"):
        copy.write(f"data/{name}.json", f'{{"dataset": "{name}", "available": true}}')
    return copy


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Copy:
    """A copy in which the default target has been made once."""
    copy = Copy(tmp_path_factory.mktemp("made"))
    over = threading.Event()
    with ThreadPoolExecutor() as pool:
        forked = pool.submit(forked_for, copy.folder, over)
        try:
            copy.outcome = copy.snakemake()
        finally:
            over.set()
        copy.forked = forked.result()
    return copy


def forked_for(folder: Path, over: threading.Event) -> set[int]:
    """The processes in a folder that a server has forked, as seen until it is over."""
    found, server = set(), "aevb.process.fork_server"
    while not over.wait(0.2):
        for process, words, of_parent in at_work_in(folder):
            if server in words and server in of_parent:
                found.add(process.pid)
    return found


@pytest.fixture
def edited(made):
    """The made copy; what a test writes over is put back as it was."""
    before = {
        path: path.read_bytes()
        for name in ("src", "config", "workflow")
        for path in (made.folder / name).rglob("*.*")
        if path.is_file() and path.suffix in (".py", ".yaml", ".smk")
    }
    yield made
    for path, content in before.items():
        if path.read_bytes() != content:
            path.write_bytes(content)


def test_lint(untouched):
    """Snakemake's own linter has nothing to say."""
    code, text = untouched.snakemake("--lint")
    assert code == 0, text
    assert "Congratulations" in text


def test_wrong_configuration(untouched):
    """A wrong setting ends the workflow before any job, with one line that says what is allowed."""
    wanted = ["figures.fig2.latent_dims", "'cifar'", "allowed: absent, tiny"]
    override = 'figures={"fig2": {"latent_dims": {"cifar": [2]}}}'
    code, text = untouched.snakemake("--config", override)
    assert code != 0
    assert "Traceback" not in text
    (line,) = [line for line in text.splitlines() if "configuration error" in line]
    for part in wanted:
        assert part in line
    assert not (untouched.folder / "results").exists()
    assert not (untouched.folder / "data").exists()


SMOKE_RUNS = "results/smoke/runs/authors/mnist"
REFUSED = {
    "quadrature in ten dimensions": (
        [f"{SMOKE_RUNS}/aevb/hidden_units_100/n_train_1000/latent_dim_10/likelihood.csv"],
        ["latent_dim", "10 is too large for quadrature", "at most 3"],
    ),
    "truth of a network in ten dimensions": (
        ["results/smoke/runs/untrained/mnist/hidden_units_100/latent_dim_10/estimators.csv"],
        ["latent_dim", "10 is too large for quadrature", "at most 3"],
    ),
    "more training images than there are": (
        [f"{SMOKE_RUNS}/aevb/hidden_units_100/n_train_60000/latent_dim_3/curve.csv"],
        ["n_train", "60000 is more than the 50000 training images of mnist"],
    ),
    "Monte Carlo EM without a number of images": (
        [f"{SMOKE_RUNS}/mcem/latent_dim_3/curve.csv"],
        ["mcem", "n_train"],
    ),
    "record of another scale": (
        ["results/smoke/audit/claims.csv", "--config", "scale=quick"],
        ["audit of smoke", "--config scale=smoke"],
    ),
    "manifolds of images of one's own without a plane": (
        ["fig4", "--config", "dataset=own.npy", "latent_dims=[5]"],
        ["figures.fig4.rows", "images of your own need a 2 in latent_dims"],
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_request_that_cannot_work(shipped, case):
    """What cannot be made is refused by a dry run, in one line that says why."""
    words, wanted = REFUSED[case]
    images = np.random.default_rng(0).integers(0, 256, (20, 6, 6), np.uint8)
    np.save(shipped.folder / "own.npy", images)
    code, text = shipped.snakemake("--dry-run", "--nolock", *words)
    assert code != 0
    assert "Traceback" not in text
    (line,) = [line for line in text.splitlines() if "configuration error" in line]
    for part in wanted:
        assert part in line


def test_plan_of_figure_3(shipped):
    """Once MNIST is there, `fig3` selects, trains and estimates for each of three algorithms and
    two training sets, and draws."""
    planned = shipped.planned("fig3", "--config", "scale=paper")
    assert planned.pop("fig3") == 1
    assert planned == {
        "select_step_size_fig3": 6,
        "train_fig3": 6,
        "likelihood": 6,
        "draw_fig3": 1,
        "fig3_tables": 1,
    }


def test_plan_of_the_estimators_figure(shipped):
    """At the scale `smoke`, `estimators` fits probabilistic PCA in 2 dimensions and trains the one
    network of Figure 3 that it compares on."""
    planned = shipped.planned("estimators", "--config", "scale=smoke")
    assert planned.pop("estimators") == 1
    assert planned == {
        "select_step_size_fig3": 1,
        "train_fig3": 1,
        "compare_estimators_network": 1,
        "compare_estimators_ppca": 1,
        "compare_estimators_untrained": 1,
        "draw_estimators": 1,
    }


def test_plan_of_section_2(shipped):
    """`section2` runs the four studies, the gradients of the models of MNIST, and full VB beside
    MAP for both sizes of the training set; what needs no data, once."""
    planned = shipped.planned("section2", "--config", "scale=smoke")
    assert planned.pop("section2") == 1
    assert planned.pop("fetch", 0) <= 1
    assert planned["study"] == planned["draw_study"] == len(STUDIES) - len(SELECTING)
    assert planned["compare_full_vb"] == 2
    # AEVB and full VB, with 1000 and 50 000 images.
    assert planned["select_step_size_fig3"] == 4
    for rule in ("gradient_variance", "kl_divergence", "reparameterisations"):
        assert planned[rule] == 1


def test_plan_of_the_comparisons(shipped):
    """`comparisons` selects the step sizes of its studies within them; only the models whose
    samples are held against test images have theirs selected before."""
    planned = shipped.planned("comparisons", "--config", "scale=smoke")
    assert planned.pop("comparisons") == 1
    assert planned.pop("fetch", 0) <= 1
    assert planned["study"] == planned["draw_study"] >= 1
    del planned["study"], planned["draw_study"]
    assert planned == {"select_step_size": 1, "train": 4, "likeness": 1, "likeness_page": 1}


def test_makes_figures_and_tables(made):
    """The default target trains the algorithms and makes the figures and the tables."""
    code, text = made.outcome
    assert code == 0, text
    assert "LEFT OUT" not in text
    results = made.folder / "results/short"
    for name in FIGURES:
        assert (results / "figures" / name).stat().st_size > 100
    for name in TABLES:
        assert (results / "tables" / name).exists()
    drawn = pd.read_csv(results / "figures/fig2.csv")
    ours = drawn[drawn["dataset"] == "Tiny"]
    assert set(ours["algorithm"]) == {"AEVB", "wake-sleep"}
    candidates = pd.read_csv(results / "tables/step_sizes.csv")
    assert len(candidates) == 6
    assert candidates["selected"].sum() == 3
    for algorithm in ("aevb", "wake_sleep"):
        curve = pd.read_csv(made.folder / RUNS / algorithm / "latent_dim_2/curve.csv")
        assert curve["training_samples"].max() == 600
        assert np.isfinite(curve["lower_bound"]).all()
        assert "600" in made.read(f"{RUNS}/{algorithm}/latent_dim_2/logs/train.log")
    likelihoods = pd.read_csv(made.folder / RUN_FIG3 / "likelihood.csv")
    assert set(likelihoods["training_samples"]) == {600, 6000}
    assert set(likelihoods["algorithm"]) == {"MCEM"}
    drawn = pd.read_csv(results / "figures/fig3.csv")
    assert "Tiny" in set(drawn["dataset"])
    truths = pd.read_csv(results / "figures/estimators.csv")
    assert set(truths["model"]) == {"PPCA", "MCEM, N=40", "untrained"}


@pytest.mark.skipif(
    fork_server.VARIABLE in os.environ or not fork_server.is_possible(),
    reason="no server is started here",
)
def test_jobs_are_forked(made):
    """One process loads the libraries for most of them, each of which is watched by one more."""
    assert len(made.forked) > 20


def test_jobs_by_themselves_find_the_same(made, tmp_path_factory):
    """Two runs, one in which each job loads the libraries, make the same bytes but for times."""
    copy = Copy(tmp_path_factory.mktemp("by themselves"))
    copy.variables = {fork_server.VARIABLE: ""}
    code, text = copy.snakemake()
    assert code == 0, text
    results = "results/short"
    assert not list(differences(made.folder / results, copy.folder / results))


def test_second_call_has_nothing_to_do(made):
    """A second call makes nothing anew."""
    before = made.times()
    code, text = made.snakemake()
    assert code == 0, text
    assert made.times() == before


def test_audit_passes_and_catches_a_tampered_table(edited):
    """`snakemake audit` ends well on what was just made, and fails, with the file's name, where a
    number was changed behind its back; the audit's tables are kept."""
    code, text = edited.snakemake("audit")
    assert code == 0, text
    assert "the record is sound" in " ".join(text.split())
    path = edited.folder / "results/short/figures/fig2.csv"
    before, times = path.read_bytes(), (path.stat().st_atime_ns, path.stat().st_mtime_ns)
    try:
        table = pd.read_csv(path)
        table.loc[table.index[table["source"] == "ours"][-1], "lower_bound"] += 1
        table.to_csv(path, index=False)
        os.utime(path, ns=times)
        code, text = edited.snakemake("audit")
        assert code != 0
        assert "the audit of results/short fails: hashes, figures/fig2.csv" in text
        assert "Traceback" not in text
        assert (edited.folder / "results/short/audit/junit.xml").exists()
    finally:
        path.write_bytes(before)
        os.utime(path, ns=times)


def test_report_is_one_page_with_findings(made):
    """`--report` gives one HTML file that holds every figure, and captions with what was found."""
    code, text = made.snakemake("--report", "results/short/report.html")
    assert code == 0, text
    page = made.read("results/short/report.html")
    for name in FIGURES:
        if not name.endswith(".csv"):
            assert f"results/short/figures/{name}" in page, name
    tables = ("explorer.html", "findings.html", "runs.html", "applications.html", "audit.html")
    for name in tables:
        assert name in page
    assert "This replication:" in page
    for finding in pd.read_csv(made.folder / "results/short/tables/findings.csv").itertuples():
        # The parts that are the same in HTML and in JSON.
        for part in re.findall(r"[\w .,:;=()%+-]+", finding.ours, re.ASCII):
            assert part in page, finding.figure


def test_comments_and_layout_make_nothing_out_of_date(edited):
    """New comments and layout in configuration and code make nothing out of date."""
    text = edited.read("config/config.yaml")
    flow = yaml.safe_dump(edited.config, default_flow_style=True, sort_keys=False)
    assert flow != text
    edited.write("config/config.yaml", f"# A comment.\n\n{flow}\n# Another.\n")
    path = "src/aevb/algorithms/optimisers.py"
    edited.write(path, "# A comment.\n\n" + edited.read(path) + "\n# Another.\n")
    assert edited.planned() == {}


def test_new_figure_code_redraws_alone(edited):
    """New code in a module of the figures redraws, and trains nothing."""
    path = "src/aevb/tables/curves.py"
    edited.write(path, edited.read(path) + "\n_ADDED_BY_A_TEST = 1\n")
    assert edited.planned() == {
        "draw_fig2": 1,
        "draw_long_run": 1,
        "fig2_distance_table": 1,
        **REDRAWN_FIG3,
        "build_explorer": 1,
        "findings": 1,
        **AUDITED,
    }
    edited.write(path, edited.read(path).replace("_ADDED_BY_A_TEST = 1", ""))
    path = "src/aevb/figures/fig2.py"
    edited.write(path, edited.read(path) + "\n_ADDED_BY_A_TEST = 1\n")
    assert edited.planned() == {"draw_fig2": 1, "draw_long_run": 1, "findings": 1} | AUDITED


def test_new_training_code_trains_again(edited):
    """New code in the optimiser selects, trains and draws again, and fetches nothing."""
    path = "src/aevb/algorithms/optimisers.py"
    edited.write(path, edited.read(path) + "\n_ADDED_BY_A_TEST = 1\n")
    assert edited.planned() == EVERYTHING


def test_new_quadrature_code_estimates_again_and_trains_nothing(edited):
    """An estimator that no algorithm uses makes the estimates and their figures out of date."""
    path = "src/aevb/likelihood/quadrature/lattice.py"
    edited.write(path, edited.read(path) + "\n_ADDED_BY_A_TEST = 1\n")
    redrawn = REDRAWN_FIG3 | {"draw_estimators": 1, "findings": 1}
    assert edited.planned() == ESTIMATED | redrawn | AUDITED


def test_more_points_estimate_again_alone(edited):
    """Another number of points makes the likelihoods again, and trains and compares nothing."""
    config = deepcopy(edited.config)
    config["scales"]["short"]["fig3"]["points"] += 1
    edited.write("config/config.yaml", yaml.safe_dump(config))
    assert edited.planned() == {"likelihood": 1, **REDRAWN_FIG3, "findings": 1, **AUDITED}


def test_raised_budget_trains_on_without_a_new_selection(edited):
    """Another budget trains again, and selects no step size again; the long run has its own, and is
    none of what is asked for."""
    planned = edited.planned("--config", "training_samples=800")
    assert planned["train"] == 2
    assert planned["train_fig3"] == 1
    assert "train_long" not in planned
    assert "draw_long_run" not in planned
    assert "select_step_size" not in planned
    assert "select_step_size_fig3" not in planned
    assert "fetch" not in planned


def with_absent(copy: Copy) -> None:
    figures = copy.config["figures"]
    absent = {
        "fig2": {"latent_dims": {"tiny": [2], "absent": [2]}},
        "fig3": figures["fig3"] | {"dataset": "absent"},
        "estimators": {"dataset": "absent"},
        "fig5": {"latent_dims": {"absent": [2]}},
        "applications": {"latent_dims": {"absent": 2}, "anomaly": "absent", "factor": 3},
    }
    copy.write("config/config.yaml", yaml.safe_dump(copy.config | {"figures": figures | absent}))


def test_absent_data_set_is_left_out(edited):
    """A data set that cannot be had is left out loudly, though Figure 3, the applications and
    Figure 5 are of no other; the others' figures are made without training anew, the record is
    sound, exit 0."""
    with_absent(edited)
    before = edited.times()
    code, text = edited.snakemake("all", "audit")
    assert code == 0, text
    assert "LEFT OUT: absent" in text
    assert "absent.npz" in text
    assert "LEFT OUT: tiny" not in text
    assert "the record is sound" in " ".join(text.split())
    drawn = pd.read_csv(edited.folder / "results/short/figures/fig2.csv")
    assert "Tiny" in set(drawn["dataset"])
    assert "Absent" not in set(drawn["dataset"])
    trained = [name for name in before if "/runs/" in name]
    assert trained
    assert {name: edited.times()[name] for name in trained} == {n: before[n] for n in trained}


def test_all_data_can_be_required(edited):
    """With require_all_data the same fails, and says what is missing."""
    with_absent(edited)
    code, _ = edited.snakemake("--config", "require_all_data=true")
    assert code != 0
    assert "Absent (absent) cannot be had" in edited.read("results/logs/fetch/absent.log")
