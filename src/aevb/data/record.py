"""The record of a data set: whether it is there, and if so what it is and where it came from."""

import json
from pathlib import Path

from aevb.errors import DataError
from aevb.files import write_atomically


def unavailable_record(name: str, error: Exception) -> dict:
    """The record of a data set that cannot be had, with the reason."""
    return {"dataset": name, "available": False, "reason": str(error)}


def write_record(record: dict, path: Path) -> None:
    """Write a record as JSON, atomically.

    Raises:
        DataError: it cannot be written; the old file, if any, is intact.
    """
    text = json.dumps(record, indent=2, ensure_ascii=False) + "\n"
    try:
        write_atomically(path, text)
    except OSError as error:
        raise DataError(f"{path} cannot be written: {error.strerror or error}") from error


def available_path(record: Path) -> Path:
    """Path of the data that the record file ``record`` tells of.

    Raises:
        DataError: the data set is not available, or the record is missing or damaged.
    """
    content = _read(record)
    if not content["available"]:
        raise DataError(f"{content['dataset']} is not available: {content.get('reason')}")
    return Path(content["path"])


def dataset_of(record: Path) -> str:
    """The name of the data set that the record file ``record`` tells of.

    Raises:
        DataError: the record is missing or damaged.
    """
    return _read(record)["dataset"]


def definition_of(record: Path) -> dict:
    """What the data set is that the record file ``record`` tells of, as :func:`load` takes it.

    Raises:
        DataError: as :func:`available_path`, or the record is of an older version.
    """
    available_path(record)
    content = _read(record)
    if "definition" not in content:
        raise DataError(f"{record} does not say what the data are; run the fetch step again")
    return content["definition"]


def _read(record: Path) -> dict:
    try:
        content = json.loads(Path(record).read_text(encoding="utf-8"))
        needed = ["dataset", "path"] if content["available"] else ["dataset"]
        return {key: content[key] for key in needed} | content
    except FileNotFoundError:
        raise DataError(f"{record} is missing; run the fetch step again") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{record} is damaged ({error}); run the fetch step again") from None
