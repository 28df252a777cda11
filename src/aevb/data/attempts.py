"""What came of the attempts to get the data sets, and when one is worth another attempt."""

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from aevb.errors import DataError


def outcomes(records: Iterable[Path]) -> dict[str, dict]:
    """What the last attempt to get each data set came to, of those that were tried.

    Raises:
        DataError: a record is damaged.
    """
    found = {}
    for path in records:
        if path.exists():
            try:
                outcome = json.loads(path.read_text(encoding="utf-8"))
                found[outcome["dataset"]] = {"reason": None} | outcome
                outcome["available"]
            except (ValueError, LookupError, TypeError):
                raise DataError(
                    f"{path} is damaged; delete it, and the data set is fetched again"
                ) from None
    return found


def left_out(records: Iterable[Path]) -> dict[str, str]:
    """The data sets that the last attempt could not get, with the reason; see :func:`outcomes`."""
    found = outcomes(records).items()
    return {name: outcome["reason"] for name, outcome in found if not outcome["available"]}


def attempt(definition: Mapping, folder: str | None, outcome: Mapping | None) -> str:
    """What the local folder holds of a data set, as text: where it changes, the data set is
    fetched again. Of one that was had it stays what it was then, wherever that folder is now,
    unless its files have no checksums and others are there.

    Args:
        definition: of the data set.
        folder: the local folder, where the definition names none.
        outcome: of the last attempt.
    """
    sources = [one for one in definition["sources"] if one["kind"] == "local"]
    folders = [source.get("folder") or folder for source in sources]
    candidates = [
        Path(os.path.expanduser(place), f"{name}{suffix}")
        for place in filter(None, folders)
        for name in definition["files"]
        for suffix in ("", ".gz")
    ]
    found = [f"{path.name} of {path.stat().st_mtime_ns}" for path in candidates if path.exists()]
    pinned = all(file.get("sha256") for file in definition["files"].values())
    had = outcome is not None and outcome["available"] and "attempt" in outcome
    if had and (pinned or not found):
        return outcome["attempt"]
    return ", ".join(found) or "no local file"


def banner(dataset: str, reason: str, cache: str) -> str:
    """What is said, loudly, of a data set that was left out."""
    line = "=" * 88
    return (
        f"\n{line}\nLEFT OUT: {dataset}. Its figures were not drawn.\n{reason}\nIt is asked for"
        " again by `make reproduce`, or when a file of it comes into the local folder or"
        f" {cache}/{dataset}.json is deleted.\n{line}"
    )
