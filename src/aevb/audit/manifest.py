"""The manifest of a record: every file with its sha256, and where the numbers come from."""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from aevb import __version__
from aevb.errors import DataError
from aevb.provenance import code_hash, machine, versions

NAME = "manifest.json"
_AUDIT = ("audit/", "figures/audit.")
"""What an audit makes of a record is no part of it."""

_LARGE = ("/weights.safetensors", "/snapshots.safetensors")
"""Weights in the folders of runs: listed with their hash, but a record may leave them out."""


class Contents(NamedTuple):
    """What a manifest says."""

    scale: str
    configuration: dict
    files: dict[str, dict]
    data: dict[str, dict]
    checkout: str | None

    @property
    def left_out(self) -> frozenset[str]:
        """The data sets that could not be had."""
        return frozenset(name for name, entry in self.data.items() if not entry["available"])


def names(folder: Path, audit: bool = False) -> list[str]:
    """The files of a record, by their paths in the folder.

    Logs, checkpoints, the report and hidden files are no part of a record, nor, unless ``audit`` is
    wanted too, the audit's own.
    """
    folder, found = Path(folder), []
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        parts = name.split("/")
        hidden = any(part.startswith(".") for part in parts)
        if not path.is_file() or hidden or "logs" in parts:
            continue
        if name.startswith(_AUDIT) and not audit:
            continue
        if name not in (NAME, "report.html"):
            found.append(name)
    return found


def collect(folder: Path) -> dict[str, dict]:
    """Size and sha256 of each file of a record; see :func:`names`."""
    files = {}
    for name in names(folder):
        content = Path(folder, name).read_bytes()
        files[name] = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    return files


def make(
    folder: Path, scale: str, configuration: dict, records: Iterable[Path], checkout: str | None
) -> dict:
    """The manifest of what lies in ``folder``, as the content of a JSON file.

    Args:
        folder: ``results/<scale>``.
        scale: its scale.
        configuration: the checked configuration that made it.
        records: of the data sets, as ``aevb fetch`` writes them.
        checkout: what version control says of the code; None where it says nothing.

    Raises:
        DataError: the folder holds no record, or a data set's record is damaged.
    """
    files = collect(folder)
    if not any(name.startswith(("figures/", "tables/")) for name in files):
        raise DataError(f"{folder}: holds no figures and tables; make them first")
    data = {}
    for path in records:
        try:
            found = json.loads(Path(path).read_text(encoding="utf-8"))
            data[found["dataset"]] = {k: found.get(k) for k in ("available", "reason", "sha256")}
        except (OSError, ValueError, LookupError, TypeError) as error:
            raise DataError(f"{path}: not the record of a data set ({error!r})") from None
    return {
        "scale": scale,
        "package": {"version": __version__, "code": code_hash("aevb.training.experiment")},
        "checkout": checkout,
        "versions": versions(),
        "machine": machine(),
        "data": data,
        "configuration": {k: v for k, v in configuration.items() if k not in ELSEWHERE},
        "files": files,
    }


ELSEWHERE = (
    *("data_dir", "cache_dir", "checkpoint_dir", "checkpoint_seconds"),
    *("backend", "pjrt_platform", "precision"),
)
"""Settings that say where things lie and what computes on one machine, and change no number but by
rounding."""


def read(folder: Path) -> Contents:
    """The manifest of a record.

    Raises:
        DataError: there is none, or it is damaged.
    """
    path = Path(folder) / NAME
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        parts = [content[field] for field in Contents._fields[:-1]]
        found = Contents(*parts, content.get("checkout"))
        for table in found[1:-1]:
            if not isinstance(table, dict):
                raise ValueError("a part is no table of keys")
        for entry in found.files.values():
            entry["sha256"]
        for entry in found.data.values():
            entry["available"]
        return found
    except FileNotFoundError:
        raise DataError(f"{path} is missing; `snakemake manifest` makes it") from None
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise DataError(f"{path} is damaged ({error!r}); `snakemake manifest` makes it") from None


def differences(folder: Path, contents: Contents) -> tuple[list[str], list[str]]:
    """What is no longer as the manifest says: files that are missing or changed, and further files
    that it does not list. Weights may be missing."""
    now = collect(folder)
    wrong = []
    for name, entry in contents.files.items():
        if name not in now:
            if not name.endswith(_LARGE):
                wrong.append(f"{name} is missing")
        elif now[name]["sha256"] != entry["sha256"]:
            wrong.append(f"{name} has changed (if on purpose: snakemake --force manifest)")
    return wrong, sorted(set(now) - set(contents.files))
