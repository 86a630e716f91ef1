"""Deliveries by a real worker to a strict receiver: signed, in order per key, held while an endpoint fails, and never twice in effect."""

from __future__ import annotations

import threading
from datetime import timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import psycopg
import pytest

from reelq.worker.rooms.ops import webhooks as room
from reelq.worker.webhooks import secrets, sender
from tests.fakes import webhook_receiver as fake
from tests.worker.runnerkit import attempts, until, working
from tests.worker.webhookkit import MODULES, add_hook, emit, make_keys, numbers

Conn = psycopg.Connection[Any]


def flags(keys: Any, **more: Any) -> dict[str, Any]:
    return {"secrets_file": str(keys.path), "allow_private_addresses": True, "slots": 4, **more}


def test_events_arrive_signed_and_in_order_of_their_key(dsn: str, conn: Conn, tmp_path: Path) -> None:
    """Each once where nothing goes wrong, of one key in order, over few connections; both secrets sign while one takes the other's place."""
    keys = make_keys(tmp_path)
    with fake.receiving() as receiver, working(dsn, tmp_path, MODULES, **flags(keys)):
        hook = add_hook(conn, keys, receiver.url, "video.*")
        receiver.secret = hook.secret
        emit(conn, 60, key="same")
        emit(conn, 5, event_type="job.failed")
        until(lambda: len(receiver.received) == 60, "60 deliveries")
        assert numbers(receiver) == list(range(1, 61))
        assert receiver.refused == []
        assert receiver.connections <= 4
        (row,) = conn.execute("select failures, last_success_at is not null from ops.webhooks").fetchall()
        assert row == (0, True)


def test_both_secrets_sign_while_one_takes_the_others_place(dsn: str, conn: Conn, tmp_path: Path) -> None:
    """Whoever still verifies by the old one takes the delivery, and whoever has the new one too."""
    keys = make_keys(tmp_path)
    with fake.receiving() as receiver, working(dsn, tmp_path, MODULES, **flags(keys)):
        hook = add_hook(conn, keys, receiver.url)
        made = secrets.make(keys.ring)
        room.rotate_secret(conn, hook.id, made.id, made.sealed, timedelta(hours=1))
        for count, secret in enumerate((hook.secret, made.secret), 1):
            receiver.secret = secret
            emit(conn)
            until(lambda count=count: len(receiver.received) == count, "the delivery")  # type: ignore[misc]
        assert [one.signatures for one in receiver.received] == [2, 2]
        assert receiver.refused == []


def test_an_endpoint_that_hangs_costs_the_others_nothing_and_comes_back(dsn: str, conn: Conn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The others get theirs while it hangs; it is held after few requests, probed, and gets all of its own in order when it answers."""
    monkeypatch.setattr(sender, "DELIVERY_S", 0.5)
    keys, answers = make_keys(tmp_path), threading.Event()
    conn.execute("select identity.create_tenant('acme')")
    with fake.receiving() as bad, fake.receiving() as good:

        def hang(handler: BaseHTTPRequestHandler) -> None:
            handler.close_connection = True
            answers.wait(5)

        bad.answer = hang
        hooks = [add_hook(conn, keys, bad.url, tenant="acme"), add_hook(conn, keys, good.url)]
        bad.secret, good.secret = (one.secret for one in hooks)
        emit(conn, 60, key="same", tenant="acme")
        emit(conn, 60, tenant="acme", key="other:{n}")
        emit(conn, 200)
        with working(dsn, tmp_path, MODULES, **flags(keys)):
            until(lambda: len(good.received) == 200, "the others' deliveries")
            until(lambda: conn.execute("select from ops.webhooks where failing_since is not null").fetchall(), "it to be held")
            asked = conn.execute("select count(*) from queue.job_attempts where code = 'webhook_slow'").fetchone()
            assert asked is not None and asked[0] <= 12, "few slots waited for it"
            bad.answer = None
            answers.set()
            (probe,) = conn.execute("select probe_job_id from ops.webhooks where probe_job_id is not null").fetchall()
            conn.execute("select queue.run_job_now(%s)", probe)
            until(lambda: not conn.execute("select from queue.pauses").fetchall(), "the pause to end")

            def hurry() -> bool:
                """What was snoozed or waits for its next try need not be waited for here."""
                conn.execute("select queue.run_jobs_now(p_job_type => 'deliver_webhook')")
                return len(set(bad.ids)) == 120 + 1  # with the ping

            until(hurry, "its own deliveries")
            until(lambda: conn.execute("select from ops.webhooks where failing_since is not null").fetchall() == [], "it to be well")
        same = [one.body["data"]["n"] for one in bad.received if one.body["type"] == "video.ready"]
        assert len(same) >= 120
        assert bad.refused == [] and good.refused == []
        assert attempts(conn, probe[0])[-1]["outcome"] == "completed"


def test_what_ends_a_delivery_for_good(dsn: str, conn: Conn, tmp_path: Path) -> None:
    """An endpoint that is gone or off, and time; none of it emits an event of its own, but for the switch."""
    keys = make_keys(tmp_path)
    with fake.receiving() as receiver, working(dsn, tmp_path, MODULES, **flags(keys)):
        hook = add_hook(conn, keys, receiver.url, "video.*")
        receiver.secret = hook.secret
        receiver.answer = lambda handler: fake.say(handler, 410)
        emit(conn)
        codes = "select error_code from queue.processing_jobs where job_type = 'deliver_webhook' and status <> 'queued' order by id"
        until(lambda: conn.execute("select from ops.webhooks where status = 'disabled'").fetchall(), "it to be switched off")
        conn.execute("select queue.run_jobs_now(p_job_type => 'deliver_webhook')")
        until(lambda: conn.execute(codes).fetchall() == [("webhook_disabled",)], "the delivery to end")
        assert conn.execute("select event_type from ops.outbox union all select event_type from ops.events order by 1").fetchall() == [("video.ready",), ("webhook.disabled",)]
        conn.execute("select ops.enable_webhook(%s)", [hook.id])
        conn.execute("update queue.settings set value = '1 second' where name = 'webhook_expires_after'")
        receiver.answer = lambda handler: fake.say(handler, 400)
        emit(conn)

        def hurry() -> bool:
            conn.execute("select queue.run_jobs_now(p_job_type => 'deliver_webhook')")
            return conn.execute(codes).fetchall() == [("webhook_disabled",), ("webhook_expired",)]

        until(hurry, "the delivery to expire")
        conn.execute("select ops.delete_webhook(%s)", [hook.id])
        assert receiver.refused == []
