"""Telling images that are unlike the data by how likely the model finds them."""

import functools
from typing import Any

import numpy as np
import tensorflow as tf

from aevb import random
from aevb.algorithms.bounds import estimator_b
from aevb.applications import measures
from aevb.data import Dataset
from aevb.likelihood import ais
from aevb.likelihood.model import Model
from aevb.models.linear_gaussian import LEAST_VARIANCE, ProbabilisticPCA
from aevb.process.progress import LOGGER
from aevb.stages.trained import Trained

BOUND, ANNEALED, COMPONENTS = "encoder's bound", "AIS log p(x)", "PPCA log p(x)"
DRAWS = 32
"""Of z for each image's bound."""
_PCA_IMAGES = 10_000
_SHUFFLED, _MIRRORED = "shuffled pixels", "mirrored"
_MADE_OF_TEST_IMAGES = (_SHUFFLED, _MIRRORED)


def lower_bound(model: Model, x: np.ndarray, draws: int = DRAWS, seed: int = 0) -> np.ndarray:
    """The bound of each image (eq. 7) with ``draws`` samples of z: x [n, D] -> [n], nats."""
    keys = random.keys(tf.constant([seed]), random.Purpose.APPLICATION, 2)
    noise = model.architecture.noise(keys, (draws, len(x), model.latent_dim))[0]
    run = _bound(model.architecture)
    return run(model.parameters, tf.constant(x, tf.float32), noise).numpy().astype(np.float64)


def scores(trained: Trained, x: np.ndarray, annealing: ais.Budget | None) -> dict[str, np.ndarray]:
    """How likely the model finds images x [n, D]: the lower, the less they are like the data.

    Returns:
        [n] each, nats: the bound, by the encoder; and log p(x) by annealed importance sampling,
        where it has a budget.
    """
    found = {BOUND: lower_bound(trained.model, x)}
    if annealing is not None:
        found[ANNEALED] = ais.estimate(trained.model, x, annealing, seed=0).value
    return found


def anomalies(data: Dataset, points: int, foreign: Dataset | None) -> dict[str, np.ndarray]:
    """Images that are not like the data, uint8 [n, D] each, from its first test images.

    The pixels of each image in an order of its own; images mirrored left to right, which have all
    local statistics of the data; and images of another data set, cut and padded with zeros to the
    same size.
    """
    images = data.test[:points]
    generator = np.random.default_rng(0)
    pictures = images.reshape(-1, *data.image_shape)
    found = {
        _SHUFFLED: generator.permuted(images, axis=1),
        _MIRRORED: pictures[:, :, ::-1].reshape(images.shape),
    }
    if foreign is not None:
        others = foreign.test[:points].reshape(-1, *foreign.image_shape)
        found[foreign.label] = fit_into(others, data.image_shape).reshape(len(others), -1)
    return found


def fit_into(images: np.ndarray, image_shape: tuple[int, int]) -> np.ndarray:
    """Images [n, rows, columns] cut and padded with zeros around their centre to that shape."""
    for axis, length in enumerate(image_shape, start=1):
        surplus = images.shape[axis] - length
        if surplus > 0:
            images = images.take(range(surplus // 2, surplus // 2 + length), axis=axis)
        elif surplus < 0:
            padding = [(0, 0)] * 3
            padding[axis] = (-surplus // 2, -surplus - (-surplus // 2))
            images = np.pad(images, padding)
    return images


def evaluate(
    trained: Trained,
    data: Dataset,
    foreign: Dataset | None,
    points: int,
    annealing: ais.Budget,
    shown: int,
) -> tuple[list[dict[str, Any]], dict[str, np.ndarray], dict[str, np.ndarray]]:
    """How well each score tells test images from images of other kinds.

    Args:
        trained: the model.
        data: its data set.
        foreign: another one, None where it cannot be had.
        points: how many images of each kind.
        annealing: of annealed importance sampling.
        shown: of how many images of each kind the pictures are kept.

    Returns:
        Rows of :func:`aevb.applications.measures.table` (areas under the receiver operating
        characteristic, and the share of images that pass the checks of annealing); pictures by
        kind, [shown, rows, columns]; and scores, named ``<method>/<kind>``, [n] each, nats.

    Raises:
        DataError: a score is not finite.
    """
    kinds = {data.label: data.test[:points], **anomalies(data, points, foreign)}
    components = ProbabilisticPCA.fit(
        trained.pixels(data.train[:_PCA_IMAGES]), trained.model.latent_dim, LEAST_VARIANCE
    )
    names = {
        "application": "anomaly",
        "dataset": data.label,
        "latent_dim": trained.model.latent_dim,
    }
    rows: list[dict[str, Any]] = []
    found: dict[str, np.ndarray] = {}
    for kind, images in kinds.items():
        x = trained.pixels(images)
        LOGGER.info(f"{data.name}: scores of {len(x)} images: {kind}")
        estimate = ais.estimate(trained.model, x, annealing, seed=0)
        values = {
            BOUND: lower_bound(trained.model, x),
            ANNEALED: estimate.value,
            COMPONENTS: components.log_likelihood(x),
        }
        found |= {f"{method}/{kind}": score for method, score in values.items()}
        passed = measures.proportion(estimate.passed)
        names_of_kind = {**names, "condition": kind, "method": ANNEALED}
        rows.append({**names_of_kind, "quantity": "share that passes its checks", **passed})
    for kind in list(kinds)[1:]:
        for method in (BOUND, ANNEALED, COMPONENTS):
            area = measures.auroc(
                found[f"{method}/{data.label}"],
                found[f"{method}/{kind}"],
                paired=kind in _MADE_OF_TEST_IMAGES,
            )
            rows.append(
                {
                    **names,
                    "condition": kind,
                    "method": method,
                    "quantity": "auroc",
                    **area,
                }
            )
            LOGGER.info(f"{data.name}: against {kind}: {method}: AUROC {area['value']:.4f}")
    pictures = {
        kind: trained.pixels(images[:shown]).reshape(-1, *data.image_shape)
        for kind, images in kinds.items()
    }
    return rows, pictures, found


@functools.cache
def _bound(architecture):
    @tf.function(jit_compile=True, autograph=False)
    def run(parameters, x, noise):
        posterior = architecture.encode(parameters.encoder, x[tf.newaxis])

        def decode(z):
            return architecture.decode(parameters.decoder, z)

        # One draw at a time: all of them would take a lot of memory.
        def one(draw):
            single = draw[tf.newaxis, tf.newaxis]
            return estimator_b(x[tf.newaxis], posterior, decode, single)[0]

        return tf.reduce_mean(tf.map_fn(one, noise), axis=0)

    return run
