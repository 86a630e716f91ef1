"""Make a backup: pg_dump's archive goes to the store as it comes, and what it has to contain is counted in the same snapshot.

Nothing is kept on this host's disk. The record in ops.backups is told every ten seconds that this is at work, and says when it was given up.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from psycopg import sql

from reelq.worker import __version__, db
from reelq.worker.backup import encryption, places, programs
from reelq.worker.backup import manifest as manifests
from reelq.worker.backup.manifest import Manifest, Table
from reelq.worker.db import schema
from reelq.worker.db.connection import Connection
from reelq.worker.db.schema.plan import read_ledger
from reelq.worker.errors import BackupError, DatabaseAway, JobError, ReelqError, StopRequested
from reelq.worker.rooms.ops import backups
from reelq.worker.settings import Settings
from reelq.worker.stores.base import CHUNK_BYTES, Store, Writer

NAME = "reelq backup"
BEAT_S = 10.0  # ops.backup_silence() takes a backup for killed after two minutes
LOCK_WAIT_S = 60  # for a session that holds a table alone, as an upgrade does
SNAPSHOT_TRIES = 5
# A sample has some thousands of rows: each zero takes a sixteenth of the table.
SAMPLE_ROWS = 20_000
# What a server that goes away has pg_dump say.
GONE = re.compile(r"server closed the connection|terminating connection|connection to server|no connection to the server|could not receive data")
# For the session of the snapshot: it is open as long as the dump, and its counts as long as the tables are large.
LASTING = {
    "statement_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "lock_timeout": f"{LOCK_WAIT_S}s",
    "client_connection_check_interval": "10s",  # when we are killed it ends soon
}

OnBytes = Callable[[int], None]  # bytes in the store so far


def create(settings: Settings, on_progress: OnBytes | None = None) -> Manifest:
    """Make one; its manifest.

    Raises:
        BackupError: "no_program", "not_whole", "dump_failed", "too_long".
        NotAllowed: another one runs.
        DatabaseAway, TransientError: the server or the store was away; nothing is left, and the record says so.
    """
    to = encryption.recipients(settings)
    store = places.open_backups(settings)
    with db.connect(settings, NAME, direct=True) as conn:
        schema.require(conn)
        db.check_own_session(settings, conn, NAME)
        major = conn.info.server_version // 10_000
        program = programs.find_dump(settings, major)
        with db.family():
            _check_whole(conn, settings)
            suffix = "database.dump" + (".age" if to else "")
            begun = backups.begin(conn, store.bucket, suffix, __version__, [encryption.fingerprint(one) for one in to])
        try:
            return _Making(settings, store, conn, program, begun, to, on_progress).make()
        except BaseException as error:
            _record_failure(settings, begun, error)
            raise


@dataclass(frozen=True, slots=True)
class _Database:
    """What the snapshot's session knows of the database; see Manifest."""

    database: str
    owner: str
    database_bytes: int
    roles: list[str]
    postgres: int
    migration: str | None

    @classmethod
    def of(cls, held: Connection) -> _Database:
        """Ask it."""
        ((name, owner, size),) = held.execute("select current_database()::text, current_user::text, pg_database_size(current_database())").fetchall()
        moved = [path for path, (kind, _, _) in (read_ledger(held) or {}).items() if kind == "migration"]
        return cls(name, owner, size, backups.list_roles(held), held.info.server_version, max(moved, default=None))


@dataclass(slots=True)
class _Making:
    """One backup while it is made."""

    settings: Settings
    store: Store
    conn: Connection
    program: programs.Program
    begun: backups.Begun
    to: list[encryption.Recipient]
    on_progress: OnBytes | None

    def make(self) -> Manifest:
        """Dump, count, write the manifest, note that it is there."""
        places.check_mark(self.store, self.begun.store_mark)
        with ExitStack() as opened:
            held = opened.enter_context(db.connect(self.settings, f"{NAME} snapshot", direct=True))
            snapshot, tables = _take_snapshot(held, self.settings)
            database = _Database.of(held)
            counting = opened.enter_context(ThreadPoolExecutor(1))
            counts = counting.submit(_count, held, tables)
            try:
                size_bytes, sha256 = self._dump(snapshot, database.database_bytes)
                counted = _result(counts, held)
            except BaseException:
                held.cancel()  # the count: nobody waits for it any more
                raise
        manifest = Manifest(
            format=manifests.FORMAT, id=str(self.begun.id), key=self.begun.key, began_at=self.begun.began_at.isoformat(),
            ended_at=datetime.now(UTC).isoformat(), reelq=__version__, pg_dump=self.program.major, scope=self.settings.backup_scope,
            size_bytes=size_bytes, sha256=sha256, encrypted_for=[encryption.fingerprint(one) for one in self.to], tables=counted, **asdict(database),
        )  # fmt: skip
        written = [manifest.key, f"{manifest.folder}/{manifests.NAME}"]
        try:
            with self.store.writer(written[1]) as writer:
                writer.write(manifests.write(manifest))
            with db.family():
                backups.complete(
                    self.conn, self.begun.id, size_bytes, sha256, manifest.database_bytes, len(manifest.tables), manifest.rows
                )
        except BaseException:
            for key in reversed(written):
                _remove(self.store, key)
            raise
        return manifest

    def _dump(self, snapshot: str, database_bytes: int) -> tuple[int, str]:
        """Stream the archive to the store; size and SHA-256 of what lies there."""
        arguments = [
            "--format=custom", "--enable-row-security", "--no-publications", "--no-subscriptions", f"--snapshot={snapshot}",
            f"--lock-wait-timeout={LOCK_WAIT_S * 1000}", *_schemas(self.settings),
        ]  # fmt: skip
        with self.store.writer(self.begun.key, expected_bytes=database_bytes) as writer:
            address = db.conninfo_of(self.conn)
            with programs.running(self.program, address, arguments, reads=False) as dump, self._beating(dump, writer) as beat:
                if self.to:
                    encryption.encrypt(dump.output, writer, self.to)
                else:
                    while chunk := dump.output.read(CHUNK_BYTES):
                        writer.write(chunk)
                code, said = dump.wait()
            if beat.error is not None:
                raise beat.error
            if code != 0:
                told = programs.why("pg_dump", code, said)
                raise DatabaseAway(told) if GONE.search(said) else BackupError("dump_failed", told, said or None)
        return writer.size_bytes, writer.sha256

    @contextmanager
    def _beating(self, dump: programs.Running, writer: Writer) -> Iterator[_Beat]:
        """While the block runs the record is told of it; when it was given up or takes too long the dump is ended."""
        beat = _Beat(self, dump, writer)
        thread = threading.Thread(target=beat.run, name="backup beat")
        thread.start()
        try:
            yield beat
        finally:
            beat.over.set()
            thread.join()


class _Beat:
    """Tells that a backup is at work."""

    def __init__(self, making: _Making, dump: programs.Running, writer: Writer) -> None:
        self.over, self.error = threading.Event(), None  # type: tuple[threading.Event, ReelqError | None]
        self._making, self._dump, self._writer = making, dump, writer
        self._until = time.monotonic() + making.settings.backup_timeout

    def run(self) -> None:
        """In a thread of its own, until `over`."""
        while True:
            try:
                self._tell()
            except ReelqError as error:
                self.error = error
                self._dump.stop()
                return
            if self.over.wait(BEAT_S):
                return

    def _tell(self) -> None:
        making = self._making
        with db.family():
            backups.note(making.conn, making.begun.id, self._writer.size_bytes, making.store.expected)
        if making.on_progress is not None:
            making.on_progress(self._writer.size_bytes)
        if time.monotonic() > self._until:
            raise BackupError(
                "too_long", f"the dump took longer than {making.settings.backup_timeout:g} s and was ended",
                "While it runs no table can be changed or dropped, and dead rows stay. REELQ_BACKUP_TIMEOUT allows it longer.",
            )  # fmt: skip


def _schemas(settings: Settings) -> list[str]:
    """Which schemas: all, or those of our rooms."""
    return [f"--schema={room}" for room in schema.rooms()] if settings.backup_scope == "reelq" else []


def _check_whole(conn: Connection, settings: Settings) -> None:
    """Refuse before anything is written where this role cannot see all rows.

    Raises:
        BackupError: "not_whole".
    """
    for table in backups.list_tables(conn, settings.backup_scope == "all"):
        if table.refusal:
            ours = "Connect as the owner of reelq's schema; reelq schema status names what is wrong with it."
            others = "Grant it, or leave others' tables out: REELQ_BACKUP_SCOPE=reelq"
            raise BackupError("not_whole", table.refusal, ours if table.is_ours else others)


def _take_snapshot(held: Connection, settings: Settings) -> tuple[str, list[backups.Listed]]:
    """Begin the transaction whose snapshot the dump takes, with a lock on every table; the snapshot's name, and the tables in it.

    The locks come before the snapshot, so that no table goes between the two.
    """
    everything = settings.backup_scope == "all"
    for name, value in LASTING.items():
        held.execute("select set_config(%s, %s, false)", [name, value])
    for _ in range(SNAPSHOT_TRIES):
        tables = [table.table_name for table in backups.list_tables(held, everything)]
        held.execute("begin isolation level repeatable read")
        held.execute(sql.SQL("lock table only {} in access share mode").format(sql.SQL(", only ").join(sql.SQL(name) for name in tables)))
        found = held.execute("select pg_export_snapshot()").fetchone()
        seen = backups.list_tables(held, everything)
        if [table.table_name for table in seen] == tables and found is not None:
            return found[0], seen
        held.execute("rollback")
    raise BackupError("no_snapshot", "tables came and went all the time, so that no snapshot could be taken", "Try again when no upgrade runs.")


def _count(held: Connection, tables: list[backups.Listed]) -> dict[str, Table]:
    """Counts and checksums of all tables, in the snapshot."""
    counted = {}
    for table in tables:
        every, rows = "", table.row_estimate
        while rows > SAMPLE_ROWS and len(every) < 8:
            every, rows = every + "0", rows // 16
        one = backups.count_table(held, table.table_name, every)
        counted[table.table_name] = Table(one.row_count, every, one.sampled, one.sha256)
    return counted


def _result(counts: Future[dict[str, Table]], held: Connection) -> dict[str, Table]:
    """What was counted; the snapshot is let go."""
    with db.family():
        found = counts.result()
        held.execute("rollback")
    return found


def _record_failure(settings: Settings, begun: backups.Begun, error: BaseException) -> None:
    """Tell the record why, on a connection of its own: the other may be what has failed. Where the database is away the next backup tells it."""
    code, told = "failed", str(error) or type(error).__name__
    if isinstance(error, (BackupError, JobError)):
        code = error.code
    elif isinstance(error, DatabaseAway):
        code = "database_away"
    elif isinstance(error, (KeyboardInterrupt, SystemExit, StopRequested)):
        code, told = "stopped", "It was told to stop."
    try:
        with db.connect(settings, NAME, direct=True) as conn:
            backups.fail(conn, begun.id, code, told)
    except ReelqError as away:
        error.add_note(f"and it could not be recorded: {away}")


def _remove(store: Store, key: str) -> None:
    """Take back what was written; what cannot be, the next prune does."""
    try:
        store.delete(key)
    except JobError:
        return
