"""Distributions with a reparameterisation z = g_φ(ε, x), as §2.4 lists them, and their gradients.

The paper names three ways from auxiliary noise ε, whose distribution has no parameters, to a draw
z of q_φ(z|x): the inverse of a tractable CDF, a location and a scale, and the composition of other
auxiliary variables. :data:`FAMILIES` holds every distribution that it names, each with its
transformation. ∇_φ E_q[f(z)] is then the mean of ∇_φ f(g_φ(ε, x)), the pathwise gradient;
:func:`gradient_table` holds it against quadrature.

TensorFlow Probability draws where its own distribution is reparameterised; the others, and two for
which there is a reason at their entries, are drawn here, from the transformation as it is stated.
It is there for the former, too: ``entry._replace(source=OURS)`` draws from it.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import tensorflow as tf
import tensorflow_probability as tfp
from scipy import integrate, stats

from aevb import random
from aevb.errors import ConfigError
from aevb.posteriors import (
    laplace_quantile,
    logistic_quantile,
    open_uniform,
    triangular_quantile,
)

tfd = tfp.distributions

INVERSE_CDF, LOCATION_SCALE, COMPOSITION = "inverse CDF", "location-scale", "composition"
TFP, OURS = "TFP", "ours"

Values = Mapping[str, np.ndarray]
"""Checked values of a distribution's parameters, float64."""

Objective = Callable[[tf.Tensor], tf.Tensor]
"""f: z [n, ...] -> [n], each value from the z of its own row."""

_SPLIT_ALGORITHM = "philox"
_STEP = 1e-4
_FAR = 20.0


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


class Gradient(NamedTuple):
    """An estimate of ∇ E[f(z)] with respect to one parameter, of that parameter's shape."""

    mean: np.ndarray
    standard_error: np.ndarray


def find(name: str, family: str | None = None) -> Entry:
    """The entry of a distribution.

    Args:
        name: as in §2.4, for instance ``Log-Normal``.
        family: needed where the distribution is in more than one.

    Raises:
        ConfigError: there is no such family or distribution, or there are two.
    """
    families = dict.fromkeys(known for known, _ in FAMILIES)
    if family is not None and family not in families:
        raise ConfigError(
            f"there is no family {family!r} of reparameterisations; it is one of"
            f" {', '.join(families)}"
        )
    searched = {key: entry for key, entry in FAMILIES.items() if family in (None, key[0])}
    found = [entry for (_, known), entry in searched.items() if known == name]
    if not found:
        names = ", ".join(dict.fromkeys(known for _, known in searched))
        where = f"in the family {family}" if family else "with a reparameterisation"
        raise ConfigError(f"there is no distribution {name!r} {where}; it is one of {names}")
    if len(found) > 1:
        raise ConfigError(
            f"{name} is in several families; say which: {', '.join(e.family for e in found)}"
        )
    return found[0]


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


def differentiable(entry: Entry) -> list[str]:
    """The parameters that the pathwise gradient exists for: all, where TFP draws."""
    return [name for name in entry.parameters if entry.source == TFP or name not in entry.fixed]


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
        for index in _components(values[name]):
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


def gradient_table(n: int, seed: int) -> pd.DataFrame:
    """Every distribution of §2.4 with its example parameters: the pathwise gradient of E[f(z)],
    f as in :func:`objective`, against the exact one, and the draws against the exact CDF.

    Args:
        n: draws for the gradients, and as many others for the test of the CDF. A million take
            6.5 GB of memory.
        seed: of all draws.

    Returns:
        One row a (family, distribution, parameter), or a component of a parameter: ``family,
        distribution, transformation, noise, source, parameter, gradient`` (Monte Carlo),
        ``exact, standard_error, z_score`` (the error in standard errors), ``ks_p_value`` (of the
        distribution, see :func:`ks_p_value`).
    """
    tables = [
        gradient_rows(entry, examples(entry), n, seed, stream=i)
        for i, entry in enumerate(FAMILIES.values())
    ]
    return pd.concat(tables, ignore_index=True)


def gradient_rows(
    entry: Entry, parameters: Mapping[str, Any], n: int, seed: int, stream: int = 0
) -> pd.DataFrame:
    """The rows of one distribution, see :func:`gradient_table`; ``stream`` tells draws with the
    same seed apart.

    Raises:
        ConfigError: see :func:`check`.
    """
    check(entry, parameters)
    for_gradients, for_draws = (
        random.keys(tf.constant([seed]), random.Purpose.REPARAMETERISATION, 2 * stream + j)[0]
        for j in range(2)
    )
    f = objective(entry, parameters)
    found = pathwise_gradient(entry, for_gradients, n, parameters, f)
    exact = exact_gradients(entry, parameters)
    p_value = ks_p_value(entry, sample(entry, for_draws, n, parameters), parameters)
    rows = []
    for name, gradient in found.items():
        for index in _components(exact[name]):
            mean, error = gradient.mean[index], gradient.standard_error[index]
            rows.append(
                {
                    "family": entry.family,
                    "distribution": entry.name,
                    "transformation": entry.formula,
                    "noise": entry.auxiliary,
                    "source": entry.source,
                    "parameter": name + (f"[{', '.join(map(str, index))}]" if index else ""),
                    "gradient": mean,
                    "exact": exact[name][index],
                    "standard_error": error,
                    "z_score": (mean - exact[name][index]) / error,
                    "ks_p_value": p_value,
                }
            )
    return pd.DataFrame(rows)


def examples(entry: Entry) -> dict[str, Any]:
    """The example parameters of an entry."""
    return {name: parameter.example for name, parameter in entry.parameters.items()}


# Drawing


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


def _components(value: np.ndarray) -> Iterable[tuple[int, ...]]:
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


# What the entries consist of


def _uniform(key, n, values):
    """u [n]"""
    return open_uniform(key[tf.newaxis], (n,))[0]


def _two_uniforms(key, n, values):
    """u [n, 2]"""
    return open_uniform(key[tf.newaxis], (n, 2))[0]


def _uniform_each(key, n, values):
    """u [n, K], one for each concentration"""
    return open_uniform(key[tf.newaxis], (n, len(values["concentration"])))[0]


def _normal(key, n, values):
    """ε [n]"""
    return random.normal(key[tf.newaxis], (n,))[0]


def _uniforms_to_sum(key, n, values):
    """u [n, α]"""
    shape = values["concentration"]
    if shape != int(shape):
        raise ConfigError(
            f"Gamma: concentration must be a whole number for a sum of exponentials, not {shape}"
        )
    return open_uniform(key[tf.newaxis], (n, int(shape)))[0]


def _standard_student_t(key, n, values):
    """ε [n] of Student's t with df degrees of freedom"""
    return _student_t_noise(key, n, values["df"], (n,))


def _standard_elliptical(key, n, values):
    """ε [n, d], radius times direction, of the multivariate Student's t: a vector of normal
    numbers has the direction, uniform on the sphere, and one divisor gives it the radius."""
    return _student_t_noise(key, n, values["df"], (n, len(values["location"])))


def _student_t_noise(key, n, df, shape):
    keys = tf.random.experimental.stateless_split(key, 2, alg=_SPLIT_ALGORITHM)
    normal = random.normal(keys[0][tf.newaxis], shape)[0]
    half = tf.constant(df / 2, tf.float32)
    mean_square = _gamma(half, open_uniform(keys[1][tf.newaxis], (n,))[0]) / half
    return normal / tf.reshape(tf.sqrt(mean_square), (n,) + (1,) * (len(shape) - 1))


def _standard_triangular(key, n, values):
    """ε [n]"""
    return triangular_quantile(_uniform(key, n, values), float(values["mode"]))


def _gamma(shape, u):
    """P⁻¹(shape, u), the standard Gamma's inverse CDF, differentiable in the shape as well."""
    return tfp.math.igammainv(shape, u)


def _location_scale(noise, location, scale, **_):
    return location + scale * noise


def _low_high(noise, low, high, **_):
    return low + (high - low) * noise


def _dirichlet(u, concentration):
    variates = _gamma(concentration, u)
    return variates / tf.reduce_sum(variates, axis=-1, keepdims=True)


def _beta(u, concentration1, concentration0):
    first, second = _gamma(concentration1, u[..., 0]), _gamma(concentration0, u[..., 1])
    return first / (first + second)


def _f(u, df1, df2):
    # A chi-squared number is twice a Gamma one; the factor cancels.
    return _gamma(df1 / 2, u[..., 0]) / df1 / (_gamma(df2 / 2, u[..., 1]) / df2)


def _numbers(*values):
    return [tf.convert_to_tensor(value, tf.float32) for value in values]


def _with_loc(kind):
    """TFP's distribution of a location and a scale."""
    return lambda location, scale: kind(*_numbers(location, scale))


def _triangular_distribution(low, high, mode):
    low, high, mode = _numbers(low, high, mode)
    return tfd.Triangular(low, high, peak=low + mode * (high - low))


def _elliptical_distribution(location, scale_tril, df):
    location, scale_tril, df = _numbers(location, scale_tril, df)
    scale = tf.linalg.LinearOperatorLowerTriangular(scale_tril, is_non_singular=True)
    return tfd.MultivariateStudentTLinearOperator(df, location, scale)


def _elliptical_marginals(values):
    location, scale, df = values["location"], values["scale_tril"], values["df"]
    weights = [*np.eye(len(location))]
    if len(location) > 1:
        # Without it the correlation would not count.
        weights.append(weights[0] - weights[1])
    return [
        Marginal(tuple(w), stats.t(df, w @ location, np.linalg.norm(scale.T @ w))) for w in weights
    ]


def _dirichlet_marginals(values):
    shapes = values["concentration"]
    return [
        Marginal(tuple(w), stats.beta(shape, shapes.sum() - shape))
        for w, shape in zip(np.eye(len(shapes)), shapes, strict=True)
    ]


def _number(law):
    """The marginals of a z that is a number."""
    return lambda values: [Marginal(None, law(**values))]


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

_U = "u ~ U(0, 1)"


def _location_and_scale(location: float, scale: float) -> dict[str, Parameter]:
    return {"location": Parameter("real", location), "scale": Parameter("positive", scale)}


_ENTRIES = [
    Entry(
        INVERSE_CDF,
        "Exponential",
        "z = −log(u) / λ",
        _U,
        {"rate": Parameter("positive", 1.3)},
        (),
        TFP,
        _uniform,
        # From 1 − u, here and below: it has the distribution of u.
        lambda u, rate: -tf.math.log(u) / rate,
        lambda rate: tfd.Exponential(*_numbers(rate)),
        _number(lambda rate: stats.expon(scale=1 / rate)),
    ),
    Entry(
        INVERSE_CDF,
        "Cauchy",
        "z = μ + γ tan(π (u − ½))",
        _U,
        _location_and_scale(0.4, 0.7),
        (),
        TFP,
        _uniform,
        lambda u, location, scale: location + scale * tf.tan(np.pi * (u - 0.5)),
        _with_loc(tfd.Cauchy),
        _number(lambda location, scale: stats.cauchy(location, scale)),
    ),
    Entry(
        INVERSE_CDF,
        "Logistic",
        "z = μ + s log(u / (1 − u))",
        _U,
        _location_and_scale(0.4, 0.5),
        (),
        TFP,
        _uniform,
        lambda u, location, scale: location + scale * logistic_quantile(u),
        _with_loc(tfd.Logistic),
        _number(lambda location, scale: stats.logistic(location, scale)),
    ),
    Entry(
        INVERSE_CDF,
        "Rayleigh",
        "z = σ √(−2 log u)",
        _U,
        {"scale": Parameter("positive", 0.8)},
        (),
        OURS,  # TFP has the bijector of its CDF, but no such distribution.
        _uniform,
        lambda u, scale: scale * tf.sqrt(-2.0 * tf.math.log(u)),
        None,
        _number(lambda scale: stats.rayleigh(scale=scale)),
    ),
    Entry(
        INVERSE_CDF,
        "Pareto",
        "z = m u^(−1/α)",
        _U,
        {"scale": Parameter("positive", 0.6), "concentration": Parameter("positive", 2.5)},
        (),
        TFP,
        _uniform,
        lambda u, scale, concentration: scale * tf.exp(-tf.math.log(u) / concentration),
        lambda scale, concentration: tfd.Pareto(*_numbers(concentration, scale)),
        _number(lambda scale, concentration: stats.pareto(concentration, scale=scale)),
    ),
    Entry(
        INVERSE_CDF,
        "Weibull",
        "z = λ (−log u)^(1/k)",
        _U,
        {"concentration": Parameter("positive", 1.6), "scale": Parameter("positive", 0.9)},
        (),
        TFP,
        _uniform,
        lambda u, concentration, scale: scale * tf.pow(-tf.math.log(u), 1.0 / concentration),
        lambda concentration, scale: tfd.Weibull(*_numbers(concentration, scale)),
        _number(lambda concentration, scale: stats.weibull_min(concentration, scale=scale)),
    ),
    Entry(
        INVERSE_CDF,
        "Reciprocal",
        "z = a (b / a)^u",
        _U,
        {"low": Parameter("positive", 0.2), "high": Parameter("positive", 2.5)},
        (),
        OURS,  # Log-uniform; TFP has none.
        _uniform,
        lambda u, low, high: low * tf.pow(high / low, u),
        None,
        _number(lambda low, high: stats.loguniform(low, high)),
    ),
    Entry(
        INVERSE_CDF,
        "Gompertz",
        "z = log(1 − log(u) / η) / b",
        _U,
        {"concentration": Parameter("positive", 0.7), "rate": Parameter("positive", 1.4)},
        (),
        OURS,  # TFP has the bijector of its CDF, but no such distribution.
        _uniform,
        lambda u, concentration, rate: tf.math.log1p(-tf.math.log(u) / concentration) / rate,
        None,
        _number(lambda concentration, rate: stats.gompertz(concentration, scale=1 / rate)),
    ),
    Entry(
        INVERSE_CDF,
        "Gumbel",
        "z = μ − β log(−log u)",
        _U,
        _location_and_scale(0.2, 0.6),
        (),
        TFP,
        _uniform,
        lambda u, location, scale: location - scale * tf.math.log(-tf.math.log(u)),
        _with_loc(tfd.Gumbel),
        _number(lambda location, scale: stats.gumbel_r(location, scale)),
    ),
    Entry(
        INVERSE_CDF,
        "Erlang",
        "z = P⁻¹(k, u) / λ, P the regularised lower incomplete gamma function, k whole",
        _U,
        {"concentration": Parameter("whole", 3), "rate": Parameter("positive", 2.5)},
        ("concentration",),
        # TFP's Gamma would do, but by rejection and implicit differentiation. The inverse CDF of
        # the paper is not elementary, but there is a function for it; z is in inverse proportion
        # to the rate, so that its gradient is exact.
        OURS,
        _uniform,
        lambda u, concentration, rate: _gamma(concentration, u) / rate,
        lambda concentration, rate: tfd.Gamma(*_numbers(concentration, rate)),
        _number(lambda concentration, rate: stats.gamma(concentration, scale=1 / rate)),
    ),
    Entry(
        LOCATION_SCALE,
        "Laplace",
        "z = μ + b ε",
        "ε ~ Laplace(0, 1)",
        _location_and_scale(0.3, 0.6),
        (),
        TFP,
        lambda key, n, values: laplace_quantile(_uniform(key, n, values)),
        _location_scale,
        _with_loc(tfd.Laplace),
        _number(lambda location, scale: stats.laplace(location, scale)),
    ),
    Entry(
        LOCATION_SCALE,
        "Elliptical",
        "z = μ + L r s, L lower triangular",
        "the multivariate Student's t with ν degrees of freedom: s uniform on the unit sphere,"
        " r² / d ~ F(d, ν)",
        {
            "location": Parameter("vector", (0.3, -0.2)),
            "scale_tril": Parameter("triangle", ((0.8, 0.0), (0.5, 0.6))),
            "df": Parameter("positive", 5.0),
        },
        ("df",),
        TFP,
        _standard_elliptical,
        lambda noise, location, scale_tril, **_: (
            location + tf.linalg.matvec(tf.linalg.band_part(scale_tril, -1, 0), noise)
        ),
        _elliptical_distribution,
        _elliptical_marginals,
    ),
    Entry(
        LOCATION_SCALE,
        "Student's t",
        "z = μ + σ ε",
        "ε ~ t(ν), a normal number over the root of a mean of squares",
        {**_location_and_scale(0.3, 0.7), "df": Parameter("positive", 3.5)},
        ("df",),
        TFP,
        _standard_student_t,
        _location_scale,
        lambda location, scale, df: tfd.StudentT(*_numbers(df, location, scale)),
        _number(lambda location, scale, df: stats.t(df, location, scale)),
    ),
    Entry(
        LOCATION_SCALE,
        "Logistic",
        "z = μ + s ε",
        "ε ~ Logistic(0, 1)",
        _location_and_scale(0.4, 0.5),
        (),
        TFP,
        lambda key, n, values: logistic_quantile(_uniform(key, n, values)),
        _location_scale,
        _with_loc(tfd.Logistic),
        _number(lambda location, scale: stats.logistic(location, scale)),
    ),
    Entry(
        LOCATION_SCALE,
        "Uniform",
        "z = a + (b − a) ε",
        "ε ~ U(0, 1)",
        {"low": Parameter("real", -0.6), "high": Parameter("real", 1.4)},
        (),
        TFP,
        _uniform,
        _low_high,
        lambda low, high: tfd.Uniform(*_numbers(low, high)),
        _number(lambda low, high: stats.uniform(low, high - low)),
    ),
    Entry(
        LOCATION_SCALE,
        "Triangular",
        "z = a + (b − a) ε",
        "ε ~ Triangular(0, 1) with its peak at c",
        {
            "low": Parameter("real", -0.8),
            "high": Parameter("real", 1.6),
            "mode": Parameter("fraction", 0.3),
        },
        ("mode",),
        # TFP's distribution says that it is reparameterised, but it draws through √u with u from
        # [0, 1): one draw in 2²³ has u = 0, and with it a gradient that is not a number.
        OURS,
        _standard_triangular,
        _low_high,
        _triangular_distribution,
        _number(lambda low, high, mode: stats.triang(mode, low, high - low)),
    ),
    Entry(
        LOCATION_SCALE,
        "Gaussian",
        "z = μ + σ ε",
        "ε ~ N(0, 1)",
        _location_and_scale(0.3, 0.8),
        (),
        TFP,
        _normal,
        _location_scale,
        _with_loc(tfd.Normal),
        _number(lambda location, scale: stats.norm(location, scale)),
    ),
    Entry(
        COMPOSITION,
        "Log-Normal",
        "z = exp(μ + σ ε)",
        "ε ~ N(0, 1)",
        _location_and_scale(-0.3, 0.6),
        (),
        TFP,
        _normal,
        lambda noise, location, scale: tf.exp(location + scale * noise),
        _with_loc(tfd.LogNormal),
        _number(lambda location, scale: stats.lognorm(scale, scale=np.exp(location))),
    ),
    Entry(
        COMPOSITION,
        "Gamma",
        "z = Σ_{i=1…α} −log(u_i) / β for whole α; any α by implicit reparameterisation",
        "u_i ~ U(0, 1), α of them",
        {"concentration": Parameter("positive", 3.0), "rate": Parameter("positive", 2.5)},
        ("concentration",),
        TFP,
        _uniforms_to_sum,
        lambda u, rate, **_: -tf.reduce_sum(tf.math.log(u), axis=-1) / rate,
        lambda concentration, rate: tfd.Gamma(*_numbers(concentration, rate)),
        _number(lambda concentration, rate: stats.gamma(concentration, scale=1 / rate)),
    ),
    Entry(
        COMPOSITION,
        "Dirichlet",
        "z_j = g_j / Σ_i g_i",
        "g_j ~ Gamma(α_j, 1)",
        {"concentration": Parameter("positive vector", (0.8, 1.5, 2.6))},
        (),
        TFP,
        _uniform_each,
        _dirichlet,
        lambda concentration: tfd.Dirichlet(*_numbers(concentration)),
        _dirichlet_marginals,
    ),
    Entry(
        COMPOSITION,
        "Beta",
        "z = g₁ / (g₁ + g₂)",
        "g₁ ~ Gamma(α, 1), g₂ ~ Gamma(β, 1)",
        {
            "concentration1": Parameter("positive", 0.8),
            "concentration0": Parameter("positive", 1.7),
        },
        (),
        TFP,
        _two_uniforms,
        _beta,
        lambda concentration1, concentration0: tfd.Beta(*_numbers(concentration1, concentration0)),
        _number(lambda concentration1, concentration0: stats.beta(concentration1, concentration0)),
    ),
    Entry(
        COMPOSITION,
        "Chi-Squared",
        "z = 2 g (the sum of ν squared normal numbers, for whole ν)",
        "g ~ Gamma(ν / 2, 1)",
        {"df": Parameter("positive", 1.6)},
        (),
        TFP,
        _uniform,
        lambda u, df: 2.0 * _gamma(df / 2, u),
        lambda df: tfd.Chi2(*_numbers(df)),
        _number(lambda df: stats.chi2(df)),
    ),
    Entry(
        COMPOSITION,
        "F",
        "z = (c₁ / ν₁) / (c₂ / ν₂), c_i = 2 g_i",
        "g_i ~ Gamma(ν_i / 2, 1), so that c_i ~ χ²(ν_i)",
        {"df1": Parameter("positive", 3.5), "df2": Parameter("positive", 6.5)},
        (),
        OURS,  # TFP has none.
        _two_uniforms,
        _f,
        None,
        _number(lambda df1, df2: stats.f(df1, df2)),
    ),
]

FAMILIES: dict[tuple[str, str], Entry] = {(entry.family, entry.name): entry for entry in _ENTRIES}
"""Every distribution that §2.4 names, by family and name, in the paper's order."""
