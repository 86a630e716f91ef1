"""Measure A: what it costs to enqueue."""

from __future__ import annotations

import json
import re
import subprocess
import time
import uuid

from benchmarks.queue.driving import CHUNK, AdapterFailed, Queue
from benchmarks.queue.protocol import batches, payload

CLIENTS = 8
# As wide as a job's row is at first: ids, a type, a priority, times, the payload.
RAW_TABLE = """
create table if not exists raw_copy (
    id uuid primary key, tenant_id uuid, kind text, priority smallint, status text,
    created_at timestamptz, due timestamptz, data jsonb
)"""


def singles(queue: Queue, count: int) -> dict[str, float]:
    """One by one, a commit each."""
    queue.reset()
    return {"single_s": count / queue.enqueue_one(count)}


def bulk(queue: Queue, count: int) -> dict[str, float]:
    """The best bulk way, 10,000 jobs a call."""
    queue.reset()
    before = queue.bench.count()
    seconds = queue.enqueue_many(count)
    after = queue.bench.count()
    return {
        f"bulk_{count}_s": count / seconds,
        "wal": (after.wal_bytes - before.wal_bytes) / count,
        "buffers": (after.buffers - before.buffers) / count,
        "server_ms": 1000 * (after.cpu_s - before.cpu_s) / count,
    }


def raw_copy(queue: Queue, count: int) -> dict[str, float]:
    """Rows of the same width by COPY into a table with a primary key and nothing else: what the server can do."""
    with queue.bench.session() as conn:
        conn.execute(RAW_TABLE)
        queue.bench.checkpoint()
        begin = time.perf_counter()
        for numbers in batches(count, CHUNK):
            with conn.cursor() as cursor, cursor.copy("copy raw_copy from stdin") as copy:
                for number in numbers:
                    # Ids that grow, as those of the queues do.
                    row = [f"{time.time_ns():016x}{number:016x}", uuid.UUID(int=number % 10), "no_op", 5, "queued"]
                    copy.write_row([*row, "now", "now", json.dumps(payload(number))])
        seconds = time.perf_counter() - begin
        conn.execute("drop table raw_copy")
    return {"raw_copy_s": count / seconds}


def clients(queue: Queue, seconds: int) -> dict[str, float]:
    """8 clients insert one by one while a worker waits for notifications, and while none does: off, on, on, off.

    Only for an adapter that knows the verbs `pgbench` (print a script for it) and `listen` (a worker that asks to
    be notified again after every notification, and takes nothing).
    """
    program = queue.bench.pgbench
    if program is None or not queue.info.get("clients"):
        return {}
    queue.reset()
    script = queue.file()
    script.write_text(queue.text("pgbench"), encoding="utf-8")
    command = [str(program), "-n", "-M", "prepared", "-c", str(CLIENTS), "-j", "2", "-T", str(seconds), "-f", str(script)]
    rates: dict[bool, list[float]] = {False: [], True: []}
    for notified in (False, True, True, False):
        listener = queue.background("listen") if notified else None
        try:
            done = subprocess.run([*command, queue.bench.dsn], capture_output=True, text=True, env=queue.environ, check=False)
        finally:
            if listener is not None:
                listener.terminate()
                listener.wait()
        found = re.search(r"^tps = ([\d.]+)", done.stdout, flags=re.MULTILINE)
        if done.returncode != 0 or found is None:
            raise AdapterFailed(f"pgbench failed:\n{done.stderr[-2000:]}")
        rates[notified].append(float(found[1]))
    off, on = (sum(rates[notified]) / len(rates[notified]) for notified in (False, True))
    return {"clients_off_s": off, "clients_on_s": on, "clients_factor": on / off}
