"""reelq audit: what an operator asks on the morning after."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

import pytest

from reelq.cli import audit
from reelq.worker.rooms.ops import audit as acts
from tests.cli.conftest import Reelq
from tests.sql.auditkit import add_user, say
from tests.sql.mediakit import Conn, scalar
from tests.sql.rolekit import Tenant


@pytest.fixture
def night(conn: Conn, reelq: Reelq) -> Tenant:
    """What was done: by the command line, and by hand."""
    acme = Tenant(conn, "acme")
    assert reelq("queue", "pause", "all", "--reason", "a bad night").code == 0
    assert reelq("queue", "resume", "all").code == 0
    assert reelq("queue", "set-limit", "type:no_op", "3").code == 0
    assert reelq("queue", "set-limit", "type:no_op", "5").code == 0
    conn.execute("update identity.users set role = 'admin' where id = %s", [acme.user])
    return acme


def test_a_list_tells_who_did_what_to_what(night: Tenant, reelq: Reelq) -> None:
    ran = reelq("audit", "list")
    assert ran.code == 0 and ran.err == ""
    assert ran.out.splitlines()[0].split()[:6] == ["ID", "WHEN", "ACTOR", "ACTION", "WHAT", "RISK"]
    (limit,) = [line for line in ran.out.splitlines() if "limit.changed" in line]
    assert "limit type:no_op" in limit and "max_running: 3 → 5" in limit
    (pause,) = [line for line in ran.out.splitlines() if "pause.created" in line]
    assert "reason a bad night" in pause and "70" in pause


def test_json_has_the_whole_act(night: Tenant, reelq: Reelq) -> None:
    (row,) = reelq("audit", "role-changes", "--about", "ann@acme.example.com", "--json").rows
    assert (row["action"], row["diff"], row["entity_id"], row["tenant"]) == ("user.role_changed", {"role": {"from": "member", "to": "admin"}}, str(night.user), "acme")
    assert set(row) == set(acts.Act.__dataclass_fields__)


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["--entity", "pause"], ["pause.deleted", "pause.created"]),
        (["--entity", "pause/all:"], ["pause.deleted", "pause.created"]),
        (["--action", "limit"], ["limit.changed", "limit.created"]),
        (["--action", "limit.changed"], ["limit.changed"]),
        (["--tenant", "acme"], ["user.role_changed", "user.created", "tenant_config.created", "tenant.created"]),
        (["--min-risk", "70"], ["user.role_changed", "pause.created"]),
        (["--about", "ann@acme.example.com"], ["user.role_changed", "user.created"]),
        (["--actor", "worker"], []),
        (["--entity", "tenant/acme"], ["tenant.created"]),
        (["--entity", "user/ann@acme.example.com"], ["user.role_changed", "user.created"]),
        (["--request", "req-1"], []),
        (["--from", "203.0.113.7"], []),
        (["--since", "2d", "--until", "1d"], []),
    ],
)  # fmt: skip
def test_each_filter_leaves_what_fits(night: Tenant, reelq: Reelq, words: list[str], found: list[str]) -> None:
    assert [row["action"] for row in reelq("audit", "list", *words, "--json").rows] == found
    ran = reelq("audit", "list", *words)
    assert ran.code == 0 and (bool(found) or ran.err == "No such acts.\n")


def test_pages_go_on_where_the_last_one_ended(night: Tenant, reelq: Reelq) -> None:
    everything = [row["id"] for row in reelq("audit", "list", "--json").rows]
    first = reelq("audit", "list", "--limit", 3)
    assert first.err == f"The next page: the same with --after {everything[2]}\n"
    assert [row["id"] for row in reelq("audit", "list", "--after", everything[2], "--json").rows] == everything[3:]
    assert reelq("audit", "list", "--after", everything[-1]).err == "No more such acts.\n"


def test_one_act_is_shown_whole(night: Tenant, reelq: Reelq) -> None:
    changed, created = reelq("audit", "list", "--action", "limit", "--json").rows
    shown = reelq("audit", "show", changed["id"])
    assert shown.code == 0 and "what changed" in shown.out and "reelq command" in shown.out
    assert "max_running" in shown.out.split("what changed")[1]
    assert "after" in reelq("audit", "show", created["id"]).out
    assert reelq("audit", "show", changed["id"], "--json").rows[0] == changed


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["show", "987654321"], 2, "no act 987654321"),
        (["list", "--min-risk", "5"], 2, "20 (worth a look) to 100"),
        (["list", "--from", "home"], 2, "must be an address such as 203.0.113.7"),
        (["list", "--about", "nobody@example.com"], 2, "no user"),
        (["list", "--tenant", "nobody"], 2, "no tenant"),
        (["list", "--since", "1d", "--until", "2d"], 2, "since must be before until"),
        (["list", "--follow", "--after", "1"], 2, "--follow must stand without"),
        (["list", "--entity", "tenant/nobody"], 2, "no tenant 'nobody'"),
        (["list", "--entity", "usr"], 2, "Known: api_key, "),
        (["list", "--action", "usr.made"], 2, "They begin with: api_key, "),
        (["overused-keys", "--share", "0"], 2, "share must be"),
        (["idle-keys", "--idle", "1s"], 2, "idle must be an hour to 100 years"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_in_a_line(reelq: Reelq, words: list[str], code: int, told: str) -> None:
    ran = reelq("audit", *words)
    assert (ran.code, ran.out) == (code, "")
    assert told in ran.err and "Traceback" not in ran.err


def test_what_is_risky_and_who_failed_to_log_in(conn: Conn, night: Tenant, reelq: Reelq) -> None:
    bob: UUID = add_user(conn, night.id, "bob@acme.example.com")
    say(conn, client_ip="203.0.113.9")
    for _ in range(6):
        conn.execute("select base.record_act('login.failed', 'user', %s, p_tenant_id => %s)", [str(bob), night.id])
    assert [row["action"] for row in reelq("audit", "risky", "--json").rows] == ["login.failed"] * 2 + ["user.role_changed", "pause.created"]
    (row,) = reelq("audit", "failed-logins", "--least", 5, "--json").rows
    assert (row["email"], row["client_ip"], row["failures"], row["locked"]) == ("bob@acme.example.com", "203.0.113.9", 6, False)
    assert "bob@acme.example.com" in reelq("audit", "failed-logins").out
    assert reelq("audit", "failed-logins", "--least", 7).err == "No log-in has failed.\n"
    assert reelq("audit", "idle-keys").err == "No key is idle.\n"
    assert reelq("audit", "overused-keys").err == "No key is used for that much.\n"


def test_a_follower_tells_each_new_act_once(conn: Conn, night: Tenant, connect: Any) -> None:
    """Also one whose transaction ended after later ones."""
    follower = audit.Follower({})
    assert follower.look(conn) == []
    slow = connect(autocommit=False)
    slow.execute("select base.record_act('some.slow', 'thing', '1')")
    conn.execute("select base.record_act('some.quick', 'thing', '2')")
    assert [act.action for act in follower.look(conn)] == ["some.quick"]
    slow.commit()
    assert [act.action for act in follower.look(conn)] == ["some.slow"]
    assert follower.look(conn) == []


def test_a_follower_with_since_begins_there(conn: Conn, night: Tenant) -> None:
    at = scalar(conn, "select created_at from ops.audit_logs where action = 'limit.created'")
    follower = audit.Follower({"since": at})
    assert [act.action for act in follower.look(conn)] == ["limit.created", "limit.changed", "user.role_changed"]


@pytest.mark.parametrize("width", [60, 80, 200])
def test_a_terminal_of_any_width_shows_it(night: Tenant, reelq: Reelq, monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setattr("reelq.cli.terminal.output.on_terminal", lambda: True)
    ran = reelq("audit", "list", "--limit", 5, "--action", "user")
    assert all(re.search(r"[ -]\d\d-\d\d \d\d:\d\d:\d\d\b", line) for line in ran.out.splitlines() if "user.role_changed" in line)
    assert ran.code == 0 and "user.role_changed" in ran.out
