"""What gradients and draws are held against: quadrature of exact CDFs, and a test of the CDF."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf
from scipy import integrate, stats

from aevb.errors import ConfigError
from aevb.models.posteriors.reparameterisations.entry import Entry, Marginal, check, differentiable
from aevb.models.posteriors.reparameterisations.gradients import Objective

_STEP = 1e-4
_FAR = 20.0


def objective(entry: Entry, parameters: Mapping[str, Any]) -> Objective:
    """f(z) = Σ_k k tanh(w_k · z), over the entry's marginals k = 1 …; f(z) = tanh z for a number.

    tanh is bounded and its slope falls exponentially: f and ∇_φ f have all moments even where z
    has none. The factor k keeps the sum from being nearly constant where Σ_j z_j is.
    """
    marginals = entry.marginals(check(entry, parameters))

    def f(z: tf.Tensor) -> tf.Tensor:
        return tf.add_n(
            [k * tf.tanh(project(z, marginal)) for k, marginal in enumerate(marginals, start=1)]
        )

    return f


def exact_gradients(entry: Entry, parameters: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """∇ E[f(z)] for f of :func:`objective`, to about 1e-7, with neither noise nor transformation.

    E[f(z)] is integrated from the CDFs of the entry's marginals, which SciPy has; its central
    difference is the gradient. Above the diagonal of ``scale_tril`` it is zero.

    Raises:
        ConfigError: see :func:`check`; or the parameters are so extreme that no difference is
            finite.
    """
    values = check(entry, parameters)
    # The weights of the marginals are constants; their laws depend on the parameters.
    gradients = {}
    for name in differentiable(entry):
        gradients[name] = np.zeros_like(values[name])
        for index in components(values[name]):
            # Of a small scale or rate a fraction, so that it stays one.
            size = _STEP * min(1.0, abs(float(values[name][index])) or 1.0)
            ends = []
            for step in (size, -size):
                moved = values[name].copy()
                moved[index] += step
                ends.append(_expectation(entry.marginals({**values, name: moved})))
            gradients[name][index] = (ends[0] - ends[1]) / (2 * size)
        if not np.isfinite(gradients[name]).all():
            raise ConfigError(
                f"{entry.name}: no exact gradient can be found for {name} = {values[name]}; take"
                " less extreme parameters"
            )
    return gradients


def ks_p_value(entry: Entry, z: np.ndarray, parameters: Mapping[str, Any]) -> float:
    """Kolmogorov–Smirnov test of draws z [n, ...] against the exact CDF: the p-value.

    Where z is a vector, that of its marginals which fits worst, times their number (Bonferroni).
    """
    marginals = entry.marginals(check(entry, parameters))
    p_values = [
        stats.kstest(np.asarray(project(z, marginal), np.float64), marginal.law.cdf).pvalue
        for marginal in marginals
    ]
    return min(1.0, len(p_values) * float(min(p_values)))


def project(z: tf.Tensor | np.ndarray, marginal: Marginal) -> tf.Tensor | np.ndarray:
    """The number [n] that a marginal is about."""
    if marginal.weights is None:
        return z
    return tf.reduce_sum(z * tf.constant(marginal.weights, tf.float32), axis=-1)


def components(value: np.ndarray) -> Iterable[tuple[int, ...]]:
    """The indices of what is free in a parameter; of a matrix, its lower triangle."""
    return [index for index in np.ndindex(value.shape) if value.ndim < 2 or index[1] <= index[0]]


def _expectation(marginals: list[Marginal]) -> float:
    return sum(k * _mean_of_tanh(marginal.law) for k, marginal in enumerate(marginals, start=1))


def _mean_of_tanh(law) -> float:
    """E[tanh y] = tanh(a) + ∫_a^b (1 − F(y)) / cosh² y dy, by parts; y lies between a and b.

    Unlike the integral of tanh times the density, this one has no infinite integrand, and it needs
    no tails: 1/cosh² is below 1e-16 beyond ±20.
    """
    low, high = np.clip(law.support(), -_FAR, _FAR)
    middle = np.clip(law.median(), low, high)
    parts = (
        integrate.quad(
            lambda y: law.sf(y) / np.cosh(y) ** 2, start, end, epsabs=1e-12, epsrel=1e-12, limit=200
        )[0]
        for start, end in ((low, middle), (middle, high))
        if start < end
    )
    return float(np.tanh(low) + sum(parts))
