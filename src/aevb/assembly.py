"""From the settings of an experiment to the algorithm, the network and the minibatches."""

from aevb.algorithms import ALGORITHMS
from aevb.config import Experiment
from aevb.data import Dataset
from aevb.models.vae import VAE
from aevb.optimisers import Adagrad
from aevb.training import Trainer


def trainer(experiment: Experiment, data: Dataset) -> Trainer:
    """The algorithm, the network and the minibatches that the settings ask for (§5)."""
    n_train, data_dim = data.train.shape
    model = VAE(
        data_dim=data_dim,
        latent_dim=experiment.latent_dim,
        hidden_units=experiment.hidden_units,
        observation=experiment.definition["observation"],
        initial_standard_deviation=experiment.initial_standard_deviation,
        zero_initial_log_variance=experiment.zero_initial_log_variance,
        log_variance_factor=experiment.log_variance_factor,
    )
    optimiser = Adagrad(
        warmup_minibatches=experiment.warmup_minibatches,
        weight_prior=experiment.weight_prior,
        prior_scale=experiment.batch_size / n_train,
    )
    options = {"samples_per_datapoint": experiment.samples_per_datapoint}
    if experiment.algorithm == "wake_sleep":
        options["sleep_uses_updated_decoder"] = experiment.sleep_uses_updated_decoder
    return Trainer(
        algorithm=ALGORITHMS[experiment.algorithm](model, optimiser, **options),
        batch_size=experiment.batch_size,
        pixel_divisor=float(experiment.pixel_divisor),
        binarise=experiment.binarisation == "dynamic",
    )
