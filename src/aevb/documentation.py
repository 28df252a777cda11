"""The page that explains every configuration key, written from the JSON schemas."""

import json
from pathlib import Path
from typing import Any

from aevb.config import read_yaml, resolve

_PAGES = {
    "config.yaml": "config.schema.yaml",
    "datasets.yaml": "datasets.schema.yaml",
    "claims.yaml": "claims.schema.yaml",
}
_BOUNDS = {"minimum": "≥", "maximum": "≤", "exclusiveMinimum": ">", "exclusiveMaximum": "<"}


def configuration_page(schemas: Path) -> str:
    """Markdown with a table of keys for each configuration file.

    Args:
        schemas: folder of the JSON schemas.
    """
    parts = [
        "# Configuration",
        "",
        "Written by `make docs` from the schemas in `workflow/schemas`; do not edit by hand.",
        "`NAME` stands for a name of your choice. Any key of config.yaml can be overridden on the"
        " command line, as in `snakemake --cores all --config scale=full`.",
    ]
    for file, schema_file in _PAGES.items():
        schema = read_yaml(schemas / schema_file)
        parts += ["", f"## {file}", "", schema["description"], ""]
        parts += ["| key | type | default | meaning |", "| --- | --- | --- | --- |"]
        for key, part in _keys(schema, schema, ""):
            default = f"`{json.dumps(part['default'])}`" if "default" in part else ""
            meaning = " ".join(part.get("description", "").split()).replace("|", "\\|")
            parts.append(f"| `{key}` | {_type(part, schema)} | {default} | {meaning} |")
    return "\n".join(parts) + "\n"


def _keys(schema: dict, root: dict, prefix: str) -> list[tuple[str, dict]]:
    rows = []
    for name, part in schema.get("properties", {}).items():
        part = resolve(part, root)
        rows.append((f"{prefix}{name}", part))
        if not _is_uniform(part):
            rows += _keys(part, root, f"{prefix}{name}.")
    rest = schema.get("additionalProperties")
    if isinstance(rest, dict):
        rest = resolve(rest, root)
        if rest.get("properties"):
            rows += _keys(rest, root, f"{prefix}NAME.")
    items = schema.get("items")
    if isinstance(items, dict) and resolve(items, root).get("properties"):
        rows += _keys(resolve(items, root), root, f"{prefix}[].")
    return rows


def _is_uniform(part: dict) -> bool:
    """Whether it is a table whose keys are all required and take the same, which is then said of
    the table itself."""
    parts = list(part.get("properties", {}).values())
    return (
        len(parts) > 1
        and len(part.get("required", ())) == len(parts)
        and all(other == parts[0] for other in parts)
    )


def _type(part: dict, root: dict) -> str:
    part = resolve(part, root)
    if "enum" in part:
        return " or ".join(f"`{json.dumps(value)}`" for value in part["enum"])
    if "oneOf" in part:
        return ", or ".join(_type(option, root) for option in part["oneOf"])
    if _is_uniform(part):
        names, same = ", ".join(f"`{name}`" for name in part["properties"]), part["required"][0]
        return f"object of {names}, each {_type(part['properties'][same], root)}"
    kind: Any = part.get("type", "any")
    text = kind if isinstance(kind, str) else " or ".join(kind)
    bounds = [f"{sign} {part[key]}" for key, sign in _BOUNDS.items() if key in part]
    if "propertyNames" in part:
        bounds.append(f"with names `{part['propertyNames']['pattern']}`")
    return " ".join([text, ", ".join(bounds)]) if bounds else text
