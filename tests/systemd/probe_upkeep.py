"""Inside the machine: the upkeep's timer and, beside it, cron, each on a database of its own."""

from __future__ import annotations

import contextlib
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg

from demo import postgres
from reelq.worker.db import schema
from tests.systemd.inside import SOURCE, drop_in, finish, install, run, state, unit, until

SERVICE, TIMER = "reelq-upkeep.service", "reelq-upkeep.timer"
PERIODIC = "reelq-periodic.service"
# A second after it is enabled, and then never; else as it is shipped.
AT_ONCE = "[Timer]\nOnCalendar=\nOnActiveSec=1s\nRandomizedDelaySec=0\nAccuracySec=100ms\n"
TIMER_PATIENCE_S = 30
CRON_PATIENCE_S = 75  # cron wakes at the full minute


class Base:
    """A database owned by an account that may not do more than that, with a job that is due for the history."""

    def __init__(self, server: postgres.Server, name: str) -> None:
        self.url = server.url(name).replace("postgres@", f"{name}@")
        with psycopg.connect(server.url(), autocommit=True) as conn:
            conn.execute(f"create role {name} login createrole password 'secret'".encode())
            conn.execute(f"create database {name} owner {name}".encode())
        with psycopg.connect(self.url, autocommit=True) as conn:
            schema.install(conn)
            conn.execute("select queue.enqueue_job('no_op')")
            conn.execute("select queue.register_worker('w1', 'host', 1, '0', 'pool', 1, null, '{}')")
            conn.execute("select queue.complete_job(c.job_id, c.token) from queue.claim_jobs('w1', 1) as c")
            conn.execute("select queue.set_setting('archive_after', '1 second')")
            # What the installation made, as if it had been months ago.
            for (name,) in conn.execute("select partition from ops.list_partitions() where state = 'ahead'").fetchall():
                conn.execute(f"drop table {name}".encode())
            conn.execute("update queue.job_attempts set ended_at = ended_at - interval '2 hours', started_at = started_at - interval '2 hours'")

    def facts(self) -> dict[str, Any]:
        """What upkeep leaves behind."""
        with psycopg.connect(self.url, autocommit=True) as conn:
            row = conn.execute(
                "select (select count(*) from ops.list_partitions() where state <> 'kept' and parent like 'queue.%_history'), (select count(*) from queue.job_history),"
                " (select coalesce(sum(jobs), 0)::integer from queue.job_stats), (select count(*) from queue.verify())"
            ).fetchone()
            assert row is not None
            return dict(zip(("partitions", "archived", "added_up", "broken"), row, strict=True))

    def done(self) -> bool:
        """Whether all commands have run."""
        found = self.facts()
        return found["partitions"] >= 12 and found["archived"] == 1 and found["added_up"] == 1


def lines(number: int, url: str) -> list[str]:
    """The commands of a block of the README's chapter on upkeep, with the address of this machine."""
    text = (SOURCE / "systemd" / "README.md").read_text(encoding="utf-8").split("## Upkeep", 1)[1]
    block = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)[number]
    plain = re.sub(r"\?sslmode=verify-full[^' ]*", "", block)  # the server of this machine speaks no TLS
    return [line.replace("postgresql://owner:secret@db.example/reelq", url) for line in plain.splitlines()]


def obey(commands: list[str]) -> None:
    """Run them from the checkout."""
    for line in commands:
        run("sh", "-c", f"cd {SOURCE} && {line}", check=True)


@contextlib.contextmanager
def cron(base: Base) -> Iterator[None]:
    """The crontab as it is shipped but for the minutes, and a real cron in the foreground."""
    if not shutil.which("cron"):
        yield
        return
    obey(lines(1, base.url))
    table = Path("/etc/cron.d/reelq")
    table.write_text(re.sub(r"(?m)^\*/5 ", "* ", table.read_text(encoding="utf-8")), encoding="utf-8")
    running = subprocess.Popen(["cron", "-f", "-L", "15"])
    try:
        yield
    finally:
        running.terminate()
        running.wait(10)


def timer(server: postgres.Server, base: Base, facts: dict[str, Any]) -> None:
    """Enable it as the README does; see it start the service; start the service with the database away."""
    *before, start = lines(0, base.url)
    folder = Path(f"/etc/systemd/system/{TIMER}.d")
    folder.mkdir()
    (folder / "override.conf").write_text(AT_ONCE, encoding="utf-8")
    obey(before)
    facts["enabled"] = run("systemctl", "is-enabled", TIMER).stdout.strip()
    until("the timer's run is over", base.done, TIMER_PATIENCE_S)
    facts["by_timer"] = {**state(SERVICE, "inactive", "failed"), **base.facts()}
    facts["trigger"] = run("systemctl", "show", SERVICE, "--property=TriggeredBy").stdout.strip()
    obey([start])
    facts["again"] = {**unit(SERVICE), **base.facts()}
    facts["journal"] = run("journalctl", "-u", SERVICE, "-o", "cat").stdout

    drop_in("reelq-upkeep", "[Service]\nEnvironment=PGCONNECT_TIMEOUT=2\n")
    server.stop()
    facts["away_start"] = run("sh", "-c", start).returncode
    facts["away"] = unit(SERVICE)
    server.start()
    facts["back_start"] = run("sh", "-c", start).returncode
    facts["back"] = unit(SERVICE)


def service(base: Base, facts: dict[str, Any]) -> None:
    """Enable the clock that stays, as the README does; see it do what is due, be killed, and stop."""
    with psycopg.connect(base.url, autocommit=True) as conn:
        conn.execute("update ops.upkeep_tasks set next_at = now(), retry_at = null")
    obey(lines(2, base.url))
    until("the service has done it", lambda: "upkeep.ended" in run("journalctl", "-u", PERIODIC, "-o", "cat").stdout, TIMER_PATIENCE_S)
    facts["periodic"] = state(PERIODIC, "active")
    run("systemctl", "kill", "--kill-whom=main", "--signal=KILL", PERIODIC, check=True)
    until("it is started again", lambda: int(unit(PERIODIC)["NRestarts"]) >= 1, TIMER_PATIENCE_S)
    facts["periodic_killed"] = state(PERIODIC, "active")
    run("systemctl", "stop", PERIODIC, check=True)
    facts["periodic_stopped"] = state(PERIODIC, "inactive", "failed")
    facts["periodic_journal"] = run("journalctl", "-u", PERIODIC, "-o", "cat").stdout


def main() -> None:
    """Cron first, as it takes up to a minute; the timer meanwhile, on a server of its own."""
    facts: dict[str, Any] = {}
    install()
    with postgres.throwaway() as server, postgres.throwaway() as other:
        cronned = Base(other, "cronned")
        with cron(cronned):
            try:
                timed = Base(server, "timed")
                timer(server, timed, facts)
                service(timed, facts)
                if shutil.which("cron"):
                    until("cron has done it", cronned.done, CRON_PATIENCE_S)
                    facts["by_cron"] = cronned.facts()
            except Exception:
                sys.stderr.write(run("journalctl", "-o", "cat", "-n", "150").stdout[-6000:] + f"cron's database: {cronned.facts()}\n")
                raise
        facts["cron_said"] = run("journalctl", "-t", "CRON", "-t", "cron", "-o", "cat").stdout
    finish(facts)


if __name__ == "__main__":
    main()
