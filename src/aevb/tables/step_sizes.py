"""All candidates for the step size in one table."""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from aevb.errors import DataError


def make(tables: list[Path]) -> dict[str, str]:
    """The table, from those of ``aevb select-step-size``."""
    return {"output": collect(tables).to_csv(index=False, float_format="%.6g")}


def collect(paths: Iterable[Path]) -> pd.DataFrame:
    """The tables that `aevb select-step-size` wrote, one below the other.

    Raises:
        DataError: a table is missing or cannot be read.
    """
    tables = []
    for path in paths:
        try:
            tables.append(pd.read_csv(path))
        except (OSError, ValueError) as error:
            raise DataError(f"{path}: the table of step sizes cannot be read ({error})") from None
    return pd.concat(tables, ignore_index=True)
