"""Inside the machine: the README's commands with the real worker, a private Postgres and real encodes."""

from __future__ import annotations

import re
import signal
import sys
import time
from os import kill
from pathlib import Path
from typing import Any

import psycopg

from demo import postgres
from tests.systemd.inside import SOURCE, STATE, alive, drop_in, finish, run, state, unit, until

CPU = "reelq-worker@cpu"
INCOMING = Path("/srv/incoming")
# The unit's 5 s, 10 s and 90 s, in less time.
QUICK = "[Unit]\nStartLimitIntervalSec=1s\n[Service]\nRestartSec=500ms\nWatchdogSec=6s\n"


class Bench:
    """The machine's database and what the steps share."""

    def __init__(self, server: postgres.Server) -> None:
        self.server = server
        self.facts: dict[str, Any] = {}
        with psycopg.connect(server.url(), autocommit=True) as conn:
            conn.execute("create database reelq")

    def rows(self, query: str, *args: Any) -> list[tuple[Any, ...]]:
        """Ask the database, as its owner."""
        with psycopg.connect(self.server.url("reelq"), autocommit=True) as conn:
            return conn.execute(query.encode(), args).fetchall()

    def reelq(self, *words: str) -> Any:
        """The command line, as the owner."""
        return run("env", f"DATABASE_URL={self.server.url('reelq')}", "/opt/reelq/venv/bin/reelq", *words)

    def ingest(self, name: str) -> str:
        """Send a clip in; return the video's id."""
        told = self.reelq("ingest", "--json", str(INCOMING / name))
        found = re.search(r'"video_id": ?"([^"]+)"', told.stdout)
        if not found:
            raise RuntimeError(f"ingest: {told.stdout}{told.stderr}")
        return found[1]

    def video(self, video_id: str) -> tuple[Any, ...]:
        """Status, error code and message."""
        (row,) = self.rows("select status, error_code, error_message from media.videos where id = %s", video_id)
        return row

    def wait_for(self, video_id: str, wanted: str) -> None:
        """Until a video is ready; what it ends as is told otherwise."""
        until(f"the video is {wanted}", lambda: self.video(video_id)[0] in (wanted, "ready", "failed"))
        if self.video(video_id)[0] != wanted:
            raise RuntimeError(f"{self.video(video_id)}: {run('journalctl', '-u', CPU, '-o', 'cat').stdout[-3000:]}")

    def encoding(self) -> int:
        """Wait for an ffmpeg that encodes the ladder; return its process id."""
        until("an encode runs", lambda: self.rows(
            "select 1 from queue.leases as l join queue.processing_jobs as j on j.id = l.job_id"
            " where j.job_type = 'video_transcode' and l.progress > 0"
        ))  # fmt: skip
        return int(until("ffmpeg shows", lambda: run("pgrep", "-n", "-x", "ffmpeg").stdout.strip()))

    def attempts(self, video_id: str) -> list[tuple[Any, ...]]:
        """What became of each attempt at the ladder."""
        return self.rows(
            "select a.outcome, j.attempts from queue.job_attempts as a join queue.processing_jobs as j on j.id = a.job_id"
            " where j.video_id = %s and j.job_type = 'video_transcode' order by a.attempt",
            video_id,
        )


def readme(bench: Bench) -> None:
    """Run commands 3 to 9 as they are printed, with the addresses of this machine."""
    text = (SOURCE / "systemd" / "README.md").read_text(encoding="utf-8")
    commands = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)[0].splitlines()
    bench.facts["commands"] = len(commands)
    url = bench.server.url("reelq")
    told = []
    for line in commands[2:-1]:
        line = re.sub(r"\?sslmode=verify-full[^' ]*", "", line)  # the server of this machine speaks no TLS
        line = line.replace("postgresql://reelq_host:secret@db.example/reelq", url.replace("postgres@", "reelq_host@"))
        line = line.replace("postgresql://owner@db.example/reelq", url)
        done = run("sh", "-c", f"cd {SOURCE} && {line}")
        told.append({"line": line, "said": done.stdout + done.stderr})
        if done.returncode != 0:
            raise RuntimeError(f"{told[-1]}")
        if "worker.env" in line:
            with Path("/etc/reelq/worker.env").open("a", encoding="utf-8") as settings:
                settings.write(f"REELQ_SOURCE_ROOTS={INCOMING}\n")
            drop_in("reelq-worker@", QUICK)
        if "schema install" in line:
            with psycopg.connect(url, autocommit=True) as conn:
                conn.execute("create role reelq_host login in role reelq_worker")
    bench.facts["readme"] = told
    bench.facts["started"] = unit(CPU)


def encode(bench: Bench) -> None:
    """A video from file to renditions, by the unit as it is shipped."""
    video = bench.ingest("short.mp4")
    bench.wait_for(video, "ready")
    bench.facts["made"] = bench.rows(
        "select v.profile, v.width, v.height, o.size_bytes, v.frames from media.variants as v inner join media.objects as o on o.id = v.object_id"
        " join media.videos as d on d.asset_id = v.asset_id where d.id = %s order by v.profile",
        video,
    )
    bench.facts["objects"] = [str(path) for path in (STATE / "objects").rglob("*") if path.is_file()]
    bench.facts["encoded"] = unit(CPU)


def crash(bench: Bench) -> None:
    """kill -9 in the middle of an encode."""
    video = bench.ingest("long.mp4")
    ffmpeg = bench.encoding()
    worker = int(unit(CPU)["MainPID"])
    nets = [Path(f"/proc/{pid}/ns/net").readlink() for pid in (ffmpeg, worker)]
    bench.facts["ffmpeg_has_own_network"] = nets[0] != nets[1]
    bench.facts["ffmpeg_memory_limit"] = Path(f"/proc/{ffmpeg}/limits").read_text(encoding="ascii")
    kill(worker, signal.SIGKILL)
    until("the restart", lambda: int(unit(CPU)["NRestarts"]) > int(bench.facts["encoded"]["NRestarts"]))
    bench.facts["ffmpeg_survived"] = alive(ffmpeg)
    bench.facts["restarted"] = state(CPU, "active")
    bench.wait_for(video, "ready")
    bench.facts["after_crash"] = bench.attempts(video)


def drain(bench: Bench) -> None:
    """Stop in the middle of an encode: it is finished first. Then a second time, with a second signal."""
    video = bench.ingest("long.mp4")
    ffmpeg = bench.encoding()
    run("systemctl", "stop", "--no-block", CPU, check=True)
    state(CPU, "deactivating")
    bench.facts["draining"] = alive(ffmpeg)
    bench.facts["drained"] = state(CPU, "inactive", "failed")
    bench.facts["after_drain"] = bench.attempts(video)

    run("systemctl", "start", CPU, check=True)
    bench.wait_for(video, "ready")
    video = bench.ingest("long.mp4")
    ffmpeg = bench.encoding()
    run("systemctl", "stop", "--no-block", CPU, check=True)
    state(CPU, "deactivating")
    began = time.monotonic()
    run("systemctl", "kill", "--kill-whom=main", CPU, check=True)
    bench.facts["left"] = state(CPU, "inactive", "failed")
    bench.facts["left_in_s"] = time.monotonic() - began
    bench.facts["left_ffmpeg"] = alive(ffmpeg)
    bench.facts["after_leaving"] = bench.attempts(video)
    bench.facts["scratch"] = [str(path) for path in Path("/var/cache/reelq/cpu").rglob("*") if path.is_file()]
    bench.rows("select queue.cancel_job(j.id) from queue.processing_jobs as j where j.status = 'queued'")


def outages(bench: Bench) -> None:
    """Database away before the start, and under an idle worker; then wrong settings; then a drain by command."""
    bench.server.stop()
    bench.facts["away_start"] = run("systemctl", "start", CPU).returncode
    until("three tries", lambda: int(unit(CPU)["NRestarts"]) >= 3)
    tried = unit(CPU)
    bench.server.start()
    bench.facts["back"] = {**state(CPU, "active"), "tried": tried}
    pid = unit(CPU)["MainPID"]
    bench.server.restart()
    video = bench.ingest("short.mp4")
    bench.wait_for(video, "ready")
    bench.facts["same_worker"] = unit(CPU)["MainPID"] == pid

    asked = bench.reelq("workers", "drain", "--pool", "cpu")
    if asked.returncode != 0:
        raise RuntimeError(f"workers drain: {asked.stdout}{asked.stderr}")
    bench.facts["asked"] = state(CPU, "inactive", "failed")

    Path("/etc/reelq/worker-typo.env").write_text("REELQ_SLOTZ=1\n", encoding="utf-8")
    run("systemctl", "start", "reelq-worker@typo")
    bench.facts["typo"] = state("reelq-worker@typo", "failed")
    bench.facts["typo_journal"] = run("journalctl", "-u", "reelq-worker@typo", "-o", "cat").stdout
    bench.facts["broken"] = bench.rows("select * from queue.verify()")


def give_up(*_: object) -> None:
    """systemd ends the probe when it takes too long."""
    raise RuntimeError("time is up")


def main() -> None:
    """Set up, run all, hand the facts out."""
    signal.signal(signal.SIGTERM, give_up)
    INCOMING.mkdir(parents=True)
    for name, seconds, size in (("short", 1, "640x360"), ("long", 8, "1280x720")):
        source = ["-f", "lavfi", "-i", f"testsrc2=s={size}:r=30:d={seconds}", "-f", "lavfi", "-i", f"sine=d={seconds}"]
        encoder = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "aac"]
        run("ffmpeg", "-v", "error", *source, *encoder, str(INCOMING / f"{name}.mp4"), check=True)
    run("chmod", "-R", "a+rX", str(INCOMING))
    with postgres.throwaway() as server:
        bench = Bench(server)
        for step in (readme, encode, crash, drain, outages):
            began = time.monotonic()
            try:
                step(bench)
            except Exception:
                sys.stderr.write(run("journalctl", "-u", "reelq-worker@*", "-o", "cat").stdout[-5000:])
                raise
            sys.stderr.write(f"{step.__name__}: {time.monotonic() - began:.1f} s\n")
        finish(bench.facts)


if __name__ == "__main__":
    main()
