"""What the tests of the rooms identity and media share: queries in one line, and a video to work with."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg.rows import dict_row

Conn = psycopg.Connection[Any]
SHA = "ab" * 32
ORIGINAL = ("file:///store", "tenants/t/media/a/original/j-1", 1234, SHA, "video/mp4")
# Everything that measuring can find, of a phone's upright clip.
MEASURED = {
    "kind": "video",
    "mime": "video/mp4",
    "container": "mov",
    "essence_sha256": SHA,
    "duration_seconds": 30.03,
    "width": 1080,
    "height": 1920,
    "coded_width": 1920,
    "coded_height": 1080,
    "rotation": 90,
    "sar": "1:1",
    "frame_rate_num": 30000,
    "frame_rate_den": 1001,
    "frames": 900,
    "bit_rate": 5_000_000,
    "video_codec": "h264",
    "pixel_format": "yuv420p",
    "color_space": "bt709",
    "color_transfer": "bt709",
    "color_primaries": "bt709",
    "color_range": "tv",
    "hdr": False,
    "audio_codec": "aac",
    "audio_channels": 2,
    "audio_sample_rate_hz": 48000,
}
PROBE = {"format": {"format_name": "mov"}, "streams": []}
FORWARD = ["pending", "downloading", "processing", "compressing", "uploading", "ready"]


def scalar(conn: Conn, query: str, *args: Any) -> Any:
    """The one value of the one row."""
    row = conn.execute(query, args).fetchone()
    assert row is not None
    return row[0]


def row(conn: Conn, query: str, *args: Any) -> dict[str, Any]:
    """The one row."""
    with conn.cursor(row_factory=dict_row) as cursor:
        found = cursor.execute(query, args).fetchall()
    assert len(found) == 1
    return found[0]


def refused(conn: Conn, query: str, *args: Any) -> str:
    """SQLSTATE of the refusal; ours have a hint."""
    with pytest.raises(psycopg.Error) as caught:
        conn.execute(query, args)
    code = caught.value.sqlstate or ""
    assert caught.value.diag.message_hint or not code.startswith("RQ"), "an error that a caller can act on says how"
    return code


def record_original(conn: Conn, asset: UUID, *facts: Any) -> None:
    """Store the original."""
    conn.execute("select media.record_original(%s, %s, %s, %s, %s, %s)", [asset, *(facts or ORIGINAL)])


def put_variant(conn: Conn, asset: UUID, profile: str = "h264-720p", **facts: Any) -> UUID:
    """Make a variant visible."""
    facts = {"profile": profile, "bucket": "file:///store", "key": f"k/{profile}", **facts}
    made: UUID = scalar(conn, "select media.put_variant(%s, %s::jsonb)", asset, json.dumps(facts, default=str))
    return made


def versions(conn: Conn, video: UUID) -> list[Any]:
    """Where the rows of the video and its asset lie: changes with every write."""
    return conn.execute(
        """
        select v.ctid, v.xmin, a.ctid, a.xmin
        from media.videos as v inner join media.assets as a on a.id = v.asset_id
        where v.id = %s
        """,
        [video],
    ).fetchall()
