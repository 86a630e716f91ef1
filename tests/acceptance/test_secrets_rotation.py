"""A rotation beside programs at work, killed in the middle and gone on with; and where a secret must not be found."""

from __future__ import annotations

import base64
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from demo import postgres
from reelq.worker.db import schema
from reelq.worker.secrets import Keyring
from tests.acceptance.workerkit import WorkerProcess, rows, until
from tests.sql import secretkit
from tests.sql.secretkit import key_ids, opened, seal_users

Conn = psycopg.Connection[Any]
Reelq = Callable[..., "subprocess.Popen[str]"]
USERS = 1000  # five batches
# The third batch of a rotation waits for whoever holds lock 17.
BRAKE = """
create function base_test.brake() returns trigger language plpgsql as $$
begin
    if (select count(*) from identity.users where base.envelope_key(two_factor_secret) = base.envelope_key(new.two_factor_secret)) between 400 and 599 then
        perform pg_advisory_xact_lock_shared(17);
    end if;
    return null;
end;
$$;
create trigger brake after update of two_factor_secret on identity.users for each row execute function base_test.brake();
grant usage on schema base_test to public;
"""


@pytest.fixture
def key_path(tmp_path: Path) -> Path:
    return tmp_path / "secrets"


@pytest.fixture
def reelq(settings_env: dict[str, str], key_path: Path) -> Iterator[Reelq]:
    """Starts a command; what still runs at the end is killed."""
    started: list[subprocess.Popen[str]] = []

    def start(*words: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "reelq.cli.main", *words]
        process = subprocess.Popen(
            command, env=settings_env | {"REELQ_SECRETS_FILE": str(key_path)}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def done(process: subprocess.Popen[str], code: int = 0) -> str:
    out, err = process.communicate()
    assert process.returncode == code, err
    return out + err


def load(path: Path) -> Keyring:
    return Keyring.load(secretkit.settings_of(path))


class Reader:
    """A program that has read the keys before the rotation, and opens and seals secrets all the time."""

    def __init__(self, dsn: str, keys: Keyring, plain: dict[Any, bytes]) -> None:
        self.rounds = 0
        self.wrong: list[str] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(dsn, keys, plain))

    def _run(self, dsn: str, keys: Keyring, plain: dict[Any, bytes]) -> None:
        with psycopg.connect(dsn, autocommit=True) as conn:
            while not self._stop.is_set():
                try:
                    if opened(conn, keys) != plain:
                        self.wrong.append("another secret")
                except Exception as error:  # noqa: BLE001 - told by the test
                    self.wrong.append(repr(error))
                self.rounds += 1

    def __enter__(self) -> Reader:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()


def test_kill_9_in_the_middle_of_a_rotation(
    conn: Conn, connect: Callable[..., Conn], dsn: str, reelq: Reelq, key_path: Path, start: Callable[..., WorkerProcess]
) -> None:
    done(reelq("secrets", "init"))
    keys = load(key_path)
    first = keys.current
    plain = seal_users(conn, keys, USERS)
    conn.execute(BRAKE)
    worker = start().started()
    brake = connect()
    brake.execute("select pg_advisory_lock(17)")
    with Reader(dsn, keys, plain) as reader:
        rotation = reelq("secrets", "rotate")
        waiting = until(
            lambda: rows(conn, "select pid from pg_locks where locktype = 'advisory' and objid = 17 and not granted"), "the third batch"
        )
        second = load(key_path).current
        cmdline = Path(f"/proc/{rotation.pid}/cmdline").read_bytes() + Path(f"/proc/{rotation.pid}/environ").read_bytes()
        assert not [key for key in (first, second) if key.written().encode() in cmdline]
        rotation.send_signal(signal.SIGKILL)
        rotation.communicate()
        brake.execute("select pg_advisory_unlock(17)")
        until(lambda: not rows(conn, "select from pg_stat_activity where pid = %s", waiting[0]["pid"]), "its session to end")
        half = key_ids(conn)
        # The batch that waited was sent already: it is through, or was taken back; no row is in between.
        assert set(half) == {first.key_id, second.key_id} and half[second.key_id] in (400, 600) and sum(half.values()) == USERS
        assert opened(conn, load(key_path)) == plain

        told = done(reelq("secrets", "status"))
        assert f"{half[first.key_id]}" in told and "reelq secrets rotate" in told
        refused = reelq("secrets", "forget", first.key_id)
        assert "are sealed under key" in done(refused, 1)
        # Two at once go on with it, and neither makes a key.
        both = [reelq("secrets", "rotate") for _ in range(2)]
        for one in both:
            assert "no key was made" in done(one) or load(key_path).current.key_id != second.key_id
        ended = until(lambda: reader.rounds > 1 and reader.rounds, "the reader")
        until(lambda: reader.rounds > ended + 1, "one look after the end")
    assert reader.wrong == []
    assert opened(conn, load(key_path)) == plain
    assert key_ids(conn) == {load(key_path).current.key_id: USERS}
    assert not [path for path in key_path.parent.iterdir() if path.name.startswith(".secrets.")], "nothing is left beside the file"
    job = rows(conn, "select queue.enqueue_job('no_op') as id")[0]["id"]
    until(lambda: rows(conn, "select from queue.processing_jobs where id = %s and status = 'completed'", job), "the worker, which was there all along")
    worker.signal(signal.SIGTERM)
    assert worker.wait() == 0


def test_the_plain_text_is_in_no_dump_and_in_no_log(tmp_path: Path, settings_env: dict[str, str]) -> None:
    """pg_dump of the whole database, and the server's log with every statement and parameter in it; nor is a key."""
    with postgres.throwaway(postgres.choose(), {"log_statement": "all", "log_min_duration_statement": "0"}) as server:
        key_path = tmp_path / "secrets"
        env = settings_env | {"DATABASE_URL": server.url(), "REELQ_SECRETS_FILE": str(key_path), "REELQ_LOG_LEVEL": "debug"}

        def run(*words: str) -> str:
            finished = subprocess.run([sys.executable, "-m", "reelq.cli.main", *words], env=env, capture_output=True, text=True, check=False)
            assert finished.returncode == 0 or words[0] == "doctor", finished.stderr  # this server loses data in a crash
            return finished.stdout + finished.stderr

        run("schema", "install")
        said = run("secrets", "init")
        with psycopg.connect(server.url(), autocommit=True) as conn:
            plain = seal_users(conn, load(key_path), 3)
            said += run("secrets", "rotate") + run("secrets", "status", "--json") + run("config", "show") + run("doctor", "--only", "database", "--json")
            assert opened(conn, load(key_path)) == plain
            sealed = [bytes(row[0]).hex() for row in conn.execute("select two_factor_secret from identity.users").fetchall()]
        dump = subprocess.run([str(server.binaries.folder / "pg_dump"), "-d", server.url()], capture_output=True, check=True).stdout
        log = server.log.read_bytes()
        assert all(one.encode() in dump for one in sealed), "the dump has the rows"
        assert b"ops.replace_sealed_rows" in log and sealed[0].encode() in log, "the log has the calls"
        keys = [line.split()[3] for line in key_path.read_text().splitlines() if line.startswith("key ")]
        secrets = [*plain.values(), *(base64.b64decode(key) for key in keys)]
        for where in (dump, log, said.encode()):
            assert not [one for secret in secrets for one in spellings(secret) if one in where]


def spellings(secret: bytes) -> list[bytes]:
    """As it may be written somewhere."""
    return [secret, secret.hex().encode(), base64.b64encode(secret).rstrip(b"="), repr(secret)[2:-1].encode()]


def test_the_schema_knows_nothing_of_keys() -> None:
    """No function of ours takes a key or seals: nothing that Postgres could log."""
    assert not [file.path for file in schema.files() if "pgp_sym_encrypt" in file.text or "pgcrypto" in file.text]
