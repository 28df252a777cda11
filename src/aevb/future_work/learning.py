"""Training what the studies of section 7 learn, by the loop, the backends and the checkpoints that
every run has."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import tensorflow as tf

from aevb.algorithms.aevb import AEVB
from aevb.arrays import named
from aevb.errors import DivergenceError
from aevb.process.progress import LOGGER
from aevb.training.assembly import backend_of
from aevb.training.backends import IN_TENSORFLOW, Execution
from aevb.training.backends.tensorflow import Trainer
from aevb.training.curves import curve_table
from aevb.training.experiment import digest, first_objectives
from aevb.training.loop import parameters_of, train
from aevb.training.schedule import log_points


class Learned(NamedTuple):
    """What came of a training run."""

    parameters: Any
    """The algorithm's nest, each array [E, ...]."""
    curve: pd.DataFrame
    """Tidy, see :func:`aevb.training.curves.curve_table`."""
    seconds: float
    """Spent in training, all members and all processes together."""


def select_step_size(
    algorithm: AEVB,
    train_images: np.ndarray,
    *,
    seed: int,
    step_sizes: Sequence[float],
    selection_samples: int,
    batch_size: int,
    pixel_divisor: float,
    name: str,
    execution: Execution = IN_TENSORFLOW,
) -> float:
    """The candidate with the largest mean objective over the first iterations (§5); of one, that.

    Args:
        algorithm: immutable; its fields decide what is learned.
        train_images: uint8 [N, D].
        seed: of all candidates, which see the same minibatches and noise.
        step_sizes: the candidates.
        selection_samples: training samples of each.
        batch_size, pixel_divisor, name, execution: see :func:`learn`.

    Raises:
        DivergenceError: all of them become non-finite.
    """
    if len(step_sizes) == 1:
        return step_sizes[0]
    seeds = [seed] * len(step_sizes)
    trainer = Trainer(algorithm, batch_size, float(pixel_divisor))
    computed = backend_of(trainer, train_images, train_images[:1], seeds, step_sizes, execution)
    *_, means = first_objectives(computed, selection_samples)
    if np.isnan(means).all():
        raise DivergenceError(f"{name}: every step size of {list(step_sizes)} became non-finite")
    best = step_sizes[int(np.nanargmax(means))]
    LOGGER.info(f"{name}: step size {best:g} of {', '.join(f'{one:g}' for one in step_sizes)}")
    return best


def learn(
    algorithm: AEVB,
    train_images: np.ndarray,
    test_images: np.ndarray,
    *,
    seeds: Sequence[int],
    step_size: float,
    training_samples: int,
    batch_size: int,
    pixel_divisor: float,
    name: str,
    checkpoint_folder: Path | None,
    modules: Sequence[str],
    checkpoint_seconds: float = 60.0,
    execution: Execution = IN_TENSORFLOW,
    **columns: Any,
) -> Learned:
    """Train every seed to the budget; it goes on from the checkpoints that it finds.

    Args:
        algorithm: immutable, with a ``repr`` that tells all of its fields: by that its checkpoints
            know it.
        train_images, test_images: uint8 [N, D] and [N_test, D]; the latter for the bound.
        seeds: one a member.
        step_size: Adagrad's, of all members.
        training_samples: the budget of each member.
        batch_size: M.
        pixel_divisor: what the images are divided by.
        name: what progress lines and checkpoints call the run.
        checkpoint_folder: the run has a folder in it; None for no checkpoints.
        modules: those whose code, with what they import, decides what a step computes.
        checkpoint_seconds: time between checkpoints.
        execution: what computes.
        columns: of the curve, in front.

    Raises:
        DivergenceError, Interrupted: see :func:`aevb.training.loop.train`.
    """
    trainer = Trainer(algorithm, batch_size, float(pixel_divisor))
    step_sizes = [step_size] * len(seeds)
    folder = checkpoint_folder and checkpoint_folder / name.replace(" ", "_")
    data = train_images, test_images
    computed = backend_of(trainer, *data, seeds, step_sizes, execution, checkpoint_folder)
    settings = {"trainer": repr(trainer), "seeds": list(seeds), "step_size": step_size}
    run, _ = train(
        computed,
        log_points(computed.samples_per_step, training_samples),
        name=name,
        checkpoint_folder=folder,
        fingerprint=digest(settings, modules, *data),
        checkpoint_seconds=checkpoint_seconds,
    )
    arrays = parameters_of(computed.fetch(run.state))
    nest = algorithm.model.shapes()
    values = [tf.constant(arrays[path]) for path in named(nest)]
    curve = curve_table(run, list(seeds), algorithm.objective, **columns)
    return Learned(tf.nest.pack_sequence_as(nest, values), curve, run.seconds)
