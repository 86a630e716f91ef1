"""A strict HTTP server that serves one source, well or badly, on loopback.

It is strict with us: one right Host header, no compression asked for, Range only with If-Range;
anything else is answered with 400. Every connection ends after one answer.
"""

from __future__ import annotations

import re
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Source:
    """What lies at a path, and how the server misbehaves while it sends it."""

    content: bytes = b""
    etag: str | None = '"v1"'
    last_modified: str | None = None
    ranges: bool = True
    cuts: list[int] = field(default_factory=list)  # bytes of the body before the nth answer breaks off
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    length: int | None = None  # a lie for Content-Length
    chunked: bool = False
    silent_after: int | None = None  # bytes after which nothing more comes, and nothing ends
    drip: bool = False  # a byte now and then, for ever
    range_shift: int = 0  # a lie: answers a range that begins elsewhere
    change_after_cut: bytes | None = None  # the source becomes this (and v2) once an answer broke off


@dataclass(frozen=True)
class Seen:
    """A request as it arrived."""

    path: str
    headers: dict[str, str]
    server_name: str | None  # SNI


class HttpSource:
    """The server: put sources into `at`, read requests from `seen`."""

    def __init__(self, address: str) -> None:
        self.at: dict[str, Source] = {}
        self.seen: list[Seen] = []
        self.began = threading.Event()  # a body is on its way
        self.closing = threading.Event()
        self.names = {address, "video.example", "other.example"}
        self.server = ThreadingHTTPServer((address, 0), self._handler())
        self.server.daemon_threads = True
        self.port: int = self.server.server_address[1]
        self.url = f"http://{address}:{self.port}"

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self.close_connection = True
                outer.answer(self)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base's names
                return

        return Handler

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        """Answer one request."""
        headers = {name.lower(): value for name, value in handler.headers.items()}
        name = getattr(handler.connection, "asked_name", None)
        self.seen.append(Seen(handler.path, headers, name))
        source = self.at.get(handler.path.partition("?")[0])
        mistake = self.mistake(handler)
        if mistake or source is None:
            handler.send_error(400 if mistake else 404, mistake)
            return
        if source.status != 200:
            handler.send_response(source.status)
            self._end(handler, {"Content-Length": "0"} | source.headers)
            return
        self._send(handler, source, headers)

    def mistake(self, handler: BaseHTTPRequestHandler) -> str | None:
        """What is wrong with the request; None when nothing is."""
        hosts = handler.headers.get_all("host") or []
        if len(hosts) != 1 or hosts[0].rpartition(":")[0] not in self.names:
            return "Host"
        if handler.headers.get("accept-encoding") != "identity":
            return "Accept-Encoding"
        if ("range" in handler.headers) != ("if-range" in handler.headers):
            return "Range without If-Range"
        return None

    def _send(self, handler: BaseHTTPRequestHandler, source: Source, asked: dict[str, str]) -> None:
        content, start, total = source.content, 0, len(source.content)
        headers = dict(source.headers)
        if source.etag:
            headers["ETag"] = source.etag
        if source.last_modified:
            headers["Last-Modified"] = source.last_modified
        same = asked.get("if-range") in (source.etag, source.last_modified)
        found = re.fullmatch(r"bytes=(\d+)-", asked.get("range", ""))
        if found and same and source.ranges:
            start = int(found[1])
            if start >= total:
                handler.send_response(416)
                self._end(handler, {"Content-Length": "0", "Content-Range": f"bytes */{total}"})
                return
            start += source.range_shift
            content = content[start:]
            headers["Content-Range"] = f"bytes {start}-{total - 1}/{total}"
        handler.send_response(206 if start else 200)
        if source.chunked:
            headers["Transfer-Encoding"] = "chunked"
        else:
            length = len(content) if source.length is None else source.length
            headers["Content-Length"] = str(length)
        self._end(handler, headers)
        self._body(handler, source, content)

    def _end(self, handler: BaseHTTPRequestHandler, headers: dict[str, str]) -> None:
        for name, value in ({"Connection": "close"} | headers).items():
            handler.send_header(name, value)
        handler.end_headers()

    def _body(self, handler: BaseHTTPRequestHandler, source: Source, content: bytes) -> None:
        cut = source.cuts.pop(0) if source.cuts else None
        try:
            if source.drip:
                self.began.set()
                while not self.closing.wait(0.02):
                    handler.wfile.write(b"x")
                return
            part = content[:cut] if cut is not None else content[: source.silent_after]
            if source.chunked:
                part = b"".join(b"%x\r\n%s\r\n" % (len(one), one) for one in pieces(part))
                part += b"" if cut is not None else b"0\r\n\r\n"
            handler.wfile.write(part)
            handler.wfile.flush()
            self.began.set()
            if source.silent_after is not None:
                self.closing.wait(60)
        except OSError:
            return  # the client hung up: what most tests of misbehaviour want
        if cut is not None and source.change_after_cut is not None:
            source.content, source.etag = source.change_after_cut, '"v2"'


def pieces(content: bytes, size: int = 1000) -> Iterator[bytes]:
    """The content in pieces."""
    return (content[start : start + size] for start in range(0, len(content), size))


@contextmanager
def http_source(address: str = "127.0.0.1", tls: ssl.SSLContext | None = None) -> Iterator[HttpSource]:
    """A running server on a free port of that loopback address."""
    source = HttpSource(address)
    if tls is not None:

        def remember(connection: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
            connection.asked_name = name  # type: ignore[attr-defined]

        tls.sni_callback = remember
        source.server.socket = tls.wrap_socket(source.server.socket, server_side=True)
        source.url = source.url.replace("http", "https")
    thread = threading.Thread(target=source.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield source
    finally:
        source.closing.set()
        source.server.shutdown()
        source.server.server_close()
        thread.join(10)
