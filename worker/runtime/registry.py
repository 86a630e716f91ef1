"""Job type to handler: the shipped ones, worker/handlers/<job_type>.py, and those that packages of their own declare.

A shipped one is a module with `Args` (a frozen dataclass) and `run(args, ctx)`, and perhaps an `EXAMPLE` of its
job_data and what its jobs are about, `REQUIRES` (else a video); its row of queue.job_types comes with the schema. One of a
package is a function under @job_type.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from reelq.worker import handlers
from reelq.worker.errors import HandlersError, PermanentError
from reelq.worker.jobs import arguments, options_schema
from reelq.worker.jobs.declare import JobType

HOW_TO_GET_ONE = (
    "a handler of your own comes by REELQ_HANDLERS=module or an entry point reelq.handlers (docs/jobs.md); "
    "`reelq job-types list` shows the types and which of them have a handler here"
)


@dataclass(frozen=True, slots=True)
class Handler:
    """What does the jobs of one type."""

    job_type: str
    args: type[Any]
    run: Callable[[Any, Any], dict[str, Any] | None]
    declared: JobType | None = None  # None: shipped
    example: Mapping[str, Any] | None = None
    about: str | None = "video"  # of a shipped one

    @property
    def requires(self) -> str | None:
        """What its jobs have to be about: those of shipped types a video, where the module's REQUIRES does not say otherwise."""
        return self.declared.defaults["requires"] if self.declared else self.about

    def parse(self, job_data: Any) -> Any:
        """The handler's arguments.

        Raises:
            PermanentError: "bad_job_data".
        """
        return arguments.parse(self.args, job_data)

    def schema(self) -> dict[str, Any]:
        """Its arguments as queue.job_types.options_schema holds them."""
        return self.declared.schema if self.declared else options_schema.describe(self.args, self.example)


class Registry:
    """The handlers that a worker offers, by job type. Tests make one of their own modules."""

    def __init__(self, modules: Mapping[str, Any], declared: Iterable[JobType] = ()) -> None:
        made = [
            Handler(name, module.Args, module.run, example=getattr(module, "EXAMPLE", None), about=getattr(module, "REQUIRES", "video"))
            for name, module in modules.items()
        ]
        made += [Handler(one.name, one.args, one.run, one) for one in declared]
        self._handlers = {one.job_type: one for one in made}

    @property
    def types(self) -> tuple[str, ...]:
        """The job types, in alphabetical order."""
        return tuple(sorted(self._handlers))

    @property
    def declared(self) -> list[JobType]:
        """Those that packages of their own declare, in alphabetical order."""
        return [one.declared for name in self.types if (one := self._handlers[name]).declared is not None]

    def find(self, job_type: str) -> Handler:
        """The handler of a type.

        Raises:
            PermanentError: "unknown_job_type"; the queue gives a worker only types that it named.
        """
        try:
            return self._handlers[job_type]
        except KeyError:
            raise PermanentError("unknown_job_type", f"This worker has no handler for {job_type}.") from None


def shipped_types() -> list[str]:
    """The job types that this program brings, in alphabetical order."""
    return sorted(module.name for module in pkgutil.iter_modules(handlers.__path__))


def shipped(types: Iterable[str] = (), declared: Iterable[JobType] = ()) -> Registry:
    """The handlers of this program and the declared ones; only those of `types` when any is named.

    Raises:
        HandlersError: a type that has no handler here.
    """
    ours, theirs = shipped_types(), {one.name: one for one in declared}
    chosen = set(types) or {*ours, *theirs}
    unknown = sorted(chosen - {*ours, *theirs})
    if unknown:
        known = ", ".join(sorted([*ours, *theirs]))
        raise HandlersError(f"no handler for job type {', '.join(unknown)}; there are {known}", HOW_TO_GET_ONE)
    modules = {name: importlib.import_module(f"{handlers.__name__}.{name}") for name in ours if name in chosen}
    return Registry(modules, [one for name, one in sorted(theirs.items()) if name in chosen])
