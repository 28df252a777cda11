"""Figure 2's test curves as further seeds of ours (§5)."""

from collections.abc import Iterator
from pathlib import Path

from matplotlib.figure import Figure

from aevb.figures import further_seed
from aevb.figures.further_seed import Panel
from aevb.tables import tidy, words
from aevb.tables.curves import ALGORITHMS, read_curves, read_paper_curves
from aevb.tables.further_seed import of_fig2


def make(curves: list[Path], paper: Path, note: str | None = None) -> dict[str, Figure | str]:
    """The picture and its table, from the runs' curves and the paper's."""
    table = of_fig2(read_curves(curves), read_paper_curves(paper))
    rows = []
    for name in sorted(table["dataset"].unique(), reverse=True):
        for algorithm in ALGORITHMS:
            here = table[(table["dataset"] == name) & (table["algorithm"] == algorithm)]
            panels = [
                Panel(f"{words.title(name)}, $N_z$={dim}", algorithm, curve)
                for dim, curve in here.groupby("latent_dim")
            ]
            rows += [(algorithm, panels)] if panels else []
    picture = further_seed.draw(
        rows, samples="# training samples evaluated", logarithmic=True, note=note
    )
    return {"picture": picture, "csv": table.to_csv(index=False, float_format="%.4f")}


def finding(drawn: Path) -> Iterator[str]:
    """How much of the paper's curves lies in the interval, of each data set and algorithm."""
    table = tidy.told(drawn, "dataset", "algorithm", "difference", "half_width", "n_seeds")
    if table is None:
        return
    for (name, algorithm), share, n in further_seed.shares(table, ["dataset", "algorithm"]):
        yield (
            f"{words.title(name)}, {algorithm}: {100 * share:.0f} % of the paper's test points lie"
            f" in the 95 % prediction interval of a further seed of ours ({n} seeds)."
        )
