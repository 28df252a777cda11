"""A mixture of Gaussians for each datapoint, fitted to its posterior."""

from typing import NamedTuple

import numpy as np
from scipy.special import logsumexp


class Mixture(NamedTuple):
    """K Gaussians N(mean, A Aᵀ) for each of n datapoints, fitted to its posterior."""

    log_weight: np.ndarray
    """Log integral of each one's share of p(x, z), [n, K], nats; −∞ where there is no mode."""
    mean: np.ndarray
    """[n, K, N_z]."""
    factor: np.ndarray
    """A, [n, K, N_z, N_z]."""

    @property
    def log_determinant(self) -> np.ndarray:
        """log |det A|, [n, K]."""
        return np.linalg.slogdet(self.factor).logabsdet

    def whitened(self, point: np.ndarray, z: np.ndarray) -> np.ndarray:
        """u with z = mean + A u under each Gaussian: [J], [J, L, N_z] -> [J, L, K, N_z]."""
        offset = z[:, :, np.newaxis] - self.mean[point][:, np.newaxis]
        inverse = np.linalg.inv(self.factor[point])
        return np.einsum("jkde,jlke->jlkd", inverse, offset, optimize=True)

    def log_share(self, point: np.ndarray, mode: np.ndarray, z: np.ndarray) -> np.ndarray:
        """log r_m(z) = log q_m(z) − log Σ_k q_k(z): [J], [J], [J, L, N_z] -> [J, L]."""
        log_scale = self.log_weight - self.log_determinant
        squares = np.square(self.whitened(point, z)).sum(axis=-1)
        log_q = log_scale[point][:, np.newaxis] - 0.5 * squares
        own = np.take_along_axis(log_q, mode[:, np.newaxis, np.newaxis], axis=-1)[..., 0]
        return own - logsumexp(log_q, axis=-1)
