"""The study of a film beside its model: frames in order, what needs no model, figure, commands."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from typer.testing import CliRunner

from aevb import catalogue
from aevb.cli import app
from aevb.data import Dataset
from aevb.errors import ConfigError, DataError
from aevb.figures import film as drawing
from aevb.future_work import forecast
from aevb.future_work.film import StateSpace
from aevb.models.linear_gaussian import LEAST_VARIANCE, LinearGaussian
from aevb.pictures import Pictures, read_pictures
from aevb.settings import load
from aevb.settings.future_work import FILM_MODELS, FILM_SHOWN
from aevb.workflow.outputs import Outputs
from configuration import CONFIG, DATASETS
from drawn import NOTE, assert_clear, drawn_texts, footer
from tiny import SETTINGS

FILM, VAE, REPEAT, INTERPOLATION = FILM_MODELS
CONFIGURED = load(CONFIG, DATASETS)


def shuffled(frames, n_train, seed=3) -> Dataset:
    order = np.random.default_rng(seed).permutation(len(frames))
    train, test = order[:n_train], order[n_train:]
    return Dataset("a film", "A", (2, 3), frames[train], frames[:0], frames[test], train, test)


def test_a_shuffled_film_is_put_back_in_order_and_cut_in_time():
    frames = np.arange(60, dtype=np.uint8).reshape(10, 6)
    train, test = forecast.in_order(shuffled(frames, 7))
    np.testing.assert_array_equal(train, frames[:7])
    np.testing.assert_array_equal(test, frames[7:])


def test_images_that_are_no_film_are_refused():
    data = shuffled(np.zeros((10, 6), np.uint8), 7)
    with pytest.raises(DataError, match="not all frames of one film"):
        forecast.in_order(data._replace(test_index=np.arange(3)))


def test_stretches_follow_each_other():
    frames = np.arange(12).reshape(6, 2)
    found = forecast.stretches(frames, 3, 1)
    np.testing.assert_array_equal(found[1], [2, 3, 4, 5, 6, 7])
    assert forecast.stretches(frames, 3, 3).tolist() == [[*range(6)], [*range(6, 12)]]


def test_the_synthetic_film_moves_smoothly():
    """Neighbours are alike, frames of other times are not."""
    train, test = forecast.in_order(forecast.synthetic((28, 20)))
    assert (train.shape, test.shape) == ((480, 560), (160, 560))
    frames = train / 256
    change = [np.mean((frames[h:] - frames[:-h]) ** 2) for h in (1, 8)]
    assert change[0] < 0.2 * change[1]


def test_what_needs_no_model_is_measured_as_it_says():
    generator = np.random.default_rng(0)
    train, test = generator.random((50, 6)), generator.random((40, 6))
    model = StateSpace(LinearGaussian(6, 2), 6, 0, 3)
    parameters = tf.nest.map_structure(lambda shape: tf.zeros([1, *shape]), model.shapes())
    budget = forecast.Budget(length=6, stretches=1, gap=2, draws=3, step_size=0.1)
    rows, pictures = forecast.next_frames(model, parameters, train, test, budget, 0)
    (found,) = [row for row in rows if (row["model"], row["frame"]) == (REPEAT, 5)]
    last, truth = test[5:20], test[10:25]
    variance = np.maximum(np.mean((train[5:] - train[:-5]) ** 2, axis=0), LEAST_VARIANCE)
    density = -0.5 * (np.log(2 * np.pi * variance) + (truth - last) ** 2 / variance).sum(axis=1)
    assert found["n"] == 15
    assert found["error"] == pytest.approx(np.sqrt(np.mean((last - truth) ** 2)))
    assert found["log_density"] == pytest.approx(density.mean())
    assert pictures.shape == (3, 1 + len(FILM_SHOWN), 6)
    rows, pictures = forecast.missing_frames(model, parameters, train, test, budget, 0)
    errors = {(row["model"], row["frame"]): row["error"] for row in rows}
    before, truth, after = test[1:36], test[3:38], test[4:39]
    between = before / 3 + 2 * after / 3
    assert errors[INTERPOLATION, 2] == pytest.approx(np.sqrt(np.mean((between - truth) ** 2)))
    assert errors[REPEAT, 2] == pytest.approx(np.sqrt(np.mean((before - truth) ** 2)))
    assert np.isnan(pictures[1, 1:3]).all() and np.isfinite(pictures[[0, 2, 3]]).all()


def test_a_missing_film_is_stood_in_for_at_the_smallest_scale_alone():
    product = catalogue.product("film")
    for scale, has, made in (
        ("smoke", False, True),
        ("quick", False, False),
        ("quick", True, True),
    ):
        outputs = Outputs(*CONFIGURED, scale, lambda dataset, has=has: has)
        assert product.is_made(outputs) == made
        names = [one.definition["label"] for one in outputs.film()]
        assert names == (["FreyFace"] if has else ["synthetic"] if made else [])
        labels = {part["dataset"] for part in product.tables[1].rows(outputs)}
        assert labels == set(names)


def tables(n_seeds: int) -> tuple[pd.DataFrame, pd.DataFrame, Pictures]:
    """Made-up results."""
    generator = np.random.default_rng(0)
    curves = [
        ("FreyFace", model, split, seed, n, 500 + 50 * np.log(n) + generator.normal())
        for model in (FILM, VAE)
        for split in ("train", "test")
        for seed in range(n_seeds)
        for n in (64, 16_000, 100_000, 300_032)
    ]
    rows = [
        ("FreyFace", task, model, h, seed, 0.1 + 0.001 * h, density, 300)
        for task, models, last in (
            ("next frames", (FILM, REPEAT), 20),
            ("missing frames", (FILM, INTERPOLATION, REPEAT), 5),
        )
        for model in models
        for h in range(1, last + 1)
        for seed in range(n_seeds)
        for density in [700.0 - 10 * h if task == "next frames" else np.nan]
    ]
    images = {
        "FreyFace/next_frames": generator.random((3, 5, 28, 20)),
        "FreyFace/missing_frames": generator.random((4, 7, 28, 20)),
    }
    return (
        pd.DataFrame(curves, columns=list(drawing._CURVES)),
        pd.DataFrame(rows, columns=list(drawing._TABLE)),
        Pictures(images, frozenset()),
    )


@pytest.mark.parametrize("n_seeds", [1, 3])
def test_figure_shows_what_the_tables_have(n_seeds):
    curves, rows, pictures = tables(n_seeds)
    figure = drawing.draw(curves, rows, pictures, NOTE)
    assert_clear(figure)
    bound, error, density, gap = figure.axes[:4]
    ends = curves[(curves["split"] == "test") & (curves["training_samples"] == 300_032)]
    for axes, n in ((bound, 2), (error, 2), (density, 2), (gap, 3)):
        assert len(axes.lines) == n
        assert len(axes.collections) == (n if n_seeds > 1 else 0)
    means = ends.groupby("model")["lower_bound"].mean()
    assert [line.get_ydata()[-1] for line in bound.lines] == pytest.approx(means[[FILM, VAE]])
    # What comes before any learning is not shown.
    assert bound.lines[0].get_xdata()[0] == 16_000
    texts = " ".join(text.get_text() for text in drawn_texts(figure))
    for label in (*FILM_MODELS, "nats per frame", "frames ahead", "+20", "filled in"):
        assert label in texts
    assert ("prediction interval" in footer(figure)) == (n_seeds > 1)


def test_pictures_of_another_study_are_refused():
    curves, rows, _ = tables(1)
    with pytest.raises(DataError, match="FreyFace/next_frames: the pictures lack it"):
        drawing.draw(curves, rows, Pictures({"MNIST/x": np.zeros((2, 2))}, frozenset()))


def test_a_gap_that_leaves_nothing_is_refused():
    """By the command, and in a configuration."""
    words = ["--settings", SETTINGS.to_json(), "--length", "8", "--gap", "7"]
    words += [f"--{one}=x" for one in ("curves", "table", "pictures", "weights")]
    done = CliRunner().invoke(app, ["future-work", "film", *words])
    assert isinstance(done.exception, ConfigError) and "7 of 8 frames" in str(done.exception)
    figures = CONFIGURED[0]["figures"]
    studies = figures["future_work"]
    studies = studies | {"film": studies["film"] | {"gap": 15}}
    with pytest.raises(ConfigError, match="15 of 16 frames leave none on either side"):
        load(CONFIGURED[0] | {"figures": figures | {"future_work": studies}}, DATASETS)


@pytest.mark.long
def test_commands_train_measure_draw_and_predict(tmp_path):
    """On a synthetic film of 6 × 6 pixels, with no data set at hand."""
    experiment = replace(SETTINGS, training_samples=4000, hidden_units=8)
    made = {
        option: tmp_path / f"film.{option}" for option in ("curves", "table", "pictures", "weights")
    }

    def aevb(*words):
        done = CliRunner().invoke(app, [str(word) for word in words])
        assert done.exit_code == 0, done.output

    told = ["--length", 8, "--gap", 3, "--draws", 4, "--checkpoint-dir", tmp_path / "checkpoints"]
    outputs = [word for option, path in made.items() for word in (f"--{option}", path)]
    aevb("future-work", "film", "--settings", experiment.to_json(), *told, *outputs)
    assert list((tmp_path / "checkpoints").rglob("*.safetensors"))
    rows = drawing.read_table(made["table"])
    assert set(rows["dataset"]) == {"synthetic"}
    curves = drawing.read_curves(made["curves"])
    assert set(curves.groupby("model")["training_samples"].max()) == {4000}
    drawn = {"curves": made["curves"], "table": made["table"], "pictures": made["pictures"]}
    words = drawing.make(**drawn, note=json.dumps("smoke"))
    assert list(words) == ["picture"]
    assert read_pictures(made["pictures"]).images["synthetic/next_frames"].shape == (3, 5, 6, 6)
    frames = tmp_path / "frames.npy"
    np.save(frames, np.zeros((5, 6, 6), np.uint8))
    found = tmp_path / "found.npz"
    aevb("apply", "predict", frames, "--weights", made["weights"], "--output", found, "--steps", 3)
    with np.load(found) as arrays:
        assert arrays["mean"].shape == arrays["standard_deviation"].shape == (3, 6, 6)
        assert arrays["paths"].shape == (8, 3, 6, 6)
        assert (arrays["standard_deviation"] > 0).all() and np.isfinite(arrays["mean"]).all()
