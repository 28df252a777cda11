"""log p(x, z) of a block of datapoints: compiled programs of fixed shapes, for any number of z."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from aevb.likelihood.model import Model, log_likelihood
from aevb.models.architecture import Parameters
from aevb.models.linear_gaussian import LinearGaussian
from aevb.models.pixels import log_normaliser
from aevb.models.vae import VAE

tfd = tfp.distributions

# Shapes of the compiled programs: everything is padded to them.
DATAPOINTS, _SCAN_NODES = 512, 1024
_ROWS = 512
_GROUPS, _GROUP_NODES = 64, 32


class Programs(NamedTuple):
    """What is compiled, once for each architecture; parameters and data are arguments."""

    scan: Callable
    """(decoder, x [n, D], z [G, N_z]) -> log p(x_i|z_g), [n, G], nats."""
    log_likelihood: Callable
    """(decoder, x [n, D], z [S, n, N_z]) -> log p(x|z), [S, n], nats."""
    derivatives: Callable
    """(decoder, x [n, D], z [n, N_z]) -> log p(x|z) [n], its gradient and its Hessian."""


@functools.cache
def programs(architecture: VAE | LinearGaussian) -> Programs:
    """The programs of an architecture, which are traced and compiled when first called."""
    compiled = functools.partial(tf.function, jit_compile=True, autograph=False)

    def likelihood(decoder, x, z):
        return log_likelihood(Model(architecture, Parameters(None, decoder)), x, z)

    @compiled
    def scan(decoder, x, z):
        pixels = architecture.decode(decoder, z[tf.newaxis]).distribution
        if isinstance(pixels, tfd.Bernoulli):
            logits = pixels.logits[0]
            return tf.matmul(x, logits, transpose_b=True) - log_normaliser(logits)
        if not isinstance(pixels, tfd.Normal):
            raise ValueError(f"quadrature takes Bernoulli and normal pixels, not {pixels.name}")
        # The square is expanded around the data's mean, where the least digits cancel.
        centre = tf.reduce_mean(x, axis=0)
        x, mean = x - centre, pixels.loc[0] - centre
        precision = 1.0 / tf.square(pixels.scale[0])
        constant = tf.reduce_sum(
            tf.square(mean) * precision - tf.math.log(precision / (2.0 * np.pi)), axis=-1
        )
        cross = tf.matmul(x, mean * precision, transpose_b=True)
        return cross - 0.5 * (tf.matmul(tf.square(x), precision, transpose_b=True) + constant)

    @compiled
    def derivatives(decoder, x, z):
        with tf.GradientTape(persistent=True) as outer:
            outer.watch(z)
            with tf.GradientTape() as inner:
                inner.watch(z)
                value = likelihood(decoder, x, z)
            gradient = inner.gradient(value, z)
            components = tf.unstack(gradient, axis=-1)
        hessian = [outer.gradient(c, z, unconnected_gradients="zero") for c in components]
        return value, gradient, tf.stack(hessian, axis=-1)

    return Programs(scan, compiled(likelihood), derivatives)


@dataclass
class Joint:
    """log p(x, z) of a block of datapoints, in NumPy and float64, for any number of z."""

    model: Model
    x: np.ndarray
    evaluations: int = 0

    def __len__(self) -> int:
        return len(self.x)

    @functools.cached_property
    def _programs(self) -> Programs:
        return programs(self.model.architecture)

    def scan(self, nodes: np.ndarray) -> np.ndarray:
        """log p(x_i, z_g) of all datapoints at all nodes: [G, N_z] -> [n, G], float32."""
        self.evaluations += len(self) * len(nodes)
        size = min(DATAPOINTS, 1 << max(len(self) - 1, 15).bit_length())
        x = tf.constant(_pad(self.x, size))
        values = np.empty((len(self), len(nodes)), np.float32)
        for part in slices(len(nodes), _SCAN_NODES):
            z = tf.constant(_pad(nodes[part].astype(np.float32), _SCAN_NODES))
            found = self._programs.scan(self.model.parameters.decoder, x, z).numpy()
            found = found[: len(self), : len(nodes[part])]
            np.add(found, log_prior(nodes[part]).astype(np.float32), out=values[:, part])
        return values

    def at(self, point: np.ndarray, z: np.ndarray) -> np.ndarray:
        """log p(x, z) at L nodes for each of J datapoints: [J], [J, L, N_z] -> [J, L]."""
        n_jobs, n_nodes, dim = z.shape
        self.evaluations += n_jobs * n_nodes
        per_job = -(-n_nodes // _GROUP_NODES)
        padded = np.zeros((n_jobs, per_job * _GROUP_NODES, dim), np.float32)
        padded[:, :n_nodes] = z
        groups = padded.reshape(-1, _GROUP_NODES, dim).swapaxes(0, 1)
        x = np.repeat(self.x[point], per_job, axis=0)
        values = np.empty(groups.shape[:2])
        for part in slices(len(x), _GROUPS):
            found = self._programs.log_likelihood(
                self.model.parameters.decoder,
                tf.constant(_pad(x[part], _GROUPS)),
                tf.constant(_pad(groups[:, part], _GROUPS, axis=1)),
            )
            values[:, part] = found.numpy()[:, : len(x[part])]
        values = values.swapaxes(0, 1).reshape(n_jobs, -1)[:, :n_nodes]
        return values + log_prior(z)

    def derivatives(self, point: np.ndarray, z: np.ndarray) -> list[np.ndarray]:
        """log p(x, z), its gradient and its Hessian: [R], [R, N_z] -> [R], [R, N_z], [R, N_z²]."""
        self.evaluations += len(z)
        parts = [[np.zeros(0)], [np.zeros(z.shape)[:0]], [np.zeros((*z.shape, z.shape[1]))[:0]]]
        for part in slices(len(z), _ROWS):
            found = self._programs.derivatives(
                self.model.parameters.decoder,
                tf.constant(_pad(self.x[point[part]], _ROWS)),
                tf.constant(_pad(z[part].astype(np.float32), _ROWS)),
            )
            for into, tensor in zip(parts, found, strict=True):
                into.append(tensor.numpy()[: len(z[part])].astype(np.float64))
        value, gradient, hessian = (np.concatenate(arrays) for arrays in parts)
        return [value + log_prior(z), gradient - z, hessian - np.eye(z.shape[1])]


def log_prior(z: np.ndarray) -> np.ndarray:
    """log N(z; 0, I): [..., N_z] -> [...], nats."""
    return -0.5 * (np.square(z).sum(axis=-1) + z.shape[-1] * np.log(2 * np.pi))


def slices(n: int, size: int) -> list[slice]:
    """0 … n − 1 in pieces of ``size``."""
    return [slice(start, min(start + size, n)) for start in range(0, n, size)]


def _pad(array: np.ndarray, size: int, axis: int = 0) -> np.ndarray:
    """Zeros after the last entry, up to ``size`` entries."""
    padding = [(0, 0)] * array.ndim
    padding[axis] = (0, size - array.shape[axis])
    return np.pad(array, padding)
