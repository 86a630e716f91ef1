"""reelq.webhooks: what is not genuine, or not fresh, is refused; what is has its effect once, whatever dies and whoever asks at the same time."""

from __future__ import annotations

import base64
import json
import multiprocessing
import os
import signal
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from standardwebhooks import Webhook

import reelq.webhooks
from reelq.webhooks import WebhookRefused, receive, verify
from reelq.worker.errors import BadArgument, NotFound
from tests.conftest import Connect

SECRET = "whsec_" + base64.b64encode(b"s" * 32).decode()
OLD = "whsec_" + base64.b64encode(b"o" * 32).decode()
BODY = json.dumps({"type": "video.ready", "timestamp": "2026-11-27T12:00:00Z", "data": {"video_id": "7"}})


def signed(body: str = BODY, message_id: str = "msg_1", secret: str = SECRET, at: datetime | None = None) -> dict[str, str]:
    """The headers that a sender makes."""
    at = at or datetime.now(UTC)
    return {"Webhook-Id": message_id, "WEBHOOK-TIMESTAMP": str(int(at.timestamp())), "webhook-signature": Webhook(secret).sign(message_id, at, body)}


def test_what_is_genuine_is_read() -> None:
    event = verify(signed(), BODY.encode(), SECRET)
    assert (event.id, event.type, event.data) == ("msg_1", "video.ready", {"video_id": "7"})
    assert verify(signed(secret=OLD), BODY, [SECRET, OLD]) == verify(signed(), BODY, [OLD, SECRET])  # a secret that is being changed
    two = signed(secret=OLD)
    two["webhook-signature"] = "v1a,AAAA v1,AAAA " + two["webhook-signature"]
    assert verify(two, BODY, OLD).id == "msg_1"
    assert set(reelq.webhooks.__all__) == {"Event", "WebhookRefused", "receive", "verify"}


AGO = timedelta(minutes=6)
NOW = datetime.now(UTC)


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (signed(secret=OLD), BODY),
        (signed(), BODY.replace("7", "8")),
        (signed() | {"Webhook-Id": "msg_2"}, BODY),
        (signed() | {"WEBHOOK-TIMESTAMP": str(int(NOW.timestamp()) - 1)}, BODY),
        (signed(at=NOW - AGO), BODY),
        (signed(at=NOW + AGO), BODY),
        (signed() | {"WEBHOOK-TIMESTAMP": "nan"}, BODY),
        (signed() | {"WEBHOOK-TIMESTAMP": "inf"}, BODY),
        (signed() | {"WEBHOOK-TIMESTAMP": ""}, BODY),
        (signed() | {"webhook-signature": "v1"}, BODY),
        (signed() | {"webhook-signature": "v1,a,b"}, BODY),
        (signed() | {"webhook-signature": "v1,é"}, BODY),
        (signed() | {"webhook-signature": ""}, BODY),
        ({}, BODY),
        (signed(message_id="a.b"), BODY),
        (signed(message_id="x" * 256), BODY),
        (signed(body="[1]"), "[1]"),
        (signed(body="no json"), "no json"),
        (signed(body="[" * 100_000), "[" * 100_000),
        (signed(), b"\xff\xfe"),
    ],
)
def test_what_is_not_genuine_or_not_fresh_is_refused(headers: dict[str, str], body: str | bytes) -> None:
    with pytest.raises(WebhookRefused) as caught:
        verify(headers, body, SECRET)
    assert SECRET not in str(caught.value)


def test_a_part_of_a_body_is_no_time_of_another_message() -> None:
    """What is signed is id.time.body: a recorded message, cut elsewhere, would be fresh for ever."""
    now = str(int(NOW.timestamp()))
    body = f'{{"note": "x.{now}.{{}}"}}'
    old = NOW - timedelta(days=2)
    headers = signed(body=body, at=old)
    cut = f'msg_1.{int(old.timestamp())}.{{"note": "x'
    with pytest.raises(WebhookRefused, match="webhook-id"):
        verify(headers | {"Webhook-Id": cut, "WEBHOOK-TIMESTAMP": now}, '{}"}', SECRET)


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_!!!!", "whsec_c2hvcnQ=", [OLD, "x"]])
def test_a_secret_that_is_none_is_the_receiver_s_mistake(secret: Any) -> None:
    with pytest.raises(BadArgument):
        verify(signed(), BODY, secret)


def effects(conn: psycopg.Connection[Any]) -> int:
    row = conn.execute("select count(*) from public.effects").fetchone()
    return row[0] if row else -1


@pytest.fixture
def effect_table(conn: psycopg.Connection[Any]) -> None:
    conn.execute("create table public.effects (message_id text)")


def handle(conn: psycopg.Connection[Any], headers: dict[str, str], die: str = "") -> bool:
    """As an application does it; `die` kills the process at that step."""

    def step(name: str) -> None:
        if name == die:
            os.kill(os.getpid(), signal.SIGKILL)

    with conn.transaction():
        event = receive(conn, headers, BODY, SECRET, source="platform")
        step("received")
        if event is not None:
            conn.execute("insert into public.effects values (%s)", [event.id])
            step("done")
    step("committed")
    return event is not None


def in_process(dsn: str, headers: dict[str, str], die: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as conn:
        handle(conn, headers, die)


def test_whatever_dies_at_any_step_the_effect_comes_once(conn: psycopg.Connection[Any], dsn: str, effect_table: None) -> None:
    context = multiprocessing.get_context("fork")
    left = []
    for n, step in enumerate(("received", "done", "committed")):
        headers = signed(message_id=f"msg_{n}")
        child = context.Process(target=in_process, args=(dsn, headers, step))
        child.start()
        child.join(60)
        assert child.exitcode == -signal.SIGKILL
        left.append(effects(conn) - n)
        handle(conn, headers)
        assert [handle(conn, signed(message_id=f"msg_{n}")) for _ in range(2)] == [False, False]  # sent again, with a new time
        assert effects(conn) == n + 1
    assert left == [0, 0, 1]


def test_of_many_at_once_one_has_the_effect(conn: psycopg.Connection[Any], connect: Connect, effect_table: None) -> None:
    headers, ready, told = signed(), threading.Barrier(8), []

    def run(one: psycopg.Connection[Any]) -> None:
        ready.wait(30)
        told.append(handle(one, headers))

    threads = [threading.Thread(target=run, args=[connect()]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(told) == [False] * 7 + [True]
    assert effects(conn) == 1


def test_an_effect_that_fails_leaves_the_message_to_come_again(conn: psycopg.Connection[Any], effect_table: None) -> None:
    with pytest.raises(ZeroDivisionError), conn.transaction():
        assert receive(conn, signed(), BODY, SECRET) is not None
        raise ZeroDivisionError
    with conn.transaction():
        assert receive(conn, signed(), BODY, SECRET) is not None


def test_without_a_transaction_it_is_refused(conn: psycopg.Connection[Any], connect: Connect) -> None:
    """Else message and effect would be two commits."""
    with pytest.raises(ValueError, match="transaction"):
        receive(conn, signed(), BODY, SECRET)
    app = connect()
    app.execute("set role reelq_app")
    with pytest.raises(NotFound), app.transaction():
        receive(app, signed(), BODY, SECRET)
