"""What operators set in the database reaches a worker at work; what its own environment says wins, and is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
import pytest
import structlog

from reelq.worker import logs
from reelq.worker.jobs.context import JobContext
from reelq.worker.rooms.ops import config, flags
from reelq.worker.runtime import live_settings
from reelq.worker.runtime.runner import Runner
from tests.worker.runnerkit import ended, enqueue, handler, until, working

Conn = psycopg.Connection[Any]


def test_a_worker_follows_without_a_restart(dsn: str, conn: Conn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_settings, "LOOK_S", 0.01)
    levels: list[str] = []
    monkeypatch.setattr(logs, "set_level", levels.append)

    def run(ctx: JobContext) -> dict[str, Any]:
        return {"preset": ctx.settings.ffmpeg_preset, "most": ctx.settings.max_download_bytes, "poll_s": ctx.settings.poll_s}

    def now(runner: Runner, name: str, expected: Any) -> bool:
        return bool(getattr(runner.loop.live.current, name) == expected)

    with structlog.testing.capture_logs() as told, working(dsn, tmp_path, {"no_op": handler(run)}, drain_grace_s=60.0) as worker:
        runner = worker.runner
        assert ended(conn, enqueue(conn))["result_data"] == {"preset": "veryfast", "most": 20_000_000_000, "poll_s": 0.2}
        for key, value in (("ffmpeg_preset", "slow"), ("max_download_bytes", "5MB"), ("log_level", "debug"), ("poll_s", "7s"), ("drain_grace_s", "2h")):
            config.set_value(conn, f"worker.{key}", value)
        until(lambda: now(runner, "log_level", "debug") and now(runner, "ffmpeg_preset", "slow") and now(runner, "max_download_bytes", 5_000_000))
        # The test's worker has flags for these two, which win.
        assert ended(conn, enqueue(conn))["result_data"] == {"preset": "slow", "most": 5_000_000, "poll_s": 0.2}
        assert runner.loop.leaving.grace_s == 60.0
        config.set_value(conn, "worker.ffmpeg_preset", None)
        until(lambda: now(runner, "ffmpeg_preset", "veryfast"))
        assert "debug" in levels
    overridden = {(one["name"], one["database"]) for one in told if one["event"] == "config.overridden"}
    assert overridden >= {("poll_s", "7s"), ("drain_grace_s", "2h")}
    changed = [(one["name"], one["value"]) for one in told if one["event"] == "config.changed"]
    assert changed.count(("ffmpeg_preset", "slow")) == 1
    assert ("ffmpeg_preset", "veryfast") in changed


def test_a_job_asks_for_the_flags_of_its_own_tenant(dsn: str, conn: Conn, tmp_path: Path) -> None:
    tenants = [conn.execute("select identity.create_tenant(%s)", [slug]).fetchone()[0] for slug in ("acme", "beta")]  # type: ignore[index]
    flags.set_flag(conn, "test.flag", {"enabled": True})
    flags.set_flag_for(conn, "test.flag", "acme", None, True)
    with working(dsn, tmp_path, {"no_op": handler(lambda ctx: {"is_on": ctx.is_flag_on("test.flag"), "other": ctx.is_flag_on("test.other")})}):
        found = [ended(conn, enqueue(conn, tenant_id=tenant))["result_data"] for tenant in tenants]
    assert found == [{"is_on": True, "other": False}, {"is_on": False, "other": False}]
