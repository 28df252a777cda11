"""Distributions of a location and a scale: of noise from their standard member."""

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp
from scipy import stats

from aevb import random
from aevb.models.posteriors.quantiles import (
    laplace_quantile,
    logistic_quantile,
    open_uniform,
    triangular_quantile,
)
from aevb.models.posteriors.reparameterisations.entry import (
    LOCATION_SCALE,
    OURS,
    TFP,
    Entry,
    Marginal,
    Parameter,
)
from aevb.models.posteriors.reparameterisations.parts import (
    gamma,
    location_and_scale,
    normal,
    of_location_and_scale,
    scalar,
    tensors,
    uniform,
)

tfd = tfp.distributions

_SPLIT_ALGORITHM = "philox"


def _standard_student_t(key, n, values):
    """ε [n] of Student's t with df degrees of freedom"""
    return _student_t_noise(key, n, values["df"], (n,))


def _standard_elliptical(key, n, values):
    """ε [n, d], radius times direction, of the multivariate Student's t: a vector of normal
    numbers has the direction, uniform on the sphere, and one divisor gives it the radius."""
    return _student_t_noise(key, n, values["df"], (n, len(values["location"])))


def _student_t_noise(key, n, df, shape):
    keys = tf.random.experimental.stateless_split(key, 2, alg=_SPLIT_ALGORITHM)
    standard = random.normal(keys[0][tf.newaxis], shape)[0]
    half = tf.constant(df / 2, tf.float32)
    mean_square = gamma(half, open_uniform(keys[1][tf.newaxis], (n,))[0]) / half
    return standard / tf.reshape(tf.sqrt(mean_square), (n,) + (1,) * (len(shape) - 1))


def _standard_triangular(key, n, values):
    """ε [n]"""
    return triangular_quantile(uniform(key, n, values), float(values["mode"]))


def _location_scale(noise, location, scale, **_):
    return location + scale * noise


def _low_high(noise, low, high, **_):
    return low + (high - low) * noise


def _triangular_distribution(low, high, mode):
    low, high, mode = tensors(low, high, mode)
    return tfd.Triangular(low, high, peak=low + mode * (high - low))


def _elliptical_distribution(location, scale_tril, df):
    location, scale_tril, df = tensors(location, scale_tril, df)
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


ENTRIES = (
    Entry(
        LOCATION_SCALE,
        "Laplace",
        "z = μ + b ε",
        "ε ~ Laplace(0, 1)",
        location_and_scale(0.3, 0.6),
        (),
        TFP,
        lambda key, n, values: laplace_quantile(uniform(key, n, values)),
        _location_scale,
        of_location_and_scale(tfd.Laplace),
        scalar(lambda location, scale: stats.laplace(location, scale)),
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
        {**location_and_scale(0.3, 0.7), "df": Parameter("positive", 3.5)},
        ("df",),
        TFP,
        _standard_student_t,
        _location_scale,
        lambda location, scale, df: tfd.StudentT(*tensors(df, location, scale)),
        scalar(lambda location, scale, df: stats.t(df, location, scale)),
    ),
    Entry(
        LOCATION_SCALE,
        "Logistic",
        "z = μ + s ε",
        "ε ~ Logistic(0, 1)",
        location_and_scale(0.4, 0.5),
        (),
        TFP,
        lambda key, n, values: logistic_quantile(uniform(key, n, values)),
        _location_scale,
        of_location_and_scale(tfd.Logistic),
        scalar(lambda location, scale: stats.logistic(location, scale)),
    ),
    Entry(
        LOCATION_SCALE,
        "Uniform",
        "z = a + (b − a) ε",
        "ε ~ U(0, 1)",
        {"low": Parameter("real", -0.6), "high": Parameter("real", 1.4)},
        (),
        TFP,
        uniform,
        _low_high,
        lambda low, high: tfd.Uniform(*tensors(low, high)),
        scalar(lambda low, high: stats.uniform(low, high - low)),
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
        scalar(lambda low, high, mode: stats.triang(mode, low, high - low)),
    ),
    Entry(
        LOCATION_SCALE,
        "Gaussian",
        "z = μ + σ ε",
        "ε ~ N(0, 1)",
        location_and_scale(0.3, 0.8),
        (),
        TFP,
        normal,
        _location_scale,
        of_location_and_scale(tfd.Normal),
        scalar(lambda location, scale: stats.norm(location, scale)),
    ),
)
