"""The paper's curves of Figures 2 and 3 as further seeds beside ours, along training."""

import numpy as np
import pandas as pd

from aevb.tables import curves, likelihood_curves, seeds
from aevb.tables.matched import matched

#: Twenty a decade, over the axis of Figure 2.
FIG2_SAMPLES = np.round(np.logspace(5, np.log10(2.5e8), 69))
#: One a million, over the axis of Figure 3.
FIG3_SAMPLES = 1e6 * np.arange(1, 69)

_MEASURES = ["ours", "lowest", "highest", "half_width", "n_seeds", "paper", "difference"]


def of_fig2(ours: pd.DataFrame, paper: pd.DataFrame) -> pd.DataFrame:
    """The paper's test bounds beside those of our seeds (Figure 2).

    Args:
        ours: as :func:`aevb.tables.curves.read_curves` gives it.
        paper: as :func:`aevb.tables.curves.read_paper_curves` gives it.

    Returns:
        ``dataset, latent_dim, algorithm, split, training_samples``, then in nats per datapoint
        ``ours``, the mean over seeds, ``lowest`` and ``highest`` of them, ``half_width`` of the
        95 % prediction interval of one further seed (see :func:`aevb.tables.seeds.half_width`;
        NaN for one seed), ``n_seeds`` (a count), ``paper`` and ``difference``, ours − paper. One
        row at each of ``FIG2_SAMPLES`` that both sides reach.
    """
    found = matched(
        ours[ours["split"] == "test"],
        paper,
        FIG2_SAMPLES,
        curve=curves.CURVE,
        value="lower_bound",
        interpolate=curves.interpolate,
    )
    return _with_interval(found, curves.CURVE)


def of_fig3(ours: pd.DataFrame, paper: pd.DataFrame) -> pd.DataFrame:
    """The same of marginal log-likelihoods (Figure 3).

    Args:
        ours: as :func:`aevb.tables.likelihood_curves.read_likelihoods` gives it.
        paper: as :func:`aevb.tables.likelihood_curves.read_paper_likelihoods` gives it.

    Returns:
        ``dataset, latent_dim, n_train, algorithm, split, estimator, training_samples`` and the
        numbers of :func:`of_fig2`, at ``FIG3_SAMPLES``, train and test.
    """
    found = matched(
        ours,
        likelihood_curves.without_start(paper),
        FIG3_SAMPLES,
        curve=likelihood_curves.CURVE,
        own=["estimator"],
        value=likelihood_curves.VALUE,
        interpolate=likelihood_curves.interpolate,
    )
    return _with_interval(found, [*likelihood_curves.CURVE, "estimator"])


def _with_interval(found: pd.DataFrame, curve: list[str]) -> pd.DataFrame:
    n, spread = found["n_seeds"].to_numpy(dtype=float), found["seed_sd"].to_numpy(dtype=float)
    with np.errstate(invalid="ignore"):
        half_width = seeds.half_width(spread, n)
    columns = [*curve, "training_samples", *_MEASURES]
    whole = {"training_samples": "int64", "n_seeds": "int64"}
    return found.assign(half_width=half_width)[columns].astype(whole).reset_index(drop=True)
