"""The training steps in JAX. x is [M, D] with pixels in [0, 1], or all images [N, D]; sums over
datapoints are in nats. A step takes its random numbers, and gives new weights and new sums of
squared gradients."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from aevb.peers.problem import (
    EPSILON,
    MATRICES,
    STEP_SIZE,
    STEPS,
    Problem,
    Weights,
    part,
)


def _outputs(weights: Weights, net: str, inputs: Any) -> Any:
    hidden = jnp.tanh(inputs @ weights[f"{net}/hidden_weights"] + weights[f"{net}/hidden_bias"])
    return hidden @ weights[f"{net}/output_weights"] + weights[f"{net}/output_bias"]


def _posterior(weights: Weights, x: Any) -> tuple[Any, Any]:
    return tuple(jnp.split(_outputs(weights, "encoder", x), 2, axis=-1))


def log_likelihood(problem: Problem, weights: Weights, x: Any, z: Any) -> Any:
    """log p(x|z) of each datapoint: x [M, D], z [M, N_z] -> [M]."""
    decoded = _outputs(weights, "decoder", z)
    if not problem.gaussian:
        return jnp.sum(x * decoded - jax.nn.softplus(decoded), axis=-1)
    location, log_scale = jnp.split(decoded, 2, axis=-1)
    squares = (x - jax.nn.sigmoid(location)) ** 2 * jnp.exp(-log_scale)
    return -0.5 * jnp.sum(squares + log_scale + np.log(2 * np.pi), axis=-1)


def bound(problem: Problem, weights: Weights, x: Any, noise: Any) -> Any:
    """The sum of a minibatch's bounds (eq. 10): noise [M, N_z]."""
    mean, log_variance = _posterior(weights, x)
    z = mean + jnp.exp(0.5 * log_variance) * noise
    negative_kl = 0.5 * jnp.sum(1 + log_variance - mean**2 - jnp.exp(log_variance))
    return negative_kl + jnp.sum(log_likelihood(problem, weights, x, z))


def ascend(problem: Problem, weights: Weights, squares: Weights, gradients: Weights) -> tuple:
    """One step of Adagrad up the gradients and the prior on the matrices."""
    new, summed = {}, {}
    for name, value in weights.items():
        prior = problem.prior_scale * value if name.endswith(MATRICES) else 0
        gradient = gradients[name] - prior
        summed[name] = squares[name] + gradient**2
        new[name] = value + STEP_SIZE * gradient * jax.lax.rsqrt(summed[name] + EPSILON)
    return new, summed


def aevb_step(problem: Problem, weights: Weights, squares: Weights, x: Any, noise: Any) -> tuple:
    """One step of AEVB: noise [M, N_z]."""
    gradients = jax.grad(lambda weights: bound(problem, weights, x, noise))(weights)
    return ascend(problem, weights, squares, gradients)


def wake(problem: Problem, weights: Weights, squares: Weights, x: Any, noise: Any) -> tuple:
    """The wake phase, of the decoder alone: noise [M, N_z]."""
    mean, log_variance = _posterior(weights, x)
    z = mean + jnp.exp(0.5 * log_variance) * noise
    decoder = part(weights, "decoder")
    gradients = jax.grad(lambda net: jnp.sum(log_likelihood(problem, net, x, z)))(decoder)
    return ascend(problem, decoder, part(squares, "decoder"), gradients)


def sleep(problem: Problem, weights: Weights, squares: Weights, x: Any, z: Any) -> tuple:
    """The sleep phase, of the encoder alone, from dreams x of z [M, N_z]."""

    def objective(encoder):
        mean, log_variance = _posterior(encoder, x)
        return -0.5 * jnp.sum((z - mean) ** 2 * jnp.exp(-log_variance) + log_variance)

    encoder = part(weights, "encoder")
    return ascend(problem, encoder, part(squares, "encoder"), jax.grad(objective)(encoder))


def dream(problem: Problem, weights: Weights, key: Any) -> tuple[Any, Any]:
    """z [M, N_z] from the prior and x [M, D] from the decoder."""
    drawn, pixels = jax.random.split(key)
    z = jax.random.normal(drawn, (problem.batch_size, problem.latent_dim))
    decoded = _outputs(weights, "decoder", z)
    if not problem.gaussian:
        uniform = jax.random.uniform(pixels, decoded.shape)
        return z, (uniform < jax.nn.sigmoid(decoded)).astype(jnp.float32)
    location, log_scale = jnp.split(decoded, 2, axis=-1)
    noise = jax.random.normal(pixels, location.shape)
    return z, jax.nn.sigmoid(location) + jnp.exp(0.5 * log_scale) * noise


def leapfrog(problem: Problem, weights: Weights, x: Any, z: Any, momentum: Any) -> tuple:
    """A trajectory of each chain: z, momentum [N, N_z] -> both at its end, and by how much the
    energy went down [N]."""

    def log_joint(z):
        return log_likelihood(problem, weights, x, z) - 0.5 * jnp.sum(z**2, axis=-1)

    def value_and_slope(z):
        value, back = jax.vjp(log_joint, z)
        return value, back(jnp.ones_like(value))[0]

    def move(at, _):
        z, momentum, slope, _ = at
        momentum = momentum + 0.5 * problem.hmc_step_size * slope
        z = z + problem.hmc_step_size * momentum
        value, slope = value_and_slope(z)
        return (z, momentum + 0.5 * problem.hmc_step_size * slope, slope, value), None

    value, slope = value_and_slope(z)
    start = (z, momentum, slope, value)
    (new, turned, _, reached), _ = jax.lax.scan(move, start, None, length=problem.leapfrog_steps)
    kinetic = 0.5 * jnp.sum(momentum**2 - turned**2, axis=-1)
    return new, turned, reached - value + kinetic


def maximise(problem: Problem, weights: Weights, squares: Weights, x: Any, z: Any) -> tuple:
    """The M-step: so many updates of the decoder given all chains z [N, N_z]."""

    def update(state, _):
        decoder, squares = state
        gradients = jax.grad(lambda net: jnp.sum(log_likelihood(problem, net, x, z)))(decoder)
        return ascend(problem, decoder, squares, gradients), None

    start = part(weights, "decoder"), part(squares, "decoder")
    return jax.lax.scan(update, start, None, length=problem.weight_updates)[0]


def chunk(problem: Problem, weights: Weights) -> Callable[[], Weights]:
    """Runs a chunk of steps each time it is called, and gives the weights after it."""
    images, m = jnp.asarray(problem.images), problem.batch_size
    weights = {name: jnp.asarray(value) for name, value in weights.items()}

    def minibatch(key):
        drawn, noise = jax.random.split(key)
        x = images[jax.random.randint(drawn, (m,), 0, len(images))].astype(jnp.float32)
        return x / problem.pixel_divisor, jax.random.normal(noise, (m, problem.latent_dim))

    def aevb(weights, squares, chains, key):
        return *aevb_step(problem, weights, squares, *minibatch(key)), chains

    def wake_sleep(weights, squares, chains, key):
        first, second = jax.random.split(key)
        decoder, decoder_squares = wake(problem, weights, squares, *minibatch(first))
        z, x = dream(problem, decoder, second)
        encoder, encoder_squares = sleep(problem, weights, squares, x, z)
        return encoder | decoder, encoder_squares | decoder_squares, chains

    def mcem(weights, squares, chains, key):
        x = images.astype(jnp.float32) / problem.pixel_divisor
        first, second = jax.random.split(key)
        momentum = jax.random.normal(first, chains.shape)
        moved, _, gained = leapfrog(problem, weights, x, chains, momentum)
        accepted = jnp.log(jax.random.uniform(second, gained.shape)) < gained
        chains = jnp.where(accepted[:, jnp.newaxis], moved, chains)
        return *maximise(problem, weights, squares, x, chains), chains

    step = {"aevb": aevb, "wake_sleep": wake_sleep, "mcem": mcem}[problem.algorithm]
    length, chains = STEPS, jnp.zeros(())
    if problem.algorithm == "mcem":
        length, weights = 1, part(weights, "decoder")
        chains = jax.random.normal(jax.random.key(1), (len(images), problem.latent_dim))

    def scanned(state, _):
        *state, key = state
        key, drawn = jax.random.split(key)
        return (*step(*state, drawn), key), None

    run = jax.jit(lambda state: jax.lax.scan(scanned, state, None, length=length)[0])
    zeros = {name: 0 * value for name, value in weights.items()}
    state = weights, zeros, chains, jax.random.key(0)

    def call() -> Weights:
        nonlocal state
        state = jax.block_until_ready(run(state))
        return state[0]

    return call


def product(square: np.ndarray) -> Callable[[], Any]:
    """The square of a matrix, each time it is called."""
    on_device, multiply = jnp.asarray(square), jax.jit(lambda matrix: matrix @ matrix)
    return lambda: multiply(on_device).block_until_ready()
