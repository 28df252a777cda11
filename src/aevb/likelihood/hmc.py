"""Hamiltonian Monte Carlo on the posteriors p(z|x) of many datapoints at once (App. D and E).

Each datapoint has chains of its own and a step size of its own; all of them move together, as the
rows of one matrix product. The kernels are TensorFlow Probability's.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf
import tensorflow_probability as tfp

from aevb.likelihood.choices import Adaptation

DIVERGENCE = 1000.0
"""A proposal whose energy is off by more than this, in nats, counts as divergent."""

ANNEALING_TRANSITIONS = (1, 15)
"""Of each temperature: kept and burn-in, which adapts the step size."""

SMALLEST_STEP_SIZE = 1e-4
"""Where dual averaging starts at least: chains that were stuck come with a step size of zero."""

LIBRARY_LOG_FACTOR = 1.02
"""The first author's library makes a step size e^1.02 times as large on acceptance, and as much
smaller on rejection."""

Target = Callable[[tf.Tensor], tf.Tensor]


class Chains(NamedTuple):
    """What persists from one call to the next: C chains for each of n datapoints."""

    position: tf.Tensor
    """z, [C, n, N_z]."""
    step_size: tf.Tensor
    """Of each datapoint, [n]."""


class Draws(NamedTuple):
    """Posterior samples, and how they came about."""

    z: tf.Tensor
    """[S, C, n, N_z], S draws of each chain."""
    log_prob: tf.Tensor
    """The target at each of them, [S, C, n], nats."""
    acceptance: tf.Tensor
    """Mean acceptance probability after burn-in, [n]."""
    divergences: tf.Tensor
    """Divergent proposals after burn-in, [n], int32."""
    rhat: tf.Tensor
    """Split R̂, its largest over the latent dimensions, [n].

    NaN where no chain has moved along some dimension, or for fewer than four draws of each."""
    ess: tf.Tensor
    """Effective sample size of all chains together, its smallest over the dimensions, [n].

    At most T log10 T for T draws; NaN where no chain has moved along some dimension."""


class JitteredHMC(tfp.mcmc.HamiltonianMonteCarlo):
    """HMC whose step size is multiplied, at each transition and for each datapoint, by a number
    drawn uniformly from [1 − jitter, 1 + jitter].

    A fixed trajectory near a multiple of the posterior's period returns to where it started, is
    accepted, and mixes badly; jitter breaks that. The number is drawn before the transition and
    independently of the state, so the target stays invariant.
    """

    def __init__(self, *arguments, jitter: float, **options):
        super().__init__(*arguments, **options)
        # TFP rebuilds kernels from their parameters.
        self._parameters["jitter"] = jitter
        self._jitter = jitter

    def one_step(self, current_state, previous_kernel_results, seed=None):
        """See the base class."""
        if not self._jitter:
            return super().one_step(current_state, previous_kernel_results, seed=seed)
        seed, jitter_seed = tf.unstack(tfp.random.split_seed(seed, n=2))
        accepted = previous_kernel_results.accepted_results
        step_size = accepted.step_size
        factor = tf.random.stateless_uniform(
            step_size.shape, jitter_seed, 1.0 - self._jitter, 1.0 + self._jitter
        )
        jittered = accepted._replace(step_size=step_size * factor)
        state, results = super().one_step(
            current_state,
            previous_kernel_results._replace(accepted_results=jittered),
            seed=seed,
        )
        return state, results._replace(
            accepted_results=results.accepted_results._replace(step_size=step_size)
        )


class LibraryHMC(tfp.mcmc.HamiltonianMonteCarlo):
    """HMC whose step sizes go up and down by a factor at each acceptance and rejection.

    As in the first author's library, which never stops adapting; so the chains hold the target only
    about (it is no stationary distribution of such a chain).
    """

    def one_step(self, current_state, previous_kernel_results, seed=None):
        """See the base class."""
        state, results = super().one_step(current_state, previous_kernel_results, seed=seed)
        sign = tf.where(results.is_accepted, 1.0, -1.0)
        accepted = results.accepted_results
        step_size = accepted.step_size * tf.exp(LIBRARY_LOG_FACTOR * sign[..., tf.newaxis])
        return state, results._replace(accepted_results=accepted._replace(step_size=step_size))


def sample(
    target: Target,
    chains: Chains,
    seed: tf.Tensor,
    *,
    samples: int,
    burn_in: int,
    leapfrog_steps: int,
    target_acceptance: float = 0.9,
    adaptation: Adaptation = "dual_averaging",
    jitter: float = 0.2,
) -> tuple[Chains, Draws]:
    """Draw from the posteriors, adapting each datapoint's step size.

    Call it inside an XLA program.

    Args:
        target: log p(x, z) up to a constant: z [C, n, N_z] -> [C, n], nats.
        chains: where the chains stand and with which step sizes; C ≥ 1.
        seed: a stateless seed, [2].
        samples: S, transitions that are kept.
        burn_in: transitions before.
        leapfrog_steps: of each transition.
        target_acceptance: what dual averaging adapts the step sizes to.
        adaptation: ``dual_averaging`` in the first four fifths of the burn-in, or the
            ``library``'s at each transition, with C = 1 and no jitter, see :class:`LibraryHMC`.
        jitter: of the step size, see :class:`JitteredHMC`; 0 turns it off.

    Returns:
        The chains after the last draw, with the adapted step sizes, and the draws.
    """
    step_size = chains.step_size
    if adaptation == "library":
        kernel = LibraryHMC(
            target,
            step_size=step_size[tf.newaxis, :, tf.newaxis],
            num_leapfrog_steps=leapfrog_steps,
            store_parameters_in_results=True,
        )
    else:
        kernel = _dual_averaging(
            target, step_size, burn_in, leapfrog_steps, target_acceptance, jitter
        )
    drawn = tfp.mcmc.sample_chain(
        num_results=samples,
        num_burnin_steps=burn_in,
        current_state=chains.position,
        kernel=kernel,
        trace_fn=lambda _, results: (
            _transition(results).log_accept_ratio,
            _transition(results).accepted_results.target_log_prob,
        ),
        return_final_kernel_results=True,
        seed=seed,
    )
    log_accept, log_prob = drawn.trace
    last = drawn.final_kernel_results
    adapted = getattr(last, "new_step_size", _transition(last).accepted_results.step_size)[0, :, 0]
    # NaN counts as a divergence.
    divergent = ~(log_accept > -DIVERGENCE)
    acceptance = tf.exp(tf.minimum(tf.where(divergent, -DIVERGENCE, log_accept), 0.0))
    return Chains(drawn.all_states[-1], adapted), Draws(
        z=drawn.all_states,
        log_prob=log_prob,
        acceptance=tf.reduce_mean(acceptance, axis=[0, 1]),
        divergences=tf.reduce_sum(tf.cast(divergent, tf.int32), axis=[0, 1]),
        rhat=rhat(drawn.all_states),
        ess=effective_sample_size(drawn.all_states),
    )


def _dual_averaging(target, step_size, burn_in, leapfrog_steps, target_acceptance, jitter):
    if burn_in:
        step_size = tf.maximum(step_size, SMALLEST_STEP_SIZE)
    return tfp.mcmc.DualAveragingStepSizeAdaptation(
        JitteredHMC(
            target,
            step_size=step_size[tf.newaxis, :, tf.newaxis],
            num_leapfrog_steps=leapfrog_steps,
            store_parameters_in_results=True,
            jitter=jitter,
        ),
        num_adaptation_steps=max(4 * burn_in // 5, 1) if burn_in else 0,
        target_accept_prob=target_acceptance,
    )


def _transition(results):
    """The results of HMC itself, whatever adapts its step sizes."""
    return getattr(results, "inner_results", results)


def anneal(
    log_prior: Target,
    log_likelihood: Target,
    chains: Chains,
    seed: tf.Tensor,
    *,
    temperatures: int,
    leapfrog_steps: int,
) -> Chains:
    """Lead chains from the prior to the posteriors, so that they reach the modes with most mass.

    A chain that meets a narrow posterior at once ends in the mode that is next, and stays. Here
    the likelihood counts first little, then more: to the powers 2^(1−T), …, ½, 1, with
    ANNEALING_TRANSITIONS at each. It tells apart modes whose heights differ by a few nats at the
    power where they part, which is one of many at the full likelihood; not modes of like height,
    between which no short chain moves. Call it inside an XLA program.

    Args:
        log_prior, log_likelihood: of z [C, n, N_z], [C, n] each, nats.
        chains: draws from the prior.
        seed: a stateless seed, [2].
        temperatures: T.
        leapfrog_steps: of each transition.

    Returns:
        The chains at their last temperature, which is the posterior's.
    """
    samples, burn_in = ANNEALING_TRANSITIONS

    def cool(i, chains):
        power = 2.0 ** tf.cast(i + 1 - temperatures, chains.position.dtype)
        chains, _ = sample(
            lambda z: log_prior(z) + power * log_likelihood(z),
            chains,
            tf.random.experimental.stateless_fold_in(seed, i, alg="philox"),
            samples=samples,
            burn_in=burn_in,
            leapfrog_steps=leapfrog_steps,
        )
        return i + 1, chains

    return tf.while_loop(lambda i, _: i < temperatures, cool, (tf.constant(0), chains))[1]


def rhat(z: tf.Tensor) -> tf.Tensor:
    """Split R̂ of draws z [S, C, n, N_z], see :class:`Draws`: [n].

    The root of TFP's function, which is in squares (Gelman & Rubin, 1992, without their correction
    for degrees of freedom).
    """
    if z.shape[0] < 4:
        return tf.fill([z.shape[2]], math.nan)
    found = tf.sqrt(
        tfp.mcmc.potential_scale_reduction(
            z[: z.shape[0] // 2 * 2], independent_chain_ndims=1, split_chains=True
        )
    )
    # With few draws the square may come out negative where halves agree.
    found = tf.where(tf.math.is_nan(found), 0.0, found)
    return _largest(tf.where(_moved(z), found, math.nan))


def effective_sample_size(z: tf.Tensor) -> tf.Tensor:
    """Effective sample size of draws z [S, C, n, N_z], see :class:`Draws`: [n]."""
    samples, chains = z.shape[:2]
    total = float(samples * chains)
    # Draws that alternate around the mean make the estimate negative or absurdly large: it is
    # capped, as in Stan.
    cap = total * max(math.log10(total), 1.0)

    def one_dimension(z):
        ess = tfp.mcmc.effective_sample_size(
            z[:, 0] if chains == 1 else z,
            filter_beyond_positive_pairs=True,
            cross_chain_dims=None if chains == 1 else 1,
        )
        bounded = tf.where((ess > 0) | tf.math.is_nan(ess), tf.minimum(ess, cap), cap)
        return tf.where(_moved(z), bounded, math.nan)

    # One at a time: the Fourier transforms of all at once take ten times the memory of z.
    return -_largest(-tf.transpose(tf.map_fn(one_dimension, tf.transpose(z, [3, 0, 1, 2]))))


def _moved(z: tf.Tensor) -> tf.Tensor:
    """Whether any chain has: [S, C, ...] -> [...]. The rounding of a mean may look like it."""
    return tf.reduce_any(z != z[:1], axis=[0, 1])


def _largest(values: tf.Tensor) -> tf.Tensor:
    """The maximum over the last axis, NaN where any value is."""
    undefined = tf.reduce_any(tf.math.is_nan(values), axis=-1)
    return tf.where(undefined, math.nan, tf.reduce_max(values, axis=-1))


def evaluations(samples: int, burn_in: int, leapfrog_steps: int) -> int:
    """Likelihood evaluations (with gradients) of a chain: one a leapfrog step, and the first."""
    return 1 + (samples + burn_in) * leapfrog_steps
