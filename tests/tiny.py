"""A data set and an experiment small enough for a test to train in a moment."""

from pathlib import Path

import numpy as np

from aevb.settings import Experiment

DEFINITION = {
    "label": "Tiny",
    "observation": "bernoulli",
    "image_shape": [6, 6],
    "format": "npz",
    "files": {"tiny.npz": {}},
    "sources": [{"kind": "local"}],
}
SETTINGS = Experiment(
    dataset="tiny",
    definition=DEFINITION,
    latent_dim=2,
    algorithm="aevb",
    variant="authors",
    hidden_units=8,
    batch_size=20,
    pixel_divisor=255,
    warmup_minibatches=5,
    weight_prior="all",
    initial_standard_deviation=0.01,
    zero_initial_log_variance=False,
    samples_per_datapoint=1,
    binarisation="none",
    n_train=None,
    snapshots=False,
    step_sizes=(0.01, 0.05),
    selection_samples=400,
    seeds=(0,),
    training_samples=4000,
)


def write_images(path: Path, train: int = 200, test: int = 50) -> None:
    """Write the file of ``DEFINITION``: so many images of noise for training and for testing."""
    draw = np.random.default_rng(0).integers
    parts = {
        name: draw(0, 256, (n, 36), np.uint8) for name, n in (("train", train), ("test", test))
    }
    np.savez(path, **parts)
