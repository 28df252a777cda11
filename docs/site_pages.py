"""Assembles the site that `make site` builds: the pages of docs/, and the committed record.

MkDocs reads one folder of Markdown. Here that folder is made: the pages as they are, a page for
each part of the record with pictures, captions and tables, and beside them every file that a page
links to. Links are made to lead there; one that leads nowhere stops the build.
"""

import html
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from posixpath import normpath, relpath

import pandas as pd

from aevb import catalogue
from aevb.audit.claims import (
    KINDS,
    NOT_DECIDED,
    NOT_REPLICATED,
    NOT_RUN,
    PARTLY,
    REPLICATED,
)
from aevb.catalogue.product import Product
from aevb.errors import AevbError

ROOT = Path(__file__).parents[1]
RECORD = Path("results/full")
AUDIT = RECORD / "audit"

PAGES = {
    "README.md": "start.md",
    "docs/verdicts.md": "verdicts.md",
    "docs/findings.md": "findings.md",
    "docs/protocol.md": "protocol.md",
    "docs/future_work.md": "future_work.md",
    "results/full/audit/audit.md": "audit.md",
    "docs/usage.md": "usage.md",
    "docs/data.md": "data.md",
    "docs/long_runs.md": "long_runs.md",
    "docs/accelerators.md": "accelerators.md",
    "docs/speed.md": "speed.md",
    "config/README.md": "configuration.md",
    "docs/architecture.md": "architecture.md",
    "docs/extending.md": "extending.md",
    "CONTRIBUTING.md": "contributing.md",
    "resources/paper/README.md": "paper_curves.md",
    "resources/protocol_study/README.md": "protocol_study.md",
}
"""Pages of the repository, and what they are called on the site."""

_FILES = "files"
"""Where the site has the other files of the repository that its pages link to."""
_SHOWN = 30
"""Rows up to which a table is shown; a longer one is linked."""
_LINK = re.compile(r"(?<=\]\()(?!https?:|mailto:|#)([^)#\s]+)(#[^)\s]*)?(?=\))")
VERDICTS = (REPLICATED, PARTLY, NOT_REPLICATED, NOT_DECIDED, NOT_RUN)


def assemble(target: Path) -> None:
    """Everything that MkDocs reads, in the folder ``target``, which is made anew.

    Raises:
        AevbError: a link leads nowhere, or the record lacks a picture.
    """
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    pages = {source: (ROOT / source).read_text(encoding="utf-8") for source in PAGES}
    written = {PAGES[source]: page(source, text, target) for source, text in pages.items()}
    parts = _parts()
    written |= {f"{_slug(part)}.md": _part(part, of, target) for part, of in parts.items()}
    written["index.md"] = _index(list(parts), target)
    shutil.copyfile(ROOT / "docs/style.css", target / "style.css")
    for name, text in written.items():
        (target / name).write_text(text, encoding="utf-8")


def _index(parts: list[str], target: Path) -> str:
    counts = pd.read_csv(ROOT / AUDIT / "claims.csv").groupby(["kind", "verdict"]).size()
    rows = [
        [name, *(counts.get((kind, verdict), 0) for verdict in VERDICTS)]
        for kind, name in KINDS.items()
    ]
    table = pd.DataFrame(rows, columns=["", *VERDICTS]).to_markdown(index=False)
    listed = "\n".join(f"- [{part}]({_slug(part)}.md)" for part in parts)
    fig2 = catalogue.product("fig2")
    explorer = _copied(RECORD / "explorer.html", target)
    return f"""# Auto-Encoding Variational Bayes, replicated

{_picture(fig2, target)}

{_prose(fig2.caption)}

## The verdicts

{table}

{_picture(catalogue.product("audit"), target)}

[Every verdict](verdicts.md) · [every number and tolerance](audit.md) ·
[what was found](findings.md) · [which protocol made the paper's curves](protocol.md)

## The record

{listed}

[Move through the latent space]({explorer}): drag a point, see the decoder's image.

## Make it yourself

[Two commands](start.md) make every figure anew, and audit them.
"""


def _parts() -> dict[str, list[Product]]:
    """The products of which the record has files, by the part of the paper."""
    found: dict[str, list[Product]] = {}
    for one in catalogue.PRODUCTS:
        if any((ROOT / RECORD / file).exists() for file in one.files()):
            found.setdefault(one.category, []).append(one)
    return dict(sorted(found.items()))


def _part(part: str, products: list[Product], target: Path) -> str:
    sections = [f"# {part}"]
    for one in products:
        title = one.heading[0].upper() + one.heading[1:]
        sections += [f"## {title} {{#{one.name}}}", _picture(one, target), _prose(one.caption)]
        sections += [_table(file, target) for file in _tables(one)]
    return "\n\n".join(section for section in sections if section) + "\n"


def _tables(one: Product) -> list[str]:
    """Tables and pages of a product in the record."""
    pages = [file for file in one.files() if file.endswith(".html")]
    files = [*(table.file for table in one.tables), *pages]
    return [file for file in dict.fromkeys(files) if (ROOT / RECORD / file).exists()]


def _picture(one: Product, target: Path) -> str:
    """Raises AevbError where the record has the picture for print and not that for a page."""
    png, pdf = (one.drawn.outputs.get(form) for form in ("png", "pdf"))
    if png is None:
        return ""
    shown, printed = (_copied(RECORD / file, target) for file in (png, pdf))
    return f"[![{html.escape(one.summary)}]({shown})]({printed})"


def _table(file: str, target: Path) -> str:
    address = _copied(RECORD / file, target)
    if not file.endswith(".csv"):
        return f"[{file}]({address})"
    table = pd.read_csv(ROOT / RECORD / file)
    if len(table) > _SHOWN:
        return f"[{file}]({address}), {len(table):,} rows"
    shown = table.to_html(index=False, na_rep="", border=0, float_format="%.5g")
    return (
        f"<details><summary>{file}</summary>\n<div class='wide'>{shown}</div></details>\n\n"
        f"[{file}]({address})"
    )


def _prose(text: str) -> str:
    """A caption as Markdown: of reStructuredText it has double backquotes alone."""
    return " ".join(text.split()).replace("``", "`")


def page(source: str, text: str, target: Path) -> str:
    """A page with links that hold on the site, and code blocks that Python-Markdown knows."""

    def moved(match: re.Match) -> str:
        address, anchor = match.group(1), match.group(2) or ""
        path = normpath(f"{Path(source).parent.as_posix()}/{address}")
        if path in PAGES:
            return PAGES[path] + anchor
        return _copied(Path(path), target, f"{source}: {address}") + anchor

    text = "".join(
        part if code else _LINK.sub(moved, part) for code, part in _split_at_code_blocks(text)
    )
    return re.sub(r"^```(\w+) .*$", r"```\1", text, flags=re.MULTILINE)


def _split_at_code_blocks(text: str) -> Iterator[tuple[bool, str]]:
    for i, part in enumerate(re.split(r"(^```.*?^```$)", text, flags=re.MULTILINE | re.DOTALL)):
        yield bool(i % 2), part


def _copied(path: Path, target: Path, where: str = "") -> str:
    """The address on the site of a file of the repository; of a package, that of its docstring."""
    source = ROOT / path
    if source.is_dir():
        path, source = path / "__init__.py", source / "__init__.py"
    if not source.is_file():
        raise AevbError(f"{where or path}: there is no such file")
    # A browser shows text, and would save code.
    as_text = source.suffix in (".py", ".smk", ".yaml", ".csv") and RECORD not in path.parents
    copy = target / _FILES / (f"{path}.txt" if as_text else path)
    if not copy.exists():
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, copy)
    return relpath(copy.as_posix(), target.as_posix())


def _slug(part: str) -> str:
    return re.sub(r"\W+", "_", part.lower()).strip("_")


if __name__ == "__main__":
    try:
        assemble(Path(sys.argv[1]))
    except AevbError as error:
        sys.exit(f"error: {error}")
