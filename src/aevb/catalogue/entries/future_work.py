"""What section 7 of the paper leaves to the future, tried."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from aevb.catalogue import needs, rows
from aevb.catalogue.entries.common import PICTURES
from aevb.catalogue.needs import budget, setting
from aevb.catalogue.product import Command, Product, Table, dashed, figure
from aevb.workflow.outputs import Outputs

FUTURE_WORK = "7 Future work"


def experiments(name: str) -> Callable[[Outputs], list[dict]]:
    """The experiments of a study, one a data set, as ``aevb`` takes them."""
    return lambda outputs: [asdict(one) for one in outputs.future_work(name)]


def study(
    name: str,
    heading: str,
    *,
    outputs: Mapping[str, str],
    options: Mapping[str, Callable[[Outputs], Any]],
    code: tuple[str, ...] = (),
    data: Callable[[Outputs], list[str]] | None = None,
    settings: Callable[[Outputs], list[dict]] | None = None,
    **more,
) -> Product:
    """An entry of section 7: ``aevb future-work NAME`` trains and measures, with checkpoints, and
    the module ``NAME`` of :mod:`aevb.figures` draws.

    Args:
        name: of the study, of its keys in the configuration, ``figures.future_work.NAME`` with
            ``latent_dims`` by data set, and of its modules.
        heading: what the report calls it.
        outputs: of the command, by option; the figure is drawn from all but ``weights``.
        options: further ones of the command; it is told the experiments as ``--settings``.
        code: modules beside ``aevb.future_work.NAME`` that the command runs.
        data: the data sets that it reads, where these are not those that can be had of its own.
        settings: its experiments, where they are not those on its data sets.
        more: fields of :class:`~aevb.catalogue.product.Product`.
    """
    content = f"future_work.{name}.latent_dims"
    return figure(
        name,
        *("7", FUTURE_WORK, heading),
        target="future_work",
        content=content,
        algorithm="AEVB",
        latent_dim=content,
        computed=Command(
            f"future-work {dashed(name)}",
            f"future_work_{name}",
            code=(f"aevb.future_work.{name}", *code),
            records={"record": data or needs.datasets(content)},
            options={"settings": settings or experiments(name), **options},
            outputs=outputs,
            threads=True,
            runtime="24h",
        ),
        inputs={option: file for option, file in outputs.items() if option != "weights"},
        **more,
    )


HIERARCHY = study(
    "hierarchy",
    "two layers of latent variables",
    outputs={
        "curves": "figures/hierarchy.csv",
        "table": "tables/hierarchy.csv",
        "pictures": "figures/hierarchy.npz",
    },
    options={
        "top_dim": setting("future_work.hierarchy.top_dim"),
        "network": budget("future_work.hierarchy.networks"),
        "step_size": budget("future_work.hierarchy.step_sizes"),
        "test_images": budget("future_work.hierarchy.test_images"),
        "points": budget("future_work.hierarchy.points"),
        "ais": budget("future_work.hierarchy.ais"),
    },
    code=("aevb.future_work.comparison", "aevb.likelihood.ais", *PICTURES),
    tables=(
        Table(
            "figures/hierarchy.csv",
            "dataset model split seed training_samples lower_bound",
            rows=rows.hierarchy_curves,
        ),
        Table(
            "tables/hierarchy.csv",
            "dataset model seed parameters step_size training_samples train_lower_bound"
            " test_lower_bound lower_bound marginal_log_likelihood standard_error n_points"
            " n_flagged gap seconds_per_sample active_1 active_2 kl_1 kl_2",
            may_be_empty="gap active_2 kl_2",
            rows=rows.hierarchy,
        ),
    ),
    paper="Without an experiment: hierarchical models with deep encoders and decoders.",
    told_from=("tables/hierarchy.csv",),
    caption="""Section 7: a hierarchy of two layers of latent variables, trained jointly by AEVB,
against the model with one layer, with the paper's networks and with convolutional ones of as many
parameters. Bound along training, log p(x) by annealed importance sampling, and samples.""",
)

FILM = study(
    "film",
    "a film as a state-space model",
    data=needs.film,
    settings=lambda outputs: [asdict(one) for one in outputs.film()],
    stands_in=lambda outputs: outputs.film_stands_in(),
    outputs={
        "curves": "figures/film.csv",
        "table": "tables/film.csv",
        "pictures": "figures/film.npz",
        "weights": "runs/film/weights.safetensors",
    },
    options={
        **{
            key: setting(f"future_work.film.{key}")
            for key in ("length", "stretches", "gap", "step_size")
        },
        "draws": budget("future_work.film.draws"),
    },
    code=("aevb.future_work.forecast", *PICTURES),
    tables=(
        Table(
            "figures/film.csv",
            "dataset model split seed training_samples lower_bound",
            rows=rows.film_curves,
        ),
        Table(
            "tables/film.csv",
            "dataset task model frame n error log_density seed",
            may_be_empty="log_density",
            rows=rows.film,
        ),
    ),
    paper="Without an experiment: time-series models.",
    told_from=("figures/film.csv", "tables/film.csv"),
    caption="""Section 7: a film as a state-space model, whose latent variables follow each other,
learned by AEVB from its beginning and measured on its end, beside an i.i.d. VAE that learns from as
many frames. Bound of a frame along training, prediction of the next 20 frames against repeating
the last one, and gaps that are filled in.""",
)

NOISE = study(
    "noise",
    "supervised models with latent variables",
    outputs={
        "densities": "figures/noise.csv",
        "divergences": "tables/noise.csv",
        "halves": "tables/halves.csv",
        "pictures": "figures/noise.npz",
        "weights": "runs/noise/weights.safetensors",
    },
    options={
        "density_samples": budget("future_work.noise.density_samples"),
        "points": budget("future_work.noise.points"),
        "ais": budget("future_work.noise.ais"),
    },
    code=("aevb.future_work.densities", "aevb.future_work.halves", *PICTURES),
    tables=(
        Table("figures/noise.csv", "noise x model y density", rows=rows.noise_densities),
        Table(
            "tables/noise.csv",
            "noise model seed training_samples kl least_kl log_density mass quadrature_error",
            rows=rows.noise_divergences,
        ),
        Table(
            "tables/halves.csv",
            "dataset model seed training_samples log_likelihood log_likelihood_standard_error"
            " gain gain_standard_error n_points n_flagged",
            rows=rows.halves,
        ),
    ),
    paper="Without an experiment: supervised models with latent variables learn complicated noise.",
    told_from=("tables/noise.csv", "tables/halves.csv"),
    caption="""Section 7: supervised models with latent variables, p(y|x) = ∫ p(y|x, z) p(z) dz,
trained by AEVB. Above, densities of a one-dimensional y whose noise is known, against Gaussian
regression by networks of the same size; below, completions of the upper halves of test images, and
log p(lower half | upper half) against the deterministic network and inpainting.""",
)

ENTRIES = (HIERARCHY, FILM, NOISE)
