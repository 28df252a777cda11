"""Arrays of images as files, between the stages that compute them and the figures that draw them.

Needs no TensorFlow.
"""

import io
import json
from pathlib import Path
from typing import NamedTuple

import numpy as np

from aevb.errors import DataError
from aevb.files import write_atomically

_INK = "ink"


class Pictures(NamedTuple):
    """Images by name, ``<data set>/…``."""

    images: dict[str, np.ndarray]
    """[..., rows, columns] each, float32; NaN where there is nothing to see."""
    ink: frozenset[str]
    """The data sets whose pixels are ink: shown dark on white, as the paper prints MNIST."""


def write_pictures(path: Path, images: dict[str, np.ndarray], ink: set[str]) -> None:
    """Write images by name, in half precision and compressed, atomically."""
    buffer = io.BytesIO()
    arrays = {name: values.astype(np.float16) for name, values in images.items()}
    np.savez_compressed(buffer, **{_INK: np.array(json.dumps(sorted(ink)))}, **arrays)
    write_atomically(path, buffer.getvalue())


def read_pictures(path: Path) -> Pictures:
    """The images that :func:`write_pictures` wrote.

    Raises:
        DataError: the file is missing, damaged or of another kind.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        ink = frozenset(json.loads(str(arrays.pop(_INK))))
        images = {name: values.astype(np.float32) for name, values in arrays.items()}
    except FileNotFoundError:
        raise DataError(f"{path}: there is no such file; make the pictures first") from None
    except Exception as error:
        # numpy, zipfile and zlib raise many types for damaged or foreign bytes.
        detail = " ".join(str(error).split()) or type(error).__name__
        raise DataError(f"{path}: not a file of pictures ({detail}); make it anew") from None
    if not images or any(values.ndim < 2 for values in images.values()):
        raise DataError(f"{path}: holds no pictures; make it anew")
    return Pictures(images, ink)
