"""The SGVB estimators of the variational lower bound (§2.3, §3, Appendix B), in nats."""

from collections.abc import Callable

import tensorflow as tf
import tensorflow_probability as tfp

from aevb.models import posteriors
from aevb.models.posteriors import LocationScale

tfd = tfp.distributions
Likelihood = Callable[[tf.Tensor], tfd.Distribution]


def reparameterise(posterior: tfd.Distribution, noise: tf.Tensor) -> tf.Tensor:
    """z = μ + σ ⊙ ε (§2.4, §3): noise [L, ..., n, N_z] -> z of the same shape."""
    return posterior.mean() + posterior.stddev() * noise


def negative_kl_per_dimension(posterior: tfd.Distribution) -> tf.Tensor:
    """−KL(q(z_j|x) ‖ N(0, 1)) = ½ (1 + log σ_j² − μ_j² − σ_j²) (App. B).

    Args:
        posterior: a diagonal Gaussian, or a :class:`aevb.models.posteriors.LocationScale`, with
            batch shape [..., n] and event shape [N_z].

    Returns:
        [..., n, N_z], nats, never positive.
    """
    if isinstance(posterior, LocationScale):
        return posteriors.negative_kl(posterior.kind, posterior.location, posterior.scale)
    mean, standard_deviation = posterior.mean(), posterior.stddev()
    variance = tf.square(standard_deviation)
    return 0.5 * (1.0 + 2.0 * tf.math.log(standard_deviation) - tf.square(mean) - variance)


def negative_kl(posterior: tfd.Distribution) -> tf.Tensor:
    """−KL(q(z|x) ‖ N(0, I)), the sum over the dimensions (App. B): [..., n], nats.

    That of a diagonal Gaussian, or of another family of :mod:`aevb.models.posteriors`.
    """
    return tf.reduce_sum(negative_kl_per_dimension(posterior), axis=-1)


def estimator_a(
    x: tf.Tensor,
    posterior: tfd.Distribution,
    prior: tfd.Distribution,
    likelihood: Likelihood,
    noise: tf.Tensor,
) -> tf.Tensor:
    """SGVB estimator A (eq. 6): (1/L) Σ_l log p(x, z_l) − log q(z_l|x), per datapoint.

    Args:
        x: [..., n, D].
        posterior: q(z|x), batch shape [..., n], event shape [N_z].
        prior: p(z), event shape [N_z].
        likelihood: z [L, ..., n, N_z] -> p(x|z) with batch shape [L, ..., n].
        noise: ε [L, ..., n, N_z], standard normal; L ≥ 1 samples a datapoint.

    Returns:
        [..., n], nats.
    """
    z = reparameterise(posterior, noise)
    log_joint = likelihood(z).log_prob(x) + prior.log_prob(z)
    return tf.reduce_mean(log_joint - posterior.log_prob(z), axis=0)


def estimator_b(
    x: tf.Tensor, posterior: tfd.Distribution, likelihood: Likelihood, noise: tf.Tensor
) -> tf.Tensor:
    """SGVB estimator B (eq. 7 and 10): −KL(q ‖ p) + (1/L) Σ_l log p(x|z_l), per datapoint.

    The KL to the standard normal prior is analytic (App. B), which usually leaves less variance
    than estimator A. Arguments and result as in :func:`estimator_a`.
    """
    z = reparameterise(posterior, noise)
    return negative_kl(posterior) + tf.reduce_mean(likelihood(z).log_prob(x), axis=0)


def score_function(
    x: tf.Tensor,
    posterior: tfd.Distribution,
    prior: tfd.Distribution,
    likelihood: Likelihood,
    noise: tf.Tensor,
    baseline_noise: tf.Tensor | None = None,
) -> tf.Tensor:
    """What has the bound's value and, as its gradient in φ, the score-function estimate (§2.2).

    The value is that of estimator A. The gradient in φ is (1/L) Σ_l (f(z_l) − b) ∇ log q(z_l|x)
    with f = log p(x, z) − log q(z|x), z held fixed; the gradient in θ is that of estimator A.

    Args:
        x, posterior, prior, likelihood, noise: as for :func:`estimator_a`.
        baseline_noise: further ε [K, ..., n, N_z], independent of ``noise``: b is the mean of f at
            those K draws, which leaves the estimate unbiased. None for b = 0.

    Returns:
        [..., n], nats.
    """

    def parts(noise):
        z = tf.stop_gradient(reparameterise(posterior, noise))
        return likelihood(z).log_prob(x) + prior.log_prob(z), posterior.log_prob(z)

    log_joint, log_posterior = parts(noise)
    fixed = tf.stop_gradient(log_posterior)
    weight = log_joint - fixed
    if baseline_noise is not None:
        joint, log_q = parts(baseline_noise)
        weight -= tf.reduce_mean(joint - log_q, axis=0)
    score = tf.stop_gradient(weight) * (log_posterior - fixed)
    return tf.reduce_mean(log_joint - fixed + score, axis=0)


def estimate(
    kind: str,
    x: tf.Tensor,
    posterior: tfd.Distribution,
    prior: tfd.Distribution,
    likelihood: Likelihood,
    noise: tf.Tensor,
    baseline_noise: tf.Tensor | None = None,
) -> tf.Tensor:
    """What to ascend for one of the estimators of the gradient in φ (§2.2, §2.3).

    Args:
        kind: ``B``, ``A``, ``score`` or ``score_baseline``, the keys of
            :data:`aevb.algorithms.settings.ESTIMATORS`.
        x, posterior, prior, likelihood, noise: as for :func:`estimator_a`.
        baseline_noise: of ``score_baseline``, see :func:`score_function`.

    Returns:
        [..., n], nats.
    """
    if kind == "B":
        return estimator_b(x, posterior, likelihood, noise)
    if kind == "A":
        return estimator_a(x, posterior, prior, likelihood, noise)
    return score_function(x, posterior, prior, likelihood, noise, baseline_noise)


def minibatch_estimator(bounds: tf.Tensor, n_datapoints: int) -> tf.Tensor:
    """Estimate of the bound of the full data set (eq. 8): (N/M) Σ_i L(x_i).

    Args:
        bounds: the bound of each datapoint of a random minibatch, [..., M], nats.
        n_datapoints: N.

    Returns:
        [...], nats for the whole data set.
    """
    return n_datapoints * tf.reduce_mean(bounds, axis=-1)
