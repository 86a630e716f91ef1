"""send_email: a real worker and a real mail server, with TLS and a log-in; words that are hostile; and a worker that is killed between the two."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest

from reelq.worker import settings
from reelq.worker.errors import JobError, PermanentError, SettingsError, TransientError
from reelq.worker.handlers import send_email
from reelq.worker.notices import mail
from reelq.worker.settings import Settings
from reelq.worker.stop import StopSignal
from tests.acceptance.workerkit import WorkerProcess
from tests.fakes.smtp_server import SmtpServer, smtp_server
from tests.worker import runnerkit
from tests.worker.runnerkit import ended, working

NOTICE = UUID("01976b1e-5a3c-7d4e-8f00-0123456789ab")
Conn = psycopg.Connection[Any]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SmtpServer]:
    with smtp_server(tmp_path) as one:
        yield one


@pytest.fixture
def user(conn: Conn) -> UUID:
    return value(
        conn,
        "insert into identity.users (tenant_id, email, email_verified) select id, 'ann@example.com', true from identity.tenants where slug = 'default' returning id",
    )


def value(conn: Conn, query: str, *args: Any) -> Any:
    row = conn.execute(query.encode(), args).fetchone()
    return row[0] if row else None


def load(server: SmtpServer, **other: str) -> Settings:
    return settings.load({f"REELQ_{name.upper()}": text for name, text in (server.environ | other).items()})


def notify(conn: Conn, user: UUID, title: str = "Film failed", **more: Any) -> Any:
    """A notification whose job is there; the job's id."""
    conn.execute("select queue.register_worker('able', 'h', 1, '0', 'p', 1, null, '{smtp}'), queue.deregister_worker('able')")
    made = value(conn, "select ops.send_notification(%s, %s, 'It <b>broke</b> & {{ 7*7 }}', '/videos/7', 'Look')", user, title)
    return value(conn, "select id from queue.processing_jobs where job_data ->> 'notification_id' = %s", str(made))


def parts(message: EmailMessage) -> tuple[str, str]:
    plain, html = (message.get_body([kind]) for kind in ("plain", "html"))
    assert plain is not None and html is not None
    return plain.get_content(), html.get_content()


def test_a_notification_is_mailed_once_and_marked(conn: Conn, dsn: str, server: SmtpServer, user: UUID, tmp_path: Path) -> None:
    job = notify(conn, user)
    with working(dsn, tmp_path, {"send_email": send_email}, **typed(server), app_url="https://app.example"):
        assert ended(conn, job)["result_data"] == {"sent": True}
        again = runnerkit.enqueue(conn, "send_email", tenant_id=value(conn, "select tenant_id from identity.users"), user_id=user, job_data=psycopg.types.json.Jsonb(ended(conn, job)["job_data"]))
        assert ended(conn, again)["result_data"] == {"sent": False, "because": "sent before"}
    (message,) = server.taken
    assert server.envelopes == [("videos@platform.example", ["ann@example.com"])]
    assert (message["From"], message["To"], message["Subject"]) == ('Videos & more <videos@platform.example>', "ann@example.com", "Film failed")
    plain, html = parts(message)
    assert "It <b>broke</b> & {{ 7*7 }}" in plain
    assert "Look: https://app.example/videos/7" in plain
    assert "It &lt;b&gt;broke&lt;/b&gt; &amp; {{ 7*7 }}" in html
    assert 'href="https://app.example/videos/7"' in html
    assert value(conn, "select email_sent_at is not null from ops.notifications") is True


def typed(server: SmtpServer) -> dict[str, Any]:
    """The settings as values, which flags are."""
    return {name: getattr(load(server), name) for name in server.environ}


def test_what_is_not_to_be_mailed_any_more_is_not(conn: Conn, dsn: str, server: SmtpServer, user: UUID, tmp_path: Path) -> None:
    jobs = [notify(conn, user, title) for title in ("expired", "gone", "unwanted", "unproved")]
    conn.execute("update ops.notifications set created_at = '2020-01-01', expires_at = '2020-01-02' where title = 'expired'")
    conn.execute("delete from ops.notifications where title = 'gone'")
    with working(dsn, tmp_path, {"send_email": send_email}, **typed(server)):
        conn.execute("select ops.set_notification_setting('email', false, '*', %s)", [user])
        told = [ended(conn, job)["result_data"]["because"] for job in jobs[:3]]
    assert set(told) <= {"expired", "gone", "not wanted any more", "sent before"}
    assert told[:2] == ["expired", "gone"]


def test_a_worker_killed_after_the_server_took_the_mail_sends_it_again_and_it_can_be_told(
    conn: Conn, server: SmtpServer, user: UUID, settings_env: dict[str, str], tmp_path: Path
) -> None:
    """At least once: what cannot be excluded is a second mail, with the same Message-ID. It is marked once."""
    job = notify(conn, user)
    environ = settings_env | {f"REELQ_{name.upper()}": text for name, text in server.environ.items()}
    environ |= {"REELQ_POLL_S": "0.2", "REELQ_HEARTBEAT_S": "0.2", "REELQ_SCRATCH_RESERVE_BYTES": "1MB"}

    def worker() -> WorkerProcess:
        return WorkerProcess(environ, tmp_path, "--types", "send_email", "--until-idle")

    first: list[WorkerProcess] = []
    server.on_taken = lambda: os.kill(first[0].pid, signal.SIGKILL)
    first.append(worker())
    assert first[0].wait() == -signal.SIGKILL
    assert value(conn, "select email_sent_at from ops.notifications") is None
    server.on_taken = lambda: None
    assert worker().wait() == 0
    assert [message["Message-ID"] for message in server.taken] == [server.taken[0]["Message-ID"]] * 2
    assert runnerkit.job(conn, job)["status"] == "completed"
    assert value(conn, "select email_sent_at is not null from ops.notifications") is True


def test_a_token_is_mailed_and_stands_nowhere(conn: Conn, dsn: str, server: SmtpServer, user: UUID, tmp_path: Path) -> None:
    conn.execute("select queue.register_worker('able', 'h', 1, '0', 'p', 1, null, '{smtp}'), queue.deregister_worker('able')")
    conn.execute("select ops.mail_reset('ann@example.com')")
    job = value(conn, "select id from queue.processing_jobs")
    flags = typed(server) | {"mail_token_url": "https://app.example/{purpose}#token={token}"}
    with working(dsn, tmp_path, {"send_email": send_email}, **flags):
        assert ended(conn, job)["result_data"] == {"sent": True}
    plain, html = parts(server.taken[0])
    token = plain.partition("https://app.example/reset_password#token=")[2].split()[0]
    assert token in html
    assert value(conn, "select email from identity.show_token(%s)", token) == "ann@example.com"
    tables = [row[0] for row in conn.execute("select oid::regclass::text from pg_class where relkind in ('r', 'p') and relnamespace::regnamespace::text in ('identity', 'queue', 'ops')")]
    assert [table for table in tables if value(conn, f"select exists (select from {table} as t where t::text like %s)", f"%{token}%")] == []


@pytest.mark.parametrize(
    ("answers", "kind", "code"),
    [
        ({"RCPT": "550 no such user"}, PermanentError, "recipient_refused"),
        ({"RCPT": "450 later"}, TransientError, "smtp_busy"),
        ({"DATA": "554 spam"}, PermanentError, "mail_refused"),
        ({"DATA": "421 overloaded"}, TransientError, "smtp_busy"),
        ({"MAIL": "553 not yours"}, TransientError, "smtp_refused"),
    ],
)
def test_what_the_server_says_decides_whether_it_is_tried_again(server: SmtpServer, answers: dict[str, str], kind: type[JobError], code: str) -> None:
    server.answer_to = answers
    chosen = load(server)
    with pytest.raises(kind) as caught:
        mail.send(mail.write(letter(), chosen), chosen, StopSignal())
    assert caught.value.code == code
    assert server.taken == []


@pytest.mark.parametrize(
    ("other", "code"),
    [({"smtp_password": "not the password"}, "smtp_denied"), ({"ca_file": ""}, "smtp_insecure"), ({"smtp_port": "1"}, "smtp_away"), ({"smtp_security": "tls"}, "smtp_insecure")],
)
def test_a_host_that_is_set_up_wrongly_tries_again(server: SmtpServer, other: dict[str, str], code: str) -> None:
    """A certificate of nobody that is known, a wrong password, no server: the mails wait, and none goes in the clear."""
    chosen = load(server, **other)
    with pytest.raises(TransientError) as caught:
        mail.send(mail.write(letter(), chosen), chosen, StopSignal())
    assert caught.value.code == code
    assert "not the password" not in f"{caught.value} {caught.value.detail}"


def letter(**given: Any) -> mail.Letter:
    values = {"title": "t", "message": "m", "link": None, "label": None, "tenant": "acme"}
    return mail.Letter(NOTICE, given.pop("send_to", "ann@example.com"), given.pop("subject", "s"), "notification", values | given)


@pytest.mark.parametrize("subject", ["a\r\nBcc: all@example.com", "a\nBcc: all@example.com", "a\x0bBcc: x", "a\x85b\u2028Bcc: x", "=?utf-8?q?=0ABcc?="])
def test_a_subject_ends_no_header(server: SmtpServer, subject: str) -> None:
    chosen = load(server)
    mail.send(mail.write(letter(subject=subject), chosen), chosen, StopSignal())
    (message,) = server.taken
    assert message["Bcc"] is None and message["Cc"] is None
    assert server.envelopes[0][1] == ["ann@example.com"]
    assert "\n" not in message["Subject"]


@pytest.mark.parametrize("address", ["ann@example.com\r\nBcc: x@example.com", "ann@example.com, x@example.com", "<ann@example.com>", ""])
def test_an_address_is_one_address(server: SmtpServer, address: str) -> None:
    with pytest.raises(PermanentError, match="address"):
        mail.write(letter(send_to=address), load(server))


def test_every_word_is_escaped_in_html_and_none_is_a_template(server: SmtpServer) -> None:
    bad = '"><script>alert(1)</script>{{ self }}'
    message = mail.write(letter(title=bad, message=bad, link=f"https://x.example/?{bad}", label=bad, tenant=bad), load(server))
    plain, html = parts(message)
    assert bad in plain
    assert "<script" not in html
    assert html.count("&lt;script&gt;") == 6  # title twice, message, link, label, tenant


def test_settings_that_would_send_a_password_in_the_clear_are_refused() -> None:
    for environ, told in (
        ({"REELQ_SMTP_HOST": "m", "REELQ_SMTP_FROM": "a@b.example", "REELQ_SMTP_PASSWORD": "x", "REELQ_SMTP_SECURITY": "off"}, "REELQ_SMTP_SECURITY"),
        ({"REELQ_SMTP_HOST": "m"}, "REELQ_SMTP_FROM"),
        ({"REELQ_SMTP_HOST": "m", "REELQ_SMTP_FROM": "a@b.example\nBcc: x@b.example"}, "REELQ_SMTP_FROM"),
        ({"REELQ_VAPID_PRIVATE_KEY": "k"}, "REELQ_VAPID_SUBJECT"),
        ({"REELQ_MAIL_TOKEN_URL": "https://app.example/"}, "REELQ_MAIL_TOKEN_URL"),
    ):
        with pytest.raises(SettingsError, match=told):
            settings.load(environ)
    assert settings.load({"REELQ_SMTP_HOST": "m", "REELQ_SMTP_FROM": "a@b.example", "REELQ_CAPABILITIES": "gpu"}).offered == ("gpu", "smtp")
