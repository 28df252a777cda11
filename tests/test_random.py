"""Randomness keyed by (seed, purpose, step)."""

import numpy as np
import pytest
import tensorflow as tf
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
