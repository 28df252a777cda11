"""A person's own images, for a trained model to work on."""

from pathlib import Path

import numpy as np

from aevb.data.formats import flat
from aevb.data.reading import (
    FOLDER,
    FormatError,
    arrays_in,
    as_images,
    described,
    only_images,
    white_of,
)
from aevb.data.sources import Log
from aevb.errors import DataError


def read_images(
    path: Path,
    image_shape: tuple[int, int],
    divisor: float = 255.0,
    *,
    margin: float = 0.0,
    log: Log = lambda line: None,
) -> np.ndarray:
    """Images from a NumPy file, as the networks see them.

    Args:
        path: a file that :mod:`aevb.data.reading` takes, with one array of images: [n, D],
            [n, rows, columns] or a single image [rows, columns].
        image_shape: rows and columns that the model has learned from; D is their product.
        divisor: what bytes are divided by.
        margin: how far real numbers may lie outside [0, 1], as noisy images do.
        log: called with what the images were taken for.

    Returns:
        [n, D], float32.

    Raises:
        DataError: one line that says what is wrong with which image.
    """
    try:
        name, array = only_images(arrays_in(Path(path).read_bytes()))
        images = as_images(array, name, image_shape)
        white = white_of({name: images}, margin)
    except FileNotFoundError:
        raise DataError(f"{path}: there is no such file") from None
    except IsADirectoryError:
        raise DataError(f"{path}: {FOLDER}") from None
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from None
    except FormatError as error:
        raise DataError(f"{path}: {error}") from None
    log(f"{path}: {described({name: images}, white)}")
    values = flat(images).astype(np.float32)
    # Bytes become pixels by the model's own divisor, in whatever numbers they come.
    return values if white == 1 else values * np.float32(255 / white) / np.float32(divisor)
