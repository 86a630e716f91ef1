"""A strict push service on loopback, and the browser behind it: it checks the signature, and decrypts what comes.

It takes a message as RFC 8030, 8291 and 8292 have it: POST over TLS, TTL, a topic of at most 32 characters, aes128gcm of at most 4,096 bytes, a VAPID token for this
very service that ends within a day, signed with the key that is named. Anything else is answered with status 400 and kept in `wrong`.
"""

from __future__ import annotations

import base64
import hmac
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

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

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
        found = re.fullmatch(r"vapid t=([^,]+), k=(.+)", headers["Authorization"])
        assert found, "no VAPID token"
        assert found[2] == b64(point(self.vapid))
        signed, _, signature = found[1].rpartition(".")
        raw = base64.urlsafe_b64decode(signature + "==")
        pair = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
        self.vapid.public_key().verify(pair, signed.encode(), ec.ECDSA(hashes.SHA256()))
        claims = json.loads(base64.urlsafe_b64decode(signed.split(".")[1] + "=="))
        assert claims["aud"] == f"https://localhost:{self.port}"
        assert claims["sub"] == SUBJECT
        assert time.time() < claims["exp"] <= time.time() + 86400
        self.shown.append(json.loads(self.decrypted(body)))
        self.topics.append(headers["Topic"])


    def decrypted(self, body: bytes) -> bytes:
        """As a browser does it: RFC 8188 and 8291, read by themselves and not taken from what sends."""
        salt, size, length = body[:16], int.from_bytes(body[16:20], "big"), body[20]
        sender, text = body[21 : 21 + length], body[21 + length :]
        assert len(text) <= size
        shared = self.key.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), sender))

        def mac(key: bytes, told: bytes) -> bytes:
            return hmac.digest(key, told, "sha256")

        material = mac(mac(self.auth, shared), b"WebPush: info\0" + point(self.key) + sender + b"\1")
        secret = mac(salt, material)
        key, nonce = mac(secret, b"Content-Encoding: aes128gcm\0\1")[:16], mac(secret, b"Content-Encoding: nonce\0\1")[:12]
        plain = AESGCM(key).decrypt(nonce, text, None).rstrip(b"\0")
        assert plain.endswith(b"\2"), "not the last record"
        return plain[:-1]


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
