"""A handler's Args as JSON Schema: what `reelq job-types show` prints and queue.job_types.options_schema holds.

Of JSON Schema (draft 2020-12) these keywords and no others:

    type                      object, string, integer, number, boolean, array, null; or a list of two: [X, "null"]
    enum                      the values of a Literal
    format                    "uuid", and nothing else
    minimum, maximum          of a number; both allowed
    minLength, maxLength      of a text
    minItems, maxItems        of a list
    items                     what each item of a list is
    properties, required      of an object; additionalProperties is false where there are properties
    anyOf                     one of several types
    default, description      of an argument; a default that is null stands there as null
    examples                  a list of one: a payload that is accepted
"""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import MISSING, Field, asdict, fields, is_dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints
from uuid import UUID

from reelq.worker.jobs.arguments import Range

Schema = dict[str, Any]
PLAIN: dict[Any, Schema] = {
    str: {"type": "string"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    UUID: {"type": "string", "format": "uuid"},
    dict: {"type": "object"},
    Any: {},
}
BOUNDS = {"string": ("minLength", "maxLength"), "array": ("minItems", "maxItems")}  # else minimum and maximum
SOME_ID = "01976b1e-5a3c-7d4e-8f00-0123456789ab"


def describe(kind: type[Any], example: Mapping[str, Any] | None = None) -> Schema:
    """The schema of a dataclass; `example` is a payload to show, else one is made of defaults and types.

    Raises:
        TypeError: a field is of a type that job_data cannot hold.
    """
    schema = _object(kind)
    schema["examples"] = [dict(example) if example is not None else payload(schema)]
    return schema


def payload(schema: Schema) -> Any:
    """Something that the schema takes: its example, its default, else the least of its type."""
    if "examples" in schema:
        return schema["examples"][0]
    if schema.get("default") is not None:
        return schema["default"]
    if "enum" in schema:
        return schema["enum"][0]
    if "anyOf" in schema:
        return payload(schema["anyOf"][0])
    kind = schema.get("type")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "object":
        return {
            name: payload(one)
            for name, one in schema.get("properties", {}).items()
            if name in schema["required"] or one.get("default") not in (None, [], {})
        }
    if kind == "array":
        return [payload(schema["items"])] * max(1, schema.get("minItems", 1))
    if kind == "string":
        return SOME_ID if "format" in schema else "text"[: schema.get("maxLength")].ljust(schema.get("minLength", 0), "…")
    if kind in ("integer", "number"):
        return schema.get("minimum", min(1, schema.get("maximum", 1)))
    return kind == "boolean" or None


def spell(schema: Schema) -> str:
    """The type of an argument for people: `integer from 1 to 100, or null`."""
    if "enum" in schema:
        return " | ".join("null" if one is None else str(one) for one in schema["enum"])
    if "anyOf" in schema:
        return ", or ".join(map(spell, schema["anyOf"]))
    kinds = schema.get("type", "anything")
    kind, *rest = kinds if isinstance(kinds, list) else [kinds]
    told = str(schema.get("format", kind))
    if kind == "array":
        told = f"list of {spell(schema['items'])}"
    if kind == "object" and schema.get("properties"):
        told = "object of " + ", ".join(schema["properties"])
    low, high = (schema.get(name) for name in BOUNDS.get(kind, ("minimum", "maximum")))
    told += " of length" if kind in BOUNDS and (low, high) != (None, None) else ""
    told += "" if low is None else f" from {low}"
    told += "" if high is None else f" to {high}"
    return ", or ".join([told, *rest])


def _object(kind: Any) -> Schema:
    """Of a dataclass."""
    hints = get_type_hints(kind, include_extras=True)
    properties, required = {}, []
    for field in fields(kind):
        try:
            schema = _type(hints[field.name])
        except TypeError as error:
            raise TypeError(f"{field.name}: {error}") from None
        default = _default(field)
        if default is MISSING:
            required.append(field.name)
        else:
            schema["default"] = _json(default)
        properties[field.name] = schema
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def _default(field: Field[Any]) -> Any:
    """The default of a field; MISSING where there is none."""
    return field.default if field.default_factory is MISSING else field.default_factory()


def _type(hint: Any) -> Schema:
    """Of a type hint."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _annotated(inner[0], inner[1:])
    if origin in (Union, types.UnionType):
        return _union(inner)
    if origin is Literal:
        kinds = {PLAIN[type(one)]["type"] for one in inner}
        return {"type": kinds.pop() if len(kinds) == 1 else sorted(kinds), "enum": list(inner)}
    if origin is list or (origin is tuple and inner[1:] == (...,)):
        return {"type": "array", "items": _type(inner[0])}
    if is_dataclass(hint):
        return _object(hint)
    kind = dict if origin is dict else hint
    if kind not in PLAIN:
        raise TypeError(f"{getattr(hint, '__name__', hint)} is nothing that job_data can hold")
    return dict(PLAIN[kind])


def _annotated(hint: Any, notes: tuple[Any, ...]) -> Schema:
    """Of Annotated: a text is the description, a Range the bounds."""
    schema = _type(hint)
    for note in notes:
        if isinstance(note, str):
            schema["description"] = note
        elif isinstance(note, Range):
            kinds = schema.get("type")
            names = BOUNDS.get(kinds[0] if isinstance(kinds, list) else kinds or "", ("minimum", "maximum"))
            schema |= {name: bound for name, bound in zip(names, (note.least, note.most), strict=True) if bound is not None}
    return schema


def _union(hints: tuple[Any, ...]) -> Schema:
    """Of `X | None` and `X | Y`."""
    some = [_type(hint) for hint in hints if hint is not type(None)]
    nullable = type(None) in hints
    if len(some) == 1 and nullable and isinstance(some[0].get("type"), str):
        only = some[0]
        return {**only, "type": [only["type"], "null"]} | ({"enum": [*only["enum"], None]} if "enum" in only else {})
    return {"anyOf": some + ([{"type": "null"}] if nullable else [])}


def _json(value: Any) -> Any:
    """A default in JSON's types."""
    if is_dataclass(value) and not isinstance(value, type):
        return _json(asdict(value))
    if isinstance(value, Mapping):
        return {str(name): _json(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_json(one) for one in value]
    return str(value) if isinstance(value, UUID) else value
