"""Distributions of z that can be reparameterised (§2.4).

Those that serve as q(z|x) are here; all that the paper names, each with its transformation and the
check of its gradients, are in :mod:`~aevb.models.posteriors.reparameterisations`.
"""

from aevb.models.posteriors.location_scale import (
    KINDS,
    STUDENT_T_DF,
    LocationScale,
    entropy,
    log_prob,
    negative_kl,
    noise,
)

__all__ = [
    "KINDS",
    "STUDENT_T_DF",
    "LocationScale",
    "entropy",
    "log_prob",
    "negative_kl",
    "noise",
]
