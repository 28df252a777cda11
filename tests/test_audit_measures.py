"""Rules that measure something of curves, runs and pictures: numbers known beforehand, and controls
that must not hold."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from aevb.audit.cases import FAILS, HOLDS, UNDECIDED
from aevb.audit.rules import RULES
from aevb.audit.tables import MissingTable, Tables
from aevb.errors import DataError

COUNTS = np.array([1e5, 2e5, 3e5, 4e5, 5e5, 6e5, 7e5, 8e5, 9e5, 1e6])


def cases(folder: Path, rule: str, table: pd.DataFrame, **parameters):
    table.to_csv(folder / "table.csv", index=False)
    defaults = {"table": "table.csv", "where": {}, "panels": []}
    return RULES[rule](Tables(folder, folder), **defaults | parameters)


def outcomes(found):
    return [case.outcome for case in found]


STEADY = {"value": "v", "along": "n", "most": 1.0}


def noisy(deviation: float, seed: int = 0) -> pd.DataFrame:
    """A curve that rises by ten nats a decade, with independent errors."""
    noise = np.random.default_rng(seed).normal(0, deviation, len(COUNTS))
    return pd.DataFrame({"seed": seed, "n": COUNTS, "v": 10 * np.log10(COUNTS) + noise})


@pytest.mark.parametrize(("deviation", "expected"), [(0.0, HOLDS), (0.2, HOLDS), (2.0, UNDECIDED)])
def test_steady(tmp_path, deviation, expected):
    """A straight line has no scatter; what is more than the limit may be training, and decides
    nothing. Points before a tenth of the samples are not looked at."""
    early = pd.DataFrame({"seed": 0, "n": [1e3, 1e4], "v": [1e4, -1e4]})
    (case,) = cases(tmp_path, "steady", pd.concat([early, noisy(deviation)]), **STEADY)
    assert case.outcome == expected
    assert (case.why != "") == (expected == UNDECIDED)
    if not deviation:
        assert case.value == pytest.approx(0.0, abs=1e-20)


def test_steady_takes_the_worst_seed_and_needs_three_points(tmp_path):
    """One noisy seed among quiet ones leaves it undecided, and so do two points."""
    table = pd.concat([noisy(0.1, 1), noisy(3.0, 2), noisy(0.1, 3)])
    assert outcomes(cases(tmp_path, "steady", table, **STEADY)) == [UNDECIDED]
    assert outcomes(cases(tmp_path, "steady", noisy(0.0).iloc[-2:], **STEADY)) == [UNDECIDED]


@pytest.mark.statistical
def test_steady_limits_the_variance_as_it_says(tmp_path):
    """Of 1000 curves with variance 1 the upper limit is below it in at most 5 % (50 ± 4 · 7), and
    the variance is unbiased within 4 standard errors of their mean."""
    from aevb.audit.rules.curves import _scatter

    found = np.array([_scatter(noisy(1.0, seed), "v", "n") for seed in range(1000)])
    assert (found[:, 1] < 1).sum() <= 50 + 4 * math.sqrt(50)
    assert abs(found[:, 0].mean() - 1) < 4 * found[:, 0].std() / math.sqrt(1000)


@pytest.mark.parametrize(
    ("step", "limits", "expected"),
    [
        (15.0, {"least": 1.0}, HOLDS),
        (0.1, {"least": 1.0}, FAILS),
        (0.1, {"least": 0.0, "most": 0.1}, HOLDS),
        (15.0, {"least": 0.0, "most": 0.1}, FAILS),
    ],
)
def test_grain(tmp_path, step, limits, expected):
    """The least distance between points, of the first from the start too, over N."""
    table = pd.concat(
        pd.DataFrame({"size": n, "n": step * n * np.array(multiples)})
        for n, multiples in ((1000, [1, 10, 30]), (50_000, [2, 3, 10]))
    )
    found = cases(tmp_path, "grain", table, size="size", along="n", **limits)
    assert outcomes(found) == [expected] * 2
    assert [case.value for case in found] == pytest.approx([step] * 2)


SCALING = {
    "value": "v",
    "along": "n",
    "by": "algorithm",
    "faster": "AEVB",
    "slower": "MCEM",
    "size": "size",
    "larger": 50_000,
    "smaller": 1000,
    "reached_at": 1e5,
    "factor": 5.0,
}


def learning(slowness: dict[int, float], seeds: int = 3) -> pd.DataFrame:
    """Curves that rise by ten nats a decade; the slower algorithm takes so many times the samples,
    a little more or less from seed to seed."""
    parts = []
    for seed in range(seeds):
        for size, factor in slowness.items():
            for algorithm, times in (("AEVB", 1.0), ("MCEM", factor * 1.01**seed)):
                value = 10 * np.log10(COUNTS / times)
                names = {"seed": seed, "size": size, "algorithm": algorithm}
                parts.append(pd.DataFrame({**names, "n": COUNTS, "v": value}))
    return pd.concat(parts)


@pytest.mark.parametrize(
    ("slowness", "seeds", "value", "expected"),
    [
        ({1000: 1.0, 50_000: 8.0}, 3, 8.0, HOLDS),
        ({1000: 2.0, 50_000: 4.0}, 3, 2.0, FAILS),
        ({1000: 1.0, 50_000: 8.0}, 1, 8.0, UNDECIDED),
        # Never there: at least all of its samples, here ten times those of the smaller.
        ({1000: 1.0, 50_000: 50.0}, 3, 9.9, HOLDS),
    ],
)
def test_scaling(tmp_path, slowness, seeds, value, expected):
    """How the samples to a level grow with the training set, over seeds."""
    (case,) = cases(tmp_path, "scaling", learning(slowness, seeds), **SCALING)
    assert case.outcome == expected and case.value == pytest.approx(value, rel=0.05)


def test_scaling_of_a_level_that_is_not_reached_says_nothing(tmp_path):
    """The faster curve ends before the place that is asked for."""
    table = learning({1000: 1.0, 50_000: 8.0})
    assert cases(tmp_path, "scaling", table, **SCALING | {"reached_at": 1e8}) == []


RATIO = {
    "value": "speed",
    "by": "algorithm",
    "over": "aevb",
    "under": "wake_sleep",
    "repeats": ["size"],
    "alike": ["machine"],
    "standard_error": None,
    "least": 0.5,
    "most": 2.0,
}


def speeds(ratios: list[float], machines: tuple[str, str] = ("a", "a")) -> pd.DataFrame:
    parts = []
    for size, ratio in enumerate(ratios):
        for algorithm, speed, machine in zip(
            ("aevb", "wake_sleep"), (ratio * 100, 100.0), machines, strict=True
        ):
            parts.append((algorithm, size, machine, speed))
    return pd.DataFrame(parts, columns=["algorithm", "size", "machine", "speed"])


@pytest.mark.parametrize(
    ("ratios", "expected"),
    [
        ([1.0, 1.1, 0.9], HOLDS),
        ([3.0, 3.1, 2.9], FAILS),
        ([0.3, 0.31, 0.29], FAILS),
        ([1.0, 3.0, 2.0], UNDECIDED),
        ([1.0, 1.0], UNDECIDED),
    ],
)
def test_ratio_that_is_taken_again(tmp_path, ratios, expected):
    """The geometric mean with its interval; two repetitions decide nothing."""
    (case,) = cases(tmp_path, "ratio", speeds(ratios), **RATIO)
    assert case.outcome == expected
    assert case.value == pytest.approx(np.exp(np.mean(np.log(ratios))))


def test_ratio_of_runs_that_are_not_alike_says_nothing(tmp_path):
    """Speeds of different machines are no pair; with as many that are, these decide."""
    apart = speeds([1.0] * 3, ("a", "b"))
    assert cases(tmp_path, "ratio", apart, **RATIO) == []
    both = pd.concat([apart, speeds([9.0] * 3).assign(size=lambda t: t["size"] + 3)])
    assert outcomes(cases(tmp_path, "ratio", both, **RATIO)) == [FAILS]


SMOOTH = {"named": "dataset", "panels": ["dataset"], "most": 0.5, "apart": 0.05}
MANIFOLD = np.add.outer(np.linspace(0, 1, 10), np.linspace(0, 1, 10))[:, :, None, None] / 2
SHUFFLED = np.random.default_rng(0).permutation(MANIFOLD.reshape(100, 1, 1)).reshape(10, 10, 1, 1)


@pytest.mark.parametrize(
    ("grid", "expected"),
    [
        (MANIFOLD, [HOLDS, HOLDS]),
        # Controls: the same pictures in disorder, and a decoder that makes one picture of all z.
        (SHUFFLED, [FAILS, HOLDS]),
        (0.01 * MANIFOLD, [HOLDS, FAILS]),
        (np.ones((10, 10, 1, 1)), [FAILS, FAILS]),
    ],
)
def test_smooth(tmp_path, grid, expected):
    """Neighbours differ by a tenth of the range, distant pictures by half of it."""
    np.savez(tmp_path / "grid.npz", Tiny=grid)
    places = {"dataset": "Tiny", "row": np.arange(10), "column": 0}
    found = cases(tmp_path, "smooth", pd.DataFrame(places), pictures="grid.npz", **SMOOTH)
    assert outcomes(found) == expected
    if grid is MANIFOLD:
        assert [case.value for case in found] == pytest.approx([1 / 5, 5 / 18])


def test_pictures_that_are_missing_or_damaged_are_told(tmp_path):
    """One line each, as of tables."""
    tables = Tables(tmp_path, tmp_path)
    with pytest.raises(MissingTable, match=r"grid.npz is not there"):
        tables.pictures("grid.npz")
    (tmp_path / "grid.npz").write_bytes(b"none")
    with pytest.raises(DataError, match=r"grid.npz: no archive of arrays"):
        tables.pictures("grid.npz")
