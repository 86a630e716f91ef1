"""What psql shows of a refusal: the message, a hint, and few lines of CONTEXT, none of them a statement of many lines."""

from __future__ import annotations

import psycopg
import pytest

from tests.sql.queuekit import Queue

NOBODY = "00000000-0000-0000-0000-000000000001"
MOST_LINES = 4  # an insert of enqueue_job: what refused, in which trigger, the insert, enqueue_job itself. Most have one or two

# call → code. `{video}` is a video, `{job}` a job that is over, `{queued}` one that waits.
REFUSED = {
    "queue.enqueue_job('nope')": "RQ003",
    "queue.enqueue_job(null)": "RQ003",
    "queue.enqueue_job('no_op', priority => 11)": "RQ008",
    "queue.enqueue_job('no_op', video_id => '{nobody}')": "RQ004",
    "queue.enqueue_job('no_op', asset_id => '{nobody}')": "RQ004",
    "queue.enqueue_job('no_op', tenant_id => '{nobody}')": "RQ004",
    "queue.enqueue_job('no_op', tenant_id => '{sleeping}')": "RQ012",
    "queue.enqueue_job('no_op', video_id => '{video}', user_id => '{nobody}')": "RQ004",
    "queue.enqueue_job('no_op', job_data => '[1]')": "RQ008",
    "queue.enqueue_job('no_op', job_data => jsonb_build_object('x', repeat('x', 300000)))": "RQ008",
    "queue.enqueue_job('no_op', depends_on => '{{{nobody}}}')": "RQ005",
    "queue.enqueue_job('no_op', depends_on => '{{null}}')": "RQ008",
    "queue.enqueue_job('no_op', on_parent_failure => 'x')": "RQ008",
    "queue.enqueue_job('no_op', idempotency_key => '')": "RQ008",
    "queue.enqueue_job('no_op', idempotency_key => 'k', video_id => '{nobody}')": "RQ004",
    "queue.enqueue_job('no_op', max_attempts => 0)": "RQ008",
    "queue.enqueue_job('no_op', max_attempts => 1001)": "RQ008",
    "queue.enqueue_job('no_op', limits => '{{UP}}')": "RQ008",
    "queue.enqueue_job('no_op', limits => '{{other/x}}')": "RQ008",
    "queue.enqueue_job('no_op', scheduled_for => 'infinity')": "RQ008",
    "queue.enqueue_jobs('[{{\"job_type\": \"nope\"}}]')": "RQ003",
    "queue.enqueue_jobs('[{{\"job_type\": \"no_op\", \"video_id\": \"x\"}}]')": "RQ008",
    "queue.enqueue_jobs('[7]')": "RQ008",
    "queue.enqueue_jobs(null)": "RQ008",
    "queue.enqueue_jobs('[{{\"job_type\": \"no_op\", \"ref\": \"a\", \"depends_on\": [\"a\"]}}]')": "RQ006",
    "queue.enqueue_pipeline('nope', '{video}')": "RQ004",
    "queue.enqueue_pipeline('standard', '{nobody}')": "RQ004",
    "queue.enqueue_pipeline('standard', '{video}', '[]')": "RQ008",
    "queue.enqueue_pipeline('standard', '{video}', '{{\"nope\": {{}}}}')": "RQ008",
    "queue.enqueue_pipeline('standard', '{video}', '{{\"ladder\": 7}}')": "RQ008",
    "queue.enqueue_pipeline('standard', '{video}', jsonb_build_object('ladder', jsonb_build_object('x', repeat('x', 300000))))": "RQ008",
    "queue.ingest_video('')": "RQ008",
    "queue.ingest_video('/x', tenant => 'nope')": "RQ004",
    "queue.ingest_video('/x', tenant => 'sleeping')": "RQ012",
    "queue.ingest_video('/x', user_id => '{nobody}')": "RQ004",
    "queue.ingest_video('/x', pipeline => 'nope')": "RQ004",
    "queue.ingest_video('/x', options => '{{\"nope\": {{}}}}')": "RQ008",
    "queue.spawn_jobs('{job}', 1, '[]')": "RQ001",
    "queue.spawn_jobs('{running}', 1, '7')": "RQ008",
    "queue.spawn_jobs('{running}', 1, '[{{\"job_type\": \"nope\"}}]')": "RQ003",
    "queue.complete_job('{job}', 1)": "RQ001",
    "queue.fail_job('{job}', 1, 'transient', 'x', 'x')": "RQ001",
    "queue.fail_job('{running}', 1, 'odd', 'x', 'x')": "RQ008",
    "queue.snooze_job('{job}', 1, '1 minute', 'x')": "RQ001",
    "queue.release_job('{job}', 1, 'x')": "RQ001",
    "queue.advance_video('{job}', 1, 'ready')": "RQ001",
    "queue.claim_jobs('nobody', 1, null, null, null)": "RQ010",
    "queue.heartbeat('nobody', '[]')": "RQ010",
    "queue.settle_and_claim('nobody', 1, '[]')": "RQ010",
    "queue.register_worker('w', 'h', 1, '0', 'p', 0)": "RQ008",
    "queue.register_worker('w', 'h', 1, '0', 'p', 1, '{{nope}}')": "RQ003",
    "queue.cancel_job('{nobody}')": "RQ004",
    "queue.retry_job('{nobody}')": "RQ004",
    "queue.retry_job('{job}')": "RQ009",
    "queue.reprioritise_job('{nobody}', 1)": "RQ004",
    "queue.reprioritise_job('{job}', 1)": "RQ009",
    "queue.reprioritise_job('{queued}', 11)": "RQ008",
    "queue.show_job('{nobody}')": "RQ004",
    "queue.explain_job('{nobody}')": "RQ004",
    "queue.list_jobs('nope')": "RQ008",
    "queue.list_jobs(p_limit => 0)": "RQ008",
    "queue.list_history(p_limit => 0)": "RQ008",
    "queue.pause('nope', 'x', 'x')": "RQ008",
    "queue.pause('job_type', 'nope', 'x')": "RQ003",
    "queue.pause('all', null, '')": "RQ008",
    "queue.resume('job_type', 'nope')": "RQ003",
    "queue.set_limit('type:nope', 2)": "RQ003",
    "queue.set_limit('odd', 2)": "RQ008",
    "queue.set_limit('type:no_op', 0)": "RQ008",
    "queue.drop_limit('type:no_op')": "RQ004",
    "queue.set_schedule('s', 'x', 'no_op')": "RQ008",
    "queue.set_schedule('s', '* * * * *', 'nope')": "RQ003",
    "queue.set_schedule('s', '* * * * *', 'no_op', p_time_zone => 'Mars')": "RQ008",
    "queue.set_schedule('s', '* * * * *', 'no_op', p_tenant_id => '{nobody}')": "RQ004",
    "queue.set_schedule('', '* * * * *', 'no_op')": "RQ008",
    "queue.next_tick('61 * * * *', 'UTC', now())": "RQ008",
    "queue.pause_schedule('nope')": "RQ004",
    "queue.resume_schedule('nope')": "RQ004",
    "queue.drop_schedule('nope')": "RQ004",
    "queue.set_setting('nope', '1')": "RQ008",
    "queue.set_setting('archive_after', 'x')": "RQ008",
    "queue.stats('-1 hour')": "RQ008",
    "queue.rates('-1 hour')": "RQ008",
    "queue.drain_worker('nope')": "RQ004",
    "queue.drain_host('nope')": "RQ004",
    "queue.help('nope')": "RQ004",
    "queue.sync_job_type('x', '7')": "RQ008",
    "queue.sync_job_type('x', '{{\"nope\": 1}}')": "RQ008",
    "queue.sync_job_type('x', '{{\"priority\": 11}}')": "RQ008",
    "queue.sync_job_type('x', '{{}}', '7')": "RQ008",
    "identity.create_tenant('sleeping')": "RQ009",
    "identity.create_tenant('UP')": "RQ008",
    "identity.set_tenant_status('nope', 'active')": "RQ004",
    "identity.set_tenant_status('sleeping', 'odd')": "RQ008",
    "identity.set_tenant('nope', '{{}}')": "RQ004",
    "identity.set_tenant_config('nope', '{{}}')": "RQ004",
    "identity.set_tenant_config(null, '{{\"odd\": 1}}')": "RQ008",
    "identity.set_subscription(null, '{nobody}', '{{\"plan\": \"pro\"}}')": "RQ004",
    "identity.set_subscription(null, null, '{{\"plan\": \"pro\"}}')": "RQ008",
    "identity.end_subscription(null)": "RQ009",
    "identity.set_quota(null, null, -1)": "RQ008",
    "identity.show_quota(null, '{nobody}')": "RQ004",
    "identity.create_key('x', 'nope')": "RQ004",
    "identity.create_key('x', 'sleeping')": "RQ012",
    "identity.create_key('', null)": "RQ008",
    "identity.revoke_key('{nobody}')": "RQ004",
    "identity.rotate_key('{nobody}')": "RQ004",
    "identity.show_key('{nobody}')": "RQ004",
    "identity.authenticate('x')": "RQ014",
    "identity.check_scope('x')": "RQ008",
    "queue.ingest_video('/x', idempotency_key => '')": "RQ008",
    "media.create_video('')": "RQ008",
    "media.show_video('{nobody}')": "RQ004",
    "media.list_variants('{nobody}')": "RQ004",
    "media.get_work('{nobody}')": "RQ004",
    "media.put_variant('{nobody}', '{{}}')": "RQ004",
    "media.finish_video('{nobody}')": "RQ004",
    "media.finish_video('{video}')": "RQ009",
    "media.reopen_video('{nobody}')": "RQ004",
}


@pytest.fixture
def queue(conn):
    return Queue(conn)


@pytest.fixture
def names(queue: Queue) -> dict[str, str]:
    """Ids that the calls name."""
    sleeping = queue.value("select identity.create_tenant('sleeping')")
    queue.value("select identity.set_tenant_status('sleeping', 'suspended')")
    job = queue.add()
    queue.complete(queue.take())
    running = queue.add()
    queue.take()
    video = queue.value("select media.create_video('/x.mp4')")
    found = {"nobody": NOBODY, "sleeping": sleeping, "job": job, "running": running, "queued": queue.add(), "video": video}
    return {name: str(one) for name, one in found.items()}


def shown(queue: Queue, statement: str) -> psycopg.errors.Diagnostic | None:
    """What the server says to a statement that it refuses; None when it does not."""
    try:
        with queue.conn.transaction(force_rollback=True):
            queue.conn.execute(statement)  # type: ignore[call-overload]
    except psycopg.Error as error:
        return error.diag
    return None


def too_much(diag: psycopg.errors.Diagnostic) -> list[str]:
    """What is wrong with it: no hint, several lines, or too many of CONTEXT."""
    message, context = diag.message_primary or "", (diag.context or "").splitlines()
    faults = [] if diag.message_hint else ["no hint"]
    faults += [] if len(message.splitlines()) == 1 else ["a message of several lines"]
    return faults + (context if len(context) > MOST_LINES else [])


def test_every_refusal_is_a_line_a_hint_and_little_context(queue, names):
    found = {}
    for call, code in REFUSED.items():
        diag = shown(queue, f"select {call.format(**names)}".replace("%", "%%"))
        if diag is None:
            found[call] = ["it is done"]
        elif diag.sqlstate != code:
            found[call] = [f"{diag.sqlstate}: {diag.message_primary}"]
        elif too_much(diag):
            found[call] = too_much(diag)
    assert found == {}, "\n".join(f"{call}: {faults}" for call, faults in found.items())


def test_a_plain_insert_is_refused_in_two_lines_at_most(queue, names):
    for values, code in {
        "(job_type) values ('nope')": "RQ003",
        "(job_type, priority) values ('no_op', 11)": "RQ008",
        "(job_type, job_data) values ('no_op', '[]')": "RQ008",
        "(job_type, video_id) values ('no_op', '{nobody}')": "RQ004",
        "(job_type, depends_on) values ('no_op', '{{{nobody}}}')": "RQ005",
        "(job_type, tenant_id) values ('no_op', '{sleeping}')": "RQ012",
        "(job_type, status) values ('no_op', 'running')": "RQ007",
    }.items():
        diag = shown(queue, f"insert into queue.processing_jobs {values.format(**names)}")
        assert diag is not None
        assert (diag.sqlstate, len((diag.context or "").splitlines()) <= 2, bool(diag.message_hint)) == (code, True, True), values


# a spec → what is said of it; it is the second of three, and called b
WRONG = {
    '"job_type": "nope"': ("RQ003", "spec 2 (ref b): no job type 'nope'"),
    '"job_type": null': ("RQ003", "spec 2 (ref b): no job type null"),
    '"prio": 1': ("RQ008", "spec 2 (ref b) must have known keys only, not 'prio'"),
    '"job_type": ["no_op"]': ("RQ008", """spec 2 (ref b): job_type must be one value, not ["no_op"]"""),
    '"priority": 11': ("RQ008", "spec 2 (ref b): priority must be 1 (first) to 10 (last), not 11"),
    '"priority": "high"': ("RQ008", "spec 2 (ref b): priority must be 1 (first) to 10 (last), not 'high'"),
    '"priority": 99999': ("RQ008", "spec 2 (ref b): priority must be 1 (first) to 10 (last), not '99999'"),
    '"max_attempts": 1.5': ("RQ008", "spec 2 (ref b): max_attempts must be a whole number from 1, not '1.5'"),
    '"max_attempts": 0': ("RQ008", "spec 2 (ref b): max_attempts, max_crashes and weight must be 1 or more, not 0, 3 and 1"),
    '"video_id": "x"': ("RQ008", "spec 2 (ref b): video_id must be a uuid, not 'x'"),
    '"channel_id": 7': ("RQ008", "spec 2 (ref b): channel_id must be a uuid, not '7'"),
    f'"video_id": "{NOBODY}"': ("RQ004", f"spec 2 (ref b): no video {NOBODY}"),
    f'"asset_id": "{NOBODY}"': ("RQ004", f"spec 2 (ref b): no asset {NOBODY} of this tenant"),
    f'"user_id": "{NOBODY}"': ("RQ004", f"spec 2 (ref b): no user {NOBODY} of this tenant"),
    f'"tenant_id": "{NOBODY}"': ("RQ004", f"spec 2 (ref b): no tenant {NOBODY}"),
    f'"video_id": "{NOBODY}", "idempotency_key": "k"': ("RQ004", f"spec 2 (ref b): no video {NOBODY}"),
    '"scheduled_for": "soon"': ("RQ008", "spec 2 (ref b): scheduled_for must be a time, not 'soon'"),
    '"scheduled_for": "infinity"': ("RQ008", "spec 2 (ref b): scheduled_for must be a time of the years 1900 to 9998, not infinity"),
    '"job_data": 7': ("RQ008", "spec 2 (ref b): job_data must be a JSON object, not number"),
    '"limits": "x"': ("RQ008", """spec 2 (ref b): limits must be a list of words, not "x\""""),
    '"limits": ["UP"]': ("RQ008", "spec 2 (ref b): limits must be words of a-z, 0-9 and _ . : -, not {UP}"),
    '"depends_on": "a"': ("RQ008", """spec 2 (ref b): depends_on must be a list of words, not "a\""""),
    '"depends_on": [["a"]]': ("RQ008", """spec 2 (ref b): depends_on must be a list of words, not [["a"]]"""),
    '"depends_on": ["z"]': ("RQ005", "spec 2 (ref b): depends_on must name refs of the same call or ids of jobs, not 'z'"),
    '"depends_on": [null]': ("RQ008", "spec 2 (ref b): depends_on must name refs of the same call or ids of jobs, not null"),
    f'"depends_on": ["{NOBODY}"]': ("RQ005", f"spec 2 (ref b): no job {NOBODY} to wait for"),
    '"depends_on": ["c"]': ("RQ006", "jobs must not wait for one another in a circle, as these do: b → c → b"),
    '"depends_on": ["b"]': ("RQ006", "depends_on of job b must name other jobs, not itself or null"),
    '"on_parent_failure": "x"': ("RQ008", "spec 2 (ref b): on_parent_failure must be fail, cancel or run, not 'x'"),
    '"idempotency_key": ""': ("RQ008", "spec 2 (ref b): idempotency_key must have 1 to 500 characters, not 0"),
    '"idempotency_key": "twice"': ("RQ008", "idempotency_key of spec 2 must not stand twice"),
    '"ref": "a"': ("RQ008", "ref of spec 2 must not stand twice, as 'a' does"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_the_spec_that_is_wrong_is_named(queue, wrong):
    twice = '"idempotency_key": "twice", ' if "twice" in wrong else ""
    specs = f"""[{{"job_type": "no_op", "ref": "a"}}, {{"job_type": "no_op", "ref": "b", {wrong}}},
        {{"job_type": "no_op", "ref": "c", {twice}"depends_on": ["b"]}}]"""
    diag = shown(queue, f"select queue.enqueue_jobs($${specs}$$)")
    assert diag is not None
    assert (diag.sqlstate, diag.message_primary) == WRONG[wrong]
    assert too_much(diag) == []
    assert queue.value("select count(*) from queue.processing_jobs") == 0


def test_one_of_thousands_is_found_by_halves(queue):
    """A look at each would take minutes, and at each alone thousands of subtransactions."""
    specs = "jsonb_agg(jsonb_build_object('job_type', case n when 1700 then 'nope' else 'no_op' end))"
    diag = shown(queue, f"select queue.enqueue_jobs((select {specs} from generate_series(1, 2000) as n))")
    assert diag is not None and diag.message_primary == "spec 1700: no job type 'nope'"


def test_a_fan_out_names_the_spec_too(queue):
    queue.add()
    job = queue.take()
    diag = shown(queue, f"""select queue.spawn_jobs('{job.job_id}', {job.token}, '[{{"job_type": "no_op"}}, {{"job_type": "nope"}}]')""")
    assert diag is not None and diag.message_primary == "spec 2: no job type 'nope'"


def test_a_circle_of_steps_names_the_steps(queue):
    queue.conn.execute("alter table queue.pipeline_steps disable trigger all")
    queue.conn.execute("insert into queue.pipelines (name, description) values ('round', 'x')")
    queue.conn.execute(
        "insert into queue.pipeline_steps (pipeline, step, job_type, after)"
        " values ('round', 'a', 'no_op', '{c}'), ('round', 'b', 'no_op', '{a}'), ('round', 'c', 'no_op', '{b}'), ('round', 'd', 'no_op', '{c}')"
    )
    diag = shown(queue, "select * from queue.pipeline_order('round')")
    assert diag is not None
    assert diag.message_primary == "steps of pipeline round must not wait for one another in a circle, as these do: a → c → b → a"


def test_a_hint_names_a_function_beside_the_command_for_those_who_have_no_command(conn):
    """An application has no `reelq`: where it may call what tells the hint, that names SQL too."""
    found = conn.execute(
        "select p.oid::regprocedure::text from pg_proc as p where has_function_privilege('reelq_app', p.oid, 'execute') "
        "and p.pronamespace::regnamespace::text in ('base', 'identity', 'media', 'queue', 'ops') "
        "and p.prosrc ~ 'Look with: reelq [a-z -]+''' order by 1"
    ).fetchall()
    assert found == []
