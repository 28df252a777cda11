"""Trained weights that are kept: of which model, trained how long, how large."""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from aevb.algorithms.settings import LABELS
from aevb.stages.weights import kept_in, read


def make(folder: Path) -> dict[str, str]:
    """The table, from the folder of the weights."""
    return {"output": collect(kept_in(folder)).to_csv(index=False)}


def collect(paths: Iterable[Path]) -> pd.DataFrame:
    """The models of files of weights as a table.

    Args:
        paths: of weights, of single or half precision.

    Returns:
        One row a file: ``file`` (its name), ``dataset, latent_dim, algorithm, n_train`` (empty
        where it is all images), ``hidden_units, seed`` (the first), ``training_samples, encoder``
        (whether there is one), ``parameters`` (numbers of one member), ``bytes``.

    Raises:
        DataError: a file is missing, damaged or foreign.
    """
    return pd.DataFrame([_row(Path(path)) for path in paths]).astype({"n_train": "Int64"})


def _row(path: Path) -> dict:
    experiment, arrays = read(path, "decoder/")
    return {
        "file": path.name,
        "dataset": experiment.definition["label"],
        "latent_dim": experiment.latent_dim,
        "algorithm": LABELS[experiment.algorithm],
        "n_train": experiment.n_train,
        "hidden_units": experiment.hidden_units,
        "seed": experiment.seeds[0],
        "training_samples": experiment.training_samples,
        "encoder": any(name.startswith("encoder/") for name in arrays),
        "parameters": sum(values[0].size for values in arrays.values()),
        "bytes": path.stat().st_size,
    }
