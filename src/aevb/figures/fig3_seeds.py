"""Figure 3's curves as further seeds of ours (§5, Appendix E)."""

from collections.abc import Iterator
from pathlib import Path

from matplotlib.figure import Figure

from aevb.figures import further_seed
from aevb.figures.further_seed import Panel
from aevb.tables import tidy
from aevb.tables.curves import SPLITS
from aevb.tables.further_seed import of_fig3
from aevb.tables.likelihood_curves import ALGORITHMS, read_likelihoods, read_paper_likelihoods


def make(
    likelihoods: list[Path],
    paper: Path,
    estimator: list[str] | None = None,
    note: str | None = None,
) -> dict[str, Figure | str]:
    """The picture and its table, from the runs' likelihoods by one estimator, the first of those
    given, and the paper's."""
    ours = read_likelihoods(likelihoods, estimator)
    first = estimator[0] if estimator else ours["estimator"].iloc[0]
    table = of_fig3(ours[ours["estimator"] == first], read_paper_likelihoods(paper))
    rows = []
    for algorithm in ALGORITHMS:
        here = table[table["algorithm"] == algorithm]
        panels = [
            Panel(f"$N_{{train}}$ = {n_train}, {split}", algorithm, curve)
            for n_train, curves in here.groupby("n_train")
            for split in SPLITS
            for curve in [curves[curves["split"] == split]]
        ]
        rows += [(algorithm, panels)] if panels else []
    picture = further_seed.draw(
        rows,
        samples="# training samples evaluated (millions)",
        logarithmic=False,
        unit=1e6,
        note=note,
    )
    return {"picture": picture, "csv": table.to_csv(index=False, float_format="%.4f")}


def finding(drawn: Path) -> Iterator[str]:
    """How much of the paper's curves lies in the interval, of each algorithm and N_train."""
    table = tidy.told(drawn, "n_train", "algorithm", "difference", "half_width", "n_seeds")
    if table is None:
        return
    for (n_train, algorithm), share, n in further_seed.shares(table, ["n_train", "algorithm"]):
        yield (
            f"{algorithm}, N = {n_train}: {100 * share:.0f} % of the paper's points lie in the"
            f" 95 % prediction interval of a further seed of ours ({n} seeds)."
        )
