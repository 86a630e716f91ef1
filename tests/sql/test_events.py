"""What happens is written to the outbox by who settles it, in one transaction with it, and relayed once, in order."""

from __future__ import annotations

import pytest

from tests.sql.mediakit import Conn, put_variant, record_original, scalar
from tests.sql.queuekit import Queue


@pytest.fixture
def queue(conn: Conn) -> Queue:
    return Queue(conn)


TOLD = "select event_type, ordering_key, tenant_id, data from ops.outbox order by seq"


def test_a_video_tells_that_it_is_ready(conn: Conn) -> None:
    """Once, to its tenant; and nothing of what was rolled back."""
    video = scalar(conn, "select media.create_video('/in/a.mp4')")
    asset = scalar(conn, "select asset_id from media.get_work(%s)", video)
    record_original(conn, asset)
    put_variant(conn, asset, "poster")
    with conn.transaction(force_rollback=True):
        conn.execute("select media.finish_video(%s)", [video])
    assert conn.execute(TOLD).fetchall() == []
    for _ in range(2):
        conn.execute("select media.finish_video(%s)", [video])
    told = [tuple(row.values()) if isinstance(row, dict) else tuple(row) for row in conn.execute(TOLD).fetchall()]
    tenant = scalar(conn, "select tenant_id from media.videos where id = %s", video)
    assert told == [("video.ready", f"video:{video}", tenant, {"video_id": str(video), "asset_id": str(asset)})]


def test_a_job_that_has_failed_for_good_is_told_and_relayed_once(queue: Queue) -> None:
    """Not while it is tried again."""
    job = queue.add(max_attempts=2)
    for expected in (0, 1):
        if expected:
            queue.value("select queue.run_job_now(%s)", job)
        queue.fail(queue.take())
        assert queue.value("select count(*) from ops.outbox") == expected
    assert queue.value("select ops.relay_events()") == 1
    assert queue.value("select ops.relay_events()") == 0
    event = queue.rows("select event_type, data from ops.events")[0]
    assert event[0] == "job.failed"
    assert event[1]["job_id"] == str(job)
    assert event[1]["attempts"] == 2
