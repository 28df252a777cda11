"""Randomness keyed by (seed, purpose, step)."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp
from scipy import stats

from aevb import random
from aevb.random import Purpose
from conftest import assert_means

SEEDS = tf.constant([0, 1, 7])
SHAPE = (50, 4)
DRAWS = {
    "normal": lambda keys: random.normal(keys, SHAPE),
    "uniform": lambda keys: random.uniform(keys, SHAPE),
    "indices": lambda keys: random.indices(keys, 200, 1000),
}


def draw(kind, seeds=SEEDS, purpose=Purpose.POSTERIOR, step=3):
    return DRAWS[kind](random.keys(seeds, purpose, step))


def check_reproducible(draw):
    np.testing.assert_array_equal(draw(), draw())


@pytest.mark.parametrize("kind", DRAWS)
def test_same_key_same_numbers(kind):
    check_reproducible(lambda: draw(kind))


@pytest.mark.parametrize("kind", DRAWS)
def test_same_numbers_inside_a_compiled_function_with_the_step_as_a_tensor(kind):
    """Bits are equal; normal numbers, which XLA may fuse otherwise, within rounding."""
    compiled = tf.function(
        lambda seeds, step: draw(kind, seeds, step=step), jit_compile=True, autograph=False
    )
    np.testing.assert_allclose(
        draw(kind), compiled(SEEDS, tf.constant(3)), rtol=0, atol=1e-6 if kind == "normal" else 0
    )


@pytest.mark.parametrize("kind", DRAWS)
def test_a_member_draws_what_it_would_draw_alone(kind):
    together = draw(kind).numpy()
    for member, seed in enumerate(SEEDS.numpy()):
        np.testing.assert_array_equal(together[member], draw(kind, tf.constant([seed]))[0])
    twice = draw(kind, tf.constant([5, 5])).numpy()
    np.testing.assert_array_equal(twice[0], twice[1])


def test_every_seed_purpose_and_step_has_a_key_of_its_own():
    seeds = tf.range(20)
    found = {
        tuple(key.numpy().tolist())
        for purpose in Purpose
        for step in (0, 1, 2, 1000, 2**31 - 1)
        for key in random.keys(seeds, purpose, step)
    }
    assert len(found) == 20 * len(Purpose) * 5


def one_by_one(draw, keys):
    """What TensorFlow draws under XLA for each key by itself."""
    compiled = tf.function(draw, jit_compile=True, autograph=False)
    return np.stack([compiled(key).numpy() for key in keys])


def check_equal(found, expected):
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found, expected)


ANY_SEEDS = [[0], [1, -1], [7, 2**31 - 1, -(2**31)], [2**31, 2**40 + 3, -5]]
MEMBERS_AND_SHAPES = [
    (1, ()),
    (5, ()),
    (2, (1,)),
    (5, (7,)),
    (1, (100,)),
    (2, (0,)),
    (5, (1, 1)),
    (5, (3, 5)),
    (2, (5, 3, 3)),
    (1, (1, 100, 20)),
    (5, (2, 1, 100, 20)),
]
KEYS = random.keys(tf.constant([0, -1, 7, 2**31 - 1, 3]), Purpose.PRIOR, 5)


@pytest.mark.parametrize("seeds", ANY_SEEDS)
def test_keys_are_tensorflows(seeds):
    """Negative seeds and seeds beyond 32 bits, too; all purposes, and steps to the largest."""
    seeds = tf.constant(seeds)
    for purpose in Purpose:
        for step in (0, 1, 1000, 2**31 - 1, -3):
            expected = [
                tf.random.experimental.stateless_fold_in(
                    tf.stack([seed, tf.constant(int(purpose), seed.dtype)]), step, alg="philox"
                )
                for seed in seeds
            ]
            check_equal(random.keys(seeds, purpose, step).numpy(), np.stack(expected))


def test_a_number_for_each_key_can_be_folded_in():
    numbers = tf.range(5) * 1000
    expected = [random.fold_in(KEYS[i : i + 1], numbers[i])[0] for i in range(5)]
    check_equal(random.fold_in(KEYS, numbers).numpy(), np.stack(expected))


@pytest.mark.parametrize("n", [1, 2, 3, 5])
def test_split_keys_are_those_of_tensorflow_probability(n):
    found = np.stack(random.split(KEYS, n, salt="draw 1"), axis=1)
    expected = one_by_one(
        lambda key: tf.stack(tfp.random.split_seed(key, n=n, salt="draw 1")), KEYS
    )
    check_equal(found, expected)
    assert (found != np.stack(random.split(KEYS, n, salt="draw 2"), axis=1)).all()


@pytest.mark.parametrize(("members", "shape"), MEMBERS_AND_SHAPES)
def test_numbers_are_tensorflows(members, shape):
    """Bits are equal; normal numbers, which XLA may fuse otherwise, within rounding."""
    keys = KEYS[:members]
    expected = one_by_one(lambda key: tf.random.stateless_uniform(shape, key, alg="threefry"), keys)
    check_equal(random.uniform(keys, shape).numpy(), expected)
    expected = one_by_one(lambda key: tf.random.stateless_normal(shape, key, alg="threefry"), keys)
    found = random.normal(keys, shape)
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize(("n", "high"), [(7, 1000), (100, 50_000), (1, 3), (6, 2**31 - 1)])
def test_indices_are_tensorflows(n, high):
    expected = one_by_one(
        lambda key: tf.random.stateless_uniform((n,), key, 0, high, tf.int32, alg="threefry"), KEYS
    )
    check_equal(random.indices(KEYS, n, high).numpy(), expected)


def test_control_another_bit_or_key_is_found():
    expected = one_by_one(lambda key: tf.random.stateless_uniform((7,), key, alg="threefry"), KEYS)
    with pytest.raises(AssertionError):
        check_equal(np.nextafter(random.uniform(KEYS, (7,)), np.float32(1)), expected)
    with pytest.raises(AssertionError):
        check_equal(random.uniform(KEYS ^ 1, (7,)).numpy(), expected)


def test_the_program_is_as_long_for_many_members_as_for_two():
    def lines(members):
        @tf.function(jit_compile=True, autograph=False)
        def run(seeds):
            keys = random.split(random.keys(seeds, Purpose.PRIOR, 1), 2, salt="")
            return random.normal(keys[0], (1, 100, 20)), random.uniform(keys[1], (100, 784))

        return run.experimental_get_compiler_ir(tf.range(members))(stage="stablehlo").splitlines()

    two, many = lines(2), lines(64)
    assert len(two) > 500
    assert len(many) < 1.02 * len(two)
    assert not any("rng_bit_generator" in line or "custom_call" in line for line in many)
    # No table of the 39,200 counters either, which TensorFlow makes where it can.
    assert max(len(line) for line in many) < 10_000


def long_draw(seed, purpose, step):
    keys = random.keys(tf.constant([seed]), purpose, step)
    return random.normal(keys, (100_000,))[0].numpy()


def check_uncorrelated(first, second):
    """z-test that E[ab] = 0 over 100 000 pairs: fails by chance once in 1e6, finds 0.05."""
    assert_means(first * second, 0.0, detects=0.05)


@pytest.mark.statistical
def test_streams_are_uncorrelated():
    """21 pairs of 100 000 numbers: fails by chance in 2.1e-5 of the runs, finds a correlation of
    0.05 between any two streams that differ in seed, purpose or step, or by one place."""
    base = long_draw(0, Purpose.POSTERIOR, 0)
    others = [
        *(long_draw(seed, Purpose.POSTERIOR, 0) for seed in (1, 2, 3, 100, 2**20)),
        *(long_draw(0, purpose, 0) for purpose in Purpose if purpose != Purpose.POSTERIOR),
        *(long_draw(0, Purpose.POSTERIOR, step) for step in (1, 2, 3, 99, 100, 10**6, 2**31 - 1)),
        # Swapped roles: the seed of one is the purpose or the step of the other.
        long_draw(int(Purpose.POSTERIOR), Purpose.INITIALISATION, 0),
    ]
    for other in others:
        check_uncorrelated(base, other)
    check_uncorrelated(base[1:], base[:-1])


CALLS = [
    *((random.normal, shape) for shape in ((), (7,), (8,), (784, 5), (3, 5, 7))),
    *((random.uniform, shape) for shape in ((), (7,), (3, 5, 7))),
    (random.indices, 200, 1000),
    (random._fold_in, tf.constant(5)),
    (random._split, 3),
]


@pytest.mark.parametrize("call", CALLS)
def test_numbers_are_the_same_compiled_or_not(call):
    """To the last bit: the first calls outside of programs are not compiled, later ones are."""
    function, *rest = call
    arguments = (random.keys(SEEDS, Purpose.PRIOR), *rest)
    within = tf.function(lambda: function(*arguments), autograph=False)().numpy()
    assert np.array_equal(function.__wrapped__(*arguments), within)
    for _ in range(random._FEW + 1):
        assert np.array_equal(function(*arguments), within)


@pytest.mark.statistical
def test_normal_numbers_are_standard_normal():
    """Four moments of 100 000 numbers (fails by chance once in 1e6; finds 0.04, 0.05, 0.15 and
    0.4 in them) and a Kolmogorov-Smirnov test at a level of 1e-6 (finds 0.02 in the CDF)."""
    x = long_draw(3, Purpose.PRIOR, 5)
    for power, expected, detects in ((1, 0, 0.04), (2, 1, 0.05), (3, 0, 0.15), (4, 3, 0.4)):
        assert_means(x.astype(np.float64) ** power, expected, detects)
    assert stats.kstest(x, "norm").pvalue > 1e-6


@pytest.mark.statistical
def test_uniform_numbers_are_uniform():
    """Kolmogorov-Smirnov over 100 000 numbers at a level of 1e-6 (finds 0.02 in the CDF)."""
    keys = random.keys(tf.constant([4]), Purpose.BINARISATION, 9)
    u = random.uniform(keys, (100_000,))[0].numpy()
    assert u.min() >= 0
    assert u.max() < 1
    assert stats.kstest(u, "uniform").pvalue > 1e-6


def check_indices_cover(indices, high):
    """Chi-square test at a level of 1e-6. With 100 draws a cell it finds a cell that is left out
    (chi-square + 100, 14 standard deviations for 25 cells)."""
    counts = np.bincount(indices, minlength=high)
    assert len(counts) == high
    assert stats.chisquare(counts).pvalue > 1e-6


@pytest.mark.statistical
@pytest.mark.parametrize("high", [25, 1600])
def test_indices_cover_the_range_uniformly(high):
    """See check_indices_cover; for 1600 cells, the training set of Frey Face, a tenth of the cells
    that is left out is found."""
    keys = random.keys(tf.constant([2]), Purpose.MINIBATCH, 11)
    drawn = random.indices(keys, 100 * high, high)
    assert drawn.dtype == tf.int32
    check_indices_cover(drawn[0].numpy(), high)


def test_control_stateful_numbers_are_not_reproducible():
    with pytest.raises(AssertionError):
        check_reproducible(lambda: tf.random.normal(SHAPE))


def test_control_one_stream_for_two_purposes_is_found():
    draws = long_draw(0, Purpose.POSTERIOR, 0)
    with pytest.raises(AssertionError):
        check_uncorrelated(draws, draws)
    other = long_draw(0, Purpose.PRIOR, 0)
    with pytest.raises(AssertionError):
        check_uncorrelated(draws, 0.05 * draws + other)


def test_control_indices_that_leave_one_out_are_found():
    generator = np.random.default_rng(0)
    with pytest.raises(AssertionError):
        check_indices_cover(generator.integers(0, 24, 2500), 25)
