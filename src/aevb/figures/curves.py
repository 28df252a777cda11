"""Tables of lower-bound curves: those that training makes, and the paper's own."""

import math
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from aevb.errors import DataError

ALGORITHMS = ("AEVB", "wake-sleep")
SPLITS = ("train", "test")

#: What tells one curve of Figure 2 from another, seeds aside.
CURVE = ["dataset", "latent_dim", "algorithm", "split"]
COLUMNS = [*CURVE, "seed", "training_samples", "lower_bound"]
PAPER_COLUMNS = [*CURVE, "training_samples", "lower_bound", "in_frame"]

_POSITIVE_INTEGERS = {"latent_dim", "training_samples"}
_INTEGERS = {*_POSITIVE_INTEGERS, "seed", "in_frame"}
_VOCABULARY = {"algorithm": ALGORITHMS, "split": SPLITS, "in_frame": ("0", "1")}


def read_curves(paths: Iterable[Path | str]) -> pd.DataFrame:
    """Read and check the curve tables of any number of training runs.

    Args:
        paths: CSV files with the columns ``dataset, latent_dim, algorithm, split, seed,
            training_samples, lower_bound`` (nats per datapoint). Further columns are ignored.

    Returns:
        One table with these columns, sorted by them, one row a point. A data set may have any
        name; ``algorithm`` is AEVB or wake-sleep, ``split`` is train or test.

    Raises:
        DataError: no file is given, or one is missing, empty, lacks a column, or holds an unknown
            algorithm or split, a number that is not finite, a count that is not a positive whole
            number, or a point that was already read. The text names file, line and column.
    """
    paths = [Path(path) for path in paths]
    if not paths:
        raise DataError("No curve table was given: there is nothing to draw. Train first.")
    tables = [_read(path, COLUMNS) for path in paths]
    key = COLUMNS[:-1]
    joined = pd.concat(tables, ignore_index=True)
    repeated = joined.duplicated(key)
    if repeated.any():
        row = int(np.flatnonzero(repeated)[0])
        ends = np.cumsum([len(table) for table in tables])
        path = paths[int(np.searchsorted(ends, row, side="right"))]
        point = ", ".join(f"{column} {joined[column][row]}" for column in key)
        raise DataError(
            f"{path}: the point with {point} appears a second time. Give each run's table once, "
            "and do not mix runs that differ only in their settings."
        )
    return joined.sort_values(key, ignore_index=True)


def read_paper_curves(path: Path | str) -> pd.DataFrame:
    """Read the vertices of the paper's Figure 2 (``resources/paper/fig2_lower_bound.csv``).

    Returns:
        Columns ``dataset, latent_dim, algorithm, split, training_samples, lower_bound, in_frame``,
        sorted; nats per datapoint. ``in_frame`` is False for vertices that the published figure
        clips at its axes.

    Raises:
        DataError: as in :func:`read_curves`.
    """
    table = _read(Path(path), PAPER_COLUMNS).astype({"in_frame": bool})
    return table.sort_values(PAPER_COLUMNS[:-2], ignore_index=True)


def interpolate(curve: pd.DataFrame, samples: Iterable[float]) -> np.ndarray:
    """The bound at given sample counts, linear in log10 of the count.

    This is what a straight stroke on Figure 2's logarithmic axis shows.

    Args:
        curve: one curve of one seed, n ≥ 1 rows with ``training_samples`` and ``lower_bound``
            (nats), in any order.
        samples: m sample counts.

    Returns:
        [m], nats; NaN before the first and after the last point, for nothing is extrapolated.
    """
    samples = np.asarray(list(samples), dtype=float)
    curve = curve.sort_values("training_samples")
    known = curve["training_samples"].to_numpy(dtype=float)
    bounds = curve["lower_bound"].to_numpy(dtype=float)
    inside = (samples >= known[0]) & (samples <= known[-1])
    result = np.full(samples.shape, np.nan)
    result[inside] = np.interp(np.log10(samples[inside]), np.log10(known), bounds)
    return result


def over_seeds(curve: pd.DataFrame) -> pd.DataFrame:
    """Mean and range over the seeds of one curve.

    Seeds that were evaluated at other counts are interpolated between their own points. A seed
    counts only as far as it was trained, so ``n_seeds`` may fall along the curve.

    Args:
        curve: the rows of one curve: ``seed, training_samples, lower_bound``.

    Returns:
        ``training_samples, mean, low, high`` (nats), ``n_seeds``; one row for each sample count at
        which any seed was evaluated, ascending.
    """
    samples = np.unique(curve["training_samples"].to_numpy())
    bounds = pd.DataFrame(
        {seed: interpolate(one, samples) for seed, one in curve.groupby("seed")}, index=samples
    )
    return pd.DataFrame(
        {
            "training_samples": samples,
            "mean": bounds.mean(axis=1).to_numpy(),
            "low": bounds.min(axis=1).to_numpy(),
            "high": bounds.max(axis=1).to_numpy(),
            "n_seeds": bounds.count(axis=1).to_numpy(),
        }
    )


def _read(path: Path, columns: list[str]) -> pd.DataFrame:
    try:
        # As text, so that a message can quote what the file really holds.
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
    except FileNotFoundError:
        raise DataError(f"{path}: no such file. Make the table first.") from None
    except pd.errors.EmptyDataError:
        raise DataError(f"{path}: the file is empty. Delete it and make it anew.") from None
    except (pd.errors.ParserError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: not a CSV table ({error}).") from None
    missing = [column for column in columns if column not in table]
    if missing:
        raise DataError(
            f"{path}: column {', '.join(map(repr, missing))} is missing; "
            f"it has {', '.join(map(repr, table.columns))}."
        )
    if table.empty:
        raise DataError(f"{path}: the table has no rows. Delete it and make it anew.")
    return pd.DataFrame({column: _parse(path, table[column]) for column in columns})


def _parse(path: Path, values: pd.Series) -> pd.Series:
    column = str(values.name)
    allowed = _VOCABULARY.get(column)
    numeric = column in _INTEGERS or column == "lower_bound"
    parsed: list[str | int | float] = []
    # The header is line 1.
    for line, text in enumerate(values, start=2):
        where = f"{path}, line {line}, column {column!r}: {text!r}"
        if allowed and text not in allowed:
            raise DataError(f"{where} is not one of {', '.join(allowed)}.")
        if not numeric:
            if not text:
                raise DataError(f"{where} is no name.")
            parsed.append(text)
            continue
        try:
            number = float(text)
        except ValueError:
            raise DataError(f"{where} is not a number.") from None
        if not math.isfinite(number):
            raise DataError(f"{where} is not finite. Did the run diverge?")
        if column not in _INTEGERS:
            parsed.append(number)
            continue
        if number != int(number) or (column in _POSITIVE_INTEGERS and number <= 0):
            positive = "positive " if column in _POSITIVE_INTEGERS else ""
            raise DataError(f"{where} is not a {positive}whole number.")
        parsed.append(int(number))
    return pd.Series(parsed)
