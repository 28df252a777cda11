"""What full VB knows of its weights, and what that is worth against MAP (Appendix F)."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import tensorflow as tf
from scipy.special import logsumexp

from aevb import random
from aevb.algorithms.full_vb import WeightPosterior, draw_weights
from aevb.arrays import Tensors, named
from aevb.data import Dataset
from aevb.errors import ConfigError
from aevb.likelihood import quadrature
from aevb.likelihood.model import Model
from aevb.models.architecture import Architecture, Parameters
from aevb.process.progress import LOGGER
from aevb.settings.experiment import Experiment
from aevb.stages.trained import one_member, parameters_of
from aevb.training.assembly import architecture, training_set

PRUNED = (0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.98, 0.99)
"""Shares of the decoder's weights that are set to zero."""

MAP, AT_MEAN, AVERAGED = "MAP", "full VB, at the mean weights", "full VB, averaged over weights"
BUDGET = quadrature.Budget(tolerance=0.01)


class Learned(NamedTuple):
    """What full VB and MAP have learned with the same data, network and seed."""

    network: Architecture
    posterior: WeightPosterior
    map_decoder: Any


def check_comparable(full_vb: Experiment, map_run: Experiment) -> None:
    """Whether these are a full VB run and the MAP run to compare it with.

    Raises:
        ConfigError: they are not a full VB run and an AEVB run of one network on the same data
            with the same seeds.
    """
    if full_vb.algorithm != "full_vb" or map_run.algorithm != "aevb":
        raise ConfigError(
            f"give a full_vb and an aevb run, in this order, not {full_vb.algorithm} and"
            f" {map_run.algorithm}"
        )
    for key in ("dataset", "architecture", "latent_dim", "hidden_units", "n_train", "seeds"):
        if getattr(full_vb, key) != getattr(map_run, key):
            raise ConfigError(
                f"{key}: the full VB run has {getattr(full_vb, key)}, the MAP run"
                f" {getattr(map_run, key)}; give two runs of one network on the same data with the"
                " same seeds"
            )


def read(full_vb: tuple[Experiment, Tensors], map_run: tuple[Experiment, Tensors]) -> list[Learned]:
    """The weights of both runs, as :func:`aevb.stages.weights.read` gives them, for each seed.

    Raises:
        ConfigError: see :func:`check_comparable`.
    """
    (experiment, arrays), (other, map_arrays) = full_vb, map_run
    check_comparable(experiment, other)
    network = architecture(experiment)
    decoder = network.shapes().decoder
    wanted = Parameters((), WeightPosterior(decoder, decoder))
    return [
        Learned(
            network,
            one_member(wanted, arrays, member).decoder,
            parameters_of(network, map_arrays, member).decoder,
        )
        for member in range(len(experiment.seeds))
    ]


def signal_to_noise(posterior: WeightPosterior) -> pd.DataFrame:
    """|μ|/σ of each weight: a histogram in decibels, 20 log₁₀, by tensor.

    Returns:
        One row a tensor and bin of 2 dB: ``tensor, decibels`` (the bin's middle), ``weights``.
    """
    edges = np.arange(-60, 61, 2.0)
    tables = []
    log_variances = named(posterior.log_variance)
    for name, mean in named(posterior.mean).items():
        log_variance = log_variances[name]
        ratio = np.abs(mean.numpy()) / np.exp(0.5 * log_variance.numpy())
        decibels = np.clip(20 * np.log10(ratio + 1e-12), edges[0], edges[-1])
        counts, _ = np.histogram(decibels, edges)
        middles = (edges[1:] + edges[:-1]) / 2
        tables.append(pd.DataFrame({"tensor": name, "decibels": middles, "weights": counts}))
    return pd.concat(tables, ignore_index=True)


def prune(weights: Any, importance: Any, share: float) -> Any:
    """The weights with the least important ``share`` of all of them set to zero; both are nests
    of the same tensors."""
    everything = np.concatenate([part.numpy().ravel() for part in tf.nest.flatten(importance)])
    count = round(share * everything.size)
    if count == 0:
        return weights
    # By rank, so that ties do not prune more than was asked for.
    kept = np.ones(everything.size, bool)
    kept[np.argsort(everything, kind="stable")[:count]] = False
    pieces, start = [], 0
    for part in tf.nest.flatten(weights):
        size = int(np.prod(part.shape))
        pieces.append(part * kept[start : start + size].reshape(part.shape).astype(np.float32))
        start += size
    return tf.nest.pack_sequence_as(weights, pieces)


def log_mean(log_values: np.ndarray) -> np.ndarray:
    """log (1/S) Σ_s exp of values [S, n]: [n]."""
    return logsumexp(log_values, axis=0) - np.log(len(log_values))


def jackknife_error(log_values: np.ndarray) -> float:
    """The standard error, by the choice of the S ≥ 2 draws alone, of the mean over the points of
    :func:`log_mean` of values [S, n]."""
    draws = len(log_values)
    left = [log_mean(np.delete(log_values, i, axis=0)).mean() for i in range(draws)]
    return float(np.sqrt((draws - 1) * np.var(left)))


def _error(values: np.ndarray) -> float:
    return float(values.std(ddof=1) / np.sqrt(len(values)))


def evaluate(
    runs: Sequence[Learned],
    experiment: Experiment,
    data: Dataset,
    points: int,
    weight_draws: int,
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Marginal likelihoods by quadrature: under MAP, at q's mean, and averaged over q(θ).

    Under q(θ) it is log (1/S) Σ_s p(x|θ_s), the predictive density that full VB is for, which S
    draws estimate from below. All points share the draws; what that adds to the error of their
    mean is taken from leaving out one draw at a time.

    Args:
        runs: both runs' members, one a seed of ``experiment``.
        experiment: the full VB run's settings.
        data: its data set.
        points: first images of each split.
        weight_draws: S ≥ 2.

    Returns:
        The comparison, one row a seed, method and split: ``n_train, seed, method, split,
        marginal_log_likelihood, standard_error, gain_over_map, gain_standard_error, n_points``
        (nats per datapoint; the gain's error is that of the mean of paired differences); the
        histogram of :func:`signal_to_noise` for each seed; and the pruning curve, one row a seed,
        method and share: ``n_train, seed, method, pruned, marginal_log_likelihood`` of the test
        points. Weights go by |μ|/σ under full VB, by |w| under MAP.
    """
    data = training_set(experiment, data)
    images = {
        split: (getattr(data, split)[:points] / experiment.pixel_divisor).astype(np.float32)
        for split in ("train", "test")
    }
    tables: tuple[list[pd.DataFrame], ...] = ([], [], [])
    for seed, learned in zip(experiment.seeds, runs, strict=True):
        found = (
            pd.DataFrame(_comparison(learned, images, weight_draws, seed)),
            signal_to_noise(learned.posterior),
            pd.DataFrame(_pruning(learned, images["test"])),
        )
        for table, rows in zip(tables, found, strict=True):
            rows.insert(0, "n_train", len(data.train))
            rows.insert(1, "seed", seed)
            table.append(rows)
        for row in found[0].itertuples():
            told = f"{row.method}: {row.marginal_log_likelihood:.2f} nats"
            LOGGER.info(f"N={row.n_train}, seed {seed}, {row.split}: {told}")
    comparison, histogram, pruning = (pd.concat(table, ignore_index=True) for table in tables)
    return comparison, histogram, pruning


def _comparison(
    learned: Learned, images: dict[str, np.ndarray], weight_draws: int, seed: int
) -> Iterable[dict]:
    draws = [
        draw_weights(
            learned.posterior,
            random.keys(tf.constant([seed]), random.Purpose.WEIGHTS, i),
        )[0]
        for i in range(weight_draws)
    ]
    for split, x in images.items():
        by_draw = np.array([_log_likelihood(learned, theta, x) for theta in draws])
        values = {
            MAP: _log_likelihood(learned, learned.map_decoder, x),
            AT_MEAN: _log_likelihood(learned, learned.posterior.mean, x),
            AVERAGED: log_mean(by_draw),
        }
        errors = {AVERAGED: jackknife_error(by_draw)}
        for method, value in values.items():
            gain = value - values[MAP]
            yield {
                "method": method,
                "split": split,
                "marginal_log_likelihood": value.mean(),
                "standard_error": np.hypot(_error(value), errors.get(method, 0.0)),
                "gain_over_map": gain.mean(),
                "gain_standard_error": np.hypot(_error(gain), errors.get(method, 0.0)),
                "n_points": len(value),
            }


def _pruning(learned: Learned, x: np.ndarray) -> Iterable[dict]:
    importance = {
        AT_MEAN: tf.nest.map_structure(
            lambda mean, log_variance: tf.abs(mean) * tf.exp(-0.5 * log_variance),
            *learned.posterior,
        ),
        MAP: tf.nest.map_structure(tf.abs, learned.map_decoder),
    }
    decoders = {AT_MEAN: learned.posterior.mean, MAP: learned.map_decoder}
    for method, decoder in decoders.items():
        for share in PRUNED:
            pruned = prune(decoder, importance[method], share)
            value = _log_likelihood(learned, pruned, x).mean()
            yield {"method": method, "pruned": share, "marginal_log_likelihood": value}


def _log_likelihood(learned: Learned, decoder: Any, x: np.ndarray) -> np.ndarray:
    model = Model(learned.network, Parameters((), decoder))
    return quadrature.estimate(model, x, BUDGET).value
