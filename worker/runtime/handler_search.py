"""Which job types of packages of their own this installation has: by entry point, and by the setting REELQ_HANDLERS.

    [project.entry-points."reelq.handlers"]
    myapp = "myapp.jobs"

Both name modules; every function in them under @job_type counts, also one that the module itself imports.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable, Iterator
from contextlib import redirect_stdout
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

from reelq.worker.errors import HandlersError
from reelq.worker.jobs.declare import JobType, types_of
from reelq.worker.runtime import registry
from reelq.worker.runtime.registry import Registry
from reelq.worker.settings import Settings

GROUP = "reelq.handlers"
NONE_THERE = "there is no function under @job_type in it"


def find(settings: Settings) -> Registry:
    """Every handler that a worker under these settings offers.

    Raises:
        HandlersError: a module that cannot be used, two handlers for one type, or a type without one.
    """
    return registry.shipped(settings.types, search(settings.handlers))


def search(modules: Iterable[str]) -> list[JobType]:
    """The job types of all entry points and of these modules, by name.

    Raises:
        HandlersError: with every mistake, a line each.
    """
    found: dict[str, tuple[JobType, str]] = {}
    mistakes: list[str] = []
    for source, load in [*_by_entry_point(), *_by_name(modules)]:
        try:
            with redirect_stdout(sys.stderr):  # what a module prints would stand among the data of a command
                types = types_of(load())
        except HandlersError as error:
            mistakes.append(f"{source}: {error}")
            continue
        except BaseException as error:  # noqa: BLE001 - a stranger's module may fail in any way
            mistakes.append(f"{source}: cannot be imported: {_reason(error)}")
            if isinstance(error, KeyboardInterrupt):  # perhaps somebody at the keyboard: look no further
                break
            continue
        mistakes += [] if types else [f"{source}: {NONE_THERE}"]
        for one in types:
            mistakes += _add(found, one, source)
    if mistakes:
        raise HandlersError("\n".join(mistakes), "docs/jobs.md shows a module of job types that works")
    return [one for _, (one, _) in sorted(found.items())]


def _by_entry_point() -> Iterator[tuple[str, Any]]:
    """Of installed packages: who names it, and how to load it."""
    points: set[EntryPoint] = set(entry_points(group=GROUP))
    for point in sorted(points, key=lambda one: (one.name, one.value)):
        yield f"entry point {point.name} ({point.value})", point.load


def _by_name(modules: Iterable[str]) -> Iterator[tuple[str, Any]]:
    """Of the setting. The folder in which a command is typed counts, as with `python -m`."""
    for name in modules:
        if not all(part.isidentifier() for part in name.split(".")) or name.endswith(".py"):
            yield f"REELQ_HANDLERS: {name}", _no_module
            continue
        here = str(Path.cwd())
        if here not in sys.path and "" not in sys.path:
            sys.path.append(here)
        yield f"REELQ_HANDLERS: {name}", lambda name=name: importlib.import_module(name)


def _no_module() -> None:
    """Refuse what is no name of a module: a file, a folder, or the form of an entry point."""
    raise HandlersError("it must be the name of a module, such as myapp.jobs: no file, and no function of it")


def _add(found: dict[str, tuple[JobType, str]], one: JobType, source: str) -> list[str]:
    """Take a job type in, or say why not. The same function by two ways is one handler."""
    if one.name in registry.shipped_types():
        return [f"{source}: job type {one.name!r} comes with reelq; choose another name"]
    before, whence = found.setdefault(one.name, (one, source))
    if before.run is one.run:
        return []
    return [f"{source}: job type {one.name!r} has a handler already, {before.module}.{before.run.__name__} ({whence})"]


def _reason(error: BaseException) -> str:
    """An error of a stranger's module in one line, with the place in it."""
    place = ""
    trace = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        if "importlib" not in code.co_filename and code.co_filename != _reason.__code__.co_filename:
            place = f" ({Path(code.co_filename).name}, line {trace.tb_lineno})"
        trace = trace.tb_next
    if isinstance(error, SyntaxError):
        place = f" ({Path(error.filename or '?').name}, line {error.lineno})"
        return f"SyntaxError: {error.msg}{place}"
    told = " ".join(str(error).split())
    return f"{type(error).__name__}{f': {told}' if told else ''}{place}"
