"""Supervised models with latent variables (§7): p(y|x) = ∫ p(y|x, z) p(z) dz, learned by AEVB.

The latent variables z ~ N(0, I) stand for what x leaves open of y: complicated noise. They are
inferred by q(z|x, y). A datapoint is a row (x, y), so that what the rest of the package does with
an image's likelihood p(image|z) it does here with p(y|x, z): the bound is that of log p(y|x), and
importance sampling and annealed importance sampling estimate log p(y|x). Without latent variables,
N_z = 0, the same network is the deterministic one, and its bound is log p(y|x) itself.
"""

from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

import tensorflow as tf
import tensorflow_probability as tfp

from aevb import random
from aevb.algorithms.aevb import AEVB
from aevb.likelihood.model import Model
from aevb.models import mlp
from aevb.models.architecture import Parameters, initial
from aevb.models.mlp import MLP

tfd = tfp.distributions


class Decoder(NamedTuple):
    """Parameters of p(y|x, z): an MLP of (x, z) with one hidden layer."""

    input_weights: tf.Tensor
    """From x: [..., D_x, hidden_units]."""
    network: MLP
    """From z; its outputs are those of the MLP."""


@dataclass(frozen=True)
class Conditional:
    """p(y|x, z) and q(z|x, y), an :class:`~aevb.models.architecture.Architecture` of rows (x, y).

    Attributes:
        input_dim: D_x; 0 where x is part of the parameters, see :func:`given`.
        output_dim: D_y.
        latent_dim: N_z; with 0 there is no encoder, and p(y|x) is the decoder's distribution.
        hidden_units: of encoder and of decoder.
        observation: the distribution of y, ``bernoulli`` or ``gaussian``.
        initial_standard_deviation: of the parameters at the start.
        initial_log_variance: added at the start to the log-variances of encoder and decoder. Where
            y has one dimension, latent variables stay in use only if the decoder's variance is
            small at first: it would take all of the noise upon itself.
        log_variance_factor: see :func:`aevb.models.mlp.gaussian`; of the decoder. With 0 the
            variance of y is the same whatever x and z are.
        linear: no tanh in either hidden layer. With a Gaussian y of constant variance that is the
            linear-Gaussian model, whose p(y|x) is a Gaussian in closed form.
    """

    input_dim: int
    output_dim: int
    latent_dim: int
    hidden_units: int
    observation: Literal["bernoulli", "gaussian"]
    initial_standard_deviation: float = 0.01
    initial_log_variance: float = 0.0
    log_variance_factor: float = 1.0
    linear: bool = False

    def shapes(self) -> Parameters:
        """The shape of every parameter, without the member axis."""
        outputs = self.output_dim * (2 if self.observation == "gaussian" else 1)
        rows = self.input_dim + self.output_dim
        return Parameters(
            encoder=mlp.shapes(rows, self.hidden_units, 2 * self.latent_dim)
            if self.latent_dim
            else (),
            decoder=Decoder(
                tf.TensorShape([self.input_dim, self.hidden_units]),
                mlp.shapes(self.latent_dim, self.hidden_units, outputs),
            ),
        )

    def weight_matrices(self) -> Parameters:
        """Which of the parameters are weight matrices."""
        encoder = mlp.WEIGHT_MATRICES if self.latent_dim else ()
        return Parameters(encoder, Decoder(True, mlp.WEIGHT_MATRICES))

    def init(self, seeds: tf.Tensor) -> Parameters:
        """Parameters at the start of training, one set for each member of ``seeds`` [E]."""
        encoder, decoder = initial(self.shapes(), seeds, self.initial_standard_deviation)

        def shifted(network: MLP, outputs: int) -> MLP:
            is_log_variance = tf.range(network.output_bias.shape[-1]) >= outputs
            shift = self.initial_log_variance * tf.cast(is_log_variance, tf.float32)
            return network._replace(output_bias=network.output_bias + shift)

        network = shifted(decoder.network, self.output_dim)
        return Parameters(
            shifted(encoder, self.latent_dim) if encoder else (), decoder._replace(network=network)
        )

    def prior(self) -> tfd.Distribution:
        """p(z) = N(0, I), event shape [N_z]; it does not depend on x."""
        zeros = tf.zeros(self.latent_dim)
        return tfd.Independent(tfd.Normal(zeros, tf.ones_like(zeros)), 1)

    def encode(self, encoder: MLP, rows: tf.Tensor) -> tfd.Distribution:
        """q(z|x, y): rows (x, y) [..., n, D_x + D_y] -> batch [..., n], event [N_z]."""
        if not self.latent_dim:
            nothing = tf.zeros([*rows.shape[:-1], 0])
            return tfd.Independent(tfd.Normal(nothing, nothing), 1)
        bias = encoder.hidden_bias[..., tf.newaxis, :]
        return mlp.gaussian_output(encoder, self._hidden(rows @ encoder.hidden_weights + bias))

    def noise(self, keys: tf.Tensor, shape: tuple[int, ...]) -> tf.Tensor:
        """ε of the reparameterisation z = μ + σ ⊙ ε (§2.4): [E, *shape], one key a member."""
        return random.normal(keys, shape) if self.latent_dim else tf.zeros([keys.shape[0], *shape])

    def decode(self, decoder: Decoder, z: tf.Tensor) -> Any:
        """p(y|x, z) as the likelihood of rows (x, y), of which x is given; of y where D_x = 0."""
        if not self.input_dim:
            return self.output(decoder, z[..., :0], z)
        return OfRows(self, decoder, z)

    def output(self, decoder: Decoder, x: tf.Tensor, z: tf.Tensor) -> tfd.Distribution:
        """p(y|x, z): x [..., n, D_x], z [..., n, N_z] -> batch [..., n], event [D_y]."""
        network = decoder.network
        sums = x @ decoder.input_weights + z @ network.hidden_weights
        hidden = self._hidden(sums + network.hidden_bias[..., tf.newaxis, :])
        if self.observation == "bernoulli":
            return mlp.bernoulli_output(network, hidden)
        return mlp.gaussian_output(network, hidden, log_variance_factor=self.log_variance_factor)

    def _hidden(self, sums: tf.Tensor) -> tf.Tensor:
        return sums if self.linear else tf.tanh(sums)


class OfRows(NamedTuple):
    """p(y|x, z) of rows (x, y), for estimators that ask for log p(data|z)."""

    network: Conditional
    decoder: Decoder
    z: tf.Tensor
    """[..., n, N_z]"""

    def log_prob(self, rows: tf.Tensor) -> tf.Tensor:
        """log p(y|x, z): rows [..., n, D_x + D_y] -> [..., n], nats."""
        x, y = tf.split(rows, [self.network.input_dim, self.network.output_dim], axis=-1)
        return self.network.output(self.decoder, x, self.z).log_prob(y)


def given(model: Model, x: tf.Tensor) -> Model:
    """p(y|x) at one x [D_x], as a model of y alone: x becomes a part of the hidden bias.

    It has no encoder; sampling from the prior and quadrature do without.
    """
    decoder = model.parameters.decoder
    network = decoder.network
    bias = network.hidden_bias + tf.linalg.matvec(decoder.input_weights, x, transpose_a=True)
    folded = Decoder(decoder.input_weights[..., :0, :], network._replace(hidden_bias=bias))
    return Model(replace(model.architecture, input_dim=0), Parameters((), folded))


@dataclass(frozen=True)
class SideBySide(AEVB):
    """AEVB whose member e learns (x, y_k) of rows (x, y₁ … y_K), with k − 1 = e mod K."""

    def lower_bound(self, parameters: Parameters, x: tf.Tensor, keys: tf.Tensor) -> tf.Tensor:
        """The estimate of each datapoint's bound: rows [E, n, 1 + K] -> [E, n], nats."""
        members, _, columns = x.shape
        column = 1 + tf.range(members) % (columns - 1)
        y = tf.gather(x, column, axis=-1, batch_dims=1)
        return super().lower_bound(parameters, tf.stack([x[..., 0], y], axis=-1), keys)
