"""Reads a child's two pipes, each in a thread of its own: a full pipe would stop the child."""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import IO

RING_BYTES = 64 * 1024  # of stderr; what came last says why
LINE_BYTES = 64 * 1024  # longest piece of a line that is handed on


class _Reader(ABC):
    """A thread that reads one pipe to its end."""

    def __init__(self, pipe: IO[bytes] | None) -> None:
        if pipe is None:
            raise ValueError("the child was started without this pipe")
        self._pipe = pipe
        self._thread = threading.Thread(target=self._run, name="child-pipe", daemon=True)

    @abstractmethod
    def _run(self) -> None:
        """Read to the end."""

    def join(self, timeout_s: float) -> None:
        """Wait for the end of the pipe."""
        self._thread.join(timeout_s)


class Ring(_Reader):
    """Keeps the last RING_BYTES; tells `on_line` each line, also of what is not kept."""

    def __init__(self, pipe: IO[bytes] | None, on_line: Callable[[bytes], object] | None = None) -> None:
        super().__init__(pipe)
        self._kept = bytearray()
        self._on_line = on_line
        self._begun = b""
        self._thread.start()

    def _run(self) -> None:
        # read1 of a BufferedReader returns what is there; Popen's pipes are such.
        while piece := self._pipe.read1(8192):  # type: ignore[attr-defined]
            self._kept += piece
            del self._kept[:-RING_BYTES]
            if self._on_line is not None:
                *lines, self._begun = (self._begun + piece).split(b"\n")
                self._begun = self._begun[-LINE_BYTES:]
                for line in lines:
                    self._on_line(line)

    def text(self) -> str:
        """What was kept; bytes that are no UTF-8 and NULs, which Postgres refuses, are replaced."""
        return bytes(self._kept).decode(errors="replace").replace("\0", "�")


class Lines(_Reader):
    """Hands each line to `on_line`; without one keeps the text, up to `most_bytes`."""

    def __init__(
        self,
        pipe: IO[bytes] | None,
        most_bytes: int,
        on_line: Callable[[str], bool] | None,
        *,
        on_trouble: Callable[[], None],
    ) -> None:
        super().__init__(pipe)
        self._most_bytes = most_bytes
        self._on_line = on_line
        self._on_trouble = on_trouble
        self._kept = bytearray()
        self._error: Exception | None = None
        self.moved_at = time.monotonic()  # when the child last got further
        self.trouble: str | None = None  # "stdout": too much of it; "caller": on_line raised
        self._thread.start()

    def _run(self) -> None:
        while line := self._pipe.readline(LINE_BYTES):
            if self.trouble is None:  # else only drained, so that the child can end
                self._take(line)

    def _take(self, line: bytes) -> None:
        if self._on_line is None:
            self._kept += line
            if len(self._kept) > self._most_bytes:
                self._stop("stdout")
            return
        try:
            if self._on_line(line.decode(errors="replace").rstrip("\r\n")):
                self.moved_at = time.monotonic()
        except Exception as error:  # noqa: BLE001  whatever on_line raises is raised again in the caller's thread
            self._error = error
            self._stop("caller")

    def _stop(self, why: str) -> None:
        self.trouble = why
        self._on_trouble()

    def raise_error(self) -> None:
        """Raise what `on_line` raised."""
        if self._error is not None:
            raise self._error

    def text(self) -> str:
        """What was kept."""
        return self._kept.decode(errors="replace")
