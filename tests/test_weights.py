"""Trained weights in half precision: how far they are from single, what lists and audits them."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file

from aevb.applications.anomaly import lower_bound
from aevb.audit import checks, record
from aevb.audit.record import OK, WRONG
from aevb.errors import DataError
from aevb.settings import load
from aevb.stages.generation import decode
from aevb.stages.trained import read_trained
from aevb.stages.weights import HALF, read, write, write_trained
from aevb.tables.weights import collect
from aevb.training.assembly import architecture
from aevb.workflow.outputs import Outputs
from command_line import CONFIGURATION, assert_one_error, place_data, write_weights
from configuration import CONFIG, DATASETS
from tiny import SETTINGS

CONFIGURED, DEFINITIONS = load(CONFIG, DATASETS)
FULL = Outputs(CONFIGURED, DEFINITIONS, "full", lambda dataset: True)


def trained(folder: Path, **changes) -> Path:
    """Both files of a run with random weights of two seeds; the path of single precision."""
    path = write_weights(folder / "weights.safetensors", **changes)
    experiment, arrays = read(path, "decoder/")
    both = {name: np.concatenate([value, value + 1]) for name, value in arrays.items()}
    write_trained(path, both, replace(experiment, seeds=(3, 4)))
    return path


def test_half_precision_is_the_first_seed_rounded(tmp_path):
    """To 11 bits, read back as single precision, with the seed that it is of."""
    path = trained(tmp_path)
    experiment, whole = read(path, "decoder/")
    first, half = read(tmp_path / HALF, "decoder/")
    assert experiment.seeds == (3, 4) and first == replace(experiment, seeds=(3,))
    assert set(half) == set(whole)
    for name, values in half.items():
        assert values.dtype == np.float32
        np.testing.assert_allclose(values, whole[name][:1], rtol=2.0**-11, atol=2.0**-25)
    stored = load_file(tmp_path / HALF)
    assert {values.dtype for values in stored.values()} == {np.dtype(np.float16)}


def test_a_weight_beyond_half_precision_stays_a_number(tmp_path):
    """The largest there is takes the place of infinity."""
    arrays = {"decoder/weights": np.float32([[1e6, -1e6, 1.0]])}
    write_trained(tmp_path / "weights.safetensors", arrays, SETTINGS)
    found = read(tmp_path / HALF, "decoder/")[1]["decoder/weights"]
    assert found.tolist() == [[65504.0, -65504.0, 1.0]]


def test_the_models_compute_the_same_within_rounding(tmp_path):
    """Images within 1e-3 a pixel and bounds within 0.02 nats, where weights as far off as another
    seed's are not."""
    path = trained(tmp_path, hidden_units=50)
    single, half = read_trained(path), read_trained(tmp_path / HALF)
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
    sizes = []
    for run in kept:
        network = architecture(run.experiment)
        parts = network.shapes()._asdict()
        if not run.experiment.settings.has_encoder:
            del parts["encoder"]
        sizes += [2 * int(np.prod(shape)) for shape in _shapes(parts)]
    assert 10e6 < sum(sizes) < 15e6
    figures = CONFIGURED["figures"] | {"weights": {"algorithms": []}}
    assert FULL._replace(settings=CONFIGURED | {"figures": figures}).kept() == []


def _shapes(nest):
    if isinstance(nest, dict):
        return [shape for part in nest.values() for shape in _shapes(part)]
    if hasattr(nest, "_asdict"):
        return _shapes(nest._asdict())
    if isinstance(nest, (list, tuple)) and not all(isinstance(one, int) for one in nest):
        return [shape for part in nest for shape in _shapes(part)]
    return [tuple(nest)]


def test_the_table_says_what_each_is(tmp_path):
    """One row a file, of single or half precision; a foreign file is refused in one line."""
    (tmp_path / "mcem").mkdir()
    mcem = write_weights(tmp_path / "mcem/w.safetensors", encoder=False, algorithm="mcem")
    table = collect([trained(tmp_path), tmp_path / HALF, mcem])
    assert list(table["algorithm"]) == ["AEVB", "AEVB", "MCEM"]
    assert list(table["encoder"]) == [True, True, False]
    assert list(table["seed"]) == [3, 3, 0]
    layers = (36 * 8 + 8) + (8 * 4 + 4), (2 * 8 + 8) + (8 * 36 + 36)
    assert list(table["parameters"]) == [sum(layers), sum(layers), layers[1]]
    (tmp_path / HALF).write_bytes(b"no weights")
    with pytest.raises(DataError, match="no weights can be read"):
        collect([tmp_path / HALF])


def test_the_command_lists_them_with_their_files(run, tmp_path):
    """By the folder of a scale; where there are none it says what to do."""
    folder = tmp_path / "results/smoke"
    place = folder / "runs/authors/tiny/aevb/latent_dim_2"
    place.mkdir(parents=True)
    words = ["weights", "--folder", folder, *CONFIGURATION]
    assert_one_error(run(*words), "results/smoke: holds no weights_float16.safetensors", "train")
    trained(place)
    code, out, _ = run(*words)
    assert code == 0 and str(place / HALF) in out and "1 models, 0.0 MB" in out


def test_they_are_applied_as_others_are(run, tmp_path):
    """The arrays of `aevb apply represent` are those of single precision within rounding."""
    place_data(tmp_path)
    path = trained(tmp_path)
    np.save(tmp_path / "images.npy", np.load(tmp_path / "local/tiny.npz")["test"].reshape(-1, 6, 6))
    found = []
    for weights in (path, tmp_path / HALF):
        output = weights.with_suffix(".npz")
        words = ["--weights", weights, "--output", output]
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
        final = {"final": {"training_samples": one.experiment.training_samples}}
        (place / "run.json").write_text(json.dumps(final | {"experiment": {}}))
        arrays = {"decoder/weights": np.float32([[1.0]])}
        write_trained(place / "weights.safetensors", arrays, one.experiment)
    return opened


def test_the_audit_wants_those_of_the_runs(kept):
    """Each file there, whole, of its own run, and trained as long as the run was."""

    def outcome() -> checks.Finding:
        return checks._finding("weights", *checks.CHECKS["weights"](kept))

    assert outcome() == ("weights", OK, "2 trained models can be used without training")
    one, other = kept.outputs.kept()
    path = kept.path(one, HALF)
    whole = path.read_bytes()
    for damage, told in {
        b"": "no weights can be read",
        whole[:-2] + b"\x00\x00": "its checksum does not match",
        kept.path(other, HALF).read_bytes(): f"holds {other.experiment.name}",
    }.items():
        path.write_bytes(damage)
        assert outcome().outcome == WRONG and told in outcome().detail
    shorter = one.experiment.with_budget(100)
    write(path, {"decoder/weights": np.float16([[1.0]])}, shorter)
    assert outcome().outcome == WRONG and "100 samples, where the run has" in outcome().detail
    path.unlink()
    assert outcome().outcome == WRONG and "there is no such file" in outcome().detail


def test_the_catalogue_has_a_row_for_each_that_is_kept():
    """What an audit expects of the table is what is kept."""
    from aevb.catalogue import rows

    found = pd.DataFrame(rows.weights(FULL))
    assert len(found) == len(FULL.kept()) == 9 + 6 + 1
