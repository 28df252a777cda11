"""How like test images the samples of Figure 5 are, as a page."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from aevb.tables import pages, tidy, words

_NUMBER = tidy.number(least=0.0)
_PARSERS: dict[str, tidy.Parser] = {
    "dataset": tidy.name,
    "latent_dim": tidy.positive,
    "kind": tidy.one_of("samples", "scrambled", "test images"),
    "nearest": _NUMBER,
    "nearest_standard_error": _NUMBER,
    "apart": _NUMBER,
    "apart_standard_error": _NUMBER,
    "images": tidy.positive,
}


def make(table: Path) -> dict[str, str]:
    """The page, from the table of ``aevb likeness``."""
    return {"page": pages.table(read_likeness(table), left=3)}


def read_likeness(path: Path) -> pd.DataFrame:
    """The table of ``aevb likeness``, checked.

    Raises:
        DataError: see :func:`aevb.tables.tidy.read_all`.
    """
    return tidy.read_all([path], _PARSERS, ["dataset", "latent_dim", "kind"])


def finding(table: Path) -> Iterator[str]:
    """How much nearer to test images samples are than noise with their grey values."""
    for dataset, rows in read_likeness(table).groupby("dataset"):
        wide = rows.pivot(index="latent_dim", columns="kind", values="nearest")
        told = ", ".join(
            f"N_z = {dim} {row['samples'] / row['scrambled']:.2f}" for dim, row in wide.iterrows()
        )
        yield (
            f"{words.title(dataset)}: distance of samples to the nearest test image, over that of"
            f" the same samples scrambled: {told}."
        )
