"""The networks of section 3's model with convolutions: two before the encoder's hidden layer, each
with half as many places in each direction, and two behind the decoder's, each with twice as many.
"""

import math
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import tensorflow as tf
import tensorflow_probability as tfp

from aevb.models import mlp
from aevb.models.architecture import Architecture, Parameters, initial
from aevb.models.mlp import MLP
from aevb.models.pixels import BernoulliPixels
from aevb.models.vae import VAE

tfd = tfp.distributions

CHANNELS = (8, 16)
"""Of a half and of a quarter of the image."""
_DOWN, _UP = 4, 3
"""Sides of the kernels, of the encoder and of the decoder."""


class Convolution(NamedTuple):
    """A kernel [E, side² · channels, outputs] and its bias [E, outputs]."""

    kernel: Any
    bias: Any


class Convolutional(NamedTuple):
    """The parameters of an encoder or a decoder, [E, ...] each; of convolutions, that next to the
    pixels comes first."""

    fine: Convolution
    coarse: Convolution
    dense: MLP


@dataclass(frozen=True)
class ConvolutionalVAE(VAE):
    """A :class:`~aevb.models.vae.VAE` of images whose sides are multiples of 4."""

    image_shape: tuple[int, int] = (28, 28)

    def shapes(self) -> Parameters:
        """The shape of every parameter, without the member axis."""
        half, quarter = CHANNELS
        features = self.data_dim // 16 * quarter
        outputs = 2 if self.observation == "gaussian" else 1

        def convolution(side, inputs, outputs):
            return Convolution(
                tf.TensorShape([side * side * inputs, outputs]), tf.TensorShape([outputs])
            )

        return Parameters(
            Convolutional(
                convolution(_DOWN, 1, half),
                convolution(_DOWN, half, quarter),
                mlp.shapes(features, self.hidden_units, 2 * self.latent_dim),
            ),
            Convolutional(
                convolution(_UP, half, 4 * outputs),
                convolution(_UP, quarter, 4 * half),
                mlp.shapes(self.latent_dim, self.hidden_units, features),
            ),
        )

    def weight_matrices(self) -> Parameters:
        """Which of the parameters are weight matrices."""
        one = Convolution(True, False)
        return Parameters(*[Convolutional(one, one, mlp.WEIGHT_MATRICES)] * 2)

    def init(self, seeds: tf.Tensor) -> Parameters:
        """Parameters at the start of training, one set for each member of ``seeds`` [E].

        Kernels have the variance 1/fan-in, so that what two of them make is seen behind them; the
        rest is as of :class:`~aevb.models.vae.VAE`.
        """
        drawn = initial(self.shapes(), seeds, 1.0)

        def scaled(convolution: Convolution) -> Convolution:
            kernel, bias = convolution
            return Convolution(kernel / math.sqrt(kernel.shape[-2]), 0 * bias)

        def started(part: Convolutional) -> Convolutional:
            dense = tf.nest.map_structure(
                lambda value: self.initial_standard_deviation * value, part.dense
            )
            return Convolutional(scaled(part.fine), scaled(part.coarse), dense)

        encoder, decoder = map(started, drawn)
        is_mean = tf.cast(tf.range(2 * self.latent_dim) < self.latent_dim, tf.float32)
        dense = encoder.dense._replace(
            output_weights=encoder.dense.output_weights * is_mean,
            output_bias=encoder.dense.output_bias * is_mean,
        )
        return Parameters(encoder._replace(dense=dense), decoder)

    def encode(self, encoder: Convolutional, x: tf.Tensor) -> tfd.Distribution:
        """q(z|x): x [..., E, n, D] -> batch shape [..., E, n], event shape [N_z]."""
        rows, columns = self.image_shape
        image = _reshaped(x, 1, rows, columns, 1)
        half = tf.tanh(convolved(image, encoder.fine, _DOWN, 2))
        quarter = tf.tanh(convolved(half, encoder.coarse, _DOWN, 2))
        return super().encode(encoder.dense, _reshaped(quarter, 3, math.prod(quarter.shape[-3:])))

    def decode(self, decoder: Convolutional, z: tf.Tensor) -> tfd.Distribution:
        """p(x|z): z [..., E, n, N_z] -> batch shape [..., E, n], event shape [D]."""
        rows, columns = self.image_shape
        dense = decoder.dense
        features = mlp.hidden(dense, z) @ dense.output_weights + dense.output_bias[..., None, :]
        quarter = tf.tanh(_reshaped(features, 1, rows // 4, columns // 4, CHANNELS[1]))
        half = tf.tanh(_doubled(convolved(quarter, decoder.coarse, _UP, 1)))
        image = _doubled(convolved(half, decoder.fine, _UP, 1))
        pixels = _reshaped(image, 3, self.data_dim, image.shape[-1])
        if self.observation == "bernoulli":
            return BernoulliPixels(pixels[..., 0])
        mean, scale = tf.sigmoid(pixels[..., 0]), tf.exp(0.5 * pixels[..., 1])
        return tfd.Independent(tfd.Normal(mean, scale), 1)


def convolved(x: tf.Tensor, layer: Convolution, side: int, stride: int) -> tf.Tensor:
    """x [..., E, n, rows, columns, channels] -> [..., E, n, rows/stride, columns/stride, outputs],
    with zeros around it, as TensorFlow's convolution with the padding ``SAME``."""
    rows, columns, channels = x.shape[-3:]
    before, whole = (side - stride) // 2, side - stride
    around = [before, whole - before]
    padded = tf.pad(x, [[0, 0]] * (x.shape.rank - 3) + [around, around, [0, 0]])
    shifted = [
        padded[..., i : i + rows - stride + 1 : stride, j : j + columns - stride + 1 : stride, :]
        for i in range(side)
        for j in range(side)
    ]
    patches = tf.concat(shifted, axis=-1)
    # All places of all datapoints are rows of one matrix product.
    flat = _reshaped(patches, 4, -1, side * side * channels)
    outputs = flat @ layer.kernel + layer.bias[..., tf.newaxis, :]
    places = [-1, rows // stride, columns // stride, outputs.shape[-1]]
    return _reshaped(outputs, 2, *places)


def matched(network: VAE, parameters: int) -> VAE:
    """The network with that number of hidden units which comes closest to so many parameters."""
    one, two = (count(replace(network, hidden_units=n)) for n in (1, 2))
    return replace(network, hidden_units=max(1, round(1 + (parameters - one) / (two - one))))


def count(network: Architecture) -> int:
    """How many parameters a network has."""
    return sum(shape.num_elements() for shape in tf.nest.flatten(network.shapes()))


def _doubled(x: tf.Tensor) -> tf.Tensor:
    """Four pixels of each place: [..., rows, columns, 4 C] -> [..., 2 rows, 2 columns, C]."""
    rows, columns, channels = x.shape[-3:]
    flat = tf.reshape(x, [-1, rows, columns, channels])
    kept = [-1 if size is None else size for size in x.shape[:-3]]
    return tf.reshape(tf.nn.depth_to_space(flat, 2), [*kept, 2 * rows, 2 * columns, channels // 4])


def _reshaped(x: tf.Tensor, axes: int, *shape: int) -> tf.Tensor:
    """The last ``axes`` in another shape; at most one of all sizes is not known."""
    kept = [-1 if size is None else size for size in x.shape[:-axes]]
    return tf.reshape(x, [*kept, *shape])
