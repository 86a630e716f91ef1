"""What tenants have chosen: one row each, weights that sum to 1, filters with real countries, changed by those who may."""

from __future__ import annotations

from decimal import Decimal

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.types.json import Jsonb

from tests.sql.accountkit import NOBODY, Company, code, refusal
from tests.sql.queuekit import Queue, Race

SET = "select identity.set_tenant_config(%s, %s)"


@pytest.fixture
def queue(conn):
    return Queue(conn)


@pytest.fixture
def acme(queue, connect):
    return Company(queue, connect, "acme")


@pytest.fixture
def beta(queue, connect):
    return Company(queue, connect, "beta")


def config(queue, tenant="acme"):
    (found,) = queue.rows("select * from identity.tenant_config(%s)", tenant)
    return found


def test_every_tenant_has_one_with_the_defaults_of_the_source(queue):
    queue.value("select identity.create_tenant('acme')")
    assert queue.value("select count(*) from identity.tenants") == queue.value("select count(*) from identity.tenant_configs") == 2
    found = config(queue)
    assert found.personalization_weights == {"watch_history": 0.5, "engagement": 0.3, "editorial": 0.2}
    assert (found.personalization_enabled, found.content_filters, found.rate_limit_rps, found.cache_ttl_seconds, found.retention_days) == (True, {}, 600, 60, 90)


def test_what_is_given_is_changed_and_the_rest_stays(queue, acme):
    queue.value(SET, "acme", Jsonb({"cache_ttl_seconds": 5, "personalization_enabled": False}))
    queue.value(SET, str(acme.id), Jsonb({"content_filters": {"max_maturity": "teen", "excluded_categories": ["horror"], "geo_allowed": ["US", "GB"]}}))
    queue.value(SET, "acme", Jsonb({}))
    found = config(queue)
    assert (found.cache_ttl_seconds, found.personalization_enabled, found.rate_limit_rps) == (5, False, 600)
    assert found.content_filters["geo_allowed"] == ["US", "GB"]
    queue.value(SET, "acme", Jsonb({"content_filters": {}}))
    assert config(queue).content_filters == {}


@pytest.mark.parametrize(
    ("given", "told", "hint"),
    [
        ({"personalization_weights": {"a": 0.5, "b": 0.4}}, "weights must sum to exactly 1, not 0.9", "they replace the earlier ones"),
        ({"personalization_weights": {}}, "weights must sum to exactly 1, not 0", ""),
        ({"personalization_weights": {"a": 1.5, "b": -0.5}}, "weight 'a' must be a number from 0 to 1, not 1.5", ""),
        ({"personalization_weights": {"a": "1"}}, "weight 'a' must be a number from 0 to 1, not \"1\"", ""),
        ({"personalization_weights": {"": 1}}, "a weight must have a name of 1 to 50 characters, not ''", ""),
        ({"personalization_weights": [1]}, "weights must be a JSON object, not array", ""),
        ({"personalization_weights": None}, "weights must be a JSON object, not null", ""),
        ({"content_filters": {"geo_allowed": ["US", "UK"]}}, 'a country of geo_allowed must be a code of ISO 3166-1, two capital letters, not "UK"', "GB"),
        ({"content_filters": {"geo_allowed": ["us"]}}, 'two capital letters, not "us"', "Write it US."),
        ({"content_filters": {"geo_allowed": ["D "]}}, 'not "D "', "iso.org"),
        ({"content_filters": {"geo_allowed": ["AD AE"]}}, 'not "AD AE"', ""),
        ({"content_filters": {"geo_allowed": [None]}}, "not null", ""),
        ({"content_filters": {"geo_allowed": "US"}}, "geo_allowed must be a JSON list, not string", ""),
        ({"content_filters": {"max_maturity": "adult"}}, 'max_maturity must be general, teen or mature, not "adult"', ""),
        ({"content_filters": {"excluded_categories": [""]}}, "must be a name of 1 to 100 characters", ""),
        ({"content_filters": {"geo_denied": []}}, "content_filters has no key 'geo_denied'", "geo_allowed"),
        ({"rate_limit_rps": 0}, "rate_limit_rps must be a whole number from 1 to 1000000, not 0", ""),
        ({"rate_limit_rps": None}, "rate_limit_rps must be a whole number from 1 to 1000000, not null", ""),
        ({"cache_ttl_seconds": 1.5}, "cache_ttl_seconds must be a whole number from 0 to 86400, not 1.5", ""),
        ({"cache_ttl_seconds": "5"}, 'not "5"', ""),
        ({"retention_days": 1e30}, "retention_days must be a whole number from 1 to 3650", ""),
        ({"personalization_enabled": "yes"}, 'personalization_enabled must be true or false, not "yes"', ""),
        ({"tenant_id": NOBODY}, "a tenant's configuration has no 'tenant_id'", "rate_limit_rps"),
        ([], "config must be a JSON object, not array", ""),
    ],
)
def test_what_cannot_be_is_refused_in_a_line_and_nothing_changes(queue, acme, given, told, hint):
    before = config(queue)
    diag = refusal(queue, SET, "acme", Jsonb(given))
    assert diag.sqlstate == "RQ008" and told in diag.message_primary and hint in diag.message_hint
    assert config(queue) == before


def test_the_table_itself_refuses_what_the_function_would(queue, acme):
    for column, value, constraint in (
        ("personalization_weights", '{"a": 0.9}', "weights_are_0_to_1_and_sum_to_1"),
        ("content_filters", '{"geo_allowed": ["UK"]}', "content_filters_are_known"),
    ):
        with pytest.raises(psycopg.errors.CheckViolation) as caught:
            queue.value(f"update identity.tenant_configs set {column} = %s", value)
        assert caught.value.diag.constraint_name == constraint


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=50), st.integers(-1, 1))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_weights_are_taken_exactly_when_they_sum_to_one(conn, parts, off):
    """In decimals, as JSON writes them: no rounding in between."""
    cuts = sorted(part % 1001 for part in parts[:-1])
    thousandths = [high - low for low, high in zip([0, *cuts], [*cuts, 1000], strict=True)]
    thousandths[0] += off
    text = "{" + ", ".join(f'"w{n}": {Decimal(part) / 1000}' for n, part in enumerate(thousandths)) + "}"
    (told,) = conn.execute("select base.weights_refusal(%s::jsonb)", [text]).fetchone()
    fits = sum(thousandths) == 1000 and all(0 <= part <= 1000 for part in thousandths)
    assert (told is None) == fits, text


def test_249_codes_are_countries_and_nothing_else_is(queue):
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    pairs = [one + other for one in letters for other in letters]
    known = {code for (code,) in queue.conn.execute("select c from unnest(%s::text[]) as c where base.is_country(c)", [pairs])}
    assert len(known) == 249 and {"US", "CA", "GB", "DE", "AX", "ZW"} <= known and not {"UK", "EU", "XX", "EN", "AN"} & known


# Who may


def test_a_tenant_and_its_admin_change_what_is_theirs_and_members_look(acme):
    for session in (acme.server(), acme.user("admin")):
        session.value(SET, None, Jsonb({"cache_ttl_seconds": 7}))
        for key in ("rate_limit_rps", "retention_days"):
            diag = refusal(session, SET, None, Jsonb({key: 1000}))
            assert (diag.sqlstate, diag.message_primary) == ("RQ016", f"only operators may change {key}")
    for member in ("member", "viewer"):
        assert config(acme.user(member), None).cache_ttl_seconds == 7
        assert code(acme.user(member), SET, None, Jsonb({"cache_ttl_seconds": 8})) == "RQ016"
    assert config(acme.server("reelq_readonly"), None).cache_ttl_seconds == 7
    assert code(acme.server("reelq_readonly"), SET, None, Jsonb({})) == "42501"


def test_an_operator_and_a_worker_change_any(queue, connect, acme):
    for role, value in (("reelq_admin", 100), ("reelq_worker", 200)):
        session = Queue(connect())
        session.conn.execute(f"set role {role}".encode())
        session.value(SET, "acme", Jsonb({"rate_limit_rps": value}))
        assert config(session).rate_limit_rps == value


def test_another_tenant_is_answered_like_one_that_is_not_there(acme, beta):
    app = acme.server()
    for tenant in ("beta", str(beta.id), "nope", NOBODY):
        for statement, args in ((SET, (tenant, Jsonb({}))), ("select * from identity.tenant_config(%s)", (tenant,))):
            diag = refusal(app, statement, *args)
            assert (diag.sqlstate, diag.message_primary) == ("RQ004", f"no tenant '{tenant}'")
    stranger = beta.server()
    stranger.value("select set_config('reelq.user_id', %s, false)", str(acme.users["admin"]))
    assert code(stranger, "select * from identity.tenant_config()") == "RQ004"
    assert code(stranger, SET, None, Jsonb({})) == "RQ016"


def test_of_two_changes_at_once_neither_is_lost(queue, connect, acme):
    with queue.transaction():
        queue.value(SET, "acme", Jsonb({"cache_ttl_seconds": 1}))
        race = Race(Queue(connect()), lambda q: q.value(SET, "acme", Jsonb({"rate_limit_rps": 2}))).start_and_wait_until_blocked(Queue(connect()))
    race.finish()
    assert (config(queue).cache_ttl_seconds, config(queue).rate_limit_rps) == (1, 2)


# What operators decide


def test_a_tenant_s_own_bucket_tier_and_weight(queue, acme):
    queue.value("select identity.set_tenant('acme', %s)", Jsonb({"tier": "premium", "job_weight": 2.5, "s3_bucket": "acme-media", "s3_region": "eu-central-1"}))
    (shown,) = queue.rows("select * from identity.show_tenant('acme')")
    assert (shown.tier, float(shown.job_weight), shown.s3_bucket, shown.s3_region, shown.users) == ("premium", 2.5, "acme-media", "eu-central-1", 4)
    queue.value("select identity.set_tenant('acme', %s)", Jsonb({"s3_bucket": None, "s3_region": None}))
    assert queue.rows("select s3_bucket, tier from identity.show_tenant('acme')") == [(None, "premium")]


@pytest.mark.parametrize("given", [{"s3_bucket": "acme-media"}, {"tier": "gold"}, {"name": ""}, {"name": None}, {"name": {"a": 1}}, {"s3_bucket": 12345, "s3_region": "eu"}, {"job_weight": 0}, {"job_weight": "2"}, {"job_weight": None},
                                   {"slug": "other"}, {"s3_bucket": "ab", "s3_region": "x"}, [], {"job_weight": 1e9}])  # fmt: skip
def test_what_a_tenant_cannot_be_is_refused(queue, acme, given):
    assert refusal(queue, "select identity.set_tenant('acme', %s)", Jsonb(given)).sqlstate == "RQ008"


def test_a_bucket_is_one_tenant_s(queue, acme, beta):
    statement = "select identity.set_tenant(%s, %s)"
    queue.value(statement, "acme", Jsonb({"s3_bucket": "media", "s3_region": "eu"}))
    assert refusal(queue, statement, "beta", Jsonb({"s3_bucket": "media", "s3_region": "eu"})).sqlstate == "RQ008"


def test_what_is_the_operators_is_not_for_who_acts_for_a_tenant(queue, acme):
    queue.value("select identity.act_for('acme')")
    queue.value("select set_config('reelq.tenant_id', %s, false)", str(acme.id))
    for call in ("set_tenant('acme', '{}')", "show_tenant('acme')", "set_subscription('acme', null, '{}')", "set_quota('acme', null, 3)", "list_subscriptions()"):
        assert code(queue, f"select identity.{call}") == "42501", call
