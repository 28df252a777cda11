"""Writing files so that a reader never sees half of one."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


def write_atomically(path: Path, content: bytes | str) -> None:
    """Write ``content`` as :func:`writing` does."""
    with writing(path) as file:
        file.write(content.encode() if isinstance(content, str) else content)


@contextmanager
def writing(path: Path) -> Iterator[BinaryIO]:
    """A temporary file beside ``path`` to write to, moved into place where the block ends well.

    Whatever goes wrong, a full disk included, the old file stays whole and nothing partial is
    left, but for a hidden temporary file where the process was killed outright.

    Raises:
        OSError: it cannot be written; the error names ``path``.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            umask = os.umask(0)
            os.umask(umask)
            os.chmod(temporary, 0o666 & ~umask)
            os.replace(temporary, path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        # A failing write names no file, a failing mkstemp one that nobody knows.
        raise OSError(error.errno, error.strerror, str(path)) from None
