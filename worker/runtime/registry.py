"""Job type to handler: worker/handlers/<job_type>.py, with `Args` (a frozen dataclass) and `run(args, ctx)`."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from reelq.worker import handlers
from reelq.worker.errors import PermanentError, SettingsError
from reelq.worker.jobs import arguments


@dataclass(frozen=True, slots=True)
class Handler:
    """What does the jobs of one type."""

    job_type: str
    args: type[Any]
    run: Callable[[Any, Any], dict[str, Any] | None]

    def parse(self, job_data: Any) -> Any:
        """The handler's arguments.

        Raises:
            PermanentError: "bad_job_data".
        """
        return arguments.parse(self.args, job_data)


class Registry:
    """The handlers that a worker offers, by job type. Tests make one of their own modules."""

    def __init__(self, modules: Mapping[str, Any]) -> None:
        self._handlers = {name: Handler(name, module.Args, module.run) for name, module in modules.items()}

    @property
    def types(self) -> tuple[str, ...]:
        """The job types, in alphabetical order."""
        return tuple(sorted(self._handlers))

    def find(self, job_type: str) -> Handler:
        """The handler of a type.

        Raises:
            PermanentError: "unknown_job_type"; the queue gives a worker only types that it named.
        """
        try:
            return self._handlers[job_type]
        except KeyError:
            raise PermanentError("unknown_job_type", f"This worker has no handler for {job_type}.") from None


def shipped(types: Iterable[str] = ()) -> Registry:
    """The handlers of this program; only those of `types` when any is named.

    Raises:
        SettingsError: a type that has no handler here.
    """
    known = sorted(module.name for module in pkgutil.iter_modules(handlers.__path__))
    chosen = list(types) or known
    unknown = sorted(set(chosen) - set(known))
    if unknown:
        raise SettingsError(f"no handler for job type {', '.join(unknown)}; there are {', '.join(known)}")
    return Registry({name: importlib.import_module(f"{handlers.__name__}.{name}") for name in chosen})
