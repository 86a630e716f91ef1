"""Notifications: who is told what of which event, by which channels; whose they are; and what hostile words come to."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg import sql

from tests.conftest import Connect
from tests.sql.mediakit import Conn, refused, scalar
from tests.sql.personalkit import erase, exported
from tests.sql.queuekit import Queue
from tests.sql.rolekit import Tenant, open_as

TOLD = "select u.email, n.title, n.message, n.action_url, n.channels from ops.notifications as n inner join identity.users as u on u.id = n.user_id order by n.id"
KEY, SECRET = "B" + "A" * 86, "A" * 22


@pytest.fixture
def acme(conn: Conn) -> Tenant:
    return Tenant(conn, "acme")


def add_user(conn: Conn, tenant: Tenant, name: str, role: str = "member", **columns: Any) -> UUID:
    names = {"tenant_id": tenant.id, "email": f"{name}@{tenant.slug}.example", "role": role, **columns}
    text = sql.SQL("insert into identity.users ({}) values ({}) returning id").format(
        sql.SQL(", ").join(map(sql.Identifier, names)), sql.SQL(", ").join(sql.Placeholder() * len(names))
    )
    made = conn.execute(text, list(names.values())).fetchone()
    assert made is not None
    return made[0]  # type: ignore[no-any-return]


def emit(conn: Conn, tenant: Tenant, kind: str = "video.failed", **data: Any) -> None:
    conn.execute("select base.emit_event(%s, %s, 'k', %s)", [kind, tenant.id, json.dumps({key: str(value) for key, value in data.items()})])


def relay(conn: Conn) -> int:
    return scalar(conn, "select ops.relay_events()")  # type: ignore[no-any-return]


def offer(conn: Conn, *capabilities: str) -> None:
    Queue(conn).worker("able", capabilities=list(capabilities))


def as_user(connect: Connect, tenant: Tenant, user: UUID) -> Conn:
    conn = open_as(connect, "reelq_app", tenant)
    conn.execute("select set_config('reelq.user_id', %s, false)", [str(user)])
    return conn


def code(conn: Conn, query: str, *args: Any) -> str:
    with pytest.raises(psycopg.Error) as caught:
        conn.execute(query.encode(), args)
    return caught.value.sqlstate or ""


def test_the_owner_of_a_video_is_told_once_and_where_it_has_none_the_admins(conn: Conn, acme: Tenant) -> None:
    """The words of a video stand in no notification of anybody but its owner: they would outlive the owner's erasure."""
    add_user(conn, acme, "boss", "admin")
    add_user(conn, acme, "gone", "admin", status="suspended")
    add_user(conn, acme, "carol")
    conn.execute("update media.videos set title = 'My {error_code} film' where id = %s", [acme.video])
    emit(conn, acme, video_id=acme.video, error_code="damaged")
    emit(conn, acme, "video.ready", video_id="no-id")  # nobody's: a thing that went well is told to no admin
    emit(conn, acme, "job.failed", job_id=acme.video)  # tells nobody, as it is shipped
    assert relay(conn) == 3
    assert relay(conn) == 0
    told = [("ann@acme.example.com", "Failed: My {error_code} film", 'The video "My {error_code} film" cannot be made: damaged.', f"/videos/{acme.video}", ["in_app", "email", "push"])]
    assert conn.execute(TOLD).fetchall() == told
    conn.execute("update identity.users set status = 'suspended' where id = %s", [acme.user])
    emit(conn, acme, video_id=acme.video, error_code="damaged")
    relay(conn)
    (boss,) = conn.execute(TOLD).fetchall()[1:]
    assert boss[:2] == ("boss@acme.example", f"Failed: {acme.video}")


def test_an_event_that_names_another_tenant_s_things_tells_nobody_of_theirs(conn: Conn, acme: Tenant) -> None:
    other = Tenant(conn, "other")
    emit(conn, other, "video.ready", video_id=acme.video, user_id=acme.user, asset_id=acme.asset)
    assert relay(conn) == 1
    assert conn.execute(TOLD).fetchall() == []
    # Nor does a title go to the admins of a tenant that has learned the id of a video that is nobody's in particular.
    add_user(conn, other, "boss", "admin")
    conn.execute("update media.videos set user_id = null, title = 'Merger' where id = %s", [acme.video])
    emit(conn, other, video_id=acme.video, error_code="x")
    relay(conn)
    ((_, title, *_),) = conn.execute(TOLD).fetchall()
    assert title == "Failed:"


def test_the_owner_of_a_job_is_told_where_an_operator_wants_it(conn: Conn, acme: Tenant) -> None:
    queue = Queue(conn)
    job = queue.add(tenant_id=acme.id, user_id=acme.user, max_attempts=1)
    conn.execute("update ops.event_types set notifies = 'owner' where name = 'job.failed'")
    queue.fail(queue.take())
    relay(conn)
    assert [row[:3] for row in conn.execute(TOLD).fetchall()] == [("ann@acme.example.com", "A job failed: no_op", f"The job {job} of type no_op has failed for good: oops.")]


def test_a_channel_is_what_was_chosen_for_the_type_then_for_all_then_the_type_s_own(conn: Conn, connect: Connect, acme: Tenant) -> None:
    mine = as_user(connect, acme, acme.user)

    def channels() -> list[str]:
        with conn.transaction(force_rollback=True):
            emit(conn, acme, "video.ready", video_id=acme.video)
            relay(conn)
            found = conn.execute(TOLD).fetchone()
            return found[4] if found else []

    assert channels() == ["in_app", "push"]
    mine.execute("select ops.set_notification_setting('push', false), ops.set_notification_setting('email', true, 'video.ready')")
    assert channels() == ["in_app", "email"]
    mine.execute("select ops.set_notification_setting('push', true, 'video.ready'), ops.set_notification_setting('email', null, 'video.ready')")
    assert channels() == ["in_app", "push"]
    mine.execute("select ops.set_notification_setting(c, false), ops.set_notification_setting(c, null, 'video.ready') from unnest('{in_app,email,push}'::text[]) as c")
    assert channels() == []  # by no channel: no row
    assert scalar(mine, "select array[in_app, email, push] from ops.list_notification_settings() where type = 'video.ready'") == [False, False, False]
    assert code(mine, "select ops.set_notification_setting('sms', true)") == "RQ008"
    assert code(mine, "select ops.set_notification_setting('email', true, 'no.such')") == "RQ008"


def test_mails_and_pushes_are_enqueued_where_somebody_sends_them_and_a_suspended_tenant_stops_nobody(conn: Conn, acme: Tenant) -> None:
    """The jobs hold ids: no address, and no word of a person."""
    other = Tenant(conn, "other")
    conn.execute("update identity.users set email_verified = true")
    for user in (acme.user, other.user):
        for n in range(2):
            scalar(conn, "select ops.add_push_subscription(%s, %s, %s, 'phone', %s)", f"https://push.example/{user}/{n}", KEY, SECRET, user)

    def jobs() -> dict[str, int]:
        found = conn.execute("select job_type, count(*) from queue.processing_jobs where job_type like 'send%%' and tenant_id = %s group by 1", [acme.id])
        return dict(found.fetchall())

    emit(conn, acme, video_id=acme.video)
    relay(conn)
    assert jobs() == {}
    offer(conn, "smtp", "web_push")
    scalar(conn, "select identity.set_tenant_status('other', 'suspended')::text")
    emit(conn, other, video_id=other.video)
    emit(conn, acme, video_id=acme.video)
    assert relay(conn) == 2
    assert jobs() == {"send_email": 1, "send_push": 2}
    assert scalar(conn, "select count(*) from queue.processing_jobs where tenant_id = %s and job_type like 'send%%'", other.id) == 0
    assert scalar(conn, "select string_agg(distinct k, ',' order by k) from queue.processing_jobs, jsonb_object_keys(job_data) as k") == "notification_id,subscription_id"
    conn.execute("update identity.users set email_verified = false")  # whoever signs up with another's address sends them nothing
    emit(conn, acme, video_id=acme.video)
    relay(conn)
    assert jobs() == {"send_email": 1, "send_push": 4}


def test_a_tenant_and_its_admin_send_by_mail_and_push_and_nobody_makes_such_jobs(conn: Conn, connect: Connect, acme: Tenant) -> None:
    offer(conn, "smtp", "web_push")
    conn.execute("update identity.users set email_verified = true")
    scalar(conn, "select ops.add_push_subscription('https://push.example/1', %s, %s, 'phone', %s)", KEY, SECRET, acme.user)
    admin = add_user(conn, acme, "boss", "admin")
    for mine in (open_as(connect, "reelq_app", acme), as_user(connect, acme, admin)):
        assert scalar(mine, "select ops.send_notification(%s, 'Your order', 'It comes.')", acme.user)
        for kind in ("send_email", "send_push"):
            assert refused(mine, f"select queue.enqueue_job('{kind}')") == "RQ003"
    sent = conn.execute("select job_type, priority, user_id, count(*) from queue.processing_jobs where job_type like 'send%' group by 1, 2, 3 order by 1").fetchall()
    own = conn.execute("select job_type, priority from queue.job_types where job_type like 'send%' order by 1").fetchall()
    assert sent == [(kind, priority, acme.user, 2) for kind, priority in own]
    assert Queue(conn).rows("select * from queue.verify()") == []


def test_a_tenant_and_its_admin_notify_by_mail_and_push_too(conn: Conn, connect: Connect, acme: Tenant) -> None:
    """Though they may enqueue no job of these types by themselves; an end that no program can read is refused."""
    offer(conn, "smtp", "web_push")
    ann = add_user(conn, acme, "bea", email_verified=True)
    scalar(conn, "select ops.add_push_subscription('https://push.example/1', %s, %s, 'phone', %s)", KEY, SECRET, ann)
    conn.execute("update ops.event_types set channels = '{in_app,email,push}' where name = 'notice.sent'")
    conn.execute("update queue.job_types set limits = '{mails}' where job_type = 'send_email'")
    server, admin = open_as(connect, "reelq_app", acme), as_user(connect, acme, add_user(conn, acme, "boss", "admin"))
    for session in (server, admin):
        assert scalar(session, "select ops.send_notification(%s, 'Rent', 'Is due.')", ann)
    jobs = conn.execute("select job_type, tenant_id, user_id, limits from queue.processing_jobs where job_type like 'send%' order by job_type").fetchall()
    assert jobs == [("send_email", acme.id, ann, ["mails"])] * 2 + [("send_push", acme.id, ann, [])] * 2
    for never in ("infinity", "9000-01-02"):
        assert code(server, "select ops.send_notification(%s, 'Rent', 'Is due.', p_expires_at => %s)", ann, never) == "RQ008"


def test_users_see_and_mark_their_own_and_nobody_else_s(conn: Conn, connect: Connect, acme: Tenant) -> None:
    other = Tenant(conn, "other")
    viewer = add_user(conn, acme, "eve", "viewer")
    ids = [scalar(conn, "select ops.send_notification(%s, %s, 'words')", acme.user, f"n{n}") for n in range(3)]
    mine, theirs, foreign = as_user(connect, acme, acme.user), as_user(connect, acme, viewer), as_user(connect, other, other.user)
    assert [row[0] for row in mine.execute("select title from ops.list_notifications()").fetchall()] == ["n2", "n1", "n0"]
    assert [row[0] for row in mine.execute("select title from ops.list_notifications(p_limit => 1, p_after => %s)", [ids[1]]).fetchall()] == ["n0"]
    for stranger in (theirs, foreign):
        assert stranger.execute("select title from ops.list_notifications()").fetchall() == []
        assert stranger.execute("select id from ops.notifications").fetchall() == []
        assert scalar(stranger, "select ops.mark_read(%s)", ids) == 0  # ids of another's change nothing
        for call in ("list_notifications(%s)", "count_unread(%s)", "mark_read(null, %s)", "list_notification_settings(%s)", "set_notification_setting('push', true, '*', %s)"):
            assert code(stranger, f"select ops.{call}", acme.user) == "RQ004"
        assert code(stranger, "select ops.send_notification(%s, 't', 'm')", acme.user) == "RQ004"
    assert code(mine, "select ops.send_notification(%s, 't', 'm')", acme.user) == "RQ016"
    assert scalar(mine, "select ops.count_unread()") == 3
    assert scalar(mine, "select ops.mark_read(array[%s]::uuid[])", ids[0]) == 1
    assert scalar(mine, "select ops.count_unread()") == 2
    assert [row[0] for row in mine.execute("select title from ops.list_notifications(p_unread => true)").fetchall()] == ["n2", "n1"]
    assert scalar(mine, "select ops.mark_read(null)") == 2
    scalar(conn, "select ops.send_notification(%s, 'for eve', 'words')", viewer)
    assert scalar(theirs, "select ops.mark_read(null)") == 1  # a viewer changes nothing of the tenant's, and reads what is told


@pytest.mark.parametrize(
    "columns",
    [
        {"title": "Hello\r\nBcc: all@example.com"}, {"title": ""}, {"title": "x" * 256}, {"title": None}, {"message": ""}, {"message": "x" * 4001},
        {"url": "javascript:alert(1)"}, {"url": "//evil.example"}, {"url": "/\\evil.example"}, {"url": "data:text/html,x"}, {"url": "https://a b"}, {"url": "/x\ny"},
        {"label": "a\nb"}, {"type": "no.such"}, {"expires": "2020-01-01"},
    ],
)  # fmt: skip
def test_what_would_break_out_of_a_notification_is_refused(conn: Conn, acme: Tenant, columns: dict[str, Any]) -> None:
    given = {"title": "t", "message": "m", "url": "/ok", "label": "l", "type": "notice.sent", "expires": None, **columns}
    call = "select ops.send_notification(%s, %s, %s, %s, %s, %s, %s)"
    assert refused(conn, call, acme.user, *given.values()) == "RQ008"
    assert scalar(conn, call, acme.user, "t", "m\nm", "/ok?a=b", "l", "notice.sent", None) is not None


def test_a_title_of_a_video_breaks_out_of_nothing(conn: Conn, acme: Tenant) -> None:
    conn.execute("update media.videos set title = E'a\\r\\nBcc: x@example.com \\x7f' || repeat('y', 200) where id = %s", [acme.video])
    emit(conn, acme, video_id=acme.video)
    assert relay(conn) == 1
    (told,) = conn.execute(TOLD).fetchall()
    assert told[1].startswith("Failed: a Bcc: x@example.com y")


def test_what_an_application_s_event_says_leads_nowhere_else_and_stops_no_relay(conn: Conn, connect: Connect, acme: Tenant) -> None:
    """A value that makes a path into an address of somebody else's makes it no link; nor is a text too long, too empty or two lines."""
    add_user(conn, acme, "boss", "admin")
    scalar(conn, "select ops.add_event_type('order.paid', 'An order was paid.')::text")
    conn.execute("update ops.event_types set notifies = 'admins', title = '{x}', message = '{x}', action_url = '/{x}', action_label = '{x}' where name = 'order.paid'")
    server = open_as(connect, "reelq_app", acme)
    for said in ("/evil.example/a", "\\evil.example", "a b", "\u2028", "", "{x}", "x" * 5000, "orders/1"):
        scalar(server, "select ops.emit_event('order.paid', %s)::text", json.dumps({"x": said}))
    assert relay(conn) == 8
    links = [url for (url,) in conn.execute("select action_url from ops.notifications order by id").fetchall()]
    assert links == [None, None, None, "/", "/", "/{x}", "/" + "x" * 1999, "/orders/1"]


def test_a_push_subscription_is_what_a_browser_gives_and_moves_with_the_browser(conn: Conn, connect: Connect, acme: Tenant) -> None:
    second = add_user(conn, acme, "second")
    mine, theirs = as_user(connect, acme, acme.user), as_user(connect, acme, second)
    add = "select ops.add_push_subscription(%s, %s, %s)"
    for bad in (("http://push.example/x", KEY, SECRET), ("https://user:pw@push.example/x", KEY, SECRET), ("https://push.example/x\r\n", KEY, SECRET),
                ("https://push.example/x", "A", SECRET), ("https://push.example/x", KEY, "short"), (None, KEY, SECRET)):  # fmt: skip
        assert code(mine, add, *bad) == "RQ008"
    endpoint = "https://push.example/one"
    assert scalar(mine, add, endpoint, KEY + "=", SECRET + "==") == scalar(theirs, add, endpoint, KEY, SECRET)
    assert mine.execute("select endpoint from ops.push_subscriptions").fetchall() == []
    assert code(theirs, "select auth from ops.push_subscriptions") == "42501"
    assert scalar(mine, "select ops.remove_push_subscription(%s)", endpoint) is False
    assert scalar(theirs, "select ops.remove_push_subscription(%s)", endpoint) is True
    for n in range(22):
        scalar(mine, add, f"https://push.example/{n}", KEY, SECRET)
    left = [row[0] for row in mine.execute("select endpoint from ops.push_subscriptions order by created_at").fetchall()]
    assert left == [f"https://push.example/{n}" for n in range(2, 22)]


def test_what_has_expired_is_not_shown_and_goes(conn: Conn, acme: Tenant, clock: Any) -> None:
    clock.set("2026-11-20T12:00:00Z")
    scalar(conn, "select ops.send_notification(%s, 'a day', 'm', p_expires_at => '2026-11-21T12:00:00Z')", acme.user)
    scalar(conn, "select ops.send_notification(%s, 'as the type says', 'm')", acme.user)
    scalar(conn, "select ops.receive_message('s', 'm')")
    clock.forward(86400)
    assert [row[0] for row in conn.execute("select title from ops.list_notifications(%s)", [acme.user]).fetchall()] == ["as the type says"]
    assert scalar(conn, "select ops.count_unread(%s)", acme.user) == 1
    clock.forward(1)
    assert scalar(conn, "select ops.purge_notifications()") == 1
    assert scalar(conn, "select ops.receive_message('s', 'm')") is False
    clock.forward(30 * 86400)
    assert scalar(conn, "select ops.purge_notifications()") == 1  # the inbox forgets after 30 days
    assert scalar(conn, "select ops.receive_message('s', 'm')") is True
    clock.forward(90 * 86400)
    assert [scalar(conn, "select ops.purge_notifications(1)") for _ in range(2)] == [2, 0]
    assert scalar(conn, "select count(*) from ops.notifications") == 0


def test_two_relays_at_once_pass_on_each_event_once(conn: Conn, connect: Connect, acme: Tenant) -> None:
    for _ in range(3):
        emit(conn, acme, video_id=acme.video)
    first, second = connect(autocommit=False), connect()
    assert relay(first) == 3
    emit(conn, acme, video_id=acme.video)
    assert relay(second) == 0  # it leaves that to the one at work
    first.commit()
    assert relay(second) == 1
    assert scalar(conn, "select count(*) from ops.notifications") == 4


def test_an_export_has_them_and_an_erasure_takes_them(conn: Conn, acme: Tenant) -> None:
    scalar(conn, "select ops.send_notification(%s, 'Secret plan of Ann', 'm')", acme.user)
    scalar(conn, "select ops.add_push_subscription('https://push.example/1', %s, %s, 'phone of Ann', %s)", KEY, SECRET, acme.user)
    scalar(conn, "select ops.set_notification_setting('email', false, '*', %s)", acme.user)
    tables = {"ops.notifications", "ops.push_subscriptions", "ops.notification_settings"}
    assert tables <= exported(conn, acme.user).keys()
    erase(conn, scalar(conn, "select ops.begin_erasure(%s)", acme.user))
    assert [scalar(conn, f"select count(*) from {table}") for table in sorted(tables)] == [0, 0, 0]


# Tokens


def test_a_token_that_is_mailed_stands_in_no_job_and_in_no_table(conn: Conn, acme: Tenant) -> None:
    """Made when it is mailed; by a second try made anew, and the first is void."""
    queue = Queue(conn)
    assert refused(conn, "select ops.mail_reset('ann@acme.example.com')") == "RQ009"  # nobody sends mail
    offer(conn, "smtp")
    conn.execute("select ops.mail_reset('nobody@example.com')")
    assert queue.value("select count(*) from queue.processing_jobs") == 0
    conn.execute("select ops.mail_reset('Ann@acme.example.com')")
    conn.execute("select ops.mail_reset('ann@acme.example.com')")  # too soon: one mail
    (job,) = queue.claim("able")
    assert (job.job_type, job.job_data, job.user_id) == ("send_email", {"token": "reset_password"}, acme.user)
    first = queue.rows("select * from ops.token_to_mail(%s, %s)", job.job_id, job.token)[0]
    assert first.send_to == "ann@acme.example.com"
    assert queue.value("select email from identity.show_token(%s)", first.token) == "ann@acme.example.com"
    assert refused(conn, "select * from ops.token_to_mail(%s, %s)", job.job_id, job.token + 1) == "RQ001"
    second = queue.rows("select * from ops.token_to_mail(%s, %s)", job.job_id, job.token)[0]
    assert refused(conn, "select identity.show_token(%s)", first.token) == "RQ014"
    assert queue.value("select purpose from identity.show_token(%s)", second.token) == "reset_password"
    conn.execute("update identity.one_time_tokens set used_at = base.clock()")
    assert queue.rows("select * from ops.token_to_mail(%s, %s)", job.job_id, job.token) == []
    conn.execute("update identity.one_time_tokens set used_at = null, expires_at = base.clock()")
    assert queue.rows("select * from ops.token_to_mail(%s, %s)", job.job_id, job.token) == []
    queue.complete(job)


def test_a_viewer_proves_an_address_and_an_admin_invites(conn: Conn, connect: Connect, acme: Tenant) -> None:
    offer(conn, "smtp")
    viewer, boss = add_user(conn, acme, "eve", "viewer"), add_user(conn, acme, "boss", "admin")
    assert scalar(as_user(connect, acme, viewer), "select ops.mail_verification(%s)", viewer) is True
    assert scalar(as_user(connect, acme, viewer), "select ops.mail_verification(%s)", viewer) is False
    assert code(as_user(connect, acme, viewer), "select ops.mail_invitation('new@acme.example')") == "RQ016"
    invited = scalar(as_user(connect, acme, boss), "select ops.mail_invitation('new@acme.example')")
    found = conn.execute("select user_id, job_data ->> 'token' from queue.processing_jobs order by id").fetchall()
    assert found == [(viewer, "verify_email"), (invited, "invitation")]


def test_whether_something_is_sent_is_asked_when_it_is_sent(conn: Conn, connect: Connect, acme: Tenant) -> None:
    """Of the job's own tenant, to the user's own browser, and only while they may and want to hear of it."""
    other, queue = Tenant(conn, "other"), Queue(conn)
    queue.worker("able", capabilities=["smtp", "web_push"])
    ann, bea = add_user(conn, acme, "ann2", email_verified=True), add_user(conn, acme, "bea", email_verified=True)
    phone = scalar(conn, "select ops.add_push_subscription('https://push.example/1', %s, %s, 'phone', %s)", KEY, SECRET, ann)
    conn.execute("update ops.event_types set channels = '{in_app,email,push}' where name = 'notice.sent'")
    notice = scalar(conn, "select ops.send_notification(%s, 'Rent', 'Is due.')", ann)
    forged = json.dumps({"notification_id": str(notice), "subscription_id": str(phone)})
    for kind, data in (("send_email", json.dumps({"notification_id": str(notice)})), ("send_push", forged)):
        conn.execute("insert into queue.processing_jobs (job_type, tenant_id, job_data) values (%s, %s, %s)", [kind, other.id, data])
    jobs = {(job.job_type, job.tenant_id): job for job in queue.claim("able", 10)}
    assert len(jobs) == 4

    def asked(kind: str, tenant: Tenant = acme) -> list[Any]:
        job = jobs[kind, tenant.id]
        return [row.not_sent_because for row in queue.rows(f"select * from ops.{'mail' if kind == 'send_email' else 'push'}_to_send(%s, %s)", job.job_id, job.token)]

    assert asked("send_email") == asked("send_push") == [None]
    assert asked("send_email", other) == asked("send_push", other) == [], "another tenant's notification is none"
    changes = [
        ("update identity.users set email_verified = false where id = %s", "send_email", ["address not proved"]),
        ("update identity.users set status = 'suspended' where id = %s", "send_push", ["user cannot log in"]),
        ("update ops.notifications set read_at = base.clock() where user_id = %s", "send_push", ["read before"]),
        ("update ops.notifications set email_sent_at = base.clock() where user_id = %s", "send_email", ["sent before"]),
        ("insert into ops.notification_settings (tenant_id, user_id, type, channel, is_on) select tenant_id, id, '*', c, false from identity.users, unnest('{email,push}'::text[]) as c where id = %s", "send_email", ["not wanted any more"]),
        (f"update ops.push_subscriptions set user_id = '{bea}' where user_id = %s", "send_push", []),
        ("update ops.notifications set expires_at = created_at + interval '1 us' where user_id = %s", "send_email", ["expired"]),
    ]  # fmt: skip
    for change, kind, said in changes:
        with conn.transaction(force_rollback=True):
            conn.execute(change.encode(), [ann])
            assert asked(kind) == said, change
    assert asked("send_email") == asked("send_push") == [None]


def test_a_tenant_floods_no_address_with_tokens(conn: Conn, connect: Connect, acme: Tenant) -> None:
    """Neither by accounts that it makes and deletes, nor by those that are all to be verified there, nor by transactions at once; another tenant may still."""
    offer(conn, "smtp")
    server, other = open_as(connect, "reelq_app", acme), open_as(connect, "reelq_app", Tenant(conn, "other"))
    users = [add_user(conn, acme, f"u{n}") for n in range(4)]
    for n in range(2):
        scalar(server, "select identity.delete_user(ops.mail_invitation('eve@victim.example'))::text")
        assert scalar(server, "select ops.mail_verification(%s, 'EVE@victim.example')", users[n]) is True
    second = open_as(connect, "reelq_app", acme)
    second.execute("set lock_timeout = '300ms'")
    with server.transaction():
        assert scalar(server, "select ops.mail_verification(%s, 'eve@victim.example')", users[2]) is True
        assert code(second, "select ops.mail_verification(%s, 'eve@victim.example')", users[3]) == "55P03", "it waits for the fifth"
    assert code(server, "select ops.mail_verification(%s, 'eve@victim.example')", users[3]) == "RQ015"
    assert code(server, "select ops.mail_invitation('eve@victim.example')") == "RQ015"
    assert scalar(other, "select ops.mail_invitation('eve@victim.example')")
    assert scalar(server, "select ops.mail_verification(%s, 'somebody@else.example')", users[3]) is True
    conn.execute("update ops.token_mails set created_at = created_at - interval '61 minutes'")
    assert scalar(server, "select ops.mail_invitation('eve2@victim.example')")
    conn.execute("update ops.token_mails set created_at = created_at - interval '2 days'")
    assert scalar(conn, "select ops.purge_notifications()") == 8


# What is read behind the relay


def test_an_event_that_commits_late_is_behind_what_was_read(conn: Conn, connect: Connect, acme: Tenant) -> None:
    """Its number in the outbox is lower; its position is not."""
    early = connect(autocommit=False)
    emit(early, acme, n=1)
    emit(conn, acme, n=2)
    relay(conn)
    app = open_as(connect, "reelq_app", acme)
    after, told = app.execute("select relay_position, data ->> 'n' from ops.events_after()").fetchall()[-1]
    assert told == "2"
    early.commit()
    relay(conn)
    assert [row[0] for row in app.execute("select data ->> 'n' from ops.events_after(%s)", [after]).fetchall()] == ["1"]
    assert open_as(connect, "reelq_app", Tenant(conn, "other")).execute("select * from ops.events_after()").fetchall() == []
    assert as_user(connect, acme, acme.user).execute("select * from ops.events_after()").fetchall() == []  # a member is told what is theirs


def test_programs_are_notified_once_a_batch_with_the_newest_id_alone(conn: Conn, connect: Connect, acme: Tenant) -> None:
    other = Tenant(conn, "other")
    listener = connect()
    for tenant in (acme, other):
        listener.execute(sql.SQL("listen {}").format(sql.Identifier(f"reelq_events_{tenant.id.hex}")))
    for n in range(3):
        emit(conn, acme, n=n)
    emit(conn, other, "video.ready")
    conn.execute("select base.emit_event('job.failed', null, 'k', '{}')")
    assert relay(conn) == 5
    newest = {row[0]: str(row[1]) for row in conn.execute("select distinct on (tenant_id) tenant_id, event_id from ops.events order by tenant_id, relay_position desc").fetchall()}
    told = {(one.channel, one.payload) for one in listener.notifies(timeout=5, stop_after=2)}
    assert told == {(f"reelq_events_{tenant.id.hex}", newest[tenant.id]) for tenant in (acme, other)}


def test_a_relay_is_no_tenant_s(conn: Conn, acme: Tenant) -> None:
    emit(conn, acme)
    conn.execute("select set_config('reelq.tenant_id', %s, false)", [str(acme.id)])
    assert refused(conn, "select ops.relay_events()") == "42501"
    conn.execute("select set_config('reelq.tenant_id', '', false)")


# The inbox


def test_a_message_has_its_effect_once_of_two_at_once_and_after_one_that_was_undone(conn: Conn, connect: Connect, acme: Tenant) -> None:
    first, second = connect(autocommit=False), connect(autocommit=False)
    receive = "select ops.receive_message('payments', 'msg_1')"
    assert scalar(first, receive) is True
    with pytest.raises(psycopg.errors.LockNotAvailable):  # it waits for the first
        second.execute("set local lock_timeout = '50ms'")
        second.execute(receive)
    second.rollback()
    first.rollback()
    assert scalar(second, receive) is True
    second.commit()
    assert scalar(first, receive) is False
    first.rollback()
    for tenant in (acme, Tenant(conn, "other")):  # each tenant's own: nobody takes another's message away
        app = open_as(connect, "reelq_app", tenant)
        assert [scalar(app, receive) for _ in range(2)] == [True, False]
    assert code(open_as(connect, "reelq_app"), receive) == "RQ004"
    assert code(conn, "select ops.receive_message('', 'x')") == "RQ008"
    assert code(as_user(connect, acme, add_user(conn, acme, "eve", "viewer")), "select ops.receive_message('payments', 'msg_2')") == "RQ016"
