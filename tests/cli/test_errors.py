"""Whatever goes wrong: one line that says it, a hint, the right exit code, no traceback."""

from __future__ import annotations

import subprocess
import sys

import pytest

from reelq.cli import main as cli_main
from reelq.cli.main import explain

NOBODY = "postgresql://127.0.0.1:1/none"  # port 1: nothing listens


def test_database_away_is_75(bare):
    done = bare("--database-url", NOBODY, "jobs", "list")
    assert done.code == 75
    assert done.out == ""
    first, hint = done.err.splitlines()
    assert first.startswith("reelq: the database is away: ")
    assert hint.startswith("hint: Check DATABASE_URL")


def test_password_is_not_repeated(bare):
    done = bare("--database-url", "postgresql//sesame", "jobs", "list")
    assert done.code == 2
    assert "sesame" not in done.err


def test_all_wrong_settings_at_once_are_2(bare, monkeypatch):
    monkeypatch.setenv("REELQ_SLOTS", "none")
    monkeypatch.setenv("REELQ_SLOTTS", "1")
    done = bare("config", "show")
    assert done.code == 2
    assert "REELQ_SLOTS must be a whole number from 1" in done.err
    assert "REELQ_SLOTTS is not a setting" in done.err


def test_database_without_schema_says_what_to_run(bare, empty_dsn):
    done = bare("--database-url", empty_dsn, "jobs", "list")
    assert done.code == 1
    assert "reelq schema install" in done.err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["jobz"], "jobz"),
        (["jobs", "list", "--status", "odd"], "queued"),
        (["jobs", "show", "7"], "is not an id such as"),
        (["jobs", "enqueue", "no_op", "--priority", "11"], "1<=x<=10"),
        (["jobs", "enqueue", "no_op", "--data", "[1]"], "a JSON object is meant"),
        (["jobs", "enqueue", "no_op", "--data", "{"], "not JSON"),
        (["jobs", "enqueue", "no_op", "--data", "@/nowhere"], "cannot read"),
        (["jobs", "enqueue", "no_op", "--at", "soon"], "2030-01-31T20:00"),
        (["jobs", "tail", "--every", "0"], "a time above zero"),
        (["ingest", "x.mp4", "--option", "novalue"], "KEY=VALUE"),
        (["ingest", "x.mp4", "--option", "a=1", "--option", "a.b=2"], "has a value already"),
        (["--store", "ftp://x", "config", "show"], "file:///absolute/folder or s3://bucket"),
        (["workers", "drain"], "--host"),
        (["jobs", "tail", "--job", "01976b1e-5a3c-7d4e-8f00-0123456789ab",
          "--video", "01976b1e-5a3c-7d4e-8f00-0123456789ab"], "exclude each other"),
    ],
)  # fmt: skip
def test_wrong_use_is_2_and_says_what_is_allowed(bare, words, says):
    done = bare(*words)
    assert done.code == 2
    assert says in done.err
    assert "hint: see reelq" in done.err
    assert "Traceback" not in done.err


def test_bug_is_one_line_unless_debug(capsys, monkeypatch):
    monkeypatch.delenv("REELQ_LOG_LEVEL", raising=False)
    assert explain(ZeroDivisionError("division by zero")) == 1
    told = capsys.readouterr().err
    assert told.startswith("reelq: ZeroDivisionError: division by zero\nhint: this is a bug;")
    monkeypatch.setenv("REELQ_LOG_LEVEL", "debug")
    assert explain(ZeroDivisionError("division by zero")) == 1
    assert "Traceback" not in told


def test_ctrl_c_is_130(bare, monkeypatch):
    def interrupt(**_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli_main.cli, "main", interrupt)
    done = bare("jobs", "list")
    assert (done.code, done.err) == (130, "Interrupted.\n")


def test_closed_pipe_is_quiet():
    """As in `reelq … | head -1`: no message, no traceback, not even at the interpreter's last flush."""
    code = "from reelq.cli.main import main; import sys; sys.exit(main(['config', 'show']))"
    child = subprocess.Popen(
        [sys.executable, "-c", f"import time; input(); {code}"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert child.stdout and child.stdin and child.stderr
    child.stdout.close()
    child.stdin.write("\n")
    child.stdin.flush()
    child.wait(timeout=30)
    assert (child.returncode, child.stderr.read()) == (141, "")
    child.stdin.close()
    child.stderr.close()


def test_version(bare):
    done = bare("--version")
    assert done.code == 0
    assert done.out.startswith("reelq ")
