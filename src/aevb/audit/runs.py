"""Whether each run is the one that is configured, and its files agree with one another."""

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from aevb.algorithms.settings import LABELS
from aevb.audit.record import ROUNDED, Problems, Record
from aevb.audit.tables import matching, read_csv
from aevb.errors import ConfigError, DataError
from aevb.settings.experiment import Experiment
from aevb.stages.weights import name_of, read
from aevb.workflow.outputs import Run

_PROVENANCE = ("experiment", "step_size", "package", "versions", "machine", "final", "threads")
_BUDGET = ("training_samples", "selection_samples")


def settings(record: Record) -> tuple[Problems, str]:
    """Each run that the configuration asks for is there, of these settings, data and seeds."""
    problems = []
    configured = record.runs
    for run in configured:
        try:
            found = _read_run(record, run)
            recorded = Experiment.from_values(found["experiment"])
        except DataError as error:
            problems.append(str(error))
            continue
        except ConfigError as error:
            problems.append(f"{run.folder}/run.json: {error}")
            continue
        # What the budget was is compared with what was reached, by `budgets`.
        told = _differences(recorded, run.experiment, _BUDGET)
        problems += [f"{run.folder}/run.json: {one}" for one in told]
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
    return float(matching(table, "selected", True)["step_size"].iloc[0])


def budgets(record: Record) -> tuple[Problems, str]:
    """Each run went as far as the configuration says, in its record and in its curve."""
    problems, samples = [], 0
    for run in record.runs:
        reached = _read_run(record, run)["final"]["training_samples"]
        samples += reached * len(run.experiment.seeds)
        if reached < run.experiment.training_samples:
            budget = run.experiment.training_samples
            problems.append(f"{run.folder}: {reached:,} samples, not {budget:,}")
    return problems, f"{samples:,.0f} training samples in all, as budgeted"


def curves(record: Record) -> tuple[Problems, str]:
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
                if seed not in rows or abs(rows[seed] - number) > ROUNDED:
                    problems.append(
                        f"{name}: ends in {rows.get(seed)} on {split}, seed {seed}, where run.json"
                        f" says {number:.4f}"
                    )
    return problems, f"{len(configured)} curves end in the final numbers of their runs"


def likelihoods(record: Record) -> tuple[Problems, str]:
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


def provenance(record: Record) -> tuple[Problems, str]:
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


def weights(record: Record) -> tuple[Problems, str]:
    """The weights that are kept can be read, have the settings of their runs' first seeds, and are
    all that is kept."""
    problems, kept = [], record.outputs.kept()
    wanted = {name_of(run.experiment) for run in kept}
    there = {path.name for path in (record.folder / "weights").glob("*.safetensors")}
    problems += [f"weights/{name} is of no run that is configured" for name in there - wanted]
    for run in kept:
        path = record.folder / "weights" / name_of(run.experiment)
        try:
            found, _ = read(path, "decoder/")
            trained = Experiment.from_values(_read_run(record, run)["experiment"])
        except (DataError, ConfigError) as error:
            problems.append(str(error))
            continue
        told = _differences(found, replace(trained, seeds=trained.seeds[:1]))
        problems += [f"weights/{path.name}: {one}, as in {run.folder}/run.json" for one in told[:1]]
    return problems, f"{len(kept)} trained models are kept, for use without training"


def _differences(found: Experiment, wanted: Experiment, but: tuple[str, ...] = ()) -> Problems:
    """The settings, but for some, that are not as wanted."""
    ours, theirs = asdict(found), asdict(wanted)
    return [
        f"{key} is {ours[key]}, not {theirs[key]}"
        for key in theirs
        if key not in but and ours[key] != theirs[key]
    ]


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
