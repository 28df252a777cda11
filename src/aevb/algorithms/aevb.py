"""Auto-Encoding Variational Bayes (Algorithm 1) with L samples a datapoint."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import tensorflow as tf

from aevb import random
from aevb.algorithms import bounds
from aevb.algorithms.optimisers import Adagrad
from aevb.algorithms.state import LOWER_BOUND, Info, State, start
from aevb.models.architecture import Architecture, Parameters


@dataclass(frozen=True)
class AEVB:
    """Ascends the minibatch estimate of the lower bound in φ and θ together.

    Attributes:
        model: what is learned.
        optimiser: of φ and θ.
        samples_per_datapoint: L (§5: 1).
        estimator: what is ascended (§2.2, §2.3): ``B``, ``A``, ``score`` (the score function), or
            ``score_baseline`` (with L further draws for its baseline).
    """

    objective: ClassVar[str] = LOWER_BOUND
    """What its curve is called in tables."""

    model: Architecture
    optimiser: Adagrad
    samples_per_datapoint: int = 1
    estimator: Literal["B", "A", "score", "score_baseline"] = "B"

    def init(self, seeds: tf.Tensor, step_sizes: tf.Tensor) -> State:
        """The state before the first minibatch; ``seeds`` and ``step_sizes`` are [E]."""
        return start(self.model.init(seeds), step_sizes)

    def step(self, state: State, batch: tf.Tensor, seeds: tf.Tensor) -> tuple[State, Info]:
        """One update from a minibatch [E, M, D] (Algorithm 1)."""
        keys = random.keys(seeds, random.Purpose.POSTERIOR, state.iteration)
        parameters = state.parameters
        with tf.GradientTape() as tape:
            tape.watch(parameters)
            lower_bound = self.lower_bound(parameters, batch, keys)
            objective = tf.reduce_sum(lower_bound)
        gradients = tape.gradient(objective, parameters)
        new_parameters, accumulators = self.optimiser.ascend(
            parameters,
            state.accumulators,
            gradients,
            self.model.weight_matrices(),
            state.step_size,
            state.iteration,
        )
        new_state = State(new_parameters, accumulators, state.step_size, state.iteration + 1)
        return new_state, Info(objective=tf.reduce_mean(lower_bound, axis=-1))

    def lower_bound(self, parameters: Parameters, x: tf.Tensor, keys: tf.Tensor) -> tf.Tensor:
        """The estimate of each datapoint's bound: x [E, n, D] -> [E, n], nats."""
        posterior = self.model.encode(parameters.encoder, x)

        def likelihood(z):
            return self.model.decode(parameters.decoder, z)

        draws = self.samples_per_datapoint
        total = 2 * draws if self.estimator == "score_baseline" else draws
        noise = self.model.noise(keys, (total, x.shape[-2], self.model.latent_dim))
        noise = tf.experimental.numpy.moveaxis(noise, 1, 0)
        parts = x, posterior, self.model.prior(), likelihood, noise[:draws]
        return bounds.estimate(self.estimator, *parts, noise[draws:] if total > draws else None)
