"""Decoding and canonical content of the file formats."""

import functools
import gzip
import hashlib
import io
import struct

import numpy as np
import pytest
import scipy.io

from aevb.data.formats import FormatError, content_sha256, decode

SHAPE = (4, 3)
# Without the time in its header: what pytest calls a case must not change between its workers.
gz = functools.partial(gzip.compress, mtime=0)
PIXELS = np.random.default_rng(0).integers(0, 256, (10, 12), np.uint8)


def definition(kind: str) -> dict:
    return {"format": kind, "image_shape": list(SHAPE)}


def idx(values: np.ndarray) -> bytes:
    header = struct.pack(f">BBBB{values.ndim}I", 0, 0, 8, values.ndim, *values.shape)
    return header + values.tobytes()


def mat(**variables: np.ndarray) -> bytes:
    content = io.BytesIO()
    scipy.io.savemat(content, variables)
    return content.getvalue()


def npz(**arrays: np.ndarray) -> bytes:
    content = io.BytesIO()
    np.savez(content, **arrays)
    return content.getvalue()


@pytest.mark.parametrize("pack", [bytes, gz], ids=["raw", "gz"])
@pytest.mark.parametrize(
    ("array", "values"),
    [("train_images", PIXELS.reshape(10, *SHAPE)), ("test_labels", np.arange(10, dtype=np.uint8))],
)
def test_idx(array, values, pack):
    raw, file = idx(values), {"array": array, "bytes": None}
    arrays = decode(pack(raw), file, definition("mnist_idx"))
    np.testing.assert_array_equal(arrays[array], values.reshape(10, -1).squeeze())
    found = content_sha256(arrays, file, definition("mnist_idx"))
    assert found == hashlib.sha256(raw).hexdigest()


def test_mat_columns_are_images():
    arrays = decode(mat(ff=PIXELS.T), {"variable": "ff"}, definition("frey_mat"))
    np.testing.assert_array_equal(arrays["images"], PIXELS)
    found = content_sha256(arrays, {"variable": "ff"}, definition("frey_mat"))
    assert found == hashlib.sha256(PIXELS.tobytes()).hexdigest()


def test_a_gzipped_mat_file_is_longer_than_its_pixels():
    """Its header and its other variables come on top, and are no reason to call it damaged."""
    raw = mat(ff=PIXELS.T, other=np.zeros((30, 30)))
    file = {"variable": "ff", "bytes": PIXELS.size, "packed_bytes": len(raw)}
    arrays = decode(gz(raw), file, definition("frey_mat"))
    np.testing.assert_array_equal(arrays["images"], PIXELS)
    with pytest.raises(FormatError, match=f"^truncated: {len(gz(raw)) - 9} bytes of the gzip file"):
        decode(gz(raw)[:-9], file, definition("frey_mat"))


def test_npz_content_is_the_same_in_any_numbers():
    """Bits are bytes 0 and 255, shares are levels, so one hash serves all ways to write them."""
    bits = (PIXELS > 99).astype(np.uint8)
    found = [
        decode(npz(train=values[:8], test=values[8:]), {}, definition("npz"))
        for values in (bits, bits * np.uint8(255), bits / 1.0)
    ]
    hashes = {content_sha256(arrays, {}, definition("npz")) for arrays in found}
    assert hashes == {hashlib.sha256((bits * np.uint8(255)).tobytes()).hexdigest()}


def test_npz_content_is_train_validation_test():
    raw = npz(test=PIXELS[8:], train=PIXELS[:5], validation=PIXELS[5:8])
    arrays = decode(raw, {}, definition("npz"))
    np.testing.assert_array_equal(arrays["validation"], PIXELS[5:8])
    found = content_sha256(arrays, {}, definition("npz"))
    assert found == hashlib.sha256(PIXELS.tobytes()).hexdigest()


def test_npz_without_validation():
    arrays = decode(npz(test=PIXELS[8:], train=PIXELS[:8]), {}, definition("npz"))
    assert arrays["validation"].shape == (0, 12)
    found = content_sha256(arrays, {}, definition("npz"))
    assert found == hashlib.sha256(PIXELS.tobytes()).hexdigest()


IMAGES_IDX = idx(PIXELS.reshape(10, *SHAPE))
DAMAGED_GZIP = bytearray(gz(IMAGES_IDX))
DAMAGED_GZIP[-6] ^= 1


@pytest.mark.parametrize(
    ("kind", "raw", "reason"),
    [
        ("mnist_idx", b"", "an empty file"),
        ("mnist_idx", b" \n<html lang=en>", "an HTML page"),
        ("mnist_idx", b"<?xml version='1.0'?><Error/>", "an XML or HTML page"),
        ("mnist_idx", gz(b"<html>"), "an HTML page"),
        ("mnist_idx", b"plain text", "not an idx file"),
        ("mnist_idx", b"\0\0\x08", "not an idx file"),
        ("mnist_idx", b"\0\0\x08\x03\0\0", "not an idx file"),
        ("mnist_idx", IMAGES_IDX[:-1], "truncated: 135 of 136 bytes"),
        ("mnist_idx", gz(IMAGES_IDX)[:-1], "truncated"),
        ("mnist_idx", bytes(DAMAGED_GZIP), "a damaged gzip file"),
        ("mnist_idx", IMAGES_IDX + b"\0", "longer than its header says"),
        ("mnist_idx", gz(bytes(10**6)), "longer than its header says|not an idx file"),
        ("mnist_idx", idx(PIXELS), r"shape \[10, 12\], expected \['N', 4, 3\]"),
        ("frey_mat", mat(gg=PIXELS.T), "without the variable `ff`"),
        ("frey_mat", mat(ff=PIXELS), r"uint8 \[12, 10\], expected uint8 \[N, 12\]"),
        ("frey_mat", mat(ff=PIXELS.T / 255), "float64"),
        ("frey_mat", mat(ff=PIXELS.T)[:150], "truncated: 150 of 312 bytes; not a readable MAT"),
        ("frey_mat", b"MATLAB" + bytes(1000), "not a readable MAT file|without the variable"),
        ("npz", npz(train=PIXELS[:4]), "4 images are too few"),
        ("npz", npz(train=PIXELS / 255, test=PIXELS), "bring both to one range"),
        ("npz", npz(train=PIXELS, test=PIXELS[:, :5]), r"`test` has the shape \[10, 5\]; expected"),
        ("npz", npz(train=PIXELS, test=PIXELS[:0]), r"`test` has the shape \[0, 12\]; expected"),
        ("npz", npz(train=PIXELS, test=PIXELS)[:200], "a truncated or damaged .npz file"),
        ("npz", gz(npz(train=PIXELS, test=PIXELS))[:99], "truncated: 99 bytes of the gzip file"),
    ],
)
def test_what_a_bad_file_is_called(kind, raw, reason):
    file = {"array": "train_images", "variable": "ff", "bytes": 136, "packed_bytes": 312}
    with pytest.raises(FormatError, match=reason):
        decode(raw, file, definition(kind))


@pytest.mark.parametrize(
    ("kind", "decoder", "limit"),
    [("mnist_idx", "_decode_idx", 100), ("frey_mat", "_decode_mat", 1600 + 2**20)],
)
def test_decompression_bomb_is_not_unpacked(monkeypatch, kind, decoder, limit):
    """One byte more than a file of these pixels can have is all that is unpacked."""
    seen = []
    monkeypatch.setattr(f"aevb.data.formats.{decoder}", lambda content, *rest: seen.append(content))
    decode(gz(bytes(10**7)), {"array": "train_images", "bytes": 100}, definition(kind))
    assert len(seen[0]) == limit + 1
