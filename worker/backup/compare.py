"""Is a restored database what its backup was made of?"""

from __future__ import annotations

from reelq.worker.backup.manifest import Manifest
from reelq.worker.db.connection import Connection, family
from reelq.worker.errors import BackupDamaged
from reelq.worker.rooms.ops import backups
from reelq.worker.rooms.queue import maintenance

TOLD = 3  # differences that a message names


def check_same(conn: Connection, manifest: Manifest) -> None:
    """Compare every table's count and the checksum of its sample, and ask queue.verify().

    Raises:
        BackupDamaged: "differs".
    """
    found: list[str] = []
    with family():
        conn.execute("select set_config('statement_timeout', '0', false)")
        there = {table.table_name for table in backups.list_tables(conn, manifest.scope == "all")}
        found += [f"{name} is missing" for name in sorted(manifest.tables.keys() - there)]
        found += [f"{name} was not backed up" for name in sorted(there - manifest.tables.keys())]
        for name in sorted(manifest.tables.keys() & there):
            wanted = manifest.tables[name]
            counted = backups.count_table(conn, name, wanted.every)
            if counted.row_count != wanted.rows:
                found.append(f"{name} has {counted.row_count:,} rows instead of {wanted.rows:,}")
            elif (counted.sampled, counted.sha256) != (wanted.sampled, wanted.sha256):
                found.append(f"{name} has other rows: the checksum of {wanted.sampled:,} of them differs")
        found += [f"{one.invariant} ({one.job_id}: {one.detail})" for one in maintenance.verify(conn)]
    if found:
        more = f", and {len(found) - TOLD} more" if len(found) > TOLD else ""
        told = f"what was restored is not what was backed up: {'; '.join(found[:TOLD])}{more}"
        raise BackupDamaged("differs", told, "Was somebody else at work in it meanwhile? In a new database (--create) nobody can be.")
