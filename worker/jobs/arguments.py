"""job_data into a handler's Args: every field of the right type, none missing, none unknown.

A field is a text, number, flag, UUID, Literal, list, tuple, object or another frozen dataclass, or one of
several of these (`int | None`). Annotated says more of it: a text is its meaning, a Range its bounds, a Pattern what a text looks like.
`options_schema` writes the same down for people and for the database, which checks it at enqueue: what is taken there is taken here.
"""

from __future__ import annotations

import json
import re
import types
from contextlib import suppress
from dataclasses import MISSING, dataclass, fields, is_dataclass
from functools import cache
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints
from uuid import UUID

from reelq.worker.errors import JobError, PermanentError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Range:
    """Bounds of an argument, both allowed: of a number, else of the length of a text or list. None: no bound.

        pages: Annotated[int, "Pages to read.", Range(1, 100)] = 10
    """

    least: float | None = None
    most: float | None = None

    def __str__(self) -> str:
        if self.most is None:
            return f"at least {self.least}"
        return f"at most {self.most}" if self.least is None else f"{self.least} to {self.most}"

    def holds(self, value: Any) -> bool:
        """Whether a number, or the length of a text or list, is within."""
        size = value if isinstance(value, int | float) else len(value)
        return (self.least is None or size >= self.least) and (self.most is None or size <= self.most)


@dataclass(frozen=True, slots=True)
class Pattern:
    """What a text looks like, as a whole: a regular expression of [ ] ( ) (?: ) | * + ? { } . and characters, which Postgres reads alike.

        code: Annotated[str, "Language.", Pattern("[a-z]{2}", "two letters, as en")] = "en"

    `means` says it in words, for whoever gets it wrong. \\d, \\w, looks ahead and references back are not taken.
    """

    text: str
    means: str | None = None

    def __str__(self) -> str:
        return f"be {self.means}" if self.means else f"match {self.anchored}"

    @property
    def anchored(self) -> str:
        """As JSON Schema has it, where a pattern may fit anywhere in a text."""
        return f"^(?:{self.text})$"

    def holds(self, value: str) -> bool:
        """Whether the whole text looks so."""
        return re.fullmatch(self.text, value, re.DOTALL) is not None


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


def mistakes_of(hint: Any, value: Any, where: str) -> list[str]:
    """What is wrong with a value in JSON's types for a type hint; nothing: it is taken."""
    found: list[str] = []
    _value(hint, value, where, found)
    return found


def _object(kind: Any, data: Any, where: str, mistakes: list[str]) -> Any:
    """A dataclass from an object; None when there are mistakes."""
    if not isinstance(data, dict):
        mistakes.append(f"{where} must be an object, not {_short(data)}")
        return None
    before = len(mistakes)
    inner = "" if where == "job_data" else f"{where}."
    known = _shape(kind)
    if not data.keys() <= known.keys():
        mistakes += [f"{inner}{name} is unknown" for name in sorted(map(str, data.keys() - known.keys()))]
    values = {}
    for name, (hint, optional) in known.items():
        if name in data:
            values[name] = _value(hint, data[name], inner + name, mistakes)
        elif not optional:
            mistakes.append(f"{inner}{name} is missing")
    if len(mistakes) > before:
        return None
    try:
        return kind(**values)
    except ValueError as error:  # a check in __post_init__; its message is the mistake
        mistakes.append(str(error))
        return None
    except JobError:
        raise
    except Exception as error:  # noqa: BLE001 - a stranger's check may fail in any way, and the same data makes the same error for ever
        mistakes.append(f"{where} is refused by {kind.__name__}: {type(error).__name__}: {error}")
        return None


@cache
def _shape(kind: Any) -> dict[str, tuple[Any, bool]]:
    """The fields of a dataclass: what each wants, and whether it may be left out."""
    hints = get_type_hints(kind, include_extras=True)
    return {
        field.name: (hints[field.name], field.default is not MISSING or field.default_factory is not MISSING)
        for field in fields(kind)
        if field.init
    }


def _value(hint: Any, value: Any, where: str, mistakes: list[str]) -> Any:
    """`value` as the type `hint` wants it."""
    if type(value) is hint:  # the usual case: a plain text, number or flag
        return value
    origin = get_origin(hint)
    if origin is Annotated:
        return _annotated(hint, value, where, mistakes)
    if origin in (Union, types.UnionType):
        return _union(get_args(hint), value, where, mistakes)
    if origin is Literal:
        for one in get_args(hint):  # 1.0 is 1, and true is not
            if one == value and isinstance(one, bool) == isinstance(value, bool):
                return one
        mistakes.append(f"{where} must be one of {', '.join(map(str, get_args(hint)))}, not {_short(value)}")
        return value
    if origin in (list, tuple):
        if not isinstance(value, list):
            mistakes.append(f"{where} must be a list, not {_short(value)}")
            return None
        item = get_args(hint)[0]
        return origin(_value(item, one, f"{where}[{n}]", mistakes) for n, one in enumerate(value))
    if is_dataclass(hint):
        return _object(hint, value, where, mistakes)
    return _plain(dict if origin is dict else hint, value, where, mistakes)


def _annotated(hint: Any, value: Any, where: str, mistakes: list[str]) -> Any:
    """A value whose type says more of it."""
    kind, *notes = get_args(hint)
    before = len(mistakes)
    made = _value(kind, value, where, mistakes)
    if len(mistakes) > before or made is None:
        return made
    for note in notes:
        if isinstance(note, Range) and not note.holds(made):
            measured = where if isinstance(made, int | float) else f"the length of {where}"
            mistakes.append(f"{measured} must be {note}")
        elif isinstance(note, Pattern) and isinstance(made, str) and not note.holds(made):
            mistakes.append(f"{where} must {note}, not {_short(made)}")
    return made


def _union(hints: tuple[Any, ...], value: Any, where: str, mistakes: list[str]) -> Any:
    """The first of several types that takes `value`; else the mistakes of the one that it is of, or of the last."""
    if value is None and type(None) in hints:
        return None
    told: list[str] = []
    for hint in hints:
        if hint is type(None):
            continue
        found: list[str] = []
        made = _value(hint, value, where, found)
        if not found:
            return made
        if isinstance(value, bare(hint)):
            mistakes += found
            return None
        told = found
    mistakes += told
    return None


def bare(hint: Any) -> type[Any]:
    """The class behind a type hint: int for Annotated[int, …], list for list[str]; object where none is meant."""
    origin = get_origin(hint)
    if origin is Annotated:
        return bare(get_args(hint)[0])
    found = origin or hint
    return found if isinstance(found, type) else object


UUID_TEXT = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")  # neither braces nor urn:uuid:, which JSON Schema does not know
PLAIN = {str: "a text", bool: "true or false", int: "a whole number", float: "a number", dict: "an object", UUID: "a UUID"}


def _plain(hint: Any, value: Any, where: str, mistakes: list[str]) -> Any:
    """A text, number, flag, object or UUID. true is refused as a number and 1 as a flag; a float may be whole, and 1.0 is a whole number."""
    if hint is Any:
        return value
    if hint is UUID and isinstance(value, str) and UUID_TEXT.fullmatch(value):
        return UUID(value)
    if hint is int and isinstance(value, float) and value.is_integer():
        return int(value)
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        with suppress(OverflowError):  # 10 ** 400 is no float: refused below
            return float(value)
    if not isinstance(value, hint) or (isinstance(value, bool) and hint is not bool):
        mistakes.append(f"{where} must be {PLAIN.get(hint, hint)}, not {_short(value)}")
    return value


def _short(value: Any) -> str:
    """A refused value as JSON, cut to what fits a sentence."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else text[:59] + "…"
