"""Programs that XLA has compiled for this processor, kept for the next process that needs them.

Compiling a training program takes longer than a smoke run's training. TensorFlow keeps compiled
programs in a folder, under names made of their content; it takes whatever lies there for its own,
so what has been damaged goes before it looks.
"""

import atexit
import hashlib
import os
import platform
import shutil
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

from aevb.files import write_atomically

VARIABLE = "AEVB_COMPILED"
"""Names the folder; without it nothing is kept."""
_LEAST_FREE = 2**28
"""Bytes of space below which nothing is kept, so that a full disk is no reason for a crash."""
_FLAG = "--tf_xla_persistent_cache_directory"
_CPUINFO = Path("/proc/cpuinfo")


def keep() -> Path | None:
    """Tell TensorFlow, before it is imported, where compiled programs are kept.

    Returns:
        The folder, one for each processor and version of TensorFlow below that of
        ``AEVB_COMPILED``; None where there is none, it cannot be written, or ``TF_XLA_FLAGS``
        names one already.
    """
    root, flags = os.environ.get(VARIABLE), os.environ.get("TF_XLA_FLAGS", "")
    if not root or _FLAG in flags:
        return None
    folder = Path(root).absolute() / _machine()
    # Flags are separated by spaces, and there is no way to quote one.
    if any(character.isspace() for character in str(folder)):
        return None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK) or shutil.disk_usage(folder).free < _LEAST_FREE:
            return None
        remove_damaged(folder)
    except OSError:
        return None
    kept = f"{_FLAG}={folder} --tf_xla_persistent_cache_device_types=CPU"
    os.environ["TF_XLA_FLAGS"] = f"{flags} {kept}".strip()
    atexit.register(vouch, folder)
    return folder


def vouch(folder: Path) -> None:
    """Note the digests of the programs in ``folder`` that have none yet."""
    with suppress(OSError):
        for program in folder.glob("*.pb"):
            noted = program.with_suffix(".sha256")
            if not noted.exists():
                write_atomically(noted, _sha256(program))


def remove_damaged(folder: Path) -> None:
    """Remove the programs in ``folder`` that are not what their digests say.

    Those without a digest are of processes that are still running, or were killed: each came there
    in one piece, by renaming.
    """
    for noted in folder.glob("*.sha256"):
        program = noted.with_suffix(".pb")
        with suppress(FileNotFoundError):
            if noted.read_text(encoding="utf-8") != _sha256(program):
                program.unlink()
                noted.unlink()


def _machine() -> str:
    """What compiled programs depend on besides their text, as the name of a folder."""
    lines = [platform.machine(), version("tensorflow"), os.environ.get("XLA_FLAGS", "")]
    if _CPUINFO.exists():
        text = _CPUINFO.read_text(encoding="utf-8", errors="replace")
        wanted = ("model name", "flags", "Features", "CPU part")
        lines += sorted({line for line in text.splitlines() if line.startswith(wanted)})
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
