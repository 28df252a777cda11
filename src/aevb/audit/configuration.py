"""Whether a record is of the configuration that it is said to be of."""

import json
from typing import Any

from aevb.audit import manifest
from aevb.audit.record import Problems, Record
from aevb.schema.reading import validate
from aevb.settings.configuration import Configuration


def as_given(record: Record) -> tuple[Problems, str]:
    """The record is of this scale, and what decides its numbers is as configured.

    A setting that the record is older than has its default there.
    """
    problems, scale = [], record.outputs.scale
    if record.contents.scale != scale:
        problems.append(f"the record is of the scale {record.contents.scale}, not {scale}")
    recorded = validate(Configuration, record.contents.configuration, manifest.NAME).model_dump()
    problems += _differences(_relevant(recorded, scale), record)
    return problems, "the record's configuration is the one given"


def _relevant(settings: dict, scale: str) -> dict:
    """The part of a configuration that decides a scale's numbers, as JSON has it."""
    elsewhere = ("scale", "require_all_data", *manifest.ELSEWHERE)
    chosen = {k: v for k, v in settings.items() if k not in elsewhere}
    for table, key in (("scales", scale), ("variants", settings["variant"])):
        chosen[table] = {key: settings[table].get(key)}
    used = _estimators_in_use(settings, scale)
    chosen["estimators"] = {k: v for k, v in settings["estimators"].items() if k in used}
    return json.loads(json.dumps(chosen))


def _estimators_in_use(settings: dict, scale: str) -> set[str | None]:
    """The names of those that a figure or table of the scale shows; others may be defined."""
    figure = settings["figures"]["fig3"]
    truth = settings["scales"].get(scale, {}).get("truth", {})
    return {*figure["estimators"], figure["bound"], *truth.get("estimators", ())}


def _differences(theirs: dict, record: Record) -> Problems:
    ours = _relevant(record.outputs.settings, record.outputs.scale)
    found = []

    def compare(a: Any, b: Any, where: str) -> None:
        if isinstance(a, dict) and isinstance(b, dict):
            for key in {**a, **b}:
                compare(a.get(key), b.get(key), f"{where}.{key}" if where else key)
        elif a != b:
            found.append(f"{where} is {a} in the record, {b} in the configuration")

    compare(theirs, ours, "")
    return found
