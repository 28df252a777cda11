"""What the paper shows and what this replication shows: a line a figure.

Everything is computed from the finished tables of one scale; the sentences are filled with the
numbers found there. Whether the two agree is for the audit to say.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from aevb.config import ESTIMATORS
from aevb.errors import DataError
from aevb.figures import (
    gradient_variance,
    kl_divergence,
    latent_usage,
    reference,
    reparameterisation,
    studies,
    style,
    weight_uncertainty,
)
from aevb.figures.measurements import read_measurements, select
from aevb.pictures import read_pictures


class Finding(NamedTuple):
    """One line."""

    figure: str
    section: str
    paper: str
    ours: str


def find(folder: Path) -> pd.DataFrame:
    """The findings of one scale.

    Args:
        folder: ``results/<scale>``. What is not there is left out.

    Returns:
        Columns ``figure, section, paper, ours``.

    Raises:
        DataError: nothing is there, or a table is damaged.
    """
    found = [finding for check in _CHECKS for finding in check(Path(folder))]
    if not found:
        raise DataError(f"{folder}: holds no figures and tables; make them first")
    return pd.DataFrame(found)


def _read(path: Path, *columns: str) -> pd.DataFrame | None:
    if not path.exists():
        return None
    try:
        table = pd.read_csv(path)
    except ValueError as error:
        # pandas ends some of its messages with a line break.
        detail = " ".join(str(error).split())
        raise DataError(f"{path}: not a CSV table ({detail}); make it anew") from None
    missing = [column for column in columns if column not in table]
    if missing:
        raise DataError(f"{path}: column {', '.join(map(repr, missing))} is missing")
    return table


def _ends(folder: Path) -> pd.DataFrame | None:
    """The last bound of each of our curves in Figure 2, the mean over seeds."""
    curve = ["dataset", "latent_dim", "algorithm", "split"]
    table = _read(folder / "figures/fig2.csv", "source", *curve, "training_samples", "lower_bound")
    return None if table is None else reference.ends(table)


def _figure_2(folder: Path) -> Iterator[Finding]:
    ends = _ends(folder)
    distance = _read(
        folder / "tables/fig2_distance.csv",
        *("dataset", "algorithm", "split", "training_samples", "difference"),
    )
    if ends is None or distance is None:
        return
    for name, rows in ends.groupby("dataset"):
        test = rows[rows["split"] == "test"]
        bounds = test.pivot(index="latent_dim", columns="algorithm", values="lower_bound")
        if not {"AEVB", "wake-sleep"} <= set(bounds):
            continue
        above = int((bounds["AEVB"] > bounds["wake-sleep"]).sum())
        title, samples = style.title(name), test["training_samples"].max()
        ours = (
            f"{title}: AEVB ends above wake-sleep on the test set in {above} of {len(bounds)}"
            f" panels, at {samples:,.0f} samples."
        )
        matched = distance[(distance["dataset"] == name) & (distance["split"] == "test")]
        if len(matched):
            last = matched[matched["training_samples"] == matched["training_samples"].max()]
            parts = [
                f"{algorithm} {_range(group['difference'])}"
                for algorithm, group in last.groupby("algorithm")
            ]
            ours += (
                f" Ours minus the paper's at {last['training_samples'].iloc[0]:,.0f} samples,"
                f" nats: {', '.join(parts)}."
            )
        yield Finding(
            "fig2",
            "5",
            "AEVB converges faster than wake-sleep and reaches a better solution in all panels.",
            ours,
        )


def _range(values: pd.Series) -> str:
    return " to ".join(dict.fromkeys([_signed(values.min()), _signed(values.max())]))


def _signed(value: float, digits: int = 1) -> str:
    return f"{value:+.{digits}f}".replace("-", "\N{MINUS SIGN}")


def _figure_3(folder: Path) -> Iterator[Finding]:
    orders = _read(
        folder / "tables/fig3_orders.csv",
        *("n_train", "split", "estimator", "training_samples", "order", "agrees"),
    )
    if orders is None:
        return
    paper = (
        "N = 1000: AEVB above MCEM above wake-sleep on training points; N = 50 000: MCEM far below"
        " both."
    )
    if orders.empty:
        yield Finding("fig3", "5, App. E", paper, "The curves are too short.")
        return
    # The exact values where there are any.
    exact = orders[orders["estimator"] == "quadrature"]
    orders = exact if len(exact) else orders
    group = ["n_train", "split"]
    last = orders[
        orders["training_samples"] == orders.groupby(group)["training_samples"].transform("max")
    ]
    agrees = last["agrees"].astype(str) == "True"
    others = ", ".join(
        f"N = {row.n_train}, {row.split}: {row.order}" for row in last[~agrees].itertuples()
    )
    yield Finding(
        "fig3",
        "5, App. E",
        paper,
        f"The algorithms rank as in the paper in {agrees.sum()} of {len(last)} comparisons of"
        " their last common points" + (f"; not for {others}." if others else "."),
    )


def _figure_4(folder: Path) -> Iterator[Finding]:
    path = folder / "figures/fig4.npz"
    if not path.exists():
        return
    parts = []
    for name, images in read_pictures(path).images.items():
        step, all_pairs = smoothness(images)
        parts.append(
            f"{style.title(name)}: neighbours on the grid differ by {step:.3f} (rms per"
            f" pixel), any two images by {all_pairs:.3f}"
        )
    yield Finding(
        "fig4",
        "4",
        "A two-dimensional latent space is a smooth manifold of images.",
        "; ".join(parts) + ".",
    )


def smoothness(images: np.ndarray) -> tuple[float, float]:
    """How far neighbours on a grid of images are apart, and how far any two images are.

    Args:
        images: [grid rows, grid columns, rows, columns].

    Returns:
        Both as the root of the mean squared difference a pixel. Neighbours are those in one row or
        column; any two are drawn with replacement, so their mean square is twice the variance.
    """
    images = images.astype(np.float64)
    steps = [np.diff(images, axis=axis) ** 2 for axis in (0, 1)]
    step = np.sqrt(np.mean(np.concatenate([part.ravel() for part in steps])))
    return float(step), float(np.sqrt(2 * images.var(axis=(0, 1)).mean()))


def _figure_5(folder: Path) -> Iterator[Finding]:
    path = folder / "figures/fig5.npz"
    if not path.exists():
        return
    parts = []
    for name, images in read_pictures(path).images.items():
        undecided = np.mean((images > 0.1) & (images < 0.9))
        parts.append(f"{undecided:.1%} for N_z = {name.partition('/')[2]}")
    yield Finding(
        "fig5",
        "4",
        "Samples for N_z = 2, 5, 10 and 20, to be judged by eye.",
        f"Pixels that the decoder leaves undecided (mean from 0.1 to 0.9): {', '.join(parts)}.",
    )


def _usage(folder: Path) -> Iterator[Finding]:
    path, ends = folder / "figures/latent_usage.csv", _ends(folder)
    if not path.exists():
        return
    counts = latent_usage.summary(latent_usage.read_usage(path))
    for name, rows in counts.groupby("dataset"):
        rows = rows.sort_values("latent_dim")
        used = ", ".join(f"{row.active} of {row.latent_dim}" for row in rows.itertuples())
        ours = f"{style.title(name)}: active latent dimensions: {used}."
        largest, before = rows["latent_dim"].iloc[-1], rows["latent_dim"].iloc[-2:].iloc[0]
        gaps, tests = (None, None) if ends is None else _gaps(ends, name)
        if gaps is not None and {largest, before} <= set(gaps.index) and largest != before:
            told = [
                f"{_signed(gaps[dim])} (test {style.minus(tests[dim])}) for N_z = {dim}"
                for dim in (largest, before)
            ]
            ours += f" Running training bound minus test bound at the end, nats: {', '.join(told)}."
        if rows["active"].iloc[-1] == largest:
            ours += " No dimension is superfluous."
        yield Finding(
            "latent_usage",
            "5",
            "Superfluous latent variables do not lead to overfitting.",
            ours,
        )


def _gaps(ends: pd.DataFrame, name: str) -> tuple[pd.Series, pd.Series]:
    """AEVB's training minus test bound, and its test bound, by N_z. The training value is the
    running mean since the point before, so it lags behind while the bound still rises."""
    rows = ends[(ends["dataset"] == name) & (ends["algorithm"] == "AEVB")]
    splits = rows.pivot(index="latent_dim", columns="split", values="lower_bound")
    return splits["train"] - splits["test"], splits["test"]


def _estimators(folder: Path) -> Iterator[Finding]:
    table = _read(folder / "figures/estimators.csv", "model", "estimator", "latent_dim", "bias")
    if table is None:
        return
    kernel = table[
        (table["model"] == "PPCA") & table["estimator"].str.contains("harmonic kernel, 4000")
    ].set_index("latent_dim")["bias"]
    if kernel.empty:
        ours = "The large budget is not tried"
    else:
        ours = "Bias on probabilistic PCA with 4000 samples, nats: " + ", ".join(
            f"{_signed(bias, 3)} for N_z = {dim}" for dim, bias in kernel.items()
        )
    yield Finding(
        "estimators",
        "App. D",
        "The estimator of the marginal likelihood is good for fewer than five dimensions.",
        ours + ".",
    )


_PROMISES = {
    "representation": "the latent variables are useful for data representation",
    "denoising": "inference of x serves denoising",
    "super-resolution": "inference of x serves super-resolution",
    "inpainting": "inference of x serves inpainting",
    "anomaly": "the marginal likelihood tells what the data are like",
}


def _applications(folder: Path) -> Iterator[Finding]:
    for path in sorted((folder / "figures").glob("*.csv")):
        if path.stem.replace("_", "-") not in _PROMISES:
            continue
        rows = read_measurements([path])
        name = path.stem.replace("_", "-")
        quantity = {
            "representation": "accuracy",
            "anomaly": "auroc",
            "inpainting": "log-likelihood",
        }
        chosen = select(rows, quantity=quantity.get(name, "rmse"))
        if name == "representation":
            best = chosen.sort_values("value").groupby("method").tail(1)
            told = [f"{r.method} {r.value:.3f} (N_z = {r.latent_dim})" for r in best.itertuples()]
            parts = [f"best accuracy: {', '.join(told)}"]
        else:
            digits = 1 if name == "inpainting" else 3
            parts = [
                f"{style.title(dataset)}, {style.title(condition)}: "
                + ", ".join(
                    f"{r.method} {style.minus(r.value, digits)}" for r in group.itertuples()
                )
                for (dataset, condition), group in chosen.groupby(
                    ["dataset", "condition"], sort=False
                )
            ]
            parts[0] = f"{chosen['quantity'].iloc[0]}: {parts[0]}"
        yield Finding(
            path.stem,
            "2.1",
            f"Without an experiment: {_PROMISES[name]}.",
            "; ".join(parts) + ".",
        )


def _gradient_variance(folder: Path) -> Iterator[Finding]:
    path = folder / "figures/gradient_variance.csv"
    if not path.exists():
        return
    ratios = gradient_variance.ratios(gradient_variance.read_variances(path))
    parts = [
        f"{style.title(name)}, {state}: "
        + ", ".join(f"{row.estimator} {row.ratio:,.2f}" for row in group.itertuples())
        for (name, state), group in ratios.groupby(["dataset", "state"], sort=False)
    ]
    point = ratios.iloc[0]
    yield Finding(
        "gradient_variance",
        "2.2, 2.3",
        "The naive estimator has a very high variance and is impractical; SGVB B typically has less"
        " than A.",
        f"Variance of ∇φ over that of SGVB B at L = {point['samples_per_datapoint']},"
        f" M = {point['batch_size']}: {'; '.join(parts)}.",
    )


def _gradient_estimators(folder: Path) -> Iterator[Finding]:
    path = folder / "figures/gradient_estimators.csv"
    if not path.exists():
        return
    study = studies.read_study(path)
    ends = studies.ends(study, ["estimator"]).set_index("estimator")["test"]
    samples = study["training_samples"].max()
    told = ", ".join(
        f"{label} {style.minus(ends[kind])}" for kind, label in ESTIMATORS.items() if kind in ends
    )
    yield Finding(
        "gradient_estimators",
        "2.2, 2.3",
        "The naive estimator is impractical.",
        f"Test bound after {samples:,} samples, all with the step size selected for SGVB B, nats:"
        f" {told}.",
    )


def _draws_and_minibatches(folder: Path) -> Iterator[Finding]:
    path = folder / "figures/draws_and_minibatches.csv"
    if not path.exists():
        return
    table = studies.matched(studies.read_study(path))
    here = table[table["batch_size"] == 100].set_index("samples_per_datapoint")
    paper = "L = 1 is enough if M is large, e.g. 100."
    samples = table["training_samples"].iloc[0]
    if len(here) < 2 or 1 not in here.index:
        yield Finding("draws_and_minibatches", "2.3", paper, "L is not varied.")
        return
    told = ", ".join(
        f"L = {draws}: {style.minus(row['at_equal_samples'])} and"
        f" {style.minus(row['at_equal_cost'])}"
        for draws, row in here.iterrows()
    )
    yield Finding(
        "draws_and_minibatches",
        "2.3",
        paper,
        f"Test bound at M = 100 after {samples:,.0f} samples, and after as many likelihood"
        f" evaluations, nats: {told}.",
    )


def _posteriors(folder: Path) -> Iterator[Finding]:
    path = folder / "figures/posteriors.csv"
    if not path.exists():
        return
    ends = studies.ends(studies.read_study(path), ["posterior"]).set_index("posterior")["test"]
    told = ", ".join(f"{kind.replace('_', ' ')} {style.minus(v)}" for kind, v in ends.items())
    yield Finding(
        "posteriors",
        "2.4",
        "Without an experiment: any location-scale family can serve as q(z|x).",
        f"Test bound at the end, nats: {told}.",
    )


def _weight_prior(folder: Path) -> Iterator[Finding]:
    path = folder / "figures/weight_prior.csv"
    if not path.exists():
        return
    table = studies.weight_prior_table(studies.read_study(path))
    parts = []
    for (name, dim), rows in table.groupby(["dataset", "latent_dim"]):
        gaps = rows.set_index("weight_prior")["gap"]
        told = [
            f"{'maximum likelihood' if prior == 'none' else 'MAP'} {_signed(gap)}"
            for prior, gap in gaps.items()
        ]
        parts.append(f"{style.title(name)}, N_z = {dim}: {', '.join(told)}")
    yield Finding(
        "weight_prior",
        "2.1, 5",
        "Without an experiment: MAP in place of maximum likelihood.",
        f"Running training bound minus test bound at the end, nats: {'; '.join(parts)}.",
    )


def _kl_divergence(folder: Path) -> Iterator[Finding]:
    path = folder / "figures/kl_divergence.csv"
    if not path.exists():
        return
    table = kl_divergence.read_divergences(path)
    z = ((table["monte_carlo"] - table["analytic"]) / table["standard_error"]).abs()
    yield Finding(
        "kl_divergence",
        "App. B",
        "The KL divergence of two Gaussians has a closed form.",
        f"Largest difference from Monte Carlo for J = {table['latent_dim'].min()} to"
        f" {table['latent_dim'].max()}: {z.max():.1f} standard errors of {len(z)} cases.",
    )


def _reparameterisations(folder: Path) -> Iterator[Finding]:
    path = folder / "tables/reparameterisations.csv"
    if not path.exists():
        return
    table = reparameterisation.read_gradients(path)
    z = table["z_score"].abs()
    entries = table[["family", "distribution"]].drop_duplicates()
    yield Finding(
        "reparameterisations",
        "2.4",
        "Three families of distributions have a reparameterisation.",
        f"{len(entries)} of them; pathwise gradients are at most {z.max():.1f} standard errors from"
        f" the exact ones, over {len(z)} parameters.",
    )


def _weight_uncertainty(folder: Path) -> Iterator[Finding]:
    path = folder / "figures/weight_uncertainty.csv"
    if not path.exists():
        return
    table = weight_uncertainty.read_comparison([path])
    parts = []
    for size, rows in table.groupby("n_train"):
        values = rows.set_index(["method", "split"])["marginal_log_likelihood"]
        told = [
            f"{method} {style.minus(values[method, 'test'])}"
            f" (training {style.minus(values[method, 'train'])})"
            for method in weight_uncertainty.METHODS
        ]
        parts.append(f"N = {size:,}: {', '.join(told)}")
    yield Finding(
        "weight_uncertainty",
        "App. F",
        "Without an experiment: full variational Bayes over the weights.",
        f"Exact test log p(x), nats: {'; '.join(parts)}.",
    )


_CHECKS = (
    _figure_2,
    _figure_3,
    _figure_4,
    _figure_5,
    _usage,
    _estimators,
    _applications,
    _gradient_variance,
    _gradient_estimators,
    _draws_and_minibatches,
    _posteriors,
    _weight_prior,
    _kl_divergence,
    _reparameterisations,
    _weight_uncertainty,
)
