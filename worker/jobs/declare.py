"""@job_type: what a package of its own says about a job type, beside the function that does it.

    @job_type("shout", lease="2m", retry=Retry(base="5s", cap="1m"))
    def shout(args: Args, ctx: JobContext) -> dict[str, object]: ...

The function stays a plain function of (args, ctx). What was declared hangs on it; `reelq job-types sync`
writes it into queue.job_types, where an operator may change it.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import timedelta
from types import ModuleType, SimpleNamespace
from typing import Any, TypeVar, get_type_hints

from reelq.worker.errors import HandlersError, JobError
from reelq.worker.jobs import arguments, options_schema
from reelq.worker.settings import parse_seconds

Run = TypeVar("Run", bound=Callable[..., Any])
Span = str | float | timedelta  # "90s", "2m", "1h", "2d"; a number is seconds

NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")  # the check of queue.job_types
HINT = "see docs/jobs.md"
ERROR_CLASSES = ("transient", "rate_limited", "permanent", "worker_lost")
LIMIT = re.compile(r"[a-z0-9][a-z0-9_.:-]{0,99}")  # the check of queue.job_types
CODE = re.compile(r"[a-z][a-z0-9_]{0,62}")  # as queue.fail_job takes it
MOST_ATTEMPTS = 2**31 - 1  # what the column holds
MOST_FACTOR = 999  # numeric(6, 3)
DECLARED = "__reelq_job_type__"  # the attribute of the function
ALL_DECLARED = "__reelq_job_types__"  # the attribute of its module: name of the type → function


@dataclass(frozen=True, slots=True)
class Retry:
    """What follows an error of a job type: a row of queue.retry_policies.

    The wait before attempt n + 1 is a random part of min(cap, base * factor ** (n - 1)).
    """

    on: str = "transient"  # class of the error: transient, rate_limited, permanent or worker_lost
    code: str = "*"  # code of the error, as "store_away"; * is all that have no Retry of their own here
    action: str = "retry"  # or fail, at once
    base: Span = "10s"
    factor: float = 2.0
    cap: Span = "15m"
    jitter: str = "full"  # or none: the whole wait
    charges: bool | None = None  # whether the attempt counts against max_attempts; None: as everybody's of this class and code


@dataclass(frozen=True, slots=True)
class JobType:
    """A declared job type; `defaults` and `retry` as queue.sync_job_type takes them."""

    name: str
    run: Callable[[Any, Any], Any]
    args: type[Any]
    defaults: dict[str, Any]
    retry: list[dict[str, Any]]
    schema: dict[str, Any]

    @property
    def module(self) -> str:
        """Where it is declared."""
        return str(self.run.__module__)


def job_type(
    name: str,
    *,
    description: str | None = None,
    priority: int = 5,
    max_attempts: int = 3,
    max_crashes: int = 3,
    lease: Span = "60s",
    time_limit: Span = "1h",
    stall_limit: Span | None = None,
    weight: int = 1,
    needs: Sequence[str] = (),
    batch: int = 1,
    limits: Sequence[str] = (),
    requires: str | None = None,
    retry: Retry | Sequence[Retry] = (),
    example: Mapping[str, Any] | None = None,
) -> Callable[[Run], Run]:
    """Make a function of (args, ctx) the handler of a job type.

    Args:
        name: lower case letters, digits and _, at most 63; no shipped type's.
        description: one sentence for people; None: the first line of the function's docstring.
        priority: 1 is served first, 10 last.
        max_attempts: how many attempts may end in an error that the job raised.
        max_crashes: how many workers it may take down with it.
        lease: how long a claim holds without a heartbeat, not how long the work takes.
        time_limit: longest that an attempt may run.
        stall_limit: longest without a change of ctx.progress; None: no limit.
        weight: how many of a worker's slots it takes.
        needs: capabilities that a worker must offer (REELQ_CAPABILITIES).
        batch: 1 for real work; 10 to 200 for work of milliseconds, which is claimed by so many.
        limits: named limits that every job of it is under (`reelq queue set-limit name:WORD N`).
        requires: "video" or "asset", without which its jobs are refused at enqueue; None: nothing.
        retry: what follows its errors, where that is not what follows everybody's.
        example: a payload for `reelq job-types show`; None: one is made of the argument's types.

    Raises:
        HandlersError: the name, a default, the function's first argument or the example makes no sense.
    """

    given: object = name
    if not isinstance(given, str):  # @job_type without parentheses: this is the function
        over = getattr(given, "__name__", "")
        told = f'@job_type must have the name of a job type, as @job_type("{over or "shout"}"), not {over or repr(given)}'
        raise HandlersError(told, HINT)

    def declare(run: Run) -> Run:
        try:
            if not NAME.fullmatch(name):
                raise ValueError("its name must be 1 to 63 lower case letters, digits and _, a letter first")
            check_function(run)
            args = args_of(run)
            told = description or (inspect.getdoc(run) or "").partition("\n")[0]
            if not told:
                raise ValueError("it must have a description, or a docstring")
            defaults = {
                "description": told,
                "priority": whole("priority", priority, 1, 10),
                "max_attempts": whole("max_attempts", max_attempts, 1, MOST_ATTEMPTS),
                "max_crashes": whole("max_crashes", max_crashes, 1, MOST_ATTEMPTS),
                "lease": span("lease", lease, least=1),
                "time_limit": span("time_limit", time_limit),
                "stall_limit": None if stall_limit is None else span("stall_limit", stall_limit),
                "weight": whole("weight", weight, 1, 1000),
                "needs": words("needs", needs),
                "batch": whole("batch", batch, 1, 1000),
                "limits": limit_words(limits),
                "requires": about(requires),
            }
            options_schema.check_storable(defaults)
            policies = policies_of([retry] if isinstance(retry, Retry) else retry)
            schema = options_schema.describe(args, example)
            if example is not None:
                arguments.parse(args, dict(example))
            _keep(run, name)
        except (TypeError, ValueError) as error:
            raise HandlersError(f"job type {name!r}: {one_line(error)}", HINT) from error
        except JobError as error:
            raise HandlersError(f"job type {name!r}: its example is refused: {one_line(error)}") from error
        except Exception as error:  # a dataclass is a stranger's code: a factory of defaults may fail in any way
            raise HandlersError(f"job type {name!r}: {type(error).__name__}: {one_line(error)}", HINT) from error
        setattr(run, DECLARED, JobType(name, run, args, defaults, policies, schema))
        return run

    return declare


def check_function(run: Any) -> None:
    """Whether a worker can call it.

    Raises:
        TypeError: it is no plain function of (args, ctx).
    """
    if not inspect.isfunction(run):
        raise TypeError(f"@job_type must stand over a function, not over {getattr(run, '__name__', type(run).__name__)}")
    if inspect.iscoroutinefunction(run) or inspect.isgeneratorfunction(run) or inspect.isasyncgenfunction(run):
        raise TypeError("its function must be a plain def that returns a result, not async and without yield")
    parameters = list(inspect.signature(run).parameters.values())
    if len(parameters) != 2 or any(one.kind not in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD) for one in parameters):
        raise TypeError("its function takes (args, ctx), both by position")


def _keep(run: Callable[..., Any], name: str) -> None:
    """Note the type in the function's module, so that one which the module loses afterwards is told (see types_of).

    Raises:
        ValueError: the function does another type already.
    """
    before = getattr(run, DECLARED, None)
    if before is not None:
        raise ValueError(f"its function does job type {before.name!r} already; one function is one job type")
    if "<locals>" not in run.__qualname__:  # one that is made in a function belongs to whoever called that
        inspect.unwrap(run).__globals__.setdefault(ALL_DECLARED, {})[name] = run


def types_of(loaded: Any) -> list[JobType]:
    """The job types of a module, or the one of a function.

    Raises:
        HandlersError: a function under @job_type is not in its module any more.
    """
    if not isinstance(loaded, ModuleType):
        return [one for one in [declared(loaded)] if one is not None]
    found = [one for thing in vars(loaded).values() if (one := declared(thing)) is not None]
    lost = sorted(vars(loaded).get(ALL_DECLARED, {}).keys() - {one.name for one in found})
    if lost:
        told = f"job type {lost[0]!r}: its function is not in the module under a name of its own: "
        told += "another def took the name, or a decorator above @job_type hides it"
        raise HandlersError(told, "Put @job_type on top, or use functools.wraps in the decorator.")
    return found


def one_line(error: BaseException) -> str:
    """What an error says, in one line."""
    return " ".join(str(error).split())


def declared(thing: Any) -> JobType | None:
    """What @job_type said of a function; None for anything else.

    A decorator above @job_type that uses functools.wraps hands it on: what does the job is then the decorated function.

    Raises:
        HandlersError: the decorated function cannot be called by a worker.
    """
    found = getattr(thing, DECLARED, None) if inspect.isfunction(thing) else None
    if not isinstance(found, JobType):
        return None
    if found.run is thing:
        return found
    try:
        check_function(thing)
    except TypeError as error:
        raise HandlersError(f"job type {found.name!r}: {error}", HINT) from error
    return replace(found, run=thing)


def args_of(run: Callable[..., Any]) -> type[Any]:
    """The dataclass of a handler's arguments: the type of its first parameter.

    Raises:
        TypeError: it says no frozen dataclass for args.
    """
    hint = next(iter(inspect.signature(run).parameters.values())).annotation
    if isinstance(hint, str):  # from __future__ import annotations; only this one: others may exist for type checkers alone
        lone = SimpleNamespace(__annotations__={"args": hint})
        try:
            hint = get_type_hints(lone, globalns=inspect.unwrap(run).__globals__)["args"]
        except NameError as error:
            raise TypeError(f"the type of its first argument: {error}; define it above, at the top of the module") from None
    if not (isinstance(hint, type) and is_dataclass(hint) and hint.__dataclass_params__.frozen):  # type: ignore[attr-defined]
        raise TypeError("its first argument is annotated with a frozen dataclass, as `args: Args`")
    return hint


LONGEST_S = 365 * 86_400  # as the checks of queue.job_types and queue.retry_policies


def whole(name: str, value: int, least: int, most: int | None = None) -> int:
    """A whole number within bounds."""
    if not isinstance(value, int) or isinstance(value, bool) or value < least or (most is not None and value > most):
        raise ValueError(f"{name} must be {least} {'or more' if most is None else f'to {most}'}, not {value!r}")
    return value


def span(name: str, value: Span, least: float = 0) -> str:
    """A time above zero as Postgres reads it: `120 seconds`."""
    try:
        seconds = value.total_seconds() if isinstance(value, timedelta) else parse_seconds(str(value))
    except ValueError as error:
        raise ValueError(f"{name} must be {error}, not {value!r}") from None
    shown = f"{seconds:.6f}".rstrip("0").rstrip(".")  # microseconds, and never 1e+07
    if not max(least, 1e-6) <= seconds <= LONGEST_S:
        raise ValueError(f"{name} must be {f'{least:g}s' if least else 'above zero'} to 365d, not {value!r}")
    return f"{shown} seconds"


def words(name: str, value: Sequence[str]) -> list[str]:
    """A list of words; one text is a mistake that Python would take for a list of letters."""
    if isinstance(value, str) or not all(isinstance(one, str) and re.fullmatch(r"[^\s,]+", one) for one in value):
        raise ValueError(f'{name} must be a list of words, as ["gpu"], not {value!r}')
    return list(value)


def limit_words(value: Sequence[str]) -> list[str]:
    """Names of limits, as queue.set_limit takes them."""
    for one in words("limits", value):
        if not LIMIT.fullmatch(one):
            raise ValueError(f"limits must be words of a-z, 0-9 and _ . : -, at most 100 long, not {one!r}")
    return list(value)


def about(value: str | None) -> str | None:
    """What jobs are about."""
    if value not in (None, "video", "asset"):
        raise ValueError(f'requires must be "video", "asset" or None, not {value!r}')
    return value


def policies_of(retry: object) -> list[dict[str, Any]]:
    """Rows of queue.retry_policies."""
    if not isinstance(retry, Iterable) or isinstance(retry, str):
        raise TypeError(f"retry must be a Retry or a list of them, not {retry!r}")
    made = [policy(one) for one in retry]
    keys = [(one["error_class"], one["code"]) for one in made]
    for key in keys:
        if keys.count(key) > 1:
            raise ValueError(f"retry must have one Retry an error, not two for {' '.join(key)}")
    return made


def policy(one: Retry) -> dict[str, Any]:
    """A row of queue.retry_policies."""
    if not isinstance(one, Retry):
        raise TypeError(f"retry must be a Retry or a list of them, not {one!r}")
    if one.on not in ERROR_CLASSES:
        raise ValueError(f"Retry.on must be one of {', '.join(ERROR_CLASSES)}, not {one.on!r}")
    for name, words in (("action", ("retry", "fail")), ("jitter", ("full", "none"))):
        if getattr(one, name) not in words:
            raise ValueError(f"Retry.{name} must be {' or '.join(words)}, not {getattr(one, name)!r}")
    if one.code != "*" and not (isinstance(one.code, str) and CODE.fullmatch(one.code)):
        raise ValueError(f"Retry.code must be * or lower case letters, digits and _, at most 63, not {one.code!r}")
    if isinstance(one.factor, bool) or not isinstance(one.factor, int | float) or not 1 <= one.factor <= MOST_FACTOR:
        raise ValueError(f"Retry.factor must be 1 to {MOST_FACTOR}, not {one.factor!r}")
    if one.charges is not None and not isinstance(one.charges, bool):
        raise TypeError(f"Retry.charges must be True, False or None, not {one.charges!r}")
    base, cap = span("Retry.base", one.base), span("Retry.cap", one.cap)
    if float(base.split()[0]) > float(cap.split()[0]):
        raise ValueError("Retry.cap must not be below Retry.base")
    names = [field.name for field in fields(one) if field.name not in ("on", "base", "cap")]
    told = {name: value for name in names if (value := getattr(one, name)) is not None}  # what is left out the queue fills
    return {"error_class": one.on, **told, "base": base, "cap": cap}
