"""Lattices around the modes, and the sums over them.

A lattice is body-centred: the integer points and the same shifted by ½ along every axis. In three
dimensions no lattice needs fewer points for isotropic integrands, and its two halves are lattices
that integrate independently: their difference measures the error of each.
"""

import functools
import itertools
from typing import NamedTuple

import numpy as np
from scipy.special import logsumexp

from aevb.likelihood.quadrature.joint import Joint, slices
from aevb.likelihood.quadrature.mixture import Mixture

_MAX_NODES_IN_MEMORY = 2**17
_WORST = 100.0
"""Nats: the error of a lattice of which one half sees nothing."""


class Lattice(NamedTuple):
    """The points of a body-centred lattice in a ball."""

    nodes: np.ndarray
    """u, [L, N_z]."""
    shifted: np.ndarray
    """Whether a point belongs to the shifted half, [L]."""
    layer: np.ndarray
    """How many layers, half a spacing deep, lie between a point and the ball's surface, [L]."""
    spacing: float
    """Of either half."""

    @property
    def log_cell(self) -> float:
        """Log volume that belongs to a point."""
        return self.nodes.shape[1] * np.log(self.spacing) - np.log(2.0)


class Sums(NamedTuple):
    """What the lattice around one mode gives, for J modes."""

    log_integral: np.ndarray
    """[J], nats."""
    mean: np.ndarray
    """Of u, [J, N_z]."""
    covariance: np.ndarray
    """Of u, [J, N_z, N_z]."""
    error: np.ndarray
    """Resolution and boundary, [J], nats."""


@functools.cache
def lattice_of(dim: int, spacing: float, radius: float) -> Lattice:
    """The lattice with this spacing of either half, in the ball around 0."""
    reach = int(radius / spacing) + 1
    integers = np.array(list(itertools.product(range(-reach, reach + 1), repeat=dim)), float)
    halves = np.concatenate([integers, integers + 0.5]) * spacing
    distance = np.linalg.norm(halves, axis=1)
    inside = distance <= radius
    return Lattice(
        nodes=halves[inside],
        shifted=np.repeat([False, True], len(integers))[inside],
        layer=((radius - distance[inside]) // (0.5 * spacing)).astype(int),
        spacing=spacing,
    )


def integrate(
    joint: Joint, mixture: Mixture, point: np.ndarray, mode: np.ndarray, lattice: Lattice
) -> Sums:
    """Integrate the shares of the modes ``mode`` of the datapoints ``point``, [J] each."""
    log_volume = mixture.log_determinant
    several = (mixture.log_weight > -np.inf).sum(axis=1) > 1
    parts = []
    for part in slices(len(point), max(1, _MAX_NODES_IN_MEMORY // len(lattice.nodes))):
        owner, own = point[part], mode[part]
        mean, factor = mixture.mean[owner, own], mixture.factor[owner, own]
        z = mean[:, np.newaxis] + lattice.nodes @ factor.swapaxes(1, 2)
        log_mass = joint.at(owner, z) + lattice.log_cell + log_volume[owner, own, np.newaxis]
        shared = several[owner]
        log_mass[shared] += mixture.log_share(owner[shared], own[shared], z[shared])
        parts.append(_sums(log_mass, lattice))
    return Sums(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))


def _sums(log_mass: np.ndarray, lattice: Lattice) -> Sums:
    """From the log mass of each node, [J, L]."""
    log_integral = logsumexp(log_mass, axis=1)
    mass = np.exp(log_mass - log_integral[:, np.newaxis])
    mean = mass @ lattice.nodes
    products = np.einsum("li,lj->lij", lattice.nodes, lattice.nodes)
    covariance = np.einsum("jl,lab->jab", mass, products, optimize=True)
    covariance -= mean[:, :, np.newaxis] * mean[:, np.newaxis]

    halves = [logsumexp(log_mass[:, lattice.shifted == half], axis=1) for half in (False, True)]
    difference = 0.5 * np.abs(halves[0] - halves[1])
    # Poisson's summation formula: what a Gaussian of this covariance contributes at the reciprocal
    # lattice's shortest vectors. It finds a ridge so thin that both halves miss its slopes.
    frequency = 2 * np.pi / lattice.spacing
    expected = 2 * np.exp(-0.5 * frequency**2 * np.linalg.eigvalsh(covariance)).sum(axis=1)
    resolution = np.fmin(np.maximum(difference, expected), _WORST)

    # Beyond the outermost layer the mass goes on as a geometric series, or ends sooner.
    outermost, next_one = (mass[:, lattice.layer == layer].sum(axis=1) for layer in (0, 1))
    decay = np.minimum(outermost / np.maximum(next_one, outermost + 1e-30), 0.95)
    boundary = outermost * np.maximum(1.0, decay / (1.0 - decay))
    return Sums(log_integral, mean, covariance, resolution + boundary)


def refit(mixture: Mixture, point: np.ndarray, mode: np.ndarray, sums: Sums) -> Mixture:
    """The mixture with the moments that the lattices around J modes have found."""
    log_weight, mean, factor = (part.copy() for part in mixture)
    variances, axes = np.linalg.eigh(sums.covariance)
    # On a lattice that is too coarse all mass may lie on one node.
    scale = np.sqrt(np.clip(variances, 0.05, 20.0))
    old = factor[point, mode]
    log_weight[point, mode] = sums.log_integral
    mean[point, mode] += np.einsum("jab,jb->ja", old, sums.mean)
    factor[point, mode] = old @ (axes * scale[:, np.newaxis])
    return Mixture(log_weight, mean, factor)
