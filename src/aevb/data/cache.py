"""The cached copy of a data set: one uncompressed npz file, verified whenever it is read."""

import io
import json
from pathlib import Path
from typing import NamedTuple

import numpy as np

from aevb.data.formats import Arrays, FormatError, array_names, check_array, content_sha256
from aevb.errors import DataError
from aevb.files import write_atomically

_PROVENANCE = "provenance"


class Cached(NamedTuple):
    """A data set as it was fetched, before the split."""

    arrays: Arrays
    """uint8 arrays by name: images [N, D], values 0 … 255; labels [N]."""
    sha256: dict[str, str]
    """Hash of the canonical content, by file."""
    source: dict[str, str]
    """Where each file came from."""


def write_cache(path: Path, cached: Cached) -> None:
    """Write a data set to ``path`` atomically.

    Raises:
        DataError: it cannot be written; the old file, if any, is intact.
    """
    provenance = json.dumps({"sha256": cached.sha256, "source": cached.source})
    content = io.BytesIO()
    np.savez(content, **cached.arrays, **{_PROVENANCE: np.array(provenance)})
    try:
        write_atomically(path, content.getvalue())
    except OSError as error:
        raise DataError(f"{path} cannot be written: {error.strerror or error}") from error


def read_cache(name: str, definition: dict, path: Path) -> Cached:
    """The verified content of a cached file.

    A hash that the definition gives is compared with the content; where it gives none, the hash
    taken when the file was fetched is.

    Args:
        name: the data set's name.
        definition: its entry in config/datasets.yaml.
        path: the cached file.

    Raises:
        DataError: the file is missing, damaged, or holds something else.
    """
    advice = "run the fetch step again, which replaces it"
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {key: archive[key] for key in archive.files}
        provenance = json.loads(str(arrays.pop(_PROVENANCE)))
        sha256, source = dict(provenance["sha256"]), dict(provenance["source"])
    except FileNotFoundError:
        raise DataError(f"{name}: {path} is missing; run the fetch step again") from None
    except PermissionError:
        raise DataError(f"{name}: {path} cannot be read: permission denied") from None
    except Exception as error:
        # numpy, zipfile and zlib raise many types for damaged bytes.
        detail = " ".join(str(error).split()) or type(error).__name__
        raise DataError(f"{name}: {path} is damaged ({detail}); {advice}") from None
    for file_name, file in definition["files"].items():
        try:
            for key in array_names(file, definition):
                if key not in arrays:
                    raise FormatError(f"it has no array `{key}`")
                check_array(key, arrays[key], definition)
        except FormatError as error:
            raise DataError(f"{name}: {path} is damaged or outdated: {error}; {advice}") from None
        found = content_sha256(arrays, file, definition)
        expected = file.get("sha256") or sha256.get(file_name)
        if found != expected:
            raise DataError(
                f"{name}: {path} is damaged or outdated: the content of {file_name} has sha256"
                f" {found}, expected {expected}; {advice}"
            )
        sha256[file_name] = found
    return Cached(arrays, sha256, source)
