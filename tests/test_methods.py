"""What a method of estimating log p(x) is: one file, and a line in the registry."""

import functools
import operator
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from importlib import import_module
from inspect import signature
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import pytest
import tensorflow as tf
import yaml
from pydantic import Field

from aevb import data
from aevb.arrays import named_arrays
from aevb.errors import ConfigError
from aevb.likelihood.estimate import Estimate
from aevb.likelihood.methods import registry
from aevb.likelihood.methods.base import Estimator, Method, TwoSided
from aevb.likelihood.methods.registry import METHODS, read_method
from aevb.likelihood.model import Model
from aevb.models.linear_gaussian import LinearGaussian, ProbabilisticPCA
from aevb.schema.kinds import Number
from aevb.stages import truth_table
from aevb.stages.along_training import estimate_along_training
from aevb.training.assembly import architecture
from tiny import SETTINGS

ROOT = Path(__file__).parents[1]
NAMED = {kind().method: kind() for kind in METHODS}


@pytest.mark.parametrize("method", NAMED)
def test_every_method_is_an_estimator(method):
    """It is found by its name, and makes estimates itself or by a module that takes its settings
    and no other's."""
    one = read_method({"method": method})
    assert type(one) is type(NAMED[method]) and isinstance(one, Estimator)
    assert [name for name, other in NAMED.items() if other.code() == one.code()] == [method]
    if one.numerics:
        made = signature(import_module(one.numerics).estimate).parameters
        assert list(made)[:4] == ["model", "x", "budget", "seed"]
        assert made["budget"].annotation in (type(one), type(one) | None)
    else:
        assert "estimate" in vars(type(one))


def test_what_methods_can():
    """Annealed importance sampling has an estimate from above, and quadrature is exact."""
    found = {name: (isinstance(one, TwoSided), one.exact) for name, one in NAMED.items()}
    assert (found["ais"], found["quadrature"]) == ((True, False), (False, True))
    assert found["harmonic"] == found["importance"] == (False, False)


# A method of one's own.


class Shifted(Method):
    """The truth and some nats, to both sides."""

    method: Literal["shifted"] = "shifted"
    needs_encoder = True
    nats: Number = 1.0
    """Nats."""

    def label(self, name):
        return f"shifted by {self.nats:g}"

    def estimate(self, model, x, seed):
        return _estimate(TRUTH.log_likelihood(x) - self.nats)

    def simulate(self, model, n, seed):
        return np.zeros((n, 2)), np.ones((n, 6)) * seed

    def estimate_above(self, model, z, x, seed):
        assert z.shape == (len(x), 2) and (x == seed).all()
        return _estimate(TRUTH.log_likelihood(x) + self.nats)


class Counting(Method):
    """How often its chains were continued."""

    method: Literal["counting"] = "counting"

    def continue_chains(self, model, x, seed, chains):
        times = chains["times"] + 1 if chains else np.ones(len(x))
        return _estimate(times), {"times": times}


TRUTH = ProbabilisticPCA(np.eye(6, 2) * [1.0, 0.8], np.zeros(6), 0.1)


def _estimate(value: np.ndarray) -> Estimate:
    known = np.ones(len(value), bool)
    return Estimate(value.astype(np.float64), np.zeros(len(value)), known, {}, len(value))


@pytest.fixture(autouse=True)
def registered(monkeypatch):
    kinds = functools.reduce(operator.or_, [*METHODS, Shifted, Counting])
    monkeypatch.setattr(registry, "AnyMethod", Annotated[kinds, Field(discriminator="method")])


def test_new_method_is_compared_with_the_truth():
    """From both sides, under its own label, and only where it applies."""
    model = Model(LinearGaussian(6, 2), TRUTH.parameters(1.0))
    x = TRUTH.sample(5, np.random.default_rng(0))
    wanted = {"mine": {"method": "shifted", "nats": 2}}
    table = truth_table.compare(model, x, TRUTH.log_likelihood, wanted, seed=3)
    assert table["estimator"].tolist() == ["shifted by 2", "shifted by 2 backward"]
    np.testing.assert_allclose(table["bias"], [-2, 2])
    bare = model._replace(parameters=model.parameters._replace(encoder=()))
    with pytest.raises(ConfigError, match="none of the estimators applies"):
        truth_table.compare(bare, x, TRUTH.log_likelihood, wanted, seed=3)


def test_chains_of_a_new_method_go_on_along_training(tmp_path):
    """From snapshot to snapshot, and from what an earlier call has kept."""
    experiment = replace(SETTINGS, n_train=4, snapshots=True, seeds=(0, 1))
    images = data.Dataset("tiny", "Tiny", (6, 6), *np.zeros((3, 4, 36), np.uint8))
    parameters = named_arrays(architecture(experiment).init(tf.constant(experiment.seeds)))
    for counts in ([10, 20], [10, 20, 30]):
        snapshots = dict.fromkeys(counts, parameters)
        wanted = {"mine": {"method": "counting"}}
        means, _ = estimate_along_training(experiment, snapshots, images, wanted, 3, tmp_path)
        for _, rows in means.groupby(["split", "seed"]):
            assert rows["marginal_log_likelihood"].tolist() == [1, 2, 3][: len(counts)]
    assert len(means) == 3 * 2 * 2


CONSTANT = '''"""A constant in place of log p(x)."""

from typing import Literal

from aevb.likelihood.methods.base import Method
from aevb.schema.kinds import Number


class Constant(Method):
    """The same number for every image."""

    method: Literal["constant"] = "constant"
    nats: Number = -1.0
    """The number."""

    def estimate(self, model, x, seed):
        return [self.nats] * len(x)
'''
ASKED = '''"""What becomes of a configuration that asks for it, told in YAML."""

import sys
from pathlib import Path

import yaml

from aevb import settings
from aevb.documentation import configuration_page, schema_files
from aevb.errors import ConfigError
from aevb.workflow.jobs import Jobs
from aevb.likelihood.labels import labels
from aevb.likelihood.methods.registry import read_method, read_methods
from aevb.workflow.outputs import Outputs
from aevb.schema.reading import read_yaml

config = read_yaml(Path("config.yaml"))
config["estimators"]["mine"] = {"method": "constant", "nats": -3}
config["figures"]["fig3"]["estimators"].append("mine")
checked, definitions = settings.load(config, Path("datasets.yaml"))
jobs = Jobs(Outputs(checked, definitions, "smoke", lambda dataset: True))
told = jobs.likelihood_code({"latent_dim": "3"})
path = Path(sys.modules["aevb.likelihood.methods.constant"].__file__)
path.write_text(path.read_text() + "CHANGED = 1\\n")
from aevb import provenance

provenance._module.cache_clear()
config["estimators"]["mine"] = {"method": "constant", "colour": 1}
try:
    settings.load(config, Path("datasets.yaml"))
except ConfigError as error:
    refused = str(error)
one = read_method(checked["estimators"]["mine"])
answer = {
    "settings": checked["estimators"]["mine"],
    "estimate": one.estimate(None, [None, None], 0),
    "label": labels({"mine": one}),
    "refused": refused,
    "schema": "const: constant" in schema_files()["config.schema.yaml"],
    "page": "constant: The same number for every image" in configuration_page(),
    "hashed": told != jobs.likelihood_code({"latent_dim": "3"}),
    "tensorflow": "tensorflow" in sys.modules,
}
print(yaml.safe_dump(answer))
'''


def test_a_new_method_is_one_file_and_one_line(tmp_path):
    """The configuration may ask for it, its schema and page name it, its code counts in the hash of
    the jobs that use it, and its estimate is called, all of it without TensorFlow."""
    package = tmp_path / "src" / "aevb"
    shutil.copytree(ROOT / "src/aevb", package, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("config.yaml", "datasets.yaml"):
        shutil.copy(ROOT / "config" / name, tmp_path)
    methods = package / "likelihood" / "methods"
    (methods / "constant.py").write_text(CONSTANT, encoding="utf-8")
    text = (methods / "registry.py").read_text(encoding="utf-8")
    line = '        "quadrature:Quadrature",\n'
    assert text.count(line) == 1
    text = text.replace(line, line + '        "constant:Constant",\n')
    (methods / "registry.py").write_text(text, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", ASKED],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(package.parent)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    found = yaml.safe_load(done.stdout)
    assert "unknown key 'colour'; allowed: nats" in found.pop("refused")
    assert found == {
        "settings": {"method": "constant", "nats": -3},
        "estimate": [-3, -3],
        "label": {"mine": "constant"},
        "schema": True,
        "page": True,
        "hashed": True,
        "tensorflow": False,
    }
