"""What an entry of the catalogue says of a figure, table or page, and of the commands behind it.

Files are named by their paths below ``results/<scale>``. What depends on the configuration and on
the data sets at hand is a function of :class:`~aevb.workflow.outputs.Outputs`.
"""

import importlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from types import ModuleType
from typing import Any

from aevb.catalogue.rows import Part
from aevb.workflow.outputs import Outputs, several

Needs = str | Callable[[Outputs], list[str]]
"""One file, or several as the configuration says."""


@dataclass(frozen=True)
class Table:
    """A table that a product has, drawn or computed.

    Args:
        file: its path.
        columns: their names, separated by blanks.
        may_be_empty: those in which an empty cell says that there is no such number, not that it is
            lost.
        rows: the rows that it must have, whatever others it has.
    """

    file: str
    columns: str
    may_be_empty: str = ""
    rows: Callable[[Outputs], Iterable[Part]] | None = None


@dataclass(frozen=True)
class Command:
    """One command of ``aevb``, which is one rule: what it reads and makes, and what it is told.

    Args:
        words: the command.
        rule: the name of its rule.
        code: the modules whose code it runs.
        outputs: what it makes, by option; a name without suffix is a folder.
        inputs: what it reads, by option; the files of the first are its arguments.
        records: the data sets whose records it reads, by option.
        given: files of the checkout that it reads, by option.
        unasked: the same, of which it is not told, by any name.
        options: what else it is told; of a list each item, of a table its JSON.
        arguments: whether the files of the first input are its arguments, and not an option's.
        folder: whether its argument is the folder of the scale, in place of what it reads there.
        stem: whether it is told the first output without suffix, which tells where those are that
            differ from it in nothing else.
        word: how an argument is written.
        threads, note: whether it is told how many threads it has, and what to write below a figure.
        log: the name of its log, where it is not the rule's.
    """

    words: str
    rule: str
    code: tuple[str, ...]
    outputs: Mapping[str, str]
    inputs: Mapping[str, Needs] = field(default_factory=dict)
    records: Mapping[str, Callable[[Outputs], list[str]]] = field(default_factory=dict)
    given: Mapping[str, str] = field(default_factory=dict)
    unasked: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, Callable[[Outputs], Any]] = field(default_factory=dict)
    arguments: bool = True
    folder: bool = False
    stem: bool = False
    word: Callable[[str], str] = str
    threads: bool = False
    note: bool = False
    log: str | None = None
    mem_mb: int = 3000
    runtime: str = "2h"
    priority: int = 0

    @property
    def argument(self) -> str | None:
        """The input whose files are the arguments; None where there is none."""
        return next(iter(self.inputs), None) if self.arguments and not self.folder else None

    @property
    def told_apart(self) -> dict[str, str]:
        """The outputs of which each has an option of its own."""
        stems = {
            option: PurePosixPath(path).with_suffix("") for option, path in self.outputs.items()
        }
        first = next(iter(stems.values()))
        return {k: v for k, v in self.outputs.items() if not self.stem or stems[k] != first}

    def told(
        self,
        outputs: Outputs,
        read: Mapping[str, Any],
        made: Mapping[str, str],
        note: str | None = None,
        threads: int = 1,
    ) -> list[str]:
        """The words after ``aevb``.

        Args:
            outputs: of the configuration, for the options.
            read: where the files of inputs, records and given lie, one or several each.
            made: where the outputs will lie.
            note: what to write below a figure.
            threads: how many it has.
        """
        words, options = self.words.split(), {}
        first = made[next(iter(self.outputs))]
        if self.folder:
            words.append(str(Path(first).parents[1]))
        else:
            files = {k: listed(read[k]) for k in (*self.inputs, *self.records, *self.given)}
            words += [self.word(str(path)) for path in files.pop(self.argument, [])]
            options |= files
        options |= {option: value(outputs) for option, value in self.options.items()}
        options |= {"output": Path(first).with_suffix("")} if self.stem else {}
        options |= {option: made[option] for option in self.told_apart}
        options |= {"note": note} if self.note and note else {}
        options |= {"threads": threads} if self.threads else {}
        for option, value in options.items():
            for one in several(value):
                text = json.dumps(one, sort_keys=True) if isinstance(one, dict) else str(one)
                words += [f"--{dashed(option)}", text]
        return words


@dataclass(frozen=True)
class Product:
    """A figure, a table or a page: one entry of the catalogue.

    Args:
        name: what it is called, and its files.
        section: of the paper.
        category: where the report has it.
        heading: what the report calls it.
        caption: what the report says of it (reStructuredText).
        drawn: the command that makes it from finished tables alone.
        computed: the command that makes what it is drawn from, where no training run does.
        content: the place below ``figures`` in the configuration that names its data sets; None
            where it is of none.
        wanted: whether it is made, where more is asked than one of its data sets.
        stands_in: whether it is made of something else where none of its data sets can be had.
        algorithm, latent_dim: of its models, for the report; ``latent_dim`` is a text or a place.
        tables: all its tables, drawn or computed.
        reported: outputs that the report has, beside pictures and pages.
        paper: what the paper says that it shows.
        told_from: the files that ``finding`` of its module reads to say what we show; without the
            first it says nothing.
        target: the target that makes it, with others.
        of_record: whether the default target makes it, and a record has it.
        a_dataset_each: whether it can be had of each data set alone, as ``NAME_DATASET``.
    """

    name: str
    section: str
    category: str
    heading: str
    caption: str
    drawn: Command
    computed: Command | None = None
    content: str | None = None
    wanted: Callable[[Outputs], bool] = lambda outputs: True
    stands_in: Callable[[Outputs], bool] = lambda outputs: False
    algorithm: str = ""
    latent_dim: str = ""
    tables: tuple[Table, ...] = ()
    reported: tuple[str, ...] = ()
    paper: str = ""
    told_from: tuple[str, ...] = ()
    target: str | None = None
    of_record: bool = True
    a_dataset_each: bool = False

    @property
    def module(self) -> ModuleType:
        """The module that makes it, imported only now: it may need matplotlib."""
        return importlib.import_module(self.drawn.code[0])

    @property
    def summary(self) -> str:
        """The first sentence of the caption; the heading where there is none."""
        first = re.split(r"(?<=[^\s.])(?<!\.\w)\.\s+(?=[A-Z*])", " ".join(self.caption.split()))[0]
        return first.rstrip(".") or self.heading

    def is_made(self, outputs: Outputs) -> bool:
        """Whether there is something to make it of."""
        had = self.content is None or outputs.available(outputs.named(self.content))
        return (bool(had) or self.stands_in(outputs)) and self.wanted(outputs)

    def files(self) -> list[str]:
        """All that it consists of: pictures, pages and tables."""
        return list(dict.fromkeys([*self.drawn.outputs.values(), *(t.file for t in self.tables)]))

    def findings(self, folder: Path) -> Iterator[str]:
        """What we show where the paper says something, from the results of one scale."""
        files = [folder / file for file in self.told_from]
        if files and files[0].exists():
            yield from self.module.finding(*files)


def figure(name: str, section: str, category: str, heading: str, **more: Any) -> Product:
    """An entry for a picture that the module of its name in :mod:`aevb.figures` draws.

    Args:
        name, section, category, heading: see :class:`Product`.
        more: fields of :class:`Product`, and of the :class:`Command` that draws where they are not
            as usual; ``module`` in place of the one of its name.
    """
    module = more.pop("module", name)
    usual = {
        "words": f"figure {dashed(name)}",
        "rule": f"draw_{name}",
        "code": (f"aevb.figures.{module}", "aevb.figures.style"),
        "stem": True,
        "note": True,
        "log": name,
    }
    pictures = {form: f"figures/{name}.{form}" for form in ("pdf", "png")}
    outputs = pictures | more.pop("outputs", {})
    return _product(name, section, category, heading, usual | {"outputs": outputs}, more)


def table(name: str, section: str, category: str, heading: str, **more: Any) -> Product:
    """An entry for a table or page that the module of its name in :mod:`aevb.tables` makes; see
    :func:`figure`."""
    usual = {
        "words": f"table {dashed(name)}",
        "rule": f"{name}_table",
        "code": (f"aevb.tables.{more.pop('module', name)}",),
        "outputs": {"output": f"tables/{name}.csv"},
        "log": name,
    }
    return _product(name, section, category, heading, usual, more)


def _product(
    name: str, section: str, category: str, heading: str, usual: dict, more: dict
) -> Product:
    own = {key: more.pop(key) for key in Command.__dataclass_fields__ if key in more}
    drawn = Command(**{"mem_mb": 1000, "runtime": "10m"} | usual | own)
    caption = more.pop("caption", "")
    return Product(name, section, category, heading, caption, drawn, **more)


def listed(files: Any) -> list:
    """One file or several, as a list."""
    return [files] if isinstance(files, (str, Path, int)) else list(files)


def dashed(name: str) -> str:
    """A name as the command line has it."""
    return name.replace("_", "-")
