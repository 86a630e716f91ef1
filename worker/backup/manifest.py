"""What lies beside a dump: how it was made, and what a restore of it has to contain.

Written last, so that a dump with a manifest is whole. It is plain JSON, also where the dump is encrypted: it has names and counts of
tables, names of roles and checksums, and no row.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict, dataclass, fields
from typing import Any

from reelq.worker import __version__
from reelq.worker.db import schema
from reelq.worker.errors import BackupDamaged, BackupError

FORMAT = 1
NAME = "manifest.json"
MOST_BYTES = 64 << 20  # more is none of ours


@dataclass(frozen=True, slots=True)
class Table:
    """A table as it was in the snapshot; see ops.count_table."""

    rows: int
    every: str
    sampled: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """One backup."""

    format: int
    id: str
    database: str
    key: str  # of the dump in the store
    began_at: str
    ended_at: str
    reelq: str
    migration: str | None  # the last one that the database had had
    postgres: int  # server_version_num
    pg_dump: int  # major of the program, which wrote the archive
    scope: str  # all, or reelq
    owner: str
    roles: list[str]  # that rights and policies name
    size_bytes: int
    sha256: str
    database_bytes: int
    encrypted_for: list[str]  # fingerprints of the recipients
    tables: dict[str, Table]

    @property
    def folder(self) -> str:
        """The folder of the backup in the store."""
        return self.key.partition("/")[0]

    @property
    def rows(self) -> int:
        """Rows in all."""
        return sum(table.rows for table in self.tables.values())


def write(manifest: Manifest) -> bytes:
    """As it is stored: JSON with a checksum of itself."""
    found = asdict(manifest)
    return json.dumps({**found, "manifest_sha256": _checksum(found)}, indent=1, ensure_ascii=False).encode()


def read(data: bytes, where: str) -> Manifest:
    """What `write` wrote.

    Raises:
        BackupDamaged: it is cut or altered.
        BackupError: "newer_version", of a format of a later reelq.
    """
    try:
        found = json.loads(data)
        given = found.pop("manifest_sha256")
        newer = isinstance(found["format"], int) and found["format"] > FORMAT
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BackupDamaged("manifest_damaged", f"the manifest {where} is cut or altered: it is not the JSON that was written") from error
    if newer:
        raise BackupError("newer_version", f"the backup {where} was made by a newer reelq ({found.get('reelq')})", "Restore it with that version.")
    if _checksum(found) != given or found.keys() != {field.name for field in fields(Manifest)}:
        raise BackupDamaged("manifest_damaged", f"the manifest {where} is cut or altered: its checksum does not fit")
    return Manifest(**{**found, "tables": {name: Table(**table) for name, table in found["tables"].items()}})


def check_version(manifest: Manifest) -> None:
    """Refuse what this program cannot bring up to date.

    Raises:
        BackupError: "newer_version".
    """
    known = {file.path for file in schema.migrations()}
    if _numbers(manifest.reelq) > _numbers(__version__) or (manifest.migration and manifest.migration not in known):
        raise BackupError(
            "newer_version",
            f"the backup was made by reelq {manifest.reelq} (last migration {manifest.migration}), and this is {__version__}",
            "Restore it with the version of reelq that made it, or a later one.",
        )


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version)[:3])


def _checksum(found: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(found, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
