"""Tests marked `media` run on each ffmpeg build that `--ffmpeg` names; it makes their clips and it is the product's."""

from __future__ import annotations

import os
import shutil
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
    metafunc.parametrize("ffmpeg_build", found, ids=[build.name for build in found], indirect=True, scope="module")


@pytest.fixture(scope="module", autouse=True)  # a name that is only added to those a test asks for is dropped again
def ffmpeg_build(request: pytest.FixtureRequest) -> Build | None:
    """Put the build in front of PATH for the tests of one module that are marked `media`."""
    build: Build | None = getattr(request, "param", None)
    if build is None:
        return None
    patch = pytest.MonkeyPatch()
    request.addfinalizer(patch.undo)
    if build.folder is not None:
        patch.setenv("PATH", f"{build.folder}{os.pathsep}{os.environ['PATH']}")
        patch.setattr("reelq.worker.av.ffmpeg._versions", {})
        found = shutil.which("ffmpeg")
        assert found is not None and Path(found).parent == build.folder
    return build
