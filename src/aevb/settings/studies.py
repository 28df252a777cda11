"""From a configuration to the experiments of the studies of section 2."""

from dataclasses import replace

from aevb.schema.explain import choice
from aevb.schema.kinds import for_dataset
from aevb.settings.configuration import Configuration
from aevb.settings.experiment import Experiment
from aevb.settings.experiments import experiment

SELECTING = ("own_step_sizes", "hidden_units")
"""Studies in which each experiment has the step size that is selected for it."""

STUDIES = (
    *("gradient_estimators", "draws_and_minibatches", "posteriors", "weight_prior"),
    *SELECTING,
)


def study(
    config: Configuration | dict, definitions: dict, name: str, scale: str | None = None
) -> list[Experiment]:
    """The experiments of one study of section 2, which differ in one thing each.

    ``gradient_estimators``: what is ascended (§2.2, §2.3); ``draws_and_minibatches``: L and M
    (§2.3), with Adagrad's warm-up over the same number of samples; ``posteriors``: the family of
    q(z|x) (§2.4); ``weight_prior``: MAP against maximum likelihood (§2.1), on several panels of
    Figure 2; ``own_step_sizes``: what is ascended, each with the step size selected for it;
    ``hidden_units``: their number (§5), the same way.

    Raises:
        ConfigError: for an unknown study or scale.
    """
    config = Configuration.of(config)
    choice(name, STUDIES, "study")
    scale = choice(scale or config.scale, config.scales, "scale")
    content, budget = config.figures.section2, config.scales[scale].section2

    def of_figure_2(dataset: str, latent_dim: int) -> Experiment:
        return experiment(
            config,
            definitions,
            dataset=dataset,
            latent_dim=latent_dim,
            algorithm="aevb",
            scale=scale,
        )

    def panel(dataset: str, latent_dim: int) -> Experiment:
        base = of_figure_2(dataset, latent_dim)
        seeds = config.seeds or budget.seeds or base.seeds
        return replace(base.with_budget(budget.training_samples), seeds=seeds)

    def compared(dataset: str, latent_dim: int) -> Experiment:
        base, given = of_figure_2(dataset, latent_dim), config.scales[scale].comparisons
        samples = for_dataset(given.training_samples, dataset, "training_samples")
        seeds = tuple(config.seeds or given.seeds or base.seeds)
        selection = min(base.selection_samples, samples)
        return replace(base.with_budget(samples), seeds=seeds, selection_samples=selection)

    if name == "own_step_sizes":
        kinds = config.figures.comparisons.estimators
        base = compared(content.dataset, content.latent_dim) if kinds else None
        return [base.with_algorithm(estimator=kind) for kind in kinds]
    if name == "hidden_units":
        comparisons = config.figures.comparisons
        return [
            replace(compared(dataset, latent_dim), hidden_units=units)
            for dataset, latent_dim in comparisons.latent_dims.items()
            for units in comparisons.hidden_units
        ]
    base = panel(content.dataset, content.latent_dim)
    if name == "gradient_estimators":
        return [base.with_algorithm(estimator=kind) for kind in content.estimators]
    if name == "posteriors":
        return [base.with_algorithm(posterior=kind) for kind in budget.posteriors]
    if name == "weight_prior":
        panels = [panel(dataset, dim) for dataset, dims in budget.panels.items() for dim in dims]
        return [replace(one, weight_prior=p) for one in panels for p in (one.weight_prior, "none")]
    warmup_samples = base.warmup_minibatches * base.batch_size
    return [
        replace(
            base,
            samples_per_datapoint=draws,
            batch_size=minibatch,
            warmup_minibatches=-(-warmup_samples // minibatch),
        )
        for draws in budget.draws
        for minibatch in budget.minibatches
    ]
