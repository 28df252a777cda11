"""Checkpoints in one file, to go on with long runs on another machine or in another sitting.

The archive is a plain tar file with the checkpoints and a table of their hashes. Everything long
resumes from checkpoints, so nothing else has to travel: from finished ones the workflow makes its
outputs in seconds.
"""

import hashlib
import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from aevb.errors import CheckpointError
from aevb.files import write_atomically, writing

Log = Callable[[str], None]
_HASHES = "hashes.json"


def export_checkpoints(folder: Path, archive: Path, log: Log, prefix: str = "") -> int:
    """Pack all checkpoints below ``folder`` into ``archive``, of those below ``prefix`` in it.

    Returns:
        Their number.

    Raises:
        CheckpointError: there is none.
        OSError: the archive cannot be written; an old one is then intact.
    """
    folder, archive = Path(folder), Path(archive)
    paths = sorted(path for path in (folder / prefix).rglob("*.safetensors") if path.is_file())
    if not paths:
        raise CheckpointError(f"{folder / prefix}: holds no checkpoints; train first")
    with writing(archive) as file, tarfile.open(fileobj=file, mode="w") as tar:
        hashes = {}
        for path in paths:
            name = path.relative_to(folder).as_posix()
            content = path.read_bytes()
            hashes[name] = hashlib.sha256(content).hexdigest()
            _add(tar, name, content)
        _add(tar, _HASHES, json.dumps(hashes, indent=1).encode())
    log(f"wrote {archive}: {len(paths)} checkpoints, {archive.stat().st_size / 1e6:,.1f} MB")
    return len(paths)


def import_checkpoints(archive: Path, folder: Path, log: Log) -> int:
    """Unpack an archive of :func:`export_checkpoints` below ``folder``, each file verified.

    A checkpoint that is there already, under the same name, is left alone.

    Returns:
        The number of checkpoints written.

    Raises:
        CheckpointError: the file is missing, no such archive, or damaged; what was unpacked before
            the damage is whole and stays.
    """
    archive, folder = Path(archive), Path(folder)
    written = 0
    try:
        with tarfile.open(archive) as tar:
            hashes = json.loads(_content(tar, _HASHES))
            for name, sha256 in hashes.items():
                path = folder / _inside(name)
                if path.exists():
                    log(f"{path} is there already: left alone")
                    continue
                content = _content(tar, name)
                if hashlib.sha256(content).hexdigest() != sha256:
                    raise CheckpointError(f"{archive}: {name} is damaged; export it again")
                write_atomically(path, content)
                written += 1
    except FileNotFoundError:
        raise CheckpointError(f"{archive}: there is no such file") from None
    except (tarfile.TarError, KeyError, ValueError, EOFError, AttributeError) as error:
        detail = " ".join(str(error).split())
        raise CheckpointError(
            f"{archive}: not a whole archive of checkpoints ({detail}); export it again"
        ) from None
    log(f"{archive}: {written} checkpoints written below {folder}")
    return written


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    tar.addfile(entry, io.BytesIO(content))


def _content(tar: tarfile.TarFile, name: str) -> bytes:
    member = tar.getmember(name)
    file = tar.extractfile(member)
    if file is None:
        raise ValueError(f"{name} is no file")
    content = file.read()
    if len(content) != member.size:
        raise EOFError(f"{name} is cut short")
    return content


def _inside(name: str) -> PurePosixPath:
    """A name from an archive as a path that stays below the folder it is unpacked to."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or path.suffix != ".safetensors":
        raise ValueError(f"{name!r} is no name of a checkpoint")
    return path
