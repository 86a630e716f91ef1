"""Export and erasure find somebody's rows by index, however many others there are."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from tests.sql.mediakit import Conn, scalar
from tests.sql.personalkit import Person
from tests.sql.plankit import Call, Explained
from tests.sql.rolekit import Tenant

OTHERS = 3000
# Rows of one other user in each of the big tables. No job is hot among them: queue.verify() would ask where they can be found.
FILL = (
    "insert into media.assets (tenant_id, owner_user_id, source_url) select %(tenant)s, %(user)s, '/a' from generate_series(1, %(n)s)",
    "insert into media.videos (tenant_id, user_id, asset_id) select a.tenant_id, a.owner_user_id, a.id from media.assets as a where a.owner_user_id = %(user)s",
    "insert into media.objects (tenant_id, bucket, key, state, stored_at) select a.tenant_id, 'b', a.id, 'stored', base.clock() from media.assets as a",
    "insert into media.variants (tenant_id, asset_id, profile, object_id) select a.tenant_id, a.id, 'preview', o.id from media.assets as a "
    "inner join media.objects as o on o.key = a.id::text",
    "insert into queue.job_history (id, tenant_id, user_id, video_id, asset_id, job_type, priority, status, status_changed_at, scheduled_for, token, attempts, "
    "max_attempts, crashes, max_crashes, weight, needs, started_at, completed_at, job_data, depends_on, on_parent_failure, created_at, updated_at, limits) "
    "select base.uuid_v7(), v.tenant_id, v.user_id, v.id, v.asset_id, 'no_op', 5, 'completed', h.completed_at, h.completed_at, 1, 0, 5, 0, 3, 1, '{}', "
    "h.completed_at, h.completed_at, '{}', '{}', 'fail', h.completed_at, h.completed_at, '{}' from media.videos as v, queue.job_history as h where v.user_id = %(user)s",
    "insert into queue.attempt_history (job_id, attempt, job_type, worker_id, started_at, ended_at, outcome, created_at) "
    "select h.id, 1, 'no_op', 'w1', h.completed_at, h.completed_at, 'completed', h.completed_at from queue.job_history as h where h.user_id = %(user)s",
)
BIG = ("objects", "assets", "videos", "variants", "processing_jobs", "job_attempts", "job_history", "attempt_history")


@pytest.fixture
def bob(conn: Conn, clock: Any) -> Person:
    clock.set("2026-11-20T12:00:00Z")
    acme = Tenant(conn, "acme")
    found = Person(conn, acme, clock)
    for statement in FILL:
        conn.execute(statement.encode(), {"tenant": acme.id, "user": acme.user, "n": OTHERS})
    conn.execute("insert into queue.processing_jobs (job_type, tenant_id, user_id) select 'no_op', %s, %s from generate_series(1, %s)", [acme.id, acme.user, OTHERS])
    conn.execute("analyze")
    return found


def walked(call: Call) -> list[str]:
    """Reads of a big table that met more rows than Bob has."""
    return [str(touch) for touch in call.touches if touch.table.startswith(BIG) and touch.rows > 100]


def test_an_export_reads_their_rows_alone(conn: Conn, bob: Person) -> None:
    explained = Explained(conn)
    for (table,) in conn.execute("select ops.export_tables()").fetchall():
        assert walked(explained.call("select * from ops.export_rows(%s, %s)", bob.id, table)) == []
        assert walked(explained.call("select * from ops.find_pii_of_user(%s, %s)", bob.id, table)) == []
    assert walked(explained.call("select * from ops.export_objects(%s)", bob.id)) == []
    assert walked(explained.call("select * from ops.count_rows_of_user(%s)", bob.id)) == []


def test_an_erasure_reads_their_rows_alone(conn: Conn, bob: Person) -> None:
    erasure: UUID = scalar(conn, "select ops.begin_erasure(%s)", bob.id)
    explained = Explained(conn)
    found, steps = [], []
    while True:
        call = explained.call("select * from ops.erase_rows(%s)", erasure)
        found += walked(call)
        steps.append(call.rows[0].step)
        if steps[-1] == "completed":
            break
        if steps[-1] == "objects":
            call = explained.call("select * from ops.objects_to_erase(%s)", erasure)
            keys = [row.key for row in call.rows if row.key]
            found += walked(call) + walked(explained.call("select ops.keys_in_use('b', %s::text[])", keys))
            found += walked(explained.call("select ops.erase_assets(%s, %s::uuid[])", erasure, bob.assets))
    assert steps == ["jobs", "objects", "history", "completed"]
    assert found == []


def test_support_finds_one_row_by_its_id(conn: Conn, bob: Person) -> None:
    explained = Explained(conn)
    for view, row in (("media.videos_masked", bob.videos[0]), ("queue.processing_jobs_masked", bob.failed), ("media.assets_masked", bob.assets[0])):
        assert walked(explained.call(f"select * from {view} where id = %s", row)) == []
    assert walked(explained.call("select * from queue.job_attempts_masked where job_id = %s", bob.failed)) == []
