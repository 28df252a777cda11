"""Stopping between two chunks of work when asked to."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager


class Interrupted(Exception):
    """Work was asked to stop, and has left a checkpoint."""

    def __init__(self, signal_number: int, text: str):
        super().__init__(text)
        self.signal_number = signal_number


@contextmanager
def stop_requests() -> Iterator[list[int]]:
    """Collect SIGTERM and Ctrl-C in the list it yields, in place of stopping at once.

    The caller looks at the list where it can stop well.
    """
    requested: list[int] = []
    previous = {
        number: signal.signal(number, lambda received, _: requested.append(received))
        for number in (signal.SIGTERM, signal.SIGINT)
    }
    try:
        yield requested
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
