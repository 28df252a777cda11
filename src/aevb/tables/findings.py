"""What the paper shows and what this replication shows: a line a figure.

Everything is computed from the finished tables of one scale; the sentences are filled with the
numbers found there. Whether the two agree is for the audit to say.
"""

from pathlib import Path
from typing import NamedTuple

import pandas as pd

from aevb.catalogue import PRODUCTS
from aevb.errors import DataError
from aevb.tables import pages


class Finding(NamedTuple):
    """One line."""

    figure: str
    section: str
    paper: str
    ours: str


def make(folder: Path) -> dict[str, str]:
    """The table and its page, from the results of one scale."""
    rows = find(folder)
    page = pages.table(rows, left=len(rows.columns), wrap=True)
    return {"output": rows.to_csv(index=False), "page": page}


def find(folder: Path) -> pd.DataFrame:
    """The findings of one scale.

    Args:
        folder: ``results/<scale>``. What is not there is left out.

    Returns:
        Columns ``figure, section, paper, ours``.

    Raises:
        DataError: nothing is there, or a table is damaged.
    """
    found = [
        Finding(product.name, product.section, product.paper, ours)
        for product in PRODUCTS
        for ours in product.findings(Path(folder))
    ]
    if not found:
        raise DataError(f"{folder}: holds no figures and tables; make them first")
    return pd.DataFrame(found)
