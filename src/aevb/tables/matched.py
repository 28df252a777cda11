"""Our curves and the paper's at the same numbers of training samples."""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

#: What a curve of one seed is at given sample counts, NaN where it does not reach: of the curve,
#: the counts and the column.
Interpolate = Callable[[pd.DataFrame, Sequence[float], str], np.ndarray]


def matched(
    ours: pd.DataFrame,
    paper: pd.DataFrame,
    samples: Sequence[float],
    *,
    curve: list[str],
    value: str,
    interpolate: Interpolate,
    own: Sequence[str] = (),
    also: Sequence[str] = (),
) -> pd.DataFrame:
    """Each of our curves that the paper has, over its seeds, and the paper's, at sample counts.

    Args:
        ours: rows with the columns of ``curve`` and ``own``, ``seed``, ``training_samples``,
            ``value`` and those of ``also``.
        paper: the same without seed, ``own`` and ``also``.
        samples: where to compare.
        curve: what tells one of the paper's curves from another.
        value: what is compared, in any unit, which is the results'.
        interpolate: of one seed, as :func:`aevb.tables.curves.interpolate`.
        own: what tells our curves apart besides.
        also: columns of which the mean over seeds is wanted too.

    Returns:
        ``curve``, ``own``, ``training_samples``, then of the seeds that reach the count their mean
        ``ours``, standard deviation ``seed_sd`` (with n − 1; NaN for one seed), number ``n_seeds``,
        ``lowest`` and ``highest``; ``paper``, ``difference`` (ours − paper) and ``also``. One row a
        curve and count that both sides reach; the columns are there even if no row is.
    """
    references = dict(iter(paper.groupby(curve)))
    found = []
    for key, rows in ours.groupby([*curve, *own]):
        theirs = references.get(key[: len(curve)])
        if theirs is None:
            continue
        runs = [run for _, run in rows.groupby("seed")]
        seeds = pd.DataFrame([interpolate(run, samples, value) for run in runs])
        means = {
            name: pd.DataFrame([interpolate(run, samples, name) for run in runs]).mean()
            for name in also
        }
        found.append(
            pd.DataFrame(
                {
                    **dict(zip([*curve, *own], key, strict=True)),
                    "training_samples": samples,
                    "ours": seeds.mean(),
                    "seed_sd": seeds.std(),
                    "n_seeds": seeds.count(),
                    "lowest": seeds.min(),
                    "highest": seeds.max(),
                    "paper": interpolate(theirs, samples, value),
                    **means,
                }
            )
        )
    columns = [*curve, *own, "training_samples", "ours", "seed_sd", "n_seeds", "lowest", "highest"]
    table = pd.concat(found) if found else pd.DataFrame(columns=[*columns, "paper", *also])
    table = table.dropna(subset=["ours", "paper"])
    difference = table["ours"] - table["paper"]
    return table.assign(difference=difference)[[*columns, "paper", "difference", *also]]
