"""Folders of this host: the one for work in progress can be written and has room, those of sources can be read."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from reelq.worker.doctor.checks.findings import Finding, host
from reelq.worker.settings import Settings

PROBE_BYTES = 1 << 20


def check(settings: Settings) -> Iterator[Finding]:
    """Written, synced and read back; then what is free against what the settings promise."""
    folder = existing(settings.scratch)
    try:
        if not folder.is_dir():
            raise NotADirectoryError(20, "Not a directory", str(folder))
        if folder == settings.scratch:
            write(folder)
        elif not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(13, "Permission denied", str(folder))
        free = shutil.disk_usage(folder).free
    except OSError as error:
        remedy = f"mkdir -p {settings.scratch}, owned by the account that runs workers; or another REELQ_SCRATCH"
        yield host("bad", "scratch", f"{settings.scratch} cannot be written: {error.strerror or error}", remedy)
        return
    reserve, quota = settings.scratch_reserve_bytes, settings.scratch_quota_bytes
    state = f"{settings.scratch}: {gigabytes(free)} free" + ("" if folder == settings.scratch else "; a worker makes the folder")
    if free < reserve:
        detail = f"{state}, less than the reserve of {gigabytes(reserve)}: nothing is claimed"
        yield host("bad", "scratch", detail, "Make room, or lower REELQ_SCRATCH_RESERVE_BYTES.")
    elif free < reserve + quota:
        detail = f"{state}, less than reserve and quota together ({gigabytes(reserve + quota)})"
        yield host("warn", "scratch", detail, "Make room, or lower REELQ_SCRATCH_QUOTA_BYTES.")
    else:
        yield host("ok", "scratch", state)


def sources(settings: Settings) -> Iterator[Finding]:
    """Every folder that sources may be read from is there: a share that is not mounted fails job after job."""
    if not settings.source_roots:
        yield host("ok", "sources", "None by path: REELQ_SOURCE_ROOTS is empty")
        return
    unreadable = [root for root in settings.source_roots if not (Path(root).is_dir() and os.access(root, os.R_OK | os.X_OK))]
    for root in unreadable:
        detail = f"{root} is not there, or may not be read: sources in it fail"
        yield host("bad", "sources", detail, "Mount it, or take it out of REELQ_SOURCE_ROOTS.")
    if not unreadable:
        yield host("ok", "sources", f"By path from {', '.join(settings.source_roots)}")


def existing(folder: Path) -> Path:
    """The folder, or the nearest above it that is there."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder


def write(folder: Path) -> None:
    """Write a megabyte to disk and take it away."""
    with tempfile.TemporaryFile(dir=folder) as file:
        file.write(bytes(PROBE_BYTES))
        file.flush()
        os.fsync(file.fileno())


def gigabytes(size: int) -> str:
    """12.3 GB."""
    return f"{size / 1e9:.1f} GB"
