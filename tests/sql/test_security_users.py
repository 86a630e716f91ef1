"""Users within a tenant: what is another user's is answered like what is not there, in no list, and not to be changed; a viewer changes nothing."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from tests.conftest import Connect
from tests.sql.mediakit import Conn, refused, scalar
from tests.sql.queuekit import Queue, Race
from tests.sql.rolekit import Tenant, open_as
from tests.sql.test_security_tenants import BY_ASSET, BY_JOB, BY_USER, BY_VIDEO, told

VIDEO = ["select queue.cancel_run(%s)", "select queue.delete_video(%s)", "select queue.rerun_video(%s)"]
JOB = ["select queue.run_job_now(%s)", "select queue.reschedule_job(%s, now())", "select job_id from queue.cancel_jobs(p_job_ids => array[%s]::uuid[])"]
ALIKE = [*((text, "video") for text in [*BY_VIDEO, *VIDEO]), *((text, "asset") for text in BY_ASSET),
         *((text, "user") for text in BY_USER), *((text, "job") for text in [*BY_JOB, *JOB[:2]])]  # fmt: skip


@pytest.fixture
def acme(conn: Conn) -> Tenant:
    """Its user, Ann, owns its video."""
    return Tenant(conn, "acme")


@pytest.fixture
def job(conn: Conn, acme: Tenant) -> UUID:
    """Ann's."""
    made: UUID = Queue(conn).add(video_id=acme.video)
    return made


def enter(connect: Connect, acme: Tenant, user: UUID | str, role: str = "reelq_app") -> Conn:
    """A connection that acts for a user of acme."""
    conn = open_as(connect, role, acme)
    conn.execute("select set_config('reelq.user_id', %s, false)", [str(user)])
    return conn


def user(conn: Conn, acme: Tenant, role: str) -> UUID:
    made: UUID = scalar(conn, "insert into identity.users (tenant_id, email, role) values (%s, %s, %s) returning id", acme.id, f"{uuid4().hex}@x.example", role)
    return made


@pytest.mark.parametrize(("text", "what"), ALIKE)
def test_what_is_another_user_s_is_answered_like_what_is_not_there(conn: Conn, connect: Connect, acme: Tenant, job: UUID, text: str, what: str) -> None:
    """By their id, and also where an idempotency key is taken."""
    Queue(conn).add(video_id=acme.video, idempotency_key="k")
    ids: dict[str, UUID] = {"video": acme.video, "asset": acme.asset, "user": acme.user, "job": job}
    acting = enter(connect, acme, user(conn, acme, "member"))
    assert told(acting, text, ids[what]) == told(acting, text, uuid4())


@pytest.mark.parametrize("who", ["nonsense", "01a219fc-4015-77ae-b633-000000000000"])
@pytest.mark.parametrize(("text", "what"), ALIKE)
def test_whoever_is_nobody_in_the_tenant_is_refused_alike(connect: Connect, acme: Tenant, job: UUID, text: str, what: str, who: str) -> None:
    ids: dict[str, UUID] = {"video": acme.video, "asset": acme.asset, "user": acme.user, "job": job}
    acting = enter(connect, acme, who)
    assert told(acting, text, ids[what]) == told(acting, text, uuid4())


LISTS = ["select id from media.list_videos()", "select id from queue.list_jobs()", "select id from queue.list_jobs('queued')", "select id from queue.list_jobs('running')",
         "select id from queue.list_jobs('failed')", "select id from queue.list_jobs(p_place => 'ready')", "select job_id from queue.running_jobs()",
         "select job_id from queue.recent_failures()", "select id from queue.list_history()", "select id from queue.all_jobs", "select video_id from media.video_overview",
         "select id from queue.list_jobs(p_video_id => '{video}')", "select id from queue.list_history(p_video_id => '{video}')",
         "select job_id from queue.job_names(array(select '{job}'::uuid union all select '{failed}'::uuid union all select '{archived}'::uuid))",
         "select 1 from queue.count_jobs() where jobs > 0", "select * from queue.cancel_jobs(p_all => true, p_dry_run => true)",
         "select * from queue.retry_jobs(p_all => true, p_dry_run => true)"]  # fmt: skip


def test_lists_show_a_member_theirs_and_an_admin_all(conn: Conn, connect: Connect, acme: Tenant, job: UUID, clock: Any) -> None:
    """Each list shows something to Ann, the same to the tenant's admin and to the tenant itself, and nothing to another member."""
    queue = Queue(conn)
    archived, failed = queue.add(video_id=acme.video, priority=1), queue.add(video_id=acme.video, priority=1)
    queue.worker()
    queue.complete(queue.take())
    clock.forward(2 * 86400)
    assert queue.value("select queue.archive_jobs()") == 1
    queue.worker("w2")
    queue.fail(queue.take("w2"), "permanent")
    queue.add(video_id=acme.video, priority=1)
    queue.take("w2")  # runs
    ann, bob = acme.user, user(conn, acme, "member")
    boss, tenant = user(conn, acme, "admin"), ""
    texts = [text.format(video=acme.video, job=job, failed=failed, archived=archived) for text in LISTS]
    shown = {name: {text: enter(connect, acme, who).execute(text.encode()).fetchall() for text in texts} for name, who in
             (("ann", ann), ("bob", bob), ("boss", boss), ("tenant", tenant))}  # fmt: skip
    assert {text: rows for text, rows in shown["bob"].items() if rows} == {}
    assert [text for text, rows in shown["ann"].items() if not rows] == []
    assert shown["ann"] == shown["boss"] == shown["tenant"]


@pytest.mark.parametrize(
    "text",
    ["select queue.enqueue_job('no_op')", "insert into queue.processing_jobs (job_type) values ('no_op')", "select queue.ingest_video('http://x/a.mp4')",
     """select queue.enqueue_jobs('[{"job_type": "no_op"}]')""", "select queue.cancel_job('{job}')", "select queue.cancel_jobs(p_all => true)",
     "select queue.retry_job('{job}')", "select queue.reprioritise_job('{job}', 7)", "select queue.delete_video('{video}')", "select queue.rerun_video('{video}')",
     "select queue.cancel_run('{video}')", "select queue.run_job_now('{job}')", "select queue.reschedule_job('{job}', now())"],
)  # fmt: skip
def test_a_viewer_changes_nothing_of_their_own_either(conn: Conn, connect: Connect, acme: Tenant, job: UUID, text: str) -> None:
    conn.execute("update identity.users set role = 'viewer' where id = %s", [acme.user])
    acting = enter(connect, acme, acme.user)
    assert scalar(acting, "select count(*) from queue.list_jobs()") == 1
    assert refused(acting, text.replace("{job}", str(job)).replace("{video}", str(acme.video))) == "RQ016"


@pytest.mark.parametrize("many", [False, True])
def test_what_a_member_enqueues_is_theirs(conn: Conn, connect: Connect, acme: Tenant, many: bool) -> None:
    bob = user(conn, acme, "member")
    acting = enter(connect, acme, bob)
    text = """select job_id from queue.enqueue_jobs('[{"job_type": "no_op"}, {"job_type": "no_op"}]')""" if many else "select queue.enqueue_job('no_op')"
    made = [row[0] for row in acting.execute(text.encode()).fetchall()]
    assert conn.execute("select distinct user_id from queue.processing_jobs where id = any(%s)", [made]).fetchall() == [(bob,)]
    video = scalar(acting, "select queue.ingest_video('http://x/a.mp4')")
    owners: list[Any] = conn.execute("select v.user_id, a.owner_user_id from media.videos as v join media.assets as a on a.id = v.asset_id where v.id = %s", [video]).fetchall()
    assert owners == [(bob, bob)]
    assert {row[0] for row in acting.execute("select user_id from queue.processing_jobs").fetchall()} == {bob}


def test_figures_of_a_whole_tenant_are_for_its_admins(conn: Conn, connect: Connect, acme: Tenant) -> None:
    for text in ("select * from queue.tenant_depth()", "select * from queue.tenant_rates()"):
        assert refused(enter(connect, acme, acme.user), text) == "RQ016"
        assert enter(connect, acme, user(conn, acme, "admin")).execute(text.encode()).fetchall() is not None


def test_an_admin_elsewhere_is_nobody_here(conn: Conn, connect: Connect, acme: Tenant) -> None:
    """Neither by policies nor by functions."""
    rival = Tenant(conn, "rival")
    conn.execute("update identity.users set role = 'admin' where id = %s", [rival.user])
    acting = enter(connect, acme, rival.user)
    assert scalar(acting, "select identity.member_role()") is None
    assert [scalar(acting, f"select count(*) from {name}") for name in ("media.videos", "identity.users", "media.list_videos()")] == [0, 0, 0]


def test_a_change_of_role_counts_at_once(conn: Conn, connect: Connect, acme: Tenant, job: UUID) -> None:
    """Also for a connection that is open."""
    bob = user(conn, acme, "admin")
    acting = enter(connect, acme, bob)
    assert scalar(acting, "select count(*) from media.videos") == 1
    conn.execute("update identity.users set role = 'member' where id = %s", [bob])
    assert scalar(acting, "select count(*) from media.videos") == 0


def test_a_user_who_is_suspended_amid_a_pipeline_is_told_so_and_leaves_nothing(conn: Conn, connect: Connect, acme: Tenant) -> None:
    """Not of a parent that is not there: it is, and they have just enqueued it, and see it no more."""
    acting, holder = enter(connect, acme, acme.user), connect()
    with holder.transaction(force_rollback=True):
        holder.execute(
            "insert into queue.processing_jobs (job_type, tenant_id, idempotency_key) values ('no_op', %s, %s)", [acme.id, f"pipeline:standard:{acme.video}:r:probe"]
        )
        race = Race(Queue(acting), lambda q: q.value("select queue.enqueue_pipeline('standard', %s, run => 'r')", acme.video)).start_and_wait_until_blocked(Queue(connect()))
        conn.execute("select identity.set_user_status(%s, 'suspended')", [acme.user])
    with pytest.raises(psycopg.Error) as error:
        race.finish()
    assert error.value.sqlstate == "RQ016"
    assert scalar(conn, "select count(*) from queue.processing_jobs where video_id = %s", acme.video) == 0
