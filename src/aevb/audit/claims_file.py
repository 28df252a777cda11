"""What config/claims.yaml may say: each claim of the paper, and the rules of
:mod:`aevb.audit.rules` with their parameters."""

from typing import Annotated, Any, Literal, Self

from pydantic import (
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

from aevb.schema.kinds import (
    NUMBER,
    AnyOf,
    Count,
    Given,
    Name,
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


class Check(Table):
    """One rule with its parameters."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1, "maxProperties": 1})

    order: Given[Order] = None
    gap: Given[Gap] = None
    faster: Given[Faster] = None
    scaling: Given[Scaling] = None
    grain: Given[Grain] = None
    steady: Given[Steady] = None
    distance: Given[Distance] = None
    within: Given[Within] = None
    ratio: Given[Ratio] = None
    bounded: Given[Bounded] = None
    decline: Given[Decline] = None
    slope: Given[Slope] = None
    coverage: Given[Coverage] = None
    reference: Given[Reference] = None
    smooth: Given[Smooth] = None

    @model_validator(mode="after")
    def _is_one_rule(self) -> Self:
        if len(self.model_dump()) != 1:
            raise ValueError(f"one rule is needed, not {len(self.model_dump())}")
        return self

    @model_serializer(mode="wrap")
    def _given(self, serialise: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {rule: told for rule, told in serialise(self).items() if told is not None}


class Differing(Table):
    """Some of the cases."""

    panels: Where = {}
    """Only cases with these values, one or a list each: of the columns that tell the check's cases
    apart, of `at` along a curve, of `lower` and `smaller`."""
    cases: Count | None = None
    """How many of them at most, of one data set; null for all."""


class Known(Table):
    """Differences that are known at one scale."""

    differs: Annotated[list[Differing], Field(min_length=1)]
    """Where cases may fail."""
    why: Text
    """What is known of the cause."""


class Claim(Table):
    """One claim."""

    says: Annotated[str, Field(min_length=1, max_length=110)]
    """The claim in one sentence."""
    kind: Literal["claim", "curves", "future", "software"] = "claim"
    """What it is; something that the paper claims (claim), agreement with its curves (curves), what
    came of its future work (future), or a check of this software, such as a theorem that it must
    obey (software)."""
    section: Text
    """Where the paper makes it."""
    figure: Text
    """The figure or table of ours that shows it."""
    scale: str | None = None
    """The scale from which it applies; null for the smallest."""
    until: str | None = None
    """The last scale to which it applies; null for no end."""
    mostly: Annotated[float, Field(strict=True, ge=0, le=1)] = 0.5
    """The share of cases that must be decided for a verdict, and of these that must hold for the
    verdict "partly"."""
    checks: Annotated[list[Check], Field(min_length=1)]
    """All their cases count alike."""
    known: dict[str, Known] = {}
    """Differences that are known, by scale. Any other case that fails is a regression, so what is
    expected of a record without some of the panels follows. Cases that are undecided, for example
    of fewer than three seeds, are no differences."""


class KnownGap(Table):
    """Rows of a table, or all that a part of the configuration asks for, that one record does not
    have; or a setting that it was made with and that is another now."""

    checkout: Text
    """The record's, as its manifest names it."""
    table: str | None = None
    """A table of the record, from its folder on (wildcards allowed)."""
    where: Where = {}
    """Only rows of the table whose columns have these values, one or a list each."""
    part: str | None = None
    """In place of a table, a key of `figures` and of the scales that is newer than the record."""
    setting: str | None = None
    """In place of both, the place of a setting, such as `figures.fig3.estimators`."""
    was: Any = None
    """What the setting was."""
    why: Text
    """Why it does not have them, and cannot get them cheaply."""

    @model_validator(mode="after")
    def _is_one_gap(self) -> Self:
        given = [self.table, self.part, self.setting]
        if given.count(None) != 2 or bool(self.where) != bool(self.table):
            raise ValueError("a 'table' with 'where' is required, a 'part', or a 'setting'")
        return self


class ClaimsFile(Table):
    """Each claim of the paper, and by which rule it is checked on which finished table."""

    scales: SomeOf[str]
    """The scales that the claims speak of, from the smallest to the largest. On others nothing is
    checked."""
    gaps: list[KnownGap] = []
    """What finished records are known not to have. Anything else that is missing fails, and so
    does a gap that is no longer there."""
    claims: Annotated[dict[Name, Claim], Field(min_length=1)]
    """By a short name."""
