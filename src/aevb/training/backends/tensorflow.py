"""Training in TensorFlow: the algorithm's steps as XLA programs, and the backend that runs them."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import tensorflow as tf

from aevb import random
from aevb.algorithms.state import LOWER_BOUND, Algorithm
from aevb.arrays import Tensors, named, named_arrays
from aevb.training.backends import Chunk, training_images

_EVALUATION_BLOCK = 1000


@dataclass(frozen=True)
class Trainer:
    """An algorithm with the way its minibatches are made, as XLA programs.

    How the work is cut into chunks changes no number: a step depends on nothing but the state, the
    seed and its own index.

    Attributes:
        algorithm: see :mod:`aevb.algorithms`.
        batch_size: M; datapoints are drawn with replacement. None for an algorithm whose step
            takes the whole training set and says itself for how many samples that counts.
        pixel_divisor: what the uint8 pixels are divided by.
        binarise: draw each pixel from a Bernoulli each time it is used.
    """

    algorithm: Algorithm
    batch_size: int | None
    pixel_divisor: float
    binarise: bool = False

    @property
    def samples_per_step(self) -> int:
        """Training samples that one step counts for."""
        return self.batch_size or self.algorithm.samples_per_step

    @property
    def has_bound(self) -> bool:
        """Whether there is an encoder, hence a lower bound to evaluate on test data."""
        return self.algorithm.objective == LOWER_BOUND

    @cached_property
    def run_chunk(self) -> Callable:
        """(state, data [N, D] uint8, seeds [E], n_steps) -> state, the fields of a
        :class:`~aevb.training.backends.Chunk`; one XLA program."""
        return tf.function(self._run_chunk, jit_compile=True, autograph=False)

    @cached_property
    def evaluate(self) -> Callable:
        """(parameters, data [N, D] uint8, seeds [E], iteration) -> mean bound [E], float64."""
        return tf.function(self._evaluate, jit_compile=True, autograph=False)

    def _minibatch(self, data: tf.Tensor, seeds: tf.Tensor, iteration: tf.Tensor) -> tf.Tensor:
        binarisation_keys = random.keys(seeds, random.Purpose.BINARISATION, iteration)
        if self.batch_size is None:
            return self._observe(data[tf.newaxis], binarisation_keys)
        keys = random.keys(seeds, random.Purpose.MINIBATCH, iteration)
        drawn = random.indices(keys, self.batch_size, data.shape[0])
        return self._observe(tf.gather(data, drawn), binarisation_keys)

    def _observe(self, pixels: tf.Tensor, keys: tf.Tensor) -> tf.Tensor:
        x = tf.cast(pixels, tf.float32) / self.pixel_divisor
        if not self.binarise:
            return x
        return tf.cast(random.uniform(keys, tuple(x.shape[-2:])) < x, tf.float32)

    def _run_chunk(self, state, data, seeds, n_steps):
        last = state.iteration + n_steps

        def step(state, objective_sum, first_non_finite):
            batch = self._minibatch(data, seeds, state.iteration)
            new_state, info = self.algorithm.step(state, batch, seeds)
            is_first = ~tf.math.is_finite(info.objective) & (first_non_finite < 0)
            return (
                new_state,
                objective_sum + tf.cast(info.objective, tf.float64),
                tf.where(is_first, state.iteration, first_non_finite),
            )

        members = seeds.shape[0]
        state, objective_sum, first_non_finite = tf.while_loop(
            lambda state, *_: state.iteration < last,
            step,
            (state, tf.zeros(members, tf.float64), tf.fill([members], -1)),
        )
        finite = [
            tf.reduce_all(tf.math.is_finite(tensor), axis=list(range(1, tensor.shape.rank)))
            for tensor in tf.nest.flatten(state.parameters)
        ]
        return state, (objective_sum, first_non_finite, tf.stack(finite))

    def _evaluate(self, parameters, data, seeds, iteration):
        n = data.shape[0]
        whole = n // _EVALUATION_BLOCK

        def block_sum(pixels, block):
            members = seeds.shape[0]
            # A step's evaluation may take many blocks: each gets an index of its own.
            index = iteration * (whole + 1) + block
            pixels = tf.broadcast_to(pixels, [members, *pixels.shape])
            binarisation_keys = random.keys(seeds, random.Purpose.TEST_BINARISATION, index)
            x = self._observe(pixels, binarisation_keys)
            keys = random.keys(seeds, random.Purpose.EVALUATION, index)
            bounds = self.algorithm.lower_bound(parameters, x, keys)
            return tf.reduce_sum(tf.cast(bounds, tf.float64), axis=-1)

        total = tf.zeros(seeds.shape[0], tf.float64)
        if whole:
            blocks = tf.reshape(
                data[: whole * _EVALUATION_BLOCK], [whole, _EVALUATION_BLOCK, data.shape[1]]
            )
            _, total = tf.while_loop(
                lambda block, _: block < whole,
                lambda block, total: (block + 1, total + block_sum(blocks[block], block)),
                (tf.constant(0), total),
            )
        if n % _EVALUATION_BLOCK:
            total += block_sum(data[whole * _EVALUATION_BLOCK :], tf.constant(whole))
        return total / n


class TensorFlowBackend:
    """The :class:`~aevb.training.backends.Backend` of a trainer's programs in TensorFlow itself.

    Args:
        trainer: the algorithm and its minibatches.
        train_data, test_data: uint8 pixels, [N, D] and [N_test, D].
        seeds: one for each member, [E].
        step_sizes: Adagrad's global step size of each member, [E].
    """

    def __init__(self, trainer: Trainer, train_data, test_data, seeds, step_sizes):
        self.trainer = trainer
        self.samples_per_step = trainer.samples_per_step
        self.has_bound = trainer.has_bound
        self.step_sizes = np.asarray(step_sizes, np.float32)
        self._train_data = tf.constant(train_data)
        evaluated = (test_data, training_images(train_data, test_data)) if self.has_bound else ()
        self._evaluated = [tf.constant(data) for data in evaluated]
        self._seeds = tf.constant(seeds, tf.int32)

    @property
    def device(self) -> str:
        """The devices that TensorFlow sees."""
        return ", ".join(device.name for device in tf.config.list_logical_devices())

    def start(self) -> Any:
        """The state before the first minibatch."""
        return self._start

    @cached_property
    def _start(self) -> Any:
        return self.trainer.algorithm.init(self._seeds, tf.constant(self.step_sizes))

    def compile(self) -> None:
        """Trace and compile both programs, by running them on nothing."""
        state, _ = self.run_chunk(self.start(), 0)
        if self.has_bound:
            self.evaluate(state, 1)

    def run_chunk(self, state: Any, n_steps: int) -> tuple[Any, Chunk]:
        """The state ``n_steps`` steps later."""
        state, report = self.trainer.run_chunk(
            state, self._train_data, self._seeds, tf.constant(n_steps)
        )
        return state, Chunk(*(part.numpy() for part in report))

    def evaluate(self, state: Any, iteration: int) -> np.ndarray:
        """The mean bound of the test data and of the training images, [2, E], float64, nats."""
        rest = self._seeds, tf.constant(iteration)
        bounds = [self.trainer.evaluate(state.parameters, data, *rest) for data in self._evaluated]
        return tf.stack(bounds).numpy()

    def fetch(self, state: Any) -> Tensors:
        """The state as arrays named by their path in it."""
        return named_arrays(state)

    def put(self, tensors: Tensors) -> Any:
        """The inverse of :meth:`fetch`."""
        structure = self.start()
        values = [tf.constant(tensors[name]) for name in named(structure)]
        return tf.nest.pack_sequence_as(structure, values)
