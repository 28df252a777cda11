"""The stages of an experiment: data, settings, step size, training, likelihood."""

import json
from pathlib import Path
from typing import Annotated

import typer

from aevb import settings as configuration
from aevb.cli.options import (
    CONFIG,
    DATASETS,
    Backend,
    Cache,
    CheckpointSeconds,
    Config,
    Datasets,
    Log,
    Record,
    Settings,
    Table,
    Threads,
)
from aevb.errors import ConfigError, DataError
from aevb.files import write_atomically
from aevb.process.progress import LOGGER, start_logging
from aevb.process.startup import start_tensorflow
from aevb.stages.weights import read as read_weights
from aevb.stages.weights import write as write_weights
from aevb.training.backends import Execution
from aevb.workflow.checkout import ROOT, SCHEMAS

app = typer.Typer()


@app.command()
def fetch(
    dataset: Annotated[str, typer.Argument(help="Name of the data set.")],
    record: Record,
    definition: Annotated[str | None, typer.Option(help="Its definition as JSON.")] = None,
    cache_dir: Annotated[
        Path | None, typer.Option(help="Where verified data is kept; the record's folder.")
    ] = None,
    data_dir: Annotated[Path | None, typer.Option(help="Local folder to look in first.")] = None,
    require: Annotated[
        bool,
        typer.Option(help="Fail when the data cannot be had.", envvar="AEVB_REQUIRE_ALL_DATA"),
    ] = False,
    attempt: Annotated[
        str, typer.Option(help="What the record keeps of the attempt, for the workflow.")
    ] = "",
    config: Config = CONFIG,
    datasets: Datasets = DATASETS,
    log: Log = None,
) -> None:
    """Get a data set, verify it and keep it; write a record of where it came from."""
    from aevb import data

    start_logging(log)
    if definition is None:
        _, definitions = configuration.load(config, datasets)
        if dataset not in definitions:
            raise ConfigError(f"dataset: {dataset!r} is unknown; allowed: {', '.join(definitions)}")
        content = definitions[dataset]
    else:
        try:
            content = json.loads(definition)
        except ValueError as error:
            raise ConfigError(f"--definition is not JSON: {error}") from None
    try:
        outcome = data.fetch(dataset, content, cache_dir or record.parent, data_dir, LOGGER.info)
    except DataError as error:
        if require:
            raise
        outcome = data.unavailable_record(dataset, error)
        LOGGER.warning(f"{dataset} IS LEFT OUT: {error}")
    data.write_record(outcome | {"attempt": attempt}, record)


@app.command()
def settings(
    dataset: Annotated[str, typer.Option(help="Data set of config/datasets.yaml.")],
    algorithm: Annotated[str, typer.Option(help="aevb, wake_sleep, mcem or full_vb.")],
    latent_dim: Annotated[int, typer.Option(help="Size of the latent space, N_z.")],
    variant: Annotated[str | None, typer.Option(help="Reading of the protocol.")] = None,
    scale: Annotated[str | None, typer.Option(help="Budget.")] = None,
    n_train: Annotated[
        int | None, typer.Option(help="Number of training images, for an experiment of Figure 3.")
    ] = None,
    hidden_units: Annotated[
        int | None, typer.Option(help="Hidden units, in place of those of Figure 2.")
    ] = None,
    config: Config = CONFIG,
    datasets: Datasets = DATASETS,
) -> None:
    """Print all settings of one experiment as JSON, for the stages below."""
    checked, definitions = configuration.load(config, datasets)
    wanted = configuration.experiment(
        checked,
        definitions,
        dataset=dataset,
        latent_dim=latent_dim,
        algorithm=algorithm,
        variant=variant,
        scale=scale,
        n_train=n_train,
        hidden_units=hidden_units,
    )
    print(wanted.to_json())


@app.command()
def select_step_size(
    settings: Annotated[
        list[str], typer.Argument(help="The experiments, each as `aevb settings` prints it.")
    ],
    record: Record,
    output: Annotated[Path, typer.Option(help="Table of the candidates (CSV).")],
    checkpoint_dir: Annotated[
        Path | None, typer.Option(help="Folder of this selection's checkpoints; none without.")
    ] = None,
    checkpoint_seconds: CheckpointSeconds = 60.0,
    backend: Backend = "tensorflow",
    threads: Threads = 1,
    log: Log = None,
) -> None:
    """Select Adagrad's global step size on the first training samples of a figure's panels, each
    from its newest checkpoint when there is one."""
    start_logging(log)
    execution = Execution.parse(backend)
    wanted = [configuration.Experiment.from_json(item) for item in settings]
    data = load_data(wanted[0], record)
    start_tensorflow(threads)
    from aevb.training.experiment import select_step_size as select

    candidates = select(
        wanted,
        data,
        execution,
        checkpoint_folder=checkpoint_dir,
        checkpoint_seconds=checkpoint_seconds,
    )
    write_atomically(output, candidates.to_csv(index=False))


@app.command()
def train(
    settings: Settings,
    record: Record,
    step_size_table: Annotated[Path, typer.Option(help="Table of `aevb select-step-size`.")],
    curve: Annotated[Path, typer.Option(help="Where to write the curve (CSV).")],
    run_record: Annotated[Path, typer.Option(help="Where to write the record of the run (JSON).")],
    weights: Annotated[Path, typer.Option(help="Where to write the weights (safetensors).")],
    checkpoint_dir: Annotated[Path, typer.Option(help="Folder of this run's checkpoints.")],
    snapshots: Annotated[
        Path | None, typer.Option(help="Where to write the weights along training (safetensors).")
    ] = None,
    checkpoint_seconds: CheckpointSeconds = 60.0,
    backend: Backend = "tensorflow",
    threads: Threads = 1,
    log: Log = None,
) -> None:
    """Train one experiment, from its newest checkpoint when there is one."""
    start_logging(log)
    execution = Execution.parse(backend)
    wanted = configuration.Experiment.from_json(settings)
    data = load_data(wanted, record)
    step_size = selected_step_size(step_size_table)
    start_tensorflow(threads)
    from aevb.training.experiment import run_training

    outcome = run_training(
        wanted,
        step_size,
        data,
        checkpoint_folder=checkpoint_dir,
        checkpoint_seconds=checkpoint_seconds,
        execution=execution,
    )
    if snapshots is not None:
        from aevb.arrays import snapshot_arrays

        write_weights(snapshots, snapshot_arrays(outcome.snapshots), wanted)
    write_weights(weights, outcome.parameters, wanted)
    write_atomically(run_record, json.dumps(outcome.record, indent=2) + "\n")
    write_atomically(curve, outcome.curve.to_csv(index=False, float_format="%.6f"))


@app.command()
def protocol_run(
    name: Annotated[str, typer.Argument(help="STAGE/DATASET/ALGORITHM/latent_dim_N/SETTING.")],
    settings: Settings,
    record: Record,
    output: Annotated[Path, typer.Option(help="Where to write the curves (CSV).")],
    checkpoint_dir: Annotated[Path, typer.Option(help="Folder of this run's checkpoints.")],
    checkpoint_seconds: CheckpointSeconds = 60.0,
    backend: Backend = "tensorflow",
    threads: Threads = 1,
    log: Log = None,
) -> None:
    """Train one setting of the protocol study, with each of its seeds and step sizes."""
    start_logging(log)
    execution = Execution.parse(backend)
    wanted = configuration.Experiment.from_json(settings)
    data = load_data(wanted, record)
    start_tensorflow(threads)
    from aevb.training.protocol_study import run

    curves = run(
        name,
        wanted,
        data,
        checkpoint_folder=checkpoint_dir,
        checkpoint_seconds=checkpoint_seconds,
        execution=execution,
    )
    write_atomically(output, curves.to_csv(index=False, float_format="%.6f"))


@app.command()
def likelihood(
    snapshots: Annotated[Path, typer.Argument(help="Weights along training, of `aevb train`.")],
    record: Record,
    estimators: Annotated[str, typer.Option(help="Settings of each estimator by name, as JSON.")],
    points: Annotated[int, typer.Option(min=1, help="First images of each split.")],
    output: Annotated[Path, typer.Option(help="Table of the means (CSV).")],
    flagged: Annotated[Path, typer.Option(help="Table of the flagged points (CSV).")],
    checkpoint_dir: Annotated[Path, typer.Option(help="Folder of the finished snapshots.")],
    threads: Threads = 1,
    log: Log = None,
) -> None:
    """Estimate the marginal likelihood of one run along its training."""
    start_logging(log)
    settings = _estimators(estimators)
    wanted, arrays = read_weights(snapshots, "snapshots/")
    data = load_data(wanted, record)
    start_tensorflow(threads)
    from aevb.arrays import read_snapshots
    from aevb.stages.along_training import estimate_along_training

    means, points_flagged = estimate_along_training(
        wanted, read_snapshots(arrays), data, settings, points, checkpoint_dir
    )
    write_atomically(flagged, points_flagged.to_csv(index=False, float_format="%.4f"))
    write_atomically(output, means.to_csv(index=False, float_format="%.6f"))


@app.command()
def compare_estimators(
    record: Record,
    estimators: Annotated[str, typer.Option(help="Settings of each estimator by name, as JSON.")],
    points: Annotated[int, typer.Option(min=2, help="First test images.")],
    output: Table,
    settings: Annotated[
        str | None,
        typer.Option(help="An experiment as `aevb settings` prints it: its network, untrained."),
    ] = None,
    latent_dim: Annotated[
        int | None, typer.Option(min=1, help="With --settings: PPCA of this N_z on its data.")
    ] = None,
    weights: Annotated[
        Path | None, typer.Option(help="In place of --settings: a trained network.")
    ] = None,
    threads: Threads = 1,
    log: Log = None,
) -> None:
    """Compare estimators of log p(x) with the truth, of probabilistic PCA or of a network with
    N_z up to 3."""
    start_logging(log)
    chosen = _estimators(estimators)
    start_tensorflow(threads)
    from aevb.stages import truth_table

    arrays = None
    if weights is not None:
        wanted, arrays = read_weights(weights, "decoder/")
    elif settings is not None:
        wanted = configuration.Experiment.from_json(settings)
    else:
        raise ConfigError("give --weights or --settings")
    data = load_data(wanted, record)
    if latent_dim is not None and weights is None:
        rows = truth_table.compare_on_ppca(data, latent_dim, chosen, points)
    else:
        rows = truth_table.compare_on_network(wanted, arrays, data, chosen, points)
    write_atomically(output, rows.to_csv(index=False, float_format="%.6g"))


@app.command()
def bench(
    output: Annotated[Path, typer.Option(help="Folder of the tables.")] = Path("results/bench"),
    cache_dir: Cache = Path("data"),
    peers: Annotated[
        bool,
        typer.Option("--peers", help="JAX and PyTorch, of the extra `peers`, beside it instead."),
    ] = False,
    config: Config = CONFIG,
    datasets: Datasets = DATASETS,
    log: Log = None,
) -> None:
    """Measure the speed of training and where a run's time goes; print and keep a table."""
    from aevb import bench as of_parts
    from aevb.peers import measure as of_peers

    start_logging(log)
    checked, definitions = configuration.load(config, datasets)
    (of_peers if peers else of_parts).run(checked, definitions, cache_dir, output)


@app.command()
def document_config(
    output: Annotated[Path, typer.Option(help="The page.")] = ROOT / "config/README.md",
    schemas: Annotated[Path, typer.Option(help="Folder of the JSON schemas.")] = SCHEMAS,
) -> None:
    """Write the page that explains every configuration key, and the JSON schemas."""
    from aevb.documentation import configuration_page, schema_files

    write_atomically(output, configuration_page())
    for name, text in schema_files().items():
        write_atomically(schemas / name, text)


def load_data(wanted: configuration.Experiment, record: Path):
    """The data set of an experiment, whose record says where it is."""
    from aevb import data

    return data.load(wanted.dataset, wanted.definition, data.available_path(record))


def _estimators(text: str) -> dict[str, dict]:
    try:
        estimators = json.loads(text)
    except ValueError as error:
        raise ConfigError(f"--estimators is not JSON: {error}") from None
    if not estimators or not isinstance(estimators, dict):
        raise ConfigError("--estimators holds no estimators by name")
    for name, values in estimators.items():
        if not isinstance(values, dict) or "/" in name:
            raise ConfigError(f"--estimators: {name!r} is not a name and a table of settings")
    return estimators


def selected_step_size(path: Path) -> float:
    """The step size that a table of `aevb select-step-size` has selected."""
    import pandas as pd

    try:
        rows = pd.read_csv(path)
        step_size = float(rows.loc[rows["selected"].astype(str) == "True", "step_size"].iloc[0])
        if not 0 < step_size < float("inf"):
            raise ValueError(f"{step_size} is no step size")
        return step_size
    except (OSError, KeyError, IndexError, ValueError) as error:
        raise DataError(
            f"{path}: no selected step size can be read ({error}); make the table again with"
            " `aevb select-step-size`"
        ) from None
