"""How a store proves that it is there: by a mark of its own, an object with a random word in it.

An empty folder where a share was mounted a moment ago takes everything and holds nothing: objects written there are lost
when the share comes back, and all others are "missing". So before each write, and before anything is believed to be missing,
the store has to show the mark that it had before. Who remembers: this object, and for workers the database (media.stores),
which knows the mark of a store from the first worker that ever used it.
"""

from __future__ import annotations

import secrets
from abc import abstractmethod
from collections.abc import Iterator

from reelq.worker.errors import TransientError
from reelq.worker.stores.base import RESERVED

MARK = f"{RESERVED}/store"  # below what stores keep for themselves: no key can be this
MARK_BYTES = 64  # nothing longer is a mark


class Marked:
    """The half of a store that has to do with its mark."""

    expected: str | None = None  # the mark that it has to show; None: not known yet
    may_adopt = True  # a store without a mark gets one at the first write; the doctor leaves none behind

    @abstractmethod
    def read_mark(self) -> str | None:
        """The mark that is there; None: there is none, or no store at all."""

    @abstractmethod
    def write_mark(self, mark: str) -> None:
        """Put the mark there, unless there is one."""

    @abstractmethod
    def list(self, prefix: str = "") -> Iterator[str]:
        """The keys."""

    def is_empty(self) -> bool:
        """Whether it holds no object."""
        return next(iter(self.list()), None) is None

    def adopt(self) -> str:
        """The mark that is there; a store that has none gets one. To be called when nobody knows of a mark."""
        found = self.read_mark()
        if found is None:
            self.write_mark(secrets.token_hex(16))
            found = self.read_mark()  # of two at the same time one has won
        if found is None:
            raise _not_there("it does not keep what is written")
        self.expected = found
        return found

    def prove(self) -> None:
        """Show the mark; a store that was never seen before remembers the one that it has.

        Raises:
            TransientError: "store_away", this is not the store that it was.
        """
        found = self.read_mark()
        if self.expected is None:
            self.expected = found
        elif found != self.expected:
            raise _not_there("its mark is missing" if found is None else "it bears the mark of another store")

    def prove_to_write(self) -> None:
        """As `prove`; a store without a mark that nobody knows gets one."""
        if self.expected is None and self.may_adopt:
            self.adopt()
        else:
            self.prove()


def _not_there(why: str) -> TransientError:
    detail = f"{why}: is it mounted, is it the right one? ({MARK})"
    return TransientError("store_away", "The object store is not there.", detail=detail)
