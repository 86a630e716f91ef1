"""@job_type, and the schema of a handler's arguments: what is declared, and what is refused in one sentence."""

from __future__ import annotations

import copy
import datetime
import enum
import functools
import json
import math
import sys
import typing
from dataclasses import InitVar, dataclass, field, make_dataclass
from types import ModuleType
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest

from reelq.worker.errors import HandlersError, PermanentError
from reelq.worker.jobs import arguments, options_schema, options_text
from reelq.worker.jobs.arguments import Pattern, Range
from reelq.worker.jobs.declare import Retry, declared, job_type, span, types_of


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
    assert options_text.spell(shown["pages"]) == "integer from 1 to 100"
    assert options_text.spell(shown["words"]) == "list (at most 3) of string"
    assert options_text.spell({"type": "array", "items": {"enum": ["a", "b"]}, "minItems": 1, "maxItems": 5}) == "list (1 to 5) of a | b"
    assert options_text.spell({"type": ["array", "null"], "minItems": 2}) == "list (2 or more) of anything, or null"
    assert options_text.spell(shown["tint"]) == "red | blue | null"


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
         "jitter": "full"}
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
        ("Shout", run, {}, "its name must be 1 to 63 lower case letters"),
        ("x" * 64, run, {}, "1 to 63 lower case"),
        ("shout", silent, {}, "it must have a description"),
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


async def awaited(args: Args, ctx: Any) -> None: """Do it."""
def yielding(args: Args, ctx: Any) -> Any:
    """Do it."""
    yield
def keywords(args: Args, *, ctx: Any) -> None: """Do it."""
def starred(args: Args, *ctx: Any) -> None: """Do it."""


class Colour(enum.Enum):
    """An enum."""

    RED = "red"


@dataclass(frozen=True)
class Tree:
    """Holds itself."""

    below: list[Tree]


def made(hint: Any, *default: Any) -> Any:
    """A handler whose arguments have one field of that type, and a default."""
    name = ("x", hint, *(field(default_factory=functools.partial(copy.copy, one)) for one in default))
    kind = make_dataclass("Made", [name], frozen=True)

    def run(args, ctx):
        """Do it."""

    run.__annotations__["args"] = kind
    return run


@pytest.mark.parametrize(
    ("function", "options", "words"),
    [
        (awaited, {}, "must be a plain def"),
        (yielding, {}, "must be a plain def"),
        (keywords, {}, "takes \\(args, ctx\\), both by position"),
        (starred, {}, "takes \\(args, ctx\\), both by position"),
        (functools.partial(run), {}, "must stand over a function, not over partial"),
        (Args, {}, "must stand over a function, not over Args"),
        (made(float, math.nan), {}, "x: its default must be a number that JSON has, not nan"),
        (made(dict, {"deep": [math.inf]}), {}, r"x: its default.deep\[0\] must be a number that JSON has, not inf"),
        (made(str, "a\0b"), {}, "x: its default must be a text that Postgres takes"),
        (made(str, "\udc80"), {}, "x: its default must be a text that Postgres takes"),
        (made(dict, {"at": {1}}), {}, "x: its default.at must be of JSON's types, not set"),
        (made(int, "many"), {}, 'x: its default must be a whole number, not "many"'),
        (made(int, None), {}, "x: its default must be a whole number, not null"),
        (made(Annotated[int, Range(1, 9)], 10), {}, "x: its default must be 1 to 9"),
        (made(list[int], ["a"]), {}, r"x: its default\[0\] must be a whole number"),
        (made(Annotated[str, "a\0b"]), {}, "must be a text that Postgres takes"),
        (made(Literal["a", None]), {}, "x: a Literal must be of texts, whole numbers and flags, not None"),
        (made(Literal[Colour.RED]), {}, "x: a Literal must be of texts, .* not <Colour.RED"),
        (made(Colour), {}, "x: Colour is nothing that job_data can hold"),
        (made(typing.List), {}, "x: List is nothing that job_data can hold"),  # noqa: UP006 - somebody writes it
        (made(InitVar[int]), {}, "Made must be made of its fields alone, not of x"),
        (made(Annotated[str, Range(10**7)]), {}, "x: the least length in a Range must be at most 10000, not 10000000"),
        (made(Annotated[list[int], Range(10**7)]), {}, "x: the least length in a Range"),
        (made(Annotated[int, Range(9, 1)]), {}, "x: a Range must be of two numbers, the lesser one first, not 9 to 1"),
        (made(Annotated[int, Range(math.nan)]), {}, "x: a Range must be of two numbers"),
        (made(Annotated[int, Range("a")]), {}, "x: a Range must be of two numbers"),  # type: ignore[arg-type]
        (made(Annotated[UUID, Range(1, 2)]), {}, "x: a Range must be of a number, a text or a list"),
        (made(Annotated[bool, Range(0, 1)]), {}, "x: a Range must be of a number, a text or a list"),
        (made(Annotated[dict[str, int], Range(0, 1)]), {}, "x: a Range must be of a number, a text or a list"),
        (made(Tree), {}, "x: below: Tree must not hold itself"),
        (run, {"example": {**GOOD, "video": UUID(GOOD["video"])}}, "example.video must be of JSON's types, not UUID"),  # type: ignore[arg-type]
        (run, {"example": {**GOOD, "extra": {"at": datetime.date(2026, 1, 1)}}}, "example.extra.at must be of JSON's types, not date"),
        (run, {"description": "a\0b"}, "description must be a text that Postgres takes"),
        (run, {"max_attempts": 2**40}, "max_attempts must be 1 to 2147483647, not 1099511627776"),
        (run, {"max_crashes": 2**31}, "max_crashes must be 1 to 2147483647"),
        (run, {"limits": ["Bad Word"]}, "limits must be a list of words"),
        (run, {"limits": ["Bad"]}, "limits must be words of a-z, 0-9 and _ . : -, at most 100 long, not 'Bad'"),
        (run, {"needs": ["a b"]}, "needs must be a list of words"),
        (run, {"lease": "0.5s"}, "lease must be 1s to 365d, not '0.5s'"),
        (run, {"time_limit": "9" * 400}, "time_limit must be above zero to 365d"),
        (run, {"retry": Retry(factor=math.nan)}, "Retry.factor must be 1 to 999, not nan"),
        (run, {"retry": Retry(factor=math.inf)}, "Retry.factor must be 1 to 999, not inf"),
        (run, {"retry": Retry(factor="2")}, "Retry.factor must be 1 to 999, not '2'"),  # type: ignore[arg-type]
        (run, {"retry": Retry(code="Bad Code")}, "Retry.code must be \\* or lower case"),
        (run, {"retry": Retry(charges=2)}, "Retry.charges must be True, False or None, not 2"),  # type: ignore[arg-type]
        (run, {"retry": [Retry(), Retry(base="1s")]}, "retry must have one Retry an error, not two for transient \\*"),
        (run, {"retry": 7}, "retry must be a Retry or a list of them, not 7"),
        (run, {"retry": ["x"]}, "retry must be a Retry or a list of them, not 'x'"),
        (run, {"retry": Retry(action="again")}, "Retry.action must be retry or fail, not 'again'"),
        (run, {"retry": Retry(jitter="half")}, "Retry.jitter must be full or none, not 'half'"),
    ],
)  # fmt: skip
def test_what_would_fail_later_is_refused_when_it_is_declared(function: Any, options: dict[str, Any], words: str) -> None:
    with pytest.raises(HandlersError, match=words) as caught:
        job_type("shout", **options)(function)
    assert "\n" not in str(caught.value) and str(caught.value).startswith("job type 'shout': ")


def test_a_factory_of_a_default_that_fails_is_told_in_one_line() -> None:
    empty: dict[str, int] = {}
    kind = make_dataclass("Made", [("x", int, field(default_factory=lambda: empty["gone"]))], frozen=True)

    def fail(args: Any, ctx: Any) -> None:
        """Do it."""

    fail.__annotations__["args"] = kind
    with pytest.raises(HandlersError, match="^job type 'shout': KeyError: 'gone'$"):
        job_type("shout")(fail)


@pytest.mark.parametrize(("given", "stored"), [("12345678s", "12345678 seconds"), (0.5, "0.5 seconds"), ("1.000001s", "1.000001 seconds"),
                                               (datetime.timedelta(days=200), "17280000 seconds")])  # fmt: skip
def test_a_time_is_stored_to_the_last_digit(given: Any, stored: str) -> None:
    assert span("time_limit", given) == stored


def test_without_parentheses_it_says_what_to_write() -> None:
    with pytest.raises(HandlersError, match=r'must have the name of a job type, as @job_type\("run"\), not run'):
        job_type(run)  # type: ignore[arg-type]
    with pytest.raises(HandlersError, match=r'as @job_type\("shout"\), not 5'):
        job_type(5)  # type: ignore[arg-type]


def test_one_function_is_one_job_type() -> None:
    def shout(args: Args, ctx: Any) -> None:
        """Do it."""

    job_type("one")(shout)
    with pytest.raises(HandlersError, match="^job type 'two': its function does job type 'one' already; one function is one job type$"):
        job_type("two")(shout)


def module(name: str, text: str) -> ModuleType:
    """A module with that text."""
    found = ModuleType(name)
    sys.modules[name] = found  # a dataclass looks its module up there
    try:
        exec(compile(text, name, "exec"), vars(found))
    finally:
        del sys.modules[name]
    return found


HEAD = """
from __future__ import annotations
import functools
from dataclasses import dataclass
from reelq import job_type

@dataclass(frozen=True)
class Args:
    x: int = 1

def twice(function):
    @functools.wraps(function)
    def run(args, ctx):
        return [function(args, ctx), function(args, ctx)]
    return run

def bare(function):
    def run(args, ctx):
        return function(args, ctx)
    return run
"""
BODY = '''
def shout(args: Args, ctx: object) -> object:
    """Do it."""
    return args.x
'''


def test_a_decorator_above_is_part_of_the_handler() -> None:
    loaded = module("above", f"{HEAD}\n@twice\n@job_type('shout'){BODY}")
    (one,) = types_of(loaded)
    assert one.run is loaded.shout and one.run(one.args(), None) == [1, 1]


def test_a_decorator_of_another_module_below_is_fine() -> None:
    helper = module("helper", HEAD)
    text = HEAD.split("\n\ndef twice", maxsplit=1)[0]
    loaded = ModuleType("below")
    loaded.twice = helper.twice  # type: ignore[attr-defined]
    sys.modules["below"] = loaded
    del helper.Args  # as in a module that has none
    try:
        exec(f"{text}\n@job_type('shout')\n@twice{BODY}", vars(loaded))
    finally:
        del sys.modules["below"]
    (one,) = types_of(loaded)
    assert one.args is loaded.Args and one.run(one.args(), None) == [1, 1]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "text",
    [
        f"@bare\n@job_type('shout'){BODY}",
        f"@functools.lru_cache\n@job_type('shout'){BODY}",
        f"@job_type('shout'){BODY}\nshout = 1",
        f"@job_type('shout'){BODY}\n@job_type('cry'){BODY}",
        "class Jobs:\n    @job_type('shout')" + BODY.replace("\n", "\n    "),
    ],
)
def test_a_job_type_that_its_module_loses_is_told(text: str) -> None:
    with pytest.raises(HandlersError, match="^job type 'shout': its function is not in the module under a name of its own"):
        types_of(module("losing", f"{HEAD}\n{text}"))


@dataclass(frozen=True)
class Inner:
    """An argument that is an object."""

    w: Annotated[int, Range(1, 100)]


@dataclass(frozen=True)
class Checked:
    """Checks itself, and has a field that is no argument."""

    share: float = 0.0
    names: dict[str, Any] = field(default_factory=lambda: {"a": 1})
    half: float = field(init=False, default=0.0)
    inner: Inner | None = None

    def __post_init__(self) -> None:
        self.names["a"]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"share": 10**400}, "share must be a number, not 1000"),
        ({"half": 1.0}, "half is unknown"),
        ({"inner": {"w": 0}}, "inner.w must be 1 to 100"),
        ({"inner": {"x": 0}}, "inner.x is unknown; inner.w is missing"),
        ({"names": {}}, "job_data is refused by Checked: KeyError: 'a'"),
    ],
)
def test_data_that_no_instance_can_be_made_of_is_bad_job_data(data: dict[str, Any], words: str) -> None:
    with pytest.raises(PermanentError, match=words) as caught:
        arguments.parse(Checked, data)
    assert caught.value.code == "bad_job_data"
    assert list(options_schema.describe(Checked)["properties"]) == ["share", "names", "inner"]


@pytest.mark.parametrize(
    ("hint", "words"),
    [
        (Annotated[int, Pattern("a")], "must be of a text"), (Annotated[UUID, Pattern("a")], "must be of a text"), (Annotated[str, Pattern("(")], "a regular expression"),
        (Annotated[str, Pattern(r"\d+")], "write \\[0-9\\]"), (Annotated[str, Pattern("(?=a)")], "without"), (Annotated[str, Pattern(r"(a)\1")], "without"), (Annotated[str, Pattern("a++")], "without"),
    ],
)  # fmt: skip
def test_a_pattern_is_one_that_sql_reads_alike(hint: Any, words: str) -> None:
    with pytest.raises(TypeError, match=words):
        options_schema.describe(make_dataclass("Odd", [("x", hint)], frozen=True))


def test_a_pattern_is_of_the_whole_text_and_says_what_it_means() -> None:
    kind = make_dataclass("Code", [("x", Annotated[str | None, Pattern("[a-z]{2}", "two letters")])], frozen=True)
    assert options_schema.describe(kind, {"x": "en"})["properties"]["x"] == {"type": ["string", "null"], "pattern": "^(?:[a-z]{2})$", "title": "two letters"}
    arguments.parse(kind, {"x": "en"})
    for text in ("", "e", "eng", "en\n", "EN"):
        with pytest.raises(PermanentError, match="x must be two letters"):
            arguments.parse(kind, {"x": text})


@pytest.mark.parametrize("value", ["Video", "", 1, True])
def test_what_jobs_are_about_is_a_video_or_an_asset(value: Any) -> None:
    def shout(args: Args, ctx: Any) -> None:
        """Shout."""

    with pytest.raises(HandlersError, match="requires must be"):
        job_type("shout", requires=value)(shout)


def test_a_type_says_what_its_jobs_are_about() -> None:
    @job_type("shout", requires="asset")
    def shout(args: Args, ctx: Any) -> None:
        """Shout."""

    one = declared(shout)
    assert one is not None and one.defaults["requires"] == "asset"
