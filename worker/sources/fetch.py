"""Copy a source into a file on this host: from a path of this host, http(s) or S3.

    /srv/in/clip.mp4, file:///srv/in/clip%201.mp4    when the settings allow local sources
    http://…, https://…                              see worker.sources.http
    s3://bucket/key                                  with the credentials of the store

The file appears under its name only when all of it is there. Messages name no path and no URL.
"""

from __future__ import annotations

import os
import re
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.message import Message
from io import FileIO
from pathlib import Path
from urllib.parse import unquote

import httpx

from reelq.worker.errors import JobError, PermanentError, TransientError
from reelq.worker.settings import Settings
from reelq.worker.sources.address_policy import AddressGuard, Resolve, system_resolve
from reelq.worker.sources.http import Download, OnSize
from reelq.worker.sources.http_responses import check_scheme, too_large
from reelq.worker.sources.local import denied, file_url_path, missing, open_local
from reelq.worker.stop import StopSignal
from reelq.worker.stores.base import OnBytes, digest_chunks
from reelq.worker.stores.disk import appearing, disk_side, guarded, write_all

NAME_LENGTH = 255


@dataclass(frozen=True, slots=True)
class Fetched:
    """A source that has arrived."""

    size_bytes: int
    sha256: str
    original_filename: str | None  # as its owner calls it: for people, never for paths or commands


def fetch(
    source_url: str,
    to: Path,
    *,
    settings: Settings,
    stop: StopSignal,
    on_progress: OnBytes | None = None,
    on_size: OnSize = lambda _size_bytes: None,
    resolve: Resolve = system_resolve,
    tls: ssl.SSLContext | None = None,
    is_store: Callable[[str], bool] = lambda _bucket: False,
) -> Fetched:
    """Bring the source to `to`, which must be a name that we chose.

    Args:
        on_size: called before so many bytes are written, so that it can refuse them. With the size of the source when that is known,
            else piece by piece.
        resolve: names to addresses, for tests.
        tls: certificates to trust, for tests; None: those of the internet.
        is_store: whether objects of ours lie in this bucket of S3; so no source is one, whoever's it is.

    Raises:
        PermanentError: "source_missing", "source_denied", "source_refused", "source_empty",
            "source_too_large", "source_encoded", "source_untrusted", "address_refused".
        RateLimitedError: "source_busy".
        TransientError: "source_away", "source_broken", "source_slow", "name_unknown", "disk_full",
            "disk_failed", those of the store for s3 sources, and what `on_size` raises.
        StopRequested: `stop` was set; nothing is left at `to`.
    """
    stop.check()
    scheme, mark, rest = source_url.partition("://")
    scheme = scheme.lower() if mark and re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*", scheme) else ""
    with appearing(to) as sink:
        if scheme in ("http", "https"):
            done = _fetch_http(source_url, sink, settings, stop, on_progress, on_size, resolve, tls)
        elif scheme == "s3":
            done = _fetch_s3(rest, sink, settings, stop, on_progress, on_size, is_store)
        elif scheme in ("", "file"):
            path = file_url_path(rest) if scheme else source_url
            done = _fetch_local(path, sink, settings, stop, on_progress, on_size)
        else:
            raise PermanentError("source_refused", "Sources are fetched by http, https or s3 only.")
        if done.size_bytes == 0:
            raise PermanentError("source_empty", "The source is empty.")
    return done


def _fetch_http(
    source_url: str,
    sink: FileIO,
    settings: Settings,
    stop: StopSignal,
    on_progress: OnBytes | None,
    on_size: OnSize,
    resolve: Resolve,
    tls: ssl.SSLContext | None,
) -> Fetched:
    try:
        url = httpx.URL(source_url)
    except (httpx.InvalidURL, ValueError) as error:
        raise PermanentError("source_refused", "The source's address is not a valid URL.") from error
    check_scheme(url)
    download = Download(
        url=url,
        sink=sink,
        guard=AddressGuard(allow_private=settings.allow_private_addresses, resolve=resolve),
        limit_bytes=settings.max_download_bytes,
        timeout_s=settings.download_timeout_s,
        stop=stop,
        on_progress=on_progress,
        on_size=on_size,
        tls=tls,
    )
    digest = download.run()
    return Fetched(download.size_bytes, digest, _file_name(_disposition_name(download.named) or url.path))


def _fetch_s3(
    place: str,
    sink: FileIO,
    settings: Settings,
    stop: StopSignal,
    on_progress: OnBytes | None,
    on_size: OnSize,
    is_store: Callable[[str], bool],
) -> Fetched:
    from reelq.worker.stores.s3 import open_client, read_object  # boto3 takes a third of a second to load

    bucket, _, key = place.partition("/")
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{1,62}", bucket) or not key:
        raise PermanentError("source_refused", "An S3 source needs a bucket and a key.")
    ours = [place.partition("/")[0] for scheme, place in _stores(settings) if scheme == "s3"]
    if bucket in ours or is_store(bucket):
        # The worker's credentials can read every tenant's objects, and the backups; a source URL must not.
        raise PermanentError("source_refused", "The object store itself is not a source.")
    try:
        size, _, chunks = read_object(open_client(settings), bucket, key)
        if size > settings.max_download_bytes:
            raise too_large(settings.max_download_bytes)
        on_size(size)
        return _copy(chunks, size, sink, settings, stop, on_progress, key)
    except JobError as error:
        if error.code in ("object_missing", "bucket_missing"):
            raise missing(error.detail) from error
        # To be let in and not to this bucket is the source's own trouble; credentials that ran out are this host's.
        if error.code == "object_archived" or (error.code == "store_denied" and "AccessDenied" in error.detail):
            raise denied(error.detail) from error
        raise


def _stores(settings: Settings) -> list[tuple[str, str]]:
    """Scheme and place of the stores of the settings: that of objects, and that of backups."""
    return [(scheme, place) for scheme, _, place in (address.partition("://") for address in (settings.store, settings.backup_store))]


def _fetch_local(
    text: str, sink: FileIO, settings: Settings, stop: StopSignal, on_progress: OnBytes | None, on_size: OnSize
) -> Fetched:
    if not settings.source_roots:
        detail = "REELQ_SOURCE_ROOTS of this worker names no folder"
        raise PermanentError("source_refused", "Sources on the worker's own disk are not allowed.", detail=detail)
    # What lies there is any tenant's, whatever folder of sources it may be below.
    ours = (*(unquote(place) for scheme, place in _stores(settings) if scheme == "file"), str(settings.scratch))
    with open_local(text, settings.source_roots, ours) as source:
        size = os.fstat(source.fileno()).st_size
        if size > settings.max_download_bytes:
            raise too_large(settings.max_download_bytes)
        on_size(size)
        return _copy(guarded(source, disk_side), size, sink, settings, stop, on_progress, text)


def _copy(
    chunks: Iterator[bytes],
    total: int,
    sink: FileIO,
    settings: Settings,
    stop: StopSignal,
    on_progress: OnBytes | None,
    name: str,
) -> Fetched:
    left = settings.max_download_bytes

    def write(chunk: bytes) -> None:
        nonlocal left
        left -= len(chunk)
        if left < 0:  # it grew while we read
            raise too_large(settings.max_download_bytes)
        write_all(sink, chunk, disk_side)

    size, digest = digest_chunks(chunks, write, total=total, stop=stop, on_progress=on_progress)
    if size < total:
        raise TransientError("source_broken", "The source became shorter while it was read.")
    return Fetched(size, digest, _file_name(name))


def _file_name(path: str) -> str | None:
    """The last part of a path as text that a database can keep; None when there is none."""
    name = path.rpartition("/")[2]
    text = name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")  # bytes that are no UTF-8
    return text.replace("\0", "")[:NAME_LENGTH] or None


def _disposition_name(header: str | None) -> str | None:
    """The file name of a Content-Disposition header, also in the `filename*` form."""
    if not header:
        return None
    message = Message()
    message["content-disposition"] = header
    name = message.get_filename()
    return name.replace("\\", "/") if name else None
