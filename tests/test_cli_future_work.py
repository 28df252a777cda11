"""The commands of section 7's studies, in one process at a tiny budget, and what they refuse."""

from dataclasses import replace

import pandas as pd
import pytest

from aevb import catalogue
from aevb.errors import ConfigError
from aevb.future_work import comparison
from aevb.pictures import read_pictures
from aevb.settings import load
from aevb.settings.configuration import Configuration
from aevb.settings.consistency import check
from command_line import assert_one_error, fetch, place_data
from configuration import CONFIG, DATASETS
from tiny import SETTINGS

LIKELIHOOD = {"marginal_log_likelihood": -9.0, "standard_error": 0.1, "n_points": 2}
LIKELIHOOD |= {"n_flagged": 0, "gap": 0.1}


@pytest.fixture
def record(run, tmp_path):
    place_data(tmp_path)
    assert fetch(run, tmp_path)[0] == 0
    return tmp_path / "record.json"


def words(record, folder, *options, experiment=SETTINGS):
    return [
        *("future-work", "hierarchy", "--settings", experiment.to_json(), "--record", record),
        *("--curves", folder / "curves.csv", "--table", folder / "table.csv"),
        *("--pictures", folder / "samples.npz", "--checkpoint-dir", folder / "checkpoints"),
        *("--points", 2, "--network", "MLP", "--step-size", 0.05, "--top-dim", 2, *options),
    ]


@pytest.mark.long
def test_hierarchy(run, record, tmp_path, monkeypatch):
    """Tables with the columns of the catalogue, and samples of each model. Annealed importance
    sampling, whose programs take long to compile, is tested in test_hierarchy.py."""
    monkeypatch.setattr(comparison, "_likelihood", lambda *arguments, gap: dict(LIKELIHOOD))
    short = replace(SETTINGS, training_samples=40, seeds=(0, 1))
    code, _, text = run(*words(record, tmp_path, experiment=short))
    assert code == 0, text
    for name, path in (("figures", "curves.csv"), ("tables", "table.csv")):
        found = pd.read_csv(tmp_path / path)
        assert list(found) == catalogue.tables()[f"{name}/hierarchy.csv"].columns.split()
        assert list(dict.fromkeys(found["model"])) == ["one layer, MLP", "hierarchy, MLP"]
        assert set(found["seed"]) == {0, 1}
    pictures = read_pictures(tmp_path / "samples.npz")
    assert pictures.images["Tiny/hierarchy, MLP"].shape == (8, 8, 6, 6)
    assert pictures.ink == {"Tiny"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--network", "conv."], "--network: tiny: convolutional networks need sides that are"),
        (["--network", "deep"], "--network: 'deep' is unknown; allowed: MLP, conv."),
        (["--ais", '{"chains": 0}'], "--ais: chains: 0 must be at least 2"),
    ],
)
def test_hierarchy_refuses_what_there_is_not(run, record, tmp_path, options, message):
    """One line, before TensorFlow starts, and no table."""
    assert_one_error(run(*words(record, tmp_path, *options)), message)
    assert not (tmp_path / "table.csv").exists()


def test_hierarchy_refuses_another_data_sets_record(run, record, tmp_path):
    other = replace(SETTINGS, dataset="other")
    message = "--record: there is none of other"
    assert_one_error(run(*words(record, tmp_path, experiment=other)), message)


def test_configuration_refuses_images_that_no_convolution_halves_twice():
    config, definitions = load(CONFIG, DATASETS)
    definitions["mnist"]["image_shape"] = [14, 56]
    config["figures"]["applications"]["factor"] = 2
    message = r"scales\.full\.future_work\.hierarchy\.networks: mnist: convolutional networks need"
    with pytest.raises(ConfigError, match=message):
        check(Configuration.of(config), definitions)
