"""The marginal likelihood along training: the numbers behind Figure 3 (App. E)."""

import hashlib
import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import tensorflow as tf

from aevb import random
from aevb.algorithms.settings import LABELS
from aevb.arrays import Tensors
from aevb.data import Dataset
from aevb.errors import ConfigError
from aevb.likelihood.estimate import Estimate
from aevb.likelihood.methods.base import Method
from aevb.likelihood.methods.registry import read_methods
from aevb.likelihood.model import Model
from aevb.models.architecture import Architecture
from aevb.process.interruption import Interrupted, stop_requests
from aevb.process.progress import LOGGER
from aevb.provenance import code_hash
from aevb.settings.experiment import Experiment
from aevb.stages.trained import parameters_of
from aevb.training import checkpoints
from aevb.training.assembly import architecture, training_set

SPLITS = ("train", "test")
_DIAGNOSTICS = {"acceptance": np.mean, "rhat": np.median, "ess": np.median, "divergences": np.sum}
"""What is said of the HMC of all points together, where there was any."""


class Cell(NamedTuple):
    """One estimate of the figure."""

    samples: int
    split: str
    seed: int
    estimator: str


def observations(experiment: Experiment, data: Dataset, points: int) -> dict[str, tf.Tensor]:
    """The first ``points`` images of each split as the networks see them, [n, D], float32.

    With dynamic binarisation each pixel is drawn once, the same for all algorithms.
    """
    data = training_set(experiment, data)
    images = {}
    for i, split in enumerate(SPLITS):
        pixels = getattr(data, split)[:points]
        x = tf.cast(pixels, tf.float32) / experiment.pixel_divisor
        if experiment.binarisation == "dynamic":
            keys = random.keys(tf.constant([i]), random.Purpose.TEST_BINARISATION)
            x = tf.cast(random.uniform(keys, tuple(x.shape))[0] < x, tf.float32)
        images[split] = x
    return images


def estimate_along_training(
    experiment: Experiment,
    snapshots: dict[int, Tensors],
    data: Dataset,
    estimators: dict[str, dict],
    points: int,
    folder: Path | None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Estimate log p(x) of the first training and the first test images at every snapshot.

    Posterior samplers keep their chains from one snapshot to the next, as in the first author's
    library. Estimators that need an encoder are left out where none was trained. The estimates of a
    snapshot are kept in ``folder`` as soon as they are made; whoever calls again goes on from
    there and gets the same numbers.

    Args:
        experiment: the training run's settings.
        snapshots: its parameters by training samples.
        data: its data set.
        estimators: settings by name, see :func:`~aevb.likelihood.methods.registry.read_methods`.
        points: of each split; all there are where it has fewer.
        folder: of the finished snapshots; None keeps nothing.

    Returns:
        The table of the means, one row an estimator, split, seed and snapshot, and the table of
        the points that were flagged, one row a point. Nats per datapoint. The means are over all
        points that have a value, flagged or not, and, beside it, over those that passed.

    Raises:
        ConfigError: settings that an estimator does not have, more latent dimensions than one can
            do with, or no estimator but those that need an encoder where there is none.
        Interrupted: on SIGTERM or Ctrl-C, after the snapshot at hand is finished.
    """
    images = observations(experiment, data, points)
    model = architecture(experiment)
    methods = _methods(experiment, estimators)
    history = _fingerprint(model, images, estimators)
    chains: dict[str, Tensors] = {}
    cells: dict[Cell, Tensors] = {}
    began, done = time.monotonic(), 0
    with stop_requests() as requested:
        for i, (samples, arrays) in enumerate(sorted(snapshots.items()), start=1):
            history = _extend(history, arrays)
            found = folder and checkpoints.read_at(folder, samples, history, LOGGER.info)
            if found:
                new, chains = _unpack(samples, found)
                cells |= new
                continue
            new = {}
            for split, x in images.items():
                for member, seed in enumerate(experiment.seeds):
                    this = Model(model, parameters_of(model, arrays, member))
                    for name, method in methods.items():
                        cell = Cell(samples, split, seed, name)
                        if not method.applies(this.latent_dim, this.has_encoder):
                            continue
                        start = time.monotonic()
                        key = f"{split}/{seed}/{name}"
                        estimate, chains[key] = method.continue_chains(
                            this, x, _seed(cell), chains.get(key)
                        )
                        new[cell] = _arrays(estimate, time.monotonic() - start)
            cells |= new
            done += 1
            if folder:
                checkpoints.write(folder, samples, _pack(new, chains), history, keep=None)
            left = len(snapshots) - i
            means = [
                f"{c.estimator} {c.split} {np.nanmean(a['value']):.2f}" for c, a in new.items()
            ]
            LOGGER.info(
                f"{experiment.name}: likelihoods at {samples:,} samples: {', '.join(means)} nats;"
                f" ETA {left * (time.monotonic() - began) / done:.0f} s"
            )
            if requested and left:
                raise Interrupted(
                    requested[0],
                    f"{experiment.name}: stopped after {i} of {len(snapshots)} snapshots;"
                    " the same command goes on from there",
                )
    labels = {
        "dataset": data.label,
        "n_train": len(training_set(experiment, data).train),
        "latent_dim": experiment.latent_dim,
        "algorithm": LABELS[experiment.algorithm],
    }
    return _means(cells, labels), _flagged(cells, labels)


def _methods(experiment: Experiment, estimators: dict[str, dict]) -> dict[str, Method]:
    """The estimators by name; ConfigError where one cannot be, or none is left."""
    methods = read_methods(estimators)
    for one in methods.values():
        if not one.applies(experiment.latent_dim, has_encoder=True):
            raise ConfigError(
                f"{experiment.name}: {one.method} takes at most {one.max_latent_dim} latent"
                " dimensions"
            )
    has_encoder = experiment.settings.has_encoder
    if not any(one.applies(experiment.latent_dim, has_encoder) for one in methods.values()):
        named = dict.fromkeys(one.method for one in methods.values())
        raise ConfigError(
            f"{experiment.name}: no estimator is left: {', '.join(named)} needs an encoder"
        )
    return methods


def _means(cells: dict[Cell, Tensors], labels: dict) -> pd.DataFrame:
    rows = []
    for cell, arrays in cells.items():
        value, passed = arrays["value"], arrays["passed"]
        n, n_values = len(value), int(np.isfinite(value).sum())
        rows.append(
            {
                **labels,
                "split": cell.split,
                "seed": cell.seed,
                "training_samples": cell.samples,
                "estimator": cell.estimator,
                "marginal_log_likelihood": np.nanmean(value),
                "standard_error": _standard_error(arrays["standard_error"], n_values),
                "n_points": n,
                "n_flagged": n - int(passed.sum()),
                "marginal_log_likelihood_passed": value[passed].mean() if passed.any() else np.nan,
                **{
                    name: summary(arrays[f"diagnostics/{name}"])
                    if f"diagnostics/{name}" in arrays
                    else np.nan
                    for name, summary in _DIAGNOSTICS.items()
                },
                "seconds": float(arrays["seconds"]),
                "likelihood_evaluations": int(arrays["likelihood_evaluations"]),
            }
        )
    table = pd.DataFrame(rows)
    return table.sort_values(["estimator", "split", "seed", "training_samples"], ignore_index=True)


def _standard_error(errors: np.ndarray, n: int) -> float:
    """Of the mean over n points that have a value; NaN where no point knows its error."""
    if np.isnan(errors).all():
        return np.nan
    return float(np.sqrt(np.nansum(np.square(errors))) / n)


def _flagged(cells: dict[Cell, Tensors], labels: dict) -> pd.DataFrame:
    tables = []
    for cell, arrays in cells.items():
        points = np.flatnonzero(~arrays["passed"])
        diagnostics = {
            name: arrays[f"diagnostics/{name}"][points]
            if f"diagnostics/{name}" in arrays
            else np.nan
            for name in _DIAGNOSTICS
        }
        tables.append(
            pd.DataFrame(
                {
                    **labels,
                    "split": cell.split,
                    "seed": cell.seed,
                    "training_samples": cell.samples,
                    "estimator": cell.estimator,
                    "point": points,
                    "log_likelihood": arrays["value"][points],
                    "standard_error": arrays["standard_error"][points],
                    **diagnostics,
                }
            )
        )
    table = pd.concat(tables, ignore_index=True)
    key = ["estimator", "split", "seed", "training_samples", "point"]
    return table.sort_values(key, ignore_index=True)


def _seed(cell: Cell) -> int:
    """A seed of its own for each estimate."""
    entropy = [cell.samples, SPLITS.index(cell.split), cell.seed, *cell.estimator.encode()]
    return int(np.random.SeedSequence(entropy).generate_state(1)[0] >> 1)


def _fingerprint(model: Architecture, images: dict[str, tf.Tensor], estimators: dict) -> str:
    network = type(model)
    name = f"{network.__module__}:{network.__qualname__}"
    settings = {"network": name, "architecture": asdict(model), "estimators": estimators}
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    digest.update(code_hash("aevb.stages.along_training", imports=False).encode())
    methods = (one.code() for one in read_methods(estimators).values())
    digest.update(code_hash(network.__module__, *methods).encode())
    for x in images.values():
        digest.update(x.numpy().tobytes())
    return digest.hexdigest()


def _extend(history: str, arrays: Tensors) -> str:
    """Hash of all parameters that the chains have seen so far."""
    digest = hashlib.sha256(history.encode())
    for name, array in sorted(arrays.items()):
        digest.update(name.encode() + np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _arrays(estimate: Estimate, seconds: float) -> Tensors:
    return {
        "value": estimate.value,
        "standard_error": estimate.standard_error,
        "passed": estimate.passed,
        "seconds": np.array(seconds),
        "likelihood_evaluations": np.array(estimate.likelihood_evaluations),
        **{f"diagnostics/{name}": value for name, value in estimate.diagnostics.items()},
    }


def _pack(cells: dict[Cell, Tensors], chains: dict[str, Tensors]) -> Tensors:
    packed = {
        f"cells/{cell.split}/{cell.seed}/{cell.estimator}/{name}": np.asarray(array)
        for cell, arrays in cells.items()
        for name, array in arrays.items()
    }
    for key, arrays in chains.items():
        packed |= {f"chains/{key}/{name}": np.asarray(array) for name, array in arrays.items()}
    return packed


def _unpack(samples: int, packed: Tensors) -> tuple[dict[Cell, Tensors], dict[str, Tensors]]:
    cells: dict[Cell, Tensors] = {}
    chains: dict[str, Tensors] = {}
    for path, array in packed.items():
        kind, split, seed, name, field = path.split("/", 4)
        if kind == "cells":
            cells.setdefault(Cell(samples, split, int(seed), name), {})[field] = array
        else:
            chains.setdefault(f"{split}/{seed}/{name}", {})[field] = array
    return cells, chains
