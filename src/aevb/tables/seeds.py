"""What a further seed of ours may give: runs differ, and the paper shows one of each."""

import numpy as np
import pandas as pd
from scipy import stats

CONFIDENCE = 0.95

ENOUGH = 3
"""The number of seeds from which on they decide: one has no spread, and two of the same spread as
three have more than three times their interval."""


def half_width(spread: np.ndarray | float, n: np.ndarray | int) -> np.ndarray | float:
    """Of Student's 95 % prediction interval of one further run, t(n − 1) · sd · √(1 + 1/n).

    Args:
        spread: standard deviation of ours, with n − 1, in any unit, which is the result's.
        n: how many of ours there are, 2 or more.
    """
    return stats.t.ppf((1 + CONFIDENCE) / 2, n - 1) * spread * np.sqrt(1 + 1 / n)


def half_width_of_mean(values: pd.Series) -> float:
    """Of Student's 95 % interval of the mean over two seeds or more, in the unit of ``values``."""
    return stats.t.ppf((1 + CONFIDENCE) / 2, len(values) - 1) * values.sem()


def half_width_of_error(standard_error: float) -> float:
    """Of the normal 95 % interval that a standard error gives, in its unit."""
    return float(stats.norm.ppf((1 + CONFIDENCE) / 2) * standard_error)
