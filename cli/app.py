"""What commands share: the settings, a connection, common options and checks of arguments."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn
from uuid import UUID

import click

if TYPE_CHECKING:
    import psycopg

    from reelq.worker.settings import Settings

json_option = click.option("--json", "as_json", is_flag=True, help="One JSON object a line, for programs.")
tenant_option = click.option("--tenant", metavar="SLUG", help="Act for this tenant: see and change nothing of others. Slug or id.")


@dataclass
class App:
    """The flags that stand before the command; settings and database when a command needs them."""

    database_url: str | None = None
    store: str | None = None

    @cached_property
    def settings(self) -> Settings:
        """The environment and the flags.

        Raises:
            SettingsError: with every mistake.
        """
        from reelq.worker import settings

        return settings.load(**self.flags)

    @property
    def flags(self) -> dict[str, Any]:
        """The settings that were given as flags."""
        given = {"database_url": self.database_url, "store": self.store}
        return {name: value for name, value in given.items() if value is not None}

    @contextmanager
    def connect(self, *, check: bool = True, tenant: str | None = None) -> Iterator[psycopg.Connection[Any]]:
        """An autocommit connection for the length of a block; psycopg's errors leave it as ours.

        `check` refuses a database without the schema, or with another than this program's. With `tenant` the block is one
        transaction that acts for it.

        Raises:
            DatabaseAway, SchemaMismatch, NotFound.
        """
        from reelq.worker import db
        from reelq.worker.db import schema

        with db.family(), db.connect(self.settings, "reelq command") as conn:
            if check:
                schema.require(conn)
            with acting_for(conn, tenant):
                yield conn


@contextmanager
def acting_for(conn: psycopg.Connection[Any], tenant: str | None) -> Iterator[None]:
    """A transaction that sees and changes what is this tenant's, a slug or an id; without one nothing special.

    For the length of a transaction, not of the session: behind a pooler others use the session too.
    """
    from reelq.worker.rooms import identity

    if tenant is None:
        yield
        return
    with conn.transaction():
        identity.act_for(conn, tenant)
        yield


pass_app = click.make_pass_decorator(App)


class Uuid(click.ParamType[Any]):
    """An id, in any of the spellings that Postgres reads."""

    name = "id"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> UUID:
        """The value; refuses with what it must be."""
        if isinstance(value, UUID):
            return value
        try:
            return UUID(str(value).strip())
        except ValueError:
            self.fail(f"must be an id such as 01976b1e-5a3c-7d4e-8f00-0123456789ab, not {value!r}", param, ctx)


class JsonObject(click.ParamType[Any]):
    """A JSON object, or @FILE that holds one."""

    name = "json"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> dict[str, Any]:
        """The value; refuses with what it must be."""
        if isinstance(value, dict):
            return value
        text = str(value)
        if text.startswith("@"):
            try:
                text = Path(text[1:]).read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError) as error:
                self.fail(f"must name a file that can be read, not {text[1:]!r} ({error})", param, ctx)
        try:
            found = json.loads(text, parse_constant=refuse_constant, parse_float=finite)
        except ValueError as error:
            self.fail(f"must be a JSON object such as '{{\"key\": 1}}', not {text!r} ({error})", param, ctx)
        if not isinstance(found, dict):
            self.fail(f"must be a JSON object such as '{{\"key\": 1}}', not {text!r}", param, ctx)
        if not storable(found):
            self.fail(f"must not hold \\u0000 or half of a surrogate pair, which Postgres cannot keep, as in {text!r}", param, ctx)
        return found


def storable(found: Any) -> bool:
    """Whether Postgres keeps a value that was read from JSON."""
    text = json.dumps(found, ensure_ascii=False)
    return "\\u0000" not in text.replace("\\\\", "") and not any("\ud800" <= letter <= "\udfff" for letter in text)


def refuse_constant(word: str) -> NoReturn:
    """For json.loads: NaN and Infinity, which Python reads and JSON does not have."""
    raise ValueError(f"JSON has no {word}")


def finite(digits: str) -> float:
    """For json.loads: a number that Python can hold; 1e400 would become Infinity, which is no JSON."""
    found = float(digits)
    if found in (float("inf"), float("-inf")):
        raise ValueError(f"{digits} is too large")
    return found


def parse_time(text: str) -> datetime:
    """Read ISO 8601; without an offset it is in this host's zone.

    Where clocks change, never too early, as queue.next_tick has it: a time that the clock leaves out comes as much later
    as the clock jumps, and of one that comes twice the second is meant.

    Raises:
        ValueError, OverflowError: it is no time.
    """
    given = datetime.fromisoformat(text)
    if given.tzinfo is not None:
        return given
    # `fold` chooses between the offsets before and after a change: the later moment is right in either case.
    return max(given.replace(fold=fold).astimezone(UTC) for fold in (0, 1)).astimezone()


class Moment(click.ParamType[Any]):
    """A time: ISO 8601 (in this host's zone unless it has an offset), or `+90s`, `+15m`, `+2h` from now."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """The value; refuses with what it must be."""
        from datetime import timedelta

        from reelq.worker.settings import parse_seconds

        if isinstance(value, datetime):
            return value
        try:
            if str(value).startswith("+"):
                return datetime.now(UTC) + timedelta(seconds=parse_seconds(str(value)[1:]))
            return parse_time(str(value))
        except (ValueError, OverflowError):
            self.fail(f"must be a time such as 2030-01-31T20:00 or +15m, not {value!r}", param, ctx)


class Ago(click.ParamType[Any]):
    """A time that has passed: `90s`, `15m`, `2h`, `3d` ago, or ISO 8601 (in this host's zone unless it has an offset)."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """The value; refuses with what it must be."""
        from datetime import timedelta

        from reelq.worker.settings import parse_seconds

        if isinstance(value, datetime):
            return value
        try:
            return datetime.now(UTC) - timedelta(seconds=parse_seconds(str(value)))
        except (ValueError, OverflowError):
            pass  # no span: it may be a time
        try:
            return parse_time(str(value))
        except (ValueError, OverflowError):
            self.fail(f"must be a time such as 2h (ago) or 2030-01-31T20:00, not {value!r}", param, ctx)


class Seconds(click.ParamType[Any]):
    """A time span above zero: 2 or 2s, 15m, 1h, 7d. Milliseconds are not taken."""

    name = "seconds"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The value; refuses with what it must be."""
        from reelq.worker.settings import parse_seconds

        if isinstance(value, (int, float)):
            return float(value)
        try:
            return parse_seconds(str(value))
        except ValueError as error:
            self.fail(f"must be {error}, not {value!r}", param, ctx)


class Whole(click.IntRange):
    """A whole number within bounds, which a refusal names."""

    def __init__(self, least: int, most: int | None = None, *, words: str | None = None) -> None:
        super().__init__(least, most)
        self.words = words or (f"a whole number from {least}" + ("" if most is None else f" to {most}"))

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The value; refuses with what it must be."""
        try:
            number: int = super().convert(value, param, ctx)
        except click.BadParameter:
            self.fail(f"must be {self.words}, not {value}", param, ctx)
        return number


class Choice(click.Choice[str]):
    """One of some words."""

    def get_invalid_choice_message(self, value: Any, ctx: click.Context | None) -> str:
        """The refusal, in the form of all others."""
        del ctx
        return f"must be one of {', '.join(self.choices)}, not {value}"


PRIORITY = Whole(1, 10, words="1 (first) to 10 (last)")


def key_values(_ctx: click.Context, _param: click.Parameter, pairs: tuple[str, ...]) -> dict[str, Any]:
    """Read `--option key=value` and `--option step.key=value`; a value is JSON where it can be, else text."""
    options: dict[str, Any] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        words = name.split(".")
        if not equals or not all(words):
            raise click.BadParameter(f"must be KEY=VALUE or STEP.KEY=VALUE, not {pair!r}")
        place = options
        for word in words[:-1]:
            place = place.setdefault(word, {})
            if not isinstance(place, dict):
                raise click.BadParameter(f"must give {word!r} one value, not also {pair!r}")
        if words[-1] in place:
            raise click.BadParameter(f"must give {name!r} once, not twice")
        place[words[-1]] = _json_or_text(value)
    return options


def _json_or_text(value: str) -> Any:
    """7 is a number, true a truth value, [1] a list, and everything else text."""
    try:
        return json.loads(value)
    except ValueError:
        return value
