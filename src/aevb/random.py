"""Stateless randomness keyed by (seed, purpose, step).

Every random number of a run is a function of its seed, of what it is for and of the step that
uses it. A run that was killed and resumed therefore draws what it would have drawn anyway, and
XLA, which ignores the seeds of stateful operations, gives the same numbers as eager execution.
The algorithm is fixed, so that the numbers do not depend on the device either: Threefry, which
XLA turns into code six times as fast as Philox on a CPU. TensorFlow has it under XLA only, so each
function here is an XLA program of its own when it is called outside one.
"""

from enum import IntEnum

import tensorflow as tf

_ALGORITHM = "threefry"
_KEY_ALGORITHM = "philox"


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


def keys(seeds: tf.Tensor, purpose: Purpose, step: tf.Tensor | int = 0) -> list[tf.Tensor]:
    """One stateless key [2] for each member of ``seeds`` [E], for one purpose at one step."""
    return [
        tf.random.experimental.stateless_fold_in(
            tf.stack([seed, tf.constant(int(purpose), seed.dtype)]), step, alg=_KEY_ALGORITHM
        )
        for seed in tf.unstack(seeds)
    ]


def normal(member_keys: list[tf.Tensor], shape: tuple[int, ...]) -> tf.Tensor:
    """Standard normal numbers [E, *shape], float32, one independent draw for each key."""
    return tf.stack([_normal(key, shape) for key in member_keys])


def uniform(member_keys: list[tf.Tensor], shape: tuple[int, ...]) -> tf.Tensor:
    """Uniform numbers in [0, 1) of shape [E, *shape], float32, one draw for each key."""
    return tf.stack([_uniform(key, shape) for key in member_keys])


def indices(member_keys: list[tf.Tensor], n: int, high: int) -> tf.Tensor:
    """``n`` indices drawn with replacement from 0 … ``high`` − 1: [E, n], int32."""
    return tf.stack([_indices(key, n, high) for key in member_keys])


@tf.function(jit_compile=True, autograph=False)
def _normal(key, shape):
    return tf.random.stateless_normal(shape, key, alg=_ALGORITHM)


@tf.function(jit_compile=True, autograph=False)
def _uniform(key, shape):
    return tf.random.stateless_uniform(shape, key, alg=_ALGORITHM)


@tf.function(jit_compile=True, autograph=False)
def _indices(key, n, high):
    return tf.random.stateless_uniform((n,), key, 0, high, tf.int32, alg=_ALGORITHM)
