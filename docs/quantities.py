"""What the pages of docs/ say of the committed record, looked up in its tables.

Bounds and likelihoods are in nats per datapoint, on the test set unless said otherwise. Every
function raises ValueError where the tables have no such row.
"""

from functools import cache
from pathlib import Path, PurePosixPath

import pandas as pd

from aevb.catalogue import PRODUCTS
from aevb.tables.seeds import ENOUGH

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


def deviations(algorithm: str, samples: float, **where) -> pd.Series:
    """Figure 2 on Frey Face, the standard deviation over seeds for each N_z."""
    return _fig2_distance("FreyFace", algorithm, samples, **where)["seed_sd"]


def ours(dataset: str, algorithm: str, latent_dim: int, samples: float) -> float:
    """Figure 2, our bound, the mean over seeds."""
    return _fig2_distance(dataset, algorithm, samples, latent_dim=latent_dim)["ours"].item()


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
    n_train: int, algorithm: str, split: str, samples: float, estimator="paper", column="difference"
) -> float:
    """Figure 3, ours, the paper's or their difference; at the start, ours."""
    where = {"n_train": n_train, "algorithm": algorithm, "split": split, "estimator": estimator}
    where["training_samples"] = samples
    if samples < 1e6:
        where["source"] = "ours"
        return cell("figures/fig3", "marginal_log_likelihood", **where)
    return cell("tables/fig3_distance", column, **where)


def lead(whose: str, estimator: str, samples: float, split: str = "test") -> float:
    """Figure 3, N = 1000: Monte Carlo EM minus AEVB, ``ours`` or the ``paper``'s."""
    mcem, aevb = (fig3(1000, name, split, samples, estimator, whose) for name in ("MCEM", "AEVB"))
    return mcem - aevb


def behind(samples: float) -> pd.Series:
    """Figure 3, wake-sleep, ours minus the paper's by the paper's estimator, on all points."""
    where = {"algorithm": "wake-sleep", "estimator": "paper", "training_samples": samples}
    return rows("tables/fig3_distance", **where)["difference"]


def furthest_below() -> float:
    """Figure 3, how far the paper's estimator is below quadrature at most."""
    keys = ["n_train", "algorithm", "split", "training_samples"]
    values = rows("figures/fig3", source="ours").pivot(
        index=keys, columns="estimator", values="marginal_log_likelihood"
    )
    return (values["quadrature"] - values["paper"]).max()


def final_bound(split: str) -> float:
    """The bound of AEVB's run of Figure 3, N = 50 000, at 10⁷ samples."""
    run = "runs/authors/mnist/aevb/hidden_units_100/n_train_50000/latent_dim_3/curve"
    return cell(run, "lower_bound", split=split, training_samples=1e7)


def step_size(dataset: str, algorithm: str, n_train: int | list[int] | None = None) -> float:
    """The selected step size, of Figure 3 where there is an ``n_train``."""
    where = {"dataset": dataset, "algorithm": algorithm, "selected": True}
    if n_train is not None:
        # Figure 3 selects on one panel, Figure 2 on the mean over several.
        found = rows("tables/step_sizes", **where, n_train=n_train)
        found = found[found["objective"] == found["mean_over_panels"]]
    else:
        found = rows("tables/step_sizes", **where)
        found = found[found["objective"] != found["mean_over_panels"]]
    (value,) = found["step_size"].unique()
    return value


def selected_by(dataset: str, algorithm: str, other: float) -> float:
    """Figure 2, the selected step size's objective minus another's, in the mean over panels."""
    found = rows("tables/step_sizes", dataset=dataset, algorithm=algorithm)
    found = found[found["objective"] != found["mean_over_panels"]]
    best = found[found["selected"]]["mean_over_panels"].iloc[0]
    return best - found[found["step_size"] == other]["mean_over_panels"].iloc[0]


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


def prior_gains(dataset: str) -> pd.Series:
    """The bound with the prior on the weights minus that without, a value for each N_z."""
    values = rows("tables/weight_prior", dataset=dataset).pivot(
        index="latent_dim", columns="weight_prior", values="test"
    )
    return values["matrices"] - values["none"]


def full_vb(n_train: int, method: str, split: str) -> float:
    """Exact log p(x) of Appendix F's comparison."""
    where = {"n_train": n_train, "method": method, "split": split}
    return cell("figures/weight_uncertainty", "marginal_log_likelihood", **where)


def still_rising(algorithm: str, n_train: int) -> float:
    """How much the training bound of Appendix F's comparison rises over the last 10⁶ samples."""
    name = f"runs/authors/mnist/full_vb/hidden_units_100/n_train_{n_train}/latent_dim_3/bounds"
    curve = rows(name, algorithm=algorithm, split="train").set_index("training_samples")
    return (curve["lower_bound"][5_000_000] - curve["lower_bound"][4_000_000]).item()


def overfits(method: str) -> float:
    """Training minus test log p(x) with N = 1000."""
    return full_vb(1000, method, "train") - full_vb(1000, method, "test")


def pruned(method: str, share: float) -> float:
    """What setting that share of the decoder's weights to zero costs with N = 1000."""
    before, after = (
        cell(
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
