"""What the doctor says of job types of one's own: can their modules be used here, and does the database know them?"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import psycopg

from reelq.worker import db
from reelq.worker.doctor.checks.findings import DATABASE, HOST, Finding, database, host
from reelq.worker.errors import HandlersError, ReelqError
from reelq.worker.rooms.queue import job_types
from reelq.worker.runtime import handler_search, registry
from reelq.worker.runtime.registry import Registry
from reelq.worker.settings import Settings

NAME = "handlers"
MEND = "Mend REELQ_HANDLERS, REELQ_TYPES or that module; docs/jobs.md shows one that works."


def checks(settings: Settings) -> list[tuple[str, str, Callable[[], Iterator[Finding]]]]:
    """A check of this host and one of the database. The modules are imported here, once, in the caller's thread."""
    try:
        ours = registry.shipped((), handler_search.search(settings.handlers))
        registry.shipped(settings.types, ours.declared)
    except HandlersError as error:
        wrong = [host("bad", NAME, line, MEND) for line in str(error).splitlines()]
        return [(HOST, NAME, lambda: iter(wrong))]
    names = ", ".join(f"{one.name} ({one.module})" for one in ours.declared)
    told = host("ok", NAME, f"Of your own: {names}" if names else "None of your own")
    return [(HOST, NAME, lambda: iter([told])), (DATABASE, NAME, lambda: rows(settings, ours))]


def rows(settings: Settings, ours: Registry) -> Iterator[Finding]:
    """Whether every type of one's own has a row, with the arguments that the handler takes."""
    if not ours.declared:
        return
    try:
        with db.family(), db.connect(settings, "reelq doctor") as conn:
            known = {one.job_type: one.options_schema for one in job_types.list_job_types(conn)}
    except (ReelqError, psycopg.Error):
        return  # the check of the database says what is wrong with it
    missing = [one.name for one in ours.declared if one.name not in known]
    other = [one.name for one in ours.declared if one.name in known and known[one.name] != one.schema]
    if missing:
        detail = f"No row for {', '.join(missing)}: no worker starts with them, and nobody can enqueue them"
        yield database("bad", NAME, detail, "As the owner of the schema: reelq job-types sync")
    if other:
        detail = f"Other arguments in the database than the handler here takes: {', '.join(other)}"
        yield database("warn", NAME, detail, "As the owner of the schema: reelq job-types sync")
    if not missing and not other:
        yield database("ok", NAME, "Every job type of your own has its row")
