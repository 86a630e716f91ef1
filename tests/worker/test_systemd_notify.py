"""systemd's protocol, spoken to a real datagram socket."""

from __future__ import annotations

import os
import socket
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from reelq.worker.handlers import no_op
from reelq.worker.runtime.registry import Registry
from reelq.worker.runtime.runner import Runner
from reelq.worker.systemd import Notifier
from tests.worker.runnerkit import Worker, make_settings, until


class Ear:
    """Takes datagrams like systemd does."""

    def __init__(self, address: str) -> None:
        self.heard: list[str] = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(address)
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while data := self._socket.recv(4096):
            self.heard.append(data.decode())

    def count(self, message: str) -> int:
        """How often it came."""
        return self.heard.count(message)


@pytest.fixture(params=["path", "abstract"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Both kinds of address, as NOTIFY_SOCKET spells them."""
    yield str(tmp_path / "notify") if request.param == "path" else f"@reelq-test-{uuid.uuid4().hex}"


def ear(address: str) -> Ear:
    """Listen at an address of NOTIFY_SOCKET."""
    return Ear("\0" + address[1:] if address.startswith("@") else address)


def test_messages_arrive(address: str) -> None:
    """Ready, status once until it changes, stopping."""
    listening = ear(address)
    notifier = Notifier({"NOTIFY_SOCKET": address})
    notifier.ready()
    notifier.status("0 of 4 slots busy")
    notifier.status("0 of 4 slots busy")
    notifier.stopping()
    until(lambda: listening.heard == ["READY=1", "STATUS=0 of 4 slots busy", "STOPPING=1"], "the messages")


def test_the_watchdog_is_fed_only_when_it_is_ours(address: str) -> None:
    """WATCHDOG_PID names who is meant."""
    listening = ear(address)
    for pid in ("1", str(os.getpid())):
        notifier = Notifier({"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "90000000", "WATCHDOG_PID": pid})
        notifier.feed()
        assert notifier.watchdog_s == (90.0 if pid != "1" else None)
    until(lambda: listening.heard == ["WATCHDOG=1"], "one message")


def test_outside_systemd_nothing_is_sent() -> None:
    """And a socket that is gone stops nobody."""
    Notifier({}).ready()
    Notifier({"NOTIFY_SOCKET": "/nowhere/notify"}).ready()


def test_a_worker_tells_its_life(dsn: str, conn: psycopg.Connection[object], tmp_path: Path) -> None:
    """READY after it is registered, WATCHDOG while idle and often enough, STOPPING at the drain."""
    listening = ear(str(tmp_path / "notify"))
    registered: list[object] = []
    environ = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "600000", "WATCHDOG_PID": str(os.getpid())}
    worker = Worker(Runner(make_settings(dsn, tmp_path), Registry({"no_op": no_op}), Notifier(environ)))
    until(lambda: listening.count("READY=1"), "READY=1")
    registered.append(conn.execute("select status from queue.workers").fetchone())
    until(lambda: listening.count("WATCHDOG=1") >= 3, "the watchdog of an idle worker")
    worker.runner.shutdown()
    worker.join()
    until(lambda: listening.count("STOPPING=1") == 1, "STOPPING=1")
    assert registered == [("active",)]
    assert "STATUS=0 of 1 slots busy, 0 jobs completed, 0 failed" in listening.heard
