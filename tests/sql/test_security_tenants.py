"""Tenants: what is another's is answered like what is not there, told to nobody, and waited for by nobody."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from tests.conftest import Connect
from tests.sql.mediakit import Conn, refused
from tests.sql.queuekit import Queue, Race
from tests.sql.rolekit import ROLES, Tenant, open_as

NONSENSE = ["nonsense", "7", "01a219fc-4015-77ae-b633", "' or true --", "*"]


@pytest.fixture
def acme(conn: Conn) -> Tenant:
    return Tenant(conn, "acme")


@pytest.fixture
def beta(conn: Conn) -> Tenant:
    return Tenant(conn, "beta")


@pytest.fixture
def queue(conn: Conn) -> Queue:
    """As the owner."""
    return Queue(conn)


@pytest.fixture
def app(connect: Connect, acme: Tenant) -> Queue:
    """As an application that acts for acme."""
    return Queue(open_as(connect, "reelq_app", acme))


@pytest.fixture
def other(connect: Connect, beta: Tenant) -> Queue:
    """As an application that acts for beta."""
    return Queue(open_as(connect, "reelq_app", beta))


def told(conn: Conn, text: str, *args: Any) -> tuple[str | None, str, str]:
    """Code, words and hint of a refusal, without the ids that were asked for."""
    with pytest.raises(psycopg.Error) as error:
        conn.execute(text.encode(), args)
    found = error.value.diag
    words = found.message_primary or ""
    for given in args:
        words = words.replace(str(given), "ID")
    return error.value.sqlstate, words, f"{found.message_detail} {found.message_hint}"


BY_VIDEO = [
    "select queue.enqueue_job('no_op', video_id => %s)", "select queue.enqueue_job('no_op', video_id => %s, idempotency_key => 'k')",
    "select queue.enqueue_jobs(jsonb_build_array(jsonb_build_object('job_type', 'no_op', 'video_id', %s::text)))",
    "select queue.enqueue_jobs(jsonb_build_array(jsonb_build_object('job_type', 'no_op', 'video_id', %s::text, 'idempotency_key', 'k')))",
    "insert into queue.processing_jobs (job_type, video_id) values ('no_op', %s)", "select queue.enqueue_pipeline('standard', %s)",
    "insert into queue.processing_jobs (job_type, video_id, idempotency_key) values ('no_op', %s, 'k')",
    "select media.show_video(%s)", "select media.list_variants(%s)",
]  # fmt: skip
BY_ASSET = [text.replace("video_id", "asset_id") for text in BY_VIDEO if "video_id" in text]
BY_TENANT = [text.replace("video_id", "tenant_id") for text in BY_VIDEO if "video_id" in text]
BY_USER = ["select queue.enqueue_job('no_op', user_id => %s)", "insert into queue.processing_jobs (job_type, user_id) values ('no_op', %s)",
           "select queue.ingest_video('http://x/a.mp4', user_id => %s)"]  # fmt: skip
BY_JOB = [
    "select queue.cancel_job(%s)", "select queue.retry_job(%s)", "select queue.reprioritise_job(%s, 7)", "select queue.show_job(%s)",
    "select queue.explain_job(%s)", "select queue.enqueue_job('no_op', depends_on => array[%s]::uuid[])",
    "insert into queue.processing_jobs (job_type, depends_on_job_id) values ('no_op', %s)",
    "select queue.enqueue_jobs(jsonb_build_array(jsonb_build_object('job_type', 'no_op', 'depends_on', jsonb_build_array(%s::text))))",
]  # fmt: skip
ALIKE = [*((text, "video") for text in BY_VIDEO), *((text, "asset") for text in BY_ASSET), *((text, "tenant") for text in BY_TENANT),
         *((text, "user") for text in BY_USER), *((text, "job") for text in BY_JOB)]  # fmt: skip


@pytest.mark.parametrize(("text", "what"), ALIKE)
def test_what_is_another_s_is_answered_like_what_is_not_there(connect: Connect, queue: Queue, acme: Tenant, beta: Tenant, text: str, what: str) -> None:
    """With a tenant, without one, and with one that makes no sense; also where an idempotency key is taken, by whomever."""
    job = queue.add(video_id=acme.video)
    queue.add(video_id=acme.video, idempotency_key="k"), queue.add(idempotency_key="k")
    ids: dict[str, UUID] = {"video": acme.video, "asset": acme.asset, "tenant": acme.id, "user": acme.user, "job": job}
    for setting in (str(beta.id), "", NONSENSE[0]):
        conn = open_as(connect, "reelq_app")
        conn.execute("select set_config('reelq.tenant_id', %s, false)", [setting])
        assert told(conn, text, ids[what]) == told(conn, text, uuid4()), setting


def test_a_name_of_another_tenant_is_answered_like_one_of_none(other: Queue, acme: Tenant) -> None:
    for slug in ("acme", "nobody"):
        assert refused(other.conn, "select queue.ingest_video('http://x/a.mp4', %s)", slug) == "RQ004"


@pytest.mark.parametrize("role", ["reelq_app", "reelq_readonly"])
@pytest.mark.parametrize("setting", NONSENSE)
def test_a_setting_that_makes_no_sense_is_none(connect: Connect, queue: Queue, acme: Tenant, role: str, setting: str) -> None:
    """Nothing is visible, and no error tells the two apart."""
    queue.add(video_id=acme.video)
    answers = []
    for value in (setting, ""):
        conn = open_as(connect, role)
        conn.execute("select set_config('reelq.tenant_id', %s, false)", [value])
        found: list[Any] = [conn.execute(f"select count(*) from {name}".encode()).fetchall()
                            for name in ("queue.processing_jobs", "media.videos", "identity.tenants")]  # fmt: skip
        found += [told(conn, "select * from queue.list_jobs()"), told(conn, "select * from queue.running_jobs()")]
        answers.append(found)
    assert answers[0] == answers[1]
    assert answers[0][0] == [(0,)]


def test_a_slip_of_whoever_sees_all_is_told(connect: Connect) -> None:
    """For a worker no tenant means every tenant: nonsense must not."""
    worker = open_as(connect, "reelq_worker")
    worker.execute("select set_config('reelq.tenant_id', 'nonsense', false)")
    assert refused(worker, "select * from queue.list_jobs()") == "RQ008"


# --- the tenant that the setting names


@pytest.mark.parametrize("text", [
    "select queue.enqueue_job('no_op')", "select queue.enqueue_job('no_op', idempotency_key => 'k')",
    "insert into queue.processing_jobs (job_type) values ('no_op')",
    "insert into queue.processing_jobs (job_type, idempotency_key) values ('no_op', 'k') on conflict do nothing",
    """select queue.enqueue_jobs('[{"job_type": "no_op"}, {"job_type": "no_op", "ref": "a", "idempotency_key": "k"}]')""",
    "select queue.ingest_video('http://x/a.mp4')", "select queue.ingest_video('http://x/a.mp4', tenant => 'acme')",
])  # fmt: skip
def test_an_application_s_calls_are_for_the_tenant_that_it_named(queue: Queue, app: Queue, acme: Tenant, text: str) -> None:
    app.conn.execute(text.encode())
    assert queue.rows("select distinct tenant_id from queue.processing_jobs") == [(acme.id,)]
    assert [row.tenant_id for row in queue.rows("select tenant_id from media.videos where id <> %s", acme.video)] in ([], [acme.id])


def test_copy_is_for_the_tenant_that_was_named(queue: Queue, acme: Tenant) -> None:
    """By whoever row security does not bind: from others Postgres takes no COPY, and they have queue.enqueue_jobs."""
    queue.conn.execute("select set_config('reelq.tenant_id', %s, false)", [str(acme.id)])
    with queue.conn.cursor() as cursor, cursor.copy("copy queue.processing_jobs (job_type, job_data) from stdin") as copy:
        for n in range(3):
            copy.write_row(("no_op", f'{{"n": {n}}}'))
    assert queue.rows("select tenant_id, count(*) from queue.processing_jobs group by 1") == [(acme.id, 3)]


def test_a_key_is_a_tenant_s_own_also_by_default(app: Queue, other: Queue) -> None:
    first = app.add(idempotency_key="k")
    assert app.add(idempotency_key="k") == first
    assert other.add(idempotency_key="k") != first


def test_a_pipeline_that_two_sessions_enqueue_at_once_is_enqueued_once(connect: Connect, queue: Queue, app: Queue, acme: Tenant) -> None:
    """The second waits for the first one's end; nobody who is not the tenant can make it wait."""
    second = Queue(open_as(connect, "reelq_app", acme))
    call = "select job_id, is_new from queue.enqueue_pipeline('standard', %s)"
    reader = open_as(connect, "reelq_readonly", acme)
    key = f"pipeline:standard:{acme.video}::"
    reader.execute("select pg_advisory_lock(hashtextextended(%s, 0))", [key])
    with app.transaction():
        made = app.rows(call, acme.video)
        race = Race(second, lambda session: session.rows(call, acme.video)).start_and_wait_until_blocked(queue)
    assert [row.job_id for row in race.finish()] == [row.job_id for row in made]
    assert [row.is_new for row in race.outcome] == [False] * len(made)


# --- what is told


@pytest.fixture
def busy(queue: Queue, acme: Tenant, beta: Tenant) -> dict[str, UUID]:
    """A job of each that runs on a worker with a telling name, and one that has failed with a stack."""
    queue.worker("encoder7.example.com:gpu:4242:ab12")
    jobs = {}
    for tenant in (acme, beta):
        failed = queue.add(tenant_id=tenant.id, max_attempts=1)
        queue.fail(queue.claim("encoder7.example.com:gpu:4242:ab12")[0], stack="Traceback of /opt/secret", stderr="ffmpeg of host7")
        jobs[tenant.slug], jobs[f"{tenant.slug} failed"] = queue.add(tenant_id=tenant.id), failed
        queue.claim("encoder7.example.com:gpu:4242:ab12")
    return jobs


READS = ["select queue.show_job(%(job)s)", "select * from queue.running_jobs()", "select * from queue.recent_failures()",
         "select * from queue.list_jobs()", "select * from queue.list_history()", "select * from queue.explain_job(%(job)s)",
         "select queue.show_job(%(failed)s)", "select * from queue.explain_job(%(failed)s)"]  # fmt: skip


@pytest.mark.parametrize("text", READS)
@pytest.mark.parametrize("role", ROLES)
def test_a_tenant_is_told_no_worker_s_name_and_no_stack(connect: Connect, busy: dict[str, UUID], acme: Tenant, role: str, text: str) -> None:
    """Whoever acts for a tenant sees what a tenant may, also a worker that named one."""
    conn = open_as(connect, role, acme)
    found = str(conn.execute(text.encode(), {"job": busy["acme"], "failed": busy["acme failed"]}).fetchall())
    assert "encoder7" not in found and "secret" not in found and "host7" not in found
    assert str(busy["beta"]) not in found and str(busy["beta failed"]) not in found


def test_an_operator_is_told(queue: Queue, busy: dict[str, UUID]) -> None:
    shown = queue.value("select queue.show_job(%s)", busy["acme failed"])
    assert (shown["attempts_history"][0]["stack"], shown["attempts_history"][0]["stderr_tail"]) == ("Traceback of /opt/secret", "ffmpeg of host7")
    assert {row.worker_id for row in queue.rows("select * from queue.running_jobs()")} == {"encoder7.example.com:gpu:4242:ab12"}
    assert "encoder7" in str(queue.rows("select * from queue.list_jobs()"))


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("tenant", [True, False])
def test_lists_of_operators_are_operators(connect: Connect, queue: Queue, busy: dict[str, UUID], acme: Tenant, beta: Tenant, role: str, tenant: bool) -> None:
    """Workers, load, and what operators wrote of other tenants."""
    if role == "reelq_worker" and not tenant:
        pytest.skip("that is an operator")
    queue.conn.execute("update media.videos set title = 'Project Falcon' where id = %s", [acme.video])
    queue.value("select queue.pause('input', %s::text, 'ticket 99: acme complained')", acme.asset)
    queue.value("select queue.pause('tenant', 'acme', 'has not paid')")
    for key in ("tenant:acme", "tenant:beta", "name:acme/youtube", "name:common", "type:no_op"):
        queue.value("select queue.set_limit(%s, 3)", key)
    queue.conn.execute("update queue.workers set last_beat_at = clock_timestamp() - interval '45 seconds'")  # worth a finding
    assert "encoder7" in str(queue.rows("select * from ops.health()"))
    conn = open_as(connect, role, beta if tenant else None)
    if role != "reelq_app":
        assert conn.execute("select * from queue.list_workers(true)").fetchall() == []
        assert conn.execute("select * from ops.list_partitions()").fetchall() == []
        assert conn.execute("select * from queue.list_pauses()").fetchall() == []
        limits = [name for (name,) in conn.execute("select name from queue.list_limits()").fetchall()]
        assert limits == (["tenant:beta"] if tenant else [])
        for text in ("queue.depth()", "queue.rates()", "queue.stats()"):
            assert refused(conn, f"select * from {text}") == "42501", text
        health = str(conn.execute("select * from ops.health() union all select * from queue.health()").fetchall())
        for secret in ("encoder7", "Falcon", "ticket", str(acme.id), str(acme.asset), "example.com"):
            assert secret not in health


@pytest.mark.parametrize(
    "call",
    [
        "queue.pause('tenant', 'beta', 'has not paid')", "queue.resume('all')", "queue.set_limit('tenant:beta', 1)", "queue.drop_limit('tenant:beta')",
        "queue.set_setting('archive_after', '1 second')", "identity.list_tenants()",
    ],
)  # fmt: skip
def test_a_worker_that_acts_for_a_tenant_does_nothing_of_an_operator_s(connect: Connect, acme: Tenant, beta: Tenant, call: str) -> None:
    assert refused(open_as(connect, "reelq_worker", acme), f"select * from {call}") == "42501"


def test_a_job_joins_no_run_but_its_video_s(app: Queue, queue: Queue, acme: Tenant, beta: Tenant) -> None:
    """Another tenant's run is answered like one that never was; a part of a step belongs to the step's run."""
    second = app.value("select queue.ingest_video('http://x/b.mp4')")
    queue.rows("select * from queue.enqueue_pipeline('standard', %s)", beta.video)
    ours, others = (queue.value("select max(pipeline_run::text)::uuid from queue.processing_jobs where video_id = %s", video) for video in (second, beta.video))
    assert None not in (ours, others)
    insert = "insert into queue.processing_jobs (job_type, video_id, pipeline_run) values ('no_op', %s, %s)"
    (answer,) = {told(app.conn, insert, acme.video, run) for run in (ours, others, uuid4())}
    assert answer[:2] == ("RQ008", "pipeline_run must be a run of video ID, not ID")
    app.conn.execute(insert, [second, ours])
    app.conn.execute("insert into queue.processing_jobs (job_type, pipeline_run) values ('no_op', %s)", [uuid4()])
    assert queue.violations() == []


def test_a_tenant_sees_its_own_pauses_and_limits_without_the_operators_words(connect: Connect, queue: Queue, acme: Tenant) -> None:
    queue.value("select queue.pause('tenant', 'acme', 'has not paid'), queue.pause('input', %s::text, 'ticket 99')", acme.asset)
    queue.value("select queue.pause('job_type', 'no_op', 'the encoder burns'), queue.set_limit('name:acme/youtube', 2)")
    conn = open_as(connect, "reelq_readonly", acme)
    seen = conn.execute("select scope, reason, paused_by from queue.list_pauses()").fetchall()
    assert seen == [("tenant", None, None), ("input", None, None), ("job_type", None, None)]
    assert conn.execute("select name, max_running from queue.list_limits()").fetchall() == [("name:acme/youtube", 2)]


def test_who_looks_after_the_server_sees_lists_and_no_tenant(connect: Connect, queue: Queue, busy: dict[str, UUID]) -> None:
    """reelq_readonly with pg_monitor, Postgres' own role for that."""
    name = f"watch_{uuid4().hex[:8]}"
    queue.conn.execute(f"create role {name} login in role reelq_readonly, pg_monitor")
    try:
        conn = open_as(connect, name)
        assert len(conn.execute("select * from queue.list_workers()").fetchall()) == 1
        assert conn.execute("select sum(running) from queue.depth()").fetchall() == [(2,)]
        assert refused(conn, "select * from queue.list_jobs()") == "RQ004"
        assert conn.execute("select * from queue.processing_jobs").fetchall() == []
    finally:
        conn.close()
        queue.conn.execute(f"drop role {name}")


def test_notifications_tell_nothing_of_anybody(connect: Connect, queue: Queue, app: Queue, acme: Tenant) -> None:
    listener = open_as(connect, "reelq_readonly")
    listener.execute("listen reelq_ready; listen reelq_worker")
    name = queue.worker("encoder7.example.com:gpu:4242:ab12")
    queue.value("select queue.set_worker_listening(%s)", name)
    job = app.add(job_data={"secret": 1})
    queue.claim(name)
    app.value("select queue.cancel_job(%s)", job)
    queue.value("select queue.drain_worker(%s)", name)
    heard = {(note.channel, note.payload) for note in listener.notifies(timeout=5, stop_after=2)}
    assert ("reelq_ready", "no_op") in heard  # a type is on a list that everybody may read
    assert all(len(payload) == 8 for channel, payload in heard if channel == "reelq_worker")


# --- what a tenant may take


def test_a_tenant_s_priorities_are_bounded_by_the_operator(queue: Queue, app: Queue) -> None:
    """By default nobody gets ahead of what the type says; an operator opens more."""
    calls = ["select queue.enqueue_job('no_op', priority => {})", "insert into queue.processing_jobs (job_type, priority) values ('no_op', {})",
             """select queue.enqueue_jobs('[{{"job_type": "no_op", "priority": {}}}]')"""]  # fmt: skip
    job = app.add()
    for call in [*calls, f"select queue.reprioritise_job('{job}', {{}})"]:
        assert refused(app.conn, call.format(4)) == "RQ008", call
        app.conn.execute(call.format(6))
    with pytest.raises(psycopg.Error, match=r"priority of a tenant's no_op must be 5 to 10 \(last\), not 1"):
        app.add(priority=1)
    queue.value("select queue.set_setting('tenant_priority', '2')")
    for call in calls:
        app.conn.execute(call.format(2))
        assert refused(app.conn, call.format(1)) == "RQ008"
    queue.add(priority=1)


def test_what_an_operator_chose_is_allowed_in_any_case(queue: Queue, app: Queue, acme: Tenant) -> None:
    """The default of a type, and the priority of a pipeline's step."""
    queue.conn.execute("update queue.pipeline_steps set priority = 1 where step = 'download'")
    app.value("select queue.ingest_video('http://x/a.mp4')")
    assert queue.value("select min(priority) from queue.processing_jobs") == 1
    app.add("finish_video", video_id=acme.video, priority=2)


def test_a_tenant_takes_no_unit_of_another_s_limit(queue: Queue, app: Queue, other: Queue) -> None:
    """What it names is its own; what is common to all stands in the type, or is an operator's word."""
    for key in ("name:acme/youtube", "name:youtube"):
        queue.value("select queue.set_limit(%s, 1)", key)
    queue.worker()
    for _ in range(3):
        other.add(limits=["youtube"])
    assert len(queue.claim(limit=10)) == 3
    mine = [app.add(limits=["youtube"]) for _ in range(2)]
    assert [job.job_id for job in queue.claim(limit=10)] == mine[:1]
    (reason,) = app.rows("select * from queue.explain_job(%s)", mine[1])
    assert "name:acme/youtube is used up: 1 of 1" in reason.detail
    common = [queue.add(limits=["youtube"]) for _ in range(2)]
    assert [job.job_id for job in queue.claim(limit=10)] == common[:1]


def test_nobody_names_another_tenant_s_limit(queue: Queue, other: Queue, acme: Tenant, beta: Tenant) -> None:
    for owner in ("acme", acme.id):
        for conn in (other.conn, queue.conn):
            with pytest.raises(psycopg.Error, match="limits of a job must be its own tenant's, or plain words") as error:
                conn.execute("select queue.enqueue_job('no_op', tenant_id => %s, limits => array[%s || '/youtube'])", [beta.id, str(owner)])
            assert error.value.sqlstate == "RQ008"
    job = queue.add(tenant_id=beta.id, limits=["beta/youtube"])
    assert queue.job(job).limits == [f"{beta.id}/youtube"]


def test_explain_tells_a_tenant_nothing_of_the_others_load(queue: Queue, app: Queue, other: Queue) -> None:
    queue.value("select queue.set_limit('type:no_op', 1)")
    queue.worker()
    app.add()
    queue.claim(limit=5)
    job = other.add()
    queue.claim(limit=5)
    (reason,) = other.rows("select * from queue.explain_job(%s)", job)
    assert (reason.detail, reason.advice) == ("The limit type:no_op is used up.", "Wait, or ask the operator.")


# --- what a tenant waits for


def without_waiting(session: Queue, text: str, *args: Any) -> Any:
    """The answer of a call that must not wait for anybody."""
    session.conn.execute("set lock_timeout = '50ms'")
    return session.value(text, *args)


@pytest.mark.parametrize("text", ["select queue.cancel_job(%s)", "select queue.retry_job(%s)", "select queue.reprioritise_job(%s, 7)",
                                  "select queue.enqueue_job('no_op', depends_on => array[%s]::uuid[])"])  # fmt: skip
def test_whose_a_job_is_gets_asked_before_its_row_is_waited_for(queue: Queue, app: Queue, other: Queue, text: str) -> None:
    job = app.add()
    with app.transaction():
        app.value("select queue.reprioritise_job(%s, 8)", job)
        with pytest.raises(psycopg.Error) as error:
            without_waiting(other, text, job)
        assert error.value.sqlstate in ("RQ004", "RQ005")


def test_a_video_of_another_tenant_is_not_waited_for(queue: Queue, other: Queue, acme: Tenant) -> None:
    with queue.transaction():
        queue.conn.execute("select from media.videos for update")
        for text in ("select queue.enqueue_job('no_op', video_id => %s)", "select queue.enqueue_pipeline('standard', %s)"):
            with pytest.raises(psycopg.Error) as error:
                without_waiting(other, text, acme.video)
            assert error.value.sqlstate == "RQ004"


CALLS = [
    "select queue.retry_job(%(failed)s)", "select queue.enqueue_pipeline('standard', %(video)s)", "select queue.ingest_video('http://x/a.mp4')",
    "select queue.cancel_job(queue.enqueue_job('no_op'))",
    """select count(*) from queue.enqueue_jobs('[{"job_type": "no_op", "idempotency_key": "k"}]')""",
]  # fmt: skip


@pytest.mark.parametrize("text", CALLS)
def test_one_tenant_s_open_transaction_makes_no_other_wait(
    queue: Queue, app: Queue, other: Queue, busy: dict[str, UUID], acme: Tenant, beta: Tenant, text: str
) -> None:
    """The same call for both, the first of which does not commit; and a worker goes on."""
    with app.transaction():
        app.conn.execute(text.encode(), {"failed": busy["acme failed"], "video": acme.video})
        other.conn.execute("set lock_timeout = '50ms'")
        other.conn.execute(text.encode(), {"failed": busy["beta failed"], "video": beta.video})
        queue.worker("w2")
        without_waiting(queue, "select count(*) from queue.claim_jobs('w2', 10)")


def test_an_advisory_lock_of_a_reader_stops_nothing(connect: Connect, queue: Queue, clock: Any, acme: Tenant) -> None:
    """Every advisory lock that there is for the names that we ever used; due jobs, rescue, archive, limits, partitions go on."""
    reader = open_as(connect, "reelq_readonly")
    names = ["promote_due", "rescue_expired", "archive_jobs", "repair", "roll_up_stats", "maintain_partitions", "retry_job", "limits", "pause_input"]
    for name in names:
        reader.execute("select pg_advisory_lock(hashtext('reelq.' || %s))", [name])
        reader.execute("select pg_advisory_lock(hashtext('reelq.' || %s), key) from generate_series(0, 1023) as key", [name])
    clock.set(clock.now())
    later = queue.add(scheduled_for=clock.now().replace(microsecond=0))
    queue.worker()
    running = queue.take()
    assert running.job_id == later
    due = queue.add(scheduled_for=clock.now() + timedelta(minutes=30))
    clock.forward(3600)
    queue.worker("w2")
    assert {job.job_id for job in queue.claim("w2", limit=10)} == {due}
    assert queue.outcomes(later) == ["lost"]
    without_waiting(queue, "select queue.set_limit('tenant:acme', 3), queue.pause('input', %s::text, 'x')", acme.asset)
    assert queue.rows("select action from ops.maintain_partitions() where action = 'busy'") == []
    assert queue.value("select last_run_at = base.clock() from queue.upkeep where task = 'rescue'")


def test_another_tenant_s_archived_job_is_no_parent(queue: Queue, acme: Tenant, beta: Tenant, app: Queue, clock: Any) -> None:
    """It is answered like one that is not there."""
    theirs, mine = queue.add(tenant_id=beta.id), queue.add(tenant_id=acme.id)
    for _ in range(2):
        queue.complete(queue.take())
    clock.forward(timedelta(days=31))
    assert queue.value("select queue.archive_jobs()") == 2
    asked = "select queue.enqueue_job('no_op', depends_on => array[%s::uuid])"
    assert told(app.conn, asked, theirs) == told(app.conn, asked, uuid4())
    assert app.value(asked, mine) is not None


def test_of_those_that_wait_for_a_job_another_tenant_s_are_not_shown(queue: Queue, acme: Tenant, beta: Tenant, app: Queue) -> None:
    parent = queue.add(tenant_id=acme.id)
    mine, theirs = (queue.add(tenant_id=one.id, depends_on=[parent]) for one in (acme, beta))
    shown = "select array(select c ->> 'id' from jsonb_array_elements(queue.show_job(%s) -> 'children') as c order by 1)"
    assert app.value(shown, parent) == [str(mine)]
    assert queue.value(shown, parent) == [str(mine), str(theirs)]
