"""All that is a user's: rows as JSON objects, and the objects of the store by name, or their bytes too. One snapshot, a page at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any
from uuid import UUID

from psycopg import IsolationLevel

from reelq.worker.db.rows import Connection
from reelq.worker.errors import PermanentError
from reelq.worker.personal.known import KnownStores
from reelq.worker.rooms.ops import personal
from reelq.worker.settings import Settings
from reelq.worker.stores.open import check_key


def export(conn: Connection, settings: Settings, user_id: UUID, folder: Path | None) -> Iterator[dict[str, Any]]:
    """Yield {"table", "row"} for each row, then {"object"} for each object; with a folder its bytes are put there, under its key.

    An object that is missing or damaged is told by "problem", and does not end the export.

    Raises:
        NotFound: no such user.
        TransientError: of the store.
    """
    personal.begin_export(conn, user_id)
    stores = KnownStores(conn, settings)
    conn.isolation_level = IsolationLevel.REPEATABLE_READ
    try:
        with conn.transaction():
            for relation in personal.export_tables(conn):
                for row in personal.export_rows(conn, user_id, relation):
                    yield {"table": relation, "row": row}
            for found in personal.export_objects(conn, user_id):
                told: dict[str, Any] = {"object": asdict(found)}
                if folder is not None:
                    told |= bring(stores, found, folder)
                yield told
    finally:
        conn.isolation_level = None


def bring(stores: KnownStores, found: personal.UserObject, folder: Path) -> dict[str, Any]:
    """Put the object into the folder; where, or what is wrong with it."""
    try:
        path = folder / check_key(found.key)
        path.parent.mkdir(parents=True, exist_ok=True)
        store = stores.find(found.bucket)
        if store is None:
            return {"problem": "object_missing"}
        store.get(found.key, path, found.sha256)
    except PermanentError as error:
        return {"problem": error.code}
    return {"file": str(path)}
