"""The training steps in PyTorch. Arguments are as in :mod:`aevb.peers.in_jax`; a step changes the
weights, leaves that ask for gradients."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import torch
from torch.nn import functional

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
    bias, matrix = weights[f"{net}/hidden_bias"], weights[f"{net}/hidden_weights"]
    hidden = torch.tanh(torch.addmm(bias, inputs, matrix))
    bias, matrix = weights[f"{net}/output_bias"], weights[f"{net}/output_weights"]
    return torch.addmm(bias, hidden, matrix)


def _posterior(weights: Weights, x: Any) -> tuple[Any, Any]:
    return _outputs(weights, "encoder", x).chunk(2, dim=-1)


def log_likelihood(problem: Problem, weights: Weights, x: Any, z: Any) -> Any:
    """log p(x|z) of each datapoint: x [M, D], z [M, N_z] -> [M]."""
    decoded = _outputs(weights, "decoder", z)
    if not problem.gaussian:
        entropy = functional.binary_cross_entropy_with_logits(decoded, x, reduction="none")
        return -entropy.sum(-1)
    location, log_scale = decoded.chunk(2, dim=-1)
    squares = (x - torch.sigmoid(location)) ** 2 * torch.exp(-log_scale)
    return -0.5 * (squares + log_scale + np.log(2 * np.pi)).sum(-1)


def bound(problem: Problem, weights: Weights, x: Any, noise: Any) -> Any:
    """The sum of a minibatch's bounds (eq. 10)."""
    mean, log_variance = _posterior(weights, x)
    z = mean + torch.exp(0.5 * log_variance) * noise
    negative_kl = 0.5 * (1 + log_variance - mean**2 - torch.exp(log_variance)).sum()
    return negative_kl + log_likelihood(problem, weights, x, z).sum()


def optimiser(problem: Problem, weights: Weights) -> torch.optim.Optimizer:
    """Adagrad, fused, with the prior on the matrices. Its ε is outside of the root, which makes no
    difference to speed."""
    matrices = [value for name, value in weights.items() if name.endswith(MATRICES)]
    biases = [value for name, value in weights.items() if not name.endswith(MATRICES)]
    groups = [{"params": matrices, "weight_decay": problem.prior_scale}, {"params": biases}]
    return torch.optim.Adagrad(groups, lr=STEP_SIZE, eps=EPSILON**0.5, fused=True)


def ascend(adagrad: torch.optim.Optimizer, objective: Any) -> None:
    """One step up the gradient of a sum."""
    adagrad.zero_grad()
    (-objective).backward()
    adagrad.step()


def wake(problem: Problem, weights: Weights, adagrad: Any, x: Any, noise: Any) -> None:
    """The wake phase; ``adagrad`` has the decoder alone."""
    with torch.no_grad():
        mean, log_variance = _posterior(weights, x)
        z = mean + torch.exp(0.5 * log_variance) * noise
    ascend(adagrad, log_likelihood(problem, weights, x, z).sum())


def sleep(weights: Weights, adagrad: Any, x: Any, z: Any) -> None:
    """The sleep phase; ``adagrad`` has the encoder alone."""
    mean, log_variance = _posterior(weights, x)
    squares = (z - mean) ** 2 * torch.exp(-log_variance)
    ascend(adagrad, -0.5 * (squares + log_variance).sum())


@torch.no_grad()
def dream(problem: Problem, weights: Weights) -> tuple[Any, Any]:
    """z [M, N_z] from the prior and x [M, D] from the decoder."""
    z = torch.randn(problem.batch_size, problem.latent_dim)
    decoded = _outputs(weights, "decoder", z)
    if not problem.gaussian:
        return z, (torch.rand(decoded.shape) < torch.sigmoid(decoded)).float()
    location, log_scale = decoded.chunk(2, dim=-1)
    noise = torch.randn(location.shape)
    return z, torch.sigmoid(location) + torch.exp(0.5 * log_scale) * noise


def leapfrog(problem: Problem, weights: Weights, x: Any, z: Any, momentum: Any) -> tuple:
    """A trajectory of each chain, see :func:`aevb.peers.in_jax.leapfrog`."""
    frozen = {name: value.detach() for name, value in weights.items()}

    def value_and_slope(z):
        z = z.detach().requires_grad_()
        value = log_likelihood(problem, frozen, x, z) - 0.5 * (z**2).sum(-1)
        return value.detach(), torch.autograd.grad(value.sum(), z)[0]

    start, slope = value_and_slope(z)
    reached, turned = start, momentum
    for _ in range(problem.leapfrog_steps):
        turned = turned + 0.5 * problem.hmc_step_size * slope
        z = z + problem.hmc_step_size * turned
        reached, slope = value_and_slope(z)
        turned = turned + 0.5 * problem.hmc_step_size * slope
    return z, turned, reached - start + 0.5 * (momentum**2 - turned**2).sum(-1)


def maximise(problem: Problem, weights: Weights, adagrad: Any, x: Any, z: Any) -> None:
    """The M-step; ``adagrad`` has the decoder alone."""
    for _ in range(problem.weight_updates):
        ascend(adagrad, log_likelihood(problem, weights, x, z).sum())


def chunk(problem: Problem, weights: Weights) -> Callable[[], Weights]:
    """Runs a chunk of steps each time it is called, and gives the weights after it."""
    torch.set_num_threads(1)
    images, m = torch.from_numpy(problem.images), problem.batch_size
    leaves = {name: torch.tensor(value, requires_grad=True) for name, value in weights.items()}
    encoder, decoder = (optimiser(problem, part(leaves, net)) for net in ("encoder", "decoder"))
    both = optimiser(problem, leaves)

    def minibatch() -> tuple[Any, Any]:
        x = images[torch.randint(len(images), (m,))].float() / problem.pixel_divisor
        return x, torch.randn(m, problem.latent_dim)

    def aevb() -> None:
        ascend(both, bound(problem, leaves, *minibatch()))

    def wake_sleep() -> None:
        wake(problem, leaves, decoder, *minibatch())
        z, x = dream(problem, leaves)
        sleep(leaves, encoder, x, z)

    whole = images.float() / problem.pixel_divisor if problem.algorithm == "mcem" else None
    chains = torch.randn(len(images), problem.latent_dim)

    def mcem() -> None:
        nonlocal chains
        moved, _, gained = leapfrog(problem, leaves, whole, chains, torch.randn_like(chains))
        accepted = torch.log(torch.rand(len(gained))) < gained
        chains = torch.where(accepted[:, None], moved, chains)
        maximise(problem, leaves, decoder, whole, chains)

    step = {"aevb": aevb, "wake_sleep": wake_sleep, "mcem": mcem}[problem.algorithm]
    times: Iterable = range(1 if problem.algorithm == "mcem" else STEPS)

    def call() -> Weights:
        for _ in times:
            step()
        return leaves

    return call


def product(square: np.ndarray) -> Callable[[], Any]:
    """The square of a matrix, each time it is called."""
    tensor = torch.from_numpy(square)
    return lambda: tensor @ tensor
