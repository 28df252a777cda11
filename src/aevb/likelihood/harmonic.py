"""The paper's own estimator of the marginal likelihood (Appendix D).

With samples z of the posterior p(z|x) and any density q(z),

    1 / p(x) = E_{p(z|x)}[q(z) / p(x, z)].

The samples come from Hamiltonian Monte Carlo (Appendix E). The first half of each chain fits q and
the second half enters the mean, as in the first author's library; q is a kernel density there,
which the paper leaves open.

The estimate of 1/p(x) has no bias if the second half knows nothing of the first. That of log p(x)
is then too high on average, by about half of its variance where that is small and by nats where q
reaches so far beyond the posterior that no sample has met the largest weights: kernels do from
about ten dimensions, and the paper uses the estimator below five. Chains so slow that the second
half stays where the first was err to the other side. The standard error shows neither, and with 50
samples and a kernel density falls short of the spread by a factor of two to four.
"""

import functools
import math
from enum import IntEnum

import numpy as np
import tensorflow as tf

from aevb import random
from aevb.likelihood import hmc
from aevb.likelihood.choices import Indexing, Kind
from aevb.likelihood.density import SMALLEST_DEVIATION, Density, log_density
from aevb.likelihood.estimate import Estimate
from aevb.likelihood.methods.harmonic import Harmonic
from aevb.likelihood.model import Model, log_joint, log_likelihood, log_prior
from aevb.models.architecture import Parameters

Budget = Harmonic


PAPER = Budget(max_rhat=1.15)
"""50 samples and four leapfrog steps (Appendix E).

R̂ of 50 samples cannot be held to 1.01: two thirds of all sets of 50 independent draws in three
dimensions exceed it. 5 % of them exceed 1.15, as do 42 % of chains with an autocorrelation of 0.5.
"""


class _Stream(IntEnum):
    # Apart from those of other estimators, of which one draws exact posterior samples.
    START = 100
    CHAINS = 101
    ANNEALING = 102


def estimate(
    model: Model,
    x: np.ndarray,
    budget: Budget = PAPER,
    seed: int = 0,
    chains: hmc.Chains | None = None,
) -> Estimate:
    """Estimates of log p(x): :func:`estimate_with_chains` without the chains."""
    return estimate_with_chains(model, x, budget, seed, chains)[0]


def estimate_with_chains(
    model: Model,
    x: np.ndarray,
    budget: Budget = PAPER,
    seed: int = 0,
    chains: hmc.Chains | None = None,
) -> tuple[Estimate, hmc.Chains]:
    """Estimates of log p(x), and the chains, from which an estimate at other parameters can go on.

    Args:
        model: needs no encoder.
        x: [n, D].
        budget: see :class:`Budget`.
        seed: the result is a function of it and of the other arguments. Chains that go on want
            another.
        chains: those of an earlier estimate for the same ``x`` and number of chains, or None to
            start from the prior.

    Returns:
        The standard error is the delta method's: sd(w) / (√m mean(w)) of the weights w of the
        second half, m its number of samples times the smaller of 1 and effective sample size /
        samples. Diagnostics: ``acceptance``, ``divergences``, ``rhat`` and ``ess`` as in
        :class:`~aevb.likelihood.hmc.Draws`; ``bandwidth`` and ``fallback`` (bool) as in
        :class:`~aevb.likelihood.density.Density`. A point passes if its value is finite, its R̂ at
        most ``max_rhat`` and no proposal was divergent. A chain that never moved has no R̂ and
        does not pass; neither does a value that is NaN for whatever reason. Values by the
        library's indices are of no image alone, so R̂ and divergences, which are an image's, do
        not count, and there is no standard error.

    Raises:
        ValueError: the budget makes no sense, or the chains do not fit it.
    """
    x = tf.constant(x, tf.float32)
    spent = 0
    shape = (budget.chains, x.shape[0], model.latent_dim)
    if chains is None:
        start = random.normal(_keys(seed, _Stream.START), shape)[0]
        chains = hmc.Chains(start, tf.fill([x.shape[0]], budget.initial_step_size))
        if budget.annealing:
            (key,) = _keys(seed, _Stream.ANNEALING)
            anneal = _annealing(model.architecture, budget.annealing, budget.leapfrog_steps)
            chains = anneal(model.parameters.decoder, x, chains, key)
            spent = budget.annealing * hmc.evaluations(
                *hmc.ANNEALING_TRANSITIONS, budget.leapfrog_steps
            )
    if tuple(chains.position.shape) != shape:
        raise ValueError(f"chains of shape {tuple(chains.position.shape)} where {shape} is needed")
    run = _program(model.architecture, budget.model_copy(update={"max_rhat": 0.0, "annealing": 0}))
    (key,) = _keys(seed, _Stream.CHAINS)
    chains, results = run(model.parameters.decoder, x, chains, key)
    found = {name: values.numpy() for name, values in results.items()}
    value, standard_error = found.pop("value"), found.pop("standard_error")
    transitions = budget.samples // budget.chains, budget.burn_in, budget.leapfrog_steps
    return (
        Estimate(
            value=value,
            standard_error=standard_error,
            passed=np.isfinite(value)
            & (
                (budget.indexing == "library")
                | ((found["rhat"] <= budget.max_rhat) & (found["divergences"] == 0))
            ),
            diagnostics=found,
            likelihood_evaluations=len(value)
            * budget.chains
            * (spent + hmc.evaluations(*transitions)),
        ),
        chains,
    )


def from_samples(
    z: tf.Tensor,
    log_joint: tf.Tensor,
    ess: tf.Tensor,
    kind: Kind,
    indexing: Indexing = "image",
) -> tuple[tf.Tensor, tf.Tensor, Density]:
    """The estimates from posterior samples, wherever they come from.

    With the ``library``'s indices the estimates are those of the first author's code for more than
    one image, which takes the samples of one dimension of N_z images for those of N_z dimensions of
    one, and sets against q at the second half of each image's samples log p(x, z) at all samples of
    the last half of the images. The mean of these estimates is what the paper's Figure 3 can have
    shown. For one image they are the same.

    Args:
        z: [S, C, n, N_z], S even: the first half of each chain fits q.
        log_joint: log p(x, z) of each, [S, C, n], nats.
        ess: their effective sample sizes, [n], for the standard errors.
        kind: of q.
        indexing: see above; ``library`` with C = 1.

    Returns:
        log p(x) and its standard error, [n], nats; q at the second half. NaN where the first half
        has not moved in some dimension; by the library's indices there is no standard error.
    """
    samples, chains, n, d = z.shape
    half = samples * chains // 2
    z, log_joint = tf.reshape(z, [2 * half, n, d]), tf.reshape(log_joint, [2 * half, n])
    if indexing == "library":
        z = tf.reshape(tf.transpose(z, [2, 1, 0]), [n, d, 2 * half])
        z = tf.transpose(z, [2, 0, 1])
        in_rows = tf.reshape(tf.transpose(log_joint), [-1])
        log_joint = tf.transpose(tf.reshape(in_rows[n * half :], [n, half]))
        ess = tf.fill([n], math.nan)
    else:
        log_joint = log_joint[half:]
    first, second = tf.split(z, 2)
    q = log_density(kind, first, second)
    share = tf.minimum(tf.cast(ess, tf.float64) / (2 * half), 1.0)
    log_joint = tf.cast(log_joint, tf.float64)
    value, standard_error = harmonic_mean(q.log_prob - log_joint, half * share)
    # A first half that has not moved fits no density: whatever came out would be astronomical.
    stuck = tf.reduce_any(tf.math.reduce_std(first, axis=0) < SMALLEST_DEVIATION, axis=-1)
    nan = tf.constant(np.nan, tf.float64)
    return tf.where(stuck, nan, value), tf.where(stuck, nan, standard_error), q


def harmonic_mean(log_weights: tf.Tensor, effective: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """−log of the mean of the weights q(z) / p(x, z), and its standard error (delta method).

    Args:
        log_weights: [m, n].
        effective: how many of the m are as good as independent, [n].

    Returns:
        [n] each, nats.
    """
    m = log_weights.shape[0]
    log_mean = tf.reduce_logsumexp(log_weights, axis=0) - np.log(m)
    relative = tf.exp(log_weights - log_mean)
    variance = tf.reduce_sum((relative - 1) ** 2, axis=0) / (m - 1)
    return -log_mean, tf.sqrt(variance / effective)


def _keys(seed: int, stream: _Stream) -> tf.Tensor:
    return random.keys(tf.constant([seed]), random.Purpose.LIKELIHOOD, int(stream))


@functools.cache
def _program(architecture, budget: Budget):
    """The estimator for all models of an architecture: decoder, x, chains, seed -> chains, {}."""

    @tf.function(jit_compile=True, autograph=False)
    def run(decoder, x, chains, seed):
        model = Model(architecture, Parameters(encoder=(), decoder=decoder))
        chains, draws = hmc.sample(
            lambda z: log_joint(model, x, z),
            chains,
            seed,
            samples=budget.samples // budget.chains,
            burn_in=budget.burn_in,
            leapfrog_steps=budget.leapfrog_steps,
            target_acceptance=budget.target_acceptance,
            adaptation=budget.adaptation,
            jitter=budget.jitter,
        )
        value, error, q = from_samples(
            draws.z, draws.log_prob, draws.ess, budget.density, budget.indexing
        )
        return chains, {
            "value": value,
            "standard_error": error,
            "acceptance": draws.acceptance,
            "divergences": draws.divergences,
            "rhat": draws.rhat,
            "ess": draws.ess,
            "bandwidth": q.bandwidth,
            "fallback": q.fallback,
        }

    return run


@functools.cache
def _annealing(architecture, temperatures: int, leapfrog_steps: int):
    """New chains' way to the posterior: decoder, x, chains, seed -> chains."""

    @tf.function(jit_compile=True, autograph=False)
    def run(decoder, x, chains, seed):
        model = Model(architecture, Parameters(encoder=(), decoder=decoder))
        return hmc.anneal(
            lambda z: log_prior(model, z),
            lambda z: log_likelihood(model, x, z),
            chains,
            seed,
            temperatures=temperatures,
            leapfrog_steps=leapfrog_steps,
        )

    return run
