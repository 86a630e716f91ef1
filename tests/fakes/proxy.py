"""What may stand between a worker and its database: connections that are cut, refused, or open and silent for ever."""

from __future__ import annotations

import selectors
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from psycopg.conninfo import conninfo_to_dict, make_conninfo


class Proxy:
    """Passes bytes on between a port of its own and a server."""

    def __init__(self, server: tuple[str, int]) -> None:
        self._server = server
        self._lock = threading.Lock()
        self._selector = selectors.DefaultSelector()
        self._pairs: dict[socket.socket, socket.socket] = {}
        self._first: dict[socket.socket, bytes] = {}  # what a client said first: its application_name stands there
        self._deaf: set[socket.socket] = set()
        self._door: socket.socket | None = None
        self._wake_read, self._wake_write = socket.socketpair()
        self._selector.register(self._wake_read, selectors.EVENT_READ)
        self.port = 0
        self.open()
        threading.Thread(target=self._run, daemon=True).start()

    def open(self) -> None:
        """Let clients in."""
        with self._lock:
            self._door = socket.create_server(("127.0.0.1", self.port), backlog=100)
            self.port = self._door.getsockname()[1]
            self._selector.register(self._door, selectors.EVENT_READ)
        self._wake_write.send(b"x")

    def close(self) -> None:
        """Cut every connection and refuse new ones: the server is away."""
        with self._lock:
            if self._door is not None:
                self._selector.unregister(self._door)
                self._door.close()
                self._door = None
            for one in list(self._first):
                self._cut(one)
        self._wake_write.send(b"x")

    def silence(self, name: str = "") -> int:
        """Never answer those that are connected now, and whose first words hold `name`; how many. New ones are served."""
        with self._lock:
            chosen = [one for one, first in self._first.items() if name.encode() in first and one not in self._deaf]
            for one in chosen:
                self._deaf |= {one, self._pairs[one]}
            return len(chosen)

    def _run(self) -> None:
        while True:
            for key, _ in self._selector.select():
                with self._lock:
                    self._serve(key.fileobj)  # type: ignore[arg-type]

    def _serve(self, one: socket.socket) -> None:
        if one is self._wake_read:
            one.recv(100)
            return
        if one is self._door:
            client, _ = one.accept()
            server = socket.create_connection(self._server)
            self._pairs |= {client: server, server: client}
            self._first[client] = b""
            for end in (client, server):
                self._selector.register(end, selectors.EVENT_READ)
            return
        other = self._pairs.get(one)
        if other is None:
            return  # cut a moment ago
        try:
            data = one.recv(65536)
            if one in self._deaf and data:
                return
            if one in self._first and len(self._first[one]) < 2000:
                self._first[one] += data
            if data:
                other.sendall(data)
                return
        except OSError:
            pass  # as an end of file: this side has gone
        self._cut(one)

    def _cut(self, one: socket.socket) -> None:
        for end in (one, self._pairs[one]):
            del self._pairs[end]
            self._first.pop(end, None)
            self._deaf.discard(end)
            self._selector.unregister(end)
            end.close()


@contextmanager
def proxy(dsn: str) -> Iterator[tuple[Proxy, str]]:
    """A proxy in front of the server of `dsn`, and the address of the same database by way of it."""
    given = conninfo_to_dict(dsn)
    made = Proxy((str(given.get("host") or "127.0.0.1"), int(given["port"] or 5432)))
    try:
        yield made, make_conninfo("", **{**given, "host": "127.0.0.1", "port": made.port})
    finally:
        made.close()
