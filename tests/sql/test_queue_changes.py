"""Jobs changed by hand, many at once: by a filter, within bounds, with a count for each outcome."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg.types.json import Jsonb

from tests.sql.plankit import Explained
from tests.sql.queuekit import Queue, Race

NOBODY = UUID("01976b1e-5a3c-7d4e-8f00-0123456789ab")
VERBS = {
    "retry_jobs": "", "cancel_jobs": "", "reprioritise_jobs": "9, ", "run_jobs_now": "", "reschedule_jobs": "base.clock() + interval '1 hour', ",
}  # fmt: skip


@pytest.fixture
def queue(conn):
    return Queue(conn)


def change(queue: Queue, function: str, arguments: str, *values: Any) -> dict[tuple[str, str | None], int]:
    """Call it; how many jobs by outcome and reason."""
    found: Counter[tuple[str, str | None]] = Counter()
    for row in queue.rows(f"select * from queue.{function}({VERBS[function]}{arguments})", *values):
        found[row.outcome, row.reason] += row.jobs or 0
    return dict(found)


def failed(queue: Queue, code: str = "oops", **named: Any) -> UUID:
    """A job that has failed for good."""
    job = queue.add(priority=1, **named)
    queue.fail(queue.take(), "permanent", code)
    return job


def tenant(queue: Queue, slug: str) -> UUID:
    return queue.value("select identity.create_tenant(%s)", slug)


def test_a_retry_takes_what_fits_all_that_is_given(queue):
    acme = tenant(queue, "acme")
    wanted = [failed(queue, "away", tenant_id=acme), failed(queue, "away", tenant_id=acme)]
    others = [failed(queue, "away"), failed(queue, "torn", tenant_id=acme), failed(queue, "away", tenant_id=acme, job_type="extract_metadata")]
    told = change(queue, "retry_jobs", "p_code => 'away', p_tenant => 'acme', p_job_type => 'no_op'")
    assert told == {("retried", None): 2}
    assert [queue.status(job) for job in wanted] == ["queued"] * 2
    assert [queue.status(job) for job in others] == ["failed"] * 3


def test_a_dry_run_says_the_same_and_changes_nothing(queue):
    parent = failed(queue)
    stuck = queue.add()
    queue.conn.execute("select queue.cancel_job(%s)", [stuck])
    child = queue.add(depends_on=[queue.add()], on_parent_failure="fail")
    queue.conn.execute("select queue.cancel_job(id) from queue.processing_jobs where id = any(select parent_id from queue.job_dependencies)")
    ids = [parent, child, NOBODY]
    would = change(queue, "retry_jobs", "p_job_ids => %s::uuid[], p_dry_run => true", ids)
    assert would == {("retried", None): 1, ("refused", "a parent has failed"): 1, ("refused", "no such job"): 1}
    assert queue.status(parent) == "failed"
    assert change(queue, "retry_jobs", "p_job_ids => %s::uuid[]", ids) == would
    assert (queue.status(parent), queue.status(child)) == ("queued", "failed")


def test_a_retry_of_a_parent_brings_its_children_back_and_counts_each_once(queue):
    parent = queue.add(priority=1)
    children = [queue.add(depends_on=[parent]) for _ in range(3)]
    queue.fail(queue.take(), "permanent")
    assert [queue.status(job) for job in children] == ["failed"] * 3
    assert change(queue, "retry_jobs", "p_code => 'oops', p_dry_run => true") == {("retried", None): 1, ("brought back", None): 3}
    assert change(queue, "retry_jobs", "'failed'") == {("retried", None): 4}
    assert [queue.place(job) for job in (parent, *children)] == ["ready", "blocked", "blocked", "blocked"]


def test_parents_come_before_their_children_however_small_the_steps_are(queue):
    parent = queue.add(priority=1)
    children = [queue.add(depends_on=[parent]) for _ in range(3)]
    queue.fail(queue.take(), "permanent")
    (retried, brought, more) = queue.rows("select * from queue.retry_jobs('failed', p_limit => 1)")
    assert (retried.outcome, retried.jobs, brought.outcome, brought.jobs, more.outcome) == ("brought back", 3, "retried", 1, "more")
    assert queue.rows("select * from queue.retry_jobs('failed', p_limit => 1, p_after => %s)", more.after) == []
    assert [queue.status(job) for job in children] == ["queued"] * 3


def test_steps_lead_through_all_and_meet_nothing_twice(queue):
    jobs = {queue.add() for _ in range(7)}
    steps, after = [], None
    while True:
        rows = queue.rows("select * from queue.cancel_jobs(p_job_type => 'no_op', p_limit => 3, p_after => %s)", after)
        steps.append(sum(row.jobs or 0 for row in rows))
        after = next((row.after for row in rows if row.outcome == "more"), None)
        if after is None:
            break
    assert sum(steps) == 7 and max(steps) == 3
    assert {queue.status(job) for job in jobs} == {"cancelled"}


def test_a_job_that_fails_again_is_not_met_again(queue, clock):
    """Else a retry whose cause was not mended would never end."""
    failed(queue), failed(queue)
    (_, more) = queue.rows("select * from queue.retry_jobs('failed', p_limit => 1)")
    clock.forward(timedelta(seconds=5))
    queue.fail(queue.take(), "permanent")
    assert change(queue, "retry_jobs", "'failed', p_after => %s", more.after) == {("retried", None): 1}
    assert change(queue, "retry_jobs", "'failed'") == {("retried", None): 1}


def test_a_cancel_ends_queued_jobs_and_tells_running_ones(queue):
    running, ready, later = queue.add(priority=1), queue.add(), queue.add(scheduled_for=queue.value("select base.clock() + interval '1 day'"))
    child = queue.add(depends_on=[ready])
    queue.take()
    ids = [running, ready, later]
    told = change(queue, "cancel_jobs", "p_job_ids => %s::uuid[], p_reason => 'enqueued twice'", ids)
    assert told == {("cancelled", None): 2, ("cancelling", None): 1, ("fallen", None): 1}
    assert queue.job(ready).error_message == "enqueued twice"
    assert (queue.status(child), queue.status(running)) == ("failed", "running")
    assert queue.value("select cancel_reason from queue.leases") == "enqueued twice"
    over = change(queue, "cancel_jobs", "p_job_ids => %s::uuid[]", [ready, child])
    assert over == {("refused", "cancelled"): 1, ("refused", "failed"): 1}


def test_a_video_whose_steps_are_cancelled_together_ends_and_comes_back(queue):
    video = queue.value("select queue.ingest_video('/tmp/x.mp4')")
    assert change(queue, "cancel_jobs", "p_video_id => %s", video) == {("cancelled", None): 5}
    assert queue.value("select status from media.videos where id = %s", video) == "failed"
    assert change(queue, "retry_jobs", "'cancelled', p_video_id => %s", video) == {("retried", None): 5}
    assert queue.value("select status from media.videos where id = %s", video) == "pending"


def test_a_video_that_fell_with_a_job_outside_its_pipeline_is_reopened_by_that_job_s_retry(queue):
    """The step waits for a job that is none of the pipeline's."""
    outside = queue.add(priority=1)
    video = queue.value("select queue.ingest_video('/tmp/x.mp4')")
    (step,) = queue.rows("select id from queue.processing_jobs where pipeline_step = 'download'")
    queue.conn.execute("insert into queue.job_dependencies (parent_id, job_id, on_failure, satisfied) values (%s, %s, 'fail', false)", [outside, step.id])
    queue.conn.execute("delete from queue.ready where job_id = %s", [step.id])
    queue.conn.execute("insert into queue.blocked (job_id, pending, job_type) values (%s, 1, 'download_video')", [step.id])
    queue.conn.execute("select queue.cancel_job(%s)", [outside])
    assert queue.value("select status from media.videos where id = %s", video) == "failed"
    queue.conn.execute("select queue.retry_job(%s)", [outside])
    assert queue.value("select status from media.videos where id = %s", video) == "pending"


def test_reprioritise_moves_ready_and_parked_jobs(queue):
    queue.conn.execute("select queue.set_limit('type:no_op', 1)")
    jobs = [queue.add() for _ in range(3)]
    queue.take()
    assert change(queue, "reprioritise_jobs", "p_place => 'parked'") == {("reprioritised", None): 2}
    assert [queue.job(job).priority for job in jobs] == [5, 9, 9]
    assert change(queue, "reprioritise_jobs", "p_priority => 9") == {("unchanged", None): 2}


def test_run_now_makes_what_waits_for_its_time_due(queue, clock):
    later = queue.add(scheduled_for=clock.now() + timedelta(hours=1))
    tried = queue.add(priority=1)
    queue.fail(queue.take(), "transient")
    ready, blocked = queue.add(), queue.add(depends_on=[later])
    assert (queue.place(later), queue.place(tried)) == ("scheduled", "backing off")
    ids = [later, tried, ready, blocked]
    told = change(queue, "run_jobs_now", "p_job_ids => %s::uuid[]", ids)
    assert told == {("due now", None): 2, ("refused", "ready"): 1, ("refused", "blocked"): 1}
    assert [queue.place(job) for job in ids] == ["ready", "ready", "ready", "blocked"]
    assert queue.job(tried).attempts == 1


def test_run_now_alone_says_where_the_job_stands(queue, clock):
    queue.conn.execute("select queue.set_limit('type:no_op', 1)")
    first, second = (queue.add(scheduled_for=clock.now() + timedelta(hours=1)) for _ in range(2))
    assert queue.value("select queue.run_job_now(%s)", first) == "parked"  # until a claim lets it in
    assert queue.take().job_id == first
    assert queue.value("select queue.run_job_now(%s)", second) == "parked"
    for job, state in ((first, "RQ009"), (second, "RQ009"), (NOBODY, "RQ004")):
        assert refused(queue, "select queue.run_job_now(%s)", job) == state


def test_a_job_is_rescheduled_from_wherever_it_waits(queue, clock):
    at = clock.now() + timedelta(minutes=10)
    queue.conn.execute("select queue.set_limit('name:a', 1)")
    ready, held, parked = queue.add(), queue.add(limits=["a"]), queue.add(limits=["a"])
    later = queue.add(scheduled_for=clock.now() + timedelta(hours=1))
    blocked = queue.add(depends_on=[later])
    queue.conn.execute("select queue.admit_parked()")
    for job in (ready, held, parked, later, blocked):
        queue.conn.execute("select queue.reschedule_job(%s, %s)", [job, at])
        assert queue.job(job).scheduled_for == at
    assert [queue.place(job) for job in (ready, held, parked, later, blocked)] == ["scheduled"] * 4 + ["blocked"]
    assert queue.value("select sum(permits) from queue.gate_events where gate = 'name:a'") == 1
    assert queue.value("select queue.reschedule_job(%s, %s)", ready, clock.now() - timedelta(days=1)) == "ready"
    assert queue.job(ready).scheduled_for >= at - timedelta(minutes=10)  # a time that has passed means now


def test_an_error_s_back_off_that_is_rescheduled_is_one_still(queue, clock):
    job = queue.add()
    queue.fail(queue.take(), "transient")
    at = clock.now() + timedelta(hours=3)
    assert change(queue, "reschedule_jobs", "p_place => 'backing off'") == {("rescheduled", None): 1}
    assert queue.value("select queue.reschedule_job(%s, %s)", job, at) == "backing off"
    assert queue.job(job).next_retry_at == at


@pytest.mark.parametrize("function", VERBS)
def test_a_tenant_changes_its_own_jobs_and_hears_of_no_other(queue, function):
    mine, theirs = tenant(queue, "mine"), tenant(queue, "theirs")
    foreign = [failed(queue, tenant_id=theirs), queue.add(tenant_id=theirs)]
    before = [tuple(queue.job(job)) for job in foreign]
    queue.conn.execute("set role reelq_app")
    queue.conn.execute("select set_config('reelq.tenant_id', %s, false)", [str(mine)])
    assert change(queue, function, "p_all => true") == {}
    assert change(queue, function, "p_job_ids => %s::uuid[]", [*foreign, NOBODY]) == {("refused", "no such job"): 3}
    for arguments, state in (("p_tenant => 'theirs'", "RQ004"), ("p_tenant => 'nobody'", "RQ004"), ("p_pool => 'pool'", "42501"), ("p_worker => 'w1'", "42501")):
        assert refused(queue, f"select * from queue.{function}({VERBS[function]}{arguments})") == state
    queue.conn.execute("reset role")
    queue.conn.execute("select set_config('reelq.tenant_id', '', false)")
    assert [tuple(queue.job(job)) for job in foreign] == before


def test_another_tenant_s_job_in_the_history_is_told_to_nobody(queue, clock):
    mine, theirs = tenant(queue, "mine"), tenant(queue, "theirs")
    jobs = [failed(queue, tenant_id=theirs), failed(queue, tenant_id=mine)]
    clock.forward(timedelta(days=31))
    assert queue.value("select queue.archive_jobs()") == 2
    queue.conn.execute("set role reelq_app")
    queue.conn.execute("select set_config('reelq.tenant_id', %s, false)", [str(mine)])
    assert change(queue, "retry_jobs", "p_job_ids => %s::uuid[]", jobs) == {("refused", "no such job"): 1, ("refused", "in the history"): 1}
    queue.conn.execute("reset role")
    queue.conn.execute("select set_config('reelq.tenant_id', '', false)")


def test_what_comes_back_with_its_parent_keeps_its_time(queue):
    parent = queue.add(priority=1)
    later = queue.value("select base.clock() + interval '1 day'")
    child = queue.add(depends_on=[parent], scheduled_for=later)
    queue.fail(queue.take(), "permanent")
    assert change(queue, "retry_jobs", "p_job_ids => %s::uuid[]", [parent]) == {("retried", None): 1, ("brought back", None): 1}
    assert queue.job(child).scheduled_for == later


def refused(queue: Queue, statement: str, *values: Any) -> str | None:
    """The SQLSTATE of the refusal; its hint has to be there."""
    with pytest.raises(psycopg.Error) as error:
        queue.conn.execute(statement, values)
    assert error.value.diag.message_hint
    return error.value.sqlstate


WRONG = {
    "": "RQ008",
    "p_status => 'completed'": "RQ008",
    "p_status => 'nope'": "RQ008",
    "p_place => 'nope'": "RQ008",
    "p_place => 'ready', p_status => 'running'": "RQ008",
    "p_job_type => 'no_opp'": "RQ003",
    "p_tenant => 'nobody'": "RQ004",
    "p_pool => 'nope'": "RQ004",
    "p_worker => 'nope'": "RQ004",
    "p_priority => 11": "RQ008",
    "p_since => now(), p_until => now() - interval '1 hour'": "RQ008",
    "p_since => 'infinity'": "RQ008",
    "p_since => '-infinity'": "RQ008",
    "p_until => 'infinity'": "RQ008",
    "p_until => '0099-01-01'": "RQ008",
    "p_all => true, p_limit => 0": "RQ008",
    "p_all => true, p_limit => 10001": "RQ008",
    "p_all => true, p_after => 'x'": "RQ008",
}


@pytest.mark.parametrize("arguments", WRONG)
@pytest.mark.parametrize("function", VERBS)
def test_nonsense_is_refused_in_a_line_with_a_hint(queue, function, arguments):
    assert refused(queue, f"select * from queue.{function}({VERBS[function]}{arguments})".replace(", )", ")")) == WRONG[arguments]


def test_a_type_that_is_misspelt_is_told_what_it_looks_like(queue):
    with pytest.raises(psycopg.Error) as error:
        queue.conn.execute("select * from queue.list_jobs(p_job_type => 'video_transcod')")
    assert (error.value.diag.message_hint or "").startswith("Did you mean video_transcode? Known: ")


def test_no_more_of_a_word_is_compared_than_a_type_may_have(queue):
    """Else one long word keeps a processor for half a minute."""
    long = "abcdefghijklmnopqrstuvwxyz_zyxwvutsrqponmlkjihg"
    queue.conn.execute("insert into queue.job_types (job_type, description) values (%s, 'x')", [long])
    with pytest.raises(psycopg.Error) as error:
        queue.conn.execute("select * from queue.list_jobs(p_job_type => %s)", [long + "z" * 4000])
    assert (error.value.diag.message_hint or "").startswith(f"Did you mean {long}? ")


def test_pool_and_worker_choose_by_who_ran_it(queue):
    one = failed(queue)
    queue.add(priority=1)
    queue.fail(queue.take("w2"), "permanent")
    queue.conn.execute("update queue.workers set pool = 'other' where worker_id = 'w2'")
    assert [row.id for row in queue.rows("select * from queue.list_jobs(p_pool => 'pool')")] == [one]
    assert change(queue, "retry_jobs", "p_worker => 'w1'") == {("retried", None): 1}
    assert queue.status(one) == "queued"


def test_since_is_about_the_end_of_what_is_over_and_the_enqueue_of_the_rest(queue, clock):
    old, early = queue.add(priority=1), queue.add()
    clock.forward(timedelta(hours=2))
    queue.fail(queue.take(), "permanent")
    new = queue.add()
    listed = lambda args: {row.id for row in queue.rows(f"select * from queue.list_jobs({args})")}  # noqa: E731
    hour = "base.clock() - interval '1 hour'"
    assert listed(f"p_since => {hour}") == {old, new}
    assert listed(f"p_until => {hour}") == {early}
    assert listed(f"'failed', p_since => {hour}") == {old}
    assert listed(f"'failed', p_until => {hour}") == set()
    assert listed(f"'queued', p_since => {hour}") == {new}


def test_pages_hold_every_job_once(queue):
    acme = tenant(queue, "acme")
    now = queue.value("select base.clock()")
    for n in range(3):
        failed(queue, tenant_id=acme)
        queue.add(tenant_id=acme, scheduled_for=now + timedelta(hours=1 + n))
    for _ in range(3):
        queue.add(tenant_id=acme)
    for args in ("", "'failed'", "'queued'", "p_place => 'scheduled'", "p_place => 'ready'", "p_tenant => 'acme'", "'failed', p_tenant => 'acme'"):
        whole = [row.id for row in queue.rows(f"select * from queue.list_jobs({args})")]
        paged: list[UUID] = []
        while page := queue.rows(f"select * from queue.list_jobs({args}{', ' if args else ''}p_limit => 2, p_after => %s)", str(paged[-1]) if paged else None):
            paged += [row.id for row in page]
        assert paged == whole and len(whole) == len(set(whole)) >= 3, args
        assert queue.rows(f"select * from queue.count_jobs({args})") == [(len(whole), True)]


NO_CURSORS = ("x", "", " ", "01976b1e", "{01976b1e-5a3c-7d4e-8f00-0123456789ab}", "01976b1e-5a3c-7d4e-8f00-0123456789ab\n", "------------------------------------", "é" * 200)


@pytest.mark.parametrize("call", ["list_jobs(p_after => %s)", "list_jobs('failed', p_after => %s)", "list_history(p_after => %s)", "list_history(p_video_id => base.uuid_v7(), p_after => %s)"])
@pytest.mark.parametrize("role", [None, "reelq_worker", "reelq_app", "reelq_readonly"])
def test_a_cursor_that_is_no_id_is_refused_with_a_hint(queue, call, role):
    queue.conn.execute("select set_config('reelq.tenant_id', %s, false)", (str(tenant(queue, "acme")),))
    queue.conn.execute(f"set role {role or 'none'}".encode())
    for cursor in NO_CURSORS:
        with pytest.raises(psycopg.Error) as error:
            queue.rows(f"select * from queue.{call}", cursor)
        assert (error.value.sqlstate, error.value.diag.message_hint) == ("RQ008", "Leave it out to begin from the start."), cursor
        assert "after must be the id of the last job of a page, not" in str(error.value)


@pytest.mark.parametrize(
    "cursor", [*NO_CURSORS, "1/2/------------------------------------", "1/-999999999999999999/", "99999999999999999999//", "//", "1/1/01976b1e-5a3c-7d4e-8f00-0123456789ab\n"]
)
@pytest.mark.parametrize("function", VERBS)
def test_a_place_that_no_bulk_change_returned_is_refused_with_a_hint(queue, function, cursor):
    with pytest.raises(psycopg.Error) as error:
        change(queue, function, "p_all => true, p_after => %s", cursor)
    assert (error.value.sqlstate, bool(error.value.diag.message_hint)) == ("RQ008", True)


def test_pages_go_on_into_the_history(queue, clock):
    jobs = [failed(queue) for _ in range(4)]
    clock.forward(timedelta(days=400))
    assert queue.value("select queue.archive_jobs(2)") == 2
    paged: list[UUID] = []
    while page := queue.rows("select * from queue.list_jobs('failed', p_limit => 1, p_after => %s)", str(paged[-1]) if paged else None):
        paged += [row.id for row in page]
    assert sorted(paged) == sorted(jobs) and len(paged) == 4
    assert queue.rows("select * from queue.count_jobs('failed')") == [(4, True)]
    archived = [job for job in jobs if queue.value("select 1 from queue.job_history where id = %s", job)]
    assert change(queue, "retry_jobs", "p_job_ids => %s::uuid[]", archived) == {("refused", "in the history"): 2}


def test_two_bulk_changes_of_the_same_jobs_wait_for_each_other_in_one_order(queue, connect):
    jobs = [queue.add() for _ in range(20)]
    other = Queue(connect())
    with queue.transaction():
        change(queue, "cancel_jobs", "p_job_ids => %s::uuid[]", jobs[:10])
        race = Race(other, lambda q: change(q, "cancel_jobs", "p_job_ids => %s::uuid[]", jobs[::-1])).start_and_wait_until_blocked(queue)
        change(queue, "reprioritise_jobs", "p_job_ids => %s::uuid[]", jobs[10:])
    assert race.finish() == {("cancelled", None): 10, ("refused", "cancelled"): 10}


@pytest.mark.parametrize(
    ("function", "arguments", "answer"),
    [
        ("cancel_jobs", "'queued', 'no_op'", "cancelled"),
        ("reprioritise_jobs", "'queued', 'no_op'", "reprioritised"),
        ("reschedule_jobs", "p_job_type => 'no_op'", "rescheduled"),
        ("run_jobs_now", "p_job_type => 'no_op'", "due now"),
        ("retry_jobs", "'failed', 'no_op'", "retried"),
    ],
)
def test_what_does_not_fit_a_filter_any_more_once_it_is_locked_is_left_alone(queue, connect, function, arguments, answer):
    """It began to run, or was retried, while the bulk change waited for it: neither changed nor refused."""
    if function == "retry_jobs":
        gone, stays = failed(queue), failed(queue)
    else:
        later = {"scheduled_for": queue.value("select base.clock() + interval '2 hours'")} if function == "run_jobs_now" else {}
        gone, stays = queue.add(priority=1, **later), queue.add(**later)
        queue.worker()
    other = Queue(connect())
    with queue.transaction():
        if function == "retry_jobs":
            queue.value("select queue.retry_job(%s)", gone)
        elif function == "run_jobs_now":
            queue.value("select queue.run_job_now(%s)", gone)
        else:
            assert queue.take().job_id == gone
        race = Race(other, lambda q: change(q, function, arguments)).start_and_wait_until_blocked(queue)
    assert race.finish() == {(answer, None): 1}
    assert queue.status(stays) == ("cancelled" if function == "cancel_jobs" else "queued")
    assert queue.value("select count(*) from queue.leases where cancel_requested_at is not null") == 0


def test_what_fell_with_a_job_that_does_not_fit_any_more_stays_as_it_is(queue, connect):
    """It was retried, and has failed again for another reason."""
    parent = queue.add(priority=1)
    child = queue.add(depends_on=[parent])
    queue.fail(queue.take(), "permanent", "away")
    other = Queue(connect())
    with queue.transaction():
        queue.conn.execute("update queue.processing_jobs set error_code = 'torn' where id = %s", [parent])
        race = Race(other, lambda q: change(q, "retry_jobs", "p_code => 'away'")).start_and_wait_until_blocked(queue)
    assert race.finish() == {}
    assert (queue.status(parent), queue.status(child)) == ("failed", "failed")


def test_a_video_s_old_run_is_not_retried_beside_another_that_is_at_work(queue):
    video = queue.value("select queue.ingest_video('/tmp/x.mp4')")
    old = [row.job_id for row in queue.rows("select * from queue.cancel_run(%s)", video)]
    new = [row.job_id for row in queue.rows("select * from queue.rerun_video(%s)", video)]
    with pytest.raises(psycopg.Error, match=f"video {video} must not be at work in another run than job {min(old)}") as refused:
        queue.value("select queue.retry_job(%s)", min(old))
    assert refused.value.sqlstate == "RQ009"
    assert refused.value.diag.message_hint == f"Wait for its end, or: select queue.cancel_run('{video}');"
    refusal = ("refused", "another run is at work")
    told = {refusal: 5}
    assert change(queue, "retry_jobs", "p_job_ids => %s::uuid[], p_dry_run => true", old) == told
    assert change(queue, "retry_jobs", "p_job_ids => %s::uuid[]", old) == told
    queue.rows("select * from queue.cancel_run(%s)", video)
    # Of both together the latest runs; of one alone that one.
    assert change(queue, "retry_jobs", "p_job_ids => %s::uuid[]", old + new) == {refusal: 5, ("retried", None): 5}
    assert {queue.status(job) for job in new} == {"queued"}
    queue.rows("select * from queue.cancel_run(%s)", video)
    assert change(queue, "retry_jobs", "p_job_ids => %s::uuid[]", old) == {("retried", None): 5}
    assert change(queue, "retry_jobs", "p_job_ids => %s::uuid[]", new) == {("refused", "another run is at work"): 5}


def test_a_rare_job_is_found_without_reading_the_queue(queue, connect):
    """A tenant with three failed jobs, beside a backlog of twenty thousand."""
    acme = tenant(queue, "acme")
    queue.conn.execute("insert into queue.processing_jobs (job_type, tenant_id) select 'no_op', %s from generate_series(1, 20000)", [acme])
    for _ in range(3):
        failed(queue, tenant_id=acme)
    explained = Explained(connect())
    for call in (
        "select * from queue.list_jobs('failed', p_tenant => 'acme')", "select * from queue.list_jobs('failed', p_code => 'oops')",
        "select * from queue.retry_jobs('failed', p_tenant => 'acme', p_dry_run => true)", "select * from queue.count_jobs('failed', p_tenant => 'acme')",
        "select * from queue.list_jobs(p_place => 'blocked', p_tenant => 'acme')", "select * from queue.list_jobs(p_limit => 5)",
    ):  # fmt: skip
        told = explained.call(call)
        assert [str(touch) for touch in told.of("processing_jobs") if touch.rows > 100 or touch.node == "Seq Scan"] == [], call


@pytest.mark.one_server
def test_whatever_a_filter_may_hold_is_heeded(conn):
    """One that were taken and forgotten would change the jobs of everybody."""
    names = {name for (name,) in conn.execute("select attname from pg_attribute where attrelid = 'queue.job_filter'::regclass").fetchall()}
    (body,) = conn.execute("select prosrc from pg_proc where oid = 'queue.find_jobs'::regproc").fetchone()
    recheck = body[body.index("queue.processing_jobs as j") :]
    assert len(names) > 10
    assert {name for name in names if f"p_filter.{name}" not in recheck} <= {"job_ids"}, "those are where the search begins"


REASONED = [
    "select queue.cancel_job({job}, {reason})",
    "select * from queue.cancel_jobs(p_job_ids => array[{job}], p_reason => {reason})",
    "select * from queue.cancel_jobs(p_job_ids => array[{job}], p_reason => {reason}, p_dry_run => true)",
    "select * from queue.cancel_run({video}, {reason})",
    "select queue.pause('all', '', {reason})",
]


@pytest.mark.parametrize("call", REASONED)
def test_a_reason_is_a_sentence_and_no_book(queue, call):
    """It is written to each job and lease."""
    video = queue.value("select queue.ingest_video('/tmp/x.mp4')")
    job = queue.value("select id from queue.processing_jobs where pipeline_step = 'download'")
    call = call.format(job=f"'{job}'::uuid", video=f"'{video}'", reason="repeat('é', %s)")
    assert refused(queue, call, 2001) == "RQ008"
    assert (queue.status(job), queue.rows("select * from queue.list_pauses()")) == ("queued", [])
    queue.rows(call, 2000)


def test_what_a_worker_says_is_cut_and_settles_its_job(queue):
    """Refused, its jobs would run for ever."""
    queue.worker()
    long = "x" * 2001
    queue.conn.execute("select queue.set_worker_trouble('w1', %s, %s)", [long, long])
    assert queue.rows("select length(trouble) as trouble, length(remedy) as remedy from queue.workers") == [(2000, 2000)]
    queue.conn.execute("select queue.set_worker_trouble('w1', null, null)")
    ids = [queue.add() for _ in range(3)]
    for call, more in (("release_job(%s, %s, {})", ""), ("snooze_job(%s, %s, '1 hour', {})", ""), ("fail_job(%s, %s, 'permanent', 'oops', {})", "")):
        job = queue.take()
        queue.conn.execute(f"select queue.{call.format('%s')}{more}", [job.job_id, job.token, long])
    assert [row.length for row in queue.rows("select length(message) from queue.job_attempts order by ended_at")] == [2000] * 3
    assert {queue.job(one).error_message for one in ids} == {None, "x" * 2000}
    video = queue.value("select queue.ingest_video('/tmp/x.mp4')")
    queue.conn.execute("select media.fail_video(%s, 'oops', %s)", [video, long])
    assert queue.value("select length(error_message) from media.videos where id = %s", video) == 2000


def test_a_video_stays_failed_while_a_failure_of_its_run_is_in_the_history(queue, clock):
    """It could not become ready."""
    steps = [{"step": "one", "job_type": "no_op"}, {"step": "two", "job_type": "no_op"}]
    queue.conn.execute("select queue.set_pipeline('mine', %s, 'Two steps.')", [Jsonb(steps)])
    video = queue.value("select media.create_video('/tmp/x.mp4')")
    queue.rows("select * from queue.enqueue_pipeline('mine', %s)", video)
    queue.fail(queue.take(), "permanent")
    clock.forward(timedelta(days=31))
    job = queue.take()
    queue.fail(job, "permanent")
    assert queue.value("select queue.archive_jobs()") == 1
    assert queue.value("select queue.retry_job(%s)", job.job_id) is not None
    assert queue.value("select status from media.videos where id = %s", video) == "failed"
