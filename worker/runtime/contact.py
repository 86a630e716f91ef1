"""Whether the queue answers this worker, as its two voices found: the loop that claims and settles, and the heartbeat.

A lease that was not extended in time is lost when the queue has been there to give the job away. When nobody of
us gets an answer, that is not known, and most likely the database is away for all: the attempt goes on, and the fence judges its
result. Each attribute is written by one thread and read by others.
"""

from __future__ import annotations

import re
import time

LONGEST_GRACE_S = 15.0  # what the heartbeat gets to extend leases after the loop was answered again
UNHEARD_S = 5.0  # a worker whose heartbeats fail for so long, while it could claim, claims nothing: a lease lasts a minute or so
STUCK_S = 60.0  # a loop that has not gone round for so long does not work


class Contact:
    """What is known of the connection between a worker and its queue, in monotonic seconds."""

    def __init__(self) -> None:
        self.turned_at = time.monotonic()  # the loop last went round, whatever the database said
        self.beat_at = float("-inf")  # latest heartbeat that was answered
        self.error = ""  # why heartbeats fail, while they do
        self._failing_since: float | None = None  # heartbeats fail since then
        self._answered_at: float | None = None  # since then the loop has been answered although heartbeats fail

    @property
    def is_stuck(self) -> bool:
        """Whether the loop has stopped going round."""
        return time.monotonic() > self.turned_at + STUCK_S

    @property
    def unheard_s(self) -> float:
        """How long heartbeats have failed while the loop was answered; 0 when they do not."""
        failing_since, answered_at = self._failing_since, self._answered_at
        if failing_since is None or answered_at is None:
            return 0.0
        return max(0.0, time.monotonic() - max(failing_since, answered_at))

    @property
    def may_claim(self) -> bool:
        """Whether leases can be expected to be extended: a first heartbeat was answered, and they do not fail for long."""
        return self.beat_at > float("-inf") and self.unheard_s < UNHEARD_S

    def turned(self) -> None:
        """The loop goes round."""
        self.turned_at = time.monotonic()

    def answered(self) -> None:
        """The loop has settled and claimed."""
        if self._failing_since is not None and self._answered_at is None:
            self._answered_at = time.monotonic()

    def failed(self) -> None:
        """The loop was not answered."""
        self._answered_at = None

    def beat(self) -> None:
        """A heartbeat was answered."""
        self._failing_since = None
        self.beat_at = time.monotonic()

    def missed(self, error: str) -> None:
        """A heartbeat failed, for this reason."""
        self.error = error
        if self._failing_since is None:
            self._answered_at = None
            self._failing_since = time.monotonic()

    def is_away(self, lease_s: float) -> bool:
        """Whether a lease of this length that has run out is not known to be lost: the queue is away, or was a moment ago."""
        if self._failing_since is None:
            return False
        answered_at = self._answered_at
        return answered_at is None or time.monotonic() < answered_at + min(LONGEST_GRACE_S, lease_s / 4)


class Trouble:
    """Something that fails again and again: one line when it begins, one for each new reason, one when it ends."""

    def __init__(self) -> None:
        self.tries = 0  # failures in a row
        self.since = 0.0  # monotonic, of the first of them
        self._told: set[str] = set()

    def __bool__(self) -> bool:
        return self.tries > 0

    def failed(self, error: object) -> bool:
        """It failed once more. Returns whether this is to be told: it is the first time, or another reason than before."""
        if not self.tries:
            self.since = time.monotonic()
        self.tries += 1
        reason = re.sub(r"[0-9a-f-]{36}|\d+", "", str(error))  # which job, port or process it was makes no other reason
        is_new = reason not in self._told
        self._told.add(reason)
        return is_new

    def over(self) -> int:
        """It works again. Returns how often it failed."""
        tries, self.tries = self.tries, 0
        self._told.clear()
        return tries
