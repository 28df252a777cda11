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

from aevb.audit.rules.parameters import (
    Bounded,
    Coverage,
    Decline,
    Distance,
    Faster,
    Gap,
    Grain,
    Order,
    Ratio,
    Reference,
    Scaling,
    Slope,
    Smooth,
    Steady,
    Where,
    Within,
)
from aevb.schema.kinds import (
    Count,
    Given,
    Name,
    SomeOf,
    Table,
    Text,
)


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
