"""job_data into a handler's Args: every field of the right type, none missing, none unknown."""

from __future__ import annotations

import types
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints
from uuid import UUID

from reelq.worker.errors import PermanentError

T = TypeVar("T")


def parse(kind: type[T], data: Any) -> T:
    """An instance of the dataclass `kind` from a JSON object.

    Raises:
        PermanentError: "bad_job_data", with every mistake in one sentence.
    """
    mistakes: list[str] = []
    made = _object(kind, data, "job_data", mistakes)
    if mistakes:
        raise PermanentError("bad_job_data", "The job's data is wrong: " + "; ".join(mistakes) + ".")
    return made  # type: ignore[no-any-return]


def _object(kind: Any, data: Any, where: str, mistakes: list[str]) -> Any:
    """A dataclass from an object; None when there are mistakes."""
    if not isinstance(data, dict):
        mistakes.append(f"{where} must be an object")
        return None
    before = len(mistakes)
    known = _shape(kind)
    if not data.keys() <= known.keys():
        mistakes += [f"{name} is unknown" for name in sorted(map(str, data.keys() - known.keys()))]
    values = {}
    for name, (hint, optional) in known.items():
        if name in data:
            values[name] = _value(hint, data[name], name, mistakes)
        elif not optional:
            mistakes.append(f"{name} is missing")
    if len(mistakes) > before:
        return None
    try:
        return kind(**values)
    except ValueError as error:  # a check in __post_init__; its sentence is ours
        mistakes.append(str(error))
        return None


@cache
def _shape(kind: Any) -> dict[str, tuple[Any, bool]]:
    """The fields of a dataclass: what each wants, and whether it may be left out."""
    hints = get_type_hints(kind)
    return {
        field.name: (hints[field.name], field.default is not MISSING or field.default_factory is not MISSING)
        for field in fields(kind)
    }


def _value(hint: Any, value: Any, where: str, mistakes: list[str]) -> Any:
    """`value` as the type `hint` wants it."""
    if type(value) is hint:  # a plain text, number or flag, as most are
        return value
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        return _union(get_args(hint), value, where, mistakes)
    if origin is Literal:
        if value not in get_args(hint) or isinstance(value, bool) != isinstance(get_args(hint)[0], bool):
            mistakes.append(f"{where} must be one of " + ", ".join(map(str, get_args(hint))))
        return value
    if origin in (list, tuple):
        if not isinstance(value, list):
            mistakes.append(f"{where} must be a list")
            return None
        item = get_args(hint)[0]
        return origin(_value(item, one, f"{where}[{n}]", mistakes) for n, one in enumerate(value))
    if is_dataclass(hint):
        return _object(hint, value, where, mistakes)
    return _plain(dict if origin is dict else hint, value, where, mistakes)


def _union(hints: tuple[Any, ...], value: Any, where: str, mistakes: list[str]) -> Any:
    """The first of several types that takes `value`; the last one's mistakes when none does."""
    if value is None and type(None) in hints:
        return None
    found: list[str] = []
    for hint in hints:
        if hint is type(None):
            continue
        found = []
        made = _value(hint, value, where, found)
        if not found:
            return made
    mistakes += found
    return None


PLAIN = {str: "a text", bool: "true or false", int: "a whole number", float: "a number", dict: "an object", UUID: "a UUID"}


def _plain(hint: Any, value: Any, where: str, mistakes: list[str]) -> Any:
    """A text, number, flag, object or UUID. true is no number, 1 is no flag, and 2 is a fine float."""
    if hint is Any:
        return value
    if hint is UUID and isinstance(value, str):
        try:
            return UUID(value)
        except ValueError:
            value = None
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, hint) or (isinstance(value, bool) and hint is not bool):
        mistakes.append(f"{where} must be {PLAIN.get(hint, hint)}")
    return value
