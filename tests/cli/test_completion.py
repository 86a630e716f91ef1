"""Completion, as bash runs it: what the database knows is offered, and nothing, in silence, when it does not answer."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BREAKS = "$' \\t\\n\"'\\''><=;|&(:'"  # bash's own, with the colon


@pytest.fixture
def complete(reelq, dsn, tmp_path):
    """complete(line, url): what bash offers after the line, and what was printed."""
    if shutil.which("bash") is None:
        pytest.skip("no bash here")
    program = tmp_path / "bin" / "reelq"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m reelq.cli.main "$@"\n')
    program.chmod(0o755)
    script = tmp_path / "reelq.bash"
    script.write_text(reelq("completion", "bash").out)

    def run(line: str, url: str = dsn) -> list[str]:
        words = f'source {script}; COMP_WORDBREAKS={BREAKS}; COMP_LINE=$1; COMP_POINT=${{#1}}; _reelq_completion reelq; printf "%s\\n" "${{COMPREPLY[@]}}"'
        environ = {"PATH": f"{program.parent}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT), "DATABASE_URL": url}
        done = subprocess.run(["bash", "--norc", "-c", words, "bash", line], capture_output=True, text=True, check=True, env=environ)
        assert done.stderr == ""
        return done.stdout.split()

    return run


def test_what_the_database_knows_is_offered(complete, reelq, clip, conn):
    reelq("tenants", "create", "acme")
    video = reelq("ingest", clip, "--json").row["video_id"]
    job = reelq("jobs", "enqueue", "no_op", "--json").row["job_id"]
    conn.execute("select queue.register_worker('enc1:gpu:1:ab', 'enc1', 1, '0', 'gpu', 1, null, '{}')")
    assert complete("reelq jobs enqueue video") == ["video_transcode"]
    assert complete("reelq jobs list --type=extr") == ["extract_metadata"]
    assert complete("reelq pipelines graph ") == ["standard"]
    assert complete("reelq tenants suspend a") == ["acme"]
    assert complete("reelq videos show ") == [video]
    assert job in complete(f"reelq jobs show {job[:13]}")
    assert complete("reelq workers drain --pool ") == ["gpu"]
    # bash begins a new word at a colon: what stands before it is not said again.
    assert complete("reelq workers drain enc1:g") == ["gpu:1:ab"]
    assert "no_op" in complete("reelq queue set-limit type:")
    assert complete("reelq queue pause tenant ac") == ["acme"]
    assert complete("reelq jo") == ["jobs", "job-types"]


@pytest.mark.parametrize("url", ["postgresql://127.0.0.1:1/x", "nonsense", "postgresql://nobody:secret@127.0.0.1:1/x?connect_timeout=9"])
def test_without_a_database_nothing_is_offered_in_silence(complete, url):
    assert complete("reelq jobs enqueue v", url) == []
    assert complete("reelq videos list --status f", url) == ["failed"]
