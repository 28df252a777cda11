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
"""

import numpy as np
from scipy.special import logsumexp

from aevb.likelihood.estimate import Estimate
from aevb.likelihood.methods.quadrature import MAX_LATENT_DIM, Quadrature
from aevb.likelihood.model import Model
from aevb.likelihood.quadrature.joint import DATAPOINTS, Joint
from aevb.likelihood.quadrature.lattice import integrate, lattice_of, refit
from aevb.likelihood.quadrature.mixture import Mixture
from aevb.likelihood.quadrature.modes import find_modes, scan_lattice, starts

_NEGLIGIBLE_NODE = 25.0
"""Nats below a datapoint's best mode. There are at most some 1e5 nodes."""

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
        _estimate(Joint(model, x[start : start + DATAPOINTS]), budget)
        for start in range(0, len(x), DATAPOINTS)
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


def _estimate(joint: Joint, budget: Budget) -> Estimate:
    """The estimates of one block of datapoints."""
    n, dim = len(joint), joint.model.latent_dim
    nodes, inside = scan_lattice(dim, budget)
    scanned = joint.scan(nodes)
    scanned += np.float32(dim * np.log(budget.scan_spacing[dim - 1]))
    mixture = find_modes(joint, *starts(scanned, nodes, inside, budget.starts), budget)
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
        lattice = lattice_of(dim, budget.spacing[dim - 1] * 0.8**refined, radius)
        point, mode = np.nonzero(present & active[:, np.newaxis])
        sums = integrate(joint, mixture, point, mode, lattice)

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
        mixture = refit(mixture, point, mode, sums)
    return Estimate(
        value,
        error,
        error <= budget.tolerance,
        {"modes": present.sum(axis=1), "rounds": rounds, "lattice_points": lattice_points},
        joint.evaluations,
    )


def _log_mass_outside(
    log_mass: np.ndarray,
    nodes: np.ndarray,
    mixture: Mixture,
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
        its = Mixture(*(part[np.newaxis, point, present] for part in mixture))
        whitened = its.whitened(np.array([0]), nodes[np.newaxis, node])[0]
        squares = np.square(whitened).sum(axis=-1)
        outside = node[squares.min(axis=1) > radius**2]
        found[index] = np.logaddexp.reduce(log_mass[point, outside], dtype=np.float64)
    return found
