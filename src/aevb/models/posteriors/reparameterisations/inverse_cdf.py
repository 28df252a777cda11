"""Distributions whose inverse CDF is tractable: of a uniform number."""

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp
from scipy import stats

from aevb.models.posteriors.quantiles import logistic_quantile
from aevb.models.posteriors.reparameterisations.entry import (
    INVERSE_CDF,
    OURS,
    TFP,
    Entry,
    Parameter,
)
from aevb.models.posteriors.reparameterisations.parts import (
    U,
    gamma,
    location_and_scale,
    of_location_and_scale,
    scalar,
    tensors,
    uniform,
)

tfd = tfp.distributions

ENTRIES = (
    Entry(
        INVERSE_CDF,
        "Exponential",
        "z = −log(u) / λ",
        U,
        {"rate": Parameter("positive", 1.3)},
        (),
        TFP,
        uniform,
        # From 1 − u, here and below: it has the distribution of u.
        lambda u, rate: -tf.math.log(u) / rate,
        lambda rate: tfd.Exponential(*tensors(rate)),
        scalar(lambda rate: stats.expon(scale=1 / rate)),
    ),
    Entry(
        INVERSE_CDF,
        "Cauchy",
        "z = μ + γ tan(π (u − ½))",
        U,
        location_and_scale(0.4, 0.7),
        (),
        TFP,
        uniform,
        lambda u, location, scale: location + scale * tf.tan(np.pi * (u - 0.5)),
        of_location_and_scale(tfd.Cauchy),
        scalar(lambda location, scale: stats.cauchy(location, scale)),
    ),
    Entry(
        INVERSE_CDF,
        "Logistic",
        "z = μ + s log(u / (1 − u))",
        U,
        location_and_scale(0.4, 0.5),
        (),
        TFP,
        uniform,
        lambda u, location, scale: location + scale * logistic_quantile(u),
        of_location_and_scale(tfd.Logistic),
        scalar(lambda location, scale: stats.logistic(location, scale)),
    ),
    Entry(
        INVERSE_CDF,
        "Rayleigh",
        "z = σ √(−2 log u)",
        U,
        {"scale": Parameter("positive", 0.8)},
        (),
        OURS,  # TFP has the bijector of its CDF, but no such distribution.
        uniform,
        lambda u, scale: scale * tf.sqrt(-2.0 * tf.math.log(u)),
        None,
        scalar(lambda scale: stats.rayleigh(scale=scale)),
    ),
    Entry(
        INVERSE_CDF,
        "Pareto",
        "z = m u^(−1/α)",
        U,
        {"scale": Parameter("positive", 0.6), "concentration": Parameter("positive", 2.5)},
        (),
        TFP,
        uniform,
        lambda u, scale, concentration: scale * tf.exp(-tf.math.log(u) / concentration),
        lambda scale, concentration: tfd.Pareto(*tensors(concentration, scale)),
        scalar(lambda scale, concentration: stats.pareto(concentration, scale=scale)),
    ),
    Entry(
        INVERSE_CDF,
        "Weibull",
        "z = λ (−log u)^(1/k)",
        U,
        {"concentration": Parameter("positive", 1.6), "scale": Parameter("positive", 0.9)},
        (),
        TFP,
        uniform,
        lambda u, concentration, scale: scale * tf.pow(-tf.math.log(u), 1.0 / concentration),
        lambda concentration, scale: tfd.Weibull(*tensors(concentration, scale)),
        scalar(lambda concentration, scale: stats.weibull_min(concentration, scale=scale)),
    ),
    Entry(
        INVERSE_CDF,
        "Reciprocal",
        "z = a (b / a)^u",
        U,
        {"low": Parameter("positive", 0.2), "high": Parameter("positive", 2.5)},
        (),
        OURS,  # Log-uniform; TFP has none.
        uniform,
        lambda u, low, high: low * tf.pow(high / low, u),
        None,
        scalar(lambda low, high: stats.loguniform(low, high)),
    ),
    Entry(
        INVERSE_CDF,
        "Gompertz",
        "z = log(1 − log(u) / η) / b",
        U,
        {"concentration": Parameter("positive", 0.7), "rate": Parameter("positive", 1.4)},
        (),
        OURS,  # TFP has the bijector of its CDF, but no such distribution.
        uniform,
        lambda u, concentration, rate: tf.math.log1p(-tf.math.log(u) / concentration) / rate,
        None,
        scalar(lambda concentration, rate: stats.gompertz(concentration, scale=1 / rate)),
    ),
    Entry(
        INVERSE_CDF,
        "Gumbel",
        "z = μ − β log(−log u)",
        U,
        location_and_scale(0.2, 0.6),
        (),
        TFP,
        uniform,
        lambda u, location, scale: location - scale * tf.math.log(-tf.math.log(u)),
        of_location_and_scale(tfd.Gumbel),
        scalar(lambda location, scale: stats.gumbel_r(location, scale)),
    ),
    Entry(
        INVERSE_CDF,
        "Erlang",
        "z = P⁻¹(k, u) / λ, P the regularised lower incomplete gamma function, k whole",
        U,
        {"concentration": Parameter("whole", 3), "rate": Parameter("positive", 2.5)},
        ("concentration",),
        # TFP's Gamma would do, but by rejection and implicit differentiation. The inverse CDF of
        # the paper is not elementary, but there is a function for it; z is in inverse proportion
        # to the rate, so that its gradient is exact.
        OURS,
        uniform,
        lambda u, concentration, rate: gamma(concentration, u) / rate,
        lambda concentration, rate: tfd.Gamma(*tensors(concentration, rate)),
        scalar(lambda concentration, rate: stats.gamma(concentration, scale=1 / rate)),
    ),
)
