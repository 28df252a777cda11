"""Representation (§2.1): the encoder's means as features, judged by a linear probe."""

from typing import Any

import numpy as np
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from aevb.applications import measures
from aevb.data import Dataset
from aevb.encoding import encode
from aevb.errors import ConfigError, DataError
from aevb.progress import LOGGER
from aevb.trained import Trained

VAE_MEANS, PRINCIPAL_COMPONENTS, RAW_PIXELS = "encoder's means", "PCA", "raw pixels"


def check_components(latent_dim: int, images: np.ndarray) -> None:
    """Raise ConfigError unless images [n, D] have more than ``latent_dim`` principal components."""
    if latent_dim >= min(images.shape):
        raise ConfigError(
            f"N_z = {latent_dim}: as many principal components need more images and more pixels"
            f" than {len(images)} images of {images.shape[1]} pixels; take more images or a"
            " smaller model"
        )


def evaluate(trained: list[Trained], data: Dataset, probe_images: int) -> list[dict[str, Any]]:
    """How well a linear classifier of the labels does on the latent means of unseen images.

    The probe is a multinomial logistic regression (scikit-learn, L2 penalty C = 1, features
    standardised) that learns from the first ``probe_images`` training images and is scored on all
    test images. Beside it, the same probe on as many principal components, fitted to the same
    training images, and on the raw pixels.

    Args:
        trained: models of one data set, any sizes of the latent space.
        data: that data set, with labels.
        probe_images: from how many images the probe learns.

    Returns:
        Rows of :func:`aevb.applications.measures.table`.

    Raises:
        DataError: the data set has no labels.
        ConfigError: there are too few images for as many principal components.
    """
    if data.train_labels is None or data.test_labels is None:
        raise DataError(f"{data.name}: has no labels, which a linear probe needs")
    for one in trained:
        check_components(one.model.latent_dim, data.train[:probe_images])
    images = trained[0].pixels(data.train[:probe_images])
    unseen = trained[0].pixels(data.test)
    labels, unseen_labels = data.train_labels[:probe_images], data.test_labels

    def measure(latent_dim: int, method: str, train: np.ndarray, test: np.ndarray) -> dict:
        probe = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
        hits = probe.fit(train, labels).predict(test) == unseen_labels
        row = {
            "application": "representation",
            "dataset": data.label,
            "latent_dim": latent_dim,
            "condition": f"probe on {len(train)} images",
            "method": method,
            "quantity": "accuracy",
            **measures.proportion(hits),
        }
        LOGGER.info(f"{data.name}: probe on {method}, {latent_dim} numbers: {row['value']:.4f}")
        return row

    rows = [measure(images.shape[1], RAW_PIXELS, images, unseen)]
    for one in sorted(trained, key=lambda one: one.model.latent_dim):
        latent_dim = one.model.latent_dim
        means = [encode(one.model, x).mean for x in (images, unseen)]
        rows.append(measure(latent_dim, VAE_MEANS, *means))
        components = PCA(latent_dim, random_state=0).fit(images)
        projected = [components.transform(x) for x in (images, unseen)]
        rows.append(measure(latent_dim, PRINCIPAL_COMPONENTS, *projected))
    return rows
