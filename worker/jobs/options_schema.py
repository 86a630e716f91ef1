"""A handler's Args as JSON Schema: what `reelq job-types show` prints and queue.job_types.options_schema holds.

Of JSON Schema (draft 2020-12) these keywords and no others; the database takes some more (queue.job_types.options_schema says which):

    type                      object, string, integer, number, boolean, array, null; or a list of two: [X, "null"]
    enum                      the values of a Literal
    format                    "uuid", and nothing else
    minimum, maximum          of a number; both allowed
    minLength, maxLength      of a text
    pattern, title            of a text, and the pattern in words
    minItems, maxItems        of a list
    items                     what each item of a list is
    properties, required      of an object; additionalProperties is false where there are properties
    anyOf                     one of several types
    default, description      of an argument; a default that is null stands there as null
    examples                  a list of one: a payload that is accepted
"""

from __future__ import annotations

import inspect
import math
import re
import types
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, asdict, fields, is_dataclass
from functools import partial
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints
from uuid import UUID

from reelq.worker.jobs import arguments
from reelq.worker.jobs.arguments import Pattern, Range

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
MEASURED = ("integer", "number", "string", "array")  # what a Range may be of
LONGEST_LEAST = 10_000  # of a text or list: an example of it has to fit a line
SOME_ID = "01976b1e-5a3c-7d4e-8f00-0123456789ab"


def describe(kind: type[Any], example: Mapping[str, Any] | None = None) -> Schema:
    """The schema of a dataclass; `example` is a payload to show, else one is made of defaults and types.

    Raises:
        TypeError: a field is of a type that job_data cannot hold.
    """
    schema = _object(kind, ())
    if example is not None:
        check_storable(dict(example), "example")
    schema["examples"] = [dict(example) if example is not None else payload(schema)]
    check_storable(schema)
    return schema


def check_storable(value: Any, where: str = "") -> None:
    """Whether jsonb takes it.

    Raises:
        TypeError, ValueError: with the place, as `example.at`.
    """
    if isinstance(value, Mapping):
        for name, one in value.items():
            if not isinstance(name, str):
                raise TypeError(f"{where or 'it'} must have texts as keys, not {name!r}")
            check_storable(name, where)
            check_storable(one, f"{where}.{name}".lstrip("."))
    elif isinstance(value, list | tuple):
        for n, one in enumerate(value):
            check_storable(one, f"{where}[{n}]")
    elif isinstance(value, str):
        if "\0" in value or any("\ud800" <= letter <= "\udfff" for letter in value):
            raise ValueError(f"{where} must be a text that Postgres takes, without NUL and lone surrogates, not {value[:60]!r}")
    elif isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{where} must be a number that JSON has, not {value!r}")
    elif not (value is None or type(value) in (bool, int, float)):
        raise TypeError(f"{where} must be of JSON's types, not {type(value).__name__}")


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
            if name in schema.get("required", ()) or one.get("default") not in (None, [], {})
        }
    if kind == "array":
        return [payload(schema.get("items", {}))] * max(1, schema.get("minItems", 1))
    if kind == "string":
        return SOME_ID if "format" in schema else "text"[: schema.get("maxLength")].ljust(schema.get("minLength", 0), "…")
    if kind in ("integer", "number"):
        return schema.get("minimum", min(1, schema.get("maximum", 1)))
    return kind == "boolean" or None


def _object(kind: Any, within: tuple[Any, ...]) -> Schema:
    """Of a dataclass; `within` are those that it is a part of."""
    if kind in within:
        raise TypeError(f"{kind.__name__} must not hold itself")
    hints = get_type_hints(kind, include_extras=True)
    properties, required = {}, []
    own = [field for field in fields(kind) if field.init]
    others = sorted(inspect.signature(kind).parameters.keys() - {field.name for field in own})
    if others:
        raise TypeError(f"{kind.__name__} must be made of its fields alone, not of {others[0]}")
    for field in own:
        try:
            schema = _type(hints[field.name], (*within, kind))
            default = _default(field)
            if default is MISSING:
                required.append(field.name)
            else:
                schema["default"] = _json(default)
                check_storable(schema["default"], "its default")
                wrong = arguments.mistakes_of(hints[field.name], schema["default"], "its default")
                if wrong:
                    raise ValueError("; ".join(wrong))
        except (TypeError, ValueError) as error:
            raise TypeError(f"{field.name}: {error}") from None
        properties[field.name] = schema
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def _default(field: Field[Any]) -> Any:
    """The default of a field; MISSING where there is none."""
    return field.default if field.default_factory is MISSING else field.default_factory()


def _type(hint: Any, within: tuple[Any, ...]) -> Schema:
    """Of a type hint."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _annotated(inner[0], inner[1:], within)
    if origin in (Union, types.UnionType):
        return _union(inner, within)
    if origin is Literal:
        odd = [one for one in inner if type(one) not in (str, int, bool)]
        if odd:
            told = f"a Literal must be of texts, whole numbers and flags, not {odd[0]!r}"
            raise TypeError(f"{told}; for null write Literal[…] | None")
        kinds = {PLAIN[type(one)]["type"] for one in inner}
        return {"type": kinds.pop() if len(kinds) == 1 else sorted(kinds), "enum": list(inner)}
    if inner and (origin is list or (origin is tuple and inner[1:] == (...,))):
        return {"type": "array", "items": _type(inner[0], within)}
    if is_dataclass(hint):
        return _object(hint, within)
    kind = dict if origin is dict else hint
    if kind not in PLAIN:
        raise TypeError(f"{getattr(hint, '__name__', hint)} is nothing that job_data can hold")
    return dict(PLAIN[kind])


def _annotated(hint: Any, notes: tuple[Any, ...], within: tuple[Any, ...]) -> Schema:
    """Of Annotated: a text is the description, a Range the bounds."""
    schema = _type(hint, within)
    for note in notes:
        if isinstance(note, str):
            schema["description"] = note
        elif isinstance(note, Range):
            _check_range(note, [one.get("format") or kind for one in schema.get("anyOf", [schema]) for kind in _kinds(one)])
            schema = _each(schema, partial(_bounds, note))
        elif isinstance(note, Pattern):
            _check_pattern(note, [one.get("format") or kind for one in schema.get("anyOf", [schema]) for kind in _kinds(one)])
            schema = _each(schema, partial(_looks, note))
    return schema


def _kinds(schema: Schema) -> list[Any]:
    """The names of its types but null; None where it has none."""
    kinds = schema.get("type")
    return [kind for kind in (kinds if isinstance(kinds, list) else [kinds]) if kind != "null"]


def _each(schema: Schema, more: Callable[[Any], Schema]) -> Schema:
    """The schema with `more` of its type, or with that of each of several."""
    if "anyOf" in schema:
        return {**schema, "anyOf": [_each(one, more) for one in schema["anyOf"]]}
    for kind in _kinds(schema):
        schema = schema | more(kind)
    return schema


def _looks(pattern: Pattern, kind: str) -> Schema:
    """A Pattern as keywords."""
    if kind != "string":
        return {}
    return {"pattern": pattern.anchored} | ({"title": pattern.means} if pattern.means else {})


def _bounds(bounds: Range, kind: str) -> Schema:
    """A Range as keywords."""
    names = BOUNDS.get(kind, ("minimum", "maximum"))
    return {name: bound for name, bound in zip(names, (bounds.least, bounds.most), strict=True) if bound is not None}


def _check_pattern(pattern: Pattern, kinds: list[Any]) -> None:
    """Whether a Pattern can be meant. Its cost is judged by the database (queue.check_pattern), when the type is synced.

    Raises:
        TypeError: of what is no text, or an expression that is none or that engines read in different ways.
    """
    if "string" not in kinds:
        raise TypeError("a Pattern must be of a text")
    if re.search(r"\\[A-Za-z0-9]|\(\?[^:]|[*+?}]\+", pattern.text):
        raise TypeError(f"a Pattern must be without \\d and its like, looks and references, not {pattern.text!r}; write [0-9] for \\d")
    try:
        re.compile(pattern.text)
    except re.error as error:
        raise TypeError(f"a Pattern must be a regular expression, not {pattern.text!r} ({error})") from None


def _check_range(bounds: Range, kinds: list[Any]) -> None:
    """Whether a Range can be meant.

    Raises:
        TypeError: of what has neither size nor length, or with bounds that nothing is within.
    """
    if any(kind not in (*MEASURED, "null") for kind in kinds):
        raise TypeError("a Range must be of a number, a text or a list")
    given = [one for one in (bounds.least, bounds.most) if one is not None]
    numbers = all(type(one) in (int, float) and math.isfinite(one) for one in given)
    if not numbers or given != sorted(given):
        raise TypeError(f"a Range must be of two numbers, the lesser one first, not {bounds}")
    if bounds.least is not None and bounds.least > LONGEST_LEAST and set(kinds) & BOUNDS.keys():
        raise TypeError(f"the least length in a Range must be at most {LONGEST_LEAST}, not {bounds.least}")


def _union(hints: tuple[Any, ...], within: tuple[Any, ...]) -> Schema:
    """Of `X | None` and `X | Y`."""
    some = [_type(hint, within) for hint in hints if hint is not type(None)]
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
