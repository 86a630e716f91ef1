"""`reelq secrets status`: which key seals how many rows of what, and what may be done about it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from reelq.worker.db.rows import Connection
from reelq.worker.rooms.ops import secrets
from reelq.worker.secrets import EnvelopeRefused, Keyring


@dataclass(frozen=True, slots=True)
class KeyUse:
    """A key and a column; without a column when no row is sealed under the key."""

    key_id: str
    state: str  # current, old, next (not used yet), missing (not in the file), other (another key of that id in it), unread (a file of no use)
    column: str | None  # room.table.column
    rows: int
    advice: str | None


@dataclass(frozen=True, slots=True)
class UnreadableRow:
    """A row that does not open on this host."""

    column: str
    row_id: str
    key_id: str
    why: str  # missing: its key is not in the file; refused: it was changed, or sealed for another place or under another key of that id


def status(conn: Connection, ring: Keyring | None, *, is_refused: bool = False) -> list[KeyUse]:
    """Every key of the file and of the database, every column that it seals rows of; `is_refused`: there is a file, and it cannot be used."""
    known = {key.key_id: key for key in secrets.list_keys(conn)}
    current = next((key.key_id for key in known.values() if key.is_current), None)
    used = secrets.list_used_keys(conn)
    found = []
    for key_id in dict.fromkeys([*known, *(ring.key_ids() if ring else []), *(one.key_id for one in used)]):
        state = "unread" if is_refused else _state(ring, key_id, current, known)
        columns = [one for one in used if one.key_id == key_id]
        found += [
            KeyUse(key_id, state, f"{one.table_name}.{one.column_name}", secrets.count_rows(conn, one), _advice(key_id, state, is_used=True))
            for one in columns
        ]
        is_gone = key_id in known and known[key_id].forgotten_at is not None and (ring is None or ring.get(key_id) is None)
        if not columns and not is_gone:
            found.append(KeyUse(key_id, state, None, 0, _advice(key_id, state, is_used=key_id == current and state != "current")))
    return found


def _state(ring: Keyring | None, key_id: str, current: str | None, known: dict[str, secrets.KnownKey]) -> str:
    here = ring.get(key_id) if ring else None
    if here is None:
        return "missing"
    if key_id in known and known[key_id].check_value != here.check_value:
        return "other"
    if key_id == (current or (ring.current.key_id if ring else None)):
        return "current"
    return "old" if key_id in known else "next"


def _advice(key_id: str, state: str, *, is_used: bool) -> str | None:
    """What to do about a key."""
    if state == "unread":
        return "make this host's key file good, then look again"
    if state == "missing":
        return "put the key file that has it here" if is_used else "not in this host's key file"
    if state == "other":
        return "put the key file of the host that rotated last here"
    if state == "old":
        return "reelq secrets rotate" if is_used else f"may go: reelq secrets forget {key_id}"
    return "reelq secrets rotate makes it current" if state == "next" else None


def unreadable_rows(conn: Connection, ring: Keyring | None) -> Iterator[UnreadableRow]:
    """The rows that do not open here, one by one: each is tried whose key is here."""
    for used in secrets.list_used_keys(conn):
        keys = ring if ring is not None and ring.get(used.key_id) is not None else None
        for part in secrets.list_rows(conn, used, 1000):
            for row in part:
                why = "missing" if keys is None else _refusal(keys, used, row)
                if why is not None:
                    yield UnreadableRow(f"{used.table_name}.{used.column_name}", row.row_id, used.key_id, why)


def _refusal(keys: Keyring, used: secrets.UsedKey, row: secrets.SealedRow) -> str | None:
    """None where it opens; what is in it is looked at by nobody."""
    try:
        keys.unseal(row.envelope, table=used.table_name, row=row.row_id, column=used.column_name)
    except EnvelopeRefused:
        return "refused"
    return None
