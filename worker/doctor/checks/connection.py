"""The connection to the database: a pooler in between, the session's settings, dead connections, notifications, the clock."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from reelq.worker import db
from reelq.worker.db.rows import Connection, scalar
from reelq.worker.doctor.checks.findings import Finding, database
from reelq.worker.errors import ReelqError
from reelq.worker.settings import Settings

# A host that keeps time by NTP is within a tenth of a second. Leases do not mind, only the database's clock decides about them;
# --at +15m, signed links and the order of the logs do. S3 refuses requests that are 15 minutes off.
SKEW_WARN_S, SKEW_BAD_S = 2.0, 600.0
LOOKS = 3  # measured this often; the quickest answer is the most exact
NOTICE_S = 2.0


def check(settings: Settings, conn: Connection) -> Iterator[Finding]:
    """All but whether it can be opened."""
    yield pooler(settings, conn)
    yield session(conn)
    yield keepalives(settings)
    yield notifications(settings, conn)


def pooler(settings: Settings, conn: Connection) -> Finding:
    """Whether there is a pooler when the settings say so, and none otherwise."""
    if not db.has_pooler(conn):
        return database("ok", "pooler", "None: the connection leads to the server itself")
    if db.behind_pooler(settings):
        return database("ok", "pooler", "One is in between, and the settings say so")
    detail = "One is in between, and the settings do not say so: prepared statements and LISTEN get lost"
    return database("bad", "pooler", detail, "REELQ_DATABASE_DIRECT_URL: the server's own address, or `off` to poll")


def session(conn: Connection) -> Finding:
    """That it may write, and isolation and time-outs as the queue wants them; behind a pooler they have to be the role's."""
    if scalar(conn, "select pg_is_in_recovery()"):
        return database("bad", "session", "The server is a standby and takes no changes", "DATABASE_URL: the primary's address; or pg_ctl promote")
    if scalar(conn, "select current_setting('transaction_read_only')") == "on":
        remedy = "select * from pg_db_role_setting; then: alter database|role|system … reset default_transaction_read_only"
        return database("bad", "session", "It is read-only: nothing can be enqueued, claimed or settled", remedy)
    now = {name: str(scalar(conn, "select current_setting(%s)", [name])) for name in db.SESSION}
    if now["default_transaction_isolation"] != "read committed":
        detail = f"default_transaction_isolation is {now['default_transaction_isolation']}: the queue refuses it (RQ002)"
        return database("bad", "session", detail, "alter role … set default_transaction_isolation = 'read committed'")
    endless = [name for name, value in now.items() if value == "0"]
    if endless:
        remedy = "; ".join(f"alter role … set {name} = '{db.SESSION[name]}'" for name in endless)
        return database("warn", "session", f"No {' and no '.join(endless)}: what hangs, hangs for ever", remedy)
    shown = ", ".join(f"{name.removesuffix('_timeout')} {value}" for name, value in now.items() if name.endswith("_timeout"))
    return database("ok", "session", f"read committed; time-outs: {shown}")


def keepalives(settings: Settings) -> Finding:
    """Whether a host that disappeared is noticed."""
    words = conninfo_to_dict(db.conninfo(settings, "reelq doctor"))
    if str(words.get("host") or "/").startswith("/"):
        return database("ok", "keepalives", "A socket of this host needs none")
    off = [name for name in ("keepalives", "tcp_user_timeout") if str(words.get(name)) == "0"]
    if off:
        detail = f"{' and '.join(off)} is 0 in DATABASE_URL: a server that is gone is waited for"
        return database("warn", "keepalives", detail, "Leave it out: the defaults notice within 20 s.")
    return database("ok", "keepalives", "A server that is gone is noticed within 20 s")


def notifications(settings: Settings, conn: Connection) -> Finding:
    """Whether LISTEN works on the connection that workers use for it."""
    if db.polls(settings):
        return database("ok", "notifications", f"Off: workers poll every {settings.poll_s:g} s")
    try:
        with db.family(), db.connect(settings, "reelq doctor", direct=True) as direct:
            channel = f"reelq_doctor_{uuid.uuid4().hex}"
            direct.execute(sql.SQL("listen {}").format(sql.Identifier(channel)))
            (conn if not db.has_pooler(direct) else direct).execute("select pg_notify(%s, '')", [channel])
            heard = list(direct.notifies(timeout=NOTICE_S, stop_after=1))
    except (ReelqError, psycopg.Error) as error:
        detail = f"The direct connection for LISTEN fails: {' '.join(str(error).split())}"
        return database("bad", "notifications", detail, "Mend REELQ_DATABASE_DIRECT_URL, or set it to `off` to poll.")
    if not heard:
        detail = f"LISTEN hears nothing: new work waits for the next poll ({settings.poll_s:g} s)"
        remedy = "REELQ_DATABASE_DIRECT_URL has to lead past the pooler, to this database."
        return database("warn", "notifications", detail, remedy)
    return database("ok", "notifications", "LISTEN hears what is notified")


def clock(conn: Connection) -> Finding:
    """This host's clock against the database's, as exactly as the round trip allows."""
    looks = []
    for _ in range(LOOKS):
        before = datetime.now(UTC)
        there: datetime = scalar(conn, "select base.clock()")
        half = (datetime.now(UTC) - before).total_seconds() / 2
        looks.append((half, (there - before).total_seconds() - half))
    unsure, skew = min(looks)
    certain = max(abs(skew) - unsure, 0.0)
    if certain < SKEW_WARN_S:
        return database("ok", "clock", f"This host is within {abs(skew) + unsure:.3f} s of the database")
    detail = f"This host is {abs(skew):.1f} s {'behind' if skew > 0 else 'ahead of'} the database"
    level = "warn" if certain < SKEW_BAD_S else "bad"
    return database(level, "clock", detail, "Let both keep time by NTP: timedatectl status")
