"""Log-ins: one answer for all that is wrong, a lock that fifty at once cannot pass, and a second factor whose codes are good once."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import bcrypt
import pyotp
import pytest

from reelq.worker import passwords
from reelq.worker import settings as worker_settings
from reelq.worker.errors import NotAuthenticated
from reelq.worker.rooms.identity import login
from reelq.worker.secrets import Keyring, keyfile
from reelq.worker.secrets.keys import make_key
from tests.conftest import Clock, Connect
from tests.sql.identitykit import HASH, NOT_AUTHENTICATED, PASSWORD, WRONG, add_user, become, judge, make_cheap, one, told, try_login
from tests.sql.mediakit import Conn, scalar

ANN = "ann@example.com"


@pytest.fixture
def ann(conn: Conn) -> UUID:
    """An account with a password, and hashes that cost nothing."""
    make_cheap(conn)
    return add_user(conn)


def outcomes(conn: Conn, times: int, password: str = WRONG) -> list[str]:
    return [try_login(conn, ANN, password).outcome for _ in range(times)]


def failures(conn: Conn) -> int:
    found: int = scalar(conn, "select failed_login_attempts from identity.users where email = %s", ANN)
    return found


def test_a_right_password_opens_a_session(conn: Conn, ann: UUID) -> None:
    conn.execute("select set_config('reelq.client_ip', '192.0.2.7', false), set_config('reelq.user_agent', %s, false)", ["x" * 600])
    try_login(conn, ANN, WRONG)
    opened = login.log_in(conn, " ANN@example.com ", PASSWORD, device="laptop")
    assert opened.user_id == ann and opened.token.startswith("rqs_") and opened.token not in repr(opened)
    session = one(conn, "select device, host(ip_address) as ip, user_agent, second_factor from identity.user_sessions where id = %s", opened.session_id)
    assert session == {"device": "laptop", "ip": "192.0.2.7", "user_agent": "x" * 500, "second_factor": False}
    user = one(conn, "select failed_login_attempts, locked_until, last_login_at is not null as seen, host(last_login_ip) as ip from identity.users where id = %s", ann)
    assert user == {"failed_login_attempts": 0, "locked_until": None, "seen": True, "ip": "192.0.2.7"}


def break_account(conn: Conn, ann: UUID, way: str) -> None:
    """Let a right password be of no use, in one of the ways there are."""
    match way:
        case "wrong" | "unknown" | "nonsense":
            return
        case "locked":
            outcomes(conn, 5)
        case "suspended" | "cancelled":
            conn.execute("update identity.users set status = %s where id = %s", [way, ann])
        case "deleted":
            conn.execute("select identity.delete_user(%s)", [ann])
        case "without a password":
            conn.execute("update identity.users set password_hash = null where id = %s", [ann])
        case "unverified":
            conn.execute("select identity.set_login_setting('login_needs_verified_email', 'yes')")
        case "of a deleted tenant":
            conn.execute("select identity.set_tenant_status('default', 'deleted')")
        case "of another tenant":
            conn.execute("select set_config('reelq.tenant_id', identity.create_tenant('other')::text, false)")


WAYS = ["wrong", "unknown", "nonsense", "locked", "suspended", "cancelled", "deleted", "without a password", "unverified", "of a deleted tenant", "of another tenant"]


@pytest.mark.parametrize("way", WAYS)
def test_everything_that_is_wrong_is_answered_alike(conn: Conn, ann: UUID, way: str) -> None:
    """The same words, the same columns, and a recipe of the same form, as of an account that was never there."""
    break_account(conn, ann, way)
    email, password = {"unknown": ("nobody@example.com", PASSWORD), "nonsense": ("' or true --\n", PASSWORD), "wrong": (ANN, WRONG)}.get(way, (ANN, PASSWORD))
    begun = login.begin_login(conn, email)
    recipe, attempt, proof = begun.recipe, begun.attempt, passwords.proof(password, begun.recipe)
    assert recipe.startswith("$argon2id$v=19$m=64,t=1,p=1$") and len(recipe) == 50 and begun.decoy is None
    answer = judge(conn, attempt, proof)
    assert answer == login.Answer("refused", None, None, None, None, None, None, None)
    with pytest.raises(NotAuthenticated) as caught:
        login.log_in(conn, email, password)
    assert ("RQ014", str(caught.value), caught.value.hint) == NOT_AUTHENTICATED
    assert scalar(conn, "select count(*) from identity.user_sessions") == 0


def test_an_address_has_the_same_salt_each_time_whether_it_is_there_or_not(conn: Conn, ann: UUID) -> None:
    for email in (ANN, "nobody@example.com", "Nobody@Example.com"):
        assert len({login.begin_login(conn, email).recipe for _ in range(8)}) <= (2 if email == ANN else 1), "ann's are two: she is locked after five"
    assert login.begin_login(conn, "nobody@example.com").recipe != login.begin_login(conn, "somebody@example.com").recipe
    assert login.begin_login(conn, "nobody@example.com").recipe == login.begin_login(conn, "NOBODY@example.com").recipe


def calls(conn: Conn) -> Counter[str]:
    """The functions that this transaction, or one before it, has called; but what the triggers and the check of one written row call, and whose act it is."""
    found = dict(conn.execute("select funcname, calls from pg_stat_xact_user_functions").fetchall())
    return Counter({name: times for name, times in found.items() if name not in ("tg_touch_updated_at", "tg_audit", "clock", "is_envelope", "is_email", "current_tenant")})


def way(conn: Conn, email: str, password: str) -> Counter[str]:
    """What the three steps of a log-in call."""
    conn.execute("set track_functions = 'all'")
    with conn.transaction():
        before = calls(conn)
        begun = login.begin_login(conn, email)
        first = calls(conn) - before
    proof = passwords.proof(password, begun.recipe)
    with conn.transaction():
        before = calls(conn)
        login.give_proof(conn, begun.attempt, proof)
        second = calls(conn) - before
    with conn.transaction():
        before = calls(conn)
        assert login.finish_login(conn, begun.attempt).outcome == "refused"
        return first + second + (calls(conn) - before)


def test_every_address_takes_the_same_way(conn: Conn, ann: UUID) -> None:
    """The same functions as often, for an account that is there, one that is locked, and one that is not."""
    known = way(conn, ANN, WRONG)
    unknown = way(conn, "nobody@example.com", WRONG)
    outcomes(conn, 5)
    locked = way(conn, ANN, WRONG)
    assert known == unknown == locked and len(known) > 5


def test_the_account_is_locked_for_longer_each_time_and_a_success_counts_anew(conn: Conn, ann: UUID, clock: Clock) -> None:
    assert outcomes(conn, 5) == ["refused"] * 5
    for minutes in (1, 2, 4, 8, 15, 15):
        assert try_login(conn, ANN).outcome == "refused"  # the right one, while it is locked
        clock.forward(timedelta(minutes=minutes) - timedelta(seconds=1))
        assert try_login(conn, ANN).outcome == "refused", minutes
        clock.forward(timedelta(seconds=2))
        if minutes == 4:
            assert failures(conn) == 7
        assert try_login(conn, ANN, WRONG).outcome == "refused"
    clock.forward(timedelta(minutes=15, seconds=1))
    assert try_login(conn, ANN).outcome == "in" and failures(conn) == 0
    assert outcomes(conn, 4) == ["refused"] * 4
    assert try_login(conn, ANN).outcome == "in"


def test_fifty_at_once_cannot_pass_the_limit(connect: Connect, conn: Conn, ann: UUID) -> None:
    """Five are admitted, and none of the others would have been let in with the right password."""
    admitted: list[bool] = []
    start = threading.Barrier(50)

    def one_try() -> None:
        own = connect()
        start.wait()
        begun = login.begin_login(own, ANN)
        admitted.append(begun.recipe == HASH.rpartition("$")[0])

    threads = [threading.Thread(target=one_try) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(admitted), sum(admitted), failures(conn)) == (50, 5, 5)
    assert scalar(conn, "select count(*) from identity.login_attempts where admitted") == 5
    assert try_login(conn, ANN).outcome == "refused"


def test_those_who_were_admitted_may_finish_though_the_account_is_locked_by_then(conn: Conn, ann: UUID) -> None:
    begun = login.begin_login(conn, ANN)
    outcomes(conn, 4)
    assert scalar(conn, "select locked_until is not null from identity.users")
    assert judge(conn, begun.attempt, passwords.proof(PASSWORD, begun.recipe)).outcome == "in"


def test_an_attempt_that_is_dropped_counts(conn: Conn, ann: UUID) -> None:
    for _ in range(5):
        login.begin_login(conn, ANN)
    assert try_login(conn, ANN).outcome == "refused"


def test_the_two_steps_in_one_transaction_are_refused(connect: Connect, ann: UUID) -> None:
    """Else a rollback after a wrong password would take its count back."""
    own = connect(autocommit=False)
    begun = login.begin_login(own, ANN)
    assert told(own, "select identity.finish_login(%s)", begun.attempt)[0] == "RQ009"
    own.rollback()
    begun = login.begin_login(own, ANN)
    own.commit()
    login.give_proof(own, begun.attempt, passwords.proof(PASSWORD, begun.recipe))
    assert told(own, "select identity.finish_login(%s)", begun.attempt)[0] == "RQ009"
    own.rollback()
    with pytest.raises(ValueError, match="outside a transaction"):
        login.log_in(own, ANN, PASSWORD)


def test_a_rollback_brings_no_second_guess(conn: Conn, connect: Connect, ann: UUID) -> None:
    """Whoever wraps the last step into a request's transaction, and takes that back when the password was wrong."""
    own = connect()
    begun = login.begin_login(own, ANN)
    right = passwords.proof(PASSWORD, begun.recipe)
    login.give_proof(own, begun.attempt, b"x" * 32)
    for _ in range(2):
        with own.transaction(force_rollback=True):
            assert login.finish_login(own, begun.attempt).outcome == "refused"
        login.give_proof(own, begun.attempt, right)
    assert judge(own, begun.attempt, right).outcome == "refused"
    assert login.finish_login(own, login.begin_login(own, ANN).attempt).outcome == "refused", "without a proof"
    for unfit in (b"", b"x" * 31, b"x" * 100_000, None):
        begun = login.begin_login(own, ANN)
        own.execute("select identity.give_proof(%s, %s)", [begun.attempt, unfit])
        assert judge(own, begun.attempt, right).outcome == "refused", unfit
        conn.execute("select identity.unlock_user(%s)", [ann])
    assert try_login(own, ANN).outcome == "in"


def test_an_attempt_is_good_once_and_for_five_minutes(conn: Conn, ann: UUID, clock: Clock) -> None:
    begun = login.begin_login(conn, ANN)
    proof = passwords.proof(PASSWORD, begun.recipe)
    assert judge(conn, begun.attempt, proof).outcome == "in"
    assert judge(conn, begun.attempt, proof).outcome == "refused"
    begun = login.begin_login(conn, ANN)
    clock.forward(timedelta(minutes=5, seconds=1))
    assert judge(conn, begun.attempt, proof).outcome == "refused"
    assert judge(conn, uuid4(), proof).outcome == "refused"


def test_a_suspension_between_the_steps_is_seen(conn: Conn, ann: UUID) -> None:
    begun = login.begin_login(conn, ANN)
    conn.execute("select identity.set_user_status(%s, 'suspended')", [ann])
    assert judge(conn, begun.attempt, passwords.proof(PASSWORD, begun.recipe)).outcome == "refused"


def test_an_address_that_looks_like_none_is_not_written_down(conn: Conn, ann: UUID) -> None:
    """It may be a password in the wrong field."""
    login.begin_login(conn, "correct horse battery")
    login.begin_login(conn, "nobody@example.com")
    assert conn.execute("select address, user_id from identity.login_attempts order by created_at").fetchall() == [(None, None), ("nobody@example.com", None)]


def test_nobody_waits_for_a_log_in_of_an_address_that_is_not_there(connect: Connect, conn: Conn, ann: UUID) -> None:
    """No row, and no lock, is shared by those who try unknown addresses."""
    other = connect()
    other.execute("set lock_timeout = '1ms'")
    with conn.transaction():
        login.begin_login(conn, "nobody@example.com")
        login.begin_login(other, "nobody@example.com")
        assert try_login(other, ANN).outcome == "in"


def test_bcrypt_is_read_and_becomes_argon2id_at_the_next_log_in(conn: Conn, ann: UUID) -> None:
    login.set_password_hash(conn, ann, bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode())
    # While it is there, every address is hashed in both ways.
    known, unknown = login.begin_login(conn, ANN), login.begin_login(conn, "nobody@example.com")
    assert known.recipe.startswith("$2b$04$") and (known.decoy or "").startswith("$argon2id$")
    assert unknown.recipe.startswith("$argon2id$") and (unknown.decoy or "").startswith("$2b$04$")
    for recipe in (known.decoy, unknown.decoy):
        passwords.digest(PASSWORD, recipe or "")
    first = login.log_in(conn, ANN, PASSWORD)
    assert scalar(conn, "select password_hash from identity.users").startswith("$argon2id$v=19$m=64,t=1,p=1$")
    assert login.begin_login(conn, "nobody@example.com").decoy is None
    login.log_in(conn, ANN, PASSWORD)
    assert scalar(conn, "select revoked_at is null from identity.user_sessions where id = %s", first.session_id), "the password is the same: sessions go on"


def test_a_hash_of_older_settings_is_made_anew(conn: Conn, ann: UUID) -> None:
    conn.execute("update identity.login_settings set value = '128' where name = 'argon2_memory_kib'")
    login.log_in(conn, ANN, PASSWORD)
    assert scalar(conn, "select password_hash from identity.users").startswith("$argon2id$v=19$m=128,t=1,p=1$")


def test_a_password_is_checked_once_more_without_a_session(conn: Conn, ann: UUID) -> None:
    assert login.check_password(conn, ANN, PASSWORD) == ann
    with pytest.raises(NotAuthenticated):
        login.check_password(conn, ANN, WRONG)
    assert scalar(conn, "select count(*) from identity.user_sessions") == 0 and failures(conn) == 1


def test_setting_a_password_ends_sessions_but_one_and_a_lock(conn: Conn, ann: UUID) -> None:
    kept, other = login.log_in(conn, ANN, PASSWORD), login.log_in(conn, ANN, PASSWORD)
    outcomes(conn, 5)
    login.set_password(conn, ann, "another horse battery", but=kept.session_id)
    found = conn.execute("select id, revoked_because from identity.user_sessions order by id").fetchall()
    assert found == [(kept.session_id, None), (other.session_id, "password_changed")]
    assert try_login(conn, ANN, PASSWORD).outcome == "refused"
    assert try_login(conn, ANN, "another horse battery").outcome == "in"


@pytest.mark.parametrize("value", ["hunter2", "", PASSWORD, None, "$argon2id$v=19$m=64,t=1,p=1$short$x", "$2b$12$short"])
def test_what_is_no_hash_is_not_taken_for_one(conn: Conn, ann: UUID, value: str | None) -> None:
    if value is None:
        conn.execute("select identity.set_password(%s, null)", [ann])  # no log-in by password any more
        assert try_login(conn, ANN).outcome == "refused"
        return
    refusal = told(conn, "select identity.set_password(%s, %s)", ann, value)
    assert refusal[0] == "RQ008" and (not value or value not in f"{refusal[1]}{refusal[2]}")


def test_an_application_logs_people_of_its_tenant_in_and_without_a_tenant_of_all(connect: Connect, conn: Conn, ann: UUID) -> None:
    """A page for all tenants knows the tenant only afterwards."""
    acme = scalar(conn, "select identity.create_tenant('acme')")
    add_user(conn, "carl@acme.example", tenant=acme)
    for tenant, expected in ((acme, ["refused", "in"]), (None, ["in", "in"]), (uuid4(), ["refused", "refused"])):
        own = become(connect(), "reelq_app", tenant).conn
        assert [try_login(own, email).outcome for email in (ANN, "carl@acme.example")] == expected


@pytest.mark.parametrize("given", ["", "a\0b", "\ud800", "x" * 2_000_000, "\U0001f600" * 500])
def test_nonsense_is_refused_like_everything_else(conn: Conn, ann: UUID, given: str) -> None:
    for email, password in ((given, PASSWORD), (ANN, given)):
        with pytest.raises(NotAuthenticated) as caught:
            login.log_in(conn, email, password)
        assert ("RQ014", str(caught.value), caught.value.hint) == NOT_AUTHENTICATED


def test_readers_and_workers_log_nobody_in(connect: Connect, ann: UUID) -> None:
    for role in ("reelq_readonly", "reelq_worker", "reelq_support"):
        assert become(connect(), role)("select identity.begin_login('ann@example.com')") == "42501"


# A second factor


@pytest.fixture
def keys(tmp_path: Path) -> Keyring:
    """A key file of its own."""
    key = make_key()
    keyfile.create(tmp_path / "secrets", keyfile.KeyFile(key.key_id, (keyfile.entry(key),)))
    return Keyring.load(worker_settings.load({"REELQ_SECRETS_FILE": str(tmp_path / "secrets")}))


@pytest.fixture
def factor(conn: Conn, ann: UUID, keys: Keyring, clock: Clock) -> tuple[str, list[str]]:
    """Ann's second factor: its secret and the recovery codes."""
    secret = login.enrol_second_factor(conn, ann, keys)
    assert try_login(conn, ANN).outcome == "in", "not asked for before it is confirmed"
    codes = login.confirm_second_factor(conn, ann, keys, code_at(conn, secret))
    clock.forward(timedelta(seconds=60))
    return secret, codes


def code_at(conn: Conn, secret: str, off: int = 0) -> str:
    """The code that the device shows, `off` steps of 30 s away."""
    return pyotp.TOTP(secret).generate_otp(int(scalar(conn, "select base.clock()").timestamp()) // 30 + off)


def challenge(conn: Conn) -> UUID:
    with pytest.raises(login.SecondFactorNeeded) as caught:
        login.log_in(conn, ANN, PASSWORD)
    assert isinstance(caught.value, NotAuthenticated)
    return caught.value.challenge


def test_a_second_factor_is_asked_for_and_its_secret_is_sealed(conn: Conn, ann: UUID, keys: Keyring, factor: tuple[str, list[str]]) -> None:
    secret, _ = factor
    assert secret.encode() not in bytes(scalar(conn, "select two_factor_secret from identity.users"))
    opened = login.give_code(conn, challenge(conn), code_at(conn, secret), keys, device="phone")
    assert opened.codes_left == 10
    assert one(conn, "select second_factor, device from identity.user_sessions where id = %s", opened.session_id) == {"second_factor": True, "device": "phone"}
    assert failures(conn) == 0


@pytest.mark.parametrize(("off", "good"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_a_code_is_good_for_one_step_either_way(conn: Conn, keys: Keyring, factor: tuple[str, list[str]], off: int, good: bool) -> None:
    given = code_at(conn, factor[0], off)
    try:
        login.give_code(conn, challenge(conn), given, keys)
        assert good
    except NotAuthenticated:
        assert not good


def test_a_code_is_good_once(conn: Conn, keys: Keyring, factor: tuple[str, list[str]]) -> None:
    """Nor is an older one, once a later was used; whoever looks over the shoulder has nothing of it."""
    now, before = code_at(conn, factor[0]), code_at(conn, factor[0], -1)
    login.give_code(conn, challenge(conn), now, keys)
    for used in (now, before):
        with pytest.raises(NotAuthenticated):
            login.give_code(conn, challenge(conn), used, keys)
    login.give_code(conn, challenge(conn), code_at(conn, factor[0], 1), keys)


def test_the_code_that_confirmed_is_used(conn: Conn, ann: UUID, keys: Keyring) -> None:
    secret = login.enrol_second_factor(conn, ann, keys)
    code = code_at(conn, secret)
    login.confirm_second_factor(conn, ann, keys, code)
    with pytest.raises(NotAuthenticated):
        login.give_code(conn, challenge(conn), code, keys)


def test_sql_holds_the_step_though_the_caller_lies(conn: Conn, factor: tuple[str, list[str]]) -> None:
    now = int(scalar(conn, "select base.clock()").timestamp()) // 30
    for step in (now - 2, now + 2, 0, -1, 2**62):
        which = challenge(conn)
        conn.execute("select identity.show_challenge(%s)", [which])
        assert one(conn, "select outcome from identity.finish_second_factor(%s, %s)", which, step) == {"outcome": "refused"}
        conn.execute("select identity.unlock_user(id) from identity.users")


def test_a_challenge_is_good_for_one_try_and_wrong_codes_are_counted(conn: Conn, keys: Keyring, factor: tuple[str, list[str]]) -> None:
    first = challenge(conn)
    with pytest.raises(NotAuthenticated):
        login.give_code(conn, first, "000000" if code_at(conn, factor[0]) != "000000" else "000001", keys)
    with pytest.raises(NotAuthenticated):
        login.give_code(conn, first, code_at(conn, factor[0]), keys)
    assert failures(conn) == 1
    for _ in range(4):
        challenge(conn)
    with pytest.raises(NotAuthenticated) as caught:
        login.log_in(conn, ANN, PASSWORD)
    assert not isinstance(caught.value, login.SecondFactorNeeded), "locked, though the password was right each time"


def test_two_at_once_with_one_code_open_one_session(connect: Connect, conn: Conn, keys: Keyring, factor: tuple[str, list[str]]) -> None:
    code, challenges = code_at(conn, factor[0]), [challenge(conn), challenge(conn)]
    start = threading.Barrier(2)
    found: list[str] = []

    def give(which: UUID) -> None:
        own = connect()
        start.wait()
        try:
            login.give_code(own, which, code, keys)
            found.append("in")
        except NotAuthenticated:
            found.append("refused")

    threads = [threading.Thread(target=give, args=[which]) for which in challenges]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == ["in", "refused"]


def test_a_recovery_code_is_good_once(conn: Conn, keys: Keyring, factor: tuple[str, list[str]]) -> None:
    opened = login.give_code(conn, challenge(conn), factor[1][0].lower(), keys)
    assert opened.codes_left == 9
    with pytest.raises(NotAuthenticated):
        login.give_code(conn, challenge(conn), factor[1][0], keys)
    assert login.give_code(conn, challenge(conn), factor[1][1], keys).codes_left == 8


def test_a_wrong_code_confirms_nothing(conn: Conn, ann: UUID, keys: Keyring) -> None:
    secret = login.enrol_second_factor(conn, ann, keys)
    wrong = "000000" if code_at(conn, secret) != "000000" else "000001"
    with pytest.raises(NotAuthenticated):
        login.confirm_second_factor(conn, ann, keys, wrong)
    assert scalar(conn, "select count(*) from identity.recovery_codes") == 0 and try_login(conn, ANN).outcome == "in"


def test_a_second_factor_that_is_asked_for_is_not_replaced_but_taken_away(conn: Conn, ann: UUID, keys: Keyring, factor: tuple[str, list[str]]) -> None:
    for query in ("select identity.enrol_second_factor(%s, '\\x01016b" + "00" * 40 + "')", "select identity.second_factor_secret(%s)",
                  "select identity.confirm_second_factor(%s, 1, '{}')"):  # fmt: skip
        assert told(conn, query, ann)[0] == "RQ009"
    login.drop_second_factor(conn, ann)
    assert scalar(conn, "select count(*) from identity.recovery_codes") == 0 and try_login(conn, ANN).outcome == "in"


def test_a_challenge_ends_with_what_ends_the_sessions(conn: Conn, ann: UUID, keys: Keyring, factor: tuple[str, list[str]]) -> None:
    """A log-in that is half done when the password is changed was begun with the old one."""
    half_done = challenge(conn)
    login.set_password(conn, ann, "another horse battery")
    with pytest.raises(NotAuthenticated):
        login.give_code(conn, half_done, code_at(conn, factor[0]), keys)




# What an attack has found


@pytest.mark.parametrize("setting", ["on", "off"])
def test_a_recipe_never_holds_the_digest_whatever_the_session_says_of_strings(connect: Connect, ann: UUID, setting: str) -> None:
    own = connect()
    own.execute(f"set standard_conforming_strings = {setting}".encode())
    own.execute("set escape_string_warning = off")
    begun = login.begin_login(own, ANN)
    assert begun.recipe == HASH.rpartition("$")[0]
    assert scalar(own, "select address from identity.login_attempts") == ANN


ARGON2_COSTS = ["m=9999999,t=1,p=1", "m=262145,t=1,p=1", "m=64,t=11,p=1", "m=1,t=1,p=99", "m=64,t=1,p=17", "m=64,t=1,p=9"]


@pytest.mark.parametrize("cost", ["99", "15", "03", *ARGON2_COSTS])
def test_a_hash_that_costs_a_host_too_much_is_none(conn: Conn, ann: UUID, cost: str) -> None:
    value = HASH.replace("m=64,t=1,p=1", cost) if "m=" in cost else f"$2b${cost}$" + "a" * 53
    assert told(conn, "select identity.set_password(%s, %s)", ann, value)[0] == "RQ008"
    recipe = value[:29] if value.startswith("$2b") else value.rpartition("$")[0]
    with pytest.raises(passwords.UnusableHash):
        passwords.digest(PASSWORD, recipe)


def test_an_account_s_hash_sets_nobody_else_s_cost(conn: Conn, ann: UUID) -> None:
    add_user(conn, "evil@example.com", password_hash="$2b$14$" + "a" * 53)
    assert (login.begin_login(conn, "nobody@example.com").decoy or "").startswith("$2b$04$")
    assert login.log_in(conn, ANN, PASSWORD).user_id == ann


def test_a_hash_that_cannot_be_computed_is_refused_like_everything_else(conn: Conn, ann: UUID, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "MOST_MEMORY_KIB", 32)
    with pytest.raises(NotAuthenticated):
        login.log_in(conn, ANN, PASSWORD)


def test_a_challenge_is_used_up_where_it_is_shown_though_the_caller_rolls_back(conn: Conn, keys: Keyring, factor: tuple[str, list[str]]) -> None:
    now = int(scalar(conn, "select base.clock()").timestamp()) // 30
    finish = "select outcome from identity.finish_second_factor(%s, %s)"
    first = challenge(conn)
    assert told(conn, finish, first, now)[0] == "RQ009", "never shown"
    with conn.transaction(force_rollback=True):
        conn.execute("select identity.show_challenge(%s)", [first])
        assert told(conn, "savepoint s; " + finish.replace("%s", f"'{first}'", 1).replace("%s", str(now)))[0] == "RQ009"
    with conn.transaction(), pytest.raises(ValueError, match="outside a transaction"):
        login.give_code(conn, first, code_at(conn, factor[0]), keys)
    conn.execute("select identity.show_challenge(%s)", [first])
    assert told(conn, "select identity.show_challenge(%s)", first) == NOT_AUTHENTICATED, "one code a challenge"
    assert one(conn, finish, first, now) == {"outcome": "in"}


def test_a_new_hash_is_taken_once_after_a_log_in_that_asked_for_it(connect: Connect, conn: Conn, ann: UUID) -> None:
    again = "select identity.hash_again(%s, %s)"
    assert not scalar(conn, again, uuid4(), HASH), "it is no oracle"
    conn.execute("update identity.login_settings set value = '128' where name = 'argon2_memory_kib'")
    begun = login.begin_login(conn, ANN)
    answer = judge(conn, begun.attempt, passwords.proof(PASSWORD, begun.recipe))
    assert answer.hash_again
    made = passwords.hash_password(PASSWORD, "$argon2id$v=19$m=128,t=1,p=1")
    for wrong in ("$argon2id$x", "$2b$04$" + "a" * 53, "", None):
        assert told(conn, again, begun.attempt, wrong)[0] == "RQ008"
    other = become(connect(), "reelq_app", scalar(conn, "select identity.create_tenant('acme')")).conn
    assert not scalar(other, again, begun.attempt, made)
    assert scalar(conn, again, begun.attempt, made) and not scalar(conn, again, begun.attempt, made)
    assert try_login(conn, ANN).outcome == "in"


def test_a_new_hash_of_an_old_password_does_not_come_back(conn: Conn, ann: UUID) -> None:
    conn.execute("update identity.login_settings set value = '128' where name = 'argon2_memory_kib'")
    begun = login.begin_login(conn, ANN)
    judge(conn, begun.attempt, passwords.proof(PASSWORD, begun.recipe))
    login.set_password(conn, ann, "another horse battery")
    assert not scalar(conn, "select identity.hash_again(%s, %s)", begun.attempt, HASH)


def test_wrong_codes_lock_though_the_password_is_right_in_between(conn: Conn, keys: Keyring, factor: tuple[str, list[str]]) -> None:
    wrong = "000000" if code_at(conn, factor[0]) != "000000" else "000001"
    for tries in range(1, 5):
        with pytest.raises(NotAuthenticated):
            login.give_code(conn, challenge(conn), wrong, keys)
        login.check_password(conn, ANN, PASSWORD)
        assert failures(conn) == tries
    challenge(conn)
    with pytest.raises(NotAuthenticated):
        login.check_password(conn, ANN, PASSWORD)


def test_a_right_password_alone_does_not_lock_out_who_has_a_second_factor(conn: Conn, factor: tuple[str, list[str]]) -> None:
    for _ in range(9):
        login.check_password(conn, ANN, PASSWORD)
    assert one(conn, "select failed_login_attempts as n, locked_until from identity.users") == {"n": 0, "locked_until": None}


def test_a_second_factor_and_another_password_do_not_wait_for_each_other(connect: Connect, conn: Conn, ann: UUID, factor: tuple[str, list[str]]) -> None:
    """Both lock the user first: while that is held, the attempt is free."""
    which, other = challenge(conn), connect()
    conn.execute("select identity.show_challenge(%s)", [which])
    other.execute("set lock_timeout = '200ms'")
    with conn.transaction():
        conn.execute("select from identity.users where id = %s for no key update", [ann])
        with other.transaction():
            assert told(other, "savepoint s; select identity.finish_second_factor('" + str(which) + "', 1)")[0] == "55P03"
        conn.execute("select from identity.login_attempts where id = %s for update nowait", [which])


@pytest.mark.parametrize("given", ["acme", "nonsense", "%"])
def test_a_tenant_that_is_none_serves_nobody(connect: Connect, conn: Conn, ann: UUID, given: str) -> None:
    conn.execute("select identity.create_tenant('acme')")
    opened = login.log_in(conn, ANN, PASSWORD)
    own = become(connect(), "reelq_app").conn
    own.execute("select set_config('reelq.tenant_id', %s, false)", [given])
    assert told(own, "select * from identity.check_session(%s)", opened.token) == NOT_AUTHENTICATED
    assert try_login(own, ANN).outcome == "refused"
    assert one(own, "select send_to from identity.request_reset(%s)", ANN) == {"send_to": None}


def test_tries_that_cannot_succeed_are_kept_up_to_a_bound(conn: Conn, ann: UUID, clock: Clock) -> None:
    clock.forward(0)
    for _ in range(30):
        login.begin_login(conn, "nobody@example.com")
        conn.execute("select identity.request_reset('nobody@example.com')")
    kept = "select count(*) from identity.login_attempts where address = %s"
    assert scalar(conn, kept, "nobody@example.com") == 20
    assert scalar(conn, "select count(*) from ops.audit_logs where action = 'reset.requested'") == 10
    conn.execute("insert into identity.login_attempts (address) select i || '@example.com' from generate_series(1, 1000) as i")
    login.begin_login(conn, "somebody@example.com")
    assert scalar(conn, kept, "somebody@example.com") == 0
    assert try_login(conn, ANN).outcome == "in", "who can succeed is always admitted"
    clock.forward(timedelta(minutes=1, seconds=1))
    login.begin_login(conn, "nobody@example.com")
    assert scalar(conn, kept, "nobody@example.com") == 21


def test_ten_equal_recovery_codes_are_refused_in_words(conn: Conn, ann: UUID, keys: Keyring) -> None:
    login.enrol_second_factor(conn, ann, keys)
    assert told(conn, "select identity.confirm_second_factor(%s, 1, %s)", ann, [b"x" * 32] * 10)[0] == "RQ008"
