"""Many jobs at once: in one statement, or under the token of a running job. docs/psql.md shows COPY.

    enqueue_jobs  refs within the call, idempotency keys, an id for each; for every role that may enqueue
    enqueue_all   the same for as many as there are, chunk by chunk; returns a count only
    spawn_jobs    the same, as the fan-out of a running job
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from itertools import islice
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb

from reelq.worker.db.async_query import AsyncQuery
from reelq.worker.db.rows import Connection, rows
from reelq.worker.db.text import json_text


@dataclass(frozen=True, slots=True)
class JobSpec:
    """A job to be made; None takes the default. Its fields are the keys that queue.enqueue_jobs knows."""

    job_type: str
    ref: str | None = None  # names the spec within the call, for the depends_on of others
    video_id: UUID | None = None
    asset_id: UUID | None = None
    tenant_id: UUID | None = None
    user_id: UUID | None = None
    job_data: Mapping[str, Any] | None = None
    priority: int | None = None
    scheduled_for: datetime | None = None
    depends_on: Sequence[UUID | str] | None = None  # ids of jobs, or refs
    on_parent_failure: str | None = None
    idempotency_key: str | None = None
    max_attempts: int | None = None
    limits: Sequence[str] | None = None
    channel_id: UUID | None = None
    pipeline_run: UUID | None = None
    pipeline_step: str | None = None


Spec = JobSpec | Mapping[str, Any]  # a mapping goes to the database as it is, which refuses what it does not know
KEYS = tuple(field.name for field in fields(JobSpec))


@dataclass(frozen=True, slots=True)
class Enqueued:
    """What became of a spec."""

    place: int  # of the spec: 1 is the first
    job_id: UUID
    is_new: bool  # False: an earlier job has the idempotency key


def enqueue_jobs(conn: Connection, specs: Sequence[Spec]) -> list[Enqueued]:
    """Enqueue all of them, or none; a row each, in order."""
    return rows(conn, Enqueued, "select * from queue.enqueue_jobs(%s)", [_document(specs)])


class Count(NamedTuple):
    """What a chunk came to."""

    new: int


def enqueue_all(conn: Connection, specs: Iterable[Spec], chunk: int = 10_000) -> int:
    """Enqueue all that an iterable gives, a transaction for each `chunk`; return how many are new.

    The next chunk is read and serialised while the database works on the last. When one is refused, those before
    it stay; with idempotency keys the whole call can be repeated. The connection has to be in autocommit mode.

    Raises:
        psycopg.Error: as enqueue_jobs.
    """
    made = 0
    under_way: list[AsyncQuery[Count]] = []  # one at most
    source = iter(specs)
    try:
        while some := list(islice(source, chunk)):
            text = _text(some)
            made += _heard(under_way)
            statement = b"select count(*) filter (where is_new) as new from queue.enqueue_jobs($1)"
            under_way.append(AsyncQuery(conn, Count, statement, [text]))
    finally:
        made += _heard(under_way)
    return made


def _heard(under_way: list[AsyncQuery[Count]]) -> int:
    """Wait for what is under way, if something is."""
    if not under_way:
        return 0
    asked = under_way.pop()
    return asked.rows(asked.wait())[0].new


def spawn_jobs(conn: Connection, job_id: UUID, token: int, specs: Sequence[Spec]) -> list[Enqueued]:
    """Enqueue jobs from a running one: jobs that wait for it wait for these too. LeaseLost when the lease is lost."""
    return rows(conn, Enqueued, "select * from queue.spawn_jobs(%s, %s, %s)", [job_id, token, _document(specs)])


def culprit(conn: Connection, specs: Sequence[Spec], error: psycopg.Error) -> int | None:
    """The place of the spec that makes queue.enqueue_jobs raise `error`; None when no single one does.

    Halves the list again and again, in transactions that are rolled back: as much work as two more enqueues.
    Edges are left out, so an error about parents has no culprit.
    """
    bare = [{name: value for name, value in _plain(spec).items() if name not in ("depends_on", "ref")} for spec in specs]
    if not _fails_alike(conn, bare, error):
        return None
    low, high = 0, len(bare)  # the first bad one is in bare[low:high]
    while high - low > 1:
        middle = (low + high) // 2
        if _fails_alike(conn, bare[low:middle], error):
            high = middle
        else:
            low = middle
    return low + 1


def _fails_alike(conn: Connection, specs: Sequence[Spec], error: psycopg.Error) -> bool:
    """Whether these raise the same kind of error; nothing of them stays."""
    try:
        with conn.transaction(force_rollback=True):
            enqueue_jobs(conn, specs)
    except psycopg.Error as found:
        return found.sqlstate == error.sqlstate
    return False


def _plain(spec: Spec) -> dict[str, Any]:
    """The spec by names; what is None stays out."""
    if isinstance(spec, JobSpec):
        return {name: value for name in KEYS if (value := getattr(spec, name)) is not None}
    return dict(spec)


def _document(specs: Sequence[Spec]) -> Jsonb:
    """The specs as the JSON that the functions take."""
    return Jsonb(specs, dumps=_text)


def _text(specs: Sequence[Spec]) -> str:
    """The same, as text."""
    # What is not an object is passed on as it is: the database's error says more.
    plain = [_plain(spec) if isinstance(spec, JobSpec) else spec for spec in specs]
    return json_text(plain, default=_json)


def _json(value: Any) -> Any:
    """Ids, times and lists in JSON's types."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return dict(value)
    return list(value) if isinstance(value, Sequence) else str(value)
