"""The ffmpeg builds that media tests run on: the one on PATH and, when it has been fetched, the newest that comes as a wheel."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

NEWEST = Path(__file__).resolve().parent.parent / ".venv" / "media-tools-newest"  # where `run` installs requirements-ffmpeg-newest.lock
WHICH = ("first", "newest", "both")


@dataclass(frozen=True, slots=True)
class Build:
    """`folder` goes in front of PATH; None for what is there already."""

    name: str
    folder: Path | None


def builds(which: str, newest: Path = NEWEST) -> list[Build]:
    """The builds that `--ffmpeg` names.

    Raises:
        ValueError: there is no such word, or the newest has not been fetched.
    """
    if which not in WHICH:
        raise ValueError(f"--ffmpeg is {', '.join(WHICH)}, not {which}")
    first, other = Build("first", None), Build("newest", newest / "bin")
    if which != "first" and shutil.which("ffprobe", path=str(newest / "bin")) is None:
        raise ValueError(f"no ffmpeg in {newest}; see requirements-ffmpeg-newest.lock and run")
    return {"first": [first], "newest": [other], "both": [first, other]}[which]
