"""Each question about the audit reads about as many rows as it answers, however many there are.

Counts of rows, as auto_explain tells them. A twentieth of `--backlog` acts, of four months: `--backlog 20000000` makes a million.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import UUID

import pytest

from tests.conftest import Clock
from tests.sql.auditkit import add_user, say
from tests.sql.mediakit import Conn, scalar
from tests.sql.plankit import Explained
from tests.sql.rolekit import Tenant

PAGE = 20
# Nearly all acts are everyday ones of one tenant by one user; one in ten thousand is anything else.
FILL = """
insert into ops.audit_logs (
    tenant_id, actor_kind, actor_id, db_role, login_role, user_id, subject_user_id, request_id, client_ip, action, entity_type, entity_id, risk_score, created_at
)
select
    %(tenant)s, case when rare then 'system' else 'user' end, case when rare then 'partitions' else %(user)s::text end, 'web', 'web',
    case when rare then null else %(user)s::uuid end, case when rare then %(other)s::uuid else %(user)s::uuid end,
    case when rare then 'req-rare' else 'req-' || n end, case when rare then '198.51.100.7'::inet else '203.0.113.9' end,
    case when rare then 'user.role_changed' else 'job.cancelled' end, case when rare then 'user' else 'job' end,
    case when rare then 'rare' else (n %% 1000)::text end, case when rare then 90 else n %% 20 end,
    timestamptz '2041-01-01 00:00+00' + n * (interval '119 days' / %(rows)s)
from (select n, n %% 10000 = 77 as rare from generate_series(1, %(rows)s) as n) as made
"""


@pytest.fixture
def rows(request: pytest.FixtureRequest) -> int:
    """How many acts."""
    return int(request.config.getoption("--backlog")) // 20


@pytest.fixture
def filled(conn: Conn, clock: Clock, rows: int) -> Iterator[tuple[Conn, Tenant, UUID]]:
    """A database with that many acts; the planner knows nothing of them."""
    clock.set("2041-04-30 12:00+00")
    for month in range(1, 5):
        conn.execute("select base.make_partition('ops.audit_logs', %s)", [datetime(2041, month, 1, tzinfo=UTC).date()])
    acme = Tenant(conn, "acme")
    other = add_user(conn, acme.id, "other@acme.example.com", "admin")
    conn.execute(FILL, {"tenant": acme.id, "user": acme.user, "other": other, "rows": rows})
    yield conn, acme, other


def test_every_filter_of_the_list_is_bounded(filled: tuple[Conn, Tenant, UUID], rows: int) -> None:
    conn, acme, other = filled
    last = scalar(conn, "select max(id) - %s from ops.audit_logs", rows // 2)
    filters = {
        "": "true", "p_tenant => 'acme'": "true", "p_after => %(last)s": "true", "p_since => '2041-02-01'": "true", "p_until => '2041-01-03'": "true",
        "p_action => 'user.role_changed'": "rare", "p_tenant => 'acme', p_action => 'user.role_changed'": "rare", "p_actor => 'system'": "rare",
        "p_actor => 'partitions'": "rare", "p_actor => %(user)s": "true", "p_actor => 'ann@acme.example.com'": "true", "p_about => %(other)s": "rare",
        "p_entity_type => 'user', p_entity_id => 'rare'": "rare", "p_request_id => 'req-rare'": "rare", "p_client_ip => '198.51.100.7'": "rare",
        "p_min_risk => 20": "rare", "p_min_risk => 50, p_tenant => 'acme'": "rare", "p_id => %(last)s": "true",
    }  # fmt: skip
    explained = Explained(conn)
    known = {"last": last, "user": str(acme.user), "other": str(other)}
    for statistics in ("none", "fresh"):
        for given in filters:
            question = f"select * from ops.list_acts(p_limit => {PAGE}{', ' if given else ''}{given})"
            call = explained.call(question % {key: f"'{value}'" if isinstance(value, str) else value for key, value in known.items()})
            read = sum(touch.rows for touch in call.touches if touch.table.startswith("audit_logs"))
            assert call.rows, given
            assert read <= 12 * PAGE, (statistics, given, read, [str(touch) for touch in call.touches if touch.rows > PAGE])
        conn.execute("analyze ops.audit_logs")


def test_a_tenant_and_a_member_read_no_more(filled: tuple[Conn, Tenant, UUID]) -> None:
    conn, acme, other = filled
    explained = Explained(conn)
    for user in (None, acme.user, other):
        say(conn, tenant_id=acme.id, user_id=user)
        for given in ("", ", p_action => 'user.role_changed'", ", p_min_risk => 50", ", p_entity_type => 'user', p_entity_id => 'rare'"):
            if given and user == acme.user:
                continue  # a member's own acts, of which none fits
            call = explained.call(f"select * from ops.list_acts(p_limit => {PAGE}{given})")
            read = sum(touch.rows for touch in call.touches if touch.table.startswith("audit_logs"))
            assert read <= 12 * PAGE, (user, given, [str(touch) for touch in call.touches if touch.rows > PAGE])


def test_an_act_looks_at_a_bounded_past(filled: tuple[Conn, Tenant, UUID]) -> None:
    """Risk is worked out among a million acts as among ten."""
    conn, acme, _ = filled
    explained = Explained(conn)
    for action, entity, facts in (
        ("video.deleted", "video", "{}"), ("login.failed", "user", "{}"), ("session.created", "session", f'{{"subject_user_id": "{acme.user}"}}'),
    ):  # fmt: skip
        say(conn, tenant_id=acme.id, user_id=acme.user, client_ip="203.0.113.9", user_agent="x")
        call = explained.call("select base.record_act(%s, %s, 'x', p_facts => %s)", action, entity, facts)
        read = sum(touch.rows for touch in call.touches if touch.table.startswith("audit_logs") and touch.node not in ("ModifyTable", "Insert"))
        assert read <= 450, (action, [str(touch) for touch in call.touches])


def test_failed_log_ins_are_counted_without_the_rest(filled: tuple[Conn, Tenant, UUID]) -> None:
    conn, acme, other = filled
    for _ in range(5):
        conn.execute("select base.record_act('login.failed', 'user', %s, p_tenant_id => %s)", [str(other), acme.id])
    explained = Explained(conn)
    for tenant in ("null", "'acme'"):
        call = explained.call(f"select * from ops.failed_logins({tenant}, '2041-01-01')")
        assert [row.failures for row in call.rows] == [5]
        assert sum(touch.rows for touch in call.touches if touch.table.startswith("audit_logs")) <= 12 * PAGE
