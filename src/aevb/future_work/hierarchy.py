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
from aevb.models.architecture import Architecture, Parameters
from aevb.models.mlp import MLP
from aevb.models.vae import VAE

tfd = tfp.distributions

_OTHER_SEEDS = 2**30
"""Apart from the seeds of a run: the same would draw the same numbers for both layers."""


class Layers(NamedTuple):
    """The parameters of an encoder or a decoder, [E, ...] each."""

    bottom: Any
    """Between x and z₁."""
    top: Any
    """Between z₁ and z₂."""


class GaussianLayer(VAE):
    """A :class:`~aevb.models.vae.VAE` whose data are real numbers, such as other latent variables:
    a Gaussian decoder with means that are not squashed."""

    def decode(self, decoder: MLP, z: tf.Tensor) -> tfd.Distribution:
        """p(z₁|z₂) (App. C.2): z₂ [..., n, N_z] -> batch shape [..., n], event shape [D]."""
        return mlp.gaussian(decoder, z)


@dataclass(frozen=True)
class Hierarchy:
    """Two architectures, one on top of the other, as one of which the latent variable is ε.

    Attributes:
        bottom: the networks between x and z₁.
        top: those between z₁ and z₂, of which z₁ are the data: both conditional distributions are
            Gaussians with diagonal covariance.
    """

    bottom: Architecture
    top: Architecture

    @property
    def latent_dim(self) -> int:
        """The dimensions of ε, those of z₁ and z₂ together."""
        return self.bottom.latent_dim + self.top.latent_dim

    def shapes(self) -> Parameters:
        """The shape of every parameter, without the member axis."""
        return _stacked(self.bottom.shapes(), self.top.shapes())

    def weight_matrices(self) -> Parameters:
        """Which of the parameters are weight matrices."""
        return _stacked(self.bottom.weight_matrices(), self.top.weight_matrices())

    def init(self, seeds: tf.Tensor) -> Parameters:
        """Parameters at the start of training, one set for each member of ``seeds`` [E]."""
        return _stacked(self.bottom.init(seeds), self.top.init(seeds ^ _OTHER_SEEDS))

    def prior(self) -> tfd.Distribution:
        """p(ε) = N(0, I), event shape [N_z]."""
        zeros = tf.zeros(self.latent_dim)
        return tfd.Independent(tfd.Normal(zeros, tf.ones_like(zeros)), 1)

    def encode(self, encoder: Layers, x: tf.Tensor) -> tfd.Distribution:
        """q(z₁|x), of the lower layer alone: x [..., n, D] -> batch shape [..., n]."""
        return self.bottom.encode(encoder.bottom, x)

    def noise(self, keys: tf.Tensor, shape: tuple[int, ...]) -> tf.Tensor:
        """ε of both layers, z₁'s first: [E, *shape], one key a member."""
        return random.normal(keys, shape)

    def split(self, noise: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """The parts of ε [..., N_z] that z₁ and z₂ are made of."""
        return tuple(tf.split(noise, [self.bottom.latent_dim, self.top.latent_dim], axis=-1))

    def decode(self, decoder: Layers, z: tf.Tensor) -> tfd.Distribution:
        """p(x|ε) = p(x|z₁(ε)), z₂ being its part of ε itself: ε [..., n, N_z] -> batch shape
        [..., n], event shape [D]."""
        first, z2 = self.split(z)
        z1 = bounds.reparameterise(self.top.decode(decoder.top, z2), first)
        return self.bottom.decode(decoder.bottom, z1)

    def sample(self, likelihood: tfd.Distribution, keys: tf.Tensor) -> tf.Tensor:
        """A draw x from p(x|z₁), one key for each member: [E, n, D]."""
        return self.bottom.sample(likelihood, keys)


def _stacked(bottom: Parameters, top: Parameters) -> Parameters:
    return Parameters(*(Layers(*parts) for parts in zip(bottom, top, strict=True)))


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
        (bottom, top), (encoder, decoder) = (self.model.bottom, self.model.top), parameters
        shape = (self.samples_per_datapoint, x.shape[-2], self.model.latent_dim)
        noise = tf.experimental.numpy.moveaxis(self.model.noise(keys, shape), 1, 0)
        first, second = self.model.split(noise)
        q1 = bottom.encode(encoder.bottom, x)
        z1 = bounds.reparameterise(q1, first)
        q2 = top.encode(encoder.top, z1)
        p1 = top.decode(decoder.top, bounds.reparameterise(q2, second))
        return Terms(
            bottom.decode(decoder.bottom, z1).log_prob(x),
            p1.log_prob(z1) - q1.log_prob(z1),
            bounds.negative_kl(q2),
        )
