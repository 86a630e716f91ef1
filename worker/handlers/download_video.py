"""download_video: bring the source's bytes into the store as the asset's original.

Reads the asset's source_url; writes the object, and which one is the original into
media.assets. Safe to run twice: each attempt stores under its own key, the row names the one
that counts. Bytes that the tenant has already are not stored again. An asset that was stored directly and has no source is left as it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from reelq.worker.errors import PermanentError
from reelq.worker.jobs import artifacts, object_keys
from reelq.worker.jobs.context import JobContext
from reelq.worker.jobs.stored import store_object
from reelq.worker.rooms import media
from reelq.worker.sources.fetch import fetch

FETCH_SHARE = 0.7  # of the progress bar; the rest is the way into the store


@dataclass(frozen=True, slots=True)
class Args:
    """The video says where its source is."""

    refetch: Annotated[bool, "Fetch the source also when the original is stored already."] = True


def run(args: Args, ctx: JobContext) -> dict[str, Any]:
    """Fetch, store, record; return size and checksum."""
    work = ctx.work()
    ctx.advance_video("downloading")
    if work.source_url is None or (work.key is not None and not args.refetch):
        if work.key is None:
            raise PermanentError("no_source", "The video has neither a source nor a stored original.")
        return {"size_bytes": work.size_bytes, "sha256": work.sha256, "fetched": False}
    path = artifacts.folder(ctx, "in") / artifacts.SOURCE
    # A server that does not say the size still gives progress: a share of the largest size that is taken.
    most = ctx.settings.max_download_bytes

    def make_room(size_bytes: int) -> None:
        ctx.reserve_scratch(size_bytes)
        ctx.store.check_room(size_bytes)  # now, and not when all of it is here

    fetched = fetch(
        work.source_url,
        path,
        settings=ctx.settings,
        stop=ctx.stop,
        on_progress=artifacts.passing(ctx, "fetch", 0.0, FETCH_SHARE, most),
        on_size=make_room,
        is_store=ctx.is_store,
    )
    stored = store_object(
        ctx,
        object_keys.original(ctx, work),
        path,
        "application/octet-stream",  # extract_metadata finds out; the server's header is not relied on
        work.tenant_id,
        on_progress=artifacts.passing(ctx, "store", FETCH_SHARE, 1.0, fetched.size_bytes),
    )
    ctx.on_complete(lambda conn: media.set_original(conn, work.asset_id, stored.object_id))
    return {"size_bytes": stored.size_bytes, "sha256": stored.sha256, "fetched": True}
