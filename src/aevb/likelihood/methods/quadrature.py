"""The integral itself, by :mod:`aevb.likelihood.quadrature`."""

from typing import Literal

from aevb.likelihood.methods.base import Method
from aevb.schema.kinds import Count, Positive

MAX_LATENT_DIM = 3
"""The number of lattice points grows exponentially with N_z."""

ForEachSize = tuple[Positive, Positive, Positive]
"""For N_z = 1, 2 and 3."""


class Quadrature(Method):
    """The integral itself, for up to three latent dimensions."""

    method: Literal["quadrature"] = "quadrature"
    numerics = "aevb.likelihood.quadrature"
    max_latent_dim = MAX_LATENT_DIM
    exact = True
    tolerance: Positive = 0.01
    """Nats; a point whose error estimate is above this is flagged."""
    scan_spacing: ForEachSize = (0.05, 0.1, 0.25)
    """Of the lattice that searches for the posterior's mass; for N_z = 1, 2 and 3."""
    scan_radius: Positive = 6.0
    """Of the ball that it covers. The prior has 1e-7 of its mass outside."""
    starts: Count = 8
    """Local maxima of the scan from which modes are sought, at most."""
    spacing: ForEachSize = (0.6, 1.0, 1.4)
    """Of the first lattice's halves, in posterior standard deviations; for N_z = 1, 2 and 3."""
    radius: ForEachSize = (8.0, 5.5, 5.2)
    """Of the first lattice, in posterior standard deviations; for N_z = 1, 2 and 3."""
    rounds: Count = 6
    """Lattices a datapoint may have, at most: the second as fine as the first, each further one
    with 4/5 of the spacing before and a radius larger by one."""


TRUTH = Quadrature()
"""What other estimators are compared with on networks."""
