"""Settings of all workers in the database: values are of their type and within bounds whoever writes, secrets are sealed, changes are audited."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.types.json import Jsonb

from reelq.worker import settings as environment
from reelq.worker.rooms.ops import config
from reelq.worker.runtime import live_settings
from tests.sql.rolekit import Tenant, open_as
from tests.sql.secretkit import shaped

Conn = psycopg.Connection[Any]
SET = "select ops.set_config(%s, %s)"


@pytest.fixture
def acme(conn: Conn) -> Tenant:
    return Tenant(conn, "acme")


def value(conn: Conn, statement: str, *args: Any) -> Any:
    row = conn.execute(statement.encode(), args).fetchone()
    assert row is not None
    return row[0]


def refusal(conn: Conn, statement: str, *args: Any) -> tuple[str, str]:
    with pytest.raises(psycopg.Error) as error, conn.transaction():
        conn.execute(statement.encode(), args)
    return str(error.value.sqlstate), str(error.value.diag.message_primary)


def test_a_value_holds_until_it_is_taken_back(conn: Conn) -> None:
    assert value(conn, SET, "worker.poll_s", Jsonb("0.5s")) == "0.5s"
    assert value(conn, "select ops.config_value('worker.poll_s')") == "0.5s"
    assert [(one.key, one.value, one.is_default) for one in config.list_keys(conn, "worker") if not one.is_default] == [("worker.poll_s", "0.5s", False)]
    assert value(conn, SET, "worker.poll_s", None) == "1s"
    assert all(one.is_default for one in config.list_keys(conn))
    acts = conn.execute("select action, before ->> 'value', after ->> 'value' from ops.audit_logs where entity_id = 'worker.poll_s' order by id").fetchall()
    assert [tuple(one) for one in acts] == [("setting.changed", None, "0.5s"), ("setting.changed", "0.5s", None)]


@pytest.mark.parametrize(
    ("key", "given", "told"),
    [
        ("worker.poll_s", "200ms", "a time such as"),
        ("worker.poll_s", "0.04s", "from 0.05 to 20 seconds"),
        ("worker.poll_s", "21s", "from 0.05 to 20 seconds"),
        ("worker.poll_s", 1, "a time such as"),
        ("worker.log_level", "loud", "one of debug, info, warning, error"),
        ("worker.log_level", ["debug"], "one of debug"),
        ("worker.max_download_bytes", "1kB", "from 1000000 to"),
        ("worker.max_download_bytes", "-5GB", "a size such as"),
        ("worker.link_secret", "sesame", "must be sealed"),
    ],
)
def test_what_does_not_fit_is_refused_by_the_function_and_by_the_table(conn: Conn, key: str, given: Any, told: str) -> None:
    code, sentence = refusal(conn, SET, key, Jsonb(given))
    assert code == "RQ008" and told in sentence
    assert refusal(conn, "update ops.system_config set value = %s where key = %s", Jsonb(given), key)[0] == "23514"
    assert value(conn, "select value from ops.system_config where key = %s", key) is None


def test_unknown_keys_and_callers_who_are_no_operators(conn: Conn, connect: Callable[..., Conn], acme: Tenant) -> None:
    assert refusal(conn, SET, "worker.nope", Jsonb(1))[0] == "RQ004"
    conn.execute("select ops.set_config('worker.poll_s', '\"2s\"')")
    tenant = open_as(connect, "reelq_admin", acme)
    for statement in ("select ops.config_value('worker.poll_s')", "select ops.list_config()", "select ops.set_config('worker.poll_s', null)"):
        assert refusal(tenant, statement)[0] == "42501"
    assert refusal(open_as(connect, "reelq_app", acme), "select ops.config_value('worker.poll_s')")[0] == "42501"
    assert refusal(open_as(connect, "reelq_worker"), "select ops.set_config('worker.poll_s', null)")[0] == "42501"
    assert value(open_as(connect, "reelq_worker"), "select ops.config_value('worker.poll_s')") is not None


def test_a_secret_is_an_envelope_of_the_current_key_and_never_shown(conn: Conn) -> None:
    conn.execute("select ops.set_current_secret_key('k2', '0123456789abcdef', null)")
    put = "select ops.set_sealed_config(%s, %s)"
    assert refusal(conn, put, "worker.link_secret", b"sesame")[0] == "RQ008"
    assert refusal(conn, put, "worker.link_secret", shaped("k1"))[0] == "RQ017"
    assert refusal(conn, put, "worker.poll_s", shaped("k2"))[0] == "RQ008"
    conn.execute(put.encode(), ["worker.link_secret", shaped("k2")])
    assert config.sealed(conn, "worker.link_secret") == shaped("k2")
    (found,) = [one for one in config.list_keys(conn) if one.key == "worker.link_secret"]
    assert (found.value, found.is_set) == (None, True)
    assert value(conn, "select after from ops.audit_logs where entity_id = 'worker.link_secret'") == {"key": "worker.link_secret", "sealed_value": "(changed)"}
    conn.execute("select ops.set_config('worker.link_secret', null)")
    assert config.sealed(conn, "worker.link_secret") is None


def test_defaults_are_those_of_the_environment_and_every_live_setting_has_its_row(conn: Conn) -> None:
    found = {one.key.removeprefix("worker."): one for one in config.list_keys(conn, "worker")}
    assert set(found) == {*live_settings.LIVE, *live_settings.SEALED}
    for name in live_settings.LIVE:
        assert found[name].default_value == environment.FIELDS[name].default


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.one_of(st.from_regex(r"\A[0-9]{1,4}(\.[0-9]{1,3})?[a-zA-Z ]{0,3}\Z"), st.text(max_size=8)), kind=st.sampled_from(["duration", "size"]))
def test_what_sql_takes_python_reads_as_the_same(conn: Conn, text: str, kind: str) -> None:
    """So a worker can follow whatever an operator was allowed to set."""
    try:
        amount = value(conn, "select base.config_amount(%s, to_jsonb(%s::text))", kind, text)
    except psycopg.DataError:  # NUL, which no JSON of Postgres holds
        return
    if amount is None or amount == 0:
        return
    read = environment.parse_seconds if kind == "duration" else environment.parse_bytes
    assert float(read(text)) == pytest.approx(float(amount))
