"""Section 7: supervised models with latent variables, on known noise and on halves of images."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from aevb.errors import DataError
from aevb.figures import intervals, mosaics, style
from aevb.pictures import Pictures, read_pictures
from aevb.settings.future_work import HALVES_MODELS, NOISE_MODELS, NOISES
from aevb.tables import measurements, tidy, words

_DENSITIES: dict[str, tidy.Parser] = {
    "noise": tidy.one_of(*NOISES),
    "x": tidy.number(),
    "model": tidy.one_of("truth", *NOISE_MODELS),
    "y": tidy.number(),
    "density": tidy.number(least=0),
}
_DIVERGENCES: dict[str, tidy.Parser] = {
    "noise": tidy.one_of(*NOISES),
    "model": tidy.one_of(*NOISE_MODELS),
    "seed": tidy.count,
    "training_samples": tidy.positive,
    "kl": tidy.number(),
    "least_kl": tidy.number(),
}
_HALVES: dict[str, tidy.Parser] = {
    "dataset": tidy.name,
    "model": tidy.one_of(*HALVES_MODELS),
    "seed": tidy.count,
    "training_samples": tidy.positive,
    "log_likelihood": tidy.number(),
    "log_likelihood_standard_error": tidy.number(least=0),
    "gain": tidy.number(),
    "gain_standard_error": tidy.number(least=0),
    "n_points": tidy.positive,
    "n_flagged": tidy.count,
}
_COLOURS = tuple(style.PALETTE[name] for name in ("AEVB", "wake-sleep", "MCEM"))
_DASHES = ("solid", (0, (4, 1.5)), (0, (1, 1.2)))
_MARKERS = ("o", "s", "D")
_LABELS = {"truth": "truth", "seen": "seen", "deterministic": "deterministic\nmean"}


def make(
    densities: Path, divergences: Path, halves: Path, pictures: Path, note: str | None = None
) -> dict[str, Figure | str]:
    """The picture, from what ``aevb future-work noise`` has made."""
    known = tidy.read_all([densities], _DENSITIES, ["noise", "x", "model", "y"])
    tables = known, read_divergences(divergences), read_halves(halves)
    return {"picture": draw(*tables, read_pictures(pictures), note=note)}


def read_divergences(path: Path) -> pd.DataFrame:
    """How far learned densities are from the true ones, checked."""
    return tidy.read_all([path], _DIVERGENCES, ["noise", "model", "seed"])


def read_halves(path: Path) -> pd.DataFrame:
    """The log-likelihoods of lower halves, checked."""
    return tidy.read_all([path], _HALVES, ["dataset", "model", "seed"])


def finding(divergences: Path, halves: Path) -> Iterator[str]:
    """The divergences by noise, and what latent variables gain on halves."""
    kl = read_divergences(divergences).groupby(["noise", "model"])["kl"].mean()
    each = (
        f"{noise} {', '.join(f'{kl[noise, model]:.2f}' for model in NOISE_MODELS)}"
        for noise in NOISES
    )
    yield f"KL from the true density ({', '.join(NOISE_MODELS)}): {'; '.join(each)} nats."
    found = read_halves(halves).groupby("model")[["log_likelihood", "gain"]].mean()
    told = (f"{model} {words.minus(found['log_likelihood'][model])}" for model in HALVES_MODELS)
    gain = words.signed(found["gain"][HALVES_MODELS[0]])
    yield f"log p(lower half | upper half): {', '.join(told)} nats; gain {gain}."


def draw(
    densities: pd.DataFrame,
    divergences: pd.DataFrame,
    halves: pd.DataFrame,
    pictures: Pictures,
    note: str | None = None,
) -> Figure:
    """Densities above, each noise at two x; completions below, and the numbers beside them.

    Raises:
        DataError: the pictures are not of the same study.
    """
    with style.theme():
        figure = Figure(figsize=(8.6, 8.0))
        for column, noise in enumerate(NOISES):
            of_noise = densities[densities["noise"] == noise]
            for row, (x, group) in enumerate(of_noise.groupby("x", sort=False)):
                axes = figure.add_axes((0.07 + 0.238 * column, 0.80 - 0.145 * row, 0.188, 0.115))
                _densities(axes, group)
                axes.text(0.02, 0.98, f"x = {words.minus(x, 2)}", transform=axes.transAxes,
                          fontsize="x-small", va="top", color=style.NEUTRAL)  # fmt: skip
                axes.set_ylabel("p(y|x)" if column == 0 else "")
                if row == 0:
                    axes.set_title(f"{noise} noise")
                    axes.set_xticklabels([])
                else:
                    axes.set_xlabel("y")
        _legend(figure)
        dataset = halves["dataset"].iloc[0]
        axes = figure.add_axes((0.12, 0.085, 0.40, 0.455))
        _completions(axes, pictures, dataset)
        axes = figure.add_axes((0.66, 0.355, 0.32, 0.20))
        _divergences(axes, divergences)
        axes = figure.add_axes((0.66, 0.135, 0.32, 0.13))
        _halves(axes, halves)
        n_seeds = halves["seed"].nunique()
        spread = "seeds (mean)" if n_seeds > 1 else "test images, one seed"
        samples = (divergences, halves)
        budgets = [f"{frame['training_samples'].iloc[0]:,}" for frame in samples]
        style.footer(
            figure,
            [
                *([note] if note else []),
                f"training samples: {budgets[0]} (one-dimensional y), {budgets[1]} (halves)",
                f"{halves['n_points'].iloc[0]} test images;"
                f" 95 % intervals over {spread};"
                " hollow: under 95 % pass their gate",
            ],
        )
    return figure


def _densities(axes: Axes, rows: pd.DataFrame) -> None:
    truth = rows[rows["model"] == "truth"]
    axes.fill_between(truth["y"], truth["density"], color="#c8c8c8", linewidth=0)
    for model, colour, dashes in zip(NOISE_MODELS, _COLOURS, _DASHES, strict=True):
        line = rows[rows["model"] == model]
        axes.plot(line["y"], line["density"], color=colour, linestyle=dashes, linewidth=1.5)
    axes.set(xlim=(truth["y"].min(), truth["y"].max()), ylim=(0, 1.2 * rows["density"].max()))
    axes.locator_params(axis="y", nbins=3)
    axes.tick_params(labelsize="x-small")


def _legend(figure: Figure) -> None:
    handles = [Patch(color="#c8c8c8", label="truth")] + [
        Line2D([], [], color=c, linestyle=d, linewidth=1.5, marker=m, markersize=5, label=label)
        for c, d, m, label in zip(_COLOURS, _DASHES, _MARKERS, NOISE_MODELS, strict=True)
    ]
    least = Line2D([], [], color=style.NEUTRAL, linestyle="none", marker="|", markersize=9)
    least.set_label("least KL of a Gaussian")
    figure.legend(
        handles=[*handles, least], loc="upper center", bbox_to_anchor=(0.5, 0.995), ncols=5,
        fontsize="small", columnspacing=1.2,
    )  # fmt: skip


def _divergences(axes: Axes, rows: pd.DataFrame) -> None:
    """The divergence of each model from each noise, and a tick where that of a Gaussian ends."""
    for at, noise in enumerate(NOISES):
        for offset, model in enumerate(NOISE_MODELS):
            found = rows[(rows["noise"] == noise) & (rows["model"] == model)]
            height = at + 0.22 * (offset - 1)
            row = intervals.over_seeds(found["kl"])
            intervals.dot(axes, row, height, _COLOURS[offset], _MARKERS[offset])
            least = found["least_kl"].iloc[0]
            if least > 1e-3:
                axes.plot([least], [height], marker="|", color=style.NEUTRAL, markersize=15)
    axes.set(xscale="log", yticks=range(len(NOISES)), yticklabels=NOISES)
    axes.set_ylim(len(NOISES) - 0.5, -0.5)
    axes.tick_params(labelsize="small")
    axes.set_xlabel("KL(truth ‖ model), nats", fontsize="small")


def _halves(axes: Axes, rows: pd.DataFrame) -> None:
    """What each model gains over the deterministic network, image by image."""
    axes.axvline(0, color=style.NEUTRAL, linewidth=0.8, linestyle=(0, (1, 2)))
    for at, model in enumerate(HALVES_MODELS):
        found = rows[rows["model"] == model]
        row = intervals.over_seeds(found["gain"], found["gain_standard_error"])
        hollow = found["n_flagged"].sum() > (1 - measurements.ENOUGH) * found["n_points"].sum()
        intervals.dot(axes, row, at, _COLOURS[at], _MARKERS[at], hollow=bool(hollow))
        axes.annotate(
            f"log p = {words.minus(found['log_likelihood'].mean())}",
            *((row["value"], at), (0, 6)),
            textcoords="offset points",
            ha="center",
            fontsize="x-small",
            color=_COLOURS[at],
        )
    axes.set(yticks=range(len(HALVES_MODELS)), yticklabels=HALVES_MODELS)
    axes.set_ylim(len(HALVES_MODELS) - 0.5, -0.8)
    axes.margins(x=0.2)
    axes.tick_params(labelsize="small")
    axes.set_xlabel("gain in log p(lower half | upper half)\nover the deterministic network, nats",
                    fontsize="small")  # fmt: skip


def _completions(axes: Axes, pictures: Pictures, dataset: str) -> None:
    wanted = [f"{dataset}/{name}" for name in (*_LABELS, "completions")]
    missing = [name for name in wanted if name not in pictures.images]
    if missing:
        raise DataError(f"the pictures lack {', '.join(missing)}; make the study's files anew")
    *single, completions = (pictures.images[name] for name in wanted)
    stack = np.concatenate([np.stack(single), completions])
    mosaics.show(axes, stack, ink=dataset in pictures.ink)
    mosaics.label_rows(axes, [*_LABELS.values(), "completions", *[""] * (len(completions) - 1)])
    axes.set_title(f"{words.title(dataset)}: lower halves from upper halves", fontsize="medium")
