"""Settings that an operator changes while workers run: rows of ops.system_config under `worker`.

A flag of the command line wins over the environment, both win over the database, and that over the default. So a host may be an
exception, but not without a word: the worker logs what its environment overrides, and `reelq config show` names the source of each value.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import structlog

from reelq.worker.db import Connection
from reelq.worker.rooms.ops import config
from reelq.worker.rooms.ops.config import ConfigKey
from reelq.worker.settings import FIELDS, Settings

log = structlog.get_logger()

UNDER = "worker"
LOOK_S = 5.0  # a change is seen within this
LIVE = ("poll_s", "drain_grace_s", "max_download_bytes", "download_timeout_s", "ffmpeg_preset", "log_level")
SEALED = ("link_secret",)  # no worker needs it: what signs links reads it with `sealed_settings`


def overlay(settings: Settings, rows: Iterable[ConfigKey]) -> tuple[Settings, dict[str, str]]:
    """The settings with what the database says where nothing else is given; and what it says where something is, by name."""
    chosen: dict[str, Any] = {}
    overridden: dict[str, str] = {}
    for row in rows:
        name = row.key.removeprefix(f"{UNDER}.")
        if name not in LIVE or row.is_default:
            continue
        text = str(row.value)
        if name in settings.given:
            overridden[name] = text
            continue
        try:
            chosen[name] = FIELDS[name].parse(text)
        except ValueError:  # another version's row
            log.warning("config.refused", name=name, value=text)
    return replace(settings, **chosen), overridden


def sealed_settings(settings: Settings, conn: Connection) -> Settings:
    """The settings with the secrets that are sealed in the database, where nothing else is given.

    Raises:
        KeyMissing, KeyFileError: there is one, and no key for it on this host.
    """
    from reelq.worker.secrets import Keyring

    chosen: dict[str, Any] = {}
    for name in SEALED:
        key = f"{UNDER}.{name}"
        envelope = None if name in settings.given else config.sealed(conn, key)
        if envelope is not None:
            ring = Keyring.load(settings)
            chosen[name] = ring.unseal(envelope, table=config.TABLE, row=key, column=config.COLUMN).decode()
    return replace(settings, **chosen)


class LiveSettings:
    """The settings as they are now. The main thread looks, any thread reads `current`."""

    def __init__(self, settings: Settings, changed: Callable[[Settings], None] = lambda _: None) -> None:
        """`changed` is called with the new settings, in the thread that looks."""
        self.current = settings
        self._own = settings
        self._changed = changed
        self._overridden: dict[str, str] = {}
        self._look_at = float("-inf")

    @property
    def is_due(self) -> bool:
        """Whether it is time to look."""
        return time.monotonic() >= self._look_at

    def look(self, conn: Connection) -> None:
        """Ask the database, and tell what has changed."""
        now, overridden = overlay(self._own, config.list_keys(conn, UNDER))
        self._look_at = time.monotonic() + LOOK_S
        if overridden != self._overridden:
            for name, text in overridden.items():
                log.warning("config.overridden", name=name, database=text, value=self._own.shown()[name])
            self._overridden = overridden
        if now == self.current:
            return
        before, after = self.current.shown(), now.shown()
        self.current = now
        self._changed(now)
        for name in LIVE:
            if before[name] != after[name]:
                log.info("config.changed", name=name, value=after[name], before=before[name])
