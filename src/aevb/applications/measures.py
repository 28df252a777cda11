"""Numbers with intervals: the one table that all applications write."""

from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from aevb.errors import DataError

CONFIDENCE = 0.95
_RESAMPLES = 1000

COLUMNS = [
    "application",
    "dataset",
    "latent_dim",
    "condition",
    "method",
    "quantity",
    "value",
    "low",
    "high",
    "n_images",
]
"""``low`` and ``high`` are the ends of a 95 % interval over test images, for the model as it is;
another training run would differ by more. Images count as independent, which the frames of a video
are not: the intervals of Frey Face are somewhat too narrow."""


def mean(values: np.ndarray) -> dict[str, float]:
    """The mean of one number an image [n], with a bootstrap interval."""
    values = np.asarray(values, np.float64)
    if len(values) < 2 or np.ptp(values) == 0:
        return _row(values.mean(), np.nan, np.nan, len(values))
    found = stats.bootstrap(
        (values,),
        np.mean,
        n_resamples=_RESAMPLES,
        confidence_level=CONFIDENCE,
        method="percentile",
        rng=0,
    )
    return _row(values.mean(), *found.confidence_interval, len(values))


def proportion(hits: np.ndarray) -> dict[str, float]:
    """The share of images that are hits, bool [n], with Wilson's interval."""
    found = stats.binomtest(int(hits.sum()), len(hits))
    interval = found.proportion_ci(CONFIDENCE, method="wilson")
    return _row(float(np.mean(hits)), interval.low, interval.high, len(hits))


def auroc(usual: np.ndarray, unusual: np.ndarray, *, paired: bool = False) -> dict[str, float]:
    """How well a score tells images apart: the probability that an unusual one has the lower
    score, one half for ties.

    Args:
        usual, unusual: the scores, [n] and [m].
        paired: whether the unusual images are made of the usual ones, one of each, and so are
            resampled together.

    Returns:
        The area under the receiver operating characteristic, with a bootstrap interval over both
        kinds of images; none where every resample gives the same, as a perfect score does.

    Raises:
        DataError: a score is not finite.
    """
    if not (np.isfinite(usual).all() and np.isfinite(unusual).all()):
        raise DataError("a score is not finite: the images cannot be ranked; raise the budget")

    def area(low: np.ndarray, high: np.ndarray, axis: int = -1) -> np.ndarray:
        # Mann and Whitney's statistic: the share of pairs that are in order.
        n, m = low.shape[axis], high.shape[axis]
        ranks = stats.rankdata(np.concatenate([low, high], axis), axis=axis)
        _, ranks = np.split(ranks, [n], axis)
        return (ranks.sum(axis) - m * (m + 1) / 2) / (n * m)

    value = area(unusual, usual)
    low, high = stats.bootstrap(
        (unusual, usual),
        area,
        n_resamples=_RESAMPLES,
        paired=paired,
        confidence_level=CONFIDENCE,
        method="percentile",
        rng=0,
    ).confidence_interval
    if low == high:
        low = high = np.nan
    return _row(value, low, high, len(usual) + len(unusual))


def root_mean_squared_error(found: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Of each image over its pixels: [n, D] and [n, D] -> [n]."""
    error = np.asarray(found, np.float64) - np.asarray(truth, np.float64)
    return np.sqrt(np.mean(error**2, axis=-1))


def table(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """The rows as the one table of all applications."""
    return pd.DataFrame(rows)[COLUMNS]


def _row(value: float, low: float, high: float, n: int) -> dict[str, float]:
    return {"value": float(value), "low": float(low), "high": float(high), "n_images": n}
