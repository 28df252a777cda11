"""Bringing the results of a bundle home, as if they had been trained here."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pandas as pd

from aevb.algorithms.settings import LABELS
from aevb.arrays import snapshot_arrays
from aevb.bundle.results import CHECKPOINTS, Result, read_all
from aevb.data import Dataset
from aevb.errors import DataError
from aevb.files import write_atomically
from aevb.process.progress import LOGGER
from aevb.provenance import code_hash
from aevb.settings.experiment import Experiment
from aevb.stages import weights
from aevb.training import checkpoints
from aevb.training.assembly import programs, training_data
from aevb.training.backends.programs import sha256
from aevb.training.curves import curve_table
from aevb.training.experiment import candidates, fingerprint, objectives_of, select


def import_results(
    folder: Path,
    root: Path,
    checkpoint_folder: Path,
    data: Callable[[Experiment], Dataset],
    *,
    other_programs: bool = False,
) -> list[Path]:
    """Write curve, weights and record of each result below ``root``, and its checkpoint; of those
    by which a step size is selected the table of the candidates.

    Args:
        folder: what ``python -m aevb.bundle run`` has written.
        root: where the runs' names start from.
        checkpoint_folder: where training keeps its checkpoints.
        data: experiment -> its data set.
        other_programs: take results whose programs are not those of this version of the code.

    Returns:
        The folders of the runs, and the tables.

    Raises:
        DataError: a result is damaged, has several step sizes, lies outside ``root``, comes from
            other programs or other data than this version of the code has for its experiment, or
            is one of a selection that is not all there.
        DivergenceError: of a selection, every candidate became non-finite somewhere.
    """
    found = read_all(folder)
    for result in found:
        _check(result, data, other_programs)
    tables = _selections(found, data)
    for name, table in tables.items():
        write_atomically(root / name, table.to_csv(index=False))
        LOGGER.info(f"{root / name}: imported")
    places = [root / name for name in tables]
    for result in found:
        if result.item.panels:
            continue
        place = root / result.item.name
        experiment = Experiment.from_values(result.item.experiment)
        _write(result, experiment, place, data(experiment))
        source = Path(folder) / CHECKPOINTS / result.item.name
        target = checkpoint_folder / result.item.name
        bound_to = fingerprint(
            experiment, result.item.step_sizes[0], training_data(experiment, data(experiment))
        )
        newest = checkpoints.read_newest(source, bound_to, result.rows[-1][0], LOGGER.info)
        if newest is not None:
            checkpoints.write(target, *newest, bound_to)
        places.append(place)
        LOGGER.info(f"{place}: imported{'' if newest is None else ', with its checkpoint'}")
    return places


def _check(result: Result, data: Callable[[Experiment], Dataset], other_programs: bool) -> None:
    item = result.item
    path = PurePosixPath(item.name)
    if path.is_absolute() or ".." in path.parts:
        raise DataError(f"{item.name!r} is no name of a run: it leads out of the folder")
    if len(set(item.step_sizes)) > 1 and not item.panels:
        raise DataError(
            f"{item.name}: has the step sizes {sorted(set(item.step_sizes))}, and a run has one;"
            " see its curves with `python -m aevb.bundle table`"
        )
    if other_programs:
        return
    experiment = Experiment.from_values(item.experiment)
    here = programs(experiment, training_data(experiment, data(experiment)), len(item.seeds))
    for name, text in here.texts().items():
        if item.programs[name] != sha256(text):
            raise DataError(
                f"{item.name}: its {name} program is not what this version of the code computes for"
                " these settings; export and run it again, or take it as it is with"
                " --other-programs"
            )


def _selections(
    found: list[Result], data: Callable[[Experiment], Dataset]
) -> dict[str, pd.DataFrame]:
    """The tables of candidates by name, each of all its panels.

    Raises:
        DataError: a panel has not come home.
        DivergenceError: every candidate became non-finite somewhere.
    """
    by_name = {result.item.name: result for result in found}
    tables = {}
    for panels in {tuple(result.item.panels): None for result in found if result.item.panels}:
        missing = [name for name in panels if name not in by_name]
        results = [by_name[name] for name in panels if name not in missing]
        table = results[0].item.selects_for
        if missing:
            raise DataError(
                f"{table}: is selected on {len(panels)} panels, and there is no result of"
                f" {', '.join(missing)}: run all of the bundle into one folder; a panel on which"
                " every step size diverges has none, and needs a smaller one in step_sizes"
            )
        experiments = [Experiment.from_values(result.item.experiment) for result in results]
        alike = {replace(one, latent_dim=1).to_json() for one in experiments}
        if table in tables or len(alike) > 1:
            raise DataError(
                f"{table}: has results of bundles that differ in more than N_z; run one of them"
                " into a folder of its own"
            )
        tried = [
            _candidates(result, one, data(one))
            for result, one in zip(results, experiments, strict=True)
        ]
        tables[table] = select(tried, experiments[0])
    return tables


def _candidates(result: Result, experiment: Experiment, data: Dataset) -> pd.DataFrame:
    item, images = result.item, training_data(experiment, data)
    found = objectives_of(experiment, result.rows, item.log_points[0])
    rows = candidates(experiment, images, item.seeds, item.step_sizes, found)
    return rows.sort_values("seed", kind="stable")


def _write(result: Result, experiment: Experiment, place: Path, data: Dataset) -> None:
    columns = {} if experiment.n_train is None else {"n_train": experiment.n_train}
    curve = curve_table(
        result.as_run(),
        list(experiment.seeds),
        result.item.objective,
        dataset=data.label,
        latent_dim=experiment.latent_dim,
        algorithm=LABELS[experiment.algorithm],
        **columns,
    )
    record = result.record | {
        "step_size": result.item.step_sizes[0],
        "package": result.record["package"] | {"code": code_hash("aevb.training.experiment")},
    }
    if result.snapshots:
        weights.write(
            place / "snapshots.safetensors", snapshot_arrays(result.snapshots), experiment
        )
    weights.write(place / "weights.safetensors", result.parameters, experiment)
    write_atomically(place / "run.json", json.dumps(record, indent=2) + "\n")
    write_atomically(place / "curve.csv", curve.to_csv(index=False, float_format="%.6f"))
