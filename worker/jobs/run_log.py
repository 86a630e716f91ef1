"""What an attempt's programs were called with and what they printed, for `reelq jobs logs`.

Bounded, and without what a host or a store keeps to itself: of a path the last two parts stay, of a URL neither who nor
its query, and no secret of the settings.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable

from reelq.worker.jobs import plain
from reelq.worker.sandbox.child import Ended

MOST_CHARS = 32_000  # of an attempt; the queue cuts it there too
COMMAND_CHARS = 6_000  # of one command line; a ladder of five renditions has 3,000
OUTPUT_CHARS = 12_000  # of what one run printed, its end
URL_SECRETS = re.compile(r"\b([a-z][a-z0-9+.-]*://)(?:[^\s/?#'\"]*@)?([^\s?#'\"]*)(\?[^\s'\"]*)?", re.IGNORECASE)
PART = r"/+[^\s/'\"=,;]+"  # of a path: a host's folders may have colons in their names
PATH = re.compile(rf"(?<![\w.)/])(?:{PART})+?(?={PART}{PART}(?![^\s'\"=,;]))")


class RunLog:
    """The runs of one attempt, the latest ones as far as they fit."""

    def __init__(self, mask_secrets: Callable[[str], str] = str) -> None:
        self.mask_secrets = mask_secrets
        self._runs: list[str] = []
        self._left_out = 0

    def add(self, ended: Ended) -> None:
        """A program has ended."""
        if not ended.command:
            return
        self._runs.append(masked(self.mask_secrets(told(ended))))
        while len(self._runs) > 1 and sum(map(len, self._runs)) > MOST_CHARS - 100:
            self._left_out += 1
            del self._runs[0]

    def text(self) -> str:
        """All of it; empty when nothing has run."""
        head = f"({self._left_out} earlier runs are left out)\n\n" if self._left_out else ""
        return (head + "\n".join(self._runs))[-MOST_CHARS:]


def told(ended: Ended) -> str:
    """One run: the command line, how it ended, what it printed to stderr."""
    words = list(ended.command)
    for place in range(1, len(words)):
        if "_whitelist" in words[place - 1]:  # the same in every call, and longer than all the rest
            words[place] = "…"
    command = shlex.join(words).replace("'…'", "…")
    if len(command) > COMMAND_CHARS:
        command = f"{command[: COMMAND_CHARS - 1]}…"
    printed = ended.stderr_tail.rstrip("\n")
    if len(printed) > OUTPUT_CHARS:
        printed = f"…{printed[1 - OUTPUT_CHARS :]}"
    ending = f"exit code {ended.code}" if ended.code >= 0 else f"signal {-ended.code}"
    if ended.killed_for:
        ending = f"ended by the worker ({ended.killed_for})"
    lines = [f"$ {command}", f"# {ending} after {ended.wall_seconds:.2f} s"]
    return plain.text("\n".join(lines + ([printed] if printed else [])) + "\n")


def masked(text: str) -> str:
    """Without the queries of URLs, who asks for them, and where things lie on this host."""
    text = URL_SECRETS.sub(lambda found: found[1] + found[2] + ("?…" if found[3] else ""), text)
    return PATH.sub("…", text)
