"""Multi-layer perceptrons as probabilistic encoders and decoders (Appendix C)."""

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf
import tensorflow_probability as tfp

from aevb.models.pixels import BernoulliPixels

tfd = tfp.distributions


class MLP(NamedTuple):
    """Parameters of an MLP with one hidden layer. Leading axes ``...`` stack several networks.

    A Gaussian MLP (App. C.2) keeps its two heads side by side in the output layer, the means in
    the first half of the columns and the log-variances in the second, so that one matrix product
    computes both.
    """

    hidden_weights: tf.Tensor
    """[..., inputs, hidden_units]"""
    hidden_bias: tf.Tensor
    """[..., hidden_units]"""
    output_weights: tf.Tensor
    """[..., hidden_units, outputs]"""
    output_bias: tf.Tensor
    """[..., outputs]"""


WEIGHT_MATRICES = MLP(True, False, True, False)
"""Which parameters are matrices: the ones a weight prior on matrices applies to."""


def shapes(n_inputs: int, hidden_units: int, n_outputs: int) -> MLP:
    """The shape of every parameter of one network, without leading axes."""
    return MLP(
        hidden_weights=tf.TensorShape([n_inputs, hidden_units]),
        hidden_bias=tf.TensorShape([hidden_units]),
        output_weights=tf.TensorShape([hidden_units, n_outputs]),
        output_bias=tf.TensorShape([n_outputs]),
    )


def hidden(mlp: MLP, inputs: tf.Tensor) -> tf.Tensor:
    """h = tanh(W inputs + b): [..., n, inputs] -> [..., n, hidden_units] (eq. 11 and 12)."""
    return tf.tanh(inputs @ mlp.hidden_weights + mlp.hidden_bias[..., tf.newaxis, :])


def bernoulli(mlp: MLP, inputs: tf.Tensor) -> tfd.Distribution:
    """Bernoulli MLP (App. C.1, eq. 11): log p = Σ_i x_i log y_i + (1 − x_i) log(1 − y_i).

    Grey values in [0, 1] are accepted as targets; the sum is then the cross-entropy that the
    paper reports.

    Args:
        mlp: parameters with D outputs.
        inputs: [..., n, inputs].

    Returns:
        A distribution with batch shape [..., n] and event shape [D].
    """
    return bernoulli_output(mlp, hidden(mlp, inputs))


def bernoulli_output(mlp: MLP, hidden: tf.Tensor) -> tfd.Distribution:
    """The output layer of :func:`bernoulli`, from h [..., n, hidden_units]."""
    return BernoulliPixels(hidden @ mlp.output_weights + mlp.output_bias[..., tf.newaxis, :])


def gaussian(
    mlp: MLP,
    inputs: tf.Tensor,
    mean: Callable[[tf.Tensor], tf.Tensor] = tf.identity,
    log_variance_factor: float = 1.0,
) -> tfd.Distribution:
    """Gaussian MLP with diagonal covariance (App. C.2, eq. 12).

    Args:
        mlp: parameters with 2 D outputs: D means, then D log-variances.
        inputs: [..., n, inputs].
        mean: what the means pass through (§5: a sigmoid for Frey Face).
        log_variance_factor: factor in front of the weights, but not of the bias, of the
            log-variance head. The first author's library has 0.1 in wake-sleep's encoder.

    Returns:
        A distribution with batch shape [..., n] and event shape [D].
    """
    return gaussian_output(mlp, hidden(mlp, inputs), mean, log_variance_factor)


def gaussian_output(
    mlp: MLP,
    hidden: tf.Tensor,
    mean: Callable[[tf.Tensor], tf.Tensor] = tf.identity,
    log_variance_factor: float = 1.0,
) -> tfd.Distribution:
    """The output layer of :func:`gaussian`, from h [..., n, hidden_units]."""
    weighted = hidden @ mlp.output_weights
    weighted_mean, weighted_log_variance = tf.split(weighted, 2, axis=-1)
    mean_bias, log_variance_bias = tf.split(mlp.output_bias[..., tf.newaxis, :], 2, axis=-1)
    log_variance = log_variance_factor * weighted_log_variance + log_variance_bias
    return tfd.Independent(
        tfd.Normal(loc=mean(weighted_mean + mean_bias), scale=tf.exp(0.5 * log_variance)), 1
    )
