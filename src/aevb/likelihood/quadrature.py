"""log p(x) = log ∫ p(z) p(x|z) dz as a sum over lattices, for up to three latent dimensions.

In so few dimensions the integral that variational Bayes avoids can simply be computed:

1. A scan of log p(x, z) over a lattice that all datapoints share, which a matrix product computes,
   shows where each posterior has its mass.
2. From the scan's highest local maxima a damped Newton ascent leads to the posterior's modes.
3. Around each mode lies a lattice in coordinates in which the posterior is about standard normal.
   The sum over a lattice converges geometrically for smooth integrands that vanish at its edge
   (Trefethen & Weideman, 2014, "The Exponentially Convergent Trapezoidal Rule", SIAM Review 56).
   Where there are several modes, each lattice integrates its own share p(x, z) r_m(z), with
   r_m = q_m / Σ_k q_k and q a mixture of Gaussians fitted to the posterior, so that every integrand
   is smooth and local, and the shares add up to p(x, z) exactly.
4. Datapoints whose error estimate exceeds the tolerance have another round: lattices centred and
   whitened by the moments found, finer and wider.

The lattice is body-centred: the integer points and the same shifted by ½ along every axis. In
three dimensions no lattice needs fewer points for isotropic integrands, and its two halves are
lattices that integrate independently: their difference measures the error of each.
"""

import functools
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp
from scipy.special import logsumexp

from aevb.likelihood.budgets import MAX_LATENT_DIM, Quadrature
from aevb.likelihood.estimate import Estimate
from aevb.likelihood.model import Model, log_likelihood
from aevb.models.architecture import Parameters
from aevb.models.linear_gaussian import LinearGaussian
from aevb.models.pixels import log_normaliser
from aevb.models.vae import VAE

tfd = tfp.distributions

# Shapes of the compiled programs: everything is padded to them.
_DATAPOINTS, _SCAN_NODES = 512, 1024
_ROWS = 512
_GROUPS, _GROUP_NODES = 64, 32

_MAX_NODES_IN_MEMORY = 2**17
_NEWTON_STEPS = 40
_NEWTON_GAIN = 1e-3
"""Nats: an ascent ends when its next step promises less."""
_MIN_CURVATURE = 0.1
"""Of the negative log joint, where the model's own is less or negative; the prior's is one."""
_NEGLIGIBLE_MODE = 14.0
_NEGLIGIBLE_NODE = 25.0
"""Nats below a datapoint's best mode. There are at most some 1e5 nodes."""
_WORST = 100.0
"""Nats: the error of a lattice of which one half sees nothing."""


Budget = Quadrature


def estimate(model: Model, x: np.ndarray, budget: Budget | None = None, seed: int = 0) -> Estimate:
    """log p(x) of each datapoint by numerical integration over z, with an error estimate.

    The error estimate, which is the estimate's ``standard_error``, is a sum of upper estimates:

    - resolution: how far the two halves of the lattice are from their mean, or what a Gaussian with
      the moments found would show, if that is more;
    - boundary: the share of the integral in the lattice's outermost layer, or what lies beyond it
      by extrapolation, if that is more;
    - the share of the integral that the scan sees outside all lattices;
    - rounding: float32 has a relative precision of 1e-7.

    After several rounds it is at least half the difference between the last two. A point passes
    when its error estimate is within the tolerance.

    Args:
        model: with N_z in 1 … 3 and p(z) = N(0, I).
        x: [n, D], as the decoder's distribution takes it.
        budget: see :class:`Budget`.
        seed: unused, and accepted because the other estimators have one; nothing here is random.

    Returns:
        The estimates. ``diagnostics``: ``modes``, how many were integrated over; ``rounds``;
        ``lattice_points``, how many of them all rounds took together, without the scan.

    Raises:
        ValueError: N_z is above 3, x is empty or no matrix, or the decoder's distribution is
            neither Bernoulli nor normal.
    """
    del seed
    budget = budget or Budget()
    if not 1 <= model.latent_dim <= MAX_LATENT_DIM:
        raise ValueError(
            f"quadrature takes 1 to {MAX_LATENT_DIM} latent dimensions, not {model.latent_dim}"
        )
    x = np.asarray(x, np.float32)
    if x.ndim != 2 or not len(x):
        raise ValueError(f"x must be [n, D] with n of at least 1, not {list(x.shape)}")
    blocks = [
        _estimate(_Joint(model, x[start : start + _DATAPOINTS]), budget)
        for start in range(0, len(x), _DATAPOINTS)
    ]
    joined = {
        name: np.concatenate([block.diagnostics[name] for block in blocks])
        for name in blocks[0].diagnostics
    }
    value, error, passed = (
        np.concatenate(parts) for parts in zip(*(block[:3] for block in blocks), strict=True)
    )
    evaluations = sum(block.likelihood_evaluations for block in blocks)
    return Estimate(value, error, passed, joined, evaluations)


class _Programs(NamedTuple):
    """What is compiled, once for each architecture; parameters and data are arguments."""

    scan: Callable
    """(decoder, x [n, D], z [G, N_z]) -> log p(x_i|z_g), [n, G], nats."""
    log_likelihood: Callable
    """(decoder, x [n, D], z [S, n, N_z]) -> log p(x|z), [S, n], nats."""
    derivatives: Callable
    """(decoder, x [n, D], z [n, N_z]) -> log p(x|z) [n], its gradient and its Hessian."""


@functools.cache
def _programs(architecture: VAE | LinearGaussian) -> _Programs:
    compiled = functools.partial(tf.function, jit_compile=True, autograph=False)

    def likelihood(decoder, x, z):
        return log_likelihood(Model(architecture, Parameters(None, decoder)), x, z)

    @compiled
    def scan(decoder, x, z):
        pixels = architecture.decode(decoder, z[tf.newaxis]).distribution
        if isinstance(pixels, tfd.Bernoulli):
            logits = pixels.logits[0]
            return tf.matmul(x, logits, transpose_b=True) - log_normaliser(logits)
        if not isinstance(pixels, tfd.Normal):
            raise ValueError(f"quadrature takes Bernoulli and normal pixels, not {pixels.name}")
        # The square is expanded around the data's mean, where the least digits cancel.
        centre = tf.reduce_mean(x, axis=0)
        x, mean = x - centre, pixels.loc[0] - centre
        precision = 1.0 / tf.square(pixels.scale[0])
        constant = tf.reduce_sum(
            tf.square(mean) * precision - tf.math.log(precision / (2.0 * np.pi)), axis=-1
        )
        cross = tf.matmul(x, mean * precision, transpose_b=True)
        return cross - 0.5 * (tf.matmul(tf.square(x), precision, transpose_b=True) + constant)

    @compiled
    def derivatives(decoder, x, z):
        with tf.GradientTape(persistent=True) as outer:
            outer.watch(z)
            with tf.GradientTape() as inner:
                inner.watch(z)
                value = likelihood(decoder, x, z)
            gradient = inner.gradient(value, z)
            components = tf.unstack(gradient, axis=-1)
        hessian = [outer.gradient(c, z, unconnected_gradients="zero") for c in components]
        return value, gradient, tf.stack(hessian, axis=-1)

    return _Programs(scan, compiled(likelihood), derivatives)


@dataclass
class _Joint:
    """log p(x, z) of a block of datapoints, in NumPy and float64, for any number of z."""

    model: Model
    x: np.ndarray
    evaluations: int = 0

    def __len__(self) -> int:
        return len(self.x)

    @functools.cached_property
    def _programs(self) -> _Programs:
        return _programs(self.model.architecture)

    def scan(self, nodes: np.ndarray) -> np.ndarray:
        """log p(x_i, z_g) of all datapoints at all nodes: [G, N_z] -> [n, G], float32."""
        self.evaluations += len(self) * len(nodes)
        size = min(_DATAPOINTS, 1 << max(len(self) - 1, 15).bit_length())
        x = tf.constant(_pad(self.x, size))
        values = np.empty((len(self), len(nodes)), np.float32)
        for part in _slices(len(nodes), _SCAN_NODES):
            z = tf.constant(_pad(nodes[part].astype(np.float32), _SCAN_NODES))
            found = self._programs.scan(self.model.parameters.decoder, x, z).numpy()
            found = found[: len(self), : len(nodes[part])]
            np.add(found, _log_prior(nodes[part]).astype(np.float32), out=values[:, part])
        return values

    def at(self, point: np.ndarray, z: np.ndarray) -> np.ndarray:
        """log p(x, z) at L nodes for each of J datapoints: [J], [J, L, N_z] -> [J, L]."""
        n_jobs, n_nodes, dim = z.shape
        self.evaluations += n_jobs * n_nodes
        per_job = -(-n_nodes // _GROUP_NODES)
        padded = np.zeros((n_jobs, per_job * _GROUP_NODES, dim), np.float32)
        padded[:, :n_nodes] = z
        groups = padded.reshape(-1, _GROUP_NODES, dim).swapaxes(0, 1)
        x = np.repeat(self.x[point], per_job, axis=0)
        values = np.empty(groups.shape[:2])
        for part in _slices(len(x), _GROUPS):
            found = self._programs.log_likelihood(
                self.model.parameters.decoder,
                tf.constant(_pad(x[part], _GROUPS)),
                tf.constant(_pad(groups[:, part], _GROUPS, axis=1)),
            )
            values[:, part] = found.numpy()[:, : len(x[part])]
        values = values.swapaxes(0, 1).reshape(n_jobs, -1)[:, :n_nodes]
        return values + _log_prior(z)

    def derivatives(self, point: np.ndarray, z: np.ndarray) -> list[np.ndarray]:
        """log p(x, z), its gradient and its Hessian: [R], [R, N_z] -> [R], [R, N_z], [R, N_z²]."""
        self.evaluations += len(z)
        parts = [[np.zeros(0)], [np.zeros(z.shape)[:0]], [np.zeros((*z.shape, z.shape[1]))[:0]]]
        for part in _slices(len(z), _ROWS):
            found = self._programs.derivatives(
                self.model.parameters.decoder,
                tf.constant(_pad(self.x[point[part]], _ROWS)),
                tf.constant(_pad(z[part].astype(np.float32), _ROWS)),
            )
            for into, tensor in zip(parts, found, strict=True):
                into.append(tensor.numpy()[: len(z[part])].astype(np.float64))
        value, gradient, hessian = (np.concatenate(arrays) for arrays in parts)
        return [value + _log_prior(z), gradient - z, hessian - np.eye(z.shape[1])]


class _Mixture(NamedTuple):
    """K Gaussians N(mean, A Aᵀ) for each of n datapoints, fitted to its posterior."""

    log_weight: np.ndarray
    """Log integral of each one's share of p(x, z), [n, K], nats; −∞ where there is no mode."""
    mean: np.ndarray
    """[n, K, N_z]."""
    factor: np.ndarray
    """A, [n, K, N_z, N_z]."""

    def whitened(self, point: np.ndarray, z: np.ndarray) -> np.ndarray:
        """u with z = mean + A u under each Gaussian: [J], [J, L, N_z] -> [J, L, K, N_z]."""
        offset = z[:, :, np.newaxis] - self.mean[point][:, np.newaxis]
        inverse = np.linalg.inv(self.factor[point])
        return np.einsum("jkde,jlke->jlkd", inverse, offset, optimize=True)

    def log_share(self, point: np.ndarray, mode: np.ndarray, z: np.ndarray) -> np.ndarray:
        """log r_m(z) = log q_m(z) − log Σ_k q_k(z): [J], [J], [J, L, N_z] -> [J, L]."""
        log_scale = self.log_weight - _log_determinant(self.factor)
        squares = np.square(self.whitened(point, z)).sum(axis=-1)
        log_q = log_scale[point][:, np.newaxis] - 0.5 * squares
        own = np.take_along_axis(log_q, mode[:, np.newaxis, np.newaxis], axis=-1)[..., 0]
        return own - logsumexp(log_q, axis=-1)


class _Lattice(NamedTuple):
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


class _Sums(NamedTuple):
    """What the lattice around one mode gives, for J modes."""

    log_integral: np.ndarray
    """[J], nats."""
    mean: np.ndarray
    """Of u, [J, N_z]."""
    covariance: np.ndarray
    """Of u, [J, N_z, N_z]."""
    error: np.ndarray
    """Resolution and boundary, [J], nats."""


def _estimate(joint: _Joint, budget: Budget) -> Estimate:
    """The estimates of one block of datapoints."""
    n, dim = len(joint), joint.model.latent_dim
    nodes, inside = _scan_lattice(dim, budget)
    scanned = joint.scan(nodes)
    scanned += np.float32(dim * np.log(budget.scan_spacing[dim - 1]))
    mixture = _find_modes(joint, *_starts(scanned, nodes, inside, budget.starts), budget)
    present = mixture.log_weight > -np.inf
    negligible = mixture.log_weight.max(axis=1) - _NEGLIGIBLE_NODE

    value, error = np.full(n, np.nan), np.full(n, np.inf)
    rounds, lattice_points = np.zeros(n, int), np.zeros(n, int)
    for index in range(budget.rounds):
        active = error > budget.tolerance
        if not active.any():
            break
        refined = max(index - 1, 0)
        radius = budget.radius[dim - 1] + refined
        lattice = _lattice(dim, budget.spacing[dim - 1] * 0.8**refined, radius)
        point, mode = np.nonzero(present & active[:, np.newaxis])
        sums = _integrate(joint, mixture, point, mode, lattice)

        log_shares = np.full(present.shape, -np.inf)
        log_shares[point, mode] = sums.log_integral
        points = np.flatnonzero(active)
        found = logsumexp(log_shares[points], axis=1)
        errors = np.zeros(present.shape)
        errors[point, mode] = sums.error
        weights = np.exp(log_shares[points] - found[:, np.newaxis])
        found_error = (weights * errors[points]).sum(axis=1)
        outside = _log_mass_outside(scanned, nodes, mixture, points, radius, negligible)
        found_error += np.exp(np.minimum(outside - found, 0.0))
        found_error += np.finfo(np.float32).eps * np.abs(found)
        if index:
            # What is left when each round removes two thirds of the error before it.
            found_error = np.maximum(found_error, 0.5 * np.abs(found - value[points]))
        value[points], error[points] = found, found_error
        rounds[points] += 1
        np.add.at(lattice_points, point, len(lattice.nodes))
        mixture = _refit(mixture, point, mode, sums)
    return Estimate(
        value,
        error,
        error <= budget.tolerance,
        {"modes": present.sum(axis=1), "rounds": rounds, "lattice_points": lattice_points},
        joint.evaluations,
    )


def _log_prior(z: np.ndarray) -> np.ndarray:
    """log N(z; 0, I): [..., N_z] -> [...], nats."""
    return -0.5 * (np.square(z).sum(axis=-1) + z.shape[-1] * np.log(2 * np.pi))


def _log_determinant(factor: np.ndarray) -> np.ndarray:
    """log |det A|: [..., N_z, N_z] -> [...]."""
    return np.linalg.slogdet(factor).logabsdet


@functools.cache
def _lattice(dim: int, spacing: float, radius: float) -> _Lattice:
    reach = int(radius / spacing) + 1
    integers = np.array(list(itertools.product(range(-reach, reach + 1), repeat=dim)), float)
    halves = np.concatenate([integers, integers + 0.5]) * spacing
    distance = np.linalg.norm(halves, axis=1)
    inside = distance <= radius
    return _Lattice(
        nodes=halves[inside],
        shifted=np.repeat([False, True], len(integers))[inside],
        layer=((radius - distance[inside]) // (0.5 * spacing)).astype(int),
        spacing=spacing,
    )


def _scan_lattice(dim: int, budget: Budget) -> tuple[np.ndarray, np.ndarray]:
    """The scan's nodes in the ball, [G, N_z], and which cells of a cubic array they are."""
    spacing = budget.scan_spacing[dim - 1]
    reach = int(budget.scan_radius / spacing)
    axis = spacing * np.arange(-reach, reach + 1)
    cube = np.stack(np.meshgrid(*[axis] * dim, indexing="ij"), axis=-1)
    inside = np.linalg.norm(cube, axis=-1) <= budget.scan_radius
    return cube[inside], inside


def _starts(
    scanned: np.ndarray, nodes: np.ndarray, inside: np.ndarray, most: int
) -> tuple[np.ndarray, np.ndarray]:
    """The highest local maxima of the scan [n, G], ``most`` a datapoint: [S], [S, N_z]."""
    cells = np.flatnonzero(inside)
    points, maxima = [], []
    for part in _slices(len(scanned), 8):
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


def _climb(
    joint: _Joint, point: np.ndarray, z: np.ndarray
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
    for _ in range(_NEWTON_STEPS):
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


def _find_modes(joint: _Joint, point: np.ndarray, start: np.ndarray, budget: Budget) -> _Mixture:
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
    mixture = _Mixture(
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


def _integrate(
    joint: _Joint, mixture: _Mixture, point: np.ndarray, mode: np.ndarray, lattice: _Lattice
) -> _Sums:
    """Integrate the shares of the modes ``mode`` of the datapoints ``point``, [J] each."""
    several = (mixture.log_weight > -np.inf).sum(axis=1) > 1
    parts = []
    for part in _slices(len(point), max(1, _MAX_NODES_IN_MEMORY // len(lattice.nodes))):
        owner, own = point[part], mode[part]
        mean, factor = mixture.mean[owner, own], mixture.factor[owner, own]
        z = mean[:, np.newaxis] + lattice.nodes @ factor.swapaxes(1, 2)
        log_mass = joint.at(owner, z) + lattice.log_cell + _log_determinant(factor)[:, np.newaxis]
        shared = several[owner]
        log_mass[shared] += mixture.log_share(owner[shared], own[shared], z[shared])
        parts.append(_sums(log_mass, lattice))
    return _Sums(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))


def _sums(log_mass: np.ndarray, lattice: _Lattice) -> _Sums:
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
    return _Sums(log_integral, mean, covariance, resolution + boundary)


def _refit(mixture: _Mixture, point: np.ndarray, mode: np.ndarray, sums: _Sums) -> _Mixture:
    """The mixture with the moments that the lattices around J modes have found."""
    log_weight, mean, factor = (part.copy() for part in mixture)
    variances, axes = np.linalg.eigh(sums.covariance)
    # On a lattice that is too coarse all mass may lie on one node.
    scale = np.sqrt(np.clip(variances, 0.05, 20.0))
    old = factor[point, mode]
    log_weight[point, mode] = sums.log_integral
    mean[point, mode] += np.einsum("jab,jb->ja", old, sums.mean)
    factor[point, mode] = old @ (axes * scale[:, np.newaxis])
    return _Mixture(log_weight, mean, factor)


def _log_mass_outside(
    log_mass: np.ndarray,
    nodes: np.ndarray,
    mixture: _Mixture,
    points: np.ndarray,
    radius: float,
    negligible: np.ndarray,
) -> np.ndarray:
    """Log of the integral over all z outside the lattices of each of ``points``, from the scan.

    Args:
        log_mass: log p(x, z) plus the log volume of a cell, at the scan's nodes, [n, G], nats.
        nodes: [G, N_z].
        mixture: where the lattices are.
        points: [P], indices of datapoints.
        radius: of the lattices.
        negligible: log mass below which a datapoint's node is left out, [n], nats.

    Returns:
        [P], nats.
    """
    found = np.full(len(points), -np.inf)
    for index, point in enumerate(points):
        node = np.flatnonzero(log_mass[point] > negligible[point])
        present = mixture.log_weight[point] > -np.inf
        its = _Mixture(*(part[np.newaxis, point, present] for part in mixture))
        whitened = its.whitened(np.array([0]), nodes[np.newaxis, node])[0]
        squares = np.square(whitened).sum(axis=-1)
        outside = node[squares.min(axis=1) > radius**2]
        found[index] = np.logaddexp.reduce(log_mass[point, outside], dtype=np.float64)
    return found


def _rank(sorted_labels: np.ndarray) -> np.ndarray:
    """How many equal labels come before each label."""
    index = np.arange(len(sorted_labels))
    first = np.concatenate([[True], sorted_labels[1:] != sorted_labels[:-1]])
    return index - np.maximum.accumulate(np.where(first, index, 0))


def _slices(n: int, size: int) -> list[slice]:
    """0 … n − 1 in pieces of ``size``."""
    return [slice(start, min(start + size, n)) for start in range(0, n, size)]


def _pad(array: np.ndarray, size: int, axis: int = 0) -> np.ndarray:
    """Zeros after the last entry, up to ``size`` entries."""
    padding = [(0, 0)] * array.ndim
    padding[axis] = (0, size - array.shape[axis])
    return np.pad(array, padding)
