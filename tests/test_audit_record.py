"""The audit of a record: the committed one is sound, and one that was tampered with is caught.

Every control is tried twice: as it is, where the hashes alone would tell, and with a manifest that
was made anew afterwards, where only the record's own consistency can.
"""

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

from aevb import catalogue, settings
from aevb.audit import checks, manifest, record, reports
from aevb.audit.claims import FAILED, NOT_RUN, SKIPPED, assess_all, read_claims
from aevb.audit.expected import Gap, absent
from aevb.audit.record import ABSENT, GAP, OK, WRONG
from aevb.audit.tables import Tables
from aevb.errors import DataError
from aevb.workflow.outputs import Outputs

ROOT = Path(__file__).parent.parent
COMMITTED = ROOT / "results/full"
SETTINGS, DEFINITIONS = settings.load(ROOT / "config/config.yaml", ROOT / "config/datasets.yaml")
RUNS = Path("runs/authors")
FIG2_RUN = RUNS / "mnist/aevb/latent_dim_20"
FIG3_RUN = RUNS / "mnist/mcem/hidden_units_100/n_train_1000/latent_dim_3"


CLAIMS = read_claims(ROOT / "config/claims.yaml")


def opened(folder, settings=SETTINGS, scale="full", gaps=CLAIMS.gaps):
    return record.read(folder, ROOT / "resources", settings, DEFINITIONS, scale, gaps)


def check(folder, **arguments):
    return {found.check: found for found in checks.check(opened(folder, **arguments))}


def wrong(folder, **arguments):
    return {name for name, found in check(folder, **arguments).items() if found.outcome == WRONG}


AS_COMMITTED = json.loads((COMMITTED / "manifest.json").read_text(encoding="utf-8"))


def make_manifest(folder, left_out=(), made_with=SETTINGS):
    """One of what lies in the folder, as if the committed record's code had made it."""
    content = manifest.make(folder, "full", made_with, [], AS_COMMITTED["checkout"])
    content["data"] = AS_COMMITTED["data"] | {
        name: {"available": False, "reason": "no network", "sha256": None} for name in left_out
    }
    (folder / "manifest.json").write_text(json.dumps(content), encoding="utf-8")


@pytest.fixture
def copy(tmp_path):
    """The committed record without its audit, with a manifest that was made anew."""
    ignored = shutil.ignore_patterns("audit", "audit.*")
    folder = Path(shutil.copytree(COMMITTED, tmp_path / "full", ignore=ignored))
    make_manifest(folder)
    return folder


def test_the_committed_record_is_whole_and_sound():
    """Everything that the manifest lists is there and unaltered, all checks pass, and nothing that
    can be made of the configuration was left out."""
    found = checks.check(opened(COMMITTED))
    assert len({one.check for one in found}) == len(found)
    assert {one.check: one.detail for one in found if one.outcome != OK} == {}
    assert CLAIMS.gaps == ()


BOUNDS = Gap(
    AS_COMMITTED["checkout"],
    "the record is older than the bound along Figure 3",
    table="runs/*/*/*/hidden_units_*/n_train_*/latent_dim_*/likelihood.csv",
    where={"estimator": "importance_1"},
)
COMPARISONS = Gap(
    AS_COMMITTED["checkout"], "the record is older than the comparisons", part="comparisons"
)
ESTIMATORS = Gap(
    AS_COMMITTED["checkout"],
    "the record is older than the estimator",
    setting="figures.fig3.estimators",
    was=["paper", "quadrature"],
)


@pytest.fixture
def without_bounds(copy):
    """A record that lacks the rows that ``BOUNDS`` is made of."""
    for path in copy.glob(BOUNDS.table):
        edit(path, lambda table: table[table["estimator"] != "importance_1"])
    make_manifest(copy)
    return copy


def test_rows_that_are_known_to_be_missing_are_no_fault(without_bounds):
    """They are named as a gap, and the claim on them is not run."""
    found = check(without_bounds, gaps=[BOUNDS])
    assert found["known gap"].outcome == GAP and BOUNDS.why in found["known gap"].detail
    assert wrong(without_bounds, gaps=[BOUNDS]) == set()
    one = opened(without_bounds, gaps=[BOUNDS])
    verdicts = {v.claim.name: v for v in assess_all(CLAIMS, one.tables, "full", one.expected)}
    verdict = verdicts["bound_below_likelihood_along_training"]
    assert (verdict.verdict, verdict.status) == (NOT_RUN, SKIPPED)
    assert BOUNDS.why in verdict.why


def test_a_record_is_not_whole_without_its_known_gap_stated(without_bounds):
    """The check of the rows sees what the record does not have, and the claim is not let off."""
    one = opened(without_bounds)
    found = {each.check: each for each in checks.check(one)}
    assert found["rows"].outcome == WRONG and "importance_1" in found["rows"].detail
    assert found["likelihoods"].outcome == WRONG
    verdicts = {v.claim.name: v for v in assess_all(CLAIMS, one.tables, "full", one.expected)}
    verdict = verdicts["bound_below_likelihood_along_training"]
    assert verdict.status == FAILED and "cases are missing" in verdict.why


def test_a_known_gap_that_is_no_longer_there_is_told(copy):
    """Where the rows that are said to be missing are there, the statement is wrong."""
    found = check(copy, gaps=[BOUNDS])["known gap"]
    assert found.outcome == WRONG and "rows are there" in found.detail


def test_a_known_gap_is_one_of_that_record_alone(without_bounds):
    """A record that other code made must have the rows."""
    content = json.loads((without_bounds / "manifest.json").read_text())
    (without_bounds / "manifest.json").write_text(json.dumps(content | {"checkout": "another"}))
    found = check(without_bounds, gaps=[BOUNDS])
    assert "known gap" not in found and found["rows"].outcome == WRONG


def without_comparisons() -> dict:
    """The configuration of a record that is older than the comparisons."""
    return SETTINGS | {"figures": SETTINGS["figures"] | {"comparisons": {}}}


def test_a_part_that_is_said_to_be_missing_is(copy):
    """It is named as not run, and so are the claims on it; a file of it makes the statement wrong,
    and without the statement all of it is missed."""
    newer = [one for one in catalogue.PRODUCTS if one.target == "comparisons"]
    kept = {file: (copy / file).read_bytes() for one in newer for file in one.files()}
    for file in kept:
        (copy / file).unlink()
    make_manifest(copy, made_with=without_comparisons())
    found = check(copy, gaps=[COMPARISONS])
    assert {name for name, one in found.items() if one.outcome != OK} == {"comparisons"}
    told = found["comparisons"].detail
    assert f"not run: {', '.join(one.name for one in newer)}; {COMPARISONS.why}" in told
    one = opened(copy, gaps=[COMPARISONS])
    about = [
        verdict
        for verdict in assess_all(CLAIMS, one.tables, "full", one.expected)
        if verdict.claim.figure in {product.name for product in newer}
    ]
    assert about
    for verdict in about:
        assert (verdict.verdict, verdict.status) == (NOT_RUN, SKIPPED)
        assert COMPARISONS.why in verdict.why
    assert {"outputs", "rows", "configuration"} <= wrong(copy)
    file, content = next(iter(kept.items()))
    (copy / file).write_bytes(content)
    found = check(copy, gaps=[COMPARISONS])["comparisons"]
    assert found.outcome == WRONG and f"{file} is there" in found.detail


def test_a_setting_that_is_said_to_have_been_another_was(copy):
    """Without the statement the record is of another configuration; one that it never had is seen
    there, and one that there is still is told."""
    figures = SETTINGS["figures"]
    older = figures | {"fig3": figures["fig3"] | {"estimators": ESTIMATORS.was}}
    make_manifest(copy, made_with=SETTINGS | {"figures": older})
    assert check(copy, gaps=[ESTIMATORS])[ESTIMATORS.setting].outcome == GAP
    assert "configuration" in wrong(copy)
    assert "configuration" in wrong(copy, gaps=[ESTIMATORS._replace(was=["quadrature"])])
    still = ESTIMATORS._replace(was=figures["fig3"]["estimators"])
    assert ESTIMATORS.setting in wrong(copy, gaps=[still])


def test_the_committed_audit_is_that_of_the_record(tmp_path):
    """The audit in the record is what an audit gives today, and docs/verdicts.md shows it."""
    one = opened(COMMITTED)
    verdicts = assess_all(CLAIMS, one.tables, "full", one.expected)
    assert [v.claim.name for v in verdicts if v.status == FAILED] == []
    reports.cases_table(verdicts).to_csv(tmp_path / "cases.csv", index=False, float_format="%.6g")
    now, then = (pd.read_csv(path / "cases.csv") for path in (tmp_path, COMMITTED / "audit"))
    pd.testing.assert_frame_equal(now, then, rtol=1e-5)
    table = reports.verdicts_markdown(reports.claims_table(verdicts))
    assert (COMMITTED / "audit/verdicts.md").read_text(encoding="utf-8") == table
    assert table in (ROOT / "docs/verdicts.md").read_text(encoding="utf-8")


def test_a_copy_is_sound(copy):
    """The fixture of the controls below passes, so that they fail for their own reason."""
    assert wrong(copy) == set()


def edit(path: Path, change) -> None:
    table = pd.read_csv(path)
    change(table).to_csv(path, index=False)


def raised(table: pd.DataFrame) -> pd.DataFrame:
    """The last of our values one nat up."""
    ours = table[table["source"] == "ours"].index if "source" in table else table.index
    value = next(c for c in ("lower_bound", "marginal_log_likelihood", "ours") if c in table)
    table.loc[ours[-1], value] += 1.0
    return table


def lost(table: pd.DataFrame) -> pd.DataFrame:
    table.loc[3, "lower_bound"] = float("nan")
    return table


def swap(folder: Path) -> None:
    first, second = (folder / RUNS / f"mnist/aevb/latent_dim_{n}/curve.csv" for n in (10, 20))
    kept = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(kept)


def swap_and_relabel(folder: Path) -> None:
    """The same, and the labels in the files as their folders want them."""
    swap(folder)
    for n in (10, 20):
        path = folder / RUNS / f"mnist/aevb/latent_dim_{n}/curve.csv"
        edit(path, lambda table, n=n: table.assign(latent_dim=n))


def drop_seed(folder: Path) -> None:
    path = folder / RUNS / "frey_face/aevb/latent_dim_10/curve.csv"
    edit(path, lambda table: table[table["seed"] != 1])


def shorten(folder: Path) -> None:
    """A run that stopped early, and says so."""
    path = folder / FIG2_RUN / "run.json"
    content = json.loads(path.read_text())
    content["final"]["training_samples"] = 9_000_000
    path.write_text(json.dumps(content))


def other_settings(folder: Path) -> None:
    path = folder / FIG2_RUN / "run.json"
    content = json.loads(path.read_text())
    content["experiment"]["hidden_units"] = 400
    path.write_text(json.dumps(content))


def forget(folder: Path) -> None:
    path = folder / FIG3_RUN / "run.json"
    content = json.loads(path.read_text())
    del content["versions"], content["package"]["code"]
    path.write_text(json.dumps(content))


def edits(name: str, change):
    return lambda folder: edit(folder / name, change)


def cut_likelihood(folder: Path) -> None:
    """Monte Carlo EM cut where it passes AEVB, which would make the paper's order come out."""
    edit(folder / FIG3_RUN / "likelihood.csv", lambda t: t[t["training_samples"] <= 3.1e7])


def longer(table: pd.DataFrame) -> pd.DataFrame:
    end = table[table["training_samples"] == table["training_samples"].max()]
    return pd.concat([table, end.assign(training_samples=20_000_000)])


def other_step_size(folder: Path) -> None:
    path = folder / FIG2_RUN / "run.json"
    content = json.loads(path.read_text()) | {"step_size": 0.1}
    path.write_text(json.dumps(content))


CONTROLS = {
    "shortened likelihoods": (cut_likelihood, {"likelihoods", "figures/fig3.csv"}),
    "lengthened curve": (edits(str(FIG2_RUN / "curve.csv"), longer), {"curves"}),
    "other step size": (other_step_size, {"runs", "tables/runs.csv"}),
    "missing figure": (lambda folder: (folder / "figures/fig3.csv").unlink(), {"outputs", "rows"}),
    "missing picture": (lambda folder: (folder / "figures/fig1.pdf").unlink(), {"outputs"}),
    "missing rows": (
        edits("figures/weight_prior.csv", lambda t: t[t["latent_dim"] != 200]),
        {"rows"},
    ),
    "missing estimator": (
        edits(str(FIG3_RUN / "likelihood.csv"), lambda t: t[t["estimator"] != "quadrature"]),
        {"rows", "likelihoods"},
    ),
    "missing estimator's column": (
        edits(str(FIG3_RUN / "likelihood.csv"), lambda t: t.drop(columns="estimator")),
        {"rows", "likelihoods"},
    ),
    "columns in another order": (
        edits("tables/posteriors.csv", lambda t: t[["posterior", "test", "train", "gap"]]),
        {"outputs"},
    ),
    "a column too many": (
        edits("tables/posteriors.csv", lambda t: t.assign(more=1.0)),
        {"outputs"},
    ),
    "an empty table": (lambda folder: (folder / "figures/fig2.csv").write_text(""), {"numbers"}),
    "words for numbers": (
        edits("figures/fig2.csv", lambda t: t.assign(lower_bound="high")),
        {"figures/fig2.csv"},
    ),
    "a curve without seeds": (
        edits(str(FIG2_RUN / "curve.csv"), lambda t: t.drop(columns="seed")),
        {"curves"},
    ),
    "tampered figure": (edits("figures/fig2.csv", raised), {"figures/fig2.csv"}),
    "tampered figure 3": (edits("figures/fig3.csv", raised), {"figures/fig3.csv"}),
    "tampered table": (edits("tables/fig2_distance.csv", raised), {"tables/fig2_distance.csv"}),
    "tampered curve": (edits(str(FIG2_RUN / "curve.csv"), raised), {"curves", "figures/fig2.csv"}),
    "tampered curve, Figure 3": (
        edits(str(FIG3_RUN / "likelihood.csv"), raised),
        {"figures/fig3.csv"},
    ),
    "swapped curves": (swap, {"curves"}),
    "swapped curves, relabelled": (swap_and_relabel, {"curves", "figures/fig2.csv"}),
    "missing seed": (drop_seed, {"curves", "figures/fig2.csv"}),
    "missing run": (lambda folder: shutil.rmtree(folder / FIG2_RUN), {"runs", "budgets"}),
    "short run": (shorten, {"budgets", "curves"}),
    "other settings": (other_settings, {"runs"}),
    "NaN": (edits(str(FIG2_RUN / "curve.csv"), lost), {"numbers"}),
    "no provenance": (forget, {"provenance"}),
    "damaged run.json": (
        lambda folder: (folder / FIG2_RUN / "run.json").write_text("{"),
        {"runs", "budgets", "curves", "provenance"},
    ),
}


@pytest.mark.parametrize("control", CONTROLS)
def test_tampering_is_caught(copy, control):
    """By the hashes, and by the record itself where the manifest was made to fit."""
    change, caught = CONTROLS[control]
    change(copy)
    assert manifest.differences(copy, manifest.read(copy))[0] != []
    make_manifest(copy)
    found = wrong(copy)
    assert caught <= found and "hashes" not in found


MISSING_ROWS = [
    ("figures/fig2.csv", "dataset == 'MNIST' and latent_dim == 20 and source == 'ours'"),
    ("figures/fig3.csv", "estimator == 'quadrature' and n_train == 1000"),
    ("figures/fig4.csv", "dataset == 'FreyFace'"),
    ("figures/fig5.csv", "latent_dim == 2"),
    ("figures/projection.csv", "dataset == 'MNIST'"),
    ("figures/latent_usage.csv", "rank == 100"),
    ("figures/estimators.csv", "estimator == 'importance, 1' and model == 'untrained'"),
    ("figures/representation.csv", "latent_dim == 5"),
    ("figures/inpainting.csv", "dataset == 'FreyFace'"),
    ("figures/anomaly.csv", "condition == 'FreyFace'"),
    ("figures/gradient_variance.csv", "state == 'trained' and dataset == 'FreyFace'"),
    ("figures/gradient_estimators.csv", "estimator == 'score'"),
    ("figures/posteriors.csv", "posterior == 'uniform'"),
    ("figures/weight_prior.csv", "latent_dim == 200"),
    ("figures/draws_and_minibatches.csv", "samples_per_datapoint == 4"),
    ("tables/draws_and_minibatches.csv", "batch_size == 100"),
    ("figures/kl_divergence.csv", "latent_dim == 200"),
    ("figures/weight_uncertainty.csv", "n_train == 50000"),
    ("tables/reparameterisations.csv", "distribution == 'Gamma'"),
    ("tables/step_sizes.csv", "algorithm == 'MCEM'"),
    ("tables/runs.csv", "algorithm == 'mcem'"),
]


@pytest.mark.parametrize(("name", "query"), MISSING_ROWS, ids=[name for name, _ in MISSING_ROWS])
def test_missing_rows_of_any_table_are_told(tmp_path, name, query):
    """A panel that is configured and not there, in each kind of table; the whole table passes."""
    wanted = opened(COMMITTED).expected.wanted[name]
    assert absent(name, wanted, Tables(COMMITTED, ROOT)) == []
    table = pd.read_csv(COMMITTED / name)
    (tmp_path / name).parent.mkdir()
    table.query(f"not ({query})").to_csv(tmp_path / name, index=False)
    assert f"{name} has no row with " in absent(name, wanted, Tables(tmp_path, ROOT))[0]


def test_every_output_that_is_configured_is_asked_for(copy):
    """Each picture, table and page: without any of them, all are missed."""
    files = catalogue.files(opened(copy).outputs)
    assert len(files) > 80 and len(set(files)) == len(files)
    for name in files:
        (copy / name).unlink()
    made_up = copy / "figures/other.csv"
    made_up.write_text("a\n1\n")
    make_manifest(copy)
    # Each is neither there nor in the manifest.
    assert f"(and {2 * len(files) - 3} more)" in check(copy)["outputs"].detail


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"step_sizes": [0.01]}, "step_sizes is [0.01, 0.02, 0.1] in the record, [0.01] in the"),
        ({"samples_per_datapoint": 2}, "samples_per_datapoint is 1 in the record, 2"),
    ],
)
def test_a_record_of_another_configuration_is_caught(copy, changes, told):
    """The manifest's configuration is not the one given, and neither are the runs' settings."""
    found = check(copy, settings=SETTINGS | changes)
    assert found["configuration"].outcome == WRONG and told in found["configuration"].detail
    # The candidates for the step size alone may differ without another run.
    if "samples_per_datapoint" in changes:
        assert found["runs"].outcome == WRONG


def test_a_setting_that_a_record_is_older_than_has_its_default(copy):
    """The manifest does not name it: the record is of the default, and of nothing else."""
    content = json.loads((copy / "manifest.json").read_text())
    del content["configuration"]["samples_per_datapoint"]
    (copy / "manifest.json").write_text(json.dumps(content))
    assert wrong(copy) == set()
    found = check(copy, settings=SETTINGS | {"samples_per_datapoint": 2})["configuration"]
    assert "samples_per_datapoint is 1 in the record, 2" in found.detail


def test_a_record_of_another_scale_is_caught(copy):
    """The manifest says which scale it is."""
    found = check(copy, scale="quick")
    assert "the record is of the scale full, not quick" in found["configuration"].detail


def test_other_scales_and_places_are_no_other_configuration(copy):
    """What another scale is given, and where data lies, changes nothing here."""
    scales = SETTINGS["scales"] | {"quick": SETTINGS["scales"]["smoke"]}
    changed = SETTINGS | {"scales": scales, "data_dir": "elsewhere", "scale": "smoke"}
    assert wrong(copy, settings=changed) == set()


def test_estimators_of_no_figure_are_no_other_configuration(copy):
    """One that nothing shows may come; one that something shows may not change."""
    given = SETTINGS["estimators"]
    more = SETTINGS | {"estimators": given | {"own": {"method": "importance", "samples": 3}}}
    assert wrong(copy, settings=more) == set()
    other = SETTINGS | {"estimators": given | {"paper": given["paper"] | {"samples": 60}}}
    assert "estimators.paper.samples" in check(copy, settings=other)["configuration"].detail


def leave_out(folder: Path, name: str) -> None:
    """Make a record what it is where a data set cannot be had: none of its runs, none of its rows,
    no figure and table of it alone, and a manifest that says so."""
    label = DEFINITIONS[name]["label"]
    for runs in (folder / "runs").rglob(name):
        shutil.rmtree(runs)
    outputs = Outputs(SETTINGS, DEFINITIONS, "full", lambda dataset: dataset != name)
    before = Outputs(SETTINGS, DEFINITIONS, "full", lambda dataset: True)
    for file in set(catalogue.files(before)) - set(catalogue.files(outputs)):
        (folder / file).unlink()
    for path in [*(folder / "figures").glob("*.csv"), *(folder / "tables").glob("*.csv")]:
        table = pd.read_csv(path)
        columns = [c for c in ("dataset", "condition", "kind") if c in table]
        if any((table[column] == label).any() for column in columns):
            kept = table[~(table[columns] == label).any(axis=1)]
            kept.to_csv(path, index=False)
    make_manifest(folder, left_out=[name])


@pytest.mark.parametrize(("name", "kept"), [("frey_face", "mnist"), ("mnist", "frey_face")])
def test_a_record_without_a_data_set_is_sound_and_its_claims_do_not_fail(copy, name, kept):
    """Nothing of a data set that could not be had is missed, and of each claim the cases of the
    other are there and as good as in the whole record."""
    whole = opened(copy)
    leave_out(copy, name)
    one = opened(copy)
    found = {each.check: each for each in checks.check(one)}
    assert {n: f.detail for n, f in found.items() if f.outcome == WRONG} == {}
    assert f"({name} left out)" in found["data"].detail
    verdicts = assess_all(CLAIMS, one.tables, "full", one.expected)
    assert {v.claim.name: v.why for v in verdicts if v.status == FAILED} == {}
    for now, all_of_it in zip(
        verdicts, assess_all(CLAIMS, whole.tables, "full", whole.expected), strict=True
    ):
        assert len(now.cases) == now.expected or now.verdict == NOT_RUN
        assert len(now.cases) <= (all_of_it.expected or 0)
    assert sum(len(v.cases) for v in verdicts) > 100


@pytest.mark.parametrize(
    "spoilt",
    [
        # Runs of what is said to have been out of reach.
        lambda folder: None,
        # Only the curves of one figure are left of it.
        lambda folder: shutil.rmtree(folder / RUNS / "frey_face"),
    ],
)
def test_a_data_set_said_to_be_left_out_though_it_was_had_is_caught(copy, spoilt):
    """A record cannot get rid of a data set by saying that it could not be had."""
    spoilt(copy)
    make_manifest(copy, left_out=["frey_face"])
    found = check(copy)["data"]
    assert found.outcome == WRONG
    assert "frey_face is said to have been left out, but" in found.detail


def test_a_data_set_left_out_without_a_word_is_caught(copy):
    """Neither of which nothing is said, nor one with another content."""
    leave_out(copy, "frey_face")
    content = json.loads((copy / "manifest.json").read_text())
    del content["data"]["frey_face"]
    (copy / "manifest.json").write_text(json.dumps(content))
    assert {"data", "rows", "runs"} <= wrong(copy)
    content["data"] = json.loads(json.dumps(AS_COMMITTED["data"]))
    content["data"]["frey_face"]["sha256"]["frey_rawface.mat"] = "0" * 64
    (copy / "manifest.json").write_text(json.dumps(content))
    assert "frey_rawface.mat had the sha256 000" in check(copy)["data"].detail


def test_figures_that_are_not_configured_are_not_missed(copy):
    """Without section 2 nothing of it is asked for, and its claims are not run."""
    figures = SETTINGS["figures"] | {
        "section2": SETTINGS["figures"]["section2"] | {"dataset": None}
    }
    settings = SETTINGS | {"figures": figures}
    for name in ("gradient_variance", "gradient_estimators", "kl_divergence", "weight_prior"):
        (copy / f"figures/{name}.csv").unlink()
    (copy / "tables/gradient_variance.csv").unlink()
    make_manifest(copy, made_with=settings)
    found = check(copy, settings=settings)
    assert {n: f.detail for n, f in found.items() if f.outcome == WRONG} == {}
    assert found["tables/gradient_variance.csv"].outcome == ABSENT
    one = opened(copy, settings=settings)
    verdicts = {v.claim.name: v for v in assess_all(CLAIMS, one.tables, "full", one.expected)}
    for name in ("score_function_impractical", "score_function_trains_worse", "analytic_kl"):
        assert (verdicts[name].status, verdicts[name].expected) == (SKIPPED, 0)


def test_weights_may_be_left_out_but_not_altered(copy):
    """Weights are listed; a record without them is sound, one with others is not."""
    weights = copy / FIG2_RUN / "weights.safetensors"
    weights.write_bytes(b"weights")
    make_manifest(copy)
    assert wrong(copy) == set()
    weights.unlink()
    assert wrong(copy) == set()
    weights.write_bytes(b"others")
    assert wrong(copy) == {"hashes"}


def test_the_manifest_leaves_out_what_is_no_result(copy):
    """Logs, hidden files, the report and the audit's own files; everything else is listed."""
    for name in ("logs/x.log", ".hidden/x", "report.html", "audit/claims.csv", "figures/audit.png"):
        path = copy / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    (copy / "tables/new.csv").write_text("a\n1\n")
    before = set(manifest.read(copy).files)
    assert set(manifest.collect(copy)) == before | {"tables/new.csv"}
    assert "1 further files" in check(copy)["hashes"].detail


NO_HASH = {"scale": "full", "configuration": {}, "files": {"a.csv": {}}, "data": {}}


@pytest.mark.parametrize(
    "content", [None, "{", "[]", '{"scale": "full"}', json.dumps(NO_HASH), "\xff"]
)
def test_a_missing_or_damaged_manifest_is_told(copy, content):
    """One line that says how to make it."""
    path = copy / "manifest.json"
    path.unlink()
    if content is not None:
        path.write_text(content)
    (found,) = check(copy).values()
    assert found.outcome == WRONG and "`snakemake manifest`" in found.detail


def test_an_emptied_manifest_is_told(copy):
    """One that lists no files and no settings vouches for nothing."""
    content = json.loads((copy / "manifest.json").read_text())
    (copy / "manifest.json").write_text(json.dumps(content | {"files": {}, "configuration": {}}))
    assert {"outputs", "configuration"} <= wrong(copy)


def test_nothing_to_list_is_an_error(tmp_path):
    """An empty folder has no manifest."""
    with pytest.raises(DataError, match="holds no figures and tables"):
        manifest.make(tmp_path, "full", SETTINGS, [], None)
