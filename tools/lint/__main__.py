"""`./run lint`: a line a finding, exit code 1 when there is one.

It reads the files that differ from where this branch began (what is committed, what is not, what git does not know
yet); mypy and import-linter look at the whole, since a change here may be a mistake there.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed

from tools.lint import files, programs, rules

EXAMPLES = """examples:
  ./run lint                   what this branch has changed
  ./run lint --since HEAD      what is not committed
  ./run lint --all             everything, as ./run test does
"""
# The slow ones first: they set how long it takes.
CHECKS: dict[str, Callable[[list[str]], list[str]]] = {
    "mypy": programs.mypy,
    "sqlfluff": programs.sqlfluff,
    "import-linter": programs.import_linter,
    "ruff": programs.ruff,
    "squawk": programs.squawk,
    "shell": programs.shell,
    "rules": rules.check,
}


def main() -> int:
    """Run all checks side by side; print findings as they come."""
    parser = argparse.ArgumentParser(
        prog="./run lint", description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--all", action="store_true", help="every file")
    which.add_argument("--since", metavar="REVISION", help="what differs from this revision")
    options = parser.parse_args()
    began = time.monotonic()
    try:
        paths = files.everything() if options.all else files.changed(options.since)
    except ValueError as error:
        parser.error(str(error))
    except OSError:
        paths = files.everything()
    findings = 0
    with ThreadPoolExecutor(max(2, os.cpu_count() or 1)) as threads:
        running = {threads.submit(check, paths): name for name, check in CHECKS.items()}
        for ended in as_completed(running):
            for line in ended.result():
                findings += 1
                print(f"{line}  ({running[ended]})", flush=True)
    print(f"lint: {len(paths)} files, {findings} findings, {time.monotonic() - began:.1f} s", file=sys.stderr)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
