"""The worked examples of docs/extending.md in use, in a copy of the project that has them.

Trains each at a tiny budget through the stages that every run goes through, and prints what came of
it as JSON.
"""

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from aevb.algorithms.settings import LABELS
from aevb.data import Dataset
from aevb.settings import Experiment
from aevb.stages.along_training import estimate_along_training
from aevb.stages.generation import decode
from aevb.stages.trained import read_trained
from aevb.stages.weights import write
from aevb.training.experiment import run_training, select_step_size
from tiny import SETTINGS

ESTIMATORS = {
    "mixed": {"method": "defensive", "samples": 500},
    "encoder": {"method": "importance", "samples": 500},
    "exact": {"method": "quadrature"},
}


def images(n: int, seed: int) -> np.ndarray:
    """Two kinds of image, each with a tenth of its pixels inverted: [n, 36], bytes."""
    generator = np.random.default_rng(seed)
    kinds = np.array([np.arange(36) % 6 < 3, np.arange(36) < 18])
    white = kinds[generator.integers(2, size=n)] ^ (generator.random((n, 36)) < 0.1)
    return 255 * white.astype(np.uint8)


def end_to_end(wanted: Experiment, data: Dataset, folder: Path) -> dict:
    """Select, train with checkpoints, write, read, decode and estimate."""
    table = select_step_size([wanted], data)
    (step_size,) = table.loc[table["selected"], "step_size"]
    options = {"checkpoint_folder": folder / "checkpoints", "checkpoint_seconds": 60.0}
    curve, parameters, _, record = run_training(wanted, step_size, data, **options)
    write(folder / "weights.safetensors", parameters, wanted)
    trained = read_trained(folder / "weights.safetensors")
    last = {wanted.training_samples: parameters}
    means, _ = estimate_along_training(wanted, last, data, ESTIMATORS, 20, None)
    test = means[means["split"] == "test"].set_index("estimator")["marginal_log_likelihood"]
    return {
        "bounds": curve.loc[curve["split"] == "test", "lower_bound"].tolist(),
        "algorithm": record["experiment"]["algorithm"],
        "label": LABELS[wanted.algorithm],
        "architecture": type(trained.model.architecture).__name__,
        "pixels": decode(trained.model, np.zeros((1, 2))).shape[-1],
        "likelihoods": test.to_dict(),
    }


if __name__ == "__main__":
    parts = images(500, 0), images(0, 1), images(200, 2)
    data = Dataset("tiny", "Tiny", (6, 6), *parts)
    short = replace(SETTINGS, training_samples=20_000, samples_per_datapoint=3)
    runs = {
        "iwae": short.with_algorithm("iwae"),
        "convolutional": replace(short, architecture="convolutional"),
    }
    found = {name: end_to_end(one, data, Path(sys.argv[1], name)) for name, one in runs.items()}
    print(json.dumps(found))
