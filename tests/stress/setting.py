"""How the queue is set up for the stress: leases of a second, short waits, three kinds of work."""

from __future__ import annotations

from typing import Any

import psycopg

LEASE_S = 1.0  # the shortest that a job type may have
KINDS = ("no_op", "extract_metadata", "generate_thumbnail")
FIXTURE = """
update queue.job_types set requires = null, options_schema = null;  -- they are names of types here, without videos
update queue.job_types set lease = '1 second', max_attempts = 4, max_crashes = 5 where job_type in ('no_op', 'extract_metadata', 'generate_thumbnail');
update queue.job_types set batch = 10 where job_type = 'extract_metadata';
update queue.job_types set weight = 2, needs = '{av1}' where job_type = 'generate_thumbnail';
update queue.retry_policies set base = '50 milliseconds', factor = 2, cap = '400 milliseconds';
update queue.upkeep set grace = '30 seconds';
"""
# With limits and pauses the same load also has to respect them.
LIMITS = {"type:no_op": 12, "name:licence": 5, "tenant:*": 15}


def prepare(conn: psycopg.Connection[Any]) -> None:
    """Set up an installed database."""
    conn.execute(FIXTURE.encode(), prepare=False)
    for slug in ("one", "two"):
        conn.execute("select identity.create_tenant(%s, %s)", [slug, slug])
    if has(conn, "queue.set_limit(text,integer)"):
        conn.execute("update queue.job_types set limits = '{licence}' where job_type = 'extract_metadata'")
        for key, most in LIMITS.items():
            conn.execute("select queue.set_limit(%s, %s)", [key, most])


def has(conn: psycopg.Connection[Any], function: str) -> bool:
    """Whether the database has a function with this signature."""
    return conn.execute("select to_regprocedure(%s) is not null", [function]).fetchone() == (True,)
