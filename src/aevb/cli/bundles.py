"""Training runs on their way to a machine without TensorFlow, and back."""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from aevb import settings as configuration
from aevb.cli.checkpoints import CHECKPOINTS, Folder
from aevb.cli.options import CONFIG, DATASETS, STUDY, Cache, Config, Datasets, Log
from aevb.errors import ConfigError
from aevb.process.progress import LOGGER, start_logging
from aevb.process.startup import start_tensorflow
from aevb.schema.explain import choice
from aevb.settings import protocol_study
from aevb.workflow.jobs import Jobs
from aevb.workflow.outputs import Outputs

if TYPE_CHECKING:
    from aevb.bundle.archive import Writer

app = typer.Typer()

_RUN = re.compile(
    r"results/(?P<scale>[^/]+)/runs/(?P<variant>[^/]+)/(?P<dataset>[^/]+)/(?P<algorithm>[^/]+)"
    r"(/hidden_units_(?P<hidden_units>\d+)/n_train_(?P<n_train>\d+))?"
    r"/(latent_dim_(?P<latent_dim>\d+)(?P<long>_long)?|step_size\.csv)"
)
Output = Annotated[Path, typer.Option(help="The bundle.")]


@app.command()
def export(
    experiments: Annotated[
        list[str],
        typer.Argument(
            help="Folders of runs, such as results/full/runs/authors/mnist/aevb/latent_dim_20, and"
            " before those the step_size.csv beside them, for what a step size is selected by."
        ),
    ],
    output: Output,
    step_size: Annotated[
        list[float] | None,
        typer.Option(
            help="Adagrad's; default: what the workflow has selected. Of several, each is trained"
            " with each seed, side by side, for `python -m aevb.bundle table`."
        ),
    ] = None,
    cache_dir: Cache = Path("data"),
    checkpoint_dir: Folder = CHECKPOINTS,
    config: Config = CONFIG,
    datasets: Datasets = DATASETS,
    log: Log = None,
) -> None:
    """Write runs into one file, which `python -m aevb.bundle run` trains without TensorFlow."""
    from aevb.cli.stages import selected_step_size

    start_logging(log)
    checked, definitions = configuration.load(config, datasets)
    wanted, selections = [], {}
    for name in experiments:
        match = _RUN.fullmatch(name.strip("/"))
        if match is None:
            raise ConfigError(
                f"{name}: is no folder of a run; they are called"
                " results/SCALE/runs/VARIANT/DATASET/ALGORITHM/latent_dim_N, with _long at the end"
                " or with …/ALGORITHM/hidden_units_H/n_train_N/latent_dim_N, and the tables beside"
                " them step_size.csv"
            )
        parts = match.groupdict()
        choice(parts["scale"], checked["scales"], f"{name}: scale")
        jobs = Jobs(Outputs(checked, definitions, parts["scale"], lambda dataset: True))
        folder = Path(name.strip("/"))
        if parts["latent_dim"] is None:
            if step_size:
                raise ConfigError(f"{name}: a step size is selected by it; leave out --step-size")
            panels = [configuration.Experiment.from_json(text) for text in jobs.selection(parts)]
            selections[folder] = panels
            continue
        text = jobs.long_training(parts) if parts["long"] else jobs.training(parts)
        experiment = configuration.Experiment.from_json(text)
        sizes = step_size or [selected_step_size(folder.parent / "step_size.csv")]
        wanted.append((folder.as_posix(), experiment, sizes))
    _export(wanted, output, cache_dir, checkpoint_dir, selections)


@app.command()
def export_protocol(
    output: Output,
    study: Annotated[Path, typer.Option(help="The settings that are tried.")] = STUDY,
    only: Annotated[
        list[str] | None, typer.Option(help="Only runs whose name contains one of these.")
    ] = None,
    cache_dir: Cache = Path("data"),
    config: Config = CONFIG,
    datasets: Datasets = DATASETS,
    log: Log = None,
) -> None:
    """Write the runs of the protocol study into one file, for `python -m aevb.bundle`."""
    start_logging(log)
    checked, definitions = configuration.load(config, datasets)
    runs = protocol_study.runs(protocol_study.read(study), checked, definitions)
    chosen = [run for run in runs if not only or any(part in run.name for part in only)]
    if not chosen:
        raise ConfigError(f"--only: no run of {study} has such a name")
    _export(chosen, output, cache_dir)


@app.command()
def export_check(
    output: Output,
    cache_dir: Cache = Path("data"),
    config: Config = CONFIG,
    datasets: Datasets = DATASETS,
    log: Log = None,
) -> None:
    """Write what `python -m aevb.bundle check` measures on a device: agreement and speed."""
    start_logging(log)
    checked, definitions = configuration.load(config, datasets)
    start_tensorflow(1)
    from aevb.bundle.archive import Writer
    from aevb.bundle.exporting import add_check

    writer = Writer()
    add_check(writer, checked, definitions, lambda one: _data(one, cache_dir))
    _write(writer, output)


@app.command("import")
def import_(
    folder: Annotated[Path, typer.Argument(help="What `python -m aevb.bundle run` has written.")],
    other_programs: Annotated[
        bool, typer.Option(help="Also results of programs that this version does not compute.")
    ] = False,
    cache_dir: Cache = Path("data"),
    checkpoint_dir: Folder = CHECKPOINTS,
    log: Log = None,
) -> None:
    """Bring the results of a bundle home, as if they had been trained here."""
    start_logging(log)
    start_tensorflow(1)
    from aevb.bundle.importing import import_results

    import_results(
        folder,
        Path(),
        checkpoint_dir,
        lambda one: _data(one, cache_dir),
        other_programs=other_programs,
    )


def _export(
    runs: Iterable[tuple[str, configuration.Experiment, Sequence[float]]],
    output: Path,
    cache_dir: Path,
    checkpoint_dir: Path | None = None,
    selections: Mapping[Path, Sequence[configuration.Experiment]] | None = None,
) -> None:
    """Write runs, by name, experiment and step sizes, into a bundle, and selections, by table and
    panels; with a folder of checkpoints each run goes on from its own."""
    start_tensorflow(1)
    from aevb.bundle.archive import Writer
    from aevb.bundle.exporting import add, add_selection

    writer = Writer()
    for table, panels in (selections or {}).items():
        add_selection(writer, table, panels, _data(panels[0], cache_dir))
    for name, experiment, sizes in runs:
        folder = checkpoint_dir and checkpoint_dir / name
        add(writer, name, experiment, sizes, _data(experiment, cache_dir), folder)
    _write(writer, output)


def _write(writer: "Writer", output: Path) -> None:
    writer.write(output)
    LOGGER.info(f"wrote {output}: {len(writer.runs)} runs, {output.stat().st_size / 1e6:,.1f} MB")


def _data(experiment: configuration.Experiment, cache_dir: Path):
    from aevb.cli.stages import load_data

    return load_data(experiment, cache_dir / f"{experiment.dataset}.json")
