"""What the algorithms carry from one minibatch to the next, and what they report."""

from typing import NamedTuple

import tensorflow as tf

from aevb.models.architecture import Parameters


class State(NamedTuple):
    """All that a step needs besides the minibatch. E is the member axis."""

    parameters: Parameters
    """φ and θ, each tensor [E, ...]; ``encoder`` is empty where the algorithm learns none."""
    accumulators: Parameters
    """Adagrad's sums of squared gradients, shaped like the parameters."""
    step_size: tf.Tensor
    """The global step size of each member, [E]."""
    iteration: tf.Tensor
    """How many minibatches have been seen, a scalar int32."""


class Info(NamedTuple):
    """What a step reports."""

    objective: tf.Tensor
    """What the algorithm ascends, the mean over the minibatch's datapoints before the update, [E],
    nats: the lower bound or, of Monte Carlo EM, log p(x, z)."""


def start(parameters: Parameters, step_sizes: tf.Tensor) -> State:
    """The state before the first minibatch, with ``step_sizes`` [E]."""
    return State(
        parameters=parameters,
        accumulators=tf.nest.map_structure(tf.zeros_like, parameters),
        step_size=step_sizes,
        iteration=tf.constant(0, tf.int32),
    )
