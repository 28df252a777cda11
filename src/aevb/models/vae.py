"""The variational auto-encoder of §3: Gaussian prior, MLP decoder, Gaussian MLP encoder."""

from dataclasses import dataclass
from typing import Literal

import tensorflow as tf
import tensorflow_probability as tfp

from aevb import random
from aevb.models import mlp
from aevb.models.architecture import Parameters, initial
from aevb.models.mlp import MLP
from aevb.models.posteriors import LocationScale
from aevb.models.posteriors import noise as posterior_noise

tfd = tfp.distributions


@dataclass(frozen=True)
class VAE:
    """A VAE's architecture; the parameters are passed to its functions.

    Attributes:
        data_dim: D, the number of pixels.
        latent_dim: N_z.
        hidden_units: of encoder and of decoder.
        observation: ``bernoulli``, or ``gaussian`` with means through a sigmoid (§5).
        initial_standard_deviation: of the parameters at the start (§5: N(0, 0.01), where 0.01 is
            the standard deviation).
        zero_initial_log_variance: start the encoder's log-variance head, the decoder's output
            bias and its log-variance bias at zero, as the first author's library does.
        log_variance_factor: see :func:`aevb.models.mlp.gaussian`; of the encoder.
        prior_on_first: whether the decoder's first layer counts among the weight matrices. In the
            first author's library that of wake-sleep and Monte Carlo EM has no prior.
        posterior: the family of q(z|x) (§2.4): ``gaussian`` as in §3, or another location-scale
            family of :mod:`aevb.models.posteriors`, whose mean and variance the encoder gives.
    """

    data_dim: int
    latent_dim: int
    hidden_units: int
    observation: Literal["bernoulli", "gaussian"]
    initial_standard_deviation: float = 0.01
    zero_initial_log_variance: bool = True
    log_variance_factor: float = 1.0
    prior_on_first: bool = True
    posterior: str = "gaussian"

    def shapes(self) -> Parameters:
        """The shape of every parameter, without the member axis."""
        outputs = self.data_dim * (2 if self.observation == "gaussian" else 1)
        return Parameters(
            encoder=mlp.shapes(self.data_dim, self.hidden_units, 2 * self.latent_dim),
            decoder=mlp.shapes(self.latent_dim, self.hidden_units, outputs),
        )

    def weight_matrices(self) -> Parameters:
        """Which of the parameters are weight matrices."""
        decoder = mlp.WEIGHT_MATRICES._replace(hidden_weights=self.prior_on_first)
        return Parameters(mlp.WEIGHT_MATRICES, decoder)

    def init(self, seeds: tf.Tensor) -> Parameters:
        """Parameters at the start of training (§5), one set for each member of ``seeds`` [E]."""
        parameters = initial(self.shapes(), seeds, self.initial_standard_deviation)
        if not self.zero_initial_log_variance:
            return parameters
        encoder, decoder = parameters
        is_mean = tf.cast(tf.range(2 * self.latent_dim) < self.latent_dim, tf.float32)
        return Parameters(
            encoder=encoder._replace(
                output_weights=encoder.output_weights * is_mean,
                output_bias=encoder.output_bias * is_mean,
            ),
            decoder=self._with_zero_output_bias(decoder),
        )

    def _with_zero_output_bias(self, decoder: MLP) -> MLP:
        return decoder._replace(output_bias=tf.zeros_like(decoder.output_bias))

    def prior(self) -> tfd.Distribution:
        """p(z) = N(0, I), event shape [N_z] (§3)."""
        zeros = tf.zeros(self.latent_dim)
        return tfd.Independent(tfd.Normal(zeros, tf.ones_like(zeros)), 1)

    def encode(self, encoder: MLP, x: tf.Tensor) -> tfd.Distribution:
        """q_φ(z|x) (eq. 9): x [..., n, D] -> batch shape [..., n], event shape [N_z]."""
        q = mlp.gaussian(encoder, x, log_variance_factor=self.log_variance_factor)
        if self.posterior == "gaussian":
            return q
        return LocationScale(self.posterior, q.mean(), q.stddev())

    def noise(self, keys: tf.Tensor, shape: tuple[int, ...]) -> tf.Tensor:
        """ε of the reparameterisation z = μ + σ ⊙ ε (§2.4): [E, *shape], one key a member."""
        return posterior_noise(self.posterior, keys, shape)

    def decode(self, decoder: MLP, z: tf.Tensor) -> tfd.Distribution:
        """p_θ(x|z) (App. C): z [..., n, N_z] -> batch shape [..., n], event shape [D]."""
        if self.observation == "bernoulli":
            return mlp.bernoulli(decoder, z)
        return mlp.gaussian(decoder, z, mean=tf.sigmoid)

    def sample(self, likelihood: tfd.Distribution, keys: tf.Tensor) -> tf.Tensor:
        """A draw x from p(x|z), one key for each member: [E, n, D].

        Binary pixels from a Bernoulli decoder; real ones, not clipped, from a Gaussian one.
        """
        mean = likelihood.mean()
        shape = tuple(mean.shape[1:])
        if self.observation == "bernoulli":
            return tf.cast(random.uniform(keys, shape) < mean, mean.dtype)
        return mean + likelihood.stddev() * random.normal(keys, shape)
