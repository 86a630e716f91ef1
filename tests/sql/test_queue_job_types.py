"""queue.sync_job_type: what a program declares is written once, and what an operator changed by hand stays."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb

from reelq.worker import errors
from reelq.worker.db import schema
from reelq.worker.jobs.declare import Retry, declared, job_type, policy
from reelq.worker.rooms.queue import job_types
from reelq.worker.runtime import registry
from tests.sql.queuekit import Queue
from tools import job_types as generator

Conn = psycopg.Connection[Any]
DEFAULTS = {"description": "Shout.", "lease": "2 minutes", "priority": 4, "needs": ["av1"]}
SCHEMA = {"type": "object", "properties": {}, "required": []}


@dataclass(frozen=True)
class Nothing:
    """No arguments."""


def sync(conn: Conn, defaults: dict[str, Any] = DEFAULTS, retry: list[dict[str, Any]] | None = None, **options: Any) -> dict[str, str]:
    """What was done with what."""
    changes = job_types.sync_job_type(conn, "shout", defaults, retry or [], SCHEMA, **options)
    return {one.name: one.action for one in changes}


def test_a_new_type_is_a_row_and_again_changes_nothing(conn: Conn) -> None:
    retry = [{"error_class": "transient", "base": "5 seconds"}]
    made = sync(conn, retry=retry)
    assert set(made) == {*DEFAULTS, "options_schema", "retry transient *"} and set(made.values()) == {"added"}
    row = job_types.find_job_type(conn, "shout")
    assert row is not None
    assert (row.lease.total_seconds(), row.priority, row.needs, row.batch, row.options_schema) == (120, 4, ["av1"], 1, SCHEMA)
    (policy, *_) = job_types.list_retry_policies(conn, "shout")
    assert (policy.job_type, policy.base.total_seconds(), policy.cap.total_seconds()) == ("shout", 5, 900)
    before = conn.execute("select xmin, updated_at from queue.job_types where job_type = 'shout'").fetchone()
    assert sync(conn, {**DEFAULTS, "lease": "120 seconds"}, retry) == {}
    assert conn.execute("select xmin, updated_at from queue.job_types where job_type = 'shout'").fetchone() == before


def test_the_program_changes_what_nobody_else_has(conn: Conn) -> None:
    sync(conn, retry=[{"error_class": "transient"}, {"error_class": "permanent", "code": "busy", "action": "retry"}])
    done = sync(conn, {**DEFAULTS, "lease": "3 minutes"}, [{"error_class": "transient", "base": "1 second"}])
    assert done == {"lease": "changed", "retry permanent busy": "removed", "retry transient *": "changed"}


def test_what_an_operator_changed_is_kept_until_overwritten(conn: Conn) -> None:
    retry = [{"error_class": "transient", "base": "5 seconds"}]
    sync(conn, retry=retry)
    conn.execute("update queue.job_types set lease = '10 minutes' where job_type = 'shout'")
    conn.execute("update queue.retry_policies set base = '7 seconds' where job_type = 'shout'")
    conn.execute("insert into queue.retry_policies (job_type, error_class, code, action) values ('shout', 'permanent', 'x', 'retry')")
    for _ in range(2):
        assert sync(conn, {**DEFAULTS, "priority": 3, "lease": "3 minutes"}, retry) in (
            {"lease": "kept", "priority": "changed", "retry transient *": "kept"}, {"lease": "kept", "retry transient *": "kept"},
        )  # fmt: skip
    assert sync(conn, {**DEFAULTS, "priority": 3}, retry, overwrite=True) == {"lease": "changed", "retry transient *": "changed"}
    assert sync(conn, {**DEFAULTS, "priority": 3}, retry) == {}
    row = job_types.find_job_type(conn, "shout")
    assert row is not None and row.lease.total_seconds() == 120
    assert {one.code for one in job_types.list_retry_policies(conn, "shout") if one.job_type == "shout"} == {"*", "x"}
    conn.execute("delete from queue.retry_policies where job_type = 'shout' and code = '*'")
    assert sync(conn, {**DEFAULTS, "priority": 3}, retry) == {"retry transient *": "kept"}, "a deleted policy stays deleted"


def test_a_column_that_is_left_out_once_is_nobodys_change(conn: Conn) -> None:
    sync(conn)
    without = {name: value for name, value in DEFAULTS.items() if name != "lease"}
    assert sync(conn, without) == {}
    assert sync(conn, {**DEFAULTS, "lease": "3 minutes"}) == {"lease": "changed"}
    assert sync(conn, without) == {}
    conn.execute("update queue.job_types set lease = '10 minutes' where job_type = 'shout'")
    assert sync(conn) == {"lease": "kept"}


def test_limits_of_a_type_are_words_however_they_are_written(conn: Conn) -> None:
    limits = ["youtube", "a.b:c_d-9", "0" * 100]
    sync(conn, {**DEFAULTS, "limits": limits})
    conn.execute("select queue.enqueue_job('shout')")
    for bad in (["A"], ["a b"], ["a", None], [""], ["0" * 101], ['a", "b']):
        with pytest.raises(psycopg.errors.CheckViolation, match="limits_are_words"), conn.transaction():
            conn.execute("update queue.job_types set limits = %s where job_type = 'shout'", [bad])


def test_a_sync_waits_for_no_enqueue_and_an_enqueue_for_no_sync(dsn: str) -> None:
    """Either is open while the other runs: an enqueue holds the key of the type by its foreign keys."""
    with psycopg.connect(dsn, autocommit=True) as setup:
        sync(setup)
    quick = "-c lock_timeout=5s"
    with psycopg.connect(dsn, options=quick) as enqueuing, psycopg.connect(dsn, options=quick) as syncing:
        enqueuing.execute("select queue.enqueue_job('shout')")
        assert sync(syncing, {**DEFAULTS, "priority": 7}) == {"priority": "changed"}
        enqueuing.execute("select queue.enqueue_job('shout', priority => 9)")
        enqueuing.commit()
        syncing.commit()


def test_a_row_that_somebody_wrote_is_theirs(conn: Conn) -> None:
    conn.execute("insert into queue.job_types (job_type, description) values ('shout', 'Mine.')")
    done = sync(conn)
    assert done == {"description": "kept", "lease": "kept", "priority": "kept", "needs": "kept", "options_schema": "changed"}


@pytest.mark.parametrize(
    ("name", "defaults", "retry", "words"),
    [
        ("Shout!", DEFAULTS, [], "job type is a plain word"),
        ("shout", {**DEFAULTS, "priority": 11}, [], "priority is 1 to 10"),
        ("shout", {**DEFAULTS, "lease": "soon"}, [], "soon"),
        ("shout", {**DEFAULTS, "lease": None}, [], "lease"),
        ("shout", {**DEFAULTS, "prio": 1}, [], "not 'prio'"),
        ("shout", DEFAULTS, [{"base": "1 second"}], "with an error_class"),
        ("shout", DEFAULTS, [{"error_class": "odd"}], "error class is known"),
        ("shout", DEFAULTS, [7], "array of objects"),
        ("shout", DEFAULTS, [{"error_class": "transient", "bas": "1 second"}], "must be of keys that are known, not 'bas'"),
        ("shout", DEFAULTS, [{"error_class": "transient"}, {"error_class": "transient", "code": "*"}], "not two for transient *"),
        ("shout", {**DEFAULTS, "needs": [["a", "b"]]}, [], 'needs must be a list of words, not [["a", "b"]]'),
        ("shout", {**DEFAULTS, "needs": "a"}, [], 'needs must be a list of words, not "a"'),
        ("shout", {**DEFAULTS, "limits": [1]}, [], "limits must be a list of words, not [1]"),
        ("shout", {**DEFAULTS, "limits": ["ok", "Bad Word"]}, [], "limits are words"),
        ("shout", {**DEFAULTS, "limits": ["a b"]}, [], "limits are words"),
        ("shout", {**DEFAULTS, "limits": [None]}, [], "limits must be a list of words, not [null]"),
        ("shout", {**DEFAULTS, "weight": 1001}, [], "weight is 1 to 1000"),
    ],
)
def test_nonsense_is_refused_in_words(conn: Conn, name: str, defaults: dict[str, Any], retry: list[Any], words: str) -> None:
    with pytest.raises(psycopg.Error) as caught:
        job_types.sync_job_type(conn, name, defaults, retry, SCHEMA)
    ours = errors.from_database(caught.value)
    assert isinstance(ours, errors.BadArgument) and ours.hint and words in str(ours)
    assert job_types.find_job_type(conn, name) is None


def test_it_is_the_owners(conn: Conn) -> None:
    query = "select rolname from pg_roles where rolname like 'reelq%%' and has_function_privilege(rolname, %s::regprocedure, 'execute')"
    assert conn.execute(query, ["queue.sync_job_type(text,jsonb,jsonb,jsonb,boolean)"]).fetchall() == []


def test_the_defaults_of_the_decorator_are_those_of_the_table(conn: Conn) -> None:
    @job_type("shout")
    def shout(args: Nothing, ctx: Any) -> None:
        """Shout."""

    conn.execute("insert into queue.job_types (job_type, description) values ('plain', 'Shout.')")
    one = declared(shout)
    assert one is not None
    job_types.sync_job_type(conn, "shout", one.defaults, one.retry, one.schema)
    rows = conn.execute(
        "select to_jsonb(t) - array['job_type', 'created_at', 'updated_at', 'options_schema', 'options_path', 'declared', 'tells_failure', 'is_internal'] from queue.job_types as t"
        " where job_type in ('plain', 'shout')"
    ).fetchall()
    assert rows[0] == rows[1]
    assert set(one.defaults) | {"job_type"} == set(rows[0][0]) | {"job_type"}


def test_the_defaults_of_a_retry_are_those_of_the_function(conn: Conn) -> None:
    job_types.sync_job_type(conn, "shout", DEFAULTS, [{"error_class": "transient"}], SCHEMA)
    assert job_types.sync_job_type(conn, "shout", DEFAULTS, [policy(Retry())], SCHEMA) == []


def test_whether_an_error_charges_is_as_for_everybody_unless_it_is_said(conn: Conn) -> None:
    """A longer wait for a rate limit, or for a store, does not make it cost attempts."""
    told = [
        Retry(on="rate_limited", base="5m"), Retry(on="rate_limited", code="paid", charges=True), Retry(), Retry(code="store_away", cap="1h"),
        Retry(on="worker_lost"), Retry(on="permanent", action="fail"), Retry(code="free", charges=False),
    ]  # fmt: skip
    sync(conn, retry=[policy(one) for one in told])
    rows = conn.execute("select error_class, code, charges, charges_after = '3 days' from queue.retry_policies where job_type = 'shout'").fetchall()
    assert {(error_class, code): (charges, late) for error_class, code, charges, late in rows} == {
        ("rate_limited", "*"): (False, None), ("rate_limited", "paid"): (True, None), ("transient", "*"): (True, None),
        ("transient", "store_away"): (False, True), ("worker_lost", "*"): (False, None), ("permanent", "*"): (True, None),
        ("transient", "free"): (False, None),
    }  # fmt: skip
    assert sync(conn, retry=[policy(one) for one in told]) == {}


def test_what_follows_an_error_is_told_as_it_will_be(conn: Conn) -> None:
    """A type's own row for all codes is met by codes that everybody has a row of, but for whether they are charged."""
    sync(conn, retry=[policy(Retry(base="5s", cap="1m")), policy(Retry(on="rate_limited", code="quota", base="1h", cap="2h"))])
    told = {(one.job_type, one.error_class, one.code): one for one in job_types.list_retry_policies(conn, "shout")}
    assert [key for key in told if key[0] == "shout"] == [("shout", "rate_limited", "quota"), ("shout", "transient", "*")]
    assert [key for key in told if key[1:] == ("transient", "*")] == [("shout", "transient", "*")]
    away = told["*", "transient", "store_away"]
    assert (away.base.total_seconds(), away.cap.total_seconds(), away.charges) == (5, 60, False)
    assert told["shout", "transient", "*"].charges and told["*", "rate_limited", "*"].base.total_seconds() == 60


def test_schemas_of_shipped_types_are_those_of_their_handlers(conn: Conn) -> None:
    path = schema.ROOT / "data" / "queue_job_types.sql"
    current = path.read_text(encoding="utf-8")
    assert current == generator.written(current), "run: python -m tools.job_types"
    conn.execute(current.encode())
    here = registry.shipped()
    rows = {one.job_type: one.options_schema for one in job_types.list_job_types(conn)}
    assert rows == {name: json.loads(json.dumps(here.find(name).schema())) for name in here.types}
    assert {one.job_type: one.requires for one in job_types.list_job_types(conn)} == {name: here.find(name).requires for name in here.types}

@pytest.mark.parametrize("value", ["170000000 years", "367 days", "1 year 1 second", "infinity"])
@pytest.mark.parametrize("column", ["lease", "time_limit", "stall_limit"])
def test_no_time_of_a_type_is_longer_than_a_year(conn: Conn, column: str, value: str) -> None:
    """Else no client could read a claim of it, and every worker that takes the type would stand still."""
    with pytest.raises(psycopg.Error), conn.transaction():
        conn.execute(f"update queue.job_types set {column} = %s::text::interval where job_type = 'no_op'", [value])  # type: ignore[arg-type]
    with pytest.raises(psycopg.Error), conn.transaction():
        conn.execute("select queue.sync_job_type('absurd', %s)", [json.dumps({column: value})])
    conn.execute(f"update queue.job_types set {column} = '1 year' where job_type = 'no_op'")  # type: ignore[arg-type]


@pytest.mark.parametrize("change", ["base = '170000000 years', cap = '170000000 years'", "cap = '367 days'", "charges_after = '367 days'"])
def test_no_time_of_a_retry_policy_is_longer_than_a_year(conn: Conn, change: str) -> None:
    with pytest.raises(psycopg.errors.CheckViolation):
        conn.execute(f"update queue.retry_policies set {change}")  # type: ignore[arg-type]


STRICT = {"type": "object", "properties": {"sleep_s": {"type": "number", "maximum": 5}}}


def refused(queue: Queue, schema: dict[str, Any] = STRICT) -> tuple[Any, ...]:
    """What count_refused_jobs says."""
    (row,) = queue.rows("select * from queue.count_refused_jobs('no_op', %s)", Jsonb(schema))
    return tuple(row)


def test_waiting_jobs_that_a_schema_refuses_are_counted_wherever_they_wait(conn: Conn) -> None:
    queue = Queue(conn)
    assert refused(queue) == (0, True, None, None)
    queue.add(priority=1, job_data='{"sleep_s": 9}')
    running = queue.take()
    queue.add(priority=9, job_data='{"sleep_s": 1}')
    ready = queue.add(job_data='{"sleep_s": 6}')
    queue.add(job_data='{"sleep_s": 7}', depends_on=[running.job_id])
    queue.add(job_data='{"sleep_s": 8}', scheduled_for=queue.value("select base.clock() + interval '1 day'"))
    queue.value("select queue.set_limit('name:small', 1)")
    queue.add(job_data='{"sleep_s": 9}', limits=["small"])
    queue.add("extract_metadata", video_id=queue.value("select media.create_video('/a.mp4')"))
    jobs, is_all, job_id, reason = refused(queue)
    assert (jobs, is_all, job_id) == (4, True, ready)
    assert reason == "sleep_s must be at most 5, not 6"
    assert refused(queue, {"type": "object"})[0] == 0


def test_counting_refused_jobs_ends(conn: Conn) -> None:
    queue = Queue(conn)
    many = "insert into queue.processing_jobs (job_type, job_data) select 'no_op', jsonb_build_object('sleep_s', %s::integer) from generate_series(1, %s)"
    conn.execute(many, [9, 999])
    assert refused(queue)[:2] == (999, True)
    conn.execute(many, [9, 2])
    assert refused(queue)[:2] == (1000, False)


def test_what_was_not_looked_at_may_be_refused(conn: Conn) -> None:
    queue = Queue(conn)
    conn.execute("insert into queue.processing_jobs (job_type, scheduled_for) select 'no_op', base.clock() + interval '1 day' from generate_series(1, 10000)")
    assert refused(queue)[:2] == (0, True)
    queue.add(scheduled_for=queue.value("select base.clock() + interval '2 days'"))
    assert refused(queue)[:2] == (0, False)
