"""python -m benchmarks.events: events from the outbox to a local endpoint by one worker, and beside an endpoint that hangs."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote
from urllib.request import urlopen

import click
import psycopg

from benchmarks import machine, server
from benchmarks.document import write_section
from benchmarks.place import ROOT, cache, child_environ
from benchmarks.tables import table
from reelq.worker import settings
from reelq.worker.db import schema
from reelq.worker.rooms.ops import webhooks as room
from reelq.worker.secrets import Keyring, keyfile
from reelq.worker.secrets.keys import make_key
from reelq.worker.webhooks import secrets

Conn = psycopg.Connection[object]
CHUNK = 10_000  # events a transaction when they are told
LOOK_S = 0.25
Stats = dict[str, tuple[int, int, float, float, float]]  # path: count, twice, first, last, sum of times


@dataclass(frozen=True, slots=True)
class Place:
    """What a run works with."""

    dsn: str
    folder: Path
    keys: Path
    port: int

    @property
    def ring(self) -> Keyring:
        """The keys that secrets are sealed under."""
        return Keyring.load(settings.load({"REELQ_SECRETS_FILE": str(self.keys), "DATABASE_URL": self.dsn}))

    def ask(self, what: str) -> Stats:
        """A question to the receiver."""
        with urlopen(f"http://127.0.0.1:{self.port}/{what}") as answer:
            found: Stats = json.load(answer)
        return found


@contextmanager
def placed(dsn: str) -> Iterator[Place]:
    """A receiver, a key file, and nothing left of them afterwards."""
    with tempfile.TemporaryDirectory(dir=cache()) as made:
        folder = Path(made)
        entry = keyfile.entry(make_key())
        keyfile.create(folder / "secrets", keyfile.KeyFile(entry.key.key_id, (entry,)))
        receiver = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.events_receiver", "0"], cwd=ROOT, stdout=subprocess.PIPE, env=child_environ({"PYTHONPATH": str(ROOT)})
        )
        try:
            assert receiver.stdout is not None
            yield Place(dsn, folder, folder / "secrets", int(receiver.stdout.readline()))
        finally:
            receiver.kill()
            receiver.wait()


@contextmanager
def worker(place: Place, slots: int) -> Iterator[int]:
    """One worker process, as an operator starts it; its id."""
    environ = child_environ({
        "PYTHONPATH": str(ROOT), "DATABASE_URL": place.dsn, "REELQ_STORE": (place.folder / "objects").as_uri(),
        "REELQ_SCRATCH": str(place.folder / "scratch"), "REELQ_SECRETS_FILE": str(place.keys), "REELQ_ALLOW_PRIVATE_ADDRESSES": "yes",
        "REELQ_SCRATCH_RESERVE_BYTES": "1", "REELQ_SLOTS": str(slots), "REELQ_TYPES": "deliver_webhook,probe_webhook",
    })  # fmt: skip
    with (place.folder / "worker.log").open("wb") as log:
        process = subprocess.Popen([sys.executable, "-P", "-m", "reelq.cli.main", "worker", "run"], stderr=log, stdout=log, env=environ)
        try:
            yield process.pid
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def add_endpoint(conn: Conn, place: Place, name: str, tenant: str) -> None:
    """An endpoint of a tenant at /name of the receiver."""
    made = secrets.make(place.ring)
    place.ask(f"secret?{name}={quote(made.secret)}")
    room.create_webhook(conn, f"http://127.0.0.1:{place.port}/{name}", made.id, made.sealed, tenant=tenant)


def tell(conn: Conn, tenant: str, events: int, keys: int) -> None:
    """So many events into the outbox, of so many ordering keys; 0: each of its own."""
    for begin in range(0, events, CHUNK):
        conn.execute(
            "select base.emit_event('video.ready', t.id, 'video:' || case when %(keys)s = 0 then n else n %% greatest(%(keys)s, 1) end,"
            " jsonb_build_object('video_id', base.uuid_v7(), 'asset_id', base.uuid_v7(), 'n', n))"
            " from identity.tenants as t, generate_series(%(begin)s + 1, %(end)s) as n where t.slug = %(tenant)s",
            {"keys": keys, "begin": begin, "end": min(events, begin + CHUNK), "tenant": tenant},
        )


def wait_for(place: Place, paths: list[str], each: int, limit_s: float) -> Stats:
    """Until so many have arrived at each of these paths."""
    until = time.monotonic() + limit_s
    while True:
        stats = place.ask("stats")
        if all(path in stats and stats[path][0] - stats[path][1] >= each for path in paths):
            return stats
        if time.monotonic() > until:
            raise click.ClickException(f"not all arrived within {limit_s:g} s: { {path: one[0] for path, one in stats.items()} }; see worker.log")
        time.sleep(LOOK_S)


def throughput(database: server.Bench, events: int, slots: int, keys: int, limit_s: float) -> list[str]:
    """One endpoint: outboxed, then relayed and delivered by one worker."""
    database.fresh()
    with psycopg.connect(database.dsn, autocommit=True) as conn, placed(database.dsn) as place:
        schema.install(conn)
        add_endpoint(conn, place, "one", "default")
        begin = time.monotonic()
        tell(conn, "default", events, keys)
        told_s = time.monotonic() - begin
        database.checkpoint()
        before, begin = database.cpu_s(), time.monotonic()
        with worker(place, slots) as pid:
            stats = wait_for(place, ["/one"], events, limit_s)
            took_s = time.monotonic() - begin
            # The last of them are settled within a moment, and a rate without that would be too good.
            while conn.execute("select exists (select from queue.processing_jobs where status in ('queued', 'running'))").fetchone() == (True,):
                time.sleep(LOOK_S)
            own_s = next(one.own_s for one in machine.processes() if one.pid == pid)
        after = database.cpu_s()
        count, twice, first, last, _ = stats["/one"]
        return [
            f"{events:,}", "each its own" if keys == 0 else f"{keys:,}", f"{events / told_s:,.0f}", f"{took_s:.1f}", f"{events / took_s:,.0f}",
            f"{count / max(last - first, 0.001):,.0f}", str(twice), f"{(after - before) / events * 1e6:.0f}", f"{own_s / events * 1e6:.0f}",
        ]  # fmt: skip


def beside(database: server.Bench, events: int, slots: int, hangs: bool, limit_s: float) -> list[str]:
    """Ten tenants with an endpoint and a tenth of the events each; one of them hangs, or answers as the others do."""
    database.fresh()
    with psycopg.connect(database.dsn, autocommit=True) as conn, placed(database.dsn) as place:
        schema.install(conn)
        names = [f"t{n}" for n in range(1, 10)]
        for name in [*names, "last"]:
            conn.execute("select identity.create_tenant(%s)", [name])
            add_endpoint(conn, place, "hang" if hangs and name == "last" else name, name)
        for name in [*names, "last"]:
            tell(conn, name, events // 10, 100)
        database.checkpoint()
        begin = time.time()
        with worker(place, slots):
            stats = wait_for(place, [f"/{name}" for name in names], events // 10, limit_s)
            others = [stats[f"/{name}"] for name in names]
        count = sum(one[0] for one in others)
        hung = stats.get("/hang", (0, 0, 0, 0, 0))[0]
        return [
            "hangs" if hangs else "answers", f"{max(one[3] for one in others) - begin:.1f}",
            f"{sum(one[4] - begin * one[0] for one in others) / count:.1f}", str(hung) if hangs else "—",
        ]  # fmt: skip


@click.command(context_settings={"show_default": True, "help_option_names": ["-h", "--help"]})
@click.option("--events", type=click.IntRange(min=1000), default=1_000_000, help="How many go to one endpoint.")
@click.option("--keys", type=click.IntRange(min=0), default=0, help="Of so many ordering keys; 0: each has its own, as a video has.")
@click.option("--slots", type=click.IntRange(min=1), default=4, help="Slots of the worker.")
@click.option("--hanging", type=click.IntRange(min=0), default=10_000, help="Events of ten tenants, one of whose endpoints hangs; 0: none.")
@click.option("--limit", type=click.FloatRange(min=1), default=3600, help="Longest that a run may take, in seconds.")
@click.option("--pg", help="Postgres: system, wheel, or a major; default: the system's, else the wheel's.")
@click.option("--write", type=click.Path(dir_okay=False, path_type=Path), help="Put the result into this file: docs/benchmarks.md.")
@click.option("--note", help="A sentence about the machine at that hour, for the page.")
def bench(
    events: int, keys: int, slots: int, hanging: int, limit: float, pg: str | None, write: Path | None, note: str | None
) -> None:
    """Events to endpoints on this host by one worker: outboxed, relayed, delivered; and what others lose beside one that hangs.

    \b
    Examples:
      ./run bench events
      ./run bench events --events 20000 --hanging 0
      ./run bench events --write docs/benchmarks.md
    """
    with server.running(cache(), pg) as database:
        head = ["events", "ordering keys", "outboxed/s", "took s", "delivered/s", "first to last/s", "twice", "server µs", "worker µs"]
        text = table(head, [throughput(database, events, slots, keys, limit)])
        print(text, flush=True)
        if hanging:
            rows = [beside(database, hanging, slots, hangs, limit) for hangs in (False, True)]
            more = table(["the tenth endpoint", "the nine others done after s", "mean s", "requests that hung"], rows)
            print(more)
            text += "\n\n" + more
        if write is not None:
            facts = ", ".join(f"{name} {value}" for name, value in machine.describe().items())
            usual = {"events": 1_000_000, "keys": 0, "slots": 4, "hanging": 10_000}
            chosen = {"events": events, "keys": keys, "slots": slots, "hanging": hanging}
            command = "./run bench events" + "".join(f" --{name} {value}" for name, value in chosen.items() if value != usual[name])
            said = f"- **command**: {command}\n- **date**: {datetime.now(UTC):%Y-%m-%d %H:%M} UTC\n- **machine**: {facts}"
            said += f"\n- **Postgres**: {database.version}"
            said += "\n- **took**: from the worker's start to the last arrival; receiver and Postgres are on this machine; **µs**: CPU an event"
            said += f"\n- **beside**: {hanging:,} events of ten tenants with an endpoint each, all outboxed before" if hanging else ""
            said += f"\n- **note**: {note}" if note else ""
            write_section(write, "events", "Events to endpoints", said, text)


if __name__ == "__main__":
    bench(prog_name="./run bench events")
