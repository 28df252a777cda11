"""Checkpoints on their way to another machine."""

from pathlib import Path
from typing import Annotated

import typer

from aevb.cli.options import Log
from aevb.process.progress import LOGGER, start_logging

app = typer.Typer()

Archive = Annotated[Path, typer.Argument(help="The archive (.tar).")]
Folder = Annotated[
    Path, typer.Option(help="Where checkpoints are kept.", envvar="AEVB_CHECKPOINTS")
]
CHECKPOINTS = Path(".checkpoints")


@app.command()
def export_checkpoints(
    archive: Archive,
    scale: Annotated[str | None, typer.Option(help="Of this scale alone; default: all.")] = None,
    checkpoint_dir: Folder = CHECKPOINTS,
    log: Log = None,
) -> None:
    """Pack the checkpoints of all runs into one file, to go on elsewhere."""
    from aevb.workflow.transfer import export_checkpoints as export

    start_logging(log)
    prefix = f"results/{scale}" if scale else ""
    export(checkpoint_dir, archive, LOGGER.info, prefix)


@app.command()
def import_checkpoints(
    archive: Archive, checkpoint_dir: Folder = CHECKPOINTS, log: Log = None
) -> None:
    """Unpack such a file, each checkpoint verified; the same workflow then goes on from there."""
    from aevb.workflow.transfer import import_checkpoints as import_

    start_logging(log)
    import_(archive, checkpoint_dir, LOGGER.info)
