"""reelq secrets: keys made, rotated, counted and forgotten; and what an operator may do wrong."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import psycopg
import pytest

from reelq.worker.rooms.ops import secrets as calls
from reelq.worker.rotation import rotate as rotation
from reelq.worker.secrets import Keyring, keyfile
from tests.cli.conftest import Reelq
from tests.sql import secretkit
from tests.sql.secretkit import add_users, key_ids, opened, seal_users

Conn = psycopg.Connection[Any]
COLUMN = "identity.users.two_factor_secret"


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reelq: Reelq) -> Path:
    """Where the keys go; `reelq` first, which clears the environment."""
    found = tmp_path / "keys" / "secrets"
    found.parent.mkdir(mode=0o700)
    monkeypatch.setenv("REELQ_SECRETS_FILE", str(found))
    return found


def load(path: Path) -> Keyring:
    return Keyring.load(secretkit.settings_of(path))


def uses(reelq: Reelq) -> dict[str, tuple[str, int]]:
    """state and rows by key, as `status` tells them."""
    return {row["key_id"]: (row["state"], row["rows"]) for row in reelq("secrets", "status", "--json").rows}


def test_a_first_key_seals_and_a_second_takes_over(reelq: Reelq, path: Path, conn: Conn) -> None:
    made = reelq("secrets", "init", "--json")
    first = made.row["key_id"]
    assert (made.code, made.row["file"], stat.S_IMODE(path.stat().st_mode)) == (0, str(path), 0o600)
    plain = seal_users(conn, load(path), 5)
    assert uses(reelq) == {first: ("current", 5)}
    rotated = reelq("secrets", "rotate", "--json")
    second = load(path).current.key_id
    assert (rotated.code, rotated.row) == (0, {"column": COLUMN, "from": first, "to": second, "rows": 5, "refused": 0})
    assert opened(conn, load(path)) == plain and key_ids(conn) == {second: 5}
    assert uses(reelq) == {second: ("current", 5), first: ("old", 0)}
    told = reelq("secrets", "status")
    assert told.code == 0 and f"reelq secrets forget {first}" in " ".join(told.out.split())
    assert reelq("secrets", "forget", first).out.split() == [first, "forgotten"]
    assert load(path).key_ids() == [second] and opened(conn, load(path)) == plain
    assert uses(reelq) == {second: ("current", 5)}


def test_a_key_in_use_is_not_forgotten(reelq: Reelq, path: Path, conn: Conn) -> None:
    reelq("secrets", "init")
    first = load(path).current.key_id
    seal_users(conn, load(path), 1)
    refused = reelq("secrets", "forget", first)
    assert refused.code == 1 and "is the current one" in refused.err
    old = load(path)
    reelq("secrets", "rotate")
    user = add_users(conn, 1, None, "late")[0]
    sealed = secretkit.shaped(first)
    conn.execute("update identity.users set two_factor_secret = %s where id = %s", [sealed, user])
    refused = reelq("secrets", "forget", first)
    assert refused.code == 1 and f"rows of {COLUMN} are sealed under key {first}" in refused.err and "reelq secrets rotate" in refused.err
    assert first in load(path).key_ids()
    unknown = reelq("secrets", "forget", "k1")
    assert unknown.code == 2 and "no key k1" in unknown.err
    assert old.current.key_id == first


def test_a_key_file_is_never_overwritten(reelq: Reelq, path: Path) -> None:
    reelq("secrets", "init")
    before = path.read_bytes()
    again = reelq("secrets", "init")
    assert again.code == 2 and "never overwritten" in again.err and again.err.count("\n") == 2
    assert path.read_bytes() == before


def test_a_second_host_needs_the_first_one_s_file(reelq: Reelq, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reelq("secrets", "init")
    first = load(path).current.key_id
    other = path.with_name("other")
    monkeypatch.setenv("REELQ_SECRETS_FILE", str(other))
    refused = reelq("secrets", "init")
    assert refused.code == 1 and f"sealed under key {first}, which another host has" in refused.err and not other.exists()


def test_a_host_with_an_older_file_is_told_and_changes_nothing(reelq: Reelq, path: Path, conn: Conn) -> None:
    reelq("secrets", "init")
    older = path.read_bytes()
    plain = seal_users(conn, load(path), 2)
    reelq("secrets", "rotate")
    newer, second = path.read_bytes(), load(path).current.key_id
    path.write_bytes(older)
    refused = reelq("secrets", "rotate")
    assert refused.code == 1 and f"the database's current key is {second}, which is not in" in refused.err
    assert path.read_bytes() == older and key_ids(conn) == {second: 2}
    told = reelq("secrets", "status", "--json")
    assert told.code == 3 and {row["key_id"]: row["state"] for row in told.rows}[second] == "missing"
    path.write_bytes(newer)
    assert reelq("secrets", "status").code == 0 and opened(conn, load(path)) == plain


def test_a_lost_key_is_told_with_its_rows_and_the_rest_goes_on(reelq: Reelq, path: Path, conn: Conn) -> None:
    reelq("secrets", "init")
    first = load(path).current.key_id
    lost = sorted(map(str, seal_users(conn, load(path), 7, "lost")))
    path.unlink()
    told = reelq("secrets", "status")
    assert told.code == 3 and "is not there" in told.err and "missing" in told.out
    refused = reelq("secrets", "init")
    assert refused.code == 1 and "reelq secrets init --lost" in refused.err
    assert f"sealed under key {first}" in reelq("secrets", "init", "--lost", "k1").err and not path.exists()
    asked = reelq("secrets", "init", "--lost", first)
    assert asked.code == 2 and "--yes must be given" in asked.err and not path.exists()
    done = reelq("secrets", "init", "--lost", first, "--yes")
    assert done.code == 0 and f"7 rows are sealed under key {first}, and will not open" in done.err
    plain = seal_users(conn, load(path), 3, "new")
    rows = reelq("secrets", "status", "--rows", "--json")
    assert rows.code == 3 and [row["row_id"] for row in rows.rows] == lost and {row["key_id"] for row in rows.rows} == {first}
    rotated = reelq("secrets", "rotate", "--json")
    assert rotated.code == 3 and rotated.row["rows"] == 3 and f"7 rows of {COLUMN} are sealed under key {first}, which is not here (RQ017)" in rotated.err
    assert opened_new(conn, load(path), lost) == plain


def test_a_current_key_that_is_not_here_is_told_though_nothing_is_sealed_under_it(reelq: Reelq, path: Path) -> None:
    reelq("secrets", "init")
    older = path.read_bytes()
    reelq("secrets", "rotate", "--new-key")
    second = load(path).current.key_id
    path.write_bytes(older)
    told = reelq("secrets", "status", "--json")
    (row,) = (row for row in told.rows if row["key_id"] == second)
    assert (told.code, row["state"], row["rows"], row["advice"]) == (3, "missing", 0, "put the key file that has it here")


def test_keys_of_a_refused_file_are_not_called_missing(reelq: Reelq, path: Path) -> None:
    reelq("secrets", "init")
    path.chmod(0o644)
    told = reelq("secrets", "status", "--json")
    assert told.code == 3 and {row["state"] for row in told.rows} == {"unread"} and "0600" in told.err


def opened_new(conn: Conn, keys: Keyring, lost: list[str]) -> dict[Any, bytes]:
    conn.execute("update identity.users set two_factor_secret = null where id = any(%s::uuid[])", [lost])
    return opened(conn, keys)


def test_rows_that_do_not_open_stay_and_are_named(reelq: Reelq, path: Path, conn: Conn) -> None:
    """An envelope of another row, put there by hand: it is not sealed anew, so that nobody makes it true."""
    reelq("secrets", "init")
    first = load(path).current.key_id
    one, other = seal_users(conn, load(path), 2)
    conn.execute("update identity.users set two_factor_secret = (select two_factor_secret from identity.users where id = %s) where id = %s", [one, other])
    done = reelq("secrets", "rotate", "--json")
    assert done.code == 3 and done.row["rows"] == 1 and done.row["refused"] == 1
    assert f"1 rows of {COLUMN} do not open under key {first}, and stay: {other}" in done.err
    told = reelq("secrets", "status", "--rows", "--json")
    assert told.code == 3 and [(row["row_id"], row["key_id"], row["why"]) for row in told.rows] == [(str(other), first, "refused")]
    second = load(path).current.key_id
    again = reelq("secrets", "rotate")
    assert again.code == 3 and "no key was made" in again.err and load(path).current.key_id == second
    assert reelq("secrets", "rotate", "--new-key").code == 3 and load(path).current.key_id not in (first, second)


def test_a_key_is_brought_to_all_hosts_before_it_is_used(reelq: Reelq, path: Path, conn: Conn) -> None:
    reelq("secrets", "init")
    first = load(path).current.key_id
    plain = seal_users(conn, load(path), 2)
    prepared = reelq("secrets", "rotate", "--prepare", "--json").row["key_id"]
    assert reelq("secrets", "rotate", "--prepare", "--json").row["key_id"] == prepared, "not one more"
    assert load(path).current.key_id == first and uses(reelq) == {first: ("current", 2), prepared: ("next", 0)}
    elsewhere = Keyring(path, keyfile.read(path))  # another host has the file, and has not read it since
    assert reelq("secrets", "rotate").code == 0
    assert load(path).current.key_id == prepared and opened(conn, elsewhere) == plain


def test_a_file_made_without_the_database_is_told_to_it_later(reelq: Reelq, path: Path, conn: Conn, monkeypatch: pytest.MonkeyPatch, dsn: str) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    away = reelq("secrets", "init")
    assert away.code == 75 and not path.exists(), "nothing half done"
    assert reelq("secrets", "init", "--no-database").code == 0
    assert reelq("secrets", "status").code == 75
    monkeypatch.setenv("DATABASE_URL", dsn)
    first = load(path).current.key_id
    plain = seal_users(conn, load(path), 1)
    assert uses(reelq) == {first: ("current", 1)}
    assert reelq("secrets", "rotate").code == 0 and opened(conn, load(path)) == plain and first not in key_ids(conn)


@pytest.mark.parametrize("killed_after", ["the key is in the file", "the database knows it"])
def test_a_rotation_killed_before_it_sealed_anything_is_gone_on_with(reelq: Reelq, path: Path, conn: Conn, killed_after: str, monkeypatch: pytest.MonkeyPatch) -> None:
    reelq("secrets", "init")
    first = load(path).current.key_id
    plain = seal_users(conn, load(path), 3)

    class Killed(BaseException):
        """Nothing that anybody catches."""

    def die(*args: object) -> None:
        raise Killed

    with monkeypatch.context() as patched, psycopg.connect(conn.info.dsn, autocommit=True, password=None) as ours, pytest.raises(Killed):
        if killed_after == "the key is in the file":
            patched.setattr(calls, "set_current_key", die)
        else:
            real = keyfile.replace
            patched.setattr(keyfile, "replace", lambda at, content: die() if content.current != first else real(at, content))
        rotation.begin(ours, secretkit.settings_of(path))
    half = load(path)
    assert half.current.key_id == first and len(half.key_ids()) == 2
    assert opened(conn, half) == plain
    assert reelq("secrets", "rotate").code == 0
    assert load(path).key_ids() == half.key_ids(), "no third key"
    assert load(path).current.key_id == half.key_ids()[1] and opened(conn, load(path)) == plain and key_ids(conn) == {half.key_ids()[1]: 3}


def test_rows_that_others_hold_are_waited_for_and_then_told(reelq: Reelq, path: Path, conn: Conn, connect: Any) -> None:
    reelq("secrets", "init")
    first = load(path).current.key_id
    plain = seal_users(conn, load(path), 3)
    other = connect(autocommit=False)
    other.execute("update identity.users set full_name = 'x' where id = %s", [min(plain)])
    held = reelq("secrets", "rotate", "--wait", "0.01s")
    assert held.code == 75 and "another session holds 1 rows" in held.err and " 2 " in held.out
    other.rollback()
    done = reelq("secrets", "rotate")
    assert done.code == 0 and "no key was made" in done.err and first not in key_ids(conn) and opened(conn, load(path)) == plain


def test_an_earlier_rotation_leads_a_later_one_to_its_key(reelq: Reelq, path: Path, conn: Conn) -> None:
    """A rotation of the same host that begins in the middle of another one: both seal under the key of the later."""
    reelq("secrets", "init")
    plain = seal_users(conn, load(path), 2)
    settings = secretkit.settings_of(path)
    begun = rotation.begin(conn, settings)
    later = rotation.begin(conn, settings, new_key=True)
    assert list(rotation.reseal(conn, begun.ring, settings))
    assert key_ids(conn) == {later.key_id: 2} and opened(conn, load(path)) == plain


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda path: path.unlink(), "is not there"),
        (lambda path: path.chmod(0o644), "must have mode 0600 or 0400, not 0644"),
        (lambda path: path.write_text(""), "it is empty"),
        (lambda path: path.write_text("current k1\n"), "it holds no key"),
        (lambda path: (path.unlink(), path.mkdir()), "must be a file"),
    ],
)
def test_a_bad_file_is_one_line_and_nothing_is_touched(reelq: Reelq, path: Path, conn: Conn, spoil: Any, says: str) -> None:
    reelq("secrets", "init")
    first = load(path).current.key_id
    seal_users(conn, load(path), 1)
    text = path.read_text()
    spoil(path)
    for words in (["rotate"], ["rotate", "--prepare"], ["forget", first]):
        refused = reelq("secrets", *words)
        assert refused.code == 2 and says in refused.err and "hint: " in refused.err and refused.err.count("\n") == 2, refused.err
    told = reelq("secrets", "status", "--json")
    assert told.code == 3 and told.row["rows"] == 1 and told.row["state"] == ("unread" if path.exists() else "missing")
    assert key_ids(conn) == {first: 1}
    assert not [line for line in text.splitlines() if line.startswith("key ") and line.split()[3] in told.out + told.err]


def test_no_setting_says_where_keys_go(reelq: Reelq) -> None:
    refused = reelq("secrets", "init")
    assert refused.code == 2 and "REELQ_SECRETS_FILE is empty" in refused.err and "REELQ_SECRETS_FILE=/etc/reelq/" in refused.err


def test_a_folder_that_is_not_there_or_not_ours(reelq: Reelq, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REELQ_SECRETS_FILE", str(path.parent / "none" / "secrets"))
    refused = reelq("secrets", "init")
    assert refused.code == 2 and "cannot be opened: No such file or directory" in refused.err
    monkeypatch.setenv("REELQ_SECRETS_FILE", "secrets")
    assert "must be the absolute name of a file" in reelq("secrets", "init").err


def test_systemd_s_copy_is_not_rotated(reelq: Reelq, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reelq("secrets", "init")
    copy = path.with_name("reelq-secrets")
    copy.write_bytes(path.read_bytes())
    copy.chmod(0o440)
    monkeypatch.delenv("REELQ_SECRETS_FILE")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(copy.parent))
    assert reelq("secrets", "status").code == 0
    refused = reelq("secrets", "rotate")
    assert refused.code == 2 and "is a copy that systemd made" in refused.err and "REELQ_SECRETS_FILE=/etc/reelq/" in refused.err
    shown = {row["name"]: row for row in reelq("config", "show", "--json").rows}["secrets_file"]
    assert (shown["value"], shown["source"]) == (str(copy), "credential reelq-secrets")


def test_a_database_of_an_older_schema_is_refused(bare: Reelq, empty_dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", empty_dsn)
    monkeypatch.setenv("REELQ_SECRETS_FILE", str(tmp_path / "secrets"))
    refused = bare("secrets", "init")
    assert refused.code == 1 and "reelq schema install" in refused.err and not (tmp_path / "secrets").exists()


def test_a_worker_s_account_may_not_rotate(reelq: Reelq, path: Path, conn: Conn, dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    reelq("secrets", "init")
    monkeypatch.setenv("PGOPTIONS", "-c role=reelq_worker")
    for words in (["status"], ["rotate"], ["rotate", "--prepare"], ["forget", "k1"]):
        refused = reelq("secrets", *words)
        assert refused.code == 1 and "permission denied" in refused.err and "reelq_admin" in refused.err, refused.err
    monkeypatch.setenv("PGOPTIONS", "-c role=reelq_admin")
    assert reelq("secrets", "status").code == 0 and reelq("secrets", "rotate").code == 0


def test_no_command_prints_a_key(reelq: Reelq, path: Path, conn: Conn) -> None:
    told = [reelq("secrets", "init")]
    seal_users(conn, load(path), 1)
    told += [reelq("secrets", *words.split()) for words in ("status", "rotate --prepare", "rotate", "status --json", "status --rows")]
    told += [reelq("config", "show"), reelq("doctor", "--json")]
    keys = [line.split()[3] for line in path.read_text().splitlines() if line.startswith("key ")]
    assert len(keys) == 2 and not [one for one in told for key in keys if key[:10] in one.out + one.err]


def test_the_shape_of_json(reelq: Reelq, path: Path) -> None:
    reelq("secrets", "init")
    assert set(json.loads(reelq("secrets", "status", "--json").out)) == {"key_id", "state", "column", "rows", "advice"}
