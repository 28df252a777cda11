"""The file formats, and the canonical content by which a file is verified.

The canonical content does not depend on the container, so a raw file, its .gz and any repacked
copy with the same pixels are all accepted:

- ``mnist_idx``: the uncompressed idx file (header and values);
- ``frey_mat``: the pixels in C order, one image after the other;
- ``npz``: the pixels of train, validation and test in C order, one part after the other, as bytes
  0 … 255, whatever numbers the file has them in.
"""

import hashlib
import io
import math
import struct
import zlib
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from scipy.io import loadmat

from aevb.data.reading import (
    GZIP_MAGIC,
    IDX_MAGIC,
    Arrays,
    FormatError,
    arrays_in,
    as_images,
    choose,
    described,
    idx_array,
    levels,
    refuse_pages,
    white_of,
)

NPZ_PARTS = ("train", "validation", "test")

_TEST_SHARE = 5
"""Of images that come as one array, one in so many is for testing, and at least two."""
_LEAST_IMAGES = 2
"""Of each part: one image has no spread, over which an interval or a variance could be taken."""
_CONTAINER_SHARE, _CONTAINER_BYTES = 16, 1 << 20
"""A MAT or npz file is at most so many times its pixels, and so many bytes more: numbers of eight
bytes, and other variables."""


def array_names(file: dict, definition: dict) -> tuple[str, ...]:
    """Names of the arrays that a file of ``definition`` holds, in canonical order.

    Args:
        file: its entry under ``files``.
        definition: the data set's entry in config/datasets.yaml.
    """
    if definition["format"] == "mnist_idx":
        return (file["array"],)
    return ("images",) if definition["format"] == "frey_mat" else NPZ_PARTS


def decode(
    raw: bytes, file: dict, definition: dict, log: Callable[[str], object] = lambda text: None
) -> Arrays:
    """The arrays in the bytes of a file, which may be gzipped.

    Args:
        raw: the file's bytes.
        file: its entry under ``files``.
        definition: the data set's entry in config/datasets.yaml.
        log: called with what an npz file was taken for, in words.

    Returns:
        uint8 arrays by name: images [N, D] with values 0 … 255 and D the product of
        ``image_shape``, labels [N].

    Raises:
        FormatError: the bytes are something else, truncated, or of another shape.
    """
    refuse_pages(raw)
    content = _gunzip(raw, file, definition) if raw.startswith(GZIP_MAGIC) else raw
    refuse_pages(content)
    if definition["format"] == "npz":
        parts, understood = image_parts(content, definition["image_shape"])
        log(understood)
        return {name: flat(part) for name, part in parts.items()}
    decoders = {"mnist_idx": _decode_idx, "frey_mat": _decode_mat}
    return decoders[definition["format"]](content, file, definition)


def content_sha256(arrays: Arrays, file: dict, definition: dict) -> str:
    """Sha256 (hexadecimal) of the canonical content of a file, computed from its arrays.

    Args:
        arrays: at least those that :func:`array_names` lists.
        file: the file's entry under ``files``.
        definition: the data set's entry in config/datasets.yaml.
    """
    digest = hashlib.sha256()
    for chunk in _canonical_chunks(arrays, file, definition):
        digest.update(chunk)
    return digest.hexdigest()


def check_array(name: str, array: np.ndarray, definition: dict) -> None:
    """Raise FormatError unless ``array`` is uint8 labels [N] or uint8 images [N, D], N ≥ 1.

    Only a validation part may be empty.
    """
    n_pixels = math.prod(definition["image_shape"])
    wanted = "[N]" if name.endswith("labels") else f"[N, {n_pixels}]"
    shape = array.shape
    fits = len(shape) == 1 if name.endswith("labels") else shape[1:] == (n_pixels,)
    if array.dtype != np.uint8 or not fits or (shape[0] == 0 and name != "validation"):
        raise FormatError(
            f"array `{name}` is {array.dtype} {list(shape)}, expected uint8 {wanted} with N ≥ 1"
        )


def _canonical_chunks(arrays: Arrays, file: dict, definition: dict) -> Iterator[bytes | np.ndarray]:
    for name in array_names(file, definition):
        array = np.ascontiguousarray(arrays[name])
        if definition["format"] == "mnist_idx":
            shape = array.shape if array.ndim == 1 else (len(array), *definition["image_shape"])
            yield IDX_MAGIC + struct.pack(f">B{len(shape)}I", len(shape), *shape)
        # hashlib refuses a buffer without rows.
        if array.size:
            yield array


def _gunzip(raw: bytes, file: dict, definition: dict) -> bytes:
    expected, packed = file.get("bytes"), None
    if definition["format"] == "mnist_idx":
        # Its content is the whole file; of the others it is the pixels in the file.
        limit, packed = expected, file.get("packed_bytes")
    else:
        limit = expected and _CONTAINER_SHARE * expected + _CONTAINER_BYTES
    unpacker = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    try:
        # One byte more than wanted is enough to see that it is too long, so a decompression bomb
        # cannot fill the memory.
        content = unpacker.decompress(raw, limit + 1 if limit else 0)
    except zlib.error as error:
        raise FormatError(f"a damaged gzip file ({error})") from None
    too_long = bool(limit) and len(content) > limit
    if not unpacker.eof and not too_long:
        raise FormatError(_truncated(len(raw), packed) + " of the gzip file")
    return content


def _decode_idx(content: bytes, file: dict, definition: dict) -> Arrays:
    name, values = file["array"], idx_array(content)
    wanted = () if name.endswith("labels") else tuple(definition["image_shape"])
    if not values.ndim or not len(values) or values.shape[1:] != wanted:
        raise FormatError(f"an idx file of shape {list(values.shape)}, expected {['N', *wanted]}")
    return {name: values if not wanted else flat(values)}


def _decode_mat(content: bytes, file: dict, definition: dict) -> Arrays:
    variable = file["variable"]
    packed = file.get("packed_bytes")
    try:
        variables = loadmat(io.BytesIO(content), variable_names=[variable])
    except Exception as error:
        # Which exception damaged bytes raise is not documented and differs between them.
        detail = " ".join(str(error).split()) or type(error).__name__
        short = f"{_truncated(len(content), packed)}; " if packed and len(content) < packed else ""
        raise FormatError(f"{short}not a readable MAT file ({detail})") from None
    if variable not in variables:
        raise FormatError(f"a MAT file without the variable `{variable}`")
    images = np.ascontiguousarray(np.transpose(variables[variable]))
    check_array("images", images, definition)
    return {"images": images}


def flat(images: np.ndarray) -> np.ndarray:
    """[n, rows, columns] as [n, pixels]; n may be 0."""
    return images.reshape(len(images), math.prod(images.shape[1:]))


def image_parts(content: bytes, image_shape: Sequence[int] | None = None) -> tuple[Arrays, str]:
    """Anybody's images, cut into parts; see :mod:`aevb.data.reading`.

    Args:
        content: of a file with arrays of training and test images (and perhaps of validation
            images), or with one array of images: then a fifth of them, in a shuffled order, is for
            testing.
        image_shape: rows and columns; None for any.

    Returns:
        uint8 [n, rows, columns] by part, and in words what the file was taken for.

    Raises:
        FormatError: the bytes are something else, or no images of one size and one range.
    """
    chosen = choose(arrays_in(content))
    found = {
        chosen.names[part]: as_images(array, chosen.names[part], image_shape)
        for part, array in chosen.images.items()
        if part != "validation" or len(array)
    }
    if len({array.shape[1:] for array in found.values()}) > 1:
        raise FormatError("the images of its parts differ in size")
    white = white_of(found)
    text = described(found, white)
    parts = {
        part: levels(found[name], white) for part, name in chosen.names.items() if name in found
    }
    if not any(part.any() for part in parts.values()):
        raise FormatError("every pixel is 0, of which nothing can be learned")
    if "images" in parts:
        images = parts.pop("images")
        if len(images) < _TEST_SHARE:
            raise FormatError(f"{len(images)} images are too few: give {_TEST_SHARE} or more")
        images = images[np.random.default_rng(0).permutation(len(images))]
        n_test = max(_LEAST_IMAGES, len(images) // _TEST_SHARE)
        parts = {"train": images[n_test:], "test": images[:n_test]}
    for part in ("train", "test"):
        if len(parts[part]) < _LEAST_IMAGES:
            name = chosen.names[part]
            raise FormatError(f"array `{name}` has one image; give {_LEAST_IMAGES} or more")
    parts.setdefault("validation", parts["train"][:0])
    parts = {name: parts[name] for name in NPZ_PARTS}
    counts = ", ".join(f"{len(images):,} {part}" for part, images in parts.items() if len(images))
    aside = f"; left aside: {', '.join(chosen.aside)}" if chosen.aside else ""
    return parts, f"{text}; {counts}{aside}"


def _truncated(got: int, expected: int | None) -> str:
    return f"truncated: {got:,} of {expected:,} bytes" if expected else f"truncated: {got:,} bytes"
