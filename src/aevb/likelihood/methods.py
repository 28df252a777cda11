"""The estimators by name, and their settings."""

from types import ModuleType
from typing import Any

from aevb.errors import ConfigError
from aevb.likelihood import ais, harmonic, importance, quadrature

METHODS: dict[str, ModuleType] = {
    "harmonic": harmonic,
    "importance": importance,
    "ais": ais,
    "quadrature": quadrature,
}


def budget(settings: dict[str, Any]) -> tuple[ModuleType, Any]:
    """The module and the budget that the settings of one estimator ask for.

    Args:
        settings: ``method`` and any fields of that module's ``Budget``.

    Raises:
        ConfigError: an unknown method or field, or a budget that makes no sense.
    """
    values = dict(settings)
    method = values.pop("method", None)
    if method not in METHODS:
        raise ConfigError(f"estimator: unknown method {method!r}; allowed: {', '.join(METHODS)}")
    module = METHODS[method]
    unknown = sorted(set(values) - set(module.Budget._fields))
    if unknown:
        raise ConfigError(
            f"estimator: {method} has no setting {', '.join(map(repr, unknown))};"
            f" allowed: {', '.join(module.Budget._fields)}"
        )
    spent = module.Budget(**values)
    try:
        module.check(spent)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"estimator: {method}: {error}") from None
    return module, spent
