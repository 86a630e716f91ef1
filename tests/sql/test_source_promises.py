"""What docs/coverage.md says of columns and indexes that no other test is about: their checks, their defaults, the queries that they serve."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import psycopg
import pytest

from reelq.worker.db import schema
from reelq.worker.doctor import rules
from tests.sql.mediakit import Conn, put_variant, row, scalar

ID = "00000000-0000-0000-0000-000000000001"


@pytest.fixture
def video(conn: Conn) -> UUID:
    """A video that is pending."""
    made: UUID = scalar(conn, "select media.create_video('/a.mp4')")
    return made


REFUSED = [
    ("videos", "category", "c" * 101, "category_has_1_to_100_characters"),
    ("videos", "editorial_boost", 2.01, "editorial_boost_is_1_to_2"),
    ("videos", "editorial_boost", 0.99, "editorial_boost_is_1_to_2"),
    ("videos", "maturity_rating", "adult", "maturity_rating_is_known"),
    ("videos", "geo_restrictions", '{"AT": true}', "geo_restrictions_is_a_list"),
    ("videos", "publish_status", "live", "publish_status_is_known"),
    ("videos", "publish_status", "scheduled", "scheduled_has_a_time"),
    ("videos", "publish_status", "published", "published_has_a_time"),
    ("videos", "monetization_status", "rich", "monetization_status_is_known"),
    ("videos", "affiliate_links", "{}", "affiliate_links_is_a_list"),
    ("videos", "quality_score", 101, "quality_score_is_0_to_100"),
    ("videos", "copyright_check_status", "maybe", "copyright_check_status_is_known"),
    ("videos", "generation", "[]", "generation_is_an_object"),
    ("assets", "kind", "hologram", "kind_is_known"),
    ("assets", "source", "found", "source_is_known"),
    ("assets", "status", "lost", "status_is_known"),
    ("assets", "retention_class", "for_ever", "retention_class_is_known"),
]


def test_a_check_says_in_words_what_is_wrong(conn: Conn, video: UUID) -> None:
    for table, column, value, constraint in REFUSED:
        with pytest.raises(psycopg.errors.CheckViolation) as caught:
            conn.execute(f"update media.{table} set {column} = %s".encode(), [value])
        assert caught.value.diag.constraint_name == constraint


TAKEN = [
    ("videos", "editorial_boost", 2),
    ("videos", "maturity_rating", "teen"),
    ("videos", "geo_restrictions", '["AT", "DE"]'),
    ("videos", "quality_score", 0),
    ("videos", "monetization_status", "demonetized"),
    ("assets", "kind", "ai_audio"),
    ("assets", "source", "ai_generated"),
    ("assets", "status", "quarantined"),
    ("assets", "retention_class", "ai_generated"),
]


def test_what_the_sources_name_is_taken(conn: Conn, video: UUID) -> None:
    for table, column, value in TAKEN:
        assert conn.execute(f"update media.{table} set {column} = %s".encode(), [value]).rowcount == 1


def test_a_row_begins_with_what_the_sources_say(conn: Conn, video: UUID) -> None:
    shown = row(conn, "select * from media.videos as v inner join media.assets as a on a.id = v.asset_id")
    assert {name: shown[name] for name in ("maturity_rating", "hashtags", "mentions", "tags", "affiliate_links", "metadata", "generation")} == {
        "maturity_rating": "general", "hashtags": [], "mentions": [], "tags": [], "affiliate_links": [], "metadata": {}, "generation": {},
    }  # fmt: skip
    assert (float(shown["editorial_boost"]), shown["retention_class"]) == (1.0, "operational")
    scalar(conn, "select media.begin_object((select tenant_id from media.videos), 'b', 'k')")
    assert scalar(conn, "select storage_class from media.objects") == "hot"


SERVED = {
    "users_one_email": "select id from identity.users where lower(email) = 'a@b.co' and deleted_at is null",
    "users_by_tenant": f"select id from identity.users where tenant_id = '{ID}' order by created_at",
    "videos_by_tenant": f"select id from media.videos where tenant_id = '{ID}' and deleted_at is null and created_at > '2026-01-01' order by created_at desc",
    "videos_by_category": f"select id from media.videos where tenant_id = '{ID}' and category = 'sport' and deleted_at is null",
    "videos_by_user": f"select id from media.videos where user_id = '{ID}' order by created_at desc",
    "videos_not_ready": "select id from media.videos where status = 'processing' and status <> 'ready' and deleted_at is null",
    "videos_search": "select id from media.videos where search @@ websearch_to_tsquery('english', 'horse') and deleted_at is null",
    "assets_by_tenant": f"select id from media.assets where tenant_id = '{ID}' order by created_at desc",
    "assets_by_owner": f"select id from media.assets where owner_user_id = '{ID}'",
    "objects_one_content": f"select id from media.objects where tenant_id = '{ID}' and sha256 = 'ab' and size_bytes = 1 and bucket = 'b' "
    "and state = 'stored' and fault is null and storage_class = 'hot' and is_shared",
    "assets_by_object": f"select id from media.assets where object_id = '{ID}'",
    "one_variant_a_profile": f"select id from media.variants where asset_id = '{ID}'",
    "processing_jobs_by_video": f"select id from queue.processing_jobs where video_id = '{ID}' order by id",
    "job_dependencies_pkey": f"select job_id from queue.job_dependencies where parent_id = '{ID}'",
    "job_dependencies_by_job": f"select parent_id from queue.job_dependencies where job_id = '{ID}'",
}


def plan(conn: Conn, query: str) -> str:
    """How the query would be answered in a large table: reading all of it, or sorting, costs more than any index."""
    with conn.transaction(force_rollback=True):
        conn.execute("set local enable_seqscan = off; set local enable_sort = off")
        return json.dumps(conn.execute(f"explain (format json) {query}".encode()).fetchall())


def test_an_index_serves_its_query(conn: Conn, video: UUID) -> None:
    """It is found, and gives the order that is asked for."""
    conn.execute(
        "insert into media.videos (tenant_id, asset_id, title) select tenant_id, asset_id, 'title ' || n from media.videos, generate_series(1, 2000) as n"
    )
    conn.execute("analyze media.videos")
    found = {index: plan(conn, query) for index, query in SERVED.items()}
    assert [index for index, how in found.items() if f'"{index}"' not in how or '"Sort"' in how] == []


def test_a_query_that_no_index_serves_would_be_found(conn: Conn) -> None:
    assert '"Sort"' in plan(conn, f"select id from media.videos where tenant_id = '{ID}' order by title")
    conn.execute("drop index media.videos_by_category")
    assert "videos_by_category" not in plan(conn, SERVED["videos_by_category"])


def test_a_user_that_goes_leaves_the_work_behind(conn: Conn) -> None:
    user = scalar(conn, "insert into identity.users (tenant_id, email) values (identity.check_tenant(null), 'a@b.co') returning id")
    video = scalar(conn, "select media.create_video('/a.mp4', p_user_id => %s)", user)
    asset = scalar(conn, "select asset_id from media.videos where id = %s and user_id = %s", video, user)
    assert scalar(conn, "select owner_user_id from media.assets where id = %s", asset) == user
    put_variant(conn, asset)
    conn.execute("delete from identity.users where id = %s", [user])
    assert row(conn, "select v.id, v.user_id, a.owner_user_id from media.videos as v inner join media.assets as a on a.id = v.asset_id") == {
        "id": video, "user_id": None, "owner_user_id": None,
    }  # fmt: skip


def lacking(conn: Conn, condition: str) -> set[str]:
    """Tables of our rooms, partitions aside, of which a condition is true."""
    query = f"""
        select n.nspname || '.' || c.relname from pg_class as c inner join pg_namespace as n on n.oid = c.relnamespace
        where n.nspname = any(%s) and c.relkind in ('r', 'p') and not c.relispartition and {condition}
    """
    found: list[tuple[Any, ...]] = conn.execute(query.encode(), [schema.rooms()]).fetchall()
    return {name for (name,) in found}


def test_every_table_has_created_at_but_for_the_queue_s_places(conn: Conn) -> None:
    absent = "not exists (select from pg_attribute as a where a.attrelid = c.oid and a.attname = 'created_at')"
    assert lacking(conn, absent) == set(rules.UNTIMED)


def test_every_time_has_its_zone(conn: Conn) -> None:
    bare = "exists (select from pg_attribute as a where a.attrelid = c.oid and a.atttypid = 'timestamp'::regtype)"
    assert lacking(conn, bare) == set()
    conn.execute("alter table media.videos add column test_when timestamp")
    assert lacking(conn, bare) == {"media.videos"}
