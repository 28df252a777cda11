"""What section 7 of the paper leaves to the future: ``aevb future-work``."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from aevb.cli import budgets
from aevb.cli.models import is_ink
from aevb.cli.options import Backend, CheckpointSeconds, Log, Record, Records, Table, Threads
from aevb.errors import ConfigError
from aevb.files import write_atomically
from aevb.pictures import write_pictures
from aevb.process.progress import LOGGER, start_logging
from aevb.process.startup import start_tensorflow
from aevb.schema.explain import choice
from aevb.settings import Experiment
from aevb.settings.future_work import NETWORKS, check_networks
from aevb.training.backends import Execution

if TYPE_CHECKING:
    from aevb.data import Dataset

app = typer.Typer(help="Try what section 7 leaves to the future.", no_args_is_help=True)

Settings = Annotated[
    list[str], typer.Option(help="AEVB's experiment on each data set (`aevb settings`).")
]
Curves = Annotated[Path, typer.Option(help="Bounds along training (CSV).")]
Pictures = Annotated[Path, typer.Option(help="The images (npz).")]
Checkpoints = Annotated[
    Path, typer.Option(help="Where checkpoints are kept.", envvar="AEVB_CHECKPOINTS")
]
CHECKPOINTS = Path(".checkpoints")


def studied(settings: list[str], records: list[Path]) -> "Iterator[tuple[Experiment, Dataset]]":
    """Each experiment with its data set, of which there is one among the records.

    Raises:
        ConfigError: there is none.
    """
    from aevb.cli.stages import load_data
    from aevb.data.record import dataset_of

    named = {dataset_of(path): path for path in records}
    for text in settings:
        experiment = Experiment.from_json(text)
        if experiment.dataset not in named:
            raise ConfigError(f"--record: there is none of {experiment.dataset}")
        yield experiment, load_data(experiment, named[experiment.dataset])


def folder_of(checkpoints: Path, output: Path) -> Path:
    """Where the checkpoints lie of the study that writes ``output``: below its path, so that each
    scale has its own."""
    return Path(f"{checkpoints}/{output.with_suffix('')}")


@app.command()
def hierarchy(
    settings: Settings,
    record: Records,
    curves: Curves,
    table: Table,
    pictures: Pictures,
    network: Annotated[list[str] | None, typer.Option(help="MLP or conv.; default: both.")] = None,
    step_size: Annotated[
        list[float] | None, typer.Option(help="Candidates; default: the experiment's.")
    ] = None,
    top_dim: Annotated[int, typer.Option(min=1, help="N_z of the upper layer.")] = 10,
    test_images: Annotated[int, typer.Option(min=1, help="First ones, for the bounds.")] = 10_000,
    points: Annotated[int, typer.Option(min=2, help="First test images, for log p(x).")] = 20,
    ais: budgets.Ais = budgets.DEFAULT,
    checkpoint_dir: Checkpoints = CHECKPOINTS,
    checkpoint_seconds: CheckpointSeconds = 60.0,
    backend: Backend = "tensorflow",
    threads: Threads = 1,
    log: Log = None,
) -> None:
    """Train two layers of latent variables, and one, with the paper's networks and convolutional
    ones, and compare bounds, log p(x) and samples."""
    start_logging(log)
    execution, annealing = Execution.parse(backend), budgets.annealing(ais)
    networks = [choice(one, NETWORKS, "--network") for one in network or NETWORKS]
    wanted = list(studied(settings, record))
    for _, data in wanted:
        check_networks(networks, data.image_shape, f"--network: {data.name}")
    start_tensorflow(threads)
    import pandas as pd

    from aevb.future_work.comparison import Budget, compare

    budget = Budget(networks, step_size, top_dim, test_images, points, annealing)
    found, images, ink = [], {}, set()
    for experiment, data in wanted:
        compared = compare(
            experiment,
            data,
            budget,
            checkpoint_folder=folder_of(checkpoint_dir, curves),
            checkpoint_seconds=checkpoint_seconds,
            execution=execution,
        )
        found.append(compared)
        images |= {f"{data.label}/{model}": grid for model, grid in compared.samples.items()}
        ink |= {data.label} if is_ink(experiment) else set()
    write_pictures(pictures, images, ink)
    for path, tables in ((curves, [f.curves for f in found]), (table, [f.table for f in found])):
        write_atomically(path, pd.concat(tables).to_csv(index=False, float_format="%.6g"))
    LOGGER.info(f"wrote {curves}, {table} and {pictures}")


@app.command()
def film(
    settings: Settings,
    curves: Curves,
    table: Table,
    pictures: Pictures,
    weights: Annotated[Path, typer.Option(help="The state-space model (safetensors).")],
    record: Annotated[
        list[Path], typer.Option(help="Record of the film; without one a synthetic film is made.")
    ] = (),
    length: Annotated[int, typer.Option(min=2, help="Frames a stretch.")] = 16,
    stretches: Annotated[int, typer.Option(min=1, help="Stretches a minibatch.")] = 4,
    gap: Annotated[int, typer.Option(min=1, help="Missing frames in a row.")] = 5,
    draws: Annotated[int, typer.Option(min=2, help="Paths for each prediction.")] = 100,
    step_size: Annotated[float, typer.Option(help="Adagrad's, of both models.")] = 0.01,
    checkpoint_dir: Checkpoints = CHECKPOINTS,
    checkpoint_seconds: CheckpointSeconds = 60.0,
    backend: Backend = "tensorflow",
    threads: Threads = 1,
    log: Log = None,
) -> None:
    """Train a state-space model of a film, and an i.i.d. VAE, on its beginning, and compare bounds,
    predictions and gaps on its end."""
    start_logging(log)
    execution = Execution.parse(backend)
    if len(settings) > 1:
        raise ConfigError("--settings: give one experiment, on one film")
    if gap > length - 2:
        raise ConfigError(f"--gap: {gap} of {length} frames leave none on either side")
    if record:
        ((experiment, data),) = studied(settings, record)
    else:
        experiment, data = Experiment.from_json(settings[0]), None
    start_tensorflow(threads)
    from aevb.future_work.forecast import Budget, compare, synthetic
    from aevb.stages.weights import write

    found = compare(
        experiment,
        data or synthetic(tuple(experiment.definition["image_shape"])),
        Budget(length, stretches, gap, draws, step_size),
        checkpoint_folder=folder_of(checkpoint_dir, curves),
        checkpoint_seconds=checkpoint_seconds,
        execution=execution,
    )
    label = found.table["dataset"].iloc[0]
    write_pictures(pictures, found.pictures, {label} if is_ink(experiment) else set())
    write(weights, found.parameters, experiment)
    for path, rows in ((curves, found.curves), (table, found.table)):
        write_atomically(path, rows.to_csv(index=False, float_format="%.6g"))
    LOGGER.info(f"wrote {curves}, {table}, {pictures} and {weights}")


@app.command()
def noise(
    settings: Annotated[str, typer.Option(help="AEVB's experiment (`aevb settings`).")],
    record: Record,
    densities: Annotated[Path, typer.Option(help="Densities of one-dimensional y (CSV).")],
    divergences: Annotated[Path, typer.Option(help="Their divergences from the truth (CSV).")],
    halves: Annotated[Path, typer.Option(help="Log-likelihoods of lower halves (CSV).")],
    pictures: Pictures,
    weights: Annotated[Path, typer.Option(help="What completes halves (safetensors).")],
    density_samples: Annotated[
        int, typer.Option(min=1, help="Training samples of each one-dimensional model.")
    ] = 1_000_000,
    points: Annotated[int, typer.Option(min=2, help="First test images.")] = 20,
    ais: budgets.Ais = budgets.DEFAULT,
    checkpoint_dir: Checkpoints = CHECKPOINTS,
    checkpoint_seconds: CheckpointSeconds = 60.0,
    backend: Backend = "tensorflow",
    threads: Threads = 1,
    log: Log = None,
) -> None:
    """Train p(y|x) with latent variables and without: on one-dimensional y whose noise is known,
    and on the lower halves of images, against inpainting."""
    start_logging(log)
    execution, annealing = Execution.parse(backend), budgets.annealing(ais)
    ((experiment, data),) = studied([settings], [record])
    start_tensorflow(threads)
    from aevb.future_work import densities as known
    from aevb.future_work import halves as images
    from aevb.stages.weights import write

    checkpoints = {
        "checkpoint_folder": folder_of(checkpoint_dir, densities),
        "checkpoint_seconds": checkpoint_seconds,
    }
    divergence, shown = known.compare(experiment.seeds, density_samples, **checkpoints)
    options = {**checkpoints, "execution": execution}
    found = images.compare(experiment, data, points, annealing, **options)
    ink = {data.label} if is_ink(experiment) else set()
    named = {f"{data.label}/{name}": stack for name, stack in found.pictures.items()}
    write_pictures(pictures, named, ink)
    write(weights, found.arrays, experiment)
    for path, table in ((densities, shown), (divergences, divergence), (halves, found.table)):
        write_atomically(path, table.to_csv(index=False, float_format="%.6g"))
    LOGGER.info(f"wrote {divergences}, {densities}, {halves}, {pictures} and {weights}")
