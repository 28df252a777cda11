"""Full variational Bayes (Appendix F, Algorithm 2): posteriors over the decoder's weights, too.

q_φ(θ) is a diagonal Gaussian over all decoder weights, with the prior p(θ) = N(0, I) and
θ = μ_θ + σ_θ ⊙ ζ, ζ ~ N(0, I) (eq. 20). μ_θ, σ_θ and the encoder are learned together.
"""

from dataclasses import dataclass
from typing import Any, ClassVar, Literal, NamedTuple

import tensorflow as tf

from aevb import random
from aevb.algorithms import bounds
from aevb.algorithms.optimisers import Adagrad
from aevb.algorithms.state import LOWER_BOUND, Info, State, start
from aevb.models.architecture import Architecture, Parameters


class WeightPosterior(NamedTuple):
    """q_φ(θ): a normal for each weight of the decoder."""

    mean: Any
    """μ_θ, a nest of tensors."""
    log_variance: Any
    """log σ_θ², the same nest."""


@dataclass(frozen=True)
class FullVB:
    """Ascends the estimate of the bound on the evidence log p(X) in φ, which is all there is.

    Attributes:
        model: what is learned.
        optimiser: of φ. Its weight prior is left out: φ has none, and θ has it in the bound.
        n_train: N.
        samples_per_datapoint: L, draws of z for each datapoint and of θ for each minibatch.
        form: ``analytic``, with both KL divergences in closed form (eq. 24), or ``generic``, with
            neither (eq. 22).
        initial_weight_deviation: σ_θ at the start.
    """

    objective: ClassVar[str] = LOWER_BOUND

    model: Architecture
    optimiser: Adagrad
    n_train: int
    samples_per_datapoint: int = 1
    form: Literal["analytic", "generic"] = "analytic"
    initial_weight_deviation: float = 0.05

    def init(self, seeds: tf.Tensor, step_sizes: tf.Tensor) -> State:
        """The state before the first minibatch; ``seeds`` and ``step_sizes`` are [E]."""
        encoder, decoder = self.model.init(seeds)
        log_variance = 2.0 * tf.math.log(self.initial_weight_deviation)
        spread = tf.nest.map_structure(lambda w: tf.fill(tf.shape(w), log_variance), decoder)
        return start(Parameters(encoder, WeightPosterior(decoder, spread)), step_sizes)

    def step(self, state: State, batch: tf.Tensor, seeds: tf.Tensor) -> tuple[State, Info]:
        """One update from a minibatch [E, M, D] (Algorithm 2).

        The minibatch shares its L draws of θ; the paper draws one for each datapoint, which costs
        M sets of weights and has the same mean.
        """
        keys = random.keys(seeds, random.Purpose.POSTERIOR, state.iteration)
        parameters = state.parameters
        with tf.GradientTape() as tape:
            tape.watch(parameters)
            per_datapoint, weights = self.terms(parameters, batch, keys)
            # (M/N) of the bound on log p(X), so that steps are of the size that AEVB's are.
            share = batch.shape[-2] / self.n_train
            objective = tf.reduce_sum(per_datapoint) + share * tf.reduce_sum(weights)
        gradients = tape.gradient(objective, parameters)
        optimiser = self.optimiser._replace(weight_prior="none")
        new_parameters, accumulators = optimiser.ascend(
            parameters,
            state.accumulators,
            gradients,
            tf.nest.map_structure(lambda _: False, parameters),
            state.step_size,
            state.iteration,
        )
        new_state = State(new_parameters, accumulators, state.step_size, state.iteration + 1)
        bound = tf.reduce_mean(per_datapoint, axis=-1) + weights / self.n_train
        return new_state, Info(objective=bound)

    def terms(
        self, parameters: Parameters, x: tf.Tensor, keys: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """The two parts of the bound on log p(X): N times the first's mean, plus the second.

        Args:
            parameters: the encoder and :class:`WeightPosterior`.
            x: [E, n, D].
            keys: [E, 2].

        Returns:
            The bound of each datapoint given θ, averaged over the draws of θ, [E, n]; and
            −KL(q(θ) ‖ p(θ)) or its estimate, [E]. Nats.
        """
        posterior = self.model.encode(parameters.encoder, x)
        weights = parameters.decoder
        values, log_ratios = [], []
        for draw in range(self.samples_per_datapoint):
            weight_keys, noise_keys = random.split(keys, 2, salt=f"draw {draw}")
            theta, log_ratio = draw_weights(weights, weight_keys)
            noise = self.model.noise(noise_keys, (x.shape[-2], self.model.latent_dim))[tf.newaxis]

            def likelihood(z, theta=theta):
                return self.model.decode(theta, z)

            if self.form == "analytic":
                values.append(bounds.estimator_b(x, posterior, likelihood, noise))
            else:
                prior = self.model.prior()
                values.append(bounds.estimator_a(x, posterior, prior, likelihood, noise))
                log_ratios.append(log_ratio)
        if self.form == "analytic":
            weight_term = negative_kl(weights)
        else:
            weight_term = tf.add_n(log_ratios) / len(log_ratios)
        return tf.add_n(values) / len(values), weight_term

    def lower_bound(self, parameters: Parameters, x: tf.Tensor, keys: tf.Tensor) -> tf.Tensor:
        """E_q(θ) of each datapoint's bound, by L draws: x [E, n, D] -> [E, n], nats.

        It bounds log p(x | X) of new datapoints, but for q's own error; the weights' KL is paid
        once, by the training data.
        """
        return self.terms(parameters, x, keys)[0]


def negative_kl(weights: WeightPosterior) -> tf.Tensor:
    """−KL(q(θ) ‖ N(0, I)) = ½ Σ (1 + log σ² − μ² − σ²) over all weights (eq. 24): [E], nats."""
    parts = [
        tf.reduce_sum(
            1.0 + log_variance - tf.square(mean) - tf.exp(log_variance),
            axis=list(range(1, mean.shape.rank)),
        )
        for mean, log_variance in zip(*map(tf.nest.flatten, weights), strict=True)
    ]
    return 0.5 * tf.add_n(parts)


def draw_weights(weights: WeightPosterior, keys: tf.Tensor) -> tuple[Any, tf.Tensor]:
    """One draw θ = μ + σ ⊙ ζ for each member (eq. 20), and log p(θ) − log q(θ) there.

    Args:
        weights: each tensor [E, ...].
        keys: [E, 2].

    Returns:
        The decoder's weights, each [E, ...]; and [E], nats.
    """
    theta, parts = [], []
    for i, (mean, log_variance) in enumerate(zip(*map(tf.nest.flatten, weights), strict=True)):
        zeta = random.normal(random.fold_in(keys, i), tuple(mean.shape[1:]))
        value = mean + tf.exp(0.5 * log_variance) * zeta
        theta.append(value)
        # The constants −½ log 2π of prior and posterior cancel.
        ratio = -0.5 * tf.square(value) + 0.5 * (log_variance + tf.square(zeta))
        parts.append(tf.reduce_sum(ratio, axis=list(range(1, mean.shape.rank))))
    return tf.nest.pack_sequence_as(weights.mean, theta), tf.add_n(parts)
