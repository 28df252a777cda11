"""What pydantic finds wrong with a person's settings, in one line: where, what, what is allowed."""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from aevb.errors import ConfigError
from aevb.schema.kinds import EACH, ONE

_UNKNOWN = ("extra_forbidden", "unexpected_keyword_argument", "invalid_key")
_BOUNDS = {
    "minimum": "at least",
    "maximum": "at most",
    "exclusiveMinimum": "greater than",
    "exclusiveMaximum": "less than",
}
_LIMITS = {"ge": "minimum", "le": "maximum", "gt": "exclusiveMinimum", "lt": "exclusiveMaximum"}
_WORDS = {
    "integer": "a whole number",
    "number": "a number",
    "string": "text",
    "boolean": "true or false",
    "null": "null",
    "array": "a list",
    "object": "a table",
}
_TYPES = {"integer": int, "number": int | float, "string": str}


def explain(error: ValidationError, schema: dict) -> str:
    """The first problem of ``error``, an unknown key before others, which may follow from it.

    Args:
        error: what a model with this schema has raised.
        schema: of the model, see :func:`aevb.schema.writing.json_schema`.
    """
    problems = error.errors(include_url=False)
    unknown = [problem for problem in problems if problem["type"] in _UNKNOWN]
    if unknown:
        parent = unknown[0]["loc"][:-1]
        keys = [problem["loc"][-1] for problem in unknown if problem["loc"][:-1] == parent]
        path, part = _follow(parent, schema)
        tables = [one for one in options(part, schema) if "properties" in one]
        told = _unknown_keys(keys, tables[0] if tables else part)
    else:
        path, told = _problem(problems[0], schema)
    return one_line(": ".join([*([".".join(path)] if path else []), told]))


def choice(value: str, allowed: Iterable[str], where: str) -> str:
    """``value``, which must be one of ``allowed``; ConfigError where it is not."""
    if value not in allowed:
        raise ConfigError(f"{where}: {value!r} is unknown; allowed: {', '.join(allowed)}")
    return value


def one_line(error: object) -> str:
    """A message without line breaks."""
    return " ".join(str(error).split())


def resolve(part: dict, root: dict) -> dict:
    """``part`` of a schema with its ``$ref`` into ``root`` replaced by what it points to."""
    if "$ref" not in part:
        return part
    target = root
    for step in part["$ref"].removeprefix("#/").split("/"):
        target = target[step]
    return resolve(target, root) | {key: value for key, value in part.items() if key != "$ref"}


def options(part: dict, root: dict) -> list[dict]:
    """The alternatives that a part of a schema allows, itself where there is one."""
    part = resolve(part, root)
    found = part.get("anyOf") or part.get("oneOf")
    return [one for option in found for one in options(option, root)] if found else [part]


def values(part: dict) -> list | None:
    """The values that a part of a schema lists, None where it lists none."""
    return [part["const"]] if "const" in part else part.get("enum")


def tag_of(part: dict) -> tuple[str | None, str | None]:
    """The key by which a table is told from its alternatives, and the value that it has there."""
    tags = [
        (key, one["const"]) for key, one in part.get("properties", {}).items() if "const" in one
    ]
    return tags[0] if tags else (None, None)


def _problem(problem: ErrorDetails, root: dict) -> tuple[list[str], str]:
    """Where it is, and what it is."""
    kind, given, context = problem["type"], problem["input"], problem.get("ctx", {})
    *above, last = problem["loc"] or [None]
    if kind == "missing":
        path, part = _follow(above, root)
        if isinstance(last, int):
            return path, f"{given!r} has too few items: {part['minItems']} are needed"
        return path, f"{last!r} is required"
    path, part = _follow(above if last == "[key]" else problem["loc"], root)
    match kind:
        case "union_tag_not_found":
            return path, f"{context['discriminator']} is required"
        case "union_tag_invalid":
            key, allowed = (
                context[name].replace("'", "") for name in ("discriminator", "expected_tags")
            )
            return [*path, key], f"{given[key]!r} is unknown; allowed: {allowed}"
        case "too_short" | "string_too_short":
            return path, f"{given!r} is too short: {context['min_length']} or more are needed"
        case "too_long" | "string_too_long":
            return path, f"{given!r} is too long: {context['max_length']} or fewer are allowed"
        case "string_pattern_mismatch":
            return path, f"{given!r} does not match {context['pattern']}"
        case "value_error":
            return path, str(context["error"])
    for limit, name in _LIMITS.items():
        if limit in context:
            return path, f"{given!r} must be {_BOUNDS[name]} {context[limit]:g}"
    listed = [values(one) for one in options(part, root) if one.get("type") != "null"]
    if kind == "literal_error" and all(listed):
        allowed = ", ".join(str(value) for some in listed for value in some)
        return path, f"{given!r} is unknown; allowed: {allowed}"
    hint = f"; write [{given}]" if _would_do_as_list(given, part, root) else ""
    return path, f"{given!r} must be {_kind(part, root)}{hint}"


def _unknown_keys(keys: list, part: dict) -> str:
    allowed = [key for key, one in part.get("properties", {}).items() if "const" not in one]
    near = [match for key in keys for match in get_close_matches(str(key), allowed, 1)]
    meant = f"did you mean {' and '.join(map(repr, near))}? " if near else ""
    return f"unknown key {', '.join(map(repr, keys))}; {meant}allowed: {', '.join(allowed)}"


def _follow(loc: Iterable[str | int], root: dict) -> tuple[list[str], dict]:
    """The path that a person reads, and the part of the schema there."""
    path, part = [], root
    for step in loc:
        if step in (ONE, EACH):
            continue
        found = options(part, root)
        tagged = [one for one in found if step is not None and tag_of(one)[1] == step]
        if tagged:
            part = tagged[0]
        else:
            path.append(str(step))
            below = [one for one in (_below(one, step) for one in found) if one is not None]
            part = below[0] if below else {}
    return path, resolve(part, root)


def _below(part: dict, step: str | int) -> dict | None:
    if isinstance(step, int):
        return part.get("items")
    if step in part.get("properties", {}):
        return part["properties"][step]
    rest = [*part.get("patternProperties", {}).values(), part.get("additionalProperties")]
    return rest[0] if isinstance(rest[0], dict) else None


def _would_do_as_list(given: Any, part: dict, root: dict) -> bool:
    items = [option["items"] for option in options(part, root) if "items" in option]
    kinds = [one.get("type") for item in items for one in options(item, root)]
    return any(isinstance(given, _TYPES.get(kind, ())) for kind in kinds)


def _kind(part: dict, root: dict) -> str:
    """What a part of a schema allows, in words."""
    found = options(part, root)
    if len(found) > 1:
        words = dict.fromkeys(_kind(option, root) for option in found)
        return ", or ".join(words) if any("," in one for one in words) else " or ".join(words)
    (part,) = found
    if values(part):
        return " or ".join(map(str, values(part)))
    kind = part.get("type")
    word = _WORDS.get(kind, "something else")
    if kind in ("integer", "number"):
        bounds = [f"{text} {part[key]:g}" for key, text in _BOUNDS.items() if key in part]
        return word + (f" ({' and '.join(bounds)})" if bounds else "")
    rest = part.get("additionalProperties")
    item = part.get("items") if kind == "array" else rest if isinstance(rest, dict) else None
    return f"{word}, each item {_kind(item, root)}" if item else word
