"""Trained weights that are kept in half precision: how far they are from single, what lists and
audits them."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file

from aevb import catalogue
from aevb.applications.anomaly import lower_bound
from aevb.arrays import named
from aevb.audit import checks, derived, record
from aevb.audit.expected import absent
from aevb.audit.record import OK, WRONG
from aevb.audit.tables import Tables
from aevb.errors import DataError
from aevb.settings import load
from aevb.stages.generation import decode
from aevb.stages.trained import read_trained
from aevb.stages.weights import keep, name_of, read, write
from aevb.tables import weights
from aevb.tables.weights import collect
from aevb.training.assembly import architecture
from aevb.workflow.outputs import Outputs
from command_line import CONFIGURATION, assert_one_error, place_data, write_weights
from configuration import CONFIG, DATASETS
from tiny import SETTINGS

CONFIGURED, DEFINITIONS = load(CONFIG, DATASETS)
FULL = Outputs(CONFIGURED, DEFINITIONS, "full", lambda dataset: True)


def trained(folder: Path, **changes) -> tuple[Path, Path]:
    """Random weights of two seeds, and the file that keeps the first of them."""
    path = write_weights(folder / "weights.safetensors", **changes)
    experiment, arrays = read(path, "decoder/")
    both = {name: np.concatenate([value, value + 1]) for name, value in arrays.items()}
    write(path, both, replace(experiment, seeds=(3, 4)))
    return path, *keep([path], folder)


def test_half_precision_is_the_first_seed_rounded(tmp_path):
    """To 11 bits, read back as single precision, with the seed that it is of."""
    path, kept = trained(tmp_path)
    assert kept == tmp_path / "tiny_aevb_latent_dim_2.safetensors"
    experiment, whole = read(path, "decoder/")
    first, half = read(kept, "decoder/")
    assert experiment.seeds == (3, 4) and first == replace(experiment, seeds=(3,))
    assert set(half) == set(whole)
    for name, values in half.items():
        assert values.dtype == np.float32
        np.testing.assert_allclose(values, whole[name][:1], rtol=2.0**-11, atol=2.0**-25)
    assert {values.dtype for values in load_file(kept).values()} == {np.dtype(np.float16)}


def test_a_weight_beyond_half_precision_stays_a_number(tmp_path):
    """The largest there is takes the place of infinity."""
    write(tmp_path / "w", {"decoder/weights": np.float32([[1e6, -1e6, 1.0]])}, SETTINGS)
    (kept,) = keep([tmp_path / "w"], tmp_path / "kept")
    found = read(kept, "decoder/")[1]["decoder/weights"]
    assert found.tolist() == [[65504.0, -65504.0, 1.0]]


def test_the_models_compute_the_same_within_rounding(tmp_path):
    """Images within 1e-3 a pixel and bounds within 0.02 nats, where weights as far off as another
    seed's are not."""
    path, kept = trained(tmp_path, hidden_units=50)
    single, half = read_trained(path), read_trained(kept)
    draw = np.random.default_rng(0)
    z = draw.normal(size=(100, 2)).astype(np.float32)
    x = draw.random((100, 36), np.float32)
    bounds = [lower_bound(one.model, x).mean() for one in (single, half)]
    assert np.abs(decode(single.model, z) - decode(half.model, z)).max() < 1e-3
    assert abs(bounds[0] - bounds[1]) < 0.02
    other = read_trained(path, member=1)
    assert np.abs(decode(single.model, z) - decode(other.model, z)).max() > 0.1


def test_a_record_has_room_for_the_weights_that_it_keeps():
    """At most 15 MB at two bytes a parameter, and models of Figures 2 to 5 are among them."""
    kept = FULL.kept()
    folders = {run.folder for run in kept}
    wanted = [*FULL.fig3_runs(), *FULL.models("fig4.rows", 2), *FULL.models("fig5.latent_dims")]
    wanted += [run for run in FULL.fig2_runs() if run.experiment.algorithm == "aevb"]
    assert folders == {run.folder for run in wanted} and len(kept) == len(folders)
    bytes_in_all = 0
    for run in kept:
        shapes = named(architecture(run.experiment).shapes()._asdict())
        has_encoder = run.experiment.settings.has_encoder
        learned = [shape for k, shape in shapes.items() if has_encoder or k.startswith("decoder")]
        bytes_in_all += sum(2 * int(np.prod(shape)) for shape in learned)
    assert 10e6 < bytes_in_all < 15e6
    assert len({name_of(run.experiment) for run in kept}) == len(kept)
    figures = CONFIGURED["figures"] | {"weights": {"algorithms": []}}
    assert FULL._replace(settings=CONFIGURED | {"figures": figures}).kept() == []


def test_the_table_says_what_each_is(tmp_path):
    """One row a file, of single or half precision; a foreign file is refused in one line."""
    (tmp_path / "mcem").mkdir()
    mcem = write_weights(tmp_path / "mcem/w.safetensors", encoder=False, algorithm="mcem")
    path, kept = trained(tmp_path)
    table = collect([path, kept, mcem])
    assert list(table["file"]) == [path.name, kept.name, mcem.name]
    assert list(table["algorithm"]) == ["AEVB", "AEVB", "MCEM"]
    assert list(table["encoder"]) == [True, True, False]
    assert list(table["seed"]) == [3, 3, 0]
    layers = (36 * 8 + 8) + (8 * 4 + 4), (2 * 8 + 8) + (8 * 36 + 36)
    assert list(table["parameters"]) == [sum(layers), sum(layers), layers[1]]
    kept.write_bytes(b"no weights")
    with pytest.raises(DataError, match="no weights can be read"):
        collect([kept])


def test_the_commands_keep_and_list_them(run, tmp_path):
    """By scale, each with its file; where there are none, or no such scale, they say what to do."""
    folder = tmp_path / "results/smoke/weights"
    listing = ["weights", "--scale", "smoke", *CONFIGURATION]
    assert_one_error(run(*listing), "results/smoke/weights: keeps no", "aevb keep-weights")
    assert_one_error(run("weights", "--scale", "smok", *CONFIGURATION), "'smok' is unknown")
    path, _ = trained(tmp_path)
    assert run("keep-weights", path, "--output", folder)[0] == 0
    code, out, _ = run(*listing)
    assert code == 0 and "results/smoke/weights/tiny_aevb_latent_dim_2.safetensors" in out
    assert "1 models, 0.0 MB" in out
    assert str(folder) in run("weights", "--folder", folder.parent, *CONFIGURATION)[1]
    twice = run("keep-weights", path, path, "--output", tmp_path / "twice")
    assert_one_error(twice, "two models for tiny_aevb_latent_dim_2.safetensors")
    assert not (tmp_path / "twice").exists()
    nothing = run("table", "weights", tmp_path / "nowhere", "--output", tmp_path / "t.csv")
    assert_one_error(nothing, "nowhere: keeps no trained models")


def test_they_are_applied_as_others_are(run, tmp_path):
    """The arrays of `aevb apply represent` are those of single precision within rounding."""
    place_data(tmp_path)
    np.save(tmp_path / "images.npy", np.load(tmp_path / "local/tiny.npz")["test"].reshape(-1, 6, 6))
    found = []
    for path in trained(tmp_path):
        output = path.with_suffix(".npz")
        words = ["--weights", path, "--output", output]
        assert run("apply", "represent", tmp_path / "images.npy", *words)[0] == 0
        found.append(np.load(output))
    for name in found[0].files:
        np.testing.assert_allclose(found[1][name], found[0][name], rtol=0.02, atol=0.02)


@pytest.fixture
def kept(tmp_path):
    """A record of two of MNIST's models, as far as their weights go."""
    figures = CONFIGURED["figures"] | {
        "fig2": {"algorithms": ["aevb"], "latent_dims": {"mnist": [2]}},
        "fig3": CONFIGURED["figures"]["fig3"] | {"n_train": [1000], "algorithms": ["aevb"]},
        "fig4": {"rows": {}},
        "fig5": {"latent_dims": {}},
    }
    settings = CONFIGURED | {"figures": figures}
    folder = tmp_path / "full"
    opened = record.read(folder, Path("resources"), settings, DEFINITIONS, "full")
    for one in opened.outputs.kept():
        place = folder / one.folder
        place.mkdir(parents=True)
        told = {"experiment": asdict(one.experiment), "final": {}}
        (place / "run.json").write_text(json.dumps(told))
        arrays = {"decoder/weights": np.float32([[1.0], [2.0]])}
        write(place / "weights.safetensors", arrays, one.experiment)
    runs = [folder / one.folder / "weights.safetensors" for one in opened.outputs.kept()]
    keep(runs, folder / "weights")
    return opened


def test_the_audit_wants_those_of_the_runs(kept):
    """Each file there, whole, and of the first seed of its own run, of the same variant, seeds and
    budget."""

    def outcome() -> checks.Finding:
        return checks._finding("weights", *checks.CHECKS["kept weights"](kept))

    def assert_wrong(told: str) -> None:
        assert outcome().outcome == WRONG and told in outcome().detail

    assert outcome() == ("weights", OK, "2 trained models are kept, for use without training")
    one, other = (run.experiment for run in kept.outputs.kept())
    path = kept.folder / "weights" / name_of(one)
    whole = path.read_bytes()
    for damage, told in {
        b"": "no weights can be read",
        whole[:-2] + b"\x00\x00": "its checksum does not match",
        (path.parent / name_of(other)).read_bytes(): f"latent_dim is {other.latent_dim}, not",
    }.items():
        path.write_bytes(damage)
        assert_wrong(told)
    for changes in (
        {"variant": "paper"},
        {"hidden_units": 7},
        {"seeds": (7,)},
        {"training_samples": 100},
    ):
        foreign = replace(one, **{"seeds": one.seeds[:1]} | changes)
        write(path, {"decoder/weights": np.float16([[1.0]])}, foreign)
        assert_wrong(f"{next(iter(changes))} is")
    path.unlink()
    assert_wrong("there is no such file")
    path.write_bytes(whole)
    (path.parent / "frey_face_aevb_latent_dim_2.safetensors").write_bytes(whole)
    assert_wrong("is of no run that is configured")


def test_the_table_is_the_one_that_a_record_must_have(kept):
    """Its columns are the entry's, its rows those that the configuration asks for, and a record's
    is made again from the files."""
    (table,) = catalogue.product("weights").tables
    made = Path(kept.folder, table.file)
    made.parent.mkdir()
    text = weights.make(kept.folder / "weights")["output"]
    made.write_text(text, encoding="utf-8")
    assert list(pd.read_csv(made)) == table.columns.split()
    wanted = kept.expected.wanted[table.file]
    assert len(wanted.keys) == 2 and absent(table.file, wanted, kept.tables) == []
    assert remade_table(kept) == OK
    made.write_text(text.replace("mnist_aevb_latent_dim_2", "another"), encoding="utf-8")
    assert remade_table(kept) == WRONG


def remade_table(kept: record.Record) -> str:
    """The outcome of making it again."""
    fresh = kept._replace(tables=Tables(kept.folder, kept.tables.resources))
    found = {one.check: one.outcome for one in derived.remade(fresh)}
    return found["tables/weights.csv"]
