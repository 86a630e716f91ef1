"""The list to go through before production, of the source documents and of ours: a line a check, asked of this very database.

Shape (the catalogue), partitions, plans (EXPLAIN of the product's own queries), pool, backup, way back. Nothing is changed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import dict_row

from reelq.worker.db import schema
from reelq.worker.db.rows import Connection, scalar
from reelq.worker.doctor import rules
from reelq.worker.doctor.audited_queries import QUERIES
from reelq.worker.settings import Settings

LEVELS = ("ok", "warn", "fail")
NAMED = 5  # of what breaks a rule; the rest is counted
LARGE = 10_000  # rows from which on reading a whole table is a fault
POOL = {"database_pool_size": 20.0, "database_idle_s": 30.0, "database_wait_s": 2.0}  # what the source asks for
BACKUP_AGE = timedelta(days=2)
TESTED_AGE = timedelta(days=31)
OF_A_WORKER = 3  # connections beside those of its slots: main thread, heartbeat, listener
SLOW_MS = 250.0  # what the sources allow a whole request
# What must be there once, as the table and its columns; a partial index counts.
ONCE = (
    ("identity.tenants", "slug"), ("identity.users", "email"), ("identity.quotas", "tenant_id, user_id"), ("identity.api_keys", "key_hash"),
    ("identity.subscriptions", "tenant_id, user_id"), ("media.variants", "asset_id, profile"), ("media.videos", "tenant_id, idempotency_key"),
    ("queue.processing_jobs", "tenant_id, idempotency_key"), ("queue.job_attempts", "job_id, attempt"), ("ops.feature_flags", "name"),
)  # fmt: skip
# Found by the place that a job stands in, by a job's end, through the video.
BY_ANOTHER_WAY = ("queue.processing_jobs", "queue.job_history", "media.assets")
NOBODY = UUID(int=0)
STATUS_WITHOUT_INDEX = rules.Rule(
    "an index stands where rows are looked for by status",
    f"""
    select {rules.NAME} from pg_class as c inner join pg_attribute as a on a.attrelid = c.oid and a.attname = 'status' and not a.attisdropped
    where {rules.TABLES} and c.reltuples > {LARGE} and {rules.NAME} <> all(array{list(BY_ANOTHER_WAY)})
        and not exists (
            select from pg_index as i
            where i.indrelid = c.oid and (a.attnum = any(i.indkey) or pg_get_expr(i.indpred, i.indrelid) ~ '\\mstatus\\M')
        )
    """,
    "create index concurrently … (status) where …, if somebody looks for rows by it",
)


@dataclass(frozen=True, slots=True)
class Check:
    """A line of the list."""

    check: str
    level: str
    detail: str
    remedy: str | None = None  # None: all is well


Look = Callable[[Connection, Settings], Check]


def by_rule(name: str, rule: rules.Rule, conn: Connection) -> Check:
    """A rule over the catalogue as a line."""
    broken = rule.broken(conn, schema.rooms())
    return Check(name, "fail", f"not {named(broken)}: {rule.name}", rule.remedy) if broken else Check(name, "ok", rule.name)


def named(names: list[str]) -> str:
    """Some names, and how many more."""
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


def records(conn: Connection, query: str, values: Any = None) -> list[dict[str, Any]]:
    """Rows of a query as dictionaries."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query.encode(), values).fetchall()


def status_columns(conn: Connection, _settings: Settings) -> Check:
    """The source wants an index on each status. Ours has one where a query needs it, or the queue's narrow places stand for it."""
    rule = STATUS_WITHOUT_INDEX
    found = rule.broken(conn, schema.rooms())
    if found:
        return Check("status columns", "warn", f"no index knows the status of {named(found)}", rule.remedy)
    return Check("status columns", "ok", f"{rule.name}; a job's status is the table that it stands in")


def duplicates(conn: Connection, _settings: Settings) -> Check:
    """What must be there once has a unique index that is valid."""
    missing = []
    for table, columns in ONCE:
        words = set(re.findall(r"\w+", columns))
        indexes = records(
            conn,
            "select pg_get_indexdef(i.indexrelid) as text from pg_index as i where i.indrelid = to_regclass(%s) and i.indisunique and i.indisvalid",
            [table],
        )
        # The index's own columns: between the first parentheses, with or without a function around one.
        held = [set(re.findall(r"\w+", one["text"].partition(" USING ")[2].partition(" WHERE ")[0])) for one in indexes]
        if not any(words <= one for one in held):
            missing.append(f"{table} ({columns})")
    if missing:
        remedy = "reelq schema diff says what was changed by hand"
        return Check("duplicates", "fail", f"no valid unique index on {named(missing)}", remedy)
    return Check("duplicates", "ok", f"{len(ONCE)} natural keys are unique")


def partitions(conn: Connection, _settings: Settings) -> Check:
    """The month of now and those ahead are there."""
    found = records(
        conn,
        """
        select p.parent, p.ahead, count(*) filter (where l.state = 'current') as current, count(*) filter (where l.state = 'ahead') as made,
            count(*) filter (where l.state = 'expired') as expired
        from ops.partition_policies as p left join ops.list_partitions() as l on l.parent = p.parent
        where to_regclass(p.parent) is not null
        group by p.parent, p.ahead order by p.parent
        """,
    )
    remedy = "reelq partitions maintain, and the timer or periodic task that does it every day"
    gone = [one["parent"] for one in found if not one["current"]]
    if gone:
        return Check("partitions", "fail", f"no partition of this month: {named(gone)}", remedy)
    late = [f"{one['parent']} ({one['made']} of {one['ahead']} ahead)" for one in found if one["made"] < one["ahead"]]
    late += [f"{one['parent']} ({one['expired']} past their retention)" for one in found if one["expired"]]
    if late:
        return Check("partitions", "warn", f"behind their policy: {named(late)}", remedy)
    return Check("partitions", "ok", f"{len(found)} tables have their months")


def plans(conn: Connection, _settings: Settings) -> Check:
    """EXPLAIN of what the product asks. Where a table is small Postgres reads all of it, rightly: there it must be able to do otherwise."""
    wrong = []
    sizes_query = """
        select c.relname, max(c.reltuples) as rows from pg_class as c
        where c.relnamespace::regnamespace::text = any(%s) and c.relkind in ('r', 'p') group by 1
    """
    with conn.transaction(force_rollback=True), psycopg.ClientCursor(conn, row_factory=dict_row) as cursor:  # EXPLAIN takes no parameters
        sizes = {one["relname"]: one["rows"] for one in records(conn, sizes_query, [schema.rooms()])}
        for query in QUERIES:
            for table in query.tables:
                is_large = sizes.get(table, 0) > LARGE
                scalar(conn, "select set_config('enable_seqscan', %s, true)", ["on" if is_large else "off"])
                (found,) = cursor.execute(b"explain (format json) " + query.text.encode(), {"id": NOBODY}).fetchall()
                if table in read_whole(found["QUERY PLAN"][0]["Plan"], is_large):
                    wrong.append(f"{query.name} (reads all of {table})")
    if wrong:
        return Check("plans", "fail", named(wrong), "reelq schema diff names an index that is gone; else ANALYZE the table and look at EXPLAIN")
    return Check("plans", "ok", f"{len(QUERIES)} of the product's queries find their rows by an index here")


def read_whole(plan: dict[str, Any], is_large: bool) -> set[str]:
    """The tables that a plan reads from one end to the other; of a partition its parent."""
    # An index that is read without a condition is a way to read all of the table, too; of a small one as good as any.
    whole = plan["Node Type"] == "Seq Scan" or (is_large and plan["Node Type"] in ("Index Scan", "Index Only Scan") and "Index Cond" not in plan)
    found = {re.sub(r"_\d{4}_\d\d(_\d+)?$", "", plan["Relation Name"])} if whole else set()
    for child in plan.get("Plans", []):
        found |= read_whole(child, is_large)
    return found


def slow_queries(conn: Connection, _settings: Settings) -> Check:
    """What took long on average, as far as the server counts."""
    if scalar(conn, "select to_regclass('pg_stat_statements')") is None:
        remedy = "pg_stat_statements in shared_preload_libraries, and create extension pg_stat_statements: then this looks at what really ran"
        return Check("query times", "warn", "the server does not count what queries take; ./run bench measures the product's", remedy)
    try:
        with conn.transaction():
            found = records(
                conn,
                """
                select regexp_replace(left(s.query, 60), '\\s+', ' ', 'g') as query, round(s.mean_exec_time) as ms from pg_stat_statements as s
                where s.dbid = (select oid from pg_database where datname = current_database()) and s.calls >= 10 and s.mean_exec_time > %s
                    and s.query ~ '\\m(identity|media|queue|ops)\\.'
                order by s.total_exec_time desc limit 20
                """,
                [SLOW_MS],
            )
    except psycopg.Error as error:
        why = str(error).splitlines()[0]
        return Check("query times", "warn", f"pg_stat_statements cannot be read: {why}", "grant pg_read_all_stats to this role")
    if found:
        told = named([f"{one['query']} ({one['ms']} ms)" for one in found])
        return Check("query times", "warn", f"slower than {SLOW_MS:g} ms on average: {told}", "EXPLAIN (ANALYZE, BUFFERS) says where the time goes")
    return Check("query times", "ok", f"nothing that ran ten times took {SLOW_MS:g} ms on average")


def pool(conn: Connection, settings: Settings) -> Check:
    """The pool's settings, and whether the server has room for it."""
    size, idle_s, wait_s = (float(getattr(settings, name)) for name in POOL)
    told = f"at most {size:g} connections for the slots of a worker, idle {idle_s:g} s, waited for {wait_s:g} s"
    most = int(scalar(conn, "select current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int"))
    if size + OF_A_WORKER > most:
        return Check("pool", "fail", f"{told}; the server takes {most}", "REELQ_DATABASE_POOL_SIZE, max_connections of the server, or a pooler")
    # What the workers of now may want: their host's setting is not known here, so this host's is taken for all.
    query = "select coalesce(sum(least(slots + 1, %s) + %s), 0)::int from queue.workers where status in ('active', 'draining')"
    needed = int(scalar(conn, query, [int(size), OF_A_WORKER]))
    if needed > most:
        remedy = "a transaction pooler: REELQ_DATABASE_DIRECT_URL, docs/operate.md"
        return Check("pool", "warn", f"{told}; the workers at work may want {needed} of the server's {most}", remedy)
    unusual = [(name, getattr(settings, name), usual) for name, usual in POOL.items() if getattr(settings, name) != usual]
    other = [f"REELQ_{name.upper()} is {chosen:g}, usual is {usual:g}" for name, chosen, usual in unusual]
    return Check("pool", "warn", f"{told}: {'; '.join(other)}", "nothing, if that is meant") if other else Check("pool", "ok", told)


BACKUPS = """
select
    max(b.began_at) filter (where b.status = 'completed') as made, max(b.verified_at) as tested,
    base.clock() - max(b.began_at) filter (where b.status = 'completed') as age, base.clock() - max(b.verified_at) as tested_age
from ops.backups as b
"""


def backups(conn: Connection, _settings: Settings) -> Check:
    """When one was made, and when one was tried."""
    if scalar(conn, "select to_regclass('ops.backups')") is None:
        remedy = "docs/operate.md, Backup: make one, restore it into a scratch server, write down when"
        return Check("backup", "warn", "this version keeps no list of backups", remedy)
    (last,) = records(conn, BACKUPS)
    if last["made"] is None:
        return Check("backup", "fail", "there is none", "reelq backup create; then: reelq backup verify")
    if last["age"] > BACKUP_AGE:
        remedy = "reelq backup create, and the timer or periodic task that does it every day"
        return Check("backup", "fail", f"the last one is of {last['made']:%Y-%m-%d %H:%M}", remedy)
    if last["tested"] is None or last["tested_age"] > TESTED_AGE:
        told = "never" if last["tested"] is None else f"last on {last['tested']:%Y-%m-%d}"
        return Check("backup", "warn", f"made on {last['made']:%Y-%m-%d %H:%M}; restored to see that it is whole: {told}", "reelq backup verify")
    return Check("backup", "ok", f"made on {last['made']:%Y-%m-%d %H:%M}, restored and compared on {last['tested']:%Y-%m-%d}")


def way_back(conn: Connection, _settings: Settings) -> Check:
    """Every migration says how to go back, and the database is where the files are."""
    silent = [file.path for file in schema.migrations() if not re.search(r"^-- (back|no way back): ?\S", file.text, flags=re.M)]
    if silent:
        return Check("way back", "fail", f"{named(silent)} does not say how to go back", "-- back: …, in its first lines")
    waiting = [row["path"] for row in schema.status(conn) if row["state"] not in ("applied", schema.NOBODYS)]
    if waiting:
        return Check("way back", "warn", f"not as the files say: {named(waiting)}", "reelq schema status")
    changed = [f"{row['object']} ({row['state']})" for row in schema.diff(conn)]
    if changed:
        return Check("way back", "warn", f"changed by hand: {named(changed)}", "reelq schema diff; a way back assumes that it is not")
    return Check("way back", "ok", f"each of {len(schema.migrations())} migrations says how to go back, and nothing waits")


def shape(name: str, rule: rules.Rule) -> Look:
    """A check of the catalogue alone."""
    return lambda conn, _settings: by_rule(name, rule, conn)


CHECKS: dict[str, Look] = {
    "created_at": shape("created_at", rules.CREATED_AT),
    "status columns": status_columns,
    "foreign keys": shape("foreign keys", rules.ON_DELETE),
    "duplicates": duplicates,
    "timestamptz": shape("timestamptz", rules.TIME_ZONES),
    "JSONB": shape("JSONB", rules.DOCUMENTED_JSON),
    "primary keys": shape("primary keys", rules.PRIMARY_KEYS),
    "validity": shape("validity", rules.VALID),
    "partitions": partitions,
    "backup": backups,
    "way back": way_back,
    "pool": pool,
    "query times": slow_queries,
    "plans": plans,
}  # in the source's order


def audit(conn: Connection, settings: Settings) -> Iterator[Check]:
    """Go through the list."""
    return (look(conn, settings) for look in CHECKS.values())


def worst(found: list[Check]) -> str:
    """The gravest level of all."""
    return max((one.level for one in found), key=LEVELS.index, default="ok")


