"""What the parts of a configuration, and the data sets, must have in common."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from aevb.errors import ConfigError
from aevb.likelihood.methods.base import Method
from aevb.schema.explain import choice
from aevb.schema.kinds import Table, for_dataset
from aevb.settings.configuration import PER_DATASET, Configuration
from aevb.settings.figures import Figures, FutureWork
from aevb.settings.future_work import check_networks


def check(config: Configuration, definitions: dict) -> None:
    """Raise ConfigError, with one line that begins with the key, where two parts disagree."""
    choice(config.scale, config.scales, "scale")
    choice(config.variant, config.variants, "variant")
    if config.backend == "tensorflow":
        for key, default in (("pjrt_platform", None), ("precision", "highest")):
            if getattr(config, key) != default:
                raise ConfigError(f"{key}: is for `backend: pjrt`")
    _check_per_dataset(config, definitions)
    _check_names(config, definitions)
    _check_trained_models(config.figures, definitions)
    _check_hierarchy(config, definitions)
    _check_sizes(config, definitions)


def at_most_the_pixels(latent_dim: int, dataset: str, definitions: dict, where: str) -> None:
    """Raise ConfigError for more latent dimensions than an image has pixels."""
    pixels = math.prod(definitions[dataset]["image_shape"])
    if latent_dim > pixels:
        raise ConfigError(
            f"{where}: {latent_dim} is more than the {pixels} pixels of an image of {dataset}"
        )


def at_most_the_images(n_train: int | None, dataset: str, definitions: dict, where: str) -> None:
    """Raise ConfigError for more training images than there are.

    How many a file of its own parts holds is known when it has been read.
    """
    split = definitions[dataset].get("split")
    if n_train is not None and split and n_train > split["train"]:
        raise ConfigError(
            f"{where}: {n_train} is more than the {split['train']} training images of {dataset}"
        )


def check_latent_dim(latent_dim: int, name: str, estimator: Method, where: str = "") -> None:
    """Raise ConfigError for more latent dimensions than an estimator can do with."""
    most = estimator.max_latent_dim
    if most is not None and latent_dim > most:
        raise ConfigError(
            f"{where}latent_dim: {latent_dim} is too large for {estimator.method} (the estimator"
            f" {name}): at most {most}"
        )


def _latent_dims(figures: Figures) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Sizes of the latent space by data set, of the figures that have them."""
    parts: dict[str, Table] = {figure: getattr(figures, figure) for figure in Figures.model_fields}
    studies = figures.future_work
    parts |= {f"future_work.{study}": getattr(studies, study) for study in FutureWork.model_fields}
    for figure, part in parts.items():
        sizes = getattr(part, "latent_dims", None)
        if sizes is not None:
            yield f"figures.{figure}.latent_dims", sizes


def _check_per_dataset(config: Configuration, definitions: dict) -> None:
    """Values given for each data set name known ones, and leave out none that a figure needs."""
    figures = config.figures
    groups: dict[str, Table] = {"": config}
    groups |= {f"scales.{name}.": group for name, group in config.scales.items()}
    groups |= {f"variants.{name}.": group for name, group in config.variants.items()}
    needed = {dataset for _, sizes in _latent_dims(figures) for dataset in sizes}
    needed |= {figures.fig3.dataset, figures.estimators.dataset}
    for prefix, group in groups.items():
        for key in PER_DATASET & set(type(group).model_fields):
            value = getattr(group, key)
            for dataset in value if isinstance(value, dict) else ():
                choice(dataset, [*definitions, "default"], f"{prefix}{key}")
            for dataset in needed & set(definitions):
                for_dataset(value, dataset, f"{prefix}{key}")


def _check_names(config: Configuration, definitions: dict) -> None:
    """Data sets and estimators are named that there are."""
    figures, fig3 = config.figures, config.figures.fig3
    choice(fig3.dataset, definitions, "figures.fig3.dataset")
    choice(figures.estimators.dataset, definitions, "figures.estimators.dataset")
    wanted = {"figures.fig3.estimators": fig3.estimators}
    wanted |= {f"scales.{k}.truth.estimators": v.truth.estimators for k, v in config.scales.items()}
    wanted |= {"figures.fig3.bound": [fig3.bound]} if fig3.bound else {}
    for where, estimators in wanted.items():
        for estimator in estimators:
            choice(estimator, config.estimators, where)
    for name in fig3.estimators:
        check_latent_dim(fig3.latent_dim, name, config.estimators[name], "figures.fig3.")
    for figure in ("fig2", "variants"):
        for dataset in getattr(figures, figure).latent_dims:
            choice(dataset, definitions, f"figures.{figure}.latent_dims")
    for scale, budget in config.scales.items():
        for dataset in budget.section2.panels:
            choice(dataset, figures.fig2.latent_dims, f"scales.{scale}.section2.panels")


def _check_trained_models(figures: Figures, definitions: dict) -> None:
    """What trained models are used for names data sets that they can be trained on."""
    applications, projection = figures.applications, figures.projection.latent_dims
    anomaly = [applications.anomaly] if applications.anomaly else []
    wanted = {
        "long_run.latent_dims": figures.long_run.latent_dims,
        "fig4.rows": figures.fig4.rows,
        "fig5.latent_dims": figures.fig5.latent_dims,
        "projection.latent_dims": projection,
        "overfitting.datasets": figures.overfitting.datasets,
        "explorer.datasets": figures.explorer.datasets,
        "applications.latent_dims": applications.latent_dims,
        "applications.representation": applications.representation,
        "applications.anomaly": anomaly,
        **{
            f"future_work.{study}.latent_dims": getattr(figures.future_work, study).latent_dims
            for study in FutureWork.model_fields
        },
    }
    trainable = [dataset for dataset in figures.fig2.latent_dims if dataset in definitions]
    for key, datasets in wanted.items():
        for dataset in datasets:
            choice(dataset, definitions, f"figures.{key}")
            if dataset not in trainable:
                raise ConfigError(
                    f"figures.{key}: {dataset} has no entry in figures.fig2.latent_dims, on which"
                    " its step size would be selected"
                )
    if projection and not any(2 in dims for dims in projection.values()):
        raise ConfigError("figures.projection.latent_dims: no data set has a 2, which is drawn")
    for dataset in figures.explorer.datasets:
        if 2 not in projection.get(dataset, ()):
            raise ConfigError(
                f"figures.explorer.datasets: projection.latent_dims has no 2 for {dataset}"
            )
    section2 = figures.section2
    if section2.dataset:
        choice(section2.dataset, trainable, "figures.section2.dataset")
    for dataset in section2.gradients:
        choice(dataset, trainable, "figures.section2.gradients")
    for dataset in anomaly:
        choice(dataset, applications.latent_dims, "figures.applications.anomaly")
    if applications.foreign:
        choice(applications.foreign, definitions, "figures.applications.foreign")
    factor = applications.factor
    for dataset in applications.latent_dims:
        rows, columns = definitions[dataset]["image_shape"]
        if rows % factor or columns % factor:
            raise ConfigError(
                f"figures.applications.factor: blocks of {factor} × {factor} pixels do not divide"
                f" the images of {dataset}, {rows} × {columns}"
            )


def _check_hierarchy(config: Configuration, definitions: dict) -> None:
    """There are such networks for the images of the data sets."""
    for scale, budget in config.scales.items():
        for dataset in config.figures.future_work.hierarchy.latent_dims:
            where = f"scales.{scale}.future_work.hierarchy.networks: {dataset}"
            networks = budget.future_work.hierarchy.networks
            check_networks(networks, definitions[dataset]["image_shape"], where)


def _check_sizes(config: Configuration, definitions: dict) -> None:
    """No latent space has more dimensions than an image pixels, no training set more images than
    there are, and a linear probe has labels."""
    figures = config.figures
    fig3, section2 = figures.fig3, figures.section2
    representation = figures.applications.representation
    wanted = dict(_latent_dims(figures)) | {
        "figures.fig3.latent_dim": {fig3.dataset: fig3.latent_dim},
        "figures.applications.representation": representation,
        "figures.section2.gradients": section2.gradients,
    }
    if section2.dataset:
        wanted["figures.section2.latent_dim"] = {section2.dataset: section2.latent_dim}
    for scale, budget in config.scales.items():
        wanted[f"scales.{scale}.section2.panels"] = budget.section2.panels
        dataset, most = figures.estimators.dataset, max(budget.truth.latent_dims)
        pixels = math.prod(definitions[dataset]["image_shape"])
        if most >= pixels:
            raise ConfigError(
                f"scales.{scale}.truth.latent_dims: {most} leaves probabilistic PCA no noise in the"
                f" {pixels} pixels of an image of {dataset}"
            )
    for where, latent_dims in wanted.items():
        for dataset, sizes in latent_dims.items():
            for size in sizes if isinstance(sizes, list) else [sizes]:
                at_most_the_pixels(size, dataset, definitions, where)
    for where, counts in (("fig3.n_train", fig3.n_train), ("section2.full_vb", section2.full_vb)):
        for n_train in counts:
            at_most_the_images(n_train, fig3.dataset, definitions, f"figures.{where}")
    for dataset in representation:
        arrays = {file.get("array") for file in definitions[dataset]["files"].values()}
        if not {"train_labels", "test_labels"} <= arrays:
            raise ConfigError(
                f"figures.applications.representation: {dataset} has no labels, which a linear"
                " probe learns"
            )
