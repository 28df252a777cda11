"""One comparison of a number with what a claim asks of it, and the intervals that decide it."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy import stats

from aevb.tables import seeds

HOLDS, UNDECIDED, FAILS = "holds", "undecided", "fails"


class Case(NamedTuple):
    """A number, its interval, the limits that the claim sets, and what follows.

    ``low`` and ``high`` are the ends of a 95 % interval, both equal to ``value`` where a single run
    gives none. ``panel`` says where it was taken: the values of the columns that tell the cases of
    a check apart, and ``at``, the count along a curve.
    """

    name: str
    value: float
    low: float
    high: float
    least: float
    most: float
    outcome: str
    panel: Mapping[str, Any] = {}


class Estimate(NamedTuple):
    """A number and the half width of its 95 % interval, 0 where a single run gives none."""

    value: float
    half_width: float = 0.0


def over_seeds(values: Sequence[float]) -> Estimate:
    """The mean over seeds, with Student's interval where there are several."""
    values = np.asarray(values, dtype=float)
    spread = values.std(ddof=1) if len(values) > 1 else 0.0
    return student(float(values.mean()), spread / math.sqrt(len(values)), len(values) - 1)


def student(value: float, standard_error: float, freedom: int) -> Estimate:
    """A number whose standard error has so many degrees of freedom; no interval without any."""
    if freedom < 1:
        return Estimate(value)
    return Estimate(value, float(stats.t.ppf((1 + seeds.CONFIDENCE) / 2, freedom) * standard_error))


def normal(value: float, standard_error: float) -> Estimate:
    """A number with a known standard error."""
    return Estimate(value, float(stats.norm.ppf((1 + seeds.CONFIDENCE) / 2) * standard_error))


def judge(
    name: str, estimate: Estimate, *, least: float = -math.inf, most: float = math.inf
) -> Case:
    """Compare a number with its limits, which are inclusive.

    Returns:
        The case: it ``holds`` where the whole interval lies within the limits, ``fails`` where the
        whole interval lies outside them or the number is not finite, and else is ``undecided``.
    """
    value = estimate.value
    low, high = value - estimate.half_width, value + estimate.half_width
    if not math.isfinite(low + high) or high < least or low > most:
        outcome = FAILS
    else:
        outcome = HOLDS if low >= least and high <= most else UNDECIDED
    return Case(name, value, low, high, least, most, outcome)


def judge_further(name: str, difference: float, spread: float, n: int, *, widest: float) -> Case:
    """Whether one number of another's is a plausible further run beside ``n`` of ours.

    It is where |difference| ≤ t(n − 1) · sd · √(1 + 1/n), Student's 95 % prediction interval of one
    further run: runs differ from seed to seed, and the paper shows one of each.

    Args:
        name: of the case.
        difference: mean of our runs − the other's number.
        spread: standard deviation of our runs, with n − 1.
        n: how many there are.
        widest: half width of the interval beyond which agreement says nothing.

    Returns:
        The case, with the interval around the difference: it ``fails`` where the interval leaves
        out 0, ``holds`` where it has 0 in it and is not too wide, and else is ``undecided``, as it
        is for a single run, which has no spread.
    """
    if n < 2:
        outcome = UNDECIDED if math.isfinite(difference) else FAILS
        return Case(name, difference, difference, difference, -widest, widest, outcome)
    half = float(seeds.half_width(spread, n))
    if not abs(difference) <= half:
        outcome = FAILS
    else:
        outcome = HOLDS if half <= widest else UNDECIDED
    return Case(name, difference, difference - half, difference + half, -widest, widest, outcome)


def judge_share(name: str, hits: int, n: int, expected: float) -> Case:
    """Whether a share agrees with the expected one, by the exact binomial interval (99.9 %, so that
    one true share in a thousand is refused).

    The interval's ends are the case's; it fails where they leave ``expected`` out.
    """
    interval = stats.binomtest(hits, n, expected).proportion_ci(0.999, "exact")
    outcome = HOLDS if interval.low <= expected <= interval.high else FAILS
    low, high = float(interval.low), float(interval.high)
    return Case(name, hits / n, low, high, expected, expected, outcome)
