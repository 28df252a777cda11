"""What tables and figures call the estimators of log p(x). Needs no TensorFlow."""

from collections.abc import Mapping

from aevb.likelihood.methods.base import Method

ABOVE = " backward"
"""After the label of a two-sided estimator, where its values are from above: the chains of AIS then
run from posterior samples to the prior."""


def labels(methods: Mapping[str, Method]) -> dict[str, str]:
    """The label of each estimator by its name; two of the same method and size are told apart by
    their names."""
    found: dict[str, str] = {}
    for name, one in methods.items():
        label = one.label(name)
        found[name] = f"{label} [{name}]" if label in found.values() else label
    return found
