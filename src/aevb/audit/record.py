"""A finished record as the audit has it, and what a check of it finds."""

from collections.abc import Sequence
from copy import deepcopy
from functools import reduce
from operator import getitem
from pathlib import Path
from typing import NamedTuple

from aevb import catalogue
from aevb.audit import manifest
from aevb.audit.expected import Expected, Gap, rows
from aevb.audit.tables import Tables
from aevb.errors import AevbError, DataError
from aevb.schema.reading import validate
from aevb.settings.configuration import Configuration
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
    given: dict
    """The configuration as it is given; ``outputs`` are those of what the record is made with."""

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
    everything = Outputs(settings, definitions, scale, lambda dataset: dataset not in left_out)
    here = [gap for gap in gaps if gap.checkout == contents.checkout]
    outputs = everything._replace(settings=_older(settings, here))
    here = [gap._replace(products=_lacking(gap, everything)) for gap in here]
    wanted = Expected(rows(outputs), resources, here)
    tables = Tables(folder, resources)
    return Record(Path(folder), tables, outputs, wanted, contents, damage, settings)


def _lacking(gap: Gap, outputs: Outputs) -> tuple[catalogue.Product, ...]:
    """The products that are made of the part of a configuration that a gap names."""
    if not gap.part:
        return ()
    older = outputs._replace(settings=_older(outputs.settings, [gap]))
    asked = {one.name for one in catalogue.made(older)}
    return tuple(one for one in catalogue.made(outputs) if one.name not in asked)


def _older(settings: dict, gaps: Sequence[Gap]) -> dict:
    """The configuration with nothing said of the parts that a record is older than, and with the
    settings that it was made with."""
    older = deepcopy(settings)
    for gap in gaps:
        if gap.part:
            for table in (older["figures"], *older["scales"].values()):
                table.pop(gap.part, None)
        if gap.setting:
            *above, key = gap.setting.split(".")
            reduce(getitem, above, older)[key] = gap.was
    return validate(Configuration, older, "config").model_dump()


def in_words(error: Exception) -> str:
    """What is wrong with a file that raised one of DAMAGE."""
    text = " ".join(str(error).split())
    return text if isinstance(error, AevbError) else f"a damaged file ({text})"
