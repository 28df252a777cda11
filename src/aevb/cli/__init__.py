"""The command line: one command for each stage of the workflow."""

import errno
import io
import logging
import os
import re
import sys

import typer

from aevb.cli import (
    apply,
    audit,
    bundles,
    checkpoints,
    evaluate,
    future_work,
    latent,
    products,
    section2,
    stages,
    weights,
)
from aevb.errors import AevbError
from aevb.process.interruption import Interrupted
from aevb.process.progress import LOGGER, start_logging

app = typer.Typer(
    help="Replicate Auto-Encoding Variational Bayes, stage by stage.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.add_typer(stages.app)
app.add_typer(audit.app)
app.add_typer(checkpoints.app)
app.add_typer(bundles.app)
app.add_typer(latent.app)
app.add_typer(weights.app)
app.add_typer(apply.app, name="apply")
app.add_typer(evaluate.app, name="evaluate")
app.add_typer(section2.app, name="section2")
app.add_typer(future_work.app, name="future-work")
app.add_typer(products.tables, name="table")
app.add_typer(products.figures, name="figure")


def main() -> None:
    """Run the command line; errors meant for a person end as one message, without traceback."""
    _settle_standard_streams()
    try:
        try:
            app(args=[_with_home(word) for word in sys.argv[1:]])
        finally:
            # Here rather than on exit, where an error would be a traceback.
            if sys.stdout:
                sys.stdout.flush()
    except AevbError as error:
        _fail(f"error: {error}")
        sys.exit(1)
    except BrokenPipeError:
        # As in `aevb audit | head -1`: nobody reads on, so there is nobody to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        _fail(f"error: {_describe(error)}")
        sys.exit(1)
    except Interrupted as stopped:
        _fail(str(stopped))
        sys.exit(128 + stopped.signal_number)
    except KeyboardInterrupt:
        _fail("stopped")
        sys.exit(130)
    except Exception as error:
        if not _out_of_memory(error):
            raise
        detail = " ".join(str(error).split()) or "Python could not allocate any"
        if os.strerror(errno.ENOSPC) in detail:
            _fail(f"error: {detail}; free some space, then run the same command again")
            sys.exit(1)
        _fail(
            f"error: out of memory ({detail}); give the job more (mem_mb), or ask for less: fewer"
            " seeds, smaller minibatches or hidden layers, fewer points"
        )
        sys.exit(1)


def _settle_standard_streams() -> None:
    """No text is beyond what they can show, and none is closed: no other file takes its number."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


def _with_home(word: str) -> str:
    """``~`` and ``--option=~`` with the home folder; a shell leaves the latter as it is."""
    option, path = re.fullmatch(r"(--[\w-]+=)?(.*)", word, re.DOTALL).groups(default="")
    return option + os.path.expanduser(path)


_REMEDIES = {
    errno.ENOSPC: "free some space",
    errno.EDQUOT: "free some space",
    errno.EROFS: "make it writable, or name another folder",
    errno.EACCES: "make it writable, or name another folder",
}


def _describe(error: OSError) -> str:
    """What went wrong, where, and what to do."""
    remedy = _REMEDIES.get(error.errno)
    if remedy is None or not error.filename:
        return str(error)
    return (
        f"{error.filename}: {error.strerror}; {remedy}, then run the same command again: nothing"
        " that was finished is lost"
    )


def _out_of_memory(error: Exception) -> bool:
    # TensorFlow's own type, by name: importing it takes seconds.
    return isinstance(error, MemoryError) or type(error).__name__ == "ResourceExhaustedError"


def _fail(text: str) -> None:
    if not LOGGER.handlers:
        start_logging()
    LOGGER.log(logging.ERROR, text)
