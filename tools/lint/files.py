"""Which files there are, and which of them have changed."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NOT_OURS = {"__pycache__", "dist", "demo-data"}
# What a branch was made from, in this order of preference.
TRUNKS = ("origin/HEAD", "main", "master")


def everything() -> list[str]:
    """All files of the checkout, relative to it. Links are left out: they lead to what is here anyway.

    So are Python files beside README.md: somebody has followed it there, and none of ours lies there.
    """
    found = [".ci/run"]
    for folder, below, names in os.walk(ROOT):
        below[:] = [name for name in below if not name.startswith(".") and name not in NOT_OURS]
        ours = [name for name in names if folder != str(ROOT) or not name.endswith(".py")]
        found += [str(Path(folder, name).relative_to(ROOT)) for name in ours]
    return sorted(found)


def changed(since: str | None = None) -> list[str]:
    """The files that differ from where this branch began (or from `since`), with those that git does not know yet.

    Raises:
        ValueError: there is no such revision.
        OSError: no git here; a tree without a history, too, is for `everything` to check.
    """
    if _git("rev-parse", "--git-dir") is None:
        raise OSError("this is no git checkout")
    base = _base(since)
    names = (_git("diff", "--name-only", "--no-renames", base, "--") or "").splitlines()
    names += (_git("ls-files", "--others", "--exclude-standard") or "").splitlines()
    return sorted(set(names) & set(everything()))


def _base(since: str | None) -> str:
    """The commit to compare with."""
    if since is not None:
        if _git("rev-parse", "--verify", "--quiet", f"{since}^{{commit}}") is None:
            raise ValueError(f"git knows no revision {since!r}")
        return since
    bases = (_git("merge-base", "HEAD", trunk) for trunk in TRUNKS)
    return next((base.strip() for base in bases if base), "HEAD")


def _git(*arguments: str) -> str | None:
    """What git prints; None when it fails."""
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else None
