"""Stateless randomness keyed by (seed, purpose, step).

Every random number of a run is a function of its seed, of what it is for and of the step that
uses it. A run that was killed and resumed therefore draws what it would have drawn anyway, and
XLA, which ignores the seeds of stateful operations, gives the same numbers as eager execution.
The algorithms are fixed, so that the numbers do not depend on the device either: Philox for keys,
and Threefry for numbers, which XLA turns into code six times as fast as Philox on a CPU.

The numbers are those of ``tf.random.stateless_*`` under XLA, which take one key at a time: here
all members' are one array program, as long for many members as for one.
"""

import functools
import hashlib
import math
from collections import Counter
from collections.abc import Callable
from enum import IntEnum

import tensorflow as tf

from aevb.random.counter_based import philox4x32, threefry2x32

_PHILOX_SCRAMBLER = (0x3EC8F720, 0x02461E29)
"""The key under which TensorFlow turns a seed of 128 bits into Philox's key and counter."""


class Purpose(IntEnum):
    """What a stream of random numbers is for; streams of different purposes are independent."""

    INITIALISATION = 0
    MINIBATCH = 1
    BINARISATION = 2
    POSTERIOR = 3
    PRIOR = 4
    OBSERVATION = 5
    EVALUATION = 6
    TEST_BINARISATION = 7
    MONTE_CARLO_EM = 8
    LIKELIHOOD = 9
    GENERATION = 10
    APPLICATION = 11
    ESTIMATORS = 12
    WEIGHTS = 13
    REPARAMETERISATION = 14


_FEW = 16
"""Calls outside of programs that take less time than compiling does."""


def _program(function: Callable) -> Callable:
    """``function`` as an XLA program, but for its first few calls with the same arguments, keys
    aside, outside of programs. The numbers are the same."""
    compiled = tf.function(function, jit_compile=True, autograph=False)
    calls = Counter()

    @functools.wraps(function)
    def either(*arguments):
        if not tf.executing_eagerly():
            return compiled(*arguments)
        kind = tuple(one for one in arguments if not tf.is_tensor(one))
        calls[kind] += 1
        return (function if calls[kind] <= _FEW else compiled)(*arguments)

    return either


def keys(seeds: tf.Tensor, purpose: Purpose, step: tf.Tensor | int = 0) -> tf.Tensor:
    """A key for each member of ``seeds`` [E], for one purpose at one step: [E, 2], int32."""
    purposes = tf.fill(seeds.shape, tf.constant(int(purpose), seeds.dtype))
    return fold_in(tf.stack([seeds, purposes], axis=-1), step)


def fold_in(keys: tf.Tensor, data: tf.Tensor | int) -> tf.Tensor:
    """A new key for each of ``keys`` [E, 2] and of ``data``, int32, [E] or one number: [E, 2].

    As by ``tf.random.experimental.stateless_fold_in``.
    """
    return _fold_in(keys, tf.convert_to_tensor(data, tf.int32))


def split(keys: tf.Tensor, n: int, salt: str) -> list[tf.Tensor]:
    """``n`` independent keys for each of ``keys`` [E, 2]: n times [E, 2], int32.

    Those with another ``salt`` are others. As by ``tfp.random.split_seed`` under XLA.
    """
    mask = int(hashlib.sha512(salt.encode()).hexdigest(), 16) % (2**31 - 1)
    return tf.unstack(_split(keys ^ [mask, 0], n), axis=1)


@_program
def normal(keys: tf.Tensor, shape: tuple[int, ...]) -> tf.Tensor:
    """Standard normal numbers [E, *shape], float32, one independent draw for each key."""
    return _box_muller(*_pairs(keys, shape), shape)


def _pairs(keys: tf.Tensor, shape: tuple[int, ...]) -> list[tf.Tensor]:
    """The bits of two uniform numbers for each two normal ones."""
    axis, half = _halved(shape)
    return tf.unstack(_bits(keys, (*half[: axis + 1], 2, *half[axis + 1 :])), axis=axis + 2)


@tf.function(jit_compile=True, autograph=False)
def _box_muller(first: tf.Tensor, second: tf.Tensor, shape: tuple[int, ...]) -> tf.Tensor:
    """Of two uniform numbers, given as bits, two normal ones."""
    u, v = _unit_interval(first), _unit_interval(second)
    radius = tf.sqrt(-2.0 * tf.math.log(tf.maximum(u, 1e-7)))
    angle = 2 * math.pi * v
    return _interleaved(tf.sin(angle) * radius, tf.cos(angle) * radius, shape)


@_program
def uniform(keys: tf.Tensor, shape: tuple[int, ...]) -> tf.Tensor:
    """Uniform numbers in [0, 1) of shape [E, *shape], float32, one draw for each key."""
    return _unit_interval(_bits(keys, shape))


@_program
def indices(keys: tf.Tensor, n: int, high: int) -> tf.Tensor:
    """``n`` indices drawn with replacement from 0 … ``high`` − 1: [E, n], int32."""
    return tf.cast(_bits(keys, (n,)) % high, tf.int32)


@_program
def _fold_in(keys, data):
    word = tf.bitcast(_philox_bits(tf.cast(keys, tf.uint64), 1)[:, 0], tf.int32)
    return tf.stack([word, tf.broadcast_to(data, word.shape)], axis=-1)


@_program
def _split(keys, n):
    # Without their signs, which a cast from int32 to uint64 would extend.
    seeds = tf.cast(tf.cast(keys, tf.uint32), tf.uint64)
    bits = _philox_bits(seeds, 2 * n)
    return tf.reshape(tf.bitcast(bits, tf.int32), (keys.shape[0], n, 2))


def _philox_bits(seeds: tf.Tensor, n: int) -> tf.Tensor:
    """[E, n], uint32, of Philox for seeds [E, 2], uint64: four to a counter."""
    low, high = tf.cast(seeds, tf.uint32), tf.cast(tf.bitwise.right_shift(seeds, 32), tf.uint32)
    seed = (low[:, :1], high[:, :1], low[:, 1:], high[:, 1:])
    scrambler = tuple(tf.constant(word, tf.uint32) for word in _PHILOX_SCRAMBLER)
    *key, third, fourth = philox4x32(scrambler, seed)
    first = tf.cast(tf.range(-(-n // 4)), tf.uint32)
    words = philox4x32(key, (first, tf.zeros_like(first), third, fourth))
    return tf.reshape(tf.stack(words, axis=-1), (seeds.shape[0], -1))[:, :n]


def _bits(keys: tf.Tensor, shape: tuple[int, ...]) -> tf.Tensor:
    """[E, *shape], uint32, of Threefry: two to a counter, one for each half of the numbers."""
    _, half = _halved(shape)
    words = tf.reshape(tf.cast(keys, tf.uint32), (-1, 2, *(1 for _ in half)))
    key = (words[:, 0], words[:, 1])
    # Places in row-major order, by Horner's rule. It starts from a zero that only XLA sees through:
    # TensorFlow would work out all places beforehand and put them into the program as a constant.
    counter = tf.reshape(key[0] - key[0], [-1])
    for size in half:
        counter = counter[..., tf.newaxis] * size + tf.cast(tf.range(size), tf.uint32)
    first, second = threefry2x32(key, (counter, tf.constant(0, tf.uint32)))
    return _interleaved(first, second, shape)


def _unit_interval(bits: tf.Tensor) -> tf.Tensor:
    """The upper 23 bits as a number in [0, 1), float32."""
    return tf.cast(tf.bitwise.right_shift(bits, 9), tf.float32) * 2.0**-23


def _halved(shape: tuple[int, ...]) -> tuple[int, tuple[int, ...]]:
    """The axis along which XLA halves ``shape``, and the half, rounded up.

    That is the first axis of even size, or else the longest; a scalar is halved as [1] is.
    """
    shape = shape or (1,)
    even = [axis for axis, size in enumerate(shape) if size % 2 == 0]
    axis = even[0] if even else shape.index(max(shape))
    return axis, (*shape[:axis], -(-shape[axis] // 2), *shape[axis + 1 :])


def _interleaved(first: tf.Tensor, second: tf.Tensor, shape: tuple[int, ...]) -> tf.Tensor:
    """[E, *shape] from its halves, even places along the halved axis and odd ones."""
    members = first.shape[0]
    axis, half = _halved(shape)
    both = tf.stack([first, second], axis=axis + 2)
    both = tf.reshape(both, (members, *half[:axis], 2 * half[axis], *half[axis + 1 :]))
    ends = [slice(size) for size in (members, *(shape or (1,)))]
    return tf.reshape(both[ends], (members, *shape))
