"""A person's own images, for a trained model to work on."""

import math
from pathlib import Path

import numpy as np

from aevb.data.formats import FormatError, refuse_pixels
from aevb.errors import DataError


def read_images(
    path: Path, image_shape: tuple[int, int], divisor: float = 255.0, *, bounded: bool = True
) -> np.ndarray:
    """Images from a NumPy file, as the networks see them.

    Args:
        path: an .npy file, or an .npz file with one array or one called ``images``: [n, D],
            [n, rows, columns] or a single image [rows, columns]; bytes 0 … 255, or real numbers
            in [0, 1].
        image_shape: rows and columns that the model has learned from; D is their product.
        divisor: what bytes are divided by.
        bounded: whether real numbers must be in [0, 1]; noisy images need not be.

    Returns:
        [n, D], float32.

    Raises:
        DataError: one line that says what is wrong with which image.
    """
    images = _read(Path(path))
    n_pixels = math.prod(image_shape)
    rows, columns = image_shape
    if images.shape == (rows, columns):
        images = images[np.newaxis]
    if not (images.shape[1:] in ((rows, columns), (n_pixels,)) and len(images)):
        raise DataError(
            f"{path}: the array has the shape {list(images.shape)}; this model takes images of"
            f" {rows} × {columns} pixels: [n, {rows}, {columns}] or [n, {n_pixels}] with n ≥ 1"
        )
    images = images.reshape(len(images), n_pixels)
    if images.dtype == np.uint8:
        return images.astype(np.float32) / np.float32(divisor)
    try:
        refuse_pixels(images, bounded=bounded)
    except FormatError as error:
        raise DataError(f"{path}: {error}") from None
    return images.astype(np.float32)


def _read(path: Path) -> np.ndarray:
    try:
        content = np.load(path, allow_pickle=False)
        if isinstance(content, np.ndarray):
            return content
        with content as archive:
            names = archive.files
            if len(names) != 1 and "images" not in names:
                raise DataError(
                    f"{path}: holds the arrays {', '.join(names) or '(none)'}; call the one to"
                    " use `images`"
                )
            images = archive["images" if "images" in names else names[0]]
            if not isinstance(images, np.ndarray):
                raise ValueError("an archive of other files")
            return images
    except FileNotFoundError:
        raise DataError(f"{path}: there is no such file") from None
    except DataError:
        raise
    except Exception as error:
        # numpy, zipfile and zlib raise many types for damaged or foreign bytes.
        detail = " ".join(str(error).split()) or type(error).__name__
        raise DataError(f"{path}: not a readable .npy or .npz file of images ({detail})") from None
