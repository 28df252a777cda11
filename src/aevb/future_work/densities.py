"""Noise that is known: learned densities of a one-dimensional y against the true ones."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import tensorflow as tf
import tensorflow_probability as tfp
from scipy.special import logsumexp

from aevb import random
from aevb.algorithms.optimisers import Adagrad
from aevb.future_work.learning import learn
from aevb.future_work.noise import Conditional, Decoder, SideBySide, given
from aevb.likelihood.model import Model
from aevb.models.architecture import Parameters
from aevb.process.progress import LOGGER
from aevb.settings.future_work import NOISE_MODELS, NOISES

tfd = tfp.distributions

N_TRAIN, BATCH_SIZE, STEP_SIZE = 10_000, 100, 0.06
LATENT, REGRESSION, ONE_VARIANCE = NOISE_MODELS
_COMMON = {"hidden_units": 50, "observation": "gaussian", "initial_standard_deviation": 0.3}
NETWORKS = {
    LATENT: Conditional(1, 1, 1, **_COMMON, initial_log_variance=-2.0),
    REGRESSION: Conditional(1, 1, 0, **_COMMON),
    ONE_VARIANCE: Conditional(1, 1, 0, **_COMMON, log_variance_factor=0.0),
}
"""Decoders of one size; an N_z of 0 makes Gaussian regression of them."""
X = np.linspace(-0.95, 0.95, 13).astype(np.float32)
"""Where densities are compared; x is uniform in [−1, 1]."""
Y = np.linspace(-4.0, 6.0, 501)
Z = np.linspace(-7.0, 7.0, 801)


def truths(x: tf.Tensor) -> list[tfd.Distribution]:
    """p(y|x) for each of NOISES: x [n] -> batch shape [n]."""
    mean, growing = tf.sin(3 * x), tf.sigmoid(3 * x)
    upper = 0.3 + 0.4 * growing
    return [
        tfd.Normal(mean, tf.fill(x.shape, 0.3)),
        tfd.Normal(mean, 0.1 + 0.5 * growing),
        tfd.ExponentiallyModifiedGaussian(mean - 0.3, 0.1, 1 / (0.2 + 0.4 * growing)),
        tfd.MixtureSameFamily(
            tfd.Categorical(probs=tf.stack([upper, 1 - upper], axis=-1)),
            tfd.Normal(tf.stack([mean + 0.8, mean - 0.8], axis=-1), 0.12),
        ),
    ]


def rows(n: int, seed: int) -> np.ndarray:
    """Data (x, y₁ … y₄), a y of each of NOISES: [n, 5], float32."""
    keys = random.keys(tf.constant([seed]), random.Purpose.OBSERVATION)
    x = 2 * random.uniform(keys, (n,))[0] - 1
    seeds = tf.unstack(tfp.random.split_seed(keys[0], n=len(NOISES)))
    drawn = [one.sample(seed=key) for one, key in zip(truths(x), seeds, strict=True)]
    return tf.stack([x, *drawn], axis=1).numpy()


def log_density(
    network: Conditional, decoder: Decoder, x: np.ndarray, y: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """log p(y|x) by the trapezoidal rule over z, and how far half of its nodes are off.

    Args:
        network: with N_z of 0 or 1 and D_x = D_y = 1.
        decoder: of one member.
        x: [G].
        y: [H].

    Returns:
        [G, H] each, nats, float64.
    """
    nodes = Z if network.latent_dim else np.zeros(1)
    z = tf.constant(np.repeat(nodes[:, np.newaxis], network.latent_dim, axis=1), tf.float32)
    weights = -0.5 * nodes**2
    weights -= logsumexp(weights)
    found, coarse = [], []
    for one in x:
        model = given(Model(network, Parameters((), decoder)), tf.constant([one]))
        p = model.architecture.decode(model.parameters.decoder, z[tf.newaxis])
        mean, deviation = (
            value.numpy()[0, :, 0].astype(np.float64) for value in (p.mean(), p.stddev())
        )
        terms = -0.5 * (((y[:, np.newaxis] - mean) / deviation) ** 2 + np.log(2 * np.pi))
        terms += weights - np.log(deviation)
        found.append(logsumexp(terms, axis=1))
        coarse.append(logsumexp(terms[:, ::2], axis=1) - logsumexp(weights[::2]))
    return np.array(found), np.abs(np.array(coarse) - found)


def least_divergences(log_truth: np.ndarray) -> dict[str, float]:
    """The least KL divergence from the truth, log p [G, H] on X and Y, that each of NOISE_MODELS
    can have, whatever its network: a Gaussian's is that of mean and variance."""
    step, p = Y[1] - Y[0], np.exp(log_truth)
    entropy = -(p * log_truth).sum(axis=1) * step
    mean = (p @ Y) * step
    variance = (p * (Y - mean[:, np.newaxis]) ** 2).sum(axis=1) * step
    each, common = (
        0.5 * (1 + np.log(2 * np.pi * v)) - entropy.mean() for v in (variance, variance.mean())
    )
    return {LATENT: 0.0, REGRESSION: each.mean(), ONE_VARIANCE: common}


def compare(
    seeds: Sequence[int], training_samples: int, **options: Any
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Train each of NOISE_MODELS on each of NOISES, and hold its density against the true one.

    Args:
        seeds: of the networks and minibatches; the data are the same.
        training_samples: of each.
        options: checkpoints, see :func:`aevb.future_work.learning.learn`.

    Returns:
        One row a noise, model and seed: ``kl``, the mean over x of KL(truth ‖ model) by quadrature
        over y; ``least_kl`` of :func:`least_divergences`; ``log_density``, the mean of log p(y|x)
        under the truth; ``mass``, the mean over x of ∫ p(y|x) dy; ``quadrature_error`` of ``kl``;
        nats. And the densities of the first seed at two x: ``noise, x, model, y, density``.
    """
    train, test = rows(N_TRAIN, 0), rows(1000, 1)
    log_truths = [
        np.stack([t.log_prob(Y.astype(np.float32)) for t in column]).astype(np.float64)
        for column in zip(*(truths(tf.constant([x])) for x in X), strict=True)
    ]
    found, shown = [], {}
    for model, network in NETWORKS.items():
        learned = learn(
            SideBySide(network, Adagrad(0, "matrices", BATCH_SIZE / N_TRAIN)),
            train,
            test,
            seeds=[seed for seed in seeds for _ in NOISES],
            step_size=STEP_SIZE,
            training_samples=training_samples,
            batch_size=BATCH_SIZE,
            pixel_divisor=1.0,
            name=f"noise {NOISE_MODELS.index(model)}",
            modules=["aevb.future_work.noise"],
            **options,
        )
        for e in range(len(seeds) * len(NOISES)):
            noise = NOISES[e % len(NOISES)]
            truth = log_truths[e % len(NOISES)]
            decoder = tf.nest.map_structure(lambda v, e=e: v[e : e + 1], learned.parameters.decoder)
            value, error = log_density(network, decoder, X, Y)
            step, p = Y[1] - Y[0], np.exp(truth)

            def mean(of: np.ndarray, p=p, step=step) -> float:
                return float((p * of).sum(axis=1).mean() * step)

            row = {
                "noise": noise,
                "model": model,
                "seed": seeds[e // len(NOISES)],
                "training_samples": training_samples,
                "kl": mean(truth - value),
                "least_kl": least_divergences(truth)[model],
                "log_density": mean(value),
                "mass": float(np.exp(value).sum(axis=1).mean() * step),
                "quadrature_error": mean(error),
            }
            found.append(row)
            if e < len(NOISES):
                shown[noise, "truth"], shown[noise, model] = truth, value
            LOGGER.info(f"{noise} noise: {model}: KL {row['kl']:.3f} nats")
    return pd.DataFrame(found), _shown(shown)


def _shown(densities: dict[tuple[str, str], np.ndarray]) -> pd.DataFrame:
    within = np.flatnonzero(np.abs(Y) < 2.7)[::2]
    tables = [
        {"noise": noise, "x": X[at], "model": model, "y": Y[within], "density": values[at, within]}
        for (noise, model), values in densities.items()
        for at in (2, -3)
    ]
    shown = pd.concat([pd.DataFrame(table) for table in tables])
    return shown.assign(density=np.exp(shown["density"]))
