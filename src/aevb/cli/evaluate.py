"""What a trained model is for (§2.1), measured on the test set: ``aevb evaluate``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aevb.cli import budgets
from aevb.cli.models import data_of, ink, start_models
from aevb.cli.options import Log, OneWeights, Records, Threads, Weights
from aevb.errors import ConfigError
from aevb.files import write_atomically
from aevb.pictures import write_pictures
from aevb.process.progress import LOGGER

if TYPE_CHECKING:
    from aevb.stages.trained import Trained

app = typer.Typer(help="Measure on the test set what a trained model is for.", no_args_is_help=True)

Points = Annotated[int, typer.Option(min=2, help="First test images.")]
Shown = Annotated[int, typer.Option(min=1, help="Of how many images the pictures are kept.")]
Stem = Annotated[Path, typer.Option(help="The table (.csv) and the pictures (.npz), no suffix.")]


@app.command()
def representation(
    weights: Weights,
    record: Records,
    output: Annotated[Path, typer.Option(help="The table (CSV).")],
    probe_images: Annotated[
        int, typer.Option(min=100, help="How many training images the probe learns from.")
    ] = 10_000,
    threads: Threads = 1,
    log: Log = None,
) -> None:
    """Accuracy of a linear probe on latent means, principal components and raw pixels."""
    models = start_models(weights, threads, log)
    from aevb.applications import measures
    from aevb.applications.representation import evaluate

    sets = data_of(models, record)
    if len({data.name for data in sets}) > 1:
        raise ConfigError("--weights: give models of one data set")
    rows = measures.table(evaluate(models, sets[0], probe_images))
    write_atomically(output, rows.to_csv(index=False, float_format="%.6g"))


@app.command()
def denoising(
    weights: Weights,
    record: Records,
    output: Stem,
    noise: Annotated[float, typer.Option(help="Standard deviation of the Gaussian noise.")] = 0.3,
    bit_flips: Annotated[float, typer.Option(help="Share of the pixels inverted.")] = 0.1,
    points: Points = 100,
    shown: Shown = 8,
    hmc: budgets.Hmc = budgets.DEFAULT,
    threads: Threads = 1,
    log: Log = None,
) -> None:
    """Error of denoised test images, by the encoder, by HMC and by principal components."""
    models = start_models(weights, threads, log)
    from aevb.applications.restoration import noisy_channels

    def channels(trained: "Trained") -> dict[str, Any]:
        return noisy_channels(trained, noise, bit_flips)

    _restoration("denoising", models, record, output, channels, points, shown, hmc)


@app.command()
def super_resolution(
    weights: Weights,
    record: Records,
    output: Stem,
    factor: Annotated[int, typer.Option(min=1, help="Pixels a block, in each direction.")] = 4,
    points: Points = 100,
    shown: Shown = 8,
    hmc: budgets.Hmc = budgets.DEFAULT,
    threads: Threads = 1,
    log: Log = None,
) -> None:
    """Error of test images restored from block means, by the encoder, HMC and interpolation."""
    models = start_models(weights, threads, log)
    from aevb.applications.restoration import coarse_channels

    def channels(trained: "Trained") -> dict[str, Any]:
        return coarse_channels(trained, factor)

    _restoration("super-resolution", models, record, output, channels, points, shown, hmc)


@app.command()
def inpainting(
    weights: Weights,
    record: Records,
    output: Stem,
    points: Points = 100,
    shown: Shown = 8,
    hmc: budgets.Hmc = budgets.DEFAULT,
    ais: budgets.Ais = budgets.DEFAULT,
    threads: Threads = 1,
    log: Log = None,
) -> None:
    """Log-likelihood of the missing half of test images, by the encoder, HMC and AIS."""
    models = start_models(weights, threads, log)
    from aevb.applications.inpainting import evaluate

    rows, pictures = [], {}
    for trained, data in zip(models, data_of(models, record), strict=True):
        found, images = evaluate(
            trained,
            data,
            points,
            budgets.samples(hmc),
            budgets.annealing(ais),
            shown,
        )
        rows += found
        pictures |= images
    _write_evaluation(output, rows, pictures, models)


@app.command()
def anomaly(
    weights: OneWeights,
    record: Records,
    output: Stem,
    foreign: Annotated[
        Path | None, typer.Option(help="Record of another data set, whose images are unusual.")
    ] = None,
    scores: Annotated[Path | None, typer.Option(help="Table of all scores (CSV).")] = None,
    points: Points = 100,
    shown: Shown = 8,
    ais: budgets.Ais = budgets.DEFAULT,
    threads: Threads = 1,
    log: Log = None,
) -> None:
    """How well the bound and log p(x) tell test images from other images."""
    models = start_models([weights], threads, log)
    import pandas as pd

    from aevb.applications.anomaly import evaluate

    (data,) = data_of(models, record)
    other = None if foreign is None else _foreign(foreign)
    rows, images, found = evaluate(models[0], data, other, points, budgets.annealing(ais), shown)
    pictures = {f"{data.label}/{kind}": values for kind, values in images.items()}
    _write_evaluation(output, rows, pictures, models)
    if scores is not None:
        tables = [
            pd.DataFrame(
                {
                    "dataset": data.label,
                    "method": method,
                    "kind": kind,
                    "image": range(len(values)),
                    "score": values,
                }
            )
            for (method, _, kind), values in ((k.partition("/"), v) for k, v in found.items())
        ]
        write_atomically(scores, pd.concat(tables).to_csv(index=False, float_format="%.4f"))


def _restoration(
    application: str, models, record, output: Path, channels, points: int, shown: int, hmc: str
) -> None:
    from aevb.applications.restoration import evaluate

    rows, pictures = [], {}
    for trained, data in zip(models, data_of(models, record), strict=True):
        found, images = evaluate(
            application,
            trained,
            data,
            channels(trained),
            points,
            budgets.samples(hmc),
            shown,
        )
        rows += found
        pictures |= images
    _write_evaluation(output, rows, pictures, models)


def _foreign(record: Path):
    """Another data set, as its record tells; its images are compared by content alone."""
    from aevb import data
    from aevb.data.record import dataset_of, definition_of

    return data.load(dataset_of(record), definition_of(record), data.available_path(record))


def _write_evaluation(output: Path, rows: list, pictures: dict, models: "list[Trained]") -> None:
    from aevb.applications import measures

    table = measures.table(rows)
    write_pictures(Path(f"{output}.npz"), pictures, ink(models))
    write_atomically(Path(f"{output}.csv"), table.to_csv(index=False, float_format="%.6g"))
    LOGGER.info(f"wrote {output}.csv and .npz")
