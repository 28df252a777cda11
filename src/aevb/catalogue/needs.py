"""What products are made from, as the configuration says: files below ``results/<scale>``, data
sets, settings.

Raises of what is asked for: ConfigError where the configuration names nothing to show, DataError
where none of its data can be had.
"""

from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Any

from aevb.errors import ConfigError
from aevb.workflow.outputs import Outputs, Run


def fig2_curves(outputs: Outputs) -> list[str]:
    """The curves of Figure 2's runs."""
    outputs.shown("fig2.latent_dims")
    return _files(outputs.fig2_runs(), "curve.csv")


def long_curves(outputs: Outputs) -> list[str]:
    """The curves of the runs that go further along Figure 2's axis."""
    outputs.shown("long_run.latent_dims")
    runs = outputs.long_runs()
    if not runs:
        raise ConfigError(
            f"scales.{outputs.scale}.long_run: is null, or another budget is asked for by"
            " training_samples, so no run goes further than the others"
        )
    return _files(runs, "curve.csv")


def overfitting_curves(outputs: Outputs) -> list[str]:
    """The curves of Figure 2's runs on the data sets whose gaps are tabulated."""
    wanted = outputs.shown("overfitting.datasets")
    runs = [run for run in outputs.fig2_runs() if run.experiment.dataset in wanted]
    return _files(runs, "curve.csv")


def fig3_likelihoods(outputs: Outputs) -> list[str]:
    """The likelihoods along Figure 3's runs."""
    outputs.shown("fig3.dataset")
    return _files(outputs.fig3_runs(), "likelihood.csv")


def variant_curves(outputs: Outputs) -> list[str]:
    """The curves of the panels that are compared, by each variant."""
    outputs.shown("variants.latent_dims")
    runs = [
        run
        for variant in outputs.settings["variants"]
        for run in outputs.with_variant(variant).panels("variants.latent_dims")
    ]
    return _files(runs, "curve.csv")


def protocol_curves(outputs: Outputs) -> list[str]:
    """The curves of the protocol study."""
    return [f"protocol_study/{run.name}.csv" for run in outputs.protocol_runs()]


def variant_named(curve: str) -> str:
    """``VARIANT=CURVE``, of a curve below ``runs/VARIANT/DATASET/ALGORITHM/latent_dim_N``."""
    return f"{PurePosixPath(curve).parents[3].name}={curve}"


def step_sizes(outputs: Outputs) -> list[str]:
    """The selections behind Figures 2 and 3."""
    outputs.shown("fig2.latent_dims")
    runs = outputs.fig2_runs() + outputs.fig3_runs()
    folders = dict.fromkeys(str(PurePosixPath(run.folder).parent) for run in runs)
    return [f"{folder}/step_size.csv" for folder in folders]


def kept_weights(outputs: Outputs) -> list[str]:
    """The weights of the models that a record keeps."""
    outputs.shown("fig2.latent_dims")
    kept = outputs.kept()
    if not kept:
        raise ConfigError(
            "figures.weights.algorithms: names no algorithm of Figure 2, so no weights are kept"
        )
    return _files(kept, "weights.safetensors")


def run_records(outputs: Outputs) -> list[str]:
    """The records of the training runs behind Figures 2 and 3 and the latent spaces."""
    outputs.shown("fig2.latent_dims")
    return _files(outputs.recorded(), "run.json")


def truths(outputs: Outputs) -> list[str]:
    """Tables of the estimators on probabilistic PCA and on Figure 3's networks, before training
    and after."""
    (dataset,) = outputs.shown("estimators.dataset")
    (networks,) = outputs.shown("fig3.dataset")
    wanted = outputs.settings["scales"][outputs.scale]["truth"]
    dim, n_train = outputs.content("fig3.latent_dim"), max(outputs.content("fig3.n_train"))
    hidden_units = outputs.content("fig3.hidden_units")
    runs = [outputs.run(networks, dim, one, n_train) for one in wanted["algorithms"]]
    return [
        *(f"runs/ppca/{dataset}/latent_dim_{n}/estimators.csv" for n in wanted["latent_dims"]),
        f"runs/untrained/{networks}/hidden_units_{hidden_units}/latent_dim_{dim}/estimators.csv",
        *_files(runs, "estimators.csv"),
    ]


def full_vb(file: str) -> Callable[[Outputs], list[str]]:
    """A file of each comparison of full VB with MAP."""

    def needed(outputs: Outputs) -> list[str]:
        (dataset,) = outputs.shown("fig3.dataset")
        dim = outputs.content("fig3.latent_dim")
        sizes = outputs.content("section2.full_vb")
        return _files([outputs.run(dataset, dim, "full_vb", n) for n in sizes], file)

    return needed


def weights(place: str, latent_dim: int | None = None) -> Callable[[Outputs], list[str]]:
    """The weights of AEVB's models at a place; see :meth:`aevb.workflow.outputs.Outputs.models`."""
    return _of_models("weights.safetensors", place, latent_dim)


def curves(place: str, latent_dim: int | None = None) -> Callable[[Outputs], list[str]]:
    """The curves of the same models."""
    return _of_models("curve.csv", place, latent_dim)


def anomaly_weights(outputs: Outputs) -> list[str]:
    """The model by which unusual images are told."""
    (dataset,) = outputs.shown("applications.anomaly")
    dim = outputs.content("applications.latent_dims")[dataset]
    return _files([outputs.run(dataset, dim, "aevb")], "weights.safetensors")


def datasets(place: str) -> Callable[[Outputs], list[str]]:
    """The data sets named at a place that can be had."""
    return lambda outputs: outputs.shown(place)


def film(outputs: Outputs) -> list[str]:
    """The data set that is a film; none where another one stands in for it."""
    has_stand_in = outputs.film_stands_in()
    return [] if has_stand_in else outputs.shown("future_work.film.latent_dims")


def foreign(outputs: Outputs) -> list[str]:
    """The other data set; none where it cannot be had."""
    return outputs.available(outputs.named("applications.foreign"))


def setting(place: str) -> Callable[[Outputs], Any]:
    """The value at a place below ``figures``."""
    return lambda outputs: outputs.content(place)


def budget(place: str) -> Callable[[Outputs], Any]:
    """The value at a place below the scale, ``section2.kl_draws``."""
    return lambda outputs: outputs.budget(place)


def manifold_rows(outputs: Outputs) -> list[int]:
    """The rows of the grid of each model."""
    rows = outputs.content("fig4.rows")
    return [rows[dataset] for dataset in outputs.shown("fig4.rows")]


def _of_models(file: str, place: str, latent_dim: int | None) -> Callable[[Outputs], list[str]]:
    def needed(outputs: Outputs) -> list[str]:
        outputs.shown(place)
        return _files(outputs.models(place, latent_dim), file)

    return needed


def _files(runs: list[Run], file: str) -> list[str]:
    return [f"{run.folder}/{file}" for run in runs]
