"""What the pages of docs/ say of the committed record, looked up in its tables.

Bounds and likelihoods are in nats per datapoint, on the test set unless said otherwise. Every
function raises ValueError where the tables have no such row.
"""

from functools import cache
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd

from aevb.catalogue import PRODUCTS
from aevb.tables.curves import interpolate
from aevb.tables.seeds import ENOUGH, half_width

RECORD = Path(__file__).parents[1] / "results/full"


def text(name: str) -> str:
    """A file of the record."""
    return (RECORD / name).read_text(encoding="utf-8")


def enough() -> int:
    """The number of seeds from which on the audit takes what they show for a verdict."""
    return ENOUGH


@cache
def table(name: str) -> pd.DataFrame:
    """A table of the record, ``name`` without `.csv`."""
    return pd.read_csv(RECORD / f"{name}.csv")


def products() -> list[dict[str, str]]:
    """The figures, tables and pages of the catalogue: their files, the section of the paper, and
    what they are, in a row each."""
    found = []
    for one in PRODUCTS:
        paths = [PurePosixPath(file) for file in one.files()]
        stems = dict.fromkeys(str(path.with_suffix("")) for path in paths)
        suffixes = {
            stem: "`, `".join(p.suffix for p in paths if str(p.with_suffix("")) == stem)
            for stem in stems
        }
        files = ", ".join(f"`{stem}` (`{suffix}`)" for stem, suffix in suffixes.items())
        content = one.summary.replace("|", "\\|")
        found.append({"files": files, "section": one.section, "content": content})
    return found


def rows(name: str, **where) -> pd.DataFrame:
    """The rows of a table that have these values; a list stands for any of its values."""
    found = table(name)
    for column, wanted in where.items():
        found = found[found[column].isin(wanted if isinstance(wanted, list) else [wanted])]
    if found.empty:
        raise ValueError(f"{name}.csv has no row with {where}")
    return found


def cell(name: str, column: str, **where) -> float:
    """The one value of a table's column in the row that has these values."""
    found = rows(name, **where)
    if len(found) > 1:
        raise ValueError(f"{name}.csv has {len(found)} rows with {where}, not one")
    return found[column].item()


def over_seeds(name: str, column: str, **where) -> pd.Series:
    """A table's column for each seed, in the rows that have these values; of curves, at their
    end."""
    found = rows(name, **where)
    if "training_samples" in found:
        found = found[found["training_samples"] == found["training_samples"].max()]
    found = found.set_index("seed")[column]
    if not found.index.is_unique:
        raise ValueError(f"{name}.csv has several rows a seed with {where}")
    return found


def distances(dataset: str, algorithm: str, samples: float, **where) -> pd.Series:
    """Figure 2, ours minus the paper's, a value for each N_z."""
    return _fig2_distance(dataset, algorithm, samples, **where)["difference"]


def intervals(dataset: str, algorithm: str, samples: float, **where) -> pd.Series:
    """Half widths of the 95 % prediction interval of a further seed there."""
    found = _fig2_distance(dataset, algorithm, samples, **where)
    return found.apply(lambda row: half_width(row["seed_sd"], row["n_seeds"]), axis=1)


def plausible(dataset: str, algorithm: str, samples: float) -> list[int]:
    """The N_z at which the paper's number there is a plausible further seed of ours."""
    found = _fig2_distance(dataset, algorithm, samples)
    inside = found["difference"].abs() <= intervals(dataset, algorithm, samples)
    return found["latent_dim"][inside].tolist()


def deviations(algorithm: str, samples: float, **where) -> pd.Series:
    """Figure 2 on Frey Face, the standard deviation over seeds for each N_z."""
    return _fig2_distance("FreyFace", algorithm, samples, **where)["seed_sd"]


def ours(dataset: str, algorithm: str, latent_dim: int, samples: float) -> float:
    """Figure 2, our bound, the mean over seeds."""
    return _fig2_distance(dataset, algorithm, samples, latent_dim=latent_dim)["ours"].item()


def leads(dataset: str, samples: float) -> pd.Series:
    """Figure 2, AEVB's bound minus wake-sleep's, the means over seeds, a value for each N_z."""
    first, second = (
        _fig2_distance(dataset, name, samples).set_index("latent_dim")["ours"]
        for name in ("AEVB", "wake-sleep")
    )
    return first - second


def further_on(latent_dim: int) -> tuple[float, float]:
    """The end of AEVB's longer curve on MNIST: training samples, and ours minus the paper's."""
    where = {"dataset": "MNIST", "algorithm": "AEVB", "split": "test", "latent_dim": latent_dim}
    ours = rows("figures/long_run", source="ours", **where)
    end = ours["training_samples"].max()
    (reference,) = interpolate(rows("figures/long_run", source="paper", **where), [end])
    return end, ours[ours["training_samples"] == end]["lower_bound"].mean() - reference


def left_plateau(latent_dims: list[int], above: float = 584.0) -> list[int]:
    """Figure 2, wake-sleep on Frey Face: the training samples at which each of our runs was first
    seen above the plateau of the mean face; those that never were are left out."""
    found = rows("figures/fig2", source="ours", dataset="FreyFace", algorithm="wake-sleep")
    found = found[(found["split"] == "test") & found["latent_dim"].isin(latent_dims)]
    found = found[found["lower_bound"] > above]
    return found.groupby(["latent_dim", "seed"])["training_samples"].min().tolist()


def starts(dataset: str, **where) -> pd.Series:
    """Figure 2, the first bounds of our curves, on training and test data."""
    found = rows("figures/fig2", source="ours", dataset=dataset, **where)
    return found[found["training_samples"] == found["training_samples"].min()]["lower_bound"]


def second_entries(algorithm: str, whose: str, flat: int = 0) -> pd.Series:
    """Figure 2 on Frey Face, the second training value that the paper logs, for each N_z: the mean
    of the minibatch bounds after the first minibatch, of 500. ``ours``, of the first seed, is the
    same mean of our curve, whose entries are means since the one before; ``flat`` leaves out that
    many samples in which nothing was learned."""
    where = {"dataset": "FreyFace", "algorithm": algorithm, "split": "train"}
    paper = rows("figures/fig2", source="paper", **where).sort_values("training_samples")
    entries = paper.groupby("latent_dim").first()
    if whose == "paper":
        return entries["lower_bound"]
    curves = rows("figures/fig2", source="ours", seed=0, **where).sort_values("training_samples")
    means = {}
    for latent_dim, curve in curves.groupby("latent_dim"):
        last = entries["training_samples"][latent_dim]
        covered = curve["training_samples"].clip(upper=last).diff().fillna(0)
        total = (covered * curve["lower_bound"]).sum() - flat * curve["lower_bound"].iloc[0]
        means[latent_dim] = total / (covered.sum() - flat)
    return pd.Series(means)


def fig3(
    n_train: int,
    algorithm: str,
    split: str,
    samples: float,
    estimator: str = "library",
    column: str = "difference",
) -> float:
    """Figure 3, ours (the mean over seeds), the paper's or their difference, by the estimator as
    the authors' library computes it or by another; at the start, ours."""
    where = {"n_train": n_train, "algorithm": algorithm, "split": split, "estimator": estimator}
    where["training_samples"] = samples
    if samples < 1e6:
        where["source"] = "ours"
        return rows("figures/fig3", **where)["marginal_log_likelihood"].mean()
    return cell("tables/fig3_distance", column, **where)


def fig3_interval(n_train: int, algorithm: str, split: str, samples: float) -> float:
    """Half width of the 95 % prediction interval of a further seed there, by the estimator as the
    authors' library computes it."""
    where = {"n_train": n_train, "algorithm": algorithm, "split": split, "estimator": "library"}
    found = rows("tables/fig3_distance", training_samples=samples, **where).squeeze()
    return half_width(found["seed_sd"], found["n_seeds"])


def exact(n_train: int, algorithm: str, split: str, samples: float) -> pd.Series:
    """Figure 3, ours by quadrature for each seed, interpolated in the samples."""
    where = {"n_train": n_train, "algorithm": algorithm, "split": split}
    curves = rows("figures/fig3", source="ours", estimator="quadrature", **where)
    values = {
        seed: np.interp(samples, curve["training_samples"], curve["marginal_log_likelihood"])
        for seed, curve in curves.sort_values("training_samples").groupby("seed")
    }
    return pd.Series(values)


def lead(samples: float, split: str = "test") -> pd.Series:
    """Figure 3, N = 1000: Monte Carlo EM minus AEVB by quadrature, ours, for each seed."""
    mcem, aevb = (exact(1000, name, split, samples) for name in ("MCEM", "AEVB"))
    return mcem - aevb


def papers_lead(samples: float, split: str = "test") -> float:
    """The same difference in the paper."""
    mcem, aevb = (fig3(1000, n, split, samples, column="paper") for n in ("MCEM", "AEVB"))
    return mcem - aevb


def behind(samples: float) -> pd.Series:
    """Figure 3, wake-sleep, ours minus the paper's by its estimator, on all points."""
    where = {"algorithm": "wake-sleep", "estimator": "library", "training_samples": samples}
    return rows("tables/fig3_distance", **where)["difference"]


def furthest_below() -> float:
    """Figure 3, how far the paper's estimator is below quadrature at most, in the mean over
    seeds."""
    keys = ["n_train", "algorithm", "split", "training_samples"]
    values = rows("figures/fig3", source="ours").pivot_table(
        index=keys, columns="estimator", values="marginal_log_likelihood"
    )
    return (values["quadrature"] - values["paper"]).max()


def final_bound(split: str) -> float:
    """The bound of AEVB's run of Figure 3, N = 50 000, at 10⁷ samples, the mean over seeds."""
    run = "runs/authors/mnist/aevb/hidden_units_100/n_train_50000/latent_dim_3/curve"
    return rows(run, split=split, training_samples=1e7)["lower_bound"].mean()


def step_size(dataset: str, algorithm: str, n_train: int | list[int] | None = None) -> float:
    """The selected step size, of Figure 3 where there is an ``n_train``."""
    found = _selection(dataset, algorithm, n_train)
    (value,) = found[found["selected"]]["step_size"].unique()
    return value


def selected_by(dataset: str, algorithm: str, other: float) -> float:
    """Figure 2, the selected step size's objective minus another's, in the mean over panels."""
    found = _selection(dataset, algorithm)
    best = found[found["selected"]]["mean_over_panels"].iloc[0]
    return best - found[found["step_size"] == other]["mean_over_panels"].iloc[0]


def _selection(
    dataset: str, algorithm: str, n_train: int | list[int] | None = None
) -> pd.DataFrame:
    """The candidates of Figure 2, which are compared on several panels, or of Figure 3."""
    where = {} if n_train is None else {"n_train": n_train}
    found = rows("tables/step_sizes", dataset=dataset, algorithm=algorithm, **where)
    compared = found.groupby(["n_train", "training_samples"])["latent_dim"].transform("nunique")
    return found[(compared > 1) == (n_train is None)]


def biases(estimator: str, latent_dims: list[int]) -> pd.Series:
    """The estimator's bias on probabilistic PCA, a value for each N_z."""
    where = {"model": "PPCA", "estimator": estimator, "latent_dim": latent_dims}
    return rows("figures/estimators", **where)["bias"]


def flagged(estimator: str, latent_dim: int) -> float:
    """The share of the points that the estimator's own checks flag, on probabilistic PCA."""
    where = {"model": "PPCA", "estimator": estimator, "latent_dim": latent_dim}
    found = rows("figures/estimators", **where)
    return (found["n_flagged"] / found["n_points"]).item()


def on_network(estimator: str) -> pd.Series:
    """The row of the estimator on AEVB's trained network, with ``flagged``."""
    found = rows("figures/estimators", model="AEVB, N=50000", estimator=estimator).squeeze()
    return pd.concat([found, pd.Series({"flagged": found["n_flagged"] / found["n_points"]})])


def usage(latent_dim: int, **where) -> pd.DataFrame:
    """The latent dimensions of AEVB on MNIST: ``kl`` in nats, ``active``."""
    return rows("figures/latent_usage", dataset="MNIST", latent_dim=latent_dim, **where)


def measured(
    application: str, dataset: str, method: str, quantity: str, column="value", **where
) -> float:
    """A measure of an application."""
    where |= {"application": application, "dataset": dataset, "method": method}
    return cell("tables/applications", column, quantity=quantity, **where)


def variance(dataset: str, state: str, estimator: str) -> float:
    """The variance of the gradient over that of SGVB B."""
    where = {"dataset": dataset, "state": state, "estimator": estimator}
    return cell("tables/gradient_variance", "ratio", **where)


def study(name: str, **where) -> pd.Series:
    """The bound at the end of a curve of section 2's studies, for each seed."""
    return over_seeds(f"figures/{name}", "lower_bound", split="test", **where)


def prior_gain(dataset: str, latent_dim: int) -> pd.Series:
    """The bound with the prior on the weights minus that without, for each seed."""
    with_prior, without = (
        study("weight_prior", dataset=dataset, latent_dim=latent_dim, weight_prior=prior)
        for prior in ("matrices", "none")
    )
    return with_prior - without


def full_vb(n_train: int, method: str, split: str, column="marginal_log_likelihood") -> pd.Series:
    """Exact log p(x) of Appendix F's comparison, or another of its columns, for each seed."""
    where = {"n_train": n_train, "method": method, "split": split}
    return over_seeds("figures/weight_uncertainty", column, **where)


def still_rising(algorithm: str, n_train: int) -> float:
    """How much the training bound of Appendix F's comparison rises over the last 10⁶ samples, the
    mean over seeds."""
    name = f"runs/authors/mnist/full_vb/hidden_units_100/n_train_{n_train}/latent_dim_3/bounds"
    curve = rows(name, algorithm=algorithm, split="train")
    means = curve.groupby("training_samples")["lower_bound"].mean()
    return (means[5_000_000] - means[4_000_000]).item()


def overfits(method: str) -> pd.Series:
    """Training minus test log p(x) with N = 1000, for each seed."""
    return full_vb(1000, method, "train") - full_vb(1000, method, "test")


def pruned(method: str, share: float) -> pd.Series:
    """What setting that share of the decoder's weights to zero costs with N = 1000, for each
    seed."""
    before, after = (
        over_seeds(
            "figures/weight_uncertainty_pruning",
            "marginal_log_likelihood",
            n_train=1000,
            method=method,
            pruned=value,
        )
        for value in (0, share)
    )
    return before - after


def _fig2_distance(dataset: str, algorithm: str, samples: float, **where) -> pd.DataFrame:
    where |= {"dataset": dataset, "algorithm": algorithm, "training_samples": samples}
    return rows("tables/fig2_distance", split="test", **where)
