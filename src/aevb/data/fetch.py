"""Getting a data set from the first source that gives the right content."""

from pathlib import Path

from aevb.data.cache import Cached, read_cache, write_cache
from aevb.data.formats import Arrays, FormatError, content_sha256, decode
from aevb.data.sources import (
    DATA_DIR_VARIABLE,
    Log,
    Source,
    SourceDownError,
    SourceError,
    make_source,
)
from aevb.errors import DataError


def fetch(
    name: str,
    definition: dict,
    cache_dir: Path,
    data_dir: Path | None = None,
    log: Log = print,
) -> dict:
    """Make sure that ``cache_dir/<name>.npz`` holds the verified data set.

    A cached file that verifies is used as it is. One without a pinned sha256 is compared with the
    local folder first, so a changed file of the user's own is not missed.

    Args:
        name: the data set's name.
        definition: its entry in config/datasets.yaml.
        cache_dir: folder of the cached files.
        data_dir: local folder to look in; None for the environment variable AEVB_DATA_DIR.
        log: called with one line for each attempt.

    Returns:
        The record: ``dataset``, ``available`` (True), ``path`` of the cached file, ``sha256`` of
        the canonical content and ``source`` by file, ``terms``.

    Raises:
        DataError: no source gives the right content, or the cache cannot be written. The text
            says what was tried and how to place the files by hand.
    """
    path = Path(cache_dir) / f"{name}.npz"
    cached = None
    if path.exists():
        try:
            cached = read_cache(name, definition, path)
        except DataError as error:
            log(f"{error}; fetching it")
    if cached is None:
        cached = _collect(name, definition, definition["sources"], data_dir, log)
        write_cache(path, cached)
        log(f"{name}: written to {path}")
    elif newer := _changed_local_copy(name, definition, data_dir, cached):
        cached = newer
        write_cache(path, cached)
        log(f"{name}: the file in the local folder has changed, {path} is replaced")
    else:
        log(f"{name}: {path} is there and verified")
    return {
        "dataset": name,
        "available": True,
        "path": str(path),
        "sha256": {file: cached.sha256[file] for file in definition["files"]},
        "source": {file: cached.source.get(file, "unknown") for file in definition["files"]},
        "terms": definition.get("terms") or {},
        "definition": {k: v for k, v in definition.items() if k not in ("sources", "terms")},
    }


def _collect(
    name: str, definition: dict, entries: list[dict], data_dir: Path | None, log: Log
) -> Cached:
    sources = [make_source(entry, data_dir) for entry in entries]
    result = Cached({}, {}, {})
    down: dict[Source, str] = {}
    failures: dict[str, list[str]] = {}
    for file_name, file in definition["files"].items():
        tried = []

        def failed(place: str, error: Exception, tried=tried, file_name=file_name) -> None:
            tried.append(f"{place}: {error}")
            log(f"{name}: {file_name}: {place}: {error}")

        for source in sources:
            place = source.place(file_name)
            if source in down:
                tried.append(f"{place}: {down[source]}")
                continue
            good = None
            try:
                # Of files that are only called alike, the sha256 says which is the one.
                alike = file.get("sha256") is not None
                for place, raw in source.files(file_name, log, alike):
                    try:
                        good = _verified(raw, file, definition, lambda text: log(f"{name}: {text}"))
                        break
                    except FormatError as error:
                        failed(place, error)
            except SourceError as error:
                if isinstance(error, SourceDownError):
                    down[source] = str(error)
                failed(place, error)
            if good is None:
                continue
            arrays, sha256 = good
            log(f"{name}: {file_name}: {place}: sha256 {sha256[:12]}…, good")
            result.arrays.update(arrays)
            result.sha256[file_name] = sha256
            result.source[file_name] = source.origin(file_name)
            break
        else:
            failures[file_name] = tried
    if failures:
        raise DataError(_explain(name, definition, failures))
    return result


def _verified(raw: bytes, file: dict, definition: dict, log: Log) -> tuple[Arrays, str]:
    arrays = decode(raw, file, definition, log)
    sha256 = content_sha256(arrays, file, definition)
    if file.get("sha256") not in (None, sha256):
        raise FormatError(f"wrong content: {len(raw):,} bytes whose content has sha256 {sha256}")
    return arrays, sha256


def _changed_local_copy(
    name: str, definition: dict, data_dir: Path | None, cached: Cached
) -> Cached | None:
    local = [entry for entry in definition["sources"] if entry["kind"] == "local"]
    if not local or all(file.get("sha256") for file in definition["files"].values()):
        return None
    try:
        found = _collect(name, definition, local, data_dir, log=lambda line: None)
    except DataError:
        return None
    return found if found.sha256 != cached.sha256 else None


def _explain(name: str, definition: dict, failures: dict[str, list[str]]) -> str:
    lines = [f"{definition['label']} ({name}) cannot be had: no source gave the right content."]
    for file_name, tried in failures.items():
        file = definition["files"][file_name]
        size = f", {file['bytes']:,} bytes" if file.get("bytes") else ""
        pinned = (
            f"content with sha256 {file['sha256']}{size}" if file.get("sha256") else "any sha256"
        )
        lines.append(f"  {file_name}: expected {pinned}")
        lines += [f"    - {attempt}" for attempt in tried]
    lines.append("To place it by hand, put into one folder")
    for file_name in failures:
        lines.append(f"  {_by_hand(file_name, definition)}")
    lines.append(
        f"and set the environment variable {DATA_DIR_VARIABLE}, or data_dir in"
        " config/config.yaml, to that folder."
    )
    homepage = (definition.get("terms") or {}).get("homepage")
    if homepage:
        lines.append(f"About the data set: {homepage}")
    return "\n".join(lines)


def _by_hand(file_name: str, definition: dict) -> str:
    file = definition["files"][file_name]
    idx = definition["format"] == "mnist_idx"
    forms = []
    if idx or not file.get("packed_sha256"):
        # The content of an idx file is the file itself; of the other formats it is the pixels.
        known = file.get("sha256") if idx else None
        forms.append(f"{file_name} (sha256 {known})" if known else file_name)
    if file.get("packed_sha256"):
        suffix = ".gz" if idx else ""
        forms.append(f"{file_name}{suffix} (usually sha256 {file['packed_sha256']})")
    return " or ".join(forms)
