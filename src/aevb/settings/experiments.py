"""From a configuration to the settings of one experiment and of its estimators."""

from collections.abc import Iterable
from typing import Any

from aevb.algorithms.settings import ALGORITHMS
from aevb.errors import ConfigError
from aevb.schema.explain import choice
from aevb.schema.kinds import for_dataset
from aevb.settings.budgets import PerBounded
from aevb.settings.configuration import Configuration
from aevb.settings.consistency import at_most_the_images, at_most_the_pixels, check_latent_dim
from aevb.settings.experiment import Experiment
from aevb.settings.protocol import Variant


def experiment(
    config: Configuration | dict,
    definitions: dict,
    *,
    dataset: str,
    latent_dim: int,
    algorithm: str,
    variant: str | None = None,
    scale: str | None = None,
    n_train: int | None = None,
    hidden_units: int | None = None,
) -> Experiment:
    """The settings of one experiment, from a configuration that :func:`aevb.settings.load` has
    checked.

    With ``n_train`` (and its ``hidden_units``) it is one of Figure 3: it learns from the first
    ``n_train`` training images with that figure's budget, and keeps the parameters along the way.
    Without, it is one of Figure 2.

    Raises:
        ConfigError: for an unknown data set, algorithm, variant or scale, a count below 1, more
            latent dimensions than pixels or training images than there are, or Monte Carlo EM
            without ``n_train``: it has no bound, and so no curve in Figure 2.
    """
    config = Configuration.of(config)
    variant = choice(variant or config.variant, config.variants, "variant")
    scale = choice(scale or config.scale, config.scales, "scale")
    choice(dataset, definitions, "dataset")
    kind = ALGORITHMS[choice(algorithm, ALGORITHMS, "algorithm")]
    counts = {"latent_dim": latent_dim, "n_train": n_train, "hidden_units": hidden_units}
    for key, count in counts.items():
        if count is not None and count < 1:
            raise ConfigError(f"{key}: {count} is below the minimum of 1")
    at_most_the_pixels(latent_dim, dataset, definitions, "latent_dim")
    at_most_the_images(n_train, dataset, definitions, "n_train")
    if n_train is None and not kind.has_encoder:
        raise ConfigError(
            f"{algorithm}: give n_train, the number of training images, as in Figure 3"
        )
    reading, budget = config.variants[variant], config.scales[scale]
    like = kind.like or algorithm

    def own(key: str, *tables: Any) -> Any:
        """A setting for this data set, of the first table that has it."""
        given = next(value for table in tables if (value := getattr(table, key)))
        return for_dataset(given, dataset, key)

    if n_train is not None:
        training, selection = (
            getattr(table, like)
            for table in (budget.fig3.training_samples, budget.fig3.selection_samples)
        )
    else:
        training = own("training_samples", budget)
        if isinstance(training, PerBounded):
            training = getattr(training, like)
        selection = min(reading.selection.samples, training)
        if budget.selection_samples:
            selection = own("selection_samples", budget)
    if config.training_samples:
        training = own("training_samples", config)
    seeds = [config, budget] if n_train is None else [config, budget.fig3, budget]
    grey = definitions[dataset]["observation"] == "gaussian"
    return Experiment(
        dataset=dataset,
        definition=_content(definitions[dataset]),
        latent_dim=int(latent_dim),
        algorithm=algorithm,
        variant=variant,
        training_samples=training,
        selection_samples=selection,
        architecture=own("architecture", config, reading),
        hidden_units=hidden_units or own("hidden_units", config),
        batch_size=own("batch_size", reading),
        pixel_divisor=own("pixel_divisor", reading),
        warmup_minibatches=reading.of(like, "warmup_minibatches"),
        weight_prior=reading.of(like, "weight_prior"),
        initial_standard_deviation=reading.initial_standard_deviation,
        zero_initial_log_variance=reading.of(like, "zero_initial_log_variance"),
        log_variance_factor=reading.log_variance_factor(like),
        selection_window=reading.selection.window,
        selection_seeds=budget.selection_seeds or reading.selection.seeds,
        samples_per_datapoint=config.samples_per_datapoint,
        binarisation="none" if grey else config.binarisation,
        n_train=n_train,
        snapshots=n_train is not None,
        step_sizes=config.step_sizes,
        test_images=budget.test_images,
        seeds=own("seeds", *seeds),
        settings=_of_the_algorithm(algorithm, config, reading),
    )


def _of_the_algorithm(algorithm: str, config: Configuration, reading: Variant) -> Any:
    """What the configuration says to one algorithm; None where it says nothing."""
    return {
        "aevb": {"posterior": config.posterior},
        "wake_sleep": {"sleep_uses_updated_decoder": reading.sleep_uses_updated_decoder},
        "mcem": config.monte_carlo_em,
        "full_vb": config.full_vb,
    }.get(algorithm)


def _content(definition: dict) -> dict:
    """What a data set is, without where it comes from or under which terms."""
    content = {k: v for k, v in definition.items() if k not in ("sources", "terms")}
    files = {
        name: {k: v for k, v in file.items() if v is not None and not k.startswith("packed")}
        for name, file in definition["files"].items()
    }
    return content | {"files": files}


def estimator_settings(
    config: Configuration | dict, names: Iterable[str], latent_dim: int
) -> dict[str, dict]:
    """The settings of these estimators of log p(x), for models with ``latent_dim`` dimensions.

    Raises:
        ConfigError: there are too many dimensions for one of them.
    """
    estimators = Configuration.of(config).estimators
    chosen = {name: estimators[name] for name in names}
    for name, settings in chosen.items():
        check_latent_dim(latent_dim, name, settings)
    return {name: settings.model_dump() for name, settings in chosen.items()}


def execution(config: Configuration | dict) -> str:
    """What computes the training runs, as the option ``--backend`` takes it."""
    config = Configuration.of(config)
    if config.backend == "tensorflow":
        return "tensorflow"
    return f"pjrt:{config.pjrt_platform or ''}:{config.precision}"
