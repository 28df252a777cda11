"""Distributions of a composition of other auxiliary variables."""

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp
from scipy import stats

from aevb.errors import ConfigError
from aevb.models.posteriors.quantiles import open_uniform
from aevb.models.posteriors.reparameterisations.entry import (
    COMPOSITION,
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


def _two_uniforms(key, n, values):
    """u [n, 2]"""
    return open_uniform(key[tf.newaxis], (n, 2))[0]


def _uniform_each(key, n, values):
    """u [n, K], one for each concentration"""
    return open_uniform(key[tf.newaxis], (n, len(values["concentration"])))[0]


def _uniforms_to_sum(key, n, values):
    """u [n, α]"""
    shape = values["concentration"]
    if shape != int(shape):
        raise ConfigError(
            f"Gamma: concentration must be a whole number for a sum of exponentials, not {shape}"
        )
    return open_uniform(key[tf.newaxis], (n, int(shape)))[0]


def _dirichlet(u, concentration):
    variates = gamma(concentration, u)
    return variates / tf.reduce_sum(variates, axis=-1, keepdims=True)


def _beta(u, concentration1, concentration0):
    first, second = gamma(concentration1, u[..., 0]), gamma(concentration0, u[..., 1])
    return first / (first + second)


def _f(u, df1, df2):
    # A chi-squared number is twice a Gamma one; the factor cancels.
    return gamma(df1 / 2, u[..., 0]) / df1 / (gamma(df2 / 2, u[..., 1]) / df2)


def _dirichlet_marginals(values):
    shapes = values["concentration"]
    return [
        Marginal(tuple(w), stats.beta(shape, shapes.sum() - shape))
        for w, shape in zip(np.eye(len(shapes)), shapes, strict=True)
    ]


ENTRIES = (
    Entry(
        COMPOSITION,
        "Log-Normal",
        "z = exp(μ + σ ε)",
        "ε ~ N(0, 1)",
        location_and_scale(-0.3, 0.6),
        (),
        TFP,
        normal,
        lambda noise, location, scale: tf.exp(location + scale * noise),
        of_location_and_scale(tfd.LogNormal),
        scalar(lambda location, scale: stats.lognorm(scale, scale=np.exp(location))),
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
        lambda concentration, rate: tfd.Gamma(*tensors(concentration, rate)),
        scalar(lambda concentration, rate: stats.gamma(concentration, scale=1 / rate)),
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
        lambda concentration: tfd.Dirichlet(*tensors(concentration)),
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
        lambda concentration1, concentration0: tfd.Beta(*tensors(concentration1, concentration0)),
        scalar(lambda concentration1, concentration0: stats.beta(concentration1, concentration0)),
    ),
    Entry(
        COMPOSITION,
        "Chi-Squared",
        "z = 2 g (the sum of ν squared normal numbers, for whole ν)",
        "g ~ Gamma(ν / 2, 1)",
        {"df": Parameter("positive", 1.6)},
        (),
        TFP,
        uniform,
        lambda u, df: 2.0 * gamma(df / 2, u),
        lambda df: tfd.Chi2(*tensors(df)),
        scalar(lambda df: stats.chi2(df)),
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
        scalar(lambda df1, df2: stats.f(df1, df2)),
    ),
)
