"""Adagrad against a plain NumPy loop."""

from itertools import pairwise

import numpy as np
import pytest
import tensorflow as tf

from aevb.algorithms.optimisers import EPSILON, Adagrad
from aevb.models.mlp import MLP, WEIGHT_MATRICES

MEMBERS, STEPS = 3, 12
SHAPES = MLP((4, 5), (5,), (5, 2), (2,))
STEP_SIZES = np.array([0.01, 0.05, 0.3], np.float32)


def numbers(seed):
    generator = np.random.default_rng(seed)
    return MLP(*(generator.standard_normal((MEMBERS, *shape)).astype("f4") for shape in SHAPES))


def trajectory(optimiser, steps=STEPS):
    """Networks and accumulators after each of ``steps`` steps on fixed gradients."""
    network = MLP(*map(tf.constant, numbers(0)))
    accumulators = tf.nest.map_structure(tf.zeros_like, network)
    found = []
    for step in range(steps):
        gradients = MLP(*map(tf.constant, numbers(1 + step)))
        network, accumulators = optimiser.ascend(
            network,
            accumulators,
            gradients,
            WEIGHT_MATRICES,
            tf.constant(STEP_SIZES),
            tf.constant(step),
        )
        found.append((network, accumulators))
    return found


def expected_trajectory(warmup, with_prior, prior_scale):
    values = [value.astype(np.float64) for value in numbers(0)]
    sums = [np.zeros_like(value) for value in values]
    found = []
    for step in range(STEPS):
        for i, gradient in enumerate(numbers(1 + step)):
            gradient = gradient.astype(np.float64)
            if MLP._fields[i] in with_prior:
                gradient = gradient - prior_scale * values[i]
            sums[i] = sums[i] + gradient**2
            if step >= warmup:
                for member, step_size in enumerate(STEP_SIZES.astype(np.float64)):
                    root = np.sqrt(sums[i][member] + EPSILON)
                    values[i][member] += step_size * gradient[member] / root
        found.append((MLP(*(value.copy() for value in values)), MLP(*sums)))
    return found


MATRICES = ("hidden_weights", "output_weights")


def check(optimiser, warmup=3, with_prior=MATRICES, prior_scale=0.2):
    expected = expected_trajectory(warmup, with_prior, prior_scale)
    for (network, sums), (true_network, true_sums) in zip(
        trajectory(optimiser), expected, strict=True
    ):
        for name in MLP._fields:
            for found, true in ((network, true_network), (sums, true_sums)):
                np.testing.assert_allclose(
                    getattr(found, name), getattr(true, name), rtol=2e-5, atol=2e-5, err_msg=name
                )


@pytest.mark.parametrize("warmup", [0, 1, 3, 100])
@pytest.mark.parametrize(
    ("weight_prior", "with_prior"), [("matrices", MATRICES), ("all", MLP._fields)]
)
@pytest.mark.parametrize("prior_scale", [0.0, 0.2])
def test_steps_are_those_of_a_plain_loop(warmup, weight_prior, with_prior, prior_scale):
    check(Adagrad(warmup, weight_prior, prior_scale), warmup, with_prior, prior_scale)


def test_warm_up_accumulates_without_moving():
    found = trajectory(Adagrad(3, "all", 0.5))
    start = numbers(0)
    for network, _ in found[:3]:
        for name in MLP._fields:
            np.testing.assert_array_equal(getattr(network, name), getattr(start, name))
    sums = [accumulators.hidden_weights.numpy() for _, accumulators in found]
    for before, after in pairwise(sums):
        np.testing.assert_array_less(before, after)
    assert (found[3][0].hidden_weights.numpy() != start.hidden_weights).all()


def test_first_step_without_warm_up_is_the_step_size_up_the_sign():
    ((network, _),) = trajectory(Adagrad(0, "matrices", 0.0), steps=1)
    for value, start, gradient in zip(network, numbers(0), numbers(1), strict=True):
        member_step = STEP_SIZES.reshape(-1, *[1] * (start.ndim - 1))
        expected = member_step * gradient / np.sqrt(gradient**2 + EPSILON)
        np.testing.assert_allclose(value - start, expected, atol=1e-6)
        clear = abs(gradient) > 0.1
        np.testing.assert_array_equal(np.sign(value - start)[clear], np.sign(gradient)[clear])


def test_prior_alone_pulls_the_matrices_to_zero_and_leaves_the_biases():
    network = MLP(*map(tf.constant, numbers(0)))
    zeros = tf.nest.map_structure(tf.zeros_like, network)
    moved, _ = Adagrad(0, "matrices", 1.0).ascend(
        network, zeros, zeros, WEIGHT_MATRICES, tf.constant(STEP_SIZES), tf.constant(0)
    )
    for name in MLP._fields:
        before, after = getattr(network, name).numpy(), getattr(moved, name).numpy()
        if name in MATRICES:
            assert ((after - before) * before < 0).all()
        else:
            np.testing.assert_array_equal(before, after)


def test_any_nest_of_parameters_ascends_as_its_leaves_do():
    """Dictionaries and lists in one another, in place of an MLP's four tensors."""

    def nest(mlp):
        return {"layers": [mlp[:2], {"bias": mlp.output_bias, "a": mlp.output_weights}]}

    start, gradients = (MLP(*map(tf.constant, numbers(seed))) for seed in (0, 1))
    zeros = tf.nest.map_structure(tf.zeros_like, start)
    optimiser = Adagrad(0, "matrices", 0.2)
    rest = tf.constant(STEP_SIZES), tf.constant(0)
    wanted = optimiser.ascend(start, zeros, gradients, WEIGHT_MATRICES, *rest)
    nests = [nest(part) for part in (start, zeros, gradients, WEIGHT_MATRICES)]
    found = optimiser.ascend(*nests, *rest)
    for mine, theirs in zip(found, wanted, strict=True):
        tf.nest.map_structure(np.testing.assert_array_equal, mine, nest(theirs))


@pytest.mark.parametrize(
    "broken",
    [
        Adagrad(3, "all", 0.2),
        Adagrad(3, "matrices", 0.0),
        Adagrad(3, "matrices", -0.2),
        Adagrad(2, "matrices", 0.2),
        Adagrad(4, "matrices", 0.2),
    ],
    ids=["prior on biases", "no prior", "prior of wrong sign", "early", "late"],
)
def test_control_other_settings_are_told_apart(broken):
    with pytest.raises(AssertionError):
        check(broken)
