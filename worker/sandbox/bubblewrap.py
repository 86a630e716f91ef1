"""The bubblewrap line around a child: no network, no files but two folders, nothing to gain.

Inside, the two folders have the paths that they have outside, so that a command reads the same
with and without the bubble.
"""

from __future__ import annotations

import shutil
from functools import cache
from pathlib import Path

PATH = "/usr/local/bin:/usr/bin:/bin"

# All that a child is told. glibc reserves 64 MB of address space for each thread that allocates; a
# ladder with 60 threads would meet its memory limit with nearly all of it unused.
ENVIRONMENT = {"PATH": PATH, "LANG": "C.UTF-8", "MALLOC_ARENA_MAX": "2"}

# Debian's ffmpeg finds libblas through /etc/alternatives and all libraries through ld.so.cache.
SYSTEM = (
    "--ro-bind", "/usr", "/usr",
    "--ro-bind-try", "/etc/alternatives", "/etc/alternatives",
    "--ro-bind-try", "/etc/ld.so.cache", "/etc/ld.so.cache",
)  # fmt: skip


@cache
def bwrap_path() -> str | None:
    """Where bubblewrap is, None when it is not installed."""
    return shutil.which("bwrap", path=PATH) or shutil.which("bwrap")


def wrap(argv: list[str], *, read: Path | None, write: Path | None) -> list[str]:
    """Return `argv`, which begins with a full path, in a bubble that sees `read`, `write` and the system.

    --as-pid-1 because bwrap's own init hides the CPU time and the memory of the program from
    wait4. No --new-session: the child already leads a session of its own (there is no terminal
    to push keys into), and so it stays in the process group that is killed.
    """
    bwrap = bwrap_path()
    if bwrap is None:
        raise FileNotFoundError("bwrap")
    program = Path(argv[0])
    if not program.is_absolute():  # its folder would be the working directory, and that is bound below
        raise ValueError(f"{argv[0]} is not a full path")
    bubble = [bwrap, "--unshare-all", "--die-with-parent", "--as-pid-1", "--cap-drop", "ALL"]
    bubble += ["--clearenv", *(word for pair in ENVIRONMENT.items() for word in ("--setenv", *pair)), *SYSTEM]
    for name in ("bin", "sbin", "lib", "lib64"):
        old = Path("/") / name
        if old.is_symlink():
            bubble += ["--symlink", str(old.readlink()), str(old)]
        elif old.exists():
            bubble += ["--ro-bind", str(old), str(old)]
    bubble += ["--dev", "/dev", "--tmpfs", "/tmp"]
    # A program that does not come with the system, as from a wheel: its folder and no more.
    for folder in dict.fromkeys((program.parent, program.resolve().parent)):
        if not folder.is_relative_to("/usr") and folder not in (Path("/bin"), Path("/sbin")):
            bubble += ["--ro-bind", str(folder), str(folder)]
    if read is not None:
        bubble += ["--ro-bind", str(read), str(read)]
    if write is not None:
        bubble += ["--bind", str(write), str(write), "--chdir", str(write)]
    return [*bubble, "--", str(program), *argv[1:]]
