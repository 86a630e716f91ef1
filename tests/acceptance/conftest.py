"""Worker processes on this test's database, and a clip to encode."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.acceptance.workerkit import UNHURRIED, WorkerProcess, clip, workers


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip whose ladder takes some seconds."""
    return clip(tmp_path_factory.mktemp("source"))


@pytest.fixture
def quick_env(settings_env: dict[str, str]) -> dict[str, str]:
    """Heartbeats and polls that a test has the patience for; an encode that lasts."""
    return settings_env | UNHURRIED


@pytest.fixture
def start(quick_env: dict[str, str], tmp_path: Path) -> Iterator[Callable[..., WorkerProcess]]:
    """`start("--slots", "2")` runs a worker process."""
    with workers(quick_env, tmp_path) as start_one:
        yield start_one
