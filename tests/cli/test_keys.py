"""reelq keys, subscriptions and quotas: what people and pipes see, and what they cannot do."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from reelq.cli import keys as key_commands
from reelq.cli import subscriptions as subscription_commands
from reelq.worker.errors import NotAuthenticated, NotPermitted, TooManyCalls
from reelq.worker.rooms.identity import keys, subscriptions

NOBODY = "00000000-0000-0000-0000-000000000001"


@pytest.fixture
def ann(reelq, conn):
    """A user of acme; her address."""
    reelq("tenants", "create", "acme")
    conn.execute("insert into identity.users (tenant_id, email) select t.id, 'ann@acme.example' from identity.tenants as t where t.slug = 'acme'")
    return "ann@acme.example"


def test_words_are_those_of_the_room():
    assert key_commands.SCOPES == keys.SCOPES
    assert (subscription_commands.STATUSES, subscription_commands.PLANS) == (subscriptions.STATUSES, subscriptions.PLANS)


def test_a_key_is_shown_once_and_alone_on_stdout(reelq, ann, conn):
    made = reelq("keys", "create", "Production", "--tenant", "acme")
    assert made.code == 0 and made.out.startswith("sk_live_") and made.out.count("\n") == 1
    key = made.out.strip()
    assert key not in made.err and "only time that the key is shown" in made.err
    with conn.transaction():
        assert keys.authenticate(conn, key).scopes == ["read", "write"]
        with pytest.raises(NotPermitted):
            keys.check_scope(conn, "delete")
        conn.execute("rollback")
    (listed,) = reelq("keys", "list", "--json").rows
    shown = reelq("keys", "show", listed["id"], "--json").row
    assert (shown["prefix"], shown["name"], shown["tenant"], shown["state"]) == (key[8:16], "Production", "acme", "active")
    for told in (reelq("keys", "list"), reelq("keys", "show", listed["id"]), reelq("keys", "list", "--tenant", "acme")):
        assert told.code == 0 and key[8:16] in told.out and key[16:] not in told.out


def test_a_key_of_a_user_with_all_options(reelq, ann):
    words = ("--user", ann, "--scope", "read", "--scope", "delete", "--hourly-limit", "unlimited", "--expires", "+2h")
    made = reelq("keys", "create", "Reports", *words, "--json").row
    assert set(made) == {"id", "name", "prefix", "key"}
    (listed,) = reelq("keys", "list", "--user", ann, "--json").rows
    assert (listed["scopes"], listed["hourly_limit"]) == (["delete", "read"], None) and listed["expires_at"] and listed["user_id"]
    assert reelq("keys", "list", "--tenant", "default").err == "No such keys.\n"


def test_a_key_is_rotated_and_revoked(reelq, ann, conn):
    old = reelq("keys", "create", "Production", "--tenant", "acme", "--json").row
    told = reelq("keys", "rotate", old["id"], "--grace", "2h")
    assert told.code == 0 and told.out.startswith("sk_live_") and "The old one is good until" in told.err
    assert {row["state"] for row in reelq("keys", "list", "--json").rows} == {"active", "replaced"}
    assert "replaced" in reelq("keys", "rotate", old["id"]).err
    assert reelq("keys", "revoke", old["id"]).out.split() == [old["id"], "revoked"]
    assert reelq("keys", "revoke", old["id"]).err == "It was revoked before.\n"
    with pytest.raises(NotAuthenticated), conn.transaction():
        keys.authenticate(conn, old["key"])
    (row,) = reelq("keys", "list", "--json").rows
    now = reelq("keys", "rotate", row["id"], "--grace", "0", "--json").row
    assert set(now) == {"id", "prefix", "key", "old_expires_at"}
    assert len(reelq("keys", "list", "--json").rows) == 1 and len(reelq("keys", "list", "--all", "--json").rows) == 3


def test_over_the_hour_says_when_to_come_back(reelq, ann, conn):
    key = reelq("keys", "create", "Low", "--tenant", "acme", "--hourly-limit", "1").out.strip()
    with conn.transaction():
        keys.authenticate(conn, key)
    with pytest.raises(TooManyCalls) as caught, conn.transaction():
        keys.authenticate(conn, key)
    found = caught.value
    assert found.exit_code == 75
    assert found.retry_after_s is not None and 1 <= found.retry_after_s <= 3600


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("keys", "create", ""), 2, "name must have 1 to 100 characters"),
        (("keys", "create", "x", "--scope", "root"), 2, "--scope must be one of read, write, delete, admin, not root"),
        (("keys", "create", "x", "--hourly-limit", "0"), 2, '--hourly-limit must be a number of uses an hour, or "unlimited", not 0'),
        (("keys", "create", "x", "--expires", "2001-01-01"), 2, "expiry must be later than now"),
        (("keys", "create", "x", "--tenant", "nope"), 2, "no tenant 'nope'"),
        (("keys", "create", "x", "--user", "bob@acme.example"), 2, "no user 'bob@acme.example'"),
        (("keys", "show", NOBODY), 2, f"no key {NOBODY}"),
        (("keys", "revoke", NOBODY), 2, f"no key {NOBODY}"),
        (("keys", "rotate", NOBODY, "--grace", "soon"), 2, "--grace must be 0 or a time span such as 24h, not 'soon'"),
        (("keys", "rotate", NOBODY, "--grace", "31d"), 2, "grace must be 0 to 30 days"),
        (("subscriptions", "set", "--plan", "pro"), 2, "--tenant or --user must be given"),
        (("subscriptions", "set", "--tenant", "acme"), 2, "one of the options must be given"),
        (("subscriptions", "set", "--tenant", "acme", "--plan", "pro"), 2, 'plan must be standard, premium or enterprise, not "pro"'),
        (("subscriptions", "set", "--tenant", "acme", "--quota", "5"), 2, "plan must be given: there is no live subscription to change"),
        (("subscriptions", "end", "--user", "ann@acme.example"), 1, "must have a live subscription to end"),
        (("users", "quota", "set", "ann@acme.example", "many"), 2, 'VIDEOS must be a number of videos, or "unlimited", not many'),
        (("users", "quota", "set", "ann@acme.example", "1", "--reset-day", "32"), 2, "--reset-day must be a whole number from 1 to 31, not 32"),
        (("tenants", "quota", "show", "nope"), 2, "no tenant 'nope'"),
        (("tenants", "set", "acme"), 2, "one of the options must be given"),
        (("tenants", "set", "acme", "--bucket", "acme-media"), 2, "bucket and region go together"),
        (("tenants", "set-config", "acme", "--filters", '{"geo_allowed": ["UK"]}'), 2, 'not "UK"'),
        (("tenants", "set-config", "acme", "--weights", "1"), 2, "--weights must be a JSON object"),
        (("tenants", "set-config", "acme", "--rate", "0"), 2, "--rate must be a whole number from 1, not 0"),
        (("ingest", "https://a.example/a.mp4", "https://a.example/b.mp4", "--key", "k"), 2, "--key must stand with one source, not several"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_in_a_line(reelq, ann, words, code, told):
    found = reelq(*words)
    lines = found.err.splitlines()
    assert (found.code, found.out) == (code, "") and told in lines[0], found.err
    assert len(lines) <= 2 and "Traceback" not in found.err


def test_a_quota_is_seen_set_and_spent(reelq, ann, conn):
    assert reelq("users", "quota", "show", ann, "--json").row["remaining"] == 30
    assert reelq("users", "quota", "set", ann, "1", "--reset-day", "31", "--json").row["source"] == "set"
    (user,) = {reelq("users", "quota", "show", ann.upper(), "--json").row["user_id"]}
    ingest = ("ingest", "https://a.example/a.mp4", "--tenant", "acme", "--user", user)
    first = reelq(*ingest, "--key", "order-1", "--json").row["video_id"]
    assert reelq(*ingest, "--key", "order-1", "--json").row["video_id"] == first
    conn.execute("update media.videos set status = 'downloading' where id = %s", [first])
    assert reelq(*ingest, "--key", "order-1", "--json").row["status"] == "downloading"
    spent = reelq(*ingest)
    assert (spent.code, spent.out) == (1, "") and "is used up: 1 of 1" in spent.err and "hint: It begins anew on" in spent.err
    assert "unlimited" in reelq("users", "quota", "set", ann, "unlimited").out
    assert reelq(*ingest).code == 0
    assert reelq("tenants", "quota", "set", "acme", "2", "--json").row["used"] == 0
    assert "remaining" in reelq("tenants", "quota", "show", "acme").out


def test_a_subscription_is_made_seen_and_ended(reelq, ann):
    made = reelq("subscriptions", "set", "--user", ann, "--plan", "pro", "--status", "trialing", "--trial-ends", "+1h", "--quota", "unlimited", "--json").row
    (row,) = reelq("subscriptions", "list", "--json").rows
    assert (row["id"], row["email"], row["plan"], row["monthly_quota"]) == (made["id"], ann, "pro", None)
    assert reelq("users", "quota", "show", ann, "--json").row["source"] == "subscription"
    assert reelq("users", "quota", "set", ann, "5").code == 1
    assert reelq("subscriptions", "end", "--user", ann).out.strip() == made["id"]
    assert reelq("subscriptions", "list").err == "No such subscriptions.\n"
    assert "cancelled" in reelq("subscriptions", "list", "--all").out


def test_upkeep_says_what_it_did(reelq, ann):
    assert reelq("tenants", "tidy").out == "0 trials ended, 0 quotas begun anew, 0 counters removed\n"
    assert reelq("tenants", "tidy", "--json").row == {"trials": 0, "quotas": 0, "counters": 0}


def test_a_key_that_stdout_does_not_take_is_named_so_that_it_can_be_revoked(reelq, ann, conn, settings_env):
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "reelq.cli.main", "keys", "create", "Lost", "--tenant", "acme"]
        done = subprocess.run(command, env=settings_env, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    (made,) = conn.execute("select id from identity.api_keys where name = 'Lost'").fetchone()
    assert done.returncode == 1 and f"reelq keys revoke {made}" in done.stderr and "Look again" not in done.stderr, done.stderr
