"""The wheel, installed without network into an environment of its own, beside a project whose names are also ours."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest

from reelq.worker import __version__
from reelq.worker.db import schema

ROOT = Path(__file__).resolve().parents[2]
# Modules and folders that a video project may well have; reelq's own checkout has them all.
PROJECT = ("worker.py", "cli.py", "demo.py", "tools.py", "benchmarks.py")


def run(*command: str | Path, cwd: Path) -> str:
    """Its standard output; no checkout is on the path."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "REELQ_", "PG", "DATABASE_"))}
    done = subprocess.run(list(map(str, command)), cwd=cwd, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}"
    return done.stdout


def build(source: Path, target: str, folder: Path) -> Path:
    """The wheel or sdist of a source tree."""
    run(sys.executable, "-m", "hatchling", "build", "-t", target, "-d", folder, cwd=source)
    (built,) = folder.iterdir()
    return built


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(ROOT, "wheel", tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bin/ of an environment with the wheel and, by a .pth file, the dependencies that the tests have."""
    venv = tmp_path_factory.mktemp("venv")
    run(sys.executable, "-m", "venv", "--without-pip", venv, cwd=venv)
    run(
        sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", venv / "bin" / "python",
        "install", "-q", "--no-deps", "--no-index", wheel, cwd=venv,
    )  # fmt: skip
    (packages,) = venv.glob("lib/python*/site-packages")
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    return venv / "bin"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with modules of our names, and a folder sql/ without our files."""
    for name in PROJECT:
        (tmp_path / name).write_text("whose = 'the project'\n", encoding="utf-8")
    (tmp_path / "sql").mkdir()
    return tmp_path


def contents(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_the_wheel_has_one_top_level_package(wheel: Path) -> None:
    files = contents(wheel)
    assert {name.split("/")[0] for name in files} == {"reelq", f"reelq-{__version__}.dist-info"}
    packaged = {name.removeprefix("reelq/sql/") for name in files if name.startswith("reelq/sql/") and name.endswith(".sql")}
    assert packaged == {path.relative_to(ROOT / "sql").as_posix() for path in (ROOT / "sql").rglob("*.sql")}


def test_a_wheel_from_the_sdist_is_the_same(wheel: Path, tmp_path: Path) -> None:
    sdist = build(ROOT, "sdist", tmp_path / "sdist")
    with tarfile.open(sdist) as archive:
        if hasattr(tarfile, "data_filter"):  # not in Debian 12's Python 3.11.2
            archive.extraction_filter = tarfile.data_filter
        archive.extractall(tmp_path / "source")
    (source,) = (tmp_path / "source").iterdir()
    assert contents(build(source, "wheel", tmp_path / "again")) == contents(wheel)


def test_the_modules_of_a_project_stay_its_own(installed: Path, project: Path) -> None:
    for name in PROJECT:
        module = name.removesuffix(".py")
        said = run(installed / "python", "-c", f"import reelq.cli.main, {module}; print({module}.whose)", cwd=project)
        assert said == "the project\n"


def test_the_worker_imports_from_the_package(installed: Path, project: Path) -> None:
    said = run(installed / "python", "-c", "import reelq.worker.runtime.runner as r; print(r.__file__)", cwd=project)
    assert Path(said.strip()).is_relative_to(installed.parent)


def test_the_command_works_inside_such_a_project(installed: Path, project: Path) -> None:
    assert __version__ in run(installed / "reelq", "--version", cwd=project)
    for command in ([installed / "reelq"], [installed / "python", "-m", "reelq.cli.main"]):
        assert "Usage: " in run(*command, "--help", cwd=project)
        assert run(*command, "schema", "print", cwd=project) == schema.script()
