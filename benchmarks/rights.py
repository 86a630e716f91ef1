"""python -m benchmarks.rights: what row security adds to a list of a tenant's rows, beside the same query by whom no policy binds."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import click
import psycopg

from benchmarks import machine, server
from benchmarks.document import write_section
from benchmarks.place import cache
from benchmarks.tables import table
from reelq.worker.db import schema

TENANTS = 20
FILL = (
    "insert into identity.tenants (slug, name) select 't' || n, 'Tenant ' || n from generate_series(1, %(tenants)s) as n",
    """
    insert into identity.users (tenant_id, email, role)
    select t.id, r || '@' || t.slug || '.example', r from identity.tenants as t, unnest('{admin,member}'::text[]) as r where t.slug <> 'default'
    """,
    """
    with made as (
        insert into media.assets (tenant_id, owner_user_id, source, source_url)
        select u.tenant_id, u.id, 'upload', '/' || n from identity.users as u, generate_series(1, %(each)s) as n
        returning id, tenant_id, owner_user_id
    )
    insert into media.videos (tenant_id, user_id, asset_id, title, created_at)
    select m.tenant_id, m.owner_user_id, m.id, 'Video', base.clock() - random() * interval '1 year' from made as m
    """,
    """
    insert into queue.processing_jobs (job_type, tenant_id, user_id, scheduled_for)
    select 'no_op', u.tenant_id, u.id, base.clock() + interval '1 day' from identity.users as u, generate_series(1, %(each)s)
    """,
    "vacuum analyze",
)
# name: the columns, the table, the order. The filter is the tenant's, or the user's, as whoever writes the query without row security has it.
LISTS = {
    "50 newest videos": ("id, title, status, created_at from media.videos", "created_at desc"),
    "50 newest jobs": ("id, job_type, status, created_at from queue.processing_jobs", "id desc"),
}


def session(dsn: str, tenant: Any, user: Any) -> psycopg.Connection[Any]:
    """An application's connection."""
    conn = psycopg.connect(dsn, autocommit=True, prepare_threshold=0)
    conn.execute("set role reelq_app")
    conn.execute("select set_config('reelq.tenant_id', %s, false), set_config('reelq.user_id', %s, false)", [str(tenant), str(user or "")])
    return conn


def spans(conn: psycopg.Connection[Any], query: str, values: list[Any]) -> float:
    """Milliseconds that the server takes for one call: planning is done, and the rows stay there."""
    begin = time.perf_counter()
    conn.execute(query.encode(), values, prepare=True)
    return (time.perf_counter() - begin) * 1000


def compare(dsn: str, calls: int) -> list[list[str]]:
    """A row for each list and caller."""
    rows = []
    with psycopg.connect(dsn, autocommit=True, prepare_threshold=0) as free:
        tenant = free.execute("select id from identity.tenants where slug = 't1'").fetchone()[0]  # type: ignore[index]
        people: dict[str, Any] = dict(free.execute("select role, id from identity.users where tenant_id = %s", [tenant]).fetchall())
        for caller, user in (("the tenant", None), ("its admin", people["admin"]), ("a member", people["member"])):
            with session(dsn, tenant, user) as bound:
                for name, (what, order) in LISTS.items():
                    own = "tenant_id = %s" if caller != "a member" else "tenant_id = %s and user_id = %s"
                    values = [tenant] if caller != "a member" else [tenant, user]
                    query = f"select {what} where {own} order by {order} limit 50"
                    took: dict[str, list[float]] = {"free": [], "bound": []}
                    for _ in range(calls):  # in turns, so that whatever else the machine does hits both
                        took["free"].append(spans(free, query, values))
                        took["bound"].append(spans(bound, query, values))
                    plain, secured = median(took["free"][20:]), median(took["bound"][20:])
                    rows.append([name, caller, f"{plain:.3f}", f"{secured:.3f}", f"{secured / plain:.2f}"])
    return rows


@click.command(context_settings={"show_default": True, "help_option_names": ["-h", "--help"]})
@click.option("--each", type=click.IntRange(min=100), default=5000, help="Videos, and jobs, of each of two users; tenants are twenty.")
@click.option("--calls", type=click.IntRange(min=100), default=2000, help="Calls of each list.")
@click.option("--pg", help="Postgres: system, wheel, or a major; default: the system's, else the wheel's.")
@click.option("--write", type=click.Path(dir_okay=False, path_type=Path), help="Put the result into this file: docs/benchmarks.md.")
@click.option("--note", help="A sentence about the machine at that hour, for the page.")
def bench(each: int, calls: int, pg: str | None, write: Path | None, note: str | None) -> None:
    """What row security adds to a tenant's list, as a ratio to the same query by a superuser, whom no policy binds.

    \b
    Examples:
      ./run bench rights
      ./run bench rights --each 500 --calls 300
      ./run bench rights --write docs/benchmarks.md
    """
    with server.running(cache(), pg) as database:
        database.fresh()
        with psycopg.connect(database.dsn, autocommit=True) as conn:
            schema.install(conn)
            for statement in FILL:
                conn.execute(statement.encode(), {"tenants": TENANTS, "each": each} if "%(" in statement else None)
        text = table(["list", "as", "without p50 ms", "with p50 ms", "ratio"], compare(database.dsn, calls))
        print(text)
        if write is not None:
            facts = ", ".join(f"{name} {value}" for name, value in machine.describe().items())
            usual = {"each": 5000, "calls": 2000}
            chosen = {"each": each, "calls": calls}
            command = "./run bench rights" + "".join(f" --{name} {value}" for name, value in chosen.items() if value != usual[name])
            head = f"- **command**: {command}\n- **date**: {datetime.now(UTC):%Y-%m-%d %H:%M} UTC\n- **machine**: {facts}"
            head += f"\n- **Postgres**: {database.version}"
            head += "\n- **ms**: a call from Python over the loopback, prepared, in turns; **without**: a superuser with the same filter written out"
            head += f"\n- **note**: {note}" if note else ""
            write_section(write, "rights", "Row security of a list", head, text)


if __name__ == "__main__":
    bench(prog_name="./run bench rights")
