"""Two tenants of a 0.1.0 database, upgraded, live through a day: quota, suspension, lock-out, a rotated key, a changed role, an erased user.

Everything goes by the commands and calls that operators and applications have; a worker is at work all the while. The clock of the
database is moved: base.clock() is read from a table, as tools/release_dump.py has it.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pyotp
import pytest

from demo import postgres
from reelq.worker import settings
from reelq.worker.db import schema
from reelq.worker.errors import NotAuthenticated
from reelq.worker.rooms.identity import login, users
from reelq.worker.secrets import Keyring
from tests.acceptance.platformkit import CLOCK, PASSWORD, Platform
from tests.acceptance.workerkit import until, workers
from tests.sql import releasekit


@pytest.fixture
def day(pg_server: postgres.Server, tmp_path: Path) -> Iterator[Platform]:
    """A database of 0.1.0 with its four days in it, upgraded by the command."""
    with releasekit.database(pg_server, "0.1.0") as url:
        one = Platform(url, tmp_path)
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


def test_a_day(day: Platform, tmp_path: Path) -> None:
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


def load_keys(day: Platform) -> Keyring:
    """The keys as they are in the file now."""
    return Keyring.load(settings.load(day.environ))


def code_of(day: Platform, secret: str) -> str:
    """What the user's device shows at the database's time."""
    return pyotp.TOTP(secret).at(day.value("select base.clock()"))
