"""Edges of the model: what a job waits for, what falls with it, what comes back with it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING
from uuid import UUID

from tests.sql.machine.records import Job

if TYPE_CHECKING:
    from tests.sql.machine.model import Model


def link(model: Model, job: Job) -> None:
    """Edges of a new job: satisfied by what has completed, and by a failure that it does not mind."""
    level = list(job.edges)
    while level:  # what a parent has fanned out into is waited for as well
        level = [child for parent in level for child in model.jobs[parent].spawned if child not in job.edges and child != job.id]
        job.edges |= dict.fromkeys(level, False)
    for parent in job.edges:
        status = model.jobs[parent].status
        job.edges[parent] = status == "completed" or (status in ("failed", "cancelled") and job.policy == "run")
    if job.waits:
        job.place = "blocked"


def release(model: Model, parent: UUID, only_willing: bool = False) -> None:
    """Satisfy the edges to this parent; who waits for nobody else is queued."""
    for child in model.jobs.values():
        if child.edges.get(parent) is False and (child.policy == "run" or not only_willing):
            child.edges[parent] = True
            if child.place == "blocked" and not child.waits:
                model.queue(child)


def fall(model: Model, parents: Iterable[UUID]) -> None:
    """These have failed, were cancelled or are gone: each child goes as its policy says, and so on down."""
    level = list(parents)
    while level:
        doomed = []
        for parent in level:
            release(model, parent, only_willing=True)
            for child in model.jobs.values():
                if child.place == "blocked" and child.edges.get(parent) is False:
                    child.status = "failed" if child.policy == "fail" else "cancelled"
                    child.place = "dead" if child.policy == "fail" else "nowhere"
                    child.code = "parent_failed"
                    doomed.append(child.id)
        level = doomed


def revived(model: Model, job: Job) -> list[Job]:
    """The job and what fell with it, but for those that another failed parent still holds down."""
    found, level = [job], [job]
    while level:
        ids = {one.id for one in level}
        level = [
            child
            for child in model.jobs.values()
            if child not in found and child.code == "parent_failed" and child.status in ("failed", "cancelled")
            and any(not done and parent in ids for parent, done in child.edges.items())
        ]
        found += level
    while True:
        ids = {one.id for one in found}
        stuck = [
            one
            for one in found
            if any(
                not done and parent not in ids and model.jobs[parent].status in ("failed", "cancelled")
                for parent, done in one.edges.items()
            )
        ]
        if not stuck:
            return found
        found = [one for one in found if one not in stuck]
