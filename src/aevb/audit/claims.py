"""The paper's claims, read from config/claims.yaml, and the verdict on each."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from aevb.audit.cases import FAILS, HOLDS, Case
from aevb.audit.rules import RULES
from aevb.audit.tables import MissingTable, Tables
from aevb.config import read_yaml, validate
from aevb.errors import ConfigError

REPLICATED, PARTLY, NOT_REPLICATED = "replicated", "partly", "not replicated"
NOT_RUN = "not run at this scale"
VERDICTS = (REPLICATED, PARTLY, NOT_REPLICATED, NOT_RUN)
"""From best to worst; what was not run says nothing."""

PASSES, KNOWN, FAILED, SKIPPED = "passes", "known difference", "fails", "not run"
"""What a verdict means for the audit's exit status: only FAILED fails."""


class Check(NamedTuple):
    """One rule with its parameters."""

    rule: str
    parameters: dict


class Known(NamedTuple):
    """A verdict below "replicated" that is known and explained, at one scale, with the number of
    cases that hold all the same."""

    verdict: str
    holding: int
    why: str


class Claim(NamedTuple):
    """One claim of the paper."""

    name: str
    says: str
    section: str
    figure: str
    scale: str | None
    until: str | None
    mostly: float
    checks: tuple[Check, ...]
    known: dict[str, Known]


class Verdict(NamedTuple):
    """What an audit finds of one claim.

    ``why`` says why it was not run, or explains a known difference.
    """

    claim: Claim
    verdict: str
    status: str
    why: str
    cases: tuple[Case, ...]

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
    """All claims, and the names of the scales that they speak of, from the smallest on."""

    scales: tuple[str, ...]
    claims: tuple[Claim, ...]


def read_claims(path: Path, schemas: Path) -> Claims:
    """The claims of a file, checked against the schema.

    Args:
        path: of claims.yaml.
        schemas: folder of the schemas.

    Raises:
        ConfigError: one line that names the claim, the key and what is allowed.
    """
    schema = read_yaml(schemas / "claims.schema.yaml")
    content = validate(read_yaml(path) or {}, schema, str(path))
    claims, scales = [], content["scales"]
    for name, entry in content["claims"].items():
        for scale in (entry["scale"] or scales[0], entry["until"] or scales[-1], *entry["known"]):
            if scale not in scales:
                raise ConfigError(
                    f"{path}: claims.{name}: scale {scale!r} is unknown; allowed:"
                    f" {', '.join(scales)}"
                )
        checks = [Check(rule, values) for one in entry["checks"] for rule, values in one.items()]
        known = {scale: Known(**values) for scale, values in entry["known"].items()}
        claims.append(Claim(name, **entry | {"checks": tuple(checks), "known": known}))
    return Claims(tuple(scales), tuple(claims))


def assess_all(claims: Claims, tables: Tables, scale: str) -> list[Verdict]:
    """The verdict on each claim; see :func:`assess`."""
    return [assess(claim, tables, scale, claims.scales) for claim in claims.claims]


def assess(claim: Claim, tables: Tables, scale: str, scales: Sequence[str]) -> Verdict:
    """Check one claim on a finished record.

    Where at least the share ``mostly`` of the cases holds the claim is partly replicated. A
    verdict as known or better passes, if no fewer cases hold than is known.

    Args:
        claim: the claim.
        tables: of the record.
        scale: the record's scale; on one that ``scales`` does not have, nothing is checked.
        scales: the scales that the claims speak of, from the smallest on.

    Raises:
        ConfigError: a claim names a column that its table does not have.
        DataError: a table is damaged.
    """
    why = _not_here(claim, scale, scales)
    if why:
        return Verdict(claim, NOT_RUN, SKIPPED, why, ())
    cases: list[Case] = []
    absent: list[str] = []
    for rule, parameters in claim.checks:
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
            return Verdict(claim, NOT_REPLICATED, FAILED, why, ())
        if not found:
            table = parameters.get("table") or f"figures/{parameters.get('figure')}.csv"
            absent.append(f"{table} has no rows for this")
        cases += found
    if not cases:
        return Verdict(claim, NOT_RUN, SKIPPED, "; ".join(dict.fromkeys(absent)), ())
    verdict = grade(cases, claim.mostly)
    known = claim.known.get(scale)
    if verdict == REPLICATED:
        return Verdict(claim, verdict, PASSES, "", tuple(cases))
    found = Verdict(claim, verdict, FAILED, "", tuple(cases))
    if known is None:
        return found
    as_good = VERDICTS.index(verdict) <= VERDICTS.index(known.verdict)
    if as_good and found.holding >= known.holding:
        return found._replace(status=KNOWN, why=known.why)
    worse = f"worse than the known difference ({known.verdict}, {known.holding} cases hold)"
    return found._replace(why=f"{worse}: {known.why}")


def grade(cases: Sequence[Case], mostly: float) -> str:
    """The verdict on cases: replicated where all hold, partly where the share ``mostly`` does or
    none of them fails outright."""
    holding = sum(case.outcome == HOLDS for case in cases)
    if holding == len(cases):
        return REPLICATED
    undecided = all(case.outcome != FAILS for case in cases)
    return PARTLY if undecided or holding >= mostly * len(cases) else NOT_REPLICATED


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
