"""What a trained model is for (§2.1): on anybody's images, and measured on the test set."""

import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from aevb.applications.budgets import PosteriorSamples
from aevb.cli.latent import data_of, ink, read_models
from aevb.cli.options import Log, Records, Threads, Weights
from aevb.errors import ConfigError, DataError
from aevb.files import write_atomically
from aevb.likelihood.budgets import AIS
from aevb.pictures import write_pictures
from aevb.progress import LOGGER, start_logging
from aevb.schema.kinds import Table
from aevb.schema.reading import validate
from aevb.startup import start_tensorflow

if TYPE_CHECKING:
    import numpy as np

    from aevb.trained import Trained

Budget = TypeVar("Budget", bound=Table)

apply = typer.Typer(help="Use a trained model on images of your own.", no_args_is_help=True)
evaluate = typer.Typer(
    help="Measure on the test set what a trained model is for.", no_args_is_help=True
)

Images = Annotated[
    Path,
    typer.Argument(help="Images (.npy, .npz): [n, rows, columns], bytes, bits or in [0, 1]."),
]
OneWeights = Annotated[Path, typer.Option(help="Weights of the model, of `aevb train`.")]
Arrays = Annotated[Path, typer.Option(help="Where to write the arrays (npz).")]
Hmc = Annotated[
    str,
    typer.Option(
        help="Budget of the posterior samples as JSON: samples, chains, burn_in, annealing,"
        " leapfrog_steps."
    ),
]
Ais = Annotated[
    str,
    typer.Option(
        help="Budget of annealed importance sampling as JSON: chains, steps, segments,"
        " leapfrog_steps, target_acceptance, tuning_chains, tuning_steps."
    ),
]
Seed = Annotated[int, typer.Option(min=0, help="Of the posterior samples.")]
Points = Annotated[int, typer.Option(min=2, help="First test images.")]
Shown = Annotated[int, typer.Option(min=1, help="Of how many images the pictures are kept.")]
Stem = Annotated[Path, typer.Option(help="The table (.csv) and the pictures (.npz), no suffix.")]

_DEFAULT = "{}"
_NOISE_DEVIATIONS = 8
"""How many standard deviations noise leads out of [0, 1] at most."""


@apply.command()
def represent(
    images: Images, weights: OneWeights, output: Arrays, threads: Threads = 1, log: Log = None
) -> None:
    """Latent representation: the encoder's means and standard deviations, [n, N_z] each, and the
    KL of each latent dimension in nats."""
    trained = _start(weights, threads, log)
    x = _images(images, trained)
    from aevb.encoding import encode

    _write_arrays(output, encode(trained.model, x)._asdict())


@apply.command()
def denoise(
    images: Images,
    weights: OneWeights,
    output: Arrays,
    noise: Annotated[
        float | None, typer.Option(help="Standard deviation of the Gaussian noise.")
    ] = None,
    bit_flips: Annotated[
        float | None, typer.Option(help="Share of the pixels that are inverted.")
    ] = None,
    hmc: Hmc = _DEFAULT,
    seed: Seed = 0,
    threads: Threads = 1,
    log: Log = None,
) -> None:
    """Clean images from noisy ones, by the encoder and by HMC: `encoder` and `hmc`."""
    start_logging(log)
    if (noise is None) == (bit_flips is None):
        raise ConfigError("give the kind of noise: either --noise or --bit-flips")
    trained = _start(weights, threads, log)
    from aevb.applications.observations import BitFlips, GaussianNoise
    from aevb.applications.restoration import restore

    channel = BitFlips(bit_flips) if noise is None else GaussianNoise(noise)
    budget = _samples(hmc)
    y = _images(images, trained, margin=_NOISE_DEVIATIONS * (noise or 0.0))
    restored = restore(trained, channel, y, budget, seed)
    _write_arrays(output, _as_images(restored._asdict(), trained))


@apply.command()
def super_resolve(
    images: Images,
    weights: OneWeights,
    output: Arrays,
    factor: Annotated[int, typer.Option(min=1, help="Pixels a block, in each direction.")] = 4,
    hmc: Hmc = _DEFAULT,
    seed: Seed = 0,
    threads: Threads = 1,
    log: Log = None,
) -> None:
    """Whole images from block means, by the encoder and by HMC: `encoder` and `hmc`."""
    trained = _start(weights, threads, log)
    from aevb.applications.observations import BlockMeans
    from aevb.applications.restoration import restore

    channel = BlockMeans(trained.image_shape, factor)
    budget = _samples(hmc)
    y = _images(images, trained, shape=channel.small_shape)
    restored = restore(trained, channel, y, budget, seed)
    _write_arrays(output, _as_images(restored._asdict(), trained))


@apply.command()
def inpaint(
    images: Images,
    weights: OneWeights,
    output: Arrays,
    mask: Annotated[
        Path | None,
        typer.Option(help="Which pixels are seen (.npy, [rows, columns], 0 or 1); upper half."),
    ] = None,
    hmc: Hmc = _DEFAULT,
    seed: Seed = 0,
    threads: Threads = 1,
    log: Log = None,
) -> None:
    """Missing pixels of images, by the encoder and by HMC: the posterior means `encoder` and
    `hmc`, and `completions`, one image of each HMC chain."""
    trained = _start(weights, threads, log)
    from aevb.applications.inference import posterior_image
    from aevb.applications.inpainting import complete, filled, halves
    from aevb.generation import decode

    budget = _samples(hmc)
    visible = halves(trained.image_shape)[0] if mask is None else _mask(mask, trained)
    x = _images(images, trained)
    y = visible.observe(x)
    # Nothing is known of the data's mean here: the middle of the range.
    draws = complete(trained, visible, y, 0 * x[0] + 0.5, budget, seed)
    found = {
        "encoder": posterior_image(trained.model, visible, y, draws.encoder),
        "hmc": posterior_image(trained.model, visible, y, draws.hmc),
        "completions": filled(decode(trained.model, draws.hmc[-1]), visible, y),
        "rhat": draws.rhat,
    }
    _write_arrays(output, _as_images(found, trained))


@apply.command()
def rank(
    images: Images,
    weights: OneWeights,
    output: Annotated[Path, typer.Option(help="Table of the scores (CSV).")],
    ais: Annotated[
        str | None, typer.Option(help="Budget of annealed importance sampling; none without.")
    ] = None,
    threads: Threads = 1,
    log: Log = None,
) -> None:
    """Rank images from the most to the least unlike the data: the encoder's bound and, where it
    has a budget, log p(x) by annealed importance sampling, in nats."""
    trained = _start(weights, threads, log)
    import pandas as pd

    from aevb.applications.anomaly import ANNEALED, BOUND, scores

    annealing = None if ais is None else _annealing(ais)
    x = _images(images, trained)
    found = scores(trained, x, annealing)
    names = {BOUND: "lower_bound", ANNEALED: "log_likelihood"}
    rows = pd.DataFrame({names[method]: values for method, values in found.items()})
    rows = rows.rename_axis("image").reset_index().sort_values(rows.columns[-1])
    rows.insert(0, "rank", range(1, len(rows) + 1))
    write_atomically(output, rows.to_csv(index=False, float_format="%.4f"))
    LOGGER.info(f"wrote {output}")


@evaluate.command()
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
    models = _start_all(weights, threads, log)
    from aevb.applications import measures
    from aevb.applications.representation import evaluate

    sets = data_of(models, record)
    if len({data.name for data in sets}) > 1:
        raise ConfigError("--weights: give models of one data set")
    rows = measures.table(evaluate(models, sets[0], probe_images))
    write_atomically(output, rows.to_csv(index=False, float_format="%.6g"))


@evaluate.command()
def denoising(
    weights: Weights,
    record: Records,
    output: Stem,
    noise: Annotated[float, typer.Option(help="Standard deviation of the Gaussian noise.")] = 0.3,
    bit_flips: Annotated[float, typer.Option(help="Share of the pixels inverted.")] = 0.1,
    points: Points = 100,
    shown: Shown = 8,
    hmc: Hmc = _DEFAULT,
    threads: Threads = 1,
    log: Log = None,
) -> None:
    """Error of denoised test images, by the encoder, by HMC and by principal components."""
    models = _start_all(weights, threads, log)
    from aevb.applications.restoration import noisy_channels

    def channels(trained: "Trained") -> dict[str, Any]:
        return noisy_channels(trained, noise, bit_flips)

    _restoration("denoising", models, record, output, channels, points, shown, hmc)


@evaluate.command()
def super_resolution(
    weights: Weights,
    record: Records,
    output: Stem,
    factor: Annotated[int, typer.Option(min=1, help="Pixels a block, in each direction.")] = 4,
    points: Points = 100,
    shown: Shown = 8,
    hmc: Hmc = _DEFAULT,
    threads: Threads = 1,
    log: Log = None,
) -> None:
    """Error of test images restored from block means, by the encoder, HMC and interpolation."""
    models = _start_all(weights, threads, log)
    from aevb.applications.restoration import coarse_channels

    def channels(trained: "Trained") -> dict[str, Any]:
        return coarse_channels(trained, factor)

    _restoration("super-resolution", models, record, output, channels, points, shown, hmc)


@evaluate.command()
def inpainting(
    weights: Weights,
    record: Records,
    output: Stem,
    points: Points = 100,
    shown: Shown = 8,
    hmc: Hmc = _DEFAULT,
    ais: Ais = _DEFAULT,
    threads: Threads = 1,
    log: Log = None,
) -> None:
    """Log-likelihood of the missing half of test images, by the encoder, HMC and AIS."""
    models = _start_all(weights, threads, log)
    from aevb.applications.inpainting import evaluate

    rows, pictures = [], {}
    for trained, data in zip(models, data_of(models, record), strict=True):
        found, images = evaluate(
            trained,
            data,
            points,
            _samples(hmc),
            _annealing(ais),
            shown,
        )
        rows += found
        pictures |= images
    _write_evaluation(output, rows, pictures, models)


@evaluate.command()
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
    ais: Ais = _DEFAULT,
    threads: Threads = 1,
    log: Log = None,
) -> None:
    """How well the bound and log p(x) tell test images from other images."""
    models = _start_all([weights], threads, log)
    import pandas as pd

    from aevb.applications.anomaly import evaluate

    (data,) = data_of(models, record)
    other = None if foreign is None else _foreign(foreign)
    rows, images, found = evaluate(models[0], data, other, points, _annealing(ais), shown)
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
            _samples(hmc),
            shown,
        )
        rows += found
        pictures |= images
    _write_evaluation(output, rows, pictures, models)


def _start(weights: Path, threads: int, log: Path | None) -> "Trained":
    return _start_all([weights], threads, log)[0]


def _start_all(weights: list[Path], threads: int, log: Path | None) -> "list[Trained]":
    start_logging(log)
    start_tensorflow(threads)
    return read_models(weights)


def _images(path: Path, trained: "Trained", shape=None, margin: float = 0.0) -> "np.ndarray":
    from aevb.data.images import read_images

    divisor = trained.experiment.pixel_divisor
    wanted = shape or trained.image_shape
    return read_images(path, wanted, divisor, margin=margin, log=LOGGER.info)


def _mask(path: Path, trained: "Trained"):
    import numpy as np

    from aevb.applications.observations import VisiblePixels
    from aevb.data.images import read_images

    masks = read_images(path, trained.image_shape)
    if len(masks) > 1:
        raise DataError(f"{path}: holds {len(masks)} masks; give one, for all images")
    seen = masks[0]
    if not np.isin(seen, (0, 1)).all() or seen.all() or not seen.any():
        raise DataError(f"{path}: a mask holds 1 where a pixel is seen, 0 where not, and both")
    return VisiblePixels(tuple(np.flatnonzero(seen).tolist()))


def _foreign(record: Path):
    """Another data set, as its record tells; its images are compared by content alone."""
    from aevb import data
    from aevb.data.record import dataset_of, definition_of

    return data.load(dataset_of(record), definition_of(record), data.available_path(record))


def _samples(text: str) -> PosteriorSamples:
    return _budget(text, PosteriorSamples, "--hmc")


def _annealing(text: str) -> AIS:
    return _budget(text, AIS, "--ais")


def _budget(text: str, kind: type[Budget], option: str) -> Budget:
    try:
        values = json.loads(text)
    except ValueError as error:
        raise ConfigError(f"{option}: {text} is not JSON: {error}") from None
    return validate(kind, values, option)


def _as_images(arrays: "dict[str, np.ndarray]", trained: "Trained") -> "dict[str, np.ndarray]":
    return {
        name: values if name == "rhat" else values.reshape(*values.shape[:-1], *trained.image_shape)
        for name, values in arrays.items()
    }


def _write_arrays(path: Path, arrays: "dict[str, np.ndarray]") -> None:
    import numpy as np

    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    write_atomically(path, buffer.getvalue())
    LOGGER.info(f"wrote {', '.join(arrays)} to {path}")


def _write_evaluation(output: Path, rows: list, pictures: dict, models: "list[Trained]") -> None:
    from aevb.applications import measures

    table = measures.table(rows)
    write_pictures(Path(f"{output}.npz"), pictures, ink(models))
    write_atomically(Path(f"{output}.csv"), table.to_csv(index=False, float_format="%.6g"))
    LOGGER.info(f"wrote {output}.csv and .npz")
