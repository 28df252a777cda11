"""Progress of long work, as lines that read well on a terminal and in a log file."""

import logging
import sys
import time
from datetime import timedelta
from pathlib import Path

LOGGER = logging.getLogger("aevb")


def start_logging(log_file: Path | None = None) -> None:
    """Send the package's messages to standard error and, when given, to ``log_file`` as well."""
    # A log that cannot be written, on a full disk, is no reason for a traceback.
    logging.raiseExceptions = False
    LOGGER.setLevel(logging.INFO)
    LOGGER.handlers.clear()
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stderr)]
    if log_file is not None:
        Path(log_file).parent.mkdir(parents=True, exist_ok=True)
        handlers.append(logging.FileHandler(log_file, "a", "utf-8", errors="replace"))
    for handler in handlers:
        handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%H:%M:%S"))
        LOGGER.addHandler(handler)


class Progress:
    """Reports a training run every ``interval`` seconds: samples, samples/s, bound and ETA."""

    def __init__(self, name: str, total: int, done: int = 0, interval: float = 10.0):
        self.name, self.total, self.interval = name, total, interval
        self._first = self._last = (time.monotonic(), done)

    def update(self, samples: int, objective: str, *, force: bool = False) -> None:
        """Report that ``samples`` are done, if the last report is old enough or on ``force``."""
        now = time.monotonic()
        then, before = self._last
        if now - then < self.interval and not force:
            return
        overall = (samples - self._first[1]) / max(now - self._first[0], 1e-9)
        speed = overall if force else (samples - before) / max(now - then, 1e-9)
        eta = (self.total - samples) / overall if overall > 0 else float("nan")
        remaining = timedelta(seconds=round(eta)) if eta == eta else "?"
        self._last = (now, samples)
        LOGGER.info(
            f"{self.name}: {samples:,} of {self.total:,} samples"
            f" ({100 * samples / self.total:.0f} %), {speed:,.0f} samples/s,"
            f" {objective} nats, ETA {remaining}"
        )
