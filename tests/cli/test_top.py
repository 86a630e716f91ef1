"""reelq top: one look as tables and JSON, the screen at several sizes, and the terminal afterwards."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from dataclasses import replace
from uuid import UUID

import pytest
from rich.console import Console

from reelq.cli.top import screen, snapshot
from reelq.worker import db
from reelq.worker.errors import DatabaseAway
from reelq.worker.rooms import queue
from reelq.worker.rooms.queue import limits
from reelq.worker.rooms.queue.reads import Depth, Rate

TITLE = "\x1b[31mred [bold]title\x07"


@pytest.fixture
def busy(conn):
    """A worker with a job at 47 %, one that waits, one that failed and took another with it."""
    queue.register_worker(
        conn, "host:cpu:7:abcd", host="host", pid=7, version="0", pool="cpu", slots=2, types=None, capabilities=[],
        process_key=None,
    )  # fmt: skip
    bad = queue.enqueue_job(conn, "no_op", max_attempts=1)
    queue.enqueue_job(conn, "no_op", depends_on=[bad])
    (held,) = queue.settle_and_claim(conn, "host:cpu:7:abcd", 1, [], queue.FULL_LOOK)
    queue.fail_job(conn, held.job_id, held.token, "permanent", "bad_file", "The file is bad.", {})
    video = queue.ingest_video(conn, "/tmp/x.mp4", title=TITLE)
    (held,) = queue.settle_and_claim(conn, "host:cpu:7:abcd", 1, [], queue.FULL_LOOK)
    queue.heartbeat(conn, "host:cpu:7:abcd", [(held.job_id, held.token, queue.JobProgress(0.47, "fetch", 2.5, 61.0))])
    queue.enqueue_job(conn, "no_op")
    return video


def drawn(seen, width, height, away=None):
    console = Console(width=width, height=height, color_system=None, force_terminal=True)
    with console.capture() as told:
        console.print(screen.draw(seen, width, height, away))
    return told.get()


def test_json_has_everything_with_stable_keys(reelq, busy):
    row = reelq("top", "--once", "--json").row
    assert list(row) == ["at", "workers", "running", "queues", "failures", "pauses"]
    assert (row["running"][0]["progress"], row["running"][0]["eta_s"]) == (pytest.approx(0.47), 61.0)
    assert row["running"][0]["title"] == TITLE
    assert list(row["queues"][0]) == [
        "job_type", "ready", "scheduled", "blocked", "parked", "running", "dead", "at_least", "completed", "failed", "per_minute", "median_s",
    ]  # fmt: skip
    assert {one["error_code"] for one in row["failures"]} == {"bad_file"}  # not those that only followed


def test_pipe_gets_one_look_as_tables(reelq, busy):
    told = reelq("top").out
    for words in ("host:cpu:7:abcd  active", "47%", "2.5×", "1:01", "bad_file", "\\e[31mred [bold]title\\x07"):
        assert words in told
    assert "parent_failed" not in told
    assert "\x1b" not in told


def test_nothing_going_on_is_no_error(reelq):
    done = reelq("top", "--once")
    assert (done.code, done.err) == (0, "No worker is running.\n")


@pytest.mark.parametrize(("width", "height"), [(80, 24), (160, 50), (60, 12), (40, 6)])
def test_screen_fits_and_is_not_painted_by_titles(conn, busy, width, height):
    lines = drawn(snapshot.look(conn), width, height).splitlines()
    assert len(lines) <= height
    assert all(len(line) <= width for line in lines)
    assert "\x1b" not in "\n".join(lines)
    assert lines[0].startswith("reelq ")


def test_screen_shows_bar_speed_eta_and_failure(conn, busy):
    told = drawn(snapshot.look(conn), 120, 40)
    for words in ("█", "47%", "2.5×", "1:01 left", "active  1/2", "download_video: fetch", "bad_file", "The file is bad."):
        assert words in told
    assert "parent_failed" not in told
    assert "the database is away" in drawn(snapshot.look(conn), 120, 40, DatabaseAway("gone"))


def test_a_worker_in_trouble_is_shown_on_the_screen(conn, busy):
    conn.execute("select queue.set_worker_trouble(worker_id, 'the store is full', 'Make room.') from queue.workers")
    for width in (60, 80, 160):
        told = drawn(snapshot.look(conn), width, 24)
        assert "on host nothing is claimed: the store is full" in told
    assert "in trouble  1/2" in told


def test_pauses_are_told_wherever_one_looks(reelq, conn, busy):
    limits.pause(conn, "job_type", "no_op", "upgrade")
    assert "  1 paused" in drawn(snapshot.look(conn), 80, 24).splitlines()[0]
    limits.pause(conn, "all", "", "the store moves")
    assert "all is paused" in drawn(snapshot.look(conn), 80, 24).splitlines()[0]
    assert reelq("top").err == "All is paused: reelq queue pauses\n"
    assert [one["scope"] for one in reelq("top", "--once", "--json").row["pauses"]] == ["job_type", "all"]


def test_for_a_tenant_there_are_its_own_queues_and_rates(reelq, conn, busy):
    acme = conn.execute("select identity.create_tenant('acme', 'Acme')").fetchone()[0]
    for priority in (1, 9):
        conn.execute("select queue.enqueue_job('no_op', tenant_id => %s, priority => %s)", [acme, priority])
    (held,) = queue.settle_and_claim(conn, "host:cpu:7:abcd", 1, [], queue.FULL_LOOK)
    queue.complete_job(conn, held.job_id, held.token, {}, {})
    seen = reelq("top", "--once", "--json", "--tenant", "acme").row
    assert [(one["job_type"], one["ready"], one["completed"], one["at_least"]) for one in seen["queues"]] == [("no_op", 1, 1, [])]
    assert (seen["workers"], seen["failures"]) == ([], [])
    assert "no_op" in reelq("top", "--tenant", "acme").out
    assert "no_op " in drawn(snapshot.look(conn, "acme"), 80, 24)
    assert reelq("top", "--once", "--tenant", "nobody").code == 2


def test_rates_that_are_not_of_all_attempts_have_a_plus(conn, busy):
    seen = snapshot.look(conn)
    cut = Rate("no_op", 3, 1, 0.6, 1.0, ["completed", "failed"])
    told = drawn(replace(seen, rates=[cut]), 160, 40)
    (row,) = (line.split() for line in told.splitlines() if line.startswith("no_op"))
    assert "0.6+" in row and row[-1] == "1+"


@pytest.mark.parametrize("width", [80, 120])
def test_counts_of_every_place_have_their_headings(conn, busy, width):
    limits.set_limit(conn, "type:no_op", 1)
    queue.enqueue_job(conn, "no_op")
    lines = drawn(snapshot.look(conn), width, 24).splitlines()
    (heading,) = (line.split() for line in lines if line.startswith("job type"))
    assert heading[2:8] == ["ready", "sched.", "blocked", "parked", "running", "dead"]
    (row,) = (line.split() for line in lines if line.startswith("no_op"))
    assert row[heading.index("parked") - 1] == "1"
    assert any(line.startswith("generate_thumbnail ") for line in lines)


def test_empty_sections_have_no_heading(conn):
    told = drawn(snapshot.look(conn), 80, 24)
    assert "job type" not in told
    assert "No worker is running" in told


def test_lines_are_shared_by_need():
    assert screen.share(22, [3, 6, 4], [2, 5, 4]) == [3, 6, 4]
    assert screen.share(12, [40, 9, 9], [2, 5, 4]) == [3, 5, 4]
    assert sum(screen.share(22, [40, 9, 9], [2, 5, 4])) == 22


class Terminal:
    """reelq top on a terminal of its own."""

    def __init__(self, env: dict[str, str]) -> None:
        try:
            self.fd, other = pty.openpty()
        except OSError:
            pytest.skip("no pseudo terminals here: /dev/pts is not mounted")
        fcntl.ioctl(other, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self.before = termios.tcgetattr(other)
        self.other = other
        self.seen = b""
        command = [sys.executable, "-m", "reelq.cli.main", "top", "--every", "0.1s"]
        self.child = subprocess.Popen(
            command, stdin=other, stdout=other, stderr=other, env={**env, "TERM": "xterm"}, start_new_session=True
        )

    def read_until(self, words: bytes, timeout_s: float = 20.0) -> None:
        """Read what it shows until `words` come."""
        ends = time.monotonic() + timeout_s
        start = len(self.seen)
        while words not in self.seen[start:]:
            assert time.monotonic() < ends, self.seen[-2000:]
            if select.select([self.fd], [], [], 0.1)[0]:
                self.seen += os.read(self.fd, 65536)

    def end(self) -> int:
        """Wait for its end, reading on; the terminal must be as it was, on its own screen, with its cursor."""
        ends = time.monotonic() + 20
        while self.child.poll() is None:
            assert time.monotonic() < ends
            if select.select([self.fd], [], [], 0.05)[0]:
                self.seen += os.read(self.fd, 65536)
        while select.select([self.fd], [], [], 0)[0]:
            self.seen += os.read(self.fd, 65536)
        assert termios.tcgetattr(self.other) == self.before
        assert self.seen.rfind(b"\x1b[?1049l") > self.seen.rfind(b"\x1b[?1049h")
        assert self.seen.rfind(b"\x1b[?25h") > self.seen.rfind(b"\x1b[?25l")
        os.close(self.fd)
        os.close(self.other)
        return self.child.returncode


@pytest.mark.parametrize("how", ["q", "SIGINT", "SIGTERM"])
def test_it_leaves_the_terminal_clean(settings_env, busy, how):
    terminal = Terminal(settings_env)
    terminal.read_until(b"host:cpu:7:abcd")
    if how == "q":
        os.write(terminal.fd, b"q")
    else:
        os.kill(terminal.child.pid, getattr(signal, how))
    assert terminal.end() == 0
    assert b"Traceback" not in terminal.seen


def test_it_outlives_a_lost_database(settings_env, busy, conn):
    """New connections are refused for a while; it says so, and comes back by itself."""
    name = conn.info.dbname
    terminal = Terminal(settings_env)
    terminal.read_until(b"host:cpu:7:abcd")
    with db.connect(admin_settings(settings_env), "test") as admin:
        admin.execute(f'alter database "{name}" allow_connections off')
        conn.execute("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'reelq command'")
        terminal.read_until(b"the database is away")
        admin.execute(f'alter database "{name}" allow_connections on')
    terminal.read_until(b"done/min")
    os.write(terminal.fd, b"q")
    assert terminal.end() == 0


def admin_settings(env):
    """Settings of the same server's database `postgres`."""
    from reelq.worker.settings import load

    return load({"DATABASE_URL": env["DATABASE_URL"].rsplit("/", 1)[0] + "/postgres"})


def test_database_away_at_the_start_is_75_on_the_normal_screen(settings_env):
    terminal_free = subprocess.run(
        [sys.executable, "-m", "reelq.cli.main", "--database-url", "postgresql://127.0.0.1:1/x", "top"],
        env=settings_env, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert terminal_free.returncode == 75
    assert terminal_free.stdout == ""


def test_ids_of_running_jobs_are_whole(reelq, busy):
    told = reelq("top").out
    row = reelq("top", "--json", "--once").row["running"][0]
    assert str(UUID(row["job_id"])) in told


def test_of_many_types_those_in_trouble_are_shown_and_failures_have_room(conn, busy):
    """35 types on 30 lines: alphabetical order would hide zz_bad, and the failures below it."""
    seen = snapshot.look(conn)
    seen.depth.extend(Depth(f"aa_{n:02}", 0, 0, 0, 0, 0, 0, []) for n in range(35))
    seen.depth.append(Depth("zz_bad", 3, 0, 0, 0, 1, 2, []))
    told = drawn(seen, 120, 30)
    assert "zz_bad" in told and "The file is bad." in told and "more" in told


def lose(conn, status):
    """As after a minute of silence; it was up for an hour."""
    conn.execute(
        "update queue.workers set status = %s, last_beat_at = now() - interval '2 minutes', started_at = now() - interval '62 minutes'", [status]
    )


@pytest.mark.parametrize("status", ["lost", "stopped"])
def test_a_worker_that_is_gone_has_no_slots_and_is_not_counted(reelq, conn, busy, status):
    """What has not been taken back from it is told in words."""
    lose(conn, status)
    for command in (("workers", "list"), ("top", "--once")):
        done = reelq(*command)
        assert f"host:cpu:7:abcd is {status} and still has one job" in done.err
        row = next(one for one in done.out.splitlines() if one.startswith("host:cpu:7:abcd")).split()
        assert row[1:4] == ([status, "all", "2:00"] if command[0] == "workers" else [status, "2:00"])
    assert reelq("workers", "list").out.splitlines()[1].split()[4] == "1:00:00"
    for width in (60, 80, 160):
        lines = drawn(snapshot.look(conn), width, 24).splitlines()
        assert "0 workers  0/0 slots" in lines[0]
        assert not any("1/2" in one for one in lines)
        assert any(status in one for one in lines)
    (told,) = reelq("workers", "list", "--json").rows
    assert (told["busy"], told["slots"], told["status"]) == (1, 2, status)
