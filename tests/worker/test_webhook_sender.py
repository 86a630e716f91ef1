"""Endpoints that mean harm: what they send is bounded, where they point to is not gone to, and a slot is free again in time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpcore
import pytest
from standardwebhooks import Webhook

from reelq.worker.errors import StopRequested
from reelq.worker.sources.address_policy import AddressGuard
from reelq.worker.sources.http_transport import GuardedBackend
from reelq.worker.stop import StopSignal
from reelq.worker.webhooks import secrets
from reelq.worker.webhooks.answer import Failure
from reelq.worker.webhooks.connection import Place
from reelq.worker.webhooks.crowding import Crowding
from reelq.worker.webhooks.sender import Sender
from reelq.worker.webhooks.targets import Target
from tests.fakes import certificates
from tests.fakes import webhook_receiver as fake
from tests.patience import QUICK_S
from tests.worker.runnerkit import make_settings
from tests.worker.webhookkit import make_keys

EVENT = {"id": str(uuid4()), "type": "video.ready", "timestamp": "2026-11-27T11:07:34.180258Z", "data": {"title": "ä\u2028"}}
WITHIN_S = 1.0


def target_of(url: str, secret: str) -> Target:
    return Target(
        uuid4(), None, Place.of(url), "active", False, 0, timedelta(days=3), [Webhook(secret)], datetime.now(UTC), time.monotonic()
    )  # fmt: skip


@pytest.fixture
def secret(tmp_path: Path) -> str:
    return secrets.make(make_keys(tmp_path).ring).secret


@pytest.fixture
def sender(tmp_path: Path) -> Callable[..., Sender]:
    def make(*, allow_private: bool = True, **more: Any) -> Sender:
        chosen = make_settings("postgresql://nowhere/none", tmp_path, allow_private_addresses=allow_private, slots=4)
        return Sender(chosen, None, **({"within_s": WITHIN_S} | more))  # type: ignore[arg-type]  # no call here asks the database

    return make


def status(code: int, **headers: str) -> Callable[[BaseHTTPRequestHandler], None]:
    return lambda handler: fake.say(handler, code, **headers)


def hang(handler: BaseHTTPRequestHandler) -> None:
    handler.close_connection = True
    handler.rfile.read(1)  # until the other side has gone


@pytest.mark.parametrize(
    ("answer", "code", "is_endpoints"),
    [
        (fake.endless_body, None, None),
        (fake.endless_headers, "webhook_broken", True),
        (fake.endless_interim, "webhook_slow", True),
        (fake.drip, "webhook_slow", True),
        (hang, "webhook_slow", True),
        (fake.bomb, "webhook_failed", True),
        (status(302, Location="http://169.254.169.254/latest/meta-data/"), "webhook_redirected", True),
        (status(404), "webhook_failed", True),
        (status(422), "webhook_refused", False),
        (status(410), "webhook_gone", True),
        (status(503, Retry_After="7"), "webhook_busy", True),
        (status(429, Retry_After="99999999999999"), "webhook_busy", True),
    ],
    ids=lambda value: getattr(value, "__name__", None) or str(value),
)  # fmt: skip
def test_what_an_endpoint_answers_is_bounded(
    answer: Callable[[BaseHTTPRequestHandler], None], code: str | None, is_endpoints: bool | None, sender: Callable[..., Sender], secret: str
) -> None:
    """In time and bytes; and only 2xx is an arrival."""
    with fake.receiving(secret) as receiver:
        receiver.answer = answer
        began = time.monotonic()
        failure = sender().send(target_of(receiver.url, secret), EVENT, StopSignal())
        assert time.monotonic() - began < WITHIN_S + 10, "slack for a busy host; without a bound it never ends"
        assert (failure and failure.code) == code
        assert (failure and failure.is_endpoints) == is_endpoints
        assert failure is None or failure.wait_s is None or failure.wait_s <= 24 * 3600
        assert receiver.refused == []


def test_an_address_of_our_own_networks_is_refused(sender: Callable[..., Sender], secret: str) -> None:
    """By number, by name, and when only one of a name's addresses is: unless the settings allow it."""
    with fake.receiving(secret) as receiver:
        port = receiver.port
        private = sender(allow_private=False, resolve=lambda host, _: ["93.184.216.34", "10.0.0.1"] if host == "mixed.example" else [host])
        for host in ("127.0.0.1", "169.254.169.254", "[::1]", "[::ffff:127.0.0.1]", "mixed.example"):
            failure = private.send(target_of(f"http://{host}:{port}/hook?a=1", secret), EVENT, StopSignal())
            assert isinstance(failure, Failure) and failure.code == "webhook_forbidden", host
        metadata = sender(resolve=lambda _host, _port: ["169.254.169.254"])
        failure = metadata.send(target_of("http://meta.example/", secret), EVENT, StopSignal())
        assert failure is not None and failure.code == "webhook_forbidden", "never, whatever the settings say"
        assert receiver.connections == 0


def test_a_name_that_is_slow_to_say_where_it_is_holds_no_slot(sender: Callable[..., Sender], secret: str) -> None:
    """Whether its name server is silent, or it has a hundred addresses and none answers; a stop ends the look-up at once."""
    silent = threading.Event()

    def resolve(host: str, _port: int) -> list[str]:
        if host == "silent.example":
            silent.wait(60)
        return [f"127.0.0.{n}" for n in range(1, 101)]

    one = sender(resolve=resolve)
    began = time.monotonic()
    failure = one.send(target_of("https://silent.example/", secret), EVENT, StopSignal())
    assert failure is not None and failure.code == "webhook_slow" and time.monotonic() < began + QUICK_S

    stop = StopSignal()
    threading.Timer(0.1, stop.set, ["lease_lost"]).start()
    patient = sender(resolve=resolve, within_s=60)
    with pytest.raises(StopRequested):
        patient.send(target_of("https://silent.example/", secret), EVENT, stop)
    assert time.monotonic() < began + QUICK_S
    silent.set()

    given: list[float] = []

    class Deaf:
        """A network on which nothing answers."""

        def connect_tcp(self, _address: str, _port: int, timeout: float, *_more: Any) -> None:
            given.append(timeout)
            threading.Event().wait(timeout)
            raise httpcore.ConnectTimeout

    backend = GuardedBackend(AddressGuard(allow_private=True, resolve=resolve))
    backend._system = Deaf()  # type: ignore[assignment]
    with pytest.raises(httpcore.ConnectTimeout):
        backend.connect_tcp("many.example", 443, 0.2)
    assert sum(given) <= 0.21


def test_dns_that_changes_after_the_check_has_no_effect(sender: Callable[..., Sender], secret: str) -> None:
    """The connection goes to the address that was checked; a new one asks anew, and is checked anew."""
    asked: list[str] = []

    def resolve(host: str, _port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["169.254.169.254"]

    with fake.receiving(secret) as receiver:
        rebinding, target = sender(resolve=resolve), target_of(f"http://hook.example:{receiver.port}/hook?a=1", secret)
        for _ in range(3):
            assert rebinding.send(target, EVENT, StopSignal()) is None
        assert asked == ["hook.example"] and receiver.connections == 1
        rebinding._drop_kept(target.webhook_id)
        failure = rebinding.send(target, EVENT, StopSignal())
        assert failure is not None and failure.code == "webhook_forbidden"
        assert receiver.connections == 1 and receiver.refused == []


def test_a_server_that_cannot_prove_its_name_is_told_nothing(sender: Callable[..., Sender], secret: str, tmp_path: Path) -> None:
    """Not even the head; with a certificate of that name it arrives."""
    server, client = certificates.contexts("hook.example", tmp_path)

    def resolve(_host: str, _port: int) -> list[str]:
        return ["127.0.0.1"]

    with fake.receiving(secret, tls=server) as receiver:
        url = f"https://hook.example:{receiver.port}/hook?a=1"
        for stranger, place in ((sender(resolve=resolve), url), (sender(resolve=resolve, tls=client), url.replace("hook.", "other."))):
            failure = stranger.send(target_of(place, secret), EVENT, StopSignal())
            assert failure is not None and failure.code == "webhook_untrusted"
        assert receiver.received == [] and receiver.refused == []
        assert sender(resolve=resolve, tls=client).send(target_of(url, secret), EVENT, StopSignal()) is None
        assert receiver.received[0].body["data"] == EVENT["data"]


def test_a_kept_connection_that_was_closed_meanwhile_costs_nothing(sender: Callable[..., Sender], secret: str) -> None:
    """Nobody counts it as a failure of the endpoint."""
    with fake.receiving(secret) as receiver:
        one, target = sender(), target_of(receiver.url, secret)

        def close_silently(handler: BaseHTTPRequestHandler) -> None:
            fake.say(handler, 204)
            handler.close_connection = True

        receiver.answer = close_silently
        assert [one.send(target, EVENT, StopSignal()) for _ in range(5)] == [None] * 5
    failure = one.send(target, EVENT, StopSignal())
    assert failure is not None and failure.code in ("webhook_away", "webhook_broken")


def test_no_endpoint_takes_all_slots() -> None:
    """A quarter of them once it is slow; another endpoint has its own."""
    from reelq.worker.errors import SnoozeError

    crowding, hung, other = Crowding(8), uuid4(), uuid4()
    places = [crowding.place(hung) for _ in range(6)]
    for place in places:
        place.__enter__()
    with pytest.raises(SnoozeError):
        crowding.place(hung).__enter__()
    with crowding.place(other):
        pass
    for place in places[:5]:
        place.__exit__(None, None, None)
    with crowding.place(hung):
        pass
