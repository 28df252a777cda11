"""Writes the pages of docs/ that show numbers of the committed record from docs/templates.

A template is the page in Markdown, with expressions in place of numbers (Jinja); what they may name
is in quantities.py. `make docs` writes the pages; a test compares them with what the record gives.
"""

import inspect
import math
from pathlib import Path

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined

import quantities
from aevb.tables.seeds import half_width_of_mean

DOCS = Path(__file__).parent
_HEAD = "<!-- Written by `make docs` from docs/templates/{}; edit that. -->\n\n"


def pages() -> dict[Path, str]:
    """The content of each page that has a template.

    Raises:
        ValueError: an expression names no row of the record's tables, or more than one.
    """
    environment = Environment(
        loader=FileSystemLoader(DOCS / "templates"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    names = vars(quantities).items()
    own = {name: made for name, made in names if inspect.getmodule(made) is quantities}
    environment.globals |= own
    filters = (number, signed, percent, upto, thousands, power, interval)
    environment.filters |= {made.__name__: made for made in filters}
    return {
        DOCS / name: _HEAD.format(name) + environment.get_template(name).render()
        for name in sorted(environment.list_templates())
    }


def number(value: float, digits: int = 1) -> str:
    """With a true minus, and grouped from 10 000 on: −1.3, 28 248."""
    shown = f"{value:,.{digits}f}"
    if not shown.strip("-0."):
        shown = shown.lstrip("-")
    group = " " if abs(value) >= 10_000 else ""
    return shown.replace(",", group).replace("-", "−")


def signed(value: float, digits: int = 1) -> str:
    """The same with a plus, but for what rounds to zero."""
    shown = number(value, digits)
    return shown if shown.startswith("−") or not shown.strip("0.") else f"+{shown}"


def interval(values: pd.Series, digits: int = 1) -> str:
    """The mean over seeds with Student's 95 % interval of it: 710.0 ± 55.2."""
    half_width = number(half_width_of_mean(values), digits)
    return f"{number(values.mean(), digits)} ± {half_width}"


def percent(share: float, digits: int = 0) -> str:
    """88.6 %"""
    return f"{number(100 * share, digits)} %"


def upto(value: float, digits: int = 1) -> str:
    """Rounded up, for "within": 0.96 is 1.0."""
    return number(math.ceil(value * 10**digits) / 10**digits, digits)


def thousands(value: float, figures: int = 2) -> str:
    """With so many significant figures: 58 190 is 58 000."""
    return f"{float(f'{value:.{figures}g}'):,.0f}".replace(",", " ")


def power(value: float) -> str:
    """2.5·10⁶"""
    mantissa, exponent = f"{value:e}".split("e")
    raised = str(int(exponent)).translate(str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻"))
    shown = f"{float(mantissa):g}"
    return f"10{raised}" if shown == "1" else f"{shown}·10{raised}"


if __name__ == "__main__":
    for path, content in pages().items():
        path.write_text(content, encoding="utf-8")
