"""Tables of marginal log-likelihoods along training: our runs', and the paper's own (Figure 3)."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from aevb.algorithms.settings import LABELS, LEARNING
from aevb.errors import DataError
from aevb.tables import curves, tidy
from aevb.tables.curves import SPLITS

ALGORITHMS = tuple(LABELS[name] for name in LEARNING)

#: What tells one curve of Figure 3 from another, estimators and seeds aside.
CURVE = ["dataset", "latent_dim", "n_train", "algorithm", "split"]
#: What tells one row from another.
KEY = [*CURVE, "estimator", "seed", "training_samples"]
VALUE = "marginal_log_likelihood"
COLUMNS = [
    *KEY,
    VALUE,
    "standard_error",
    "n_points",
    "n_flagged",
    "marginal_log_likelihood_passed",
    "acceptance",
    "rhat",
    "ess",
    "divergences",
    "seconds",
    "likelihood_evaluations",
]
PAPER_COLUMNS = [*CURVE, "training_samples", VALUE, "in_frame"]

#: What Figure 3 was made with (§5, Appendix E); its file does not repeat it on every line.
PAPER_DATASET, PAPER_LATENT_DIM = "MNIST", 3

#: Nats per datapoint. Of the values below it the paper's file holds only the first of a curve, at
#: 784 ln 2 nats below zero, from which the pen goes straight to where the curve enters the page.
PAPER_START = -500.0

_LIKELIHOOD = tidy.number("Did the run diverge?")
_NOT_NEGATIVE = tidy.number(least=0.0)
_PARSERS: dict[str, tidy.Parser] = {
    "dataset": tidy.name,
    "latent_dim": tidy.positive,
    "n_train": tidy.positive,
    "algorithm": tidy.one_of(*ALGORITHMS),
    "split": tidy.one_of(*SPLITS),
    "estimator": tidy.name,
    "seed": tidy.whole,
    "training_samples": tidy.positive,
    VALUE: _LIKELIHOOD,
    # Not every estimator knows its error: one draw has no spread.
    "standard_error": tidy.optional(_NOT_NEGATIVE),
    "n_points": tidy.positive,
    "n_flagged": tidy.count,
    "marginal_log_likelihood_passed": tidy.optional(_LIKELIHOOD),
    "acceptance": tidy.optional(tidy.number(least=0.0, most=1.0)),
    "rhat": tidy.optional(_NOT_NEGATIVE),
    "ess": tidy.optional(_NOT_NEGATIVE),
    "divergences": tidy.optional(_NOT_NEGATIVE),
    "seconds": _NOT_NEGATIVE,
    "likelihood_evaluations": _NOT_NEGATIVE,
    "in_frame": tidy.flag,
}


def read_likelihoods(
    paths: Iterable[Path | str], estimators: Sequence[str] | None = None
) -> pd.DataFrame:
    """Read and check the likelihood tables of any number of runs.

    Args:
        paths: CSV files with the columns of ``COLUMNS``, in any order; further ones are ignored.
            ``marginal_log_likelihood`` is the mean over all ``n_points`` datapoints and
            ``standard_error`` its standard error from the estimator's own noise; ``n_flagged``
            points fail the estimator's gate, and ``marginal_log_likelihood_passed`` is the mean
            over the others, empty where there are none. Nats per datapoint.
        estimators: those wanted; all without it.

    Returns:
        One table with these columns, sorted by what tells its rows apart. ``acceptance``, ``rhat``,
        ``ess`` and ``divergences`` are NaN where the cell is empty: quadrature has no chain.

    Raises:
        DataError: no file is given, or one is missing, empty, lacks a column, or holds an unknown
            algorithm or split, a number that is not finite or impossible, more flagged points than
            points, a mean over points that passed where none did (or none where some did), or a
            row that was already read. The text names file, line and column.
    """
    paths = list(paths)
    if not paths:
        raise DataError(
            "No likelihood table was given: there is nothing to draw. Estimate likelihoods first."
        )
    joined = tidy.read_all(paths, {name: _PARSERS[name] for name in COLUMNS}, KEY, _consistent)
    if estimators:
        joined = joined[joined["estimator"].isin(estimators)]
        if joined.empty:
            raise DataError(f"The tables hold no estimate by {', '.join(estimators)}.")
    return joined.sort_values(KEY, ignore_index=True)


def read_paper_likelihoods(path: Path | str) -> pd.DataFrame:
    """Read the vertices of the paper's Figure 3 (``resources/paper/fig3_marginal_likelihood.csv``).

    Returns:
        Columns ``dataset, latent_dim, n_train, algorithm, split, training_samples,
        marginal_log_likelihood, in_frame``, sorted; nats per datapoint. ``in_frame`` is False for
        vertices that the published figure clips at its axes.

    Raises:
        DataError: as in :func:`read_likelihoods`.
    """
    stored = [c for c in PAPER_COLUMNS if c not in ("dataset", "latent_dim")]
    table = tidy.read(Path(path), {name: _PARSERS[name] for name in stored})
    table = table.assign(dataset=PAPER_DATASET, latent_dim=PAPER_LATENT_DIM)
    return table[PAPER_COLUMNS].sort_values(PAPER_COLUMNS[:-2], ignore_index=True)


def without_start(paper: pd.DataFrame) -> pd.DataFrame:
    """The paper's rows less each curve's start far below the page (``PAPER_START``).

    Nothing is known between that start and the next vertex, which for MCEM with 50 000 training
    points lies 25 million samples later; a number interpolated there would mean nothing.
    """
    return paper[paper[VALUE] >= PAPER_START]


def interpolate(curve: pd.DataFrame, samples: Iterable[float], value: str = VALUE) -> np.ndarray:
    """As :func:`aevb.tables.curves.interpolate`, linear in the sample count, as Figure 3's axis.

    Returns:
        [m], nats for the default ``value``; NaN outside the curve.
    """
    return curves.interpolate(curve, samples, value, scale=_as_it_is)


def over_seeds(curve: pd.DataFrame) -> pd.DataFrame:
    """Mean and range over the seeds of one curve and estimator, and how far to trust them.

    Args:
        curve: rows of :func:`read_likelihoods` that differ in seed and sample count only.

    Returns:
        The columns of :func:`aevb.tables.curves.over_seeds` (nats), interpolated linearly in the
        sample count where a seed was not evaluated; from the seeds that were,
        ``standard_error`` of their mean (nats) and ``flagged_share`` of their points, in [0, 1].
    """
    summary = curves.over_seeds(curve, VALUE, scale=_as_it_is)
    variance = curve["standard_error"] ** 2
    points = curve.assign(variance=variance).groupby("training_samples")
    noise = np.sqrt(points["variance"].sum()) / points.size()
    flagged = points["n_flagged"].sum() / points["n_points"].sum()
    # Both are sorted by sample count, and every count of the summary is some seed's.
    return summary.assign(standard_error=noise.to_numpy(), flagged_share=flagged.to_numpy())


def _as_it_is(samples: np.ndarray) -> np.ndarray:
    return samples


def _consistent(path: Path, table: pd.DataFrame) -> None:
    flagged, points = table["n_flagged"], table["n_points"]
    passed = table["marginal_log_likelihood_passed"]
    tidy.refuse(path, table, flagged > points, "n_flagged", "is more than n_points.")
    for wrong, why in (
        (passed.isna() & (flagged < points), "is empty, but some points passed."),
        (passed.notna() & (flagged == points), "is the mean of no point: all were flagged."),
    ):
        tidy.refuse(path, table, wrong, "marginal_log_likelihood_passed", why)
