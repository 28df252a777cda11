"""The file formats, and the canonical content by which a file is verified.

The canonical content does not depend on the container, so a raw file, its .gz and any repacked
copy with the same pixels are all accepted:

- ``mnist_idx``: the uncompressed idx file (header and values);
- ``frey_mat``: the pixels in C order, one image after the other;
- ``npz``, ``images``: the pixels of train, validation and test in C order, one part after the
  other.
"""

import hashlib
import io
import math
import struct
import zlib
from collections.abc import Iterator, Sequence

import numpy as np
from scipy.io import loadmat

Arrays = dict[str, np.ndarray]

NPZ_PARTS = ("train", "validation", "test")
IN_PARTS = ("npz", "images")
"""The formats whose files bring their own parts."""

_TEST_SHARE = 5
"""Of images that come as one array, one in so many is for testing."""
_GZIP_MAGIC = b"\x1f\x8b"
_IDX_UINT8_MAGIC = b"\x00\x00\x08"


class FormatError(Exception):
    """The bytes are not the file that was asked for; the text says what they are instead."""


def array_names(file: dict, definition: dict) -> tuple[str, ...]:
    """Names of the arrays that a file of ``definition`` holds, in canonical order.

    Args:
        file: its entry under ``files``.
        definition: the data set's entry in config/datasets.yaml.
    """
    if definition["format"] == "mnist_idx":
        return (file["array"],)
    return ("images",) if definition["format"] == "frey_mat" else NPZ_PARTS


def decode(raw: bytes, file: dict, definition: dict) -> Arrays:
    """The arrays in the bytes of a file, which may be gzipped.

    Args:
        raw: the file's bytes.
        file: its entry under ``files``.
        definition: the data set's entry in config/datasets.yaml.

    Returns:
        uint8 arrays by name: images [N, D] with values 0 … 255 and D the product of
        ``image_shape``, labels [N].

    Raises:
        FormatError: the bytes are something else, truncated, or of another shape.
    """
    _reject_foreign(raw)
    content = _gunzip(raw, file) if raw.startswith(_GZIP_MAGIC) else raw
    _reject_foreign(content)
    decoders = {
        "mnist_idx": _decode_idx,
        "frey_mat": _decode_mat,
        "npz": _decode_npz,
        "images": _decode_images,
    }
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
            yield _IDX_UINT8_MAGIC + struct.pack(f">B{len(shape)}I", len(shape), *shape)
        # hashlib refuses a buffer without rows.
        if array.size:
            yield array


def _reject_foreign(content: bytes) -> None:
    if not content:
        raise FormatError("an empty file")
    start = content[:200].lstrip().split(b"\n", 1)[0][:60].decode("utf-8", "replace").strip()
    if start.lower().startswith(("<!doctype html", "<html", "<head")):
        raise FormatError(f"an HTML page (starts with {start})")
    if start.startswith("<"):
        raise FormatError(f"an XML or HTML page (starts with {start})")


def _gunzip(raw: bytes, file: dict) -> bytes:
    expected = file.get("bytes")
    unpacker = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    try:
        # One byte more than wanted is enough to see that it is too long, so a decompression bomb
        # cannot fill the memory.
        content = unpacker.decompress(raw, expected + 1 if expected else 0)
    except zlib.error as error:
        raise FormatError(f"a damaged gzip file ({error})") from None
    if not unpacker.eof and not (expected and len(content) > expected):
        raise FormatError(_truncated(len(raw), file.get("packed_bytes")) + " of the gzip file")
    return content


def _decode_idx(content: bytes, file: dict, definition: dict) -> Arrays:
    name = file["array"]
    readable = len(content) >= 4 and len(content) >= 4 * (1 + content[3])
    if not readable or content[:3] != _IDX_UINT8_MAGIC:
        raise FormatError(f"not an idx file of bytes (starts with {content[:8].hex(' ')})")
    n_dimensions = content[3]
    shape = struct.unpack_from(f">{n_dimensions}I", content, 4)
    header = 4 * (1 + n_dimensions)
    size = header + math.prod(shape)
    if len(content) < size:
        raise FormatError(_truncated(len(content), size))
    if len(content) > size:
        raise FormatError(
            f"longer than its header says: {len(content):,} in place of {size:,} bytes"
        )
    values = np.frombuffer(content, np.uint8, offset=header)
    wanted = () if name.endswith("labels") else tuple(definition["image_shape"])
    if not shape or shape[0] == 0 or shape[1:] != wanted:
        raise FormatError(f"an idx file of shape {list(shape)}, expected {['N', *wanted]}")
    return {name: values if not wanted else values.reshape(shape[0], -1)}


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


def _decode_npz(content: bytes, file: dict, definition: dict) -> Arrays:
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            found = {name: archive[name] for name in NPZ_PARTS if name in archive.files}
    except Exception as error:
        # numpy and zipfile raise half a dozen types for damaged bytes, and AttributeError or
        # TypeError for an .npy file in an .npz's place.
        detail = " ".join(str(error).split()) or type(error).__name__
        raise FormatError(f"not a readable npz file ({detail})") from None
    for name in ("train", "test"):
        if name not in found:
            raise FormatError(f"an npz file without the array `{name}`")
    found.setdefault("validation", np.zeros((0, math.prod(definition["image_shape"])), np.uint8))
    for name in NPZ_PARTS:
        check_array(name, found[name], definition)
    return {name: np.ascontiguousarray(found[name]) for name in NPZ_PARTS}


def _decode_images(content: bytes, file: dict, definition: dict) -> Arrays:
    parts = image_parts(content, definition["image_shape"])
    return {name: flat(part) for name, part in parts.items()}


def flat(images: np.ndarray) -> np.ndarray:
    """[n, rows, columns] as [n, pixels]; n may be 0."""
    return images.reshape(len(images), math.prod(images.shape[1:]))


def image_parts(content: bytes, image_shape: Sequence[int] | None = None) -> Arrays:
    """Anybody's images, cut into parts.

    Args:
        content: of an .npy or .npz file with the arrays ``train`` and ``test`` (and perhaps
            ``validation``), or with one array, or one called ``images``: then a fifth of its
            images, in a shuffled order, is for testing.
        image_shape: rows and columns; None for any.

    Returns:
        uint8 [n, rows, columns] by part; see :func:`grey_levels`.

    Raises:
        FormatError: the bytes are something else, or not images of one size.
    """
    try:
        loaded = np.load(io.BytesIO(content), allow_pickle=False)
        found = {"images": loaded} if isinstance(loaded, np.ndarray) else dict(loaded.items())
    except Exception as error:
        # numpy and zipfile raise half a dozen types for damaged bytes.
        detail = " ".join(str(error).split()) or type(error).__name__
        raise FormatError(f"not a readable .npy or .npz file ({detail})") from None
    if {"train", "test"} <= set(found):
        named = {name: found[name] for name in NPZ_PARTS if name in found}
        parts = {name: grey_levels(array, name, image_shape) for name, array in named.items()}
    else:
        if len(found) != 1 and "images" not in found:
            raise FormatError(
                f"holds the arrays {', '.join(found) or '(none)'}; give one, or `train` and `test`"
            )
        name = "images" if "images" in found else next(iter(found))
        images = grey_levels(found[name], name, image_shape)
        n_test = len(images) // _TEST_SHARE
        if n_test == 0:
            raise FormatError(f"{len(images)} images are too few: give {_TEST_SHARE} or more")
        images = images[np.random.default_rng(0).permutation(len(images))]
        parts = {"train": images[n_test:], "test": images[:n_test]}
    shapes = {part.shape[1:] for part in parts.values()}
    if len(shapes) > 1:
        raise FormatError("the images of its parts differ in size")
    parts.setdefault("validation", np.zeros((0, *shapes.pop()), np.uint8))
    return {name: parts[name] for name in NPZ_PARTS}


def grey_levels(
    array: np.ndarray, name: str, image_shape: Sequence[int] | None = None
) -> np.ndarray:
    """Images as bytes 0 … 255.

    Args:
        array: [n, rows, columns] or [n, pixels], bytes or numbers in [0, 1], which are rounded to
            the nearest of 256 levels. Without ``image_shape``, images given by pixels alone are
            squares, or, where they cannot be, of one row.
        name: what a message calls it.
        image_shape: rows and columns; None for any.

    Returns:
        uint8 [n, rows, columns].

    Raises:
        FormatError: the shape, the type or a pixel is not as it should be.
    """
    if array.ndim not in (2, 3) or not array.size:
        raise FormatError(
            f"array `{name}` has the shape {list(array.shape)}; expected [n, rows, columns] or"
            " [n, pixels]"
        )
    n_pixels = math.prod(array.shape[1:])
    side = math.isqrt(n_pixels)
    square = (side, side) if side**2 == n_pixels else (1, n_pixels)
    shape = tuple(image_shape or (array.shape[1:] if array.ndim == 3 else square))
    if math.prod(shape) != n_pixels:
        raise FormatError(f"array `{name}` has images of {n_pixels} pixels, not {math.prod(shape)}")
    if array.dtype != np.uint8:
        numbers = array.reshape(len(array), n_pixels)
        try:
            refuse_pixels(numbers)
        except FormatError as error:
            raise FormatError(f"array `{name}`: {error}") from None
        array = np.rint(numbers.astype(np.float64) * 255).astype(np.uint8)
    return np.ascontiguousarray(array.reshape(-1, *shape))


def refuse_pixels(images: np.ndarray, *, bounded: bool = True) -> None:
    """Raise FormatError unless all of [n, D] are finite numbers, in [0, 1] where ``bounded``."""
    if images.dtype.kind not in "fiub":
        raise FormatError(f"the array is of type {images.dtype}; give bytes or numbers in [0, 1]")
    checks = {"is not a finite number": ~np.isfinite(images)}
    if bounded:
        checks["is outside [0, 1]"] = (images < 0) | (images > 1)
    for what, wrong in checks.items():
        if wrong.any():
            image, pixel = np.argwhere(wrong)[0]
            raise FormatError(
                f"pixel {pixel} of image {image} {what} ({images[image, pixel]:g};"
                f" {int(wrong.sum()):,} such values in all)"
            )


def _truncated(got: int, expected: int | None) -> str:
    return f"truncated: {got:,} of {expected:,} bytes" if expected else f"truncated: {got:,} bytes"
