"""docs/jobs.md runs word for word from an empty folder, its package installs, and it names what `reelq` offers."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import reelq
from reelq import JobContext
from reelq.worker import settings
from tests.cli import jobsdoc

PAGE = jobsdoc.PAGE.read_text(encoding="utf-8")
NAMES = PAGE.split("From `reelq` one imports:")[1]


@pytest.mark.skipif(not all(map(shutil.which, ("psql", "bash", "ffmpeg"))), reason="psql, bash or ffmpeg is not installed")
def test_the_tutorial_runs_word_for_word(empty_dsn: str, tmp_path: Path) -> None:
    folder = tmp_path / "previews"
    folder.mkdir()
    told = jobsdoc.run(PAGE, folder, empty_dsn)
    assert len(told) > 20
    wrong = [f"$ {one.command}\n{one.printed}-- and the page says\n{one.shown}" for one in told if not jobsdoc.agrees(one.shown, one.printed)]
    assert wrong == [], "run: python -m tools.pages jobs\n" + "\n".join(wrong)


def test_a_wrong_output_would_be_found() -> None:
    assert jobsdoc.agrees("a  1.2 s\n…\nz\n", "a 3 s\nb\nc\nz\n") and jobsdoc.agrees("…\nz", "z")
    assert not jobsdoc.agrees("a\n", "b\n") and not jobsdoc.agrees("", "Traceback\n") and not jobsdoc.agrees("a\n…\n", "b\na\n")


def test_the_page_names_the_whole_face() -> None:
    rows = [line.split("|")[1] for line in NAMES.splitlines() if line.startswith("| `")]
    assert {name for row in rows for name in re.findall(r"`(\w+)`", row)} == set(reelq.FACE)
    assert all(hasattr(reelq, name) for name in reelq.FACE) and dir(reelq) == sorted(reelq.FACE)
    (offered,) = re.findall(r"\| `JobContext` \| what a handler gets; .* explains each: (.*) \|", NAMES)
    assert [name for name in re.findall(r"`(\w+)`", offered) if not hasattr(JobContext, name)] == []


def test_the_face_is_the_same_for_type_checkers() -> None:
    text = Path(reelq.__file__).read_text(encoding="utf-8")
    assert {name: module for module, name in re.findall(r"^    from (\S+) import (\w+) as \2$", text, re.MULTILINE)} == reelq.FACE


def test_the_face_loads_what_is_asked_for_and_no_more() -> None:
    code = "import reelq, sys; reelq.PermanentError; sys.exit('reelq.worker.jobs.context' in sys.modules or 'boto3' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": str(jobsdoc.ROOT)})
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        reelq.nothing  # noqa: B018


def test_the_package_installs_and_is_found_by_its_entry_point(tmp_path: Path) -> None:
    pytest.importorskip("hatchling")
    source, target = tmp_path / "source", tmp_path / "target"
    for name, content in jobsdoc.files(PAGE).items():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_text(content)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--no-build-isolation", "--target", str(target), str(source)]
    done = subprocess.run(pip, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    code = "from reelq.worker.runtime import handler_search as s; print([one.name for one in s.search([])])"
    environ = {**os.environ, "PYTHONPATH": f"{jobsdoc.ROOT}:{target}"}
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environ, cwd=tmp_path)
    assert found.stdout == "['preview_part', 'preview_video']\n"


def test_the_pools_settings_are_taken_and_its_unit_is_understood(tmp_path: Path) -> None:
    (lines,) = [content for _, kind, content in jobsdoc.PART.findall(PAGE) if kind == "ini"]
    loaded = settings.load(dict(re.findall(r"^([A-Z_]+)=(.*)$", lines, re.MULTILINE)))
    assert (loaded.types, loaded.handlers, loaded.slots) == (("preview_video", "preview_part"), ("previews.jobs",), 2)
    unit = (jobsdoc.ROOT / "systemd" / "reelq-worker@.service").read_text(encoding="utf-8")
    assert "EnvironmentFile=-/etc/reelq/worker-%i.env" in unit and "/etc/reelq/worker-previews.env" in PAGE
    if shutil.which("systemd-analyze"):
        (tmp_path / "reelq-worker@.service").write_text(re.sub(r"(?m)^ExecStart=\S+", "ExecStart=/bin/true", unit))
        shutil.copy(jobsdoc.ROOT / "systemd" / "reelq-worker.target", tmp_path)
        command = ["systemd-analyze", "verify", str(tmp_path / "reelq-worker@previews.service")]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (done.stdout + done.stderr, done.returncode) == ("", 0)
