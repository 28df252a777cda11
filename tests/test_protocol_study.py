"""The protocol study's file, and the runs that it describes."""

from copy import deepcopy
from pathlib import Path

import pytest
import yaml

from aevb.errors import ConfigError
from aevb.settings import load, protocol_study
from aevb.workflow.jobs import Jobs
from aevb.workflow.outputs import Outputs

ROOT = Path(__file__).parents[1]
STUDY = ROOT / "config/protocol_study.yaml"
CONFIG, DEFINITIONS = load(ROOT / "config/config.yaml", ROOT / "config/datasets.yaml")
FULL = CONFIG | {"scale": "full"}
GROUP = {
    "stage": "one",
    "dataset": "mnist",
    "algorithm": "wake_sleep",
    "latent_dims": [3],
    "training_samples": 1000,
    "step_sizes": [0.02],
    "settings": ["plain"],
}
SMALL = {
    "variant": "authors",
    "seeds": [0, 1],
    "settings": {
        "plain": {},
        "changed": {"hidden_units": 7, "settings": {"sleep_uses_updated_decoder": False}},
    },
    "groups": [GROUP],
}


def small(**changes) -> dict:
    return deepcopy(SMALL) | changes


def runs(described: dict, folder: Path, config=FULL) -> list[protocol_study.StudyRun]:
    path = folder / "study.yaml"
    path.write_text(yaml.safe_dump(described), encoding="utf-8")
    return protocol_study.runs(protocol_study.read(path), config, DEFINITIONS)


def test_the_shipped_study_is_one():
    """Every setting is tried somewhere, and no two runs of a panel are the same."""
    study = protocol_study.read(STUDY)
    found = protocol_study.runs(study, FULL, DEFINITIONS)
    assert {run.name.rpartition("/")[2] for run in found} == set(study.settings)
    assert len({run.name for run in found}) == len(found) > 70
    alike = [(run.experiment.to_json(), run.name.split("/")[0]) for run in found]
    assert len(set(alike)) == len(alike)
    assert all(run.experiment.seeds == tuple(range(8)) for run in found)


def test_a_setting_differs_from_the_variant_in_what_it_says(tmp_path):
    """And in nothing else; a budget is no larger than the scale's."""
    group = GROUP | {"settings": ["plain", "changed"], "training_samples": 10**12}
    plain, changed = (run.experiment for run in runs(small(groups=[group]), tmp_path))
    assert plain.hidden_units == 500 and plain.settings.sleep_uses_updated_decoder
    assert changed.hidden_units == 7 and not changed.settings.sleep_uses_updated_decoder
    assert plain.training_samples == changed.training_samples == 10**7
    assert plain.with_algorithm(sleep_uses_updated_decoder=False).settings == changed.settings
    (smoke,) = runs(small(), tmp_path, CONFIG | {"scale": "smoke"})
    assert smoke.name == "one/mnist/wake_sleep/latent_dim_3/plain"
    assert smoke.experiment.training_samples == 1000 and smoke.step_sizes == (0.02,)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"settings": {"plain": {"colour": 1}}}, r"settings\.plain: .*colour"),
        ({"settings": {"plain": {"hidden_units": 0}}}, r"settings\.plain: .*hidden_units"),
        ({"settings": {"plain": {"settings": {"L": 2}}}}, r"settings\.plain: .*unknown key 'L'"),
        ({"groups": [GROUP, GROUP]}, "two of them have one/mnist/wake_sleep/latent_dim_3/plain"),
        (
            {"groups": [GROUP | {"settings": ["none"]}]},
            "'none' is unknown; allowed: changed, plain",
        ),
        ({"groups": [GROUP | {"dataset": "cifar"}]}, "'cifar' is unknown; allowed: mnist"),
        ({"groups": [GROUP | {"algorithm": "mcem"}]}, "study.yaml: .*mcem"),
        ({"groups": []}, "study.yaml: groups"),
        ({"variant": "theirs"}, "'theirs' is unknown; allowed: paper"),
        ({"seeds": [0, 0]}, "study.yaml: seeds: 0 is named more than once"),
    ],
)
def test_what_is_no_study_is_refused_in_one_line(tmp_path, changes, said):
    with pytest.raises(ConfigError, match=said) as caught:
        runs(small(**changes), tmp_path)
    assert "\n" not in str(caught.value)


def test_jobs_are_those_of_the_study():
    """What can be had is asked for, and a file that no run of the study makes is refused."""
    outputs = Outputs(FULL, DEFINITIONS, "full", lambda dataset: dataset == "mnist")
    found = outputs.protocol_runs()
    assert {run.experiment.dataset for run in found} == {"mnist"}
    stage, dataset, algorithm, latent_dim, setting = found[0].name.split("/")
    wildcards = {
        "scale": "full",
        "stage": stage,
        "dataset": dataset,
        "algorithm": algorithm,
        "latent_dim": latent_dim.removeprefix("latent_dim_"),
        "setting": setting,
    }
    assert Jobs(outputs).protocol_run(wildcards) == found[0].experiment.to_json()
    with pytest.raises(ConfigError, match=r"has no run .*/factor_7"):
        Jobs(outputs).protocol_run(wildcards | {"setting": "factor_7"})
