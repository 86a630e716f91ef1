"""A schema of options in words, for people: `reelq job-types show`, `reelq pipelines show`, docs/reference.md."""

from __future__ import annotations

import json

from reelq.worker.jobs.options_schema import Schema


def arguments_of(schema: Schema) -> list[dict[str, str]]:
    """The arguments of a schema for people: name, type, default, meaning."""
    return [
        {
            "name": name,
            "type": spell(one),
            "default": "required" if name in schema.get("required", ()) else json.dumps(one.get("default"), ensure_ascii=False),
            "meaning": one.get("description", ""),
        }
        for name, one in schema.get("properties", {}).items()
    ]


def spell(schema: Schema) -> str:
    """The type of an argument for people: `integer from 1 to 100, or null`."""
    if "enum" in schema:
        return " | ".join("null" if one is None else str(one) for one in schema["enum"])
    if "anyOf" in schema:
        return ", or ".join(map(spell, schema["anyOf"]))
    kinds = schema.get("type", "anything")
    kind, *rest = kinds if isinstance(kinds, list) else [kinds]
    told = str(schema.get("format") or schema.get("title") or kind)
    if kind == "array":
        told = f"list{_count(schema)} of {spell(schema.get('items', {}))}"
        return ", or ".join([told, *rest])
    if kind == "object" and schema.get("properties"):
        told = "object of " + ", ".join(schema["properties"])
    low, high = (schema.get(name) for name in (("minLength", "maxLength") if kind == "string" else ("minimum", "maximum")))
    told += " of length" if kind == "string" and (low, high) != (None, None) else ""
    told += "" if low is None else f" from {low}"
    told += "" if high is None else f" to {high}"
    return ", or ".join([told, *rest])


def _count(schema: Schema) -> str:
    """How many items a list may have: ` (1 to 5)`."""
    low, high = schema.get("minItems"), schema.get("maxItems")
    if high is None:
        return f" ({low} or more)" if low else ""
    return f" ({low} to {high})" if low else f" (at most {high})"
