"""Studies of section 2 as tables: bounds along training with one setting changed at a time."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from aevb.settings.section2 import STUDY_SETTINGS
from aevb.tables import curves, tidy

_PARSERS: dict[str, tidy.Parser] = {
    "estimator": tidy.name,
    "posterior": tidy.name,
    "samples_per_datapoint": tidy.positive,
    "batch_size": tidy.positive,
    "weight_prior": tidy.name,
    **{column: curves.PARSERS[column] for column in curves.COLUMNS},
}
_KEY = [*STUDY_SETTINGS, "dataset", "latent_dim", "split", "seed", "training_samples"]


def read_study(path: Path) -> pd.DataFrame:
    """The table of ``aevb section2 study``, checked.

    Raises:
        DataError: see :func:`aevb.tables.tidy.read_all`.
    """
    return tidy.read_all([path], _PARSERS, _KEY)


def read_selected(path: Path) -> pd.DataFrame:
    """The same of a study in which step sizes are selected, with ``hidden_units, step_size``.

    Raises:
        DataError: see :func:`aevb.tables.tidy.read_all`.
    """
    more = {"hidden_units": tidy.positive, "step_size": tidy.number(least=0.0)}
    return tidy.read_all([path], _PARSERS | more, [*_KEY, "hidden_units"])


def ends(study: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """The last bounds of each curve: one row for each value of ``by``, with ``train``, ``test``
    and ``gap``, the mean over seeds, in nats per datapoint.

    ``train`` is the running mean since the point before, which lags behind while the bound rises.
    ``gap`` is the bound of fixed training images minus that of the test images; of records that are
    older than the former, ``train`` minus ``test``, lower by that lag.
    """
    last = study["training_samples"].groupby([study[c] for c in [*by, "split"]]).transform("max")
    rows = study[study["training_samples"] == last]
    wide = rows.pivot_table(index=list(by), columns="split", values="lower_bound", sort=False)
    trained = wide.get(curves.TRAINING_IMAGES, wide["train"])
    found = wide[list(curves.SPLITS)].assign(gap=trained - wide["test"])
    return found.reset_index().rename_axis(columns=None)


def matched(study: pd.DataFrame) -> pd.DataFrame:
    """Test bounds of the study of L and M, at equal samples and at equal cost.

    The cost of a curve is its likelihood evaluations, L times its training samples. Equal samples
    are the largest number that all reach; equal cost is what a run with L = 1 has spent there.

    Returns:
        One row an L and M: ``samples_per_datapoint, batch_size, training_samples, at_equal_samples,
        evaluations, at_equal_cost`` (nats per datapoint, the mean over seeds; missing where a curve
        begins later).
    """
    keys = ["samples_per_datapoint", "batch_size"]
    found = matched_by_seed(study).drop(columns="seed")
    return found.groupby(keys, as_index=False).mean()


def matched_by_seed(study: pd.DataFrame) -> pd.DataFrame:
    """The rows of :func:`matched` for each ``seed``."""
    test = study[study["split"] == "test"]
    groups = test.groupby(["samples_per_datapoint", "batch_size", "seed"])
    common = float(groups["training_samples"].max().min())
    rows = []
    for (draws, minibatch, seed), curve in groups:
        equal, cheap = curves.interpolate(curve, [common, common / draws])
        rows.append(
            {
                "samples_per_datapoint": draws,
                "batch_size": minibatch,
                "seed": seed,
                "training_samples": common,
                "at_equal_samples": equal,
                "evaluations": common,
                "at_equal_cost": cheap,
            }
        )
    return pd.DataFrame(rows)
