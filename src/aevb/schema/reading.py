"""Reading a person's YAML, and checking it against a model."""

from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import TypeAdapter, ValidationError

from aevb.errors import ConfigError
from aevb.schema.explain import explain, one_line
from aevb.schema.writing import json_schema

Kind = TypeVar("Kind")
_FAST_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_yaml(path: Path) -> Any:
    """The content of a YAML file; ConfigError when it is missing or no YAML."""
    try:
        text = Path(path).read_text(encoding="utf-8")
        try:
            return yaml.load(text, _FAST_LOADER)
        except yaml.YAMLError:
            # This one's message says more.
            return yaml.safe_load(text)
    except FileNotFoundError:
        remedy = "go to the checkout, or give its path (--help names the option)"
        raise ConfigError(f"{path}: there is no such file; {remedy}") from None
    except yaml.YAMLError as error:
        place = getattr(error, "problem_mark", None)
        line = f" line {place.line + 1}" if place else ""
        raise ConfigError(f"{path}:{line} is not valid YAML: {one_line(error)}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: is not text in UTF-8") from None


def validate(kind: type[Kind], values: Any, name: str) -> Kind:
    """``values`` as a table of this kind, with what they leave out; they stay as they are.

    Raises:
        ConfigError: one line that names the key, what is wrong and what is allowed.
    """
    try:
        return TypeAdapter(kind).validate_python(values)
    except ValidationError as error:
        raise ConfigError(f"{name}: {explain(error, json_schema(kind))}") from None
