"""The table of Figure 3: what is drawn of our curves and of the paper's."""

import pandas as pd

from aevb.errors import DataError
from aevb.tables.likelihood_curves import COLUMNS, KEY, without_start


def table(table: pd.DataFrame, paper: pd.DataFrame) -> pd.DataFrame:
    """Everything that :func:`aevb.figures.fig3.draw` draws from the same arguments.

    Returns:
        ``source`` and the columns of :func:`aevb.tables.likelihood_curves.read_likelihoods`,
        sorted; nats per datapoint. ``source`` is ours or paper. Ours has one row a seed, from which
        the drawn means, bands, bars and hollow points follow. The paper's rows, estimator
        ``paper``, have no seed and no diagnostics; they include the vertices that the axes clip,
        but not the starts at −544 nats, from which no line is drawn.

    Raises:
        DataError: as :func:`aevb.figures.fig3.draw`.
    """
    ours, theirs = select(table, paper)
    theirs = theirs.drop(columns="in_frame").assign(estimator="paper")
    both = pd.concat(
        [ours.assign(source="ours"), theirs.assign(source="paper")], ignore_index=True
    ).astype({"seed": "Int64", "n_points": "Int64", "n_flagged": "Int64"})
    return both[["source", *COLUMNS]].sort_values(["source", *KEY], ignore_index=True)


def select(table: pd.DataFrame, paper: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Our rows, and the paper's of the same panels."""
    models = table[["dataset", "latent_dim"]].drop_duplicates()
    if len(models) != 1:
        found = ", ".join(f"{name} with N_z = {dim}" for name, dim in models.to_numpy().tolist())
        raise DataError(
            "Figure 3 shows one data set at one N_z; the likelihood tables hold "
            f"{found or 'nothing'}."
        )
    panels = table[["dataset", "latent_dim", "n_train"]].drop_duplicates()
    return table, without_start(paper).merge(panels, on=list(panels))
