"""A person's own images in place of the paper's: what is made of the file, and what is refused."""

from pathlib import Path

import numpy as np
import pytest

from aevb import config as configuration
from aevb import data
from aevb.config import load
from aevb.data.own import describe
from aevb.errors import ConfigError

ROOT = Path(__file__).parent.parent
RNG = np.random.default_rng(3)
IMAGES = RNG.integers(0, 256, (50, 6, 4), np.uint8)


def write(path: Path, array=None, **arrays) -> Path:
    if array is None:
        np.savez(path, **arrays)
    else:
        np.save(path, array)
    return path


def adapted(path: Path, **settings) -> tuple[dict, dict]:
    content = configuration.read_yaml(ROOT / "config/config.yaml")
    return load(
        content | {"dataset": str(path), "scale": "smoke"} | settings,
        ROOT / "config/datasets.yaml",
        ROOT / "workflow/schemas",
    )


def fetched(name, definition, folder) -> data.Dataset:
    record = data.fetch(name, definition, folder / "cache", None, lambda line: None)
    return data.load(name, definition, Path(record["path"]))


def test_bytes_come_through_as_they_are(tmp_path):
    """One array of bytes: a fifth of the images is for testing, every image once."""
    name, definition, _ = describe(write(tmp_path / "Mes Visages.npy", IMAGES), "gaussian")
    assert name == "mes_visages"
    assert (definition["label"], definition["observation"]) == ("Mes Visages", "gaussian")
    found = fetched(name, definition, tmp_path)
    assert found.image_shape == (6, 4)
    assert (found.train.shape, found.test.shape) == ((40, 24), (10, 24))
    together = np.concatenate([found.train, found.test])
    assert {row.tobytes() for row in together} == {row.tobytes() for row in IMAGES}


def test_numbers_are_rounded_to_256_levels(tmp_path):
    """Numbers in [0, 1] come back within half a level once divided by 255, and the configuration
    divides by 255 whatever the variant."""
    numbers = RNG.random((20, 6, 4))
    path = write(tmp_path / "x.npz", train=numbers[:15], test=numbers[15:])
    config, definitions = adapted(path)
    found = fetched("x", definitions["x"], tmp_path)
    np.testing.assert_allclose(found.train.reshape(-1, 6, 4) / 255, numbers[:15], atol=0.5 / 255)
    settings = configuration.experiment(
        config, definitions, dataset="x", latent_dim=2, algorithm="aevb"
    )
    assert (settings.pixel_divisor, settings.hidden_units, settings.batch_size) == (255, 500, 100)


@pytest.mark.parametrize(
    ("shape", "image_shape"),
    [((10, 16), [4, 4]), ((10, 15), [1, 15]), ((10, 3, 5), [3, 5])],
)
def test_shapes(tmp_path, shape, image_shape):
    """Images given by pixels alone are squares where they can be."""
    path = write(tmp_path / "x.npy", np.zeros(shape, np.uint8))
    assert describe(path, "bernoulli")[1]["image_shape"] == image_shape


def test_every_figure_is_of_these_images(tmp_path):
    """No figure is left with a data set of the paper; the results have a folder of their own."""
    config, definitions = adapted(write(tmp_path / "mnist.npz", images=IMAGES))
    assert list(definitions) == ["own_mnist"]
    assert config["scale"] == "own_mnist_smoke" and list(config["scales"]) == [config["scale"]]
    figures = config["figures"]
    assert figures["fig2"]["latent_dims"] == {"own_mnist": [2, 5, 10, 20]}
    assert figures["fig3"]["n_train"] == [40]
    assert figures["applications"]["factor"] == 2
    text = str({k: v for k, v in figures.items()})
    assert "'mnist'" not in text and "frey_face" not in text
    # 24 pixels: probabilistic PCA needs fewer dimensions.
    assert all(n < 24 for n in config["scales"]["own_mnist_smoke"]["truth"]["latent_dims"])


def test_the_adapted_configuration_stays_as_it_is(tmp_path):
    """The workflow hands its jobs the adapted configuration, which is checked once more there."""
    path = write(tmp_path / "x.npz", images=IMAGES)
    config, definitions = adapted(path)
    again = load(config, ROOT / "config/datasets.yaml", ROOT / "workflow/schemas")
    assert again == (config, definitions)


@pytest.mark.parametrize(
    ("shape", "settings"), [((10, 6, 6), {"latent_dims": [50]}), ((10, 1, 1), {})]
)
def test_images_too_small_for_the_latent_space(tmp_path, shape, settings):
    """Fewer pixels than dimensions, in one line."""
    path = write(tmp_path / "x.npy", np.zeros(shape, np.uint8))
    with pytest.raises(ConfigError, match=r"images of \d+ pixels; two or more are needed"):
        adapted(path, **settings)


def test_sizes_of_the_latent_space_can_be_chosen(tmp_path):
    """Without a 2 there is no manifold, projection or explorer."""
    config, _ = adapted(write(tmp_path / "x.npy", IMAGES), latent_dims=[3, 7])
    figures = config["figures"]
    assert figures["fig2"]["latent_dims"] == {"x": [3, 7]}
    assert figures["fig4"]["rows"] == figures["projection"]["latent_dims"] == {}
    assert figures["explorer"]["datasets"] == []
    assert figures["section2"]["latent_dim"] == 7


def test_another_content_is_another_data_set(tmp_path):
    """The definition holds the hash of the pixels: a changed file is fetched and trained anew."""
    first = describe(write(tmp_path / "x.npy", IMAGES), "bernoulli")[1]
    second = describe(write(tmp_path / "x.npy", 255 - IMAGES), "bernoulli")[1]
    assert first["files"] != second["files"]


FLOATS = RNG.random((10, 4, 4))


def spoilt(value) -> np.ndarray:
    images = FLOATS.copy()
    images[3, 1, 2] = value
    return images


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"array": spoilt(np.nan)}, r"pixel 6 of image 3 is not a finite number \(nan; 1 such"),
        ({"array": spoilt(1.5)}, r"pixel 6 of image 3 is outside \[0, 1\] \(1.5; 1 such"),
        ({"array": spoilt(-0.1)}, r"is outside \[0, 1\] \(-0.1"),
        ({"array": IMAGES.astype(int)}, r"is outside \[0, 1\]"),
        ({"array": np.array([["a", "b"]])}, r"is of type <U1; give bytes or numbers in \[0, 1\]"),
        ({"array": FLOATS[0, 0]}, r"has the shape \[4\]; expected \[n, rows, columns\] or"),
        ({"array": FLOATS[None]}, r"has the shape \[1, 10, 4, 4\]"),
        ({"array": FLOATS[:4]}, "4 images are too few: give 5 or more"),
        ({"array": FLOATS[:0]}, r"has the shape \[0, 4, 4\]"),
        ({"a": FLOATS, "b": FLOATS}, "holds the arrays a, b; give one, or `train` and `test`"),
        ({"train": FLOATS, "test": FLOATS[:, :3]}, "differ in size"),
        ({"array": np.array([{}], object)}, "not a readable .npy or .npz file"),
    ],
)
def test_what_is_no_file_of_images_is_refused_in_one_line(tmp_path, arrays, message):
    """Wrong shape, range, type, NaN: what is wrong, with the file's name."""
    path = tmp_path / ("x.npy" if "array" in arrays else "x.npz")
    if "array" in arrays:
        np.save(path, arrays["array"], allow_pickle=True)
    else:
        write(path, **arrays)
    with pytest.raises(ConfigError, match=message) as refused:
        adapted(path)
    assert str(path) in str(refused.value) and "\n" not in str(refused.value)


def test_a_missing_or_foreign_file_is_refused(tmp_path):
    """No file, a folder, a text."""
    with pytest.raises(ConfigError, match="there is no such file"):
        adapted(tmp_path / "none.npy")
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        adapted(tmp_path)
    (tmp_path / "x.npz").write_text("<html>")
    with pytest.raises(ConfigError, match=r"not a readable \.npy or \.npz file"):
        adapted(tmp_path / "x.npz")
