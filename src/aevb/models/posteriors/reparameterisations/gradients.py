"""Draws of a distribution, and pathwise gradients of expectations over them (§2.4)."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from aevb.errors import ConfigError
from aevb.models.posteriors.reparameterisations.entry import TFP, Entry, check, differentiable

Objective = Callable[[tf.Tensor], tf.Tensor]
"""f: z [n, ...] -> [n], each value from the z of its own row."""


class Gradient(NamedTuple):
    """An estimate of ∇ E[f(z)] with respect to one parameter, of that parameter's shape."""

    mean: np.ndarray
    standard_error: np.ndarray


def sample(entry: Entry, key: tf.Tensor, n: int, parameters: Mapping[str, Any]) -> tf.Tensor:
    """Independent draws z [n, ...], float32, differentiable in :func:`differentiable` parameters.

    Args:
        entry: which distribution.
        key: [2], see :func:`aevb.random.keys`.
        n: how many draws.
        parameters: by name; their values are looked at, so that they cannot be symbolic tensors.

    Raises:
        ConfigError: see :func:`check`; or n is below 1.
    """
    values = _check_draws(entry, n, parameters, least=1)
    return _draw(entry, key, n, values, _tile(n, parameters))


def per_sample_gradients(
    entry: Entry, key: tf.Tensor, n: int, parameters: Mapping[str, Any], f: Objective
) -> dict[str, np.ndarray]:
    """∇ f(z) of each draw with respect to each differentiable parameter: [n, *its shape].

    Arguments and errors as for :func:`pathwise_gradient`, which is their mean.
    """
    values = _check_draws(entry, n, parameters, least=1)
    # Every draw has parameters of its own, so that one backward pass gives every draw's gradient.
    tiled = _tile(n, parameters)
    watched = {name: tiled[name] for name in differentiable(entry)}
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(watched)
        f_of_z = f(_draw(entry, key, n, values, tiled))
        if f_of_z.shape != (n,):
            raise ValueError(f"f gives {f_of_z.shape}, not one number for each of {n} draws")
    gradients = tape.gradient(f_of_z, watched, unconnected_gradients=tf.UnconnectedGradients.ZERO)
    return {name: gradient.numpy() for name, gradient in gradients.items()}


def pathwise_gradient(
    entry: Entry, key: tf.Tensor, n: int, parameters: Mapping[str, Any], f: Objective
) -> dict[str, Gradient]:
    """Monte Carlo estimate of ∇ E[f(z)] with respect to each differentiable parameter (§2.4).

    Args:
        entry, key, parameters: as for :func:`sample`.
        n: how many draws, at least two.
        f: differentiable, z [n, ...] -> [n]; no row of its result depends on another row of z.

    Raises:
        ConfigError: see :func:`check`; or n is below 2.
    """
    _check_draws(entry, n, parameters, least=2)
    samples = per_sample_gradients(entry, key, n, parameters, f)
    wide = {name: values.astype(np.float64) for name, values in samples.items()}
    return {
        name: Gradient(values.mean(axis=0), values.std(axis=0, ddof=1) / np.sqrt(n))
        for name, values in wide.items()
    }


def _check_draws(entry, n, parameters, least):
    if n < least:
        raise ConfigError(f"{entry.name}: {n} draws asked for; at least {least} are needed")
    return check(entry, parameters)


def _tile(n: int, parameters: Mapping[str, Any]) -> dict[str, tf.Tensor]:
    tensors = {k: tf.cast(tf.convert_to_tensor(v), tf.float32) for k, v in parameters.items()}
    return {k: tf.broadcast_to(v, (n, *v.shape)) for k, v in tensors.items()}


def _draw(entry, key, n, values, tiled):
    if entry.source == TFP:
        return entry.distribution(**tiled).sample(seed=key)
    return entry.transform(entry.noise(key, n, values), **tiled)
