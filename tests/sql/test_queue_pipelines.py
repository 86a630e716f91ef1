"""Pipelines as data: made, replaced, refused by step, dropped; runs of a video: again, cancelled, gone with it."""

from __future__ import annotations

import threading
from datetime import timedelta
from uuid import uuid4

import psycopg
import pytest
from psycopg.types.json import Jsonb

from tests.sql.mediakit import scalar
from tests.sql.queuekit import Queue, Race
from tests.sql.rolekit import Tenant, open_as

TWO = [{"step": "a", "job_type": "no_op"}, {"step": "b", "job_type": "no_op", "after": ["a"]}]


@pytest.fixture
def queue(conn):
    return Queue(conn)


def put(queue, steps, name="mine", description=None) -> str:
    return queue.value("select queue.set_pipeline(%s, %s, %s)", name, Jsonb(steps), description)


def steps_of(queue, name="mine"):
    return [(row.step, row.after) for row in queue.rows("select step, after from queue.pipeline_steps where pipeline = %s order by step", name)]


def unfinished(queue, video):
    return queue.value("select count(*) from queue.processing_jobs where video_id = %s and status in ('queued', 'running')", video)


@pytest.fixture
def video(queue):
    put(queue, TWO)
    return queue.value("select queue.ingest_video('/a.mp4', pipeline => 'mine')")


def finish(queue, video):
    """Run the steps that wait; as a handler would, the first makes a variant."""
    while unfinished(queue, video):
        queue.complete(queue.take())


def test_a_pipeline_is_made_replaced_and_left_alone(queue):
    assert put(queue, TWO, description="Two.") == "made"
    assert put(queue, TWO) == "unchanged"
    assert put(queue, TWO, description="Still two.") == "replaced"
    assert put(queue, [{"step": "c", "job_type": "no_op", "priority": 3, "job_data": {"sleep_s": 1}}]) == "replaced"
    assert steps_of(queue) == [("c", [])]
    shown = queue.value("select queue.show_pipeline('mine')")
    assert (shown["description"], shown["steps"][0]["job_data"], list(shown["options"])) == ("Still two.", {"sleep_s": 1}, ["c"])


def test_what_show_prints_is_what_set_takes(queue):
    shown = queue.value("select queue.show_pipeline('standard')")
    assert [step["step"] for step in shown["steps"]] == ["download", "probe", "ladder", "poster", "ready"]
    assert put(queue, shown["steps"], "standard") == "unchanged"


@pytest.mark.parametrize(
    ("steps", "code", "told"),
    [
        ([], "RQ008", "steps must be a JSON array of one step or more, not an empty one"),
        ({}, "RQ008", "steps must be a JSON array of one step or more, not object"),
        ([1], "RQ008", "step 1 of the list must be a JSON object, not number"),
        ([{"job_type": "no_op"}], "RQ008", 'step 1 of the list must have a name ("step")'),
        ([{"step": "a"}], "RQ008", "step 'a' must have a job_type, not none"),
        ([{"step": "a", "job_type": "nope"}], "RQ003", "step 'a': no job type 'nope'"),
        ([TWO[0], TWO[0]], "RQ008", "step 'a' must stand once in the list, not again as its step 2"),
        ([{"step": "a", "job_type": "no_op", "after": ["x"]}], "RQ005", "step 'a' waits for 'x', and pipeline mine has no such step"),
        ([{"step": "a", "job_type": "no_op", "after": "x"}], "RQ008", "step 'a': after must be a list of steps, not \"x\""),
        ([{"step": "a", "job_type": "no_op", "after": ["b"]}, TWO[1]], "RQ006", "as these do: a → b → a"),
        ([TWO[0], {"step": "c", "job_type": "no_op", "after": ["c", "a"]}], "RQ006", "as these do: c → c"),
        ([{"step": "a", "job_type": "no_op", "prio": 1}], "RQ008", "step 'a' must have no key 'prio'"),
        ([{"step": "a", "job_type": "no_op", "priority": 11}], "RQ008", "step 'a': priority must be 1 (first) to 10 (last), not 11"),
        ([{"step": "a", "job_type": "no_op", "on_parent_failure": "go"}], "RQ008", "step 'a': on_parent_failure must be fail, cancel or run, not 'go'"),
        ([{"step": "a", "job_type": "no_op", "job_data": []}], "RQ008", "step 'a': job_data must be a JSON object, not array"),
        ([{"step": "a", "job_type": "extract_metadata", "job_data": {"crf": 1}}], "RQ008", "unknown option a.crf"),
        ([{"step": f"s{n}", "job_type": "no_op"} for n in range(101)], "RQ008", "at most 100 steps, not 101"),
    ],
)
def test_a_wrong_definition_is_refused_in_a_line_that_names_the_step_and_nothing_is_left_of_it(queue, steps, code, told):
    with pytest.raises(psycopg.Error) as refused:
        put(queue, steps)
    said = refused.value.diag.message_primary or ""
    assert refused.value.sqlstate == code and told in said and refused.value.diag.message_hint and "\n" not in said
    assert queue.value("select count(*) from queue.pipelines where name = 'mine'") == 0


def test_a_wrong_definition_leaves_the_one_that_is_there(queue):
    put(queue, TWO)
    with pytest.raises(psycopg.Error):
        put(queue, [{"step": "c", "job_type": "no_op", "after": ["d"]}])
    assert steps_of(queue) == [("a", []), ("b", ["a"])]


def test_a_pipeline_that_a_schedule_runs_is_not_dropped(queue, video):
    queue.value("select queue.set_schedule('nightly', '@daily', p_pipeline => 'mine', p_video_id => %s)", video)
    with pytest.raises(psycopg.Error, match="must be run by no schedule, not by 'nightly'"):
        queue.value("select queue.drop_pipeline('mine')")
    assert queue.value("select queue.show_pipeline('mine')")["schedules"] == ["nightly"]
    queue.value("select queue.drop_schedule('nightly')")
    queue.value("select queue.drop_pipeline('mine')")
    with pytest.raises(psycopg.Error, match="no pipeline 'mine'"):
        queue.value("select queue.drop_pipeline('mine')")


def test_runs_at_work_are_counted_and_go_on_when_the_pipeline_is_gone(queue, video):
    job = queue.take()
    (row,) = queue.rows("select * from queue.list_pipelines() where name = 'mine'")
    assert (row.steps, row.running) == (2, 1)
    queue.value("select queue.drop_pipeline('mine')")
    queue.complete(job)
    finish(queue, video)


def test_pipelines_are_operators_to_change_and_everybodys_to_see(queue, conn, connect):
    tenant = Tenant(conn, "acme")
    app = open_as(connect, "reelq_app", tenant)
    assert app.execute("select count(*) from queue.list_pipelines()").fetchone() == (1,)
    assert scalar(app, "select queue.show_pipeline('standard')")["schedules"] == []
    for statement in ("select queue.set_pipeline('mine', '[]')", "select queue.drop_pipeline('standard')"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            app.execute(statement)
    worker = open_as(connect, "reelq_worker", tenant)  # who acts for a tenant is no operator
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        worker.execute("select queue.set_pipeline('mine', '[]')")


def test_a_video_is_run_again_with_the_pipeline_of_its_latest_run(queue, video):
    finish(queue, video)
    again = queue.rows("select * from queue.rerun_video(%s, p_options => %s)", video, Jsonb({"a": {"sleep_s": 2}}))
    assert [row.step for row in again] == ["a", "b"]
    assert queue.job(again[0].job_id).job_data == {"sleep_s": 2}
    finish(queue, video)
    assert queue.value("select count(distinct pipeline_run) from queue.processing_jobs where video_id = %s", video) == 2


def test_of_several_runs_the_latest_one_s_pipeline_is_meant(queue, video):
    put(queue, [{"step": "c", "job_type": "no_op"}], "other")
    finish(queue, video)
    queue.rows("select * from queue.rerun_video(%s, 'other')", video)
    finish(queue, video)
    assert [row.step for row in queue.rows("select * from queue.rerun_video(%s)", video)] == ["c"]


def test_the_pipeline_of_the_latest_run_is_known_from_the_history_too(queue, clock, video):
    finish(queue, video)
    clock.forward(timedelta(days=40))
    assert queue.value("select queue.archive_jobs()") == 2
    assert len(queue.rows("select * from queue.rerun_video(%s)", video)) == 2


def test_a_run_at_work_refuses_another_and_nothing_changes(queue, video):
    with pytest.raises(psycopg.Error, match="must not be at work to be run again: a queued, b queued") as refused:
        queue.rows("select * from queue.rerun_video(%s)", video)
    assert refused.value.sqlstate == "RQ009" and "cancel_run" in (refused.value.diag.message_hint or "")
    assert unfinished(queue, video) == 2


def test_two_reruns_at_a_time_make_one_run(queue, video, connect):
    finish(queue, video)
    told: list[object] = []

    def rerun(other) -> None:
        try:
            told.append(len(other.execute("select * from queue.rerun_video(%s)", [video]).fetchall()))
        except psycopg.Error as error:
            told.append(error.sqlstate)

    first, second = connect(), connect()
    with first.transaction():
        rerun(first)
        waiting = threading.Thread(target=rerun, args=[second])
        waiting.start()
        waits = "select count(*) from pg_stat_activity where pid = %s and wait_event_type = 'Lock'"
        while not queue.value(waits, second.info.backend_pid) and waiting.is_alive():
            pass
    waiting.join()
    assert told == [2, "RQ009"]


@pytest.mark.parametrize("known", [True, False])
def test_of_two_definitions_at_a_time_the_later_one_stands(queue, connect, known):
    """The steps of both would be nobody's pipeline."""
    if known:
        put(queue, TWO)
    first, second = Queue(connect()), Queue(connect())
    with first.transaction():
        assert put(first, [{"step": "x", "job_type": "no_op"}, {"step": "y", "job_type": "no_op"}]) == ("replaced" if known else "made")
        race = Race(second, lambda q: put(q, [{"step": "z", "job_type": "no_op"}])).start_and_wait_until_blocked(queue)
    assert race.finish() == "replaced"
    assert steps_of(queue) == [("z", [])]


def test_two_definitions_that_are_both_under_way_do_not_mix(queue, connect):
    """Both have begun before either has written; neither may judge by what the other is about to replace."""
    put(queue, TWO)
    holder = connect()
    with holder.transaction():
        holder.execute("select from queue.pipeline_steps where pipeline = 'mine' for update")
        first = Race(Queue(connect()), lambda q: put(q, [{"step": "x", "job_type": "no_op"}])).start_and_wait_until_blocked(queue)
        second = Race(Queue(connect()), lambda q: put(q, [{"step": "z", "job_type": "no_op"}])).start_and_wait_until_blocked(queue)
    assert (first.finish(), second.finish()) == ("replaced", "replaced")
    assert steps_of(queue) == [("z", [])]


def test_one_definition_by_two_at_a_time_is_written_once(queue, connect):
    put(queue, TWO)
    first, second = Queue(connect()), Queue(connect())
    other = [{"step": "a", "job_type": "no_op"}]
    with first.transaction():
        assert put(first, other) == "replaced"
        race = Race(second, lambda q: put(q, other)).start_and_wait_until_blocked(queue)
    assert race.finish() == "unchanged"


def test_a_cancelled_run_ends_as_cancelled_and_a_rerun_reopens_the_video(queue, video):
    job = queue.take()
    ended = {row.step: row.status for row in queue.rows("select * from queue.cancel_run(%s, 'wrong file')", video)}
    assert ended == {"a": "cancelling", "b": "cancelled"}
    with pytest.raises(psycopg.Error, match="a running"):
        queue.rows("select * from queue.rerun_video(%s)", video)
    queue.fail(job, "cancelled", "cancelled")
    assert queue.rows("select * from queue.cancel_run(%s)", video) == []
    assert queue.value("select status from media.videos where id = %s", video) == "failed"
    queue.rows("select * from queue.rerun_video(%s)", video)
    assert queue.value("select status from media.videos where id = %s", video) == "pending"


def test_a_ready_video_stays_ready_through_a_rerun_and_its_failure(queue, video):
    asset = queue.value("select asset_id from media.videos where id = %s", video)
    finish(queue, video)
    queue.value("select media.put_variant(%s, %s)", asset, Jsonb({"profile": "poster", "bucket": "b", "key": "k"}))
    queue.value("select media.finish_video(%s)", video)
    queue.rows("select * from queue.rerun_video(%s)", video)
    queue.fail(queue.take(), "permanent", "damaged")
    assert unfinished(queue, video) == 0
    assert queue.value("select status from media.videos where id = %s", video) == "ready"


@pytest.mark.parametrize("options", [{}, {"download": {"refetch": True}}])
def test_an_original_that_is_stored_is_not_fetched_again_unless_it_is_said(queue, options):
    video = queue.value("select queue.ingest_video('/a.mp4')")
    asset = queue.value("select asset_id from media.videos where id = %s", video)
    queue.value("select media.record_original(%s, 'b', 'k', 1, repeat('0', 64), null)", asset)
    queue.rows("select * from queue.cancel_run(%s)", video)
    first, *_ = queue.rows("select * from queue.rerun_video(%s, p_options => %s)", video, Jsonb(options))
    assert queue.job(first.job_id).job_data == {"refetch": bool(options)}


def test_a_video_goes_for_good_with_all_that_was_made_of_it(queue, clock, video):
    asset = queue.value("select asset_id from media.videos where id = %s", video)
    queue.value("select media.record_original(%s, 'b', 'k', 1, repeat('0', 64), null)", asset)
    queue.value("select media.put_variant(%s, %s)", asset, Jsonb({"profile": "poster", "bucket": "b", "key": "k"}))
    finish(queue, video)
    clock.forward(timedelta(days=40))
    assert queue.value("select queue.archive_jobs()") == 2
    queue.rows("select * from queue.rerun_video(%s)", video)
    running = queue.take("w2")
    (gone,) = queue.rows("select * from queue.delete_video(%s)", video)
    assert (gone.jobs, gone.running, gone.variants, gone.objects) == (4, 1, 1, 2)
    for table in ("queue.processing_jobs where video_id", "queue.job_history where video_id", "media.videos where id"):
        assert queue.value(f"select count(*) from {table} = %s", video) == 0
    for table in ("media.assets where id", "media.variants where asset_id"):
        assert queue.value(f"select count(*) from {table} = %s", asset) == 0
    assert queue.value("select count(*) from queue.all_attempts where job_id = %s", running.job_id) == 0
    assert queue.beat("w2", running) == {running.job_id: "lost"}


def test_a_file_that_another_video_is_about_stays_for_it(queue, video):
    asset, tenant = queue.rows("select asset_id, tenant_id from media.videos where id = %s", video)[0]
    other = queue.value("insert into media.videos (tenant_id, asset_id) values (%s, %s) returning id", tenant, asset)
    (gone,) = queue.rows("select * from queue.delete_video(%s)", video)
    assert (gone.jobs, gone.variants, gone.objects) == (2, 0, 0)
    assert queue.value("select asset_id from media.videos where id = %s", other) == asset


@pytest.mark.parametrize("call", ["queue.rerun_video(%s)", "queue.cancel_run(%s)", "queue.delete_video(%s)"])
def test_a_foreign_video_and_none_at_all_are_answered_alike(queue, conn, connect, call):
    acme, globex = Tenant(conn, "acme"), Tenant(conn, "globex")
    app = open_as(connect, "reelq_app", acme)
    told = []
    for video in (globex.video, uuid4()):
        with pytest.raises(psycopg.Error) as refused:
            app.execute(f"select * from {call}".encode(), [video])
        told.append((refused.value.sqlstate, str(refused.value.diag.message_primary).replace(str(video), "…"), refused.value.diag.message_hint))
    assert told[0] == told[1] and told[0][0] == "RQ004"
    # Whose it is gets asked before the row is waited for.
    with conn.transaction():
        conn.execute("select from media.videos where id = %s for update", [globex.video])
        app.execute("set lock_timeout = '5s'")
        with pytest.raises(psycopg.Error) as refused:
            app.execute(f"select * from {call}".encode(), [globex.video])
        assert refused.value.sqlstate == "RQ004"
    assert app.execute(f"select * from {call}".encode(), [acme.video]).fetchall() is not None


def test_acting_for_a_tenant_lasts_for_the_transaction(conn, connect):
    acme = Tenant(conn, "acme")
    Tenant(conn, "globex")
    with conn.transaction():
        assert conn.execute("select identity.act_for('acme')").fetchone() == (acme.id,)
        assert [row[1] for row in conn.execute("select * from media.list_videos()").fetchall()] == ["acme"]
    assert len(conn.execute("select * from media.list_videos()").fetchall()) == 2
    app = open_as(connect, "reelq_app")
    with app.transaction():
        app.execute("select identity.act_for(%s)", [str(acme.id)])
        assert len(app.execute("select * from media.list_videos()").fetchall()) == 1
    for word in ("acme", "nope"):  # an application learns no ids by slug
        with pytest.raises(psycopg.Error, match=f"no tenant '{word}'"):
            app.execute("select identity.act_for(%s)", [word])
