"""The commands of section 2, in one process and at a tiny budget, and what they refuse."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from aevb.stages.weights import read as read_weights
from command_line import assert_one_error, fetch, place_data, write_weights
from tiny import SETTINGS

pytestmark = pytest.mark.long

SELECTED = "step_size,selected\n0.05,True\n"


@pytest.fixture
def step_sizes(tmp_path):
    path = tmp_path / "step_size.csv"
    path.write_text(SELECTED)
    return path


@pytest.fixture
def record(run, tmp_path):
    place_data(tmp_path)
    assert fetch(run, tmp_path)[0] == 0
    return tmp_path / "record.json"


def study_words(record, step_sizes, tmp_path, *experiments):
    return [
        *("section2", "study", *(one.to_json() for one in experiments)),
        *("--record", record, "--step-size-table", step_sizes),
        *("--output", tmp_path / "study.csv", "--checkpoint-dir", tmp_path / "checkpoints"),
    ]


def test_study(run, record, step_sizes, tmp_path):
    """One curve an experiment, and another family of q(z|x) makes another curve."""
    short = replace(SETTINGS, training_samples=400)
    wanted = [
        short,
        *(
            short.with_algorithm(**one)
            for one in ({"posterior": "student_t"}, {"estimator": "score"})
        ),
    ]
    code, _, text = run(*study_words(record, step_sizes, tmp_path, *wanted))
    assert code == 0, text
    table = pd.read_csv(tmp_path / "study.csv")
    assert len(table.drop_duplicates(["estimator", "posterior"])) == 3
    assert set(table["training_samples"]) >= {400}
    assert "2 of 3: estimator B, posterior student_t" in text


def test_study_refuses_what_it_does_not_know(run, record, step_sizes, tmp_path):
    """An unknown family, another data set's record: one line each, and no table."""
    words = study_words(record, step_sizes, tmp_path, SETTINGS.with_algorithm(posterior="laplace"))
    odd = [str(word).replace('"laplace"', '"cauchy"') for word in words]
    assert_one_error(run(*odd), "posterior: 'cauchy' is unknown; allowed: gaussian, laplace")
    foreign = replace(SETTINGS, dataset="faces")
    outcome = run(*study_words(record, step_sizes, tmp_path, foreign))
    assert_one_error(outcome, "--record: there is none of faces")
    assert not (tmp_path / "study.csv").exists()


def test_gradients(run, record, tmp_path):
    """A variance for each state, estimator, L and M."""
    weights = write_weights(tmp_path / "weights.safetensors")
    code, _, text = run(
        *("section2", "gradients", weights, "--record", record),
        *("--output", tmp_path / "gradients.csv", "--replicates", 3),
        *("--draws", 1, "--draws", 2, "--minibatch", 1, "--at-minibatch", 4),
    )
    assert code == 0, text
    table = pd.read_csv(tmp_path / "gradients.csv")
    grid = table[["samples_per_datapoint", "batch_size"]].drop_duplicates()
    assert sorted(map(tuple, grid.to_numpy())) == [(1, 1), (1, 4), (2, 4)]
    assert len(table) == 3 * 4 * 2 and (table["variance"] > 0).all()


def test_kl_divergence_and_reparameterisations(run, tmp_path):
    """Both tables are made, and the page from the second."""
    code, _, text = run(
        "section2", "kl-divergence", "--output", tmp_path / "kl.csv", "--draws", 500
    )
    assert code == 0, text
    assert pd.read_csv(tmp_path / "kl.csv")["latent_dim"].max() == 200
    table = tmp_path / "reparameterisations.csv"
    code, _, text = run("section2", "reparameterisations", "--output", table, "--draws", 300)
    assert code == 0, text
    assert len(pd.read_csv(table)[["family", "distribution"]].drop_duplicates()) == 23
    page = tmp_path / "page.html"
    assert run("table", "reparameterisations", table, "--page", page)[0] == 0
    assert "Dirichlet" in page.read_text() and "Gompertz" in page.read_text()


def test_pathwise_gradient_of_ones_own_parameters(run):
    """E[f(z)]'s gradient for a rate that is not the table's, within 6 standard errors."""
    code, out, text = run(
        *("section2", "pathwise-gradient", "Exponential", "--parameters", '{"rate": 3.5}')
    )
    assert code == 0, text
    lines = [line.split(",") for line in out.strip().splitlines()]
    row = dict(zip(lines[0], lines[-1], strict=False))
    assert abs(float(lines[-1][-2])) < 6, row


@pytest.mark.parametrize(
    "words, wanted",
    [
        (("Cauchyy", "{}"), ["no distribution 'Cauchyy'", "Cauchy"]),
        (("Logistic", "{}"), ["several families", "inverse CDF, location-scale"]),
        (("Exponential", '{"rate": -1}'), ["rate", "-1"]),
        (("Erlang", '{"concentration": 2.5, "rate": 1}'), ["concentration", "2.5"]),
        (("Exponential", '{"scale": 1}'), ["scale"]),
        (("Exponential", "rate"), ["--parameters is not JSON"]),
        (("Exponential", "[1]"), ["--parameters: give a table"]),
    ],
)
def test_wrong_distributions_and_parameters(run, words, wanted):
    """One line that names what is wrong and what is allowed."""
    name, parameters = words
    outcome = run("section2", "pathwise-gradient", name, "--parameters", parameters)
    assert_one_error(outcome, *wanted)


def test_full_vb(run, record, step_sizes, tmp_path):
    """Both runs are trained, compared and kept; a second call goes on from the checkpoints."""
    short = replace(SETTINGS, training_samples=400, n_train=8, seeds=(0, 1))
    vb = short.with_algorithm("full_vb", initial_weight_deviation=0.1)
    outputs = {
        name: tmp_path / f"{name}.csv" for name in ("output", "histogram", "pruning", "curve")
    }
    words = [
        *("section2", "full-vb", vb.to_json(), short.to_json(), "--record", record),
        *("--step-size-table", step_sizes, "--map-step-size-table", step_sizes),
        *(part for name, path in outputs.items() for part in (f"--{name}", path)),
        *("--weights", tmp_path / "q.safetensors", "--checkpoint-dir", tmp_path / "checkpoints"),
        *("--points", 4, "--weight-draws", 2),
    ]
    code, _, text = run(*words)
    assert code == 0, text
    first = {name: path.read_bytes() for name, path in outputs.items()}
    comparison = pd.read_csv(outputs["output"])
    assert len(comparison) == 12 and set(comparison["n_train"]) == {8}
    assert comparison.groupby("seed")["marginal_log_likelihood"].sum().nunique() == 2
    assert set(pd.read_csv(outputs["curve"])["algorithm"]) == {"AEVB", "full VB"}
    experiment, arrays = read_weights(tmp_path / "q.safetensors", "decoder/")
    assert experiment == vb
    np.testing.assert_array_equal(
        arrays["decoder/mean/output_bias"].shape, arrays["decoder/log_variance/output_bias"].shape
    )
    code, _, text = run(*words)
    assert code == 0 and "continuing from the checkpoint at 400 samples" in text
    assert {name: path.read_bytes() for name, path in outputs.items()} == first
    # The two the wrong way round: said before anything is trained.
    words[2:4] = words[3:1:-1]
    assert_one_error(run(*words), "a full_vb and an aevb run, in this order")
