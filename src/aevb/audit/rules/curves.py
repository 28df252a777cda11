"""Rules on curves along training: which lies above, by how much, how fast.

What is compared are means over seeds: too few of them decide nothing.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from aevb.audit.cases import HOLDS, UNDECIDED, Case, Estimate, judge_further
from aevb.audit.rules.panels import Where, counts, geometric, judged, named, of_runs
from aevb.audit.tables import Tables, by_seed, each_panel, matching, reach, value_at
from aevb.errors import ConfigError
from aevb.tables import fig2_distance, fig3_distance, likelihood_curves, seeds
from aevb.tables.curves import CURVE as FIG2_CURVE
from aevb.tables.curves import TRAINING_IMAGES, read_paper_curves
from aevb.tables.likelihood_curves import read_paper_likelihoods


def order(
    tables: Tables,
    *,
    table: str,
    value: str,
    by: str,
    higher: Any,
    lower: Sequence[Any],
    where: Where,
    panels: Sequence[str],
    along: str | None,
    cost: str | None,
    at: Sequence[float] | None,
    margin: float,
) -> list[Case]:
    """One curve lies above others: the difference is at least ``margin`` in every panel.

    Along a curve it is compared at each count of ``at`` that both reach, without one at the last
    that both reach; seed by seed, so that what the seeds share cancels. With ``cost`` the counts
    are those of ``along`` times that column.
    """
    cases = []
    selected = tables.select(table, where, value, by, along, cost)
    if along and cost:
        selected = selected.assign(**{along: selected[along] * selected[cost]})
    for panel, rows in each_panel(selected, panels):
        above = matching(rows, by, higher)
        for other in lower:
            below = matching(rows, by, other)
            if above.empty or below.empty:
                continue
            for count in counts(at, along, above, below):
                found = _differences(above, below, value, along, count).values()
                found = [difference for difference in found if not math.isnan(difference)]
                if found:
                    what = f"{higher} − {other}"
                    estimate = of_runs(table, found)
                    cases.append(judged(panel, what, estimate, count, least=margin, lower=other))
    return cases


def gap(
    tables: Tables,
    *,
    table: str,
    value: str,
    by: str,
    larger: Any,
    smaller: Sequence[Any],
    where: Where,
    panels: Sequence[str],
    along: str,
    tolerance: float = math.inf,
    least: float = -math.inf,
) -> list[Case]:
    """The larger model's gap between training and test images exceeds the smaller one's by at most
    ``tolerance`` and at least ``least``, at the end of the curves. ``value`` is the gap, or of a
    table of several splits the bound that it is taken from."""
    cases = []
    for panel, rows in each_panel(tables.select(table, where, value, by, along), panels):
        found = {str(model): _gap_of(curve, value, along) for model, curve in rows.groupby(by)}
        curves = {model: curve for model, curve in found.items() if len(curve)}
        for other in smaller:
            if not {str(larger), str(other)} <= set(curves):
                continue
            pair = curves[str(larger)], curves[str(other)]
            end = min(reach(curve, along) for curve in pair)
            grown = list(_differences(*pair, value, along, end).values())
            if grown:
                what = f"gap at {larger} − gap at {other}"
                limits = {"least": least, "most": tolerance}
                estimate = of_runs(table, grown)
                cases.append(judged(panel, what, estimate, smaller=other, **limits))
    return cases


def _gap_of(curves: pd.DataFrame, value: str, along: str) -> pd.DataFrame:
    """The gap along training, of a table that has it or the splits that it is between."""
    if "split" not in curves:
        return curves
    splits = dict(tuple(curves.groupby("split")))
    trained, test = splits.get(TRAINING_IMAGES, splits.get("train")), splits.get("test")
    if trained is None or test is None:
        return curves[:0]
    point = [along, *(["seed"] if "seed" in curves else [])]
    pairs = trained.merge(test, on=point, suffixes=("", "_test"))
    return pairs.assign(**{value: pairs[value] - pairs[f"{value}_test"]})


def faster(
    tables: Tables,
    *,
    table: str,
    value: str,
    by: str,
    faster: Any,
    slower: Any,
    where: Where,
    panels: Sequence[str],
    along: str,
    factor: float,
) -> list[Case]:
    """The slower curve's samples over those that the faster one needs for the value at which the
    slower one ends, at least ``factor``; 0 where it never comes there. Over seeds it is the
    geometric mean, with its interval, since ratios are skewed."""
    cases = []
    for panel, rows in each_panel(tables.select(table, where, value, by, along), panels):
        quick = by_seed(matching(rows, by, faster))
        slow = by_seed(matching(rows, by, slower))
        ratios = []
        for seed in sorted(set(quick) & set(slow)):
            end = reach(slow[seed], along)
            target = value_at(slow[seed], value, along, end)
            needed = first_reached(quick[seed], value, along, target)
            ratios.append(end / needed)
        if ratios:
            what = f"samples of {slower} over those of {faster}"
            if min(ratios) == 0:
                never = Estimate(0.0, repeats=len(ratios))
                cases.append(judged(panel, what, never, least=factor))
                continue
            cases.append(geometric(panel, what, of_runs(table, np.log10(ratios)), least=factor))
    return cases


def first_reached(curve: pd.DataFrame, value: str, along: str, target: float) -> float:
    """The first count at which a curve has come to ``target``, linear in log10 of the count between
    its points; infinite where it never does."""
    curve = curve.sort_values(along)
    counts = curve[along].to_numpy(dtype=float)
    values = curve[value].to_numpy(dtype=float)
    above = np.flatnonzero(values >= target)
    if not above.size:
        return math.inf
    i = int(above[0])
    if i == 0:
        return float(counts[0])
    share = (target - values[i - 1]) / (values[i] - values[i - 1])
    logs = np.log10(counts[i - 1 : i + 1])
    return float(10 ** (logs[0] + share * (logs[1] - logs[0])))


def scaling(
    tables: Tables,
    *,
    table: str,
    value: str,
    by: str,
    faster: Any,
    slower: Any,
    size: str,
    larger: Any,
    smaller: Any,
    where: Where,
    panels: Sequence[str],
    along: str,
    reached_at: float,
    factor: float,
) -> list[Case]:
    """How much more the slower curve falls behind where there is more data: the samples that it
    needs for what the faster one has at ``reached_at``, with ``larger`` over with ``smaller``, at
    least ``factor``. A curve that never comes there counts with all its samples: it needs more."""
    cases = []
    for panel, rows in each_panel(tables.select(table, where, value, by, along, size), panels):
        needed = {}
        for n in (larger, smaller):
            of_size = matching(rows, size, n)
            quick = by_seed(matching(of_size, by, faster))
            slow = by_seed(matching(of_size, by, slower))
            for seed in set(quick) & set(slow):
                target = value_at(quick[seed], value, along, reached_at)
                if not math.isnan(target):
                    reached = first_reached(slow[seed], value, along, target)
                    needed[n, seed] = min(reached, reach(slow[seed], along))
        both = sorted({seed for n, seed in needed if n == smaller and (larger, seed) in needed})
        if both:
            ratios = [needed[larger, seed] / needed[smaller, seed] for seed in both]
            what = (
                f"samples of {slower} for {faster}'s at {reached_at:,.0f}, {larger} over {smaller}"
            )
            cases.append(geometric(panel, what, of_runs(table, np.log10(ratios)), least=factor))
    return cases


def grain(
    tables: Tables,
    *,
    table: str,
    size: str,
    where: Where,
    panels: Sequence[str],
    along: str,
    least: float = -math.inf,
    most: float = math.inf,
) -> list[Case]:
    """The samples that an algorithm takes at least before its parameters change, over the number of
    training images: the least distance between points of a curve, and from its start. It is the
    same of every seed."""
    cases = []
    for panel, rows in each_panel(tables.select(table, where, along, size), [*panels, size]):
        finest = float(np.diff(np.unique([0, *rows[along]])).min())
        estimate = Estimate(finest / float(panel[size]))
        what = "least samples between points over N"
        cases.append(judged(panel, what, estimate, least=least, most=most))
    return cases


def steady(
    tables: Tables,
    *,
    table: str,
    value: str,
    where: Where,
    panels: Sequence[str],
    along: str,
    most: float,
) -> list[Case]:
    """The variance of the estimates of which a curve consists is at most ``most``.

    It is that of the points about the straight lines between their neighbours, from a tenth of the
    samples on, the largest over seeds, with the upper end of its one-sided 95 % interval. What
    training itself does between two points is in it, so a larger one decides nothing.
    """
    cases = []
    for panel, rows in each_panel(tables.select(table, where, value, along), panels):
        found = [_scatter(curve, value, along) for curve in by_seed(rows).values()]
        variance, high = max(found, key=lambda one: one[1])
        name = named(panel, "variance about the neighbours' line")
        case = Case(name, variance, variance, high, -math.inf, most, HOLDS, panel=panel)
        if not high <= most:
            why = "what training does between two points is in the variance"
            case = case._replace(outcome=UNDECIDED, why=why)
        cases.append(case)
    return cases


def _scatter(curve: pd.DataFrame, value: str, along: str) -> tuple[float, float]:
    """The variance of a curve's points about the line between their neighbours, linear in log10 of
    the count, and its upper limit; infinite of fewer than three points.

    Of independent errors with variance σ², a point minus the line has (1 + w² + (1 − w)²) σ², with
    the weights w and 1 − w of the neighbours. Neighbouring residuals share points: half as many
    degrees of freedom are taken.
    """
    curve = curve[curve[along] >= reach(curve, along) / 10].sort_values(along)
    x, y = np.log10(curve[along].to_numpy(float)), curve[value].to_numpy(float)
    if len(x) < 3:
        return math.inf, math.inf
    w = (x[1:-1] - x[:-2]) / (x[2:] - x[:-2])
    residual = y[1:-1] - (w * y[2:] + (1 - w) * y[:-2])
    variance = float(np.mean(residual**2 / (1 + w**2 + (1 - w) ** 2)))
    freedom = max(len(residual) // 2, 1)
    return variance, variance * freedom / float(stats.chi2.ppf(1 - seeds.CONFIDENCE, freedom))


def decline(
    tables: Tables,
    *,
    table: str,
    value: str,
    where: Where,
    panels: Sequence[str],
    along: str,
    beyond: float,
    least: float,
) -> list[Case]:
    """Past ``beyond`` samples the test value has fallen by at least ``least`` from its maximum,
    while the training value has risen: overfitting."""
    cases = []
    for panel, rows in each_panel(tables.select(table, where, value, along), panels):
        falls, rises = [], []
        for curve in by_seed(rows).values():
            test = curve[curve["split"] == "test"].sort_values(along)
            train = curve[curve["split"] == "train"]
            if test.empty or train.empty or reach(test, along) <= beyond:
                continue
            best = test.loc[test[value].idxmax()]
            falls.append(best[value] - test[value].iloc[-1])
            end = min(reach(test, along), reach(train, along))
            ends = [value_at(train, value, along, count) for count in (best[along], end)]
            rises.append(ends[1] - ends[0])
        if falls:
            for what, changes, limit in (
                ("fall of test", falls, least),
                ("rise of train", rises, 0.0),
            ):
                cases.append(judged(panel, what, of_runs(table, changes), least=limit))
    return cases


def bounded(
    tables: Tables,
    *,
    table: str,
    value: str,
    by: str,
    bound: str,
    exact: str,
    where: Where,
    panels: Sequence[str],
    along: str,
    tolerance: float,
) -> list[Case]:
    """A lower bound exceeds the exact value nowhere: the largest excess at any point of a curve is
    at most ``tolerance``, the noise of the bound's estimate."""
    cases = []
    for panel, rows in each_panel(tables.select(table, where, value, by, along), panels):
        index = [along, *(["seed"] if "seed" in rows else [])]
        rows = rows[rows[by].isin([bound, exact])]
        if rows.duplicated([*index, by]).any():
            raise ConfigError(f"claims: {table}: panels {list(panels)} do not tell its runs apart")
        pairs = rows.pivot(index=index, columns=by, values=value)
        if not {bound, exact} <= set(pairs):
            continue
        excess = (pairs[bound] - pairs[exact]).dropna()
        if len(excess):
            what = f"largest of bound − log p(x) at {len(excess)} points"
            estimate = Estimate(float(excess.max()))
            cases.append(judged(panel, what, estimate, most=tolerance))
    return cases


def distance(
    tables: Tables,
    *,
    figure: str,
    at: Sequence[float],
    where: Where,
    widest: float,
) -> list[Case]:
    """The paper's curve is a plausible further seed of ours at matched sample counts, see
    :func:`aevb.audit.cases.judge_further`."""
    rows = tables.select(f"figures/{figure}.csv", {"source": "ours", **where})
    if rows.empty:
        return []
    if figure == "fig2":
        theirs = read_paper_curves(tables.path("paper/fig2_lower_bound.csv"))
        found, key = fig2_distance.distance(rows, theirs, at), FIG2_CURVE
    else:
        theirs = read_paper_likelihoods(tables.path("paper/fig3_marginal_likelihood.csv"))
        found = fig3_distance.distance(rows, theirs, at)
        key = [*likelihood_curves.CURVE[2:], "estimator"]
    cases = []
    for panel, group in each_panel(found, key):
        for row in group.itertuples():
            count = row.training_samples
            name = named(panel, f"mean of {row.n_seeds} − paper", count)
            case = judge_further(name, row.difference, row.seed_sd, row.n_seeds, widest=widest)
            cases.append(case._replace(panel={**panel, "at": count}))
    return cases


def _differences(
    above: pd.DataFrame, below: pd.DataFrame, value: str, along: str | None, count: float | None
) -> dict[Any, float]:
    """One curve minus another at a count, for each seed of both; NaN where one ends before."""
    first, second = by_seed(above), by_seed(below)
    return {
        seed: value_at(first[seed], value, along, count)
        - value_at(second[seed], value, along, count)
        for seed in sorted(set(first) & set(second))
    }
