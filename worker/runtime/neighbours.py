"""Workers of this host that died: found by process id, and marked dead at once instead of after their lease.

A process id means something only within one boot and one PID namespace, so workers register both
as their `process_key`, and ask only about those that bear their own.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import structlog

from reelq.worker import db
from reelq.worker.rooms import queue
from reelq.worker.rooms.queue import reads

log = structlog.get_logger()

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
PID_NAMESPACE = Path("/proc/self/ns/pid")

_mine: set[str] = set()  # workers of this very process


def process_key() -> str | None:
    """Boot id and PID namespace; None where the system does not tell (then nobody is marked)."""
    with suppress(OSError):
        return f"{BOOT_ID.read_text(encoding='ascii').strip()}:{PID_NAMESPACE.readlink()}"
    return None


def is_mine(worker_id: str) -> None:
    """Note a worker of this process, which shares its process id with us and is alive."""
    _mine.add(worker_id)


def mark_dead(conn: db.Connection, host: str) -> int:
    """Mark workers of this host dead whose process is gone; returns how many jobs they held."""
    key = process_key()
    held = 0
    if key is None:
        return held
    for worker in reads.list_workers(conn):
        if worker.host == host and worker.process_key == key and worker.worker_id not in _mine and not _lives(worker.pid):
            jobs = queue.mark_worker_dead(conn, worker.worker_id)
            held += jobs
            log.warning("worker.found_dead", worker_id=worker.worker_id, pid=worker.pid, jobs=jobs)
    return held


def _lives(pid: int) -> bool:
    """Whether a process has this id. Our own id, reused after a container's restart, was another's."""
    if pid == os.getpid():
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
