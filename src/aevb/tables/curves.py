"""Tables of lower-bound curves: those that training makes, and the paper's own."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from aevb.algorithms.settings import BOUNDED, LABELS
from aevb.errors import DataError
from aevb.tables import tidy

ALGORITHMS = tuple(LABELS[name] for name in BOUNDED)
SPLITS = ("train", "test")
"""What is drawn: running means of the training bound, and the test bound."""
TRAINING_IMAGES = "train_images"
"""The split of a curve that is the bound of fixed training images, as test's is of test images."""

#: What tells one curve of Figure 2 from another, seeds aside.
CURVE = ["dataset", "latent_dim", "algorithm", "split"]
COLUMNS = [*CURVE, "seed", "training_samples", "lower_bound"]
PAPER_COLUMNS = [*CURVE, "training_samples", "lower_bound", "in_frame"]

PARSERS: dict[str, tidy.Parser] = {
    "dataset": tidy.name,
    "latent_dim": tidy.positive,
    "algorithm": tidy.one_of(*ALGORITHMS),
    "split": tidy.one_of(*SPLITS, TRAINING_IMAGES),
    "seed": tidy.whole,
    "training_samples": tidy.positive,
    "lower_bound": tidy.number("Did the run diverge?"),
    "in_frame": tidy.flag,
}
"""What the columns of a curve must hold; ``in_frame`` is the paper's alone."""


def read_curves(paths: Iterable[Path | str], splits: Sequence[str] = SPLITS) -> pd.DataFrame:
    """Read and check the curve tables of any number of training runs.

    Args:
        paths: CSV files with the columns ``dataset, latent_dim, algorithm, split, seed,
            training_samples, lower_bound`` (nats per datapoint). Further columns are ignored.
        splits: which are wanted.

    Returns:
        One table with these columns, sorted by them, one row a point. A data set may have any
        name; ``algorithm`` is AEVB or wake-sleep.

    Raises:
        DataError: no file is given, or one is missing, empty, lacks a column, or holds an unknown
            algorithm or split, a number that is not finite, a count that is not a positive whole
            number, or a point that was already read. The text names file, line and column.
    """
    paths = list(paths)
    if not paths:
        raise DataError("No curve table was given: there is nothing to draw. Train first.")
    key = COLUMNS[:-1]
    joined = tidy.read_all(paths, {column: PARSERS[column] for column in COLUMNS}, key)
    return joined[joined["split"].isin(splits)].sort_values(key, ignore_index=True)


def read_paper_curves(path: Path | str) -> pd.DataFrame:
    """Read the vertices of the paper's Figure 2 (``resources/paper/fig2_lower_bound.csv``).

    Returns:
        Columns ``dataset, latent_dim, algorithm, split, training_samples, lower_bound, in_frame``,
        sorted; nats per datapoint. ``in_frame`` is False for vertices that the published figure
        clips at its axes.

    Raises:
        DataError: as in :func:`read_curves`.
    """
    table = tidy.read(Path(path), {column: PARSERS[column] for column in PAPER_COLUMNS})
    return table.sort_values(PAPER_COLUMNS[:-2], ignore_index=True)


def interpolate(
    curve: pd.DataFrame,
    samples: Iterable[float],
    value: str = "lower_bound",
    scale: Callable[[np.ndarray], np.ndarray] = np.log10,
) -> np.ndarray:
    """A curve's values at given sample counts.

    Linear in log10 of the count by default: what a straight stroke on Figure 2's logarithmic axis
    shows.

    Args:
        curve: one curve of one seed, n ≥ 1 rows with ``training_samples`` and ``value``, in any
            order.
        samples: m sample counts.
        value: the column to interpolate; ``lower_bound`` is in nats.
        scale: what the interpolation is linear in, as a function of the count.

    Returns:
        [m], in the column's unit; NaN before the first and after the last point, for nothing is
        extrapolated.
    """
    samples = np.asarray(list(samples), dtype=float)
    curve = curve.sort_values("training_samples")
    known = curve["training_samples"].to_numpy(dtype=float)
    values = curve[value].to_numpy(dtype=float)
    inside = (samples >= known[0]) & (samples <= known[-1])
    result = np.full(samples.shape, np.nan)
    result[inside] = np.interp(scale(samples[inside]), scale(known), values)
    return result


def over_seeds(
    curve: pd.DataFrame,
    value: str = "lower_bound",
    scale: Callable[[np.ndarray], np.ndarray] = np.log10,
) -> pd.DataFrame:
    """Mean and range over the seeds of one curve.

    Seeds that were evaluated at other counts are interpolated between their own points. A seed
    counts only as far as it was trained, so ``n_seeds`` may fall along the curve.

    Args:
        curve: the rows of one curve: ``seed, training_samples`` and ``value``.
        value, scale: as in :func:`interpolate`.

    Returns:
        ``training_samples, mean, low, high`` (in the unit of ``value``), ``n_seeds``; one row for
        each sample count at which any seed was evaluated, ascending.
    """
    samples = np.unique(curve["training_samples"].to_numpy())
    values = pd.DataFrame(
        {seed: interpolate(one, samples, value, scale) for seed, one in curve.groupby("seed")},
        index=samples,
    )
    return pd.DataFrame(
        {
            "training_samples": samples,
            "mean": values.mean(axis=1).to_numpy(),
            "low": values.min(axis=1).to_numpy(),
            "high": values.max(axis=1).to_numpy(),
            "n_seeds": values.count(axis=1).to_numpy(),
        }
    )
