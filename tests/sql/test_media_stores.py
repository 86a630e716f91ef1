"""What the database remembers of object stores."""

from __future__ import annotations

import psycopg
import pytest

from tests.sql.queuekit import Queue

HERE = "file:///srv/objects"


@pytest.fixture
def queue(conn):
    return Queue(conn)


def find(queue: Queue, bucket: str = HERE):
    (row,) = queue.rows("select * from media.find_store(%s)", bucket)
    return row.mark, row.has_objects


def test_the_first_mark_of_a_store_stays(queue):
    assert find(queue) == (None, False)
    assert queue.value("select media.register_store(%s, 'one')", HERE) == "one"
    assert queue.value("select media.register_store(%s, 'two')", HERE) == "one"
    assert find(queue) == ("one", True)
    assert find(queue, "s3://elsewhere") == (None, False)


def test_a_store_that_ought_to_hold_objects_is_known_for_it(queue):
    """Of an older release: objects are on record, and no mark."""
    video = queue.value("select queue.ingest_video('/clip.mp4')")
    asset = queue.value("select asset_id from media.videos where id = %s", video)
    queue.conn.execute("select media.record_original(%s, %s, 'k', 1, repeat('a', 64), null)", [asset, HERE])
    assert find(queue) == (None, True)


@pytest.mark.parametrize(("bucket", "mark"), [("", "m"), (None, "m"), ("b", ""), ("b", None)])
def test_a_store_has_an_address_and_a_mark(queue, bucket, mark):
    with pytest.raises(psycopg.Error) as error:
        queue.value("select media.register_store(%s, %s)", bucket, mark)
    assert error.value.sqlstate == "RQ008"
