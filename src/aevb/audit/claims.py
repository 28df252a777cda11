"""The paper's claims, read from config/claims.yaml, and the verdict on each."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from aevb.audit.cases import FAILS, HOLDS, UNDECIDED, Case
from aevb.audit.claims_file import ClaimsFile
from aevb.audit.expected import Expected, Gap
from aevb.audit.rules import RULES
from aevb.audit.tables import MissingTable, Tables, as_list, same
from aevb.errors import ConfigError
from aevb.schema.reading import read_yaml, validate

KINDS = {
    "claim": "Claims of the paper",
    "curves": "Agreement with the paper's curves",
    "future": "Future work, tried",
    "software": "Checks of this software",
}
"""The kinds of verdict, which say different things, with their titles."""

REPLICATED, PARTLY, NOT_REPLICATED = "replicated", "partly", "not replicated"
NOT_DECIDED = "undecided"
NOT_RUN = "not run at this scale"
"""From best to worst; what is undecided or was not run says nothing."""

PASSES, KNOWN, FAILED = "passes", "known difference", "fails"
OPEN, SKIPPED = "undecided", "not run"
"""What a verdict means for the audit's exit status: only FAILED fails."""


class Check(NamedTuple):
    """One rule with its parameters."""

    rule: str
    parameters: dict


class Differing(NamedTuple):
    """Cases that may fail: those whose panels have these values, at most ``cases`` of them."""

    panels: dict[str, Any]
    cases: int | None


class Known(NamedTuple):
    """Differences from the paper that are known and explained, at one scale."""

    differs: tuple[Differing, ...]
    why: str

    def unexpected(self, cases: Sequence[Case]) -> list[Case]:
        """The cases that fail though nothing is known of them. All the cases of a group count as
        such where more of it fail than may."""
        found = [case for case in cases if case.outcome == FAILS]
        for group in self.differs:
            inside = [case for case in found if _has(case.panel, group.panels)]
            if group.cases is None or len(inside) <= group.cases:
                found = [case for case in found if case not in inside]
        return found


class Claim(NamedTuple):
    """One claim of the paper."""

    name: str
    says: str
    kind: str
    section: str
    figure: str
    scale: str | None
    until: str | None
    mostly: float
    checks: tuple[Check, ...]
    known: dict[str, Known]


class Verdict(NamedTuple):
    """What an audit finds of one claim.

    ``why`` says why it was not run, explains a known difference, or says what fails. ``expected``
    is the number of cases that the record's configuration and data ask for, None where that is not
    known.
    """

    claim: Claim
    verdict: str
    status: str
    why: str
    cases: tuple[Case, ...]
    expected: int | None = None

    @property
    def holding(self) -> int:
        """The number of cases that hold."""
        return sum(case.outcome == HOLDS for case in self.cases)

    @property
    def worst(self) -> Case | None:
        """A case that decides the verdict: one that fails if any does, else the tightest."""
        if not self.cases:
            return None
        return min(self.cases, key=_slack)


class Claims(NamedTuple):
    """All claims, the names of the scales that they speak of, from the smallest on, and the known
    gaps of records."""

    scales: tuple[str, ...]
    claims: tuple[Claim, ...]
    gaps: tuple[Gap, ...]


def read_claims(path: Path) -> Claims:
    """The claims of a file, checked.

    Args:
        path: of claims.yaml.

    Raises:
        ConfigError: one line that names the claim, the key and what is allowed.
    """
    content = validate(ClaimsFile, read_yaml(path) or {}, str(path)).model_dump()
    claims, scales = [], content["scales"]
    for name, entry in content["claims"].items():
        for scale in (entry["scale"] or scales[0], entry["until"] or scales[-1], *entry["known"]):
            if scale not in scales:
                raise ConfigError(
                    f"{path}: claims.{name}: scale {scale!r} is unknown; allowed:"
                    f" {', '.join(scales)}"
                )
        checks = [Check(rule, values) for one in entry["checks"] for rule, values in one.items()]
        known = {scale: _known(**values) for scale, values in entry["known"].items()}
        claims.append(Claim(name, **entry | {"checks": tuple(checks), "known": known}))
    gaps = tuple(Gap(**gap) for gap in content["gaps"])
    return Claims(tuple(scales), tuple(claims), gaps)


def assess_all(
    claims: Claims, tables: Tables, scale: str, expected: Expected | None = None
) -> list[Verdict]:
    """The verdict on each claim; see :func:`assess`."""
    return [assess(claim, tables, scale, claims.scales, expected) for claim in claims.claims]


def assess(
    claim: Claim,
    tables: Tables,
    scale: str,
    scales: Sequence[str],
    expected: Expected | None = None,
) -> Verdict:
    """Check one claim on a finished record.

    A case that fails though it is not known to is a regression, and so are fewer cases than are
    expected of the record; one that is undecided is not.

    Args:
        claim: the claim.
        tables: of the record.
        scale: the record's scale; on one that ``scales`` does not have, nothing is checked.
        scales: the scales that the claims speak of, from the smallest on.
        expected: the rows that the record must have; None where nothing is known of them.

    Raises:
        ConfigError: a claim names a column that its table does not have.
        DataError: a table is damaged.
    """
    why = _not_here(claim, scale, scales)
    if why:
        return Verdict(claim, NOT_RUN, SKIPPED, why, ())
    cases: list[Case] = []
    absent: list[str] = []
    unchecked: list[str] = []
    asked = [expected and expected.count(RULES[rule], values) for rule, values in claim.checks]
    wanted = None if None in asked else sum(asked)
    for rule, parameters in claim.checks:
        if expected:
            older = [gap.why for gap in expected.gaps if gap.has(parameters.get("table"))]
            absent, unchecked = absent + older, unchecked + older
        try:
            found = RULES[rule](tables, **parameters)
        except MissingTable as error:
            absent.append(str(error))
            continue
        except ConfigError as error:
            raise ConfigError(f"{claim.name}: {error}") from None
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            # What a damaged table may raise is not to be foreseen.
            why = f"its table cannot be used ({' '.join(str(error).split())})"
            return Verdict(claim, NOT_REPLICATED, FAILED, why, (), wanted)
        if not found:
            table = parameters.get("table") or f"figures/{parameters.get('figure')}.csv"
            absent.append(f"{table} has no rows for this")
        cases += found
    why = "; ".join(dict.fromkeys(absent))
    verdict = grade(cases, claim.mostly) if cases else NOT_RUN
    found = Verdict(claim, verdict, FAILED, why, tuple(cases), wanted)
    if wanted is not None and len(cases) < wanted:
        lost = f"{wanted - len(cases)} of {wanted} cases are missing"
        return found._replace(why="; ".join([lost, *dict.fromkeys(absent)]))
    if not cases:
        return found._replace(status=SKIPPED)
    if verdict == REPLICATED and unchecked:
        what = f"a part is not checked: {'; '.join(dict.fromkeys(unchecked))}"
        return found._replace(verdict=NOT_DECIDED, status=OPEN, why=what)
    if verdict == REPLICATED:
        return found._replace(status=PASSES, why="")
    known = claim.known.get(scale, Known((), ""))
    unexpected = known.unexpected(cases)
    if unexpected:
        more = f"{len(unexpected)} cases fail that are not known to, such as {unexpected[0].name}"
        return found._replace(why="; known: ".join([more, *([known.why] if known.why else [])]))
    undecided = [case.why for case in cases if case.outcome == UNDECIDED]
    differs = any(case.outcome == FAILS for case in cases)
    prefix = "" if verdict == NOT_DECIDED else "undecided: "
    told = [*([known.why] if differs else []), *(prefix + one for one in undecided)]
    why = "; ".join(dict.fromkeys(told))
    return found._replace(status=KNOWN if differs else OPEN, why=why)


def grade(cases: Sequence[Case], mostly: float) -> str:
    """The verdict on cases: undecided where less than the share ``mostly`` of them is decided, else
    replicated where all hold, partly where that share of the decided ones does, and else not."""
    holding = sum(case.outcome == HOLDS for case in cases)
    decided = sum(case.outcome != UNDECIDED for case in cases)
    if holding == len(cases):
        return REPLICATED
    if not decided or decided < mostly * len(cases):
        return NOT_DECIDED
    return PARTLY if holding >= mostly * decided else NOT_REPLICATED


def _known(differs: Sequence[dict], why: str) -> Known:
    return Known(tuple(Differing(**group) for group in differs), why)


def _has(panel: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Whether a panel has the values that are wanted, one or a list for each column."""
    return all(
        column in panel and any(same(panel[column], value) for value in as_list(values))
        for column, values in wanted.items()
    )


def _not_here(claim: Claim, scale: str, scales: Sequence[str]) -> str:
    """Why a claim does not apply at a scale; nothing where it does."""
    if scale not in scales:
        return f"the claims know the scales {', '.join(scales)}, not {scale}"
    here = scales.index(scale)
    if claim.scale and here < scales.index(claim.scale):
        return f"applies from the scale {claim.scale} on"
    if claim.until and here > scales.index(claim.until):
        return f"applies up to the scale {claim.until}"
    return ""


def _slack(case: Case) -> tuple[bool, bool, float]:
    """How far a case is from its limits, relative to their size; failing cases come first."""
    room = min(case.low - case.least, case.most - case.high)
    size = max(abs(limit) for limit in (case.least, case.most, 1.0) if abs(limit) != float("inf"))
    return case.outcome != FAILS, case.outcome == HOLDS, room / size
