"""What entries consist of: noise, the standard Gamma's inverse CDF, locations and scales."""

import tensorflow as tf
import tensorflow_probability as tfp

from aevb import random
from aevb.models.posteriors.quantiles import open_uniform
from aevb.models.posteriors.reparameterisations.entry import Marginal, Parameter

U = "u ~ U(0, 1)"


def location_and_scale(location: float, scale: float) -> dict[str, Parameter]:
    """The parameters of a location and a scale, with these examples."""
    return {"location": Parameter("real", location), "scale": Parameter("positive", scale)}


def uniform(key, n, values):
    """u [n]"""
    return open_uniform(key[tf.newaxis], (n,))[0]


def normal(key, n, values):
    """ε [n]"""
    return random.normal(key[tf.newaxis], (n,))[0]


def gamma(shape, u):
    """P⁻¹(shape, u), the standard Gamma's inverse CDF, differentiable in the shape as well."""
    return tfp.math.igammainv(shape, u)


def tensors(*values):
    """What TFP's distributions take, float32."""
    return [tf.convert_to_tensor(value, tf.float32) for value in values]


def of_location_and_scale(kind):
    """TFP's distribution of a location and a scale."""
    return lambda location, scale: kind(*tensors(location, scale))


def scalar(law):
    """The marginals of a z that is a number."""
    return lambda values: [Marginal(None, law(**values))]
