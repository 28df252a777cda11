"""The verdicts for people and for machines: tables, Markdown, JUnit XML, a coloured terminal."""

import math
from collections.abc import Iterable, Sequence

import junitparser
import pandas as pd
from rich.console import Console
from rich.table import Table

from aevb.audit.cases import Case
from aevb.audit.claims import FAILED, KINDS, KNOWN, OPEN, PASSES, SKIPPED, Verdict
from aevb.audit.record import GAP, OK, WRONG, Finding
from aevb.tables import pages

_WIDTH = 120
"""Of the terminal's tables where they are written to a file."""

_STYLES = {PASSES: "green", KNOWN: "yellow", FAILED: "bold red", OPEN: "cyan", SKIPPED: "dim"}


def claims_table(verdicts: Iterable[Verdict]) -> pd.DataFrame:
    """One row a claim: ``claim, kind, section, figure, says, verdict, status, holding, cases,
    expected, decisive, why``; ``expected`` is the number of cases that the record must have, empty
    where that is not known, ``decisive`` the case that decides, in words."""
    return pd.DataFrame(
        {
            "claim": verdict.claim.name,
            "kind": verdict.claim.kind,
            "section": verdict.claim.section,
            "figure": verdict.claim.figure,
            "says": verdict.claim.says,
            "verdict": verdict.verdict,
            "status": verdict.status,
            "holding": verdict.holding,
            "cases": len(verdict.cases),
            "expected": "" if verdict.expected is None else verdict.expected,
            "decisive": describe(verdict.worst) if verdict.worst else "",
            "why": verdict.why,
        }
        for verdict in verdicts
    )


def cases_table(verdicts: Iterable[Verdict]) -> pd.DataFrame:
    """One row a case: ``claim`` and the fields of :class:`aevb.audit.cases.Case`."""
    rows = [
        {"claim": verdict.claim.name, **case._asdict()}
        for verdict in verdicts
        for case in verdict.cases
    ]
    return pd.DataFrame(rows, columns=["claim", *(f for f in Case._fields if f != "panel")])


def record_table(findings: Iterable[Finding]) -> pd.DataFrame:
    """One row a check of the record: ``check, outcome, detail``."""
    return pd.DataFrame(list(findings), columns=list(Finding._fields))


def describe(case: Case) -> str:
    """A case in words: ``name: value [low, high], wanted: …``."""
    value = _number(case.value)
    if case.high > case.low:
        value += f" [{_number(case.low)}, {_number(case.high)}]"
    return f"{case.name}: {value}, wanted {_limits(case)}"


def markdown(verdicts: Sequence[Verdict], findings: Sequence[Finding], scale: str) -> str:
    """Both tables as one page of Markdown."""
    parts = [f"# Audit of results/{scale}", summary(verdicts, findings)]
    claims = claims_table(verdicts)
    for kind, title in KINDS.items():
        rows = claims[claims["kind"] == kind]
        shown = pd.DataFrame(
            {
                "§": rows["section"],
                "claim": rows["says"],
                "verdict": rows["verdict"],
                "cases that hold": _shares(rows),
                "the case that decides (nats)": rows["decisive"],
                "note": rows["why"],
            }
        )
        parts += [f"## {title}", shown.to_markdown(index=False)]
    parts += ["## The record", record_table(findings).to_markdown(index=False)]
    return "\n\n".join(parts) + "\n"


def verdicts_markdown(claims: pd.DataFrame) -> str:
    """The verdicts alone, as the tables of docs/verdicts.md, from :func:`claims_table`."""
    parts = []
    for kind, title in KINDS.items():
        rows = claims[claims["kind"] == kind]
        shown = pd.DataFrame(
            {
                "what is checked": rows["says"],
                "§": rows["section"],
                "verdict": rows["verdict"],
                "cases that hold": _shares(rows),
            }
        )
        table = shown.to_markdown(index=False, disable_numparse=True, tablefmt="github")
        parts.append(f"## {title}\n\n{table}\n")
    return "\n".join(parts)


def page(verdicts: Sequence[Verdict], findings: Sequence[Finding]) -> str:
    """Both tables as a page of HTML, for the report."""
    claims = claims_table(verdicts)
    shown = claims.assign(kind=claims["kind"].map(KINDS), hold=_shares(claims))
    columns = ["kind", "section", "says", "verdict", "hold", "decisive", "why"]
    return pages.table(shown[columns], left=7, wrap=True) + pages.table(
        record_table(findings), left=3, wrap=True
    )


def summary(verdicts: Sequence[Verdict], findings: Sequence[Finding]) -> str:
    """All in a few sentences, one for each kind of verdict."""
    told = []
    for kind, title in KINDS.items():
        counts = pd.Series(
            [one.verdict for one in verdicts if one.claim.kind == kind]
        ).value_counts()
        if len(counts):
            verdict_counts = ", ".join(f"{n} {verdict}" for verdict, n in counts.items())
            told.append(f"{title}: {counts.sum()}, {verdict_counts}.")
    wrong = sum(finding.outcome == WRONG for finding in findings)
    failing = sum(verdict.status == FAILED for verdict in verdicts)
    gaps = sum(finding.outcome == GAP for finding in findings)
    known = f" but for {gaps} known gap{'s' if gaps > 1 else ''}" if gaps else ""
    record = f"the record is sound{known}"
    record = f"{wrong} checks of the record fail" if wrong else record
    regressions = "no regression" if not failing else f"{failing} verdicts regress"
    told.append(f"{regressions[0].upper()}{regressions[1:]}; {record}.")
    return " ".join(told)


def terminal(verdicts: Sequence[Verdict], findings: Sequence[Finding], scale: str) -> str:
    """Both tables for a terminal, in colours where it has them."""
    screen = Console()
    console = Console(width=screen.width if screen.is_terminal else _WIDTH)
    console.begin_capture()
    for kind, title in KINDS.items():
        table = Table(title=f"{title}, results/{scale}", title_justify="left")
        for column in ("claim", "§", "verdict", "hold", "the case that decides; note"):
            table.add_column(column, overflow="fold")
        for verdict in verdicts:
            if verdict.claim.kind != kind:
                continue
            told = [describe(verdict.worst)] if verdict.worst else []
            table.add_row(
                verdict.claim.name.replace("_", " "),
                verdict.claim.section,
                f"[{_STYLES[verdict.status]}]{verdict.verdict}[/]",
                _share(verdict.holding, len(verdict.cases), verdict.expected, "/"),
                "; ".join([*told, *([verdict.why] if verdict.why else [])]).replace("[", r"\["),
            )
        console.print(table)
    table = Table(title="The record", title_justify="left")
    for column in ("check", "outcome", "detail"):
        table.add_column(column, overflow="fold")
    styles = {OK: "green", WRONG: "bold red", GAP: "yellow"}
    for finding in findings:
        style = styles.get(finding.outcome, "dim")
        detail = finding.detail.replace("[", r"\[")
        table.add_row(finding.check, f"[{style}]{finding.outcome}[/]", detail)
    console.print(table)
    console.print(summary(verdicts, findings))
    return console.end_capture()


def junit(verdicts: Sequence[Verdict], findings: Sequence[Finding], scale: str) -> str:
    """Both as JUnit XML. A claim that was not run, or differs as is known, is a skipped test with
    the reason, as a test that is expected to fail."""
    claims = junitparser.TestSuite(f"claims of the paper, {scale}")
    for verdict in verdicts:
        test = junitparser.TestCase(verdict.claim.name, f"aevb.audit.{scale}.claims")
        told = [verdict.verdict, *([verdict.why] if verdict.why else [])]
        if verdict.status == FAILED:
            failing = [describe(case) for case in verdict.cases if case.outcome != "holds"]
            test.result = [junitparser.Failure(": ".join(told))]
            test.result[0].text = "\n".join(failing)
        elif verdict.status != PASSES:
            test.result = [junitparser.Skipped(": ".join(told))]
        claims.add_testcase(test)
    record = junitparser.TestSuite(f"the record, {scale}")
    for finding in findings:
        test = junitparser.TestCase(finding.check, f"aevb.audit.{scale}.record")
        if finding.outcome == WRONG:
            test.result = [junitparser.Failure(finding.detail)]
        elif finding.outcome != OK:
            test.result = [junitparser.Skipped(finding.detail)]
        record.add_testcase(test)
    document = junitparser.JUnitXml()
    for suite in (claims, record):
        document.add_testsuite(suite)
    return document.tostring().decode() + "\n"


def _shares(claims: pd.DataFrame) -> list[str]:
    counts = zip(claims["holding"], claims["cases"], claims["expected"], strict=True)
    return [_share(*numbers, " of ") for numbers in counts]


def _share(holding: int, cases: int, expected: int | str | None, of: str) -> str:
    """The cases that hold, of those that there are, or of those that there must be where some are
    missing."""
    wanted = max(cases, expected or 0)
    return f"{holding}{of}{wanted}" if wanted else ""


def _number(value: float) -> str:
    return f"{value:.4g}" if abs(value) < 1e6 else f"{value:,.0f}"


def _limits(case: Case) -> str:
    if case.least == case.most:
        return _number(case.least)
    if math.isinf(case.most):
        return f"≥ {_number(case.least)}"
    if math.isinf(case.least):
        return f"≤ {_number(case.most)}"
    return f"{_number(case.least)} to {_number(case.most)}"
