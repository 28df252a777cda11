"""JSON schemas of tables of settings, and the page that explains every key."""

import json
from typing import Any

import yaml
from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

from aevb.schema.explain import options, resolve, tag_of, values

_BOUNDS = {"minimum": "≥", "maximum": "≤", "exclusiveMinimum": ">", "exclusiveMaximum": "<"}
_SHORT = 160
"""Characters of a part that is written on one line."""

_HEADER = "# Written by `make docs` from the models in src/aevb; do not edit by hand.\n"


class _Plain(GenerateJsonSchema):
    """Without the titles that pydantic makes of names."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def json_schema(kind: Any) -> dict:
    """The JSON schema (draft 2020-12) of a table of settings, or of alternatives of them.

    A default that is a table of defaults is written as the empty table.
    """
    schema = TypeAdapter(kind).json_schema(schema_generator=_Plain)
    for part in (schema, *schema.get("$defs", {}).values()):
        part.pop("title", None)
    return {"$schema": _Plain.schema_dialect} | _tidy(schema, schema)


def schema_file(model: type[BaseModel]) -> str:
    """The JSON schema of a table of settings as YAML."""
    schema = json_schema(model)
    return _HEADER + yaml.dump(
        schema, Dumper=_Compact, sort_keys=False, allow_unicode=True, width=1000
    )


class _Compact(yaml.SafeDumper):
    """What is short goes on one line."""


def _on_a_line(represent):
    def one(dumper, data):
        node = represent(dumper, data)
        node.flow_style = len(json.dumps(data)) <= _SHORT
        return node

    return one


_Compact.add_representer(dict, _on_a_line(yaml.SafeDumper.represent_dict))
_Compact.add_representer(list, _on_a_line(yaml.SafeDumper.represent_list))


def page(title: str, introduction: list[str], files: dict[str, type[BaseModel]]) -> str:
    """Markdown with a table of keys for each configuration file, by its name."""
    parts = [f"# {title}", "", *introduction]
    for file, model in files.items():
        schema = json_schema(model)
        parts += ["", f"## {file}", "", schema["description"], ""]
        parts += ["| key | type | default | meaning |", "| --- | --- | --- | --- |"]
        for key, part in _keys(schema, schema, ""):
            default = f"`{json.dumps(part['default'])}`" if "default" in part else ""
            meaning = part.get("description", "").replace("|", "\\|")
            name, _, of = key.partition(" ")
            parts.append(
                f"| `{name}`{of and f' {of}'} | {_type(part, schema)} | {default} | {meaning} |"
            )
    return "\n".join(parts) + "\n"


def _tidy(part: Any, root: dict) -> Any:
    if isinstance(part, list):
        return [_tidy(item, root) for item in part]
    if not isinstance(part, dict):
        return part
    part = {key: _tidy(value, root) for key, value in part.items()}
    if isinstance(part.get("description"), str):
        part["description"] = " ".join(part["description"].split())
    if "$ref" in part and isinstance(part.get("default"), dict):
        parts = resolve(part, root).get("properties", {}).values()
        if all("default" in one for one in parts):
            part["default"] = {}
    return part


def _keys(schema: dict, root: dict, prefix: str) -> list[tuple[str, dict]]:
    """Every key below a part of a schema with its own part.

    Of tables that are told apart by a key, what some do not have is said to be of the others.
    """
    alternatives = [one for one in options(schema, root) if not _is_uniform(one)]
    tags = dict(map(tag_of, alternatives))
    rows: dict[str, tuple[str, dict, list]] = {}
    if (tag := next(iter(tags))) if tags else None:
        kinds = [tag_of(one)[1] for one in alternatives]
        told = "; ".join(
            f"{kind}: {one['description'].rstrip('.')}"
            for kind, one in zip(kinds, alternatives, strict=True)
        )
        rows[tag] = f"{prefix}{tag}", {"enum": kinds, "description": f"{told}."}, kinds
    for one in alternatives:
        for key, part in _keys_of(one, root, prefix):
            rows.setdefault(f"{key} {json.dumps(part)}", (key, part, []))[2].append(tag_of(one)[1])
    return [
        (key if len(of) == len(alternatives) or of == [None] else f"{key} ({', '.join(of)})", part)
        for key, part, of in rows.values()
    ]


def _keys_of(part: dict, root: dict, prefix: str) -> list[tuple[str, dict]]:
    rows = []
    for name, below in part.get("properties", {}).items():
        if name != tag_of(part)[0]:
            below = resolve(below, root)
            rows += [(f"{prefix}{name}", below), *_keys(below, root, f"{prefix}{name}.")]
    named = [*part.get("patternProperties", {}).values(), part.get("additionalProperties")]
    for below, step in ((named[0], "NAME"), (part.get("items"), "[]")):
        if isinstance(below, dict):
            rows += _keys(below, root, f"{prefix}{step}.")
    return rows


def _is_uniform(part: dict) -> bool:
    """Whether it is a table whose keys are all required and take the same, which is then said of
    the table itself."""
    parts = [
        {key: value for key, value in one.items() if key != "description"}
        for one in part.get("properties", {}).values()
    ]
    return (
        len(parts) > 1
        and len(part.get("required", ())) == len(parts)
        and all(other == parts[0] for other in parts)
    )


def _type(part: dict, root: dict) -> str:
    """What a part of a schema allows, for the page."""
    found = options(part, root)
    if all(values(option) or option.get("type") == "null" for option in found):
        listed = [value for option in found for value in values(option) or [None]]
        return " or ".join(f"`{json.dumps(value)}`" for value in listed)
    if len(found) > 1:
        words = dict.fromkeys(_type(option, root) for option in found)
        return ", or ".join(words) if any(" " in word for word in words) else " or ".join(words)
    (part,) = found
    if _is_uniform(part):
        names, same = ", ".join(f"`{name}`" for name in part["properties"]), part["required"][0]
        return f"object of {names}, each {_type(part['properties'][same], root)}"
    bounds = [f"{sign} {part[key]:g}" for key, sign in _BOUNDS.items() if key in part]
    bounds += [f"with names `{name}`" for name in part.get("patternProperties", ())]
    kind = part.get("type", "any")
    return f"{kind} {', '.join(bounds)}" if bounds else kind
