"""Whether all that a record must hold is in it: files, data sets, rows, numbers."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from aevb import catalogue
from aevb.audit import manifest
from aevb.audit.expected import Gap, absent, rows, rows_of
from aevb.audit.record import ABSENT, GAP, WRONG, Finding, Problems, Record, in_words
from aevb.audit.tables import read_csv

_NO_NUMBERS = {"nan", "inf", "-inf", "infinity"}

_MAY_BE_EMPTY = {
    *("n_train", "objective", "mean_over_panels", "standard_error", "acceptance", "rhat", "ess"),
    *("divergences", "bias_passed", "n_points", "n_flagged", "marginal_log_likelihood_passed"),
    *("seconds", "likelihood_evaluations"),
}
"""Columns in which an empty cell says that there is no such number, not that it is lost: of the
tables in the runs' folders, as the catalogue says it of the others."""


def hashes(record: Record) -> tuple[Problems, str]:
    """Every file is there as the manifest lists it."""
    wrong, further = manifest.differences(record.folder, record.contents)
    said = f"{len(record.contents.files)} files as the manifest lists them"
    return wrong, said + (f"; {len(further)} further files" if further else "")


def outputs(record: Record) -> tuple[Problems, str]:
    """Everything that the configuration has drawn and tabulated is there, and in the manifest."""
    wanted, files = catalogue.files(record.outputs), record.contents.files
    problems = [f"{name} is missing" for name in wanted if not (record.folder / name).exists()]
    problems += [f"{name} is not in the manifest" for name in wanted if name not in files]
    for name in set(wanted) & set(catalogue.tables()):
        if (record.folder / name).exists():
            problems += _columns(record, name)
    return problems, f"{len(wanted)} figures, tables and pages that are configured are there"


def _columns(record: Record, name: str) -> Problems:
    """Whether the columns are those of the catalogue, in its order."""
    wanted, found = catalogue.tables()[name].columns.split(), list(record.tables.read(name))
    lacking = [column for column in wanted if column not in found]
    if lacking:
        return [f"{name} has no column {lacking[0]!r}"]
    if found != wanted:
        return [f"{name} has the columns {', '.join(found)}, not {', '.join(wanted)}"]
    return []


def rows_asked(record: Record) -> tuple[Problems, str]:
    """Every row that the configuration asks of a table is there, whatever else is."""
    problems, n = [], 0
    wanted = record.expected.wanted
    for name, one in wanted.items():
        problems += absent(name, one, record.tables)
        n += len(one.keys)
    tables = sum(not one.keys.empty for one in wanted.values())
    return problems, f"{n:,} rows that are configured are in {tables} tables"


def data(record: Record) -> tuple[Problems, str]:
    """The data sets are those configured, and nothing is there of one that was left out."""
    told, definitions = record.contents.data, record.outputs.definitions
    wanted = record.outputs.datasets()
    problems = [
        f"the manifest does not say whether {name} could be had"
        for name in wanted
        if name not in told
    ]
    for name in set(wanted) & set(told) - record.contents.left_out:
        for file, content in definitions[name]["files"].items():
            pinned, found = content.get("sha256"), (told[name].get("sha256") or {}).get(file)
            if pinned not in (None, found):
                problems.append(f"{name}: {file} had the sha256 {found}, not {pinned}")
    for name in set(wanted) & record.contents.left_out:
        problems += [
            f"{name} is said to have been left out, but {file} is of it"
            for file in _of_dataset(record, name, definitions[name]["label"])
        ]
    left_out = f" ({', '.join(sorted(record.contents.left_out))} left out)"
    said = f"{len(wanted)} data sets as configured"
    return problems, said + (left_out if record.contents.left_out else "")


def _of_dataset(record: Record, name: str, label: str) -> Iterator[str]:
    """The runs of a data set, and the tables of this record that have rows of it."""
    for file in manifest.names(record.folder):
        if file.startswith("runs/") and name in file.split("/"):
            yield file
    for file in catalogue.files(record.outputs):
        if file.endswith(".csv") and (record.folder / file).exists():
            table = read_csv(record.folder / file)
            if "source" in table:
                table = table[table["source"] != "paper"]
            columns = [c for c in ("dataset", "condition", "kind") if c in table]
            if any((table[column] == label).any() for column in columns):
                yield file


def known_gap(record: Record, gap: Gap) -> Finding:
    """Whether a known gap is there, all of it."""
    if gap.setting:
        return _other(record, gap)
    if gap.part:
        return _unmade(record, gap)
    everything = rows(record.outputs)
    named = f"{gap.table} with {', '.join(f'{k} {v}' for k, v in gap.where.items())}"
    asked, lacking = 0, 0
    for name in record.expected.names(gap.table):
        wanted = everything[name]._replace(keys=rows_of(gap, everything[name]))
        asked += len(wanted.keys)
        lacking += len(absent(name, wanted, record.tables))
    if lacking < asked:
        what = f"{asked - lacking} of {asked} rows are there; correct `gaps` in config/claims.yaml"
        return Finding("known gap", WRONG, f"{named}: {what}")
    if not asked:
        return Finding("known gap", ABSENT, f"{named}: not part of this record")
    return Finding("known gap", GAP, f"{lacking} rows of {named} are not there: {gap.why}")


def _other(record: Record, gap: Gap) -> Finding:
    """The same of a setting. That the record has it is seen where configurations are compared."""
    now = record.given
    for key in gap.setting.split("."):
        now = now[key]
    if now == gap.was:
        what = f"{gap.setting} is {now} now, too; correct `gaps` in config/claims.yaml"
        return Finding(gap.setting, WRONG, what)
    return Finding(gap.setting, GAP, f"{gap.was} in the record, {now} now: {gap.why}")


def _unmade(record: Record, gap: Gap) -> Finding:
    """The same of a part of the configuration."""
    name = gap.part.replace("_", " ")
    files = [file for one in gap.products for file in one.files()]
    there = [file for file in files if (record.folder / file).exists()]
    if there:
        what = f"{there[0]} is there; correct `gaps` in config/claims.yaml"
        return Finding(name, WRONG, what)
    if not files:
        return Finding(name, ABSENT, "not part of this record")
    products = ", ".join(one.name for one in gap.products)
    return Finding(name, GAP, f"not run: {products}; {gap.why}")


def numbers(record: Record) -> tuple[Problems, str]:
    """No table has a cell that is not a number where one is due."""
    problems, products = [], catalogue.tables()
    names = [name for name in manifest.names(record.folder) if name.endswith(".csv")]
    for name in names:
        try:
            table = pd.read_csv(record.folder / name, keep_default_na=False, na_values=[""])
        except ValueError as error:
            problems.append(f"{name}: {in_words(error)}")
            continue
        optional = products[name].may_be_empty.split() if name in products else _MAY_BE_EMPTY
        for column in table:
            cells = table[column]
            empty = cells.isna()
            if pd.api.types.is_numeric_dtype(cells):
                words = np.isinf(cells)
            else:
                named = [text for text in cells.unique() if str(text).lower() in _NO_NUMBERS]
                words = cells.isin(named)
            lost = empty if column not in optional else empty & False
            bad = np.flatnonzero((words & ~empty) | lost)
            if bad.size:
                what = "empty" if empty.iloc[bad[0]] else repr(cells.iloc[bad[0]])
                problems.append(f"{name}, line {bad[0] + 2}, column {column!r}: {what}")
    return problems, f"no NaN, no infinity and no lost cell in {len(names)} tables"
