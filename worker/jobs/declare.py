"""@job_type: what a package of its own says about a job type, beside the function that does it.

    @job_type("shout", lease="2m", retry=Retry(base="5s", cap="1m"))
    def shout(args: Args, ctx: JobContext) -> dict[str, object]: ...

The function stays a plain function of (args, ctx). What was declared hangs on it; `reelq job-types sync`
writes it into queue.job_types, where an operator may change it.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, TypeVar, get_type_hints

from reelq.worker.errors import HandlersError, JobError
from reelq.worker.jobs import arguments, options_schema
from reelq.worker.settings import parse_seconds

Run = TypeVar("Run", bound=Callable[..., Any])
Span = str | float | timedelta  # "90s", "2m", "1h", "2d"; a number is seconds

NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")  # the check of queue.job_types
ERROR_CLASSES = ("transient", "rate_limited", "permanent", "worker_lost")
DECLARED = "__reelq_job_type__"  # the attribute of the function


@dataclass(frozen=True, slots=True)
class Retry:
    """What follows an error of a job type: a row of queue.retry_policies.

    The wait before attempt n + 1 is a random part of min(cap, base * factor ** (n - 1)).
    """

    on: str = "transient"  # class of the error: transient, rate_limited, permanent or worker_lost
    code: str = "*"  # code of the error, as "store_away"; * is all others
    action: str = "retry"  # or fail, at once
    base: Span = "10s"
    factor: float = 2.0
    cap: Span = "15m"
    jitter: str = "full"  # or none: the whole wait
    charges: bool = True  # whether the attempt counts against max_attempts


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
        retry: what follows its errors, where that is not what follows everybody's.
        example: a payload for `reelq job-types show`; None: one is made of the argument's types.

    Raises:
        HandlersError: the name, a default, the function's first argument or the example makes no sense.
    """

    def declare(run: Run) -> Run:
        try:
            if not NAME.fullmatch(name):
                raise ValueError("a name has lower case letters, digits and _, begins with a letter and is at most 63 long")
            args = args_of(run)
            told = description or (inspect.getdoc(run) or "").partition("\n")[0]
            if not told:
                raise ValueError("it needs a description, or a docstring")
            defaults = {
                "description": told,
                "priority": whole("priority", priority, 1, 10),
                "max_attempts": whole("max_attempts", max_attempts, 1),
                "max_crashes": whole("max_crashes", max_crashes, 1),
                "lease": span("lease", lease),
                "time_limit": span("time_limit", time_limit),
                "stall_limit": None if stall_limit is None else span("stall_limit", stall_limit),
                "weight": whole("weight", weight, 1, 1000),
                "needs": words("needs", needs),
                "batch": whole("batch", batch, 1, 1000),
                "limits": words("limits", limits),
            }
            policies = [policy(one) for one in ([retry] if isinstance(retry, Retry) else retry)]
            schema = options_schema.describe(args, example)
            if example is not None:
                arguments.parse(args, dict(example))
        except (TypeError, ValueError) as error:
            raise HandlersError(f"job type {name!r}: {error}", "see docs/jobs.md") from error
        except JobError as error:
            raise HandlersError(f"job type {name!r}: its example is refused: {error}") from error
        setattr(run, DECLARED, JobType(name, run, args, defaults, policies, schema))
        return run

    return declare


def declared(thing: Any) -> JobType | None:
    """What @job_type said of a function; None for anything else."""
    found = getattr(thing, DECLARED, None) if inspect.isfunction(thing) else None
    return found if isinstance(found, JobType) else None


def args_of(run: Callable[..., Any]) -> type[Any]:
    """The dataclass of a handler's arguments: the type of its first parameter.

    Raises:
        TypeError: it does not take (args, ctx), or says no frozen dataclass for args.
    """
    parameters = list(inspect.signature(run).parameters.values())
    if len(parameters) != 2:
        raise TypeError("its function takes (args, ctx)")
    hint = parameters[0].annotation
    if isinstance(hint, str):  # from __future__ import annotations; only this one: others may exist for type checkers alone
        lone = SimpleNamespace(__annotations__={"args": hint})
        try:
            hint = get_type_hints(lone, globalns=run.__globals__)["args"]
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


def span(name: str, value: Span) -> str:
    """A time above zero as Postgres reads it: `120 seconds`."""
    try:
        seconds = value.total_seconds() if isinstance(value, timedelta) else parse_seconds(str(value))
    except ValueError as error:
        raise ValueError(f"{name} must be {error}, not {value!r}") from None
    if not 0 < seconds <= LONGEST_S:
        raise ValueError(f"{name} must be above zero and at most 365 days, not {value!r}")
    return f"{seconds:g} seconds"


def words(name: str, value: Sequence[str]) -> list[str]:
    """A list of words; one text is a mistake that Python would take for a list of letters."""
    if isinstance(value, str) or not all(isinstance(one, str) and one for one in value):
        raise ValueError(f'{name} must be a list of words, as ["gpu"], not {value!r}')
    return list(value)


def policy(one: Retry) -> dict[str, Any]:
    """A row of queue.retry_policies."""
    if not isinstance(one, Retry):
        raise TypeError(f"retry is a Retry, or a list of them, not {one!r}")
    if one.on not in ERROR_CLASSES:
        raise ValueError(f"Retry.on must be one of {', '.join(ERROR_CLASSES)}, not {one.on!r}")
    if one.action not in ("retry", "fail") or one.jitter not in ("full", "none"):
        raise ValueError("Retry.action is retry or fail, Retry.jitter is full or none")
    if one.factor < 1:
        raise ValueError(f"Retry.factor must be 1 or more, not {one.factor!r}")
    base, cap = span("Retry.base", one.base), span("Retry.cap", one.cap)
    if float(base.split()[0]) > float(cap.split()[0]):
        raise ValueError("Retry.cap must not be below Retry.base")
    names = [field.name for field in fields(one) if field.name not in ("on", "base", "cap")]
    return {"error_class": one.on, **{name: getattr(one, name) for name in names}, "base": base, "cap": cap}
