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

    ``low`` and ``high`` are the ends of a 95 % interval, both equal to ``value`` where there is
    none. ``why`` says why a case is undecided. ``panel`` says where it was taken: the values of the
    columns that tell the cases of a check apart, and ``at``, the count along a curve.
    """

    name: str
    value: float
    low: float
    high: float
    least: float
    most: float
    outcome: str
    why: str = ""
    panel: Mapping[str, Any] = {}


class Estimate(NamedTuple):
    """A number and the half width of its 95 % interval.

    ``repeats`` is the number of seeds, or of other repetitions, that it is the mean of; None where
    it is no such mean.
    """

    value: float
    half_width: float = 0.0
    repeats: int | None = None


def over_seeds(values: Sequence[float]) -> Estimate:
    """The mean over seeds, with Student's interval where there are several."""
    values = np.asarray(values, dtype=float)
    n = len(values)
    spread = values.std(ddof=1) if n > 1 else 0.0
    return student(float(values.mean()), spread / math.sqrt(n), n - 1)._replace(repeats=n)


def student(value: float, standard_error: float, freedom: int) -> Estimate:
    """A number whose standard error has so many degrees of freedom; no interval without any."""
    if freedom < 1:
        return Estimate(value)
    return Estimate(value, float(stats.t.ppf((1 + seeds.CONFIDENCE) / 2, freedom) * standard_error))


def normal(value: float, standard_error: float) -> Estimate:
    """A number with a known standard error."""
    return Estimate(value, seeds.half_width_of_error(standard_error))


def judge(
    name: str, estimate: Estimate, *, least: float = -math.inf, most: float = math.inf
) -> Case:
    """Compare a number with its limits, which are inclusive.

    Returns:
        The case: it ``holds`` where the whole interval lies within the limits, ``fails`` where the
        whole interval lies outside them or the number is not finite, and else is ``undecided``, as
        it is for a mean of fewer than :data:`aevb.tables.seeds.ENOUGH` seeds.
    """
    value = estimate.value
    low, high = value - estimate.half_width, value + estimate.half_width
    outcome, why = HOLDS, ""
    if not math.isfinite(low + high):
        outcome = FAILS
    elif too_few := _too_few(estimate.repeats):
        outcome, why = UNDECIDED, too_few
    elif high < least or low > most:
        outcome = FAILS
    elif low < least or high > most:
        outcome, why = UNDECIDED, "the interval reaches over the limit"
    return Case(name, value, low, high, least, most, outcome, why)


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
        is for fewer than :data:`aevb.tables.seeds.ENOUGH` runs.
    """
    half = float(seeds.half_width(spread, n)) if n > 1 else 0.0
    outcome, why = HOLDS, ""
    if not math.isfinite(difference):
        outcome = FAILS
    elif too_few := _too_few(n):
        outcome, why = UNDECIDED, too_few
    elif not abs(difference) <= half:
        outcome = FAILS
    elif half > widest:
        outcome, why = UNDECIDED, "seeds that lie too far apart"
    low, high = difference - half, difference + half
    return Case(name, difference, low, high, -widest, widest, outcome, why)


def judge_share(name: str, hits: int, n: int, expected: float) -> Case:
    """Whether a share agrees with the expected one, by the exact binomial interval (99.9 %, so that
    one true share in a thousand is refused).

    The interval's ends are the case's; it fails where they leave ``expected`` out.
    """
    interval = stats.binomtest(hits, n, expected).proportion_ci(0.999, "exact")
    outcome = HOLDS if interval.low <= expected <= interval.high else FAILS
    low, high = float(interval.low), float(interval.high)
    return Case(name, hits / n, low, high, expected, expected, outcome)


def _too_few(n: int | None) -> str:
    """Why so many repetitions decide nothing; nothing where they do."""
    if n is None or n >= seeds.ENOUGH:
        return ""
    return f"{n} {'seed' if n == 1 else 'seeds'} of the {seeds.ENOUGH} that a verdict takes"
