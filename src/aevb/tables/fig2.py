"""The table of Figure 2: what is drawn of our curves and of the paper's."""

from collections.abc import Sequence

import pandas as pd

from aevb.errors import DataError
from aevb.tables.curves import COLUMNS

_PAPER = ("MNIST", "FreyFace")


def table(
    curves: pd.DataFrame, paper: pd.DataFrame, datasets: Sequence[str] | None = None
) -> pd.DataFrame:
    """Everything that :func:`aevb.figures.fig2.draw` draws from the same arguments.

    Returns:
        Columns ``source, dataset, latent_dim, algorithm, split, seed, training_samples,
        lower_bound`` (nats per datapoint), sorted. ``source`` is ours or paper. Ours has one row a
        seed, from which the drawn mean and band follow; the paper's rows have no seed, and include
        the vertices that the axes clip.

    Raises:
        DataError: as :func:`aevb.figures.fig2.draw`.
    """
    ours, theirs = select(curves, paper, datasets)
    both = pd.concat(
        [ours.assign(source="ours"), theirs.assign(source="paper", seed=pd.NA)], ignore_index=True
    ).astype({"seed": "Int64"})
    columns = ["source", *COLUMNS]
    return both[columns].sort_values(columns[:-1], ignore_index=True)


def select(
    curves: pd.DataFrame, paper: pd.DataFrame, datasets: Sequence[str] | None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rows of the panels to draw, data sets in the order of the figure's rows."""
    present = set(curves["dataset"])
    if datasets is not None:
        datasets = list(dict.fromkeys(datasets))
    else:
        datasets = [name for name in _PAPER if name in present]
        datasets += sorted(present - set(datasets))
    absent = [name for name in datasets if name not in present]
    if absent or not datasets:
        raise DataError(
            f"Figure 2: there are no curves of {', '.join(absent) or 'any data set'}; "
            f"there are some of {', '.join(sorted(present)) or 'none'}."
        )
    ours = pd.concat([curves[curves["dataset"] == name] for name in datasets], ignore_index=True)
    panels = ours[["dataset", "latent_dim"]].drop_duplicates()
    return ours, paper.merge(panels, on=["dataset", "latent_dim"])
