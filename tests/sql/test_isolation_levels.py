"""Who refuses a transaction that is not READ COMMITTED: every function that decides by what others have just committed.

The walk is over the catalogue, so that a new function is asked too: it refuses with RQ002, or ANY_LEVEL says why it need not.
"""

from __future__ import annotations

import psycopg
import pytest

from tests.sql.queuekit import Queue

ONE_ROW = "writes one row by its key; where another has changed that, Postgres itself refuses (40001)"
# Volatile, and right on any snapshot.
LOCKED = "locks the account, and what it decides by, before it looks: with an old snapshot of them it ends with 40001"
ANY_LEVEL = {
    "base.clock": "reads the clock",
    "base.uuid_v7": "reads the clock",
    "identity.act_for": "says for whom this transaction acts",
    "identity.authenticate": "writes rows of its own session only, and no last use on an old snapshot",
    **dict.fromkeys((f"identity.{name}" for name in (
        "change_user", "check_session", "close_session", "confirm_second_factor", "create_user", "delete_user", "drop_second_factor", "enrol_second_factor", "finish_login", "give_proof",
        "finish_second_factor", "hash_again", "invite_user", "open_session", "remove_ended", "request_reset", "request_verification", "restore_user", "revoke_session",
        "revoke_sessions", "second_factor_secret", "set_password", "set_user_role", "set_user_status", "show_challenge", "unlock_user", "use_password_token", "verify_email",
    )), LOCKED),
    "ops.receive_message": "makes a row; that it is the first a constraint decides",
    **dict.fromkeys((f"ops.{name}" for name in (
        "set_notification_setting", "add_push_subscription", "remove_push_subscription", "note_sent", "forget_push_subscription",
    )), "writes rows of one user by their key; where another has changed one, Postgres itself refuses (40001)"),
    "ops.add_event_type": ONE_ROW,
    "ops.emit_event": "makes a row, and decides nothing by those of others",
    "ops.mark_read": "writes rows that it has locked; where another has changed one, Postgres itself refuses (40001)",
    "ops.purge_notifications": "deletes rows that nothing changes back; what another has locked waits for the next call",
    "identity.create_key": "makes rows; that a name is new a constraint decides",
    "identity.revoke_key": ONE_ROW,
    "identity.set_quota": ONE_ROW,
    "identity.set_tenant": ONE_ROW,
    "identity.set_tenant_config": ONE_ROW,
    "media.create_video": "makes rows, and decides nothing by those of others",
    "media.fail_video": ONE_ROW,
    "media.finish_video": ONE_ROW,
    "media.forget_files": "deletes rows by their key",
    "media.open_variant": "tells what its snapshot shows, and marks it used",
    "media.record_probe": ONE_ROW,
    "media.register_store": ONE_ROW,
    "media.reopen_video": ONE_ROW,
    "media.touch_object": ONE_ROW,
    "media.touch_objects": ONE_ROW,
    "ops.begin_export": "enters an act, and decides nothing",
    "queue.deregister_worker": ONE_ROW,
    "queue.drop_pipeline": ONE_ROW,
    "queue.drain_host": ONE_ROW,
    "queue.drain_worker": ONE_ROW,
    "queue.drop_schedule": ONE_ROW,
    "queue.explain_job": "tells what its snapshot shows",
    "queue.heartbeat": ONE_ROW,
    "queue.locked_jobs": "tries locks, and gives them up",
    "queue.pause_schedule": ONE_ROW,
    "queue.register_worker": ONE_ROW,
    "queue.resume_schedule": ONE_ROW,
    "queue.set_setting": ONE_ROW,
    "queue.set_worker_busy": ONE_ROW,
    "queue.set_worker_listening": ONE_ROW,
    "queue.set_worker_trouble": ONE_ROW,
}
# Where the usual argument of a type would be refused for what it says.
ARGUMENTS = {
    "queue.set_limit": "'name:x', 1",
    "queue.drop_limit": "'name:x'",
    "queue.pause": "'all', '', 'a reason'",
    "queue.resume": "'all', ''",
    "queue.fail_job": "'{id}', 1, 'transient', 'oops', 'It broke.'",
    "queue.ingest_video": "'/a.mp4'",
    "queue.cancel_jobs": "p_all => true",
    "queue.reprioritise_jobs": "5, p_all => true",
    "queue.reschedule_jobs": "now(), p_all => true",
    "queue.retry_jobs": "p_all => true",
    "queue.run_jobs_now": "p_all => true",
    "queue.enqueue_pipeline": "'standard', '{video}'",
    "identity.set_tenant_status": "'acme', 'suspended'",
    "identity.set_subscription": """'acme', null, '{"plan": "premium"}'""",
    "identity.end_subscription": "'acme'",
}
USUAL = {"text": "'no_op'", "uuid": "'{id}'", "integer": "1", "jsonb": """'[{"job_type": "no_op"}]'""", "interval": "'1 second'", "bigint": "1", "uuid[]": "array['{id}']", "timestamp with time zone": "now()"}
PUBLIC = """
select format('%s.%s', p.pronamespace::regnamespace, p.proname), p.proargtypes::regtype[]::text[], p.pronargs - p.pronargdefaults
from pg_proc as p
where
    p.pronamespace::regnamespace::text in ('base', 'identity', 'media', 'queue', 'ops')
    and p.provolatile = 'v' and p.prorettype <> 'trigger'::regtype
    and exists (
        select from aclexplode(p.proacl) as given
        where given.grantee::regrole::text in ('reelq_app', 'reelq_worker', 'reelq_readonly')
    )
order by 1
"""


@pytest.mark.parametrize("level", ["repeatable read", "serializable"])
def test_what_decides_by_the_work_of_others_refuses_an_old_snapshot(conn, level):
    queue = Queue(conn)
    conn.execute("select identity.create_tenant('acme')")
    queue.worker("no_op")
    ids = {"id": queue.add(), "video": queue.value("select media.create_video('/a.mp4')")}
    wrong, asked = {}, set()
    for name, types, needed in conn.execute(PUBLIC).fetchall():
        asked.add(name)
        given = ARGUMENTS.get(name, ", ".join(f"{USUAL.get(kind, 'null')}::{kind}" for kind in types[:needed]))
        for word, value in ids.items():
            given = given.replace(f"{{{word}}}", str(value))
        conn.execute(f"begin isolation level {level}")
        try:
            conn.execute(f"select {name}({given})")
            told = "done"
        except psycopg.Error as error:
            told = str(error.sqlstate)
        conn.execute("rollback")
        if (told == "RQ002") == (name in ANY_LEVEL):
            wrong[name] = told
    assert wrong == {}, "each begins with `perform base.check_read_committed();`, or is in ANY_LEVEL here with the reason"
    assert ANY_LEVEL.keys() | ARGUMENTS.keys() <= asked
