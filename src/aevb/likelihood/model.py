"""A trained model as the estimators see it: the joint density of x and z, and the encoder."""

from typing import NamedTuple

import tensorflow as tf

from aevb.models.architecture import Architecture, Parameters


class Model(NamedTuple):
    """One model: an architecture with the parameters of one member."""

    architecture: Architecture
    """Immutable and hashable, so that it can be part of a compiled program."""
    parameters: Parameters
    """θ and, where an encoder was trained, φ; each tensor has a member axis of one, [1, ...]."""

    @property
    def latent_dim(self) -> int:
        """N_z."""
        return self.architecture.latent_dim

    @property
    def has_encoder(self) -> bool:
        """Whether there is a q(z|x); Monte Carlo EM trains none, its ``encoder`` is empty."""
        return bool(self.parameters.encoder)


def log_prior(model: Model, z: tf.Tensor) -> tf.Tensor:
    """log p(z): [..., N_z] -> [...], nats."""
    return model.architecture.prior().log_prob(z)


def log_likelihood(model: Model, x: tf.Tensor, z: tf.Tensor) -> tf.Tensor:
    """log p(x|z) of each datapoint under latents of its own: x [n, D], z [..., n, N_z] -> [..., n].

    Nats. All latents go through the decoder as the rows of one matrix product.
    """
    shape = z.shape[:-1]
    rows = tf.reshape(z, [1, -1, z.shape[-1]])
    x_rows = tf.reshape(tf.broadcast_to(x, [*shape, x.shape[-1]]), [1, -1, x.shape[-1]])
    likelihood = model.architecture.decode(model.parameters.decoder, rows)
    return tf.reshape(likelihood.log_prob(x_rows), shape)


def log_joint(model: Model, x: tf.Tensor, z: tf.Tensor) -> tf.Tensor:
    """log p(x, z) = log p(z) + log p(x|z): x [n, D], z [..., n, N_z] -> [..., n], nats."""
    return log_prior(model, z) + log_likelihood(model, x, z)
