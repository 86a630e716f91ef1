"""What a child of the sandbox runs first: it takes its limits on, then becomes the program.

A script and no preexec_fn: between fork and exec of a process with threads no Python may run.
Called as `python -I -S launch.py '{"parent": …}' program argument…`; it imports nothing of ours.

The kernel sends the death signal when the thread that forked ends, not the process. That is
right here because run_child waits in the very thread that started the child.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import signal
import sys

PR_SET_PDEATHSIG = 1  # linux/prctl.h
CANNOT_RUN = 127  # what shells say when a program is not there


def main() -> None:
    """Take the limits of the first argument on and exec the rest."""
    limits: dict[str, int] = json.loads(sys.argv[1])
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        # The parent may have died before the line above: then no signal will ever come.
        if os.getppid() != limits["parent"]:
            os._exit(CANNOT_RUN)
    for name in ("AS", "CPU", "FSIZE", "CORE", "NOFILE"):
        kind = getattr(resource, f"RLIMIT_{name}")
        hard = resource.getrlimit(kind)[1]
        value = limits[name] if hard == resource.RLIM_INFINITY else min(limits[name], hard)
        resource.setrlimit(kind, (value, value))
    os.nice(limits["nice"])
    # Python ignores these two; a program that inherits that would not notice a closed pipe or a full quota.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    try:
        os.execvp(sys.argv[2], sys.argv[2:])
    except OSError as error:
        sys.stderr.write(f"{sys.argv[2]}: {error.strerror}\n")
        sys.stderr.flush()
        os._exit(CANNOT_RUN)


if __name__ == "__main__":
    main()
