"""`./run test --mutants [WORDS]`: build each mutant, run the tests that have to notice it, and list those that nobody noticed.

Two at a time, each on a private server. Exit code 1 when a mutant survived or did not install.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from reelq.worker.db import schema
from tests.mutants.table import MUTANTS, Mutant

REPO = Path(__file__).resolve().parent.parent.parent
TIMEOUT_S = 600
EXAMPLES = """
examples:
  ./run test --mutants                   all of them
  ./run test --mutants limit pause       those with one of these words in their names
  ./run test --mutants --list            what there is
"""


def verdict(code: int, output: str) -> str:
    """Caught means that a test failed, not that the mutant could not be built or no test was found."""
    if "the schema does not install" in output or "errors during collection" in output:
        return "broken"
    return {0: "survived", 1: "caught"}.get(code, "broken")


def run(mutant: Mutant) -> tuple[Mutant, str, float, str]:
    """Build it in a copy of sql/, run its tests; the verdict, seconds, and what pytest said."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="reelq-mutant-") as folder:
        root = Path(folder) / "sql"
        shutil.copytree(schema.ROOT, root)
        mutant.apply(root)
        command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "--no-shrink", "--sql-root", str(root), *mutant.tests]
        try:
            done = subprocess.run(command, cwd=REPO, capture_output=True, text=True, check=False, timeout=TIMEOUT_S)
            output, told = done.stdout + done.stderr, verdict(done.returncode, done.stdout + done.stderr)
        except subprocess.TimeoutExpired as late:
            output, told = f"no end after {late.timeout:.0f} s", "caught"  # a test that hangs fails
    return mutant, told, time.monotonic() - began, output


def main() -> int:
    """Run them; 1 unless all were caught."""
    parser = argparse.ArgumentParser(
        prog="./run test --mutants", description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("words", nargs="*", help="run those with one of these words in their names")
    parser.add_argument("--list", action="store_true", help="only list them")
    parser.add_argument("--jobs", type=int, default=2, help="so many at a time (2)")
    asked = parser.parse_args()
    chosen = [mutant for mutant in MUTANTS if not asked.words or any(word in mutant.name for word in asked.words)]
    if asked.list:
        print("\n".join(f"{mutant.name:45} {' '.join(mutant.tests)}" for mutant in chosen))
        return 0
    bad = []
    with ThreadPoolExecutor(asked.jobs) as pool:
        for mutant, told, seconds, output in pool.map(run, chosen):
            print(f"{told:9} {seconds:5.0f} s  {mutant.name}", flush=True)
            if told != "caught":
                bad.append(mutant.name)
                print("\n".join(f"          {line}" for line in output.splitlines()[-15:]))
    print(f"{len(chosen) - len(bad)} of {len(chosen)} caught" + (f"; not caught: {', '.join(bad)}" if bad else ""))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
