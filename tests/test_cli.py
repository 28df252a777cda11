"""The command line: bad inputs end in one line for a person, and starting it is light."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from aevb import cli
from aevb.settings import Experiment
from command_line import CONFIGURATION, assert_one_error, audit, fetch, place_data, train

ROOT = Path(__file__).parents[1]


def test_help_lists_the_commands():
    """--help ends well and lists every command with what it does."""
    shown = CliRunner().invoke(cli.app, ["--help"])
    assert shown.exit_code == 0
    commands = "fetch select-step-size train likelihood compare-estimators".split()
    commands += "manifold sample project explorer apply evaluate".split()
    commands += "figure table bench document-config".split()
    for command in commands:
        (line,) = [line for line in shown.output.splitlines() if f" {command} " in line]
        assert len(line.split(command, 1)[1].strip(" │|")) > 15
        assert CliRunner().invoke(cli.app, [command, "--help"]).exit_code == 0


def test_starting_is_light():
    """Importing the command line imports neither TensorFlow nor pandas nor matplotlib."""
    heavy = ["tensorflow", "pandas", "matplotlib", "tensorflow_probability"]
    code = f"import sys, aevb.cli; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stdout + done.stderr


def test_process_ends_with_one_line(tmp_path):
    """As a process of its own, too, a bad input gives exit code 1 and one line."""
    words = ["figure", "fig2", "missing.csv", "--output", "fig2"]
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "aevb",
            *words,
            "--paper",
            str(ROOT / "resources/paper/fig2_lower_bound.csv"),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert_one_error((done.returncode, done.stdout, done.stderr), "missing.csv", "no such file")
    assert not list(tmp_path.iterdir())


def test_missing_record(run, tmp_path):
    """A missing record is named, with the step that makes it."""
    outcome = run(*train(tmp_path))
    assert_one_error(outcome, "record.json is missing", "run the fetch step again")


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"available": true}'])
def test_damaged_record(run, tmp_path, content):
    """A damaged record is named and said to be damaged."""
    (tmp_path / "record.json").write_text(content)
    assert_one_error(run(*train(tmp_path)), "record.json is damaged", "run the fetch step again")


def test_record_of_an_unavailable_data_set(run, tmp_path):
    """Training on a data set that could not be had says so, with the reason and what to do."""
    (tmp_path / "local").mkdir()
    assert fetch(run, tmp_path)[0] == 0
    outcome = run(*train(tmp_path))
    assert_one_error(outcome, "tiny is not available", "To place it by hand", lines=None)


@pytest.mark.parametrize(
    "content",
    [
        None,
        "",
        "step_size,selected\n",
        "step_size,selected\n0.01,False\n",
        "step_size\n0.01\n",
        "step_size,selected\nhuge,True\n",
        b"\x00\xff\xfe\x9d",
    ],
)
def test_unreadable_step_size_table(run, tmp_path, content):
    """A step-size table from which none can be read is named, with the command that makes it."""
    place_data(tmp_path)
    assert fetch(run, tmp_path)[0] == 0
    path = tmp_path / "step_size.csv"
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    outcome = run(*train(tmp_path))
    assert_one_error(outcome, "step_size.csv: no selected step size", "aevb select-step-size")
    assert not (tmp_path / "curve.csv").exists()


@pytest.mark.parametrize("content", ["{", "", "[]", "null", '{"seeds": [0]}'])
@pytest.mark.parametrize("command", ["train", "select-step-size"])
def test_corrupt_settings(run, tmp_path, command, content):
    """Settings that are no experiment are refused before anything is read or written."""
    words = train(tmp_path, settings=content)
    if command == "select-step-size":
        words = [command, content, "--record", tmp_path / "record.json"]
        words += ["--output", tmp_path / "step_size.csv"]
    assert_one_error(run(*words), "the settings are not an experiment")
    assert not list(tmp_path.iterdir())


def test_settings_are_what_the_stages_read(run):
    """`aevb settings` prints the experiment that --settings takes, by the names it was given."""
    words = ["--dataset", "frey_face", "--algorithm", "wake_sleep", "--latent-dim", "7"]
    outcome = run("settings", *words, "--variant", "paper", "--scale", "smoke", *CONFIGURATION)
    wanted = Experiment.from_json(outcome[1])
    assert (wanted.dataset, wanted.algorithm, wanted.latent_dim) == ("frey_face", "wake_sleep", 7)
    assert (wanted.variant, wanted.batch_size) == ("paper", 100)


def test_settings_of_figure_3(run):
    """--n-train and --hidden-units give an experiment of Figure 3, Monte Carlo EM too."""
    words = ["--dataset", "mnist", "--algorithm", "mcem", "--latent-dim", "3", "--scale", "smoke"]
    outcome = run("settings", *words, "--n-train", "1000", "--hidden-units", "100", *CONFIGURATION)
    wanted = Experiment.from_json(outcome[1])
    assert (wanted.algorithm, wanted.n_train, wanted.hidden_units) == ("mcem", 1000, 100)
    assert (wanted.training_samples, wanted.snapshots) == (1_500_000, True)


@pytest.mark.parametrize(
    ("option", "value", "allowed"),
    [
        ("--dataset", "cifar", "allowed: mnist, frey_face"),
        ("--algorithm", "sgd", "allowed: aevb, wake_sleep, mcem"),
        ("--algorithm", "mcem", "give n_train"),
        ("--n-train", "0", "minimum of 1"),
        ("--hidden-units", "0", "minimum of 1"),
        ("--latent-dim", "0", "minimum of 1"),
        ("--scale", "huge", "allowed: smoke, quick, full, paper"),
    ],
)
def test_settings_refuse_what_is_unknown(run, option, value, allowed):
    """A name that does not exist is refused with those that do."""
    words = {"--dataset": "mnist", "--algorithm": "aevb", "--latent-dim": "3"} | {option: value}
    outcome = run("settings", *(w for pair in words.items() for w in pair), *CONFIGURATION)
    assert_one_error(outcome, value, allowed)


def test_unknown_data_set(run, tmp_path):
    """An unknown data set's name is refused with the names there are."""
    words = [*CONFIGURATION, "--record", tmp_path / "record.json"]
    assert_one_error(run("fetch", "cifar", *words), "'cifar' is unknown", "mnist, frey_face")


def test_missing_configuration(run, tmp_path):
    """In a folder without a configuration the missing file is named."""
    outcome = run("fetch", "mnist", "--record", tmp_path / "record.json")
    assert_one_error(outcome, "config/config.yaml: there is no such file")


CURVE = """dataset,latent_dim,algorithm,split,seed,training_samples,lower_bound
Tiny,2,AEVB,train,0,100,-30.5
Tiny,2,AEVB,train,0,1000,{}
Tiny,2,AEVB,test,0,100,-30.5
Tiny,2,AEVB,test,0,1000,-20.5
"""


@pytest.mark.parametrize("value", ["nan", "inf", "-inf"])
@pytest.mark.parametrize("command", ["figure fig2", "table fig2-distance", "table variants"])
def test_curve_that_is_not_finite(run, tmp_path, command, value):
    """A curve with a NaN or an infinity is refused with file and line, and nothing is drawn."""
    path = tmp_path / "curve.csv"
    path.write_text(CURVE.format(value))
    given = f"authors={path}" if command == "table variants" else path
    words = [*command.split(), given, "--output", tmp_path / "drawn"]
    outcome = run(*words, "--paper", ROOT / "resources/paper/fig2_lower_bound.csv")
    assert_one_error(outcome, "curve.csv, line 3", "'lower_bound'", "not finite")
    assert [found.name for found in tmp_path.iterdir()] == ["curve.csv"]


def test_variant_without_a_name(run, tmp_path):
    """A curve of the variants table that names no variant is refused."""
    outcome = run("table", "variants", "curve.csv", "--output", tmp_path / "variants.csv")
    assert_one_error(outcome, "'curve.csv' is not of the form NAME=CURVE.csv")


def test_table_of_missing_step_sizes(run, tmp_path):
    """A missing table of step sizes is named in one line."""
    outcome = run("table", "step-sizes", "missing.csv", "--output", tmp_path / "all.csv")
    assert_one_error(outcome, "missing.csv")


def test_definition_that_is_no_json(run, tmp_path):
    """A --definition that is no JSON is refused in one line."""
    outcome = run("fetch", "tiny", "--record", tmp_path / "record.json", "--definition", "{")
    assert_one_error(outcome, "--definition")


def test_output_that_cannot_be_written(run, tmp_path):
    """When the output cannot be written, the place is named in one line."""
    (tmp_path / "file").write_text("in the way")
    path = tmp_path / "file" / "README.md"
    assert_one_error(run("document-config", "--output", path, "--schemas", tmp_path), "file")


def test_unknown_option(run):
    """A mistyped option ends with typer's usage error, exit code 2 and no traceback."""
    code, _, text = run("train", "--no-such-option")
    assert code == 2
    assert "Traceback" not in text


def test_fetch_of_an_unavailable_data_set(run, tmp_path):
    """A data set that cannot be had is recorded with the reason, loudly, and is no failure."""
    (tmp_path / "local").mkdir()
    code, _, text = fetch(run, tmp_path)
    assert code == 0
    assert "tiny IS LEFT OUT" in text
    assert "Traceback" not in text
    record = json.loads((tmp_path / "record.json").read_text())
    assert record["available"] is False
    assert record["dataset"] == "tiny"
    assert "tiny.npz" in record["reason"]


def test_fetch_with_require(run, tmp_path):
    """With --require the same is an error, and no record is written."""
    (tmp_path / "local").mkdir()
    outcome = fetch(run, tmp_path, "--require")
    assert_one_error(outcome, "Tiny (tiny) cannot be had", "To place it by hand", lines=None)
    assert not (tmp_path / "record.json").exists()


def test_fetch_of_an_available_data_set(run, tmp_path):
    """A data set that is there is recorded with its path and hash, --require or not."""
    place_data(tmp_path)
    for options in ([], ["--require"]):
        assert fetch(run, tmp_path, *options)[0] == 0
        record = json.loads((tmp_path / "record.json").read_text())
        assert record["available"] is True
        assert Path(record["path"]).is_file()
        assert len(record["sha256"]["tiny.npz"]) == 64


def test_log_file(run, tmp_path):
    """--log writes the messages to a file as well, in a folder that it makes."""
    (tmp_path / "local").mkdir()
    log = tmp_path / "logs" / "deep" / "fetch.log"
    _, _, text = fetch(run, tmp_path, "--require", "--log", log)
    assert "error: Tiny (tiny) cannot be had" in log.read_text()
    assert "error: Tiny (tiny) cannot be had" in text


def test_document_config(run, tmp_path):
    """`aevb document-config` writes the page and the schemas that the repository holds."""
    path = tmp_path / "README.md"
    outcome = run("document-config", "--output", path, "--schemas", tmp_path)
    assert outcome[0] == 0
    assert path.read_text() == (ROOT / "config" / "README.md").read_text()
    schemas = ROOT / "workflow/schemas"
    assert len(list(schemas.iterdir())) == 3
    for file in schemas.iterdir():
        assert (tmp_path / file.name).read_text() == file.read_text()


def test_audit_of_the_committed_record(run, tmp_path):
    """It passes, prints both tables and writes them with JUnit XML beside."""
    code, out, err = run(*audit("--output", tmp_path / "audit"))
    assert code == 0, err
    assert "No regression; the record is sound" in " ".join(out.split())
    names = {path.name for path in (tmp_path / "audit").iterdir()}
    tables = {"claims.csv", "cases.csv", "record.csv"}
    assert names == tables | {"audit.md", "audit.html", "verdicts.md", "junit.xml"}


def test_audit_needs_no_tensorflow():
    """A process that audits the record ends without TensorFlow."""
    script = (
        "import sys; from aevb import cli\n"
        "try: cli.main()\n"
        "except SystemExit as ended: code = ended.code\n"
        "sys.exit(code or int('tensorflow' in sys.modules) * 99)"
    )
    words = [str(word) for word in audit()]
    done = subprocess.run([sys.executable, "-c", script, *words], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_audit_of_a_folder_that_is_not_there(run, tmp_path):
    """One line that says how to make it."""
    outcome = run(*audit("--folder", tmp_path / "none"))
    assert_one_error(outcome, "is not there", "snakemake --config scale=full")


def test_audit_of_a_claims_file_with_a_mistake(run, tmp_path):
    """One line that names the claim and the key."""
    claims = tmp_path / "claims.yaml"
    claims.write_text("scales: [full]\nclaims: {a: {says: b, section: c, figure: d}}\n")
    assert_one_error(run(*audit("--claims", claims)), "claims.a", "'checks' is required")


def test_audit_of_an_unknown_scale(run):
    """The scales there are."""
    outcome = run(*audit("--scale", "huge"))
    assert_one_error(outcome, "'huge' is unknown", "smoke, quick, full, paper")


def test_manifest_of_an_empty_folder(run, tmp_path):
    """One line."""
    words = [word if word != "audit" else "manifest" for word in audit("--folder", tmp_path)]
    for option in ("--claims", "--resources"):
        at = words.index(option)
        del words[at : at + 2]
    assert_one_error(run(*words), "holds no figures and tables")


def test_checkpoints_travel(run, tmp_path):
    """Export says where there are none; import says where there is no archive."""
    outcome = run("export-checkpoints", tmp_path / "a.tar", "--checkpoint-dir", tmp_path / "none")
    assert_one_error(outcome, "holds no checkpoints; train first")
    outcome = run("import-checkpoints", tmp_path / "a.tar", "--checkpoint-dir", tmp_path / "here")
    assert_one_error(outcome, "there is no such file")
    assert not list(tmp_path.iterdir())
