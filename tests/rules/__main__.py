"""python -m tests.rules DATABASE_URL: what there breaks a rule; exit code 1 when something does."""

from __future__ import annotations

import sys

import psycopg

from tests.rules import broken


def main() -> int:
    """Print a line for each."""
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    with psycopg.connect(sys.argv[1], autocommit=True) as conn:
        told = broken(conn)
    print("\n".join(told) or "No rule is broken.")
    return 1 if told else 0


if __name__ == "__main__":
    sys.exit(main())
