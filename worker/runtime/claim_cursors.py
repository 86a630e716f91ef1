"""Where this worker took its last job from each lane: the lower bounds of its next claim."""

from __future__ import annotations

from collections.abc import Iterable

from reelq.worker.rooms.queue.jobs import Bounds, ClaimedJob


class ClaimCursors:
    """With bounds a claim steps over index entries that are dead but cannot be cleaned yet."""

    def __init__(self) -> None:
        self._lowest: dict[int, tuple[float, int]] = {}

    def bounds(self) -> Bounds:
        """The lower bounds as the queue takes them."""
        keys = list(self._lowest.values())
        return Bounds(list(self._lowest), [key for key, _ in keys], [seq for _, seq in keys])

    def took(self, jobs: Iterable[ClaimedJob], full: bool) -> None:
        """Move the bounds to what was claimed last.

        After a full look a bound may move down again: what lies between was not there to take.
        """
        highest: dict[int, tuple[float, int]] = {}
        for job in jobs:
            place = (job.fair_key, job.seq)
            highest[job.lane] = max(place, highest.get(job.lane, place))
        for lane, place in highest.items():
            self._lowest[lane] = place if full else max(place, self._lowest.get(lane, place))
