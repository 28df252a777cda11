"""The linear-Gaussian model, in which everything the paper estimates is known exactly.

With a linear decoder and one noise variance for all pixels the VAE is probabilistic PCA (Tipping &
Bishop, 1999, "Probabilistic Principal Component Analysis", J. R. Statist. Soc. B 61): the marginal
likelihood, the posterior, the bound for any Gaussian q and the maximum-likelihood parameters have
closed forms. :class:`ProbabilisticPCA` holds these truths, in float64 NumPy, and
:class:`LinearGaussian` is the same model for the algorithms of :mod:`aevb.algorithms` to train.
"""

from dataclasses import dataclass

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from aevb import random
from aevb.models import mlp
from aevb.models.architecture import Parameters, initial
from aevb.models.mlp import MLP

tfd = tfp.distributions

LEAST_VARIANCE = 1e-4
"""Of pixels in [0, 1], for :meth:`ProbabilisticPCA.fit` to few images or images much alike: a
standard deviation of 2.5 grey levels, below that of any maximum on the paper's data."""


@dataclass(frozen=True)
class ProbabilisticPCA:
    """p(z) = N(0, I), p(x|z) = N(W z + b, σ² I), hence p(x) = N(b, W Wᵀ + σ² I).

    Attributes:
        weights: W, [D, N_z].
        mean: b, [D].
        variance: σ², positive.
    """

    weights: np.ndarray
    mean: np.ndarray
    variance: float

    def __post_init__(self):
        shape = np.shape(self.weights)
        if len(shape) != 2 or np.shape(self.mean) != shape[:1]:
            raise ValueError(f"weights {shape} and mean {np.shape(self.mean)} do not fit together")
        if not self.variance > 0:
            raise ValueError(f"the variance must be positive, not {self.variance}")
        for name in ("weights", "mean"):
            object.__setattr__(self, name, np.asarray(getattr(self, name), np.float64))

    @classmethod
    def fit(cls, x: np.ndarray, latent_dim: int, least_variance: float = 0.0) -> "ProbabilisticPCA":
        """The maximum-likelihood parameters (Tipping & Bishop, eq. 7 and 8).

        σ² is the mean of the discarded eigenvalues of the sample covariance S (divided by N), and
        W = U (Λ − σ² I)^½ with the leading eigenvectors U. W is unique up to a rotation of z; this
        one makes the posterior covariance diagonal.

        Where the data span N_z dimensions or fewer, as N_z + 1 images do, the likelihood has no
        maximum: it grows without bound as σ² goes to 0. With ``least_variance`` these are the
        parameters of largest likelihood whose σ² is not below it: directions of less variance have
        weight 0, and so have dimensions of z beyond D.

        Args:
            x: [N, D].
            latent_dim: N_z.
            least_variance: of σ², 0 for none.

        Raises:
            ValueError: N_z is below 1, or there is no maximum.
        """
        x = np.asarray(x, np.float64)
        if latent_dim < 1:
            raise ValueError(f"latent_dim must be 1 or more, not {latent_dim}")
        mean = x.mean(axis=0)
        eigenvalues, eigenvectors = np.linalg.eigh((x - mean).T @ (x - mean) / len(x))
        kept, discarded = eigenvalues[::-1][:latent_dim], eigenvalues[::-1][latent_dim:]
        variance = float(discarded.mean()) if len(discarded) else 0.0
        if variance <= eigenvalues[-1] * len(eigenvalues) * np.finfo(np.float64).eps:
            variance = 0.0
        variance = max(variance, least_variance)
        if variance == 0:
            raise ValueError(
                f"the data vary in latent_dim = {latent_dim} directions or fewer, so that the"
                " likelihood has no maximum; give a least_variance"
            )
        weights = np.zeros((x.shape[1], latent_dim))
        scales = np.sqrt(np.maximum(kept - variance, 0))
        weights[:, : len(kept)] = eigenvectors[:, ::-1][:, :latent_dim] * scales
        return cls(weights, mean, variance)

    @classmethod
    def from_decoder(cls, decoder: MLP, member: int = 0) -> "ProbabilisticPCA":
        """The model that a decoder of :class:`LinearGaussian` has learned, of one member."""
        weights = decoder.output_weights[member].numpy().T
        bias = decoder.output_bias[member].numpy().astype(np.float64)
        return cls(weights, bias[:-1], float(np.exp(bias[-1])))

    def parameters(self, widening: float = 1.0) -> Parameters:
        """This model and its posterior as networks of :class:`LinearGaussian`, of one member.

        Args:
            widening: factor on the posterior's standard deviations, for an encoder that is wrong
                by so much.

        Raises:
            ValueError: the posterior's covariance is not diagonal, which the encoder's is; that of
                :meth:`fit` always is.
        """
        offset, covariance = self.posterior(np.zeros((1, len(self.mean))))
        variances = np.diag(covariance)
        if not np.allclose(covariance, np.diag(variances), atol=1e-9 * variances.max()):
            raise ValueError("the posterior's covariance is not diagonal")
        slopes = self.posterior(np.eye(len(self.mean)))[0] - offset

        def network(weights, bias):
            values = np.zeros((len(weights), 0)), np.zeros(0), weights, bias
            return MLP(*(tf.constant(value[np.newaxis], tf.float32) for value in values))

        log_variances = np.log(variances) + 2 * np.log(widening)
        return Parameters(
            encoder=network(slopes, np.append(offset, log_variances)),
            decoder=network(self.weights.T, np.append(self.mean, np.log(self.variance))),
        )

    @property
    def covariance(self) -> np.ndarray:
        """Of p(x): W Wᵀ + σ² I, [D, D]."""
        return self.weights @ self.weights.T + self.variance * np.eye(len(self.mean))

    def log_likelihood(self, x: np.ndarray) -> np.ndarray:
        """log p(x) of each datapoint: x [n, D] -> [n], nats."""
        factor = np.linalg.cholesky(self.covariance)
        whitened = np.linalg.solve(factor, (np.asarray(x, np.float64) - self.mean).T)
        log_determinant = 2 * np.log(np.diag(factor)).sum()
        return -0.5 * (len(self.mean) * np.log(2 * np.pi) + log_determinant + (whitened**2).sum(0))

    def posterior(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """p(z|x) = N(M⁻¹ Wᵀ (x − b), σ² M⁻¹) with M = Wᵀ W + σ² I.

        Args:
            x: [n, D].

        Returns:
            The means [n, N_z] and the covariance [N_z, N_z], which is the same for every x.
        """
        inverse = np.linalg.inv(
            self.weights.T @ self.weights + self.variance * np.eye(self.weights.shape[1])
        )
        means = (np.asarray(x, np.float64) - self.mean) @ self.weights @ inverse
        return means, self.variance * inverse

    def lower_bound(self, x: np.ndarray, means: np.ndarray, covariance: np.ndarray) -> np.ndarray:
        """The exact bound (eq. 3) of each datapoint for q(z|x) = N(means, covariance).

        −KL(q ‖ N(0, I)) + E_q[log p(x|z)], both in closed form; equals log p(x) exactly where q is
        the posterior.

        Args:
            x: [n, D].
            means: [n, N_z].
            covariance: [N_z, N_z], the same for every x, or [n, N_z, N_z].

        Returns:
            [n], nats.
        """
        x, means = np.asarray(x, np.float64), np.asarray(means, np.float64)
        _, log_determinant = np.linalg.slogdet(covariance)
        trace = np.trace(covariance, axis1=-2, axis2=-1)
        negative_kl = 0.5 * (means.shape[1] + log_determinant - (means**2).sum(1) - trace)
        residual = ((x - means @ self.weights.T - self.mean) ** 2).sum(1)
        spread = np.trace(self.weights.T @ self.weights @ covariance, axis1=-2, axis2=-1)
        log_constant = len(self.mean) * np.log(2 * np.pi * self.variance)
        return negative_kl - 0.5 * (log_constant + (residual + spread) / self.variance)

    def maximum(self) -> float:
        """Mean log p(x) of the data that :meth:`fit` has seen, nats a datapoint.

        −½ (D log 2π + log |W Wᵀ + σ² I| + D) (Tipping & Bishop, section 3.2); meaningless for
        parameters that do not come from :meth:`fit`, or whose variance is the least allowed.
        """
        dim = len(self.mean)
        _, log_determinant = np.linalg.slogdet(self.covariance)
        return float(-0.5 * (dim * np.log(2 * np.pi) + log_determinant + dim))

    def sample(self, n: int, generator: np.random.Generator) -> np.ndarray:
        """``n`` draws of x: [n, D], float64."""
        z = generator.standard_normal((n, self.weights.shape[1]))
        noise = generator.standard_normal((n, len(self.mean)))
        return z @ self.weights.T + self.mean + np.sqrt(self.variance) * noise


@dataclass(frozen=True)
class LinearGaussian:
    """Probabilistic PCA with the interface of :class:`aevb.models.vae.VAE`.

    Each network is an :class:`~aevb.models.mlp.MLP` without hidden units whose outputs see the
    inputs directly, so that the algorithms and the optimiser take it as they take any other. The
    last entries of its output bias are log-variances that depend on nothing: N_z of them in the
    encoder, one for all pixels in the decoder. The bound is therefore tight where the columns of W
    are orthogonal, which a maximum-likelihood W can always be.

    Attributes:
        data_dim: D.
        latent_dim: N_z.
        initial_standard_deviation: of the parameters at the start.
    """

    data_dim: int
    latent_dim: int
    initial_standard_deviation: float = 0.01

    def shapes(self) -> Parameters:
        """The shape of every parameter, without the member axis."""
        return Parameters(
            encoder=_shapes(self.data_dim, self.latent_dim, self.latent_dim),
            decoder=_shapes(self.latent_dim, self.data_dim, 1),
        )

    def weight_matrices(self) -> Parameters:
        """Which of the parameters are weight matrices."""
        return Parameters(mlp.WEIGHT_MATRICES, mlp.WEIGHT_MATRICES)

    def init(self, seeds: tf.Tensor) -> Parameters:
        """Parameters at the start of training, one set for each member of ``seeds`` [E]."""
        return initial(self.shapes(), seeds, self.initial_standard_deviation)

    def prior(self) -> tfd.Distribution:
        """p(z) = N(0, I), event shape [N_z]."""
        zeros = tf.zeros(self.latent_dim)
        return tfd.Independent(tfd.Normal(zeros, tf.ones_like(zeros)), 1)

    def encode(self, encoder: MLP, x: tf.Tensor) -> tfd.Distribution:
        """q_φ(z|x) = N(A x + a, diag σ²): x [..., n, D] -> batch [..., n], event [N_z]."""
        return _gaussian(encoder, x, self.latent_dim)

    def noise(self, keys: tf.Tensor, shape: tuple[int, ...]) -> tf.Tensor:
        """ε of the reparameterisation z = μ + σ ⊙ ε (§2.4): [E, *shape], one key a member."""
        return random.normal(keys, shape)

    def decode(self, decoder: MLP, z: tf.Tensor) -> tfd.Distribution:
        """p_θ(x|z) = N(W z + b, σ² I): z [..., n, N_z] -> batch [..., n], event [D]."""
        return _gaussian(decoder, z, self.data_dim)

    def sample(self, likelihood: tfd.Distribution, keys: tf.Tensor) -> tf.Tensor:
        """A draw x from p(x|z), one key for each member: [E, n, D]."""
        mean = likelihood.mean()
        return mean + likelihood.stddev() * random.normal(keys, tuple(mean.shape[1:]))


def _shapes(n_inputs: int, n_outputs: int, n_log_variances: int) -> MLP:
    shapes = mlp.shapes(n_inputs, 0, n_outputs)
    return shapes._replace(
        output_weights=tf.TensorShape([n_inputs, n_outputs]),
        output_bias=tf.TensorShape([n_outputs + n_log_variances]),
    )


def _gaussian(network: MLP, inputs: tf.Tensor, n_outputs: int) -> tfd.Distribution:
    # The empty hidden layer takes part so that its parameters have gradients, empty ones.
    features = tf.concat([inputs, mlp.hidden(network, inputs)], axis=-1)
    bias, log_variance = tf.split(
        network.output_bias[..., tf.newaxis, :],
        [n_outputs, network.output_bias.shape[-1] - n_outputs],
        axis=-1,
    )
    mean = features @ network.output_weights + bias
    scale = tf.exp(0.5 * log_variance) * tf.ones_like(mean)
    return tfd.Independent(tfd.Normal(loc=mean, scale=scale), 1)
