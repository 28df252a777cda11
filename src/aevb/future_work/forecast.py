"""What a film model foresees and fills in, beside an i.i.d. VAE and what needs no model."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import tensorflow as tf

from aevb import random
from aevb.algorithms.aevb import AEVB
from aevb.arrays import Tensors, named_arrays
from aevb.data import Dataset
from aevb.errors import DataError
from aevb.future_work.film import FilmAEVB, StateSpace
from aevb.future_work.learning import learn
from aevb.likelihood.model import Model
from aevb.models.architecture import Parameters
from aevb.models.linear_gaussian import LEAST_VARIANCE
from aevb.settings.experiment import Experiment
from aevb.settings.future_work import FILM_AHEAD, FILM_MODELS, FILM_SHOWN, SYNTHETIC
from aevb.stages.trained import Trained, one_member
from aevb.stages.weights import read
from aevb.training.assembly import architecture, optimiser
from aevb.training.backends import IN_TENSORFLOW, Execution

FILM, VAE, REPEAT, INTERPOLATION = FILM_MODELS


class Budget(NamedTuple):
    """How the film is cut, and what the predictions may cost."""

    length: int
    """T, frames a stretch."""
    stretches: int
    """M, stretches a minibatch."""
    gap: int
    """Frames that are missing in a row, while it learns and when they are filled in."""
    draws: int
    """Paths of each prediction."""
    step_size: float
    """Adagrad's, of both models."""


class Compared(NamedTuple):
    """What the study gives."""

    curves: pd.DataFrame
    """The bound along training (see :func:`aevb.training.curves.curve_table`), nats a frame, by
    ``dataset`` and ``model``."""
    table: pd.DataFrame
    """One row a task, model, frame and seed."""
    pictures: dict[str, np.ndarray]
    """[rows, columns, *image_shape] by task, NaN where nothing is seen."""
    parameters: Tensors
    """Of the state-space model, by name."""


def in_order(data: Dataset) -> tuple[np.ndarray, np.ndarray]:
    """The frames of a film in their order, uint8 [N, D]: its beginning to learn from, as long as
    the training set, and its end.

    Raises:
        DataError: the parts of the data set are not all of one film.
    """
    index = np.concatenate([data.train_index, data.test_index])
    if sorted(index) != list(range(len(index))):
        raise DataError(f"{data.name}: training and test images are not all frames of one film")
    frames = np.concatenate([data.train, data.test])[np.argsort(index)]
    return frames[: len(data.train)], frames[len(data.train) :]


def synthetic(image_shape: tuple[int, int], n_train: int = 480, n_test: int = 160) -> Dataset:
    """A film in place of one that cannot be had: a light spot that circles on a dark image, faster
    and slower by chance."""
    generator = np.random.default_rng(0)
    n, (rows, columns) = n_train + n_test, image_shape
    angle = np.cumsum(0.25 + 0.08 * generator.standard_normal(n))
    y = rows / 2 + 0.25 * rows * np.sin(angle)[:, np.newaxis, np.newaxis]
    x = columns / 2 + 0.25 * columns * np.cos(angle)[:, np.newaxis, np.newaxis]
    at = np.arange(rows)[:, np.newaxis], np.arange(columns)
    width = min(image_shape) / 8
    light = np.exp(-0.5 * ((at[0] - y) ** 2 + (at[1] - x) ** 2) / width**2)
    light = 40 + 160 * light + 8 * generator.standard_normal(light.shape)
    frames = np.clip(np.rint(light), 0, 255).astype(np.uint8).reshape(n, -1)
    parts = frames[:n_train], frames[:0], frames[n_train:]
    return Dataset(
        "synthetic", SYNTHETIC, image_shape, *parts, np.arange(n_train), np.arange(n_train, n)
    )


def stretches(frames: np.ndarray, length: int, stride: int) -> np.ndarray:
    """Stretches of so many frames, one beginning every ``stride`` frames: [N, D] -> [n, T · D]."""
    windows = np.lib.stride_tricks.sliding_window_view(frames, length, axis=0)[::stride]
    return np.ascontiguousarray(windows.transpose(0, 2, 1)).reshape(len(windows), -1)


def state_space(experiment: Experiment) -> StateSpace:
    """The state-space model whose frames have the decoder of an experiment's networks."""
    network = architecture(experiment)
    return StateSpace(network, network.data_dim, network.hidden_units, network.hidden_units)


def read_film(path: Path) -> Trained:
    """The first seed's state-space model of the weights that ``aevb future-work film`` wrote.

    Raises:
        DataError: see :func:`aevb.stages.weights.read`.
    """
    experiment, arrays = read(path, "decoder/transition/")
    model = state_space(experiment)
    return Trained(experiment, Model(model, one_member(model.shapes(), arrays, 0)))


def compare(
    experiment: Experiment,
    data: Dataset,
    budget: Budget,
    *,
    checkpoint_folder: Path | None,
    checkpoint_seconds: float = 60.0,
    execution: Execution = IN_TENSORFLOW,
) -> Compared:
    """Train both models on the beginning of a film, on as many frames, and measure them on its end.

    Args:
        experiment: AEVB's on single frames, whose N_z, networks, budget (in frames) and seeds hold
            for both.
        data: the film.
        budget: of the rest.
        checkpoint_folder, checkpoint_seconds, execution: see
            :func:`aevb.future_work.learning.learn`.

    Raises:
        DataError: see :func:`in_order`; or the film's end is too short for what is to be measured.
        DivergenceError, Interrupted: see :func:`aevb.training.loop.train`.
    """
    train, test = in_order(data)
    if len(test) < budget.length + FILM_AHEAD:
        raise DataError(f"{data.name}: the end has {len(test)} frames, too few")
    whole = stretches(test, budget.length, budget.length)
    frames = whole.reshape(-1, test.shape[1])
    film, per_step = state_space(experiment), budget.stretches * budget.length
    learned = optimiser(replace(experiment, warmup_minibatches=0, batch_size=per_step), len(train))
    runs = (
        (FILM, FilmAEVB(film, learned, gap=budget.gap), stretches(train, budget.length, 1), whole),
        (VAE, AEVB(film.network, learned), train, frames),
    )
    found = {}
    for model, algorithm, seen, held_out in runs:
        length = seen.shape[1] // film.data_dim
        found[model] = learn(
            algorithm,
            seen,
            held_out,
            seeds=experiment.seeds,
            step_size=budget.step_size,
            training_samples=experiment.training_samples // length,
            batch_size=per_step // length,
            pixel_divisor=experiment.pixel_divisor,
            name=f"{experiment.dataset} {model}".replace(".", ""),
            checkpoint_folder=checkpoint_folder,
            checkpoint_seconds=checkpoint_seconds,
            modules=["aevb.future_work.film"],
            execution=execution,
            dataset=data.label,
            model=model,
        )
        curve = found[model].curve
        curve["training_samples"] *= length
        curve["lower_bound"] /= length
    parameters, scaled = (
        found[FILM].parameters,
        [part / experiment.pixel_divisor for part in (train, test)],
    )
    rows, pictures = [], {}
    for member, seed in enumerate(experiment.seeds):
        one = tf.nest.map_structure(lambda v, i=member: v[i : i + 1], parameters)
        for task in (next_frames, missing_frames):
            measured, shown = task(film, one, *scaled, budget, seed)
            rows += [{"dataset": data.label, **row, "seed": seed} for row in measured]
            if member == 0:
                images = shown.reshape(*shown.shape[:2], *data.image_shape)
                pictures[f"{data.label}/{task.__name__}"] = images
    curves = pd.concat([one.curve for one in found.values()])
    return Compared(curves, pd.DataFrame(rows), pictures, named_arrays(parameters))


def predict(
    model: StateSpace, parameters: Parameters, x: np.ndarray, ahead: int, draws: int, seed: int
) -> Iterator[Any]:
    """p(x_{T+h}|x_{1:T}) for h = 1 … ``ahead``, as a mixture of so many p(x|z).

    z_{1:T} is drawn from q and carried on by p(z_t|z_{t−1}).

    Args:
        model, parameters: of one member.
        x: stretches in [0, 1], [n, T · D].

    Yields:
        Distributions with batch shape [draws, 1, n] and event shape [D].
    """
    keys = random.keys(tf.constant([seed]), random.Purpose.GENERATION)
    z = _paths(model, parameters, x, draws, seed)[..., -1, :, :]
    noise = random.normal(keys, (ahead, draws, len(x), model.latent_dim))[0]
    for epsilon in noise[:, :, tf.newaxis]:
        p = model.transition(parameters.decoder, z)
        z = p.mean() + p.stddev() * epsilon
        yield model.network.decode(parameters.decoder.frame, z)


def next_frames(
    model: StateSpace,
    parameters: Parameters,
    train: np.ndarray,
    test: np.ndarray,
    budget: Budget,
    seed: int,
) -> tuple[list[dict], np.ndarray]:
    """The frames after each stretch of the film's end, against repeating the last one.

    The last frame gets the variances of the change of each pixel in so many frames, as they are in
    what is learned from, for its log density.
    """
    n = len(test) - budget.length - FILM_AHEAD + 1
    x = stretches(test[: n + budget.length - 1], budget.length, 1)
    last = test[budget.length - 1 :][:n]
    middle, rows = n // 2, []
    columns = {0: [last[middle]] * 3}
    forecast = predict(model, parameters, x, FILM_AHEAD, budget.draws, seed)
    for h, p in enumerate(forecast, start=1):
        truth = test[budget.length - 1 + h :][:n]
        mean = tf.reduce_mean(p.mean(), axis=0)[0].numpy()
        log_p = tf.reduce_logsumexp(p.log_prob(tf.constant(truth, tf.float32)), axis=0)[0]
        log_p = log_p.numpy() - np.log(budget.draws)
        variance = np.maximum(((train[h:] - train[:-h]) ** 2).mean(axis=0), LEAST_VARIANCE)
        change = np.log(2 * np.pi * variance) + (truth - last) ** 2 / variance
        for name, guess, density in (
            (FILM, mean, log_p),
            (REPEAT, last, -0.5 * change.sum(axis=1)),
        ):
            measured = {"error": _error(guess, truth), "log_density": float(density.mean())}
            rows.append(_row(next_frames, name, h, n) | measured)
        if h in FILM_SHOWN:
            columns[h] = [truth[middle], mean[middle], last[middle]]
    return rows, np.stack(list(columns.values()), axis=1)


def missing_frames(
    model: StateSpace,
    parameters: Parameters,
    train: np.ndarray,
    test: np.ndarray,
    budget: Budget,
    seed: int,
) -> tuple[list[dict], np.ndarray]:
    """The frames of a gap in the middle of each stretch of the film's end, against interpolation
    between the frames before and after it, and repeating the former."""
    x = stretches(test, budget.length, 1)
    n, first = len(x), (budget.length - budget.gap) // 2
    inside = slice(first, first + budget.gap)
    truth = x.reshape(n, budget.length, -1)
    seen = truth.copy()
    seen[:, inside] = np.nan
    z = _paths(model, parameters, seen.reshape(n, -1), budget.draws, seed)[:, :, inside]
    before, after = truth[:, first - 1], truth[:, first + budget.gap]
    middle, rows, columns = n // 2, [], [[before[n // 2]] * 4]
    for i, at in enumerate(range(budget.length)[inside]):
        p = model.network.decode(parameters.decoder.frame, z[:, :, i])
        share = (i + 1) / (budget.gap + 1)
        guesses = {
            FILM: tf.reduce_mean(p.mean(), axis=0)[0].numpy(),
            INTERPOLATION: (1 - share) * before + share * after,
            REPEAT: before,
        }
        for name, guess in guesses.items():
            error = {"error": _error(guess, truth[:, at]), "log_density": np.nan}
            rows.append(_row(missing_frames, name, i + 1, n) | error)
        shown = (
            truth[middle, at],
            seen[middle, at],
            guesses[FILM][middle],
            guesses[INTERPOLATION][middle],
        )
        columns.append(list(shown))
    columns.append([after[middle]] * 4)
    return rows, np.stack(columns, axis=1)


def _paths(model: StateSpace, parameters: Parameters, x: np.ndarray, draws: int, seed: int):
    """z_{1:T} ~ q, [draws, 1, T, n, N_z]."""
    keys = random.keys(tf.constant([seed]), random.Purpose.POSTERIOR)
    frames = model.frames(tf.constant(x[np.newaxis], tf.float32))
    return model.paths(parameters.encoder, frames, model.noise(keys, draws, frames)).z


def _row(task: Any, model: str, frame: int, n: int) -> dict[str, Any]:
    return {"task": task.__name__.replace("_", " "), "model": model, "frame": frame, "n": n}


def _error(guess: np.ndarray, truth: np.ndarray) -> float:
    return float(np.sqrt(np.mean((guess - truth) ** 2)))
