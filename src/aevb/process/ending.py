"""Ending at once when all is done."""

import atexit
import os
import sys
from collections.abc import Callable


def run_to_the_end(main: Callable[[], None]) -> None:
    """Run a program, which ends its process; what it has registered for its exit is done.

    Python would take all modules apart at the end, and with TensorFlow among them that takes longer
    than what a short command is for.
    """
    codes: list[int] = []

    def leave() -> None:
        if codes:
            for stream in filter(None, (sys.stdout, sys.stderr)):
                stream.flush()
            os._exit(codes[0])

    # First come, last done.
    atexit.register(leave)
    try:
        main()
        codes.append(0)
    except SystemExit as stop:
        if stop.code is None or isinstance(stop.code, int):
            codes.append(stop.code or 0)
        raise
