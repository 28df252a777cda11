"""What trained models make of latent variables and of images: Figures 4 and 5, projections."""

from pathlib import Path
from typing import Annotated

import typer

from aevb.cli.models import data_of, ink, read_models
from aevb.cli.options import Log, Records, Threads, Weights
from aevb.errors import ConfigError
from aevb.files import write_atomically
from aevb.pictures import write_pictures
from aevb.process.progress import LOGGER, start_logging
from aevb.process.startup import start_tensorflow

app = typer.Typer()

Rows = Annotated[list[int], typer.Option(min=1, help="Rows of the grid, one for each model.")]
Pictures = Annotated[Path, typer.Option(help="The images (npz).")]
Places = Annotated[Path, typer.Option(help="The table of the latent variables (CSV).")]


@app.command()
def manifold(
    weights: Weights,
    rows: Rows,
    output: Pictures,
    table: Places,
    threads: Threads = 1,
    log: Log = None,
) -> None:
    """Decode a grid over the 2-D latent space of each model (Figure 4)."""
    start_logging(log)
    if len(rows) != len(weights):
        raise ConfigError(f"--rows: {len(rows)} numbers are given for {len(weights)} models")
    start_tensorflow(threads)
    import pandas as pd

    from aevb.stages.generation import decode, manifold_grid, manifold_table

    images, tables = {}, []
    models = read_models(weights, latent_dim=2)
    for trained, n in zip(models, rows, strict=True):
        z = manifold_grid(n)
        means = decode(trained.model, z).reshape(n, n, *trained.image_shape)
        images[trained.label] = means
        tables.append(manifold_table(trained.label, z, means))
    write_pictures(output, images, ink(models))
    write_atomically(table, pd.concat(tables).to_csv(index=False, float_format="%.6f"))
    LOGGER.info(f"wrote {output} and {table}")


@app.command()
def sample(
    weights: Weights,
    output: Pictures,
    table: Places,
    rows: Annotated[int, typer.Option(min=1, help="Rows of the grid of each model.")] = 10,
    seed: Annotated[int, typer.Option(min=0, help="Of the latent variables.")] = 0,
    threads: Threads = 1,
    log: Log = None,
) -> None:
    """Decode draws from the prior with each model (Figure 5)."""
    start_logging(log)
    start_tensorflow(threads)
    import pandas as pd

    from aevb.stages.generation import decode, prior_samples, sample_table

    images, tables = {}, []
    models = read_models(weights)
    for trained in models:
        z = prior_samples(trained.model.latent_dim, rows**2, seed)
        means = decode(trained.model, z).reshape(rows, rows, *trained.image_shape)
        images[f"{trained.label}/{trained.model.latent_dim}"] = means
        tables.append(sample_table(trained.label, z, means, seed))
    write_pictures(output, images, ink(models))
    write_atomically(table, pd.concat(tables).to_csv(index=False, float_format="%.6f"))
    LOGGER.info(f"wrote {output} and {table}")


@app.command()
def likeness(
    weights: Weights,
    record: Records,
    output: Annotated[Path, typer.Option(help="The table (CSV).")],
    samples: Annotated[int, typer.Option(min=2, help="Draws from the prior of each model.")] = 100,
    seed: Annotated[int, typer.Option(min=0, help="Of the latent variables.")] = 0,
    threads: Threads = 1,
    log: Log = None,
) -> None:
    """How like test images each model's samples are (Figure 5), against noise and test images."""
    start_logging(log)
    start_tensorflow(threads)
    import pandas as pd

    from aevb.stages.generation import decode, prior_samples
    from aevb.stages.likeness import likeness as compare

    tables = []
    models = read_models(weights)
    for trained, data in zip(models, data_of(models, record), strict=True):
        z = prior_samples(trained.model.latent_dim, samples, seed)
        found = compare(decode(trained.model, z), trained.pixels(data.test), seed)
        names = {"dataset": trained.label, "latent_dim": trained.model.latent_dim}
        tables.append(found.assign(**names)[[*names, *found.columns]])
    write_atomically(output, pd.concat(tables).to_csv(index=False, float_format="%.6f"))
    LOGGER.info(f"wrote {output}")


@app.command()
def project(
    weights: Weights,
    record: Records,
    projection: Annotated[Path, typer.Option(help="Table of the 2-D models' means (CSV).")],
    usage: Annotated[Path, typer.Option(help="Table of the latent dimensions' use (CSV).")],
    threads: Threads = 1,
    log: Log = None,
) -> None:
    """Encode the data: test images in the 2-D models' latent spaces (of a video, all frames), and
    how much each latent dimension of every model tells of the test images."""
    start_logging(log)
    start_tensorflow(threads)
    import pandas as pd

    from aevb.stages.encoding import encode, latent_usage, projection_table

    places, usages = [], []
    models = read_models(weights)
    for trained, data in zip(models, data_of(models, record), strict=True):
        latent_dim = trained.model.latent_dim
        if latent_dim == 2:
            places.append(projection_table(trained, data))
        used = latent_usage(encode(trained.model, trained.pixels(data.test)))
        usages.append(used.assign(dataset=trained.label, latent_dim=latent_dim))
        LOGGER.info(
            f"{trained.experiment.name}: {used['active'].sum()} of {latent_dim} dimensions are"
            f" active, KL {used['kl'].sum():.2f} nats"
        )
    if not places:
        raise ConfigError("--weights: none of the models has a 2-D latent space to project into")
    columns = ["dataset", "latent_dim", "rank", "dimension", "kl", "mean_variance", "active"]
    write_atomically(usage, pd.concat(usages)[columns].to_csv(index=False, float_format="%.6g"))
    write_atomically(projection, pd.concat(places).to_csv(index=False, float_format="%.5f"))
    LOGGER.info(f"wrote {projection} and {usage}")


@app.command()
def explorer(
    weights: Weights,
    projection: Annotated[Path, typer.Option(help="Projection of `aevb project` (CSV).")],
    curve: Annotated[list[Path], typer.Option(help="Curves of the models' training (CSV).")],
    output: Annotated[Path, typer.Option(help="The page (HTML).")],
    log: Log = None,
) -> None:
    """A page on which a person moves through 2-D latent spaces and sees what the decoders make."""
    start_logging(log)
    from aevb.explorer.build import build

    write_atomically(output, build(weights, projection, curve))
    LOGGER.info(f"wrote {output}")
