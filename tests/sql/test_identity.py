"""The room `identity`: tenants and users."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from tests.sql.mediakit import Conn, scalar

DATA = Path(__file__).resolve().parents[2] / "sql" / "data" / "identity_tenants.sql"
BCRYPT = "$2b$12$" + "a" * 53


def refused(conn: Conn, query: str, *args: Any) -> tuple[str | None, str]:
    """SQLSTATE and hint (or constraint) with which the database refuses."""
    with pytest.raises(psycopg.Error) as caught:
        conn.execute(query, args)
    diag = caught.value.diag
    return caught.value.sqlstate, diag.message_hint or diag.constraint_name or ""


def add_user(conn: Conn, **columns: Any) -> UUID:
    """Insert a user of the tenant "default"; return its id."""
    columns = {
        "email": "ann@example.com",
        "tenant_id": scalar(conn, "select identity.check_tenant(null)"),
        **columns,
    }
    names, marks = ", ".join(columns), ", ".join(["%s"] * len(columns))
    user: UUID = scalar(conn, f"insert into identity.users ({names}) values ({marks}) returning id", *columns.values())
    return user


def test_there_is_a_default_tenant(conn: Conn) -> None:
    """A fresh installation can ingest without making a tenant first."""
    row = conn.execute("select status, tier, job_weight from identity.tenants where slug = 'default'").fetchone()
    assert row == ("active", "standard", 1)


def test_installing_again_keeps_what_the_operator_changed(conn: Conn) -> None:
    """The data file makes the row, it does not own it."""
    conn.execute("update identity.tenants set name = 'Ours', tier = 'premium' where slug = 'default'")
    conn.execute(DATA.read_text())
    assert conn.execute("select slug, name, tier from identity.tenants").fetchall() == [("default", "Ours", "premium")]


def test_a_tenant_is_made_once(conn: Conn) -> None:
    """The second with the slug is refused; the first stays."""
    made = scalar(conn, "select identity.create_tenant('acme', p_tier => 'enterprise')")

    assert conn.execute("select slug, name, tier from identity.tenants where id = %s", [made]).fetchone() == (
        "acme",
        "acme",
        "enterprise",
    )
    code, hint = refused(conn, "select identity.create_tenant('acme')")
    assert (code, bool(hint)) == ("RQ009", True)


@pytest.mark.parametrize("slug", ["", "Acme", "-a", "a-", "a b", "ä", "a" * 51, "a\nb", None])
def test_a_slug_fits_a_command_line(conn: Conn, slug: str | None) -> None:
    """Lower case, digits, hyphens inside; nothing to quote."""
    assert refused(conn, "select identity.create_tenant(%s)", slug)[0] == "RQ008"


def test_a_tenant_is_found_by_id_by_slug_and_by_default(conn: Conn) -> None:
    """Null and null is the tenant "default"."""
    acme = scalar(conn, "select identity.create_tenant('acme')")

    assert scalar(conn, "select identity.check_tenant(%s)", acme) == acme
    assert scalar(conn, "select identity.check_tenant(null, 'acme')") == acme
    assert scalar(conn, "select identity.check_tenant(null)") == scalar(
        conn, "select id from identity.tenants where slug = 'default'"
    )


def test_without_a_name_the_session_s_tenant_is_meant(conn: Conn) -> None:
    """reelq.tenant_id comes before "default"."""
    acme = scalar(conn, "select identity.create_tenant('acme')")
    conn.execute("select set_config('reelq.tenant_id', %s, false)", [str(acme)])
    assert scalar(conn, "select identity.check_tenant(null)") == acme


def test_another_tenant_than_the_session_s_is_unknown(conn: Conn) -> None:
    """Also to the owner: who set the tenant wants to be held to it."""
    acme = scalar(conn, "select identity.create_tenant('acme')")
    conn.execute("select set_config('reelq.tenant_id', %s, false)", [str(acme)])
    assert refused(conn, "select identity.check_tenant(null, 'default')")[0] == "RQ004"


def test_unknown_and_suspended_tenants_are_told_apart(conn: Conn) -> None:
    """RQ004 and RQ012."""
    conn.execute("update identity.tenants set status = 'suspended'")
    assert refused(conn, "select identity.check_tenant(%s)", uuid4())[0] == "RQ004"
    assert refused(conn, "select identity.check_tenant(null, 'nobody')")[0] == "RQ004"
    assert refused(conn, "select identity.check_tenant(null)")[0] == "RQ012"


def test_one_live_account_an_address_whatever_its_case(conn: Conn) -> None:
    """A deleted account frees its address."""
    first = add_user(conn, email="Ann@Example.com")
    with pytest.raises(psycopg.errors.UniqueViolation):
        add_user(conn, email="ann@example.COM")

    conn.execute("update identity.users set status = 'deleted', deleted_at = base.clock() where id = %s", [first])
    add_user(conn, email="ann@example.com")


def test_a_username_is_unique_within_its_tenant(conn: Conn) -> None:
    """Another tenant may have the same one."""
    acme = scalar(conn, "select identity.create_tenant('acme')")
    add_user(conn, email="a@example.com", username="ann")
    add_user(conn, email="b@example.com", username="Ann", tenant_id=acme)
    with pytest.raises(psycopg.errors.UniqueViolation):
        add_user(conn, email="c@example.com", username="ANN")


@pytest.mark.parametrize(
    ("column", "value", "constraint"),
    [
        ("email", "not an address", "email_looks_like_one"),
        ("password_hash", "hunter2", "password_hash_is_argon2id_or_bcrypt"),
        ("role", "root", "role_is_known"),
        ("status", "deleted", "deleted_has_a_time"),
        ("settings", "[]", "settings_is_an_object"),
        ("two_factor_secret", b"JBSWY3DPEHPK3PXP", "secret_is_an_envelope"),
        ("two_factor_enabled", True, "second_factor_has_a_secret"),
    ],
)
def test_a_check_says_in_words_what_is_wrong(conn: Conn, column: str, value: object, constraint: str) -> None:
    """The constraint's name is the message."""
    with pytest.raises(psycopg.errors.CheckViolation) as caught:
        add_user(conn, **{column: value})
    assert caught.value.diag.constraint_name == constraint


def test_a_user_begins_with_what_the_plan_gives(conn: Conn) -> None:
    """Free, 30 videos a month, reset in a month, not locked."""
    user = add_user(conn, password_hash=BCRYPT)
    row = conn.execute(
        """
        select u.role, u.status, a.tier, a.monthly_quota, a.used, u.failed_login_attempts, u.locked_until,
               a.resets_on = (base.clock() at time zone 'utc' + interval '1 month')::date
        from identity.users as u inner join identity.accounts as a on a.user_id = u.id where u.id = %s
        """,
        [user],
    ).fetchone()
    assert row == ("member", "active", "free", 30, 0, 0, None, True)


def test_deleting_a_tenant_deletes_all_that_is_its(conn: Conn) -> None:
    """Users, assets, videos and variants go with it, and nobody else's; after the objects, which a sweep deletes."""
    acme = scalar(conn, "select identity.create_tenant('acme')")
    user = add_user(conn, tenant_id=acme)
    for tenant, owner in ((acme, user), (None, None)):
        video = scalar(conn, "select media.create_video('/a.mp4', %s, %s)", tenant, owner)
        asset = scalar(conn, "select asset_id from media.get_work(%s)", video)
        scalar(
            conn,
            """select media.put_variant(%s, jsonb_build_object('profile', 'poster', 'bucket', 'b', 'key', %s::text))""",
            asset,
            f"k/{asset}",
        )

    with pytest.raises((psycopg.errors.ForeignKeyViolation, psycopg.errors.RestrictViolation)):
        conn.execute("delete from identity.tenants where id = %s", [acme])
    conn.execute("delete from media.variants where tenant_id = %s", [acme])
    conn.execute("delete from media.objects where tenant_id = %s", [acme])
    conn.execute("delete from identity.tenants where id = %s", [acme])

    for table in ("media.assets", "media.videos", "media.variants"):
        assert scalar(conn, f"select count(*) from {table}") == 1, table
    assert scalar(conn, "select count(*) from identity.users") == 0
