"""The distributions with a reparameterisation (§2.4), as a page: how each is drawn, how exactly."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from aevb.tables import pages, tidy

_HINT = "Has the gradient no variance?"
COLUMNS: dict[str, tidy.Parser] = {
    "family": tidy.name,
    "distribution": tidy.name,
    "transformation": tidy.name,
    "noise": tidy.name,
    "source": tidy.one_of("TFP", "ours"),
    "parameter": tidy.name,
    "gradient": tidy.number(),
    "exact": tidy.number(),
    "standard_error": tidy.number(least=0.0),
    "z_score": tidy.number(_HINT),
    "ks_p_value": tidy.number(least=0.0, most=1.0),
}
"""The columns of ``aevb.models.posteriors.reparameterisations.table``."""

_DISTRIBUTION = ["family", "distribution"]
_SHARED = ["transformation", "noise", "source", "ks_p_value"]


def make(table: Path) -> dict[str, str]:
    """The page, from the table of ``aevb section2 reparameterisations``."""
    return {"page": render(read_gradients(table))}


def finding(table: Path) -> Iterator[str]:
    """How many distributions there are, and how exact their gradients."""
    rows = read_gradients(table)
    z = rows["z_score"].abs()
    entries = rows[["family", "distribution"]].drop_duplicates()
    yield (
        f"{len(entries)} of them; pathwise gradients are at most {z.max():.1f} standard errors from"
        f" the exact ones, over {len(z)} parameters."
    )


def read_gradients(path: Path) -> pd.DataFrame:
    """The table of the gradients, one row a parameter, checked.

    Raises:
        DataError: see :func:`aevb.tables.tidy.read_all`; or the rows of a distribution differ
            in what belongs to the distribution as a whole.
    """
    return tidy.read_all([path], COLUMNS, [*_DISTRIBUTION, "parameter"], _check)


def render(table: pd.DataFrame) -> str:
    """The page: one row a distribution, in the table's order.

    The largest errors are those over its parameters; in standard errors and in absolute terms they
    need not be of the same parameter.

    Args:
        table: as :func:`read_gradients` gives it.
    """
    errors = table.assign(
        z_score=table["z_score"].abs(), error=(table["gradient"] - table["exact"]).abs()
    )
    rows = errors.groupby(_DISTRIBUTION, sort=False).agg(
        {**{column: "first" for column in _SHARED}, "z_score": "max", "error": "max"}
    )
    rows = rows.reset_index()
    shown = pd.DataFrame(
        {
            "family": rows["family"],
            "distribution": rows["distribution"],
            "transformation": rows["transformation"],
            "auxiliary noise": rows["noise"],
            "drawn by": rows["source"],
            "largest |gradient error| (standard errors)": rows["z_score"].map("{:.2f}".format),
            "largest |gradient error|": rows["error"].map("{:.1e}".format),
            "KS p-value": rows["ks_p_value"].map("{:.2g}".format),
        }
    )
    return pages.table(shown, left=5, wrap=True)


def _check(path: Path, table: pd.DataFrame) -> None:
    for column in _SHARED:
        first = table.groupby(_DISTRIBUTION)[column].transform("first")
        tidy.refuse(path, table, table[column] != first, column, "differs within one distribution.")
