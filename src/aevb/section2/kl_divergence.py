"""Appendix B: the KL divergence in closed form against Monte Carlo, for J = 1 … 200 dimensions."""

import numpy as np
import pandas as pd
import tensorflow as tf
import tensorflow_probability as tfp

from aevb import random
from aevb.algorithms.bounds import negative_kl
from aevb.settings.section2 import KL_DIMENSIONS, KL_POSTERIORS

tfd = tfp.distributions


def compare(
    dimensions: tuple[int, ...] = KL_DIMENSIONS,
    draws: int = 20_000,
    posteriors: int = KL_POSTERIORS,
    seed: int = 0,
) -> pd.DataFrame:
    """−KL(q ‖ N(0, I)) of random diagonal Gaussians q, exactly and by the mean of log p(z)/q(z).

    The means of q are standard normal; its log-variances are normal around −1, as those of a
    trained encoder are negative.

    Args:
        dimensions: J, one block of rows each.
        draws: of z for each q, rounded up to a multiple of 2000.
        posteriors: how many q for each J.
        seed: of everything.

    Returns:
        One row a q: ``latent_dim, posterior, analytic, monte_carlo, standard_error`` and
        ``standard_deviation`` of a single draw (nats). The last is what the analytic KL spares
        estimator B: it is zero there.
    """
    rows = []
    for dim in dimensions:
        keys = random.keys(tf.constant([seed]), random.Purpose.ESTIMATORS, dim)
        mean, log_variance = tf.unstack(random.normal(keys, (2, posteriors, dim))[0])
        q = tfd.Independent(tfd.Normal(mean, tf.exp(0.5 * (log_variance - 1.0))), 1)
        prior = tfd.Independent(tfd.Normal(tf.zeros(dim), tf.ones(dim)), 1)
        first, second = np.zeros(posteriors), np.zeros(posteriors)
        blocks = -(-draws // 2000)
        exact = negative_kl(q).numpy().astype(np.float64)
        for block in range(blocks):
            noise_keys = random.keys(
                tf.constant([seed]), random.Purpose.ESTIMATORS, 1000 * dim + block + 1
            )
            z = mean + q.stddev() * random.normal(noise_keys, (2000, posteriors, dim))[0]
            values = (prior.log_prob(z) - q.log_prob(z)).numpy().astype(np.float64)
            # Around the exact value, so that the squares do not cancel.
            first += (values - exact).sum(axis=0)
            second += ((values - exact) ** 2).sum(axis=0)
        n = 2000 * blocks
        offset = first / n
        deviation = np.sqrt((second / n - offset**2) * n / (n - 1))
        rows.append(
            pd.DataFrame(
                {
                    "latent_dim": dim,
                    "posterior": range(posteriors),
                    "analytic": exact,
                    "monte_carlo": exact + offset,
                    "standard_error": deviation / np.sqrt(n),
                    "standard_deviation": deviation,
                }
            )
        )
    return pd.concat(rows, ignore_index=True)
