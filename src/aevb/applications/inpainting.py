"""Inpainting (§2.1): the missing half of an image, given the other half."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from aevb.applications import measures
from aevb.applications.inference import (
    Budget,
    encoder_completions,
    log_predictive,
    posterior_image,
    sample_posterior,
)
from aevb.applications.observations import PartlySeen, VisiblePixels, observed
from aevb.data import Dataset
from aevb.likelihood import ais
from aevb.likelihood.estimate import Estimate
from aevb.likelihood.model import Model
from aevb.process.progress import LOGGER
from aevb.stages.generation import decode
from aevb.stages.trained import Trained

ENCODER, HMC, ANNEALED, MARGINAL = "encoder", "HMC", "AIS", "marginal"
MEAN_IMAGE = "mean image"
SWEEPS = 200
"""Of the encoder's completions; the second half is kept."""


class Completed(NamedTuple):
    """Draws of z given the visible pixels, [S, C, n, N_z] each."""

    encoder: np.ndarray
    hmc: np.ndarray
    rhat: np.ndarray
    """Of HMC's draws, [n]."""


def halves(image_shape: tuple[int, int]) -> tuple[VisiblePixels, VisiblePixels]:
    """The upper half of an image, which is seen, and the lower half, which is missing; of a single
    row, the left and the right half."""
    rows, columns = image_shape
    upper = rows // 2 * columns if rows > 1 else columns // 2
    return VisiblePixels(tuple(range(upper))), VisiblePixels(tuple(range(upper, rows * columns)))


def complete(
    trained: Trained,
    visible: VisiblePixels,
    y: np.ndarray,
    start: np.ndarray,
    budget: Budget,
    seed: int = 0,
) -> Completed:
    """What z may be, given the visible pixels y [n, D_y]; ``start`` [D] fills the encoder's first
    guess at the others."""
    draws = sample_posterior(trained.model, visible, y, budget, seed)
    swept = encoder_completions(trained.model, visible, y, start, SWEEPS, SWEEPS // 2, seed)
    return Completed(swept, draws.z, draws.rhat)


def filled(images: np.ndarray, visible: VisiblePixels, y: np.ndarray) -> np.ndarray:
    """``images`` [..., n, D] with the visible pixels as they were seen."""
    images = np.array(images, np.float32)
    images[..., list(visible.indices)] = y
    return images


def annealed(
    model: Model, parts: Sequence[np.ndarray], annealing: ais.Budget, seed: int
) -> list[Estimate]:
    """log p of images of which pixels are missing, by annealed importance sampling.

    Args:
        model: of whole images.
        parts: [n, D] each, NaN where a pixel is missing; annealed side by side, by one program.
        annealing, seed: see :func:`aevb.likelihood.ais.estimate`.
    """
    found = ais.estimate(observed(model, PartlySeen()), np.concatenate(parts), annealing, seed)
    n = len(parts[0])
    return [found.of(slice(i * n, (i + 1) * n)) for i in range(len(parts))]


def evaluate(
    trained: Trained,
    data: Dataset,
    points: int,
    budget: Budget,
    annealing: ais.Budget,
    shown: int,
    completions: int = 4,
) -> tuple[list[dict[str, Any]], dict[str, np.ndarray]]:
    """How well the missing lower half of test images is predicted from the upper half.

    The log-likelihood of the missing half, log p(missing | visible), in nats per image: by the
    draws of each kind of inference, log (1/S) Σ p(missing|z_s), and by annealed importance
    sampling, log p(whole) − log p(visible), which needs no draws that mix. Beside it the decoder's
    marginal log p(missing), which knows nothing of the visible half.

    Args:
        trained: the model.
        data: its data set; the first ``points`` test images are taken.
        points: how many images.
        budget: of HMC.
        annealing: of annealed importance sampling.
        shown: of how many images the pictures are kept.
        completions: how many of each.

    Returns:
        Rows of :func:`aevb.applications.measures.table`; and pictures by name, ``<data
        set>/<method>``, [shown, rows, columns], of completions [completions, shown, rows,
        columns].
    """
    x = trained.pixels(data.test[:points])
    visible, missing = halves(data.image_shape)
    y, hidden = visible.observe(x), missing.observe(x)
    average = trained.pixels(data.train).mean(axis=0)
    draws = complete(trained, visible, y, average, budget)
    found = {ENCODER: draws.encoder, HMC: draws.hmc}

    log_likelihoods = {
        method: log_predictive(trained.model, missing, hidden, z) for method, z in found.items()
    }
    LOGGER.info(f"{data.name}: annealed importance sampling of {points} images")
    blank = np.full_like(x, np.nan)
    parts = x, filled(blank, visible, y), filled(blank, missing, hidden)
    whole, seen, alone = annealed(trained.model, parts, annealing, seed=0)
    log_likelihoods[ANNEALED] = whole.value - seen.value
    log_likelihoods[MARGINAL] = alone.value

    names = {
        "application": "inpainting",
        "dataset": data.label,
        "latent_dim": trained.model.latent_dim,
        "condition": "lower half missing",
    }
    rows = []
    for method, values in log_likelihoods.items():
        numbers = measures.mean(values)
        rows.append({**names, "method": method, "quantity": "log-likelihood", **numbers})
        LOGGER.info(f"{data.name}: missing half: {method}: {numbers['value']:.2f} nats")
    for method in (ENCODER, HMC, ANNEALED):
        gain = measures.mean(log_likelihoods[method] - log_likelihoods[MARGINAL])
        rows.append({**names, "method": method, "quantity": "gain over the marginal", **gain})
    guesses = {
        method: missing.observe(posterior_image(trained.model, visible, y, z))
        for method, z in found.items()
    }
    guesses[MEAN_IMAGE] = np.broadcast_to(missing.observe(average[np.newaxis]), hidden.shape)
    for method, guess in guesses.items():
        error = measures.mean(measures.root_mean_squared_error(guess, hidden))
        rows.append({**names, "method": method, "quantity": "rmse", **error})
    mixed = measures.proportion(draws.rhat < 1.1)
    rows.append({**names, "method": HMC, "quantity": "share with R-hat below 1.1", **mixed})
    passed = measures.proportion(whole.passed & seen.passed & alone.passed)
    rows.append({**names, "method": ANNEALED, "quantity": "share that passes its checks", **passed})

    pictures = {"truth": x[:shown], "observed": parts[1][:shown]}
    for method, z in found.items():
        # The last draw of each chain; of the encoder's single chain, draws far apart.
        chosen = z[-1] if z.shape[1] >= completions else z[:: len(z) // completions, 0]
        decoded = decode(trained.model, chosen[:completions, :shown])
        pictures[method] = filled(decoded, visible, y[:shown])
    return rows, {
        f"{data.label}/{name}": images.reshape(*images.shape[:-1], *data.image_shape)
        for name, images in pictures.items()
    }
