"""Images as people have them: which arrays a file holds, what is an image, what number is white."""

import gzip
import io
import math
import re
import struct
import zlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

Arrays = dict[str, np.ndarray]

GZIP_MAGIC = b"\x1f\x8b"
IDX_MAGIC = b"\x00\x00\x08"
_ZIP_MAGIC = b"PK"
_WHITES = (1, 255, 65535)
"""What white can be: truth values and shares, bytes, 16 bits."""
_NEW_FILE = "np.save('images.npy', {})"
_STACKED = "np.stack([np.asarray(Image.open(p).convert('L')) for p in paths])"
_PICTURE = "one picture; stack all of them, of one size: " + _NEW_FILE.format(_STACKED)
_FOREIGN = {
    b"\x80": "a Python pickle, which can run code when it is opened; open it yourself if you trust"
    " it, and " + _NEW_FILE.format("x"),
    b"\x89PNG": _PICTURE,
    b"\xff\xd8\xff": _PICTURE,
    b"GIF8": _PICTURE,
    b"BM": _PICTURE,
    b"II*\x00": _PICTURE,
    b"MM\x00*": _PICTURE,
    b"\x89HDF": "an HDF5 file; " + _NEW_FILE.format("h5py.File(path)[name][:]"),
    b"MATLAB": "a MAT file; " + _NEW_FILE.format("scipy.io.loadmat(path)[name]"),
    b"\x93NUMPY": "a damaged .npy file",
    _ZIP_MAGIC: "a truncated or damaged .npz file",
}
FOLDER = "a folder; put its pictures into one array: " + _NEW_FILE.format(_STACKED)
"""What a message calls a folder in a file's place."""

_OF_PART = re.compile(
    r"(?:x_?|images?_|data_)?(?:(train)(?:ing)?|(val)(?:id(?:ation)?)?|(test)(?:ing)?)"
    r"(?:_?x|_images?|_data)?"
)
_PART_NAMES = ("train", "validation", "test")
_OF_LABELS = re.compile(r"(?:.*_)?(?:y|labels?|targets?|class(?:es)?)(?:_.*)?")
_COLOURS = (3, 4)
_SUSPICIOUS_ROWS = 8


class FormatError(Exception):
    """The bytes are not the file that was asked for; the text says what they are instead."""


class Chosen(NamedTuple):
    """The arrays of images in a file."""

    images: Arrays
    """By ``train``, ``validation`` and ``test``, or one alone, called ``images``."""
    names: dict[str, str]
    """What the file calls each."""
    aside: list[str]
    """The file's other arrays."""


def arrays_in(content: bytes) -> Arrays:
    """The arrays of an .npy, .npz or idx file, gzipped or not, by name; an only one is ``images``.

    Arrays of Python objects, which only a pickle can hold, are left out.

    Raises:
        FormatError: the bytes are something else; what they are, and how to make an array of them.
    """
    if content.startswith(GZIP_MAGIC):
        try:
            content = gzip.decompress(content)
        except (OSError, EOFError, zlib.error) as error:
            raise FormatError(f"a truncated or damaged gzip file ({_detail(error)})") from None
    refuse_pages(content)
    if content.startswith(IDX_MAGIC):
        return {"images": idx_array(content)}
    try:
        loaded = np.load(io.BytesIO(content), allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            return {"images": loaded}
        with loaded:
            found = {name: _member(loaded, name) for name in loaded.files}
    except FormatError:
        raise
    except Exception as error:
        # numpy, zipfile and zlib raise half a dozen types for damaged or foreign bytes.
        raise FormatError(_what_it_is(content, error)) from None
    arrays = {name: array for name, array in found.items() if array is not None}
    if not arrays:
        raise FormatError(_objects(", ".join(found)) if found else "an .npz file without any array")
    return arrays


def refuse_pages(content: bytes) -> None:
    """Raise FormatError for no bytes, and for what a server sends in a file's place."""
    if not content:
        raise FormatError("an empty file")
    start = content[:200].lstrip().split(b"\n", 1)[0][:60].decode("utf-8", "replace").strip()
    if start.lower().startswith(("<!doctype html", "<html", "<head")):
        raise FormatError(f"an HTML page (starts with {start})")
    if start.startswith("<"):
        raise FormatError(f"an XML or HTML page (starts with {start})")


def idx_array(content: bytes) -> np.ndarray:
    """The array of an idx file of bytes, MNIST's format.

    Raises:
        FormatError: it is something else, truncated, or longer than its header says.
    """
    readable = len(content) >= 4 and len(content) >= 4 * (1 + content[3])
    if not readable or not content.startswith(IDX_MAGIC):
        raise FormatError(f"not an idx file of bytes (starts with {content[:8].hex(' ')})")
    shape = struct.unpack_from(f">{content[3]}I", content, 4)
    header = 4 * (1 + content[3])
    size = header + math.prod(shape)
    if len(content) < size:
        raise FormatError(f"truncated: {len(content):,} of {size:,} bytes")
    if len(content) > size:
        raise FormatError(
            f"longer than its header says: {len(content):,} in place of {size:,} bytes"
        )
    return np.frombuffer(content, np.uint8, offset=header).reshape(shape)


def choose(found: Arrays) -> Chosen:
    """Which of a file's arrays are images.

    Those that names like ``train``, ``x_train`` or ``train_images``, and the same of ``test``,
    tell of; else the one called ``images``, or the only one that is neither of labels by its name
    nor of one axis.

    Raises:
        FormatError: no array says itself to be the images.
    """
    parts: dict[str, list[str]] = {}
    for name in found:
        if match := _OF_PART.fullmatch(name.lower()):
            parts.setdefault(_PART_NAMES[match.lastindex - 1], []).append(name)
    if {"train", "test"} <= set(parts) and all(len(names) == 1 for names in parts.values()):
        names = {part: parts[part][0] for part in _PART_NAMES if part in parts}
    else:
        names = {"images": _only(found, "give one, or `train` and `test`")}
    aside = [name for name in found if name not in names.values()]
    return Chosen({part: found[name] for part, name in names.items()}, names, aside)


def only_images(found: Arrays) -> tuple[str, np.ndarray]:
    """The name and the array of a file's only images; see :func:`choose`."""
    name = _only(found, "call the one to use `images`")
    return name, found[name]


def as_images(array: np.ndarray, name: str, image_shape: Sequence[int] | None = None) -> np.ndarray:
    """Images as [n, rows, columns].

    Args:
        array: of that shape, with a channel axis of one, or [n, pixels]; with ``image_shape`` also
            a single image. Without it, images given by pixels alone are squares.
        name: what a message calls it.
        image_shape: rows and columns; None for any.

    Raises:
        FormatError: it is of another shape or type, or its shape can be read in two ways.
    """
    shape, given = array.shape, f"array `{name}` has the shape {list(array.shape)}"
    wanted = tuple(image_shape or ())
    flat = f"[n, {math.prod(wanted)}]" if wanted else "[n, pixels]"
    axes = f"[n, {wanted[0]}, {wanted[1]}]" if wanted else "[n, rows, columns]"
    expected = f"expected {axes} or {flat}, with n ≥ 1"
    if array.dtype.kind not in "fiub":
        raise FormatError(
            f"array `{name}` is of type {array.dtype}; give bytes or numbers in [0, 1]"
        )
    if not array.size:
        raise FormatError(f"{given}; {expected}")
    if wanted and shape in (wanted, (*wanted, 1), (1, *wanted)):
        return array.reshape(1, *wanted)
    if array.ndim == 4 and 1 in (shape[3], shape[1]):
        array = array[..., 0] if shape[3] == 1 else array[:, 0]
    elif array.ndim == 4 and (shape[3] in _COLOURS or shape[1] in _COLOURS):
        last = shape[3] == 3 or shape[1] not in _COLOURS
        grey = "x[..., :3].mean(-1)" if last else "x[:, :3].mean(1)"
        raise FormatError(f"{given}: pictures in colour; make them grey: {_NEW_FILE.format(grey)}")
    elif array.ndim == 2 and shape[1] == math.prod(wanted or shape[1:]):
        array = array.reshape(-1, *(wanted or _square(array, given)))
    elif not wanted and array.ndim == 3:
        _refuse_other_orders(shape, given)
    if array.ndim != 3 or (wanted and array.shape[1:] != wanted):
        raise FormatError(f"{given}; {expected}")
    return array


def white_of(images: Arrays, margin: float = 0.0) -> int:
    """Which number is white, where 0 is black, decided from all arrays [n, rows, columns] together.

    1 where no number is above it, be they truth values, whole numbers or shares; else 255 or
    65535 where the largest number is in its upper half.

    Args:
        images: by the name that a message calls them.
        margin: how far real numbers may lie outside [0, 1], as noisy images do. They are not
            scaled then.

    Raises:
        FormatError: a number is negative or not finite, or what is white cannot be told; with the
            line of numpy that says it.
    """
    for name, array in images.items():
        _refuse_no_pixels(name, array, margin)
    highest = {name: float(array.max()) for name, array in images.items()}
    top = max(highest.values())
    if top <= 1 or (margin and all(array.dtype.kind == "f" for array in images.values())):
        return 1
    white = next((white for white in _WHITES if white / 2 < top <= white), None)
    name = max(highest, key=lambda name: highest[name])
    if white is None:
        is_highest = images[name] == highest[name]
        what = _where(name, images[name], is_highest, "is the largest")
        raise FormatError(f"{what}, which does not tell what is white; {_ways(top, images[name])}")
    for other, value in highest.items():
        if value <= 1:
            raise FormatError(
                f"array `{other}` ends at {value:g} and `{name}` at {top:g}; bring both to one"
                " range, [0, 1]"
            )
    return white


def levels(array: np.ndarray, white: int) -> np.ndarray:
    """Images as bytes 0 … 255, rounded to the nearest: uint8 of the same shape."""
    if array.dtype == np.uint8 and white == 255:
        return array
    return np.rint(array.astype(np.float64) * (255 / white)).astype(np.uint8)


def described(images: Arrays, white: int) -> str:
    """What arrays [n, rows, columns] were taken for, in words."""
    first = next(iter(images.values()))
    n = sum(len(array) for array in images.values())
    rows, columns = first.shape[1:]
    low = min(float(array.min()) for array in images.values())
    high = max(float(array.max()) for array in images.values())
    binary = all(((array == 0) | (array == white)).all() for array in images.values())
    pixels = "black and white" if binary else "grey"
    types = ", ".join(dict.fromkeys(str(array.dtype) for array in images.values()))
    return (
        f"{n:,} images of {rows} × {columns} pixels, {pixels}: {types} from {low:g} to {high:g},"
        f" of which {white} is white"
    )


def _member(archive, name: str) -> np.ndarray | None:
    try:
        array = archive[name]
    except ValueError as error:
        if "allow_pickle" in str(error):
            return None
        raise
    if not isinstance(array, np.ndarray):
        raise FormatError(f"a zip archive of other files ({name}, …); give an .npy or .npz file")
    return array


def _what_it_is(content: bytes, error: Exception) -> str:
    if content.startswith(b"\x93NUMPY") and "allow_pickle" in str(error):
        return _objects("it")
    for magic, what in _FOREIGN.items():
        if content.startswith(magic):
            return what + ("" if ";" in what else f" ({len(content):,} bytes: {_detail(error)})")
    try:
        text = content[:200].decode()
    except UnicodeDecodeError as undecodable:
        # A character may be cut in two at the end.
        text = content[: undecodable.start].decode() if undecodable.start > 190 else ""
    if text and (text.isprintable() or text.split()) and "\x00" not in text:
        table = "np.loadtxt(path, delimiter=',').reshape(-1, rows, columns)"
        return f"text; if it is a table of one image a line: {_NEW_FILE.format(table)}"
    return f"not a readable .npy or .npz file (starts with {content[:8].hex(' ')})"


def _objects(names: str) -> str:
    return (
        f"{names}: Python objects in place of numbers, perhaps images that differ in size; "
        + _NEW_FILE.format("np.stack(list(x)).astype(np.uint8)")
    )


def _only(found: Arrays, advice: str) -> str:
    """The name of the one array of images."""
    likely = [
        name for name, x in found.items() if x.ndim > 1 and not _OF_LABELS.fullmatch(name.lower())
    ]
    for names in (list(found), likely):
        if len(names) == 1:
            return names[0]
    if "images" in found:
        return "images"
    shapes = ", ".join(f"{name} {list(array.shape)}" for name, array in found.items())
    raise FormatError(f"holds the arrays {shapes}; {advice}")


def _square(array: np.ndarray, given: str) -> tuple[int, int]:
    n, pixels = array.shape
    side = math.isqrt(pixels)
    advice = _NEW_FILE.format("x.reshape(-1, rows, columns)")
    if side**2 != pixels:
        raise FormatError(
            f"{given}: images of {pixels} pixels are no squares, and a single image is too few;"
            f" say which: {advice}"
        )
    if n <= 2 * pixels <= 4 * n:
        raise FormatError(
            f"{given}: a single image, or {n} of {side} × {side} pixels; say which: {advice}"
        )
    return side, side


def _refuse_other_orders(shape: tuple[int, ...], given: str) -> None:
    """What [n, rows, columns] could also be; a channel axis of one tells that it is not."""
    first, second, last = shape
    if last in (1, *_COLOURS) and second > _SUSPICIOUS_ROWS:
        raise FormatError(
            f"{given}, which is that of one picture of {first} × {second} pixels; give"
            " [n, rows, columns], or x[..., None] if these are images of"
            f" {second} × {last} pixels"
        )
    if first == second and last > 8 * first:
        raise FormatError(
            f"{given}, which is [rows, columns, n]; give np.moveaxis(x, -1, 0), or x[..., None] if"
            f" these are images of {second} × {last} pixels"
        )


def _refuse_no_pixels(name: str, array: np.ndarray, margin: float) -> None:
    kind = array.dtype.kind
    if kind == "f" and not (finite := np.isfinite(array)).all():
        raise FormatError(_where(name, array, ~finite, "is not a finite number"))
    margin = margin if kind == "f" else 0.0
    if margin and (wrong := (array < -margin) | (array > 1 + margin)).any():
        what = f"is outside [{-margin:g}, {1 + margin:g}]"
        raise FormatError(
            f"{_where(name, array, wrong, what)}, where this noise hardly leads if white is 1;"
            " divide images and noise by what white is in yours"
        )
    if kind in "fi" and not margin and (wrong := array < 0).any():
        if array.dtype == np.int8:
            advice = "if the bytes were read as signed: " + _NEW_FILE.format("x.view(np.uint8)")
        elif array.min() >= -1 and array.max() <= 1:
            half = _NEW_FILE.format("(x + 1) / 2")
            clipped = _NEW_FILE.format("np.clip(x, 0, 1)")
            advice = f"if -1 is black, {half}; if 0 is, {clipped}"
        else:
            whole = _NEW_FILE.format("(x - x.min()) / (x.max() - x.min())")
            advice = f"undo the normalisation, x * deviation + mean, or {whole}"
        raise FormatError(f"{_where(name, array, wrong, 'is below 0, which is black')}; {advice}")


def _ways(top: float, array: np.ndarray) -> str:
    """How to say what is white: a line of numpy for each number that it may be."""
    if top < 2 and array.dtype.kind == "f":
        clipped, whole = _NEW_FILE.format("np.clip(x, 0, 1)"), _NEW_FILE.format("x / x.max()")
        return f"if 1 is, {clipped}; if the largest is, {whole}"
    likely = top if top < 255 else 2 ** math.ceil(math.log2(top + 1)) - 1
    whites = dict.fromkeys([likely, *(white for white in _WHITES if top <= white)][:2])
    return "; ".join(f"if {white:g} is, {_NEW_FILE.format(f'x / {white:g}')}" for white in whites)


def _where(name: str, array: np.ndarray, wrong: np.ndarray, what: str) -> str:
    """The first pixel that is wrong, with its value, and how many there are."""
    flat = wrong.reshape(len(wrong), -1)
    image, pixel = np.argwhere(flat)[0]
    value = float(array.reshape(flat.shape)[image, pixel])
    return (
        f"array `{name}`: pixel {pixel} of image {image} {what} ({value:g}; {int(flat.sum()):,}"
        " such values in all)"
    )


def _detail(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
