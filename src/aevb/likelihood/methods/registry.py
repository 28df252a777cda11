"""The methods of estimating log p(x) that a configuration can ask for: a line each."""

import functools
import operator
import pkgutil
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from aevb.likelihood.methods.base import Method
from aevb.schema.reading import validate

METHODS: tuple[type[Method], ...] = tuple(
    pkgutil.resolve_name(f"aevb.likelihood.methods.{name}")
    for name in (
        "harmonic:Harmonic",
        "importance:Importance",
        "ais:AIS",
        "quadrature:Quadrature",
    )
)
"""In the order in which errors, the schema and config/README.md name them."""

AnyMethod = Annotated[functools.reduce(operator.or_, METHODS), Field(discriminator="method")]
"""An estimator of one of them, told apart by the key ``method``."""


def read_method(settings: Mapping[str, Any], where: str = "estimator") -> Method:
    """An estimator, from the table of its settings, which ``where`` is the name of in errors.

    Raises:
        ConfigError: an unknown method or setting, or settings that make no sense.
    """
    return validate(AnyMethod, dict(settings), where)


def read_methods(estimators: Mapping[str, Mapping[str, Any]]) -> dict[str, Method]:
    """The same of several, by name.

    Raises:
        ConfigError: as :func:`read_method`.
    """
    return {name: read_method(settings, name) for name, settings in estimators.items()}
