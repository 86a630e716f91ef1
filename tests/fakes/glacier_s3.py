"""Amazon's archive classes in front of an S3 server that keeps the bytes: stricter than moto, which lets archived objects be read by some roads.

As AWS documents it (S3 API reference: GetObject, HeadObject, CopyObject, RestoreObject; read 2026-11-27): an object of class GLACIER or DEEP_ARCHIVE is not read or
copied, 403 InvalidObjectState, until it is restored; RestoreObject answers 202, while that is under way 409 RestoreAlreadyInProgress, then 200 and the end moves; of what is no archive
403 InvalidObjectState. HEAD always answers, with x-amz-storage-class and x-amz-restore. A PUT replaces what was there, with the class that it names.
"""

from __future__ import annotations

import http.client
import http.server
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from urllib.parse import parse_qs, unquote, urlsplit
from xml.etree import ElementTree

ARCHIVES = ("GLACIER", "DEEP_ARCHIVE")
CLASSES = {"STANDARD", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER_IR", *ARCHIVES}
HOP = {"connection", "transfer-encoding", "keep-alive", "x-amz-storage-class", "x-amz-restore", "content-length"}


@dataclass
class Archived:
    """How an object lies."""

    class_: str
    asked_days: int | None = None  # a restore is under way
    until: datetime | None = None  # restored until then


@dataclass
class Glacier:
    """What the server knows, and what a test does to it."""

    url: str
    now: datetime = field(default_factory=lambda: datetime.now(UTC).replace(microsecond=0))
    objects: dict[str, Archived] = field(default_factory=dict)  # /bucket/key
    uploads: dict[str, str] = field(default_factory=dict)  # upload id → class
    seen: list[str] = field(default_factory=list)  # operations that move objects

    def finish(self) -> int:
        """Hours later: what was asked for is there; how many."""
        under_way = [one for one in self.objects.values() if one.asked_days is not None]
        for one in under_way:
            one.until = self.now + timedelta(days=one.asked_days or 0)
            one.asked_days = None
        return len(under_way)

    def forward(self, by: timedelta) -> None:
        """Time passes: restored copies end."""
        self.now += by
        for one in self.objects.values():
            if one.until is not None and one.until <= self.now:
                one.until = None

    def is_locked(self, path: str) -> bool:
        """Whether the object cannot be read now."""
        one = self.objects.get(path)
        return one is not None and one.class_ in ARCHIVES and one.until is None


@contextmanager
def glacier(behind: str) -> Iterator[Glacier]:
    """Serve on a port of loopback in front of the server `behind`."""
    state = Glacier("")
    host = urlsplit(behind).netloc

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            parts = urlsplit(self.path)
            path, query = unquote(parts.path), parse_qs(parts.query, keep_blank_values=True)
            if self.command == "POST" and "restore" in query:
                return self.restore(path, body)
            if self.command == "GET" and not query and state.is_locked(path):
                return self.refuse(403, "InvalidObjectState")
            source = self.headers.get("x-amz-copy-source")
            if source and state.is_locked("/" + unquote(source).lstrip("/")):
                return self.refuse(403, "InvalidObjectState")
            class_ = self.headers.get("x-amz-storage-class", "STANDARD")
            if class_ not in CLASSES:
                return self.refuse(400, "InvalidStorageClass")
            status, headers, said = self.pass_on(body)
            if status < 300:
                self.remember(path, query, class_, said, source)
            return self.tell(status, headers, said, path)

        def remember(self, path: str, query: dict[str, list[str]], class_: str, said: bytes, source: str | None) -> None:
            if self.command == "PUT" and not query:
                state.objects[path] = Archived(class_)
                if source:
                    state.seen.append(f"copy {path}")
            elif self.command == "POST" and "uploads" in query:
                found = re.search(rb"<UploadId>([^<]+)</UploadId>", said)
                state.uploads[found[1].decode() if found else ""] = class_
            elif self.command == "PUT" and "uploadId" in query and source:
                state.seen.append(f"part {path}")
            elif self.command == "POST" and "uploadId" in query:
                state.objects[path] = Archived(state.uploads.pop(query["uploadId"][0], "STANDARD"))
                state.seen.append(f"complete {path}")
            elif self.command == "DELETE" and not query:
                state.objects.pop(path, None)

        def restore(self, path: str, body: bytes) -> None:
            one = state.objects.get(path)
            root = ElementTree.fromstring(body)
            days = root.find("{*}Days")
            if days is None or int(days.text or 0) < 1:
                return self.refuse(400, "MalformedXML")
            if one is None:
                return self.refuse(404, "NoSuchKey")
            if one.class_ not in ARCHIVES:
                return self.refuse(403, "InvalidObjectState")
            if one.asked_days is not None:
                return self.refuse(409, "RestoreAlreadyInProgress")
            state.seen.append(f"restore {path}")
            if one.until is not None:
                one.until = state.now + timedelta(days=int(days.text or 0))
                return self.tell(200, [], b"", path)
            one.asked_days = int(days.text or 0)
            return self.tell(202, [], b"", path)

        def pass_on(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
            behind_us = http.client.HTTPConnection(host, timeout=30)
            sent = {name: value for name, value in self.headers.items() if name.lower() not in ("host", "x-amz-storage-class", "connection")}
            if self.headers.get("x-amz-storage-class", "STANDARD") != "STANDARD":
                sent["x-amz-storage-class"] = "STANDARD_IA"  # so that a copy in place changes something for it too
            behind_us.request(self.command, self.path, body or None, sent)
            got = behind_us.getresponse()
            said = got.read()
            headers = [(name, value) for name, value in got.getheaders() if name.lower() not in HOP or (name.lower() == "content-length" and self.command == "HEAD")]
            behind_us.close()
            return got.status, headers, said

        def tell(self, status: int, headers: list[tuple[str, str]], said: bytes, path: str) -> None:
            self.send_response(status)
            for name, value in headers:
                self.send_header(name, value)
            one = state.objects.get(path)
            if self.command in ("HEAD", "GET") and one is not None and one.class_ != "STANDARD" and status < 300:
                self.send_header("x-amz-storage-class", one.class_)
                if one.asked_days is not None:
                    self.send_header("x-amz-restore", 'ongoing-request="true"')
                elif one.until is not None:
                    self.send_header("x-amz-restore", f'ongoing-request="false", expiry-date="{format_datetime(one.until, usegmt=True)}"')
            if self.command != "HEAD":
                self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(said)

        def refuse(self, status: int, code: str) -> None:
            said = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>No.</Message></Error>".encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/xml")
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = answer  # noqa: N815 - http.server looks for these names

        def log_message(self, *_: object) -> None:
            """Nothing: tests read stderr."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        state.url = f"http://127.0.0.1:{server.server_port}"
        yield state
        server.shutdown()
