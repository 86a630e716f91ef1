"""An httpx transport that connects only where an AddressGuard allows, and that can be cut off.

The TCP connection goes to the address that the guard gave; the Host header, the name in TLS
(SNI) and the name that the certificate must bear stay those of the URL. Nothing is taken from the
environment: no proxy, no certificates, no netrc.
"""

from __future__ import annotations

import queue
import socket
import ssl
import threading
import time
from collections.abc import Iterable, Iterator

import httpcore
import httpx

from reelq.worker.sources.address_policy import AddressGuard

LEAST_S = 1.0  # for one address of several, so that a dead one does not use up the time of the others
SocketOptions = Iterable[
    tuple[int, int, int] | tuple[int, int, bytes | bytearray] | tuple[int, int, None, int]
]


class GuardedBackend(httpcore.NetworkBackend):
    """Opens TCP connections to guarded addresses; `abort` cuts them from any thread."""

    def __init__(self, guard: AddressGuard) -> None:
        self._guard, self._system = guard, httpcore.SyncBackend()
        self._lock, self._aborted = threading.Lock(), False
        self._handle: socket.socket | None = None  # our own handle on the newest connection
        self._looked_up: queue.SimpleQueue[list[str] | Exception] | None = None  # a look-up that is under way

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: SocketOptions | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first address of `host` that answers; `timeout` is for all of it: look-up and addresses."""
        until = None if timeout is None else time.monotonic() + timeout
        failure: Exception = httpcore.ConnectError(f"no address of {host} answers")
        addresses = self._addresses(host, port, timeout)
        for place, address in enumerate(addresses):
            within = None
            if until is not None:
                left = until - time.monotonic()
                if left <= 0:
                    raise httpcore.ConnectTimeout(f"no address of {host} has answered in time")
                within = min(left, max(LEAST_S, left / (len(addresses) - place)))
            try:
                stream = self._system.connect_tcp(address, port, within, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
                if self._aborted:
                    break
                continue
            self._keep(stream)
            return stream
        raise failure

    def _addresses(self, host: str, port: int, timeout: float | None) -> list[str]:
        """Ask the guard, in a thread of its own: the system's resolver has no time-out, and the name's owner says how long its servers are silent.

        The thread of a look-up that was given up ends when the resolver does.
        """
        answer: queue.SimpleQueue[list[str] | Exception] = queue.SimpleQueue()

        def look_up() -> None:
            try:
                answer.put(self._guard.addresses(host, port))
            except Exception as error:  # noqa: BLE001 - the thread that waits raises it
                answer.put(error)

        with self._lock:
            if self._aborted:
                raise httpcore.ConnectError("cut off")
            self._looked_up = answer
        threading.Thread(target=look_up, name="name look-up", daemon=True).start()
        try:
            found = answer.get(timeout=timeout)
        except queue.Empty:
            raise httpcore.ConnectTimeout(f"{host} was not resolved in time") from None
        finally:
            self._looked_up = None
        if isinstance(found, Exception):
            raise found
        return found

    def abort(self) -> None:
        """End the connection that is open, and every later one at once."""
        with self._lock:
            self._aborted = True
            if self._handle is not None:
                _shut(self._handle)
            if self._looked_up is not None:
                self._looked_up.put(httpcore.ConnectError("cut off"))

    def close(self) -> None:
        """Forget the connection."""
        with self._lock:
            if self._handle is not None:
                self._handle.close()
                self._handle = None

    def _keep(self, stream: httpcore.NetworkStream) -> None:
        # A duplicate, because TLS takes the socket object over; shutting it down works on both.
        handle: socket.socket = stream.get_extra_info("socket").dup()
        self.close()  # the one before is over: connections are not kept for reuse
        with self._lock:
            self._handle = handle
            if self._aborted:
                _shut(handle)


def _shut(handle: socket.socket) -> None:
    try:
        handle.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # the other side closed it first


class GuardedTransport(httpx.BaseTransport):
    """httpx's way to the network, by a GuardedBackend."""

    def __init__(self, backend: GuardedBackend, tls: ssl.SSLContext) -> None:
        self._pool = httpcore.ConnectionPool(
            ssl_context=tls, network_backend=backend, max_keepalive_connections=0, http1=True, http2=False
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request; errors are httpcore's."""
        assert isinstance(request.stream, httpx.SyncByteStream)
        answer = self._pool.handle_request(
            httpcore.Request(
                method=request.method,
                url=httpcore.URL(
                    scheme=request.url.raw_scheme,
                    host=request.url.raw_host,
                    port=request.url.port,
                    target=request.url.raw_path,
                ),
                headers=request.headers.raw,
                content=request.stream,
                extensions=request.extensions,
            )
        )
        assert isinstance(answer.stream, Iterable)
        return httpx.Response(
            status_code=answer.status,
            headers=answer.headers,
            stream=_Body(answer.stream),
            extensions=answer.extensions,
        )

    def close(self) -> None:
        """Close what is open."""
        self._pool.close()


class _Body(httpx.SyncByteStream):
    def __init__(self, stream: Iterable[bytes]) -> None:
        self._stream = stream

    def __iter__(self) -> Iterator[bytes]:
        yield from self._stream

    def close(self) -> None:
        close = getattr(self._stream, "close", None)
        if close is not None:
            close()
