"""A platform as its people see it: a database whose clock is moved by hand, the commands, and applications that act for a tenant."""

from __future__ import annotations

import json
import subprocess
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo

from reelq.worker.rooms.identity import login
from tests.acceptance.workerkit import UNHURRIED
from tests.sql import releasekit

PASSWORD = "a long enough password"
CLOCK = """
create table public.day (passed interval);
insert into public.day values ('0');
grant select on public.day to public;
create or replace function base.clock() returns timestamptz language sql volatile security definer set search_path = pg_catalog, pg_temp
as $$ select clock_timestamp() + d.passed from public.day as d $$;
"""


class Platform:
    """The database, its commands and its clock."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self.conn = psycopg.connect(url, autocommit=True)
        self.environ = releasekit.environ(url, folder) | UNHURRIED | {"REELQ_SECRETS_FILE": str(folder / "keys"), "REELQ_SOURCE_ROOTS": str(folder)}

    def reelq(self, *words: str, code: int = 0, stdin: str = "") -> str:
        """What a command prints: stdout, or stderr of one that is refused, which is short."""
        done = subprocess.run(releasekit.command(*words), env=self.environ, input=stdin, capture_output=True, text=True, check=False)
        assert done.returncode == code, (words, done.stdout, done.stderr)
        assert "Traceback" not in done.stderr
        if code:
            assert len(done.stderr.splitlines()) <= 2, done.stderr
        return done.stderr if code else done.stdout

    def rows(self, *words: str) -> list[dict[str, Any]]:
        """The same with --json, read."""
        return [json.loads(line) for line in self.reelq(*words, "--json").splitlines()]

    def value(self, text: str, *values: Any) -> Any:
        row = self.conn.execute(text.encode(), values).fetchone()
        assert row is not None
        return row[0]

    def pass_time(self, time: timedelta) -> None:
        self.conn.execute("update public.day set passed = passed + %s", [time])

    def as_app(self, tenant: str, user: Any = "") -> psycopg.Connection[Any]:
        """An application's session for a tenant, and a user."""
        conn = psycopg.connect(make_conninfo(self.url, options="-c role=reelq_app"), autocommit=True)
        tenant_id = self.value("select id from identity.tenants where slug = %s", tenant)
        conn.execute("select set_config('reelq.tenant_id', %s, false), set_config('reelq.user_id', %s, false)", [str(tenant_id), str(user)])
        return conn

    def log_in(self, email: str, password: str = PASSWORD) -> login.LoggedIn:
        with psycopg.connect(make_conninfo(self.url, options="-c role=reelq_app"), autocommit=True) as conn:
            return login.log_in(conn, email, password)
