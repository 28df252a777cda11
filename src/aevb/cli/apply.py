"""What a trained model is for (§2.1), on anybody's images: ``aevb apply``."""

import io
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from aevb.cli import budgets
from aevb.cli.models import start_models
from aevb.cli.options import Log, OneWeights, Threads
from aevb.errors import ConfigError, DataError
from aevb.files import write_atomically
from aevb.process.progress import LOGGER, start_logging
from aevb.process.startup import start_tensorflow

if TYPE_CHECKING:
    import numpy as np

    from aevb.stages.trained import Trained

app = typer.Typer(help="Use a trained model on images of your own.", no_args_is_help=True)

Images = Annotated[
    Path,
    typer.Argument(help="Images (.npy, .npz, idx): n x rows x columns, bytes, bits or in [0, 1]."),
]
Arrays = Annotated[Path, typer.Option(help="Where to write the arrays (npz).")]
Seed = Annotated[int, typer.Option(min=0, help="Of the posterior samples.")]

_NOISE_DEVIATIONS = 8
"""How many standard deviations noise leads out of [0, 1] at most."""


@app.command()
def represent(
    images: Images, weights: OneWeights, output: Arrays, threads: Threads = 1, log: Log = None
) -> None:
    """Latent representation: the encoder's means and standard deviations, n x N_z each, and the
    KL of each latent dimension in nats."""
    trained = _start(weights, threads, log)
    x = _images(images, trained)
    from aevb.stages.encoding import encode

    _write_arrays(output, encode(trained.model, x)._asdict())


@app.command()
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
    hmc: budgets.Hmc = budgets.DEFAULT,
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
    budget = budgets.samples(hmc)
    y = _images(images, trained, margin=_NOISE_DEVIATIONS * (noise or 0.0))
    restored = restore(trained, channel, y, budget, seed)
    _write_arrays(output, _as_images(restored._asdict(), trained))


@app.command()
def super_resolve(
    images: Images,
    weights: OneWeights,
    output: Arrays,
    factor: Annotated[int, typer.Option(min=1, help="Pixels a block, in each direction.")] = 4,
    hmc: budgets.Hmc = budgets.DEFAULT,
    seed: Seed = 0,
    threads: Threads = 1,
    log: Log = None,
) -> None:
    """Whole images from block means, by the encoder and by HMC: `encoder` and `hmc`."""
    trained = _start(weights, threads, log)
    from aevb.applications.observations import BlockMeans
    from aevb.applications.restoration import restore

    channel = BlockMeans(trained.image_shape, factor)
    budget = budgets.samples(hmc)
    y = _images(images, trained, shape=channel.small_shape)
    restored = restore(trained, channel, y, budget, seed)
    _write_arrays(output, _as_images(restored._asdict(), trained))


@app.command()
def inpaint(
    images: Images,
    weights: OneWeights,
    output: Arrays,
    mask: Annotated[
        Path | None,
        typer.Option(help="Which pixels are seen (.npy, rows x columns, 0 or 1); upper half."),
    ] = None,
    hmc: budgets.Hmc = budgets.DEFAULT,
    seed: Seed = 0,
    threads: Threads = 1,
    log: Log = None,
) -> None:
    """Missing pixels of images, by the encoder and by HMC: the posterior means `encoder` and
    `hmc`, and `completions`, one image of each HMC chain."""
    trained = _start(weights, threads, log)
    from aevb.applications.inference import posterior_image
    from aevb.applications.inpainting import complete, filled, halves
    from aevb.stages.generation import decode

    budget = budgets.samples(hmc)
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


@app.command()
def predict(
    frames: Annotated[
        Path, typer.Argument(help="The last frames of a film, as images are given elsewhere.")
    ],
    weights: Annotated[
        Path, typer.Option(help="Weights of `aevb future-work film` (safetensors).")
    ],
    output: Arrays,
    steps: Annotated[int, typer.Option(min=1, help="How many frames to predict.")] = 20,
    draws: Annotated[int, typer.Option(min=2, help="Paths through the latent space.")] = 100,
    seed: Seed = 0,
    threads: Threads = 1,
    log: Log = None,
) -> None:
    """The next frames of a film: `mean` and `standard_deviation` of each pixel, and `paths`, the
    films that the first 8 draws give."""
    start_logging(log)
    start_tensorflow(threads)
    import numpy as np

    from aevb.future_work.forecast import predict as forecast
    from aevb.future_work.forecast import read_film

    trained = read_film(weights)
    x = _images(frames, trained).reshape(1, -1)
    found = list(forecast(*trained.model, x, steps, draws, seed))
    means = np.stack([p.mean().numpy()[:, 0, 0] for p in found], axis=1)
    variances = np.stack([p.variance().numpy()[:, 0, 0] for p in found], axis=1)
    deviation = np.sqrt(variances.mean(axis=0) + means.var(axis=0))
    arrays = {"mean": means.mean(axis=0), "standard_deviation": deviation, "paths": means[:8]}
    _write_arrays(output, _as_images(arrays, trained))


@app.command()
def complete(
    images: Images,
    weights: OneWeights,
    output: Arrays,
    draws: Annotated[int, typer.Option(min=1, help="Completions of each image.")] = 4,
    seed: Seed = 0,
    threads: Threads = 1,
    log: Log = None,
) -> None:
    """Lower halves of images from their upper halves, by the model of p(lower half|upper half) that
    `aevb future-work noise` writes: `completions`, one for each draw of z from the prior."""
    start_logging(log)
    start_tensorflow(threads)
    from aevb.future_work import halves

    trained = halves.read_model(weights)
    x = _images(images, trained)
    z = halves.draws(trained.model.latent_dim, draws, len(x), seed)
    found = halves.complete(trained.experiment, trained.model, x, z)
    _write_arrays(output, _as_images({"completions": found}, trained))


@app.command()
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

    annealing = None if ais is None else budgets.annealing(ais)
    x = _images(images, trained)
    found = scores(trained, x, annealing)
    names = {BOUND: "lower_bound", ANNEALED: "log_likelihood"}
    rows = pd.DataFrame({names[method]: values for method, values in found.items()})
    rows = rows.rename_axis("image").reset_index().sort_values(rows.columns[-1])
    rows.insert(0, "rank", range(1, len(rows) + 1))
    write_atomically(output, rows.to_csv(index=False, float_format="%.4f"))
    LOGGER.info(f"wrote {output}")


def _start(weights: Path, threads: int, log: Path | None) -> "Trained":
    return start_models([weights], threads, log)[0]


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
