"""What the rules have in common: where curves are compared, and a panel's number as a case."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from aevb.audit.cases import Case, Estimate, judge, over_seeds
from aevb.audit.tables import OUTSIDE, panel_name, reach

Where = Mapping[str, Any]
"""Values of columns, one or a list each, that a table's rows must have."""


def counts(
    at: Sequence[float] | None, along: str | None, *curves: pd.DataFrame
) -> Iterator[float | None]:
    """Where to compare: nowhere in particular without a curve, else what all the curves reach."""
    if along is None:
        yield None
        return
    end = min(reach(curve, along) for curve in curves)
    yield from [end] if at is None else [count for count in at if count <= end]


def of_runs(table: str, values: Sequence[float]) -> Estimate:
    """What runs of different seeds say, see :func:`aevb.audit.cases.over_seeds`, whatever columns
    their table has. The paper's curves are meant themselves, one of each, and no mean."""
    estimate = over_seeds(values)
    return estimate._replace(repeats=None) if table.startswith(OUTSIDE) else estimate


def judged(
    panel: Mapping[str, Any],
    what: str,
    estimate: Estimate,
    count: float | None = None,
    *,
    least: float = -math.inf,
    most: float = math.inf,
    **also: Any,
) -> Case:
    """A number of a panel against its limits; ``also`` tells it from others of the same panel."""
    at = {} if count is None else {"at": count}
    case = judge(named(panel, what, count), estimate, least=least, most=most)
    return case._replace(panel={**panel, **also, **at})


def geometric(
    panel: Mapping[str, Any],
    what: str,
    logs: Estimate,
    *,
    least: float = 0.0,
    most: float = math.inf,
) -> Case:
    """A geometric mean against its limits, given as the mean of log10 of what is positive: ratios
    are skewed, their logarithms less so."""
    lowest = math.log10(least) if least > 0 else -math.inf
    case = judged(panel, what, logs, least=lowest, most=math.log10(most))
    ends = {key: 10 ** getattr(case, key) for key in ("value", "low", "high")}
    return case._replace(least=least or -math.inf, most=most, **ends)


def named(panel: Mapping[str, Any], what: str, count: float | None = None) -> str:
    """What a case is called: its panel, what is compared, and where on a curve."""
    parts = [part for part in (panel_name(panel), what) if part]
    return ": ".join(parts) + (f" at {count:,.0f} samples" if count is not None else "")
