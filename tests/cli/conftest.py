"""Run `reelq` as its users do: the command line in, exit code, stdout and stderr out."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from reelq.cli.main import main
from reelq.worker import settings


@dataclass(frozen=True)
class Result:
    """What a command left."""

    code: int
    out: str
    err: str

    @property
    def rows(self) -> list[dict[str, Any]]:
        """stdout as JSON, an object a line."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def row(self) -> dict[str, Any]:
        (row,) = self.rows
        return row


Reelq = Callable[..., Result]


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Reelq:
    """reelq(*words) without any settings in the environment."""
    for name in settings.environment():
        if name.startswith(("REELQ_", "PG", "DATABASE_URL")):
            monkeypatch.delenv(name)

    def run(*words: object) -> Result:
        capsys.readouterr()
        code = main([str(word) for word in words])
        told = capsys.readouterr()
        return Result(code, told.out, told.err)

    return run


@pytest.fixture
def reelq(bare: Reelq, dsn: str, store_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Reelq:
    """reelq(*words) on this test's database and store."""
    monkeypatch.setenv("DATABASE_URL", dsn)
    monkeypatch.setenv("REELQ_STORE", store_dir.as_uri())
    return bare


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """A file to bring in; nobody decodes it here."""
    path = tmp_path / "clip.mp4"
    path.write_bytes(b"not looked at")
    return path
