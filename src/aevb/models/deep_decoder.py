"""A decoder of two hidden layers, the only one with which the first author's library can run
wake-sleep on grey images: its log-variance weights have the shape of the layer below."""

from dataclasses import dataclass
from typing import NamedTuple

import tensorflow as tf
import tensorflow_probability as tfp

from aevb.models import mlp
from aevb.models.architecture import Parameters
from aevb.models.mlp import MLP
from aevb.models.vae import VAE

tfd = tfp.distributions


class Stacked(NamedTuple):
    """Parameters of a hidden layer below an MLP. Leading axes ``...`` stack several networks."""

    first_weights: tf.Tensor
    """[..., inputs, hidden_units]"""
    first_bias: tf.Tensor
    """[..., hidden_units]"""
    mlp: MLP
    """Of the layers above."""


@dataclass(frozen=True)
class DeepDecoder(VAE):
    """The VAE of §3 with one more tanh layer of as many units in the decoder.

    The second layer's matrix counts among no weight matrices, as in the first author's library,
    which gives it no prior. The attributes are those of :class:`aevb.models.vae.VAE`.
    """

    def shapes(self) -> Parameters:
        """The shape of every parameter, without the member axis."""
        encoder, decoder = super().shapes()
        outputs = decoder.output_bias[0]
        return Parameters(
            encoder,
            Stacked(
                tf.TensorShape([self.latent_dim, self.hidden_units]),
                tf.TensorShape([self.hidden_units]),
                mlp.shapes(self.hidden_units, self.hidden_units, outputs),
            ),
        )

    def weight_matrices(self) -> Parameters:
        """Which of the parameters are weight matrices."""
        encoder, _ = super().weight_matrices()
        above = mlp.WEIGHT_MATRICES._replace(hidden_weights=False)
        return Parameters(encoder, Stacked(self.prior_on_first, False, above))

    def _with_zero_output_bias(self, decoder: Stacked) -> Stacked:
        return decoder._replace(mlp=super()._with_zero_output_bias(decoder.mlp))

    def decode(self, decoder: Stacked, z: tf.Tensor) -> tfd.Distribution:
        """p_θ(x|z): z [..., n, N_z] -> batch shape [..., n], event shape [D]."""
        first = tf.tanh(z @ decoder.first_weights + decoder.first_bias[..., tf.newaxis, :])
        return super().decode(decoder.mlp, first)
