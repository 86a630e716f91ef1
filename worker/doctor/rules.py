"""Rules over the catalogue of any database with our rooms: what breaks one is named. `reelq schema audit` asks these, the tests ask them and more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.rows import tuple_row

Conn = psycopg.Connection[Any]


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule over the catalogue; `query` returns the names of what breaks it, among the rooms %(rooms)s."""

    name: str  # as it goes on after "every installation: …"
    query: str
    remedy: str

    def broken(self, conn: Conn, rooms: list[str]) -> list[str]:
        """What breaks it."""
        found = conn.cursor(row_factory=tuple_row).execute(self.query.encode(), {"rooms": rooms}).fetchall()
        return sorted({name for (name,) in found})


# A name with its room, whatever the search_path.
NAME = "c.relnamespace::regnamespace || '.' || c.relname"
OURS = "c.relnamespace::regnamespace::text = any(%(rooms)s)"
TABLES = f"{OURS} and c.relkind in ('r', 'p') and not c.relispartition"

# A row that is a place of a job, or a counter, has the times that it is about.
UNTIMED = (
    "identity.api_key_last_uses", "identity.api_key_uses", "identity.session_last_uses", "queue.blocked", "queue.dead_letters",
    "queue.gate_events", "queue.job_stats", "queue.lane_clocks", "queue.leases", "queue.listening_workers", "queue.locks",
    "queue.parked", "queue.ready", "queue.reservations", "queue.scheduled", "base.schema_ledger", "base.schema_objects",
)  # fmt: skip
CREATED_AT = Rule(
    "every table has created_at, but for the queue's places and counters",
    f"""
    select {NAME} from pg_class as c
    where {TABLES} and {NAME} <> all(array{list(UNTIMED)})
        and not exists (select from pg_attribute as a where a.attrelid = c.oid and a.attname = 'created_at' and not a.attisdropped)
    """,
    "created_at timestamptz not null default base.clock(), in its file and by a migration",
)
TIME_ZONES = Rule(
    "every time has its zone",
    f"""
    select {NAME} || '.' || a.attname from pg_class as c inner join pg_attribute as a on a.attrelid = c.oid
    where {TABLES} and a.attnum > 0 and not a.attisdropped and a.atttypid in ('timestamp'::regtype, 'timetz'::regtype, 'timestamp[]'::regtype)
    """,
    "alter table … alter column … type timestamptz using … at time zone 'UTC'",
)
ON_DELETE = Rule(
    # Postgres' default, no action, is what one gets by not thinking of it: RESTRICT says the same in words.
    "every foreign key says what a delete does",
    f"""
    select {NAME} || ' ' || k.conname from pg_constraint as k inner join pg_class as c on c.oid = k.conrelid
    where k.contype = 'f' and k.conparentid = 0 and k.confdeltype = 'a' and {OURS}
    """,
    "on delete cascade, restrict or set null",
)
DOCUMENTED_JSON = Rule(
    "every JSONB column says what it holds",
    f"""
    select {NAME} || '.' || a.attname from pg_class as c inner join pg_attribute as a on a.attrelid = c.oid
    where {TABLES} and a.attnum > 0 and not a.attisdropped and a.atttypid in ('jsonb'::regtype, 'json'::regtype)
        and coalesce(length(regexp_replace(col_description(c.oid, a.attnum), '\\s*\\[\\w+\\]$', '')) < 10, true)
    """,
    "comment on column … is 'JSON object: …': its keys, or where they are described",
)
PRIMARY_KEYS = Rule(
    "every table has a primary key",
    f"""
    select {NAME} from pg_class as c
    where {TABLES} and not exists (select from pg_constraint as k where k.conrelid = c.oid and k.contype = 'p')
        -- append only, or found by another way
        and {NAME} <> all(array['queue.spawned', 'queue.listening_workers'])
    """,
    "primary key (…)",
)
VALID = Rule(
    "every index and constraint is valid",
    f"""
    select {NAME} from pg_index as i inner join pg_class as c on c.oid = i.indexrelid where {OURS} and not (i.indisvalid and i.indisready)
    union all
    select {NAME} || ' ' || k.conname from pg_constraint as k inner join pg_class as c on c.oid = k.conrelid where {OURS} and not k.convalidated
    """,
    "an index: drop index concurrently, then reelq schema upgrade; a constraint: alter table … validate constraint …",
)
