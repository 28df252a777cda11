"""log p(x) by quadrature, against closed forms and against dense grids in float64."""

import numpy as np
import pytest
import tensorflow as tf
from scipy.special import logsumexp

from aevb.likelihood import quadrature
from aevb.likelihood.model import Model
from aevb.likelihood.quadrature import Budget, estimate, joint, modes
from aevb.likelihood.quadrature.mixture import Mixture
from aevb.models.architecture import Parameters
from aevb.models.linear_gaussian import LinearGaussian, ProbabilisticPCA
from aevb.models.mlp import MLP
from aevb.models.vae import VAE

D = 30
WITHIN = 1e-3
"""Nats: what the value may differ from the truth where posteriors are Gaussian."""


def model_of(architecture, *decoder) -> Model:
    """A model without an encoder from a decoder's arrays, which have no member axis."""
    tensors = [tf.constant(array[np.newaxis], tf.float32) for array in decoder]
    return Model(architecture, Parameters(None, MLP(*tensors)))


def linear(latent_dim, seed=0, scales=(4.0, 1.0, 0.2), deviation=0.08):
    """Probabilistic PCA whose posteriors are 0.02, 0.08 and 0.37 wide, in directions of z that
    are not its axes; as a model and as the truth."""
    rng = np.random.default_rng(seed)
    axes = np.linalg.qr(rng.standard_normal((D, latent_dim)))[0]
    turn = np.linalg.qr(rng.standard_normal((latent_dim, latent_dim)))[0]
    weights = (axes * scales[:latent_dim]) @ turn
    bias = np.append(rng.standard_normal(D), 2 * np.log(deviation))
    network = np.zeros((latent_dim, 0)), np.zeros(0), weights.T, bias
    model = model_of(LinearGaussian(D, latent_dim), *network)
    return model, ProbabilisticPCA.from_decoder(model.parameters.decoder)


def far_and_near(truth, n=20, seed=1):
    """Draws from the model, and points far from it: across its subspace and along it."""
    rng = np.random.default_rng(seed)
    x = truth.sample(n, rng)
    across = truth.mean + rng.standard_normal((2, D))
    along = truth.mean + 7 * truth.weights.sum(axis=1) + 0.1 * rng.standard_normal((1, D))
    return np.concatenate([x, across, along]).astype(np.float32)


def random_decoder(observation, latent_dim, seed=0, hidden_units=10):
    """A nonlinear decoder and some data of it, with posteriors a few tenths wide."""
    rng = np.random.default_rng(seed)
    outputs = D * (2 if observation == "gaussian" else 1)
    weights = rng.standard_normal((hidden_units, outputs)) * 0.8
    bias = rng.standard_normal(outputs) * 0.5
    if observation == "gaussian":
        weights[:, D:] *= 0.2
        bias[D:] = -2.0
    model = model_of(
        VAE(D, latent_dim, hidden_units, observation),
        1.2 * rng.standard_normal((latent_dim, hidden_units)),
        rng.standard_normal(hidden_units),
        weights,
        bias,
    )
    mean = decode(model, rng.standard_normal((6, latent_dim)))[0]
    x = rng.random(mean.shape) < mean if observation == "bernoulli" else mean
    return model, np.asarray(x, np.float32)


def symmetric_decoder(latent_dim, weight, place):
    """A decoder even in each latent, and a datapoint whose posterior has its modes where all
    latents are about ±``place``: 2 for one latent, 4 for two, all of the same height.

    Each latent has two hidden units that are mirror images of each other and pixels of its own,
    whose logit grows with the latent's distance from zero; half of them are on.
    """
    side = D // 2
    hidden, output = np.zeros((latent_dim, 2 * latent_dim)), np.zeros((2 * latent_dim, D))
    x = np.zeros((1, D), np.float32)
    for i in range(latent_dim):
        hidden[i, 2 * i : 2 * i + 2] = weight, -weight
        output[2 * i : 2 * i + 2, side * i : side * (i + 1)] = 3.0
        x[:, side * i : side * i + side // 2 + 1] = 1.0
    model = model_of(
        VAE(D, latent_dim, 2 * latent_dim, "bernoulli"),
        hidden,
        np.full(2 * latent_dim, -weight * place),
        output,
        np.full(D, 3.0),
    )
    return model, x


def decode(model, z):
    """The decoder in NumPy and float64: means and, of a Gaussian decoder, variances."""
    w, b, v, c = (tensor[0].numpy().astype(np.float64) for tensor in model.parameters.decoder)
    outputs = np.tanh(z @ w + b) @ v + c
    mean = 1 / (1 + np.exp(-outputs[:, :D]))
    return (mean, np.exp(outputs[:, D:])) if outputs.shape[1] > D else (mean,)


def brute_force(model, x, spacing, radius=6.5):
    """log p(x) as a sum over a dense grid: [n], nats."""
    dim = model.latent_dim
    axis = np.arange(-radius, radius + spacing, spacing)
    grid = np.stack(np.meshgrid(*[axis] * dim, indexing="ij"), axis=-1).reshape(-1, dim)
    x = x.astype(np.float64)
    parts = []
    for z in np.array_split(grid, len(grid) // 100_000 + 1):
        mean, *variance = decode(model, z)
        if variance:
            (variance,) = variance
            scaled = mean / variance
            log_p = x @ scaled.T - 0.5 * (
                x**2 @ (1 / variance).T + (mean * scaled + np.log(2 * np.pi * variance)).sum(axis=1)
            )
        else:
            log_p = x @ np.log(mean).T + (1 - x) @ np.log1p(-mean).T
        prior = -0.5 * ((z**2).sum(axis=1) + dim * np.log(2 * np.pi))
        parts.append(logsumexp(log_p + prior, axis=1))
    return logsumexp(parts, axis=0) + dim * np.log(spacing)


def check(found, truth, within=WITHIN):
    np.testing.assert_allclose(found.value, truth, rtol=0, atol=within)
    assert found.passed.all()
    # The truth of float32 parameters is itself only good to about 1e-4.
    assert (np.abs(found.value - truth) <= found.standard_error + 2e-4).all()


@pytest.mark.parametrize("latent_dim", [1, 2, 3])
def test_probabilistic_pca_near_and_far_from_the_data(latent_dim):
    model, truth = linear(latent_dim)
    x = far_and_near(truth)
    expected = truth.log_likelihood(x)
    assert expected.max() > 0 and expected.min() < -2000
    found = estimate(model, x)
    check(found, expected)
    assert (found.diagnostics["modes"] == 1).all()
    assert found.value.dtype == found.standard_error.dtype == np.float64


def test_many_datapoints_are_those_of_few():
    model, truth = linear(2)
    x = truth.sample(joint.DATAPOINTS + 3, np.random.default_rng(2)).astype(np.float32)
    found, few = estimate(model, x), estimate(model, x[-5:])
    check(found, truth.log_likelihood(x))
    np.testing.assert_allclose(found.value[-5:], few.value, atol=1e-4)
    assert all(len(values) == len(x) for values in found.diagnostics.values())


@pytest.mark.parametrize("latent_dim", [1, 2, 3])
def test_decoder_without_weights_gives_each_pixel_one_half(latent_dim):
    """The posterior is the prior, and log p(x) = −784 ln 2 for any x."""
    shapes = (latent_dim, 5), (5,), (5, 784), (784,)
    model = model_of(VAE(784, latent_dim, 5, "bernoulli"), *map(np.zeros, shapes))
    x = np.random.default_rng(0).random((3, 784)) < 0.2
    check(estimate(model, x), np.full(3, -784 * np.log(2)))


@pytest.mark.parametrize("observation", ["bernoulli", "gaussian"])
@pytest.mark.parametrize(("latent_dim", "spacing"), [(1, 0.002), (2, 0.04)])
def test_nonlinear_decoders_agree_with_a_dense_grid(observation, latent_dim, spacing):
    for seed in range(3):
        model, x = random_decoder(observation, latent_dim, seed)
        check(estimate(model, x), brute_force(model, x, spacing), within=0.01)


def test_nonlinear_decoder_of_three_latents_agrees_with_a_dense_grid():
    model, x = random_decoder("bernoulli", 3)
    check(estimate(model, x), brute_force(model, x, 0.12), within=0.01)


FAR = {"weight": 2.0, "place": 1.5}
CLOSE = {"weight": 1.0, "place": 0.7}


@pytest.mark.parametrize(("latent_dim", "spacing"), [(1, 0.002), (2, 0.04)])
@pytest.mark.parametrize("shape", [FAR, CLOSE], ids=["far", "close"])
def test_all_modes_of_a_symmetric_posterior_count(latent_dim, spacing, shape):
    model, x = symmetric_decoder(latent_dim, **shape)
    found = estimate(model, x)
    check(found, brute_force(model, x, spacing), within=0.01)
    assert found.diagnostics["modes"] == 2**latent_dim


def test_one_mode_of_two_is_flagged():
    """The scan sees the mass that no lattice covers."""
    model, x = symmetric_decoder(1, **FAR)
    found = estimate(model, x, Budget(starts=1))
    assert found.diagnostics["modes"] == 1
    assert found.value == pytest.approx(brute_force(model, x, 0.002) - np.log(2), abs=0.01)
    assert not found.passed.any() and (found.standard_error > 0.5).all()


@pytest.mark.parametrize(
    "budget",
    [
        Budget(rounds=1, radius=(1.0, 2.0, 1.0)),
        Budget(rounds=1, spacing=(1.0, 3.0, 1.0)),
        Budget(rounds=2, tolerance=1e-6),
    ],
    ids=["small", "coarse", "ambitious"],
)
def test_a_budget_that_is_too_small_is_flagged(budget):
    model, truth = linear(2)
    x = far_and_near(truth)[:5]
    found = estimate(model, x, budget)
    assert not found.passed.any()
    error = np.abs(found.value - truth.log_likelihood(x))
    assert (error <= found.standard_error + 2e-4).all()


def test_further_rounds_repair_a_poor_start():
    model, x = random_decoder("bernoulli", 2)
    poor = Budget(spacing=(1.0, 2.2, 1.0), radius=(1.0, 3.0, 1.0), rounds=1)
    first, found = (
        estimate(model, x, poor),
        estimate(model, x, poor.model_copy(update={"rounds": 8})),
    )
    assert not first.passed.any()
    check(found, brute_force(model, x, 0.04), within=0.01)
    assert (found.diagnostics["rounds"] > 1).all()
    assert (found.diagnostics["lattice_points"] > first.diagnostics["lattice_points"]).all()


def zeros(*arrays):
    """Of the shape of the last array without its last axis."""
    return np.zeros(arrays[-1].shape[:-1])


def first_mode_only(*arguments, find_modes=modes.find_modes):
    mixture = find_modes(*arguments)
    mixture.log_weight[:, 1:] = -np.inf
    return mixture


@pytest.mark.parametrize(
    ("owner", "name", "broken", "shape"),
    [
        (joint, "log_prior", zeros, FAR),
        (Mixture, "log_determinant", property(lambda self: zeros(self.mean)), FAR),
        (quadrature, "find_modes", first_mode_only, FAR),
        (Mixture, "log_share", zeros, CLOSE),
    ],
    ids=["prior", "jacobian", "mode", "partition"],
)
def test_control_an_integral_without_a_part_of_it_is_wrong(monkeypatch, owner, name, broken, shape):
    model, x = symmetric_decoder(1, **shape)
    truth = brute_force(model, x, 0.002)
    np.testing.assert_allclose(estimate(model, x).value, truth, atol=0.01)
    monkeypatch.setattr(owner, name, broken)
    with pytest.raises(AssertionError):
        np.testing.assert_allclose(estimate(model, x).value, truth, atol=0.1)


def test_more_than_three_latent_dimensions_are_refused():
    model = Model(VAE(D, 4, 5, "bernoulli"), Parameters(None, None))
    with pytest.raises(ValueError, match="1 to 3 latent dimensions, not 4"):
        estimate(model, np.zeros((1, D)))


def test_data_that_are_no_matrix_are_refused():
    for shape in ((D,), (0, D)):
        with pytest.raises(ValueError, match="x must be"):
            estimate(linear(1)[0], np.zeros(shape))


def test_same_numbers_again_and_one_compilation_for_all_parameters():
    model, x = random_decoder("bernoulli", 2, seed=7, hidden_units=11)
    other, _ = random_decoder("bernoulli", 2, seed=8, hidden_units=11)
    first = estimate(model, x)
    assert (estimate(other, x).value != first.value).all()
    again = estimate(model, x, seed=5)
    np.testing.assert_array_equal(again.value, first.value)
    np.testing.assert_array_equal(again.standard_error, first.standard_error)
    for program in joint.programs(model.architecture):
        assert program.experimental_get_tracing_count() == 1


def test_evaluations_are_counted():
    model, x = random_decoder("bernoulli", 1)
    found = estimate(model, x, Budget(scan_spacing=(0.1, 0.1, 0.25), scan_radius=5.0))
    scan_and_lattices = 101 * len(x) + found.diagnostics["lattice_points"].sum()
    starts = found.likelihood_evaluations - scan_and_lattices
    assert len(x) < starts < len(x) * 8 * modes.NEWTON_STEPS
