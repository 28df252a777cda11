"""The rows that each table must have, as the configuration says.

Each function gives parts of a table: by column a value or several, of which the part has every
combination. The columns tell its rows apart; :data:`ALONG` holds a curve's end.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from aevb import settings as configuration
from aevb.algorithms.settings import ALGORITHMS, LABELS
from aevb.likelihood.labels import ABOVE, labels
from aevb.likelihood.methods.base import Method, TwoSided
from aevb.likelihood.methods.registry import read_methods
from aevb.settings.experiment import Experiment
from aevb.settings.future_work import (
    FILM_AHEAD,
    FILM_MODELS,
    HALVES_MODELS,
    NOISE_MODELS,
    NOISES,
    hierarchy_models,
)
from aevb.settings.section2 import KL_DIMENSIONS, KL_POSTERIORS, STUDY_SETTINGS
from aevb.workflow.outputs import Outputs, Run

Part = Mapping[str, Any]
ALONG = "training_samples"
SPLITS = ("train", "test")

REPARAMETERISED = {
    ("inverse CDF", "Exponential"): ["rate"],
    ("inverse CDF", "Cauchy"): ["location", "scale"],
    ("inverse CDF", "Logistic"): ["location", "scale"],
    ("inverse CDF", "Rayleigh"): ["scale"],
    ("inverse CDF", "Pareto"): ["scale", "concentration"],
    ("inverse CDF", "Weibull"): ["concentration", "scale"],
    ("inverse CDF", "Reciprocal"): ["low", "high"],
    ("inverse CDF", "Gompertz"): ["concentration", "rate"],
    ("inverse CDF", "Gumbel"): ["location", "scale"],
    ("inverse CDF", "Erlang"): ["rate"],
    ("location-scale", "Laplace"): ["location", "scale"],
    ("location-scale", "Elliptical"): [
        *("location[0]", "location[1]"),
        *("scale_tril[0, 0]", "scale_tril[1, 0]", "scale_tril[1, 1]"),
        "df",
    ],
    ("location-scale", "Student's t"): ["location", "scale", "df"],
    ("location-scale", "Logistic"): ["location", "scale"],
    ("location-scale", "Uniform"): ["low", "high"],
    ("location-scale", "Triangular"): ["low", "high"],
    ("location-scale", "Gaussian"): ["location", "scale"],
    ("composition", "Log-Normal"): ["location", "scale"],
    ("composition", "Gamma"): ["concentration", "rate"],
    ("composition", "Dirichlet"): ["concentration[0]", "concentration[1]", "concentration[2]"],
    ("composition", "Beta"): ["concentration1", "concentration0"],
    ("composition", "Chi-Squared"): ["df"],
    ("composition", "F"): ["df1", "df2"],
}
"""The parameters of every distribution that section 2.4 names, by its way and name."""


def fig2(outputs: Outputs) -> Iterator[Part]:
    """Every curve of Figure 2, to the end of its run."""
    yield from _bounds(outputs.fig2_runs())


def long_run(outputs: Outputs) -> Iterator[Part]:
    """Every curve that goes further along Figure 2's axis, to the end of its run."""
    yield from _bounds(outputs.long_runs())


def _bounds(runs: Sequence[Run]) -> Iterator[Part]:
    for run in runs:
        yield {"source": "ours", **_labels(run.experiment), **_measured(run.experiment)}


def generalisation_gap(outputs: Outputs) -> Iterator[Part]:
    """Every run of Figure 2 whose gap is tabulated, to its end."""
    wanted = outputs.available(outputs.named("overfitting.datasets"))
    for run in outputs.fig2_runs():
        if run.experiment.dataset in wanted:
            reached = _measured(run.experiment)
            yield {**_labels(run.experiment), "seed": reached["seed"], ALONG: reached[ALONG]}


def fig3(outputs: Outputs) -> Iterator[Part]:
    """Every curve of Figure 3 by each of its estimators."""
    for run in outputs.fig3_runs():
        yield {"source": "ours", **likelihoods(run, outputs, outputs.content("fig3.estimators"))}


def likelihoods(run: Run, outputs: Outputs, estimators: Sequence[str]) -> Part:
    """The curves of one of Figure 3's runs by these estimators."""
    one = run.experiment
    methods = _methods(outputs, estimators)
    has_encoder = one.settings.has_encoder
    return {
        **_labels(one),
        "n_train": one.n_train,
        "estimator": [n for n in methods if methods[n].applies(one.latent_dim, has_encoder)],
        **_measured(one),
    }


def fig4(outputs: Outputs) -> Iterator[Part]:
    """Every image of each manifold."""
    for dataset, n in _had(outputs, "fig4.rows"):
        yield {"dataset": _name(outputs, dataset), "row": range(n), "column": range(n)}


def fig5(outputs: Outputs) -> Iterator[Part]:
    """Every sample of each model."""
    n = outputs.content("fig5.rows")
    for dataset, dims in _had(outputs, "fig5.latent_dims"):
        place = {"row": range(n), "column": range(n)}
        yield {"dataset": _name(outputs, dataset), "latent_dim": dims, **place}


def projection(outputs: Outputs) -> Iterator[Part]:
    """The data sets of which a plane is shown."""
    for dataset, dims in _had(outputs, "projection.latent_dims"):
        if 2 in dims:
            yield {"dataset": _name(outputs, dataset), "latent_dim": 2}


def latent_usage(outputs: Outputs) -> Iterator[Part]:
    """Every dimension of each model."""
    for dataset, dims in _had(outputs, "projection.latent_dims"):
        for dim in dims:
            name = _name(outputs, dataset)
            yield {"dataset": name, "latent_dim": dim, "rank": range(1, dim + 1)}


def representation(outputs: Outputs) -> Iterator[Part]:
    """The probes of each model and of as many principal components."""
    for dataset, dims in _had(outputs, "applications.representation"):
        methods = ["encoder's means", "PCA"]
        yield {"dataset": _name(outputs, dataset), "latent_dim": dims, "method": methods}


def restoration(outputs: Outputs) -> Iterator[Part]:
    """The models by which images are restored."""
    for dataset, dim in _had(outputs, "applications.latent_dims"):
        yield {"dataset": _name(outputs, dataset), "latent_dim": dim}


def anomaly(outputs: Outputs) -> Iterator[Part]:
    """The kinds of unusual images."""
    foreign = outputs.content("applications.foreign")
    kinds = ["shuffled pixels", "mirrored"]
    if foreign is not None and outputs.has(foreign):
        kinds.append(_name(outputs, foreign))
    for dataset in outputs.available(outputs.named("applications.anomaly")):
        dim = outputs.content("applications.latent_dims")[dataset]
        yield {"dataset": _name(outputs, dataset), "latent_dim": dim, "condition": kinds}


def estimators(outputs: Outputs) -> Iterator[Part]:
    """Each estimator on each model of which the truth is known."""
    wanted = outputs.settings["scales"][outputs.scale]["truth"]
    if not outputs.available(outputs.named("estimators.dataset")):
        return
    methods = _methods(outputs, wanted["estimators"])
    called = labels(methods)

    def shown(dim: int, has_encoder: bool = True, *, exact: bool) -> list[str]:
        """With or without those that are exact."""
        taken = [n for n, one in methods.items() if one.applies(dim, has_encoder)]
        names = [n for n in taken if exact or not methods[n].exact]
        above = [f"{called[n]}{ABOVE}" for n in names if isinstance(methods[n], TwoSided)]
        return [called[n] for n in names] + above

    for dim in wanted["latent_dims"]:
        yield {"model": "PPCA", "latent_dim": dim, "estimator": shown(dim, exact=True)}
    n_train, dim = max(outputs.content("fig3.n_train")), outputs.content("fig3.latent_dim")
    models = {"untrained": "aevb"}
    models |= {f"{LABELS[one]}, N={n_train}": one for one in wanted["algorithms"]}
    for model, algorithm in models.items():
        names = shown(dim, ALGORITHMS[algorithm].has_encoder, exact=False)
        yield {"model": model, "latent_dim": dim, "estimator": names}


def study(outputs: Outputs, name: str) -> Iterator[Part]:
    """The curves of a study of section 2."""
    names = (*STUDY_SETTINGS, *(["hidden_units"] if name in configuration.SELECTING else []))
    for one in outputs.study(name):
        settings = {key: getattr(one, key) for key in names}
        yield {**settings, **_labels(one), **_measured(one)}


def gradient_estimators(outputs: Outputs) -> Iterator[Part]:
    """See :func:`study`."""
    return study(outputs, "gradient_estimators")


def draws_and_minibatches(outputs: Outputs) -> Iterator[Part]:
    """See :func:`study`."""
    return study(outputs, "draws_and_minibatches")


def posteriors(outputs: Outputs) -> Iterator[Part]:
    """See :func:`study`."""
    return study(outputs, "posteriors")


def weight_prior(outputs: Outputs) -> Iterator[Part]:
    """See :func:`study`."""
    return study(outputs, "weight_prior")


def own_step_sizes(outputs: Outputs) -> Iterator[Part]:
    """See :func:`study`."""
    return study(outputs, "own_step_sizes")


def hidden_units(outputs: Outputs) -> Iterator[Part]:
    """See :func:`study`."""
    return study(outputs, "hidden_units")


def likeness(outputs: Outputs) -> Iterator[Part]:
    """Each model's samples, and what they are held against."""
    for dataset, dims in _had(outputs, "comparisons.samples"):
        kinds = ["samples", "scrambled", "test images"]
        yield {"dataset": _name(outputs, dataset), "latent_dim": dims, "kind": kinds}


def grid(outputs: Outputs) -> Iterator[Part]:
    """Every L and M that are compared."""
    for one in outputs.study("draws_and_minibatches"):
        yield {key: getattr(one, key) for key in ("samples_per_datapoint", "batch_size")}


def gradient_variance(outputs: Outputs) -> Iterator[Part]:
    """Every estimator of the gradient at every L and M."""
    if not outputs.named("section2.dataset"):
        return
    budget = outputs.settings["scales"][outputs.scale]["section2"]
    for dataset, dim in _had(outputs, "section2.gradients"):
        for draws, minibatch in configuration.gradient_grid(
            budget["gradient_draws"], budget["gradient_minibatches"]
        ):
            yield {
                "dataset": _name(outputs, dataset),
                "latent_dim": dim,
                "state": ["untrained", "trained"],
                "estimator": configuration.ESTIMATORS.values(),
                "samples_per_datapoint": draws,
                "batch_size": minibatch,
            }


def kl_divergence(outputs: Outputs) -> Iterator[Part]:
    """Every posterior of each size."""
    if outputs.named("section2.dataset"):
        yield {"latent_dim": KL_DIMENSIONS, "posterior": range(KL_POSTERIORS)}


def reparameterisations(outputs: Outputs) -> Iterator[Part]:
    """Every parameter of each distribution."""
    if outputs.named("section2.dataset"):
        for (family, name), parameters in REPARAMETERISED.items():
            yield {"family": family, "distribution": name, "parameter": parameters}


def full_vb(outputs: Outputs) -> Iterator[Part]:
    """The sizes of the training set with which full VB is compared with MAP, with each seed."""
    if outputs.named("section2.dataset") and outputs.available(outputs.named("fig3.dataset")):
        (dataset,), dim = outputs.shown("fig3.dataset"), outputs.content("fig3.latent_dim")
        for size in outputs.content("section2.full_vb"):
            run = outputs.run(dataset, dim, "full_vb", size)
            yield {"n_train": size, "seed": run.experiment.seeds}


def full_vb_methods(outputs: Outputs) -> Iterator[Part]:
    """The same by method and split."""
    methods = ["MAP", "full VB, at the mean weights", "full VB, averaged over weights"]
    for part in full_vb(outputs):
        yield {**part, "method": methods, "split": SPLITS}


def future_work(
    outputs: Outputs, name: str, models: Sequence[str], *, curves: bool = False
) -> Iterator[Part]:
    """Each of the models that a study of section 7 compares, on each data set and with each seed;
    or its curves."""
    for one in outputs.future_work(name):
        measured = _measured(one) if curves else {"seed": one.seeds}
        yield {"dataset": one.definition["label"], "model": models, **measured}


def hierarchy(outputs: Outputs) -> Iterator[Part]:
    """See :func:`future_work`."""
    models = hierarchy_models(outputs.budget("future_work.hierarchy.networks"))
    return future_work(outputs, "hierarchy", models)


def hierarchy_curves(outputs: Outputs) -> Iterator[Part]:
    """See :func:`future_work`."""
    models = hierarchy_models(outputs.budget("future_work.hierarchy.networks"))
    return future_work(outputs, "hierarchy", models, curves=True)


def film(outputs: Outputs) -> Iterator[Part]:
    """Each prediction of a frame, and each frame of a gap, with each seed."""
    film, _, repeat, interpolation = FILM_MODELS
    gap = outputs.content("future_work.film.gap")
    tasks = {
        "next frames": ([film, repeat], FILM_AHEAD),
        "missing frames": ([film, repeat, interpolation], gap),
    }
    for one in outputs.film():
        for task, (models, last) in tasks.items():
            yield {
                "dataset": one.definition["label"],
                "task": task,
                "model": models,
                "frame": range(1, last + 1),
                "seed": one.seeds,
            }


def film_curves(outputs: Outputs) -> Iterator[Part]:
    """The curves of both models."""
    for one in outputs.film():
        dataset = one.definition["label"]
        yield {"dataset": dataset, "model": FILM_MODELS[:2], **_measured(one)}


def noise_densities(outputs: Outputs) -> Iterator[Part]:
    """Every density of a one-dimensional y, the true one and those learned."""
    for _ in outputs.future_work("noise"):
        yield {"noise": NOISES, "model": ["truth", *NOISE_MODELS]}


def noise_divergences(outputs: Outputs) -> Iterator[Part]:
    """The divergence of each learned density with each seed."""
    for one in outputs.future_work("noise"):
        yield {"noise": NOISES, "model": NOISE_MODELS, "seed": one.seeds}


def halves(outputs: Outputs) -> Iterator[Part]:
    """See :func:`future_work`."""
    return future_work(outputs, "noise", HALVES_MODELS)


def step_sizes(outputs: Outputs) -> Iterator[Part]:
    """Every candidate for each run of Figure 3, and for those of Figure 2 on which it is
    selected."""
    panels = outputs.settings["scales"][outputs.scale]["selection_panels"]
    latent_dims = outputs.content("fig2.latent_dims")
    for run in outputs.fig2_runs() + outputs.fig3_runs():
        one = run.experiment
        if one.n_train is None and one.latent_dim not in latent_dims[one.dataset][:panels]:
            continue
        yield {**_labels(one), "seed": one.for_selection().seeds, "step_size": one.step_sizes}


def runs(outputs: Outputs) -> Iterator[Part]:
    """The training runs behind Figures 2 and 3 and the latent spaces."""
    for run in outputs.recorded():
        one = run.experiment
        keys = {key: getattr(one, key) for key in ("algorithm", "latent_dim", "n_train")}
        seeds = " ".join(map(str, one.seeds))
        yield {"dataset": one.definition["label"], **keys, "seeds": seeds}


def weights(outputs: Outputs) -> Iterator[Part]:
    """The models whose weights are kept."""
    for run in outputs.kept():
        one = run.experiment
        yield {**_labels(one), "n_train": one.n_train, "seed": one.seeds[0]}


def _name(outputs: Outputs, dataset: str) -> str:
    return outputs.definitions[dataset]["label"]


def _had(outputs: Outputs, place: str) -> list[tuple[str, Any]]:
    content = outputs.content(place)
    return [(dataset, content[dataset]) for dataset in outputs.available(content)]


def _labels(experiment: Experiment) -> Part:
    return {
        "dataset": experiment.definition["label"],
        "latent_dim": experiment.latent_dim,
        "algorithm": LABELS[experiment.algorithm],
    }


def _measured(experiment: Experiment) -> Part:
    return {
        "split": SPLITS,
        "seed": experiment.seeds,
        ALONG: experiment.training_samples,
    }


def _methods(outputs: Outputs, estimators: Iterable[str]) -> dict[str, Method]:
    """The estimators of log p(x) with these names."""
    return read_methods({name: outputs.settings["estimators"][name] for name in estimators})
