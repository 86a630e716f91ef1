"""An operator's hands, the chores, and the time."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.sql.machine.base import JOBS, Base
from tests.sql.machine.rules_enqueue import PRIORITY
from tests.sql.machine.rules_work import NAME

STEP = st.sampled_from([0.5, 3, 25, 61, 95, 4000])  # seconds: within a lease, past each, past an hour


class OperateRules(Base):
    """What is done to jobs and to workers, and what happens by itself."""

    @rule(job=JOBS, verb=st.sampled_from(["cancel", "interrupt", "interrupt", "retry", "retry", "reprioritise", "delete"]), priority=PRIORITY)
    def operate(self, job: UUID, verb: str, priority: int) -> None:
        """Cancel at once or through the lease; bring back with those that fell with it; serve sooner or later; delete."""
        if verb == "interrupt":
            running = sorted((one.id for one in self.model.jobs.values() if one.lease), key=str)
            job = running[priority % len(running)] if running else job
        if verb in ("cancel", "interrupt"):
            self.agree(lambda: self.db.value("select queue.cancel_job(%s)", job), lambda: self.model.cancel(job))
        elif verb == "retry":
            dead = sorted((one.id for one in self.model.jobs.values() if one.status in ("failed", "cancelled")), key=str)
            job = dead[priority % len(dead)] if dead and job in self.model.jobs else job
            self.agree(lambda: self.db.value("select queue.retry_job(%s)", job), lambda: self.model.retry(job))
        elif verb == "reprioritise":
            call = "select queue.reprioritise_job(%s, %s)"
            self.both(lambda: self.db.value(call, job, priority), lambda: self.model.reprioritise(job, priority))
        elif job in self.model.jobs:
            self.db.conn.execute("delete from queue.processing_jobs where id = %s", [job])
            self.model.delete([job])

    @rule(name=NAME, verb=st.sampled_from(["register", "register", "register", "drain", "undrain", "mark_dead", "stop", "trouble", "mend"]))
    def meet_worker(self, name: str, verb: str) -> None:
        """It comes back, takes nothing new, is found dead, or leaves, whatever it holds."""
        if verb == "register":
            self.enter(name)
        elif verb == "mark_dead":
            self.agree(lambda: self.db.value("select queue.mark_worker_dead(%s)", name), lambda: self.model.mark_dead(name))
        elif verb in ("trouble", "mend"):
            told = ("no ffmpeg", "Install it.") if verb == "trouble" else (None, None)
            self.db.value("select queue.set_worker_trouble(%s, %s, %s)", name, *told)
            self.model.workers[name].unfit = verb == "trouble"
        elif verb == "stop":
            self.db.value("select queue.deregister_worker(%s)", name)
            self.model.workers[name].status = "stopped"
        else:
            call, drains = "select queue.drain_worker(%s, %s)", verb == "drain"
            self.both(lambda: self.db.value(call, name, drains), lambda: self.model.drain(name, drains))

    @rule(seconds=STEP, chore=st.sampled_from([None, None, "rescue", "promote"]))
    def time_passes(self, seconds: float, chore: str | None) -> None:
        """Leases expire, waits end, jobs grow old; perhaps somebody looks after it."""
        self.model.now += timedelta(seconds=seconds)
        self.db.set_time(self.model.now)
        if chore == "rescue":
            self.agree(self.db.rescue, self.model.rescue)
        elif chore == "promote":
            self.agree(lambda: self.db.value("select queue.promote_due()"), self.model.promote)
