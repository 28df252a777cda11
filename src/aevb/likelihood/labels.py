"""What tables and figures call the estimators of log p(x). Needs no TensorFlow."""

from collections.abc import Mapping
from typing import Any

from aevb.likelihood.budgets import read_budget

BACKWARD = " backward"
"""What annealed importance sampling is called that runs from posterior samples to the prior."""


def labels(estimators: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """The label of each estimator; two of the same method and size are told apart by their names.

    Args:
        estimators: settings by name, as :func:`aevb.likelihood.methods.budget` takes them.
    """
    found: dict[str, str] = {}
    for name, settings in estimators.items():
        label = read_budget(settings, name).label(name)
        found[name] = f"{label} [{name}]" if label in found.values() else label
    return found
