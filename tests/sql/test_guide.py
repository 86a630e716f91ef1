"""sql/README.md, "To add something", followed word for word: what it makes keeps every rule, when installed and when upgraded."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from demo import postgres
from reelq.worker.db import schema
from tests import rules
from tests.sql import tenantkit
from tests.sql.mediakit import Conn, refused, scalar
from tests.sql.test_schema_install import dump
from tools.lint import programs

README = schema.ROOT / "README.md"
BLOCK = re.compile(r"^```(sql|diff)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
TABLES = ("A table", "A partitioned, tenant-scoped table", "A function")


def blocks(heading: str) -> list[tuple[str, str, str]]:
    """The blocks below a heading of the guide: sql or diff, path below sql/, text."""
    guide = README.read_text(encoding="utf-8").split("\n## To add something\n", 1)[1].split("\n## ", 1)[0]
    section = guide.split(f"\n### {heading}\n", 1)[1].split("\n### ", 1)[0]
    found = []
    for kind, block in BLOCK.findall(section):
        first, _, text = block.partition("\n")
        assert re.fullmatch(r"---? [\w/]+\.sql", first), f"a block begins with its file, not {first!r}"
        found.append((kind, first.split(" ", 1)[1], text))
    assert found, heading
    return found


def follow(root: Path, *headings: str) -> list[str]:
    """Do what stands below the headings in a copy of sql/; the files that were written."""
    written = []
    for kind, name, text in (block for heading in headings for block in blocks(heading)):
        path = root / name.replace("NNNN", f"{max((int(file.path[11:15]) for file in schema.migrations(root)), default=0) + 1:04}")
        path.parent.mkdir(parents=True, exist_ok=True)
        if kind == "sql":
            path.write_text(text, encoding="utf-8")
        else:
            path.write_text(patched(path.read_text(encoding="utf-8"), text, name), encoding="utf-8")
        written.append(path.relative_to(root).as_posix())
    return written


def patched(text: str, diff: str, name: str) -> str:
    """Text with the lines that begin with `+` behind the line above them; as it is when it has them."""
    lines = text.splitlines()
    if all(line[1:] in lines for line in diff.splitlines()):
        return text
    at = -1
    for line in diff.splitlines():
        if line.startswith("+"):
            at += 1
            lines.insert(at, line[1:])
        else:
            assert lines.count(line[1:]) == 1, f"sql/{name} has not one line as the guide shows it: {line}"
            at = lines.index(line[1:])
    return "\n".join(lines) + "\n"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of sql/."""
    return Path(shutil.copytree(schema.ROOT, tmp_path / "sql"))


Fresh = Callable[[Path], str]


@pytest.fixture
def fresh(pg_server: postgres.Server, empty_conn: Conn) -> Any:
    """Dump of a fresh installation of a tree."""

    def dumped(root: Path) -> str:
        empty_conn.execute("create database fresh")
        try:
            with psycopg.connect(pg_server.url("fresh")) as conn:
                schema.install(conn, root)
            return dump(pg_server, "fresh")
        finally:
            empty_conn.execute("drop database fresh with (force)")

    return dumped


def test_what_the_guide_makes_keeps_every_rule(empty_conn: Conn, empty_dsn: str, tree: Path) -> None:
    """Comments, indexes, grants, row security: what tests ask of our own tables."""
    follow(tree, *TABLES)
    schema.install(empty_conn, tree)
    assert rules.broken(empty_conn, tree) == []
    world = tenantkit.make_world(empty_conn)
    assert {"media.bookmarks", "media.watch_events"} <= set(tenantkit.tables(empty_conn))
    for role in tenantkit.ROLES:
        for verb in tenantkit.VERBS:
            with psycopg.connect(empty_dsn, autocommit=True) as conn:
                assert tenantkit.leaks(world, conn, role, verb) == []


def test_the_guide_s_partitions_are_made_ahead(empty_conn: Conn, tree: Path) -> None:
    """At once, and then by the upkeep."""
    follow(tree, *TABLES)
    schema.install(empty_conn, tree)
    count = "select count(*) from base.partitions('media.watch_events')"
    assert scalar(empty_conn, count) == 4
    empty_conn.execute("update ops.partition_policies set ahead = 6 where parent = 'media.watch_events'")
    made = empty_conn.execute("select parent, action, done from ops.maintain_partitions()").fetchall()
    assert made == [("media.watch_events", "make", True)] * 3
    assert scalar(empty_conn, count) == 7


def test_the_guide_s_function_serves_its_tenant(empty_conn: Conn, tree: Path) -> None:
    """An application records for its own video and sees what it recorded; another's is not there."""
    follow(tree, *TABLES)
    schema.install(empty_conn, tree)
    tenants = [scalar(empty_conn, "select identity.create_tenant(%s)", slug) for slug in ("acme", "rival")]
    own, other = (scalar(empty_conn, "select media.create_video('/a.mp4', %s)", tenant) for tenant in tenants)
    empty_conn.execute("set role reelq_app")
    empty_conn.execute("select set_config('reelq.tenant_id', %s, false)", [str(tenants[0])])
    for seconds in (3, 4):
        empty_conn.execute("select media.record_watch(%s, %s)", [own, seconds])
    assert refused(empty_conn, "select media.record_watch(%s, 3)", other) == "RQ004"
    assert empty_conn.execute("select id, seconds from media.watch_events order by id").fetchall() == [(1, 3), (2, 4)]


def test_a_new_table_needs_no_migration_and_a_new_column_does(
    pg_server: postgres.Server, empty_conn: Conn, tree: Path, fresh: Fresh
) -> None:
    """An older database, upgraded, dumps like a fresh one each time, and has its rows still."""
    if any((schema.ROOT / name).exists() for kind, name, _ in blocks("A table") if kind == "sql"):
        pytest.skip("here the guide was followed already, so there is no older tree")
    schema.install(empty_conn)
    tenant = scalar(empty_conn, "select id from identity.tenants")
    followed = follow(tree, *TABLES)
    ran = [row["path"] for row in schema.upgrade(empty_conn, tree)]
    assert set(followed) <= set(ran) and not any(path.startswith("migrations/") for path in ran)
    assert schema.diff(empty_conn, tree) == []
    assert dump(pg_server, empty_conn.info.dbname) == fresh(tree)

    (row,) = tenantkit.make_rows(empty_conn, "media.bookmarks", tenant)
    follow(tree, "A column")
    warnings: list[str] = []
    ran = [row["path"] for row in schema.upgrade(empty_conn, tree, warn=warnings.append)]
    assert (warnings, [path.split("/")[0] for path in ran]) == ([], ["migrations"])
    assert schema.diff(empty_conn, tree) == []
    assert dump(pg_server, empty_conn.info.dbname) == fresh(tree)
    assert empty_conn.execute("select label, colour from media.bookmarks").fetchall() == [(row.values["label"], None)]
    assert rules.broken(empty_conn, tree) == []


def test_the_guide_s_files_pass_the_linters(tree: Path) -> None:
    written = {path for path in follow(tree, *TABLES, "A column") if path != "grants.sql"}
    paths = [str(tree / path) for path in sorted(written)]
    assert programs.sqlfluff(paths) == []
    assert programs.squawk(paths) == []
    assert schema.migrations(tree)[-1].head[0].startswith("back: ")
