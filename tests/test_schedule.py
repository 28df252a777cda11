"""The sample counts at which the bound is evaluated and the parameters are kept."""

import numpy as np
import pytest

from aevb.training.schedule import log_points, snapshot_points

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


@pytest.mark.parametrize("per_step", [100, 15_000, 750_000])
@pytest.mark.parametrize("budget", BUDGETS)
def test_snapshots_are_ascending_whole_steps_from_the_first_to_the_budget(per_step, budget):
    """Whether a step is a minibatch or an iteration of Monte Carlo EM."""
    points = snapshot_points(per_step, budget)
    assert points[0] == per_step
    assert budget <= points[-1] < budget + per_step
    assert (np.diff(points) > 0).all()
    assert not (np.array(points) % per_step).any()


@pytest.mark.parametrize("per_step", [100, 15_000, 750_000])
def test_a_larger_budget_passes_through_the_snapshots_of_a_smaller_one(per_step):
    """All but the last, which is the smaller budget's end, are the first of the larger one's."""
    largest = snapshot_points(per_step, BUDGETS[-1])
    for budget in BUDGETS:
        points = snapshot_points(per_step, budget)
        assert points[:-1] == largest[: len(points) - 1]


def test_snapshots_of_figure_3():
    """Minibatches of 100, and iterations of Monte Carlo EM, 15 N samples each: with 1000 images,
    and with 50 000, of which the first counts are all within the first step."""
    early = [100_000, 200_000, 500_000, 1_000_000, 2_000_000, 5_000_000]
    late = [10_000_000, 20_000_000, 30_000_000, 40_000_000, 50_000_000, 60_000_000]
    assert snapshot_points(100, 60_000_000) == [100, *early, *late]
    assert snapshot_points(100, 10**6) == [100, *early[:4]]
    assert snapshot_points(15_000, 10**7) == [
        *(15_000, 105_000, 210_000, 510_000),
        *(1_005_000, 2_010_000, 5_010_000, 10_005_000),
    ]
    assert snapshot_points(750_000, 68_000_000) == [
        *(750_000, 1_500_000, 2_250_000, 5_250_000, 10_500_000, 20_250_000),
        *(30_000_000, 40_500_000, 50_250_000, 60_000_000, 68_250_000),
    ]
