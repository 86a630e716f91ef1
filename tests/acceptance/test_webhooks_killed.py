"""Deliveries with the worker killed and the database gone at every step: at least once, and in order of each key."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import psycopg

from demo import postgres
from reelq.worker.db import schema
from tests.acceptance.workerkit import UNHURRIED, WorkerProcess, environment, rows, until, workers
from tests.fakes import webhook_receiver as fake
from tests.worker.webhookkit import add_hook, make_keys

Conn = psycopg.Connection[Any]
Start = Callable[..., WorkerProcess]
KEYS, EACH = 5, 8
EMIT = (
    "select base.emit_event('video.ready', (select id from identity.tenants where slug = 'default'), 'thing:' || n %% %s, jsonb_build_object('n', n))"
    " from generate_series(1, %s) as n order by n"
)


def delivery(keys: Any) -> dict[str, str]:
    return {"REELQ_SECRETS_FILE": str(keys.path), "REELQ_ALLOW_PRIVATE_ADDRESSES": "yes", "REELQ_SLOTS": "3", "REELQ_TYPES": "deliver_webhook,probe_webhook"}


def assert_at_least_once_and_in_order(receiver: fake.Receiver) -> None:
    """Every event, and of a key none before an earlier one has been there; again is allowed, back is not."""
    assert receiver.refused == []
    assert {one.body["data"]["n"] for one in receiver.received} == set(range(1, KEYS * EACH + 1))
    for key in range(KEYS):
        seen = [one.body["data"]["n"] for one in receiver.received if one.body["data"]["n"] % KEYS == key]
        assert seen == sorted(seen), f"key {key}: {seen}"
    for n in range(1, KEYS * EACH + 1):
        assert len({one.id for one in receiver.received if one.body["data"]["n"] == n}) == 1, "again means with the same id"


def test_kill_9_before_and_after_the_answer(conn: Conn, start: Start, tmp_path: Path) -> None:
    """Between request and answer, and between answer and settlement, several times."""
    keys = make_keys(tmp_path)
    conn.execute("update queue.retry_policies set base = '1 second', cap = '1 second' where error_class = 'worker_lost' and job_type = '*'")
    running: list[WorkerProcess] = []
    killed = threading.Semaphore(0)
    with fake.receiving() as receiver:
        hook = add_hook(conn, keys, receiver.url)
        receiver.secret = hook.secret
        verified = receiver.take
        lock = threading.Lock()
        kills = {12: "before", 25: "after"}  # so many have been there → the worker dies before or after it has the answer

        def take(handler: BaseHTTPRequestHandler) -> None:
            with lock:
                kill = kills.pop(len(receiver.received), None)
                if kill == "before":
                    receiver.answer = lambda one: os.kill(running[-1].pid, signal.SIGKILL)
                verified(handler)
                receiver.answer = None
                if kill == "after":
                    os.kill(running[-1].pid, signal.SIGKILL)
                if kill:
                    handler.close_connection = True
                    killed.release()

        receiver.take = take  # type: ignore[method-assign]
        conn.execute(EMIT, [KEYS, KEYS * EACH])
        for _ in range(3):
            running.append(start(**delivery(keys)))  # not when it says that it has started: it delivers at once, and may be dead by then
            if len(running) < 3:
                assert killed.acquire(timeout=60)
                running[-1].process.wait()
        until(lambda: rows(conn, "select count(*) as n from queue.processing_jobs where status = 'completed'")[0]["n"] == KEYS * EACH, "all deliveries")
        assert_at_least_once_and_in_order(receiver)
        assert rows(conn, "select from queue.job_attempts where outcome = 'lost'"), "somebody was killed in the middle"
        assert rows(conn, "select from ops.outbox") == []


def test_the_database_crashes_in_the_middle(tmp_path: Path) -> None:
    """Events that were committed are delivered, though the server crashed while the relay and deliveries were under way."""
    keys = make_keys(tmp_path)
    with postgres.throwaway(durable=True) as server, fake.receiving() as receiver:
        with psycopg.connect(server.url(), autocommit=True) as conn:
            schema.install(conn)
            hook = add_hook(conn, keys, receiver.url)
            receiver.secret = hook.secret
            conn.execute(EMIT, [KEYS, KEYS * EACH])
        environ = (
            environment()
            | UNHURRIED
            | delivery(keys)
            | {"DATABASE_URL": server.url(), "REELQ_STORE": (tmp_path / "objects").as_uri(), "REELQ_SCRATCH": str(tmp_path / "scratch"), "REELQ_LOG_FORMAT": "json"}
        )
        with workers(environ, tmp_path) as start:
            worker = start().started()
            until(lambda: len(receiver.received) >= 10, "some deliveries")
            server.restart(signal.SIGQUIT)
            with psycopg.connect(server.url(), autocommit=True) as conn:
                until(lambda: rows(conn, "select count(*) as n from queue.processing_jobs where status = 'completed'")[0]["n"] == KEYS * EACH, "all deliveries")
                assert rows(conn, "select * from queue.verify()") == []
            assert_at_least_once_and_in_order(receiver)
            worker.signal(signal.SIGTERM)
            assert worker.wait() == 0
