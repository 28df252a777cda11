"""config/datasets.yaml and its schema."""

from copy import deepcopy
from pathlib import Path

import pytest
import yaml

from aevb.errors import ConfigError
from aevb.schema.reading import validate
from aevb.settings import Datasets

ROOT = Path(__file__).parents[1]
SETTINGS = yaml.safe_load((ROOT / "config/datasets.yaml").read_text())


def checked(settings: dict) -> dict:
    return validate(Datasets, settings, "datasets.yaml").model_dump()["datasets"]


def test_shipped_definitions_are_accepted():
    definitions = checked(SETTINGS)
    assert list(definitions) == ["mnist", "frey_face"]
    split = definitions["frey_face"]["split"]
    assert (split["train"], split["validation"], split["test"]) == (1600, 0, 365)
    assert isinstance(split["shuffle_seed"], int)
    assert definitions["mnist"]["split"]["shuffle_seed"] is None


def test_own_data_set_is_accepted():
    own = {
        "label": "Faces",
        "observation": "bernoulli",
        "image_shape": [28, 28],
        "format": "npz",
        "files": {"faces.npz": {}},
        "sources": [{"kind": "local"}],
    }
    definition = checked({"datasets": {"faces": own}})["faces"]
    assert definition["split"] is None
    assert definition["files"]["faces.npz"]["sha256"] is None
    assert definition["terms"]["licence"] == "not stated"


def put(*path_and_value):
    *path, last, value = path_and_value

    def change(settings):
        for key in path:
            settings = settings[key]
        settings[last] = value

    return change


def remove(*path):
    *path, last = path

    def change(settings):
        for key in path:
            settings = settings[key]
        del settings[last]

    return change


MNIST = ("datasets", "mnist")
FREY = ("datasets", "frey_face")


@pytest.mark.parametrize(
    "change",
    [
        put("data_sets", {}),
        put(*MNIST, "colour", "grey"),
        put(*MNIST, "files", "t10k-images-idx3-ubyte", "md5", "0"),
        put(*MNIST, "split", "valid", 1),
        put(*MNIST, "terms", "license", "?"),
        put(*MNIST, "sources", 0, "folder", "x"),
        put(*MNIST, "observation", "poisson"),
        put(*MNIST, "image_shape", [784]),
        put(*MNIST, "format", "csv"),
        put(*MNIST, "sources", []),
        put(*MNIST, "sources", 0, "kind", "ftp"),
        put(*MNIST, "sources", 1, "url", "ftp://example.org/{file}"),
        put(*MNIST, "sources", 3, "package", "--registry=x"),
        put(*MNIST, "split", "train", 0),
        put(*MNIST, "split", None),
        put(*MNIST, "files", "../escape", {"array": "test_labels"}),
        put(*MNIST, "files", "t10k-images-idx3-ubyte", "sha256", "abc"),
        put("datasets", "My Data", {}),
        put(*FREY, "split", "shuffle_seed", 0.5),
        put(*FREY, "format", "npz"),
        remove(*MNIST, "sources", 1, "url"),
        remove(*MNIST, "sources", 3, "sha256"),
        remove(*MNIST, "files", "t10k-images-idx3-ubyte", "array"),
        remove(*FREY, "files", "frey_rawface.mat", "variable"),
        remove(*FREY, "split"),
        remove(*FREY, "label"),
    ],
)
def test_wrong_definitions_are_rejected(change):
    settings = deepcopy(SETTINGS)
    change(settings)
    with pytest.raises(ConfigError, match=r"^datasets.yaml: "):
        checked(settings)
