"""What every estimator of log p(x) returns."""

from typing import NamedTuple

import numpy as np


class Estimate(NamedTuple):
    """Estimates of log p(x), one for each of n datapoints."""

    value: np.ndarray
    """[n], float64, nats."""
    standard_error: np.ndarray
    """[n], float64, nats: the estimator's own idea of its error, which may be wrong."""
    passed: np.ndarray
    """[n], bool: whether the point passes the estimator's gate. A point that does not is flagged
    in every table; its value is reported all the same."""
    diagnostics: dict[str, np.ndarray]
    """Further numbers for each point, [n] each; which ones, the estimator's docstring says."""
    likelihood_evaluations: int
    """How often log p(x|z) was computed for one z and one x, with its gradient or without, all
    datapoints together."""

    def of(self, points: slice) -> "Estimate":
        """That of some of the datapoints, which took as many evaluations as the others."""
        value, error, passed = (part[points] for part in self[:3])
        diagnostics = {name: each[points] for name, each in self.diagnostics.items()}
        evaluations = self.likelihood_evaluations * len(value) // len(self.value)
        return Estimate(value, error, passed, diagnostics, evaluations)
