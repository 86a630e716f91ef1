"""Two tenants of a 0.1.0 database, upgraded, live through a day: quota, suspension, lock-out, a rotated key, a changed role, an erased user.

Everything goes by the commands and calls that operators and applications have; a worker is at work all the while. The clock of the
database is moved: base.clock() is read from a table, as tools/release_dump.py has it.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pyotp
import pytest
from psycopg.conninfo import make_conninfo

from demo import postgres
from reelq.worker import settings
from reelq.worker.db import schema
from reelq.worker.errors import NotAuthenticated
from reelq.worker.rooms.identity import login, users
from reelq.worker.secrets import Keyring
from tests.acceptance.workerkit import UNHURRIED, until, workers
from tests.sql import releasekit

PASSWORD = "a long enough password"
CLOCK = """
create table public.day (passed interval);
insert into public.day values ('0');
grant select on public.day to public;
create or replace function base.clock() returns timestamptz language sql volatile security definer set search_path = pg_catalog, pg_temp
as $$ select clock_timestamp() + d.passed from public.day as d $$;
"""


class Day:
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


@pytest.fixture
def day(pg_server: postgres.Server, tmp_path: Path) -> Iterator[Day]:
    """A database of 0.1.0 with its four days in it, upgraded by the command."""
    with releasekit.database(pg_server, "0.1.0") as url:
        one = Day(url, tmp_path)
        one.reelq("schema", "upgrade")
        assert schema.diff(one.conn) == []
        one.conn.execute("update queue.upkeep set grace = '1000 years'")
        one.conn.execute(CLOCK.encode())
        try:
            yield one
        finally:
            one.conn.close()


def refused(call: Callable[[], Any]) -> str:
    with pytest.raises(NotAuthenticated) as error:
        call()
    return str(error.value)


def test_a_day(day: Day, tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp4"
    subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=s=128x72:d=1", "-pix_fmt", "yuv420p", str(clip)], check=True)
    with workers(day.environ, tmp_path) as start:
        start("--slots", "2").started()

        # Morning: people of acme, and what they may bring in.
        ada, ben = (day.rows("users", "add", f"{name}@acme.example", "--role", role, "--tenant", "acme")[0]["id"] for name, role in (("ada", "admin"), ("ben", "member")))
        for name in ("ada", "ben"):
            day.reelq("users", "set-password", f"{name}@acme.example", stdin=f"{PASSWORD}\n")
        day.reelq("users", "quota", "set", "ben@acme.example", "2")
        app = day.as_app("acme", ben)
        videos = [app.execute("select queue.ingest_video(%s)", [str(clip)]).fetchone()[0] for _ in range(2)]  # type: ignore[index]
        with pytest.raises(psycopg.Error) as spent:
            app.execute("select queue.ingest_video(%s)", [str(clip)])
        assert spent.value.sqlstate == "RQ013"
        told = day.reelq("ingest", str(clip), "--tenant", "acme", "--user", ben, code=1)
        assert "quota" in told
        assert day.value("select count(*) from media.videos where user_id = %s", ben) == 2
        until(lambda: day.value("select count(*) from media.videos where id = any(%s) and status = 'ready'", videos) == 2, "two videos")
        assert app.execute("select count(*) from media.videos").fetchone() == (2,)

        # Noon: globex has not paid. Nothing is accepted for it, nothing of it runs, and acme goes on.
        day.reelq("tenants", "suspend", "globex")
        assert "suspended" in day.reelq("ingest", str(clip), "--tenant", "globex", code=1)
        waiting = day.value("select count(*) from queue.processing_jobs as j join identity.tenants as t on t.id = j.tenant_id where t.slug = 'globex' and j.status = 'queued'")
        done = day.value("select queue.enqueue_job('no_op', tenant_id => (select id from identity.tenants where slug = 'acme'))")
        until(lambda: day.value("select status from queue.processing_jobs where id = %s", done) == "completed", "a job of acme")
        assert waiting and day.value("select count(*) from queue.processing_jobs as j join identity.tenants as t on t.id = j.tenant_id where t.slug = 'globex' and j.status = 'queued'") == waiting
        day.reelq("tenants", "activate", "globex")

        # Afternoon: somebody tries ben's password. Locked, he is told what the other is told, and nobody else is.
        wrong = {refused(lambda: day.log_in("ben@acme.example", "not the right password")) for _ in range(6)}
        assert wrong == {refused(lambda: day.log_in("ben@acme.example"))} == {refused(lambda: day.log_in("nobody@acme.example"))}
        assert day.log_in("ada@acme.example").tenant_id == day.value("select id from identity.tenants where slug = 'acme'")
        day.pass_time(timedelta(hours=1))
        assert str(day.log_in("ben@acme.example").user_id) == ben
        assert {row["email"] for row in day.rows("audit", "failed-logins", "--since", "3h") if row.get("email")} >= {"ben@acme.example"}

        # A second factor, and the key under which its secret lies is changed.
        day.reelq("secrets", "init")
        keyring = load_keys(day)
        secret = login.enrol_second_factor(day.conn, users.show_user(day.conn, ada).id, keyring)
        login.confirm_second_factor(day.conn, users.show_user(day.conn, ada).id, keyring, code_of(day, secret))
        before = day.value("select base.envelope_key(two_factor_secret) from identity.users where id = %s", ada)
        day.reelq("secrets", "rotate")
        assert day.value("select base.envelope_key(two_factor_secret) from identity.users where id = %s", ada) != before
        day.pass_time(timedelta(minutes=2))
        with pytest.raises(login.SecondFactorNeeded) as needed:
            day.log_in("ada@acme.example")
        assert str(login.give_code(day.conn, needed.value.challenge, code_of(day, secret), load_keys(day)).user_id) == ada
        day.reelq("secrets", "forget", before)

        # Evening: who made ben an admin?
        day.reelq("users", "set", "ben@acme.example", "--role", "admin")
        (change,) = day.rows("audit", "role-changes", "--about", "ben@acme.example")
        assert (change["entity_id"], change["diff"]["role"]) == (ben, {"from": "member", "to": "admin"})
        assert day.as_app("acme", ben).execute("select count(*) from media.videos").fetchone()[0] > 2  # type: ignore[index]

        # Night: ben wants to be forgotten.
        assert day.rows("users", "export", "ben@acme.example")
        day.reelq("users", "erase", "ben@acme.example", "--yes")
        assert day.value("select count(*) from media.videos where id = any(%s)", videos) == 0
        text = "".join(row for table in releasekit.contents(day.conn)[0].values() for row in table)
        assert "ben@acme.example" not in text
        assert day.value("select count(*) from ops.erasures where user_id = %s and ended_at is not null", ben) == 1
        refused(lambda: day.log_in("ben@acme.example"))

    # What was waiting in both tenants is done, or waits for what an operator holds; nothing is lost.
    assert day.conn.execute("select * from queue.verify()").fetchall() == []
    assert [row for row in day.rows("audit", "list", "--limit", "500") if row["action"].startswith("tenant.")]


def load_keys(day: Day) -> Keyring:
    """The keys as they are in the file now."""
    return Keyring.load(settings.load(day.environ))


def code_of(day: Day, secret: str) -> str:
    """What the user's device shows at the database's time."""
    return pyotp.TOTP(secret).at(day.value("select base.clock()"))
