"""What is found of persons in texts, and how it is masked."""

from __future__ import annotations

import pytest

from tests.sql.mediakit import Conn, scalar

FOUND = [
    ("write to Ann.B+x@mail.example.co.uk, please", [("email", "Ann.B+x@mail.example.co.uk")]),
    ("<ann@example.com>;bob@example.com", [("email", "ann@example.com"), ("email", "bob@example.com")]),
    ("4111 1111 1111 1111", [("card", "4111 1111 1111 1111")]),
    ("card=378282246310005.", [("card", "378282246310005")]),
    ("3782 822463 10005", [("card", "3782 822463 10005")]),
    ("AT61 1904 3002 3457 3201", [("iban", "AT61 1904 3002 3457 3201")]),
    ("to DE89370400440532013000 now", [("iban", "DE89370400440532013000")]),
    ("GB82 WEST 1234 5698 7654 32", [("iban", "GB82 WEST 1234 5698 7654 32")]),
    ("call +43 660 1234567", [("phone", "+43 660 1234567")]),
    ("0043 (0)1 234 56 78", [("phone", "0043 (0)1 234 56 78")]),
    ("(555) 123-4567", [("phone", "(555) 123-4567")]),
    ('{"tel": "0660 123 45 67"}', [("phone", "0660 123 45 67")]),
]
NOT_FOUND = [
    "4111 1111 1111 1112", "0000000000000000", "1111111111111111", "AT61 1904 3002 3457 3202", "01976b1e-5a3c-7d4e-8f00-0123456789ab", "2026-11-27 08:13:33.123456",
    "a" * 64, "1280x720", "30000/1001", "ann@", "@example.com", "ann@localhost", "line 1234567 of 2345678", "", "12345678", "ffmpeg 5.1.6 at 0x7f001234567",
    "tenants/01976b1e-5a3c-7d4e-8f00-0123456789ab/media/01976b1e-5a3c-7d4e-8f00-012345678912/original",
]  # fmt: skip


@pytest.mark.parametrize(("text", "found"), FOUND)
def test_what_is_personal_is_found(conn: Conn, text: str, found: list[tuple[str, str]]) -> None:
    assert conn.execute("select kind, value from base.find_pii(%s)", [text]).fetchall() == found


@pytest.mark.parametrize("text", NOT_FOUND)
def test_what_only_looks_like_it_is_not(conn: Conn, text: str) -> None:
    assert conn.execute("select kind, value from base.find_pii(%s)", [text]).fetchall() == []


def test_only_the_beginning_of_a_long_text_is_read(conn: Conn) -> None:
    assert scalar(conn, "select count(*) from base.find_pii(repeat('x ', 50000) || 'ann@example.com')") == 0
    assert scalar(conn, "select count(*) from base.find_pii(repeat('x ', 40000) || 'ann@example.com')") == 1


@pytest.mark.parametrize(
    ("call", "masked"),
    [
        ("base.mask_email('ann.b@mail.example.com')", "a***@m***.com"),
        ("base.mask_email('no address')", "n*** a***"),
        ("base.mask_phone('+43 660 1234567')", "+43***67"),
        ("base.mask_phone('12345')", "***"),
        ("base.mask_card('4111-1111-1111-1111')", "**** 1111"),
        ("base.mask_card('4111')", "**** ****"),
        ("base.mask_iban('AT61 1904 3002 3457 3201')", "AT** **** 3201"),
        ("base.mask_text('Ann Smith''s 40th')", "A*** S***'s*** 4***"),
        ("base.mask_text('Žofie und Ähre')", "*** u*** ***"),
        ("base.mask_url('https://u:p@host.example/a?sig=1')", "https://host.example/***"),
        ("base.mask_url('/home/ann/x.mp4')", "/***"),
        ("base.mask_message('no file: /home/ann/x.mp4')", "no file: /***"),
        ("base.mask_message('GET https://u:p@h.example/a?sig=1 for ann@example.com: 403')", "GET https://h.example/*** for a***@e***.com: 403"),
        ("base.mask_message('holiday.mp4 is 30000/1001')", "***.mp4 is 30000/1001"),
    ],
)
def test_a_mask_leaves_what_support_needs(conn: Conn, call: str, masked: str) -> None:
    assert scalar(conn, f"select {call}") == masked


@pytest.mark.parametrize("mask", ["email", "phone", "card", "iban", "text", "url", "message"])
def test_a_mask_of_nothing_is_nothing(conn: Conn, mask: str) -> None:
    assert scalar(conn, f"select base.mask_{mask}(null)") is None
    assert scalar(conn, f"select base.mask_{mask}('') ~ '^[/* ]*$'")


def test_texts_of_all_classes_are_looked_through_and_secrets_are_not(conn: Conn) -> None:
    tenant = scalar(conn, "select identity.create_tenant('acme')")
    conn.execute("insert into identity.users (tenant_id, email) values (%s, 'ann@example.com')", [tenant])
    conn.execute("select queue.pause('all', '', 'asked by ann@example.com, +43 660 1234567 or ann@example.com')")
    (blocks,) = conn.execute("select blocks from ops.pii_tables('queue.pauses')").fetchone() or (0,)
    found = conn.execute("select * from ops.find_pii('queue.pauses', 0, %s)", [blocks]).fetchall()
    assert sorted(found) == [
        ("queue.pauses", "reason", "internal", "all/", "email", "a***@e***.com", 2),
        ("queue.pauses", "reason", "internal", "all/", "phone", "+43***67", 1),
    ]
    assert conn.execute("select * from ops.find_pii('queue.pauses', %s, 1)", [blocks]).fetchall() == []
    columns = [one for (one,) in conn.execute("select column_name from ops.text_columns('identity.users')").fetchall()]
    assert "email" in columns
    assert "password_hash" not in columns
