"""Servers that are set up in other ways than ours: the same work has the same outcome, or is refused in one line.

A parameter is set for the database, for the role and for the role in the database, as an operator does; nothing in our sessions says otherwise.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.types.json import Jsonb

from demo import postgres
from reelq.worker import db
from reelq.worker.db import schema
from reelq.worker.settings import load
from tests.conftest import MOVABLE_CLOCK
from tests.sql.queuekit import Queue

NOW = "2026-03-29 00:59:30+00"  # half a minute before Berlin's clock leaves out an hour
ZONE = "Europe/Berlin"
TITLE = "Žluťoučký kůň 日本 ‹I›"
# What changes how texts, times and numbers are read and written, how names are looked up, and how statements are run.
HARMLESS = {
    "Kathmandu, German dates": {
        "timezone": "Asia/Kathmandu", "datestyle": "German", "intervalstyle": "sql_standard", "extra_float_digits": "-5", "bytea_output": "escape",
    },
    "Kolkata, whose IST is Israel's too": {"timezone": "Asia/Kolkata", "datestyle": "SQL, DMY", "intervalstyle": "iso_8601"},
    "St. John's": {"timezone": "America/St_Johns", "datestyle": "Postgres, MDY", "intervalstyle": "postgres_verbose"},
    "strings and names": {
        "standard_conforming_strings": "off", "escape_string_warning": "off", "backslash_quote": "off", "transform_null_equals": "on",
        "array_nulls": "off", "search_path": "nosuch", "client_min_messages": "debug2", "timezone": "<+12>-12",
    },
    "columns first": {
        "plpgsql.variable_conflict": "use_column", "plpgsql.extra_errors": "all", "plan_cache_mode": "force_generic_plan",
        "jit": "on", "jit_above_cost": "1000", "join_collapse_limit": "1", "from_collapse_limit": "1", "synchronous_commit": "off",
    },
    "variables first": {
        "plpgsql.variable_conflict": "use_variable", "plan_cache_mode": "force_custom_plan", "enable_seqscan": "off", "enable_nestloop": "off", "jit": "off",
        "parallel_setup_cost": "0", "parallel_tuple_cost": "0", "min_parallel_table_scan_size": "0", "max_parallel_workers_per_gather": "1", "work_mem": "64kB",
        "statement_timeout": "20s", "lock_timeout": "2s", "idle_in_transaction_session_timeout": "20s",
    },
}
ROOMS = ("base", "identity", "media", "queue", "ops")
WHERE = ["database", "role", "role in database"]
TURKISH = "encoding 'UTF8' locale_provider icu icu_locale 'tr-TR' locale 'C.UTF-8'"
SERVERS = {"SQL_ASCII": "encoding 'SQL_ASCII' locale 'C'", "C": "encoding 'UTF8' locale 'C'", "Turkish": TURKISH}
# These tell of the server itself, or in words of times.
OWN_AFFAIR = {"queue.health", "ops.health", "queue.help_map", "queue.help"}
READS = """
select format('%s.%s', pronamespace::regnamespace, proname) from pg_proc
where
    pronamespace::regnamespace::text in ('base', 'identity', 'media', 'queue', 'ops')
    and prokind = 'f' and pronargs = pronargdefaults and provolatile <> 'v' and prorettype <> 'trigger'::regtype
    and has_function_privilege(oid, 'execute') and proname not like 'health_%'
order by 1
"""
VIEWS = """
select format('%s.%s', relnamespace::regnamespace, relname) from pg_class
where relkind = 'v' and relnamespace::regnamespace::text in ('media', 'queue') and has_table_privilege(oid, 'select') order by 1
"""


class Place:
    """A database of its own on the session's server; `create` is how it is made."""

    def __init__(self, admin: psycopg.Connection[Any], url: Callable[[str], str], name: str) -> None:
        self.admin, self.name, self.url = admin, name, url(name)

    def let(self, where: str, settings: dict[str, str], role: str = "postgres") -> None:
        """Set parameters."""
        scope = {"database": "database {db}", "role": "role {role}", "role in database": "role {role} in database {db}"}[where]
        names = {"db": sql.Identifier(self.name), "role": sql.Identifier(role)}
        for name, value in settings.items():
            statement = sql.SQL(f"alter {scope} set {name} = " + "{value}")  # type: ignore[arg-type]
            self.admin.execute(statement.format(value=sql.Literal(value), **names))

    def connect(self) -> psycopg.Connection[Any]:
        """A session that sets nothing itself but the encoding that the driver speaks."""
        return psycopg.connect(self.url, autocommit=True, client_encoding="UTF8")


@contextmanager
def place(server: Any, create: str = "") -> Iterator[Place]:
    """Make a database; take it and the settings of the role away afterwards."""
    with psycopg.connect(server.url(), autocommit=True) as admin:
        name = "odd"
        admin.execute(f"create database {name} template template0 {create}")
        try:
            yield Place(admin, server.url, name)
        finally:
            admin.execute("alter role postgres reset all")
            admin.execute(f"drop database {name} with (force)")


def install(odd: Place, root: Path) -> None:
    """The schema, by the runner under the odd settings, and the clock that tests stop."""
    with odd.connect() as conn:
        conn.execute("set jit = off; set max_parallel_workers_per_gather = 0")  # a minute of compiling, for statements that run once
        schema.install(conn, root)
        assert schema.install(conn, root) == []
        assert schema.diff(conn, root) == []
        conn.execute(MOVABLE_CLOCK)
        conn.execute("update base_test.clock set at = %s", [NOW])
        conn.execute("update queue.upkeep set grace = '1000 years'")
        conn.execute("update identity.tenants set created_at = %s, status_changed_at = %s", [NOW, NOW])


def plain(value: Any) -> Any:
    """Text in which ids are told by the order in which they came, and times by their hour in UTC."""
    seen: dict[str, str] = {}

    def moment(found: re.Match[str]) -> str:
        return datetime.fromisoformat(found.group()).astimezone(UTC).isoformat(timespec="hours")  # a retry waits by chance

    text = json.dumps(value, ensure_ascii=False, default=str, sort_keys=True)
    text = re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?[+-]\d\d:\d\d(:\d\d)?", moment, text)
    return re.sub(r"[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}", lambda found: seen.setdefault(found.group(), f"<{len(seen)}>"), text)


def work(conn: psycopg.Connection[Any]) -> dict[str, Any]:
    """A small day of a queue; what each call answered."""
    told: dict[str, Any] = {}

    def ask(name: str, statement: str, *args: Any) -> list[Any]:
        try:
            told[name] = conn.execute(f"select to_jsonb(answer) from ({statement}) as answer", args).fetchall()
        except psycopg.Error as error:
            told[name] = [error.sqlstate, error.diag.message_primary, error.diag.message_hint]
        return [row[0] for row in told[name] if isinstance(row, tuple)]

    (tenant,) = ask("tenant", "select identity.create_tenant('acme', 'Acme') as id")
    data = json.dumps({"sleep_s": 0.1}, ensure_ascii=False)
    (first,) = ask("first", "select queue.enqueue_job('no_op', job_data => %s, idempotency_key => %s) as id", data, TITLE)
    ask("again", "select queue.enqueue_job('no_op', idempotency_key => %s) as id", TITLE)
    ask("later", "select queue.enqueue_job('no_op', scheduled_for => %s, depends_on => array[%s::uuid]) as id", "2026-03-29 02:30+02", first["id"])
    conn.execute("insert into queue.processing_jobs (job_type, tenant_id, priority) values ('no_op', %s, 3)", [tenant["id"]])
    many = json.dumps([{"job_type": "no_op", "ref": "İ", "scheduled_for": "2026-03-29T01:30:00Z"}, {"job_type": "no_op", "depends_on": ["İ"]}])
    ask("many", "select * from queue.enqueue_jobs(%s)", many.replace("\\u0130", "İ"))
    ask("no such type", "select queue.enqueue_job('nö_op')")
    ask("bad priority", "select queue.enqueue_job('no_op', priority => 11)")
    ask("video", "select queue.ingest_video('https://example.com/Ä.mp4', tenant => 'acme', title => %s) as id", TITLE)
    ask("limit", "select queue.set_limit('name:friday', 1)")
    ask("pause", "select queue.pause('job_type', 'download_video', %s)", TITLE)
    ask("setting", "select queue.set_setting('archive_after', '36 hours')")
    ask("schedule", "select queue.set_schedule('nightly', '30 2 * * FRI,SUN', 'no_op', p_time_zone => %s)", ZONE)
    ask("hourly", "select queue.set_schedule('midnight', '@DAILY', 'no_op', p_time_zone => 'ASIA/ISTANBUL')")
    for cron in ("30 2 * * *", "0 3 * * FRI", "15 1 29 MAR *", "@DAILY", "nonsense I"):
        ask(f"tick {cron}", "select queue.next_tick(%s, %s, base.clock()) as at", cron, ZONE)
    ask("register", "select queue.register_worker('w1', 'höst', 1, '0', 'pool', 10, null, '{}')")
    claimed = ask("claim", "select job_id, job_type, token from queue.claim_jobs('w1', 2)")
    ask("beat", "select * from queue.heartbeat('w1', %s)", json.dumps([{"job_id": job["job_id"], "token": job["token"]} for job in claimed]))
    for job, how in zip(claimed, ("complete", "fail"), strict=False):
        if how == "complete":
            ask(how, "select queue.complete_job(%s, %s, %s::jsonb)", job["job_id"], job["token"], f'{{"told": "{TITLE}"}}')
        else:
            ask(how, "select queue.fail_job(%s, %s, 'transient', 'oops', %s)", job["job_id"], job["token"], TITLE)
    conn.execute("update base_test.clock set at = at + interval '3 days'")
    ask("schedules run", "select queue.run_schedules() as many")
    ask("claim later", "select job_type, token from queue.claim_jobs('w1', 100)")
    conn.execute("update base_test.clock set at = at + interval '2 hours'")
    ask("rescue", "select queue.rescue_expired() as many")
    ask("roll up", "select queue.roll_up_stats() as many")
    ask("archive", "select queue.archive_jobs() as many")
    ask("partitions", "select ops.maintain_partitions() as many")
    ask("resume", "select queue.resume('job_type', 'download_video')")
    told["tenant id"] = tenant["id"]
    for (job_id,) in conn.execute("select id from queue.all_jobs order by id").fetchall():
        ask(f"show {len(told)}", "select queue.show_job(%s) as job", job_id)
        ask(f"explain {len(told)}", "select reason, advice from queue.explain_job(%s)", job_id)
    ask("verify", "select * from queue.verify()")
    ask("bad health", "select finding, level from ops.health(true) where level = 'bad'")
    return told


def read(conn: psycopg.Connection[Any], role: str, tenant: str) -> dict[str, Any]:
    """Whatever the role may read without saying what."""
    told: dict[str, Any] = {}
    conn.execute(sql.SQL("set role {}").format(sql.Identifier(role)))
    conn.execute("select set_config('reelq.tenant_id', %s, false)", [tenant])
    conn.execute("set intervalstyle = 'postgres'")  # as whom we show them to
    calls = [f"{name}()" for (name,) in conn.execute(READS).fetchall() if name not in OWN_AFFAIR]
    for source in calls + [name for (name,) in conn.execute(VIEWS).fetchall()]:
        try:
            rows = conn.execute(f"select to_jsonb(answer) from {source} as answer").fetchall()
            told[f"{role} {source}"] = sorted(plain(row) for row in rows)
        except psycopg.Error as error:
            told[f"{role} {source}"] = [error.sqlstate, error.diag.message_primary]
    for name in ("role", "reelq.tenant_id", "intervalstyle"):
        conn.execute(f"reset {name}")
    return told


def day(odd: Place, root: Path = schema.ROOT) -> dict[str, Any]:
    """Install, work and read; texts that can be compared."""
    install(odd, root)
    with odd.connect() as conn:
        told = work(conn)
        tenant = told.pop("tenant id")
        told = {name: plain(value) for name, value in told.items()}
        for role in ("reelq_app", "reelq_readonly"):
            told |= read(conn, role, tenant)
        for role in ("postgres", "reelq_readonly", "reelq_worker"):
            told |= {f"{name}, of all tenants": answer for name, answer in read(conn, role, "").items()}
    return told


@pytest.fixture(scope="session")
def usual_days() -> dict[int, dict[str, Any]]:
    """What a usual server answers, by major."""
    return {}


@pytest.fixture
def usual(pg_server, usual_days):
    """What a usual server of this major answers."""
    major = pg_server.binaries.major
    if major not in usual_days:
        with place(pg_server) as odd:
            usual_days[major] = day(odd)
    return usual_days[major]


def differences(told: dict[str, Any], usual: dict[str, Any]) -> dict[str, Any]:
    """What differs, beside it what it should be."""
    return {name: (told.get(name), usual.get(name)) for name in usual.keys() | told.keys() if told.get(name) != usual.get(name)}


@pytest.mark.parametrize("name", HARMLESS)
def test_a_day_is_the_same_whatever_the_parameters_say(pg_server, usual, name):
    with place(pg_server) as odd:
        odd.let(WHERE[list(HARMLESS).index(name) % 3], HARMLESS[name])
        assert differences(day(odd), usual) == {}


@pytest.mark.parametrize("name", SERVERS)
def test_a_day_is_the_same_in_another_encoding_or_locale(pg_server, usual, name):
    try:
        with place(pg_server, SERVERS[name]) as odd:
            assert differences(day(odd), usual) == {}
    except psycopg.errors.FeatureNotSupported:
        pytest.skip("this server is built without ICU")


def test_no_function_has_a_string_that_a_session_may_read_otherwise(conn):
    """With standard_conforming_strings off, '\\d' is a d: such texts stand between dollars."""
    found = []
    for name, body in conn.execute("select oid::regproc::text, prosrc from pg_proc where pronamespace::regnamespace::text = any(%s)", [list(ROOMS)]):
        code = re.sub(r"--[^\n]*", "", re.sub(r"(?s)(\$\w+\$).*?\1", "", body))
        found += [(name, text) for prefix, text in re.findall(r"(\be|\bE)?('(?:[^']|'')*')", code) if "\\" in text and not prefix]
    assert found == []


def test_any_bytes_are_no_job_though_the_server_takes_them(pg_server, pytestconfig):
    """One such job would make every claim fail."""
    with place(pg_server, SERVERS["SQL_ASCII"]) as odd, odd.connect() as conn:
        schema.install(conn, pytestconfig.getoption("--sql-root"))
        conn.execute("set client_encoding = 'SQL_ASCII'")
        for statement in (
            b"""insert into queue.processing_jobs (job_type, job_data) values ('no_op', '{"x": "\xe9"}')""",
            b"""select queue.enqueue_job('no_op', idempotency_key => '\xe9')""",
            b"""select queue.ingest_video('/in/clip.mp4', title => '\xe9')""",
        ):
            with pytest.raises(psycopg.Error) as refused:
                conn.execute(statement)
            assert refused.value.sqlstate == "RQ008"
            assert "UTF-8" in (refused.value.diag.message_primary or "")
        assert conn.execute("insert into queue.processing_jobs (job_type, idempotency_key) values ('no_op', %s)", [b"\xc3\xa9".decode()]).rowcount == 1


def test_an_encoding_that_cannot_keep_every_character_is_refused_before_anything_is_made(pg_server):
    with place(pg_server, "encoding 'LATIN1' locale 'C'") as odd, odd.connect() as conn:
        with pytest.raises(schema.SchemaError, match="the database is in LATIN1, which cannot keep every character; reelq needs UTF8"):
            schema.install(conn)
        with pytest.raises(psycopg.errors.FeatureNotSupported, match="the database is in LATIN1"):
            conn.execute(schema.script().split("$guard$;\n")[0] + "$guard$")  # psql sends a statement at a time
        conn.execute("rollback")
        assert conn.execute("select nspname from pg_namespace where nspname = any(%s)", [list(ROOMS)]).fetchall() == []


# Each in a transaction of its own that is prepared; {…} are ids of jobs in that state.
PREPARED = {
    "enqueue_job": "select queue.enqueue_job('no_op')",
    "INSERT": "insert into queue.processing_jobs (job_type) values ('no_op')",
    "enqueue_jobs": """select queue.enqueue_jobs('[{"job_type": "no_op", "ref": "a"}, {"job_type": "no_op", "depends_on": ["a"]}]')""",
    "ingest_video": "select queue.ingest_video('https://example.com/a.mp4')",
    "cancel a job that waits": "select queue.cancel_job('{queued}')",
    "cancel a job that runs": "select queue.cancel_job('{running}')",
    "retry_job": "select queue.retry_job('{failed}')",
    "reprioritise_job": "select queue.reprioritise_job('{queued}', 1)",
    "pause": "select queue.pause('job_type', 'no_op', 'a reason')",
    "resume": "select queue.resume('job_type', 'download_video')",
    "set_limit": "select queue.set_limit('name:x', 1)",
    "drop_limit": "select queue.drop_limit('type:no_op')",
    "drain_worker": "select queue.drain_worker('busy')",
    "complete_job": "select queue.complete_job('{running}', 1)",
    "fail_job": "select queue.fail_job('{running}', 1, 'transient', 'oops', 'It broke.')",
    "release_job": "select queue.release_job('{running}', 1, 'shutdown')",
    "claim_jobs": "select queue.claim_jobs('asleep', 1)",
    "spawn_jobs": """select queue.spawn_jobs('{running}', 1, '[{"job_type": "no_op", "idempotency_key": "part"}]')""",
    "set_tenant_status": "select identity.set_tenant_status('acme', 'suspended')",
    "run_schedules": "select queue.run_schedules()",
    "delete": "delete from queue.processing_jobs where id = '{queued}'",
}


@pytest.fixture(scope="session")
def preparing():
    """Servers on which transactions can be prepared, by major."""
    with ExitStack() as stack:
        running: dict[int, Any] = {}

        def get(binaries: Any) -> Any:
            if binaries.major not in running:
                running[binaries.major] = stack.enter_context(postgres.throwaway(binaries, {"max_prepared_transactions": "5"}))
            return running[binaries.major]

        yield get


def test_whatever_is_called_can_be_prepared_though_a_worker_listens(pg_server, preparing, pytestconfig):
    refused = {}
    with place(preparing(pg_server.binaries)) as odd:
        install(odd, pytestconfig.getoption("--sql-root"))
        with odd.connect() as conn, odd.connect() as listener:
            listener.execute("listen reelq_ready; listen reelq_worker")
            queue = Queue(conn)
            conn.execute("select identity.create_tenant('acme')")
            conn.execute("select queue.set_schedule('hourly', '@hourly', 'no_op')")
            for name, call in PREPARED.items():
                conn.execute("select queue.delete_all_jobs(); delete from queue.pauses; delete from queue.workers")
                for worker in ("busy", "asleep"):
                    queue.worker(worker)
                failed, running = queue.add(), queue.add()
                jobs = {job.job_id: job for job in queue.claim("busy", 2)}
                queue.fail(jobs[failed], "permanent")
                queued = queue.add()
                conn.execute("select queue.set_limit('type:no_op', 9); select queue.pause('job_type', 'download_video', 'a reason')")
                conn.execute("select queue.set_worker_listening('asleep')")
                try:
                    conn.execute("begin")
                    conn.execute(call.replace("{queued}", str(queued)).replace("{running}", str(running)).replace("{failed}", str(failed)))
                    conn.execute("prepare transaction 'odd'")
                    conn.execute("commit prepared 'odd'")
                except psycopg.Error as error:
                    conn.execute("rollback")
                    refused[name] = str(error)
                assert queue.violations() == []
            assert refused == {}
            conn.execute("set reelq.notify = 'on'")
            conn.execute("select queue.set_worker_listening('asleep')")
            conn.execute("begin")
            conn.execute("select queue.enqueue_job('no_op', priority => 1)")
            with pytest.raises(psycopg.errors.FeatureNotSupported):
                conn.execute("prepare transaction 'odd'")


def test_the_programs_connection_reads_what_any_database_says(pg_server):
    """Times and intervals of another style; in SQL_ASCII text is text, and JSON may hold any character."""
    with place(pg_server, SERVERS["SQL_ASCII"]) as odd:
        odd.let("database", {"datestyle": "German", "intervalstyle": "iso_8601", "default_transaction_isolation": "serializable"})
        with db.connect(load({"DATABASE_URL": odd.url}), "odd") as conn:
            asked = "select timestamptz '2026-03-29 00:59+00', interval '36 hours', %s, %s::jsonb ->> 'a', current_setting('transaction_isolation')"
            row = conn.execute(asked, [TITLE, Jsonb({"a": TITLE})]).fetchone()
        assert row == (datetime(2026, 3, 29, 0, 59, tzinfo=UTC), timedelta(hours=36), TITLE, TITLE, "read committed")
