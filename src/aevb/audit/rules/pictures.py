"""Rules on pictures that a figure keeps beside its table."""

from collections.abc import Sequence

import numpy as np

from aevb.audit.cases import Case, Estimate
from aevb.audit.rules.panels import Where, judged
from aevb.audit.tables import Tables, each_panel


def smooth(
    tables: Tables,
    *,
    table: str,
    pictures: str,
    named: str,
    where: Where,
    panels: Sequence[str],
    most: float,
    apart: float,
) -> list[Case]:
    """A grid of pictures is a smooth manifold: neighbours differ by at most ``most`` times as much
    as pictures half a grid apart, and these by at least ``apart``.

    Pictures differ by the root of their mean squared difference over pixels; the numbers are means
    over all pairs along rows and along columns.
    """
    cases = []
    for panel, rows in each_panel(tables.select(table, where, named, "row", "column"), panels):
        grid = np.asarray(tables.pictures(pictures)[rows[named].iloc[0]], dtype=float)
        grid = grid.reshape(*grid.shape[:2], -1)
        near, far = _apart(grid, 1), _apart(grid, len(grid) // 2)
        ratio = near / far if far > 0 else np.nan
        what = "neighbours' difference over that of distant pictures"
        cases.append(judged(panel, what, Estimate(ratio), most=most, of="neighbours"))
        what = "difference of distant pictures"
        cases.append(judged(panel, what, Estimate(far), least=apart, of="distant"))
    return cases


def _apart(grid: np.ndarray, steps: int) -> float:
    """The mean difference of pictures so many steps apart in a grid [rows, columns, pixels]."""
    pairs = [grid[steps:] - grid[:-steps], grid[:, steps:] - grid[:, :-steps]]
    return float(np.mean(np.concatenate([np.sqrt((d**2).mean(-1)).ravel() for d in pairs])))
