"""systemd's notification protocol: ready, status, watchdog, stopping. Does nothing outside systemd.

Source: sd_notify(3) and sd_watchdog_enabled(3) of systemd 252, read 2026-11-21.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping

import structlog

log = structlog.get_logger()


class Notifier:
    """Sends datagrams to the socket that NOTIFY_SOCKET names."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        address = environ.get("NOTIFY_SOCKET", "")
        # "@" stands for a name in the abstract namespace, whose first byte is zero.
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._status = ""
        self._is_stopping = False
        usec = environ.get("WATCHDOG_USEC", "")
        meant = environ.get("WATCHDOG_PID", "") in ("", str(os.getpid()))
        self.watchdog_s: float | None = int(usec) / 1e6 if usec.isdigit() and int(usec) and meant and address else None

    def ready(self) -> None:
        """The worker is registered: units that wait for it may start."""
        self._send("READY=1")

    def stopping(self) -> None:
        """The worker is about to leave; sent once."""
        if not self._is_stopping:
            self._is_stopping = True
            self._send("STOPPING=1")

    def feed(self) -> None:
        """Feed the watchdog; due every `watchdog_s` seconds at the latest."""
        if self.watchdog_s is not None:
            self._send("WATCHDOG=1")

    def status(self, text: str) -> None:
        """One line for `systemctl status`; sent when it has changed."""
        if text != self._status:
            self._status = text
            self._send(f"STATUS={text}")

    def _send(self, message: str) -> None:
        """One datagram. An error is logged and work goes on."""
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
                sender.settimeout(1.0)
                sender.sendto(message.encode(), self._address)
        except OSError as error:
            log.warning("systemd.unreachable", error=str(error), message_sent=message)
