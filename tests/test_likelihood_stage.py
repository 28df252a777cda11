"""The marginal likelihood along training on tiny images: rows, resuming, gates, command line."""

import json
import os
import shutil
import signal
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file, save_file
from scipy import stats

from aevb import data
from aevb.arrays import snapshot_arrays
from aevb.errors import ConfigError
from aevb.likelihood import harmonic, importance, quadrature
from aevb.likelihood.model import Model
from aevb.process.interruption import Interrupted
from aevb.settings import Experiment
from aevb.stages import along_training
from aevb.stages import weights as files
from aevb.stages.along_training import estimate_along_training, observations, parameters_of
from aevb.tables.likelihood_curves import COLUMNS, read_likelihoods
from aevb.tables.likelihood_curves import KEY as TABLE_KEY
from aevb.training import checkpoints
from aevb.training.assembly import architecture
from aevb.training.experiment import run_training
from command_line import assert_one_error, fetch, place_data, train
from tiny import DEFINITION, SETTINGS

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[1]
PAPER = {"method": "harmonic", "samples": 20, "burn_in": 10, "max_rhat": 1.5}
ESTIMATORS = {"paper": PAPER, "quadrature": {"method": "quadrature"}}
LABEL = "harmonic kernel, 20 (paper)"
POINTS = 10
SEEDS = (0, 3)
SNAPSHOTS = [20, 100_000, 200_000]
EXPERIMENT = replace(
    SETTINGS, n_train=100, snapshots=True, seeds=SEEDS, training_samples=SNAPSHOTS[-1]
)
KEY = ["split", "seed", "training_samples", "estimator"]


def images() -> data.Dataset:
    """Grey images of two kinds: 200 for training, 50 for testing."""
    rng = np.random.default_rng(0)
    slopes = np.stack([np.linspace(0, 255, 36), np.linspace(255, 0, 36)])

    def draw(n):
        chosen = slopes[rng.integers(0, 2, n)]
        return np.clip(chosen + rng.normal(0, 60, (n, 36)), 0, 255).astype(np.uint8)

    nothing = np.zeros((0, 36), np.uint8)
    return data.Dataset("tiny", "Tiny", (6, 6), draw(200), nothing, draw(50))


DATA = images()


@cache
def trained(algorithm: str = "aevb") -> tuple[Experiment, dict, dict]:
    """An experiment, its last parameters and its parameters along training."""
    experiment = EXPERIMENT.with_algorithm(algorithm)
    outcome = run_training(experiment, 0.05, DATA, checkpoint_folder=None, checkpoint_seconds=60)
    return experiment, outcome.parameters, outcome.snapshots


def estimate(folder=None, *, estimators=ESTIMATORS, points=POINTS, counts=SNAPSHOTS):
    """The tables of the trained network at the given sample counts."""
    experiment, _, snapshots = trained()
    chosen = {count: snapshots[count] for count in counts}
    return estimate_along_training(experiment, chosen, DATA, estimators, points, folder)


def assert_same(ours, theirs) -> None:
    """The same tables bit for bit, but for the time it took."""
    for one, other in zip(ours, theirs, strict=True):
        pd.testing.assert_frame_equal(
            one.drop(columns="seconds", errors="ignore"),
            other.drop(columns="seconds", errors="ignore"),
            check_exact=True,
        )


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory):
    """The tables of one unbroken run, and the folder in which it kept its estimates."""
    folder = tmp_path_factory.mktemp("unbroken")
    return *estimate(folder), folder


@pytest.fixture
def kept(unbroken, tmp_path) -> Path:
    """A copy of what the unbroken run kept."""
    return shutil.copytree(unbroken[2], tmp_path / "kept")


@pytest.fixture
def made(monkeypatch) -> list[int]:
    """At which sample counts the estimates of the paper's estimator were made, not read."""
    counts = []
    original = along_training._seed

    def seed(cell):
        counts.append(cell.samples)
        return original(cell)

    monkeypatch.setattr(along_training, "_seed", seed)
    return counts


# What the tables hold


def test_one_row_for_each_estimator_split_seed_and_snapshot(unbroken, tmp_path):
    """The rows and columns that the figure reads, sorted, with the labels of the run."""
    means, flagged, _ = unbroken
    assert sorted(means.columns) == sorted(COLUMNS)
    expected = pd.MultiIndex.from_product(
        [sorted(ESTIMATORS), ["test", "train"], SEEDS, SNAPSHOTS],
        names=["estimator", "split", "seed", "training_samples"],
    )
    assert means[list(expected.names)].to_records(index=False).tolist() == expected.tolist()
    labels = {"dataset": "Tiny", "n_train": 100, "latent_dim": 2, "algorithm": "AEVB"}
    for table in (means, flagged):
        for name, value in labels.items():
            assert (table[name] == value).all()
    assert (means["n_points"] == POINTS).all()
    assert (means["seconds"] > 0).all()
    assert (means["likelihood_evaluations"] > POINTS).all()
    paper = means["estimator"] == "paper"
    for name in ("acceptance", "rhat", "ess", "divergences"):
        assert np.isfinite(means.loc[paper, name]).all()
        assert means.loc[~paper, name].isna().all()
    path = tmp_path / "likelihood.csv"
    means.to_csv(path, index=False)
    expected = means[COLUMNS].sort_values(TABLE_KEY, ignore_index=True)
    pd.testing.assert_frame_equal(read_likelihoods([path]), expected, check_dtype=False)


def test_quadrature_is_that_of_a_direct_call(unbroken):
    """The mean and its standard error are those of the estimator called on these images."""
    means, _, _ = unbroken
    experiment, _, snapshots = trained()
    for split in ("train", "test"):
        x = (getattr(DATA, split)[:POINTS] / 255).astype(np.float32)
        network = architecture(experiment)
        parameters = parameters_of(network, snapshots[100_000], member=1)
        direct = quadrature.estimate(Model(network, parameters), x)
        row = means.set_index(KEY).loc[(split, SEEDS[1], 100_000, "quadrature")]
        np.testing.assert_allclose(row["marginal_log_likelihood"], direct.value.mean(), rtol=1e-6)
        error = np.sqrt((direct.standard_error**2).sum()) / POINTS
        np.testing.assert_allclose(row["standard_error"], error, rtol=1e-3)
        assert row["n_flagged"] == (~direct.passed).sum() == 0


def test_training_raises_the_likelihood(unbroken):
    """By several nats, of every seed and split, whichever the estimator."""
    curves = unbroken[0].pivot_table(
        index=["estimator", "split", "seed"],
        columns="training_samples",
        values="marginal_log_likelihood",
    )
    assert (curves[200_000] > curves[20] + 3).all()


def test_estimators_agree(unbroken):
    """Once trained, the paper's estimator is within two nats of quadrature.

    With ten samples to fit q and ten to average it is off by 1.1 nats at most, in the mean over 10
    points; a snapshot too early would be off by 3. All seeds are fixed.
    """
    values = unbroken[0].set_index(KEY)["marginal_log_likelihood"].unstack("estimator")
    late = values.drop(index=SNAPSHOTS[0], level="training_samples")
    assert (late["paper"] - late["quadrature"]).abs().max() < 2


def test_member_is_estimated_as_if_alone(unbroken):
    """The rows of one seed are bit for bit those of that seed's parameters without the others."""
    experiment, _, snapshots = trained()
    alone = estimate_along_training(
        replace(experiment, seeds=SEEDS[1:]),
        {count: {k: v[1:] for k, v in snapshots[count].items()} for count in SNAPSHOTS},
        DATA,
        ESTIMATORS,
        POINTS,
        None,
    )
    of_seed = [
        table[table["seed"] == SEEDS[1]].reset_index(drop=True).astype(table.dtypes)
        for table in unbroken[:2]
    ]
    assert_same(alone, of_seed)
    first = unbroken[0][unbroken[0]["seed"] == SEEDS[0]]
    assert not np.intersect1d(
        first["marginal_log_likelihood"], of_seed[0]["marginal_log_likelihood"]
    ).size


def test_flagged_points_are_listed_and_counted():
    """With a gate that nearly no chain passes, each point that fails is in the table of flagged
    points, is counted, and is left out of the mean over those that passed."""
    strict = {"paper": PAPER | {"max_rhat": 1.02}, "quadrature": ESTIMATORS["quadrature"]}
    means, flagged = estimate(estimators=strict)
    assert set(flagged["estimator"]) == {"paper"}
    assert (flagged["rhat"] > 1.02).all()
    paper = means[means["estimator"] == "paper"].set_index(KEY[:3])
    counts = flagged.groupby(KEY[:3]).size().reindex(paper.index, fill_value=0)
    assert (paper["n_flagged"] == counts).all()
    assert 0 < counts.sum() < POINTS * len(paper)
    for key, row in paper.iterrows():
        values = flagged.set_index([*KEY[:3], "point"])["log_likelihood"]
        failed = values.loc[key] if counts[key] else values.iloc[:0]
        assert failed.index.is_unique
        assert failed.index.isin(range(POINTS)).all()
        total = row["marginal_log_likelihood"] * POINTS
        if counts[key] == POINTS:
            assert np.isnan(row["marginal_log_likelihood_passed"])
            np.testing.assert_allclose(failed.sum(), total)
        else:
            passed = row["marginal_log_likelihood_passed"] * (POINTS - counts[key])
            np.testing.assert_allclose(passed + failed.sum(), total)
    assert (means.loc[means["estimator"] == "quadrature", "n_flagged"] == 0).all()


def test_all_points_flagged(monkeypatch):
    """Where no chain passes every point is flagged and no mean over the others is left; the mean
    over all is that of the lenient gate."""
    original = harmonic.estimate_with_chains

    def refused(*arguments):
        found, chains = original(*arguments)
        return found._replace(passed=np.zeros_like(found.passed)), chains

    with monkeypatch.context() as patch:
        patch.setattr(harmonic, "estimate_with_chains", refused)
        means, flagged = estimate(estimators={"paper": PAPER}, counts=SNAPSHOTS[:1])
    assert (means["n_flagged"] == POINTS).all()
    assert means["marginal_log_likelihood_passed"].isna().all()
    assert len(flagged) == POINTS * len(means)
    lenient, _ = estimate(estimators={"paper": PAPER}, counts=SNAPSHOTS[:1])
    name = "marginal_log_likelihood"
    np.testing.assert_array_equal(means[name], lenient[name])


def test_point_without_a_value_is_flagged_and_left_out(monkeypatch):
    """Where an estimator finds no value the mean is that of the other points, and the point is
    flagged."""
    only = {"quadrature": ESTIMATORS["quadrature"]}
    full, _ = estimate(estimators=only, counts=SNAPSHOTS[-1:])
    original, first = quadrature.estimate, []

    def failing(*arguments):
        found = original(*arguments)
        value, passed = found.value.copy(), found.passed.copy()
        first.append(value[0])
        value[0], passed[0] = np.nan, False
        return found._replace(value=value, passed=passed)

    monkeypatch.setattr(quadrature, "estimate", failing)
    means, flagged = estimate(estimators=only, counts=SNAPSHOTS[-1:])
    assert (means["n_flagged"] == 1).all()
    assert (flagged["point"] == 0).all()
    assert len(flagged) == len(means) == len(first)
    name, order = "marginal_log_likelihood", ["split", "seed"]
    sums = POINTS * full.sort_values(order)[name].to_numpy()
    left = means.sort_values(order)[name].to_numpy() * (POINTS - 1)
    np.testing.assert_allclose(np.sort(sums - left), np.sort(first), rtol=1e-6)
    np.testing.assert_allclose(means[name], means[f"{name}_passed"])


def test_more_points_than_images():
    """A split with fewer images than asked for gives all it has, and says how many."""
    only = {"quadrature": {"method": "quadrature"}}
    means, _ = estimate(estimators=only, points=1000, counts=SNAPSHOTS[-1:])
    assert dict(zip(means["split"], means["n_points"], strict=True)) == {"train": 100, "test": 50}


def test_dynamic_binarisation_gives_zeros_and_ones():
    """Every pixel is 0 or 1, the same at every call, and 1 as often as its grey value says.

    The grey values' mean is met within 0.05 by 3600 pixels, of a fixed seed: 6 standard errors.
    """
    binary = replace(EXPERIMENT, binarisation="dynamic")
    first, second = (observations(binary, DATA, 100) for _ in range(2))
    for split, x in first.items():
        assert set(np.unique(x)) == {0.0, 1.0}
        np.testing.assert_array_equal(x, second[split])
        grey = getattr(DATA, split)[:100].mean() / 255
        assert float(np.mean(x)) == pytest.approx(grey, abs=0.05)


def test_encoder_is_needed_for_importance_sampling_alone():
    """Monte Carlo EM trains no encoder: importance sampling is left out of its table, and is an
    error when nothing else is left; AEVB has its rows."""
    estimators = {"is": {"method": "importance", "samples": 30}, **ESTIMATORS}
    experiment, _, snapshots = trained("mcem")
    last = {max(snapshots): snapshots[max(snapshots)]}
    means, _ = estimate_along_training(experiment, last, DATA, estimators, POINTS, None)
    assert set(means["estimator"]) == {"paper", "quadrature"}
    assert set(means["algorithm"]) == {"MCEM"}
    only = {"is": estimators["is"]}
    with pytest.raises(ConfigError, match="no estimator is left: importance needs an encoder"):
        estimate_along_training(experiment, last, DATA, only, POINTS, None)
    means, _ = estimate(estimators=only, counts=SNAPSHOTS[-1:])
    assert set(means["estimator"]) == {"is"}
    assert np.isfinite(means["marginal_log_likelihood"]).all()


@pytest.mark.statistical
def test_likelihood_is_above_the_bound():
    """Of ten test images under a trained network: the mean of importance sampling with k = 1, which
    is the lower bound, is below quadrature's log p(x), and k = 20 lies between.

    One-sided z-tests on 2000 draws an image; each fails falsely with probability 1e-6 at most. The
    negative control, a log p(x) that is lower by what it exceeds the bound and 0.1 nats, is found.
    """
    experiment, weights, _ = trained()
    network = architecture(experiment)
    model = Model(network, parameters_of(network, weights, member=0))
    x = observations(experiment, DATA, POINTS)["test"].numpy()
    exact = quadrature.estimate(model, x).value
    repeated = np.repeat(x, 2000, axis=0)

    def excess(k):
        """How far log p(x) is above the estimate's mean, and what to allow for its noise."""
        value = importance.estimate(model, repeated, importance.Budget(samples=k), seed=1).value
        errors = (exact[:, np.newaxis] - value.reshape(POINTS, -1)).mean(axis=0)
        allowed = stats.norm.isf(1e-6) * errors.std(ddof=1) / np.sqrt(len(errors))
        return errors.mean(), allowed

    (one, allowed_one), (many, allowed_many) = excess(1), excess(20)
    assert one > -allowed_one
    assert many > -allowed_many
    assert one - many > -allowed_one - allowed_many
    assert one - (one + 0.1) < -allowed_one, "the test finds 0.1 nats"


# Resuming


def stop_after(monkeypatch, snapshots: int) -> None:
    """Send this process SIGTERM once so many snapshots have been estimated."""
    lines = []

    def info(text):
        lines.append(text)
        if len([line for line in lines if "likelihoods at" in line]) == snapshots:
            os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(along_training.LOGGER, "info", info)


@pytest.mark.parametrize("snapshots", [1, 2])
def test_stopped_and_resumed_equals_unbroken(unbroken, tmp_path, monkeypatch, made, snapshots):
    """Stopped by SIGTERM after a snapshot, the same call goes on from there to the same numbers:
    the chains, too, go on where they were."""
    with monkeypatch.context() as patch:
        stop_after(patch, snapshots)
        with pytest.raises(Interrupted, match=f"after {snapshots} of 3 snapshots") as caught:
            estimate(tmp_path)
    assert caught.value.signal_number == signal.SIGTERM
    found = sorted(int(path.stem) for path in tmp_path.glob("*.safetensors"))
    assert found == SNAPSHOTS[:snapshots]
    made.clear()
    assert_same(estimate(tmp_path), unbroken[:2])
    assert set(made) == set(SNAPSHOTS[snapshots:])


def test_chains_go_on_from_one_snapshot_to_the_next(unbroken):
    """Of the estimates at a later snapshot those of the chains alone depend on the earlier ones."""
    alone, _ = estimate(counts=SNAPSHOTS[1:2])
    name = "marginal_log_likelihood"
    rows = (
        alone.set_index(KEY)[name],
        unbroken[0].set_index(KEY)[name].reindex(pd.MultiIndex.from_frame(alone[KEY])),
    )
    differs = pd.Series(rows[0].to_numpy() != rows[1].to_numpy(), alone["estimator"])
    assert differs["paper"].all()
    assert not differs["quadrature"].any()


def test_finished_stage_is_read_from_its_folder(unbroken, kept, made):
    """The same call after the end estimates nothing and gives the same tables, times included."""
    means, flagged = estimate(kept)
    assert made == []
    for one, other in zip((means, flagged), unbroken[:2], strict=True):
        pd.testing.assert_frame_equal(one, other, check_exact=True)


@pytest.mark.parametrize("before", [[20, 100_000], [20]])
def test_raised_budget_reuses_what_is_finished(unbroken, tmp_path, made, before):
    """More snapshots of a longer training go on from those that are estimated already, and give
    what an unbroken run gives."""
    estimate(tmp_path, counts=before)
    made.clear()
    assert_same(estimate(tmp_path), unbroken[:2])
    assert set(made) == set(SNAPSHOTS) - set(before)


def test_end_of_a_smaller_budget_does_not_disturb_a_larger_one(unbroken, tmp_path, made):
    """The estimates at a budget's end that is no snapshot of the larger one are passed over."""
    experiment, _, snapshots = trained()
    shorter = {20: snapshots[20], 50_000: snapshots[200_000]}
    estimate_along_training(experiment, shorter, DATA, ESTIMATORS, POINTS, tmp_path)
    made.clear()
    assert_same(estimate(tmp_path), unbroken[:2])
    assert set(made) == {100_000, 200_000}


@pytest.mark.parametrize("changed", ["estimators", "data", "weights"])
def test_kept_estimates_of_anything_else_are_refused(kept, made, caplog, changed):
    """Estimates that were made with other settings, images or weights are named in the log and made
    again; of other weights, from the snapshot on in which they differ."""
    experiment, _, snapshots = trained()
    arguments = [experiment, dict(snapshots), DATA, ESTIMATORS, POINTS]
    if changed == "estimators":
        arguments[3] = ESTIMATORS | {"paper": PAPER | {"max_rhat": 1.4}}
    if changed == "data":
        test = DATA.test.copy()
        test[0, 0] ^= 1
        arguments[2] = DATA._replace(test=test)
    if changed == "weights":
        bias = {"decoder/output_bias": snapshots[100_000]["decoder/output_bias"] + np.float32(0.01)}
        arguments[1][100_000] = snapshots[100_000] | bias
    expected = SNAPSHOTS[1:] if changed == "weights" else SNAPSHOTS
    with caplog.at_level("INFO", "aevb"):
        again = estimate_along_training(*arguments, kept)
    assert sorted(set(made)) == expected
    refused = [line for line in caplog.messages if "checkpoint refused" in line]
    assert len(refused) == len(expected)
    assert all("belongs to other settings" in line for line in refused)
    assert_same(estimate_along_training(*arguments, kept), again)


def test_other_points_are_estimated_anew(tmp_path, made):
    """Another number of points is another estimate, though the images are the first ones still."""
    only = {"quadrature": ESTIMATORS["quadrature"]}
    estimate(tmp_path, estimators=only, counts=SNAPSHOTS[-1:])
    made.clear()
    means, _ = estimate(tmp_path, estimators=only, counts=SNAPSHOTS[-1:], points=POINTS - 1)
    assert set(made) == {SNAPSHOTS[-1]}
    assert (means["n_points"] == POINTS - 1).all()


@pytest.mark.parametrize("damage", [lambda content: content[:-9], lambda content: b""])
def test_damaged_estimates_are_made_again(unbroken, kept, made, caplog, damage):
    """A damaged file is named in the log, and its snapshot alone is estimated again."""
    path = kept / f"{100_000:012d}.safetensors"
    path.write_bytes(damage(path.read_bytes()))
    with caplog.at_level("INFO", "aevb"):
        assert_same(estimate(kept), unbroken[:2])
    (line,) = [line for line in caplog.messages if "refused" in line]
    assert str(path) in line
    assert "damaged" in line
    assert set(made) == {100_000}


# Refusals


@pytest.mark.parametrize(
    ("estimators", "latent_dim", "wanted"),
    [
        ({"q": {"method": "quadrature"}}, 4, "at most 3 latent dimensions"),
        ({"q": {"method": "guess"}}, 2, "q: method: 'guess' is unknown; allowed: harmonic, imp"),
        ({"q": {}}, 2, "q: 'method' is required"),
        ({"q": {"method": "importance", "chains": 3}}, 2, "q: unknown key 'chains'; allowed: samp"),
    ],
)
def test_impossible_estimators(tmp_path, estimators, latent_dim, wanted):
    """An estimator that cannot be is refused in one line before anything is estimated."""
    experiment = replace(EXPERIMENT, latent_dim=latent_dim)
    with pytest.raises(ConfigError, match=wanted) as caught:
        estimate_along_training(experiment, {}, DATA, estimators, POINTS, tmp_path)
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


# The command line


def likelihood(folder: Path, **changes) -> list:
    options = {
        "record": folder / "record.json",
        "estimators": json.dumps(ESTIMATORS),
        "points": 3,
        "output": folder / "likelihood.csv",
        "flagged": folder / "flagged.csv",
        "checkpoint-dir": folder / "likelihood",
    } | changes
    words = [word for key, value in options.items() for word in (f"--{key}", value)]
    return ["likelihood", folder / "snapshots.safetensors", *words]


def compare(folder: Path, **changes) -> list:
    options = {
        "record": folder / "record.json",
        "estimators": json.dumps(ESTIMATORS),
        "points": 3,
        "output": folder / "estimators.csv",
    } | changes
    return ["compare-estimators", *(w for k, v in options.items() for w in (f"--{k}", v))]


def test_stages_from_the_command_line(run, tmp_path):
    """Fetch, train with snapshots, estimate, compare, draw and tabulate, each by its command."""
    place_data(tmp_path)
    assert fetch(run, tmp_path)[0] == 0
    (tmp_path / "step_size.csv").write_text("step_size,selected\n0.05,True\n")
    wanted = replace(EXPERIMENT, n_train=9, seeds=(0,), training_samples=4000)
    settings, snapshots = wanted.to_json(), tmp_path / "snapshots.safetensors"

    def go(*words):
        code, _, text = run(*words)
        assert code == 0, text
        return text

    text = go(*train(tmp_path, settings=settings, snapshots=snapshots))
    assert "bound" in text
    names = {name.split("/")[1] for name in load_file(snapshots)}
    assert names == {"20", "4000"}

    go(*likelihood(tmp_path))
    means = pd.read_csv(tmp_path / "likelihood.csv")
    assert len(means) == 2 * 2 * 2
    assert set(means["training_samples"]) == {20, 4000}
    assert (tmp_path / "flagged.csv").exists()
    assert len(list((tmp_path / "likelihood").glob("*.safetensors"))) == 2

    estimators = {"is": {"method": "importance", "samples": 30}} | ESTIMATORS
    options = {"estimators": json.dumps(estimators)}
    network, ppca = tmp_path / "network.csv", tmp_path / "ppca.csv"
    go(*compare(tmp_path, weights=tmp_path / "weights.safetensors", output=network, **options))
    assert pd.read_csv(network)["estimator"].tolist() == ["importance, 30", LABEL]
    options = {"estimators": json.dumps({name: estimators[name] for name in ("is", "quadrature")})}
    options |= {"settings": settings, "latent-dim": 2, "output": ppca}
    go(*compare(tmp_path, **options))
    assert pd.read_csv(ppca)["estimator"].tolist() == ["importance, 30", "quadrature"]

    paper = ROOT / "resources/paper/fig3_marginal_likelihood.csv"
    drawn = tmp_path / "figures" / "fig3"
    go("figure", "fig3", tmp_path / "likelihood.csv", "--output", drawn, "--paper", paper)
    go(
        "figure",
        "estimators",
        "--page",
        tmp_path / "page.html",
        network,
        ppca,
        "--output",
        tmp_path / "figures" / "estimators",
    )
    for name in ("fig3", "estimators"):
        for suffix in ("pdf", "png", "csv"):
            assert (tmp_path / "figures" / f"{name}.{suffix}").stat().st_size > 100
    words = ["--output", tmp_path / "distance.csv", "--orders", tmp_path / "orders.csv"]
    go("table", "fig3-distance", tmp_path / "likelihood.csv", *words, "--paper", paper)
    for name in ("distance.csv", "orders.csv"):
        assert "training_samples" in (tmp_path / name).read_text()


@pytest.fixture(scope="module")
def stored(tmp_path_factory) -> Path:
    """A folder with the record of a data set, a snapshots file and a weights file."""
    folder = tmp_path_factory.mktemp("stored")
    np.savez(folder / "tiny.npz", train=DATA.train, test=DATA.test)
    record = data.fetch("tiny", DEFINITION, folder / "cache", folder, lambda line: None)
    (folder / "record.json").write_text(json.dumps(record))
    experiment, weights, snapshots = trained()
    files.write(folder / "snapshots.safetensors", snapshot_arrays(snapshots), experiment)
    files.write(folder / "weights.safetensors", weights, experiment)
    return folder


def missing(path):
    path.unlink()


def truncated(path):
    path.write_bytes(path.read_bytes()[:-5])


def other_format(path):
    path.write_text("no weights at all")


def without_metadata(path):
    save_file(load_file(path), path)


def with_other_metadata(path):
    arrays = load_file(path)
    save_file(arrays, path, {"experiment": "{}", "checksum": checkpoints.checksum(arrays)})


def with_a_flipped_bit(path):
    content = bytearray(path.read_bytes())
    content[-100] ^= 1
    path.write_bytes(content)


def empty_of_arrays(path):
    files.write(path, {}, EXPERIMENT)


def in_four_dimensions(path):
    files.write(path, load_file(path), replace(EXPERIMENT, latent_dim=4))


FILES = {
    missing: ["safetensors: there is no such file", "train first"],
    truncated: ["safetensors: no weights can be read", "train again"],
    other_format: ["safetensors: no weights can be read"],
    without_metadata: ["safetensors: not written by `aevb train`"],
    with_other_metadata: ["the settings are not an experiment"],
    with_a_flipped_bit: ["safetensors: damaged", "train again"],
    empty_of_arrays: ["safetensors: holds nothing under"],
    in_four_dimensions: ["quadrature", "at most 3 latent dimensions"],
}


@pytest.mark.parametrize("command", ["likelihood", "compare-estimators"])
@pytest.mark.parametrize("damage", FILES)
def test_unusable_weights(run, stored, tmp_path, command, damage):
    """A file of weights that cannot be used ends with one line and exit code 1, and no table."""
    folder = shutil.copytree(stored, tmp_path / "stage")
    name = "snapshots" if command == "likelihood" else "weights"
    path = folder / f"{name}.safetensors"
    damage(path)
    words = likelihood(folder) if command == "likelihood" else compare(folder, weights=path)
    assert_one_error(run(*words), *FILES[damage])
    assert not list(folder.glob("*.csv"))


def test_file_of_the_other_kind(run, stored, tmp_path):
    """Weights in place of snapshots, or snapshots in place of weights, are refused in one line."""
    folder = shutil.copytree(stored, tmp_path / "stage")
    words = compare(folder, weights=folder / "snapshots.safetensors")
    assert_one_error(run(*words), "snapshots.safetensors: holds nothing under decoder/")
    shutil.copy(folder / "weights.safetensors", folder / "snapshots.safetensors")
    assert_one_error(run(*likelihood(folder)), "snapshots.safetensors: holds nothing under")


@pytest.mark.parametrize("command", [likelihood, compare])
@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("{", "--estimators is not JSON"),
        ("[]", "--estimators holds no estimators"),
        ("{}", "--estimators holds no estimators"),
        ("3", "--estimators holds no estimators"),
        ('{"a": 3}', "--estimators: 'a' is not a name and a table of settings"),
        ('{"a/b": {}}', "--estimators: 'a/b' is not a name and a table of settings"),
        ('{"a": {"method": "guess"}}', "a: method: 'guess' is unknown; allowed: harmonic, imp"),
        ('{"a": {"method": "ais", "samples": 3}}', "a: unknown key 'samples'; allowed: chains"),
    ],
)
def test_unusable_estimators(run, stored, tmp_path, command, text, wanted):
    """Settings of estimators that cannot be end with one line and exit code 1."""
    options = {"estimators": text, "output": tmp_path / "table.csv"}
    if command is compare:
        options["weights"] = stored / "weights.safetensors"
    else:
        options["checkpoint-dir"] = tmp_path / "kept"
    assert_one_error(run(*command(stored, **options)), wanted)
    assert not list(tmp_path.iterdir())


def test_comparison_of_nothing(run, stored, tmp_path):
    """Neither weights nor a data set for PPCA, or a single estimator that does not apply."""
    options = {"output": tmp_path / "table.csv"}
    assert_one_error(run(*compare(stored, **options)), "give --weights or --settings")
    options["estimators"] = json.dumps({"q": {"method": "quadrature"}})
    options["weights"] = stored / "weights.safetensors"
    assert_one_error(run(*compare(stored, **options)), "none of the estimators applies")


@pytest.mark.parametrize("points", ["0", "-1", "many"])
def test_points_that_are_no_count(run, stored, points):
    """A number of points below 1 is a usage error, exit code 2, without a traceback."""
    code, _, text = run(*likelihood(stored, points=points))
    assert code == 2
    assert "Traceback" not in text
