"""The command line: one command for each stage of the workflow."""

import logging
import sys

import typer

from aevb.cli import applications, audit, figures, latent, section2, stages, tables
from aevb.errors import AevbError
from aevb.interruption import Interrupted
from aevb.progress import LOGGER, start_logging

app = typer.Typer(
    help="Replicate Auto-Encoding Variational Bayes, stage by stage.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.add_typer(stages.app)
app.add_typer(audit.app)
app.add_typer(latent.app)
app.add_typer(applications.apply, name="apply")
app.add_typer(applications.evaluate, name="evaluate")
app.add_typer(section2.app, name="section2")
app.add_typer(tables.app, name="table")
app.add_typer(figures.app, name="figure")


def main() -> None:
    """Run the command line; errors meant for a person end as one message, without traceback."""
    try:
        app()
    except (AevbError, OSError) as error:
        _fail(f"error: {error}")
        sys.exit(1)
    except Interrupted as stopped:
        _fail(str(stopped))
        sys.exit(128 + stopped.signal_number)
    except KeyboardInterrupt:
        _fail("stopped")
        sys.exit(130)


def _fail(text: str) -> None:
    if not LOGGER.handlers:
        start_logging()
    LOGGER.log(logging.ERROR, text)
