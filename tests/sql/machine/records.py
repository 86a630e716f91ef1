"""What the model knows of jobs, leases, workers and kinds of work; the figures that the machine sets up."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

MAX_CRASHES = 3  # the default of every job type
GRACE = timedelta(seconds=30)  # of queue.upkeep
CHORE_EVERY = timedelta(seconds=2)  # how often claims look for expired leases
LOST_AFTER = timedelta(minutes=1)  # a worker that has not been heard of for so long is lost
OVER = ("completed", "failed", "cancelled")


@dataclass(frozen=True, slots=True)
class Kind:
    """A job type as the machine sets it up."""

    lease: timedelta
    weight: int = 1
    batch: int = 1
    needs: frozenset[str] = frozenset()
    limits: tuple[str, ...] = ()


KINDS = {
    "no_op": Kind(timedelta(seconds=60)),
    "extract_metadata": Kind(timedelta(seconds=20), batch=3, limits=("licence",)),
    "video_transcode": Kind(timedelta(seconds=90), weight=2, needs=frozenset({"av1"})),
}


@dataclass(frozen=True, slots=True)
class Policy:
    """What follows an error; waits in seconds."""

    base: float
    factor: float
    cap: float
    charges: bool
    fails: bool = False

    def longest(self, n: int) -> timedelta:
        """The wait before the next attempt is somewhere between nothing and this."""
        return timedelta(seconds=min(self.cap, self.base * self.factor ** min(max(n - 1, 0), 100)))


POLICIES = {
    ("transient", "*"): Policy(10, 3, 900, charges=True),
    ("transient", "store_away"): Policy(10, 2, 300, charges=False),
    ("rate_limited", "*"): Policy(60, 2, 3600, charges=False),
    ("permanent", "*"): Policy(10, 2, 900, charges=True, fails=True),
    ("worker_lost", "*"): Policy(1, 4, 300, charges=False),
}


@dataclass(slots=True)
class Lease:
    """One attempt in hand."""

    worker: str
    token: int
    expires: datetime
    beat_at: datetime
    cancel: bool = False


@dataclass(slots=True, eq=False)
class Job:
    """A job. place: free (ready, or parked behind a gate), scheduled, blocked, leased, dead, nowhere."""

    id: UUID
    job_type: str
    priority: int
    due: datetime
    policy: str
    max_attempts: int
    tenant: UUID | None = None
    key: str | None = None
    edges: dict[UUID, bool] = field(default_factory=dict)  # parent → satisfied
    spawned: list[UUID] = field(default_factory=list)  # what it has fanned out into
    status: str = "queued"
    place: str = "free"
    token: int = 0
    attempts: int = 0
    crashes: int = 0
    code: str | None = None
    lease: Lease | None = None
    wait: tuple[datetime, datetime] | None = None  # a back-off with jitter: where `due` has to lie
    history: list[str] = field(default_factory=list)

    @property
    def kind(self) -> Kind:
        """Its job type."""
        return KINDS[self.job_type]

    @property
    def waits(self) -> bool:
        """An edge is open."""
        return not all(self.edges.values())


@dataclass(slots=True)
class Worker:
    """A registered worker."""

    name: str
    types: frozenset[str] | None
    capabilities: frozenset[str]
    beat_at: datetime
    status: str = "active"  # active, stopped, lost
    drains: bool = False
    unfit: bool = False  # its host is in trouble

    def takes(self, job: Job) -> bool:
        """Type and needs fit."""
        return (self.types is None or job.job_type in self.types) and job.kind.needs <= self.capabilities


@dataclass(frozen=True, slots=True)
class Claim:
    """What a worker believes to hold; it may be long over."""

    worker: str
    job_id: UUID
    token: int

    def told(self, **more: object) -> dict[str, object]:
        """As a worker reports it."""
        return {"job_id": str(self.job_id), "token": self.token, **more}


class Refused(Exception):
    """The contract refuses a call; `code` is the SQLSTATE."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code
