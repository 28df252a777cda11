"""Every estimator of log p(x) where log p(x) is known: how far off, how noisy, how dear."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import tensorflow as tf

from aevb.algorithms.settings import LABELS
from aevb.arrays import Tensors
from aevb.data import Dataset
from aevb.errors import ConfigError
from aevb.likelihood.estimate import Estimate
from aevb.likelihood.labels import ABOVE, labels
from aevb.likelihood.methods.base import TwoSided
from aevb.likelihood.methods.quadrature import TRUTH
from aevb.likelihood.methods.registry import read_methods
from aevb.likelihood.model import Model
from aevb.models.linear_gaussian import LEAST_VARIANCE, LinearGaussian, ProbabilisticPCA
from aevb.process.progress import LOGGER
from aevb.settings.experiment import Experiment
from aevb.stages.along_training import observations
from aevb.stages.trained import parameters_of
from aevb.training.assembly import architecture

WIDENING = 1.5
"""The encoder that importance sampling proposes from on probabilistic PCA has standard deviations
this much too large: with the exact posterior, which is at hand there, it could not go wrong."""

UNTRAINED = "untrained"
"""What the table calls the network before training."""

_FIT_POINTS = 10_000

Truth = Callable[[np.ndarray], np.ndarray]


def compare_on_ppca(
    data: Dataset, latent_dim: int, estimators: dict[str, dict], points: int, seed: int = 0
) -> pd.DataFrame:
    """The estimators on probabilistic PCA, whose log p(x) has a closed form.

    The model is fitted to the first 10 000 training images, so that its posteriors are about as
    narrow as those of a trained network; x are the first test images.

    Args:
        data: images.
        latent_dim: N_z.
        estimators: settings by name, see :func:`~aevb.likelihood.methods.registry.read_methods`.
        points: how many test images.
        seed: of all estimates.

    Returns:
        One row an estimator, see :func:`compare`.
    """
    exact = ProbabilisticPCA.fit(data.train[:_FIT_POINTS] / 256, latent_dim, LEAST_VARIANCE)
    architecture = LinearGaussian(data.train.shape[1], latent_dim)
    model = Model(architecture, exact.parameters(WIDENING))
    x = (data.test[:points] / 256).astype(np.float32)
    rows = compare(model, x, exact.log_likelihood, estimators, seed, name=f"PPCA N_z={latent_dim}")
    return rows.assign(model="PPCA", latent_dim=latent_dim, truth="closed form")[_COLUMNS]


def compare_on_network(
    experiment: Experiment,
    weights: Tensors | None,
    data: Dataset,
    estimators: dict[str, dict],
    points: int,
    seed: int = 0,
) -> pd.DataFrame:
    """The estimators on a network with N_z ≤ 3, against quadrature.

    Args:
        experiment: its settings.
        weights: its parameters by name, of which the first member is used; None for the network
            before training, on which the paper's curves show how far off its estimator is.
        data: images; x are the first test images.
        estimators, points, seed: as for :func:`compare_on_ppca`.

    Returns:
        One row an estimator but quadrature, see :func:`compare`.

    Raises:
        ConfigError: N_z is above 3, or no estimator but quadrature applies.
    """
    if not TRUTH.applies(experiment.latent_dim, has_encoder=True):
        raise ConfigError(
            f"{experiment.name}: the truth is {TRUTH.method}'s, which takes at most"
            f" {TRUTH.max_latent_dim} latent dimensions"
        )
    images = observations(experiment, data, points)
    network = architecture(experiment)
    if weights is None:
        parameters = network.init(tf.constant([seed]))
    else:
        parameters = parameters_of(network, weights, member=0)
    model = Model(network, parameters)
    exact = [key for key, one in read_methods(estimators).items() if one.exact]
    others = {key: settings for key, settings in estimators.items() if key not in exact}
    n_train = experiment.n_train or len(data.train)
    name = f"{LABELS[experiment.algorithm]}, N={n_train}" if weights else UNTRAINED
    rows = compare(
        model,
        images["test"].numpy(),
        lambda x: TRUTH.estimate(model, x, seed).value,
        others,
        seed,
        name=name,
    )
    return rows.assign(model=name, latent_dim=experiment.latent_dim, truth=TRUTH.method)[_COLUMNS]


_COLUMNS = [
    "model",
    "latent_dim",
    "estimator",
    "budget",
    "truth",
    "n_points",
    "n_flagged",
    "bias",
    "bias_standard_error",
    "standard_deviation",
    "rmse",
    "bias_passed",
    "seconds",
    "likelihood_evaluations",
]


def compare(
    model: Model,
    x: np.ndarray,
    truth: Truth,
    estimators: dict[str, dict],
    seed: int,
    name: str = "model",
) -> pd.DataFrame:
    """The error of each estimator on x [n, D].

    A two-sided estimator is also compared from above, which takes exact posterior samples, which
    only data that the model itself has drawn come with: as many of those, with a truth of their
    own. Estimators that need an encoder are left out where there is none. What a point costs is
    taken without the compilation, on a second call.

    Returns:
        ``estimator``, ``budget``, ``n_points``, ``n_flagged`` (by the estimator's own gate; flagged
        points count like all others, if they have a value at all), in nats ``bias`` (mean error),
        ``bias_standard_error``, ``standard_deviation`` (of a point's error), ``rmse`` and
        ``bias_passed`` (of the points that passed alone); ``seconds`` for all points, and
        ``likelihood_evaluations`` a point.
    """
    rows = []

    def add(label: str, values: str, call: Callable[[], Estimate], exact: np.ndarray) -> None:
        call()
        began = time.monotonic()
        estimate = call()
        seconds = time.monotonic() - began
        n = len(exact)
        error = (estimate.value - exact)[~np.isnan(estimate.value)]
        passing = (estimate.value - exact)[estimate.passed]
        rows.append(
            {
                "estimator": label,
                "budget": values,
                "n_points": n,
                "n_flagged": n - int(estimate.passed.sum()),
                "bias": error.mean(),
                "bias_standard_error": error.std(ddof=1) / np.sqrt(len(error)),
                "standard_deviation": error.std(ddof=1),
                "rmse": np.sqrt(np.square(error).mean()),
                "bias_passed": passing.mean() if len(passing) else np.nan,
                "seconds": seconds,
                "likelihood_evaluations": estimate.likelihood_evaluations / n,
            }
        )
        LOGGER.info(
            f"{name}: {label}: bias {error.mean():+.3f} nats, standard deviation"
            f" {error.std(ddof=1):.3f}, {seconds:.1f} s for {n} points"
        )

    exact = truth(x)
    methods = read_methods(estimators)
    called = labels(methods)
    for key, method in methods.items():
        if not method.applies(model.latent_dim, model.has_encoder):
            continue
        label, values = called[key], _text(estimators[key])
        add(
            label,
            values,
            lambda method=method: method.estimate(model, x, seed),
            exact,
        )
        if isinstance(method, TwoSided):
            z, simulated = method.simulate(model, len(x), seed)
            add(
                f"{label}{ABOVE}",
                values,
                lambda z=z, x=simulated, method=method: method.estimate_above(model, z, x, seed),
                truth(simulated),
            )
    if not rows:
        raise ConfigError(f"{name}: none of the estimators applies to it")
    return pd.DataFrame(rows)


def _text(settings: dict[str, Any]) -> str:
    given = [f"{key} {value}" for key, value in settings.items() if key != "method"]
    return ", ".join(given) or "default"
