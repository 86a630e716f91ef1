"""./run demo in a folder of its own: end to end, kept and stopped, interrupted, refused."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from demo import postgres
from demo.stack import WORKERS, Stack
from reelq.worker import settings

ROOT = Path(__file__).resolve().parent.parent.parent


def start(folder: Path, *words: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "demo", "--folder", str(folder), *map(str, words)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def run(folder: Path, *words: object) -> tuple[int, str, str]:
    child = start(folder, *words)
    out, err = child.communicate(timeout=240)
    return child.returncode, out, err


def is_down(folder: Path) -> bool:
    workers = [Stack(folder).worker_pid(number) for number in range(1, WORKERS + 1)]
    return postgres.find(folder / "postgres") is None and workers == [None] * WORKERS


@pytest.fixture
def folder(tmp_path):
    """A folder whose stack is taken down whatever happens."""
    yield tmp_path / "demo data"
    Stack(tmp_path / "demo data").stop()


@pytest.fixture
def clip(tmp_path):
    """A second of a small test picture without sound."""
    path = tmp_path / "a 'small' clip.mp4"
    source = ["-f", "lavfi", "-i", "testsrc=s=320x240:r=25:d=1"]
    ffmpeg = settings.environment().get("REELQ_FFMPEG") or "ffmpeg"
    subprocess.run([ffmpeg, "-v", "error", *source, "-pix_fmt", "yuv420p", f"file:{path}"], check=True)
    return path


def test_files_go_through_and_the_stack_stays_until_it_is_stopped(folder, clip, tmp_path):
    (tmp_path / "bad.mp4").write_text("no video")
    code, out, err = run(folder, "--keep", clip)
    assert code == 0, err
    assert "h264-240p" in out
    assert "./run demo --stop" in out
    (made,) = (folder / "made").iterdir()
    assert {path.name for path in made.iterdir()} == {"h264-240p.mp4", "poster.jpg", "contact-sheet.jpg"}
    assert all(path.stat().st_size > 500 for path in made.iterdir())
    server = postgres.find(folder / "postgres")
    assert server is not None

    code, out, err = run(folder, tmp_path / "bad.mp4")  # a later run goes on with what is up, and tells what failed
    assert (code, "failed: unreadable_media" in out) == (1, True)
    assert "videos in the database: 2" in err
    again = postgres.find(folder / "postgres")
    assert again is not None and again.pid == server.pid

    assert run(folder, "--stop")[0] == 0
    assert is_down(folder)
    assert "Nothing was up" in run(folder, "--stop")[2]


def test_wrong_use_starts_nothing(folder, clip):
    code, _, err = run(folder, clip, folder / "missing.mp4")
    assert (code, "must be an existing file" in err, folder.exists()) == (2, True, False)
    assert run(folder, "--stop", clip)[0] == 2


def test_an_interrupt_takes_everything_down(folder):
    child = start(folder)
    assert child.stderr is not None
    while not child.stderr.readline().startswith("Up after"):
        assert child.poll() is None
    os.kill(child.pid, signal.SIGTERM)
    _, err = child.communicate(timeout=60)
    assert (child.returncode, "Interrupted." in err) == (130, True)
    assert is_down(folder)
    with pytest.raises(FileNotFoundError):
        (folder / "scratch").stat()
