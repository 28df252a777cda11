"""Probabilistic PCA, of which all is known, as a trained model."""

import numpy as np
import tensorflow as tf

from aevb.likelihood.model import Model
from aevb.models.architecture import Parameters
from aevb.models.linear_gaussian import LinearGaussian, ProbabilisticPCA
from aevb.models.mlp import MLP

DIM, LATENT_DIM, POINTS = 16, 2, 20
"""Of :func:`exact_model`."""


def exact_model(widening: float = 1.0) -> tuple[ProbabilisticPCA, Model, np.ndarray]:
    """A model whose encoder is its posterior, and data of it."""
    rng = np.random.default_rng(0)
    data = rng.normal(size=(400, 3)) @ rng.normal(size=(3, DIM)) + rng.normal(size=(400, DIM))
    truth = ProbabilisticPCA.fit(data, LATENT_DIM)
    model = Model(LinearGaussian(DIM, LATENT_DIM), truth.parameters(widening))
    return truth, model, truth.sample(POINTS, rng).astype(np.float32)


def without_encoder(truth: ProbabilisticPCA) -> Model:
    """``truth`` as a model that has a decoder alone."""
    dim, latent_dim = truth.weights.shape
    bias = np.append(truth.mean, np.log(truth.variance))
    values = np.zeros((latent_dim, 0)), np.zeros(0), truth.weights.T, bias
    decoder = MLP(*(tf.constant(value[np.newaxis], tf.float32) for value in values))
    return Model(LinearGaussian(dim, latent_dim), Parameters(encoder=None, decoder=decoder))
