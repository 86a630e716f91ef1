"""A machine that boots a real systemd: PID 1 in private namespaces, see boot.sh.

`boot(probe, program, folder)` runs one module of this folder in it as root, with `program` in place of the
reelq command, and returns the facts that the module wrote. Inside, the repository is /opt/reelq/source.
"""

from __future__ import annotations

import functools
import json
import os
import shutil
import stat
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
REPOSITORY = HERE.parent.parent
UNITS = REPOSITORY / "systemd"
PACKAGES = Path(sysconfig.get_path("purelib"))
SYSTEMD = Path("/lib/systemd/systemd")
BOOT_TIMEOUT_S = 360  # a boot takes about a second, a probe up to 30 on an idle machine; what hangs is killed with all its namespaces

# As a wheel in /opt/reelq/venv would have it; the interpreter and the packages are mounted by boot.sh.
ENVIRONMENT = "export PYTHONPATH=/opt/reelq/source:/opt/reelq/packages\nexec /opt/reelq/python/bin/python3 -B"
STAND_IN = f'#!/bin/sh\n{ENVIRONMENT} -m tests.systemd.stand_in "$@"\n'
WORKER = f"""#!/bin/sh\n{ENVIRONMENT} -c 'import sys; from reelq.cli.main import main; sys.exit(main())' "$@"\n"""
PROBE_SERVICE = """[Unit]
Wants=basic.target
After=basic.target
[Service]
Type=oneshot
TimeoutStartSec=300
Environment=PYTHONPATH=/opt/reelq/source:/opt/reelq/packages
ExecStart=/opt/reelq/python/bin/python3 -B -m tests.systemd.{probe}
StandardOutput=file:/mnt/log
StandardError=inherit
ExecStopPost=/bin/systemctl poweroff --force
"""
PROBE_TARGET = "[Unit]\nWants=probe.service\nAfter=probe.service\n"


@functools.cache
def no_machine() -> str:
    """Why no systemd can be booted here; empty when it can."""
    if sys.platform != "linux" or not SYSTEMD.exists():
        return "no systemd on this system"
    if os.geteuid() != 0:
        return "booting a systemd takes root"
    for tool in ("unshare", "pivot_root", "mount"):
        if shutil.which(tool) is None:
            return f"{tool} is not installed"
    for folder in (REPOSITORY, Path(sys.base_prefix), PACKAGES):
        if not folder.stat().st_mode & stat.S_IXOTH:
            return f"{folder} is closed to other users, so to the account reelq as well"
    overlay = "mkdir /tmp/a /tmp/b && mount -t overlay o -o lowerdir=/usr,upperdir=/tmp/a,workdir=/tmp/b /mnt"
    trial = "mount --make-rprivate / && mount -t cgroup2 none /mnt && mount -t tmpfs none /tmp && " + overlay
    tried = subprocess.run(
        ["unshare", "--mount", "--pid", "--fork", "--uts", "--ipc", "--cgroup", "--net", "sh", "-c", trial],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return "" if tried.returncode == 0 else f"no namespaces or overlay here: {tried.stderr.strip()[-200:]}"


def boot(probe: str, program: str, folder: Path) -> dict[str, Any]:
    """Boot a machine, run `tests.systemd.<probe>` in it, return its facts; `folder` is scratch for this.

    Skips the test where no machine can be booted.
    """
    reason = no_machine()
    if reason:
        pytest.skip(reason)
    work, shared = folder / "work", folder / "shared"
    units, reelq = shared / "root/etc/systemd/system", shared / "root/opt/reelq/venv/bin/reelq"
    for new in (work, units, reelq.parent):
        new.mkdir(parents=True)
    (units / "probe.service").write_text(PROBE_SERVICE.format(probe=probe), encoding="utf-8")
    (units / "probe.target").write_text(PROBE_TARGET, encoding="utf-8")
    reelq.write_text(program, encoding="utf-8")
    for made in (shared, *shared.rglob("*")):
        made.chmod(0o755)  # the workers in there are not root
    command = ["sh", str(HERE / "boot.sh"), *map(str, (work, shared, REPOSITORY, sys.base_prefix, PACKAGES))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=BOOT_TIMEOUT_S, check=False)
    facts, log = shared / "facts.json", shared / "log"
    if not facts.exists():
        told = log.read_text(encoding="utf-8", errors="replace") if log.exists() else "nothing was written"
        said = f"the probe did not end well ({done.returncode} {done.stderr[-500:]}):\n{told[-6000:]}"
        pytest.fail(said, pytrace=False)
    seen: dict[str, Any] = json.loads(facts.read_text(encoding="utf-8"))
    return seen
