"""The modes of posteriors: the highest local maxima of a scan, and Newton ascents from them."""

import numpy as np

from aevb.likelihood.methods.quadrature import Quadrature
from aevb.likelihood.quadrature.joint import Joint, slices
from aevb.likelihood.quadrature.mixture import Mixture

NEWTON_STEPS = 40
_NEWTON_GAIN = 1e-3
"""Nats: an ascent ends when its next step promises less."""
_MIN_CURVATURE = 0.1
"""Of the negative log joint, where the model's own is less or negative; the prior's is one."""
_NEGLIGIBLE_MODE = 14.0
"""Nats below the evidence of a datapoint's best mode."""


def scan_lattice(dim: int, budget: Quadrature) -> tuple[np.ndarray, np.ndarray]:
    """The scan's nodes in the ball, [G, N_z], and which cells of a cubic array they are."""
    spacing = budget.scan_spacing[dim - 1]
    reach = int(budget.scan_radius / spacing)
    axis = spacing * np.arange(-reach, reach + 1)
    cube = np.stack(np.meshgrid(*[axis] * dim, indexing="ij"), axis=-1)
    inside = np.linalg.norm(cube, axis=-1) <= budget.scan_radius
    return cube[inside], inside


def starts(
    scanned: np.ndarray, nodes: np.ndarray, inside: np.ndarray, most: int
) -> tuple[np.ndarray, np.ndarray]:
    """The highest local maxima of the scan [n, G], ``most`` a datapoint: [S], [S, N_z]."""
    cells = np.flatnonzero(inside)
    points, maxima = [], []
    for part in slices(len(scanned), 8):
        cubes = np.full((len(scanned[part]), inside.size), -np.inf, np.float32)
        cubes[:, cells] = scanned[part]
        cubes = cubes.reshape(-1, *inside.shape)
        highest = cubes
        for axis in range(1, cubes.ndim):
            values, highest = np.moveaxis(highest, axis, 0), highest.copy()
            here = np.moveaxis(highest, axis, 0)
            np.maximum(here[1:], values[:-1], out=here[1:])
            np.maximum(here[:-1], values[1:], out=here[:-1])
        is_maximum = (cubes == highest).reshape(len(cubes), -1)[:, cells]
        point, node = np.nonzero(is_maximum)
        points.append(point + part.start)
        maxima.append(node)
    point, node = np.concatenate(points), np.concatenate(maxima)
    order = np.lexsort((-scanned[point, node], point))
    point, node = point[order], node[order]
    kept = _rank(point) < most
    return point[kept], nodes[node[kept]]


def find_modes(joint: Joint, point: np.ndarray, start: np.ndarray, budget: Quadrature) -> Mixture:
    """The distinct modes that the starts [S], [S, N_z] lead to, with their Laplace evidence.

    Modes that have less than 1e-6 of the evidence of the best are dropped.
    """
    z, height, precision = _climb(joint, point, start)
    curvature, axes = np.linalg.eigh(precision)
    curvature = np.maximum(curvature, _MIN_CURVATURE)
    dim = z.shape[1]
    log_weight = height + 0.5 * (dim * np.log(2 * np.pi) - np.log(curvature).sum(axis=1))

    order = np.lexsort((-log_weight, point))
    point = point[order]
    place = point, _rank(point)
    shape = len(joint), budget.starts
    mixture = Mixture(
        log_weight=np.full(shape, -np.inf),
        mean=np.zeros((*shape, dim)),
        factor=np.broadcast_to(np.eye(dim), (*shape, dim, dim)).copy(),
    )
    mixture.log_weight[place] = log_weight[order]
    mixture.mean[place] = z[order]
    mixture.factor[place] = (axes / np.sqrt(curvature)[:, np.newaxis])[order]

    points = np.arange(len(joint))
    distance = np.square(mixture.whitened(points, mixture.mean)).sum(axis=-1)
    same = np.maximum(distance, distance.swapaxes(1, 2)) < 0.25
    for k in range(1, budget.starts):
        kept = mixture.log_weight[:, :k] > -np.inf
        mixture.log_weight[(same[:, k, :k] & kept).any(axis=1), k] = -np.inf
    best = mixture.log_weight[:, :1]
    mixture.log_weight[mixture.log_weight < best - _NEGLIGIBLE_MODE] = -np.inf
    return mixture


def _climb(
    joint: Joint, point: np.ndarray, z: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Newton ascent of log p(x, z) with steps of limited length, from each of S starts.

    The step is H⁻¹ times the gradient, with the eigenvalues of the Hessian H made negative; it is
    shortened while it leads downhill.

    Returns:
        z [S, N_z], log p(x, z) [S] and −H [S, N_z, N_z] where the ascents end.
    """
    z = z.copy()
    value, gradient, hessian = joint.derivatives(point, z)
    longest = np.full(len(z), 1.0)
    climbing = np.arange(len(z))
    for _ in range(NEWTON_STEPS):
        curvature, axes = np.linalg.eigh(-hessian[climbing])
        uphill = np.einsum("sij,si->sj", axes, gradient[climbing])
        step = uphill / np.maximum(np.abs(curvature), _MIN_CURVATURE)
        ended = (0.5 * (uphill * step).sum(axis=1) < _NEWTON_GAIN) & (curvature[:, 0] > 0)
        ended |= longest[climbing] < 1e-4
        step = np.einsum("sij,sj->si", axes, step)[~ended]
        climbing = climbing[~ended]
        if not len(climbing):
            break
        length = np.linalg.norm(step, axis=1)
        step *= np.minimum(1.0, longest[climbing] / length)[:, np.newaxis]
        there = z[climbing] + step
        found = joint.derivatives(point[climbing], there)
        # Rounding must not stop an ascent that has all but ended.
        higher = found[0] > value[climbing] - _NEWTON_GAIN
        taken = climbing[higher]
        z[taken] = there[higher]
        value[taken], gradient[taken], hessian[taken] = (part[higher] for part in found)
        longest[climbing] = np.where(
            higher, 2 * longest[climbing], 0.25 * np.minimum(longest[climbing], length)
        )
    return z, value, -hessian


def _rank(sorted_labels: np.ndarray) -> np.ndarray:
    """How many equal labels come before each label."""
    index = np.arange(len(sorted_labels))
    first = np.concatenate([[True], sorted_labels[1:] != sorted_labels[:-1]])
    return index - np.maximum.accumulate(np.where(first, index, 0))
