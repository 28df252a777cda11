"""Images as people have them: read alike as a data set and for a trained model, or refused."""

import gzip
import io
import pickle
import struct
import zipfile

import numpy as np
import pytest

from aevb.data.formats import FormatError, image_parts
from aevb.data.images import read_images
from aevb.data.reading import arrays_in, as_images, choose, levels, white_of
from aevb.errors import ConfigError, DataError
from aevb.settings.own import describe

RNG = np.random.default_rng(5)
BYTES = RNG.integers(0, 256, (50, 6, 4), np.uint8)
BYTES[0, 0, :2] = 0, 255
BITS = BYTES > 127
SIXTEENTHS = BYTES // 16 + (BYTES == 255)


def npy(array, **options) -> bytes:
    content = io.BytesIO()
    np.save(content, array, **options)
    return content.getvalue()


def npz(**arrays) -> bytes:
    content = io.BytesIO()
    np.savez(content, **arrays)
    return content.getvalue()


def idx(array) -> bytes:
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()


def said(read, *arguments) -> str:
    """What is said of what is refused, in one line."""
    with pytest.raises((FormatError, ConfigError, DataError)) as refused:
        read(*arguments)
    (line,) = str(refused.value).splitlines()
    return line


# What number is white.

UNDERSTOOD = {
    "bits as bytes": (BITS.astype(np.uint8), BITS),
    "bits as truth values": (BITS, BITS),
    "bits as whole numbers": (BITS.astype(np.int64), BITS),
    "bits as real numbers": (BITS.astype(np.float32), BITS),
    "black and white bytes": (BITS * np.uint8(255), BITS),
    "bytes": (BYTES, BYTES / 255),
    "bytes in 64 bits": (BYTES.astype(np.int64), BYTES / 255),
    "bytes as real numbers": (BYTES.astype(np.float32), BYTES / 255),
    "between the bytes": (np.minimum(BYTES + 0.4, 255), np.minimum(BYTES + 0.4, 255) / 255),
    "sixteen bits": (BYTES.astype(np.uint16) * 257, BYTES / 255),
    "shares": (BYTES / 255, BYTES / 255),
    "shares in half precision": ((BYTES / 255).astype(np.float16), BYTES / 255),
    "dark shares": (BYTES / 5100, BYTES / 5100),
}


@pytest.mark.parametrize("kind", UNDERSTOOD)
def test_what_is_white_is_read_alike_everywhere(tmp_path, kind):
    """As a data set (in 256 levels) and for a trained model, the shares of white are the same."""
    array, truth = UNDERSTOOD[kind]
    path = tmp_path / "x.npy"
    path.write_bytes(npy(array))
    for_model = read_images(path, (6, 4)).reshape(BYTES.shape)
    np.testing.assert_allclose(for_model, truth, atol=1e-3)
    white = white_of({"x": array})
    np.testing.assert_allclose(levels(array, white) / 255, truth, atol=0.51 / 255)
    parts, text = image_parts(path.read_bytes())
    together = np.concatenate([parts["train"], parts["test"]])
    assert {image.tobytes() for image in together} == {x.tobytes() for x in levels(array, white)}
    binary = np.isin(truth, (0, 1)).all()
    assert ("black and white" in text, "grey" in text) == (binary, not binary)
    assert f"of which {white} is white; 40 train, 10 test" in text


def spoilt(value) -> np.ndarray:
    images = BYTES / 255
    images[3, 1, 2] = value
    return images


BOTH_WAYS = (
    r"if {0} is, np.save\('images.npy', x / {0}\); if {1} is, np.save\('images.npy', x / {1}\)"
)
REFUSED = {
    "sixteenths": (SIXTEENTHS, "which does not tell what is white; " + BOTH_WAYS.format(16, 255)),
    "sixteenths, real": (SIXTEENTHS / 1.0, r"is the largest \(16; .*" + BOTH_WAYS.format(16, 255)),
    "dark bytes": (BYTES // 3, BOTH_WAYS.format(85, 255)),
    "three values": (BYTES % 3, BOTH_WAYS.format(2, 255)),
    "twelve bits": (BYTES.astype(np.uint16) * 16, BOTH_WAYS.format(4095, 65535)),
    "overshoot": (spoilt(1.01), r"if 1 is, np.save\('images.npy', np.clip\(x, 0, 1\)\)"),
    "undershoot": (spoilt(-0.01), r"pixel 6 of image 3 is below 0.*if 0 is, .*np.clip\(x, 0, 1\)"),
    "[-1, 1]": (BYTES / 127.5 - 1, r"if -1 is black, np.save\('images.npy', \(x \+ 1\) / 2\)"),
    "normalised": ((BYTES / 255 - 0.13) / 0.3, r"undo the normalisation, x \* deviation \+ mean"),
    "signed bytes": (BYTES.view(np.int8), r"np.save\('images.npy', x.view\(np.uint8\)\)"),
    "nan": (spoilt(np.nan), r"pixel 6 of image 3 is not a finite number \(nan; 1 such"),
    "inf": (spoilt(np.inf), r"pixel 6 of image 3 is not a finite number \(inf; 1 such"),
    "complex": (BYTES + 1j, "is of type complex128; give bytes or numbers"),
    "text": (BYTES.astype(str), "is of type <U3; give bytes or numbers"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_ambiguous_is_refused_alike_everywhere(tmp_path, kind):
    """With the line of numpy that says what is meant, which is then understood."""
    array, message = REFUSED[kind]
    path = tmp_path / "x.npy"
    path.write_bytes(npy(array))
    as_data, for_model = said(describe, path, "bernoulli"), said(read_images, path, (6, 4))
    assert as_data.removeprefix("dataset: ") == for_model
    with pytest.raises(FormatError, match=message):
        image_parts(path.read_bytes())


@pytest.mark.parametrize(
    "kind", ["sixteenths", "dark bytes", "twelve bits", "[-1, 1]", "overshoot"]
)
def test_the_advice_helps(kind):
    """The first line of numpy that a refusal gives makes an array that is understood."""
    x = REFUSED[kind][0]
    line = said(image_parts, npy(x)).split("; ")
    first = next(part for part in line if "np.save" in part)
    expression = first.split("np.save('images.npy', ")[1].removesuffix(")")
    mended = eval(expression, {"np": np, "x": x})
    assert "1 is white" in image_parts(npy(mended))[1]


def test_images_without_any_light(tmp_path):
    """Nothing can be learned of them; a trained model may be asked about them."""
    assert said(image_parts, npy(0 * BYTES)) == "every pixel is 0, of which nothing can be learned"
    path = tmp_path / "x.npy"
    path.write_bytes(npy(0 * BYTES))
    assert not read_images(path, (6, 4)).any()


@pytest.mark.parametrize("test", [BITS[:10].astype(np.uint8), BYTES[:10] / 255])
def test_parts_of_one_range(test):
    """One range for all parts: dark test images are no reason to read them otherwise, test images
    in another range are refused."""
    parts, _ = image_parts(npz(train=BYTES, test=BYTES[:10] // 9))
    np.testing.assert_array_equal(parts["test"], BYTES[:10] // 9)
    message = said(image_parts, npz(train=BYTES, test=test))
    assert message.startswith("array `test` ends at 1 and `train` at 255; bring both to one range")


def test_noisy_images(tmp_path):
    """Noise leads real numbers out of [0, 1] by as much as it may; whole numbers have none."""
    path = tmp_path / "x.npy"
    noisy = (BYTES / 255 + RNG.normal(size=BYTES.shape) * 0.3).astype(np.float32)
    path.write_bytes(npy(noisy))
    found = read_images(path, (6, 4), margin=2.4)
    np.testing.assert_array_equal(found.reshape(noisy.shape), noisy)
    path.write_bytes(npy(noisy * 255))
    with pytest.raises(
        DataError, match=r"is outside \[-2.4, 3.4\].* where this noise hardly leads"
    ):
        read_images(path, (6, 4), margin=2.4)
    path.write_bytes(npy(BYTES))
    np.testing.assert_allclose(read_images(path, (6, 4), margin=2.4), BYTES.reshape(50, -1) / 255)


# What the axes are.


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((40, 6, 4), (40, 6, 4)),
        ((40, 6, 4, 1), (40, 6, 4)),
        ((40, 1, 6, 4), (40, 6, 4)),
        ((40, 16), (40, 4, 4)),
        ((40, 1, 15), (40, 1, 15)),
        ((40, 30, 3, 1), (40, 30, 3)),
    ],
)
def test_axes(shape, expected):
    """[n, rows, columns], with a channel of one, or squares given by pixels alone."""
    assert as_images(np.ones(shape), "x").shape == expected


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((), r"has the shape \[\]; expected \[n, rows, columns\] or \[n, pixels\], with n ≥ 1"),
        ((16,), r"has the shape \[16\]; expected \[n, rows, columns\] or"),
        ((0, 4, 4), r"has the shape \[0, 4, 4\]; expected"),
        ((2, 3, 4, 5, 6), r"has the shape \[2, 3, 4, 5, 6\]; expected"),
        ((2, 5, 4, 5), r"has the shape \[2, 5, 4, 5\]; expected"),
        ((28, 28), r"28 pixels are no squares, and a single image is too few; .*x\.reshape\(-1, r"),
        ((560, 1965), "images of 1965 pixels are no squares"),
        ((16, 16), r"a single image, or 16 of 4 × 4 pixels; say which: .*x\.reshape\(-1, rows"),
        ((480, 400), "a single image, or 480 of 20 × 20 pixels"),
        ((40, 6, 4, 3), r"pictures in colour; make them grey: .*x\[\.\.\., :3\]\.mean\(-1\)"),
        ((40, 3, 6, 4), r"pictures in colour; make them grey: .*x\[:, :3\]\.mean\(1\)"),
        ((40, 6, 5, 4), r"pictures in colour; make them grey: .*x\[\.\.\., :3\]\.mean\(-1\)"),
        ((40, 30, 3), r"that of one picture of 40 × 30 pixels; .* or x\[\.\.\., None\] if these"),
        ((28, 28, 1), "that of one picture of 28 × 28 pixels"),
        ((28, 28, 600), r"is \[rows, columns, n\]; give np\.moveaxis\(x, -1, 0\), or x\[\.\.\., N"),
    ],
)
def test_axes_that_can_be_read_in_two_ways_are_refused(shape, message):
    """With what to write in place of them."""
    with pytest.raises(FormatError, match=message):
        as_images(np.ones(shape), "x")


def test_axes_for_a_trained_model():
    """Which images it takes is known, so a single one is one; rows and columns are not swapped."""
    for shape in [(6, 4), (6, 4, 1), (1, 6, 4), (1, 24), (1, 6, 4, 1), (1, 1, 6, 4)]:
        np.testing.assert_array_equal(
            as_images(BYTES[0].reshape(shape), "x", (6, 4)), BYTES[:1], strict=True
        )
    for shape in [(4, 6), (1, 4, 6), (2, 12), (24,), (1, 4, 6, 1), (3, 8)]:
        with pytest.raises(FormatError, match=r"expected \[n, 6, 4\] or \[n, 24\], with n ≥ 1"):
            as_images(BYTES[0].reshape(shape), "x", (6, 4))


# Which arrays are images.

LABELS = np.arange(50)


@pytest.mark.parametrize(
    ("arrays", "names", "aside"),
    [
        ({"x_train": 1, "y_train": 0, "x_test": 1, "y_test": 0}, ["x_train", "x_test"], 2),
        ({"X_train": 1, "X_test": 1, "X_val": 1}, ["X_train", "X_val", "X_test"], 0),
        (
            {"train_images": 1, "train_labels": 0, "test_images": 1},
            ["train_images", "test_images"],
            1,
        ),
        ({"train": 1, "test": 1, "validation": 1}, ["train", "validation", "test"], 0),
        ({"images": 1, "labels": 0}, ["images"], 1),
        ({"images": 1, "data": 1, "target": 0}, ["images"], 2),
        ({"x": 1, "y": 2}, ["x"], 1),
        ({"faces": 1, "ids": 0}, ["faces"], 1),
        ({"labels": 1}, ["labels"], 0),
    ],
)
def test_images_among_other_arrays(arrays, names, aside):
    """0 stands for labels, 2 for labels in one-hot code: the names that keras and others use."""
    made = {0: LABELS, 1: BYTES, 2: np.eye(50)}
    chosen = choose(arrays_in(npz(**{name: made[kind] for name, kind in arrays.items()})))
    assert list(chosen.names.values()) == names and len(chosen.aside) == aside
    _, text = image_parts(npz(**{name: made[kind] for name, kind in arrays.items()}))
    assert ("left aside" in text) == bool(aside)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            npz(a=BYTES, b=BYTES),
            r"holds the arrays a \[50, 6, 4\], b \[50, 6, 4\]; give one, or `tra",
        ),
        (npz(train=BYTES, x_train=BYTES, test=BYTES), "holds the arrays train"),
        (npz(labels=LABELS, ids=LABELS), r"holds the arrays labels \[50\], ids \[50\]; give one"),
        (npz(train=BYTES, test=BYTES[:, :5]), "the images of its parts differ in size"),
        (npz(train=BYTES, test=BYTES[:1]), "array `test` has one image; give 2 or more"),
        (npy(BYTES[:4]), "4 images are too few: give 5 or more"),
        (npz(), "an .npz file without any array"),
        (
            npz(faces=np.array([BYTES[0], None], object)),
            "faces: Python objects in place of numbers",
        ),
        (
            npy(np.array([BYTES[0], None], object), allow_pickle=True),
            "Python objects in place of n",
        ),
        (pickle.dumps(BYTES), "a Python pickle, which can run code when it is opened"),
        (npz(x=BYTES)[:700], "a truncated or damaged .npz file"),
        (npy(BYTES)[:-7], "a damaged .npy file"),
        (gzip.compress(npy(BYTES))[:-9], "a truncated or damaged gzip file"),
        (b"", "an empty file"),
        (b"<!DOCTYPE html>\n<html>", "an HTML page"),
        (
            b"1,2,3\n4,5,6\n",
            r"text; if it is a table .*np\.loadtxt\(path, delimiter=','\)\.reshape",
        ),
        (b"\x89PNG\r\n\x1a\n" + bytes(50), r"one picture; stack all of them.*convert\('L'\)"),
        (b"\xff\xd8\xff\xe0" + bytes(50), "one picture; stack all of them"),
        (b"\x89HDF\r\n\x1a\n" + bytes(50), "an HDF5 file"),
        (b"MATLAB 5.0 MAT-file" + bytes(150), "a MAT file"),
        (bytes(range(200, 256)), "not a readable .npy or .npz file"),
    ],
)
def test_what_is_no_file_of_images_is_named(content, message):
    """With what to do about it, without opening a pickle."""
    with pytest.raises(FormatError, match=message) as refused:
        image_parts(content)
    assert "\n" not in str(refused.value)


def test_an_archive_of_pictures():
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("a.png", b"\x89PNG")
    with pytest.raises(FormatError, match=r"a zip archive of other files \(a\.png, …\)"):
        image_parts(content.getvalue())


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["raw", "gz"])
@pytest.mark.parametrize("write", [npy, idx, lambda array: npz(x=array)], ids=["npy", "idx", "npz"])
def test_containers(write, pack):
    """An .npy, an .npz, and MNIST's idx, gzipped or not, hold the same images."""
    parts, _ = image_parts(pack(write(BYTES)))
    expected, _ = image_parts(npy(BYTES))
    for part in expected:
        np.testing.assert_array_equal(parts[part], expected[part])


def test_the_smallest_set_has_two_test_images():
    """Over one image there is no interval."""
    parts, text = image_parts(npy(BYTES[:5]))
    assert [len(parts[part]) for part in ("train", "validation", "test")] == [3, 0, 2]
    assert text.startswith("5 images of 6 × 4 pixels, grey") and text.endswith("3 train, 2 test")


def test_a_folder_in_a_files_place(tmp_path):
    """How to make one array of its pictures, wherever a file is wanted."""
    for read, arguments in ((describe, ("bernoulli",)), (read_images, ((6, 4),))):
        assert "a folder; put its pictures into one array" in said(read, tmp_path, *arguments)
