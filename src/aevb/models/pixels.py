"""The Bernoulli distribution of an image's pixels, as fast as its likelihood is needed often."""

import tensorflow as tf
import tensorflow_probability as tfp

tfd = tfp.distributions

_FACTORS = 16


class BernoulliPixels(tfd.Independent):
    """D independent Bernoulli pixels (App. C.1, eq. 11): batch shape [...], event shape [D].

    log p(x) = Σ_i x_i l_i − log(1 + exp l_i) with the logits l. Grey values x in [0, 1] are
    accepted; the value is then the cross-entropy that the paper reports.
    """

    def __init__(self, logits: tf.Tensor):
        super().__init__(tfd.Bernoulli(logits=logits, dtype=logits.dtype), 1)

    def _log_prob(self, x):
        logits = self.distribution.logits
        return tf.reduce_sum(x * logits, axis=-1) - log_normaliser(logits)


@tf.custom_gradient
def log_normaliser(logits: tf.Tensor) -> tf.Tensor:
    """Σ_i log(1 + exp l_i): [..., D] -> [...], nats.

    Likelihoods spend most of their time here once the matrix products are fast. So the sum of
    logarithms is taken as the logarithm of products of 16 factors, each in (1, 2], which cannot
    overflow; and the gradient is the sigmoid, whatever the forward pass computed.
    """
    decay = tf.exp(-tf.abs(logits))
    padding = [[0, 0]] * (logits.shape.rank - 1) + [[0, -logits.shape[-1] % _FACTORS]]
    factors = tf.pad(1.0 + decay, padding, constant_values=1.0)
    groups = [-1 if size is None else size for size in logits.shape[:-1]]
    products = tf.reduce_prod(
        tf.reshape(factors, [*groups, factors.shape[-1] // _FACTORS, _FACTORS]), axis=-1
    )
    value = tf.reduce_sum(tf.nn.relu(logits), axis=-1)
    value += tf.reduce_sum(tf.math.log(products), axis=-1)

    def gradient(upstream):
        return upstream[..., tf.newaxis] * tf.sigmoid(logits)

    return value, gradient
