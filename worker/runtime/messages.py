"""What the threads of a worker tell its main thread."""

from __future__ import annotations

import enum
from queue import SimpleQueue


class Message(enum.Enum):
    """One message in the main thread's mailbox; only WORK_READY has a text beside it."""

    WORK_READY = enum.auto()  # a notification: jobs of this type are ready; "" after a gap in listening
    ENDED = enum.auto()  # attempts have ended that are worth settling now
    SLOT_DIED = enum.auto()  # a slot's thread ended and has to be replaced
    DRAIN = enum.auto()  # the queue asks this worker to take nothing new
    UNDRAIN = enum.auto()  # ... and does not ask any more
    PROBE = enum.auto()  # a heartbeat failed: find out whether the queue answers
    RELAY = enum.auto()  # the heartbeat has no connection: send it over the main thread's
    SHUTDOWN = enum.auto()  # a signal: the first drains, the second stops running jobs


Mailbox = SimpleQueue[tuple[Message, str]]
