"""The wake-sleep algorithm (Hinton et al., 1995), the paper's baseline with the same encoder."""

from dataclasses import dataclass
from typing import Any, ClassVar

import tensorflow as tf

from aevb import random
from aevb.algorithms import bounds
from aevb.algorithms.optimisers import Adagrad
from aevb.algorithms.state import LOWER_BOUND, Info, State, start
from aevb.models.architecture import Architecture, Parameters


@dataclass(frozen=True)
class WakeSleep:
    """Learns the decoder from data explained by the encoder, the encoder from the decoder's dreams.

    Wake: z ~ q(z|x), ascend log p(x|z) in θ. Sleep: z ~ p(z), x ~ p(x|z), ascend log q(z|x) in φ.
    Both ascend the parameters' prior as well. The dreams are not counted as training samples.

    Attributes:
        model: what is learned.
        optimiser: of θ and of φ, with accumulators of their own.
        samples_per_datapoint: L, samples from q(z|x) a datapoint.
        sleep_uses_updated_decoder: whether the dreams come from θ after the wake update of the
            same minibatch, as in the first author's library, or from θ before it.
    """

    objective: ClassVar[str] = LOWER_BOUND
    """What its curve is called in tables."""

    model: Architecture
    optimiser: Adagrad
    samples_per_datapoint: int = 1
    sleep_uses_updated_decoder: bool = True

    def init(self, seeds: tf.Tensor, step_sizes: tf.Tensor) -> State:
        """The state before the first minibatch; ``seeds`` and ``step_sizes`` are [E]."""
        return start(self.model.init(seeds), step_sizes)

    def step(self, state: State, batch: tf.Tensor, seeds: tf.Tensor) -> tuple[State, Info]:
        """One wake and one sleep update from a minibatch [E, M, D]."""
        keys = random.keys(seeds, random.Purpose.POSTERIOR, state.iteration)
        encoder, decoder = state.parameters
        matrices = self.model.weight_matrices()
        with tf.GradientTape() as tape:
            tape.watch(decoder)
            lower_bound = self.lower_bound(state.parameters, batch, keys)
            objective = tf.reduce_sum(lower_bound)
        decoder, decoder_accumulators = self.optimiser.ascend(
            decoder,
            state.accumulators.decoder,
            tape.gradient(objective, decoder),
            matrices.decoder,
            state.step_size,
            state.iteration,
        )

        dreaming = decoder if self.sleep_uses_updated_decoder else state.parameters.decoder
        z, x = self.dream(dreaming, batch.shape[-2], seeds, state.iteration)
        with tf.GradientTape() as tape:
            tape.watch(encoder)
            objective = tf.reduce_sum(self.model.encode(encoder, x).log_prob(z))
        encoder, encoder_accumulators = self.optimiser.ascend(
            encoder,
            state.accumulators.encoder,
            tape.gradient(objective, encoder),
            matrices.encoder,
            state.step_size,
            state.iteration,
        )
        new_state = State(
            parameters=Parameters(encoder, decoder),
            accumulators=Parameters(encoder_accumulators, decoder_accumulators),
            step_size=state.step_size,
            iteration=state.iteration + 1,
        )
        return new_state, Info(objective=tf.reduce_mean(lower_bound, axis=-1))

    def dream(
        self, decoder: Any, n: int, seeds: tf.Tensor, iteration: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """``n`` draws from the generative model: z [E, n, N_z] and sampled x [E, n, D]."""
        prior_keys = random.keys(seeds, random.Purpose.PRIOR, iteration)
        observation_keys = random.keys(seeds, random.Purpose.OBSERVATION, iteration)
        z = random.normal(prior_keys, (n, self.model.latent_dim))
        return z, self.model.sample(self.model.decode(decoder, z), observation_keys)

    def lower_bound(self, parameters: Parameters, x: tf.Tensor, keys: tf.Tensor) -> tf.Tensor:
        """Estimator A (eq. 6) of each datapoint: x [E, n, D] -> [E, n], nats.

        With φ fixed its gradient in θ is that of log p(x|z), which is the wake phase's.
        """
        noise = random.normal(
            keys, (self.samples_per_datapoint, x.shape[-2], self.model.latent_dim)
        )
        return bounds.estimator_a(
            x,
            posterior=self.model.encode(parameters.encoder, x),
            prior=self.model.prior(),
            likelihood=lambda z: self.model.decode(parameters.decoder, z),
            noise=tf.experimental.numpy.moveaxis(noise, 1, 0),
        )
