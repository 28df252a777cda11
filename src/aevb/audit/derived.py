"""Tables of a record that can be made from others of it: made again, and compared."""

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd

from aevb import catalogue
from aevb.audit.record import ABSENT, DAMAGE, OK, ROUNDED, WRONG, Finding, Record, in_words
from aevb.audit.tables import read_csv
from aevb.stages.weights import kept_in
from aevb.tables import (
    fig2,
    fig2_distance,
    fig3,
    fig3_distance,
    gradient_variance,
    runs,
    studies,
    weights,
)
from aevb.tables.curves import read_curves, read_paper_curves
from aevb.tables.likelihood_curves import read_likelihoods, read_paper_likelihoods
from aevb.tables.measurements import read_measurements
from aevb.workflow.outputs import Run


def remade(record: Record) -> Iterator[Finding]:
    """Tables that can be made from others of the record: made again and compared."""
    wanted = set(catalogue.files(record.outputs))
    for name, make in _DERIVED.items():
        path = record.folder / name
        # A table that is left from when its data could be had is no part of it either.
        if name not in wanted:
            yield Finding(name, ABSENT, "not part of this record")
            continue
        try:
            expected = make(record)
            problem = _unequal(expected, read_csv(path))
        except DAMAGE as error:
            problem = in_words(error)
        outcome = WRONG if problem else OK
        yield Finding(name, outcome, problem or "is what the record's other tables give")


def _bounds(record: Record, runs: list[Run]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The curves of runs of Figure 2, and the paper's."""
    ours = read_curves(record.path(run, "curve.csv") for run in runs)
    return ours, read_paper_curves(record.tables.path("paper/fig2_lower_bound.csv"))


def _likelihoods(record: Record) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Figure 3's curves, ours and the paper's."""
    drawn = record.outputs.settings["figures"]["fig3"]["estimators"]
    paths = [record.path(run, "likelihood.csv") for run in record.outputs.fig3_runs()]
    theirs = read_paper_likelihoods(record.tables.path("paper/fig3_marginal_likelihood.csv"))
    return read_likelihoods(paths, drawn), theirs


def _fig3_distances(record: Record) -> pd.DataFrame:
    return fig3_distance.distance(*_likelihoods(record))


def _runs_table(record: Record) -> pd.DataFrame:
    told = read_csv(record.folder / "tables/runs.csv")
    key = ["dataset", "algorithm", "latent_dim", "n_train", "seeds", "training_samples"]
    variant = record.outputs.settings["variant"]
    paths = sorted((record.folder / "runs" / variant).rglob("run.json"))
    # Where Figure 3 was left out no run has an n_train, and with one seed each these are numbers.
    types = {"n_train": float, "seeds": str}
    made = runs.collect(paths).astype(types)
    return told[key].astype(types).merge(made, on=key, how="left")[list(told)]


def _applications(record: Record) -> pd.DataFrame:
    tables = catalogue.product("applications").drawn.inputs["tables"](record.outputs)
    return read_measurements([record.folder / table for table in tables])


def _gradient_ratios(record: Record) -> pd.DataFrame:
    path = record.folder / "figures/gradient_variance.csv"
    return gradient_variance.ratios(gradient_variance.read_variances(path))


def _draws_and_minibatches(record: Record) -> pd.DataFrame:
    path = record.folder / "figures/draws_and_minibatches.csv"
    return studies.matched(studies.read_study(path))


_DERIVED: dict[str, Callable[[Record], pd.DataFrame]] = {
    "figures/fig2.csv": lambda record: fig2.table(*_bounds(record, record.outputs.fig2_runs())),
    "figures/long_run.csv": lambda record: fig2.table(*_bounds(record, record.outputs.long_runs())),
    "tables/fig2_distance.csv": lambda record: fig2_distance.distance(
        *_bounds(record, record.outputs.fig2_runs())
    ),
    "figures/fig3.csv": lambda record: fig3.table(*_likelihoods(record)),
    "tables/fig3_distance.csv": _fig3_distances,
    "tables/fig3_orders.csv": lambda record: fig3_distance.orders(_fig3_distances(record)),
    "tables/runs.csv": _runs_table,
    "tables/weights.csv": lambda record: weights.collect(kept_in(record.folder / "weights")),
    "tables/applications.csv": _applications,
    "tables/gradient_variance.csv": _gradient_ratios,
    "tables/draws_and_minibatches.csv": _draws_and_minibatches,
}


def _unequal(expected: pd.DataFrame, found: pd.DataFrame) -> str:
    """What the first difference of two tables is; nothing where they agree to the digits kept."""
    if list(expected) != list(found):
        return f"has the columns {', '.join(found)}, not {', '.join(expected)}"
    if len(expected) != len(found):
        return f"has {len(found)} rows, not {len(expected)}"
    for column in expected:
        a, b = expected[column].reset_index(drop=True), found[column]
        if pd.api.types.is_numeric_dtype(a) and not pd.api.types.is_bool_dtype(a):
            numbers = pd.to_numeric(b, errors="coerce")
            same = np.isclose(a, numbers, rtol=1e-5, atol=ROUNDED, equal_nan=True)
        else:
            same = (a.astype(str) == b.astype(str)) | (a.isna() & b.isna())
        bad = np.flatnonzero(~np.asarray(same))
        if bad.size:
            row = int(bad[0])
            return (
                f"line {row + 2}, column {column!r}: {b.iloc[row]}, where the record's other"
                f" tables give {a.iloc[row]}"
            )
    return ""
