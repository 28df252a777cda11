"""A film as a state-space model, learned by AEVB (§7: time-series models).

z_1 ~ N(0, I), z_t ~ N(f(z_{t−1}), diag s²), x_t ~ p(x_t|z_t), the decoder of a VAE. The posterior
of such a chain is a chain as well, p(z_t|z_{t−1}, x_{t:T}), and so is q: a recurrent network reads
the frames from the last to the first, and what it keeps of x_{t:T} gives q(z_t|z_{t−1}, x_{t:T})
(R. G. Krishnan, U. Shalit and D. Sontag, 2017, "Structured Inference Networks for Nonlinear State
Space Models", AAAI). A frame whose pixels are NaN is missing: it enters neither q nor the bound,
which is then that of the frames that are seen.
"""

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import tensorflow as tf
import tensorflow_probability as tfp

from aevb import random
from aevb.algorithms.aevb import AEVB
from aevb.algorithms.state import Info, State
from aevb.models import mlp
from aevb.models.architecture import Architecture, Parameters, initial
from aevb.models.mlp import MLP

tfd = tfp.distributions

INITIAL_MEMORY = 0.9
"""f(z) at the start is this times z, and s² = 1 − 0.9², so that each z_t is N(0, I), as in a VAE.
The same holds for q, which so starts near the prior."""


class Paths(NamedTuple):
    """Draws of z_{1:T} from q, and the Gaussian of each step that they took: [L, E, T, n, N_z]."""

    z: tf.Tensor
    mean: tf.Tensor
    """Of q(z_t|z_{t−1}, x_{t:T})."""
    scale: tf.Tensor
    """Its standard deviations."""


class Memory(NamedTuple):
    """h_t = tanh(W [x_t, 1] + U h_{t+1} + b), without W where x_t is missing. E first."""

    frame: Any
    """W, [E, D + 1, H]"""
    recurrence: Any
    """U, [E, H, H]"""
    bias: Any
    """b, [E, H]"""


class Encoder(NamedTuple):
    """φ."""

    memory: Memory
    start: MLP
    """Of q(z_1|h_1)."""
    step: MLP
    """Of q(z_t|z_{t−1}, h_t)."""


class Decoder(NamedTuple):
    """θ."""

    transition: MLP
    """f, N_z outputs."""
    log_variance: Any
    """log s², [E, N_z]"""
    frame: Any
    """Of p(x_t|z_t), the network's decoder."""


@dataclass(frozen=True)
class StateSpace:
    """The state-space model; the parameters are passed to its functions.

    Attributes:
        network: its decoder is p(x_t|z_t), its prior that of z_1.
        data_dim: D, of a frame.
        hidden_units: of f and of q's networks, whose outputs see their inputs directly, too. With 0
            these are linear, and so is the memory.
        memory_units: H.
        initial_standard_deviation: of the parameters at the start (§5).
    """

    network: Architecture
    data_dim: int
    hidden_units: int
    memory_units: int
    initial_standard_deviation: float = 0.01

    @property
    def latent_dim(self) -> int:
        """N_z, of a frame."""
        return self.network.latent_dim

    def shapes(self) -> Parameters:
        """The shape of every parameter, without the member axis."""
        dim, kept = self.latent_dim, self.memory_units
        memory = [self.data_dim + 1, kept], [kept, kept], [kept]
        return Parameters(
            Encoder(
                Memory(*map(tf.TensorShape, memory)),
                _shapes(kept, self.hidden_units, 2 * dim),
                _shapes(dim + kept, self.hidden_units, 2 * dim),
            ),
            Decoder(
                _shapes(dim, self.hidden_units, dim),
                tf.TensorShape([dim]),
                self.network.shapes().decoder,
            ),
        )

    def weight_matrices(self) -> Parameters:
        """Which of the parameters are weight matrices."""
        net = mlp.WEIGHT_MATRICES
        return Parameters(
            Encoder(Memory(True, True, False), net, net),
            Decoder(net, False, self.network.weight_matrices().decoder),
        )

    def init(self, seeds: tf.Tensor) -> Parameters:
        """Parameters at the start of training, one set for each member of ``seeds`` [E]."""
        encoder, decoder = initial(self.shapes(), seeds, self.initial_standard_deviation)
        log_variance = tf.fill(decoder.log_variance.shape, math.log(1.0 - INITIAL_MEMORY**2))
        bias = tf.pad(log_variance, [[0, 0], [self.latent_dim, 0]])
        step = _started(encoder.step, INITIAL_MEMORY)
        return Parameters(
            encoder._replace(step=step._replace(output_bias=step.output_bias + bias)),
            Decoder(
                _started(decoder.transition, INITIAL_MEMORY),
                log_variance,
                self.network.init(seeds).decoder,
            ),
        )

    def frames(self, x: tf.Tensor) -> tf.Tensor:
        """Stretches [E, n, T · D] as frames [E, T, n, D]."""
        members, n, size = x.shape
        frames = tf.reshape(x, [members, n, size // self.data_dim, self.data_dim])
        return tf.transpose(frames, [0, 2, 1, 3])

    def noise(self, keys: tf.Tensor, draws: int, frames: tf.Tensor) -> tf.Tensor:
        """ε of so many paths for each stretch of frames [E, T, n, D]: [L, E, T, n, N_z]."""
        _, length, n, _ = frames.shape
        return _first(random.normal(keys, (draws, length, n, self.latent_dim)), 1)

    def transition(self, decoder: Decoder, z: tf.Tensor) -> tfd.Distribution:
        """p(z_t|z_{t−1}): z_{t−1} [..., n, N_z] -> batch shape [..., n], event shape [N_z]."""
        mean = _outputs(decoder.transition, z)
        scale = tf.exp(0.5 * decoder.log_variance)[..., tf.newaxis, :] * tf.ones_like(mean)
        return tfd.Independent(tfd.Normal(mean, scale), 1)

    def prior(self, decoder: Decoder, z: tf.Tensor) -> tfd.Distribution:
        """p(z_t|z_{t−1}) along paths, and p(z_1): z [L, E, T, n, N_z] -> batch shape
        [L, E, T, n], event shape [N_z]."""
        before = z[..., :-1, :, :]
        p = self.transition(decoder, _merged(before)).distribution
        padding = [[0, 0], [0, 0], [1, 0], [0, 0], [0, 0]]
        mean = tf.pad(tf.reshape(p.loc, before.shape), padding)
        scale = tf.pad(tf.reshape(p.scale, before.shape), padding, constant_values=1.0)
        return tfd.Independent(tfd.Normal(mean, scale), 1)

    def paths(self, encoder: Encoder, frames: tf.Tensor, noise: tf.Tensor) -> Paths:
        """z_{1:T} ~ q(z_{1:T}|x_{1:T}), reparameterised step by step.

        Args:
            encoder: of E members.
            frames: [E, T, n, D], NaN where missing.
            noise: ε [L, E, T, n, N_z].
        """
        memories, noise = self._memories(encoder.memory, frames), _first(noise, 2)

        def step(before: Paths, given: tuple[tf.Tensor, tf.Tensor]) -> Paths:
            memory, epsilon = given
            memory = tf.broadcast_to(memory, [*epsilon.shape[:-1], self.memory_units])
            return drawn(_outputs(encoder.step, tf.concat([before.z, memory], -1)), epsilon)

        each_draw = tf.ones_like(noise[0][..., :1])
        start = drawn(each_draw * _outputs(encoder.start, memories[0]), noise[0])
        rest = tf.scan(step, (memories[1:], noise[1:]), start)
        joined = (
            tf.concat([part[0][tf.newaxis], part[1]], 0) for part in zip(start, rest, strict=True)
        )
        return Paths(*(tf.experimental.numpy.moveaxis(part, 0, 2) for part in joined))

    def bound(
        self, decoder: Decoder, frames: tf.Tensor, paths: Paths, estimator: str = "B"
    ) -> tf.Tensor:
        """The bound of log p(x_{1:T}) by each path, [L, E, n], nats a stretch.

        Args:
            decoder: of E members.
            frames: [E, T, n, D], NaN where missing.
            paths: of q, see :meth:`paths`.
            estimator: ``A`` for log p(z) − log q(z) along the path (eq. 6), ``B`` for the KL of
                each of its steps in closed form (eq. 7).
        """
        seen = tf.math.is_finite(frames[..., 0])
        likelihood = self.likelihood(decoder, paths.z)
        log_p = likelihood.log_prob(_merged(_zero_where_missing(frames)))
        log_p = tf.where(seen, tf.reshape(log_p, paths.z.shape[:-1]), 0.0)
        prior = self.prior(decoder, paths.z)
        q = tfd.Independent(tfd.Normal(paths.mean, paths.scale), 1)
        if estimator == "A":
            gain = prior.log_prob(paths.z) - q.log_prob(paths.z)
        else:
            gain = -tfd.kl_divergence(q, prior)
        return tf.reduce_sum(log_p + gain, axis=-2)

    def likelihood(self, decoder: Decoder, z: tf.Tensor) -> tfd.Distribution:
        """p(x_t|z_t): z [L, E, T, n, N_z] -> batch shape [L, E, T · n], event shape [D]."""
        return self.network.decode(decoder.frame, _merged(z))

    def _memories(self, memory: Memory, frames: tf.Tensor) -> tf.Tensor:
        """h_t of each of the frames [E, T, n, D]: [T, E, n, H]."""
        seen = tf.cast(tf.math.is_finite(frames[..., :1]), frames.dtype)
        inputs = _merged(tf.concat([_zero_where_missing(frames), seen], axis=-1))
        inputs = inputs @ memory.frame + memory.bias[:, tf.newaxis]
        inputs = _first(tf.reshape(inputs, [*frames.shape[:-1], self.memory_units]), 1)
        activation = tf.tanh if self.hidden_units else tf.identity
        return tf.scan(
            lambda later, inward: activation(inward + later @ memory.recurrence),
            inputs,
            tf.zeros_like(inputs[0]),
            reverse=True,
        )


@dataclass(frozen=True)
class FilmAEVB(AEVB):
    """AEVB on stretches of a film, of which every second one has a gap while it is learned from.

    Its ``model`` is a :class:`StateSpace`, its datapoints are stretches [T · D], and its bounds
    nats a stretch.

    Attributes:
        gap: how many frames in a row are missing; 0 for none. A gap may reach beyond the end.
    """

    gap: int = 0

    def step(self, state: State, batch: tf.Tensor, seeds: tf.Tensor) -> tuple[State, Info]:
        """One update from a minibatch of stretches [E, M, T · D]."""
        if self.gap:
            members, n, size = batch.shape
            length = size // self.model.data_dim
            keys = random.keys(seeds, random.Purpose.OBSERVATION, state.iteration)
            first = random.indices(keys, n, 2 * length)[..., tf.newaxis]
            at = tf.range(length)
            missing = ((at >= first) & (at < first + self.gap))[..., tf.newaxis]
            frames = tf.reshape(batch, [members, n, length, -1])
            batch = tf.reshape(tf.where(missing, float("nan"), frames), batch.shape)
        return super().step(state, batch, seeds)

    def lower_bound(self, parameters: Parameters, x: tf.Tensor, keys: tf.Tensor) -> tf.Tensor:
        """The estimate of each stretch's bound: x [E, n, T · D] -> [E, n], nats."""
        frames = self.model.frames(x)
        noise = self.model.noise(keys, self.samples_per_datapoint, frames)
        paths = self.model.paths(parameters.encoder, frames, noise)
        bounds = self.model.bound(parameters.decoder, frames, paths, self.estimator)
        return tf.reduce_mean(bounds, axis=0)


def _shapes(n_inputs: int, hidden_units: int, n_outputs: int) -> MLP:
    """Of a network whose outputs see its inputs directly, too."""
    return mlp.shapes(n_inputs, hidden_units, n_outputs)._replace(
        output_weights=tf.TensorShape([n_inputs + hidden_units, n_outputs])
    )


def _outputs(network: MLP, inputs: tf.Tensor) -> tf.Tensor:
    """V [inputs, h] + c: [..., n, inputs] -> [..., n, outputs]."""
    # An empty hidden layer takes part so that its parameters have gradients, empty ones.
    features = tf.concat([inputs, mlp.hidden(network, inputs)], axis=-1)
    return features @ network.output_weights + network.output_bias[..., tf.newaxis, :]


def _started(network: MLP, factor: float) -> MLP:
    """One whose first outputs are its first inputs times a factor, in addition."""
    weights = network.output_weights
    direct = factor * tf.eye(*weights.shape[-2:])
    return network._replace(output_weights=weights + direct)


def drawn(outputs: tf.Tensor, noise: tf.Tensor) -> Paths:
    """One step of a path, from a network's outputs [..., 2 N_z]: means, then log-variances."""
    mean, log_variance = tf.split(outputs, 2, axis=-1)
    scale = tf.exp(0.5 * log_variance)
    return Paths(mean + scale * noise, mean, scale)


def _first(values: tf.Tensor, axis: int) -> tf.Tensor:
    return tf.experimental.numpy.moveaxis(values, axis, 0)


def _merged(values: tf.Tensor) -> tf.Tensor:
    """[..., T, n, k] -> [..., T · n, k]."""
    *outer, length, n, size = values.shape
    return tf.reshape(values, [*outer, length * n, size])


def _zero_where_missing(frames: tf.Tensor) -> tf.Tensor:
    return tf.where(tf.math.is_finite(frames), frames, 0.0)
