"""Whether a record is of the configuration that it is said to be of."""

import json
from typing import Any

from aevb.audit import manifest
from aevb.audit.record import Problems, Record


def as_given(record: Record) -> tuple[Problems, str]:
    """The record is of this scale, and what decides its numbers is as configured."""
    problems, scale = [], record.outputs.scale
    if record.contents.scale != scale:
        problems.append(f"the record is of the scale {record.contents.scale}, not {scale}")
    problems += _differences(_relevant(record.contents.configuration, scale), record)
    return problems, "the record's configuration is the one given"


def _relevant(settings: dict, scale: str) -> dict:
    """The part of a configuration that decides a scale's numbers."""
    elsewhere = ("scale", "require_all_data", *manifest.ELSEWHERE)
    chosen = {k: v for k, v in settings.items() if k not in elsewhere}
    for table, key in (("scales", scale), ("variants", settings.get("variant"))):
        chosen[table] = {key: settings.get(table, {}).get(key)}
    used = _estimators_in_use(settings, scale)
    chosen["estimators"] = {k: v for k, v in settings.get("estimators", {}).items() if k in used}
    return chosen


def _estimators_in_use(settings: dict, scale: str) -> set[str | None]:
    """The names of those that a figure or table of the scale shows; others may be defined."""
    figure = settings.get("figures", {}).get("fig3", {})
    truth = settings.get("scales", {}).get(scale, {}).get("truth", {})
    return {*figure.get("estimators", ()), figure.get("bound"), *truth.get("estimators", ())}


def _differences(theirs: dict, record: Record) -> Problems:
    ours = json.loads(json.dumps(_relevant(record.outputs.settings, record.outputs.scale)))
    found = []

    def compare(a: Any, b: Any, where: str) -> None:
        if isinstance(a, dict) and isinstance(b, dict):
            for key in {**a, **b}:
                compare(a.get(key), b.get(key), f"{where}.{key}" if where else key)
        elif a != b:
            found.append(f"{where} is {a} in the record, {b} in the configuration")

    compare(theirs, ours, "")
    return found
