"""Fetch a source by http or https: bounded, resumable, and never from a network of our own.

A download that breaks off goes on where it broke (Range, with If-Range, so that a source that
changed meanwhile starts again instead of being joined to the old half). With a server that cannot
do that it starts again as well. Nothing of a URL but its host goes into logs and messages:
user names, passwords and signatures stand in the rest.

Source: RFC 9110, sections 13.1.5 (If-Range) and 14 (Range), read 2026-11-21.
"""

from __future__ import annotations

import hashlib
import logging
import re
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from io import FileIO

import httpcore
import httpx
import structlog

from reelq.worker.errors import PermanentError, TransientError
from reelq.worker.sources.address_policy import AddressGuard
from reelq.worker.sources.http_responses import check_scheme, refusal, too_large, validator
from reelq.worker.sources.http_transport import GuardedBackend, GuardedTransport
from reelq.worker.stop import StopSignal
from reelq.worker.stores.base import OnBytes
from reelq.worker.stores.disk import disk_side, write_all

log = structlog.get_logger()
for chatty in ("httpx", "httpcore"):  # they log whole URLs and headers
    logging.getLogger(chatty).setLevel(logging.WARNING)

CONNECT_S, SILENCE_S = 10.0, 30.0  # to get a connection; between two pieces of an answer
MOST_REDIRECTS = 5
MOST_IDLE_BREAKS = 4  # breaks in a row without a new byte; the job's own back-off is the longer one
MOST_RESTARTS = 3  # of servers that cannot go on where they broke off
BREAK_PAUSE_S = 1.0  # before the next try; doubles while nothing arrives
BROKEN = (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException)
UNKNOWN_BYTES = 64 << 20  # a source that does not tell its size is taken in pieces like this
OnSize = Callable[[int], None]  # gets bytes that are about to be written, and may refuse them
HEADERS = {"Accept": "*/*", "Accept-Encoding": "identity", "User-Agent": "reelq"}


# What httpcore and h11 say of a connection that ended too soon. Any other breach of the protocol is what the server has sent.
ENDED_EARLY = re.compile(r"disconnected|closed connection|ConnectionClosed")


class _Anew(Exception):
    """What has arrived cannot be continued: begin at the first byte. Its text: what the server did wrong, if it did."""


def breach(error: Exception) -> str:
    """What a server sent against the protocol; "" when it sent too little or nothing.

    Only the rule's name: h11 puts what was sent behind a colon, and a header may hold a secret.
    """
    said = str(error).partition(":")[0]
    if not isinstance(error, httpcore.RemoteProtocolError) or ENDED_EARLY.search(str(error)):
        return ""
    return f"it sent {said}"


@dataclass
class Download:
    """One source on its way into `sink`; `run` once."""

    url: httpx.URL
    sink: FileIO
    guard: AddressGuard
    limit_bytes: int
    timeout_s: float
    stop: StopSignal
    on_progress: OnBytes | None = None
    on_size: OnSize = lambda _size_bytes: None
    tls: ssl.SSLContext | None = None  # None: the certificates of the internet

    size_bytes: int = field(default=0, init=False)
    named: str | None = field(default=None, init=False)  # Content-Disposition of the last answer
    _expected: int = field(default=0, init=False)  # bytes that `on_size` was told
    _digest: hashlib._Hash = field(default_factory=hashlib.sha256, init=False)
    _validator: str | None = field(default=None, init=False)
    _deadline: float = field(default=0.0, init=False)

    def run(self) -> str:
        """Fetch all of it; return the SHA-256.

        Raises:
            PermanentError: "source_missing", "source_denied", "source_refused", "source_too_large",
                "source_encoded", "source_untrusted", "address_refused".
            RateLimitedError: "source_busy", with the time that the server asked for.
            TransientError: "source_away", "source_broken", "source_slow", "name_unknown", "disk_full".
            StopRequested: at once, also while the server is silent.
        """
        self._deadline = time.monotonic() + self.timeout_s
        backend = GuardedBackend(self.guard)
        # The alarm cuts a connection whose server feeds us just enough not to count as silent.
        alarm = threading.Timer(self.timeout_s, backend.abort)
        alarm.daemon = True
        alarm.start()
        tls = self.tls or httpx.create_ssl_context(trust_env=False)
        transport = GuardedTransport(backend, tls)
        try:
            with (
                self.stop.killing(backend.abort),
                httpx.Client(transport=transport, trust_env=False, headers=HEADERS) as client,
            ):
                self._run(client)
        finally:
            alarm.cancel()
            backend.close()
        return self._digest.hexdigest()

    def _run(self, client: httpx.Client) -> None:
        farthest = idle = restarts = 0
        wrong = ""  # in the latest answer, by the rules of HTTP
        while True:
            try:
                self._attempt(client)
                return
            except _Anew as error:
                wrong = str(error)
                self._forget()
                restarts += 1
            except BROKEN as error:
                self._check()
                failure = error
                wrong = breach(error)
                log.info(
                    "source.broken",
                    host=self.url.host,
                    size_bytes=self.size_bytes,
                    error=type(failure).__name__,
                )
                if isinstance(failure.__context__, ssl.SSLCertVerificationError):
                    raise PermanentError("source_untrusted", "The certificate of the source's server is not valid.") from failure
                idle = 0 if self.size_bytes > farthest else idle + 1
                farthest = max(farthest, self.size_bytes)
                if self._validator is None and self.size_bytes:
                    self._forget()
                    restarts += 1
            if idle >= MOST_IDLE_BREAKS or restarts >= MOST_RESTARTS:
                if wrong:
                    raise TransientError("source_broken", f"The source's server breaks the rules of HTTP: {wrong}.")
                if farthest or restarts:
                    raise TransientError("source_broken", "The connection to the source keeps breaking.")
                raise TransientError("source_away", "The source's server does not answer.")
            pause_s = BREAK_PAUSE_S * 2**idle
            self.stop.wait(min(pause_s, max(0.0, self._deadline - time.monotonic())))
            self._check()

    def _check(self) -> None:
        self.stop.check()
        if time.monotonic() >= self._deadline:
            raise TransientError("source_slow", "The source did not arrive in the time allowed.")

    def _attempt(self, client: httpx.Client) -> None:
        headers = {}
        if self.size_bytes and self._validator:
            headers = {"Range": f"bytes={self.size_bytes}-", "If-Range": self._validator}
        timeout = httpx.Timeout(min(SILENCE_S, self.timeout_s), connect=min(CONNECT_S, self.timeout_s))
        request = client.build_request("GET", self.url, headers=headers, timeout=timeout)
        for _ in range(MOST_REDIRECTS + 1):
            self._check()
            try:
                answer = client.send(request, stream=True)
            except (httpx.HTTPError, httpx.InvalidURL) as error:  # of httpx's own: a bad redirect
                raise PermanentError("source_refused", "The source redirects to an invalid URL.") from error
            try:
                if answer.next_request is None:
                    self._take(answer)
                    return
                request = answer.next_request
                check_scheme(request.url)
            finally:
                answer.close()
        raise PermanentError("source_refused", f"The source redirects more than {MOST_REDIRECTS} times.")

    def _take(self, answer: httpx.Response) -> None:
        if answer.status_code == 416 and self.size_bytes:
            raise _Anew
        if answer.status_code not in (200, 206):
            raise refusal(answer.status_code, answer.headers, time.time())
        if answer.headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
            raise PermanentError("source_encoded", "The source sends its file compressed, unasked.")
        start, total = self._place(answer)
        if start != self.size_bytes:
            self._forget()
        if total is not None and total > self.limit_bytes:
            raise too_large(self.limit_bytes)
        self._validator = validator(answer.headers)
        self.named = answer.headers.get("content-disposition")
        self._expect(total or 0)
        for chunk in answer.iter_raw():
            self._check()
            if self.size_bytes + len(chunk) > self.limit_bytes:
                raise too_large(self.limit_bytes)
            if self.size_bytes + len(chunk) > self._expected:
                self._expect(self._expected + max(len(chunk), UNKNOWN_BYTES))
            write_all(self.sink, chunk, disk_side)
            self._digest.update(chunk)
            self.size_bytes += len(chunk)
            if self.on_progress is not None:
                self.on_progress(self.size_bytes, total)
        self._check()
        if total is not None and self.size_bytes < total:
            raise httpcore.RemoteProtocolError("the server closed connection after a shorter range than was asked for")

    def _expect(self, size_bytes: int) -> None:
        """So many bytes will have been written."""
        if size_bytes > self._expected:
            self.on_size(size_bytes - self._expected)
            self._expected = size_bytes

    def _place(self, answer: httpx.Response) -> tuple[int, int | None]:
        """Where in the file the answer begins, and how long the whole file is (None: not said)."""
        if answer.status_code == 206:
            said = answer.headers.get("content-range", "").strip()
            found = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+|\*)", said)
            if not found or not self.size_bytes or int(found[1]) != self.size_bytes:
                asked = f"bytes from {self.size_bytes} were asked for" if self.size_bytes else "the whole was asked for"
                raise _Anew(f"it sent status 206, {f'bytes from {found[1]}' if found else 'a part that it does not name'}, where {asked}")
            return self.size_bytes, None if found[3] == "*" else int(found[3])
        length = answer.headers.get("content-length", "")
        return 0, int(length) if length.isdigit() else None

    def _forget(self) -> None:
        with disk_side():
            self.sink.seek(0)
            self.sink.truncate()
        self.size_bytes, self._digest, self._validator = 0, hashlib.sha256(), None
