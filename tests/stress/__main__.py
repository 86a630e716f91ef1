"""`python -m tests.stress --seconds 600`: the stress on a private server, as long as you like."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

import psycopg

from demo import postgres
from reelq.worker.db import schema
from tests.stress.run import Stress

EXAMPLES = """
examples:
  python -m tests.stress                                 a minute, as ./run test does
  python -m tests.stress --seconds 600 --workers 8       longer, with a larger fleet
  python -m tests.stress --pg wheel --keep /tmp/stress   the wheel's server; the actors' logs stay in /tmp/stress
"""


def main() -> int:
    """Run it; 1 when an invariant did not hold."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.stress", description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--producers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--pg", help="system, wheel or a major such as 15; default: the first found")
    parser.add_argument("--durable", action="store_true", help="with fsync and autovacuum, as in production")
    parser.add_argument("--keep", type=Path, help="folder for the actors' logs")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch, postgres.throwaway(postgres.choose(asked.pg), durable=asked.durable) as server:
        folder = asked.keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        with psycopg.connect(server.url(), autocommit=True) as conn:
            conn.execute("create database stress")
        with psycopg.connect(server.url("stress"), autocommit=True) as conn:
            schema.install(conn)
        try:
            told = Stress(server.url("stress"), folder, asked.seconds, asked.workers, asked.producers, asked.seed).run()
        except AssertionError as error:
            print(f"broken: {error}", file=sys.stderr)
            return 1
    print(json.dumps(told, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
