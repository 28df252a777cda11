"""Monte Carlo EM (Appendix E), the baseline without an encoder."""

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import tensorflow as tf

from aevb import random
from aevb.algorithms.optimisers import Adagrad
from aevb.algorithms.state import Info
from aevb.likelihood.hmc import JitteredHMC
from aevb.models.architecture import Architecture, Parameters

_BLOCK = 1000


class State(NamedTuple):
    """All that an iteration needs besides the data. E is the member axis."""

    parameters: Parameters
    """θ, each tensor [E, ...]; there is no φ: ``encoder`` is the empty tuple."""
    accumulators: Parameters
    """Adagrad's sums of squared gradients, shaped like the parameters."""
    step_size: tf.Tensor
    """Adagrad's global step size of each member, [E]."""
    iteration: tf.Tensor
    """How many iterations have been made, a scalar int32."""
    chains: tf.Tensor
    """z, one posterior sample of each training datapoint, [E, N, N_z]."""
    hmc_step_size: tf.Tensor
    """Of all leapfrog steps of a member, [E]."""
    acceptance: tf.Tensor
    """Mean acceptance probability of the last HMC move, [E]."""


@dataclass(frozen=True)
class MonteCarloEM:
    """Alternates an HMC move of every datapoint's z with updates of the decoder given these z.

    One iteration takes the whole training set: the chains, which persist from one iteration to
    the next, move once with ``leapfrog_steps`` (E-step), then θ ascends Σ log p(x, z) and its
    prior ``weight_updates`` times (M-step). The step size of HMC is tuned after each move, by the
    rule of the first author's library: times or divided by min(1.25, 1.02^min(100, N)) as the mean
    acceptance is above or below its target.

    Attributes:
        model: what is learned; its encoder is not used.
        optimiser: of θ; counts weight updates where it speaks of minibatches.
        n_train: N.
        leapfrog_steps: of a move (App. E: 10).
        weight_updates: of an iteration (App. E: 5).
        target_acceptance: what the step size of HMC is tuned to (App. E: 0.9).
        initial_hmc_step_size: where the tuning starts.
    """

    objective: ClassVar[str] = "log_joint"
    """What its curve is called in tables: log p(x, z) of the chains, which is no bound."""

    model: Architecture
    optimiser: Adagrad
    n_train: int
    leapfrog_steps: int = 10
    weight_updates: int = 5
    target_acceptance: float = 0.9
    initial_hmc_step_size: float = 0.01

    @property
    def samples_per_step(self) -> int:
        """Training samples that an iteration counts for: every leapfrog step and every weight
        update evaluates the whole training set, (10 + 5) N in the paper's figure."""
        return (self.leapfrog_steps + self.weight_updates) * self.n_train

    def init(self, seeds: tf.Tensor, step_sizes: tf.Tensor) -> State:
        """The state before the first iteration, chains drawn from the prior; arguments [E]."""
        parameters = Parameters((), self.model.init(seeds).decoder)
        keys = random.keys(seeds, random.Purpose.PRIOR)
        return State(
            parameters=parameters,
            accumulators=tf.nest.map_structure(tf.zeros_like, parameters),
            step_size=step_sizes,
            iteration=tf.constant(0, tf.int32),
            chains=random.normal(keys, (self.n_train, self.model.latent_dim)),
            hmc_step_size=tf.fill(seeds.shape, self.initial_hmc_step_size),
            acceptance=tf.ones(seeds.shape),
        )

    def step(self, state: State, x: tf.Tensor, seeds: tf.Tensor) -> tuple[State, Info]:
        """One iteration on the whole training set x, [E, N, D] or [1, N, D] for all members."""
        chains, acceptance, log_joint = self.expect(state, x, seeds)
        rate = min(1.25, 1.02 ** min(100, self.n_train))
        above = acceptance > self.target_acceptance
        decoder, accumulators = self.maximise(state, x, chains)
        new_state = State(
            parameters=Parameters((), decoder),
            accumulators=Parameters((), accumulators),
            step_size=state.step_size,
            iteration=state.iteration + 1,
            chains=chains,
            hmc_step_size=state.hmc_step_size * tf.where(above, rate, 1.0 / rate),
            acceptance=acceptance,
        )
        return new_state, Info(objective=log_joint)

    def expect(
        self, state: State, x: tf.Tensor, seeds: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """The E-step: one HMC move of each chain.

        Returns:
            The chains [E, N, N_z], their mean acceptance probability [E], and the mean over the
            datapoints of log p(x, z) at the new chains [E], nats.
        """
        members = state.chains.shape[0]
        keys = random.keys(seeds, random.Purpose.MONTE_CARLO_EM, state.iteration)

        def move(z, x, block):
            block_keys = random.fold_in(keys, block)
            moved = [
                self._move(
                    tf.nest.map_structure(lambda w, e=e: w[e : e + 1], state.parameters.decoder),
                    z[e],
                    x[min(e, x.shape[0] - 1)],
                    state.hmc_step_size[e],
                    block_keys[e],
                )
                for e in range(members)
            ]
            z, acceptance, log_joint = (tf.stack(part) for part in zip(*moved, strict=True))
            return z, tf.stack([acceptance, log_joint], axis=-1)

        chains, sums = _over_blocks(move, state.chains, x, tf.zeros([members, 2], tf.float64))
        acceptance, log_joint = tf.unstack(tf.cast(sums / self.n_train, tf.float32), axis=-1)
        return chains, acceptance, log_joint

    def maximise(self, state: State, x: tf.Tensor, chains: tf.Tensor) -> tuple[Any, Any]:
        """The M-step: the decoder and its accumulators after ``weight_updates`` updates."""

        def gradient_sum(decoder):
            def block_gradient(z, x, block):
                with tf.GradientTape() as tape:
                    tape.watch(decoder)
                    log_likelihood = tf.reduce_sum(self.model.decode(decoder, z).log_prob(x))
                return z, tape.gradient(log_likelihood, decoder)

            zeros = tf.nest.map_structure(tf.zeros_like, decoder)
            return _over_blocks(block_gradient, chains, x, zeros)[1]

        def update(i, decoder, accumulators):
            ascended = self.optimiser.ascend(
                decoder,
                accumulators,
                gradient_sum(decoder),
                self.model.weight_matrices().decoder,
                state.step_size,
                state.iteration * self.weight_updates + i,
            )
            return i + 1, *ascended

        _, decoder, accumulators = tf.while_loop(
            lambda i, *_: i < self.weight_updates,
            update,
            (tf.constant(0), state.parameters.decoder, state.accumulators.decoder),
        )
        return decoder, accumulators

    def _move(self, decoder, z, x, step_size, key):
        """One HMC move of one member's block: z [n, N_z], its acceptance sum and log joint sum."""

        def target(z):
            log_likelihood = self.model.decode(decoder, z[tf.newaxis]).log_prob(x)[0]
            return self.model.prior().log_prob(z) + log_likelihood

        kernel = JitteredHMC(
            target, step_size=step_size, num_leapfrog_steps=self.leapfrog_steps, jitter=0.0
        )
        z, results = kernel.one_step(z, kernel.bootstrap_results(z), seed=key)
        acceptance = tf.exp(tf.minimum(results.log_accept_ratio, 0.0))
        return (
            z,
            tf.reduce_sum(tf.cast(acceptance, tf.float64)),
            tf.reduce_sum(tf.cast(results.accepted_results.target_log_prob, tf.float64)),
        )


def _over_blocks(function, z, x, total):
    """``function(z, x, block)`` on blocks of datapoints, which keeps its arrays in the cache.

    Its first result takes the place of the block of z [E, N, N_z]; its second is summed up,
    starting from ``total``.
    """
    members, n, latent_dim = z.shape
    whole = n // _BLOCK

    def body(block, moved, total):
        start = block * _BLOCK
        new_z, part = function(_rows(z, start), _rows(x, start), block)
        return block + 1, moved.write(block, new_z), tf.nest.map_structure(tf.add, total, part)

    parts = []
    if whole:
        moved = tf.TensorArray(z.dtype, whole, element_shape=[members, _BLOCK, latent_dim])
        _, moved, total = tf.while_loop(
            lambda block, *_: block < whole, body, (tf.constant(0), moved, total)
        )
        stacked = tf.transpose(moved.stack(), [1, 0, 2, 3])
        parts.append(tf.reshape(stacked, [members, whole * _BLOCK, latent_dim]))
    if n % _BLOCK:
        new_z, part = function(z[:, -(n % _BLOCK) :], x[:, -(n % _BLOCK) :], tf.constant(whole))
        parts.append(new_z)
        total = tf.nest.map_structure(tf.add, total, part)
    return tf.concat(parts, axis=1), total


def _rows(tensor, start):
    return tf.slice(tensor, [0, start, 0], [tensor.shape[0], _BLOCK, tensor.shape[2]])
