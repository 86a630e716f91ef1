"""A minute of stress: see tests/stress/run.py for what happens, checks.py for what must hold."""

from __future__ import annotations

import pytest

from tests.stress.run import Stress


@pytest.mark.stress
def test_a_minute_of_crashes_zombies_and_meddling_breaks_no_promise(request, dsn, tmp_path):
    seconds = request.config.getoption("--stress-seconds")
    told = Stress(dsn, tmp_path, seconds).run()
    assert told["jobs"]["completed"] > seconds * 10
    for happened in ("lost", "retried", "snoozed", "released", "failed", "cancelled"):
        assert told["attempts"].get(happened), f"nothing was {happened}: the stress has lost its teeth"
    assert told["reports"]["lost"] > 0 and told["kills"] > 0
