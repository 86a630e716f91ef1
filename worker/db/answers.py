"""Every call has a deadline on this side, whatever the server and all that lies between say or do not say.

The time-outs of the session are the server's, and keepalives ask a host whether it lives, not whether it answers: a pooler
after a failover, or a firewall that forgot a connection, keeps it open and silent for ever. So one thread of the process
looks at all calls under way, and shuts the socket of one that has had no answer in time. Whoever waits there then gets an
error at once, as if the server had gone, and the next call opens a new connection.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from weakref import WeakKeyDictionary

import psycopg

from reelq.worker.db.rows import Connection
from reelq.worker.errors import DatabaseAway

ANSWER_S = 30.0  # more than lock_timeout, after which the server itself gives up what it waits for
LOOK_S = 2.0  # how often the thread looks, so that a call that begins need not wake it
SHORTEST_S = 0.1


class _Call:
    """One call under way."""

    __slots__ = ("by", "handle", "is_cut")

    def __init__(self, by: float, handle: socket.socket) -> None:
        self.by = by
        self.handle = handle
        self.is_cut = False


class _Watch:
    """The calls under way, and the thread that looks at them; it starts with the first call."""

    def __init__(self) -> None:
        self.calls: dict[int, _Call] = {}
        self._lock = threading.Lock()
        self._pid = 0  # whose thread it is: a fork takes no thread along

    def start(self) -> None:
        """Start the thread, unless it runs."""
        if self._pid == os.getpid():
            return
        with self._lock:
            if self._pid != os.getpid():
                threading.Thread(target=self._run, name="answers", daemon=True).start()
                self._pid = os.getpid()

    def _run(self) -> None:
        while True:
            now = time.monotonic()
            nearest = now + LOOK_S
            for call in list(self.calls.values()):
                if call.is_cut:
                    continue
                if now >= call.by:
                    call.is_cut = True
                    with suppress(OSError):  # it has gone by itself
                        call.handle.shutdown(socket.SHUT_RDWR)
                else:
                    nearest = min(nearest, call.by)
            time.sleep(max(SHORTEST_S, nearest - time.monotonic()))


_watch = _Watch()
# A handle of our own to each socket: libpq closes its own when it likes, and the number may be somebody else's then.
_handles: WeakKeyDictionary[Connection, socket.socket] = WeakKeyDictionary()


@contextmanager
def answer_within(conn: Connection, limit_s: float = ANSWER_S) -> Iterator[None]:
    """Have what is asked of `conn` in the block fail when it takes longer than that.

    Raises:
        DatabaseAway: it took longer, and the connection is closed.
    """
    _watch.start()
    try:
        handle = _handles.get(conn)
        if handle is None:
            handle = _handles[conn] = socket.socket(fileno=os.dup(conn.fileno()))
    except (psycopg.OperationalError, OSError) as error:  # lost in an earlier call
        raise DatabaseAway(str(error)) from error
    call = _Call(time.monotonic() + max(limit_s, SHORTEST_S), handle)
    _watch.calls[id(call)] = call
    try:
        yield
    except psycopg.OperationalError as error:
        if not call.is_cut:
            raise
        raise DatabaseAway(f"no answer within {limit_s:g} s") from error
    finally:
        del _watch.calls[id(call)]
        if call.is_cut:
            conn.close()
