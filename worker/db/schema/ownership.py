"""Who owns what is ours. After REASSIGN OWNED, or a restore with --no-owner, row security may hide the jobs from their owner.

    faults   a row a thing that is wrong: what, how, and the statement that mends it (base.find_owner_faults)
    mend     policies are given to the present owners; what belongs to another role is told
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import psycopg

from reelq.worker.db.schema import drift, locks

THERE = "select from pg_proc where oid = to_regprocedure('base.find_owner_faults()')"
FAULTS = "select object, fault, mend from base.find_owner_faults()"


def faults(conn: psycopg.Connection[Any]) -> list[tuple[str, str, str]]:
    """Object, what is wrong with its owner, and the statement that mends it."""
    if not drift.rows(conn, THERE):
        return []
    return [(found, fault, mended) for found, fault, mended in drift.rows(conn, FAULTS)]


def mend(conn: psycopg.Connection[Any], warn: Callable[[str], None], standing: dict[str, int], patience_s: float) -> None:
    """Give the policies to the owners of their tables; tell what only its owner or a superuser can give away.

    Raises:
        SchemaBusy: others held a table all the time.
    """
    for found, fault, statement in faults(conn):
        try:
            locks.patiently(conn, partial(conn.execute, statement.encode()), statement, statement, standing, patience_s)
        except psycopg.errors.InsufficientPrivilege:
            warn(f"{found} {fault}; as a superuser: {statement}")
