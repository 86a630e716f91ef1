"""Compare what a store lists with what the register says, both in the order of keys, a page of each in memory.

What is found is looked at again before it is believed, since both sides change meanwhile: a row is there before its first byte and after its last
one. So an object is stray when no row has its key now and it is still there after that; a row's object is missing when the store does not know it and
the row still says stored after that. What no job of this database can have written is foreign: another database, or something else, has the same
store, and it stays there. After each page the place is saved: a check that is killed goes on there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

from reelq.worker.db.rows import Connection
from reelq.worker.errors import PermanentError
from reelq.worker.rooms import objects
from reelq.worker.rooms.objects import Known
from reelq.worker.stores.base import Listed, Store, check_key

PAGE = 1000
GRACE = timedelta(days=1)  # a program of 0.1.0 writes objects before their rows


@dataclass(frozen=True, slots=True)
class Find:
    """Something that is not as it should be."""

    kind: str  # stray, foreign, missing, size, content
    key: str
    object_id: UUID | None
    detail: str


@dataclass(slots=True)
class Stretch:
    """A page of keys of both sides, compared."""

    listed: int = 0
    strays: list[str] = field(default_factory=list)
    missing: list[UUID] = field(default_factory=list)
    altered: list[UUID] = field(default_factory=list)
    whole: list[UUID] = field(default_factory=list)  # that were missing or altered before
    young: int = 0  # without a row, and written a moment ago


class OtherCheck(Exception):
    """Another check of the same store has moved on; this one ends."""


def run(
    conn: Connection,
    store: Store,
    *,
    content: bool = False,
    anew: bool = False,
    repair: bool = False,
    found: Callable[[Find], None] = lambda _: None,
    grace: timedelta = GRACE,
) -> objects.Check:
    """Compare the whole store, or what is left of a check that was interrupted; how it stands in the end.

    Raises:
        OtherCheck.
        JobError: of the store; what was compared before stays noted.
    """
    check = objects.begin_check(conn, store.bucket, content, anew)
    listing = Ahead(store.scan(check.place or ""))
    place = check.place
    while True:
        rows = objects.list_by_key(conn, store.bucket, place, PAGE)
        # Up to here both sides are known, None for all: the last row of a full page, or the last object where there are more objects than rows.
        end = rows[-1].key if len(rows) == PAGE else None
        listed = list(listing.up_to(end, PAGE))
        if len(listed) == PAGE:
            end = listed[-1].key
            rows = [one for one in rows if one.key.encode() <= end.encode()]
        stretch = compare(conn, store, rows, listed, content, found, grace)
        note(conn, store.bucket, stretch, repair)
        counts = (stretch.listed, len(stretch.strays), len(stretch.missing), len(stretch.altered))
        example = stretch.strays[0] if stretch.strays else None
        if not objects.save_check(conn, store.bucket, place, end or place, counts, example, end is None):
            raise OtherCheck
        if end is None:
            return objects.list_checks(conn, store.bucket)[0]
        place = end


class Ahead:
    """A listing of which one may be looked at before it is taken. Names that no key can be are passed over: nothing of ours wrote them."""

    def __init__(self, each: Iterator[Listed]) -> None:
        self._each = (one for one in each if is_key(one.key))
        self._next = next(self._each, None)

    def up_to(self, end: str | None, most: int) -> Iterator[Listed]:
        """Those up to the key `end`, at most so many."""
        taken = 0
        while self._next is not None and taken < most and (end is None or self._next.key.encode() <= end.encode()):
            yield self._next
            self._next = next(self._each, None)
            taken += 1


def is_key(name: str) -> bool:
    """Whether a store of ours could have written it."""
    try:
        return check_key(name) == name
    except PermanentError:
        return False


def compare(
    conn: Connection, store: Store, rows: list[Known], listed: list[Listed], content: bool, found: Callable[[Find], None], grace: timedelta
) -> Stretch:
    """Two pages of the same keys."""
    stretch = Stretch(listed=len(listed))
    there = {one.key: one for one in listed}
    known = {one.key: one for one in rows}
    lost = [one.key for one in rows if one.state == "stored" and one.key not in there]
    alone = [one for one in listed if one.key not in known]
    young = datetime.now(UTC) - grace
    stretch.young = sum(one.modified_at > young for one in alone)
    strays = find_strays(conn, store, [one.key for one in alone if one.modified_at <= young])
    own = objects.own_keys(conn, strays) if strays else set()
    for key in strays:
        if key not in own:
            found(Find("foreign", key, None, f"{there[key].size_bytes} bytes that this database did not store"))
            continue
        stretch.strays.append(key)
        found(Find("stray", key, None, f"{there[key].size_bytes} bytes that no row names"))
    for one in find_missing(conn, store, lost):
        stretch.missing.append(one.id)
        found(Find("missing", one.key, one.id, "the store has no such object"))
    for one in rows:
        if one.state != "stored" or one.key not in there:
            continue
        fault = differs(conn, store, one, there[one.key], content)
        if fault is not None:
            stretch.altered.append(one.id)
            found(fault)
        elif one.fault == "missing" or (one.fault == "altered" and content):
            stretch.whole.append(one.id)
    return stretch


def find_strays(conn: Connection, store: Store, keys: list[str]) -> list[str]:
    """Which of these objects no row names: asked of the register now, then of the store again."""
    if not keys:
        return []
    named = {one.key for one in objects.find_by_key(conn, store.bucket, keys)}
    return [key for key in keys if key not in named and store.stat(key) is not None]


def find_missing(conn: Connection, store: Store, keys: list[str]) -> list[Known]:
    """Which of these rows have no object: asked of the store now, then of the register again."""
    gone = [key for key in keys if store.stat(key) is None]
    return [one for one in objects.find_by_key(conn, store.bucket, gone) if one.state == "stored"] if gone else []


def differs(conn: Connection, store: Store, one: Known, listed: Listed, content: bool) -> Find | None:
    """What is wrong with an object that both sides know."""
    if one.size_bytes is not None and one.size_bytes != listed.size_bytes:
        there = store.stat(one.key)
        if there is None or there.size_bytes == one.size_bytes or not still(conn, store, one):
            return None
        return Find("size", one.key, one.id, f"{there.size_bytes} bytes, and the row says {one.size_bytes}")
    if not content or one.sha256 is None or one.storage_class not in ("hot", "restored"):
        return None
    with TemporaryDirectory(prefix="reelq-check-") as folder:
        try:
            store.get(one.key, Path(folder) / "object", one.sha256)
        except PermanentError as error:
            if error.code == "object_corrupt" and still(conn, store, one):
                return Find("content", one.key, one.id, error.detail)
    return None


def still(conn: Connection, store: Store, one: Known) -> bool:
    """Whether the row is there as it was."""
    return any(row.id == one.id and row.state == "stored" for row in objects.find_by_key(conn, store.bucket, [one.key]))


def note(conn: Connection, bucket: str, stretch: Stretch, repair: bool) -> None:
    """Write down what was found."""
    if stretch.missing:
        objects.set_fault(conn, stretch.missing, "missing")
    if stretch.altered:
        objects.set_fault(conn, stretch.altered, "altered")
    for one in stretch.whole:
        objects.set_fault(conn, [one], None)
    if repair and stretch.strays:
        objects.adopt_strays(conn, bucket, stretch.strays)
