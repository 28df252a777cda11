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
    try:
        content = json.loads(Path(record).read_text(encoding="utf-8"))
        if not content["available"]:
            raise DataError(f"{content['dataset']} is not available: {content['reason']}")
        return Path(content["path"])
    except FileNotFoundError:
        raise DataError(f"{record} is missing; run the fetch step again") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{record} is damaged ({error}); run the fetch step again") from None
