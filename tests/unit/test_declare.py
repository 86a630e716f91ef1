"""@job_type, and the schema of a handler's arguments: what is declared, and what is refused in one sentence."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest

from reelq.worker.errors import HandlersError, PermanentError
from reelq.worker.jobs import arguments, options_schema
from reelq.worker.jobs.arguments import Range
from reelq.worker.jobs.declare import Retry, declared, job_type


@dataclass(frozen=True, slots=True)
class Size:
    """A nested one."""

    width: Annotated[int, Range(1, 8192)]
    height: int = 240


@dataclass(frozen=True, slots=True)
class Args:
    """One of each."""

    url: Annotated[str, "What to read.", Range(1, 2000)]
    video: UUID
    size: Size
    mode: Literal["fast", "good"]
    pages: Annotated[int, "Pages to read.", Range(1, 100)] = 10
    share: Annotated[float, Range(most=1)] = 0.5
    loud: bool = False
    words: Annotated[list[str], Range(most=3)] = field(default_factory=list)
    sizes: tuple[Size, ...] = (Size(2, 2),)
    tint: Literal["red", "blue"] | None = None
    at: int | str | None = None
    extra: dict[str, Any] | None = None


@dataclass
class Melting:
    """Not frozen."""

    x: int = 0


@dataclass(frozen=True)
class Strange:
    """Of a type that no JSON holds."""

    x: set[int]


GOOD = {"url": "a", "video": "01976b1e-5a3c-7d4e-8f00-0123456789ab", "size": {"width": 3}, "mode": "fast"}


def test_the_schema_says_what_parse_takes() -> None:
    schema = options_schema.describe(Args)
    assert json.loads(json.dumps(schema)) == schema
    assert schema["required"] == ["url", "video", "size", "mode"]
    shown = schema["properties"]
    assert shown["url"] == {"type": "string", "description": "What to read.", "minLength": 1, "maxLength": 2000}
    assert shown["pages"] == {"type": "integer", "description": "Pages to read.", "minimum": 1, "maximum": 100, "default": 10}
    assert shown["video"] == {"type": "string", "format": "uuid"}
    assert shown["size"]["properties"]["width"] == {"type": "integer", "minimum": 1, "maximum": 8192}
    assert shown["words"] == {"type": "array", "items": {"type": "string"}, "maxItems": 3, "default": []}
    assert shown["sizes"]["default"] == [{"width": 2, "height": 2}]
    assert shown["tint"] == {"type": ["string", "null"], "enum": ["red", "blue", None], "default": None}
    assert shown["at"] == {"anyOf": [{"type": "integer"}, {"type": "string"}, {"type": "null"}], "default": None}
    assert arguments.parse(Args, schema["examples"][0]).size == Size(1, 240)
    assert options_schema.spell(shown["pages"]) == "integer from 1 to 100"
    assert options_schema.spell(shown["words"]) == "list of string of length to 3"
    assert options_schema.spell(shown["tint"]) == "red | blue | null"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"url": ""}, "the length of url must be 1 to 2000"),
        ({"pages": 101}, "pages must be 1 to 100"),
        ({"share": 2}, "share must be at most 1"),
        ({"size": {"width": 0}}, "width must be 1 to 8192"),
        ({"words": list("abcd")}, "the length of words must be at most 3"),
        ({"video": "x"}, "video must be a UUID"),
        ({"mode": "odd"}, "mode must be one of fast, good"),
        ({"loud": 1}, "loud must be true or false"),
    ],
)
def test_what_is_out_of_bounds_is_refused_in_words(change: dict[str, Any], words: str) -> None:
    with pytest.raises(PermanentError, match=words):
        arguments.parse(Args, {**GOOD, **change})
    arguments.parse(Args, GOOD)


def test_what_was_declared_hangs_on_a_plain_function() -> None:
    @job_type("shout", lease="2m", batch=5, needs=["av1"], retry=Retry(base="5s", cap=60), example=GOOD)
    def shout(args: Args, ctx: Any) -> dict[str, Any]:
        """Say it loudly.

        More of it.
        """
        return {"said": args.url.upper(), "ctx": ctx}

    assert shout(arguments.parse(Args, GOOD), 7) == {"said": "A", "ctx": 7}
    one = declared(shout)
    assert one is not None and (one.name, one.args) == ("shout", Args)
    assert one.defaults["description"] == "Say it loudly."
    assert (one.defaults["lease"], one.defaults["batch"], one.defaults["needs"]) == ("120 seconds", 5, ["av1"])
    assert one.retry == [
        {"error_class": "transient", "code": "*", "action": "retry", "base": "5 seconds", "factor": 2.0, "cap": "60 seconds",
         "jitter": "full", "charges": True}
    ]  # fmt: skip
    assert one.schema["examples"] == [GOOD]
    assert declared(len) is None and declared(Args) is None


def run(args: Args, ctx: Any) -> None:
    """Do it."""


def silent(args: Args, ctx: Any) -> None: ...
def lonely(ctx: Any) -> None: """Do it."""
def untyped(args, ctx): """Do it."""
def melting(args: Melting, ctx: Any) -> None: """Do it."""
def strange(args: Strange, ctx: Any) -> None: """Do it."""
def lost(args: Nowhere, ctx: Any) -> None: """Do it."""  # type: ignore[name-defined]  # noqa: F821


@pytest.mark.parametrize(
    ("name", "function", "options", "words"),
    [
        ("Shout", run, {}, "a name has lower case letters"),
        ("x" * 64, run, {}, "at most 63"),
        ("shout", silent, {}, "needs a description"),
        ("shout", lonely, {}, "takes \\(args, ctx\\)"),
        ("shout", untyped, {}, "frozen dataclass"),
        ("shout", melting, {}, "frozen dataclass"),
        ("shout", strange, {}, "x: set is nothing that job_data can hold"),
        ("shout", lost, {}, "'Nowhere' is not defined"),
        ("shout", run, {"priority": 11}, "priority must be 1 to 10, not 11"),
        ("shout", run, {"lease": "soon"}, "lease must be a time above zero"),
        ("shout", run, {"needs": "gpu"}, "needs must be a list of words"),
        ("shout", run, {"batch": 0}, "batch must be 1 to 1000"),
        ("shout", run, {"retry": Retry(on="odd")}, "Retry.on must be one of"),
        ("shout", run, {"retry": Retry(base="1h", cap="1s")}, "cap must not be below"),
        ("shout", run, {"example": {"pages": 1}}, "its example is refused: .*url is missing"),
    ],
)
def test_a_wrong_declaration_is_refused_in_one_line(name: str, function: Any, options: dict[str, Any], words: str) -> None:
    with pytest.raises(HandlersError, match=words) as caught:
        job_type(name, **options)(function)
    assert "\n" not in str(caught.value) and repr(name) in str(caught.value)
