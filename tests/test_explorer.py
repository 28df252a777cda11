"""The latent explorer: what its builder packs and refuses, and what a browser makes of the page."""

import base64
import gzip
import io
import json
import re
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import seaborn
from matplotlib.colors import to_hex
from PIL import Image

import tiny
from aevb.arrays import Tensors, named
from aevb.errors import DataError
from aevb.explorer.build import TOLERANCE, Layer, build, mean_image, pack, quantise
from aevb.models.registry import TANH_DECODERS
from aevb.settings import Experiment
from aevb.stages import weights
from aevb.stages.trained import parameters_of
from aevb.tables.curves import COLUMNS
from aevb.training.assembly import architecture

POINTS = [(0.0, 0.0), (1.3, -0.7), (-3.4, 3.4), (0.013, 2.9)]


# ---- Models and tables ---------------------------------------------------------------------------


@dataclass
class Inputs:
    """What a page is built from, on disk and in memory."""

    folder: Path
    models: dict[str, tuple[Experiment, Tensors]]
    projection: pd.DataFrame
    curves: pd.DataFrame

    def build(self) -> str:
        paths = [self.folder / f"{label}.safetensors" for label in self.models]
        for path, (experiment, arrays) in zip(paths, self.models.values(), strict=True):
            weights.write(path, arrays, experiment)
        self.projection.to_csv(self.folder / "projection.csv", index=False)
        self.curves.to_csv(self.folder / "curves.csv", index=False)
        return build(paths, self.folder / "projection.csv", [self.folder / "curves.csv"])

    def decode(self, label: str, z) -> np.ndarray:
        """The package's own decoder: the mean images [n, D] of the first member."""
        experiment, arrays = self.models[label]
        network = architecture(experiment)
        start = parameters_of(network, arrays, 0).decoder
        return network.decode(start, np.asarray(z, np.float32)[np.newaxis]).mean().numpy()[0]


def model(label, observation, shape, hidden, seed) -> tuple[Experiment, Tensors]:
    """Two members' random weights, of the size of trained ones; FreyFace's decoder has two hidden
    layers."""
    definition = {
        **tiny.DEFINITION,
        "label": label,
        "observation": observation,
        "image_shape": list(shape),
    }
    experiment = replace(
        tiny.SETTINGS,
        dataset=label.lower(),
        definition=definition,
        hidden_units=hidden,
        architecture="deep_decoder" if label == "FreyFace" else "mlp",
        seeds=(3, 4),
    )
    rng = np.random.default_rng(seed)
    deviations = {"first_weights": 1.0, "output_weights": 0.3, "output_bias": 0.5}
    if label == "FreyFace":
        deviations["hidden_weights"] = 0.1
    shapes = named(architecture(experiment).shapes().decoder, "decoder")
    return experiment, {
        name: rng.normal(0, deviations.get(Path(name).name, 1.0), (2, *shape)).astype(np.float32)
        for name, shape in shapes.items()
    }


def projection(digits: int, frames: int) -> pd.DataFrame:
    """Digits on a ring, in the test split; frames on a curve, every fifth one a test image."""
    rng = np.random.default_rng(5)
    label, time = np.arange(digits) % 10, np.arange(frames)
    ring = 2 * np.stack([np.cos(label * 0.628), np.sin(label * 0.628)], axis=1)
    ring += rng.normal(0, 0.2, ring.shape)
    curve = np.stack([3 * np.cos(time / 9), 2 * np.sin(time / 5)], axis=1)
    tables = [
        pd.DataFrame(
            {"dataset": "MNIST", "split": "test", "image": np.arange(digits), "label": label}
        ).assign(z1=ring[:, 0], z2=ring[:, 1]),
        pd.DataFrame({"dataset": "FreyFace", "image": time, "label": ""}).assign(
            split=np.where(time % 5, "train", "test"), z1=curve[:, 0], z2=curve[:, 1]
        ),
    ]
    table = pd.concat(tables).assign(latent_dim=2)
    # The rows' order and another model's rows must not matter.
    other = table[table["image"] < 3].assign(latent_dim=5, z1=9.0)
    return pd.concat([table, other]).sample(frac=1, random_state=1, ignore_index=True)


def curve_table() -> pd.DataFrame:
    """The shown numbers, and beside each one that might be taken for it."""
    rows = []
    for label, end in (("MNIST", -151.25), ("FreyFace", 782.15)):
        for seed in (3, 4):
            for split in ("train", "test"):
                for dim in (2, 5):
                    for samples in (1000, 1234500, 500):
                        bound = end - (1234500 - samples) / 1e4
                        bound += 7 * (seed - 3) + 11 * (split == "train") + 13 * (dim - 2)
                        rows.append((label, dim, "AEVB", split, seed, samples, bound))
                        rows.append((label, dim, "wake-sleep", split, seed, samples, bound - 5))
    return pd.DataFrame(rows, columns=COLUMNS)


def small(folder: Path) -> Inputs:
    models = {
        "MNIST": model("MNIST", "bernoulli", (6, 6), 8, seed=1),
        "FreyFace": model("FreyFace", "gaussian", (6, 4), 8, seed=2),
    }
    return Inputs(folder, models, projection(50, 20), curve_table())


@pytest.fixture(scope="module")
def real_size(tmp_path_factory) -> tuple[Inputs, str]:
    """Models and projections as large as the real ones, and their page."""
    models = {
        "MNIST": model("MNIST", "bernoulli", (28, 28), 500, seed=1),
        "FreyFace": model("FreyFace", "gaussian", (28, 20), 200, seed=2),
    }
    folder = tmp_path_factory.mktemp("explorer")
    inputs = Inputs(folder, models, projection(10_000, 1965), curve_table())
    return inputs, inputs.build()


def unpacked(page: str) -> dict[str, tuple[dict, Tensors]]:
    """A page's data sets: what is written about each, and its arrays."""
    text = re.search(r'<script id="data" type="application/json">(.*?)</script>', page, re.S)[1]
    result = {}
    for entry in json.loads(text)["datasets"]:
        content, arrays, start = gzip.decompress(base64.b64decode(entry["content"])), {}, 0
        for name, dtype, length in entry["layout"]:
            size = np.dtype(dtype).itemsize
            planes = np.frombuffer(content, np.uint8, size * length, start).reshape(size, length)
            arrays[name] = np.ascontiguousarray(planes.T).view(f"<{np.dtype(dtype).str[1:]}")[:, 0]
            start += size * length
        assert start == len(content)
        result[entry["name"]] = entry, arrays
    return result


# ---- The builder ---------------------------------------------------------------------------------


def test_page_holds_the_first_member_the_points_and_the_last_bound_of_the_first_seed(real_size):
    inputs, page = real_size
    data = unpacked(page)
    assert list(data) == ["MNIST", "FreyFace"]
    assert [data[name][0]["title"] for name in data] == ["MNIST", "Frey Face"]
    assert [data[name][0]["testBound"] for name in data] == [-151.25, 782.15]
    assert {data[name][0]["trainingSamples"] for name in data} == {1234500}
    for name, (entry, arrays) in data.items():
        table = inputs.projection.query("dataset == @name and latent_dim == 2").sort_values("image")
        np.testing.assert_array_equal(arrays["image"], table["image"])
        np.testing.assert_array_equal(arrays["test"], table["split"] == "test")
        for axis in ("z1", "z2"):
            error = np.abs(arrays[axis] * entry["pointScale"] - table[axis].to_numpy()).max()
            assert error <= 0.5001 * entry["pointScale"] < 1e-4
        assert table[["z1", "z2"]].abs().to_numpy().max() < entry["extent"] < 4
        pixels = int(np.prod(entry["imageShape"]))
        output = "decoder/mlp/output_weights" if name == "FreyFace" else "decoder/output_weights"
        original = inputs.models[name][1][output][0, :, :pixels]
        last = entry["layers"] - 1
        scale = arrays[f"scale{last}"]
        np.testing.assert_allclose(
            arrays[f"weights{last}"].reshape(-1, pixels) * scale.astype(float),
            original,
            rtol=0,
            atol=0.501 * scale.max(),
        )
        assert len(arrays[f"bias{last}"]) == pixels
    assert [data[name][0]["layers"] for name in data] == [2, 3]
    assert "digit" not in data["FreyFace"][1]
    digits = inputs.projection.query("dataset == 'MNIST' and latent_dim == 2").sort_values("image")
    np.testing.assert_array_equal(data["MNIST"][1]["digit"], digits["label"].astype(int))


def test_page_is_small_and_the_same_each_time(real_size):
    inputs, page = real_size
    assert 0.5e6 < len(page.encode()) < 2e6
    assert inputs.build() == page


def test_page_refers_to_nothing_outside_itself(tmp_path):
    page = small(tmp_path).build()
    assert "{{DATA}}" not in page
    assert "default-src 'none'" in page
    for word in ("http:", "https:", "//cdn", "src=", "@import", "url(", "fetch(", "XMLHttp"):
        assert word not in page, word
    assert re.findall(r'<link[^>]*href="([^"]*)"', page) == ["data:,"]


def test_page_says_whatever_a_data_set_is_called(tmp_path):
    inputs = small(tmp_path)
    plain = inputs.build()
    experiment, arrays = inputs.models["MNIST"]
    label = "</script><b>&é"
    definition = experiment.definition | {"label": label}
    inputs.models["MNIST"] = replace(experiment, definition=definition), arrays
    for table in (inputs.projection, inputs.curves):
        table["dataset"] = table["dataset"].replace("MNIST", label)
    page = inputs.build()
    assert page.count("</script>") == plain.count("</script>")
    assert list(unpacked(page)) == [label, "FreyFace"]


def test_square_holds_every_point_and_three_standard_deviations(tmp_path):
    inputs = small(tmp_path)
    is_frey = (inputs.projection["dataset"] == "FreyFace") & (inputs.projection["latent_dim"] == 2)
    inputs.projection.loc[is_frey & (inputs.projection["image"] == 7), "z2"] = -6.2
    data = unpacked(inputs.build())
    assert data["MNIST"][0]["extent"] == 3.5
    entry, arrays = data["FreyFace"]
    assert 6.2 < entry["extent"] < 6.6
    assert arrays["z2"][7] * entry["pointScale"] == pytest.approx(-6.2, abs=2e-4)


def test_explorer_does_without_tensorflow():
    code = "import sys, aevb.explorer; print([m for m in sys.modules if 'tensorflow' in m])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (result.stdout.strip(), result.stderr) == ("[]", "")


def test_palette_is_seaborns_for_the_colour_blind(tmp_path):
    page = small(tmp_path).build()
    colours = re.search(r"DIGIT_COLOURS = \[(.*?)\]", page, re.S)[1]
    expected = [to_hex(colour) for colour in seaborn.color_palette("colorblind")]
    assert re.findall(r"#[0-9a-f]{6}", colours) == expected


def test_quantised_element_is_off_by_half_a_step_at_most():
    rng = np.random.default_rng(0)
    matrix = rng.normal(0, 1, (300, 40)) * np.geomspace(1e-6, 1e3, 40)
    matrix[:, 3] = 0
    packed = quantise(matrix)
    assert (packed.values.dtype, packed.scale.dtype) == (np.int16, np.float32)
    step = np.abs(matrix).max(axis=0) / 32767
    error = np.abs(packed.matrix() - matrix).max(axis=0)
    # The scale is single precision: the largest elements inherit its rounding.
    assert (error <= step / 2 + 1e-7 * np.abs(matrix).max(axis=0)).all()
    assert (error[np.arange(40) != 3] > 0.4 * step[np.arange(40) != 3]).all()
    assert (packed.matrix()[:, 3] == 0).all()


@pytest.mark.parametrize("label", ["MNIST", "FreyFace"])
def test_sixteen_bits_do_not_show_and_eight_are_refused(real_size, label):
    experiment, arrays = real_size[0].models[label]
    pixels = int(np.prod(experiment.definition["image_shape"]))
    names = TANH_DECODERS[experiment.architecture]
    exact = [[arrays[f"decoder/{n}_{kind}"][0] for kind in Layer._fields] for n in names]
    exact = *(Layer(*layer) for layer in exact[:-1]), Layer(*(a[..., :pixels] for a in exact[-1]))
    z = np.random.default_rng(1).normal(0, 1.3, (200, 2))
    packed = pack(exact, 3.5, "weights")
    from_page = tuple(
        Layer(packed[f"weights{i}"] * packed[f"scale{i}"], packed[f"bias{i}"])
        for i in range(len(exact))
    )
    assert np.abs(mean_image(from_page, z) - mean_image(exact, z)).max() < TOLERANCE
    np.testing.assert_allclose(mean_image(exact, z), real_size[0].decode(label, z), atol=2e-5)
    with pytest.raises(DataError, match=r"^weights: the page would show .* for 127 levels"):
        pack(exact, 3.5, "weights", levels=127)


def other_settings(label, **settings):
    def change(inputs: Inputs):
        experiment, arrays = inputs.models[label]
        inputs.models[label] = replace(experiment, **settings), arrays

    return change


def other_algorithm(label, algorithm):
    def change(inputs: Inputs):
        experiment, arrays = inputs.models[label]
        inputs.models[label] = experiment.with_algorithm(algorithm), arrays

    return change


def other_array(label, name, change_array):
    def change(inputs: Inputs):
        arrays = inputs.models[label][1]
        arrays[name] = change_array(arrays[name])

    return change


def with_nan(array):
    return np.where(np.arange(array.size).reshape(array.shape) == 1, np.nan, array)


def without(table, condition):
    def change(inputs: Inputs):
        rows = getattr(inputs, table)
        setattr(inputs, table, rows[~rows.eval(condition)])

    return change


def without_column(table, column):
    return lambda inputs: setattr(inputs, table, getattr(inputs, table).drop(columns=column))


def cell(table, condition, column, value):
    def change(inputs: Inputs):
        rows = getattr(inputs, table)
        rows[column] = rows[column].astype(object)
        rows.loc[rows[rows.eval(condition)].index[0], column] = value

    return change


def twice(inputs: Inputs):
    inputs.models["copy"] = inputs.models["MNIST"]


ANOTHER = "weights of another model"
DIGITS = "dataset == 'MNIST' and latent_dim == 2"
FAULTS = {
    "five latent variables": (other_settings("MNIST", latent_dim=5), "MNIST.safetensors", ANOTHER),
    "wake-sleep": (other_algorithm("FreyFace", "wake_sleep"), "FreyFace.saf", ANOTHER),
    "hidden units": (other_settings("MNIST", hidden_units=9), "MNIST.safetensors", ANOTHER),
    "no bias": (
        lambda inputs: inputs.models["MNIST"][1].pop("decoder/output_bias"),
        "MNIST.safetensors",
        "decoder/output_bias is missing",
    ),
    "weight not finite": (
        other_array("FreyFace", "decoder/first_bias", with_nan),
        "FreyFace.safetensors",
        "not finite",
    ),
    "same data set twice": (twice, "copy.safetensors", "second model of MNIST"),
    "nothing given": (lambda inputs: inputs.models.clear(), "", "No weights were given"),
    "no projection": (
        without("projection", "dataset == 'FreyFace'"),
        "projection.csv",
        "no row of FreyFace with latent_dim 2; it has MNIST with latent_dim 2",
    ),
    "another projection": (without("projection", DIGITS), "projection.csv", "no row of MNIST"),
    "no z2": (without_column("projection", "z2"), "projection.csv", "column 'z2' is missing"),
    "z not finite": (cell("projection", DIGITS, "z1", "nan"), "projection.csv", "'z1': 'nan' is"),
    "z infinite": (cell("projection", DIGITS, "z2", "inf"), "projection.csv", "'z2': 'inf' is"),
    "letter": (cell("projection", DIGITS, "label", "A"), "projection.csv", "'A' is not a number"),
    "no digit": (cell("projection", DIGITS, "label", 12), "projection.csv", "'12' is not a digit"),
    "one label missing": (
        cell("projection", DIGITS, "label", ""),
        "projection.csv",
        "some images of MNIST have a label and some have none",
    ),
    "split": (cell("projection", DIGITS, "split", "all"), "projection.csv", "'all' is not one of"),
    "image twice": (
        lambda inputs: setattr(inputs, "projection", pd.concat([inputs.projection] * 2)),
        "projection.csv",
        "appears a second time",
    ),
    "no test bound": (
        without("curves", "dataset == 'FreyFace' and split == 'test'"),
        "curves.csv",
        "no test bound of FreyFace with latent_dim 2, AEVB and seed 3",
    ),
    "another seed's bound": (without("curves", "seed == 3"), "curves.csv", "no test bound of MNI"),
    "another algorithm's": (without("curves", "algorithm == 'AEVB'"), "curves.csv", "no test bou"),
    "no bound column": (without_column("curves", "lower_bound"), "curves.csv", "'lower_bound' is"),
    "bound not finite": (cell("curves", "seed == 3", "lower_bound", "nan"), "curves.csv", "finite"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_named_in_one_line(tmp_path, fault):
    change, where, what = FAULTS[fault]
    inputs = small(tmp_path)
    change(inputs)
    with pytest.raises(DataError) as raised:
        inputs.build()
    message = str(raised.value)
    assert where in message and what in message
    assert "\n" not in message


def test_a_decoder_that_the_page_cannot_compute_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr("aevb.explorer.build.TANH_DECODERS", {"mlp": ("hidden", "output")})
    with pytest.raises(DataError, match=r"FreyFace.*architecture deep_decoder; .* knows mlp$"):
        small(tmp_path).build()


@pytest.mark.parametrize("missing", ["MNIST.safetensors", "projection.csv", "curves.csv"])
def test_a_missing_file_is_named(tmp_path, missing):
    small(tmp_path).build()
    (tmp_path / missing).unlink()
    paths = [tmp_path / name for name in ("MNIST.safetensors", "projection.csv", "curves.csv")]
    with pytest.raises(DataError, match=rf"{missing}: .*no such file"):
        build(paths[:1], paths[1], paths[2:])


# ---- The page in a browser -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def address(real_size) -> str:
    path = real_size[0].folder / "explorer.html"
    path.write_text(real_size[1], encoding="utf-8")
    return path.as_uri()


@pytest.fixture
def opened(browser, address):
    """Opens the page in a fresh context; afterwards no error was logged and nothing was loaded."""
    contexts, problems, requests = [], [], []

    def open_page(*, ready=True, script="", **options):
        context = browser.new_context(**{"viewport": {"width": 1100, "height": 900}} | options)
        contexts.append(context)
        context.add_init_script(script)
        page = context.new_page()
        page.on("console", lambda m: problems.append(m.text) if m.type != "log" else None)
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("request", lambda request: requests.append(request.url))
        page.goto(address)
        if ready:
            page.evaluate("explorer.ready")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert problems == []
    assert requests == [address] * len(contexts)


def state(page) -> dict:
    return page.evaluate("explorer.state()")


def wait_until(page, condition):
    """Until a JavaScript expression is true; Playwright's own wait breaks the page's rule against
    making code from text."""
    for _ in range(100):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"{condition} has not come true")


def set_point(page, label, z):
    page.evaluate("([label, z]) => explorer.setPoint(label, z)", [label, list(z)])


def on_screen(page, z) -> tuple[float, float]:
    """Where the plane has a point: the drawn square is inset by 34 on two sides and by 8 on two."""
    box = page.locator("#plane").bounding_box()
    extent, side = state(page)["extent"], box["width"] - 42
    return (
        box["x"] + 34 + side * (z[0] + extent) / (2 * extent),
        box["y"] + 8 + side * (extent - z[1]) / (2 * extent),
    )


def screenshot(page, selector) -> np.ndarray:
    """What is shown from an element's upper left corner on, to the window's end: uint8 [h, w, 3].

    An element's own screenshot begins up to a pixel outside it.
    """
    box = page.locator(selector).bounding_box()
    picture = np.asarray(Image.open(io.BytesIO(page.screenshot())).convert("RGB"))
    return picture[round(box["y"]) :, round(box["x"]) :]


def across_marker(page) -> np.ndarray:
    """The pixels of the plane to the right of the point, 6 to 12 from it: [6, 3]."""
    box, (x, y) = page.locator("#plane").bounding_box(), on_screen(page, state(page)["z"])
    row, column = round(y - box["y"]), round(x - box["x"])
    return screenshot(page, "#plane")[row, column + 6 : column + 12]


def shown_image(page, shape) -> np.ndarray:
    """What a person sees of the decoded image: uint8 [5, rows, columns], at the middle of every
    large pixel and near its four corners."""
    picture = screenshot(page, "#image")
    width, height = page.evaluate("[image.clientWidth, image.clientHeight]")
    rows, columns = shape
    places = [(0.5, 0.5), (0.2, 0.2), (0.2, 0.8), (0.8, 0.2), (0.8, 0.8)]
    # The border is one pixel wide.
    shown = np.stack(
        [
            picture[
                np.ix_(
                    (1 + (np.arange(rows) + down) * height / rows).astype(int),
                    (1 + (np.arange(columns) + right) * width / columns).astype(int),
                )
            ]
            for down, right in places
        ]
    )
    assert np.ptp(shown.astype(int), axis=-1).max() == 0, "the image is not grey"
    return shown[..., 0]


def assert_image_shown(page, inputs, label):
    shape = inputs.models[label][0].definition["image_shape"]
    expected = 255 * inputs.decode(label, [state(page)["z"]])[0].reshape(shape)
    expected = 255 - expected if label == "MNIST" else expected
    assert np.ptp(expected) > 200
    assert np.abs(shown_image(page, shape) - expected).max() <= 2


def test_browser_decodes_as_the_package_does(opened, real_size):
    page = opened()
    for label in real_size[0].models:
        expected = real_size[0].decode(label, POINTS)
        found = np.array(
            [
                page.evaluate(
                    "([label, z]) => Array.from(explorer.decode(label, z))", [label, list(z)]
                )
                for z in POINTS
            ]
        )
        assert found.shape == expected.shape
        assert np.abs(found - expected).max() < TOLERANCE
        # The points' images are apart, so that agreement says something.
        assert np.abs(np.diff(expected, axis=0)).mean(axis=1).min() > 0.05
    assert "no data set Nobody" in page.evaluate(
        "(() => { try { explorer.decode('Nobody', [0, 0]) } catch (e) { return e.message } })()"
    )


def test_dragging_the_marker_moves_the_point_and_the_image(opened, real_size):
    page = opened()
    for label in real_size[0].models:
        set_point(page, label, (-1, 0.5))
        page.mouse.move(*on_screen(page, (-1, 0.5)))
        page.mouse.down()
        page.mouse.move(*on_screen(page, (0, 0)), steps=3)
        page.mouse.move(*on_screen(page, (1.2, -0.8)), steps=3)
        page.mouse.up()
        page.mouse.move(*on_screen(page, (-2, -2)))
        assert state(page)["dataset"] == label
        assert state(page)["z"] == pytest.approx([1.2, -0.8], abs=0.02)
        assert_image_shown(page, real_size[0], label)
    # The marker's ring is drawn where the point is: 9 pixels around it.
    assert across_marker(page).max(axis=1).min() < 60


def test_a_drag_that_leaves_the_plane_stops_at_its_edge(opened):
    page = opened()
    page.mouse.move(*on_screen(page, (0, 0)))
    page.mouse.down()
    page.mouse.move(1090, 5, steps=4)
    extent = state(page)["extent"]
    assert state(page)["z"] == [extent, extent]
    page.mouse.up()


def test_keys_move_the_point(opened, real_size):
    page = opened()
    plane = page.locator("#plane")
    assert plane.get_attribute("role") == "application"
    assert "MNIST" in plane.get_attribute("aria-label")
    set_point(page, "MNIST", (0.5, 0.5))
    plane.focus()
    for key, z in [
        ("ArrowRight", (0.6, 0.5)),
        ("ArrowUp", (0.6, 0.6)),
        ("Shift+ArrowLeft", (0.1, 0.6)),
        ("Shift+ArrowDown", (0.1, 0.1)),
        ("Control+ArrowDown", (0.1, 0.1)),
        ("ArrowDown", (0.1, 0.0)),
        ("ArrowLeft", (0.0, 0.0)),
    ]:
        page.keyboard.press(key)
        assert state(page)["z"] == pytest.approx(z, abs=1e-6), key
    table = real_size[0].projection.query("dataset == 'MNIST' and latent_dim == 2")
    for digit in (3, 8):
        page.keyboard.press(str(digit))
        own = table[table["label"] == digit]
        assert state(page)["z"] == pytest.approx(own[["z1", "z2"]].median().tolist(), abs=1e-3)
    # What is read out, after a moment's rest.
    wait_until(page, "element('spoken').textContent.startsWith('z1')")
    nearest = np.hypot(*(table[["z1", "z2"]] - state(page)["z"]).to_numpy().T).argmin()
    image = table["image"].iloc[nearest]
    assert f"test image {image}, a 8" in page.locator("#spoken").text_content()
    assert f"test image {image}, a 8" in page.locator("#nearest").text_content()
    page.keyboard.press("Home")
    assert state(page)["z"] == [0, 0]
    assert page.locator("#density").text_content() == "−1.84 nats"
    # Frames have no digits to jump to.
    set_point(page, "FreyFace", (1, 1))
    plane.focus()
    page.keyboard.press("3")
    assert state(page)["z"] == [1, 1]


def test_a_finger_moves_the_point_and_not_the_page(opened):
    page = opened(
        viewport={"width": 390, "height": 700},
        has_touch=True,
        is_mobile=True,
        device_scale_factor=2,
    )
    assert page.evaluate("document.documentElement.scrollHeight") > 750
    session = page.context.new_cdp_session(page)
    path = [on_screen(page, z) for z in ((0, -2), (0.5, -1), (0.8, 0), (1.0, 1.5))]
    for i, (x, y) in enumerate(path):
        kind = "touchMove" if i else "touchStart"
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y}]})
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    wait_until(page, "Math.abs(explorer.state().z[1] - 1.5) < 0.05")
    assert state(page)["z"] == pytest.approx([1.0, 1.5], abs=0.05)
    assert page.evaluate("scrollY") == 0


def test_legend_and_tabs_work_by_mouse_and_keyboard(opened):
    page = opened()
    before = screenshot(page, "#plane")
    four = page.get_by_role("button", name="4", exact=True)
    four.click()
    assert state(page)["highlighted"] == 4
    assert four.get_attribute("aria-pressed") == "true"
    assert (screenshot(page, "#plane") != before).mean() > 0.02
    page.keyboard.press("Enter")
    assert state(page)["highlighted"] is None
    assert four.get_attribute("aria-pressed") == "false"
    page.get_by_role("radio", name="MNIST").focus()
    page.keyboard.press("ArrowRight")
    assert state(page)["dataset"] == "FreyFace"
    assert page.locator("#legend button").count() == 0
    assert "frame 0" in page.locator("#legend").text_content()
    facts = " ".join(page.locator("#facts").text_content().split())
    assert facts == (
        "Frey Face · Nz = 2 · 1 234 500 training samples · test bound 782.1 nats per datapoint · "
        "dots: 1 572 training and 393 test images"
    )
    page.get_by_role("radio", name="MNIST").check()
    assert page.locator("#legend button").count() == 10
    assert "test bound −151.3 nats" in " ".join(page.locator("#facts").text_content().split())


def distance_to_path(z, path) -> float:
    """From a point to a polyline [n, 2]."""
    start, along = path[:-1], np.diff(path, axis=0)
    part = np.sum((z - start) * along, axis=1) / np.sum(along**2, axis=1)
    return np.hypot(*(start + np.clip(part, 0, 1)[:, np.newaxis] * along - z).T).min()


def test_film_follows_the_frames(opened, real_size):
    table = real_size[0].projection.query("dataset == 'FreyFace' and latent_dim == 2")
    path = table.sort_values("image")[["z1", "z2"]].to_numpy()
    assert distance_to_path(np.zeros(2), path) > 0.01
    page = opened()
    set_point(page, "FreyFace", (0, 0))
    page.locator("#plane").focus()
    page.keyboard.press("Space")
    seen = []
    for _ in range(4):
        page.wait_for_timeout(60)
        seen.append(state(page)["z"])
    assert state(page)["playing"]
    assert len({tuple(z) for z in seen}) > 1
    assert max(distance_to_path(np.array(z), path) for z in seen) < 1e-3
    page.locator("#play").click()
    stopped = state(page)
    page.wait_for_timeout(100)
    assert not stopped["playing"]
    assert state(page)["z"] == stopped["z"]
    # A tour of the digits ends as soon as a hand moves the point.
    set_point(page, "MNIST", (0, 0))
    page.locator("#play").click()
    wait_until(page, "Math.hypot(...explorer.state().z) > 0.01")
    page.mouse.click(*on_screen(page, (1, 1)))
    assert not state(page)["playing"]
    assert state(page)["z"] == pytest.approx([1, 1], abs=0.02)


def test_film_does_not_glide_for_who_wants_less_motion(opened, real_size):
    table = real_size[0].projection.query("dataset == 'FreyFace' and latent_dim == 2")
    frames = table[["z1", "z2"]].to_numpy()
    page = opened(reduced_motion="reduce")
    set_point(page, "FreyFace", (0, 0))
    assert not state(page)["playing"]
    page.locator("#play").click()
    seen = []
    for _ in range(15):
        page.wait_for_timeout(100)
        seen.append(state(page)["z"])
    assert 2 <= len({tuple(z) for z in seen}) <= 3
    assert max(np.hypot(*(frames - z).T).min() for z in seen) < 1e-3


def test_page_fits_a_phone_and_a_fine_screen(opened):
    page = opened(viewport={"width": 360, "height": 640}, device_scale_factor=3)
    for label in ("MNIST", "FreyFace"):
        set_point(page, label, (0, 0))
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        assert page.evaluate("plane.width / plane.clientWidth") == pytest.approx(3, abs=0.01)
        assert page.evaluate("plane.clientWidth == plane.clientHeight")


def test_page_follows_the_colour_scheme(opened):
    page = opened(color_scheme="light")
    light = screenshot(page, "#plane")
    # A corner of the drawn square, beyond the prior and the points; then the marker's ring.
    assert light[20, 45].min() > 240
    assert across_marker(page).max(axis=1).min() < 60
    page.emulate_media(color_scheme="dark")
    dark = screenshot(page, "#plane")
    assert dark[20, 45].max() < 60
    # What is drawn on the plane follows, too: it is as if the page had been dark from the start.
    np.testing.assert_array_equal(dark, screenshot(opened(color_scheme="dark"), "#plane"))


def test_old_browser_is_told_what_it_lacks(opened):
    page = opened(ready=False, script="delete window.DecompressionStream")
    page.wait_for_selector("#problem:not([hidden])")
    assert "lacks DecompressionStream" in page.locator("#problem").text_content()
    assert not page.locator("#explorer").is_visible()
