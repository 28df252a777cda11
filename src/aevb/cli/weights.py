"""The trained models that a scale's results keep."""

from pathlib import Path
from typing import Annotated

import typer

from aevb import settings as configuration
from aevb.cli.options import CONFIG, DATASETS, Config, Datasets, Log
from aevb.process.progress import LOGGER, start_logging
from aevb.schema.explain import choice

app = typer.Typer()


@app.command()
def keep_weights(
    weights: Annotated[list[Path], typer.Argument(help="Weights of `aevb train`.")],
    output: Annotated[Path, typer.Option(help="The folder that keeps them.")],
    log: Log = None,
) -> None:
    """Write the first seed's weights of each run to a folder, in half precision."""
    from aevb.stages.weights import keep

    start_logging(log)
    kept = keep(weights, output)
    size = sum(path.stat().st_size for path in kept) / 1e6
    LOGGER.info(f"wrote {len(kept)} models to {output}, {size:.1f} MB")


@app.command()
def weights(
    scale: Annotated[
        str | None, typer.Option(help="The scale; without one, the configuration's.")
    ] = None,
    folder: Annotated[
        Path | None, typer.Option(help="The results, where they are not in results/SCALE.")
    ] = None,
    config: Config = CONFIG,
    datasets: Datasets = DATASETS,
) -> None:
    """List the trained models that a scale's results keep in half precision, each with its file,
    which is taken where weights are."""
    from aevb.stages.weights import kept_in
    from aevb.tables.weights import collect

    if folder is None:
        checked, _ = configuration.load(config, datasets)
        folder = Path("results", choice(scale or checked["scale"], checked["scales"], "scale"))
    paths = kept_in(folder / "weights")
    table = collect(paths)
    shown = table.assign(
        n_train=table["n_train"].astype(str).replace("<NA>", "all"),
        file=list(map(str, paths)),
        bytes=(table["bytes"] / 1e6).round(2),
    )
    print(shown.rename(columns={"bytes": "MB"}).to_string(index=False))
    print(f"{len(paths)} models, {table['bytes'].sum() / 1e6:.1f} MB")
