"""What the algorithms carry from one minibatch to the next, and what they report."""

from typing import Any, ClassVar, NamedTuple, Protocol

import tensorflow as tf

from aevb.models.architecture import Parameters

LOWER_BOUND = "lower_bound"


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


class Algorithm(Protocol):
    """A learning algorithm: immutable, its network, optimiser and settings are its fields."""

    objective: ClassVar[str]
    """What its curve is called in tables: :data:`LOWER_BOUND`, or what it ascends where it learns
    no encoder and so has no bound."""

    def init(self, seeds: tf.Tensor, step_sizes: tf.Tensor) -> Any:
        """The state before the first minibatch, a :class:`State` or more; arguments [E]."""

    def step(self, state: Any, batch: tf.Tensor, seeds: tf.Tensor) -> tuple[Any, Info]:
        """One update from a minibatch [E, M, D]."""

    def lower_bound(self, parameters: Parameters, x: tf.Tensor, keys: tf.Tensor) -> tf.Tensor:
        """The estimate of each datapoint's bound: x [E, n, D] -> [E, n], nats; only of those that
        learn an encoder."""


def start(parameters: Parameters, step_sizes: tf.Tensor) -> State:
    """The state before the first minibatch, with ``step_sizes`` [E]."""
    return State(
        parameters=parameters,
        accumulators=tf.nest.map_structure(tf.zeros_like, parameters),
        step_size=step_sizes,
        iteration=tf.constant(0, tf.int32),
    )
