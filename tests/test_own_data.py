"""A person's own images in place of the paper's: what is made of the file, and what is refused."""

from pathlib import Path

import numpy as np
import pytest

from aevb import data
from aevb import settings as configuration
from aevb.errors import ConfigError
from aevb.settings import load
from aevb.settings.own import describe

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
    [((40, 16), [4, 4]), ((10, 1, 15), [1, 15]), ((10, 3, 5), [3, 5])],
)
def test_shapes(tmp_path, shape, image_shape):
    """Images given by pixels alone are squares."""
    path = write(tmp_path / "x.npy", np.full(shape, 255, np.uint8))
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


def test_the_adapted_configuration_stays_as_it_is(tmp_path):
    """The workflow hands its jobs the adapted configuration, which is checked once more there."""
    path = write(tmp_path / "x.npz", images=IMAGES)
    config, definitions = adapted(path)
    again = load(config, ROOT / "config/datasets.yaml")
    assert again == (config, definitions)


@pytest.mark.parametrize(
    ("shape", "settings"),
    [
        ((10, 6, 6), {"latent_dims": [50]}),
        ((10, 6, 6), {"latent_dims": [2, 50]}),
        ((10, 1, 1), {}),
    ],
)
def test_images_too_small_for_the_latent_space(tmp_path, shape, settings):
    """Fewer pixels than dimensions, in one line."""
    path = write(tmp_path / "x.npy", np.ones(shape, np.uint8))
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


def test_budgets_for_each_algorithm_are_kept(tmp_path):
    """Those of `default`, of Figure 2's runs."""
    each = {"aevb": 3000, "wake_sleep": 2000}
    scales = configuration.read_yaml(ROOT / "config/config.yaml")["scales"]
    scales["smoke"] |= {"training_samples": {"mnist": 100, "default": each}}
    config, definitions = adapted(write(tmp_path / "x.npy", IMAGES), scales=scales)
    found = {
        name: configuration.experiment(
            config, definitions, dataset="x", latent_dim=2, algorithm=name
        ).training_samples
        for name in each
    }
    assert found == each


def test_another_content_is_another_data_set(tmp_path):
    """The definition holds the hash of the pixels: a changed file is fetched and trained anew."""
    first = describe(write(tmp_path / "x.npy", IMAGES), "bernoulli")[1]
    second = describe(write(tmp_path / "x.npy", 255 - IMAGES), "bernoulli")[1]
    assert first["files"] != second["files"]


def test_a_record_says_what_was_understood(tmp_path):
    """So do the log of the fetch and the settings of every experiment, which its run.json holds."""
    path = write(tmp_path / "x.npz", images=(IMAGES > 99).astype(np.uint8), labels=np.arange(50))
    config, definitions = adapted(path)
    lines: list[str] = []
    record = data.fetch("x", definitions["x"], tmp_path / "cache", None, lines.append)
    understood = (
        "50 images of 6 × 4 pixels, black and white: uint8 from 0 to 1, of which 1 is white;"
        " 40 train, 10 test; left aside: labels"
    )
    assert f"x: {understood}" in lines
    settings = configuration.experiment(
        config, definitions, dataset="x", latent_dim=2, algorithm="aevb"
    )
    assert record["definition"]["understood"] == settings.definition["understood"] == understood
    assert set(np.unique(data.load("x", definitions["x"], Path(record["path"])).train)) == {0, 255}


@pytest.mark.parametrize("sides", [(5, 7), (1, 15)])
def test_images_that_no_block_divides(tmp_path, sides):
    """Blocks of one pixel are a configuration, too."""
    config, _ = adapted(write(tmp_path / "x.npy", IMAGES[:40, :1, :1] * np.ones(sides, np.uint8)))
    assert config["figures"]["applications"]["factor"] == 1


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"images": IMAGES // 16}, r"does not tell what is white; if 15 is, np\.save\("),
        ({"images": IMAGES[:4]}, "4 images are too few: give 5 or more"),
        ({"train": IMAGES, "test": IMAGES[:, :3]}, "differ in size"),
    ],
)
def test_what_is_no_file_of_images_is_refused_in_one_line(tmp_path, arrays, message):
    """What is wrong, with the file's name."""
    path = write(tmp_path / "x.npz", **arrays)
    with pytest.raises(ConfigError, match=message) as refused:
        adapted(path)
    assert str(path) in str(refused.value) and "\n" not in str(refused.value)


def test_a_missing_or_foreign_file_is_refused(tmp_path):
    """No file, a folder, a text."""
    with pytest.raises(ConfigError, match="there is no such file"):
        adapted(tmp_path / "none.npy")
    with pytest.raises(ConfigError, match="a folder; put its pictures into one array"):
        adapted(tmp_path)
    (tmp_path / "x.npz").write_text("<html>")
    with pytest.raises(ConfigError, match="an HTML page"):
        adapted(tmp_path / "x.npz")
