"""What full VB knows of its weights, and what that is worth against MAP (Appendix F)."""

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
    """A full VB run and the MAP run with the same data and network, one member of each."""

    network: Architecture
    posterior: WeightPosterior
    map_decoder: Any


def read(
    full_vb: tuple[Experiment, Tensors], map_run: tuple[Experiment, Tensors], member: int = 0
) -> Learned:
    """The weights of both runs, as :func:`aevb.stages.weights.read` gives them.

    Raises:
        ConfigError: they are not a full VB run and an AEVB run of one network on the same data.
    """
    (experiment, arrays), (other, map_arrays) = full_vb, map_run
    if experiment.algorithm != "full_vb" or other.algorithm != "aevb":
        raise ConfigError(
            f"give the weights of a full_vb and of an aevb run, not of {experiment.algorithm} and"
            f" {other.algorithm}"
        )
    for key in ("dataset", "architecture", "latent_dim", "hidden_units", "n_train"):
        if getattr(experiment, key) != getattr(other, key):
            raise ConfigError(
                f"{key}: the full VB run has {getattr(experiment, key)}, the MAP run"
                f" {getattr(other, key)}; give two runs of one network on the same data"
            )
    network = architecture(experiment)
    decoder = network.shapes().decoder
    learned = one_member(Parameters((), WeightPosterior(decoder, decoder)), arrays, member)
    return Learned(network, learned.decoder, parameters_of(network, map_arrays, member).decoder)


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
    learned: Learned,
    experiment: Experiment,
    data: Dataset,
    points: int,
    weight_draws: int,
    seed: int = 0,
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Marginal likelihoods by quadrature: under MAP, at q's mean, and averaged over q(θ).

    Under q(θ) it is log (1/S) Σ_s p(x|θ_s), the predictive density that full VB is for, which S
    draws estimate from below. All points share the draws; what that adds to the error of their
    mean is taken from leaving out one draw at a time.

    Args:
        learned: both runs.
        experiment: the full VB run's settings.
        data: its data set.
        points: first images of each split.
        weight_draws: S ≥ 2.
        seed: of the draws.

    Returns:
        The comparison, one row a method and split: ``n_train, method, split,
        marginal_log_likelihood, standard_error, gain_over_map, gain_standard_error, n_points``
        (nats per datapoint; the gain's error is that of the mean of paired differences); the
        histogram of :func:`signal_to_noise`; and the pruning curve, one row a method and share:
        ``n_train, method, pruned, marginal_log_likelihood`` of the test points. Weights go by
        |μ|/σ under full VB, by |w| under MAP.
    """
    data = training_set(experiment, data)
    n_train = len(data.train)
    images = {
        split: (getattr(data, split)[:points] / experiment.pixel_divisor).astype(np.float32)
        for split in ("train", "test")
    }

    def log_likelihood(decoder: Any, x: np.ndarray) -> np.ndarray:
        model = Model(learned.network, Parameters((), decoder))
        return quadrature.estimate(model, x, BUDGET).value

    draws = [
        draw_weights(
            learned.posterior,
            random.keys(tf.constant([seed]), random.Purpose.WEIGHTS, i),
        )[0]
        for i in range(weight_draws)
    ]
    rows = []
    for split, x in images.items():
        by_draw = np.array([log_likelihood(theta, x) for theta in draws])
        values = {
            MAP: log_likelihood(learned.map_decoder, x),
            AT_MEAN: log_likelihood(learned.posterior.mean, x),
            AVERAGED: log_mean(by_draw),
        }
        errors = {AVERAGED: jackknife_error(by_draw)}
        for method, value in values.items():
            gain = value - values[MAP]
            rows.append(
                {
                    "n_train": n_train,
                    "method": method,
                    "split": split,
                    "marginal_log_likelihood": value.mean(),
                    "standard_error": np.hypot(_error(value), errors.get(method, 0.0)),
                    "gain_over_map": gain.mean(),
                    "gain_standard_error": np.hypot(_error(gain), errors.get(method, 0.0)),
                    "n_points": len(value),
                }
            )
            LOGGER.info(f"N={n_train}, {split}: {method}: {value.mean():.2f} nats")
    importance = {
        AT_MEAN: tf.nest.map_structure(
            lambda mean, log_variance: tf.abs(mean) * tf.exp(-0.5 * log_variance),
            *learned.posterior,
        ),
        MAP: tf.nest.map_structure(tf.abs, learned.map_decoder),
    }
    decoders = {AT_MEAN: learned.posterior.mean, MAP: learned.map_decoder}
    pruned = [
        {
            "n_train": n_train,
            "method": method,
            "pruned": share,
            "marginal_log_likelihood": log_likelihood(
                prune(decoders[method], importance[method], share), images["test"]
            ).mean(),
        }
        for method in decoders
        for share in PRUNED
    ]
    histogram = signal_to_noise(learned.posterior).assign(n_train=n_train)
    return pd.DataFrame(rows), histogram, pd.DataFrame(pruned)
