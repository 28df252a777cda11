"""The lower half of an image from its upper half: p(y|x) with latent variables and without, and
by inpainting (§2.1)."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import tensorflow as tf

from aevb.algorithms.aevb import AEVB
from aevb.applications.inpainting import annealed, filled, halves
from aevb.applications.observations import VisiblePixels
from aevb.arrays import Tensors, named_arrays
from aevb.data import Dataset
from aevb.future_work.learning import learn
from aevb.future_work.noise import Conditional
from aevb.likelihood import ais
from aevb.likelihood.estimate import Estimate
from aevb.likelihood.model import Model
from aevb.process.progress import LOGGER
from aevb.settings.experiment import Experiment
from aevb.settings.future_work import HALVES_MODELS
from aevb.stages.generation import prior_samples
from aevb.stages.trained import Trained, parameters_of
from aevb.stages.weights import read
from aevb.training.assembly import architecture, optimiser

LATENT, DETERMINISTIC, INPAINTING = HALVES_MODELS
COMPLETIONS = 4
STEP_SIZE = 0.02
"""Of all models: of the paper's candidates the best for AEVB from 5·10⁵ training samples on."""


class Compared(NamedTuple):
    """What the comparison gives."""

    table: pd.DataFrame
    """One row a model and seed: the mean of log p(y|x) over the images, nats, its ``gain`` over the
    deterministic network, both with standard errors over images."""
    pictures: dict[str, np.ndarray]
    """Of the first seed: the truth, what is seen of it, the deterministic mean, [shown, rows,
    columns], and completions, [COMPLETIONS, shown, rows, columns]."""
    arrays: Tensors
    """What the model with latent variables has learned."""


def network(experiment: Experiment, latent_dim: int) -> Conditional:
    """p(lower half|upper half) for an experiment's images, with its networks' size."""
    visible, missing = halves(tuple(experiment.definition["image_shape"]))
    return Conditional(
        len(visible.indices),
        len(missing.indices),
        latent_dim,
        experiment.hidden_units,
        experiment.definition["observation"],
        experiment.initial_standard_deviation,
    )


def read_model(path: Path) -> Trained:
    """The model with latent variables that a study has written, its first member.

    Raises:
        DataError: see :func:`aevb.stages.weights.read`.
    """
    experiment, arrays = read(path, "decoder/input_weights")
    net = network(experiment, experiment.latent_dim)
    return Trained(experiment, Model(net, parameters_of(net, arrays, 0)))


def draws(latent_dim: int, n_draws: int, n_images: int, seed: int) -> np.ndarray:
    """z ~ p(z): [n_draws, n_images, N_z], float32."""
    return prior_samples(latent_dim, n_draws * n_images, seed).reshape(n_draws, n_images, -1)


def complete(experiment: Experiment, model: Model, images: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Images with the lower half as the model has it given the upper one: the mean of p(y|x, z).

    Args:
        experiment: of the model.
        model: of :func:`network`.
        images: [n, D], of which the upper half is seen.
        z: draws from the prior, [S, n, N_z].

    Returns:
        [S, n, D], float32.
    """
    visible, missing = halves(tuple(experiment.definition["image_shape"]))
    x = tf.constant(visible.observe(images)[np.newaxis])
    lower = model.architecture.output(model.parameters.decoder, x, tf.constant(z)).mean()
    found = np.repeat(images[np.newaxis].astype(np.float32), len(z), axis=0)
    found[..., list(missing.indices)] = lower
    return found


def compare(
    experiment: Experiment,
    data: Dataset,
    points: int,
    annealing: ais.Budget,
    shown: int = 8,
    **options: Any,
) -> Compared:
    """Train and measure each of HALVES_MODELS at equal training samples.

    log p(y|x) of the deterministic network is exact. That with latent variables is estimated by
    annealed importance sampling, with its gate, and so is inpainting's, log p(x, y) − log p(x). The
    first is too low in expectation, so that latent variables do not win by it.

    Args:
        experiment: AEVB's on whole images.
        data: its data set.
        points: how many of the first test images it is measured on.
        annealing: of annealed importance sampling.
        shown: of how many images there are pictures.
        options: checkpoints and execution, see :func:`aevb.future_work.learning.learn`.

    Raises:
        DivergenceError, Interrupted: see :func:`aevb.training.loop.train`.
    """
    image_shape = tuple(experiment.definition["image_shape"])
    visible, _ = halves(image_shape)
    images = data.test[:points].astype(np.float32) / np.float32(experiment.pixel_divisor)
    networks = {
        DETERMINISTIC: network(experiment, 0),
        LATENT: network(experiment, experiment.latent_dim),
        INPAINTING: architecture(experiment),
    }
    common = {"batch_size": experiment.batch_size, "pixel_divisor": experiment.pixel_divisor}
    rows, exact, first, arrays = [], {}, {}, {}
    for model, net in networks.items():
        algorithm = AEVB(
            net, optimiser(experiment, len(data.train)), experiment.samples_per_datapoint
        )
        name = f"{experiment.dataset} halves {model}"
        learned = learn(
            algorithm,
            data.train,
            data.test[:points],
            seeds=experiment.seeds,
            step_size=STEP_SIZE,
            training_samples=experiment.training_samples,
            name=name,
            modules=["aevb.future_work.noise", "aevb.models.vae"],
            **common,
            **options,
        )
        arrays = named_arrays(learned.parameters) if model == LATENT else arrays
        for member, seed in enumerate(experiment.seeds):
            values = tf.nest.map_structure(lambda v, e=member: v[e : e + 1], learned.parameters)
            one = Model(net, values)
            first.setdefault(model, one)
            found = _estimates(model, one, images, visible, annealing, seed)
            reference = exact.setdefault(seed, found.value)
            row = {
                "dataset": data.label,
                "model": model,
                "seed": seed,
                "training_samples": experiment.training_samples,
                **_mean("log_likelihood", found.value),
                **_mean("gain", found.value - reference),
                "n_points": len(images),
                "n_flagged": int((~found.passed).sum()),
            }
            rows.append(row)
            LOGGER.info(
                f"{name}, seed {seed}: log p(lower|upper) {row['log_likelihood']:.2f} nats,"
                f" {row['n_flagged']} of {len(images)} flagged"
            )
    x = images[:shown]
    z = draws(experiment.latent_dim, COMPLETIONS, len(x), 0)
    nothing = np.zeros((1, len(x), 0), np.float32)
    pictures = {
        "truth": x,
        "seen": filled(np.full_like(x, np.nan), visible, visible.observe(x)),
        "deterministic": complete(experiment, first[DETERMINISTIC], x, nothing)[0],
        "completions": complete(experiment, first[LATENT], x, z),
    }
    shaped = {k: v.reshape(*v.shape[:-1], *image_shape) for k, v in pictures.items()}
    return Compared(pd.DataFrame(rows), shaped, arrays)


def _estimates(
    model: str,
    one: Model,
    images: np.ndarray,
    visible: VisiblePixels,
    annealing: ais.Budget,
    seed: int,
) -> Estimate:
    """log p(lower|upper)."""
    if model == DETERMINISTIC:
        p = one.architecture.decode(one.parameters.decoder, tf.zeros([1, len(images), 0]))
        value = p.log_prob(tf.constant(images[np.newaxis]))[0].numpy().astype(np.float64)
        return Estimate(value, 0 * value, np.isfinite(value), {}, len(images))
    if model == LATENT:
        return ais.estimate(one, images, annealing, seed)
    seen = filled(np.full_like(images, np.nan), visible, visible.observe(images))
    found, seen = annealed(one, (images, seen), annealing, seed)
    return found._replace(
        value=found.value - seen.value,
        standard_error=np.hypot(found.standard_error, seen.standard_error),
        passed=found.passed & seen.passed,
    )


def _mean(name: str, values: np.ndarray) -> dict[str, float]:
    error = values.std(ddof=1) / np.sqrt(len(values))
    return {name: float(values.mean()), f"{name}_standard_error": float(error)}
