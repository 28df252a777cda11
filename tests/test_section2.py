"""Studies of section 2, full VB against MAP, and their figures."""

import math
from copy import deepcopy
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from scipy.special import logsumexp

from aevb import random
from aevb.algorithms.full_vb import WeightPosterior, draw_weights
from aevb.arrays import named_arrays
from aevb.data import Dataset
from aevb.errors import ConfigError, DataError, DivergenceError
from aevb.figures import (
    draws_and_minibatches,
    gradient_estimators,
    gradient_variance,
    hidden_units,
    kl_divergence,
    own_step_sizes,
    posteriors,
    studies,
    style,
    weight_prior,
    weight_uncertainty,
)
from aevb.likelihood import quadrature
from aevb.likelihood.model import Model
from aevb.models.architecture import Parameters
from aevb.models.mlp import MLP
from aevb.section2 import study as study_stage
from aevb.section2 import weight_uncertainty as uncertainty
from aevb.settings import SELECTING, STUDIES, load, study
from aevb.settings.section2 import STUDY_SETTINGS
from aevb.tables import gradient_variance as gradient_variance_table
from aevb.tables.studies import matched, read_selected, read_study
from aevb.training.assembly import architecture
from aevb.training.experiment import run_training
from configuration import DATASETS, MINIMAL
from drawn import assert_clear
from tiny import SETTINGS


def configured(**section2) -> tuple[dict, dict]:
    content = deepcopy(MINIMAL)
    content["figures"]["section2"] = {"dataset": "mnist", "latent_dim": 3}
    content["scales"]["short"]["section2"] = section2
    return load(content, DATASETS)


def test_studies_vary_one_thing_each():
    """Each study has what it is about, and nothing else differs."""
    config, definitions = configured(
        training_samples=500, draws=[1, 4], minibatches=[10, 100], panels={"mnist": [3, 5]}
    )
    config["figures"]["comparisons"] |= {
        "estimators": ["B", "score"],
        "latent_dims": {"mnist": 3},
        "hidden_units": [20, 50],
    }
    config["scales"]["short"]["comparisons"] = {"training_samples": 500, "seeds": [3, 4]}
    found = {name: study(config, definitions, name) for name in STUDIES}
    kinds = [one.estimator for one in found["gradient_estimators"]]
    assert kinds == ["B", "A", "score_baseline", "score"]
    assert len({one.posterior for one in found["posteriors"]}) == 6
    panels = [(one.latent_dim, one.weight_prior) for one in found["weight_prior"]]
    assert panels == [(3, "all"), (3, "none"), (5, "all"), (5, "none")]
    grid = found["draws_and_minibatches"]
    assert [(one.samples_per_datapoint, one.batch_size) for one in grid] == [
        (1, 10),
        (1, 100),
        (4, 10),
        (4, 100),
    ]
    assert {one.training_samples for name in STUDIES for one in found[name]} == {500}
    for name, same in (
        ("gradient_estimators", {"estimator": "A"}),
        ("posteriors", {"posterior": "laplace"}),
        ("own_step_sizes", {"estimator": "A"}),
    ):
        assert len({one.with_algorithm(**same).to_json() for one in found[name]}) == 1
    assert [one.hidden_units for one in found["hidden_units"]] == [20, 50]
    assert len({replace(one, hidden_units=1).to_json() for one in found["hidden_units"]}) == 1
    for name in SELECTING:
        # No selection takes more than the training that it is for.
        assert {(one.seeds, one.selection_samples) for one in found[name]} == {((3, 4), 500)}


def test_warm_up_takes_the_same_samples_for_every_minibatch():
    """Adagrad's warm-up counts minibatches; the study keeps the samples that it takes."""
    config, definitions = configured(minibatches=[10, 100, 1000])
    config["variants"]["authors"]["warmup_minibatches"] = 101
    grid = study(config, definitions, "draws_and_minibatches")
    counts = {one.batch_size: one.warmup_minibatches for one in grid}
    assert counts == {10: 1010, 100: 101, 1000: 11}


def test_what_diverges_is_left_out(tmp_path):
    """A step size that is far too large for one experiment leaves the others' curves."""
    data = tiny_data()
    wild = replace(SETTINGS, training_samples=1000, warmup_minibatches=0)
    tame = replace(wild, warmup_minibatches=10**6)
    arguments = {"checkpoint_folder": tmp_path, "checkpoint_seconds": 60}
    table = study_stage.run([wild, tame], {"tiny": 1e30}, lambda one: data, **arguments)
    assert len(table) and np.isfinite(table["lower_bound"]).all()
    with pytest.raises(DivergenceError, match="every experiment of the study diverged"):
        study_stage.run([wild], {"tiny": 1e30}, lambda one: data, **arguments)


def test_an_unknown_study_is_named():
    """One line with what is allowed."""
    with pytest.raises(ConfigError, match="'speed' is unknown; allowed: gradient_estimators"):
        study(*configured(), "speed")


def tiny_data() -> Dataset:
    rng = np.random.default_rng(0)
    bright = rng.random((240, 1)) > 0.5
    images = np.clip(rng.normal(60 + 130 * bright, 40, (240, 36)), 0, 255).astype(np.uint8)
    return Dataset("tiny", "Tiny", (6, 6), images[:200], images[:0], images[200:])


def test_a_study_is_its_experiments(tmp_path):
    """Its curves are those of the experiments alone, and a second call goes on from checkpoints."""
    wanted = [
        replace(SETTINGS, training_samples=1000).with_algorithm(posterior=kind)
        for kind in ("gaussian", "laplace")
    ]
    data = tiny_data()

    def run():
        return study_stage.run(
            wanted,
            {"tiny": 0.05},
            lambda one: data,
            checkpoint_folder=tmp_path,
            checkpoint_seconds=60,
        )

    table = run()
    assert list(table.columns[:5]) == list(STUDY_SETTINGS)
    for one in wanted:
        alone, *_ = run_training(one, 0.05, data, checkpoint_folder=None, checkpoint_seconds=60)
        rows = table[table["posterior"] == one.posterior].reset_index(drop=True)
        pd.testing.assert_frame_equal(rows[alone.columns], alone)
    ends = table[table["training_samples"] == 1000].groupby("posterior")["lower_bound"].mean()
    assert ends["gaussian"] != ends["laplace"]
    assert len(list(tmp_path.iterdir())) == 2
    pd.testing.assert_frame_equal(run().drop(columns="seconds"), table.drop(columns="seconds"))


def test_step_sizes_are_selected_for_each_experiment(tmp_path):
    """A study without step sizes takes what is selected for each experiment alone, and says so."""
    wanted = [
        replace(SETTINGS, training_samples=1000, selection_samples=1000, hidden_units=units)
        for units in (5, 20)
    ]
    wanted[1] = replace(wanted[1], step_sizes=(1e-6, 1e-7))
    data = tiny_data()
    table = study_stage.run(
        wanted, None, lambda one: data, checkpoint_folder=tmp_path, checkpoint_seconds=60
    )
    assert list(table.columns[-3:]) == ["seconds", "hidden_units", "step_size"]
    assert table.groupby("hidden_units")["step_size"].nunique().tolist() == [1, 1]
    chosen = table.groupby("hidden_units")["step_size"].first()
    assert chosen[20] == 1e-6 and chosen[5] in SETTINGS.step_sizes
    assert table.groupby("hidden_units")["lower_bound"].max().nunique() == 2


def learned(deviation: float) -> tuple[uncertainty.Learned, object]:
    """A full VB posterior of small random weights, with MAP at its mean."""
    experiment = replace(SETTINGS, n_train=100).with_algorithm("full_vb")
    network = architecture(experiment)
    decoder = tf.nest.map_structure(lambda w: 40.0 * w, network.init(tf.constant([1])).decoder)
    spread = tf.nest.map_structure(lambda w: tf.fill(w.shape, 2 * math.log(deviation)), decoder)
    return uncertainty.Learned(network, WeightPosterior(decoder, spread), decoder), experiment


def test_sure_weights_are_worth_what_map_is_worth():
    """Where q(θ) is a point, its mean, its average and MAP agree; a wide q(θ) is worth less, and
    its average is log (1/S) Σ p(x|θ_s)."""
    data = tiny_data()
    sure, experiment = learned(1e-6)
    comparison, histogram, pruning = uncertainty.evaluate([sure], experiment, data, 12, 2)
    values = comparison.pivot(index="method", columns="split", values="marginal_log_likelihood")
    assert np.ptp(values["test"]) < 1e-3 and np.ptp(values["train"]) < 1e-3
    assert set(comparison["n_train"]) == {100} and set(comparison["n_points"]) == {12}
    x = (data.test[:12] / 255).astype(np.float32)
    model = Model(sure.network, Parameters((), sure.map_decoder))
    exact = quadrature.estimate(model, x, uncertainty.BUDGET).value.mean()
    assert values.loc["MAP", "test"] == pytest.approx(exact, abs=1e-6)
    assert histogram["weights"].sum() == sum(int(np.prod(w.shape)) for w in sure.map_decoder)
    whole = pruning[pruning["pruned"] == 0].set_index("method")["marginal_log_likelihood"]
    assert whole["MAP"] == pytest.approx(exact, abs=1e-6)
    wide, _ = learned(0.5)
    comparison, *_ = uncertainty.evaluate([wide], experiment, data, 12, 3)
    rows = comparison.set_index(["method", "split"])
    averaged = rows.loc[(uncertainty.AVERAGED, "test")]
    assert averaged["marginal_log_likelihood"] < exact - 1
    by_draw = []
    for i in range(3):
        members = random.keys(tf.constant([0]), random.Purpose.WEIGHTS, i)
        theta, _ = draw_weights(wide.posterior, members)
        model = Model(wide.network, Parameters((), theta))
        by_draw.append(quadrature.estimate(model, x, uncertainty.BUDGET).value)
    expected = (logsumexp(by_draw, axis=0) - math.log(3)).mean()
    assert averaged["marginal_log_likelihood"] == pytest.approx(expected, abs=1e-5)
    # The draws are shared by all points, and their error is more than that of the points.
    spread = np.std(logsumexp(by_draw, axis=0), ddof=1) / math.sqrt(12)
    assert averaged["standard_error"] > spread


def test_full_vb_is_compared_seed_by_seed():
    """Each seed's runs are compared with each other, by draws of their own."""
    (one, experiment), (other, _) = learned(0.3), learned(0.6)
    both = replace(experiment, seeds=(0, 4))
    together = uncertainty.evaluate([one, other], both, tiny_data(), 5, 2)
    for seed, alone in ((0, one), (4, other)):
        single = replace(experiment, seeds=(seed,))
        expected = uncertainty.evaluate([alone], single, tiny_data(), 5, 2)
        for table, wanted in zip(together, expected, strict=True):
            found = table[table["seed"] == seed].reset_index(drop=True)
            pd.testing.assert_frame_equal(found, wanted)
    with pytest.raises(ValueError, match="zip"):
        uncertainty.evaluate([one], both, tiny_data(), 5, 2)


def test_the_error_of_few_draws_is_the_jackknifes():
    """Of a plain mean (small logarithms) it is the standard error of the mean over the draws."""
    rng = np.random.default_rng(5)
    values = 1e-4 * rng.normal(size=(8, 1))
    exact = values.std(ddof=1) / math.sqrt(8)
    assert uncertainty.jackknife_error(values) == pytest.approx(exact, rel=1e-3)
    assert uncertainty.jackknife_error(np.zeros((4, 3))) == 0


def test_pruning_takes_the_least_important_first():
    """So many weights are zero as were asked for, the least important, ties or not."""
    weights = MLP(*(tf.ones([1, *shape]) for shape in ((2, 3), (3,), (3, 4), (4,))))
    importance = MLP(*(tf.fill(part.shape, float(i)) for i, part in enumerate(weights, start=1)))
    pruned = uncertainty.prune(weights, importance, 0.28)
    # 7 of 25: the six of the first tensor, and one of the second.
    counts = [int((part.numpy() == 0).sum()) for part in pruned]
    assert counts == [6, 1, 0, 0]
    assert uncertainty.prune(weights, importance, 0.0) is weights
    assert all((part.numpy() == 0).all() for part in uncertainty.prune(weights, importance, 1.0))


def test_signal_to_noise_is_in_decibels():
    """|μ| = 10 σ is 20 dB; what is beyond the ends is counted there."""
    mean = MLP(*(tf.fill([1, *shape], 1.0) for shape in ((1, 2), (2,), (2, 3), (3,))))
    spread = MLP(*(tf.fill(w.shape, 2 * math.log(0.1)) for w in mean))
    table = uncertainty.signal_to_noise(WeightPosterior(mean, spread))
    assert table.loc[table["weights"] > 0, "decibels"].between(19, 21).all()
    assert table.groupby("tensor")["weights"].sum().to_dict() == {
        "hidden_weights": 2,
        "hidden_bias": 2,
        "output_weights": 6,
        "output_bias": 3,
    }
    nothing = uncertainty.signal_to_noise(
        WeightPosterior(tf.nest.map_structure(tf.zeros_like, mean), spread)
    )
    assert nothing["weights"].sum() == 13


def test_only_like_runs_are_compared():
    """A full VB run and an AEVB run of one network on the same data, or one line that says so."""
    found, experiment = learned(0.1)
    arrays = named_arrays(Parameters((), found.posterior))
    other = experiment.with_algorithm("aevb")
    map_arrays = named_arrays(Parameters((), found.map_decoder))
    (read,) = uncertainty.read((experiment, arrays), (other, map_arrays))
    np.testing.assert_array_equal(read.posterior.mean[0], found.posterior.mean[0])
    with pytest.raises(ConfigError, match="a full_vb and an aevb run, in this order"):
        uncertainty.read((other, map_arrays), (other, map_arrays))
    with pytest.raises(ConfigError, match="n_train: the full VB run has 100, the MAP run 50"):
        uncertainty.read((experiment, arrays), (replace(other, n_train=50), map_arrays))
    with pytest.raises(ConfigError, match=r"seeds: the full VB run has .* with the same seeds"):
        uncertainty.read((experiment, arrays), (replace(other, seeds=(0, 1)), map_arrays))


def curves(**columns) -> pd.DataFrame:
    """Test and training bounds that rise by a nat a decade; training is half a nat above."""
    settings = {
        "estimator": "B",
        "posterior": "gaussian",
        "samples_per_datapoint": 1,
        "batch_size": 100,
        "weight_prior": "all",
        "dataset": "MNIST",
        "latent_dim": 3,
        "algorithm": "AEVB",
    }
    level = columns.pop("level", 0.0)
    samples = 10 ** np.arange(2, 7)
    parts = [
        pd.DataFrame(
            {
                **settings,
                **columns,
                "split": split,
                "seed": 0,
                "training_samples": samples,
                "lower_bound": -120 + level + offset + np.log10(samples),
            }
        )
        for split, offset in (("train", 0.5), ("test", 0.0))
    ]
    return pd.concat(parts, ignore_index=True)


def test_bounds_are_matched_in_samples_and_in_cost(tmp_path):
    """At equal cost a run with L = 100 has seen a hundredth of the samples: two nats less here."""
    table = matched(
        pd.concat([curves(), curves(samples_per_datapoint=100)], ignore_index=True)
    ).set_index("samples_per_datapoint")
    np.testing.assert_allclose(table["at_equal_samples"], -114)
    np.testing.assert_allclose(table["at_equal_cost"], [-114, -116])


def test_gap_of_map_and_maximum_likelihood():
    """Training minus test at the end, and a panel without one of the two is refused."""
    both = pd.concat([curves(), curves(weight_prior="none", level=1.0)], ignore_index=True)
    table = weight_prior.summary(both)
    np.testing.assert_allclose(table["gap"], 0.5)
    np.testing.assert_allclose(table["test"], [-114, -113])
    with pytest.raises(DataError, match="N_z = 3: MAP or maximum likelihood is missing"):
        weight_prior.summary(curves())


def variances(scale: float = 1.0) -> pd.DataFrame:
    rows = [
        {
            "dataset": name,
            "latent_dim": 3,
            "state": state,
            "estimator": estimator,
            "samples_per_datapoint": draws,
            "batch_size": minibatch,
            "variance": scale * factor / draws / minibatch,
            "standard_error": 0.1 * factor / draws / minibatch,
            "signal": 1.0,
            "replicates": 10,
        }
        for name in ("MNIST", "FreyFace")
        for state in ("untrained", "trained")
        for estimator, factor in zip(studies.COLORS, (1, 2, 50, 100), strict=True)
        for draws, minibatch in ((1, 1), (1, 10), (4, 10))
    ]
    return pd.DataFrame(rows)


def test_variance_ratios_are_to_estimator_b():
    """At the smallest L and M, whatever the scale."""
    ratios = gradient_variance_table.ratios(variances(7.0))
    found = ratios[ratios["state"] == "trained"].groupby("estimator")["ratio"].first()
    expected = dict(zip(studies.COLORS, (1, 2, 50, 100), strict=True))
    assert found.to_dict() == pytest.approx(expected)
    assert set(ratios["batch_size"]) == {1}


def divergences() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "latent_dim": [1, 10, 100],
            "posterior": 0,
            "analytic": [-1.0, -10.0, -100.0],
            "monte_carlo": [-1.01, -10.0, -99.9],
            "standard_error": 0.05,
            "standard_deviation": [0.7, 2.0, 7.0],
        }
    )


def weight_tables(seeds=(0, 1, 2)) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    comparison = pd.DataFrame(
        [
            (size, seed, method, split, -140.0 - i, 1.0, -float(i) * (1 + seed / 8), 0.2, 20)
            for size in (1000, 50_000)
            for seed in seeds
            for i, method in enumerate(weight_uncertainty.METHODS)
            for split in ("train", "test")
        ],
        columns=[
            *("n_train", "seed", "method", "split"),
            *("marginal_log_likelihood", "standard_error"),
            *("gain_over_map", "gain_standard_error", "n_points"),
        ],
    )
    histogram = pd.DataFrame(
        [
            (size, seed, "output_weights", decibels, 5)
            for size in (1000, 50_000)
            for seed in seeds
            for decibels in (-1, 1)
        ],
        columns=["n_train", "seed", "tensor", "decibels", "weights"],
    )
    pruning = pd.DataFrame(
        [
            (size, seed, method, share, -140.0 - share - seed)
            for size in (1000, 50_000)
            for seed in seeds
            for method in list(weight_uncertainty.METHODS)[:2]
            for share in (0.0, 0.5)
        ],
        columns=["n_train", "seed", "method", "pruned", "marginal_log_likelihood"],
    )
    return comparison, histogram, pruning


def selected(hidden_units=200, step_size=0.02, **changes) -> pd.DataFrame:
    return curves(**changes).assign(hidden_units=hidden_units, step_size=step_size)


DRAWN = {
    "gradient_estimators": lambda: gradient_estimators.draw(
        pd.concat([curves(), curves(estimator="score", level=-9.0)], ignore_index=True), "a note"
    ),
    "posteriors": lambda: posteriors.draw(
        pd.concat([curves(), curves(posterior="student_t")], ignore_index=True), "a note"
    ),
    "draws_and_minibatches": lambda: draws_and_minibatches.draw(
        pd.concat([curves(), curves(samples_per_datapoint=4)], ignore_index=True), "a note"
    ),
    "weight_prior": lambda: weight_prior.draw(
        pd.concat([curves(), curves(weight_prior="none")], ignore_index=True), "a note"
    ),
    "own_step_sizes": lambda: own_step_sizes.draw(
        pd.concat([selected(), selected(estimator="score", step_size=0.01)], ignore_index=True),
        "a note",
    ),
    "hidden_units": lambda: hidden_units.draw(
        pd.concat([selected(), selected(hidden_units=500, level=-9.0)], ignore_index=True),
        "a note",
    ),
    "gradient_variance": lambda: gradient_variance.draw(variances(), "a note"),
    "kl_divergence": lambda: kl_divergence.draw(divergences(), "a note"),
    "weight_uncertainty": lambda: weight_uncertainty.draw(*weight_tables(), "a note"),
}


def test_studies_say_how_far_seeds_are_apart():
    """The mean over seeds with Student's interval, and their range as a band; nothing of one."""
    one = curves()
    several = pd.concat([one.assign(seed=i, lower_bound=one["lower_bound"] + i) for i in range(3)])
    assert studies.reached(one) == "−114.0"
    # Of 0, 1 and 2: mean 1, standard error 1/√3, t(2) = 4.303.
    assert studies.reached(several) == "−113.0 ± 2.5"
    figure = posteriors.draw(several)
    assert any("3 seeds" in text.get_text() for text in figure.texts)
    (band,) = figure.axes[0].collections
    low, high = np.unique(band.get_paths()[0].vertices[:, 1])[[0, -1]]
    (line,) = figure.axes[0].lines
    assert (low, high) == pytest.approx((line.get_ydata()[0] - 1, line.get_ydata()[-1] + 1))
    assert "one seed" in posteriors.draw(one).texts[-1].get_text()


@pytest.mark.parametrize("seeds", [(0,), (0, 1, 2)])
def test_intervals_of_full_vb_are_over_seeds(seeds):
    """Student's of the mean over three; with one seed that of the points' standard error."""
    figure = weight_uncertainty.draw(*weight_tables(seeds))
    told = "one seed" if len(seeds) == 1 else "3 seeds"
    assert any(told in text.get_text() for text in figure.texts)
    (bars, *_) = [part for part in figure.axes[0].containers if part.has_yerr]
    (segment,) = bars[2][0].get_segments()
    # −1, −1.125 and −1.25: mean −1.125, standard deviation 1/8, t(2) = 4.303.
    low, high = segment[:, 1]
    wanted = (-1 - 1.96 * 0.2, -1 + 1.96 * 0.2)
    if len(seeds) == 3:
        wanted = (-1.125 - 4.3027 / 8 / 3**0.5, -1.125 + 4.3027 / 8 / 3**0.5)
    assert (low, high) == pytest.approx(wanted, abs=1e-3)


@pytest.mark.parametrize("name", DRAWN)
def test_figures_are_drawn_and_stay_on_the_page(name, tmp_path):
    """Each has its footer, and all text lies on the page; twice the same bytes."""
    figure = DRAWN[name]()
    assert_clear(figure)
    assert any("a note" in text.get_text() for text in figure.texts)
    pdf, png = style.save(figure, tmp_path / name)
    again, _ = style.save(DRAWN[name](), tmp_path / "again")
    assert pdf.read_bytes() == again.read_bytes() and png.stat().st_size > 5000


def read_comparison(path):
    return weight_uncertainty.read_comparison([path])


def read_pruning(path):
    return weight_uncertainty.read_pruning([path])


@pytest.mark.parametrize(
    "read, table, column, wrong",
    [
        (read_study, curves(), "split", "validation"),
        (read_selected, selected(), "hidden_units", "0"),
        (read_selected, selected(), "step_size", "nan"),
        (gradient_variance_table.read_variances, variances(), "estimator", "guess"),
        (kl_divergence.read_divergences, divergences(), "monte_carlo", "inf"),
        (
            lambda path: weight_uncertainty.read_comparison([path]),
            weight_tables()[0],
            "method",
            "?",
        ),
        (lambda path: weight_uncertainty.read_pruning([path]), weight_tables()[2], "pruned", "1.5"),
    ],
)
def test_damaged_tables_are_named(tmp_path, read, table, column, wrong):
    """What was written is read; a wrong cell is named with its line and column."""
    path = tmp_path / "table.csv"
    table.to_csv(path, index=False)
    assert len(read(path)) == len(table)
    table.astype({column: object}).assign(**{column: [wrong, *table[column][1:]]}).to_csv(
        path, index=False
    )
    with pytest.raises(DataError, match=f"line 2, column '{column}'") as caught:
        read(path)
    assert "\n" not in str(caught.value)
