"""The table of the gap between training and test images."""

import pandas as pd
import pytest

from aevb.errors import DataError
from aevb.tables.generalisation_gap import gaps

RUN = {"dataset": "MNIST", "latent_dim": 3, "algorithm": "AEVB"}
BOUNDS = {"train": (-9.0, -5.0), "test": (-7.0, -4.0), "train_images": (-6.5, -3.0)}


def curve(path, splits):
    """Two seeds at two counts, the second seed 10 nats lower."""
    rows = [
        {**RUN, "split": split, "seed": seed, "training_samples": samples, "lower_bound": bound}
        for split in splits
        for seed in (0, 1)
        for samples, bound in zip((100, 200), (b - 10 * seed for b in BOUNDS[split]), strict=True)
    ]
    pd.DataFrame(rows).to_csv(path, index=False)
    return path


def test_the_gap_is_that_of_the_same_parameters(tmp_path):
    """Not that of the running mean, which has fallen behind the test bound here."""
    found = gaps([curve(tmp_path / "curve.csv", BOUNDS)])
    assert found["training_samples"].tolist() == [100, 200, 100, 200]
    assert found["train"].tolist() == [-6.5, -3.0, -16.5, -13.0]
    assert found["gap"].tolist() == [0.5, 1.0, 0.5, 1.0]


@pytest.mark.parametrize("older", [["train", "test"], ["test"]])
def test_curves_of_before_the_training_images_were_evaluated(tmp_path, older):
    """One line says what to do, also where another run has them."""
    paths = [curve(tmp_path / "older.csv", older)]
    with pytest.raises(DataError, match="train the runs anew"):
        gaps(paths)
    newer = curve(tmp_path / "newer.csv", BOUNDS)
    pd.read_csv(newer).assign(latent_dim=5).to_csv(newer, index=False)
    with pytest.raises(DataError, match="train the runs anew"):
        gaps([*paths, newer])
