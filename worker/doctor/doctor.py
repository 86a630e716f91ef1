"""`reelq doctor`: run every check, whatever the others find.

Host and database are checked at the same time, because a store that is away is slow to fail. What the
database can decide is decided there (ops.health); here is only what it cannot know.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from reelq.worker.doctor.checks import database, disk, keys, media, objects, transport
from reelq.worker.doctor.checks.findings import DATABASE, HOST, Finding
from reelq.worker.errors import DatabaseAway
from reelq.worker.settings import Settings

Check = Callable[[], Iterator[Finding]]


@dataclass(frozen=True, slots=True)
class Report:
    """What was found, in a fixed order; `away` when the database did not answer."""

    findings: list[Finding]
    away: bool

    def count(self, level: str) -> int:
        """How many findings of that level."""
        return sum(one.level == level for one in self.findings)


def examine(
    settings: Settings, *, only: str | None = None, deep: bool = False, more: Sequence[tuple[str, str, Check]] = ()
) -> Report:
    """Look at everything, or at `host` or `database` only; `deep` reads every table of the queue.

    `more` are checks of the caller's.
    """
    checks: list[tuple[str, str, Check]] = [
        (HOST, "ffmpeg", lambda: media.check(settings)),
        (HOST, "scratch", lambda: disk.check(settings)),
        (HOST, "sources", lambda: disk.sources(settings)),
        (HOST, "store", lambda: objects.check(settings)),
        (HOST, "store of tenants", lambda: objects.check_tenants(settings)),
        (HOST, "store tls", lambda: transport.check_store(settings)),
        (HOST, "keys", lambda: keys.check_file(settings)),
        (DATABASE, "database", lambda: database.check(settings, deep)),
        *more,
    ]
    chosen = [one for one in checks if only in (None, one[0])]
    with ThreadPoolExecutor(max_workers=len(chosen)) as threads:
        parts = list(threads.map(lambda one: _run(*one), chosen))
    return Report([finding for part in parts for finding in part.findings], any(part.away for part in parts))


def _run(place: str, name: str, check: Check) -> Report:
    """One check; what it found before it failed counts too."""
    found: list[Finding] = []
    try:
        found.extend(check())
    except DatabaseAway as error:
        told = " ".join(str(error).split())
        return Report([*found, Finding(place, "bad", name, f"The database is away: {told}", error.hint)], away=True)
    except Exception as error:  # noqa: BLE001 - a check that fails is a finding too, and the others go on
        detail = f"The check itself failed: {type(error).__name__}: {error}"
        return Report([*found, Finding(place, "bad", name, detail, "Report it.")], away=False)
    return Report(found, away=False)
