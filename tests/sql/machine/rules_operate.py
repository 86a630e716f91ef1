"""An operator's hands, the chores, and the time."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.sql.machine.base import JOBS, Base
from tests.sql.machine.rules_work import NAME

STEP = st.sampled_from([0.5, 3, 25, 61, 95, 4000])  # seconds: within a lease, past each, past an hour


class OperateRules(Base):
    """Cancel, retry, workers that stop, drain or die, chores by hand, time."""

    @rule(job=JOBS)
    def cancel(self, job: UUID) -> None:
        """At once, or through the lease."""
        self.agree(lambda: self.db.value("select queue.cancel_job(%s)", job), lambda: self.model.cancel(job))

    @rule(job=JOBS)
    def retry(self, job: UUID) -> None:
        """What is dead comes back, with those that fell with it."""
        self.agree(lambda: self.db.value("select queue.retry_job(%s)", job), lambda: self.model.retry(job))

    @rule(name=NAME, drains=st.booleans())
    def drain(self, name: str, drains: bool) -> None:
        """Nothing new for this worker."""
        call = "select queue.drain_worker(%s, %s)"
        self.both(lambda: self.db.value(call, name, drains), lambda: self.model.drain(name, drains))

    @rule(name=NAME)
    def bury(self, name: str) -> None:
        """Its process is dead."""
        self.agree(lambda: self.db.value("select queue.bury_worker(%s)", name), lambda: self.model.bury(name))

    @rule(name=NAME)
    def stop(self, name: str) -> None:
        """It leaves, whatever it holds."""
        self.db.conn.execute("select queue.stop_worker(%s)", [name])
        self.model.workers[name].status = "stopped"

    @rule(name=NAME)
    def register(self, name: str) -> None:
        """It comes back under its name."""
        self.enter(name)

    @rule()
    def rescue(self) -> None:
        """Expired leases are taken back."""
        self.agree(self.db.rescue, self.model.rescue)

    @rule()
    def promote(self) -> None:
        """Due jobs become ready."""
        self.agree(lambda: self.db.value("select queue.promote_due()"), self.model.promote)

    @rule(seconds=STEP)
    def time_passes(self, seconds: float) -> None:
        """Leases expire, waits end, jobs grow old."""
        self.model.now += timedelta(seconds=seconds)
        self.db.set_time(self.model.now)
