"""Text on its way to the server and back, so that a database of SQL_ASCII works as one of UTF8 does, and any DateStyle and IntervalStyle.

A database of SQL_ASCII keeps bytes and knows nothing of characters; we write UTF-8 into it, and the server refuses to read anything else to us.
"""

from __future__ import annotations

import json
from typing import Any

from psycopg.types.json import set_json_dumps

from reelq.worker.db.intervals import IntervalLoader
from reelq.worker.db.rows import Connection


def prepare(conn: Connection) -> None:
    """Have a new connection write JSON as json_text does, read times in the one style that the driver knows, and intervals in any."""
    set_json_dumps(json_text, conn)
    conn.adapters.register_loader("interval", IntervalLoader)
    # Behind a pooler, which keeps it for us: PgBouncer does so with DateStyle, TimeZone and client_encoding, and not with IntervalStyle.
    if not (conn.info.parameter_status("DateStyle") or "ISO").startswith("ISO"):
        conn.execute("set datestyle = 'iso'")


def json_text(value: Any, **options: Any) -> str:
    r"""JSON with its characters as they are: a server that is not UTF8 refuses \u0159.

    With half of a surrogate pair it stays ASCII: then the server says what is wrong.
    """
    found = json.dumps(value, ensure_ascii=False, **options)
    try:
        found.encode()
    except UnicodeEncodeError:
        return json.dumps(value, **options)
    return found
