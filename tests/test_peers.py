"""The peers that speed is compared with compute the same step; their timings are no tests."""

import numpy as np
import pytest
import tensorflow as tf

from aevb import peers, random
from aevb.algorithms.aevb import AEVB
from aevb.algorithms.optimisers import Adagrad
from aevb.algorithms.state import start
from aevb.arrays import named, named_arrays
from aevb.models.vae import VAE

M, D, LATENT_DIM, HIDDEN = 6, 12, 3, 5


class Step:
    """A step of this package from random weights, and what a peer must be given for it."""

    def __init__(self, observation: str):
        generator = np.random.default_rng(0)
        images = generator.integers(0, 256, (40, D), dtype=np.uint8)
        gaussian = observation == "gaussian"
        self.problem = peers.Problem(images, LATENT_DIM, gaussian, M, 256.0)
        self.weights = {
            name: 30 * value for name, value in peers.random_weights(self.problem, HIDDEN).items()
        }
        self.x = images[:M].astype(np.float32) / np.float32(256)
        vae = VAE(D, LATENT_DIM, HIDDEN, observation)
        algorithm = AEVB(vae, Adagrad(0, "matrices", M / len(images)))
        shapes = vae.shapes()
        values = [tf.constant(self.weights[name][np.newaxis]) for name in named(shapes)]
        parameters = tf.nest.pack_sequence_as(shapes, values)
        seeds, x = tf.constant([0]), tf.constant(self.x[np.newaxis])
        keys = random.keys(seeds, random.Purpose.POSTERIOR, 0)
        self.noise = random.normal(keys, (1, M, LATENT_DIM))[0, 0].numpy()
        step_size = tf.constant([peers.STEP_SIZE])
        state, info = algorithm.step(start(parameters, step_size), x, seeds)
        self.bound = float(info.objective[0]) * M
        self.after = {k: v[0] for k, v in named_arrays(state.parameters).items()}
        self.squares = {k: v[0] for k, v in named_arrays(state.accumulators).items()}


@pytest.fixture(scope="module", params=["bernoulli", "gaussian"])
def expected(request) -> Step:
    return Step(request.param)


def test_jax_takes_the_same_step(expected):
    pytest.importorskip("jax")
    given = expected.problem, expected.weights
    bound = peers.jax_bound(*given, expected.x, expected.noise)
    assert float(bound) == pytest.approx(expected.bound, rel=1e-5)
    zeros = {name: np.zeros_like(value) for name, value in expected.weights.items()}
    after, squares = peers.jax_step(*given, zeros, expected.x, expected.noise)
    for name, value in expected.after.items():
        np.testing.assert_allclose(squares[name], expected.squares[name], rtol=1e-3, atol=1e-6)
        np.testing.assert_allclose(after[name], value, atol=1e-5, err_msg=name)


def test_torch_takes_the_same_step(expected):
    """Adagrad's first step is one step size along each sign, wherever its ε is."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    weights = {k: torch.tensor(v, requires_grad=True) for k, v in expected.weights.items()}
    x, noise = torch.from_numpy(expected.x), torch.from_numpy(expected.noise)
    bound = peers.torch_bound(expected.problem, weights, x, noise)
    assert bound.item() == pytest.approx(expected.bound, rel=1e-5)
    peers.torch_step(expected.problem, weights)(x, noise)
    for name, value in expected.after.items():
        clear = expected.squares[name] > 1e-4
        assert clear.any()
        found = weights[name].detach().numpy()
        np.testing.assert_allclose(found[clear], value[clear], atol=2e-4, err_msg=name)


def test_control_another_prior_is_found(expected):
    pytest.importorskip("jax")
    zeros = {name: np.zeros_like(value) for name, value in expected.weights.items()}
    wrong = expected.problem._replace(images=expected.problem.images[:10])
    _, squares = peers.jax_step(wrong, expected.weights, zeros, expected.x, expected.noise)
    name = "encoder/hidden_weights"
    assert not np.allclose(squares[name], expected.squares[name], rtol=1e-3, atol=1e-6)
