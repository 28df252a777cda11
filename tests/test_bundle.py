"""Bundles: written with TensorFlow, trained without it, brought home."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from aevb import cli
from aevb.bundle import results
from aevb.bundle.__main__ import main
from aevb.bundle.archive import Writer
from aevb.bundle.exporting import add, add_selection
from aevb.bundle.importing import import_results
from aevb.errors import DataError
from aevb.stages.weights import read as read_weights
from aevb.training import experiment
from aevb.training.loop import SPLITS
from command_line import CONFIGURATION, assert_one_error
from tiny import SETTINGS

pytestmark = pytest.mark.long

WANTED = replace(SETTINGS, training_samples=2000, seeds=(0, 1))
NAME = "results/smoke/runs/authors/tiny/aevb/latent_dim_2"
STUDY = "study/tiny/aevb/latent_dim_2"
WITHOUT = "tensorflow", "tensorflow_probability", "pandas", "typer", "yaml", "matplotlib", "scipy"


@pytest.fixture(scope="module")
def bundle(tiny, tmp_path_factory) -> Path:
    """One run of two seeds, and one of two step sizes."""
    writer = Writer()
    add(writer, NAME, WANTED, [0.02], tiny)
    add(writer, STUDY, replace(WANTED, seeds=(0,)), [0.01, 0.02], tiny)
    path = tmp_path_factory.mktemp("bundle") / "runs.zip"
    writer.write(path)
    return path


def command(tmp_path: Path, *arguments: str, **options) -> subprocess.Popen:
    """``python -m aevb.bundle`` in a Python that has numpy, jax and safetensors alone."""
    refuse = "".join(f"sys.modules[{name!r}] = None; " for name in WITHOUT)
    code = f"import runpy, sys; {refuse}runpy.run_module('aevb.bundle', run_name='__main__')"
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(Path(cli.__file__).parents[2])} | options,
    )


@pytest.fixture(scope="module")
def trained(bundle, tmp_path_factory) -> Path:
    """The folder of the results, trained where TensorFlow cannot be imported."""
    folder = tmp_path_factory.mktemp("trained")
    process = command(folder, "run", str(bundle), "--output", "out", "--platform", "cpu")
    _, text = process.communicate(timeout=600)
    assert process.returncode == 0, text
    assert "2 runs, 0 finished" in text and "ETA" in text
    return folder / "out"


def test_the_numbers_are_those_of_training_here(trained, tiny):
    """Curve and parameters are TensorFlow's but for rounding."""
    curve, weights, _, _ = experiment.run_training(
        WANTED, 0.02, tiny, checkpoint_folder=None, checkpoint_seconds=60
    )
    result = results.read(trained / NAME / "result.safetensors")
    ours = curve.pivot_table("lower_bound", ["split", "training_samples"], "seed")
    for samples, values in result.rows:
        for split, value in zip(SPLITS, values, strict=True):
            np.testing.assert_allclose(value, ours.loc[split, samples], rtol=0, atol=1e-3)
    for name, array in weights.items():
        np.testing.assert_allclose(result.parameters[name], array, rtol=0, atol=1e-3)
    assert "PJRT" in json.dumps(result.record["devices"])


def test_what_is_finished_is_not_done_again(trained, bundle, caplog):
    assert main(["run", str(bundle), "--output", str(trained), "--platform", "cpu"]) == 0
    assert "2 runs, 2 finished" in caplog.text


def test_killed_and_resumed_equals_unbroken(trained, bundle, tmp_path):
    """Killed once it has a checkpoint, the same command ends in the same bits."""
    arguments = "run", str(bundle), "--output", "out", "--platform", "cpu", "--only", NAME
    process = command(tmp_path, *arguments, "--checkpoint-seconds", "0.001")
    kept = tmp_path / "out" / results.CHECKPOINTS / NAME
    until = time.monotonic() + 300
    while not list(kept.glob("*.safetensors")) and process.poll() is None:
        assert time.monotonic() < until
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    process = command(tmp_path, *arguments)
    _, text = process.communicate(timeout=600)
    assert process.returncode == 0, text
    ours, theirs = (
        results.read(folder / NAME / "result.safetensors") for folder in (tmp_path / "out", trained)
    )
    for one, other in zip(ours.rows, theirs.rows, strict=True):
        for mine, its in zip(one, other, strict=True):
            np.testing.assert_array_equal(mine, its)
    for name, array in ours.parameters.items():
        np.testing.assert_array_equal(array, theirs.parameters[name])


def test_results_come_home(trained, tiny, tmp_path):
    """Curve, weights, record and checkpoint lie where training here would have put them."""
    only = tmp_path / "only"
    for part in (NAME, f"{results.CHECKPOINTS}/{NAME}"):
        shutil.copytree(trained / part, only / part)
    import_results(only, tmp_path, tmp_path / ".checkpoints", lambda _: tiny)
    place = tmp_path / NAME
    curve = pd.read_csv(place / "curve.csv")
    assert set(curve["seed"]) == {0, 1} and set(curve["split"]) == set(SPLITS)
    kept, arrays = read_weights(place / "weights.safetensors", "decoder/")
    assert kept == WANTED and len(arrays["decoder/output_bias"]) == 2
    record = json.loads((place / "run.json").read_text(encoding="utf-8"))
    assert record["step_size"] == 0.02 and "PJRT" in record["devices"][0]
    again, *_, record = experiment.run_training(
        WANTED,
        0.02,
        tiny,
        checkpoint_folder=tmp_path / ".checkpoints" / NAME,
        checkpoint_seconds=60,
    )
    assert record["last_process"]["training_seconds"] == 0
    np.testing.assert_allclose(again["lower_bound"], curve["lower_bound"], rtol=0, atol=2e-6)


def test_what_is_not_of_here_stays_out(trained, tiny, tmp_path):
    """Several step sizes, another program, a damaged file, no file at all: one line each."""
    with pytest.raises(DataError, match=r"has the step sizes \[0.01, 0.02\], and a run has one"):
        import_results(trained / "study", tmp_path, tmp_path, lambda _: tiny)
    result = results.read(trained / NAME / "result.safetensors")
    foreign = replace(result.item, programs=result.item.programs | {"chunk": "0" * 64})
    results.write(tmp_path / "foreign", result._replace(item=foreign))
    with pytest.raises(DataError, match="its chunk program is not what this version"):
        import_results(tmp_path / "foreign", tmp_path, tmp_path, lambda _: tiny)
    outside = replace(result.item, name="../../outside")
    results.write(tmp_path / "a" / "b" / "c", result._replace(item=outside))
    with pytest.raises(DataError, match="it leads out of the folder"):
        import_results(tmp_path / "a", tmp_path, tmp_path, lambda _: tiny)
    damaged = tmp_path / "damaged" / "result.safetensors"
    damaged.parent.mkdir()
    content = bytearray((trained / NAME / "result.safetensors").read_bytes())
    content[-1] ^= 1
    damaged.write_bytes(content)
    with pytest.raises(DataError, match="no result of a bundle can be read"):
        results.read_all(tmp_path / "damaged")
    with pytest.raises(DataError, match="holds no results"):
        results.read_all(tmp_path / "nothing")


@pytest.mark.parametrize(
    ("spoil", "what"),
    [
        (lambda content: content[:1000], "is no bundle, or a damaged one"),
        (lambda content: b"<html>not found</html>", "is no bundle, or a damaged one"),
        (lambda content: b"", "is no bundle, or a damaged one"),
        (lambda content: content[:300] + bytes(200) + content[500:], "damaged"),
    ],
)
def test_damaged_bundles_are_named(bundle, tmp_path, caplog, spoil, what):
    path = tmp_path / "spoilt.zip"
    path.write_bytes(spoil(bundle.read_bytes()))
    code = main(["run", str(path), "--output", str(tmp_path / "out"), "--platform", "cpu"])
    assert code == 1
    assert what in caplog.text and "Traceback" not in caplog.text


def test_missing_file_and_unknown_names(bundle, tmp_path, caplog):
    assert main(["list", str(tmp_path / "none.zip")]) == 1
    assert "there is no such file" in caplog.text
    assert main(["run", str(bundle), "--output", str(tmp_path), "--only", "fig9"]) == 1
    assert "no run of" in caplog.text


def test_list_and_table(trained, bundle, tmp_path, capsys):
    assert main(["list", str(bundle)]) == 0
    assert f"{NAME}: 2 members (seeds [0, 1]" in capsys.readouterr().out
    assert main(["table", str(trained), "--output", str(tmp_path / "t.csv")]) == 0
    table = pd.read_csv(tmp_path / "t.csv")
    assert set(table["run"]) == {NAME, STUDY}
    assert set(table.loc[table["run"] == STUDY, "step_size"]) == {0.01, 0.02}
    assert table.groupby(["run", "seed", "step_size", "split"]).size().nunique() == 1


def test_a_device_is_checked(tiny, tmp_path, caplog):
    """Agreement with the CPU, which on the CPU is exact, and a speed."""
    writer = Writer()
    for kind in ("agreement", "speed"):
        add(writer, f"{kind}/tiny/aevb/latent_dim_2", replace(WANTED, seeds=(0,)), [0.01], tiny)
    writer.write(tmp_path / "check.zip")
    arguments = ["check", str(tmp_path / "check.zip"), "--output", str(tmp_path)]
    assert main([*arguments, "--platform", "cpu", "--precision", "highest"]) == 0
    agreement = pd.read_csv(tmp_path / "agreement.csv")
    assert agreement["objective_difference"].tolist() == [0.0]
    assert agreement["bound_difference"].tolist() == [0.0]
    speed = pd.read_csv(tmp_path / "speed.csv")
    steps = speed["steps_per_second"].iloc[0]
    assert speed["samples_per_second"].iloc[0] == pytest.approx(20 * steps, rel=1e-4)


SELECTION = "results/smoke/runs/authors/tiny/aevb/step_size.csv"
SELECTING = replace(SETTINGS, step_sizes=(1e6, 0.05, 0.01), selection_samples=1000, seeds=(0, 1))


def selection(tmp_path: Path, tiny, panels) -> Path:
    """The folder of the results by which a step size is selected on these panels."""
    writer = Writer()
    add_selection(writer, Path(SELECTION), panels, tiny)
    writer.write(tmp_path / "selection.zip")
    words = ["run", str(tmp_path / "selection.zip"), "--output", str(tmp_path / "out")]
    assert main([*words, "--platform", "cpu"]) == 0
    return tmp_path / "out"


@pytest.mark.parametrize("window", [(0.0, 1.0), (0.02, 0.6)])
def test_a_selection_comes_home_as_it_is_made_here(tiny, tmp_path, window):
    """The table is `aevb select-step-size`'s but for rounding, whatever part counts; a candidate
    that diverges loses there, too. A panel that is missing is named, and nothing written."""
    panels = [replace(SELECTING, selection_window=window, latent_dim=n) for n in (3, 10)]
    folder = selection(tmp_path, tiny, panels)
    places = import_results(folder, tmp_path, tmp_path / "kept", lambda one: tiny)
    assert places == [tmp_path / SELECTION]
    found = pd.read_csv(tmp_path / SELECTION)
    wanted = experiment.select_step_size(panels, tiny)
    assert wanted["selected"].sum() == 4 and (wanted["status"] != "ok").sum() == 4
    columns = ["objective", "mean_over_panels"]
    np.testing.assert_allclose(found[columns], wanted[columns], rtol=1e-4)
    pd.testing.assert_frame_equal(found.drop(columns=columns), wanted.drop(columns=columns))

    (tmp_path / SELECTION).unlink()
    others = [replace(panels[0], step_sizes=(1e6, 0.05, 0.02))]
    writer = Writer()
    add_selection(writer, Path(SELECTION), [*others, panels[1]], tiny)
    writer.write(tmp_path / "selection.zip")
    words = ["run", str(tmp_path / "selection.zip"), "--output", str(folder)]
    assert main([*words, "--platform", "cpu", "--only", "latent_dim_3"]) == 0
    with pytest.raises(DataError, match="bundles that differ in more than N_z"):
        import_results(folder, tmp_path, tmp_path / "kept", lambda one: tiny)
    shutil.rmtree(folder / SELECTION.removesuffix(".csv") / "latent_dim_10")
    with pytest.raises(DataError, match=r"selected on 2 panels.*no result of .*latent_dim_10"):
        import_results(folder, tmp_path, tmp_path / "kept", lambda one: tiny)
    assert not (tmp_path / SELECTION).exists()


def test_checkpoints_serve_what_they_were_made_for(tiny):
    """Other step sizes, or another part that counts, and a run starts anew."""

    def bound_to(**changes) -> str:
        writer = Writer()
        add_selection(writer, Path(SELECTION), [replace(SELECTING, **changes)], tiny)
        return writer.runs[0].fingerprint

    changes = [
        {},
        {"selection_window": (0.5, 1.0)},
        {"step_sizes": (1e6, 0.05, 0.02)},
        {"selection_samples": 2000},
        {"seeds": (0, 2)},
    ]
    assert len({bound_to(**one) for one in changes}) == len(changes)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["results/fulll/runs/authors/mnist/aevb/step_size.csv"], "'fulll' is unknown"),
        (
            ["results/full/runs/authors/mnist/aevb/step_size.csv", "--step-size", "0.1"],
            "leave out --step-size",
        ),
        (["results/full/runs/authors/mnist/aevb/sizes.csv"], "is no folder of a run"),
    ],
)
def test_a_selection_that_cannot_be_exported_is_refused(run, tmp_path, words, told):
    outcome = run("export", *words, "--output", tmp_path / "b.zip", *CONFIGURATION)
    assert_one_error(outcome, told)
