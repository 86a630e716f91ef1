"""The queue's functions against a plain model of their contract, by random sequences of calls."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.sql.machine.database import Database
from tests.sql.machine.rules_enqueue import EnqueueRules
from tests.sql.machine.rules_gates import GateRules
from tests.sql.machine.rules_operate import OperateRules
from tests.sql.machine.rules_work import WorkRules
from tests.sql.queuekit import Queue


class QueueMachine(GateRules, WorkRules, EnqueueRules, OperateRules):
    """All subjects together."""


@pytest.mark.one_server
def test_whatever_is_called_in_whichever_order_the_contract_holds(request, connect):
    """As many examples as `--examples` says, then at random; the suite's own are the same each time."""
    examples = request.config.getoption("--examples")
    here, there = connect(), connect()
    for conn in (here, there):
        conn.execute("set lock_timeout = '2s'")  # of two sessions in one thread neither may wait for the other
    database = Database(here, Queue(there))
    run_state_machine_as_test(
        lambda: QueueMachine(database),  # type: ignore[arg-type]
        settings=settings(
            max_examples=examples or 120,
            stateful_step_count=50,
            derandomize=examples is None,
            deadline=None,
            database=None,
            phases=(Phase.generate,) if request.config.getoption("--no-shrink") else (Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
        ),
    )
