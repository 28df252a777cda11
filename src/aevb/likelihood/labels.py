"""What tables and figures call the estimators of log p(x). Needs no TensorFlow."""

from collections.abc import Mapping
from typing import Any

DEFAULTS = {"harmonic": {"density": "kernel", "samples": 50}, "importance": {"samples": 5000}}
"""What a label shows of a budget, where the settings do not say it."""

BACKWARD = " backward"
"""What annealed importance sampling is called that runs from posterior samples to the prior."""


def labels(estimators: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """The label of each estimator; two of the same method and size are told apart by their names.

    Args:
        estimators: settings by name, as :func:`aevb.likelihood.methods.budget` takes them.
    """
    found: dict[str, str] = {}
    for name, settings in estimators.items():
        label = _label(name, DEFAULTS.get(settings["method"], {}) | dict(settings))
        found[name] = f"{label} [{name}]" if label in found.values() else label
    return found


def _label(name: str, settings: Mapping[str, Any]) -> str:
    if settings["method"] == "harmonic":
        whose = f" ({name})" if name in ("paper", "library") else ""
        return f"harmonic {settings['density']}, {settings['samples']}{whose}"
    if settings["method"] == "importance":
        return f"importance, {settings['samples']}"
    return {"ais": "AIS"}.get(settings["method"], settings["method"])
