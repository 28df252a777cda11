"""The commands that use trained models: their files hold what the package computes; bad inputs."""

import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest

from aevb.applications import anomaly, inpainting, measures, restoration
from aevb.applications.inference import Budget
from aevb.applications.observations import BitFlips, BlockMeans, GaussianNoise, VisiblePixels
from aevb.figures.anomaly import read_scores
from aevb.figures.latent_usage import read_usage
from aevb.figures.projection import read_projection
from aevb.likelihood import ais
from aevb.likelihood.estimate import Estimate
from aevb.pictures import read_pictures
from aevb.stages import generation
from aevb.stages.encoding import encode
from aevb.stages.trained import Trained, read_trained
from aevb.tables.measurements import read_measurements
from command_line import assert_one_error, fetch, place_data, write_weights
from tiny import DEFINITION

pytestmark = pytest.mark.long

HMC = {"samples": 4, "chains": 2, "burn_in": 4, "annealing": 2}
AIS = {"chains": 2, "steps": 16, "segments": 4, "tuning_steps": 8, "tuning_chains": 2}
BUDGET, ANNEALING = Budget(**HMC), ais.Budget(**AIS)
SHORT = ["--hmc", json.dumps(HMC)]
ANNEALED = ["--ais", json.dumps(AIS)]
OLD = b"an old file"


class Place(NamedTuple):
    """A folder with the tiny data set, fetched, and with weights of a 2-D model of it."""

    folder: Path
    record: Path
    weights: Path
    trained: Trained
    train: np.ndarray
    test: np.ndarray
    """Pixels in [0, 1], [n, 36]."""

    def images(self, values: np.ndarray, name="own.npy") -> Path:
        np.save(self.folder / name, values)
        return self.folder / name


@pytest.fixture
def place(run, tmp_path) -> Place:
    place_data(tmp_path)
    assert fetch(run, tmp_path)[0] == 0
    path = write_weights(tmp_path / "weights.safetensors")
    with np.load(tmp_path / "local" / "tiny.npz") as archive:
        pixels = {name: archive[name].astype(np.float32) / np.float32(255) for name in archive}
    record = tmp_path / "record.json"
    return Place(tmp_path, record, path, read_trained(path), pixels["train"], pixels["test"])


def succeed(outcome) -> None:
    code, _, text = outcome
    assert code == 0, text
    assert "error" not in text


def arrays(path: Path) -> dict[str, np.ndarray]:
    with np.load(path) as archive:
        return {name: archive[name] for name in archive.files}


def assert_pictures(path: Path, name: str, wanted: np.ndarray) -> None:
    """Pictures are as wanted within the rounding of half precision, of values up to 2."""
    found = read_pictures(path).images[name]
    assert found.shape == wanted.shape
    np.testing.assert_allclose(found, wanted, rtol=2.0**-11, atol=2.0**-24)


# Manifolds, samples, projections.


def test_manifold(run, place):
    """Pictures and places are the decoder's means at the prior's quantiles, model by model."""
    brightness = DEFINITION | {"label": "Bright", "observation": "gaussian"}
    other = write_weights(place.folder / "other", definition=brightness)
    words = ["--rows", 5, "--rows", 3, "--output", "m.npz", "--table", "m.csv"]
    succeed(run("manifold", place.weights, other, *words))
    assert read_pictures(Path("m.npz")).ink == {"Tiny"}
    table = pd.read_csv("m.csv")
    for label, rows, path in (("Tiny", 5, place.weights), ("Bright", 3, other)):
        z = generation.manifold_grid(rows)
        means = generation.decode(read_trained(path).model, z)
        assert np.ptp(means, axis=0).max() > 0.2
        assert_pictures(Path("m.npz"), label, means.reshape(rows, rows, 6, 6))
        places = table[table["dataset"] == label]
        np.testing.assert_allclose(places[["z1", "z2"]], z, atol=1e-6)
        np.testing.assert_allclose(places["mean_pixel"], means.mean(axis=1), atol=1e-6)
        assert (places["row"] * rows + places["column"]).tolist() == list(range(rows**2))


def test_sample(run, place):
    """Pictures are the decoder's means at draws from the prior, which the seed decides."""
    wide = write_weights(place.folder / "wide", latent_dim=3)
    words = [place.weights, wide, "--rows", 3, "--table", "s.csv"]
    succeed(run("sample", *words, "--seed", 5, "--output", "s.npz"))
    table = pd.read_csv("s.csv")
    for dim, path in ((2, place.weights), (3, wide)):
        z = generation.prior_samples(dim, 9, 5)
        means = generation.decode(read_trained(path).model, z)
        assert_pictures(Path("s.npz"), f"Tiny/{dim}", means.reshape(3, 3, 6, 6))
        rows = table[table["latent_dim"] == dim]
        np.testing.assert_allclose(rows["squared_norm"], (z.astype(float) ** 2).sum(1), atol=1e-6)
        assert set(rows["seed"]) == {5}
    succeed(run("sample", *words, "--seed", 6, "--output", "other.npz"))
    one, other = (read_pictures(Path(name)).images["Tiny/2"] for name in ("s.npz", "other.npz"))
    assert np.abs(one - other).max() > 0.01


def test_project(run, place):
    """Without labels all images are projected in their file's order; usage is of the test set."""
    wide = write_weights(place.folder / "wide", latent_dim=3)
    words = ["--record", place.record, "--projection", "p.csv", "--usage", "u.csv"]
    succeed(run("project", wide, place.weights, *words))
    projection = read_projection(Path("p.csv"))
    assert projection["image"].tolist() == list(range(13))
    assert projection["split"].tolist() == ["train"] * 9 + ["test"] * 4
    assert projection["label"].isna().all()
    means = encode(place.trained.model, np.concatenate([place.train, place.test])).mean
    assert np.ptp(means, axis=0).min() > 0.05
    np.testing.assert_allclose(projection[["z1", "z2"]], means, atol=1.5e-5)

    usage = read_usage(Path("u.csv"))
    for dim, path in ((2, place.weights), (3, wide)):
        encoding = encode(read_trained(path).model, place.test)
        rows = usage[usage["latent_dim"] == dim].set_index("dimension").sort_index()
        np.testing.assert_allclose(rows["kl"], encoding.kl.mean(axis=0), rtol=1e-5)
        np.testing.assert_allclose(rows["mean_variance"], encoding.mean.var(axis=0), rtol=1e-4)
        assert rows["active"].tolist() == (rows["mean_variance"] > 0.01).tolist()
        assert (rows.sort_values("rank")["kl"].diff().dropna() <= 0).all()


def test_project_needs_a_2d_model(run, place):
    """Without a 2-D model there is nothing to project into, and nothing is written."""
    wide = write_weights(place.folder / "wide", latent_dim=3)
    words = ["--record", place.record, "--projection", "p.csv", "--usage", "u.csv"]
    assert_one_error(run("project", wide, *words), "none of the models has a 2-D", lines=None)
    assert not Path("p.csv").exists() and not Path("u.csv").exists()


# A person's own images.


@pytest.mark.parametrize("form", ["bytes", "reals", "single"])
def test_represent(run, place, form):
    """Means, deviations and KL are the encoder's, of bytes, of real pixels and of one image."""
    x = place.test[:1] if form == "single" else place.test
    values = {"bytes": np.rint(x * 255).astype(np.uint8), "reals": x, "single": x[0].reshape(6, 6)}
    path = place.images(values[form])
    succeed(run("apply", "represent", path, "--weights", place.weights, "--output", "r.npz"))
    found, wanted = arrays(Path("r.npz")), encode(place.trained.model, x)
    assert set(found) == {"mean", "standard_deviation", "kl"}
    for name, values in found.items():
        np.testing.assert_allclose(values, getattr(wanted, name), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("option", "channel"), [("--noise", GaussianNoise(0.3)), ("--bit-flips", BitFlips(0.1))]
)
def test_denoise(run, place, option, channel):
    """Clean images are those of encoder and HMC with the channel; noisy pixels may leave [0, 1]."""
    y = channel.observe(place.test, np.random.default_rng(0))
    assert (y.max() > 1) == (option == "--noise")
    value = {"--noise": 0.3, "--bit-flips": 0.1}[option]
    path = place.images(y.reshape(4, 6, 6))
    words = ["--weights", place.weights, "--output", "d.npz", option, value, "--seed", 0, *SHORT]
    succeed(run("apply", "denoise", path, *words))
    found, wanted = arrays(Path("d.npz")), restoration.restore(place.trained, channel, y, BUDGET)
    assert set(found) == {"encoder", "hmc", "rhat"}
    for name, values in found.items():
        expected = getattr(wanted, name)
        shape = (4,) if name == "rhat" else (4, 6, 6)
        np.testing.assert_allclose(values, expected.reshape(shape), rtol=1e-5)
    assert np.abs(found["encoder"] - found["hmc"]).max() > 1e-3


def test_super_resolve(run, place):
    """Images come at full size from block means, as encoder and HMC have them."""
    blocks = BlockMeans((6, 6), 3)
    y = blocks.observe(place.test)
    path = place.images(y.reshape(4, 2, 2))
    words = ["--weights", place.weights, "--output", "s.npz", "--factor", 3, *SHORT]
    succeed(run("apply", "super-resolve", path, *words))
    found, wanted = arrays(Path("s.npz")), restoration.restore(place.trained, blocks, y, BUDGET)
    for name in ("encoder", "hmc"):
        assert found[name].shape == (4, 6, 6)
        np.testing.assert_allclose(found[name], getattr(wanted, name).reshape(4, 6, 6), rtol=1e-5)


def test_inpaint(run, place):
    """Seen pixels stay as they are; missing ones are the decoder's at draws given the others."""
    seen = np.zeros((6, 6), bool)
    seen[:3] = True
    path = place.images(place.test.reshape(4, 6, 6))
    words = ["apply", "inpaint", path, "--weights", place.weights, "--output", "i.npz", *SHORT]
    succeed(run(*words, "--mask", place.images(seen, "mask.npy")))
    found = arrays(Path("i.npz"))
    # The upper half is what is seen without a mask.
    succeed(run(*words))
    for name, values in arrays(Path("i.npz")).items():
        np.testing.assert_array_equal(values, found[name])
    assert {name: values.shape for name, values in found.items()} == {
        "encoder": (4, 6, 6),
        "hmc": (4, 6, 6),
        "completions": (2, 4, 6, 6),
        "rhat": (4,),
    }
    truth = place.test.reshape(4, 6, 6)
    for name in ("encoder", "hmc", "completions"):
        shown = np.broadcast_to(truth, found[name].shape)
        np.testing.assert_array_equal(found[name][..., seen], shown[..., seen])
        assert (np.abs(found[name] - shown)[..., ~seen] > 0).all()

    visible = VisiblePixels(tuple(np.flatnonzero(seen).tolist()))
    middle = np.full(36, 0.5, np.float32)
    y = visible.observe(place.test)
    draws = inpainting.complete(place.trained, visible, y, middle, BUDGET)
    decoded = generation.decode(place.trained.model, draws.hmc)
    decoded = decoded.reshape(4, 2, 4, 6, 6)
    np.testing.assert_allclose(found["completions"][..., ~seen], decoded[-1][..., ~seen], rtol=1e-5)
    mean = decoded.mean(axis=(0, 1))
    np.testing.assert_allclose(found["hmc"][..., ~seen], mean[..., ~seen], rtol=1e-5)
    swept = generation.decode(place.trained.model, draws.encoder).mean(axis=(0, 1))
    swept = swept.reshape(4, 6, 6)
    np.testing.assert_allclose(found["encoder"][..., ~seen], swept[..., ~seen], rtol=1e-5)
    np.testing.assert_allclose(found["rhat"], draws.rhat, rtol=1e-5)


def test_rank(run, place):
    """The least likely image comes first, by the bound or, where it is asked for, by log p(x)."""
    path = place.images(place.test)
    words = ["apply", "rank", path, "--weights", place.weights, "--output", "r.csv"]
    wanted = anomaly.scores(place.trained, place.test, ANNEALING)
    succeed(run(*words))
    quick = pd.read_csv("r.csv")
    assert quick.columns.tolist() == ["rank", "image", "lower_bound"]
    succeed(run(*words, *ANNEALED))
    exact = pd.read_csv("r.csv")
    assert exact.columns.tolist() == ["rank", "image", "lower_bound", "log_likelihood"]
    for table, method in ((quick, anomaly.BOUND), (exact, anomaly.ANNEALED)):
        assert table["rank"].tolist() == [1, 2, 3, 4]
        assert table["image"].tolist() == np.argsort(wanted[method]).tolist()
    for column, method in (("lower_bound", anomaly.BOUND), ("log_likelihood", anomaly.ANNEALED)):
        np.testing.assert_allclose(exact[column], wanted[method][exact["image"]], atol=1e-3)
    assert exact["log_likelihood"].nunique() == 4


# Measured on the test set.


def evaluate(run, place, name: str, *words) -> tuple[pd.DataFrame, Path]:
    """The table of an evaluation of all four test images, read and checked, and its pictures."""
    given = [place.weights, "--record", place.record, "--output", "e", "--points", 4]
    if name == "anomaly":
        given[:1] = ["--weights", place.weights]
    succeed(run("evaluate", name, *given, "--shown", 3, *words))
    table = read_measurements([Path("e.csv")])
    assert set(table["application"]) == {name} and set(table["latent_dim"]) == {2}
    return table, Path("e.npz")


def test_evaluate_denoising(run, place):
    """Errors are root mean squares against the truth, of what is drawn; both kinds of noise."""
    table, pictures = evaluate(run, place, "denoising", *SHORT)
    errors = table[table["quantity"] == "rmse"].set_index(["condition", "method"])["value"]
    channels = {
        "Gaussian noise, sd 0.3": GaussianNoise(0.3),
        "10 % of bits flipped": BitFlips(0.1),
    }
    assert set(errors.index.get_level_values(0)) == set(channels)
    for i, (condition, channel) in enumerate(channels.items()):
        y = channel.observe(place.test, np.random.default_rng(i))
        restored = restoration.restore(place.trained, channel, y, BUDGET, seed=i)
        for method, images in (
            ("as observed", y),
            ("encoder", restored.encoder),
            ("HMC", restored.hmc),
        ):
            error = np.sqrt(((images - place.test).astype(float) ** 2).mean(axis=1)).mean()
            assert errors[condition, method] == pytest.approx(error, rel=1e-4)
            assert_pictures(pictures, f"Tiny/{condition}/{method}", images[:3].reshape(3, 6, 6))
        assert_pictures(pictures, f"Tiny/{condition}/truth", place.test[:3].reshape(3, 6, 6))
        mixed = table[(table["condition"] == condition) & table["quantity"].str.contains("R-hat")]
        assert mixed["value"].tolist() == [np.mean(restored.rhat < 1.1)]
    assert set(table["n_images"]) == {4}


def test_evaluate_super_resolution(run, place):
    """The nearest pixel's error is that of block means repeated; every method has its picture."""
    table, pictures = evaluate(run, place, "super-resolution", "--factor", 3, *SHORT)
    errors = table[table["quantity"] == "rmse"].set_index("method")["value"]
    assert set(table["condition"]) == {"2 × 2 block means"}
    truth = place.test.reshape(4, 6, 6)
    means = truth.reshape(4, 2, 3, 2, 3).mean(axis=(2, 4))
    nearest = means.repeat(3, axis=1).repeat(3, axis=2)
    error = np.sqrt(((nearest - truth).astype(float) ** 2).mean(axis=(1, 2))).mean()
    assert errors["nearest pixel"] == pytest.approx(error, rel=1e-4)
    assert_pictures(pictures, "Tiny/2 × 2 block means/nearest pixel", nearest[:3])
    methods = ["nearest pixel", "cubic spline", "PCA", "encoder", "HMC"]
    assert errors.index.tolist() == methods
    names = {f"Tiny/2 × 2 block means/{method}" for method in [*methods, "truth"]}
    assert set(read_pictures(pictures).images) == names


def test_evaluate_inpainting(run, place, monkeypatch):
    """Table and pictures are the evaluation's own; what is not seen is not shown either."""

    def estimate(model, x, budget, seed):
        # Compiling takes long, and the estimator has tests of its own. A missing pixel is NaN.
        assert (budget, seed) == (ANNEALING, 0)
        nothing = np.zeros(len(x))
        value = -np.nansum(x, axis=1).astype(np.float64)
        return Estimate(value, nothing, nothing == 0, {}, 0)

    monkeypatch.setattr(ais, "estimate", estimate)
    table, pictures = evaluate(run, place, "inpainting", *SHORT, *ANNEALED)
    data = tiny_data(place)
    rows, images = inpainting.evaluate(place.trained, data, 4, BUDGET, ANNEALING, 3)
    wanted = measures.table(rows)
    names = ["condition", "method", "quantity"]
    pd.testing.assert_frame_equal(table[names], wanted[names], check_dtype=False)
    np.testing.assert_allclose(table["value"], wanted["value"], rtol=1e-4)
    values = table.set_index(["quantity", "method"])["value"]
    # log p(whole) − log p(visible), of the estimates above.
    lower = place.test.reshape(4, 6, 6)[:, 3:].sum(axis=(1, 2)).mean()
    assert values["log-likelihood", "AIS"] == pytest.approx(-lower, rel=1e-5)
    for method in ("encoder", "HMC", "AIS"):
        gain = values["log-likelihood", method] - values["log-likelihood", "marginal"]
        assert values["gain over the marginal", method] == pytest.approx(gain, abs=1e-3)
    assert set(read_pictures(pictures).images) == set(images)
    seen = read_pictures(pictures).images["Tiny/observed"]
    assert np.isnan(seen[:, 3:]).all() and not np.isnan(seen[:, :3]).any()
    for name in ("Tiny/truth", "Tiny/encoder", "Tiny/HMC"):
        assert_pictures(pictures, name, images[name])


def tiny_data(place):
    from aevb import data

    return data.load("tiny", DEFINITION, data.available_path(place.record))


def other_data(run, place, name="other", label="Other") -> Path:
    """The record of another data set, with images of another shape."""
    folder = place.folder / "elsewhere"
    (folder / "local").mkdir(parents=True)
    rng = np.random.default_rng(1)
    parts = {part: rng.integers(0, 256, (4, 40), np.uint8) for part in ("train", "test")}
    np.savez(folder / "local" / "other.npz", **parts)
    definition = DEFINITION | {"label": label, "image_shape": [8, 5], "files": {"other.npz": {}}}
    words = ["--record", folder / "record.json", "--definition", json.dumps(definition)]
    words += ["--cache-dir", folder / "cache", "--data-dir", folder / "local"]
    succeed(run("fetch", name, *words))
    return folder / "record.json"


def test_evaluate_anomaly(run, place, monkeypatch):
    """Areas are the shares of pairs in which the unusual image has the lower score."""
    # The intervals are not what is tested.
    monkeypatch.setattr(measures, "_RESAMPLES", 20)
    foreign = other_data(run, place)
    words = ["--foreign", foreign, "--scores", "scores.csv", *ANNEALED]
    table, pictures = evaluate(run, place, "anomaly", *words)
    scores = read_scores(Path("scores.csv"))
    kinds = ["Tiny", "shuffled pixels", "mirrored", "Other"]
    assert scores["kind"].drop_duplicates().tolist() == kinds
    values = {key: rows["score"].to_numpy() for key, rows in scores.groupby(["method", "kind"])}
    assert all(len(one) == 4 for one in values.values())
    areas = table[table["quantity"] == "auroc"]
    for one in areas.itertuples():
        usual, unusual = values[one.method, "Tiny"], values[one.method, one.condition]
        difference = usual[:, np.newaxis] - unusual
        share = np.mean(difference > 0) + 0.5 * np.mean(difference == 0)
        assert one.value == pytest.approx(share, abs=1e-5)
    assert len(areas) == 9
    checks = table[table["quantity"] == "share that passes its checks"]
    assert checks["condition"].tolist() == kinds
    wanted = anomaly.scores(place.trained, place.test, ANNEALING)
    for method, expected in wanted.items():
        np.testing.assert_allclose(values[method, "Tiny"], expected, atol=1e-3)
    assert_pictures(pictures, "Tiny/mirrored", place.test[:3].reshape(3, 6, 6)[:, :, ::-1])
    # Eight rows are cut to six, five columns padded to six.
    assert read_pictures(pictures).images["Tiny/Other"].shape == (3, 6, 6)


def test_evaluate_representation_needs_labels(run, place):
    """A data set without labels cannot be probed, which is said in one line."""
    words = [place.weights, "--record", place.record, "--output", "r.csv"]
    outcome = run("evaluate", "representation", *words)
    assert_one_error(outcome, "tiny: has no labels, which a linear probe needs")
    assert not Path("r.csv").exists()


# Faults. The old file at the place of the output survives each of them.


def assert_fault(run, words, *wanted: str, output="out") -> None:
    Path(output).write_bytes(OLD)
    before = sorted(Path().rglob("*"))
    assert_one_error(run(*words), *wanted)
    assert Path(output).read_bytes() == OLD
    assert sorted(Path().rglob("*")) == before


def command(place, name: str, *words, images=None, weights=None) -> list:
    """One of the commands on good inputs, but for those given."""
    weights = weights or place.weights
    if name in ("manifold", "sample"):
        rows = [] if name == "sample" else ["--rows", 3]
        return [name, weights, *rows, "--output", "out", "--table", "t.csv", *words]
    if name == "project":
        return [name, weights, "--projection", "out", "--usage", "u.csv", *words]
    images = place.images(place.test) if images is None else images
    return ["apply", name, images, "--weights", weights, "--output", "out", *words]


def test_manifold_of_a_3d_model(run, place):
    """A model with three latent dimensions has no grid over two."""
    wide = write_weights(place.folder / "wide", latent_dim=3)
    words = command(place, "manifold", weights=wide)
    assert_fault(run, words, str(wide), "a model with N_z=2 is needed here")


@pytest.mark.parametrize("rows", [[], ["--rows", 3]])
def test_rows_of_the_wrong_number(run, place, rows):
    """Each model needs its own number of rows, no more and no fewer."""
    words = ["manifold", place.weights, *(["--rows", 3] if rows else [place.weights]), *rows]
    words += ["--output", "out", "--table", "t.csv", *([] if rows else ["--rows", 3])]
    n = "2 numbers are given for 1 models" if rows else "1 numbers are given for 2 models"
    assert_fault(run, words, f"--rows: {n}")


def flip_a_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    path.write_bytes(content)


DAMAGE = {
    "missing": (lambda path: path.unlink(), "there is no such file; train first"),
    "empty": (lambda path: path.write_bytes(b""), "no weights can be read"),
    "text": (lambda path: path.write_text("hello\nworld\n"), "no weights can be read"),
    "cut": (lambda path: path.write_bytes(path.read_bytes()[:-9]), "no weights can be read"),
    "flipped": (flip_a_bit, "its checksum does not match its content"),
}


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("name", ["manifold", "represent"])
def test_damaged_weights(run, place, name, damage):
    """Missing and damaged weights are named in one line."""
    change, said = DAMAGE[damage]
    change(place.weights)
    assert_fault(run, command(place, name), str(place.weights), said)


def test_weights_without_an_encoder(run, place):
    """A model of Monte Carlo EM, which has no encoder, cannot represent images."""
    path = write_weights(place.folder / "mcem", encoder=False, algorithm="mcem")
    assert_fault(run, command(place, "represent", weights=path), str(path), "has no encoder")


def poisoned(value: float) -> np.ndarray:
    images = np.full((4, 6, 6), 0.5)
    images[2, 1, 3] = value
    return images


IMAGES = {
    "wrong shape": (np.zeros((4, 5, 6)), "has the shape [4, 5, 6]; expected [n, 6, 6] or [n, 36]"),
    "NaN": (poisoned(np.nan), "pixel 9 of image 2 is not a finite number"),
    "above": (poisoned(1.25), "pixel 9 of image 2 is the largest (1.25;"),
    "below": (poisoned(-0.5), "pixel 9 of image 2 is below 0, which is black (-0.5;"),
    "texts": (np.full((4, 36), "a"), "is of type <U1; give bytes"),
}


@pytest.mark.parametrize("kind", IMAGES)
@pytest.mark.parametrize("name", ["represent", "inpaint", "rank", "denoise"])
def test_bad_images(run, place, name, kind):
    """Images of another shape, and pixels that are none, are told with their place."""
    values, said = IMAGES[kind]
    options = ["--bit-flips", 0.1] if name == "denoise" else []
    words = command(place, name, *options, images=place.images(values))
    assert_fault(run, words, "own.npy", said)


def test_missing_images(run, place):
    """A missing file of images is named."""
    words = command(place, "represent", images="absent.npy")
    assert_fault(run, words, "absent.npy: there is no such file")


def test_whole_images_where_coarse_ones_are_needed(run, place):
    """Super-resolution wants block means; whole images are refused with the shape it takes."""
    words = command(place, "super-resolve", "--factor", 2)
    assert_fault(run, words, "has the shape [4, 36]; expected [n, 3, 3] or [n, 9]")
    words = command(place, "super-resolve", "--factor", 4)
    assert_fault(run, words, "blocks of 4 × 4 pixels do not divide images of 6 × 6")


@pytest.mark.parametrize("name", ["manifold", "sample", "project", "represent", "rank"])
def test_output_that_cannot_be_written(run, place, name):
    """Where the output's folder is a file, the place is named in one line."""
    (place.folder / "file").write_text("in the way")
    words = command(place, name, *(["--record", place.record] if name == "project" else []))
    words[words.index("out")] = "file/out"
    # Projecting tells of each model first, what takes images how they were understood.
    told = name in ("project", "represent", "rank")
    assert_one_error(run(*words), "file", lines=None if told else 1)
    assert Path("file").read_text(encoding="utf-8") == "in the way"


def test_evaluation_that_cannot_be_written(run, place):
    """The same of an evaluation, which writes two files."""
    (place.folder / "file").write_text("in the way")
    words = [place.weights, "--record", place.record, "--output", "file/e", "--points", 4, *SHORT]
    assert_one_error(run("evaluate", "denoising", *words), "file", lines=None)


@pytest.mark.parametrize(
    ("budget", "said"),
    [
        ('{"draws": 4}', "unknown key 'draws'; allowed: samples, chains, burn_in, annealing,"),
        ("{", "{ is not JSON"),
        ("", "is not JSON"),
        ("[]", "[] must be a table"),
        ("null", "None must be a table"),
        ("4", "4 must be a table"),
        ('{"samples": 3}', "samples: 3 must be at least 4"),
        ('{"chains": 0}', "chains: 0 must be at least 1"),
        ('{"samples": "many"}', "samples: 'many' must be a whole number (at least 4)"),
        ('{"samples": 4.5}', "samples: 4.5 must be a whole number"),
        ('{"samples": null}', "samples: None must be a whole number"),
    ],
)
def test_bad_budget(run, place, budget, said):
    """A budget with an unknown key, no JSON, or too small is refused with what is allowed."""
    assert_fault(run, command(place, "inpaint", "--hmc", budget), "--hmc: ", said)


@pytest.mark.parametrize(
    ("budget", "said"),
    [
        ('{"samples": 4}', "unknown key 'samples'; allowed: chains, steps, segments,"),
        ("chains=4", "chains=4 is not JSON"),
        ('{"chains": 1}', "chains: 1 must be at least 2"),
        ('{"steps": 10, "segments": 4}', "10 steps are no multiple of 4 segments"),
        ('{"chains": 2.5}', "chains: 2.5 must be a whole number"),
    ],
)
def test_bad_annealing(run, place, budget, said):
    """The same of the budget of annealed importance sampling."""
    assert_fault(run, command(place, "rank", "--ais", budget), "--ais: ", said)


MASKS = {
    "shape": (np.eye(5), "has the shape [5, 5]"),
    "everything seen": (np.ones((6, 6)), "a mask holds 1 where a pixel is seen, 0 where not"),
    "nothing seen": (np.zeros((6, 6), np.uint8), "a mask holds 1 where a pixel is seen"),
    "grey": (np.full((6, 6), 0.5), "a mask holds 1 where a pixel is seen"),
    "NaN": (np.where(np.eye(6) > 0, np.nan, 1), "is not a finite number"),
    "several": (np.stack([np.eye(6)] * 4), "holds 4 masks; give one"),
}


@pytest.mark.parametrize("kind", MASKS)
def test_bad_mask(run, place, kind):
    """A mask of another shape, one that hides all or nothing, and several are refused."""
    values, said = MASKS[kind]
    words = command(place, "inpaint", "--mask", place.images(values, "mask.npy"))
    assert_fault(run, words, "mask.npy", said)


@pytest.mark.parametrize("noise", [[], ["--noise", 0.3, "--bit-flips", 0.1]])
def test_one_kind_of_noise(run, place, noise):
    """Denoising needs to know the kind of noise: exactly one."""
    assert_fault(run, command(place, "denoise", *noise), "either --noise or --bit-flips")


@pytest.mark.parametrize(
    ("noise", "said"),
    [
        (["--noise", 0], "the standard deviation of the noise must be positive, not 0.0"),
        (["--noise", -1], "must be positive, not -1.0"),
        (["--noise", "nan"], "must be positive, not nan"),
        (["--bit-flips", 0.5], "the rate of bit flips must be between 0 and 0.5, not 0.5"),
        (["--bit-flips", 0], "must be between 0 and 0.5, not 0.0"),
    ],
)
def test_noise_out_of_range(run, place, noise, said):
    """Noise that is none, or hides everything, is refused with the range."""
    assert_fault(run, command(place, "denoise", *noise), said)


def test_bit_flips_of_a_gaussian_model(run, place):
    """Bits are flipped of binary pixels only; a Gaussian model says what to use instead."""
    path = write_weights(
        place.folder / "gaussian", definition=DEFINITION | {"observation": "gaussian"}
    )
    words = command(place, "denoise", "--bit-flips", 0.1, *SHORT, weights=path)
    said = "bits can be flipped only of Bernoulli pixels; use Gaussian noise"
    assert_one_error(run(*words), said, lines=None)
    assert not Path("out").exists()


@pytest.mark.parametrize("name", ["denoising", "super-resolution", "inpainting", "anomaly"])
def test_record_of_another_data_set(run, place, name):
    """An evaluation on data that the model has not learned from is refused by both names."""
    record = other_data(run, place)
    model = ["--weights", place.weights] if name == "anomaly" else [place.weights]
    words = ["evaluate", name, *model, "--record", record, "--output", "e", "--points", 4]
    assert_fault(run, words, str(record), "is the record of tiny", output="e.csv")


def test_record_of_other_images_by_the_same_name(run, place):
    """A data set of the model's name with images of another shape is refused, too."""
    record = other_data(run, place, name="tiny", label="Tiny")
    words = command(place, "project", "--record", record)
    assert_fault(run, words, "tiny", "damaged or outdated")


@pytest.mark.parametrize("content", [None, "", "{}"])
def test_damaged_record(run, place, content):
    """A missing or damaged record is named, with the step that makes it."""
    record = place.folder / "bad.json"
    if content is not None:
        record.write_text(content)
    words = command(place, "project", "--record", record)
    assert_fault(run, words, "bad.json", "run the fetch step again")
