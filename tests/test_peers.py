"""The peers that speed is compared with compute the same steps; their timings are no tests."""

import importlib
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from aevb import random
from aevb.algorithms.aevb import AEVB
from aevb.algorithms.mcem import MonteCarloEM
from aevb.algorithms.optimisers import Adagrad
from aevb.algorithms.state import start
from aevb.algorithms.wake_sleep import WakeSleep
from aevb.arrays import named, named_arrays
from aevb.models.architecture import Parameters
from aevb.models.vae import VAE
from aevb.peers import problem as problems

N, M, D, LATENT_DIM, HIDDEN = 40, 6, 12, 3, 5
Arrays = dict[str, np.ndarray]


class Expected:
    """What this package computes from random weights, and what a peer must be given for it."""

    def __init__(self, observation: str):
        generator = np.random.default_rng(0)
        images = generator.integers(0, 256, (N, D), dtype=np.uint8)
        self.problem = problems.Problem(
            "aevb", images, LATENT_DIM, observation == "gaussian", M, 256.0, hmc_step_size=0.5
        )
        self.vae = VAE(D, LATENT_DIM, HIDDEN, observation)
        self.weights = {
            name: 30 * value
            for name, value in problems.random_weights(self.problem, HIDDEN).items()
        }
        self.images = images.astype(np.float32) / np.float32(256)
        self.x = self.images[:M]
        self.z = generator.normal(size=(N, LATENT_DIM)).astype(np.float32)
        self.parameters = one_member(self.vae.shapes(), self.weights)
        self.seeds = tf.constant([0])
        keys = random.keys(self.seeds, random.Purpose.POSTERIOR, 0)
        self.noise = random.normal(keys, (1, M, LATENT_DIM))[0, 0].numpy()

    def step(self, algorithm: Any) -> tuple[Arrays, Arrays, float]:
        """The weights and sums of squares after a step on x, and its sum of bounds."""
        beginning = start(self.parameters, tf.constant([problems.STEP_SIZE]))
        state, info = algorithm.step(beginning, tf.constant(self.x[np.newaxis]), self.seeds)
        found = (state.parameters, state.accumulators)
        return *(members(nest) for nest in found), float(info.objective[0]) * M

    def aevb(self) -> tuple[Arrays, Arrays, float]:
        return self.step(AEVB(self.vae, Adagrad(0, "matrices", M / N)))

    def wake_sleep(self) -> tuple[Arrays, Arrays, float]:
        return self.step(WakeSleep(self.vae, Adagrad(0, "matrices", M / N)))

    def dreams(self, weights: Arrays) -> tuple[np.ndarray, np.ndarray]:
        """z and x of the sleep phase, of a decoder by name."""
        algorithm = WakeSleep(self.vae, Adagrad(0, "matrices", M / N))
        decoder = one_member(self.vae.shapes().decoder, weights, "decoder")
        return tuple(part[0].numpy() for part in algorithm.dream(decoder, M, self.seeds, 0))

    def trajectory(self, momentum: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """z and momentum after TFP's leapfrog steps from z, and the energy that was lost."""

        def target(z):
            decoded = self.vae.decode(self.parameters.decoder, z[tf.newaxis])
            return self.vae.prior().log_prob(z) + decoded.log_prob(self.images)[0]

        integrator = tfp.mcmc.internal.leapfrog_integrator.SimpleLeapfrogIntegrator(
            target, [self.problem.hmc_step_size], self.problem.leapfrog_steps
        )
        (turned,), (z,), *_ = integrator([tf.constant(momentum)], [tf.constant(self.z)])
        kinetic = 0.5 * (momentum**2 - turned.numpy() ** 2).sum(axis=-1)
        gained = (target(z) - target(tf.constant(self.z))).numpy() + kinetic
        return z.numpy(), turned.numpy(), gained

    def maximised(self, updates: int = 5) -> tuple[Arrays, Arrays]:
        """The decoder and its sums of squares after an M-step on all images and z."""
        mcem = MonteCarloEM(self.vae, Adagrad(0, "matrices", 1.0), N, weight_updates=updates)
        chains = tf.constant(self.z[np.newaxis])
        decoder = Parameters((), self.parameters.decoder)
        state = mcem.init(self.seeds, tf.constant([problems.STEP_SIZE]))
        state = state._replace(parameters=decoder, chains=chains)
        found = mcem.maximise(state, tf.constant(self.images[np.newaxis]), chains)
        return tuple(members(Parameters((), nest)) for nest in found)


def one_member(shapes: Any, weights: Arrays, prefix: str = "") -> Any:
    """Weights by name as a nest of tensors [1, ...] like ``shapes``."""
    values = [tf.constant(weights[name][np.newaxis]) for name in named(shapes, prefix)]
    return tf.nest.pack_sequence_as(shapes, values)


def members(nest: Any) -> Arrays:
    return {name: value[0] for name, value in named_arrays(nest).items()}


@pytest.fixture(scope="module", params=["bernoulli", "gaussian"])
def expected(request) -> Expected:
    return Expected(request.param)


@pytest.fixture(scope="module")
def jax():
    pytest.importorskip("jax")
    return importlib.import_module("aevb.peers.in_jax")


@pytest.fixture(scope="module")
def torch():
    pytest.importorskip("torch", reason="PyTorch is not installed")
    return importlib.import_module("aevb.peers.in_torch")


def zeros(weights: Arrays) -> Arrays:
    return {name: np.zeros_like(value) for name, value in weights.items()}


def assert_same(found: tuple, after: Arrays, squares: Arrays) -> None:
    """Weights and sums of squares of a JAX step."""
    assert set(found[0]) == set(after)
    for name in after:
        np.testing.assert_allclose(found[1][name], squares[name], rtol=1e-3, atol=1e-6)
        np.testing.assert_allclose(found[0][name], after[name], atol=1e-5, err_msg=name)


def assert_stepped(leaves: dict, after: Arrays, squares: Arrays) -> None:
    """Weights after PyTorch's first step, of one step size along each sign wherever its ε is."""
    for name, value in after.items():
        clear = squares[name] > 1e-4
        assert clear.any()
        found = leaves[name].detach().numpy()
        np.testing.assert_allclose(found[clear], value[clear], atol=2e-4, err_msg=name)


def test_jax_takes_the_same_step_of_aevb(expected, jax):
    after, squares, bound = expected.aevb()
    given = expected.problem, expected.weights
    assert float(jax.bound(*given, expected.x, expected.noise)) == pytest.approx(bound, rel=1e-5)
    step = jax.aevb_step(*given, zeros(expected.weights), expected.x, expected.noise)
    assert_same(step, after, squares)


def test_jax_takes_the_same_step_of_wake_sleep(expected, jax):
    """Both phases, the second on this package's own dreams."""
    after, squares, _ = expected.wake_sleep()
    given = expected.problem, expected.weights, zeros(expected.weights)
    decoder, decoder_squares = jax.wake(*given, expected.x, expected.noise)
    z, x = expected.dreams({name: np.asarray(value) for name, value in decoder.items()})
    encoder, encoder_squares = jax.sleep(*given, x, z)
    assert_same((encoder | decoder, encoder_squares | decoder_squares), after, squares)


def test_jax_moves_as_hmc_does_and_maximises(expected, jax):
    """Leapfrog against TFP's, and the M-step's five updates."""
    momentum = momenta(expected)
    given = expected.problem._replace(algorithm="mcem"), expected.weights
    assert_moved(jax.leapfrog(*given, expected.images, expected.z, momentum), expected, momentum)
    found = jax.maximise(*given, zeros(expected.weights), expected.images, expected.z)
    assert_same(found, *expected.maximised())


def momenta(expected: Expected) -> np.ndarray:
    """[N, N_z]; the step size is so large that the energy changes."""
    return np.random.default_rng(1).normal(size=expected.z.shape).astype(np.float32)


def assert_moved(found: tuple, expected: Expected, momentum: np.ndarray) -> None:
    z, turned, gained = map(np.asarray, found)
    wanted = expected.trajectory(momentum)
    np.testing.assert_allclose(z, wanted[0], rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(turned, wanted[1], rtol=1e-4, atol=1e-3)
    assert np.abs(wanted[2]).max() > 0.05
    np.testing.assert_allclose(gained, wanted[2], atol=0.01)


def test_torch_takes_the_same_steps(expected, torch):
    """Of AEVB and of both phases of wake-sleep."""
    x, noise = (torch.torch.from_numpy(a) for a in (expected.x, expected.noise))
    after, squares, bound = expected.aevb()
    leaves = as_leaves(torch, expected.weights)
    found = torch.bound(expected.problem, leaves, x, noise)
    assert found.item() == pytest.approx(bound, rel=1e-5)
    torch.ascend(torch.optimiser(expected.problem, leaves), found)
    assert_stepped(leaves, after, squares)

    after, squares, _ = expected.wake_sleep()
    leaves = as_leaves(torch, expected.weights)
    encoder, decoder = (
        torch.optimiser(expected.problem, problems.part(leaves, net))
        for net in ("encoder", "decoder")
    )
    torch.wake(expected.problem, leaves, decoder, x, noise)
    assert_stepped(leaves, problems.part(after, "decoder"), squares)
    dreams = expected.dreams({name: as_array(value) for name, value in leaves.items()})
    z, x = (torch.torch.from_numpy(a) for a in dreams)
    torch.sleep(leaves, encoder, x, z)
    assert_stepped(leaves, problems.part(after, "encoder"), squares)


def test_torch_moves_as_hmc_does_and_maximises(expected, torch):
    """Leapfrog against TFP's, and the M-step's first update, which is one step along each sign."""
    momentum = momenta(expected)
    leaves = as_leaves(torch, expected.weights)
    arrays = expected.images, expected.z, momentum
    tensors = [torch.torch.from_numpy(array) for array in arrays]
    assert_moved(torch.leapfrog(expected.problem, leaves, *tensors), expected, momentum)
    problem = expected.problem._replace(algorithm="mcem", weight_updates=1)
    decoder = torch.optimiser(problem, problems.part(leaves, "decoder"))
    torch.maximise(problem, leaves, decoder, *(torch.torch.from_numpy(a) for a in arrays[:2]))
    assert_stepped(leaves, *expected.maximised(1))


@pytest.mark.parametrize("library", ["jax", "torch"])
def test_dreams_are_of_the_same_moments(request, library, expected):
    """Means of 20 000 dreams' latents and pixels against this package's, within 5 standard errors
    of their difference: 15 comparisons fail by chance less than once in 1e5 runs."""
    module = request.getfixturevalue(library)
    n = 20_000
    problem = expected.problem._replace(batch_size=n)
    ours = WakeSleep(expected.vae, Adagrad(0, "matrices", 1.0))
    wanted = ours.dream(expected.parameters.decoder, n, expected.seeds, 0)
    if library == "jax":
        key = importlib.import_module("jax").random.key(0)
        found = module.dream(problem, expected.weights, key)
    else:
        module.torch.manual_seed(0)
        found = module.dream(problem, as_leaves(module, expected.weights))
    for mine, theirs in zip(wanted, found, strict=True):
        one, other = mine[0].numpy(), np.asarray(theirs)
        error = np.sqrt((one.var(axis=0) + other.var(axis=0)) / n)
        assert (np.abs(one.mean(axis=0) - other.mean(axis=0)) < 5 * error).all()
        np.testing.assert_allclose(other.std(axis=0), one.std(axis=0), rtol=0.1)


@pytest.mark.parametrize("library", ["jax", "torch"])
@pytest.mark.parametrize("algorithm", ["aevb", "wake_sleep", "mcem"])
def test_a_chunk_of_each_runs(request, library, algorithm, expected):
    """What is timed goes on from call to call, and trains what its algorithm learns."""
    module = request.getfixturevalue(library)
    problem = expected.problem._replace(algorithm=algorithm)
    chunk = module.chunk(problem, expected.weights)
    # Copies: PyTorch changes its weights in place.
    before, after = ({k: np.array(as_array(v)) for k, v in chunk().items()} for _ in range(2))
    for name in expected.weights if algorithm != "mcem" else problems.part(before, "decoder"):
        assert np.isfinite(after[name]).all()
        assert np.abs(after[name] - before[name]).max() > 1e-4, name


def as_array(values: Any) -> np.ndarray:
    return values.detach().numpy() if hasattr(values, "detach") else np.asarray(values)


def as_leaves(torch: Any, weights: Arrays) -> dict:
    return {k: torch.torch.tensor(v, requires_grad=True) for k, v in weights.items()}


def test_control_another_prior_is_found(expected, jax):
    wrong = expected.problem._replace(images=expected.problem.images[:10])
    given = wrong, expected.weights, zeros(expected.weights)
    _, squares = jax.aevb_step(*given, expected.x, expected.noise)
    name = "encoder/hidden_weights"
    assert not np.allclose(squares[name], expected.aevb()[1][name], rtol=1e-3, atol=1e-6)


def test_control_wake_and_sleep_are_not_aevb(expected, jax):
    """With the other algorithm's step the encoder's squares differ."""
    given = expected.problem, expected.weights, zeros(expected.weights)
    _, squares = jax.aevb_step(*given, expected.x, expected.noise)
    name = "encoder/hidden_weights"
    assert not np.allclose(squares[name], expected.wake_sleep()[1][name], rtol=1e-3, atol=1e-6)
