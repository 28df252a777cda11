"""The catalogue of products: every figure, table and page is one entry of :data:`PRODUCTS`.

The workflow's rules and targets, ``aevb figure`` and ``aevb table``, the findings, the check that a
record is whole, the captions of the report and the tables of README and docs come from it. Nothing
here imports TensorFlow or matplotlib.
"""

import csv
from pathlib import Path
from typing import Any

from aevb.catalogue.entries import PRODUCTS
from aevb.catalogue.product import Command, Product, Table
from aevb.catalogue.rules import Rule, rules
from aevb.workflow.outputs import Outputs

__all__ = [
    "PRODUCTS",
    "Command",
    "Product",
    "Rule",
    "Table",
    "asked_for",
    "captions",
    "files",
    "made",
    "product",
    "rules",
    "tables",
    "targets",
]


def product(name: str) -> Product:
    """The entry of this name; KeyError where there is none."""
    return {one.name: one for one in PRODUCTS}[name]


def tables() -> dict[str, Table]:
    """All tables of products, by their paths below ``results/<scale>``."""
    return {table.file: table for one in PRODUCTS for table in one.tables}


def made(outputs: Outputs) -> list[Product]:
    """What the default target makes of a configuration, of the data sets that can be had."""
    return [one for one in PRODUCTS if one.of_record and one.is_made(outputs)]


def files(outputs: Outputs) -> list[str]:
    """The files of all that, by their paths below ``results/<scale>``."""
    return list(dict.fromkeys(file for one in made(outputs) for file in one.files()))


def targets(outputs: Outputs) -> list[str]:
    """The targets by which a person asks for products, and those of one data set alone."""
    names = dict.fromkeys(one.target for one in PRODUCTS if one.target)
    alone = [
        f"{one.name}_{dataset}"
        for one in PRODUCTS
        if one.a_dataset_each
        for dataset in outputs.named(one.content)
    ]
    return [*names, *alone]


def asked_for(target: str, outputs: Outputs) -> list[str]:
    """A file of each product of a target: of those that are made, and where none is, of all, so
    that what they need says why."""
    products = [one for one in PRODUCTS if one.target == target]
    wanted = [one for one in products if one.is_made(outputs)] or products
    if not wanted:
        return [f"figures/{target}.pdf"]
    return [next(iter(one.drawn.outputs.values())) for one in wanted]


def captions(folder: Path) -> dict[str, dict[str, Any]]:
    """What the report says of each product: its ``text``, and the ``findings`` and ``verdicts`` on
    it of the finished tables in ``results/<scale>``, none before there are any."""
    findings = _by_figure(folder / "tables/findings.csv")
    verdicts = _by_figure(folder / "audit/claims.csv")
    return {
        one.name: {
            "text": one.caption,
            "findings": findings.get(one.name, []),
            "verdicts": verdicts.get(one.name, []),
        }
        for one in PRODUCTS
    }


def _by_figure(path: Path) -> dict[str, list[dict[str, str]]]:
    found: dict[str, list[dict[str, str]]] = {}
    if path.exists():
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                found.setdefault(row["figure"], []).append(row)
    return found
