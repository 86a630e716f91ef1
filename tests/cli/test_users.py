"""reelq users: accounts made, changed, suspended, deleted; passwords never as arguments."""

from __future__ import annotations

import io
import json

import pytest

from reelq.cli.users import commands as command
from reelq.worker.rooms.identity import users as room

ANN = "ann@example.com"


def shown(reelq, user=ANN):
    return json.loads(reelq("users", "show", user, "--json").out)


@pytest.fixture
def ann(reelq):
    """An account of the tenant acme."""
    reelq("tenants", "create", "acme")
    made = reelq("users", "add", ANN, "--tenant", "acme", "--name", "Ann")
    assert made.code == 0, made.err
    return made.out.strip()


def give(monkeypatch, text):
    """What stands on stdin."""
    monkeypatch.setattr("sys.stdin", io.StringIO(text))


def test_the_words_are_those_of_the_room():
    assert (command.ROLES, command.STATUSES) == (room.ROLES, room.STATUSES)


def test_an_account_is_made_listed_and_shown(reelq, ann):
    (one,) = map(json.loads, reelq("users", "list", "--json").out.splitlines())
    assert (one["id"], one["email"], one["tenant"], one["role"], one["full_name"]) == (ann, ANN, "acme", "member", "Ann")
    assert shown(reelq)["id"] == shown(reelq, ann)["id"] == ann
    assert ANN in reelq("users", "list").out and "hash" not in reelq("users", "show", ANN).out
    assert reelq("users", "list", "--tenant", "default").out == "" and "No such users." in reelq("users", "list", "--role", "viewer").err


def test_an_account_is_changed_all_of_it_or_nothing(reelq, ann):
    assert reelq("users", "set", ANN, "--role", "viewer", "--name", "", "--metadata", '{"a": 1}', "--time-zone", "Europe/Vienna").code == 0
    one = shown(reelq)
    assert (one["role"], one["full_name"], one["metadata"], one["timezone"]) == ("viewer", None, {"a": 1}, "Europe/Vienna")
    assert reelq("users", "set", ANN, "--name", "Other", "--email", "no address").code == 2
    assert shown(reelq)["full_name"] is None
    assert "what is to change must be given" in reelq("users", "set", ANN).err


def test_a_password_comes_from_stdin_and_is_told_nowhere(reelq, ann, monkeypatch, conn):
    give(monkeypatch, "correct horse battery\n")
    told = reelq("users", "set-password", ANN)
    assert told.code == 0 and "correct" not in told.out + told.err
    assert shown(reelq)["has_password"]
    kept = conn.execute("select password_hash from identity.users").fetchone()[0]
    assert kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    for weak, said in (("short\n", "12 characters"), (f"{ANN}\n", "the address"), ("", "on stdin")):
        give(monkeypatch, weak)
        refused = reelq("users", "set-password", ANN)
        assert refused.code == 2 and said in refused.err
    for odd, said in ((b"correct \0 horse battery\n", "without zero bytes"), (b"correct \xff horse battery\n", "UTF-8")):
        for errors in ("strict", "surrogateescape"):
            monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(odd), encoding="utf-8", errors=errors))
            refused = reelq("users", "set-password", ANN)
            assert refused.code == 2 and said in refused.err and "bug" not in refused.err
    assert "no such option" in reelq("users", "set-password", ANN, "--password", "x").err.lower()


def test_a_hash_of_another_system_is_taken(reelq, ann, monkeypatch, conn):
    give(monkeypatch, "$2b$12$" + "a" * 53 + "\n")
    assert reelq("users", "set-password", ANN, "--hash").code == 0
    give(monkeypatch, "hunter2hunter2\n")
    refused = reelq("users", "set-password", ANN, "--hash")
    assert refused.code == 2 and "hunter2" not in refused.err


def test_an_account_is_suspended_unlocked_deleted_and_restored(reelq, ann, conn):
    assert reelq("users", "suspend", ANN).out.split() == [ANN, "suspended"]
    assert shown(reelq)["status"] == "suspended"
    assert reelq("users", "activate", ANN).code == 0
    conn.execute("update identity.users set failed_login_attempts = 9, locked_until = base.clock() + interval '1 hour'")
    assert reelq("users", "unlock", ANN).code == 0 and shown(reelq)["locked_until"] is None
    acts = conn.execute("select count(*) from ops.audit_logs").fetchone()
    for words in ("unlock", "drop-second-factor"):
        twice = reelq("users", words, ANN)
        assert twice.code == 0 and "Nothing to do" in twice.err
    assert conn.execute("select count(*) from ops.audit_logs").fetchone() == acts
    alive = reelq("users", "restore", ann)
    assert alive.code == 1 and "must be deleted to be restored, and is not" in alive.err
    assert reelq("users", "delete", ANN).out.strip() == ann
    assert reelq("users", "show", ANN).code != 0 and shown(reelq, ann)["status"] == "deleted"
    assert reelq("users", "list").out == "" and ANN in reelq("users", "list", "--deleted").out
    assert reelq("users", "restore", ann).code == 0 and shown(reelq)["status"] == "active"


def test_tokens_are_printed_for_whoever_mails_them(reelq, ann, conn):
    invited = json.loads(reelq("users", "invite", "bob@example.com", "--role", "admin", "--tenant", "acme", "--json").out)
    assert invited["token"].startswith("rqt_") and invited["send_to"] == "bob@example.com"
    assert reelq("users", "reset-password", ANN).out.startswith("rqt_")
    again = reelq("users", "reset-password", ANN)
    assert again.code == 1 and "no token just now" in again.err
    reelq("users", "suspend", ANN)
    assert "must be active, not suspended" in reelq("users", "reset-password", ANN).err
    reelq("users", "activate", ANN)
    token = reelq("users", "verify-email", ANN, "--email", "new@example.com").out.strip()
    conn.execute("select identity.verify_email(%s)", [token])
    assert shown(reelq, "new@example.com")["email_verified"] is True
    assert reelq("users", "drop-second-factor", "new@example.com").code == 0


def test_the_last_admin_stays(reelq, ann):
    reelq("users", "set", ANN, "--role", "admin")
    for words in (("delete", ANN), ("suspend", ANN), ("set", ANN, "--role", "member")):
        refused = reelq("users", *words)
        assert refused.code == 1 and "must keep an admin" in refused.err and "reelq users set USER --role admin" in refused.err


def test_what_is_not_there_or_another_tenant_s_is_refused_alike(reelq, ann):
    told = {reelq("users", "show", who, "--tenant", "default").err.replace(who, "WHO") for who in (ANN, "nobody@example.com", ann)}
    assert len(told) == 1 and "no user" in told.pop()
    assert reelq("users", "add", ANN).code == 1 and "must be a new one" in reelq("users", "add", ANN).err
    assert reelq("users", "add", "x y").code == 2


def test_settings_are_listed_and_changed(reelq):
    assert reelq("users", "set-setting", "login_tries", "7").out.split() == ["login_tries", "7"]
    found = {one["name"]: one["value"] for one in map(json.loads, reelq("users", "settings", "--json").out.splitlines())}
    assert (found["login_tries"], found["argon2_memory_kib"], found["argon2_passes"], found["argon2_lanes"]) == ("7", "19456", "2", "1")
    assert reelq("users", "set-setting", "login_tries", "none").code == 2


def test_sessions_are_listed_revoked_and_removed(reelq, ann, conn):
    tokens = [conn.execute("select token from identity.open_session(%s, 'laptop')", [ann]).fetchone()[0] for _ in range(3)]
    listed = [json.loads(line) for line in reelq("sessions", "list", "--user", ANN, "--json").out.splitlines()]
    assert len(listed) == 3 and not any(token in str(listed) for token in tokens)
    assert "laptop" in reelq("sessions", "list", "--tenant", "acme").out
    assert reelq("sessions", "revoke", listed[0]["id"]).out.strip() == "1"
    assert reelq("sessions", "revoke", listed[0]["id"]).out.strip() == "0"
    assert reelq("sessions", "revoke", "--user", ANN, "--but", listed[1]["id"]).out.strip() == "1"
    assert [json.loads(line)["id"] for line in reelq("sessions", "list", "--json").out.splitlines()] == [listed[1]["id"]]
    assert len(reelq("sessions", "list", "--ended", "--json").out.splitlines()) == 3
    # All or none: the unknown one takes the known one back.
    refused = reelq("sessions", "revoke", listed[1]["id"], ann)
    assert refused.code == 2 and len(reelq("sessions", "list", "--json").out.splitlines()) == 1
    for words in ((), (listed[1]["id"], "--user", ANN), (listed[1]["id"], "--but", ann)):
        assert reelq("sessions", "revoke", *words).code == 2
    conn.execute("update identity.user_sessions set created_at = now() - interval '2 years', expires_at = now() - interval '1 year'")
    assert reelq("sessions", "remove-ended").out.strip() == "3"
