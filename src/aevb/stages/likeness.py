"""How like test images a decoder's samples are, in numbers beside Figure 5."""

import numpy as np
import pandas as pd


def likeness(samples: np.ndarray, images: np.ndarray, seed: int = 0) -> pd.DataFrame:
    """Samples of the decoder's means, the same scrambled, and images, against other images.

    Scrambled samples have every pixel from a sample of its own: each pixel's distribution is kept
    and nothing else, so that they are noise with the right grey values. Pictures differ by the root
    of their mean squared difference over pixels.

    Args:
        samples: [n, D], n ≥ 2.
        images: test images, [m, D], m > n; the first n are held against the others, as samples are.
        seed: of the scrambling.

    Returns:
        One row a ``kind`` (``samples``, ``scrambled``, ``test images``): ``nearest``, the mean
        difference to the nearest of the other test images; ``apart``, the mean difference of two of
        the kind; their standard errors ``nearest_standard_error``, ``apart_standard_error``; and
        ``images``, how many there are.
    """
    n = len(samples)
    kinds = {
        "samples": samples,
        "scrambled": np.random.default_rng(seed).permuted(samples, axis=0),
        "test images": images[:n],
    }
    rows = []
    for kind, pictures in kinds.items():
        nearest = _differences(pictures, images[n:]).min(axis=1)
        # The mean over the others of each: pairs share pictures, hence twice its error.
        apart = _differences(pictures, pictures).sum(axis=1) / (n - 1)
        rows.append(
            {
                "kind": kind,
                "nearest": nearest.mean(),
                "nearest_standard_error": nearest.std(ddof=1) / np.sqrt(n),
                "apart": apart.mean(),
                "apart_standard_error": 2 * apart.std(ddof=1) / np.sqrt(n),
                "images": n,
            }
        )
    return pd.DataFrame(rows)


def _differences(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Root mean squared differences of pictures: [n, D], [m, D] -> [n, m]."""
    a, b = a.astype(np.float64), b.astype(np.float64)
    squares = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1) - 2 * a @ b.T
    return np.sqrt(np.maximum(squares, 0) / a.shape[1])
