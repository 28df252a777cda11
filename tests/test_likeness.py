"""How like test images samples are: known distances, and controls that are not alike."""

import numpy as np
import pandas as pd
import pytest

from aevb.audit.cases import FAILS, HOLDS
from aevb.audit.claims import read_claims
from aevb.audit.rules import RULES
from aevb.audit.tables import Tables
from aevb.errors import DataError
from aevb.stages.likeness import likeness
from aevb.tables.likeness import finding, make, read_likeness
from project import ROOT

RNG = np.random.default_rng(0)
PROTOTYPES = RNG.random((10, 64)) > 0.5
IMAGES = np.clip(PROTOTYPES[RNG.integers(10, size=400)] + RNG.normal(0, 0.1, (400, 64)), 0, 1)
ALIKE = PROTOTYPES[RNG.integers(10, size=50)].astype(float)


def test_known_distances():
    """Two samples at the corners of a unit square of one pixel's difference each."""
    samples = np.array([[0.0, 0.0], [1.0, 1.0]])
    images = np.array([[0.0, 0.0], [0.0, 0.0], [0.0, 0.0], [1.0, 0.0]])
    table = likeness(samples, images).set_index("kind")
    # The nearest of the last two: itself, and one pixel of two away by 1.
    assert table.loc["samples", "nearest"] == pytest.approx(np.sqrt(0.5) / 2)
    assert table.loc["samples", "apart"] == pytest.approx(1.0)
    assert table.loc["test images", ["nearest", "apart"]].tolist() == [0.0, 0.0]
    assert set(table["images"]) == {2}


def test_scrambling_keeps_the_pixels_and_nothing_else():
    """Prototypes are near images; with each pixel from another sample they are not."""
    table = likeness(ALIKE, IMAGES).set_index("kind")["nearest"]
    assert table["samples"] < 1.1 * table["test images"] < 0.5 * table["scrambled"]


CONTROLS = {
    "samples like the images": (ALIKE, [HOLDS, HOLDS]),
    # One blurred picture for every z is near to images and varies in nothing.
    "the mean image": (np.tile(IMAGES.mean(0), (50, 1)) + 1e-3 * ALIKE, [None, FAILS]),
    "noise": (RNG.random((50, 64)), [FAILS, None]),
}


@pytest.mark.parametrize("control", CONTROLS)
def test_the_claim_on_samples(tmp_path, control):
    """What the project's own claim says of each."""
    samples, expected = CONTROLS[control]
    (tmp_path / "tables").mkdir()
    table = likeness(samples, IMAGES).assign(dataset="Tiny", latent_dim=2)
    table.to_csv(tmp_path / "tables/likeness.csv", index=False)
    claims = read_claims(ROOT / "config/claims.yaml").claims
    (claim,) = [one for one in claims if one.name == "samples_are_like_images"]
    found = [
        RULES[rule](Tables(tmp_path, tmp_path), **values)[0].outcome
        for rule, values in claim.checks
    ]
    for outcome, wanted in zip(found, expected, strict=True):
        assert wanted in (None, outcome)


def test_the_page_and_what_it_finds(tmp_path):
    """A row a model and kind; a damaged table is named."""
    path = tmp_path / "likeness.csv"
    table = likeness(ALIKE, IMAGES).assign(dataset="MNIST", latent_dim=2)
    columns = ["dataset", "latent_dim", *table.columns[:-2]]
    table[columns].to_csv(path, index=False)
    assert len(read_likeness(path)) == 3 and "scrambled" in make(path)["page"]
    (told,) = finding(path)
    assert told.startswith("MNIST: distance of samples") and "N_z = 2 0." in told
    pd.read_csv(path).assign(nearest=-1.0).to_csv(path, index=False)
    with pytest.raises(DataError, match="column 'nearest'"):
        read_likeness(path)
