"""From the settings of an experiment to the algorithm, the network and the minibatches."""

from aevb.algorithms import ALGORITHMS
from aevb.config import Experiment
from aevb.data import Dataset
from aevb.errors import ConfigError
from aevb.models.vae import VAE
from aevb.optimisers import Adagrad
from aevb.training import Trainer


def architecture(experiment: Experiment, data_dim: int) -> VAE:
    """The network of an experiment on images of ``data_dim`` pixels."""
    return VAE(
        data_dim=data_dim,
        latent_dim=experiment.latent_dim,
        hidden_units=experiment.hidden_units,
        observation=experiment.definition["observation"],
        initial_standard_deviation=experiment.initial_standard_deviation,
        zero_initial_log_variance=experiment.zero_initial_log_variance,
        log_variance_factor=experiment.log_variance_factor,
        posterior=experiment.posterior,
    )


def training_set(experiment: Experiment, data: Dataset) -> Dataset:
    """The data set with the first ``n_train`` training images, or all when that is None.

    Raises:
        ConfigError: the data set has fewer.
    """
    n_train, available = experiment.n_train, len(data.train)
    if n_train is not None and n_train > available:
        raise ConfigError(
            f"n_train: {n_train} training images are asked for, but {data.name} has {available}"
        )
    fields = ("train", "train_index", "train_labels")
    present = {name: getattr(data, name) for name in fields if getattr(data, name) is not None}
    return data._replace(**{name: array[:n_train] for name, array in present.items()})


def trainer(experiment: Experiment, data: Dataset) -> Trainer:
    """The algorithm, the network and the minibatches that the settings ask for (§5, App. E)."""
    n_train, data_dim = data.train.shape
    whole_batches = experiment.algorithm == "mcem"
    model = architecture(experiment, data_dim)
    optimiser = Adagrad(
        warmup_minibatches=experiment.warmup_minibatches,
        weight_prior=experiment.weight_prior,
        prior_scale=1.0 if whole_batches else experiment.batch_size / n_train,
    )
    if whole_batches:
        options = {"n_train": n_train, **experiment.monte_carlo_em}
    else:
        options = {"samples_per_datapoint": experiment.samples_per_datapoint}
    if experiment.algorithm == "aevb":
        options["estimator"] = experiment.estimator
    if experiment.algorithm == "full_vb":
        options |= {"n_train": n_train, **experiment.full_vb}
    if experiment.algorithm == "wake_sleep":
        options["sleep_uses_updated_decoder"] = experiment.sleep_uses_updated_decoder
    return Trainer(
        algorithm=ALGORITHMS[experiment.algorithm](model, optimiser, **options),
        batch_size=None if whole_batches else experiment.batch_size,
        pixel_divisor=float(experiment.pixel_divisor),
        binarise=experiment.binarisation == "dynamic",
    )
