"""One connection to an endpoint, kept for the next delivery: POST, bounded in time and bytes.

Of an answer the status counts. Its body is read to MOST_BODY_BYTES, so that the connection can be used again, and thrown away; it is never
unpacked. Headers are bounded by h11 (100 kB). The address is that of the guard, asked anew for each connection.
"""

from __future__ import annotations

import logging
import ssl
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpcore

from reelq.worker.sources.address_policy import AddressGuard
from reelq.worker.sources.http_transport import GuardedBackend
from reelq.worker.stop import StopSignal
from reelq.worker.webhooks.clock import DeadlineClock

MOST_BODY_BYTES = 64 * 1024
MOST_AGE_S = 60.0  # then a new connection, so that a change of the name's address is followed

logging.getLogger("httpcore").setLevel(logging.WARNING)  # it logs headers, and with them signatures


@dataclass(frozen=True, slots=True)
class Place:
    """A URL, taken apart once."""

    origin: httpcore.Origin
    host: bytes  # of the header
    target: bytes

    @classmethod
    def of(cls, url: str) -> Place:
        """The parts of an http or https URL.

        Raises:
            ValueError: it has none.
        """
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
            raise ValueError("no http or https URL of a host")
        port = parts.port or (443 if parts.scheme == "https" else 80)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return cls(httpcore.Origin(parts.scheme.encode(), parts.hostname.encode("ascii"), port), parts.netloc.encode("ascii"), target.encode("ascii"))


@dataclass(frozen=True, slots=True)
class Answer:
    """Of an answer what counts."""

    status: int
    retry_after: str | None


class DeadlineOver(Exception):
    """The one deadline of a delivery is over."""


class EndpointConnection:
    """One at a time; after an error it is of no use."""

    def __init__(self, place: Place, guard: AddressGuard, tls: ssl.SSLContext, clock: DeadlineClock) -> None:
        self.place = place
        self.is_used = False  # a delivery has gone over it before
        self._made_at = time.monotonic()
        self._clock = clock
        self._backend = GuardedBackend(guard)
        self._http = httpcore.HTTPConnection(origin=place.origin, ssl_context=tls, network_backend=self._backend, http1=True, http2=False)

    def is_good(self) -> bool:
        """Whether another delivery may go over it."""
        return self._http.is_idle() and not self._http.has_expired() and time.monotonic() < self._made_at + MOST_AGE_S

    def close(self) -> None:
        """Close it."""
        self._http.close()
        self._backend.close()

    def post(self, headers: list[tuple[bytes, bytes]], body: bytes, within_s: float, stop: StopSignal) -> Answer:
        """Send it and return what was answered.

        Raises:
            DeadlineOver: that took longer than `within_s`, as a whole.
            JobError: of the guard, as "address_refused".
            httpcore's errors.
        """
        each = {"connect": within_s, "read": within_s, "write": within_s, "pool": within_s}
        request = httpcore.Request(
            method=b"POST",
            url=httpcore.URL(scheme=self.place.origin.scheme, host=self.place.origin.host, port=self.place.origin.port, target=self.place.target),
            headers=[(b"host", self.place.host), *headers],
            content=body,
            extensions={"timeout": each},
        )
        deadline = self._clock.start(within_s, self._backend.abort)
        try:
            with stop.killing(self._backend.abort):
                response = self._http.handle_request(request)
                self.is_used = True
                try:
                    self._skim(response)
                finally:
                    response.close()
        except Exception as error:
            if deadline.is_over:
                raise DeadlineOver from error
            raise
        finally:
            self._clock.cancel(deadline)
        after = next((value for name, value in response.headers if name.lower() == b"retry-after"), None)
        return Answer(response.status, None if after is None else after[:100].decode("latin-1"))

    def _skim(self, response: httpcore.Response) -> None:
        """Read what fits. The status is known: what goes wrong with the body costs the connection only."""
        read = 0
        try:
            for chunk in response.iter_stream():
                read += len(chunk)
                if read > MOST_BODY_BYTES:
                    return
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException):
            return
