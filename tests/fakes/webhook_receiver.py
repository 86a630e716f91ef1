"""A strict receiver of webhooks on loopback, and hostile ones.

It takes a delivery only as Standard Webhooks has it: the headers, a signature by the secret that it knows, a time that is now, JSON of
type, timestamp and data. Anything else is answered with 400 and kept in `refused`, which a test expects to be empty.
"""

from __future__ import annotations

import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks import Webhook

EXPECTED = {"host", "content-type", "content-length", "accept", "accept-encoding", "user-agent", "webhook-id", "webhook-timestamp", "webhook-signature"}


@dataclass(frozen=True)
class Received:
    """A delivery that was taken for good."""

    id: str
    body: dict[str, Any]
    signatures: int


@dataclass
class Receiver:
    """`answer(handler)` writes the answer; a test puts another one in its place to misbehave."""

    secret: str = ""
    received: list[Received] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    connections: int = 0
    answer: Callable[[BaseHTTPRequestHandler], None] | None = None
    closing: threading.Event = field(default_factory=threading.Event)
    port: int = 0

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}/hook?a=1"

    @property
    def ids(self) -> list[str]:
        """What was taken, in order."""
        return [one.id for one in self.received]

    def take(self, handler: BaseHTTPRequestHandler) -> None:
        """One request."""
        headers = {name.lower(): value for name, value in handler.headers.items()}
        length = int(headers.get("content-length", "0"))
        body = handler.rfile.read(length)
        try:
            assert set(headers) == EXPECTED, f"headers {sorted(headers)}"
            assert len(handler.headers) == len(EXPECTED), "a header twice"
            assert handler.path == "/hook?a=1", handler.path
            assert headers["host"] == f"127.0.0.1:{self.port}" or self.port == 0 or headers["host"].startswith("hook.example"), headers["host"]
            assert headers["content-type"] == "application/json"
            Webhook(self.secret).verify(body, headers)
            told = json.loads(body)
            assert list(told) == ["type", "timestamp", "data"], list(told)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told
            self.refused.append(f"{type(error).__name__}: {error}")
            say(handler, 400)
            return
        if self.answer is not None:
            self.answer(handler)
            return
        self.received.append(Received(headers["webhook-id"], told, len(headers["webhook-signature"].split(" "))))
        say(handler, 204)


def say(handler: BaseHTTPRequestHandler, status: int, **headers: str) -> None:
    """A whole answer without a body."""
    handler.send_response_only(status)
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    if status != 204:
        handler.send_header("Content-Length", "0")
    handler.end_headers()


def _ending(write: Callable[[BaseHTTPRequestHandler], None]) -> Callable[[BaseHTTPRequestHandler], None]:
    """What goes on until the other side has gone."""

    def run(handler: BaseHTTPRequestHandler) -> None:
        handler.close_connection = True
        try:
            write(handler)
        except OSError:
            return

    return run


@_ending
def endless_body(handler: BaseHTTPRequestHandler) -> None:
    """200, and a body without an end."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        handler.wfile.write(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")


@_ending
def endless_headers(handler: BaseHTTPRequestHandler) -> None:
    """A header after the other."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        handler.wfile.write(b"X-More: " + b"y" * 1000 + b"\r\n")


@_ending
def endless_interim(handler: BaseHTTPRequestHandler) -> None:
    """100 Continue, for ever."""
    while True:
        handler.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        time.sleep(0.01)


@_ending
def drip(handler: BaseHTTPRequestHandler) -> None:
    """A byte of the head now and then."""
    for letter in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"z" * 100_000:
        handler.wfile.write(bytes([letter]))
        time.sleep(0.05)


def bomb(handler: BaseHTTPRequestHandler) -> None:
    """A small body that says it is a compressed one."""
    handler.wfile.write(b"HTTP/1.1 500 Oops\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\x1f\x8b\x08\x00")


@contextmanager
def receiving(secret: str = "", tls: ssl.SSLContext | None = None, port: int = 0) -> Iterator[Receiver]:
    """A receiver for the length of the block."""
    receiver = Receiver(secret)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def setup(self) -> None:
            super().setup()
            receiver.connections += 1

        def do_POST(self) -> None:
            receiver.take(self)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base's names
            return

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    server.block_on_close = False
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    receiver.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.closing.set()
        server.shutdown()
        server.server_close()
        thread.join(5)
