"""All checks of a record: whether it is whole, unaltered, and of the configuration that it says.

What can be computed again from other files of the record is, and compared, as far as Figures 2 and
3, the runs, the applications and section 2's tables of ratios go; of the rest the hashes and the
numbers are checked.
"""

from collections.abc import Callable

from aevb.audit import configuration, contents, derived, runs
from aevb.audit.record import DAMAGE, OK, WRONG, Finding, Problems, Record, in_words

CHECKS: dict[str, Callable[[Record], tuple[Problems, str]]] = {
    "hashes": contents.hashes,
    "data": contents.data,
    "outputs": contents.outputs,
    "rows": contents.rows_asked,
    "configuration": configuration.as_given,
    "runs": runs.settings,
    "budgets": runs.budgets,
    "curves": runs.curves,
    "kept weights": runs.weights,
    "likelihoods": runs.likelihoods,
    "numbers": contents.numbers,
    "provenance": runs.provenance,
}
"""By name: a function that gives what is wrong, and what to say where nothing is."""


def check(record: Record) -> list[Finding]:
    """All checks of one record."""
    if record.damage:
        return [Finding("manifest", WRONG, record.damage)]
    findings = []
    for name, find in CHECKS.items():
        try:
            findings.append(_finding(name, *find(record)))
        except DAMAGE as error:
            findings.append(Finding(name, WRONG, in_words(error)))
    findings += derived.remade(record)
    findings += [contents.known_gap(record, gap) for gap in record.expected.gaps]
    return findings


def _finding(name: str, problems: Problems, said: str) -> Finding:
    if not problems:
        return Finding(name, OK, said)
    more = f" (and {len(problems) - 3} more)" if len(problems) > 3 else ""
    return Finding(name, WRONG, "; ".join(problems[:3]) + more)
