"""send_push: a real worker, and a push service that checks the signature and decrypts; endpoints are strangers' addresses."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest

from reelq.worker import settings
from reelq.worker.errors import JobError, PermanentError, RateLimitedError, StopRequested, TransientError
from reelq.worker.handlers import send_push
from reelq.worker.notices import push
from reelq.worker.stop import StopSignal
from tests.acceptance.workerkit import WorkerProcess
from tests.fakes.push_service import PushService, push_service
from tests.patience import QUICK_S
from tests.worker import runnerkit
from tests.worker.runnerkit import ended, working

NOTICE = UUID("01976b1e-5a3c-7d4e-8f00-0123456789ab")
SOON = datetime.now(UTC) + timedelta(days=90)
Conn = psycopg.Connection[Any]


@pytest.fixture
def service(tmp_path: Path) -> Iterator[PushService]:
    with push_service(tmp_path) as one:
        yield one
    assert one.wrong == []


@pytest.fixture
def user(conn: Conn) -> UUID:
    return value(conn, "insert into identity.users (tenant_id, email) select id, 'ann@example.com' from identity.tenants where slug = 'default' returning id")  # type: ignore[no-any-return]


def value(conn: Conn, query: str, *args: Any) -> Any:
    row = conn.execute(query.encode(), args).fetchone()
    return row[0] if row else None


def load(service: PushService, **other: str) -> settings.Settings:
    return settings.load({f"REELQ_{name.upper()}": text for name, text in (service.environ | other).items()})


def typed(service: PushService) -> dict[str, Any]:
    return {name: getattr(load(service), name) for name in service.environ}


def subscribe(conn: Conn, service: PushService, user: UUID, path: str = "one", keys: tuple[str, str] | None = None) -> Any:
    return value(conn, "select ops.add_push_subscription(%s, %s, %s, null, %s)", service.endpoint(path), *(keys or service.keys), user)


def notify(conn: Conn, user: UUID, message: str = "It is ready.") -> list[Any]:
    """A notification whose jobs are there; the jobs' ids."""
    conn.execute("select queue.register_worker('able', 'h', 1, '0', 'p', 1, null, '{web_push}'), queue.deregister_worker('able')")
    made = value(conn, "select ops.send_notification(%s, 'Film', %s, '/videos/7')", user, message)
    found = conn.execute("select id from queue.processing_jobs where job_data ->> 'notification_id' = %s order by id", [str(made)]).fetchall()
    return [row[0] for row in found]


def send(service: PushService, endpoint: str | None = None, *, stop: StopSignal | None = None, resolve: Any = None, keys: tuple[str, str] | None = None, **other: str) -> None:
    to = push.Subscription(endpoint or service.endpoint(), *(keys or service.keys))
    more = {"resolve": resolve} if resolve else {}
    told = push.content({"message": "m"})
    push.send(to, told, topic=NOTICE, expires_at=SOON, settings=load(service, **other), stop=stop or StopSignal(), **more)


def test_a_browser_reads_what_was_pushed_and_one_that_is_gone_is_forgotten(conn: Conn, dsn: str, service: PushService, user: UUID, tmp_path: Path) -> None:
    for path in ("one", "gone", "missing"):
        subscribe(conn, service, user, path)
    subscribe(conn, service, user, "no_point_of_the_curve", ("B" + "A" * 86, "A" * 22))
    service.answers = {"/gone": (410, {}), "/missing": (404, {})}
    jobs = notify(conn, user, "x" * 3000 + "🎬" * 500)
    with working(dsn, tmp_path, {"send_push": send_push}, **typed(service)):
        results = [ended(conn, job)["result_data"] for job in jobs]
    assert sorted(result["sent"] for result in results) == [False, False, False, True]
    (shown,) = service.shown
    assert (shown["title"], shown["action_url"], shown["type"]) == ("Film", "/videos/7", "notice.sent")
    assert shown["message"].startswith("xxx")
    assert shown["id"] == str(value(conn, "select id from ops.notifications"))
    assert conn.execute("select endpoint from ops.push_subscriptions").fetchall() == [(service.endpoint("one"),)]
    assert value(conn, "select push_sent_at is not null from ops.notifications") is True


def test_a_worker_killed_after_the_service_took_it_pushes_again_under_the_same_topic(
    conn: Conn, service: PushService, user: UUID, settings_env: dict[str, str], tmp_path: Path
) -> None:
    """At least once: a browser that was away is shown one, since the service keeps the last of a topic."""
    subscribe(conn, service, user)
    (job,) = notify(conn, user)
    environ = settings_env | {f"REELQ_{name.upper()}": text for name, text in service.environ.items()}
    environ |= {"REELQ_POLL_S": "0.2", "REELQ_HEARTBEAT_S": "0.2", "REELQ_SCRATCH_RESERVE_BYTES": "1MB"}

    def worker() -> WorkerProcess:
        return WorkerProcess(environ, tmp_path, "--types", "send_push", "--until-idle")

    service.hangs = threading.Event()  # it has the message, and says nothing yet
    first = worker()
    runnerkit.until(lambda: service.asked, "the message")
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    service.hangs.set()
    assert worker().wait() == 0
    runnerkit.until(lambda: len(service.shown) == 2, "both")
    assert len(set(service.topics)) == 1
    assert len({shown["id"] for shown in service.shown}) == 1
    assert runnerkit.job(conn, job)["status"] == "completed"


@pytest.mark.parametrize(
    ("status", "headers", "kind", "code"),
    [
        (429, {"Retry-After": "120"}, RateLimitedError, "push_busy"),
        (503, {}, TransientError, "push_away"),
        (403, {}, PermanentError, "push_refused"),
        (413, {}, PermanentError, "push_refused"),
        (302, {"Location": "http://169.254.169.254/"}, PermanentError, "push_refused"),
    ],
)
def test_what_the_service_says_decides_and_no_redirect_is_followed(
    service: PushService, status: int, headers: dict[str, str], kind: type[JobError], code: str
) -> None:
    service.answers["/one"] = (status, headers)
    with pytest.raises(kind) as caught:
        send(service)
    assert caught.value.code == code
    assert service.asked == ["/one"]


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "::ffff:127.0.0.1", "224.0.0.1", "0.0.0.0"])
def test_a_name_that_leads_into_a_network_of_ours_is_not_connected_to(service: PushService, address: str) -> None:
    """One private address among public ones is enough."""
    with pytest.raises(PermanentError) as caught:
        send(service, resolve=lambda _host, _port: ["93.184.215.14", address], allow_private_addresses="no")
    assert caught.value.code == "address_refused"
    assert service.asked == []


def test_a_name_is_asked_for_once(service: PushService) -> None:
    """What it is at the check is what is connected to, whatever it is the moment after."""
    answers = iter([["127.0.0.1"]])
    send(service, resolve=lambda _host, _port: next(answers))
    assert len(service.shown) == 1


def test_a_service_that_is_silent_is_left_and_at_once_when_the_attempt_ends(service: PushService, monkeypatch: pytest.MonkeyPatch) -> None:
    service.hangs = threading.Event()
    monkeypatch.setattr(push, "PUSH_S", 0.3)
    with pytest.raises(TransientError) as caught:
        send(service)
    assert caught.value.code == "push_away"
    monkeypatch.setattr(push, "PUSH_S", 60)
    stop = StopSignal()
    asked = len(service.asked)

    def cancel() -> None:
        runnerkit.until(lambda: len(service.asked) > asked)
        stop.set("cancelled")

    timer = threading.Thread(target=cancel)
    timer.start()
    began = datetime.now(UTC)
    with pytest.raises(StopRequested):
        send(service, stop=stop)
    timer.join()
    assert (datetime.now(UTC) - began).total_seconds() < QUICK_S
    service.hangs.set()


def test_a_key_that_is_none_is_told_without_it(service: PushService) -> None:
    with pytest.raises(TransientError) as caught:
        send(service, vapid_private_key="bm90IGEga2V5IGF0IGFsbA")
    assert caught.value.code == "push_misconfigured"
    assert caught.value.__cause__ is None
    assert service.asked == []
