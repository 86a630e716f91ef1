"""A strict push service on loopback, and the browser behind it: it checks the signature, and decrypts what comes.

It takes a message as RFC 8030, 8291 and 8292 have it: POST over TLS, TTL, a topic of at most 32 characters, aes128gcm of at most 4,096 bytes, a VAPID token for this
very service that ends within a day, signed with the key that is named. Anything else is answered with status 400 and kept in `wrong`.
"""

from __future__ import annotations

import base64
import json
import re
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import http_ece
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from py_vapid import Vapid02

from tests.fakes.certificates import contexts

SUBJECT = "mailto:ops@platform.example"


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def point(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)


@dataclass
class PushService:
    """What the browser was shown, and how the service answers."""

    port: int
    folder: Path
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    auth: bytes = b"0123456789abcdef"
    vapid: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    shown: list[dict[str, Any]] = field(default_factory=list)
    topics: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    answers: dict[str, tuple[int, dict[str, str]]] = field(default_factory=dict)  # path → status and headers instead of 201
    asked: list[str] = field(default_factory=list)  # paths
    hangs: threading.Event | None = None  # set: go on

    @property
    def environ(self) -> dict[str, str]:
        """REELQ_* of a worker that uses it."""
        raw = self.vapid.private_numbers().private_value.to_bytes(32, "big")
        return {
            "vapid_private_key": b64(raw), "vapid_subject": SUBJECT, "ca_file": str(self.folder / "certificate.pem"),
            "allow_private_addresses": "yes",
        }  # fmt: skip

    def endpoint(self, path: str = "one") -> str:
        """Where a browser takes messages."""
        return f"https://localhost:{self.port}/{path}"

    @property
    def keys(self) -> tuple[str, str]:
        """p256dh and auth of the browser."""
        return b64(point(self.key)), b64(self.auth)

    def take(self, headers: Any, body: bytes) -> None:
        """Check and decrypt a message."""
        assert headers["Content-Encoding"] == "aes128gcm"
        assert 0 <= int(headers["TTL"]) <= 28 * 86400
        assert re.fullmatch(r"[A-Za-z0-9_-]{1,32}", headers["Topic"])
        assert len(body) <= 4096
        found = re.fullmatch(r"vapid t=([^,]+),k=(.+)", headers["Authorization"])
        assert found, "no VAPID token"
        assert Vapid02.verify(headers["Authorization"])
        assert found[2] == b64(point(self.vapid))
        claims = json.loads(base64.urlsafe_b64decode(found[1].split(".")[1] + "=="))
        assert claims["aud"] == f"https://localhost:{self.port}"
        assert claims["sub"] == SUBJECT
        assert time.time() < claims["exp"] <= time.time() + 86400
        self.shown.append(json.loads(http_ece.decrypt(body, private_key=self.key, auth_secret=self.auth, version="aes128gcm")))
        self.topics.append(headers["Topic"])


@contextmanager
def push_service(folder: Path) -> Iterator[PushService]:
    """One on a port of its own."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            service.asked.append(self.path)
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if service.hangs is not None:
                service.hangs.wait(60)
            status, more = service.answers.get(self.path, (201, {}))
            if status == 201:
                try:
                    service.take(self.headers, body)
                except Exception as error:  # noqa: BLE001 - whatever is wrong is told
                    service.wrong.append(repr(error))
                    status = 400
            self.send_response(status)
            for name, value in more.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    tls: ssl.SSLContext
    tls, _ = contexts("localhost", folder)
    server.socket = tls.wrap_socket(server.socket, server_side=True)
    service = PushService(server.server_address[1], folder)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield service
    finally:
        server.shutdown()
        server.server_close()
