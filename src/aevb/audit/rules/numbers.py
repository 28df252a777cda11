"""Rules on numbers: their limits, ratios, slopes and intervals, and those to come out again."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from aevb.audit.cases import Case, Estimate, judge_share, normal, over_seeds, student
from aevb.audit.rules.panels import Where, counts, geometric, judged, named
from aevb.audit.tables import (
    Tables,
    by_seed,
    each_panel,
    matching,
    panel_name,
    reach,
    require,
    same,
    value_at,
)


def within(
    tables: Tables,
    *,
    table: str,
    value: str,
    where: Where,
    panels: Sequence[str],
    least: float = -math.inf,
    most: float = math.inf,
    absolute: bool,
    standard_error: str | None,
    along: str | None,
    at: Sequence[float] | None,
) -> list[Case]:
    """Each number lies from ``least`` to ``most``, with its standard error where it has one, or as
    a mean over seeds where its table has them."""
    cases = []
    for panel, rows in each_panel(tables.select(table, where, value, along), panels):
        for count in counts(at, along, rows):
            found = [value_at(one, value, along, count) for one in by_seed(rows).values()]
            # A curve has no value where it ends before; anything else that is none is lost.
            found = [abs(v) if absolute else v for v in found if along is None or not math.isnan(v)]
            if not found:
                continue
            estimate = over_seeds(found) if "seed" in rows else Estimate(found[0])
            if standard_error is not None:
                require(rows, table, standard_error)
                estimate = normal(found[0], value_at(rows, standard_error, along, count))
            what = f"size of {value}" if absolute else value
            cases.append(judged(panel, what, estimate, count, least=least, most=most))
    return cases


def ratio(
    tables: Tables,
    *,
    table: str,
    value: str,
    by: str,
    over: Any,
    under: Any,
    where: Where,
    panels: Sequence[str],
    least: float = -math.inf,
    most: float = math.inf,
    standard_error: str | None,
    repeats: Sequence[str],
    alike: Sequence[str],
) -> list[Case]:
    """One number over another lies from ``least`` to ``most``.

    Its error is by the delta method, the largest that the errors of the two allow, whatever their
    correlation: both may be of the same minibatches and noise. Where it is taken
    again for each value of ``repeats`` it is the geometric mean over these, with its interval, of
    the pairs that do not differ in the columns ``alike``.
    """
    cases = []
    for panel, rows in each_panel(tables.select(table, where, value, by, *alike), panels):
        if repeats:
            found = _repeated(rows, value, by, (over, under), repeats, alike)
            if found:
                what, limits = f"{over} over {under}", {"least": least, "most": most}
                cases.append(geometric(panel, what, over_seeds(np.log10(found)), **limits))
            continue
        top = matching(rows, by, over)
        bottom = matching(rows, by, under)
        if top.empty or bottom.empty:
            continue
        numbers = [value_at(part, value, None, None) for part in (top, bottom)]
        estimate = Estimate(numbers[0] / numbers[1])
        if standard_error is not None:
            errors = [value_at(part, standard_error, None, None) for part in (top, bottom)]
            relative = [e / abs(n) for e, n in zip(errors, numbers, strict=True)]
            estimate = normal(estimate.value, abs(estimate.value) * sum(relative))
        cases.append(judged(panel, f"{over} over {under}", estimate, least=least, most=most))
    return cases


def _repeated(
    rows: pd.DataFrame,
    value: str,
    by: str,
    pair: tuple[Any, Any],
    repeats: Sequence[str],
    alike: Sequence[str],
) -> list[float]:
    """The ratio in each group of the columns ``repeats`` that has both numbers, of like rows."""
    found = []
    for _, group in rows.groupby(list(repeats), dropna=False):
        top, bottom = (matching(group, by, one) for one in pair)
        if len(top) == len(bottom) == 1 and all(
            same(top[column].iloc[0], bottom[column].iloc[0]) for column in alike
        ):
            found.append(float(top[value].iloc[0]) / float(bottom[value].iloc[0]))
    return found


def slope(
    tables: Tables,
    *,
    table: str,
    value: str,
    along: str,
    where: Where,
    panels: Sequence[str],
    target: float,
    tolerance: float,
) -> list[Case]:
    """The slope of a value against another on logarithmic axes, by least squares, lies within
    ``tolerance`` of ``target``; with Student's interval of the slope."""
    cases = []
    for panel, rows in each_panel(tables.select(table, where, value, along), panels):
        if len(rows) < 3:
            continue
        fit = stats.linregress(np.log10(rows[along]), np.log10(rows[value]))
        estimate = student(float(fit.slope), float(fit.stderr), len(rows) - 2)
        what = f"slope of log {value} against log {along}"
        limits = {"least": target - tolerance, "most": target + tolerance}
        cases.append(judged(panel, what, estimate, **limits))
    return cases


def coverage(
    tables: Tables,
    *,
    table: str,
    value: str,
    truth: str,
    standard_error: str,
    where: Where,
    panels: Sequence[str],
    level: float,
) -> list[Case]:
    """Intervals of the given level hold the truth as often as they should."""
    cases = []
    rows = tables.select(table, where, value, truth, standard_error)
    for panel, group in each_panel(rows, panels):
        z = (group[value] - group[truth]).abs() / group[standard_error]
        hits = int((z <= stats.norm.ppf((1 + level) / 2)).sum())
        what = f"share of {len(group)} {level:.0%} intervals with the truth"
        case = judge_share(named(panel, what), hits, len(group), level)
        cases.append(case._replace(panel=panel))
    return cases


def reference(
    tables: Tables,
    *,
    table: str,
    value: str,
    where: Where,
    key: Sequence[str],
    along: str | None,
    numbers: str,
    tolerance: float,
) -> list[Case]:
    """Each number of the reference table ``numbers`` comes out again,
    within ``tolerance``; along a curve its last one. One that is missing fails."""
    expected = tables.read(numbers)
    require(expected, numbers, *key, value)
    for column, wanted in where.items():
        if column in expected:
            expected = matching(expected, column, wanted)
    found = {}
    ours = tables.select(table, where, value, *key, along)
    if ours.empty:
        return []
    for panel, rows in each_panel(ours, key):
        end = reach(rows, along) if along else None
        seeds = [value_at(one, value, along, end) for one in by_seed(rows).values()]
        found[panel_name(panel)] = float(np.mean(seeds))
    cases, limits = [], {"least": -tolerance, "most": tolerance}
    for panel, rows in each_panel(expected, key):
        difference = found.get(panel_name(panel), math.nan) - float(rows[value].iloc[0])
        cases.append(judged(panel, f"{value} − reference", Estimate(difference), **limits))
    return cases
