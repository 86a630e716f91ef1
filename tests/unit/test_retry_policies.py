"""The trouble of host, store and source has one name where it is raised and where its retries are decided."""

from __future__ import annotations

import re
from pathlib import Path

from reelq.worker.db import schema

WORKER = Path(__file__).resolve().parents[2] / "worker"
# Charged to the job, as any other error that may pass: the next attempt tells whether it was the file.
CHARGED = {"killed", "result_torn", "source_slow", "stalled", "too_slow", "write_failed"}


def test_every_trouble_that_passes_has_a_policy_or_is_charged() -> None:
    code = "\n".join(path.read_text(encoding="utf-8") for path in sorted(WORKER.rglob("*.py")))
    raised = set(re.findall(r'TransientError\(\s*"([a-z_]+)"', code))
    rows = (schema.ROOT / "data/queue_retry_policies.sql").read_text(encoding="utf-8")
    policies = set(re.findall(r"'transient', '([a-z_]+)'", rows))
    assert len(raised) > 12 and raised > CHARGED
    assert raised - CHARGED <= policies
    assert policies <= set(re.findall(r'"([a-z_]+)"', code)), "a policy for what nobody raises"
