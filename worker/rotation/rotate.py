"""`reelq secrets init`, `rotate` and `forget`.

A rotation may be killed at any moment, and run twice at once. Each step is whole or not done, and the next run sees which were done:

    1  the new key is in the file, not current        killed here: the next run takes that key
    2  the database says that it is current           killed here: the next run makes the file say so
    3  the file says so; programs at work notice it
    4  rows are sealed anew, a batch a transaction    killed here: the next run goes on, and makes no key
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from reelq.worker import db
from reelq.worker.db.rows import Connection
from reelq.worker.errors import DatabaseLocked, KeyMissing, NotAllowed, NotFound
from reelq.worker.rooms.ops import secrets
from reelq.worker.rooms.ops.secrets import SealedRow, UsedKey
from reelq.worker.secrets import EnvelopeRefused, Keyring, keyfile
from reelq.worker.secrets.keyfile import KeyFile, KeyFileError
from reelq.worker.secrets.keyring import path_of
from reelq.worker.secrets.keys import Key, make_key
from reelq.worker.settings import Settings

BATCH = 200  # rows of a transaction: some milliseconds of locks
WAIT_S = 60.0  # for rows that other transactions hold
ELSEWHERE = "Put the key file of the host that rotated last here, then go on."


@dataclass(frozen=True, slots=True)
class Resealed:
    """A batch: how many rows of a column went from one key to the current one, and which did not open."""

    used: UsedKey
    count: int
    refused: list[str]


@dataclass(frozen=True, slots=True)
class Begun:
    """What a rotation found: the key that is current from now on, and whether it was made current by this run."""

    ring: Keyring
    key_id: str
    is_new: bool


def init(conn: Connection | None, settings: Settings, lost: str | None) -> Keyring:
    """Make the key file with its first key, and tell the database of it, if there is one.

    `lost` names the database's current key when that is gone for good.

    Raises:
        KeyFileError: the file exists, or cannot be made.
        KeyMissing: the database has a current key already, so that this host needs that key's file.
    """
    path = path_of(settings)
    with keyfile.locked(path):
        if keyfile.signature(path) is not None:
            raise keyfile.exists(path)
        known = None if conn is None else current_of(conn)
        if known is None and lost is not None:
            raise NotAllowed("in this database no key is current, so that none can be lost", "reelq secrets init without --lost.")
        if known != lost:
            raise KeyMissing(
                f"in this database secrets are sealed under key {known}, which another host has",
                "Put that host's key file here. If it is lost for good: reelq secrets init --lost KEY.",
            )
        key = make_key()
        keyfile.create(path, KeyFile(key.key_id, (keyfile.entry(key),)))
        if conn is not None:
            secrets.set_current_key(conn, key.key_id, key.check_value, lost)
    return Keyring.load(settings)


def has_file(settings: Settings) -> bool:
    """Whether there is a key file, good or not."""
    return bool(settings.secrets_file) and keyfile.signature(path_of(settings)) is not None


def may_begin_anew(conn: Connection, settings: Settings, lost: str) -> bool:
    """Whether `init` would take this key for lost: it is current, and there is no file here."""
    return current_of(conn) == lost and not has_file(settings)


def count_under(conn: Connection, key_id: str) -> int:
    """The rows that are sealed under a key."""
    return sum(secrets.count_rows(conn, used) for used in secrets.list_used_keys(conn) if used.key_id == key_id)


def begin(conn: Connection, settings: Settings, *, new_key: bool = False) -> Begun:
    """Steps 1 to 3: go on with a rotation that did not end, else make another key current (`new_key`: in any case).

    Raises:
        KeyFileError, KeyMissing: this host has not the keys that it takes.
    """
    with keyfile.locked(path_of(settings)):
        ring = load_writable(settings)
        known = {key.key_id: key for key in secrets.list_keys(conn)}
        for key_id, there in known.items():
            here = ring.get(key_id)
            if here is not None and here.check_value != there.check_value:
                raise KeyMissing(f"key {key_id} in {ring.path} is another key than the database knows by that id", ELSEWHERE)
        current = next((key.key_id for key in known.values() if key.is_current), None)
        if current is None:  # made by `init --no-database`
            secrets.set_current_key(conn, ring.current.key_id, ring.current.check_value, None)
            current = ring.current.key_id
            known[current] = secrets.KnownKey(current, ring.current.check_value, True, None, None)
        if ring.get(current) is None:
            raise KeyMissing(f"the database's current key is {current}, which is not in {ring.path}", ELSEWHERE)
        if ring.current.key_id != current:
            keyfile.replace(ring.path, replace(ring.content, current=current))
            ring = Keyring.load(settings)
            if not new_key:
                return Begun(ring, current, is_new=False)
        if not new_key and any(used.key_id != current and ring.get(used.key_id) for used in secrets.list_used_keys(conn)):
            return Begun(ring, current, is_new=False)
        prepared = next((one.key for one in ring.content.entries if one.key.key_id not in known), None)
        key = prepared or add_key(ring)
        secrets.set_current_key(conn, key.key_id, key.check_value, current)
        ring = Keyring.load(settings)
        keyfile.replace(ring.path, replace(ring.content, current=key.key_id))
        return Begun(Keyring.load(settings), key.key_id, is_new=True)


def prepare(conn: Connection, settings: Settings) -> Key:
    """Only add the next key to the file, so that it can be brought to all hosts before one of them rotates."""
    with keyfile.locked(path_of(settings)):
        ring = load_writable(settings)
        known = {key.key_id for key in secrets.list_keys(conn)} | {ring.current.key_id}
        return next((one.key for one in ring.content.entries if one.key.key_id not in known), None) or add_key(ring)


def add_key(ring: Keyring) -> Key:
    """A new key in the file, not current yet."""
    key = make_key()
    while ring.get(key.key_id) is not None:  # the end of an id has 65,536 values
        key = make_key()
    keyfile.replace(ring.path, replace(ring.content, entries=(*ring.content.entries, keyfile.entry(key))))
    return key


def reseal(
    conn: Connection, ring: Keyring, settings: Settings, *, wait_s: float = WAIT_S, pause: Callable[[float], None] = time.sleep
) -> Iterator[Resealed]:
    """Step 4: seal anew what is under older keys, a batch a transaction, until nothing is left that this host can open.

    Raises:
        DatabaseLocked: other transactions have held rows for `wait_s` seconds.
        KeyMissing: another host has rotated meanwhile.
    """
    turn, waited_s = 0, 0.0
    told: set[tuple[UsedKey, str]] = set()
    while True:
        held, moved = 0, 0
        for used in secrets.list_used_keys(conn):
            if used.key_id == ring.current.key_id or ring.get(used.key_id) is None:
                continue
            for part in secrets.list_rows(conn, used, BATCH):
                done = _reseal_part(conn, ring, settings, used, part)
                held += len(part) - len(done.refused) - done.count
                moved += done.count
                yield replace(done, refused=[row for row in done.refused if (used, row) not in told])
                told.update((used, row) for row in done.refused)
        if not held:
            return
        if not moved:
            if waited_s >= wait_s:
                raise DatabaseLocked(f"another session holds {held} rows whose secrets are to be sealed anew; all others are")
            pause_s = db.backoff(turn)
            pause(pause_s)
            waited_s += pause_s
        turn += 1


def _reseal_part(conn: Connection, ring: Keyring, settings: Settings, used: UsedKey, part: Sequence[SealedRow]) -> Resealed:
    """Open and seal a batch; again with the file as it is then, when another rotation of this host was quicker."""
    try:
        with db.family():
            return _replace_part(conn, ring, used, part)
    except KeyMissing:
        with keyfile.locked(ring.path):  # it is about to write the file
            fresh = Keyring.load(settings)
        if fresh.current.key_id == ring.current.key_id:
            raise
        return _replace_part(conn, fresh, used, part)


def _replace_part(conn: Connection, ring: Keyring, used: UsedKey, part: Sequence[SealedRow]) -> Resealed:
    before: list[SealedRow] = []
    after: list[bytes] = []
    refused: list[str] = []
    for row in part:
        place = {"table": used.table_name, "row": row.row_id, "column": used.column_name}
        try:
            after.append(ring.seal(ring.unseal(row.envelope, **place), **place))
        except EnvelopeRefused:
            refused.append(row.row_id)
        else:
            before.append(row)
    count = secrets.replace_rows(conn, used, before, after) if before else 0
    return Resealed(used, count, refused)


def forget(conn: Connection, settings: Settings, key_id: str) -> None:
    """Take a key out of the file that nothing is sealed under.

    Raises:
        NotAllowed: RQ009, rows use it, or it is current.
        NotFound: no such key.
    """
    with keyfile.locked(path_of(settings)):
        ring = load_writable(settings)
        if ring.get(key_id) is None and key_id not in {key.key_id for key in secrets.list_keys(conn)}:
            raise NotFound(f"no key {key_id}", "reelq secrets status lists them.")
        if key_id == ring.current.key_id:
            raise NotAllowed(f"key {key_id} is the current one", "reelq secrets rotate makes another one current first.")
        secrets.forget_key(conn, key_id)
        left = tuple(one for one in ring.content.entries if one.key.key_id != key_id)
        if left != ring.content.entries:
            keyfile.replace(ring.path, replace(ring.content, entries=left))


def load_writable(settings: Settings) -> Keyring:
    """The keys, from the file itself.

    Raises:
        KeyFileError: it is systemd's copy, or cannot be used.
    """
    ring = Keyring.load(settings)
    if ring.is_credential:
        raise KeyFileError(
            f"{ring.path} is a copy that systemd made for this service",
            "Name the file itself: REELQ_SECRETS_FILE=/etc/reelq/credentials/reelq-secrets",
        )
    return ring


def current_of(conn: Connection) -> str | None:
    """The database's current key."""
    return next((key.key_id for key in secrets.list_keys(conn) if key.is_current), None)
