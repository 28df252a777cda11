"""The hierarchy against the model with one layer, with the paper's networks and with convolutions,
at equal training samples and all but equal numbers of parameters."""

from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import tensorflow as tf

from aevb import random
from aevb.algorithms.aevb import AEVB
from aevb.data import Dataset
from aevb.future_work.convolution import ConvolutionalVAE, count, matched
from aevb.future_work.hierarchy import GaussianLayer, HierarchicalAEVB, Hierarchy
from aevb.future_work.learning import learn, select_step_size
from aevb.likelihood import ais
from aevb.likelihood.model import Model
from aevb.models.vae import VAE
from aevb.process.progress import LOGGER
from aevb.settings.experiment import Experiment
from aevb.settings.future_work import NETWORKS, hierarchy_models
from aevb.stages.encoding import ACTIVE_VARIANCE, encode
from aevb.stages.generation import decode, prior_samples
from aevb.training.assembly import architecture, optimiser
from aevb.training.backends import IN_TENSORFLOW, Execution

TOP_HIDDEN_UNITS = 100
"""Of the networks between z₁ and z₂: 1 % of all parameters."""
BOUND_DRAWS = 100
"""For the bound of those test images whose log p(x) is estimated."""
USED = 1000
"""First test images on which the use of the layers is measured."""
SHOWN = 8
"""Rows and columns of samples."""


class Budget(NamedTuple):
    """What the comparison may cost beside the training."""

    networks: Sequence[str]
    """Of NETWORKS."""
    step_sizes: Sequence[float] | None
    """Candidates; None for the experiment's."""
    top_dim: int
    """N_z of z₂."""
    test_images: int
    """First test images on which bounds are evaluated."""
    points: int
    """First test images whose log p(x) is estimated, and as many simulated ones of which the gap
    is, by the model with the first seed."""
    annealing: ais.Budget


class Compared(NamedTuple):
    """What the comparison on one data set gives."""

    curves: pd.DataFrame
    """The bound along training (see :func:`aevb.training.curves.curve_table`), with ``dataset`` and
    ``model`` in front."""
    table: pd.DataFrame
    """One row a model and seed."""
    samples: dict[str, np.ndarray]
    """Means of p(x|z) of draws from the prior, of the first seed: [rows, columns, *image_shape] by
    model."""


def algorithms(experiment: Experiment, n_train: int, top_dim: int) -> dict[str, AEVB]:
    """What may be compared; the first is AEVB of Figure 2 without Adagrad's warm-up, which takes
    half of a small budget."""
    learned = optimiser(replace(experiment, warmup_minibatches=0), n_train)
    gaussian = experiment.with_algorithm(posterior="gaussian")
    paper = architecture(replace(gaussian, architecture="mlp"))
    settings = {one.name: getattr(paper, one.name) for one in fields(VAE)}
    image_shape = tuple(experiment.definition["image_shape"])
    deep = matched(ConvolutionalVAE(**settings, image_shape=image_shape), count(paper))
    top = GaussianLayer(paper.latent_dim, top_dim, TOP_HIDDEN_UNITS, "gaussian")
    draws = experiment.samples_per_datapoint
    found = [
        one
        for network in (paper, deep)
        for one in (
            AEVB(network, learned, draws),
            HierarchicalAEVB(Hierarchy(network, top), learned, draws),
        )
    ]
    return dict(zip(hierarchy_models(NETWORKS), found, strict=True))


def compare(
    experiment: Experiment,
    data: Dataset,
    budget: Budget,
    *,
    checkpoint_folder: Path | None,
    checkpoint_seconds: float = 60.0,
    execution: Execution = IN_TENSORFLOW,
) -> Compared:
    """Train and measure every model.

    Args:
        experiment: AEVB's, whose N_z, networks, budget, seeds and candidates of the step size hold
            for all of them; each has its own step size selected.
        data: its data set.
        budget: of what is measured.
        checkpoint_folder, checkpoint_seconds, execution: see
            :func:`aevb.future_work.learning.learn`.

    Raises:
        DivergenceError, Interrupted: see :func:`aevb.training.loop.train`.
    """
    test = data.test[: budget.test_images]
    common = {
        "batch_size": experiment.batch_size,
        "pixel_divisor": experiment.pixel_divisor,
        "execution": execution,
    }
    curves, rows, samples = [], [], {}
    found = algorithms(experiment, len(data.train), budget.top_dim)
    for model in hierarchy_models(budget.networks):
        algorithm = found[model]
        name = f"{experiment.dataset} {model}".replace(",", "").replace(".", "")
        step_size = select_step_size(
            algorithm,
            data.train,
            seed=experiment.seeds[0],
            step_sizes=budget.step_sizes or experiment.step_sizes,
            selection_samples=experiment.selection_samples,
            name=name,
            **common,
        )
        learned = learn(
            algorithm,
            data.train,
            test,
            seeds=experiment.seeds,
            step_size=step_size,
            training_samples=experiment.training_samples,
            name=name,
            checkpoint_folder=checkpoint_folder,
            checkpoint_seconds=checkpoint_seconds,
            modules=["aevb.future_work.hierarchy", "aevb.future_work.convolution"],
            **common,
            dataset=data.label,
            model=model,
        )
        curves.append(learned.curve)
        cost = learned.seconds / (experiment.training_samples * len(experiment.seeds))
        ends = learned.curve.groupby(["split", "seed"])["lower_bound"].last()
        for member, seed in enumerate(experiment.seeds):
            parameters = tf.nest.map_structure(lambda v, i=member: v[i : i + 1], learned.parameters)
            one = Model(algorithm.model, parameters)
            x = test.astype(np.float32) / np.float32(experiment.pixel_divisor)
            row = {
                "dataset": data.label,
                "model": model,
                "seed": seed,
                "parameters": count(algorithm.model),
                "step_size": step_size,
                "training_samples": experiment.training_samples,
                "train_lower_bound": ends["train", seed],
                "test_lower_bound": ends["test", seed],
                "lower_bound": _bound(algorithm, one, x[: budget.points], seed),
                **_likelihood(one, x[: budget.points], budget.annealing, seed, gap=member == 0),
                "seconds_per_sample": cost,
                **_usage(algorithm, one, x[:USED], seed),
            }
            rows.append(row)
            LOGGER.info(f"{name}, seed {seed}: " + _told(row))
            if member == 0:
                z = prior_samples(one.latent_dim, SHOWN**2, seed)
                samples[model] = decode(one, z).reshape(SHOWN, SHOWN, *data.image_shape)
    return Compared(pd.concat(curves, ignore_index=True), pd.DataFrame(rows), samples)


def _bound(algorithm: AEVB, model: Model, x: np.ndarray, seed: int) -> float:
    """The mean bound of images, by many draws."""
    keys = random.keys(tf.constant([seed]), random.Purpose.EVALUATION)
    many = replace(algorithm, samples_per_datapoint=BOUND_DRAWS)
    return float(tf.reduce_mean(many.lower_bound(model.parameters, tf.constant(x[None]), keys)))


def _likelihood(
    model: Model, x: np.ndarray, annealing: ais.Budget, seed: int, *, gap: bool
) -> dict:
    """log p(x) of test images, and how far lower and upper estimates of simulated ones differ."""
    found = ais.estimate(model, x, annealing, seed)
    above = np.nan
    if gap:
        simulated = ais.sandwich(model, len(x), annealing, seed)
        above = (simulated.upper.value - simulated.lower.value).mean()
    return {
        "marginal_log_likelihood": found.value.mean(),
        "standard_error": np.sqrt((found.standard_error**2).sum()) / len(x),
        "n_points": len(x),
        "n_flagged": int((~found.passed).sum()),
        "gap": above,
    }


def _usage(algorithm: AEVB, model: Model, x: np.ndarray, seed: int) -> dict:
    """Active dimensions of each layer, and what it costs the bound, nats."""
    network, encoder = model.architecture, model.parameters.encoder
    if not isinstance(network, Hierarchy):
        found = encode(model, x)
        kl = [found.kl.sum(axis=-1).mean(), np.nan]
        active = [_active(found.mean), np.nan]
    else:
        image = tf.constant(x[np.newaxis])
        first = network.encode(encoder, image).mean()
        second = network.top.encode(encoder.top, first).mean()
        keys = random.keys(tf.constant([seed]), random.Purpose.EVALUATION)
        terms = algorithm.terms(model.parameters, image, keys)
        kl = [-float(tf.reduce_mean(term)) for term in terms[1:]]
        active = [_active(mean[0].numpy()) for mean in (first, second)]
    return {"active_1": active[0], "active_2": active[1], "kl_1": kl[0], "kl_2": kl[1]}


def _active(means: np.ndarray) -> int:
    return int((means.astype(np.float64).var(axis=0) > ACTIVE_VARIANCE).sum())


def _told(row: dict) -> str:
    return (
        f"test bound {row['test_lower_bound']:.2f}, log p(x) {row['marginal_log_likelihood']:.2f}"
        f" ± {row['standard_error']:.2f} nats, {row['n_flagged']} of {row['n_points']} flagged"
    )
