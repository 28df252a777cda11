"""A finished record as the audit has it, and what a check of it finds."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from aevb.audit import manifest
from aevb.audit.expected import Expected, Gap, rows
from aevb.audit.tables import Tables
from aevb.errors import AevbError, DataError
from aevb.workflow.outputs import Outputs, Run

OK, WRONG, ABSENT, GAP = "ok", "wrong", "not there", "known gap"

ROUNDED = 1e-3
"""The last digit that the tables keep, in nats."""

DAMAGE = (AevbError, LookupError, TypeError, ValueError, AttributeError, OSError)
"""What a damaged file may raise: what holds for a sound one does not hold for it."""

Problems = list[str]
"""What is wrong, a sentence each."""


class Finding(NamedTuple):
    """One check of the record: ``outcome`` is ``ok``, ``wrong``, ``not there`` (what would be
    checked is no part of this record) or ``known gap``, ``detail`` says what was checked or what is
    wrong."""

    check: str
    outcome: str
    detail: str


class Record(NamedTuple):
    """What is checked, and against what."""

    folder: Path
    tables: Tables
    outputs: Outputs
    expected: Expected
    contents: manifest.Contents
    damage: str | None
    """What is wrong with the manifest, which then says nothing."""

    @property
    def runs(self) -> list[Run]:
        """The runs that the figures are drawn from, of the data that could be had."""
        return self.outputs.runs()

    def path(self, run: Run, file: str) -> Path:
        """Where a file of a run lies."""
        return self.folder / run.folder / file


def read(
    folder: Path,
    resources: Path,
    settings: dict,
    definitions: dict,
    scale: str,
    gaps: Sequence[Gap] = (),
) -> Record:
    """A finished record, and what it must hold.

    Args:
        folder: ``results/<scale>``.
        resources: where the paper's curves lie.
        settings, definitions: the configuration as :func:`aevb.settings.load` gives it.
        scale: the scale that the folder is said to be of.
        gaps: that are known of any record; those of this one are not expected of it.
    """
    damage = None
    try:
        contents = manifest.read(folder)
    except DataError as error:
        contents, damage = manifest.Contents(scale, {}, {}, {}, None), str(error)
    left_out = contents.left_out
    outputs = Outputs(settings, definitions, scale, lambda dataset: dataset not in left_out)
    here = [gap for gap in gaps if gap.checkout == contents.checkout]
    wanted = Expected(rows(outputs), resources, here)
    return Record(Path(folder), Tables(folder, resources), outputs, wanted, contents, damage)


def in_words(error: Exception) -> str:
    """What is wrong with a file that raised one of DAMAGE."""
    text = " ".join(str(error).split())
    return text if isinstance(error, AevbError) else f"a damaged file ({text})"
