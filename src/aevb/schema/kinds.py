"""Kinds of values that settings have, and the base of their tables.

What a key means is the docstring below its field. ``1e6``, which YAML takes for text, is a number
wherever one is meant.
"""

import os
import re
from collections import Counter
from collections.abc import Sequence
from typing import Annotated, Any, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Strict,
    Tag,
)
from pydantic.json_schema import SkipJsonSchema

from aevb.errors import ConfigError

Value = TypeVar("Value")
RULES = ConfigDict(extra="forbid", use_attribute_docstrings=True)
"""Of every table: no other key is allowed."""
ONE, EACH = ":one", ":each"
"""Ways to give a setting, as they stand in the place of an error."""

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


class Table(BaseModel):
    """A table of settings; once checked it stays as it is."""

    model_config = RULES | ConfigDict(frozen=True)


def _number(value: Any) -> Any:
    """Text that looks like a number as that number; one that is whole as an integer."""
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        value = float(value)
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _different(values: Sequence[Any]) -> Sequence[Any]:
    repeated = [str(value) for value, n in Counter(values).items() if n > 1]
    if repeated:
        raise ValueError(f"{', '.join(sorted(repeated))} is named more than once")
    return values


def _way(value: Any) -> str:
    return EACH if isinstance(value, dict | BaseModel) else ONE


NUMBER = BeforeValidator(_number)
DIFFERENT = AfterValidator(_different)
UNIQUE = Field(min_length=1, json_schema_extra={"uniqueItems": True})

Truth = Annotated[bool, Strict()]
Count = Annotated[int, Strict(), Field(ge=1), NUMBER]
"""One or more."""
Natural = Annotated[int, Strict(), Field(ge=0), NUMBER]
"""None or more."""
AtLeastTwo = Annotated[int, Strict(), Field(ge=2), NUMBER]
Number = Annotated[float, Strict(), Field(allow_inf_nan=False), NUMBER]
Positive = Annotated[float, Strict(), Field(gt=0, allow_inf_nan=False), NUMBER]
NotNegative = Annotated[float, Strict(), Field(ge=0, allow_inf_nan=False), NUMBER]
Share = Annotated[float, Strict(), Field(gt=0, lt=1), NUMBER]
"""Between 0 and 1, neither of them."""
Seed = Annotated[int, Strict(), Field(ge=0, le=2**31 - 1), NUMBER]
Text = Annotated[str, Field(min_length=1)]
Name = Annotated[str, Field(pattern="^[a-z][a-z0-9_]*$")]

AnyOf = Annotated[list[Value], Field(json_schema_extra={"uniqueItems": True}), DIFFERENT]
"""A list that may be empty, of which no two are alike."""
SomeOf = Annotated[list[Value], UNIQUE, DIFFERENT]
"""One or more, of which no two are alike."""
Counts = SomeOf[Count]
Seeds = SomeOf[Seed]
LatentDims = dict[str, Counts]
"""Sizes of the latent space by data set."""
Sizes = dict[str, Count]
"""One number by data set."""
Given = Value | SkipJsonSchema[None]
"""For a key that is given or left out."""

PerDataset = Annotated[
    Annotated[Value, Tag(ONE)] | Annotated[dict[str, Value], Field(min_length=1), Tag(EACH)],
    Discriminator(_way),
]
"""One for all data sets, or one for each with ``default`` for the others."""
ByWay = Discriminator(_way)


def for_dataset(value: Any, dataset: str, key: str) -> Any:
    """A setting's value for one data set, where it may be given for each.

    Raises:
        ConfigError: it has no entry for this one, and no default.
    """
    if not isinstance(value, dict):
        return value
    if dataset in value:
        return value[dataset]
    if "default" in value:
        return value["default"]
    raise ConfigError(f"{key}: has no entry for {dataset} and no `default`")


FilePath = Annotated[Text, AfterValidator(os.path.expanduser)]
"""A path, in which ``~`` is the home folder."""
