"""queue.help(): the functions that people call, as the catalogue knows them, on a terminal of 80 columns."""

from __future__ import annotations

import re

import pytest

from reelq.worker.db import schema
from tests.sql.mediakit import Conn, refused, scalar
from tests.sql.rolekit import ROLES

# Who has to be able to call what stands under a topic; the owner may call all.
FOR = {
    "Enqueue": {"reelq_app", "reelq_worker"},
    "Look": {"reelq_readonly", "reelq_worker"},
    "Change a job": {"reelq_app", "reelq_worker"},
    "Change many jobs": {"reelq_app", "reelq_worker"},
    "Videos": {"reelq_app", "reelq_worker"},
    "Bundles and retention": {"reelq_app", "reelq_worker"},
    "Objects": {"reelq_app", "reelq_worker"},
    "Events": {"reelq_app", "reelq_worker"},
    "Webhooks": {"reelq_app", "reelq_worker"},
    "Notifications": {"reelq_app", "reelq_worker"},
    "Pipelines": {"reelq_worker"},
    "Pauses and limits": {"reelq_worker"},
    "Schedules": {"reelq_worker"},
    "Workers": {"reelq_worker"},
    "Upkeep": {"reelq_worker"},
    "Audit": {"reelq_app", "reelq_readonly"},
    "Set up": {"reelq_worker"},
    "Tenants": {"reelq_worker"},
    "API keys": {"reelq_app", "reelq_worker"},
    "Accounts": {"reelq_app"},
    "Log-ins": {"reelq_app"},
    "Log-in settings": set(),
    "Configuration": {"reelq_readonly", "reelq_worker"},
    "Change configuration": set(),
}
OWNER_S = {"ops.maintain_partitions", "identity.create_tenant", "queue.delete_jobs", "queue.delete_all_jobs"}
MAP = re.compile(r"^## (?:[^\n]*\bmap\b[^\n]*|What you call)\n(.*?)(?=^## )", re.MULTILINE | re.DOTALL | re.IGNORECASE)


def topics(conn: Conn) -> list[tuple[str, str]]:
    """Topic and function, in order."""
    return conn.execute("select topic, function from queue.help_topics()").fetchall()


def lines(conn: Conn, *args: str) -> list[str]:
    """What it prints."""
    query = "select * from queue.help(%s)" if args else "select * from queue.help()"
    return [line for (line,) in conn.execute(query, args or None).fetchall()]


def test_each_function_of_the_map_is_there_once_open_to_whom_it_is_for_and_explained(conn: Conn) -> None:
    names = [name for _, name in topics(conn)]
    assert len(names) == len(set(names))
    for topic, name in topics(conn):
        found = conn.execute(
            "select oid, obj_description(oid, 'pg_proc') from pg_proc where pronamespace::regnamespace || '.' || proname = %s", [name]
        ).fetchall()
        assert found, f"{name} is not there"
        for oid, manual in found:
            assert (manual or "").strip(), f"{name} has no comment"
            able = {role for role in ROLES if scalar(conn, "select has_function_privilege(%s, %s::oid, 'execute')", role, oid)}
            assert name in OWNER_S or able >= FOR[topic], f"{name}: {able}"


def test_the_readme_lists_the_same(conn: Conn) -> None:
    """Where it has such a map: a table of what one calls."""
    found = MAP.search((schema.ROOT / "README.md").read_text(encoding="utf-8"))
    if found is None:
        pytest.skip("sql/README.md has no map yet")
    assert set(re.findall(r"\b([a-z]+\.[a-z_]+)\(", found[1])) == {name for _, name in topics(conn)}


def test_the_map_says_of_each_how_it_is_called_what_it_does_and_who_may(conn: Conn) -> None:
    text = "\n".join(lines(conn))
    assert "PAUSES AND LIMITS\n  queue.pause(p_scope, p_key, p_reason)\n      Let no job begin until queue.resume; what runs goes on. (worker)\n" in text
    assert "queue.list_jobs([p_status, p_job_type, p_video_id, p_limit, " in text
    assert "queue.cancel_job(p_job_id, [p_reason])\n      Cancel a job. (app, worker)" in text
    assert "ops.maintain_partitions([p_dry_run])" in text and "(owner)" in text
    assert [line for line in lines(conn) if line.isupper() and not line.startswith(" ")] == [topic.upper() for topic in FOR]
    assert all(f"  {name}(" in text for _, name in topics(conn))


def test_one_function_is_shown_whole(conn: Conn) -> None:
    text = "\n".join(lines(conn, "pause"))
    assert text.startswith("queue.pause(p_scope text, p_key text, p_reason text)\n    returns void\n    may be called by worker\n\nLet no job")
    assert "\nArguments\n  p_scope   all, job_type," in text and "\n  RQ004  no such tenant\n" in text
    assert lines(conn, "queue.pause(text)") == lines(conn, "queue.pause") == lines(conn, "pause")
    assert [line.split("(")[0] for line in lines(conn, "health") if "(p_deep boolean" in line] == ["queue.health", "ops.health"]


def test_every_function_of_every_room_fits_a_terminal(conn: Conn) -> None:
    """psql puts a space on each side."""
    names = conn.execute(
        "select distinct pronamespace::regnamespace || '.' || proname from pg_proc where pronamespace::regnamespace::text = any(%s)", [schema.rooms()]
    ).fetchall()
    wide = [line for args in [(), *names] for line in lines(conn, *args) if len(line) > 78 and " " in line.strip()]
    assert wide == []


def test_every_role_may_ask(conn: Conn) -> None:
    """And is told the same, also of what it may not call."""
    before = (lines(conn), lines(conn, "ops.maintain_partitions"))
    for role in ROLES:
        conn.execute(f"set role {role}".encode())
        assert (lines(conn), lines(conn, "ops.maintain_partitions")) == before
        conn.execute("reset role")


@pytest.mark.parametrize("name", ["nope", "", "pg_catalog.now", "media.pause", "queue.nope('x')"])
def test_an_unknown_name_is_refused(conn: Conn, name: str) -> None:
    assert refused(conn, "select * from queue.help(%s)", name) == "RQ004"
