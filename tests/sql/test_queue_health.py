"""ops.health() of the queue: everything that it can find is provoked for real."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.sql.healthkit import health, only
from tests.sql.queuekit import Queue

MINUTES = timedelta(minutes=1)


@pytest.fixture
def queue(conn):
    return Queue(conn)


def past(queue):
    ((level, _),) = [row for row in health(queue, "partitions") if "queue.past" in row[1]]
    return level


def test_partitions_that_end_are_told_in_time(queue, clock):
    clock.set("2030-01-10 12:00+00")
    queue.conn.execute("create table queue.past (at timestamptz not null) partition by range (at)")
    assert past(queue) == "bad"
    queue.conn.execute("create table queue.past_1 partition of queue.past for values from ('2030-01-01') to ('2030-01-20')")
    assert past(queue) == "ok"
    clock.set("2030-01-19 12:00+00")
    assert past(queue) == "warn"
    clock.set("2030-01-21 12:00+00")
    assert past(queue) == "bad"
    queue.conn.execute("create table queue.past_2 partition of queue.past for values from ('2030-01-20') to (maxvalue)")
    assert past(queue) == "ok"


def test_a_full_store_is_told_with_its_remedy(queue, clock):
    """Its attempts are charged to nobody, so nothing else would tell."""
    assert only(queue, "retries")[0] == "ok"
    for _ in range(3):
        queue.add()
        queue.fail(queue.take(), code="store_full")
    level, told = only(queue, "retries")
    assert level == "warn"
    assert told.startswith("3 jobs back off for store_full since 20")
    assert "Make room" in told and "reelq jobs run-now --place backing-off --code store_full" in told
    since = told.split(" since ")[1][:19]
    clock.forward(16 * MINUTES)
    queue.conn.execute("select queue.promote_due()")
    queue.fail(queue.take(), code="store_full")
    level, told = only(queue, "retries")
    assert (level, "1 job backs off" in told) == ("bad", True), "for longer than a retry would take"
    assert since in told, "since the first attempt, not the latest"


def test_a_few_sources_that_are_away_are_their_owners_trouble(queue):
    for count, levels in ((1, ["ok"]), (10, ["warn"])):
        while queue.value("select count(*) from queue.scheduled") < count:
            queue.add()
            queue.fail(queue.take(), code="source_away")
        assert [level for level, _ in health(queue, "retries")] == levels


def test_an_error_of_the_job_s_own_is_no_finding(queue):
    queue.add()
    queue.fail(queue.take(), code="oops")
    queue.add(scheduled_for=queue.value("select base.clock() + interval '1 hour'"))
    assert only(queue, "retries")[0] == "ok"


def test_a_silent_worker_is_told(queue, clock):
    assert "None is at work" in only(queue, "workers")[1]
    queue.worker("quiet")
    assert only(queue, "workers")[0] == "ok"
    clock.forward(40)
    assert [(level, "quiet has not been heard of" in told) for level, told in health(queue, "workers")] == [("warn", True), ("ok", False)]
    clock.forward(30)
    queue.rescue()
    assert any("quiet was lost" in told for _, told in health(queue, "workers"))
    clock.forward(1)
    queue.worker("successor")
    assert only(queue, "workers")[0] == "ok"


def test_a_lease_that_nobody_takes_back_is_bad(queue, clock):
    queue.add()
    job = queue.take()
    clock.forward(61)
    assert only(queue, "leases")[0] == "ok"
    clock.forward(61)
    level, told = only(queue, "leases")
    assert (level, "1 ran out" in told) == ("bad", True)
    queue.rescue()
    assert only(queue, "leases")[0] == "ok"
    assert queue.status(job.job_id) == "queued"


def test_the_lease_of_a_worker_marked_dead_counts_too(queue, clock):
    queue.add()
    queue.take()
    queue.conn.execute("select queue.mark_worker_dead('w1')")
    assert only(queue, "leases")[0] == "ok"
    clock.forward(90)
    assert only(queue, "leases")[0] == "bad"


def test_ready_work_that_nobody_takes_is_told(queue, clock):
    queue.conn.execute("update queue.job_types set needs = '{av1}' where job_type = 'video_transcode'")
    queue.conn.execute("update queue.job_types set weight = 20 where job_type = 'extract_metadata'")
    for job_type in ("no_op", "video_transcode", "extract_metadata"):
        queue.add(job_type)
    queue.worker("w1")
    told = health(queue, "ready work")
    assert [level for level, _ in told] == ["warn", "warn"]
    assert {"No worker takes video_transcode that needs av1" in one or "No worker takes extract_metadata of 20 slots" in one for _, one in told} == {True}
    clock.forward(6 * MINUTES)
    queue.worker("w2", ["no_op"])
    assert [level for level, _ in health(queue, "ready work")] == ["bad", "bad"]
    queue.conn.execute("update queue.workers set slots = 20, capabilities = '{av1}' where worker_id = 'w1'")
    queue.beat("w1")
    assert only(queue, "ready work")[0] == "ok"


def test_ready_work_is_told_once_a_type_with_its_number_and_the_longest_wait(queue, clock):
    """Tenants take turns, so that the one at the head of a line may have come last; each priority is a line."""
    clock.set(queue.value("select now()"))
    for _ in range(3):
        queue.add()
    clock.forward(17)
    queue.add(tenant_id=queue.value("select identity.create_tenant('late')"))
    queue.add(priority=1)
    clock.forward(3)
    level, told = only(queue, "ready work")
    assert level == "warn" and told.startswith("No worker takes no_op; 5 jobs wait, the longest for 00:00:20 | ")
    queue.rows("select * from queue.enqueue_jobs((select jsonb_agg(jsonb_build_object('job_type', 'no_op')) from generate_series(1, 1000)))")
    assert "; 1,000+ jobs wait, the longest for 00:00:20 | " in only(queue, "ready work")[1]


def test_due_jobs_that_nobody_makes_ready_are_told(queue, clock):
    queue.add(scheduled_for=queue.value("select base.clock() + interval '1 second'"))
    clock.forward(30)
    assert only(queue, "scheduled jobs")[0] == "ok"
    clock.forward(60)
    assert only(queue, "scheduled jobs")[0] == "warn"
    clock.forward(300)
    level, told = only(queue, "scheduled jobs")
    assert (level, "1 are due" in told) == ("bad", True)


def test_dead_letters_that_grow_are_told(queue, clock):
    def fail(count: int) -> None:
        for _ in range(count):
            queue.add()
            queue.fail(queue.take(), "permanent")

    fail(10)
    assert only(queue, "dead letters")[0] == "ok"
    fail(1)
    assert only(queue, "dead letters")[0] == "warn"
    clock.forward(90 * MINUTES)
    assert only(queue, "dead letters") == ("ok", "0 failed for good in the last hour, 11 in the day before | None")


def test_jobs_that_are_all_parked_are_told(queue):
    job_id = queue.add()
    with queue.transaction():
        queue.conn.execute("delete from queue.ready")
        queue.conn.execute("insert into queue.parked values ('pause:channel:1', 1, 1, %s, 'no_op')", [job_id])
    assert only(queue, "parked jobs")[0] == "warn"
    queue.add()
    assert only(queue, "parked jobs") == ("ok", "1 wait for a limit or a pause | None")


def test_a_forgotten_pause_is_told(queue, clock):
    queue.conn.execute("insert into queue.pauses (scope, key, reason) values ('job_type', 'no_op', 'a try')")
    assert only(queue, "pauses")[0] == "ok"
    clock.forward(25 * 60 * MINUTES)
    level, told = only(queue, "pauses")
    assert (level, "job_type no_op has been paused" in told) == ("warn", True)


@pytest.mark.parametrize(("scope", "levels"), [("all", ["ok", "warn", "bad"]), ("job_type", ["ok", "warn", "warn"]), ("tenant", ["ok", "warn", "warn"])])
@pytest.mark.parametrize("is_met", [False, True], ids=["ready", "parked"])
def test_a_pause_that_holds_jobs_is_told_soon(queue, clock, scope, levels, is_met):
    video = queue.value("select media.create_video('/a.mp4')")
    job = queue.add(video_id=video)
    key = {"all": "", "job_type": "no_op", "tenant": "default"}[scope]
    queue.conn.execute("select queue.pause(%s, %s, 'the store moves')", (scope, key))
    if is_met:
        queue.worker()
        assert queue.claim(limit=10) == []
    for level in levels:
        assert only(queue, "pauses")[0] == level
        clock.forward(31 * MINUTES)
    told = only(queue, "pauses")[1]
    assert "(the store moves); 1 job waits behind it" in told
    assert told.endswith(f"reelq queue resume {scope} {key}".rstrip())
    queue.conn.execute("select queue.cancel_job(%s, 'a try')", (job,))
    assert only(queue, "pauses")[0] == "ok", "nothing waits behind it"


def test_a_limit_that_holds_a_thousand_jobs_for_an_hour_is_told(queue, clock):
    queue.conn.execute("select queue.set_limit('type:no_op', 1)")
    for count, level in ((1001, "ok"), (2, "warn")):  # the one that runs keeps its place for some seconds more
        queue.conn.execute("select queue.enqueue_jobs(jsonb_agg(jsonb_build_object('job_type', 'no_op'))) from generate_series(1, %s)", (count,))
        queue.worker()
        queue.claim(limit=10)
        assert only(queue, "limits")[0] == "ok", "not for long"
        clock.forward(61 * MINUTES)
        found = only(queue, "limits")
        assert found[0] == level
    assert "1002 jobs wait behind the limit type:no_op (1)" in found[1] and "reelq queue set-limit 'type:no_op' 2" in found[1]


def test_a_count_that_stopped_says_so(queue):
    for count, told in ((9999, "9999"), (10000, "10,000+"), (10001, "10,000+")):
        assert queue.value("select base.format_count(%s)", count) == told
    assert queue.value("select base.format_count(1234567, 1000000)") == "1,000,000+"


def test_upkeep_that_does_not_run_is_told(queue, clock):
    queue.conn.execute("insert into queue.upkeep (task) values ('brush')")
    assert only(queue, "upkeep")[0] == "ok"
    clock.forward(4 * 60 * MINUTES)
    assert {told.split(" ")[0] for _, told in health(queue, "upkeep")} == {"archive", "identity", "repair", "stats"}
    queue.conn.execute("update queue.upkeep set last_run_at = base.clock() where task in ('archive', 'identity', 'retention', 'stats')")
    queue.rows("select * from queue.repair()")
    assert only(queue, "upkeep")[0] == "ok"
    clock.forward(4 * 24 * 60 * MINUTES)
    assert {told.split(" ")[0] for _, told in health(queue, "upkeep")} == {"archive", "brush", "identity", "repair", "retention", "stats"}


def test_workers_that_do_not_rescue_are_told(queue, clock):
    queue.worker()
    queue.rescue()
    clock.forward(2 * MINUTES)
    assert only(queue, "upkeep")[0] == "ok", "nobody is there to do it"
    queue.worker()
    level, told = only(queue, "upkeep")
    assert (level, told.startswith("rescue last ran")) == ("warn", True)


def test_repairs_shout(queue):
    assert only(queue, "repairs")[0] == "ok"
    queue.add()
    queue.conn.execute("delete from queue.ready")
    assert only(queue, "invariants")[0] == "bad"
    queue.rows("select * from queue.repair()")
    assert only(queue, "invariants")[0] == "ok"
    assert only(queue, "repairs") == ("bad", only(queue, "repairs")[1])
    queue.conn.execute("update queue.upkeep set repairs = 0")
    assert only(queue, "repairs")[0] == "ok"


def test_large_tables_are_verified_in_windows_and_whole_when_asked(queue):
    queue.conn.execute("insert into queue.job_attempts (job_id, attempt, job_type, worker_id, started_at, ended_at, outcome, message)"
                       " select base.uuid_v7(), 1, 'no_op', 'w', now(), now(), 'completed', repeat('x', 1000) from generate_series(1, 20000)")  # fmt: skip
    queue.add()
    queue.conn.execute("delete from queue.ready")
    assert only(queue, "invariants")[0] == "bad"
    queue.rows("select * from queue.repair()")
    # What no window sees, for it is about no single job.
    queue.conn.execute("insert into queue.limits (limit_key, max_running, used, counted) values ('type:no_op', 5, 3, true)")
    (row,) = queue.rows("select * from ops.health() where finding = 'invariants'")
    assert (row.level, row.remedy) == ("ok", "On a quiet hour: reelq doctor --deep")
    assert any("permits" in row.detail for row in queue.rows("select * from ops.health(true) where finding = 'invariants'"))
    queue.conn.execute("delete from queue.limits")
    queue.conn.execute("delete from queue.job_attempts")


def test_a_check_that_fails_is_a_finding(queue):
    """A broken part does not hide the others."""
    queue.conn.execute("alter table queue.dead_letters rename column failed_at to broken")
    rows = queue.rows("select * from ops.health()")
    assert [row.detail for row in rows if row.finding == "jobs"] == ['The check itself failed: column d.failed_at does not exist (42703)']
    assert {"upkeep", "workers", "server"} <= {row.finding for row in rows}
    queue.conn.execute("alter table queue.dead_letters rename column broken to failed_at")


@pytest.mark.parametrize("table", ["queue.dead_letters", "queue.workers"])
def test_a_check_that_waits_for_a_lock_says_which_session_holds_it(queue, connect, table):
    """It is nobody's fault in the check, and the statement that it gives names the session."""
    other = connect(autocommit=False)
    other.execute(f"lock table {table} in access exclusive mode")
    queue.conn.execute("set lock_timeout = '20ms'")
    found = [row for row in queue.rows("select * from ops.health()") if row.detail.startswith("Not checked")]
    assert found and {row.level for row in found} == {"warn"}
    assert "another session holds a lock" in found[0].detail and "Report" not in found[0].remedy
    assert other.info.backend_pid in [row.pid for row in queue.rows(found[0].remedy.removeprefix("Which: "))]
    other.rollback()


def test_the_queues_own_part_is_part_of_the_whole(queue):
    """queue.health() has the queue's checks alone; ops.health() adds those of the server, whatever becomes of the queue's."""
    own, whole = ({row.finding for row in queue.rows(f"select * from {room}.health()")} for room in ("queue", "ops"))
    assert own < whole
    assert whole - own == {"server", "durability", "wraparound", "connections", "roles", "ownership", "temporary objects", "secrets", "snapshots", "audit", "audit partitions", "autovacuum", "tasks", "periodic clock", "events", "objects", "backups"}
    queue.conn.execute("alter function queue.health(boolean) rename to hidden")
    rows = queue.rows("select * from ops.health()")
    assert {row.level for row in rows if row.finding == "queue"} == {"bad"}
    assert "connections" in {row.finding for row in rows}
    queue.conn.execute("alter function queue.hidden(boolean) rename to health")


def test_a_worker_that_beats_and_does_not_look_for_work_is_told(queue, clock):
    """Its heart is well, its loop is not; one that looks, drains or was only just started is fine."""
    for name in ("idle", "works", "drains"):
        queue.worker(name)
    queue.conn.execute("select queue.drain_worker('drains')")
    assert [level for level, _ in health(queue, "workers")] == ["ok"]
    clock.forward(timedelta(seconds=65))
    queue.claim("works", 0)
    for name in ("idle", "works", "drains"):
        queue.beat(name)
    found = [(level, told) for level, told in health(queue, "workers") if level != "ok"]
    assert len(found) == 1
    assert found[0][0] == "bad" and "idle on host beats and has not looked for work for 00:01:05" in found[0][1]
    queue.claim("idle", 0)
    assert [level for level, _ in health(queue, "workers")] == ["ok"]


def test_a_host_in_trouble_is_named_with_its_remedy(queue):
    """Bad when no other works, and what is ready has nobody; a good one beside it makes it a warning."""
    queue.add()
    queue.worker("w1")
    queue.conn.execute("select queue.set_worker_trouble('w1', 'ffmpeg does not run', 'Install it.')")
    (bad,) = [(level, told) for level, told in health(queue, "workers") if level != "ok"]
    assert bad[0] == "bad" and "w1 on host claims nothing: ffmpeg does not run | On host: Install it." in bad[1]
    level, told = only(queue, "ready work")
    assert level == "warn"
    assert told.startswith("Only workers in trouble, such as w1 on host, take no_op; ") and told.endswith("| On host: Install it.")
    queue.worker("w2")
    assert sorted(level for level, _ in health(queue, "workers")) == ["ok", "warn"]
    assert health(queue, "ready work")[0][0] == "ok"
