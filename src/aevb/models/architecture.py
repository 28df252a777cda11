"""What a network is to the algorithms that train it and to the estimators that judge it."""

from typing import Any, NamedTuple, Protocol

import tensorflow as tf
import tensorflow_probability as tfp

from aevb import random

tfd = tfp.distributions


class Parameters(NamedTuple):
    """Everything that is learned, φ and θ: nests of tensors with a leading member axis [E, ...]."""

    encoder: Any
    """φ, the recognition model q_φ(z|x); empty where none is learned."""
    decoder: Any
    """θ, the generative model p_θ(x|z)."""


class Architecture(Protocol):
    """A network without its parameters, which are passed to its functions.

    Immutable and hashable, so that it can be part of a compiled program. Its parameters may be any
    nests (named tuples, dictionaries, sequences) of tensors: nothing outside asks what they are but
    by :meth:`shapes`.
    """

    latent_dim: int
    """N_z."""

    def shapes(self) -> Parameters:
        """The shape of every parameter, a ``tf.TensorShape`` without the member axis."""

    def weight_matrices(self) -> Parameters:
        """Which of the parameters are weight matrices: a bool for each."""

    def init(self, seeds: tf.Tensor) -> Parameters:
        """Parameters at the start of training (§5), one set for each member of ``seeds`` [E]."""

    def prior(self) -> tfd.Distribution:
        """p(z), event shape [N_z]."""

    def encode(self, encoder: Any, x: tf.Tensor) -> tfd.Distribution:
        """q_φ(z|x): x [..., E, n, D] -> batch shape [..., E, n], event shape [N_z]."""

    def noise(self, keys: tf.Tensor, shape: tuple[int, ...]) -> tf.Tensor:
        """ε of the reparameterisation z = μ + σ ⊙ ε (§2.4): [E, *shape], one key a member."""

    def decode(self, decoder: Any, z: tf.Tensor) -> tfd.Distribution:
        """p_θ(x|z): z [..., E, n, N_z] -> batch shape [..., E, n], event shape [D]."""

    def sample(self, likelihood: tfd.Distribution, keys: tf.Tensor) -> tf.Tensor:
        """A draw x from p(x|z), one key for each member: [E, n, D]."""


def initial(shapes: Parameters, seeds: tf.Tensor, standard_deviation: float) -> Parameters:
    """Normal parameters (§5: N(0, 0.01), where 0.01 is the standard deviation).

    Args:
        shapes: of every parameter, a nest of ``tf.TensorShape``.
        seeds: of the members, [E].
        standard_deviation: of all of them.

    Returns:
        The same nest, each tensor [E, *shape].
    """
    drawn = [
        standard_deviation
        * random.normal(random.keys(seeds, random.Purpose.INITIALISATION, i), tuple(shape))
        for i, shape in enumerate(tf.nest.flatten(shapes))
    ]
    return tf.nest.pack_sequence_as(shapes, drawn)
