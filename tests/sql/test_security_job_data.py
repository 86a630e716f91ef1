"""A job's data cannot hurt a worker: what no reader of JSON survives is refused at enqueue, whoever writes."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest

from tests.sql.queuekit import Queue

NUMBERS = ["1e5000", "-1e301", "1e-301", "1" + "0" * 310, '{"a": [1, {"b": 1e400}]}']
DEEP = "[" * 65 + "]" * 65
BROKEN = {
    **{number[:12]: (f'{{"x": {number}}}', "numbers in job_data must be 0, or 1e-300 to 1e300 in size") for number in NUMBERS},
    "deep lists": (f'{{"x": {DEEP}}}', "nested at most 64 levels deep"),
    "deep objects": ('{"x": ' * 65 + "1" + "}" * 65, "nested at most 64 levels deep"),
    "a thousand levels": (f'{{"x": {"[" * 1000}{"]" * 1000}}}', "nested at most 64 levels deep"),
    "large": (f'{{"x": "{"é" * 131072}"}}', "at most 262144 bytes, not 262153"),
    "no object": ("[1]", "must be a JSON object, not array"),
}
FINE = [
    "{}", '{"x": [0, 0.0, -0.5, 1e300, -1e300, 1e-300, 9007199254740993, 123456789012345678901234567890, "NaN", "1e9999"]}',
    f'{{"x": {DEEP[1:-1]}}}', '{"x": ' * 64 + "1" + "}" * 64, f'{{"x": "{"1" * 5000}"}}', f'{{"x": "{"x" * 262135}"}}',
]  # fmt: skip


@pytest.fixture
def queue(conn):
    # What a type takes of it is another question: test_queue_options.py.
    conn.execute("update queue.job_types set options_schema = null")
    return Queue(conn)


def by_copy(queue: Queue, data: str) -> None:
    with queue.conn.cursor() as cursor, cursor.copy("copy queue.processing_jobs (job_type, job_data) from stdin") as copy:
        copy.write_row(("no_op", data))


def by_spawn(queue: Queue, data: str) -> None:
    queue.add()
    job = queue.take()
    queue.rows("select * from queue.spawn_jobs(%s, %s, jsonb_build_array(jsonb_build_object('job_type', 'no_op', 'job_data', %s::jsonb)))",
               job.job_id, job.token, data)  # fmt: skip


def by_pipeline(queue: Queue, data: str) -> None:
    queue.rows("select queue.ingest_video('http://x/a.mp4', options => jsonb_build_object('ladder', %s::jsonb))", data)


WRITERS: dict[str, Callable[[Queue, str], object]] = {
    "function": lambda queue, data: queue.value("select queue.enqueue_job('no_op', job_data => %s)", data),
    "bulk": lambda queue, data: queue.rows(
        "select * from queue.enqueue_jobs(jsonb_build_array(jsonb_build_object('job_type', 'no_op', 'job_data', %s::jsonb)))", data),
    "insert": lambda queue, data: queue.conn.execute("insert into queue.processing_jobs (job_type, job_data) values ('no_op', %s)", [data]),
    "copy": by_copy,
    "spawn": by_spawn,
    "pipeline": by_pipeline,
    "update": lambda queue, data: (queue.add(), queue.conn.execute("update queue.processing_jobs set job_data = %s", [data])),
}  # fmt: skip


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize("what", BROKEN)
def test_job_data_that_no_reader_survives_is_refused_whoever_writes(queue, writer, what):
    data, words = BROKEN[what]
    if writer == "pipeline" and what == "no object":
        pytest.skip("options that name a step are refused before")
    with pytest.raises(psycopg.Error) as error:
        WRITERS[writer](queue, data)
    assert error.value.sqlstate == "RQ008"
    assert words in str(error.value) or (writer == "update" and what == "no object")
    assert error.value.diag.message_hint


@pytest.mark.parametrize("writer", ["function", "bulk", "insert", "copy", "spawn", "pipeline", "update"])
@pytest.mark.parametrize("data", FINE, ids=range(len(FINE)))
def test_ordinary_job_data_is_taken_as_it_is(queue, writer, data):
    WRITERS[writer](queue, data)
    assert queue.value("select count(*) from queue.processing_jobs where job_data @> %s::jsonb", data) >= 1


def test_an_operator_says_how_large_job_data_may_be(queue):
    queue.value("select queue.set_setting('job_data_bytes', '1000')")
    queue.add(job_data={"x": "y" * 900})
    with pytest.raises(psycopg.Error, match="job_data must have at most 1000 bytes, not 1008"):
        queue.add(job_data={"x": "y" * 999})


@pytest.mark.parametrize("time", ["0044-03-15 BC", "1899-12-31", "10000-01-01", "294276-12-31", "infinity", "-infinity"])
@pytest.mark.parametrize("writer", ["function", "insert", "bulk"])
def test_a_time_that_no_driver_reads_is_refused(queue, time, writer):
    call = {
        "function": "select queue.enqueue_job('no_op', scheduled_for => %s)",
        "insert": "insert into queue.processing_jobs (job_type, scheduled_for) values ('no_op', %s)",
        "bulk": "select queue.enqueue_jobs(jsonb_build_array(jsonb_build_object('job_type', 'no_op', 'scheduled_for', %s::text)))",
    }[writer]
    with pytest.raises(psycopg.Error) as error:
        queue.conn.execute(call, [time])
    assert error.value.sqlstate == "RQ008"
    assert "scheduled_for must be a time of the years 1900 to 9998" in str(error.value)


def test_a_step_s_name_is_bounded(queue):
    with pytest.raises(psycopg.Error, match="pipeline_step must have at most 200 characters, not 201"):
        queue.conn.execute("insert into queue.processing_jobs (job_type, pipeline_step) values ('no_op', repeat('x', 201))")
