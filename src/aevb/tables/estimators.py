"""Estimators of the marginal likelihood against its true value: the table, read and as a page."""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from aevb.errors import DataError
from aevb.tables import pages, tidy

#: The model whose likelihood has a closed form, probabilistic PCA; all others are trained networks.
PPCA = "PPCA"
TRUTHS = ("closed form", "quadrature")
KEY = ["model", "latent_dim", "estimator"]

_HINT = "Did the estimator overflow?"
_PARSERS: dict[str, tidy.Parser] = {
    "model": tidy.name,
    "latent_dim": tidy.positive,
    "estimator": tidy.name,
    "budget": tidy.name,
    "truth": tidy.one_of(*TRUTHS),
    "n_points": tidy.positive,
    "n_flagged": tidy.count,
    "bias": tidy.number(_HINT),
    "bias_standard_error": tidy.number(_HINT, least=0.0),
    "standard_deviation": tidy.number(_HINT, least=0.0),
    "rmse": tidy.number(_HINT, least=0.0),
    "bias_passed": tidy.optional(tidy.number(_HINT)),
    "seconds": tidy.number(least=0.0),
    "likelihood_evaluations": tidy.number(least=0.0),
}
COLUMNS = list(_PARSERS)


def read_truths(paths: Iterable[Path | str]) -> pd.DataFrame:
    """Read and check tables of estimators against the truth.

    Args:
        paths: CSV files with the columns of ``COLUMNS``, one row for each model, N_z and estimator;
            further columns are ignored. ``bias`` is the mean over ``n_points`` datapoints of
            estimate minus truth, ``bias_standard_error`` its standard error,
            ``standard_deviation`` that of the error of a point, ``rmse`` the root of its mean
            square: nats. ``likelihood_evaluations`` is per datapoint, ``seconds`` for all.

    Returns:
        One table with these columns. Models, and within a model estimators, keep the order of the
        files; N_z ascends.

    Raises:
        DataError: no file is given, or one is missing, empty, lacks a column, or holds a cell that
            is not what its column asks for, or a row that was already read. The text names file,
            line and column.
    """
    paths = list(paths)
    if not paths:
        raise DataError("No table of estimators was given: there is nothing to draw.")
    truths = tidy.read_all(paths, _PARSERS, KEY, _consistent)
    # The files know better than the alphabet which estimators belong side by side.
    order = {c: {v: i for i, v in enumerate(truths[c].unique())} for c in ("model", "estimator")}
    return truths.sort_values(
        KEY, ignore_index=True, key=lambda values: values.map(order.get(values.name, lambda v: v))
    )


def render(truths: pd.DataFrame) -> str:
    """The table as a page of HTML, for the report: one row a model, N_z and estimator.

    Args:
        truths: as :func:`read_truths` gives it.
    """
    shown = pd.DataFrame(
        {
            "model": truths["model"],
            "N_z": truths["latent_dim"],
            "estimator": truths["estimator"],
            "bias ± standard error (nats)": [
                f"{bias:+.3f} ± {error:.3f}"
                for bias, error in zip(truths["bias"], truths["bias_standard_error"], strict=True)
            ],
            "standard deviation of a point": truths["standard_deviation"].map("{:.3f}".format),
            "flagged": [
                f"{flagged} of {points}"
                for flagged, points in zip(truths["n_flagged"], truths["n_points"], strict=True)
            ],
            "bias of those that passed": truths["bias_passed"].map("{:+.3f}".format),
            "evaluations a point": truths["likelihood_evaluations"].map("{:,.0f}".format),
            "milliseconds a point": (1e3 * truths["seconds"] / truths["n_points"]).map(
                "{:,.1f}".format
            ),
        }
    ).replace("+nan", "none")
    return pages.table(shown)


def _consistent(path: Path, table: pd.DataFrame) -> None:
    wrong = table["n_flagged"] > table["n_points"]
    tidy.refuse(path, table, wrong, "n_flagged", "is more than n_points.")
