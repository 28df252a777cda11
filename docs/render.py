"""The pages of docs/ that show numbers of the committed record, written from docs/templates.

A template is the page in Markdown, with expressions in place of numbers (Jinja). `make docs` writes
the pages; a test compares them with what the record gives.
"""

from functools import cache
from pathlib import Path

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined

ROOT = Path(__file__).parents[1]
RECORD = ROOT / "results/full"
TEMPLATES = ROOT / "docs/templates"


def pages() -> dict[Path, str]:
    """The content of each page that has a template.

    Raises:
        ValueError: an expression names no row of the record's tables, or more than one.
    """
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.globals |= {"text": text, "table": table, "rows": rows, "cell": cell}
    environment.filters |= {"number": number, "signed": signed, "percent": percent}
    return {
        ROOT / "docs" / name: _HEAD.format(name) + environment.get_template(name).render()
        for name in sorted(environment.list_templates())
    }


_HEAD = "<!-- Written by `make docs` from docs/templates/{}; edit that. -->\n\n"


def text(name: str) -> str:
    """A file of the record."""
    return (RECORD / name).read_text(encoding="utf-8")


@cache
def table(name: str) -> pd.DataFrame:
    """A table of the record, ``name`` without `.csv`."""
    return pd.read_csv(RECORD / f"{name}.csv")


def rows(name: str, **where) -> pd.DataFrame:
    """The rows of a table that have these values; a list stands for any of its values."""
    found = table(name)
    for column, wanted in where.items():
        found = found[found[column].isin(wanted if isinstance(wanted, list) else [wanted])]
    if found.empty:
        raise ValueError(f"{name}.csv has no row with {where}")
    return found


def cell(name: str, column: str, **where) -> float:
    """The one value of a table's column in the row that has these values."""
    found = rows(name, **where)
    if len(found) > 1:
        raise ValueError(f"{name}.csv has {len(found)} rows with {where}, not one")
    return found[column].item()


def number(value: float, digits: int = 1) -> str:
    """A decimal with a true minus, and a thin group of thousands from 10 000 on: −1.3, 28 248."""
    shown = f"{value:,.{digits}f}"
    if not shown.strip("-0."):
        shown = shown.lstrip("-")
    if abs(value) < 10_000:
        shown = shown.replace(",", "")
    return shown.replace(",", " ").replace("-", "−")


def signed(value: float, digits: int = 1) -> str:
    """The same with a plus, but for what rounds to zero."""
    shown = number(value, digits)
    return shown if shown[0] == "−" or not shown.strip("0.") else f"+{shown}"


def percent(value: float, digits: int = 0) -> str:
    """A share: 88.6 %."""
    return f"{number(100 * value, digits)} %"


if __name__ == "__main__":
    for path, content in pages().items():
        path.write_text(content, encoding="utf-8")
