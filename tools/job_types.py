"""sql/data/queue_job_types.sql, its last part: the arguments of the shipped handlers as schemas, and what their jobs are about.

    python -m tools.job_types

writes it anew; a test fails while the file says something else than the handlers.
"""

from __future__ import annotations

import json
from pathlib import Path

from reelq.worker.db import schema
from reelq.worker.runtime.registry import shipped

MARK = "-- Written by `python -m tools.job_types` from the Args of worker/handlers/: not an operator's to change.\n"


STATEMENT = """update queue.job_types as t
set options_schema = s.options_schema::jsonb, requires = s.requires
from (
    values
{rows}
) as s (job_type, requires, options_schema)
where t.job_type = s.job_type and (t.options_schema, t.requires) is distinct from (s.options_schema::jsonb, s.requires);
"""


def schemas() -> str:
    """The statement that fills options_schema and requires of queue.job_types."""
    registry = shipped()
    rows = []
    for name in registry.types:
        handler = registry.find(name)
        text = json.dumps(handler.schema(), ensure_ascii=False)
        requires = f"'{handler.requires}'" if handler.requires else "null"
        rows.append(f"    ('{name}', {requires}, '" + text.replace("'", "''") + "')")
    return MARK + STATEMENT.replace("{rows}", ",\n".join(rows))


def written(text: str) -> str:
    """The file with that part as it should be."""
    return text.partition(MARK)[0].rstrip() + "\n\n" + schemas()


def main(path: Path = schema.ROOT / "data" / "queue_job_types.sql") -> None:
    """Write it."""
    path.write_text(written(path.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
