"""Whether a finished record is whole, unaltered, and of the configuration that it is said to be of.

What can be computed again from other files of the record is, and compared, as far as Figures 2 and
3, the runs, the applications and section 2's tables of ratios go; of the rest the hashes and the
numbers are checked.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from aevb import catalogue
from aevb.algorithms.settings import LABELS
from aevb.audit import manifest
from aevb.audit.expected import Expected, Gap, absent, rows, rows_of
from aevb.audit.tables import Tables, read_csv
from aevb.errors import AevbError, ConfigError, DataError
from aevb.figures import draws_and_minibatches, fig2, fig3, gradient_variance, studies
from aevb.outputs import Outputs, Run
from aevb.settings.experiment import Experiment
from aevb.tables import fig2_distance, fig3_distance, runs
from aevb.tables.curves import read_curves, read_paper_curves
from aevb.tables.likelihood_curves import read_likelihoods, read_paper_likelihoods
from aevb.tables.measurements import read_measurements

OK, WRONG, ABSENT, GAP = "ok", "wrong", "not there", "known gap"

_MAY_BE_EMPTY = {
    *("n_train", "objective", "mean_over_panels", "standard_error", "acceptance", "rhat", "ess"),
    *("divergences", "bias_passed", "n_points", "n_flagged", "marginal_log_likelihood_passed"),
    *("seconds", "likelihood_evaluations"),
}
"""Columns in which an empty cell says that there is no such number, not that it is lost: of the
tables in the runs' folders, as the catalogue says it of the others."""

_PROVENANCE = ("experiment", "step_size", "package", "versions", "machine", "final", "threads")
_ROUNDED = 1e-3
"""The last digit that the tables keep, in nats."""


class Finding(NamedTuple):
    """One check of the record: ``outcome`` is ``ok``, ``wrong``, ``not there`` (what would be
    checked is no part of this record) or ``known gap``, ``detail`` says what was checked or what is
    wrong."""

    check: str
    outcome: str
    detail: str


class Record(NamedTuple):
    """What is checked, and against what."""

    folder: Path
    tables: Tables
    outputs: Outputs
    expected: Expected
    contents: manifest.Contents
    damage: str | None
    """What is wrong with the manifest, which then says nothing."""

    @property
    def runs(self) -> list[Run]:
        """The runs that the figures are drawn from, of the data that could be had."""
        return self.outputs.runs()

    def path(self, run: Run, file: str) -> Path:
        """Where a file of a run lies."""
        return self.folder / run.folder / file


def read(
    folder: Path,
    resources: Path,
    settings: dict,
    definitions: dict,
    scale: str,
    gaps: Sequence[Gap] = (),
) -> Record:
    """A finished record, and what it must hold.

    Args:
        folder: ``results/<scale>``.
        resources: where the paper's curves lie.
        settings, definitions: the configuration as :func:`aevb.settings.load` gives it.
        scale: the scale that the folder is said to be of.
        gaps: that are known of any record; those of this one are not expected of it.
    """
    damage = None
    try:
        contents = manifest.read(folder)
    except DataError as error:
        contents, damage = manifest.Contents(scale, {}, {}, {}, None), str(error)
    left_out = contents.left_out
    outputs = Outputs(settings, definitions, scale, lambda dataset: dataset not in left_out)
    here = [gap for gap in gaps if gap.checkout == contents.checkout]
    wanted = Expected(rows(outputs), resources, here)
    return Record(Path(folder), Tables(folder, resources), outputs, wanted, contents, damage)


def check(record: Record) -> list[Finding]:
    """All checks of one record."""
    if record.damage:
        return [Finding("manifest", WRONG, record.damage)]
    findings = []
    for name, find in _CHECKS.items():
        try:
            findings.append(_finding(name, *find(record)))
        except _DAMAGE as error:
            findings.append(Finding(name, WRONG, _told(error)))
    findings += _derived(record)
    findings += [_gap(record, gap) for gap in record.expected.gaps]
    return findings


_DAMAGE = (AevbError, LookupError, TypeError, ValueError, AttributeError, OSError)
"""What a damaged file may raise: what holds for a sound one does not hold for it."""


def _told(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text if isinstance(error, AevbError) else f"a damaged file ({text})"


def _finding(name: str, problems: list[str], said: str) -> Finding:
    if not problems:
        return Finding(name, OK, said)
    more = f" (and {len(problems) - 3} more)" if len(problems) > 3 else ""
    return Finding(name, WRONG, "; ".join(problems[:3]) + more)


def _hashes(record: Record) -> tuple[list[str], str]:
    wrong, further = manifest.differences(record.folder, record.contents)
    said = f"{len(record.contents.files)} files as the manifest lists them"
    return wrong, said + (f"; {len(further)} further files" if further else "")


def _outputs(record: Record) -> tuple[list[str], str]:
    """Everything that the configuration has drawn and tabulated is there, and in the manifest."""
    wanted, files = catalogue.files(record.outputs), record.contents.files
    problems = [f"{name} is missing" for name in wanted if not (record.folder / name).exists()]
    problems += [f"{name} is not in the manifest" for name in wanted if name not in files]
    for name in set(wanted) & set(catalogue.tables()):
        if (record.folder / name).exists():
            problems += _columns(record, name)
    return problems, f"{len(wanted)} figures, tables and pages that are configured are there"


def _columns(record: Record, name: str) -> list[str]:
    """The columns that a table lacks."""
    wanted, found = catalogue.tables()[name].columns.split(), record.tables.read(name)
    lacking = [column for column in wanted if column not in found]
    return [f"{name} has no column {lacking[0]!r}"] if lacking else []


def _rows(record: Record) -> tuple[list[str], str]:
    """Every row that the configuration asks of a table is there, whatever else is."""
    problems, n = [], 0
    wanted = record.expected.wanted
    for name, one in wanted.items():
        problems += absent(name, one, record.tables)
        n += len(one.keys)
    tables = sum(not one.keys.empty for one in wanted.values())
    return problems, f"{n:,} rows that are configured are in {tables} tables"


def _data(record: Record) -> tuple[list[str], str]:
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


def _gap(record: Record, gap: Gap) -> Finding:
    """Whether a known gap is there, all of it."""
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


def _configuration(record: Record) -> tuple[list[str], str]:
    problems, scale = [], record.outputs.scale
    if record.contents.scale != scale:
        problems.append(f"the record is of the scale {record.contents.scale}, not {scale}")
    problems += _differences(_relevant(record.contents.configuration, scale), record)
    return problems, "the record's configuration is the one given"


def _relevant(settings: dict, scale: str) -> dict:
    """The part of a configuration that decides a scale's numbers."""
    elsewhere = ("scale", "require_all_data", *manifest.ELSEWHERE)
    chosen = {k: v for k, v in settings.items() if k not in elsewhere}
    for table, key in (("scales", scale), ("variants", settings.get("variant"))):
        chosen[table] = {key: settings.get(table, {}).get(key)}
    used = _estimators_in_use(settings, scale)
    chosen["estimators"] = {k: v for k, v in settings.get("estimators", {}).items() if k in used}
    return chosen


def _estimators_in_use(settings: dict, scale: str) -> set[str | None]:
    """The names of those that a figure or table of the scale shows; others may be defined."""
    figure = settings.get("figures", {}).get("fig3", {})
    truth = settings.get("scales", {}).get(scale, {}).get("truth", {})
    return {*figure.get("estimators", ()), figure.get("bound"), *truth.get("estimators", ())}


def _differences(theirs: dict, record: Record) -> list[str]:
    ours = json.loads(json.dumps(_relevant(record.outputs.settings, record.outputs.scale)))
    found = []

    def compare(a: Any, b: Any, where: str) -> None:
        if isinstance(a, dict) and isinstance(b, dict):
            for key in {**a, **b}:
                compare(a.get(key), b.get(key), f"{where}.{key}" if where else key)
        elif a != b:
            found.append(f"{where} is {a} in the record, {b} in the configuration")

    compare(theirs, ours, "")
    return found


def _runs(record: Record) -> tuple[list[str], str]:
    """Each run that the configuration asks for is there, of these settings, data and seeds."""
    problems = []
    configured = record.runs
    for run in configured:
        try:
            found = _read_run(record, run)
            recorded = asdict(Experiment.from_values(found["experiment"]))
        except DataError as error:
            problems.append(str(error))
            continue
        except ConfigError as error:
            problems.append(f"{run.folder}/run.json: {error}")
            continue
        wanted = asdict(run.experiment)
        for key in wanted:
            # What the budget was is compared with what was reached, by `budgets`.
            if key not in _BUDGET and recorded.get(key) != wanted[key]:
                told = f"{key} is {recorded.get(key)}, not {wanted[key]}"
                problems.append(f"{run.folder}/run.json: {told}")
        selected = _selected(record, run)
        if found.get("step_size") != selected:
            problems.append(
                f"{run.folder}/run.json: step_size is {found.get('step_size')}, where {selected}"
                " was selected"
            )
    return (
        problems,
        f"{len(configured)} runs with settings, data, seeds and step sizes as configured",
    )


def _selected(record: Record, run: Run) -> float:
    table = read_csv(record.path(run, "../step_size.csv"))
    return float(table.loc[table["selected"].astype(str) == "True", "step_size"].iloc[0])


_BUDGET = ("training_samples", "selection_samples")


def _budgets(record: Record) -> tuple[list[str], str]:
    """Each run went as far as the configuration says, in its record and in its curve."""
    problems, samples = [], 0
    for run in record.runs:
        reached = _read_run(record, run)["final"]["training_samples"]
        samples += reached * len(run.experiment.seeds)
        if reached < run.experiment.training_samples:
            budget = run.experiment.training_samples
            problems.append(f"{run.folder}: {reached:,} samples, not {budget:,}")
    return problems, f"{samples:,.0f} training samples in all, as budgeted"


def _curves(record: Record) -> tuple[list[str], str]:
    """Each curve belongs to its folder, has all its seeds, and ends in its run's final numbers."""
    problems = []
    configured = record.runs
    for run in configured:
        name = f"{run.folder}/curve.csv"
        curve, final = read_csv(record.folder / name), _read_run(record, run)["final"]
        for column, wanted in _labels(run.experiment).items():
            if column in curve and set(curve[column]) != {wanted}:
                problems.append(f"{name}: {column} is {set(curve[column])}, not {wanted}")
        seeds = set(curve["seed"])
        if seeds != set(run.experiment.seeds):
            problems.append(f"{name}: has the seeds {sorted(seeds)}")
            continue
        last = curve.groupby(["split", "seed"])["training_samples"].max()
        if set(last) != {final["training_samples"]}:
            problems.append(f"{name}: ends at {sorted(set(last))}, not {final['training_samples']}")
        ends = curve[curve["training_samples"] == final["training_samples"]]
        for key, values in final.items():
            split, _, value = key.partition("_")
            if split not in ("train", "test") or value not in curve:
                continue
            rows = ends[ends["split"] == split].set_index("seed")[value]
            told = dict(zip(run.experiment.seeds, values, strict=True))
            for seed, number in told.items():
                if seed not in rows or abs(rows[seed] - number) > _ROUNDED:
                    problems.append(
                        f"{name}: ends in {rows.get(seed)} on {split}, seed {seed}, where run.json"
                        f" says {number:.4f}"
                    )
    return problems, f"{len(configured)} curves end in the final numbers of their runs"


def _likelihood_tables(record: Record) -> tuple[list[str], str]:
    """Each of Figure 3's runs has all estimators, splits and seeds to its end, on all points."""
    problems, outputs = [], record.outputs
    points = outputs.settings["scales"][outputs.scale]["fig3"]["points"]
    key = ["estimator", "split", "seed"]
    for run in outputs.fig3_runs():
        name = f"{run.folder}/likelihood.csv"
        table = read_csv(record.folder / name)
        final = _read_run(record, run)["final"]["training_samples"]
        found = table.groupby(key)["training_samples"].max().to_dict()
        for curve in record.expected.wanted[name].keys[key].itertuples(index=False, name=None):
            if found.get(curve) != final:
                problems.append(f"{name}: {', '.join(map(str, curve))} ends at {found.get(curve)}")
        # A data set may have fewer images than are asked for.
        if (
            table["n_points"].max() > points
            or table.groupby("split")["n_points"].nunique().max() > 1
        ):
            problems.append(f"{name}: n_points is {sorted(set(table['n_points']))}, not {points}")
    return problems, f"{len(outputs.fig3_runs())} tables of likelihoods go to the end of their runs"


def _labels(experiment: Experiment) -> dict[str, Any]:
    return {
        "dataset": experiment.definition["label"],
        "latent_dim": experiment.latent_dim,
        "algorithm": LABELS[experiment.algorithm],
        "n_train": experiment.n_train,
    }


def _numbers(record: Record) -> tuple[list[str], str]:
    """No table has a cell that is not a number where one is due."""
    problems, products = [], catalogue.tables()
    names = [name for name in manifest.names(record.folder) if name.endswith(".csv")]
    for name in names:
        try:
            table = pd.read_csv(record.folder / name, keep_default_na=False, na_values=[""])
        except ValueError as error:
            problems.append(f"{name}: {_told(error)}")
            continue
        optional = products[name].may_be_empty.split() if name in products else _MAY_BE_EMPTY
        for column in table:
            cells = table[column]
            words = cells.astype(str).str.lower().isin(["nan", "inf", "-inf", "infinity"])
            empty = cells.isna()
            lost = empty if column not in optional else empty & False
            bad = np.flatnonzero((words & ~empty) | lost)
            if bad.size:
                what = "empty" if empty.iloc[bad[0]] else repr(cells.iloc[bad[0]])
                problems.append(f"{name}, line {bad[0] + 2}, column {column!r}: {what}")
    return problems, f"no NaN, no infinity and no lost cell in {len(names)} tables"


def _provenance(record: Record) -> tuple[list[str], str]:
    """Each run says which code, versions and machine made it, how long it took and from what."""
    problems = []
    paths = sorted((record.folder / "runs").rglob("run.json"))
    for path in paths:
        found, name = _json(path), path.relative_to(record.folder)
        lacking = [key for key in _PROVENANCE if not found.get(key) and found.get(key) != 0]
        package = found.get("package") or {}
        lacking += [f"package.{key}" for key in ("version", "code") if not package.get(key)]
        if lacking:
            problems.append(f"{name}: says nothing of {', '.join(lacking)}")
    return problems, f"{len(paths)} runs say which code, versions and machine made them"


_CHECKS: dict[str, Callable[[Record], tuple[list[str], str]]] = {
    "hashes": _hashes,
    "data": _data,
    "outputs": _outputs,
    "rows": _rows,
    "configuration": _configuration,
    "runs": _runs,
    "budgets": _budgets,
    "curves": _curves,
    "likelihoods": _likelihood_tables,
    "numbers": _numbers,
    "provenance": _provenance,
}


def _derived(record: Record) -> Iterator[Finding]:
    """Tables that can be made from others of the record: made again and compared."""
    wanted = set(catalogue.files(record.outputs))
    for name, make in _DERIVED.items():
        path = record.folder / name
        # A table that is left from when its data could be had is no part of it either.
        if name not in wanted:
            yield Finding(name, ABSENT, "not part of this record")
            continue
        try:
            expected = make(record)
            problem = _unequal(expected, read_csv(path))
        except _DAMAGE as error:
            problem = _told(error)
        outcome = WRONG if problem else OK
        yield Finding(name, outcome, problem or "is what the record's other tables give")


def _fig2(record: Record) -> pd.DataFrame:
    return fig2.table(_bounds(record), _paper_fig2(record))


def _fig2_distance(record: Record) -> pd.DataFrame:
    return fig2_distance.distance(_bounds(record), _paper_fig2(record))


def _fig3(record: Record) -> pd.DataFrame:
    return fig3.table(_likelihoods(record), _paper_fig3(record))


def _fig3_distance(record: Record) -> pd.DataFrame:
    return fig3_distance.distance(_likelihoods(record), _paper_fig3(record))


def _fig3_orders(record: Record) -> pd.DataFrame:
    return fig3_distance.orders(_likelihoods(record), _paper_fig3(record))


def _runs_table(record: Record) -> pd.DataFrame:
    told = read_csv(record.folder / "tables/runs.csv")
    key = ["dataset", "algorithm", "latent_dim", "n_train"]
    variant = record.outputs.settings["variant"]
    paths = sorted((record.folder / "runs" / variant).rglob("run.json"))
    # Where Figure 3 was left out no run has an n_train, and its column no type.
    made = runs.collect(paths).astype({"n_train": float})
    return told[key].astype({"n_train": float}).merge(made, on=key, how="left")[list(told)]


def _applications(record: Record) -> pd.DataFrame:
    tables = catalogue.product("applications").drawn.inputs["tables"](record.outputs)
    return read_measurements([record.folder / table for table in tables])


def _gradient_ratios(record: Record) -> pd.DataFrame:
    path = record.folder / "figures/gradient_variance.csv"
    return gradient_variance.ratios(gradient_variance.read_variances(path))


def _draws_and_minibatches(record: Record) -> pd.DataFrame:
    path = record.folder / "figures/draws_and_minibatches.csv"
    return draws_and_minibatches.matched(studies.read_study(path))


_DERIVED: dict[str, Callable[[Record], pd.DataFrame]] = {
    "figures/fig2.csv": _fig2,
    "tables/fig2_distance.csv": _fig2_distance,
    "figures/fig3.csv": _fig3,
    "tables/fig3_distance.csv": _fig3_distance,
    "tables/fig3_orders.csv": _fig3_orders,
    "tables/runs.csv": _runs_table,
    "tables/applications.csv": _applications,
    "tables/gradient_variance.csv": _gradient_ratios,
    "tables/draws_and_minibatches.csv": _draws_and_minibatches,
}


def _paper_fig2(record: Record) -> pd.DataFrame:
    return read_paper_curves(record.tables.path("paper/fig2_lower_bound.csv"))


def _paper_fig3(record: Record) -> pd.DataFrame:
    return read_paper_likelihoods(record.tables.path("paper/fig3_marginal_likelihood.csv"))


def _bounds(record: Record) -> pd.DataFrame:
    return read_curves(record.path(run, "curve.csv") for run in record.outputs.fig2_runs())


def _likelihoods(record: Record) -> pd.DataFrame:
    drawn = record.outputs.settings["figures"]["fig3"]["estimators"]
    paths = [record.path(run, "likelihood.csv") for run in record.outputs.fig3_runs()]
    return read_likelihoods(paths, drawn)


def _unequal(expected: pd.DataFrame, found: pd.DataFrame) -> str:
    """What the first difference of two tables is; nothing where they agree to the digits kept."""
    if list(expected) != list(found):
        return f"has the columns {', '.join(found)}, not {', '.join(expected)}"
    if len(expected) != len(found):
        return f"has {len(found)} rows, not {len(expected)}"
    for column in expected:
        a, b = expected[column].reset_index(drop=True), found[column]
        if pd.api.types.is_numeric_dtype(a) and not pd.api.types.is_bool_dtype(a):
            numbers = pd.to_numeric(b, errors="coerce")
            same = np.isclose(a, numbers, rtol=1e-5, atol=_ROUNDED, equal_nan=True)
        else:
            same = (a.astype(str) == b.astype(str)) | (a.isna() & b.isna())
        bad = np.flatnonzero(~np.asarray(same))
        if bad.size:
            row = int(bad[0])
            return (
                f"line {row + 2}, column {column!r}: {b.iloc[row]}, where the record's other"
                f" tables give {a.iloc[row]}"
            )
    return ""


def _read_run(record: Record, run: Run) -> dict:
    return _json(record.path(run, "run.json"))


def _json(path: Path) -> dict:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return {"experiment": content["experiment"], "final": content["final"]} | content
    except FileNotFoundError:
        raise DataError(f"{path} is missing") from None
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise DataError(f"{path}: not the record of a run ({error!r})") from None
