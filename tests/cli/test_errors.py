"""Whatever goes wrong: one line that says it, a hint, the right exit code, no traceback."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from reelq.cli import main as cli_main
from reelq.cli.main import explain
from reelq.worker.errors import DatabaseAway

ROOT = Path(__file__).resolve().parents[2]
NOBODY = "postgresql://127.0.0.1:1/none"  # port 1: nothing listens


def test_database_away_is_75(bare):
    done = bare("--database-url", NOBODY, "jobs", "list")
    assert done.code == 75
    assert done.out == ""
    first, hint = done.err.splitlines()
    assert first.startswith("reelq: the database is away: ")
    assert hint.startswith("hint: Check DATABASE_URL")


def test_a_lock_of_another_session_is_75_and_says_how_to_find_it(bare, dsn, connect, monkeypatch):
    """The server is there: nobody is to look for it, or at the URL."""
    other = connect(autocommit=False)
    other.execute("lock table queue.pauses in access exclusive mode")
    with monkeypatch.context() as env:
        env.setenv("PGOPTIONS", "-c lock_timeout=20ms")
        told = bare("--database-url", dsn, "queue", "pause", "all", "--reason", "x")
    other.rollback()
    assert told.code == 75
    first, hint = told.err.splitlines()
    assert first == "reelq: another session holds a lock: canceling statement due to lock timeout"
    assert "ops.health() where finding = 'locks'" in hint and "pg_blocking_pids" in hint and "DATABASE_URL" not in hint


def test_a_server_without_a_free_connection_names_them(capsys):
    assert explain(DatabaseAway("connection failed: FATAL:  sorry, too many clients already")) == 75
    told = capsys.readouterr().err
    assert "max_connections" in told and "pg_stat_activity" in told and "DATABASE_URL" not in told


def test_a_server_that_takes_no_changes_is_75_and_not_called_away(bare, empty_dsn, monkeypatch):
    with monkeypatch.context() as env:
        env.setenv("PGOPTIONS", "-c default_transaction_read_only=on")
        told = bare("--database-url", empty_dsn, "schema", "install")
    assert (told.code, told.out) == (75, "")
    assert told.err.startswith("reelq: the database takes no changes: cannot execute ")
    assert "default_transaction_read_only" in told.err


def test_who_may_is_said_of_a_tenant_and_of_an_application_s_schema(bare, conn, dsn):
    conn.execute("create role shop_web login in role reelq_app")
    try:
        told = bare("--database-url", dsn.replace("postgres@", "shop_web@"), "webhooks", "list")
        assert (told.code, "--tenant ID" in told.err, "needs the owner" in told.err) == (1, True, False)
    finally:
        conn.execute("drop role shop_web")
    assert cli_main.who_may("permission denied for schema shop") == "an application's: grant usage on schema shop to the owner of reelq's schema"


def test_password_is_not_repeated(bare):
    done = bare("--database-url", "postgresql//sesame", "jobs", "list")
    assert done.code == 2
    assert "sesame" not in done.err


@pytest.mark.parametrize("words", [("workers", "list"), ("top", "--once"), ("workers", "list", "--json")])
def test_a_value_that_no_driver_reads_is_not_blamed_on_the_url(bare, conn, dsn, words):
    conn.execute("select queue.register_worker('w', 'h', 1, 'x', 'main', 1)")
    conn.execute("update queue.workers set last_beat_at = 'infinity'")
    done = bare("--database-url", dsn, *words)
    assert done.code == 1
    assert done.err.startswith("reelq: the database holds a value that cannot be read here: ")
    assert "infinity" in done.err and "URL" not in done.err


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


def test_a_worker_takes_a_database_without_schema_for_a_wrong_one(empty_dsn, settings_env):
    """Exit code 2, so that systemd does not start it for ever."""
    command = [sys.executable, "-m", "reelq.cli.main", "--database-url", empty_dsn, "worker", "run", "--until-idle"]
    done = subprocess.run(command, cwd=ROOT, env=settings_env, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "this database has no reelq schema" in done.stderr and "reelq schema install" in done.stderr


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["jobz"], "No such command 'jobz'. Did you mean 'jobs'"),
        (["job-typ", "list"], "Did you mean 'job-types'"),
        (["jobs", "list", "--status", "odd"], "--status must be one of queued, running"),
        (["jobs", "show", "7"], "JOB must be an id such as"),
        (["jobs", "enqueue", "no_op", "--priority", "11"], "--priority must be 1 (first) to 10 (last), not 11"),
        (["jobs", "enqueue", "no_op", "--data", "[1]"], "--data must be a JSON object"),
        (["jobs", "enqueue", "no_op", "--data", '{"a": "\\u0000"}'], "--data must not hold \\u0000 or half of"),
        (["jobs", "enqueue", "no_op", "--data", '{"a\\ud800": 1}'], "--data must not hold \\u0000 or half of"),
        (["jobs", "enqueue", "no_op", "--data", "{"], "--data must be a JSON object"),
        (["jobs", "enqueue", "no_op", "--data", "@/nowhere"], "--data must name a file that can be read"),
        (["jobs", "enqueue", "no_op", "--at", "soon"], "--at must be a time such as 2030-01-31T20:00 or +15m, not 'soon'"),
        (["jobs", "tail", "--every", "0"], "--every must be a time above zero"),
        (["ingest", "x.mp4", "--option", "novalue"], "--option must be KEY=VALUE"),
        (["ingest", "x.mp4", "--option", "a=1", "--option", "a.b=2"], "must give 'a' one value"),
        (["--store", "ftp://x", "config", "show"], "file:///absolute/folder or s3://bucket"),
        (["workers", "drain"], "--host"),
        (["jobs", "tail", "--job", "01976b1e-5a3c-7d4e-8f00-0123456789ab",
          "--video", "01976b1e-5a3c-7d4e-8f00-0123456789ab"], "--job must stand without --video"),
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


@pytest.mark.parametrize("words", [["users", "set-password", "ann@example.com"], ["users", "erase", "ann@example.com"]])
def test_a_closed_stdin_is_nobody_to_ask(words, reelq, settings_env):
    assert reelq("users", "add", "ann@example.com").code == 0
    command = ["sh", "-c", '"$0" -m reelq.cli.main "$@" <&-', sys.executable, *words]
    done = subprocess.run(command, env=settings_env, capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "Traceback" not in done.stderr and "bug" not in done.stderr, done.stderr


@pytest.mark.parametrize("closed", ["1", "2", "both"])
def test_a_closed_stream_is_no_traceback(closed, settings_env):
    shut = {"1": ">&-", "2": "2>&-", "both": ">&- 2>&-"}[closed]
    command = ["sh", "-c", f'"$0" -m reelq.cli.main jobs list {shut}', sys.executable]
    done = subprocess.run(command, env=settings_env, capture_output=True, text=True, check=False)
    told = "reelq: stdout must be open, not closed by >&-\nhint: to throw the output away: >/dev/null\n"
    assert (done.returncode, done.stderr) == {"1": (2, told), "2": (0, ""), "both": (2, "")}[closed]


def test_a_role_of_one_tenant_is_told_how_to_name_it_here(bare, conn, dsn, monkeypatch):
    conn.execute("drop role if exists looks_on")
    conn.execute("create role looks_on login in role reelq_readonly")
    try:
        url = dsn.replace("postgres@", "looks_on@")
        done = bare("--database-url", url, "jobs", "list")
        assert done.code == 2
        assert done.err.splitlines()[1] == (
            'hint: Set reelq.tenant_id to your own tenant. For this command line: PGOPTIONS="-c reelq.tenant_id=<id>" reelq …'
        )
        (tenant,) = conn.execute("select id from identity.tenants where slug = 'default'").fetchone()
        monkeypatch.setenv("PGOPTIONS", f"-c reelq.tenant_id={tenant}")
        assert bare("--database-url", url, "jobs", "list").code == 0
    finally:
        conn.execute("drop role looks_on")


def test_run_reelq_works_where_it_is_typed(tmp_path):
    """./run with an environment that says where it was called, and with which words."""
    checkout, elsewhere = tmp_path / "checkout", tmp_path / "else where"
    (checkout / ".venv" / "bin").mkdir(parents=True)
    elsewhere.mkdir()
    for name in ("run", "requirements.lock"):
        shutil.copy(ROOT / name, checkout)
    python = checkout / ".venv" / "bin" / "python"
    python.write_text('#!/bin/sh\npwd\necho "$PYTHONPATH" "$@"\n')
    python.chmod(0o755)
    stamp = subprocess.run("cksum <requirements.lock", shell=True, cwd=checkout, capture_output=True, text=True, check=True).stdout
    (checkout / ".venv" / ".stamp").write_text(stamp)
    for tool in ("ffmpeg", "ffprobe"):
        (tmp_path / tool).write_text("#!/bin/sh\n")
        (tmp_path / tool).chmod(0o755)
    environ = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    for words, module in (("reelq", "reelq.cli.main"), ("demo", "demo")):
        command = [checkout / "run", words, "clip.mp4"]
        done = subprocess.run(command, cwd=elsewhere, env=environ, capture_output=True, text=True, check=False)
        assert done.stdout.splitlines() == [str(elsewhere), f"{checkout} -P -m {module} clip.mp4"], done.stderr
