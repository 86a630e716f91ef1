"""python -m benchmarks.identity: identity.authenticate with a million keys, called a thousand times a second with one of them."""

from __future__ import annotations

import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median, quantiles

import click
import psycopg

from benchmarks import machine, server
from benchmarks.document import write_section
from benchmarks.place import cache
from benchmarks.tables import table
from reelq.worker.db import schema

KEYS_A_TENANT = 1000
SAMPLE_S = 0.005  # how often somebody looks who waits for a lock
LATE_S = 0.5  # a call that is so late is not made up for: the machine cannot keep the pace
# The time that the server takes, without the way there: the call is inside, two readings of its clock are around it.
TIMED = """
create function public.timed(p_key text) returns double precision language plpgsql as $$
declare
    v_begin timestamptz := clock_timestamp();
begin
    perform from identity.authenticate(p_key);
    return extract(epoch from clock_timestamp() - v_begin) * 1000;
end;
$$
"""
FILL = (
    "insert into identity.tenants (slug, name) select 't' || n, 'Tenant ' || n from generate_series(1, %(tenants)s) as n",
    """
    insert into identity.api_keys (tenant_id, name, prefix, key_hash, created_by)
    select t.id, 'k' || n, 'prefix00', sha256(convert_to(t.id::text || n, 'UTF8')), 'bench'
    from identity.tenants as t cross join generate_series(1, %(each)s) as n where t.slug <> 'default'
    """,
    "insert into identity.api_key_last_uses (key_id) select k.id from identity.api_keys as k",
    "analyze identity.api_keys, identity.api_key_last_uses",
)
# What the key is bounded to an hour, and what is said of it.
LIMITS: dict[str, tuple[int | None, str]] = {
    "no limit": (None, "nothing is counted"),
    "5,000,000 an hour": (5_000_000, "one call in 5,000 is entered"),
    "20,000 an hour": (20_000, "one call in 20 is entered"),
    "1,999 an hour": (1999, "each call is entered"),
}


@dataclass(slots=True)
class Measured:
    """What a run has shown."""

    spans_ms: list[float] = field(default_factory=list)
    late: int = 0  # calls that were left out, since the machine did not keep the pace
    refused: int = 0
    waits: Counter[str] = field(default_factory=Counter)  # samples of the server's sessions by what they waited for
    samples: int = 0
    seconds: float = 0


def fill(conn: psycopg.Connection[object], keys: int) -> None:
    """So many keys, a thousand of each tenant."""
    conn.execute(TIMED)
    for statement in FILL:
        conn.execute(statement.encode(), {"tenants": max(1, keys // KEYS_A_TENANT), "each": min(keys, KEYS_A_TENANT)})
    conn.execute("checkpoint")


def call(dsn: str, key: str, rate: float, until: float, found: Measured, lock: threading.Lock) -> None:
    """One client at a steady pace."""
    spans, late, refused = [], 0, 0
    with psycopg.connect(dsn, autocommit=True, prepare_threshold=0) as conn:
        due = time.monotonic()
        while due < until:
            now = time.monotonic()
            if now - due > LATE_S:
                late += int((now - due) * rate)
                due = now
            time.sleep(max(0.0, due - now))
            due += 1 / rate
            try:
                ((took,),) = conn.execute("select public.timed(%s)", [key]).fetchall()
                spans.append(took)
            except psycopg.Error as error:
                if error.sqlstate != "RQ015":
                    raise
                refused += 1
    with lock:
        found.spans_ms += spans
        found.late += late
        found.refused += refused


def watch(dsn: str, stop: threading.Event, found: Measured) -> None:
    """Look who waits, until told to stop."""
    with psycopg.connect(dsn, autocommit=True, application_name="watch") as conn:
        while not stop.wait(SAMPLE_S):
            found.samples += 1
            for kind, event in conn.execute(
                "select wait_event_type, wait_event from pg_stat_activity "
                "where datname = current_database() and application_name <> 'watch' and backend_type = 'client backend' and state = 'active' "
                "and wait_event is not null"
            ).fetchall():
                found.waits[f"{kind}:{event}"] += 1
            for (_,) in conn.execute("select pid from pg_locks where not granted").fetchall():
                found.waits["Lock:not granted"] += 1


def measure(dsn: str, limit: int | None, clients: int, rate: int, seconds: float) -> Measured:
    """So many calls a second on one key, over so many connections."""
    with psycopg.connect(dsn, autocommit=True) as conn:
        ((key_id, key),) = conn.execute("select id, key from identity.create_key('bench', 'default', p_hourly_limit => %s)", [limit]).fetchall()
        found, lock, stop = Measured(), threading.Lock(), threading.Event()
        watcher = threading.Thread(target=watch, args=(dsn, stop, found))
        watcher.start()
        begin = time.monotonic()
        threads = [threading.Thread(target=call, args=(dsn, key, rate / clients, begin + seconds, found, lock)) for _ in range(clients)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        found.seconds = time.monotonic() - begin
        stop.set()
        watcher.join()
        conn.execute("select identity.revoke_key(%s)", [key_id])
    return found


@click.command(context_settings={"show_default": True, "help_option_names": ["-h", "--help"]})
@click.option("--keys", type=click.IntRange(min=KEYS_A_TENANT), default=1_000_000, help="How many there are.")
@click.option("--rate", type=click.IntRange(min=1), default=1000, help="Calls a second, all with one key.")
@click.option("--clients", type=click.IntRange(min=1), default=8, help="Connections over which they come.")
@click.option("--seconds", type=click.FloatRange(min=0.1), default=20, help="How long each measure goes.")
@click.option("--pg", help="Postgres: system, wheel, or a major; default: the system's, else the wheel's.")
@click.option("--write", type=click.Path(dir_okay=False, path_type=Path), help="Put the result into this file: docs/benchmarks.md.")
@click.option("--note", help="A sentence about the machine at that hour, for the page.")
def bench(keys: int, rate: int, clients: int, seconds: float, pg: str | None, write: Path | None, note: str | None) -> None:
    """How long the server takes to say who comes with an API key, when one key of a million is used all the time.

    \b
    Examples:
      ./run bench identity
      ./run bench identity --keys 10000 --seconds 3
      ./run bench identity --write docs/benchmarks.md
    """
    with server.running(cache(), pg) as database:
        database.fresh()
        with psycopg.connect(database.dsn, autocommit=True) as conn:
            schema.install(conn)
            fill(conn, keys)
        rows = []
        for name, (limit, what) in LIMITS.items():
            # A limit that ends the measure before its time is measured for as long as it lasts.
            lasts = seconds if limit is None else min(seconds, limit * 0.9 / rate)
            measure(database.dsn, limit, clients, rate, min(1.0, lasts))  # plans and pages
            database.checkpoint()
            found = measure(database.dsn, limit, clients, rate, lasts)
            cuts = quantiles(found.spans_ms, n=100)
            waited = sum(count for event, count in found.waits.items() if event.startswith("Lock"))
            others = ", ".join(f"{event} {count}" for event, count in found.waits.most_common(3) if not event.startswith("Lock"))
            rows.append([
                name, f"{len(found.spans_ms) / found.seconds:,.0f}", f"{median(found.spans_ms):.3f}", f"{cuts[94]:.3f}", f"{cuts[98]:.3f}",
                str(waited), str(found.samples), f"{what}{'; also seen: ' + others if others else ''}",
            ])  # fmt: skip
        text = table(["limit of the key", "calls/s", "p50 ms", "p95 ms", "p99 ms", "lock waits", "of samples", "what it does"], rows)
        print(text)
        if write is not None:
            facts = ", ".join(f"{name} {value}" for name, value in machine.describe().items())
            command = "./run bench identity" + "".join(
                f" --{name} {value:g}"
                for name, value, usual in (("keys", keys, 1_000_000), ("rate", rate, 1000), ("clients", clients, 8), ("seconds", seconds, 20))
                if value != usual
            )
            head = f"- **command**: {command}\n- **date**: {datetime.now(UTC):%Y-%m-%d %H:%M} UTC\n- **machine**: {facts}"
            head += f"\n- **Postgres**: {database.version}"
            head += f"\n- **keys**: {keys:,}; all calls with one of them, over {clients} connections, each call its own transaction"
            head += "\n- **ms**: inside the server, by its clock, around `identity.authenticate`; **lock waits**: sessions seen waiting for a lock"
            head += f"\n- **note**: {note}" if note else ""
            write_section(write, "identity", "Authenticate by API key", head, text)


if __name__ == "__main__":
    bench(prog_name="./run bench identity")
