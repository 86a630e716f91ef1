"""The keys of secrets: the file of this host, and whether it has the keys that the database's rows need."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg

from reelq.worker.db.rows import Connection
from reelq.worker.doctor.checks.findings import Finding, database, host
from reelq.worker.rooms.ops import secrets
from reelq.worker.secrets import Keyring
from reelq.worker.secrets.keyfile import KeyFileError
from reelq.worker.settings import Settings

NEEDS = "Put the key file of the host that rotated last here; reelq secrets status --rows names the rows."


def check_file(settings: Settings) -> Iterator[Finding]:
    """The file, if one is named."""
    if not settings.secrets_file:
        yield host("ok", "keys", "No key file is named: this host opens no secrets")
        return
    try:
        ring = Keyring.load(settings)
    except KeyFileError as error:
        yield host("bad", "keys", str(error), error.hint)
    else:
        count = len(ring.key_ids())
        yield host("ok", "keys", f"{ring.path}: {count} key{'s' * (count > 1)}, current {ring.current.key_id}; keep a copy apart from the database")


def check_rows(settings: Settings, conn: Connection) -> Iterator[Finding]:
    """The file against the database. What needs no file is told by ops.health (`secrets`), also to a worker's account."""
    try:
        known = {key.key_id: key for key in secrets.list_keys(conn)}
        used = secrets.list_used_keys(conn)
    except psycopg.errors.InsufficientPrivilege:
        if settings.secrets_file:
            yield database("ok", "keys", "Not compared with the database: this account is no operator's (reelq_admin)")
        return
    try:
        ring = Keyring.load(settings) if settings.secrets_file else None
    except KeyFileError:  # told by the check of the file
        return
    if ring is None:
        if used:
            yield database("ok", "keys", "Secrets are sealed, and no key file is named: this host opens none")
        return
    current = next((key.key_id for key in known.values() if key.is_current), None)
    bad = False
    for one in used:
        if ring.get(one.key_id) is None:
            bad = True
            detail = f"Rows of {one.table_name}.{one.column_name} are sealed under key {one.key_id}, which is not in {ring.path}"
            yield database("bad", "keys", detail, NEEDS)
    for key_id in ring.key_ids():
        if key_id in known and (here := ring.get(key_id)) is not None and here.check_value != known[key_id].check_value:
            bad = True
            yield database("bad", "keys", f"Key {key_id} in {ring.path} is another key than the database knows by that id", NEEDS)
    if current is None:
        yield database("warn", "keys", "The database knows of no current key", "reelq secrets rotate")
    elif ring.get(current) is None:
        yield database("bad", "keys", f"The current key, {current}, is not in {ring.path}", NEEDS)
    elif ring.current.key_id != current:
        detail = f"This host seals under {ring.current.key_id}, and {current} is current"
        yield database("warn", "keys", detail, "reelq secrets rotate, or the newer key file")
    elif not bad:
        yield database("ok", "keys", "This host has every key that rows are sealed under")
