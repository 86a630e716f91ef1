"""Text on its way to and from the server, so that a database of SQL_ASCII works as one of UTF8 does.

Such a database keeps bytes and knows nothing of characters. We write UTF-8 into it; what others wrote may be anything, and is shown
with a replacement character where it is no UTF-8, because one title must not end a list or a worker.
"""

from __future__ import annotations

import json
from typing import Any

from psycopg import adapt, pq
from psycopg.types.json import set_json_dumps, set_json_loads

from reelq.worker.db.rows import Connection

TEXTS = ("text", "varchar", "bpchar", "name")


def prepare(conn: Connection) -> None:
    """Have a new connection write JSON as json_text does, and read what is no UTF-8."""
    set_json_dumps(json_text, conn)
    if not (conn.info.parameter_status("DateStyle") or "ISO").startswith("ISO"):  # behind a pooler, which keeps it for us
        conn.execute("set datestyle = 'iso'")
    if conn.info.parameter_status("server_encoding") != "SQL_ASCII":
        return
    for name in TEXTS:
        for loader in (_Text, _BinaryText):
            conn.adapters.register_loader(name, loader)
    set_json_loads(_read_json, conn)


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


def _read(data: Any) -> str:
    """Bytes of somebody else, as text."""
    return bytes(data).decode("utf-8", "replace")


def _read_json(data: Any) -> Any:
    """JSON of somebody else."""
    return json.loads(_read(data))


class _Text(adapt.Loader):
    """Text that may be no UTF-8."""

    def load(self, data: Any) -> str:
        """The characters."""
        return _read(data)


class _BinaryText(_Text):
    """The same in binary."""

    format = pq.Format.BINARY
