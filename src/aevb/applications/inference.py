"""The posterior of z given what is seen of an image: by HMC, and by the encoder."""

import functools
from typing import NamedTuple

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp
from scipy.special import logsumexp

from aevb import random
from aevb.algorithms.bounds import reparameterise
from aevb.applications.observations import Channel, VisiblePixels, observed
from aevb.likelihood import hmc
from aevb.likelihood.choices import INITIAL_STEP_SIZE
from aevb.likelihood.model import Model, log_likelihood, log_prior
from aevb.likelihood.posterior_samples import PosteriorSamples
from aevb.models.architecture import Parameters

Budget = PosteriorSamples


class Posterior(NamedTuple):
    """Draws of z given what was seen of each of n images."""

    z: np.ndarray
    """[S, C, n, N_z]."""
    rhat: np.ndarray
    """Split R̂, its largest over the latent dimensions, [n]; NaN where no chain has moved."""
    acceptance: np.ndarray
    """Mean acceptance probability, [n]."""


def sample_posterior(
    model: Model, channel: Channel, y: np.ndarray, budget: Budget, seed: int
) -> Posterior:
    """Draw from p(z|y) by HMC, in chains that start from the prior and are annealed to it.

    Args:
        model: its decoder is used, not its encoder.
        channel: how y is seen.
        y: what is seen of each image, [n, D_y].
        budget: see :class:`Budget`.
        seed: the draws are a function of it and of the other arguments.
    """
    keys = random.keys(tf.constant([seed]), random.Purpose.APPLICATION)
    start_key, run_key = tf.unstack(tfp.random.split_seed(keys[0], n=2))
    shape = (budget.chains, len(y), model.latent_dim)
    start = random.normal(start_key[tf.newaxis], shape)[0]
    seen = observed(model, channel)
    run = _sampler(seen.architecture, budget)
    z, rhat, acceptance = run(seen.parameters.decoder, tf.constant(y, tf.float32), start, run_key)
    return Posterior(z.numpy(), rhat.numpy(), acceptance.numpy())


def posterior_image(model: Model, channel: Channel, y: np.ndarray, z: np.ndarray) -> np.ndarray:
    """E[x|y] from draws z [S, C, n, N_z] of p(z|y): the mean of E[x|y, z], [n, D], float32."""
    run = _restorer(model.architecture, channel)
    data = tf.constant(y, tf.float32)
    total = sum(
        run(model.parameters.decoder, tf.constant(draws), data).numpy().astype(np.float64)
        for draws in z
    )
    return (total / len(z)).astype(np.float32)


def encoder_image(model: Model, channel: Channel, y: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """E[x|y, z] at the encoder's mean of z: [n, D], float32.

    Args:
        model: with an encoder.
        channel: how y is seen.
        y: what is seen of each image, [n, D_y].
        whole: whole images that the encoder takes in y's place, [n, D].
    """
    block = tf.constant(whole[np.newaxis], tf.float32)
    posterior = model.architecture.encode(model.parameters.encoder, block)
    return posterior_image(model, channel, y, posterior.mean().numpy()[np.newaxis])


def encoder_completions(
    model: Model,
    visible: VisiblePixels,
    y: np.ndarray,
    start: np.ndarray,
    sweeps: int,
    keep: int,
    seed: int,
) -> np.ndarray:
    """Draws of z given the visible pixels, with the encoder in the posterior's place.

    In turn z ~ q(z|x), and the missing pixels of x ~ p(x|z) (Rezende, Mohamed & Wierstra, 2014,
    arXiv:1401.4082, appendix F). Where q is the posterior this is a Gibbs sampler of p(z|y);
    trained encoders only come close.

    Args:
        model: with an encoder.
        visible: which pixels are seen.
        y: the visible pixels, [n, D_y].
        start: what the missing pixels are at first, an image [D].
        sweeps: in all.
        keep: the last so many are returned.
        seed: the draws are a function of it and of the other arguments.

    Returns:
        [keep, 1, n, N_z], shaped as :class:`Posterior`'s z.
    """
    (key,) = random.keys(tf.constant([seed]), random.Purpose.APPLICATION, 1)
    x = np.broadcast_to(start, (len(y), len(start))).astype(np.float32)
    x[:, list(visible.indices)] = y
    seen = np.zeros(len(start), np.float32)
    seen[list(visible.indices)] = 1
    run = _completion(model.architecture, sweeps)
    z = run(model.parameters, tf.constant(x), tf.constant(seen), key).numpy()
    return z[-keep:, np.newaxis]


def log_predictive(model: Model, channel: Channel, y: np.ndarray, z: np.ndarray) -> np.ndarray:
    """log (1/SC) Σ p(y|z) over draws z [S, C, n, N_z] of each image: [n], float64, nats.

    With draws from p(z|v) it estimates log p(y|v), from below in expectation.
    """
    seen = observed(model, channel)
    run = _scorer(seen.architecture)
    data = tf.constant(y, tf.float32)
    values = [run(seen.parameters.decoder, data, tf.constant(draws)).numpy() for draws in z]
    values = np.concatenate(values).astype(np.float64)
    return logsumexp(values, axis=0) - np.log(len(values))


def _decoder_only(architecture, decoder) -> Model:
    return Model(architecture, Parameters(encoder=(), decoder=decoder))


@functools.cache
def _sampler(architecture, budget: Budget):
    """The program: decoder, y, start, seed -> z, R̂, acceptance."""

    @tf.function(jit_compile=True, autograph=False)
    def run(decoder, y, start, seed):
        model = _decoder_only(architecture, decoder)

        def prior(z):
            return log_prior(model, z)

        def likelihood(z):
            return log_likelihood(model, y, z)

        annealing, sampling = tf.unstack(tfp.random.split_seed(seed, n=2))
        chains = hmc.Chains(start, tf.fill([y.shape[0]], INITIAL_STEP_SIZE))
        chains = hmc.anneal(
            prior,
            likelihood,
            chains,
            annealing,
            temperatures=budget.annealing,
            leapfrog_steps=budget.leapfrog_steps,
        )
        _, draws = hmc.sample(
            lambda z: prior(z) + likelihood(z),
            chains,
            sampling,
            samples=budget.samples,
            burn_in=budget.burn_in,
            leapfrog_steps=budget.leapfrog_steps,
        )
        return draws.z, draws.rhat, draws.acceptance

    return run


@functools.cache
def _completion(architecture, sweeps: int):
    """The program: parameters, x [n, D], which are seen [D], seed -> z [sweeps, n, N_z]."""

    @tf.function(jit_compile=True, autograph=False)
    def run(parameters, x, seen, seed):
        def sweep(previous, index):
            x, _ = previous
            key = tf.random.experimental.stateless_fold_in(seed, index, alg="philox")
            latent_key, pixel_key = tf.unstack(tfp.random.split_seed(key, n=2))
            posterior = architecture.encode(parameters.encoder, x[tf.newaxis])
            noise = architecture.noise(
                latent_key[tf.newaxis], (x.shape[0], architecture.latent_dim)
            )
            z = reparameterise(posterior, noise)
            likelihood = architecture.decode(parameters.decoder, z)
            drawn = architecture.sample(likelihood, pixel_key[tf.newaxis])[0]
            return seen * x + (1 - seen) * drawn, z[0]

        nothing = tf.zeros([x.shape[0], architecture.latent_dim])
        return tf.scan(sweep, tf.range(sweeps), (x, nothing))[1]

    return run


@functools.cache
def _restorer(architecture, channel: Channel):
    """The program: decoder, z [C, n, N_z], y -> the mean of E[x|y, z] over the chains, [n, D]."""

    @tf.function(jit_compile=True, autograph=False)
    def run(decoder, z, y):
        # One chain at a time: the decoder's leading axis is that of its member.
        images = tf.map_fn(
            lambda one: channel.restore(architecture.decode(decoder, one[tf.newaxis]), y)[0], z
        )
        return tf.reduce_mean(images, axis=0)

    return run


@functools.cache
def _scorer(architecture):
    @tf.function(jit_compile=True, autograph=False)
    def run(decoder, y, z):
        return log_likelihood(_decoder_only(architecture, decoder), y, z)

    return run
