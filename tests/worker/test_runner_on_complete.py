"""What handlers do in the transaction that completes their job, and should not: the attempt fails and says so, and nothing of it
reaches a later job."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row, tuple_row
from psycopg.types.json import set_json_loads
from structlog.testing import capture_logs

from reelq.worker.db import Connection
from reelq.worker.jobs.context import JobContext
from tests.worker.runnerkit import attempts, ended, enqueue, handler, job, until, working

Conn = psycopg.Connection[Any]


def catch(conn: Connection) -> None:
    """Go on after an error, as if it were none."""
    try:
        conn.execute("select 1 / 0")
    except psycopg.Error as error:
        assert error.sqlstate == "22012"


def use_a_closed_cursor(conn: Connection) -> None:
    """An InterfaceError of the handler's own."""
    cursor = conn.cursor()
    cursor.close()
    cursor.execute("select 1")


def call_a_dead_host(_conn: Connection) -> None:
    """An OperationalError of another connection."""
    psycopg.connect("host=127.0.0.1 port=1 connect_timeout=1")


def fail_to_serialise(conn: Connection) -> None:
    """What Postgres says when the same may succeed next time."""
    conn.execute("do $$ begin raise 'mine' using errcode = '40001'; end $$")


def leave(_conn: Connection) -> None:
    """End the thread, as some programs do."""
    raise SystemExit(1)


WRONG: list[tuple[Callable[[Connection], object], str, str]] = [
    (catch, "write_failed", "must not catch"),
    (lambda conn: conn.execute("rollback"), "write_ended_transaction", "must not commit, roll back"),
    (lambda conn: conn.close(), "write_ended_transaction", "must not commit, roll back"),
    (use_a_closed_cursor, "internal_error", "raised InterfaceError"),
    (call_a_dead_host, "internal_error", "raised OperationalError"),
    (fail_to_serialise, "internal_error", "raised SerializationFailure"),
    (lambda conn: conn.execute("set local statement_timeout = '50ms'; select pg_sleep(5)"), "internal_error", "raised QueryCanceled"),
    (lambda conn: conn.execute("select pg_terminate_backend(pg_backend_pid())"), "database_away", "away"),
    (leave, "internal_error", "raised SystemExit"),
]


@pytest.mark.parametrize(("write", "code", "message"), WRONG, ids=range(len(WRONG)))
def test_a_wrong_write_fails_the_attempt_and_is_not_called_completed(
    dsn: str, conn: Conn, tmp_path: Path, write: Callable[[Connection], object], code: str, message: str
) -> None:
    """Neither taken for an outage that one waits out for ever, nor for a success."""
    conn.execute("update queue.job_types set max_attempts = 1 where job_type = 'no_op'")
    with capture_logs() as lines, working(dsn, tmp_path, {"no_op": handler(lambda ctx: ctx.on_complete(write))}):
        failed = ended(conn, enqueue(conn))
    assert failed["error_code"] == code
    assert message in attempts(conn, failed["id"])[0]["message"]
    assert not [one for one in lines if one["event"] == "job.completed"]
    assert failed["status"] in ("failed", "queued")


def test_a_write_that_commits_is_told_for_what_it_is(dsn: str, conn: Conn, tmp_path: Path) -> None:
    """The job is completed then, and the line says what was wrong; what comes after it is not run outside a transaction."""
    ran: list[str] = []

    def run(ctx: JobContext) -> None:
        ctx.on_complete(lambda connection: connection.execute("commit"))
        ctx.on_complete(lambda _connection: ran.append("after"))

    with capture_logs() as lines, working(dsn, tmp_path, {"no_op": handler(run)}):
        done = ended(conn, enqueue(conn))
        (line,) = until(lambda: [one for one in lines if one["event"].startswith("job.")], "its line")
    assert (done["status"], line["event"], line["code"]) == ("completed", "job.completed", "write_ended_transaction")
    assert ran == []


def test_a_deadlock_is_tried_again_and_told(dsn: str, conn: Conn, tmp_path: Path) -> None:
    """What may pass is done again; the log says why it took longer."""
    turns: list[int] = []

    def write(connection: Connection) -> None:
        turns.append(1)
        if len(turns) < 3:
            connection.execute("do $$ begin raise 'deadlock detected' using errcode = '40P01'; end $$")

    with capture_logs() as lines, working(dsn, tmp_path, {"no_op": handler(lambda ctx: ctx.on_complete(write))}):
        assert ended(conn, enqueue(conn))["status"] == "completed"
    assert len(turns) == 3
    assert [one["event"] for one in lines].count("completion.delayed") == 1


def test_a_completion_that_is_repeated_heeds_a_cancel(dsn: str, conn: Conn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between two tries."""
    tried = threading.Event()

    def write(connection: Connection) -> None:
        tried.set()
        fail_to_serialise(connection)

    monkeypatch.setattr("reelq.worker.runtime.attempt.MOST_FAILURES", 10**6)
    with working(dsn, tmp_path, {"no_op": handler(lambda ctx: ctx.on_complete(write))}):
        job_id = enqueue(conn)
        assert tried.wait(20)
        conn.execute("select queue.cancel_job(%s)", [job_id])
        until(lambda: job(conn, job_id)["status"] == "cancelled", "the cancel")


def look(connection: Connection) -> list[Any]:
    """What a handler finds on the connection that it is lent."""
    names = ("search_path", "statement_timeout", "default_transaction_isolation", "reelq.tenant_id")
    shown = connection.execute(
        "select current_user::text, session_user::text, " + ", ".join(f"coalesce(current_setting('{name}', true), '')" for name in names)
    ).fetchone()
    kept = connection.execute(
        """
        select
            (select count(*) from pg_prepared_statements), (select count(*) from pg_cursors where is_holdable),
            (select count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()),
            (select count(*) from pg_class where relname = 'left_over'), (select count(*) from pg_listening_channels()), '[1]'::jsonb
        """
    ).fetchone()
    return [*tuple(shown or ()), *tuple(kept or ()), connection.row_factory, connection.autocommit, connection.prepare_threshold]


def test_nothing_that_a_write_sets_reaches_a_later_job(dsn: str, conn: Conn, tmp_path: Path) -> None:
    """Role, settings, prepared statements, cursors, locks, temporary tables, and what psycopg keeps; on the same connection."""
    found: list[list[Any]] = []
    pids: list[int] = []

    def spoil(connection: Connection) -> None:
        connection.execute(
            """
            set search_path = nowhere; set statement_timeout = 1234; set default_transaction_isolation = 'serializable';
            set reelq.tenant_id = '00000000-0000-0000-0000-000000000007'; create temp table left_over (x integer);
            prepare p as select 1; declare c cursor with hold for select 1; listen somewhere; select pg_advisory_lock(1);
            set role reelq_readonly
            """
        )
        connection.row_factory = dict_row
        connection.prepare_threshold = 0
        set_json_loads(lambda _text: "spoilt", connection)

    def run(ctx: JobContext) -> None:
        ctx.on_complete(lambda connection: found.append(look(connection)))
        ctx.on_complete(lambda connection: pids.append(connection.info.backend_pid))
        ctx.on_complete(spoil)

    with working(dsn, tmp_path, {"no_op": handler(run)}):
        for _ in range(3):
            done = ended(conn, enqueue(conn))
            assert done["status"] == "completed", attempts(conn, done["id"])[0]["stack"]
    assert len(set(pids)) == 1
    assert found[0] == found[1] == found[2]
    assert found[0][-3:] == [tuple_row, True, None]


def test_a_call_of_the_job_s_own_within_a_write_is_refused(dsn: str, conn: Conn, tmp_path: Path) -> None:
    """It would go over another connection, and wait for the row that this transaction holds."""

    def run(ctx: JobContext) -> dict[str, Any]:
        ctx.on_complete(lambda _conn: ctx.spawn([{"job_type": "no_op", "idempotency_key": f"{ctx.job.job_id}:x"}]))
        return {}

    with working(dsn, tmp_path, {"no_op": handler(run)}):
        done = ended(conn, enqueue(conn))
    assert (done["status"], done["error_code"]) == ("failed", "write_after_completion")
