"""Annealed importance sampling, forward and backward (beyond the paper).

Chains go from the prior to the posterior, or back, through the densities p(z) p(x|z)^β, each
transition being one of Hamiltonian Monte Carlo; the weights they gather on their way give log p(x)
without a bias in p(x) itself (Neal, 2001, "Annealed Importance Sampling", Statistics and Computing
11). The logarithm of their mean is too low in expectation. Backward, from an exact draw of p(z|x),
the same procedure estimates 1/p(x), and minus its logarithm is too high in expectation. Simulated
data come with such a draw, so that the two enclose log p(x): bidirectional Monte Carlo (Grosse,
Ghahramani & Adams, 2015, arXiv:1511.02543).
"""

import functools
from enum import IntEnum
from typing import NamedTuple

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp
from scipy.special import logsumexp

from aevb import random
from aevb.likelihood import hmc
from aevb.likelihood.choices import INITIAL_STEP_SIZE
from aevb.likelihood.estimate import Estimate
from aevb.likelihood.methods.ais import AIS
from aevb.likelihood.model import Model, log_likelihood, log_prior
from aevb.models.architecture import Parameters

LADDER = np.concatenate([[0.0], 0.5 ** np.arange(16.0, -1.0, -1.0)]).astype(np.float32)
"""The inverse temperatures at which step sizes adapt and the spread of log p(x|z) is measured."""

LARGEST_BIAS = 0.1
"""Of a value that passes, in nats, as its standard error predicts it."""

ACCEPTANCE = (0.5, 0.995)
"""The range of mean acceptance of a value that passes."""


Budget = AIS


class Sandwich(NamedTuple):
    """Log p(x) of simulated data, enclosed in expectation."""

    x: np.ndarray
    """The data, [n, D], float32."""
    lower: Estimate
    upper: Estimate


class Schedule(NamedTuple):
    """How to anneal, for each of n datapoints; fixed before any annealed chain starts."""

    inverse_temperatures: np.ndarray
    """The ends of the K segments, from 0 to 1: [K + 1, n], float32."""
    step_sizes: np.ndarray
    """Of each segment, [K, n], float32."""


class _Stream(IntEnum):
    LATENTS = 0
    OBSERVATIONS = 1
    TUNING_START = 2
    TUNING = 3
    START = 4
    FORWARD = 5
    REVERSE = 6


def estimate(model: Model, x: np.ndarray, budget: Budget, seed: int) -> Estimate:
    """Lower estimates of log p(x): in expectation at most log p(x), the higher the larger T and C.

    The value is log (1/C) Σ_c w_c with the weights w_c of the chains, E[w_c] = p(x) exactly,
    whatever the budget and the step sizes.

    Args:
        model: needs no encoder.
        x: [n, D].
        budget: see :class:`Budget`.
        seed: the result is a function of it, of the model, of ``x`` and of the budget.

    Returns:
        The standard error is the delta method's, over the chains. Diagnostics: ``ess`` of the
        weights, from 1 to C, and ``acceptance``, the mean over the segments' last transitions.
        A point passes if its value is finite, its acceptance within ACCEPTANCE, and half its
        squared standard error, which is the bias of the logarithm of a mean, at most LARGEST_BIAS:
        that is an ``ess`` of 4 or more for 16 chains.

    Raises:
        ValueError: the budget makes no sense.
    """
    x = np.asarray(x, np.float32)
    schedule = tune(model, x, budget, seed)
    shape = (budget.chains, len(x), model.latent_dim)
    start = random.normal(_keys(seed, _Stream.START), shape)[0]
    return _anneal(+1, model, x, start, schedule, budget, _keys(seed, _Stream.FORWARD)[0])


def reverse(model: Model, z: np.ndarray, x: np.ndarray, budget: Budget, seed: int) -> Estimate:
    """Upper estimates of log p(x): in expectation at least log p(x).

    The value is −log (1/C) Σ_c w_c, E[w_c] = 1/p(x), of chains that take the way of
    :func:`estimate` back, with the same seed at the same temperatures with the same step sizes.

    Args:
        model: as for :func:`estimate`.
        z: an exact draw of p(z|x) for each datapoint, [n, N_z], as :func:`simulate` makes it. All
            chains of the point start there, so that the standard error lacks a part.
        x: [n, D].
        budget: as for :func:`estimate`.
        seed: as for :func:`estimate`.

    Returns:
        As :func:`estimate`.

    Raises:
        ValueError: the budget makes no sense.
    """
    x = np.asarray(x, np.float32)
    # Neither knows more of z than x does, or the bound would not hold.
    schedule = Schedule(*(values[::-1] for values in tune(model, x, budget, seed)))
    start = tf.broadcast_to(tf.constant(z, tf.float32), [budget.chains, *np.shape(z)])
    return _anneal(-1, model, x, start, schedule, budget, _keys(seed, _Stream.REVERSE)[0])


def simulate(model: Model, n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """``n`` draws (z, x) ~ p(z) p(x|z), [n, N_z] and [n, D]: z is an exact draw of p(z|x)."""
    z = random.normal(_keys(seed, _Stream.LATENTS), (n, model.latent_dim))
    likelihood = model.architecture.decode(model.parameters.decoder, z)
    x = model.architecture.sample(likelihood, _keys(seed, _Stream.OBSERVATIONS))
    return z[0].numpy(), x[0].numpy()


def sandwich(model: Model, n: int, budget: Budget, seed: int) -> Sandwich:
    """Lower and upper estimates of log p(x) of ``n`` datapoints drawn from the model.

    The gap between their expectations bounds the bias of each.

    Raises:
        ValueError: the budget makes no sense.
    """
    z, x = simulate(model, n, seed)
    return Sandwich(x, estimate(model, x, budget, seed), reverse(model, z, x, budget, seed))


def evaluations(budget: Budget) -> int:
    """Likelihood evaluations (nearly all with gradients) for one datapoint and direction."""
    # The first gradient of each transition comes with the value that the weight needs.
    annealing = budget.chains * budget.steps * (budget.leapfrog_steps + 1)
    adapting = budget.tuning_steps // 2
    measuring = budget.tuning_steps - adapting
    one = hmc.evaluations(measuring, adapting, budget.leapfrog_steps) + measuring
    return annealing + budget.tuning_chains * len(LADDER) * one


def tune(model: Model, x: np.ndarray, budget: Budget, seed: int) -> Schedule:
    """Step sizes, and segments between which the temperature is harder to change than elsewhere.

    Chains from the prior visit the temperatures of LADDER one after the other. The standard
    deviation of log p(x|z) at each is the speed at which annealing departs from equilibrium; the
    segments divide its integral over β, the thermodynamic length, evenly (Gelman & Meng, 1998,
    "Simulating Normalizing Constants", Statistical Science 13).

    Raises:
        ValueError: the budget makes no sense.
    """
    shape = (budget.tuning_chains, len(x), model.latent_dim)
    start = random.normal(_keys(seed, _Stream.TUNING_START), shape)[0]
    (key,) = _keys(seed, _Stream.TUNING)
    run = _tuning(
        model.architecture, budget.tuning_steps, budget.leapfrog_steps, budget.target_acceptance
    )
    results = run(model.parameters.decoder, tf.constant(x, tf.float32), start, key)
    # The floor makes the length increase even where x says nothing of z.
    step_sizes, spread = (np.maximum(values.numpy().astype(np.float64), 1e-6) for values in results)
    pieces = np.diff(LADDER)[:, np.newaxis] * (spread[1:] + spread[:-1]) / 2
    length = np.concatenate([np.zeros((1, len(x))), np.cumsum(pieces, axis=0)])
    length /= length[-1]
    # What is interpolated is nearly linear in the logarithm, save near zero.
    log_ladder = np.log(LADDER + LADDER[1])
    evenly = np.linspace(0, 1, budget.segments + 1)
    log_ends = np.stack([np.interp(evenly, one, log_ladder) for one in length.T], axis=1)
    ends = np.exp(log_ends) - LADDER[1]
    ends[0], ends[-1] = 0, 1
    sizes = [
        np.interp(log_end, log_ladder, np.log(size))
        for log_end, size in zip(log_ends[1:].T, step_sizes.T, strict=True)
    ]
    return Schedule(ends.astype(np.float32), np.exp(np.stack(sizes, axis=1)).astype(np.float32))


class _AnnealedHMC(hmc.JitteredHMC):
    """HMC for a target that changes from one transition to the next.

    TFP's annealing hands each kernel the log density and the gradient that its predecessor left,
    which belong to another temperature. Metropolis' ratio is then wrong and the weights biased: by
    −1 nat at the default budget for probabilistic PCA of MNIST with N_z = 10, with nothing to see
    in acceptance or effective sample size.
    """

    def one_step(self, current_state, previous_kernel_results, seed=None):
        """See the base class."""
        return super().one_step(current_state, self.bootstrap_results(current_state), seed=seed)


def _keys(seed: int, stream: _Stream) -> tf.Tensor:
    return random.keys(tf.constant([seed]), random.Purpose.LIKELIHOOD, int(stream))


def _tempered(architecture, decoder, x):
    """β -> z -> log p(z) + β log p(x|z) up to a constant, for one model and its data."""
    model = Model(architecture, Parameters(encoder=(), decoder=decoder))

    @tf.custom_gradient
    def likelihood(z):
        # TFP evaluates proposal and target at each z, one likelihood with two prefactors: with the
        # gradient taken at once, XLA finds the same operations twice and drops one set of them.
        value, slope = tfp.math.value_and_gradient(lambda z: log_likelihood(model, x, z), z)
        return value, lambda upstream: upstream[..., tf.newaxis] * slope

    def at(inverse_temperature):
        return lambda z: log_prior(model, z) + inverse_temperature * likelihood(z)

    return at, likelihood


@functools.cache
def _tuning(architecture, steps: int, leapfrog_steps: int, target_acceptance: float):
    """The program of the preliminary run: decoder, x, start, seed -> step sizes and spreads."""

    @tf.function(jit_compile=True, autograph=False)
    def run(decoder, x, start, seed):
        at, likelihood = _tempered(architecture, decoder, x)

        def settle(previous, inputs):
            chains, _ = previous
            inverse_temperature, temperature_seed = inputs
            chains, draws = hmc.sample(
                at(inverse_temperature),
                chains,
                temperature_seed,
                samples=steps - steps // 2,
                burn_in=steps // 2,
                leapfrog_steps=leapfrog_steps,
                target_acceptance=target_acceptance,
            )
            values = tf.map_fn(likelihood, draws.z)
            return chains, tf.math.reduce_std(values, axis=[0, 1])

        n = x.shape[0]
        chains = hmc.Chains(start, tf.fill([n], INITIAL_STEP_SIZE))
        seeds = tf.stack(tfp.random.split_seed(seed, n=len(LADDER)))
        chains, spread = tf.scan(settle, (tf.constant(LADDER), seeds), (chains, tf.zeros([n])))
        return chains.step_size, spread

    return run


@functools.cache
def _annealing(architecture, steps: int, leapfrog_steps: int):
    """The program of one direction, with ``steps`` transitions in each segment.

    Decoder, x, start [C, n, N_z], ends [K + 1, n], step sizes [K, n], seed -> each segment's part
    of the log weights [K, C, n], acceptance probabilities of its last transition [K, C, n].
    """

    @tf.function(jit_compile=True, autograph=False)
    def run(decoder, x, start, ends, step_sizes, seed):
        at, _ = _tempered(architecture, decoder, x)

        def anneal(previous, inputs):
            z, *_ = previous
            begin, end, step_size, segment_seed = inputs
            z, log_weights, results = tfp.mcmc.sample_annealed_importance_chain(
                num_steps=steps,
                proposal_log_prob_fn=at(begin),
                target_log_prob_fn=at(end),
                current_state=z,
                make_kernel_fn=lambda target: _AnnealedHMC(
                    target,
                    step_size=step_size[tf.newaxis, :, tf.newaxis],
                    num_leapfrog_steps=leapfrog_steps,
                    store_parameters_in_results=True,
                    jitter=0.2,
                ),
                seed=segment_seed,
            )
            log_ratio = results.inner_results.log_accept_ratio
            # The other way round, NaN would become an acceptance of 1.
            acceptance = tf.where(log_ratio > 0, 1.0, tf.exp(log_ratio))
            return z, log_weights, acceptance

        zeros = tf.zeros(start.shape[:-1])
        seeds = tf.stack(tfp.random.split_seed(seed, n=step_sizes.shape[0]))
        _, log_weights, acceptance = tf.scan(
            anneal, (ends[:-1], ends[1:], step_sizes, seeds), (start, zeros, zeros)
        )
        return log_weights, acceptance

    return run


def _anneal(sign, model, x, start, schedule, budget, seed) -> Estimate:
    run = _annealing(model.architecture, budget.steps // budget.segments, budget.leapfrog_steps)
    decoder, data = model.parameters.decoder, tf.constant(x, tf.float32)
    log_weights, acceptance = run(decoder, data, start, *map(tf.constant, schedule), seed)
    # A chain's weight is the sum of small differences: in float32 within a segment, exact here.
    log_weights = log_weights.numpy().astype(np.float64).sum(axis=0)
    value = logsumexp(log_weights, axis=0) - np.log(budget.chains)
    weights = np.exp(log_weights - value)
    standard_error = weights.std(axis=0, ddof=1) / np.sqrt(budget.chains)
    acceptance = acceptance.numpy().mean(axis=(0, 1))
    return Estimate(
        value=sign * value,
        standard_error=standard_error,
        passed=np.isfinite(value)
        & (standard_error**2 / 2 <= LARGEST_BIAS)
        & (acceptance >= ACCEPTANCE[0])
        & (acceptance <= ACCEPTANCE[1]),
        diagnostics={
            "ess": weights.sum(axis=0) ** 2 / (weights**2).sum(axis=0),
            "acceptance": acceptance,
        },
        likelihood_evaluations=len(x) * evaluations(budget),
    )
