"""Tests marked `media` run on each ffmpeg build that `--ffmpeg` names; it makes their clips and it is the product's."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.builds import NEWEST, Build, builds


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run each test of media on all builds that were asked for."""
    if metafunc.definition.get_closest_marker("media") is None:
        return
    newest = metafunc.config.getoption("--newest-ffmpeg") or NEWEST
    try:
        found = builds(metafunc.config.getoption("--ffmpeg"), newest)
    except ValueError as error:
        raise pytest.UsageError(str(error)) from error
    metafunc.fixturenames.insert(0, "ffmpeg_build")
    metafunc.parametrize("ffmpeg_build", found, ids=[build.name for build in found], indirect=True, scope="module")


@pytest.fixture(scope="module")
def ffmpeg_build(request: pytest.FixtureRequest) -> Build:
    """Put the build in front of PATH for the tests of one module."""
    build: Build = request.param
    patch = pytest.MonkeyPatch()
    request.addfinalizer(patch.undo)
    if build.folder is not None:
        patch.setenv("PATH", f"{build.folder}{os.pathsep}{os.environ['PATH']}")
        patch.setattr("reelq.worker.av.ffmpeg._versions", {})
    assert build.folder is None or Path(build.folder).is_dir()
    return build
