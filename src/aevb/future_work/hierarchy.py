"""A hierarchy of two layers of latent variables (section 7), p(z₂) p(z₁|z₂) p(x|z₁), learned with
the encoder q(z₁|x) q(z₂|z₁) by one bound:

    log p(x) ≥ E_q[log p(x|z₁) + log p(z₁|z₂) − log q(z₁|x)] − E_q[KL(q(z₂|z₁) ‖ p(z₂))]

All the conditional distributions but that of the pixels are Gaussians with diagonal covariance, so
that (z₁, z₂) is a function of standard normal noise ε, layer by layer. Seen from ε the model has
one latent variable with the prior N(0, I), which is all that estimators of log p(x) ask for.
"""

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import tensorflow as tf
import tensorflow_probability as tfp

from aevb import random
from aevb.algorithms import bounds
from aevb.algorithms.aevb import AEVB
from aevb.models import mlp
from aevb.models.architecture import Architecture, Parameters, initial
from aevb.models.mlp import MLP

tfd = tfp.distributions


class Layers(NamedTuple):
    """The parameters of an encoder or a decoder, [E, ...] each."""

    pixels: Any
    """Of the network between x and z₁."""
    top: MLP
    """Of the network between z₁ and z₂."""


@dataclass(frozen=True)
class Hierarchy:
    """An :class:`~aevb.models.architecture.Architecture` of which ``bottom`` is the lower layer.

    Attributes:
        bottom: the networks between x and z₁, whose N_z is that of z₁.
        top_dim: N_z of z₂.
        hidden_units: of the networks between z₁ and z₂.
    """

    bottom: Architecture
    top_dim: int
    hidden_units: int
    initial_standard_deviation: float = 0.01

    @property
    def latent_dim(self) -> int:
        """The dimensions of ε, those of z₁ and z₂ together."""
        return self.bottom.latent_dim + self.top_dim

    def shapes(self) -> Parameters:
        """The shape of every parameter, without the member axis."""
        encoder, decoder = self.bottom.shapes()
        z1, z2 = self.bottom.latent_dim, self.top_dim
        return Parameters(
            Layers(encoder, mlp.shapes(z1, self.hidden_units, 2 * z2)),
            Layers(decoder, mlp.shapes(z2, self.hidden_units, 2 * z1)),
        )

    def weight_matrices(self) -> Parameters:
        """Which of the parameters are weight matrices."""
        return Parameters(*(Layers(w, mlp.WEIGHT_MATRICES) for w in self.bottom.weight_matrices()))

    def init(self, seeds: tf.Tensor) -> Parameters:
        """Parameters at the start of training, one set for each member of ``seeds`` [E]."""
        drawn = initial(self.shapes(), seeds, self.initial_standard_deviation)
        below = self.bottom.init(seeds)
        return Parameters(
            *(
                Layers(pixels, layers.top._replace(output_bias=0 * layers.top.output_bias))
                for pixels, layers in zip(below, drawn, strict=True)
            )
        )

    def prior(self) -> tfd.Distribution:
        """p(ε) = N(0, I), event shape [N_z]."""
        zeros = tf.zeros(self.latent_dim)
        return tfd.Independent(tfd.Normal(zeros, tf.ones_like(zeros)), 1)

    def encode(self, encoder: Layers, x: tf.Tensor) -> tfd.Distribution:
        """q(z₁|x): x [..., n, D] -> batch shape [..., n], event shape [N_z of z₁]."""
        return self.bottom.encode(encoder.pixels, x)

    def encode_top(self, encoder: Layers, z1: tf.Tensor) -> tfd.Distribution:
        """q(z₂|z₁): z₁ [..., n, N_z] -> batch shape [..., n], event shape [N_z of z₂]."""
        return mlp.gaussian(encoder.top, z1)

    def decode_top(self, decoder: Layers, z2: tf.Tensor) -> tfd.Distribution:
        """p(z₁|z₂): z₂ [..., n, N_z] -> batch shape [..., n], event shape [N_z of z₁]."""
        return mlp.gaussian(decoder.top, z2)

    def noise(self, keys: tf.Tensor, shape: tuple[int, ...]) -> tf.Tensor:
        """ε of both layers, z₁'s first: [E, *shape], one key a member."""
        return random.normal(keys, shape)

    def latents(self, decoder: Layers, noise: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """The draw (z₁, z₂) ~ p(z₂) p(z₁|z₂) that ε [..., n, N_z] makes."""
        first, z2 = tf.split(noise, [self.bottom.latent_dim, self.top_dim], axis=-1)
        return bounds.reparameterise(self.decode_top(decoder, z2), first), z2

    def decode(self, decoder: Layers, z: tf.Tensor) -> tfd.Distribution:
        """p(x|ε) = p(x|z₁(ε)): ε [..., n, N_z] -> batch shape [..., n], event shape [D]."""
        return self.bottom.decode(decoder.pixels, self.latents(decoder, z)[0])

    def sample(self, likelihood: tfd.Distribution, keys: tf.Tensor) -> tf.Tensor:
        """A draw x from p(x|z₁), one key for each member: [E, n, D]."""
        return self.bottom.sample(likelihood, keys)


class Terms(NamedTuple):
    """The parts of the bound, [..., n] each, nats; their sum is the bound."""

    reconstruction: tf.Tensor
    """log p(x|z₁)."""
    first: tf.Tensor
    """log p(z₁|z₂) − log q(z₁|x), which is −KL in expectation."""
    second: tf.Tensor
    """−KL(q(z₂|z₁) ‖ p(z₂))."""


@dataclass(frozen=True)
class HierarchicalAEVB(AEVB):
    """AEVB's step on the bound of a :class:`Hierarchy`: the KL divergence of z₂ is analytic, as in
    estimator B, the rest is by draws, as in estimator A."""

    estimator: Literal["A and B"] = "A and B"

    def lower_bound(self, parameters: Parameters, x: tf.Tensor, keys: tf.Tensor) -> tf.Tensor:
        """The estimate of each datapoint's bound: x [E, n, D] -> [E, n], nats."""
        return tf.reduce_mean(sum(self.terms(parameters, x, keys)), axis=0)

    def terms(self, parameters: Parameters, x: tf.Tensor, keys: tf.Tensor) -> Terms:
        """Of each draw, [L, E, n]."""
        model, (encoder, decoder) = self.model, parameters
        shape = (self.samples_per_datapoint, x.shape[-2], model.latent_dim)
        noise = tf.experimental.numpy.moveaxis(model.noise(keys, shape), 1, 0)
        first, second = tf.split(noise, [model.bottom.latent_dim, model.top_dim], axis=-1)
        q1 = model.encode(encoder, x)
        z1 = bounds.reparameterise(q1, first)
        q2 = model.encode_top(encoder, z1)
        p1 = model.decode_top(decoder, bounds.reparameterise(q2, second))
        return Terms(
            model.bottom.decode(decoder.pixels, z1).log_prob(x),
            p1.log_prob(z1) - q1.log_prob(z1),
            bounds.negative_kl(q2),
        )
