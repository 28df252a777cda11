"""Representation (§2.1): the encoder's means as features, judged by a linear probe."""

from typing import Any

import numpy as np
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from aevb.applications import measures
from aevb.data import Dataset
from aevb.errors import DataError
from aevb.process.progress import LOGGER
from aevb.stages.encoding import encode
from aevb.stages.trained import Trained

VAE_MEANS, PRINCIPAL_COMPONENTS, RAW_PIXELS = "encoder's means", "PCA", "raw pixels"


def principal_components(images: np.ndarray, latent_dim: int) -> PCA:
    """``latent_dim`` principal components of images [n, D], or as many as there are: n images have
    n − 1, and no more than D."""
    count = min(latent_dim, len(images) - 1, images.shape[1])
    # Images that are all the same have components of no variance, whose share of it is undefined.
    with np.errstate(invalid="ignore"):
        return PCA(count, random_state=0).fit(images)


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
        DataError: the data set has no labels, or those of the images are all the same.
    """
    if data.train_labels is None or data.test_labels is None:
        raise DataError(f"{data.name}: has no labels, which a linear probe needs")
    images = trained[0].pixels(data.train[:probe_images])
    unseen = trained[0].pixels(data.test)
    labels, unseen_labels = data.train_labels[:probe_images], data.test_labels
    if len(np.unique(labels)) < 2:
        raise DataError(
            f"{data.name}: the first {len(labels)} training images have one label, {labels[0]},"
            " and a linear probe needs two or more"
        )

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
        components = principal_components(images, latent_dim)
        projected = [components.transform(x) for x in (images, unseen)]
        rows.append(measure(latent_dim, PRINCIPAL_COMPONENTS, *projected))
    return rows
