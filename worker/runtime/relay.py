"""Calls that the heartbeat makes over the main thread's connection, while it cannot get one of its own.

A server that lets nobody new in (its slots, or the connection limit of the role or the database are used up) still answers who is
in. Then the main thread sends the heartbeats, so that no lease is lost. It may be in a call of its own: the heartbeat waits
for it so long as for an answer, and no longer.
"""

from __future__ import annotations

import queue as queues
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from reelq.worker import db
from reelq.worker.errors import DatabaseAway

T = TypeVar("T")


class Relay:
    """`call` is for the heartbeat; the other methods are for the main thread, when its connection is free."""

    def __init__(self, session: db.Session, wake: Callable[[], None]) -> None:
        """`session` is the main thread's; `wake` tells it that a call waits."""
        self._session = session
        self._wake = wake
        self._calls: queues.SimpleQueue[tuple[Future[Any], Callable[[], Any]]] = queues.SimpleQueue()
        self._closed = False

    def call(self, wait_s: float, function: Callable[..., T], *args: Any) -> T:
        """Have the main thread call `function(connection, …)` on its connection.

        Raises:
            DatabaseAway: it did not come to that in time, or has no connection either.
        """
        if self._closed:
            raise DatabaseAway("the worker leaves")
        done: Future[T] = Future()
        self._calls.put((done, lambda: self._session.call(function, *args)))
        self._wake()
        try:
            return done.result(wait_s)
        except TimeoutError:
            done.cancel()
            raise DatabaseAway(f"the main thread did not send it within {wait_s:g} s") from None

    def serve(self) -> None:
        """Make the calls that wait."""
        while (waiting := self._next()) is not None:
            done, call = waiting
            try:
                answer = call()
            except Exception as error:  # noqa: BLE001 - whatever it is, it is for who asked
                done.set_exception(error)
            else:
                done.set_result(answer)

    def refuse(self) -> None:
        """Refuse the calls that wait: the main thread is not answered either."""
        while (waiting := self._next()) is not None:
            waiting[0].set_exception(DatabaseAway("the main thread gets no answer either"))

    def close(self) -> None:
        """Refuse these and all that come: the main thread leaves."""
        self._closed = True
        self.refuse()

    def _next(self) -> tuple[Future[Any], Callable[[], Any]] | None:
        """The next call that is still waited for."""
        while True:
            try:
                waiting = self._calls.get_nowait()
            except queues.Empty:
                return None
            if waiting[0].set_running_or_notify_cancel():
                return waiting
