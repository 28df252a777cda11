"""Processes, as seen from outside."""

from collections.abc import Iterator
from pathlib import Path

import psutil


def at_work_in(folder: Path) -> Iterator[tuple[psutil.Process, list[str], list[str]]]:
    """Those whose working directory it is, with their words and those of their parent."""
    for process in psutil.process_iter():
        # One that ends meanwhile is none, and one that has ended has no folder.
        try:
            if Path(process.cwd()) == folder.resolve():
                parent = process.parent()
                yield process, process.cmdline(), parent.cmdline() if parent else []
        except psutil.Error:
            continue


def state(pid: int) -> str:
    """As psutil calls it, or "gone" where it has ended."""
    try:
        found = psutil.Process(pid).status()
    except psutil.NoSuchProcess:
        return "gone"
    return "gone" if found in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD) else found


def is_gone(pid: int) -> bool:
    return state(pid) == "gone"


def has_children(pid: int) -> bool:
    return bool(psutil.Process(pid).children())
