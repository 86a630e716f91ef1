"""worker/passwords.py: what is computed of passwords and codes."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from datetime import UTC, datetime

import bcrypt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reelq.worker import passwords
from reelq.worker.passwords import WeakPassword

CHEAP = "$argon2id$v=19$m=64,t=1,p=1"
RFC_6238 = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"  # its seed for SHA-1, in base32


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=200))
def test_a_password_is_known_by_the_beginning_of_its_hash(password: str) -> None:
    made = passwords.hash_password(password, CHEAP)
    recipe = made.rpartition("$")[0]
    assert passwords.digest(password, recipe) == made
    assert passwords.digest(unicodedata.normalize("NFKC", password), recipe) == made
    assert passwords.digest(password + "x", recipe) != made
    assert passwords.proof(password, recipe) == hashlib.sha256(made.encode()).digest()


def test_a_password_is_the_same_however_it_is_composed() -> None:
    made = passwords.hash_password("caf\u00e9 caf\u00e9 caf\u00e9", CHEAP)
    recipe = made.rpartition("$")[0]
    assert passwords.digest("cafe\u0301 caf\u00e9 ｃafe\u0301", recipe) == made


def test_two_hashes_of_a_password_differ() -> None:
    assert passwords.hash_password("correct horse battery", CHEAP) != passwords.hash_password("correct horse battery", CHEAP)


@pytest.mark.parametrize(
    ("password", "said"),
    [
        ("short", "12 characters"), ("", "12 characters"), ("a" * 11, "12 characters"), ("\u00bc" * 1024, "1024 bytes"), ("x1y2z3" * 200, "1024 bytes"),
        ("ann@example.com", "the address"), ("ANN@EXAMPLE.COM", "the address"), ("ａnn@example.com", "the address"), ("abababababababab", "again and again"),
        ("\ufdfa" * 300, "1024 bytes"),
    ],
)  # fmt: skip
def test_what_may_not_be_chosen_is_told_without_being_repeated(password: str, said: str) -> None:
    with pytest.raises(WeakPassword) as caught:
        passwords.check(password, "ann@example.com")
    assert said in str(caught.value) and caught.value.hint
    assert not password or password not in f"{caught.value} {caught.value.hint}"


def test_a_password_of_twelve_characters_may_be_chosen() -> None:
    passwords.check("correct hors", "ann@example.com")
    passwords.check("пароль пароль", "ann@example.com")


def test_a_password_beyond_a_kilobyte_is_never_right() -> None:
    made = passwords.hash_password("", CHEAP)
    long = "x" * 1025
    assert passwords.too_long(long) and not passwords.too_long("x" * 1024)
    assert passwords.proof(long, made.rpartition("$")[0]) == hashlib.sha256(made.encode()).digest()
    with pytest.raises(WeakPassword):  # so nobody has the one that it is taken for
        passwords.check("", "ann@example.com")


@pytest.mark.parametrize("version", ["2a", "2b", "2y"])
@pytest.mark.parametrize("password", ["correct horse battery", "cafe\u0301 cafe\u0301", "x" * 100])
def test_bcrypt_of_another_system_is_read(version: str, password: str) -> None:
    salt = bcrypt.gensalt(4).replace(b"2b", version.encode())
    made = bcrypt.hashpw(password.encode()[:72], salt).decode()
    assert passwords.digest(password, made[:29]) == made


@pytest.mark.parametrize(
    "recipe",
    ["", "$1$abc", "$argon2i$v=19$m=64,t=1,p=1$" + "a" * 22, CHEAP, "$argon2id$v=19$m=9999999,t=1,p=1$" + "a" * 22, "$argon2id$v=19$m=64,t=99,p=1$" + "a" * 22],
)  # fmt: skip
def test_a_recipe_that_is_none_or_would_take_the_host_down_is_refused(recipe: str) -> None:
    with pytest.raises(ValueError, match="recipe must be|more memory, passes or lanes"):
        passwords.digest("correct horse battery", recipe)


@pytest.mark.parametrize(("seconds", "code"), [(59, "287082"), (1111111109, "081804"), (1111111111, "050471"), (1234567890, "005924"), (2000000000, "279037")])
def test_codes_are_those_of_rfc_6238(seconds: int, code: str) -> None:
    step = seconds // 30
    for off, found in ((-60, None), (-30, step), (0, step), (30, step), (60, None)):
        assert passwords.totp_step(RFC_6238, code, datetime.fromtimestamp(seconds + off, UTC)) == found
    assert passwords.totp_step(RFC_6238, f"{code[:3]} {code[3:]}", datetime.fromtimestamp(seconds, UTC)) == step


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=40))
def test_no_code_makes_it_fail(code: str) -> None:
    passwords.totp_step(RFC_6238, code, datetime.fromtimestamp(59, UTC))
    passwords.recovery_hash(code)
    assert passwords.looks_like_code(code) in (True, False)


def test_recovery_codes_are_ten_and_read_however_they_are_typed() -> None:
    codes = passwords.new_recovery_codes()
    assert len(set(codes)) == 10
    assert all(re.fullmatch(r"[A-Z2-9]{4}(-[A-Z2-9]{4}){3}", code) for code in codes)
    assert not any(passwords.looks_like_code(code) for code in codes)
    assert passwords.recovery_hash(codes[0]) == passwords.recovery_hash(f" {codes[0].lower().replace('-', ' ')} ")


def test_the_address_for_a_device_names_account_and_issuer() -> None:
    uri = passwords.totp_uri(passwords.new_totp_secret(), "ann@example.com", "Acme Films")
    assert re.fullmatch(r"otpauth://totp/Acme%20Films:ann%40example.com\?secret=[A-Z2-7]{32}&issuer=Acme%20Films", uri)
