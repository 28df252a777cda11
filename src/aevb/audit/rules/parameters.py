"""What config/claims.yaml may say to each rule of :mod:`aevb.audit.rules`: its parameters."""

from typing import Annotated, Any, Literal, Self

from pydantic import (
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

from aevb.schema.kinds import (
    NUMBER,
    AnyOf,
    Given,
    NotNegative,
    Number,
    Positive,
    Share,
    SomeOf,
    Table,
    Text,
    Truth,
)

Cell = Annotated[str | bool | int | float, NUMBER]
Where = dict[str, Cell | Annotated[list[Cell], Field(min_length=1)]]
Member = str | int | float
Members = Annotated[list[Member], Field(min_length=1)]
At = Annotated[list[Positive], Field(min_length=1)]


class Rule(Table):
    """What most rules are told."""

    table: Text
    """A table of the record, from its folder on (wildcards allowed), or one under `paper/` (the
    paper's curves) or `reference/`, in resources."""
    where: Where = {}
    """Only rows whose columns have these values, one or a list each."""


class OfValue(Rule):
    """What rules about one column are told."""

    value: Text
    """A column of the table."""
    panels: AnyOf[str] = []
    """Columns; each combination of their values is a case of its own."""


class Order(OfValue):
    """One curve lies above others by at least `margin`, seed by seed."""

    by: Text
    """A column of the table."""
    higher: Member
    """A value of the column `by`."""
    lower: Members
    """Values of the column `by`."""
    along: str | None = None
    """A column of the table; null for none."""
    cost: str | None = None
    """A column by which `along` is multiplied, so that curves are compared at equal cost; null for
    none."""
    at: At | None = None
    """Where along the curve to compare; null for the last place that both reach."""
    margin: Number = 0.0
    """The least difference."""


class Gap(OfValue):
    """The gap between training and test of the larger model exceeds that of smaller ones by at
    most `tolerance`, and by at least `least`."""

    by: Text
    """A column of the table."""
    larger: Member
    """A value of the column `by`."""
    smaller: Members
    """Values of the column `by`."""
    along: Text
    """A column of the table."""
    tolerance: Given[NotNegative] = None
    """Nats per datapoint; null for no limit."""
    least: Given[Number] = None
    """Nats per datapoint; null for no limit."""

    @model_validator(mode="after")
    def _has_a_limit(self) -> Self:
        if self.tolerance is None and self.least is None:
            raise ValueError("'tolerance' or 'least' is required")
        return self

    @model_serializer(mode="wrap")
    def _given(self, serialise: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {key: value for key, value in serialise(self).items() if value is not None}


class Faster(OfValue):
    """The slower curve's samples over those that the faster one needs for the same value, at least
    `factor`."""

    by: Text
    """A column of the table."""
    faster: Member
    """A value of the column `by`."""
    slower: Member
    """A value of the column `by`."""
    along: Text
    """A column of the table."""
    factor: Positive = 1.0
    """The least ratio of the sample counts."""


class Scaling(OfValue):
    """The samples that the slower curve needs for what the faster one has at `reached_at` grow by
    at least `factor` from the smaller to the larger training set."""

    by: Text
    """A column of the table."""
    faster: Member
    """A value of the column `by`."""
    slower: Member
    """A value of the column `by`."""
    size: Text
    """A column of the table."""
    larger: Member
    """A value of the column `size`."""
    smaller: Member
    """A value of the column `size`."""
    along: Text
    """A column of the table."""
    reached_at: Positive
    """A place along the faster curve."""
    factor: Positive
    """The least ratio of the sample counts."""


class Grain(Rule):
    """The least samples between two points of a curve, over the number of training images, lie from
    `least` to `most`."""

    size: Text
    """A column of the table: the number of training images."""
    panels: AnyOf[str] = []
    """Columns; each combination of their values is a case of its own."""
    along: Text
    """A column of the table."""
    least: Number = 0.0
    """Inclusive."""
    most: Given[Number] = None
    """Inclusive."""

    @model_serializer(mode="wrap")
    def _given(self, serialise: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {key: value for key, value in serialise(self).items() if value is not None}


class Steady(OfValue):
    """The points of a curve scatter about the lines between their neighbours, from a tenth of its
    samples on, with a variance of at most `most`; what is larger decides nothing."""

    along: Text
    """A column of the table."""
    most: Positive
    """Squared nats."""


class Smooth(Rule):
    """A grid of pictures is a smooth manifold: neighbours differ by at most `most` times as much as
    pictures half a grid apart."""

    pictures: Text
    """The archive of the pictures, from the record's folder on."""
    named: Text
    """A column of the table whose values name the pictures."""
    panels: AnyOf[str] = []
    """Columns; each combination of their values has cases of its own."""
    most: Positive
    """Inclusive."""
    apart: NotNegative
    """Least root mean squared difference of pictures half a grid apart, pixels in [0, 1]."""


class Distance(Table):
    """The paper's curve of Figure 2 or 3 lies in the 95 % prediction interval of a further seed of
    ours, at matched sample counts."""

    figure: Literal["fig2", "fig3"]
    """Whose curves."""
    at: At
    """Sample counts."""
    where: Where = {}
    """Only rows whose columns have these values, one or a list each."""
    widest: Positive
    """Half width of the interval, nats, above which agreement says nothing."""


class Limited(OfValue):
    """What rules with limits are told."""

    least: Given[Number] = None
    """Inclusive."""
    most: Given[Number] = None
    """Inclusive."""
    standard_error: str | None = None
    """A column of the table; null for none."""

    @model_validator(mode="after")
    def _has_a_limit(self) -> Self:
        if self.least is None and self.most is None:
            raise ValueError("'least' or 'most' is required")
        return self

    @model_serializer(mode="wrap")
    def _given(self, serialise: SerializerFunctionWrapHandler) -> dict[str, Any]:
        told = serialise(self)
        limits = ("least", "most")
        return {key: told[key] for key in told if key not in limits or told[key] is not None}


class Within(Limited):
    """Each number lies from `least` to `most`."""

    absolute: Truth = False
    """Whether the size of the number is meant."""
    along: str | None = None
    """A column of the table; null for none."""
    at: At | None = None
    """Where along the curve to compare; null for its end."""


class Ratio(Limited):
    """One number over another lies from `least` to `most`, with an error for any correlation of
    those of the two."""

    by: Text
    """A column of the table."""
    over: Member
    """A value of the column `by`."""
    under: Member
    """A value of the column `by`."""
    repeats: AnyOf[str] = []
    """Columns; for each combination of their values the ratio is taken again, and judged is the
    geometric mean over three or more, without standard errors."""
    alike: AnyOf[str] = []
    """Columns in which the two numbers of a pair must agree, with `repeats`."""


class Bounded(OfValue):
    """A lower bound exceeds the exact value by at most `tolerance` at every point of each curve."""

    by: Text
    """A column of the table."""
    bound: Member
    """A value of the column `by`."""
    exact: Member
    """A value of the column `by`."""
    along: Text
    """A column of the table."""
    tolerance: NotNegative
    """Nats per datapoint, for the noise of the bound's estimate."""


class Decline(OfValue):
    """Past `beyond` samples the test value has fallen from its maximum by `least` while the
    training value has risen."""

    along: Text
    """A column of the table."""
    beyond: NotNegative
    """Curves that end before are left out."""
    least: Number
    """Inclusive."""


class Slope(OfValue):
    """The slope on logarithmic axes lies within `tolerance` of `target`."""

    along: Text
    """A column of the table."""
    target: Number
    """The slope."""
    tolerance: NotNegative
    """On either side."""


class Coverage(OfValue):
    """Intervals hold the truth as often as their level says."""

    truth: Text
    """A column of the table."""
    standard_error: Text
    """A column of the table."""
    level: Share = 0.95
    """Of the intervals."""


class Reference(Rule):
    """The numbers of a reference table come out again."""

    value: Text
    """A column of the table."""
    key: SomeOf[str]
    """The columns that tell one number from another."""
    along: str | None = None
    """A column of the table; null for none."""
    numbers: Text
    """A table of the record, from its folder on (wildcards allowed), or one under `paper/` (the
    paper's curves) or `reference/`, in resources."""
    tolerance: NotNegative
    """In the number's unit."""
