"""Options of jobs are checked at enqueue by the schema of their type, whoever writes; SQL and the worker take the same."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass, make_dataclass
from typing import Annotated, Any, Literal
from uuid import UUID

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.types.json import Jsonb

from reelq.worker.av.encode import ladder
from reelq.worker.errors import PermanentError
from reelq.worker.handlers import video_transcode
from reelq.worker.jobs import arguments, options_schema
from reelq.worker.jobs.arguments import Pattern, Range
from reelq.worker.runtime import registry
from tests.sql.queuekit import Queue
from tools import job_types as generator

SHIPPED = registry.shipped()
SHOUT = {
    "type": "object", "required": ["text"], "additionalProperties": False,
    "properties": {"text": {"type": "string", "minLength": 1, "maxLength": 5}, "times": {"type": "integer", "minimum": 1, "maximum": 9}},
}  # fmt: skip


@pytest.fixture
def queue(conn: psycopg.Connection[Any]) -> Queue:
    """The types as they are shipped, and one of our own."""
    conn.execute(generator.schemas())  # type: ignore[arg-type]
    own = "insert into queue.job_types (job_type, description, options_schema, requires) values (%s, 'x', %s, %s)"
    conn.execute(own, ["shout", Jsonb(SHOUT), None])
    conn.execute(own, ["free", None, None])
    conn.execute(own, ["scan", None, "asset"])
    return Queue(conn)


def refusal(queue: Queue, sql: str, *values: Any) -> tuple[str, str]:
    """The sentence and the hint of RQ008."""
    with pytest.raises(psycopg.Error) as caught, queue.conn.transaction():
        queue.conn.execute(sql, values)  # type: ignore[arg-type]
    assert caught.value.sqlstate == "RQ008", caught.value
    message, hint = caught.value.diag.message_primary, caught.value.diag.message_hint
    assert message and hint and "\n" not in message
    return message, hint


def mistake(queue: Queue, schema: Any, value: Any) -> str | None:
    """What the function says of a value; the path that is asked before must not take what it refuses."""
    queue.value("select queue.check_options_schema(%s, 'it', 1)", Jsonb(schema))
    asked = "select queue.find_option_mistake(%s, %s, 'x'), %s @@ ('strict ' || queue.options_path(%s))::jsonpath"
    (row,) = queue.conn.execute(asked, [Jsonb(schema), Jsonb(value), Jsonb(value), Jsonb(schema)]).fetchall()
    assert row[0] is None or row[1] is not True, f"{schema} {value}: {row[0]}, but the path takes it"
    return None if row[0] is None else row[0][0]


# Who is checked


def by_copy(queue: Queue, data: str) -> None:
    with queue.conn.cursor() as cursor, cursor.copy("copy queue.processing_jobs (job_type, job_data) from stdin") as copy:
        copy.write_row(("shout", '{"text": "a"}'))
        copy.write_row(("shout", data))


def by_spawn(queue: Queue, data: str) -> None:
    queue.add()
    job = queue.take()
    spawned = "select * from queue.spawn_jobs(%s, %s, jsonb_build_array(jsonb_build_object('job_type', 'shout', 'job_data', %s::jsonb)))"
    queue.rows(spawned, job.job_id, job.token, data)


def by_pipeline(queue: Queue, data: str) -> None:
    queue.conn.execute("insert into queue.pipelines (name, description) values ('loud', 'x')")
    queue.conn.execute("insert into queue.pipeline_steps (pipeline, step, job_type) values ('loud', 'first', 'shout')")
    queue.value("select queue.ingest_video('/a.mp4', pipeline => 'loud', options => jsonb_build_object('first', %s::jsonb))", data)


SELECTED = "insert into queue.processing_jobs (job_type, job_data) select 'shout', d from unnest(array['{\"text\": \"a\"}', %s]::jsonb[]) as d"
WRITERS: dict[str, tuple[str, Callable[[Queue, str], object]]] = {
    "function": ("times", lambda queue, data: queue.value("select queue.enqueue_job('shout', job_data => %s)", data)),
    "bulk": ("spec 2: times", lambda queue, data: queue.rows(
        "select * from queue.enqueue_jobs(jsonb_build_array('{\"job_type\": \"no_op\"}'::jsonb, jsonb_build_object('job_type', 'shout', 'job_data', %s::jsonb)))", data)),
    "insert": ("times", lambda queue, data: queue.conn.execute("insert into queue.processing_jobs (job_type, job_data) values ('shout', %s)", [data])),
    "insert … select": ("row 2: times", lambda queue, data: queue.conn.execute(SELECTED, [data])),
    "copy": ("row 2: times", by_copy),
    "spawn": ("spec 1: times", by_spawn),
    "pipeline": ("first.times", by_pipeline),
    "schedule": ("times", lambda queue, data: queue.value("select queue.set_schedule('s', '@daily', 'shout', p_job_data => %s)", data)),
    "update": ("times", lambda queue, data: (queue.add("shout", job_data={"text": "a"}), queue.conn.execute("update queue.processing_jobs set job_data = %s", [data]))),
}  # fmt: skip


@pytest.mark.parametrize("writer", WRITERS)
def test_options_are_checked_whoever_writes(queue: Queue, writer: str) -> None:
    where, write = WRITERS[writer]
    with pytest.raises(psycopg.Error) as caught, queue.conn.transaction():
        write(queue, '{"text": "a", "times": 99}')
    assert (caught.value.sqlstate, caught.value.diag.message_primary) == ("RQ008", f"{where} must be 1 to 9, not 99")
    write(queue, '{"text": "a", "times": 9}')


def test_what_is_required_is_asked_of_a_job_without_any_options(queue: Queue) -> None:
    assert refusal(queue, "select queue.enqueue_job('shout')")[0] == "option text must be given"
    assert refusal(queue, "insert into queue.processing_jobs (job_type) values ('no_op'), ('shout')")[0] == "row 2: option text must be given"


def test_a_type_without_a_schema_takes_anything(queue: Queue) -> None:
    queue.add("free", job_data={"any": ["thing", None]})
    queue.add("free")


def test_an_unknown_option_is_told_with_the_one_that_was_meant(queue: Queue) -> None:
    message, hint = refusal(queue, "select queue.ingest_video('/a.mp4', options => '{\"ladder\": {\"crff\": 20}}')")
    assert message == "unknown option ladder.crff; did you mean crf?"
    assert "Known: crf, renditions." in hint and "reelq job-types show video_transcode" in hint
    odd = {"ab\ncd" * 100: 1}
    assert refusal(queue, "select queue.enqueue_job('no_op', job_data => %s)", Jsonb(odd))[0].startswith('unknown option "ab\\ncdab')


def test_a_pipeline_is_checked_as_a_step_is_written_and_as_it_runs(queue: Queue) -> None:
    conn = queue.conn
    with pytest.raises(psycopg.Error, match="ladder.crf must be 15 to 40, not 999"), conn.transaction():
        conn.execute("update queue.pipeline_steps set job_data = '{\"crf\": 999}' where step = 'ladder'")
        conn.execute("set constraints all immediate")
    conn.execute("insert into queue.pipelines (name, description) values ('loud', 'x')")
    conn.execute("insert into queue.pipeline_steps (pipeline, step, job_type, job_data) values ('loud', 'say', 'shout', '{\"times\": 2}')")
    conn.execute("set constraints all immediate")  # text may come with the run
    assert refusal(queue, "select queue.ingest_video('/a.mp4', pipeline => 'loud')")[0] == "option say.text must be given"
    queue.value("select queue.ingest_video('/a.mp4', pipeline => 'loud', options => '{\"say\": {\"text\": \"a\"}}')")
    bad = "select queue.set_schedule('s', '@daily', p_pipeline => 'loud', p_video_id => (select id from media.videos limit 1), p_job_data => %s)"
    assert refusal(queue, bad, '{"say": {"text": 1}}')[0] == "say.text must be a text, not 1"


def test_a_known_key_is_not_checked_again_and_is_not_blamed(queue: Queue) -> None:
    spec = {"job_type": "shout", "job_data": {"text": "a"}, "idempotency_key": "k"}
    queue.rows("select * from queue.enqueue_jobs(%s)", Jsonb([spec]))
    odd = {**spec, "job_data": {"text": 7}}
    queue.rows("select * from queue.enqueue_jobs(%s)", Jsonb([odd]))
    bad = {"job_type": "shout", "job_data": {"text": 8}}
    assert refusal(queue, "select * from queue.enqueue_jobs(%s)", Jsonb([odd, bad]))[0] == "spec 2: text must be a text, not 8"


def test_a_changed_schema_does_nothing_to_what_waits(queue: Queue) -> None:
    job = queue.add("shout", job_data={"text": "a", "times": 9})
    queue.conn.execute("update queue.job_types set options_schema = '{\"properties\": {}, \"additionalProperties\": false}' where job_type = 'shout'")
    assert queue.take().job_id == job
    assert refusal(queue, "select queue.enqueue_job('shout', job_data => '{\"text\": \"a\"}')")[0] == "unknown option text"


@pytest.mark.parametrize("job_type", [name for name in SHIPPED.types if SHIPPED.find(name).requires == "video"])
def test_no_shipped_type_is_enqueued_without_its_video(queue: Queue, job_type: str) -> None:
    message, hint = refusal(queue, "select queue.enqueue_job(%s)", job_type)
    assert message == f"video_id of a {job_type} must be that of a video, not null" and "--video" in hint
    asset = "select queue.enqueue_job(%s, asset_id => (select asset_id from media.videos))"
    video = queue.value("select media.create_video('/a.mp4')")
    assert refusal(queue, asset, job_type)[0] == message
    queue.add(job_type, video_id=video)
    specs = Jsonb([{"job_type": "no_op"}, {"job_type": job_type}])
    assert refusal(queue, "select * from queue.enqueue_jobs(%s)", specs)[0] == f"spec 2: {message}"
    assert refusal(queue, "select queue.set_schedule('s', '@daily', %s)", job_type)[0] == message


def test_a_job_without_what_its_type_requires_is_named_by_its_row(queue: Queue) -> None:
    """As one with wrong options is; the first of them, whatever its type is called."""
    insert = "insert into queue.processing_jobs (job_type) values "
    assert refusal(queue, insert + "('no_op'), ('scan'), ('no_op'), ('generate_thumbnail'), ('scan')")[0] == (
        "row 2: asset_id of a scan must be that of an asset, not null"
    )
    assert refusal(queue, insert + "('no_op'), ('no_op'), ('generate_thumbnail'), ('extract_metadata')")[0] == (
        "row 3: video_id of a generate_thumbnail must be that of a video, not null"
    )


@pytest.mark.parametrize("call", ["queue.enqueue_pipeline('standard', null)", "media.show_video(null)"])
def test_a_video_that_is_null_is_called_so(queue: Queue, call: str) -> None:
    with pytest.raises(psycopg.Error, match="^no video null\n") as caught:
        queue.conn.execute(f"select {call}".encode())
    assert caught.value.sqlstate == "RQ004"


def test_a_type_that_needs_an_asset_takes_that_of_a_video(queue: Queue) -> None:
    assert refusal(queue, "select queue.enqueue_job('scan')")[0] == "asset_id of a scan must be that of an asset, not null"
    video = queue.value("select media.create_video('/a.mp4')")
    queue.add("scan", video_id=video)
    queue.add("scan", asset_id=queue.value("select asset_id from media.videos"))
    queue.rows("select * from queue.enqueue_jobs(%s)", Jsonb([{"job_type": "scan", "video_id": str(video)}]))


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("clip.mp4", "a full path"), ("../clip.mp4", "a full path"), ("./a", "a full path"), ("//host/a.mp4", "a full path"), ("/", "a full path"),
        ("host/a.mp4", "a full path"), ("?a=1", "a full path"), ("http:a.mp4", "a full path"), ("ftp://host/a.mp4", "of http, https, s3 or file"),
        ("javascript://host/a", "of http, https, s3 or file"), ("https://", "a whole URL"), ("https:///a.mp4", "a whole URL"), ("https://:80/a", "a whole URL"),
        ("https://host:port/a", "a whole URL"), ("https://ho st/a", "a whole URL"), ("https://host/a\nb", "a whole URL"), ("s3://bucket", "name a bucket"),
        ("s3://bucket/", "name a bucket"), ("s3:///key", "name a bucket"), ("file://host/a", "name a full path"), ("file://a", "name a full path"),
    ],
)  # fmt: skip
def test_a_source_that_no_worker_would_fetch_is_refused(queue: Queue, source: str, words: str) -> None:
    message, hint = refusal(queue, "select queue.ingest_video(%s)", source)
    assert message.startswith("source must ") and words in message and "https://" in hint


@pytest.mark.parametrize(
    "source",
    ["/a", "/srv/in/a b.mp4", "file:///srv/a%20b.mp4", "file://localhost/a", "http://host", "HTTPS://host:8443/a?b=c#d", "https://[::1]/a", "https://user:pw@host/a",
     "https://müller.example/ä.mp4", "https://host?x", "s3://bucket/key/with/parts", "S3://b-1/a.mp4"],
)  # fmt: skip
def test_sources_that_are_fetched_are_taken(queue: Queue, source: str) -> None:
    queue.value("select queue.ingest_video(%s)", source)


# What a schema says


@pytest.mark.parametrize(
    ("schema", "good", "bad"),
    [
        ({"type": "integer"}, [0, -1, 1.0, 10**30], [1.5, "1", True, None, [], {}]),
        ({"type": "number"}, [0, 1.5, 1e300], ["1", False, None]),
        ({"type": ["string", "null"]}, ["", None, "ä"], [1, [], {}, False]),
        ({"type": "boolean"}, [True, False], [0, 1, "true", None]),
        ({"type": "object"}, [{}, {"a": 1}], [[], None]),
        ({"type": "array"}, [[], [1]], [{}, "a"]),
        ({"minimum": 1, "maximum": 3}, [1, 3, 2.5, 1.0, "a", None, [9]], [0, 0.999, 3.0001, 4, -1e300]),
        ({"exclusiveMinimum": 0, "exclusiveMaximum": 1}, [0.5, 1e-300], [0, 1, 1.0, -0.0]),
        ({"multipleOf": 0.1}, [0.3, 0, -0.7, 5], [0.35, 1e-10]),
        ({"multipleOf": 3}, [3, 3.0, 0, 1e300 * 0 + 9], [1, 3.5]),
        ({"minLength": 2, "maxLength": 3}, ["ab", "äöü", "🎬🎬", "a\nb", 7], ["", "a", "abcd"]),
        ({"maxLength": 300}, ["a" * 300, "a" * 256], ["a" * 301]),
        ({"minLength": 300}, ["a" * 300], ["a" * 299]),
        ({"pattern": "^[a-z]+$"}, ["a", "abc", 7], ["", "A", "a\n", "ab1"]),
        ({"pattern": "b"}, ["abc"], ["ac"]),
        ({"pattern": "^a.b$"}, ["a\nb", "a🎬b"], ["ab", "a..b"]),
        ({"enum": ["a", 1, None, True, [1], {"a": 1}]}, ["a", 1, 1.0, None, True, [1], {"a": 1}], ["b", 2, False, 0, [], [1, 2], {}, {"a": 1, "b": 2}, "1"]),
        ({"const": 1}, [1, 1.0], [True, "1", 2]),
        ({"const": None}, [None], [0, False, ""]),
        ({"const": {"a": [1]}}, [{"a": [1]}], [{"a": [1, 2]}, {"a": [1], "b": 2}, {}]),
        ({"items": {"type": "integer"}}, [[], [1, 2], "a", {}], [["a"], [1, None]]),
        ({"minItems": 1, "maxItems": 2}, [[1], [1, 2], {}], [[], [1, 2, 3]]),
        ({"uniqueItems": True}, [[], [1, 2], [[1], [2]], [1, True], [0, False], ["1", 1]], [[1, 1.0], [{"a": 1, "b": 2}, {"b": 2, "a": 1}], [None, None]]),
        ({"uniqueItems": False}, [[1, 1]], []),
        ({"properties": {"a": {"type": "integer"}}}, [{}, {"a": 1}, {"b": "x"}, 7], [{"a": "x"}, {"a": None}]),
        ({"properties": {"a": {}}, "additionalProperties": False}, [{}, {"a": [1]}], [{"b": 1}, {"a": 1, "A": 1}]),
        ({"additionalProperties": {"type": "integer"}}, [{}, {"x": 1}], [{"x": "1"}]),
        ({"additionalProperties": False}, [{}], [{"": 1}]),
        ({"properties": {"a": {}}, "additionalProperties": {"type": "null"}}, [{"a": 1, "b": None}], [{"b": 1}]),
        ({"required": ["a", "b"]}, [{"a": 1, "b": None}, 7, []], [{}, {"a": 1}, {"b": 1}]),
        ({"anyOf": [{"type": "integer", "minimum": 3}, {"type": "string", "maxLength": 1}]}, [3, "a"], [2, "ab", None, 3.5]),
        ({"anyOf": [{"type": "null"}, {"type": "array", "items": {"anyOf": [{"type": "null"}, {"enum": [1]}]}}]}, [None, [], [1, None]], [[2], 1]),
        ({"format": "uuid"}, ["01976b1e-5a3c-7d4e-8f00-0123456789ab", "01976B1E-5A3C-7D4E-8F00-0123456789AB", 7],
         ["", "01976b1e5a3c7d4e8f000123456789ab", "{01976b1e-5a3c-7d4e-8f00-0123456789ab}", "01976b1e-5a3c-7d4e-8f00-0123456789ag"]),
        ({"format": "date-time"}, ["2030-01-31T20:00:00Z", "2028-02-29t00:00:00.123+02:00"],
         ["2030-02-29T00:00:00Z", "2030-01-31", "2030-01-31T20:00:00", "2030-13-01T00:00:00Z", "0000-01-01T00:00:00Z", "2030-01-31 20:00:00Z", "2030-01-31T24:00:00Z"]),
        ({"format": "uri"}, ["https://host/a?b#c", "s3://b/k", "urn:a:b", "http://[::1]/"], ["", "/a", "a.mp4", "//host/a", "https://host/a b", "1a:b", "a:%zz", "a:", "http://ä/"]),
        ({"format": "uri", "pattern": "^https:"}, ["https://a"], ["http://a"]),
        ({}, [None, 1, {"a": []}], []),
    ],
    ids=lambda one: json.dumps(one)[:40] if isinstance(one, dict) else "",
)  # fmt: skip
def test_each_keyword_means_what_json_schema_says(queue: Queue, schema: Any, good: list[Any], bad: list[Any]) -> None:
    """At the top, as an item, as a property and as one of several."""
    for inside, put in (
        (schema, lambda value: value), ({"items": schema}, lambda value: [value]), ({"properties": {"p": schema}}, lambda value: {"p": value}),
        ({"anyOf": [{"const": "never"}, schema]}, lambda value: value), ({"additionalProperties": schema}, lambda value: {"q": value}),
    ):  # fmt: skip
        for value in good:
            assert mistake(queue, inside, put(value)) is None, f"{inside} takes {value!r}"
        for value in bad:
            told = mistake(queue, inside, put(value))
            assert told and ("must" in told or told.startswith("unknown option")), f"{inside} refuses {value!r}"


@pytest.mark.parametrize(
    ("properties", "words"),
    [
        ({"a": {"minimun": 1}}, 'must have known keywords only, not "minimun"'), ({"a": {"$ref": "#"}}, "known keywords"), ({"a": {"not": {}}}, "known keywords"),
        ({"a": {"oneOf": [{}]}}, "known keywords"), ({"a": True}, "must be an object"), ({"a": {"items": [{}]}}, "must be an object"), ({"a": {"items": {"x": 1}}}, "known keywords"),
        ({"a": {"type": "int"}}, "type must be one or a list of"), ({"a": {"type": []}}, "type must be"), ({"a": {"type": [1]}}, "type must be"), ({"a": {"enum": []}}, "a list of values"),
        ({"a": {"minimum": "1"}}, "a number"), ({"a": {"multipleOf": 0}}, "above 0"), ({"a": {"minLength": -1}}, "0 or more"), ({"a": {"maxItems": 1.5}}, "0 or more"),
        ({"a": {"uniqueItems": 1}}, "true or false"), ({"a": {"format": "email"}}, "uuid, date-time or uri"), ({"a": {"required": "a"}}, "a list of names"),
        ({"a": {"required": ["b"], "additionalProperties": False}}, "among its properties"), ({"a": {"properties": []}}, "an object of schemas"), ({"a": {"anyOf": []}}, "a list of schemas"),
        ({"a": {"anyOf": [{"type": "x"}]}}, "anyOf[0].type"), ({"a": {"pattern": "("}}, "a regular expression"), ({"a": {"pattern": "\\d"}}, "must be of characters"),
        ({"a": {"pattern": "(?=a)"}}, "must be of characters"), ({"a": {"pattern": "(a)\\1"}}, "must be of characters"), ({"a": {"pattern": "[[:alpha:]]"}}, "must be of characters"),
        ({"a": {"pattern": "((a{1,99}){1,99}){1,99}"}}, "repeat repeats"), ({"a": {"pattern": "a" * 501}}, "at most 500"), ({"a": {"title": 1}}, "a text"),
        ({"": {}}, "1 to 100 characters"), ({"a": {"description": "x" * 70000}}, "at most 65536 bytes"), ({"a": {"additionalProperties": 1}}, "must be an object"),
    ],
    ids=lambda one: json.dumps(one)[:40] if isinstance(one, dict) else "",
)  # fmt: skip
def test_no_keyword_is_passed_over(queue: Queue, properties: Any, words: str) -> None:
    for way in (
        "select queue.sync_job_type('shout', '{}', '[]', %s)", "update queue.job_types set options_schema = %s where job_type = 'shout'",
        "insert into queue.job_types (job_type, description, options_schema) values ('new', 'x', %s)",
    ):  # fmt: skip
        message, _ = refusal(queue, way, Jsonb({"properties": properties}))
        assert words in message and "options_schema" in message


@pytest.mark.parametrize("top", [{"type": "array"}, {"anyOf": [{}]}, {"enum": [{}]}, {"const": {}}])
def test_the_top_of_a_schema_is_an_object_and_its_properties(queue: Queue, top: Any) -> None:
    assert "object" in refusal(queue, "update queue.job_types set options_schema = %s where job_type = 'shout'", Jsonb(top))[0]


def test_a_schema_is_at_most_16_levels_deep(queue: Queue) -> None:
    def deep(levels: int) -> Any:
        return {"items": deep(levels - 1)} if levels else {"type": "integer"}

    queue.conn.execute("update queue.job_types set options_schema = %s where job_type = 'shout'", [Jsonb({"properties": {"a": deep(15)}})])
    told = refusal(queue, "select queue.enqueue_job('shout', job_data => %s)", '{"a": ' + "[" * 15 + '"x"' + "]" * 15 + "}")[0]
    assert told == f"a{'[0]' * 15} must be a whole number, not \"x\""
    assert "16 levels" in refusal(queue, "update queue.job_types set options_schema = %s where job_type = 'shout'", Jsonb({"properties": {"a": deep(16)}}))[0]


# SQL and the worker


def told_by_worker(kind: Any, value: Any) -> str | None:
    """What the parser of arguments says, of the value as a driver reads it."""
    try:
        arguments.parse(kind, value)
    except PermanentError as error:
        return str(error)
    return None


def both_ways(queue: Queue, kind: Any, schema: Any, value: Any) -> bool:
    """SQL and the worker take it, or neither does."""
    sql, worker = mistake(queue, schema, value), told_by_worker(kind, queue.value("select %s::jsonb", Jsonb(value)))
    assert (sql is None) == (worker is None), f"{value!r}: SQL says {sql}, the worker {worker}"
    return sql is None


def edges(schema: Any) -> list[Any]:
    """Values at, within and beyond what a schema says, and of each type."""
    found: list[Any] = [None, True, False, 0, 1, 1.0, -1, 1.5, 1e300, "", "a", "21", [], ["a"], [[]], {}, {"a": 1}]
    for one in schema.get("anyOf", [schema]):
        for bound in (one.get("minimum"), one.get("maximum")):
            found += [] if bound is None else [bound - 1, bound, bound + 1, bound + 0.5, float(bound), str(bound)]
        found += [value if value is None else f"{value}x" for value in one.get("enum", [])] + one.get("enum", [])
        for bound in (one.get("minLength"), one.get("maxLength")):
            found += [] if bound is None else ["x" * n for n in (bound - 1, bound, bound + 1) if n >= 0]
        if "items" in one:
            inner = edges(one["items"])
            sizes = {1, 2, one.get("minItems", 0), one.get("maxItems", 3), one.get("maxItems", 3) + 1}
            found += [[value] * n for value in inner for n in sizes] + [inner]
    return found


@pytest.mark.parametrize("job_type", SHIPPED.types)
def test_the_worker_takes_what_sql_takes_of_every_shipped_type(queue: Queue, job_type: str) -> None:
    handler = SHIPPED.find(job_type)
    schema = handler.schema()
    if job_type != "send_email":  # one of its two options, which a schema cannot say: the worker does
        assert both_ways(queue, handler.args, schema, {}) is not bool(schema["required"])
    assert both_ways(queue, handler.args, schema, schema["examples"][0])
    assert not both_ways(queue, handler.args, schema, {"unheard_of": 1})
    for name, one in schema["properties"].items():
        for value in edges(one) if job_type != "send_email" else []:
            both_ways(queue, handler.args, schema, {name: value})


@pytest.mark.parametrize(("text", "fits"), [("720p,360p", True), ("720p", True), ("720p, 360p", False), ("4k", False), ("720p,", False), ("h264-720p", False), ("720p\n", False)])
def test_renditions_stand_in_one_text_with_commas(queue: Queue, text: str, fits: bool) -> None:
    assert both_ways(queue, video_transcode.Args, options_schema.describe(video_transcode.Args), {"renditions": text}) is fits
    if fits:
        ladder.options(text)


def test_the_renditions_of_a_schema_are_the_rungs() -> None:
    assert tuple(f"{side}p" for side in ladder.RUNGS) == video_transcode.NAMES


HINTS: list[Any] = [
    str, bool, int, float, UUID, dict, Any, list[int], list[str | None], tuple[float, ...], int | None, int | str, float | bool | None, Literal["a", "b"], Literal[1, True, "x"],
    Literal["a"] | None, Annotated[int, Range(1, 3)], Annotated[float, Range(0.5)], Annotated[float | None, Range(most=2)], Annotated[str, Range(1, 3)],
    Annotated[list[int], Range(1, 2)], Annotated[list[str] | str, Range(2, 3)], Annotated[str, Pattern("[a-c]{1,2}")], Annotated[str | None, Range(2), Pattern("a*|b", "as")],
    list[Annotated[int, Range(0, 1)]], list[Literal["a", 1]],
]  # fmt: skip


@dataclass(frozen=True)
class Inner:
    """A part of arguments."""

    a: Annotated[int, Range(0, 2)]
    b: str | None = None


KINDS = [make_dataclass(f"Kind{n}", [("x", hint)], frozen=True) for n, hint in enumerate([*HINTS, Inner, Inner | None, list[Inner]])]
LEAVES = st.none() | st.booleans() | st.integers(-2, 4) | st.sampled_from([0.5, 1.0, 2.0, 2.5, 1e300, -0.0]) | st.text("abcä\n", max_size=4) | st.just("01976b1e-5a3c-7d4e-8f00-0123456789ab")
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abx"), inner, max_size=3), max_leaves=6)


@pytest.mark.one_server
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True)
@given(kind=st.sampled_from(KINDS), value=VALUES | st.fixed_dictionaries({"x": VALUES}))
def test_sql_and_the_worker_agree_on_whatever_arguments_there_may_be(queue: Queue, kind: Any, value: Any) -> None:
    """The schema is made of the dataclass; both are asked of any value."""
    both_ways(queue, kind, options_schema.describe(kind), value)


# An oracle: JSON Schema in a few lines of Python, written from the standard and not from the SQL.


def same(one: Any, other: Any) -> bool:
    """JSON's equality: true is not 1, and 1.0 is."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    return bool(one == other)


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


IS: dict[str, Callable[[Any], bool]] = {
    "object": lambda value: isinstance(value, dict), "array": lambda value: isinstance(value, list), "string": lambda value: isinstance(value, str),
    "number": is_number, "integer": lambda value: is_number(value) and math.floor(value) == value, "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
}  # fmt: skip


def is_valid(schema: Any, value: Any) -> bool:
    """Whether a value is valid by a schema."""
    kinds = schema.get("type", list(IS))
    checks = [
        any(IS[kind](value) for kind in (kinds if isinstance(kinds, list) else [kinds])),
        any(same(value, one) for one in schema.get("enum", [value])), same(value, schema.get("const", value)),
        "anyOf" not in schema or any(is_valid(one, value) for one in schema["anyOf"]),
    ]  # fmt: skip
    if is_number(value):
        checks += [value >= schema.get("minimum", value), value <= schema.get("maximum", value), value % schema.get("multipleOf", value or 1) == 0]
        checks += [value > schema.get("exclusiveMinimum", -math.inf), value < schema.get("exclusiveMaximum", math.inf)]
    elif isinstance(value, str):
        checks += [schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value)), re.search(schema.get("pattern", ""), value, re.DOTALL) is not None]
    elif isinstance(value, list):
        checks += [schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)), all(is_valid(schema.get("items", {}), one) for one in value)]
        checks += [not schema.get("uniqueItems") or not any(same(a, b) for n, a in enumerate(value) for b in value[:n])]
    elif isinstance(value, dict):
        known, others = schema.get("properties", {}), schema.get("additionalProperties", True)
        checks += [all(name in value for name in schema.get("required", []))]
        checks += [is_valid(known[name], one) if name in known else others is True or (others is not False and is_valid(others, one)) for name, one in value.items()]
    return all(checks)


PLAIN = st.fixed_dictionaries({}, optional={
    "type": st.sampled_from(list(IS)) | st.lists(st.sampled_from(list(IS)), min_size=1, max_size=2), "enum": st.lists(VALUES, min_size=1, max_size=3), "const": VALUES,
    "minimum": st.integers(-1, 2), "maximum": st.integers(0, 3), "exclusiveMinimum": st.integers(-1, 2), "exclusiveMaximum": st.integers(0, 3),
    "multipleOf": st.sampled_from([1, 2, 0.5]), "minLength": st.integers(0, 2), "maxLength": st.integers(0, 3), "pattern": st.sampled_from(["a", "^[ab]*$", ".b", "^(a|b){1,2}"]),
    "minItems": st.integers(0, 2), "maxItems": st.integers(0, 2), "uniqueItems": st.booleans(), "required": st.lists(st.sampled_from("abx"), max_size=2),
})  # fmt: skip
SCHEMAS = st.recursive(PLAIN, lambda inner: st.builds(lambda plain, more: {**plain, **more}, PLAIN, st.fixed_dictionaries({}, optional={
    "items": inner, "properties": st.dictionaries(st.sampled_from("abx"), inner, max_size=2), "additionalProperties": st.just(True) | inner,
    "anyOf": st.lists(inner, min_size=1, max_size=3),
})), max_leaves=4)  # fmt: skip


@pytest.mark.one_server
@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(schema=SCHEMAS, closed=st.booleans(), value=VALUES)
def test_the_path_and_the_oracle_say_the_same_as_the_function(queue: Queue, schema: Any, closed: bool, value: Any) -> None:
    if closed and "additionalProperties" not in schema:
        schema = {**schema, "additionalProperties": False, "required": [name for name in schema.get("required", []) if name in schema.get("properties", {})]}
    assert (mistake(queue, schema, value) is None) == is_valid(schema, value), f"{schema} {value!r}"


# Bounded work


def test_ordinary_options_are_taken_by_the_path_alone(queue: Queue) -> None:
    """The slow function is not called for a valid job: here it would fail."""
    queue.conn.execute("create or replace function queue.find_option_mistake(p_schema jsonb, p_value jsonb, p_at text) returns text[] language sql as 'select array[1 / 0]::text[]'")
    video = queue.value("select media.create_video('/a.mp4')")
    for options in video_transcode.EXAMPLE, {"renditions": "720p,240p"}, {"crf": 40.0, "renditions": None}:
        queue.add("video_transcode", video_id=video, job_data=options)
    queue.add("no_op", job_data={"sleep_s": 3})
    queue.add("shout", job_data={"text": "abc"})


def test_no_statement_is_added_where_there_are_no_options(queue: Queue) -> None:
    queue.conn.execute("set track_functions = 'all'")
    queue.conn.execute("create or replace function queue.options_refusal(p_job_type text, p_schema jsonb, p_job_data jsonb, p_at text default '', p_where text default '')"
                       " returns text[] language sql as 'select array[1 / 0]::text[]'")  # fmt: skip
    queue.add("no_op")
    queue.add("free", job_data={"a": 1})
    queue.conn.execute("insert into queue.processing_jobs (job_type) select 'no_op' from generate_series(1, 10)")
    queue.rows("select * from queue.enqueue_jobs(%s)", Jsonb([{"job_type": "no_op"}, {"job_type": "free", "job_data": {"b": 1}}]))
    with pytest.raises(psycopg.errors.DivisionByZero):
        queue.add("no_op", job_data={"sleep_s": -1})


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"items": {"anyOf": [{"type": "string"}, {"anyOf": [{"type": "null"}, {"type": "integer"}]}]}}, [1] * 80_000 + [1.5]),
        ({"uniqueItems": True, "items": {"type": "integer"}}, [*range(40_000), 0]),
        ({"items": {"items": {"items": {"type": "null"}}}}, [[[]]] * 40_000 + [[[1]]]),
        ({"additionalProperties": {"type": "integer"}}, {str(n): n for n in range(25_000)} | {"z": ""}),
        ({"pattern": "^((a*)*)*$"}, "a" * 250_000 + "b"),
        ({"pattern": "^(a|a)*$"}, "a" * 250_000 + "b"),
        ({"enum": [f"w{n}" for n in range(5000)]}, "w5000"),
        ({"additionalProperties": False, "properties": {f"p{n}": {} for n in range(1000)}}, {"q": 1}),
        ({"anyOf": [{"const": n} for n in range(1000)]}, -1),
    ],
    ids=["anyOf", "unique", "lists", "objects", "stars", "alternatives", "enum", "properties", "many"],
)  # fmt: skip
def test_large_data_and_large_schemas_are_judged_in_bounded_time(queue: Queue, schema: Any, value: Any) -> None:
    """Seconds at worst, where recursion over each item took half a minute."""
    queue.conn.execute("set statement_timeout = '60s'")
    assert mistake(queue, schema, value)


@pytest.mark.parametrize("number", ["1e400", "-0", "1e-400", "100000000000000000000000000000000000000000000000000.5"])
def test_odd_numbers_are_numbers(queue: Queue, number: str) -> None:
    asked = "select queue.find_option_mistake('{\"type\": \"integer\", \"maximum\": 5}', %s, 'x'), %s::jsonb @@ ('strict ' || queue.options_path('{\"type\": \"integer\", \"maximum\": 5}'))::jsonpath"
    (row,) = queue.conn.execute(asked, [number, number]).fetchall()
    assert (row[0] is None, row[1]) == ((True, True) if number == "-0" else (False, False))


@dataclass(frozen=True)
class Odd:
    """For whole numbers that come with a fraction of nothing."""

    n: int
    kind: Literal[1, 2] = 1


def test_a_number_without_a_fraction_is_whole_for_a_worker_too() -> None:
    made = arguments.parse(Odd, {"n": 21.0, "kind": 2.0})
    assert (made.n, type(made.n), type(made.kind)) == (21, int, int)
    with pytest.raises(PermanentError):
        arguments.parse(Odd, {"n": 21.5})


# How much is looked at


def test_what_is_larger_than_job_data_may_be_is_not_looked_at(queue: Queue) -> None:
    """It is refused as job_data; a look at each of its values would be the caller's to make us pay for."""
    asked = "select queue.options_refusal('shout', %s, %s)"
    two = {"text": "é" * 10}  # 10 letters of 2 bytes, 32 bytes in all
    assert queue.value("select octet_length(%s::jsonb::text)", Jsonb(two)) == 32
    for most, looked_at in ((33, True), (32, True), (31, False), (22, False)):
        queue.conn.execute("update queue.settings set value = %s where name = 'job_data_bytes'", [str(most)])
        assert (queue.value(asked, Jsonb(SHOUT), Jsonb(two)) is not None) == looked_at, most
    # An installation writes pipelines before the settings: then everything is looked at.
    queue.conn.execute("delete from queue.settings where name = 'job_data_bytes'")
    assert queue.value(asked, Jsonb(SHOUT), Jsonb(two)) is not None


LARGE = json.dumps({"text": "x" * 262_144})
DEEP = json.dumps({"text": json.loads("[" * 70 + "]" * 70)})
WRITERS_OF_LATER = {
    "a pipeline": "select queue.set_pipeline('mine', jsonb_build_array(jsonb_build_object('step', 's', 'job_type', 'free', 'job_data', %s::jsonb)))",
    "its row": "with p as (insert into queue.pipelines (name, description) values ('mine', 'x')) "
               "insert into queue.pipeline_steps (pipeline, step, job_type, job_data) values ('mine', 's', 'free', %s)",
    "a schedule": "select queue.set_schedule('nightly', '@daily', 'free', p_job_data => %s)",
}  # fmt: skip


@pytest.mark.parametrize("data", ["LARGE", "DEEP"])
@pytest.mark.parametrize("writer", WRITERS_OF_LATER)
def test_what_no_job_may_bring_is_refused_where_it_is_written(queue: Queue, writer: str, data: str) -> None:
    with pytest.raises(psycopg.Error) as caught, queue.conn.transaction():
        queue.conn.execute(WRITERS_OF_LATER[writer], [globals()[data]])  # type: ignore[call-overload]
    assert caught.value.sqlstate == "RQ008"
    assert ("at most 262144 bytes" if data == "LARGE" else "at most 64 levels") in str(caught.value)
    assert ("step 's': job_data must" in str(caught.value)) == (writer == "a pipeline")
    assert caught.value.diag.message_hint
