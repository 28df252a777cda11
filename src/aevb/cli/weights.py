"""The trained models of a scale's results: ``aevb weights``."""

from pathlib import Path
from typing import Annotated

import typer

from aevb import settings as configuration
from aevb.cli.options import CONFIG, DATASETS, Config, Datasets
from aevb.errors import DataError

app = typer.Typer()


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
    """List the trained models in half precision that a scale's results hold, each with the file
    that `aevb apply`, `manifold`, `samples` and `explorer` take."""
    from aevb.stages.weights import HALF
    from aevb.tables.weights import collect

    if folder is None:
        checked, _ = configuration.load(config, datasets)
        folder = Path("results", scale or checked["scale"])
    paths = sorted(folder.rglob(HALF))
    if not paths:
        raise DataError(
            f"{folder}: holds no {HALF}; each training run leaves one, so train first: make"
            f" reproduce SCALE={scale or folder.name}"
        )
    table = collect(paths)
    total = table["bytes"].sum() / 1e6
    shown = table.assign(
        n_train=["all" if n != n or n is None else f"{n:.0f}" for n in table["n_train"]],
        MB=(table.pop("bytes") / 1e6).round(2),
        file=list(map(str, paths)),
    )
    print(shown.to_string(index=False))
    print(f"{len(paths)} models, {total:.1f} MB")
