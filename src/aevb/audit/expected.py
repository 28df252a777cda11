"""The rows that the tables of a record must have, as its configuration says.

A table is described by the columns that tell its rows apart. With these rows and the same rules it
is known how many cases each claim must have, whatever data sets the record is of.
"""

import fnmatch
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from aevb import catalogue
from aevb.audit.tables import OUTSIDE, MissingTable, Tables, matching
from aevb.catalogue.rows import ALONG, Part, likelihoods
from aevb.errors import AevbError
from aevb.workflow.outputs import Outputs

_MEASURED = {
    "figures/fig2.csv": ("lower_bound",),
    "figures/fig3.csv": ("marginal_log_likelihood", "n_flagged", "n_points"),
}
"""Columns that the distance from the paper's curves is taken from."""


class Gap(NamedTuple):
    """Rows that a record is known not to have, and why.

    It is a gap of the record alone whose manifest names ``checkout``. In place of a table it may
    have a ``part`` of the configuration that is newer than the record, with all its ``products``,
    or a ``setting`` that ``was`` another.
    """

    checkout: str
    why: str
    table: str | None = None
    where: Mapping[str, Any] = {}
    part: str | None = None
    setting: str | None = None
    was: Any = None
    products: tuple[catalogue.Product, ...] = ()

    def has(self, table: str | None) -> bool:
        """Whether the table is part of it."""
        lacking = [one.file for product in self.products for one in product.tables]
        return table is not None and table in (self.table, *lacking)


class Rows(NamedTuple):
    """The rows of one table: their keys, and for curves how far they go."""

    keys: pd.DataFrame
    reach: str | None = None
    """The column of ``keys`` that holds a curve's end in training samples, for no other use."""


def rows(outputs: Outputs) -> dict[str, Rows]:
    """By table; a table that is not made of this configuration, or not of these data, is empty."""
    found = {
        name: _table(table.rows(outputs))
        for name, table in catalogue.tables().items()
        if table.rows
    }
    figure = outputs.settings["figures"]["fig3"]
    names = [n for n in dict.fromkeys([*figure["estimators"], figure["bound"]]) if n is not None]
    for run in outputs.fig3_runs():
        found[f"{run.folder}/likelihood.csv"] = _table([likelihoods(run, outputs, names)])
    return found


def absent(table: str, wanted: Rows, tables: Tables) -> list[str]:
    """The rows that a record lacks, in words; a table that it lacks is one."""
    if wanted.keys.empty:
        return []
    keys = [column for column in wanted.keys if column != wanted.reach]
    try:
        found = tables.read(table)
    except MissingTable:
        return [f"{table} is missing"]
    without = [column for column in keys if column not in found]
    if without:
        return [f"{table} has no column {without[0]!r}"]
    there = set(_texts(found[keys].drop_duplicates()))
    lacking = [row for row in dict.fromkeys(_texts(wanted.keys[keys])) if row not in there]
    named = [", ".join(f"{k} {v}" for k, v in zip(keys, row, strict=True)) for row in lacking]
    return [f"{table} has no row with {name}" for name in named]


def rows_of(gap: Gap, wanted: Rows) -> pd.DataFrame:
    """The keys of a table's rows that a gap is made of."""
    found = wanted.keys
    for column, value in gap.where.items():
        found = matching(found, column, value)
    return found


class Expected(Tables):
    """The rows that a record must have in place of its tables, each number 1.

    Args:
        wanted: see :func:`rows`.
        resources: where the paper's curves and the reference numbers lie.
        gaps: of the record; their rows are not expected.
    """

    def __init__(self, wanted: Mapping[str, Rows], resources: Path, gaps: Sequence[Gap] = ()):
        super().__init__(Path(), resources)
        self.gaps = tuple(gaps)
        self.wanted = dict(wanted)
        self._columns: list[str] = []
        for gap in gaps:
            for name in self.names(gap.table) if gap.table else ():
                rest = self.wanted[name].keys.drop(rows_of(gap, self.wanted[name]).index)
                self.wanted[name] = self.wanted[name]._replace(keys=rest)

    def names(self, pattern: str) -> list[str]:
        """The tables that are meant by a name with or without wildcards."""
        return sorted(fnmatch.filter(self.wanted, pattern))

    def count(self, rule: Any, parameters: Mapping[str, Any]) -> int | None:
        """How many cases a rule must find in the record; None where nothing is known of its table
        or of a column."""
        table = parameters.get("table") or f"figures/{parameters.get('figure')}.csv"
        if not table.startswith(OUTSIDE):
            named = self.names(table)
            if not named and "*" not in table:
                return None
            if all(self.wanted[name].keys.empty for name in named):
                return 0
        given = [parameters.get(key) for key in ("value", "standard_error", "truth")]
        self._columns = [column for column in (*given, *parameters.get("alike", ())) if column]
        try:
            return len(rule(self, **parameters))
        except (AevbError, ValueError, LookupError, TypeError, AttributeError):
            return None

    def read(self, name: str) -> pd.DataFrame:
        """See Tables.read."""
        if name.startswith(OUTSIDE):
            return super().read(name)
        if not self.names(name):
            raise MissingTable(f"{name} is not there")
        return pd.concat([self._frame(one, "*" in name) for one in self.names(name)])

    def pictures(self, name: str) -> Mapping[str, np.ndarray]:
        """See Tables.pictures; all of them are the same."""
        return defaultdict(lambda: np.zeros((2, 2, 1)))

    def _frame(self, name: str, wild: bool) -> pd.DataFrame:
        keys, reach = self.wanted[name]
        if reach:
            start = keys.assign(**{reach: 1})
            keys = pd.concat([start, keys], ignore_index=True)
        if wild:
            keys = keys.assign(run=str(Path(name).parent.relative_to("runs")))
        more = [c for c in (*_MEASURED.get(name, ()), *self._columns) if c not in keys]
        return keys.assign(**dict.fromkeys(more, 1.0))


def _table(parts: Iterable[Part]) -> Rows:
    """The union of products: each part gives one value or several for each column."""
    frames = []
    for part in parts:
        values = [
            [value] if isinstance(value, str) or not isinstance(value, Iterable) else list(value)
            for value in part.values()
        ]
        frames.append(pd.DataFrame(product(*values), columns=list(part)))
    keys = pd.concat(frames).drop_duplicates(ignore_index=True) if frames else pd.DataFrame()
    return Rows(keys, ALONG if ALONG in keys else None)


def _texts(table: pd.DataFrame) -> list[tuple[str, ...]]:
    """The distinct rows of a table as text, numbers in one form whatever their type."""
    return list(zip(*(map(_text, table[c]) for c in table), strict=True)) if len(table) else []


def _text(value: Any) -> str:
    if value is None or value != value:
        return "none"
    try:
        return f"{float(value):.12g}"
    except (TypeError, ValueError):
        return str(value)
