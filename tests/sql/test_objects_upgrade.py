"""The files of 0.1.0 become objects: none is lost, equal ones are one, and what its program writes meanwhile and afterwards is entered too."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from demo import postgres
from reelq.worker.db import schema
from tests.sql import releasekit
from tests.sql.queuekit import Queue

SHA = "cd" * 32
NOW = {
    "assets": "select o.bucket, o.key, o.size_bytes, o.sha256, o.state from media.assets as f inner join media.objects as o on f.object_id = o.id where f.id = %s",
    "variants": "select o.bucket, o.key, o.size_bytes, o.sha256, o.state from media.variants as f inner join media.objects as o on f.object_id = o.id where f.id = %s",
}


@pytest.fixture
def queue(pg_server: postgres.Server) -> Iterator[Queue]:
    with releasekit.database(pg_server, "0.1.0") as url, psycopg.connect(url, autocommit=True) as conn:
        yield Queue(conn)


def store(queue: Queue, key: str, sha256: str = SHA) -> Any:
    """An original as a worker of 0.1.0 records it; its asset."""
    video = queue.value("select queue.ingest_video('/a.mp4', 'acme')")
    asset = queue.value("select asset_id from media.videos where id = %s", video)
    queue.value("select media.record_original(%s, 's3://b', %s, 7, %s, 'video/mp4')", asset, key, sha256)
    return asset


def original(queue: Queue, asset: Any) -> Any:
    (found,) = queue.rows(NOW["assets"], asset)
    return found.key


def test_every_file_is_an_object_and_equal_ones_are_one(queue: Queue) -> None:
    first, second = store(queue, "first"), store(queue, "second")
    made = "select media.put_variant(%s, %s::jsonb)"
    queue.value(made, second, '{"profile": "poster", "bucket": "s3://b", "key": "poster"}')  # told neither size nor checksum
    before = {table: queue.rows(f"select id, bucket, key, size_bytes, sha256, updated_at from media.{table} where key is not null") for table in NOW}
    assert len(before["assets"]) >= 4 and len(before["variants"]) >= 3
    schema.upgrade(queue.conn)
    for table, rows in before.items():
        for row in rows:
            (now,) = queue.rows(NOW[table], row.id)
            key = "first" if row.key == "second" else row.key
            assert now == (row.bucket, key, row.size_bytes, row.sha256, "stored")
            assert queue.value(f"select updated_at from media.{table} where id = %s", row.id) == row.updated_at
    (litter,) = queue.rows("select key, state, size_bytes from media.objects where state <> 'stored'")
    assert litter == ("second", "writing", None)
    assert original(queue, first) == original(queue, second) == "first"

    # Its program goes on: the same calls make objects.
    third = store(queue, "third", "ef" * 32)
    assert original(queue, third) == "third"
    variant = queue.value(made, third, '{"profile": "poster", "bucket": "s3://b", "key": "p-3", "size_bytes": 3, "sha256": "' + "01" * 32 + '"}')
    assert queue.rows(NOW["variants"], variant) == [("s3://b", "p-3", 3, "01" * 32, "stored")]
    (work,) = queue.rows("select w.bucket, w.key, w.size_bytes from media.get_work((select id from media.videos where asset_id = %s)) as w", third)
    assert work == ("s3://b", "third", 7)


def test_what_is_written_while_the_upgrade_runs_is_entered(queue: Queue) -> None:
    """After its first migration, with the functions of 0.1.0 still there: stored anew, stored again, and only touched."""
    old, touched = store(queue, "old"), store(queue, "touched", "ef" * 32)
    for path in ("schema/20_media/05_objects.sql", "migrations/0060_add_objects_of_files.sql"):
        queue.conn.execute((Path(schema.ROOT) / path).read_text().encode())
    assert queue.value("select count(*) from media.objects") == 0
    new = store(queue, "new", "01" * 32)
    queue.value("select media.record_original(%s, 's3://b', 'again', 7, %s, null)", old, "23" * 32)
    queue.conn.execute("update media.assets set status = 'ready' where id = %s", [touched])
    assert [original(queue, one) for one in (new, old, touched)] == ["new", "again", "touched"]
    equal = store(queue, "equal", "01" * 32)
    assert original(queue, equal) == "new"
    queue.value("select identity.create_tenant('thief')")
    theirs = queue.value("select asset_id from media.videos where id = %s", queue.value("select queue.ingest_video('/b.mp4', 'thief')"))
    with pytest.raises(psycopg.Error) as refusal:
        queue.value("select media.record_original(%s, 's3://b', 'new', 7, %s, 'video/mp4')", theirs, "01" * 32)
    assert refusal.value.sqlstate == "RQ018", "nobody's key is taken for another tenant"
