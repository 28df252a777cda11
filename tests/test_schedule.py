"""The sample counts at which the bound is evaluated."""

import numpy as np
import pytest

from aevb.schedule import log_points

BUDGETS = [100, 1000, 12_345, 10**5, 10**6, 2 * 10**6, 10**7, 10**8, 25 * 10**7]


@pytest.mark.parametrize("batch_size", [100, 500, 7])
@pytest.mark.parametrize("budget", BUDGETS)
def test_points_are_ascending_whole_minibatches_from_the_first_to_the_budget(batch_size, budget):
    points = log_points(batch_size, budget)
    assert points[0] == batch_size
    assert budget <= points[-1] < budget + batch_size
    assert (np.diff(points) > 0).all()
    assert not (np.array(points) % batch_size).any()


@pytest.mark.parametrize("batch_size", [100, 500])
def test_a_larger_budget_passes_through_the_points_of_a_smaller_one(batch_size):
    largest = set(log_points(batch_size, BUDGETS[-1]))
    for budget in BUDGETS:
        points = log_points(batch_size, budget)
        assert set(points[:-1]) <= largest
        assert points[-1] in largest or points[-1] not in points[:-1]


def test_points_of_figure_2():
    points = log_points(100, 10**8)
    late = np.array([point for point in points if point >= 10**5])
    assert len(late) == 31
    ratios = late[1:] / late[:-1]
    assert (1.2 < ratios).all()
    assert (ratios < 1.3).all()
    assert {10**5, 10**6, 2 * 10**6, 5 * 10**6, 10**7, 10**8} <= set(points)
    assert [point for point in points if point < 10**5] == [
        *(100, 1000, 1600, 2500, 4000, 6300),
        *(10_000, 16_000, 25_000, 40_000, 63_000),
    ]


def test_counts_are_rounded_up_to_whole_minibatches():
    assert log_points(500, 1001) == [500, 1000, 1500]
    assert log_points(100, 50) == [100]
