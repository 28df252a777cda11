"""What is said of a distribution: its transformation, noise, parameters and exact distributions."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from aevb.errors import ConfigError

tfd = tfp.distributions

INVERSE_CDF, LOCATION_SCALE, COMPOSITION = "inverse CDF", "location-scale", "composition"
TFP, OURS = "TFP", "ours"

Values = Mapping[str, np.ndarray]
"""Checked values of a distribution's parameters, float64."""


class Parameter(NamedTuple):
    """A parameter of a distribution."""

    kind: str
    """What it may be; a key of ``_KINDS``."""
    example: Any
    """A value, for the table and for tests."""


class Marginal(NamedTuple):
    """A number that is made of z, and its exact distribution."""

    weights: tuple[float, ...] | None
    """The number is the sum of z's components with these weights; None: it is z, a number."""
    law: Any
    """Its distribution, a frozen one of :mod:`scipy.stats`, in float64."""


class Entry(NamedTuple):
    """A distribution, with one way of drawing from it."""

    family: str
    """Which of the three ways: INVERSE_CDF, LOCATION_SCALE or COMPOSITION."""
    name: str
    """The distribution, as the paper calls it."""
    formula: str
    """The transformation g, in Unicode mathematics."""
    auxiliary: str
    """The auxiliary noise ε and its distribution, in words."""
    parameters: dict[str, Parameter]
    """The parameters φ by name."""
    fixed: tuple[str, ...]
    """Parameters that the noise depends on, and that the transformation cannot differentiate. TFP,
    where it draws, differentiates them too, implicitly (Figurnov et al., arXiv 1805.08498)."""
    source: str
    """Whose draws :func:`sample` returns: TFP or OURS."""
    noise: Callable[[tf.Tensor, int, Values], tf.Tensor]
    """(key [2], n, parameters) -> ε [n, ...], float32, a function of nothing else. Of the
    parameters only the fixed ones and the shapes count."""
    transform: Callable[..., tf.Tensor]
    """g: (ε [n, ...], **parameters) -> z, float32, pure and differentiable. Each parameter has its
    own shape, or a leading axis [n] to have a value for each draw."""
    distribution: Callable[..., tfd.Distribution] | None
    """(**parameters) -> TFP's distribution; None where TFP has none."""
    marginals: Callable[[Values], list[Marginal]]
    """Exact distributions of z itself or, where z is a vector, of some of its projections."""


def check(entry: Entry, parameters: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """The values of the parameters, float64, in the entry's order.

    Raises:
        ConfigError: a parameter is unknown, missing or out of range.
    """
    unknown = set(parameters) - set(entry.parameters)
    missing = set(entry.parameters) - set(parameters)
    if unknown or missing:
        wrong = f"no parameter {min(unknown)!r}" if unknown else f"{min(missing)!r} is missing"
        raise ConfigError(f"{entry.name}: {wrong}; it has {', '.join(entry.parameters)}")
    values = {}
    for name, parameter in entry.parameters.items():
        try:
            value = np.asarray(parameters[name], np.float64)
        except (TypeError, ValueError):
            value = np.array(np.nan)
        rank, allowed, wanted = _KINDS[parameter.kind]
        if value.ndim != rank or not np.isfinite(value).all() or not allowed(value):
            given = " ".join(str(parameters[name]).split())
            raise ConfigError(f"{entry.name}: {name} must be {wanted}, not {given}")
        values[name] = value
    if "low" in values and not values["low"] < values["high"]:
        raise ConfigError(
            f"{entry.name}: low must be below high; they are {values['low']} and {values['high']}"
        )
    location, scale = values.get("location"), values.get("scale_tril")
    if scale is not None and len(location) != len(scale):
        raise ConfigError(
            f"{entry.name}: location has {len(location)} dimensions, scale_tril {len(scale)}"
        )
    return values


def examples(entry: Entry) -> dict[str, Any]:
    """The example parameters of an entry."""
    return {name: parameter.example for name, parameter in entry.parameters.items()}


def differentiable(entry: Entry) -> list[str]:
    """The parameters that the pathwise gradient exists for: all, where TFP draws."""
    return [name for name in entry.parameters if entry.source == TFP or name not in entry.fixed]


_KINDS: dict[str, tuple[int, Callable[[np.ndarray], bool], str]] = {
    "real": (0, lambda v: True, "a finite number"),
    "positive": (0, lambda v: v > 0, "positive"),
    "whole": (0, lambda v: v >= 1 and v == np.round(v), "a positive whole number"),
    "fraction": (0, lambda v: 0 < v < 1, "between 0 and 1"),
    "vector": (1, lambda v: len(v) > 0, "a vector of finite numbers"),
    "positive vector": (1, lambda v: len(v) > 1 and (v > 0).all(), "two or more positive numbers"),
    "triangle": (
        2,
        lambda v: (
            v.shape[0] == v.shape[1] and (np.triu(v, 1) == 0).all() and (np.diag(v) > 0).all()
        ),
        "a lower triangular matrix with a positive diagonal",
    ),
}
"""By kind of parameter: its rank, a test of its value, and what a value should be, in words."""
