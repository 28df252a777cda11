"""The estimators by name, and their settings."""

from collections.abc import Mapping
from types import ModuleType
from typing import Any

from aevb.likelihood import ais, harmonic, importance, quadrature
from aevb.likelihood.budgets import Budget, read_budget

METHODS: dict[str, ModuleType] = {
    "harmonic": harmonic,
    "importance": importance,
    "ais": ais,
    "quadrature": quadrature,
}


def budget(settings: Mapping[str, Any], where: str = "estimator") -> tuple[ModuleType, Budget]:
    """The module and the budget that the settings of one estimator ask for.

    Args:
        settings: ``method`` and any fields of that module's ``Budget``.
        where: what an error calls them.

    Raises:
        ConfigError: an unknown method or field, or a budget that makes no sense.
    """
    spent = read_budget(settings, where)
    return METHODS[spent.method], spent
