"""The private Postgres of the tests and the demo: starts, keeps its data, and leaves nothing behind."""

from __future__ import annotations

import os
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from demo import postgres
from reelq.worker.private_postgres import programs

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder for a persistent server, which is stopped whatever happens."""
    yield tmp_path / "pg"
    running = postgres.find(tmp_path / "pg")
    if running is not None:
        running.stop()


def ask(server: postgres.Server, query: str) -> Any:
    with psycopg.connect(server.url(), autocommit=True) as conn:
        row = conn.execute(query.encode()).fetchone()
        return row[0] if row else None


def test_a_persistent_server_is_found_again_and_keeps_its_data(folder: Path) -> None:
    first = postgres.persistent(folder)
    with psycopg.connect(first.url(), autocommit=True) as conn:
        conn.execute("create table kept as select 7 as number")
    again = postgres.persistent(folder)
    assert (again.pid, again.port) == (first.pid, first.port)
    again.stop()
    assert postgres.find(folder) is None
    assert ask(postgres.persistent(folder), "select number from kept") == 7


def test_a_persistent_server_syncs_and_never_runs_as_root(folder: Path) -> None:
    server = postgres.persistent(folder)
    assert ask(server, "show fsync") == "on"
    status = Path(f"/proc/{server.pid}/status")
    if os.geteuid() == 0 and status.exists():
        # In a user namespace root's uid outside is nobody inside: what counts is that no capability is left.
        facts = dict(line.split(":\t", 1) for line in status.read_text().splitlines() if ":\t" in line)
        assert int(facts["CapEff"].strip(), 16) == 0


def test_data_of_another_major_is_refused(folder: Path) -> None:
    server = postgres.persistent(folder)
    server.stop()
    (server.data / "PG_VERSION").write_text("14\n")
    with pytest.raises(postgres.PostgresError, match="made by Postgres 14"):
        postgres.persistent(folder)


def test_a_stale_pid_file_is_not_taken_for_a_running_server(folder: Path) -> None:
    """After a crash the file names a process that is gone, or by now somebody else's."""
    server = postgres.persistent(folder)
    pid_file = server.data / "postmaster.pid"
    text = pid_file.read_text()
    server.stop()
    for pid in ("999999999", str(os.getpid())):
        pid_file.write_text("\n".join([pid, *text.split("\n")[1:]]))
        assert postgres.find(folder) is None
    assert postgres.persistent(folder).pid is not None


CHILD = """
import sys
from demo import postgres
with postgres.throwaway() as server:
    print(server.pid, server.folder, flush=True)
    sys.stdin.read()
"""


def test_a_throwaway_server_dies_with_its_parent_even_by_kill_9(tmp_path: Path) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    pid, folder = child.stdout.readline().split()
    gone = os.pidfd_open(int(pid))
    child.send_signal(signal.SIGKILL)
    child.wait()
    try:
        assert select.select([gone], [], [], 20)[0], "the server outlived its parent"
    finally:
        os.close(gone)
        shutil.rmtree(folder, ignore_errors=True)


def test_a_throwaway_server_leaves_nothing(tmp_path: Path) -> None:
    with postgres.throwaway() as server:
        assert ask(server, "show fsync") == "off"
        folder, pid = server.folder, server.pid
    assert not folder.exists()
    assert pid is not None
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_crashed_server_starts_again_on_the_same_port() -> None:
    with postgres.throwaway(durable=True) as server:
        with psycopg.connect(server.url(), autocommit=True) as conn:
            conn.execute("create table kept as select 7 as number")
        port = server.port
        server.restart(signal.SIGKILL)
        assert server.port == port
        assert ask(server, "select number from kept") == 7


def test_root_without_user_namespaces_runs_it_as_another_user(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a chroot or a container: setuid, with the programs copied where that user can read them."""
    if os.geteuid() != 0:
        pytest.skip("only root has to drop its rights")
    monkeypatch.setattr(programs, "USER_NAMESPACE", ["false"])
    for binaries in postgres.available():
        with postgres.throwaway(binaries) as server:
            assert server.who.uid not in (None, 0)
            assert ask(server, "select 1") == 1
            assert Path(f"/proc/{server.pid}").stat().st_uid == server.who.uid


def test_data_below_a_closed_home_lies_where_the_servers_user_can_reach_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root has to drop its rights")
    monkeypatch.setattr(programs, "USER_NAMESPACE", ["false"])
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    server = postgres.persistent(home / "pg")
    try:
        assert server.folder.is_relative_to("/var/tmp")
        found = postgres.find(home / "pg")
        assert found is not None
        assert found.pid == server.pid
    finally:
        server.stop()
        shutil.rmtree(server.folder)


def test_an_unknown_server_is_refused_with_what_there_is() -> None:
    with pytest.raises(postgres.PostgresError, match="no Postgres server 9"):
        postgres.choose("9")
    with pytest.raises(postgres.PostgresError, match="no initdb"):
        postgres.choose("/nowhere/bin")
