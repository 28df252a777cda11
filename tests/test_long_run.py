"""Figure 2's runs that go further along its axis than the others."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from aevb import settings
from aevb.catalogue import needs
from aevb.cli import bundles
from aevb.errors import ConfigError
from aevb.figures import long_run
from aevb.workflow.jobs import Jobs
from aevb.workflow.outputs import Outputs
from configuration import CONFIG, DATASETS

GIVEN, DEFINITIONS = settings.load(CONFIG, DATASETS)


def outputs(scale: str = "full", **changes) -> Outputs:
    return Outputs(GIVEN | changes, DEFINITIONS, scale, lambda dataset: True)


def test_they_are_those_of_figure_2_with_another_budget_and_few_seeds():
    """Nothing else differs, so that their curves are those of Figure 2's seeds, further on."""
    found = outputs().long_runs()
    assert [run.folder for run in found] == [
        f"runs/authors/mnist/aevb/latent_dim_{n}_long" for n in (3, 20, 200)
    ]
    panels = {f"{run.folder}_long": run.experiment for run in outputs().fig2_runs()}
    for run in found:
        short = panels[run.folder]
        assert run.experiment == replace(short, training_samples=10**8, seeds=(0,))
        assert short.training_samples < 10**8
        assert set(run.experiment.seeds) < set(short.seeds) or len(short.seeds) == 1


def test_job_and_bundle_have_the_same_experiment():
    """The workflow's rule and `aevb export` are told what the record is held against."""
    for run in outputs().long_runs():
        parts = bundles._RUN.fullmatch(f"results/full/{run.folder}").groupdict()
        assert parts["long"]
        assert Jobs(outputs()).long_training(parts) == run.experiment.to_json()


def test_a_budget_that_is_asked_for_is_that_of_all():
    """--config training_samples=… trains nothing to 10⁸; seeds asked for are those of all."""
    assert outputs(training_samples=1000).long_runs() == []
    assert {run.experiment.seeds for run in outputs(seeds=[4, 5]).long_runs()} == {(4, 5)}


@pytest.mark.parametrize(
    "one", [outputs("smoke"), outputs(training_samples=1000)], ids=["scale", "budget"]
)
def test_none_is_said_where_there_is_none(one):
    assert one.long_runs() == []
    with pytest.raises(ConfigError, match=r"long_run: is null, or another budget"):
        needs.long_curves(one)


def test_no_experiment_where_the_scale_has_no_budget():
    values = {"scale": "smoke", "variant": "authors", "dataset": "mnist", "algorithm": "aevb"}
    with pytest.raises(ConfigError, match=r"scales\.smoke\.long_run: is null"):
        Jobs(outputs()).long_training(values | {"latent_dim": "20"})


def drawn(folder: Path, *rows: tuple[str, int, int | None, float, float]) -> Path:
    columns = ["source", "latent_dim", "seed", "training_samples", "lower_bound"]
    table = pd.DataFrame(rows, columns=columns)
    path = folder / "long_run.csv"
    table.assign(dataset="MNIST", algorithm="AEVB", split="test").to_csv(path, index=False)
    return path


def test_finding_is_at_the_end_of_ours(tmp_path):
    """The paper's curve is read between its points on the logarithmic axis: −100 half-way from
    10⁷ to 10⁹; a panel that the paper has not so far is not told."""
    path = drawn(
        tmp_path,
        *(("ours", 20, 0, 1e7, -110.0), ("ours", 20, 0, 1e8, -101.5)),
        *(("paper", 20, None, 1e7, -105.0), ("paper", 20, None, 1e9, -95.0)),
        *(("ours", 3, 0, 1e8, -130.0), ("paper", 3, None, 1e7, -140.0)),
    )
    assert list(long_run.finding(path)) == [
        "MNIST: AEVB minus the paper's test bound, nats: \N{MINUS SIGN}1.5 at N_z = 20 and"
        " 100,000,000 samples."
    ]
    assert list(long_run.finding(tmp_path / "absent.csv")) == []
