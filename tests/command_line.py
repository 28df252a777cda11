"""Words and files for the command line, which the fixture ``run`` takes, and what it answers."""

import json
import re
from dataclasses import replace
from pathlib import Path

import tensorflow as tf

from aevb.arrays import named_arrays
from aevb.models.architecture import Parameters
from aevb.settings import experiment, load
from aevb.stages import weights
from aevb.training.assembly import architecture
from configuration import CONFIG, DATASETS
from tiny import DEFINITION, SETTINGS, write_images

ROOT = Path(__file__).parents[1]
CONFIGURATION = ["--config", CONFIG, "--datasets", DATASETS]


def fetch(run, folder: Path, *options):
    """Fetch the tiny data set, which only the folder `local` can give."""
    return run(
        *("fetch", "tiny", "--record", folder / "record.json"),
        *("--definition", json.dumps(DEFINITION), "--cache-dir", folder / "cache"),
        *("--data-dir", folder / "local", *options),
    )


def place_data(folder: Path) -> None:
    """Put the tiny data set into the folder `local`: 9 images for training, 4 for testing."""
    (folder / "local").mkdir()
    write_images(folder / "local" / "tiny.npz", train=9, test=4)


def write_weights(path: Path, encoder: bool = True, algorithm: str = "aevb", **changes) -> Path:
    """Random weights, large enough for images to differ, as `aevb train` writes them."""
    wanted = replace(SETTINGS, initial_standard_deviation=0.5, **changes).with_algorithm(algorithm)
    parameters = architecture(wanted).init(tf.constant([0]))
    if not encoder:
        parameters = Parameters(encoder=(), decoder=parameters.decoder)
    weights.write(path, named_arrays(parameters), wanted)
    return path


def train(folder: Path, **changes) -> list:
    """`aevb train` on the tiny data set with the shipped settings, all files in one folder."""
    config, definitions = load(CONFIG, DATASETS)
    definitions = definitions | {"tiny": DEFINITION}
    wanted = experiment(config, definitions, dataset="tiny", latent_dim=2, algorithm="aevb")
    options = {
        "settings": wanted.to_json(),
        "record": folder / "record.json",
        "step-size-table": folder / "step_size.csv",
        "curve": folder / "curve.csv",
        "run-record": folder / "run.json",
        "weights": folder / "weights.safetensors",
        "checkpoint-dir": folder / "checkpoints",
    } | changes
    return ["train", *(word for key, value in options.items() for word in (f"--{key}", value))]


def audit(*words) -> list:
    """`aevb audit` of the committed record, with the repository's own configuration."""
    return [
        *("audit", "--scale", "full", "--folder", ROOT / "results/full"),
        *("--claims", ROOT / "config/claims.yaml", "--resources", ROOT / "resources"),
        *CONFIGURATION,
        *words,
    ]


def assert_one_error(outcome, *wanted: str, lines: int | None = 1) -> None:
    """Exit code 1, nothing but an error on standard error, with these texts in it."""
    code, _, text = outcome
    assert code == 1, text
    assert "Traceback" not in text
    assert len(re.findall(r"\berror: ", text)) == 1, text
    if lines is not None:
        assert len(text.splitlines()) == lines, text
    for part in wanted:
        assert part in text, text
