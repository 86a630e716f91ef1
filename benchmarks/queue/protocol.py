"""What every Python adapter shares: verbs, payload, and the file of handler starts. Standard library only.

command VERB ARGS       the database in $BENCH_DSN

info                            one JSON object: name, version, settings, remaining_sql, optionally cannot
reset                           install the schema into the empty database
enqueue-one N                   N single enqueues, a commit each; prints {"n":N,"seconds":S}
enqueue-many N CHUNK DELAY_S    N jobs by the best bulk way, due in DELAY_S seconds; prints the same
trickle N INTERVAL_MS OUT       a job every interval; appends (float64 number, float64 Unix time after the commit)
work CONCURRENCY OUT            a worker until SIGTERM; appends (float64 number, float64 Unix time of its start)
"""

from __future__ import annotations

import json
import os
import struct
import sys
import threading
import time
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

RECORD = struct.Struct("=dd")  # job number, Unix time
FLUSH_S = 0.05
PAD = "x" * 64


def payload(number: int) -> dict[str, Any]:
    """What a job of the benchmark carries."""
    return {"i": number, "video_id": str(uuid.uuid4()), "pad": PAD}


def dsn() -> str:
    """The database to work in."""
    return os.environ["BENCH_DSN"]


class Recorder:
    """Appends what handlers report to a file, 50 ms later at most. `note` may be called from any thread."""

    def __init__(self, out: str) -> None:
        self._file = Path(out).open("ab", buffering=0)  # noqa: SIM115 - open as long as the program runs
        self._waiting: list[bytes] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)
        self._thread.start()

    def note(self, number: int) -> None:
        """The handler of this job starts now."""
        self._waiting.append(RECORD.pack(number, time.time()))

    def close(self) -> None:
        """Write what is left."""
        self._over.set()
        self._thread.join()
        self._flush()
        self._file.close()

    def _run(self) -> None:
        while not self._over.wait(FLUSH_S):
            self._flush()

    def _flush(self) -> None:
        count = len(self._waiting)  # what comes meanwhile stays for the next turn
        if count:
            self._file.write(b"".join(self._waiting[:count]))
            del self._waiting[:count]


def batches(total: int, chunk: int) -> Iterator[range]:
    """The job numbers of each call of a bulk enqueue."""
    for start in range(0, total, chunk):
        yield range(start, min(start + chunk, total))


class Adapter(ABC):
    """One queue. A verb is a method; what it returns is printed as JSON."""

    @abstractmethod
    def info(self) -> dict[str, Any]:
        """Name, version, settings, remaining_sql."""

    @abstractmethod
    def reset(self) -> None:
        """Install the schema."""

    @abstractmethod
    def enqueue_one(self, count: int) -> float:
        """Enqueue one by one; returns the seconds it took."""

    @abstractmethod
    def enqueue_many(self, count: int, chunk: int, delay_s: float) -> float:
        """Enqueue in bulk; returns the seconds it took."""

    @abstractmethod
    def trickle(self, count: int, interval_s: float, committed: Callable[[int], None]) -> None:
        """A job every interval; call `committed` after each commit."""

    @abstractmethod
    def work(self, concurrency: int, started: Callable[[int], None]) -> None:
        """Work until SIGTERM; call `started` from each handler."""


def paced(count: int, interval_s: float) -> Iterator[int]:
    """Job numbers, one every interval, without drift."""
    begin = time.monotonic()
    for number in range(count):
        time.sleep(max(0.0, begin + number * interval_s - time.monotonic()))
        yield number


def main(adapter: Adapter, argv: list[str] | None = None) -> int:
    """Run the verb that the command line names."""
    match sys.argv[1:] if argv is None else argv:
        case ["info"]:
            print(json.dumps(adapter.info()))
        case ["reset"]:
            adapter.reset()
        case ["enqueue-one", count]:
            print(json.dumps({"n": int(count), "seconds": adapter.enqueue_one(int(count))}))
        case ["enqueue-many", count, chunk, delay_s]:
            print(json.dumps({"n": int(count), "seconds": adapter.enqueue_many(int(count), int(chunk), float(delay_s))}))
        case ["trickle", count, interval_ms, out]:
            recorder = Recorder(out)
            adapter.trickle(int(count), float(interval_ms) / 1000, recorder.note)
            recorder.close()
        case ["work", concurrency, out]:
            recorder = Recorder(out)
            try:
                adapter.work(int(concurrency), recorder.note)
            finally:
                recorder.close()
        case _:
            print(__doc__, file=sys.stderr)
            return 2
    return 0
