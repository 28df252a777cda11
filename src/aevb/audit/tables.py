"""The tables that claims read, and how a claim says which numbers of one it means."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from aevb.errors import ConfigError, DataError
from aevb.tables.curves import interpolate

OUTSIDE = ("paper/", "reference/")
"""Tables under these names are not a record's: the paper's own curves, and numbers to come out
again."""


class MissingTable(DataError):
    """A record does not have a table."""


class Tables:
    """The finished tables of one record, read once each.

    Args:
        folder: ``results/<scale>``.
        resources: where the paper's curves and the reference numbers lie.
    """

    def __init__(self, folder: Path, resources: Path):
        self.folder, self.resources = Path(folder), Path(resources)
        self._read: dict[str, pd.DataFrame] = {}

    def path(self, name: str) -> Path:
        """Where a table lies."""
        return (self.resources if name.startswith(OUTSIDE) else self.folder) / name

    def read(self, name: str) -> pd.DataFrame:
        """A table as it is. Where ``name`` has wildcards, all that it names, with a column ``run``
        that says in which folder below ``runs`` each row lies.

        Raises:
            MissingTable: there is none.
            DataError: a file is no CSV table.
        """
        if name not in self._read:
            wild = "*" in name
            paths = sorted(self.folder.glob(name)) if wild else [self.path(name)]
            if not paths or not all(path.exists() for path in paths):
                raise MissingTable(f"{name} is not there")
            parts = [read_csv(path) for path in paths]
            if wild:
                runs = self.folder / "runs"
                places = [path.parent.relative_to(runs).as_posix() for path in paths]
                parts = [part.assign(run=place) for part, place in zip(parts, places, strict=True)]
            self._read[name] = pd.concat(parts, ignore_index=True)
        return self._read[name]

    def pictures(self, name: str) -> Mapping[str, np.ndarray]:
        """The pictures of a figure by the name that each has there, pixels in [0, 1].

        Raises:
            MissingTable: there are none.
            DataError: a file is no archive of arrays.
        """
        path = self.path(name)
        try:
            with np.load(path) as archive:
                return {key: archive[key] for key in archive.files}
        except FileNotFoundError:
            raise MissingTable(f"{name} is not there") from None
        except (OSError, ValueError) as error:
            raise DataError(f"{path}: no archive of arrays ({error})") from None

    def select(self, name: str, where: Mapping[str, Any], *columns: str | None) -> pd.DataFrame:
        """The rows whose columns have the values that ``where`` gives, one or a list each.

        Raises:
            ConfigError: one of these or of the further columns that are needed is not in the table.
        """
        rows = self.read(name)
        for column, wanted in where.items():
            require(rows, name, column)
            rows = matching(rows, column, wanted)
        require(rows, name, *(column for column in columns if column))
        return rows


def read_csv(path: Path, **how: Any) -> pd.DataFrame:
    """Any CSV table, read as pandas is told; DataError where it is none."""
    try:
        return pd.read_csv(path, **how)
    except FileNotFoundError:
        raise MissingTable(f"{path} is not there") from None
    except (OSError, ValueError) as error:
        # pandas ends some of its messages with a line break.
        raise DataError(f"{path}: not a CSV table ({' '.join(str(error).split())})") from None


def matching(rows: pd.DataFrame, column: str, wanted: Any) -> pd.DataFrame:
    """The rows whose column has a value, or one of a list, however its type is read."""
    return rows[rows[column].astype(str).isin([str(item) for item in as_list(wanted)])]


def as_list(wanted: Any) -> list:
    """What a claim gives as one value or a list of them, as a list."""
    return wanted if isinstance(wanted, list) else [wanted]


def same(found: Any, wanted: Any) -> bool:
    """Whether a value is the one wanted, however its type is read."""
    return found == wanted or str(found) == str(wanted)


def require(rows: pd.DataFrame, name: str, *columns: str) -> None:
    """Raise a ConfigError where a column that a claim names is not in its table."""
    for column in columns:
        if column not in rows:
            raise ConfigError(
                f"claims: {name} has no column {column!r}; it has {', '.join(rows.columns)}"
            )


def each_panel(
    rows: pd.DataFrame, columns: Sequence[str]
) -> Iterator[tuple[dict[str, Any], pd.DataFrame]]:
    """Each group of rows with the same values in ``columns``, with those values by column."""
    if not columns:
        yield from [({}, rows)] if len(rows) else []
        return
    for key, group in rows.groupby(list(columns), sort=True):
        yield dict(zip(columns, key, strict=True)), group


def by_seed(rows: pd.DataFrame) -> dict[Any, pd.DataFrame]:
    """The rows of each seed; all under 0 where a table has none."""
    if "seed" not in rows:
        return {0: rows}
    return dict(tuple(rows.groupby("seed")))


def value_at(rows: pd.DataFrame, value: str, along: str | None, at: float | None) -> float:
    """A curve's value at ``at``, linear in log10 of the count; of a single row, its value.

    NaN where the curve does not reach so far.

    Raises:
        ConfigError: several rows, but nothing to order them by.
    """
    if along is None:
        if len(rows) != 1:
            raise ConfigError(
                f"claims: {len(rows)} rows where one is meant; name more columns in `panels` or"
                f" `where` ({rows.head(2).to_dict('records')})"
            )
        return float(rows[value].iloc[0])
    curve = rows.rename(columns={along: "training_samples"})
    return float(interpolate(curve, [at], value)[0])


def reach(rows: pd.DataFrame, along: str) -> float:
    """The last count of a curve."""
    return float(np.max(rows[along]))


def panel_name(panel: Mapping[str, Any]) -> str:
    """What tables and messages call a panel."""
    return ", ".join(_label(column, value) for column, value in panel.items())


def _label(column: str, value: Any) -> str:
    short = {"latent_dim": "N_z", "n_train": "N", "samples_per_datapoint": "L", "batch_size": "M"}
    if column in short:
        return f"{short[column]} = {value}"
    return str(value)
