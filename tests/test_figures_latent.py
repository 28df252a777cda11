"""Figures 1, 4 and 5, projections and latent usage: every pixel and mark is where it should be."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyArrowPatch

from aevb.errors import DataError
from aevb.figures import fig1, fig4, fig5, latent_usage, mosaics, projection, style
from aevb.figures.mosaics import mosaic
from aevb.pictures import Pictures, read_pictures, write_pictures
from drawn import NOTE, assert_clear, footer, grid, shown

GREY = 0.82


# Mosaics.


@pytest.mark.parametrize("gap", [0, 1, 2])
@pytest.mark.parametrize("ink", [False, True])
def test_every_pixel_of_a_mosaic(ink, gap):
    """Each image is at its place, pixel by pixel, inverted for ink; the gaps are white."""
    images = grid(2, 3, 4, 5)
    picture = mosaic(images, ink=ink, gap=gap)
    expected = np.ones((2 * 4 + gap, 3 * 5 + 2 * gap))
    for i in range(2):
        for j in range(3):
            top, left = i * (4 + gap), j * (5 + gap)
            expected[top : top + 4, left : left + 5] = 1 - images[i, j] if ink else images[i, j]
    np.testing.assert_array_equal(picture, expected)


@pytest.mark.parametrize("ink", [False, True])
def test_mosaic_clips_and_shows_nothing_as_grey(ink):
    """Values outside [0, 1] are clipped before they are inverted; NaN is the same grey in both."""
    images = np.array([-0.5, 0.25, 1.75, np.nan]).reshape(1, 1, 2, 2)
    expected = [[1, 0.75], [0, GREY]] if ink else [[0, 0.25], [1, GREY]]
    np.testing.assert_array_equal(mosaic(images, ink=ink), expected)
    assert np.isnan(images).sum() == 1


@pytest.mark.parametrize("gap", [0, 1])
def test_mosaic_fills_its_axes_in_cells(gap):
    """On the axes image (i, j) begins at (j, i), pixels are square and rows run downward."""
    images = grid(3, 2, 4, 5)
    axes = Figure().add_axes((0, 0, 1, 1))
    mosaics.show(axes, images, ink=False, gap=gap)
    np.testing.assert_array_equal(shown(axes), mosaic(images, ink=False, gap=gap))
    left, right, bottom, top = axes.images[0].get_extent()
    assert (left, top) == (0, 0)
    # Image (1, 1) begins height + gap and width + gap pixels from the upper left corner.
    height, width = shown(axes).shape
    assert (4 + gap) * bottom / height == pytest.approx(1, rel=1e-12)
    assert (5 + gap) * right / width == pytest.approx(1, rel=1e-12)
    assert (axes.get_xlim(), axes.get_ylim()) == ((0, 2), (3, 0))
    assert axes.get_aspect() == pytest.approx(4 / 5)


def test_row_labels_are_at_the_rows_middles():
    """Label i stands at the height of the middle of row i."""
    axes = Figure().add_axes((0, 0, 1, 1))
    mosaics.show(axes, grid(3, 2, 4, 4), ink=False)
    mosaics.label_rows(axes, ["a", "b", "c"])
    assert axes.get_yticks().tolist() == [0.5, 1.5, 2.5]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["a", "b", "c"]


# Figure 1.


def test_edges_of_figure_1():
    """The table holds the edges of the paper's Figure 1: θ to z and x, z to x; φ and x to z."""
    table = fig1.table()
    edges = {
        kind: set(zip(rows["source"], rows["target"], strict=True))
        for kind, rows in table.groupby("model")
    }
    assert edges == {
        "generative": {("theta", "z"), ("theta", "x"), ("z", "x")},
        "variational": {("phi", "z"), ("x", "z")},
    }
    assert not table.duplicated(["source", "target"]).any()
    distributions = table.set_index(["source", "target"])["distribution"]
    assert distributions["theta", "z"] == "p_theta(z)"
    assert distributions["z", "x"] == distributions["theta", "x"] == "p_theta(x|z)"
    assert distributions["phi", "z"] == distributions["x", "z"] == "q_phi(z|x)"


def test_figure_1_draws_its_table():
    """An arrow an edge, dashed where variational, from its source to its target; x is shaded."""
    figure = fig1.draw()
    (axes,) = figure.axes
    arrows = [patch for patch in axes.patches if isinstance(patch, FancyArrowPatch)]
    places = {text.get_text(): np.array(text.get_position()) for text in axes.texts}
    names = {"phi": r"$\phi$", "theta": r"$\theta$", "x": r"$\mathbf{x}$", "z": r"$\mathbf{z}$"}
    for arrow, edge in zip(arrows, fig1.table().itertuples(), strict=True):
        assert (arrow.get_linestyle() in ("solid", "-")) == (edge.model == "generative")
        start, end = (np.array(at) for at in arrow._posA_posB)
        for at, name in ((start, edge.source), (end, edge.target)):
            distances = {key: np.linalg.norm(at - places[names[key]]) for key in names}
            assert min(distances, key=distances.get) == name
    circles = {
        tuple(patch.center): patch.get_facecolor()[:3]
        for patch in axes.patches
        if isinstance(patch, Circle)
    }
    assert set(circles) == {tuple(places[names["x"]]), tuple(places[names["z"]])}
    assert circles[tuple(places[names["z"]])] == (1, 1, 1)
    assert max(circles[tuple(places[names["x"]])]) < 0.9
    assert "$N$" in places
    assert_clear(figure)


# Figures 4 and 5.


def manifolds() -> Pictures:
    images = {"MNIST": grid(20, 20, 28, 28, 1), "FreyFace": grid(14, 14, 28, 20, 2)}
    return Pictures(images, frozenset({"MNIST"}))


def test_figure_4_shows_the_manifolds():
    """Frey Face is left of MNIST as in the paper; each panel is the mosaic of its images."""
    pictures = manifolds()
    figure = fig4.draw(pictures, note=NOTE)
    assert [axes.get_title() for axes in figure.axes] == [
        "Learned Frey Face manifold",
        "Learned MNIST manifold",
    ]
    faces, digits = figure.axes
    assert faces.get_position().x1 < digits.get_position().x0
    np.testing.assert_array_equal(
        shown(faces), mosaic(pictures.images["FreyFace"], ink=False, gap=0)
    )
    np.testing.assert_array_equal(shown(digits), mosaic(pictures.images["MNIST"], ink=True, gap=0))
    assert NOTE in footer(figure) and "quantiles" in footer(figure)
    assert_clear(figure)


def test_figure_4_panels_have_the_images_proportions():
    """A panel's box is as wide as its mosaic, so that pixels are square without being cut."""
    figure = fig4.draw(manifolds())
    width, height = figure.get_size_inches()
    for axes, images in zip(figure.axes, (grid(14, 14, 28, 20), grid(20, 20, 28, 28)), strict=True):
        box = axes.get_position()
        rows, columns = mosaic(images, ink=False, gap=0).shape
        assert box.width * width / (box.height * height) == pytest.approx(columns / rows)


@pytest.mark.parametrize(
    ("names", "drawn"),
    [
        (["MNIST"], ["MNIST"]),
        (["FreyFace"], ["Frey Face"]),
        (["Own"], ["Own"]),
        (["Own", "MNIST"], ["MNIST", "Own"]),
    ],
)
def test_figure_4_of_other_data_sets(names, drawn):
    """Data sets that the paper does not have come after those it has; one alone is drawn too."""
    pictures = Pictures({name: grid(5, 5, 28, 20) for name in names}, frozenset())
    figure = fig4.draw(pictures, note=NOTE)
    assert [axes.get_title() for axes in figure.axes] == [f"Learned {n} manifold" for n in drawn]
    assert_clear(figure)


def samples() -> Pictures:
    images = {f"MNIST/{dim}": grid(10, 10, 28, 28, dim) for dim in (10, 2, 20, 5)}
    return Pictures(images, frozenset({"MNIST"}))


def test_figure_5_shows_the_samples():
    """The panels run from small to large latent spaces, numerically, each its own mosaic."""
    pictures = samples()
    figure = fig5.draw(pictures, note=NOTE)
    dims = (2, 5, 10, 20)
    assert [axes.get_title() for axes in figure.axes] == [f"{dim}-D latent space" for dim in dims]
    lefts = [axes.get_position().x0 for axes in figure.axes]
    assert lefts == sorted(lefts)
    for axes, dim in zip(figure.axes, dims, strict=True):
        np.testing.assert_array_equal(
            shown(axes), mosaic(pictures.images[f"MNIST/{dim}"], ink=True)
        )
    assert footer(figure) == NOTE
    assert_clear(figure)


@pytest.mark.parametrize(
    ("draw", "images"),
    [
        (fig4.draw, {"MNIST": np.zeros((4, 6, 6))}),
        (fig4.draw, {"MNIST": np.zeros((3, 3, 6, 6)), "Own": np.zeros((6, 6))}),
        (fig5.draw, {"MNIST/2": np.zeros((4, 6, 6))}),
        (fig5.draw, {"MNIST": np.zeros((3, 3, 6, 6))}),
        (fig5.draw, {"MNIST/two": np.zeros((3, 3, 6, 6))}),
    ],
)
def test_pictures_of_something_else(draw, images):
    """Arrays that are no grids of images, or whose name tells no N_z, are refused by name."""
    with pytest.raises(DataError, match=rf"Figure [45]: {list(images)[-1]}: not a .*grid") as error:
        draw(Pictures(images, frozenset()))
    assert "\n" not in str(error.value)


# Projections.


def labelled(n=30) -> pd.DataFrame:
    """Three digits in three corners, of which the medians are known: the middle images."""
    rng = np.random.default_rng(0)
    rows = []
    for label, (x, y) in {0: (-1.5, 1.0), 4: (2.0, 2.0), 9: (0.5, -2.5)}.items():
        for z1, z2 in rng.normal([x, y], 0.1, (n, 2)):
            rows.append(("MNIST", 2, "test", len(rows), label, z1, z2))
    columns = ["dataset", "latent_dim", "split", "image", "label", "z1", "z2"]
    return pd.DataFrame(rows, columns=columns).sample(frac=1, random_state=1)


def video(n=40) -> pd.DataFrame:
    """Frames on a spiral, in an order that is not that of time."""
    time = np.arange(n)
    table = pd.DataFrame(
        {
            "dataset": "FreyFace",
            "latent_dim": 2,
            "split": np.where(time % 5 == 0, "test", "train"),
            "image": time,
            "label": np.nan,
            "z1": time / n * np.cos(time / 3),
            "z2": time / n * np.sin(time / 3),
        }
    )
    return table.sample(frac=1, random_state=2)


def test_projection_of_labelled_images():
    """Every image is a point in the colour of its label, which is written at the label's median."""
    table = labelled()
    figure = projection.draw(table, note=NOTE)
    (axes,) = figure.axes
    assert axes.get_title() == "MNIST: 90 test images by digit"
    assert [text.get_text() for text in axes.texts] == ["0", "4", "9"]
    for text, points in zip(axes.texts, axes.collections, strict=True):
        rows = table[table["label"] == int(text.get_text())]
        wanted = rows[["z1", "z2"]].to_numpy()
        np.testing.assert_array_equal(points.get_offsets(), wanted)
        np.testing.assert_allclose(text.get_position(), np.median(wanted, axis=0), rtol=1e-12)
        assert to_hex(points.get_facecolor()[0]) == text.get_color()
    assert len({text.get_color() for text in axes.texts}) == 3
    assert_clear(figure)


def test_projection_of_a_video():
    """Frames are joined in the order of time and coloured by it, whatever the table's order."""
    table = video()
    axes, bar = projection.draw(table, note=NOTE).axes
    assert axes.get_title() == "Frey Face: 40 frames in order of time"
    ordered = table.sort_values("image")
    wanted = ordered[["z1", "z2"]].to_numpy()
    path, points = axes.collections
    segments = np.array(path.get_segments())
    np.testing.assert_array_equal(segments[:, 0], wanted[:-1])
    np.testing.assert_array_equal(segments[:, 1], wanted[1:])
    np.testing.assert_array_equal(points.get_offsets(), wanted)
    np.testing.assert_array_equal(points.get_array(), np.arange(40))
    assert bar.get_ylabel() == "frame"
    assert not axes.texts


def test_projection_shows_everything_and_the_prior():
    """No point lies outside the axes; circles at 1, 2 and 3 standard deviations are dotted."""
    figure = projection.draw(pd.concat([video(), labelled()]), note=NOTE)
    digits, faces, _ = figure.axes
    assert digits.get_title().startswith("MNIST") and faces.get_title().startswith("Frey Face")
    for axes, table in ((digits, labelled()), (faces, video())):
        (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
        assert table["z1"].between(left, right).all() and table["z2"].between(bottom, top).all()
        assert (left, bottom) == (-right, -top) and axes.get_aspect() == 1
        radii = [np.hypot(line.get_xdata(), line.get_ydata()) for line in axes.lines]
        np.testing.assert_allclose(radii, np.array([[1], [2], [3]]) * np.ones((3, 200)))
    assert NOTE in footer(figure) and "dotted" in footer(figure)
    assert_clear(figure)


def test_projection_is_read_as_written(tmp_path):
    """Reading gives back what was written; a label may be missing, a place may not."""
    path = tmp_path / "projection.csv"
    table = pd.concat([video(), labelled()], ignore_index=True)
    table.to_csv(path, index=False)
    found = projection.read_projection(path)
    pd.testing.assert_frame_equal(found, table, check_dtype=False, check_exact=True)
    path.write_text(path.read_text() + "MNIST,2,test,999,3,nan,0.5\n")
    with pytest.raises(DataError, match=r"line 132, column 'z1': 'nan' is not finite"):
        projection.read_projection(path)


# Latent usage.


def usage() -> pd.DataFrame:
    """N_z = 2 with both dimensions active, N_z = 5 with three, of which one is below the floor."""
    rows = [("MNIST", 2, 1, 1, 6.0, 0.9, True), ("MNIST", 2, 2, 0, 4.0, 0.8, True)]
    for rank, (kl, active) in enumerate(
        [(5.0, True), (3.0, True), (1.0, True), (0.005, False), (1e-7, False)], start=1
    ):
        rows.append(("MNIST", 5, rank, 5 - rank, kl, 0.5 if active else 0.001, active))
    return pd.DataFrame(
        rows,
        columns=["dataset", "latent_dim", "rank", "dimension", "kl", "mean_variance", "active"],
    )


def test_usage_is_counted():
    """The summary holds how many dimensions are active and the sum of the KL over all of them."""
    summary = latent_usage.summary(usage().sample(frac=1, random_state=0))
    assert summary.columns.tolist() == ["dataset", "latent_dim", "active", "kl"]
    assert summary["latent_dim"].tolist() == [2, 5]
    assert summary["active"].tolist() == [2, 3]
    assert summary["kl"].tolist() == pytest.approx([10.0, 9.0050001], rel=1e-12)


def test_active_dimensions_are_filled_and_others_hollow():
    """Marks stand at rank and KL, filled where active; below the floor they are at the floor."""
    figure = latent_usage.draw(usage().sample(frac=1, random_state=0), note=NOTE)
    (axes,) = figure.axes
    assert [t.get_text() for t in axes.get_legend().get_texts()] == [
        "$N_z$=2: 2 active, 10.0 nats",
        "$N_z$=5: 3 active, 9.0 nats",
    ]
    small, large = axes.lines[:3], axes.lines[3:]
    for (line, filled, hollow), kl, n_active in (
        (small, [6, 4], 2),
        (large, [5, 3, 1, 0.005, 1e-4], 3),
    ):
        ranks = np.arange(1, len(kl) + 1)
        np.testing.assert_array_equal(line.get_xdata(), ranks)
        np.testing.assert_array_equal(line.get_ydata(), kl)
        assert filled.get_linestyle() == hollow.get_linestyle() == "None"
        np.testing.assert_array_equal(filled.get_xdata(), ranks[:n_active])
        np.testing.assert_array_equal(filled.get_ydata(), kl[:n_active])
        np.testing.assert_array_equal(hollow.get_xdata(), ranks[n_active:])
        np.testing.assert_array_equal(hollow.get_ydata(), kl[n_active:])
        assert filled.get_markerfacecolor() == filled.get_color() == line.get_color()
        assert hollow.get_markerfacecolor() == "white"
        assert hollow.get_color() == line.get_color()
    assert small[0].get_color() != large[0].get_color()
    assert_clear(figure)


@pytest.mark.parametrize(
    "kl", [(6.0, 4.0), (3.0, 1e-9), (2e-5, 1e-6), (0.0, 0.0)], ids=["used", "one", "tiny", "none"]
)
def test_all_marks_of_the_usage_are_in_sight(kl):
    """Whatever the KL, also of a model that uses nothing, the marks are inside the axes."""
    table = usage()[:2].assign(kl=kl, active=[value > 0.1 for value in kl])
    (axes,) = latent_usage.draw(table).axes
    bottom, top = axes.get_ylim()
    for line in axes.lines:
        assert all(bottom < y < top for y in line.get_ydata())


def test_usage_of_two_data_sets():
    """Each data set has a panel of its own, with the large latent spaces too."""
    rows = [
        ("FreyFace", dim, rank, rank - 1, 8.0 / rank**2, 0.5, rank < 7)
        for dim in (2, 5, 10, 20)
        for rank in range(1, dim + 1)
    ]
    rows += [
        ("MNIST", dim, rank, rank - 1, 8.0 / rank**2, 0.5, rank < 20)
        for dim in (3, 200)
        for rank in range(1, dim + 1)
    ]
    figure = latent_usage.draw(pd.DataFrame(rows, columns=usage().columns), note=NOTE)
    digits, faces = figure.axes
    assert (digits.get_title(), faces.get_title()) == ("MNIST", "Frey Face")
    assert [len(axes.lines) for axes in (digits, faces)] == [6, 12]
    assert digits.get_xticks().tolist() == [1, 2, 5, 10, 20, 50, 100, 200]
    assert faces.get_xticks().tolist() == [1, 2, 5, 10, 20]
    assert_clear(figure)


def test_usage_is_read_as_written(tmp_path):
    """Reading gives back what was written, truth values included; others are refused."""
    path = tmp_path / "usage.csv"
    usage().to_csv(path, index=False)
    found = latent_usage.read_usage(path)
    assert found["active"].dtype == bool
    pd.testing.assert_frame_equal(found, usage(), check_exact=True)
    path.write_text(path.read_text().replace("False", "no"))
    with pytest.raises(DataError, match=r"line 7, column 'active': 'no' is not one of True, False"):
        latent_usage.read_usage(path)


# Pictures.


def test_pictures_are_read_as_written(tmp_path):
    """Names, shapes, ink and NaN come back; values within the rounding of half precision."""
    rng = np.random.default_rng(0)
    images = {
        "MNIST/2": rng.random((3, 2, 6, 5)).astype(np.float32),
        "Frey Face/a, b × c/truth": rng.normal(0.5, 1, (7, 6, 5)).astype(np.float32),
        "seen": np.where(rng.random((4, 4)) < 0.5, np.nan, 0.25).astype(np.float32),
    }
    write_pictures(tmp_path / "deep" / "x.npz", images, {"MNIST"})
    found = read_pictures(tmp_path / "deep" / "x.npz")
    assert found.ink == {"MNIST"}
    assert list(found.images) == list(images)
    for name, values in images.items():
        assert found.images[name].dtype == np.float32
        assert found.images[name].shape == values.shape
        np.testing.assert_array_equal(np.isnan(found.images[name]), np.isnan(values))
        # Eleven bits, rounded to the nearest; below 2⁻¹⁴ the steps are even.
        bound = np.maximum(np.abs(values) * 2.0**-11, 2.0**-25)
        error = np.abs(found.images[name].astype(float) - values)
        assert (error <= bound)[~np.isnan(values)].all()


def test_pictures_are_the_same_bytes_each_time(tmp_path):
    """The same pictures give the same file, whatever the order in which ink is named."""
    images = {"A": grid(2, 2, 3, 3), "B": grid(2, 2, 3, 3)}
    for name, ink in (("a", ["A", "B"]), ("b", ["B", "A"])):
        write_pictures(tmp_path / name, images, set(ink))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def flip_a_byte(path: Path) -> None:
    write_pictures(path, {"A": grid(2, 2, 9, 9)}, set())
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)


def cut(path: Path) -> None:
    write_pictures(path, {"A": grid(2, 2, 9, 9)}, set())
    path.write_bytes(path.read_bytes()[:-40])


FAULTS = {
    "missing": (lambda path: None, "there is no such file; make the pictures first"),
    "empty": (lambda path: path.write_bytes(b""), "not a file of pictures ("),
    "text": (lambda path: path.write_text("hello\nworld\n"), "not a file of pictures ("),
    "flipped": (flip_a_byte, "not a file of pictures ("),
    "cut": (cut, "not a file of pictures ("),
    "foreign": (lambda path: np.savez(path, images=grid(2, 2, 3, 3)), "not a file of pictures ("),
    "objects": (
        lambda path: np.savez(path, ink=np.array("[]"), A=np.array([None], object)),
        "not a file of pictures (",
    ),
    "no ink": (lambda path: np.savez(path, ink=np.array("3"), A=np.eye(3)), "not a file of pict"),
    "no images": (lambda path: write_pictures(path, {}, {"MNIST"}), "holds no pictures; make it"),
    "numbers": (
        lambda path: np.savez(path, ink=np.array("[]"), A=np.arange(3.0)),
        "holds no pictures; make it",
    ),
}


@pytest.mark.parametrize("kind", FAULTS)
def test_unreadable_pictures(tmp_path, kind):
    """A missing, damaged, foreign or empty file is named in one line."""
    path = tmp_path / "x.npz"
    make, said = FAULTS[kind]
    make(path)
    with pytest.raises(DataError) as error:
        read_pictures(path)
    (line,) = str(error.value).splitlines()
    assert line.startswith(f"{path}: {said}")


# Files and imports.


@pytest.mark.parametrize(
    "draw",
    [
        fig1.draw,
        lambda: fig4.draw(manifolds(), note=NOTE),
        lambda: fig5.draw(samples(), note=NOTE),
        lambda: projection.draw(pd.concat([video(), labelled()]), note=NOTE),
        lambda: latent_usage.draw(usage(), note=NOTE),
    ],
    ids=["fig1", "fig4", "fig5", "projection", "latent usage"],
)
def test_the_same_figure_is_the_same_bytes(tmp_path, draw):
    """Drawn anew from the same data, PDF and PNG are the same to the last byte, and undated."""
    pairs = [style.save(draw(), tmp_path / run / "figure") for run in "ab"]
    for one, other in zip(*pairs, strict=True):
        assert one.read_bytes() == other.read_bytes()
    assert b"CreationDate" not in pairs[0][0].read_bytes()


def test_figures_and_the_explorer_import_no_tensorflow():
    """Every module that draws, and the explorer, are imported without TensorFlow."""
    code = (
        "import importlib, pkgutil, sys, aevb.explorer, aevb.figures, aevb.pictures\n"
        "modules = [m.name for p in (aevb.figures, aevb.explorer)"
        " for m in pkgutil.iter_modules(p.__path__, p.__name__ + '.')]\n"
        "for module in modules: importlib.import_module(module)\n"
        "print(len(modules), [m for m in sys.modules if m.split('.')[0] in"
        " ('tensorflow', 'tensorflow_probability', 'tf_keras')])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    n_modules, _, found = result.stdout.strip().partition(" ")
    assert found == "[]"
    assert int(n_modules) >= 20
