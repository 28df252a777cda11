"""The audit of a record: the committed one is sound, and one that was tampered with is caught.

Every control is tried twice: as it is, where the hashes alone would tell, and with a manifest that
was made anew afterwards, where only the record's own consistency can.
"""

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

from aevb import config
from aevb.audit import manifest, record, reports
from aevb.audit.claims import FAILED, assess_all, read_claims
from aevb.audit.record import ABSENT, OK, WRONG
from aevb.audit.tables import Tables
from aevb.errors import DataError

ROOT = Path(__file__).parent.parent
COMMITTED = ROOT / "results/full"
SETTINGS, DEFINITIONS = config.load(
    ROOT / "config/config.yaml", ROOT / "config/datasets.yaml", ROOT / "workflow/schemas"
)
RUNS = Path("runs/authors")
FIG2_RUN = RUNS / "mnist/aevb/latent_dim_20"
FIG3_RUN = RUNS / "mnist/mcem/hidden_units_100/n_train_1000/latent_dim_3"


def check(folder, settings=SETTINGS, scale="full"):
    return {
        found.check: found
        for found in record.check(folder, ROOT / "resources", settings, DEFINITIONS, scale)
    }


def wrong(folder, **arguments):
    return {name for name, found in check(folder, **arguments).items() if found.outcome == WRONG}


def make_manifest(folder, **changes):
    content = manifest.make(folder, "full", SETTINGS | changes, [], None)
    (folder / "manifest.json").write_text(json.dumps(content), encoding="utf-8")


@pytest.fixture(scope="module")
def tables_of_the_record(tmp_path_factory):
    """The committed record without its pictures, with a manifest of what is left."""
    folder = tmp_path_factory.mktemp("record") / "full"
    for path in COMMITTED.rglob("*"):
        if path.suffix in (".csv", ".json") and "audit" not in path.parts:
            target = folder / path.relative_to(COMMITTED)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)
    make_manifest(folder)
    return folder


@pytest.fixture
def copy(tables_of_the_record, tmp_path):
    return Path(shutil.copytree(tables_of_the_record, tmp_path / "full"))


def test_the_committed_record_is_sound():
    """Everything that the manifest lists is there and unaltered, and all checks pass."""
    found = check(COMMITTED)
    assert {name: one.detail for name, one in found.items() if one.outcome != OK} == {}


def test_the_committed_audit_is_that_of_the_record(tmp_path):
    """The audit in the record is what an audit gives today, and docs/verdicts.md shows it."""
    claims = read_claims(ROOT / "config/claims.yaml", ROOT / "workflow/schemas")
    verdicts = assess_all(claims, Tables(COMMITTED, ROOT / "resources"), "full")
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
    "missing figure": (lambda folder: (folder / "figures/fig3.csv").unlink(), {"outputs"}),
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
    assert "hashes" in wrong(copy)
    make_manifest(copy)
    found = wrong(copy)
    assert caught <= found and "hashes" not in found


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


def test_a_record_of_another_scale_is_caught(copy):
    """The manifest says which scale it is."""
    found = check(copy, scale="quick")
    assert "the record is of the scale full, not quick" in found["configuration"].detail


def test_other_scales_and_places_are_no_other_configuration(copy):
    """What another scale is given, and where data lies, changes nothing here."""
    scales = SETTINGS["scales"] | {"quick": SETTINGS["scales"]["smoke"]}
    changed = SETTINGS | {"scales": scales, "data_dir": "elsewhere", "scale": "smoke"}
    assert wrong(copy, settings=changed) == set()


def test_data_that_could_not_be_had_is_not_missed(copy):
    """Where the manifest says that a data set was left out, its runs are not asked for."""
    shutil.rmtree(copy / RUNS / "frey_face")
    assert "runs" in wrong(copy)
    reason = {"dataset": "frey_face", "available": False, "reason": "no network"}
    path = copy.parent / "frey_face.json"
    path.write_text(json.dumps(reason))
    content = manifest.make(copy, "full", SETTINGS, [path], None)
    (copy / "manifest.json").write_text(json.dumps(content))
    found = check(copy)
    assert found["runs"].outcome == found["curves"].outcome == OK


def test_derived_tables_that_were_not_made_are_told(copy):
    """A table that a record does not have is neither sound nor wrong."""
    (copy / "tables/applications.csv").unlink()
    make_manifest(copy)
    assert check(copy)["tables/applications.csv"].outcome == ABSENT


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
