"""The training loop on tiny synthetic images: schedule, resuming, divergence, evaluation."""

import signal
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from aevb import random
from aevb.algorithms.state import Info, State, start
from aevb.arrays import named_arrays
from aevb.errors import DivergenceError
from aevb.process.interruption import Interrupted
from aevb.process.progress import Progress
from aevb.settings import Experiment
from aevb.training import checkpoints, experiment, protocol_study
from aevb.training import loop as training
from aevb.training.backends import tensorflow as backend
from aevb.training.backends import training_images
from aevb.training.backends.tensorflow import TensorFlowBackend, Trainer
from aevb.training.curves import curve_table
from aevb.training.loop import train
from aevb.training.schedule import log_points
from tiny import DEFINITION, SETTINGS
from training_runs import assert_identical, stop_at

BATCH = 20
BUDGET = 4000
POINTS = [20, 1000, 1600, 2500, 4000]


@pytest.fixture(scope="module", params=["aevb", "wake_sleep"])
def trainer(request, tiny) -> Trainer:
    """Each algorithm, compiled once for the whole file."""
    return experiment.trainer(SETTINGS.with_algorithm(request.param), tiny)


@pytest.fixture
def go(trainer, tiny):
    """Train from scratch, or from the folder's checkpoint."""

    def from_scratch(points=POINTS, seeds=(0,), **options):
        step_sizes = [0.05] * len(seeds)
        return train(
            TensorFlowBackend(trainer, tiny.train, tiny.test, seeds, step_sizes),
            points,
            name="tiny",
            fingerprint="print",
            **options,
        )

    return from_scratch


def newest(folder: Path) -> int:
    return max(int(path.stem) for path in folder.glob("*.safetensors"))


# The schedule


def test_every_log_point_is_evaluated(go):
    """The curve has a train and a test value at every log point and nowhere else."""
    assert log_points(BATCH, BUDGET) == POINTS
    run, times = go()
    assert [samples for samples, *_ in run.rows] == POINTS
    assert times.samples == BUDGET
    table = curve_table(run, [0], "lower_bound", dataset="Tiny")
    for split in training.SPLITS:
        rows = table[table["split"] == split]
        assert rows["training_samples"].tolist() == POINTS
        assert rows["lower_bound"].nunique() == len(POINTS)
        assert np.isfinite(rows["lower_bound"]).all()


def test_train_value_is_the_mean_since_the_last_log_point(go):
    """A train value is the mean of the minibatch bounds since the log point before it."""
    coarse = [20, 400, 1000]
    fine_run, _ = go(list(range(BATCH, 1001, BATCH)))
    run, _ = go(coarse)
    each = {samples: train[0] for samples, (train, *_) in fine_run.rows}
    assert len(set(each.values())) == 50
    before = 0
    for samples, (value, *_) in run.rows:
        since = [bound for count, bound in each.items() if before < count <= samples]
        assert len(since) == (samples - before) // BATCH
        np.testing.assert_allclose(value[0], np.mean(since), rtol=1e-12)
        before = samples
    bounds = {samples: values[1:] for samples, values in fine_run.rows}
    for samples, values in run.rows:
        np.testing.assert_array_equal(values[1:], bounds[samples])


def test_fixed_training_images_are_the_first_ones(go, trainer, tiny):
    """As many as there are test images, in order and again where there are fewer. Where they are
    the test images their bound is the same, and otherwise it is not."""
    few = tiny.train[: len(tiny.test) // 2]
    np.testing.assert_array_equal(training_images(few, tiny.test), np.concatenate([few, few]))
    images = training_images(tiny.train, tiny.test)
    np.testing.assert_array_equal(images, tiny.train[: len(tiny.test)])
    (_, differing), *_ = go([20])[0].rows
    assert differing[1, 0] != differing[2, 0]
    alike = tiny._replace(train=np.concatenate([tiny.test, tiny.train]))
    computed = TensorFlowBackend(trainer, alike.train, alike.test, [0], [0.02])
    test, train = computed.evaluate(computed.start(), 1)
    np.testing.assert_array_equal(test, train)


@pytest.mark.parametrize("steps", [1, 7, 10**6])
def test_chunk_size_changes_no_number(go, monkeypatch, steps):
    """However the work is cut into chunks, curve and state are the same bit for bit."""
    reference, _ = go()
    monkeypatch.setattr(training, "_FIRST_CHUNK_SAMPLES", steps * BATCH)
    monkeypatch.setattr(training, "_CHUNK_SECONDS", 0.0)
    chunks = []
    monkeypatch.setattr(Progress, "update", lambda self, done, *_, **__: chunks.append(done))
    run, _ = go()
    # One report a chunk, and the one at the end.
    expected = {1: 200, 7: 1 + 7 + 5 + 7 + 11, 10**6: len(POINTS)}[steps]
    assert len(chunks) - 1 == expected
    assert_identical(run, reference)


# Resuming


def test_stopped_and_resumed_equals_uninterrupted(go, tmp_path, monkeypatch):
    """A run stopped between two log points and resumed gives the uninterrupted run's numbers."""
    reference, _ = go()
    with monkeypatch.context() as patch:
        patch.setattr(training, "_FIRST_CHUNK_SAMPLES", 7 * BATCH)
        patch.setattr(training, "_CHUNK_SECONDS", 0.0)
        stop_at(patch, 1300)
        with pytest.raises(Interrupted):
            go(checkpoint_folder=tmp_path)
    stopped = newest(tmp_path)
    assert stopped == 1420
    run, times = go(checkpoint_folder=tmp_path)
    assert times.samples == BUDGET - stopped
    assert_identical(run, reference)


def test_checkpoint_on_a_log_point_is_resumed(go, tmp_path, monkeypatch):
    """A run stopped exactly at a log point evaluates it once and goes on to the same numbers."""
    reference, _ = go()
    with monkeypatch.context() as patch:
        stop_at(patch, 1600)
        with pytest.raises(Interrupted):
            go(checkpoint_folder=tmp_path)
    assert newest(tmp_path) == 1600
    run, times = go(checkpoint_folder=tmp_path)
    assert times.samples == BUDGET - 1600
    assert_identical(run, reference)


def test_finished_run_is_repeated_from_its_checkpoint(go, tmp_path):
    """The same command after the end trains nothing and gives the same numbers."""
    reference, _ = go(checkpoint_folder=tmp_path)
    run, times = go(checkpoint_folder=tmp_path)
    assert times.samples == 0
    assert_identical(run, reference)


@pytest.mark.parametrize("first", [2500, 2000, 3980])
def test_raised_budget_equals_a_direct_run(go, tmp_path, first):
    """Going on from a finished smaller budget, on the grid or off it, changes no number."""
    reference, _ = go(log_points(BATCH, BUDGET))
    shorter, _ = go(log_points(BATCH, first), checkpoint_folder=tmp_path)
    assert shorter.rows[-1][0] == first
    run, times = go(log_points(BATCH, BUDGET), checkpoint_folder=tmp_path)
    assert times.samples == BUDGET - first
    assert_identical(run, reference)


def test_lower_budget_starts_anew_and_keeps_the_longer_checkpoint(go, tmp_path):
    """A smaller budget gives what it gives alone, and the longer run can still go on."""
    go(checkpoint_folder=tmp_path)
    longer = tmp_path / f"{BUDGET:012d}.safetensors"
    content = longer.read_bytes()
    reference, _ = go(log_points(BATCH, 2000))
    run, times = go(log_points(BATCH, 2000), checkpoint_folder=tmp_path, checkpoint_seconds=0.0)
    assert times.samples == 2000
    assert_identical(run, reference)
    assert longer.read_bytes() == content
    assert go(checkpoint_folder=tmp_path)[1].samples == 0


def test_checkpoint_of_other_settings_is_not_used(go, tmp_path):
    """A checkpoint with another fingerprint is passed over and training starts anew."""
    go([20, 1000], checkpoint_folder=tmp_path)
    path = tmp_path / f"{1000:012d}.safetensors"
    tensors = checkpoints.read(path, "print")
    checkpoints.write(tmp_path, 1000, tensors, "foreign")
    reference, _ = go()
    run, times = go(checkpoint_folder=tmp_path)
    assert times.samples == BUDGET
    assert_identical(run, reference)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_stops_with_a_checkpoint(go, tmp_path, monkeypatch, number):
    """A signal ends training with a good checkpoint, a message, and the old handlers back."""
    numbers = (signal.SIGTERM, signal.SIGINT)
    handlers = [signal.getsignal(one) for one in numbers]
    stop_at(monkeypatch, 1000, number)
    with pytest.raises(Interrupted, match="the same command goes on") as caught:
        go(checkpoint_folder=tmp_path)
    assert caught.value.signal_number == number
    assert [signal.getsignal(one) for one in numbers] == handlers
    stopped = newest(tmp_path)
    assert 1000 <= stopped < BUDGET
    tensors = checkpoints.read(tmp_path / f"{stopped:012d}.safetensors", "print")
    assert int(tensors["iteration"]) * BATCH == stopped


def test_stopped_before_the_first_log_point(go, tmp_path, monkeypatch):
    """A run stopped before it has a single row leaves a checkpoint that can be gone on from."""
    points = [1000, 1600]
    reference, _ = go(points)
    with monkeypatch.context() as patch:
        patch.setattr(training, "_FIRST_CHUNK_SAMPLES", 7 * BATCH)
        stop_at(patch, 20)
        with pytest.raises(Interrupted):
            go(points, checkpoint_folder=tmp_path)
    assert 0 < newest(tmp_path) < 1000
    run, _ = go(points, checkpoint_folder=tmp_path)
    assert_identical(run, reference)


def test_budget_of_one_minibatch(go, tmp_path):
    """The smallest budget there is gives one row, and can be raised."""
    run, _ = go(log_points(BATCH, 1), checkpoint_folder=tmp_path)
    assert [samples for samples, *_ in run.rows] == [BATCH]
    reference, _ = go(log_points(BATCH, 1000))
    run, _ = go(log_points(BATCH, 1000), checkpoint_folder=tmp_path)
    assert_identical(run, reference)


# Divergence


@dataclass(frozen=True)
class Breaks:
    """An algorithm that learns nothing and makes one number NaN at one step."""

    objective: ClassVar[str] = "lower_bound"
    model: Any
    at: int
    where: str

    def init(self, seeds, step_sizes):
        return start(self.model.init(seeds), step_sizes)

    def lower_bound(self, parameters, x, keys):
        return tf.reduce_mean(x, axis=-1) + np.float32("nan" if self.where == "test" else 0)

    def step(self, state, batch, seeds):
        poison = tf.where(state.iteration == self.at, np.float32("nan"), np.float32(0))
        bound = tf.reduce_mean(batch, axis=[-2, -1])
        parameters = state.parameters
        if self.where == "bound":
            bound += poison
        if self.where == "parameter":
            decoder = parameters.decoder
            decoder = decoder._replace(output_bias=decoder.output_bias + poison)
            parameters = parameters._replace(decoder=decoder)
        new = state._replace(parameters=parameters, iteration=state.iteration + 1)
        return new, Info(objective=bound)


@pytest.fixture
def start_broken(tiny, tmp_path):
    model = experiment.trainer(SETTINGS, tiny).algorithm.model

    def go(at, where):
        broken = Trainer(Breaks(model, at, where), BATCH, 255.0)
        computed = TensorFlowBackend(broken, tiny.train, tiny.test, [0], [0.05])
        options = {"name": "tiny", "fingerprint": "print", "checkpoint_folder": tmp_path}
        train(computed, POINTS, **options)

    return go


def test_members_that_may_diverge_are_left_behind(tiny, caplog):
    """The others are what they are alone; where none is left the run stops."""
    name, wanted = "one/tiny/aevb/latent_dim_2/as_it_is", replace(SETTINGS, seeds=(0, 1))
    options = {"checkpoint_folder": None, "checkpoint_seconds": 60.0}

    def study(*step_sizes):
        asked = replace(wanted, step_sizes=step_sizes, training_samples=1000)
        return protocol_study.run(name, asked, tiny, **options)

    together, alone = study(0.01, 1e38), study(0.01)
    left = together[together["step_size"] == 1e38]
    assert left["training_samples"].max() < 1000 == together["training_samples"].max()
    kept = together[together["step_size"] == 0.01].reset_index(drop=True)
    pd.testing.assert_frame_equal(kept, alone, rtol=1e-5)
    assert set(alone["split"]) == set(training.SPLITS) and set(alone["seed"]) == {0, 1}
    with pytest.raises(DivergenceError, match="non-finite"):
        study(1e37, 1e38)


def test_non_finite_bound_names_the_step(start_broken, tmp_path):
    """A NaN bound stops the run naming the step that made it, and no checkpoint holds it."""
    with pytest.raises(DivergenceError) as caught:
        start_broken(137, "bound")
    text = str(caught.value)
    assert "tiny: the objective became non-finite at step 137 (2,740 samples)" in text
    assert "step size 0.05" in text
    assert "try a smaller step size" in text
    assert "\n" not in text
    assert not list(tmp_path.iterdir())


def test_non_finite_parameter_names_the_tensor(start_broken, tmp_path):
    """A NaN in a parameter is found though no bound shows it yet, and the tensor is named."""
    with pytest.raises(DivergenceError) as caught:
        start_broken(0, "parameter")
    text = str(caught.value)
    assert "a parameter became non-finite at step 1 " in text
    assert "non-finite tensors: decoder/output_bias;" in text
    assert "try a smaller step size" in text
    assert not list(tmp_path.iterdir())


def test_non_finite_test_bound_is_refused(start_broken, tmp_path):
    """A test bound that is not finite stops the run though training itself is fine."""
    with pytest.raises(DivergenceError, match="test bound is non-finite at 20 samples"):
        start_broken(-1, "test")
    assert not list(tmp_path.iterdir())


@pytest.fixture(scope="module")
def gaussian() -> Experiment:
    """Settings under which a huge step size diverges."""
    return replace(SETTINGS, definition=DEFINITION | {"observation": "gaussian"})


def test_huge_step_size_diverges(gaussian, tiny, tmp_path):
    """A Gaussian model with a huge step size stops with an error that names the tensors."""
    with pytest.raises(DivergenceError, match=r"non-finite tensors: .*decoder/") as caught:
        experiment.run_training(
            gaussian, 1e3, tiny, checkpoint_folder=tmp_path, checkpoint_seconds=60.0
        )
    assert "step size 1000" in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_diverged_candidate_loses(gaussian, tiny, caplog):
    """A candidate that diverges is not selected and is shown as such, with no bound."""
    with caplog.at_level("INFO", "aevb"):
        table = experiment.select_step_size([replace(gaussian, step_sizes=(1e3, 0.05, 0.01))], tiny)
    assert table["step_size"].tolist() == [1e3, 0.05, 0.01]
    assert table["status"].tolist() == ["non-finite", "ok", "ok"]
    assert np.isnan(table["objective"][0])
    assert np.isfinite(table["objective"][1:]).all()
    assert table["selected"].sum() == 1
    chosen = table.loc[table["selected"]].iloc[0]
    assert chosen["objective"] == table["objective"].max()
    assert any("step size 1000" in line and "non-finite" in line for line in caplog.messages)


def test_all_candidates_diverged(gaussian, tiny):
    """When every candidate diverges there is an error that lists them and says what to do."""
    with pytest.raises(DivergenceError, match=r"1000\.0, 10000\.0, 1000000\.0.*add a smaller one"):
        experiment.select_step_size([replace(gaussian, step_sizes=(1e3, 1e4, 1e6))], tiny)


def panels(bounds: dict[int, list[float]], monkeypatch, tiny):
    """The table of a selection whose candidates' bounds are given for each latent dimension."""

    def tried(wanted, *others):
        return pd.DataFrame(
            {
                "latent_dim": wanted.latent_dim,
                "seed": 0,
                "step_size": wanted.step_sizes,
                "objective": bounds[wanted.latent_dim],
            }
        )

    monkeypatch.setattr(experiment, "_try_step_sizes", tried)
    wanted = [replace(SETTINGS, latent_dim=n, step_sizes=(0.01, 0.02, 0.1)) for n in bounds]
    return experiment.select_step_size(wanted, tiny)


def test_step_size_is_the_best_on_average_over_the_panels(monkeypatch, tiny):
    """One candidate is selected for all latent dimensions, though each alone prefers another."""
    table = panels({3: [-5.0, -1.0, -9.0], 5: [-2.0, -3.0, -9.0]}, monkeypatch, tiny)
    assert table.loc[table["selected"], "step_size"].tolist() == [0.02, 0.02]
    assert table["mean_over_panels"].tolist() == [-3.5, -2.0, -9.0] * 2


def test_candidate_that_diverges_in_one_panel_loses(monkeypatch, tiny):
    """However good it is in the others."""
    table = panels({3: [-5.0, -1.0, -9.0], 5: [-2.0, np.nan, -9.0]}, monkeypatch, tiny)
    assert table.loc[table["selected"], "step_size"].tolist() == [0.01, 0.01]


def test_selection_goes_on_from_its_checkpoints(tiny, tmp_path, monkeypatch):
    """Stopped in its second panel it ends in the same table, without the first one's training;
    with another window, or other seeds, it starts anew."""
    plain = replace(SETTINGS, step_sizes=(1e6, 0.02), selection_samples=1000, seeds=(0, 1))
    wanted = [replace(plain, latent_dim=n) for n in (2, 3)]
    expected = experiment.select_step_size(wanted, tiny)
    begun = []
    make, loop = experiment.backend, experiment.train

    def stopped(computed, points, **options):
        if not begun:
            begun.append(True)
            return loop(computed, points, **options)
        loop(computed, points[:1], **options)
        raise Interrupted(signal.SIGTERM, "stopped")

    monkeypatch.setattr(experiment, "train", stopped)
    with pytest.raises(Interrupted):
        experiment.select_step_size(wanted, tiny, checkpoint_folder=tmp_path)
    monkeypatch.setattr(experiment, "train", loop)

    def chunks_of(panels) -> list[int]:
        """The steps that a selection has to make for each panel."""
        made = []

        def counting(*arguments):
            computed = make(*arguments)
            run_chunk, made_here = computed.run_chunk, len(made)
            made.append(0)

            def counted(state, n_steps):
                made[made_here] += n_steps
                return run_chunk(state, n_steps)

            computed.run_chunk = counted
            return computed

        monkeypatch.setattr(experiment, "backend", counting)
        table = experiment.select_step_size(panels, tiny, checkpoint_folder=tmp_path)
        if panels is wanted:
            pd.testing.assert_frame_equal(table, expected)
        return made

    total = 1000 // SETTINGS.batch_size
    assert chunks_of(wanted) == [0, total - 1]
    assert chunks_of(wanted) == [0, 0]
    assert chunks_of([replace(one, selection_window=(0.5, 1.0)) for one in wanted]) == [total] * 2
    assert chunks_of([replace(one, seeds=(1, 2)) for one in wanted]) == [total] * 2


def test_bound_of_a_candidate_is_the_mean_over_all_minibatches(tiny):
    """What selection reports is what training with that step size and seed shows."""
    wanted = replace(SETTINGS, step_sizes=(0.01, 0.02), selection_samples=1000)
    table = experiment.select_step_size([wanted], tiny)
    assert (table["training_samples"] == 1000).all()
    trained, _, snapshots, _ = experiment.run_training(
        replace(wanted, training_samples=1000, seeds=wanted.seeds[:1]),
        0.02,
        tiny,
        checkpoint_folder=None,
        checkpoint_seconds=60.0,
    )
    curve = trained[trained["split"] == "train"]
    minibatches = curve["training_samples"].diff().fillna(curve["training_samples"])
    mean = (curve["lower_bound"] * minibatches).sum() / 1000
    np.testing.assert_allclose(table["objective"][1], mean, rtol=1e-5)
    assert (table["n_train"] == len(tiny.train)).all()
    assert snapshots == {}


def test_selection_reads_a_window_of_several_seeds(tiny):
    """The window's mean is what is left of the whole's less the part before it, for each seed; each
    seed is what it is alone."""
    plain = replace(SETTINGS, step_sizes=(0.01, 0.02), selection_samples=1000)
    wanted = replace(plain, selection_window=(0.4, 1.0), selection_seeds=2)
    found = experiment.select_step_size([wanted.for_selection()], tiny)
    assert found["seed"].tolist() == [0, 0, 1, 1]
    assert found["mean_over_panels"].nunique() == 2
    for seed in (0, 1):
        whole, before = (
            experiment.select_step_size(
                [replace(plain, seeds=(seed,), selection_samples=samples)], tiny
            )["objective"]
            for samples in (1000, 400)
        )
        expected = (1000 * whole - 400 * before) / 600
        ours = found.loc[found["seed"] == seed, "objective"]
        np.testing.assert_allclose(ours, expected, rtol=1e-5)
    best = found.groupby("step_size")["objective"].mean().idxmax()
    assert (found.loc[found["selected"], "step_size"] == best).all()


# Seeds and members


def test_seeds(go):
    """The same seed gives the same numbers bit for bit, another seed others."""
    first, again, other = go([20, 1000]), go([20, 1000]), go([20, 1000], seeds=[1])
    assert_identical(first[0], again[0])
    mine, theirs = named_arrays(first[0].state), named_arrays(other[0].state)
    for name in mine:
        if name.startswith("parameters/"):
            assert not np.array_equal(mine[name], theirs[name]), name
    for ours, others in zip(first[0].rows, other[0].rows, strict=True):
        assert (ours[1] != others[1]).all()


def test_members_equal_separate_runs(go):
    """Seeds trained side by side give what each gives alone, up to rounding."""
    together, _ = go([20, 1000], seeds=[0, 1])
    for member in (0, 1):
        alone, _ = go([20, 1000], seeds=[member])
        for ours, single in zip(together.rows, alone.rows, strict=True):
            np.testing.assert_allclose(ours[1][:, member], single[1][:, 0], rtol=1e-5)
        pair, single = (
            named_arrays(together.state.parameters),
            named_arrays(alone.state.parameters),
        )
        for name in single:
            np.testing.assert_allclose(pair[name][member], single[name][0], rtol=1e-3, atol=1e-4)
    assert abs(np.diff(together.rows[-1][1][1])) > 1e-3


# Evaluation


@dataclass(frozen=True)
class Shows:
    """An algorithm whose bound is a statistic of the pixels that it is given."""

    objective: ClassVar[str] = "lower_bound"
    statistic: Any

    def lower_bound(self, parameters, x, keys):
        return tf.reduce_mean(self.statistic(x), axis=-1)

    def step(self, state, batch, seeds):
        bound = tf.reduce_mean(self.lower_bound(None, batch, None), axis=-1)
        return state._replace(iteration=state.iteration + 1), Info(objective=bound)


def test_evaluation_is_the_mean_over_the_test_set(tiny, monkeypatch):
    """Blocks that do not divide the test set give the plain mean over all its datapoints."""
    block, n, iteration = 16, len(tiny.test), 9
    monkeypatch.setattr(backend, "_EVALUATION_BLOCK", block)
    compiled = replace(experiment.trainer(SETTINGS, tiny))
    seeds = tf.constant([0, 1])
    # Larger parameters than at the start, so that z and with it the noise matters.
    parameters = tf.nest.map_structure(lambda t: 50 * t, compiled.algorithm.model.init(seeds))
    found = compiled.evaluate(parameters, tf.constant(tiny.test), seeds, tf.constant(iteration))
    bounds = []
    for i, first in enumerate(range(0, n, block)):
        x = tf.constant(tiny.test[first : first + block] / 255, tf.float32)
        keys = random.keys(seeds, random.Purpose.EVALUATION, iteration * (n // block + 1) + i)
        x = tf.broadcast_to(x, [2, *x.shape])
        bounds.append(compiled.algorithm.lower_bound(parameters, x, keys).numpy())
    bounds = np.concatenate(bounds, axis=1)
    assert bounds.shape == (2, n)
    np.testing.assert_allclose(found.numpy(), bounds.mean(axis=1, dtype=np.float64), rtol=1e-6)
    later = compiled.evaluate(parameters, tf.constant(tiny.test), seeds, tf.constant(iteration + 1))
    assert (later.numpy() != found.numpy()).all()


@pytest.mark.parametrize("block", [7, 50, 1000])
def test_every_datapoint_is_evaluated_once(tiny, monkeypatch, block):
    """Whatever the block size, each test image counts once."""
    monkeypatch.setattr(backend, "_EVALUATION_BLOCK", block)
    compiled = Trainer(Shows(tf.identity), BATCH, 255.0)
    found = compiled.evaluate(0, tf.constant(tiny.test), tf.constant([0]), tf.constant(1))
    np.testing.assert_allclose(found.numpy(), tiny.test.mean() / 255, rtol=1e-5)


def bound_of(tiny, statistic, binarise):
    """The statistic in training minibatches and in two evaluations."""
    compiled = Trainer(Shows(statistic), BATCH, 255.0, binarise=binarise)
    state = State(tf.zeros([1, 1]), tf.zeros([1, 1]), tf.zeros(1), tf.constant(0))
    _, chunk = compiled.run_chunk(state, tf.constant(tiny.train), tf.constant([0]), tf.constant(10))
    test = tf.constant(tiny.test)
    evaluations = [
        float(compiled.evaluate(0, test, tf.constant([0]), tf.constant(i))[0]) for i in (1, 2)
    ]
    return float(chunk[0][0]) / 10, evaluations


def greyness(x):
    return x * (1 - x)


def test_dynamic_binarisation_gives_zeros_and_ones(tiny):
    """With dynamic binarisation every pixel is 0 or 1, in training and in evaluation."""
    trained, evaluated = bound_of(tiny, greyness, binarise=True)
    assert trained == 0
    assert evaluated == [0, 0]


def test_dynamic_binarisation_is_a_fresh_draw_around_the_grey_value(tiny):
    """Each use draws anew, with the grey value as the probability of a 1."""
    trained, (first, second) = bound_of(tiny, tf.identity, binarise=True)
    # 1800 pixels of a fixed seed: a standard deviation of 0.01 at most.
    assert trained == pytest.approx(tiny.train.mean() / 255, abs=0.03)
    assert first == pytest.approx(tiny.test.mean() / 255, abs=0.05)
    assert first != second


def test_no_binarisation_leaves_grey(tiny):
    """Without binarisation the pixels are the grey values, the same each time."""
    trained, evaluated = bound_of(tiny, greyness, binarise=False)
    grey = tiny.test / 255
    assert evaluated == pytest.approx([(grey * (1 - grey)).mean()] * 2, rel=1e-5)
    assert trained > 0.05
