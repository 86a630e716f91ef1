"""Envelopes and key files: what is sealed opens in its place under its key, and nowhere else; nobody sees a key."""

from __future__ import annotations

import base64
import copy
import os
import pickle
import stat
import traceback
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelq.worker import settings as worker_settings
from reelq.worker.errors import KeyMissing
from reelq.worker.secrets import EnvelopeRefused, Keyring, key_id_of, keyfile
from reelq.worker.secrets.keyfile import KeyFile, KeyFileError
from reelq.worker.secrets.keys import Key, make_key

ROW = UUID("01976b1e-5a3c-7d4e-8f00-0123456789ab")
PLACE: dict[str, Any] = {"table": "identity.users", "row": ROW, "column": "two_factor_secret"}


def ring(path: Path, *keys: Key) -> Keyring:
    """A file of these keys, of which the first is current."""
    content = KeyFile(keys[0].key_id, tuple(keyfile.entry(key) for key in keys))
    if path.exists():
        keyfile.replace(path, content)
    else:
        keyfile.create(path, content)
    return Keyring.load(worker_settings.load({"REELQ_SECRETS_FILE": str(path)}))


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keyring:
    return ring(tmp_path_factory.mktemp("keys") / "secrets", make_key())


@given(st.binary(min_size=1, max_size=4000), st.text(min_size=1), st.text(min_size=1), st.one_of(st.uuids(), st.integers(), st.text()))
def test_what_is_sealed_opens_in_its_place(keys: Keyring, plain: bytes, table: str, column: str, row: UUID | int | str) -> None:
    sealed = keys.seal(plain, table=table, row=row, column=column)
    assert keys.unseal(sealed, table=table, row=row, column=column) == plain
    assert key_id_of(sealed) == keys.current.key_id
    assert len(plain) < 8 or plain not in sealed


@given(st.data())
def test_a_changed_bit_is_refused(keys: Keyring, data: st.DataObject) -> None:
    sealed = bytearray(keys.seal(data.draw(st.binary(min_size=1, max_size=40)), **PLACE))
    bit = data.draw(st.integers(0, 8 * len(sealed) - 1))
    sealed[bit // 8] ^= 1 << bit % 8
    with pytest.raises((EnvelopeRefused, KeyMissing)):
        keys.unseal(bytes(sealed), **PLACE)


def test_every_bit_counts(keys: Keyring) -> None:
    """All of them, one after the other: version, length, key id, nonce, text and tag."""
    sealed = keys.seal(b"JBSWY3DPEHPK3PXP", **PLACE)
    opened = []
    for bit in range(8 * len(sealed)):
        other = bytearray(sealed)
        other[bit // 8] ^= 1 << bit % 8
        try:
            opened.append((bit, keys.unseal(bytes(other), **PLACE)))
        except (EnvelopeRefused, KeyMissing):
            continue
    assert opened == []


@given(st.integers(0, 200))
def test_a_part_of_an_envelope_is_refused(keys: Keyring, length: int) -> None:
    sealed = keys.seal(b"JBSWY3DPEHPK3PXP", **PLACE)
    for other in (sealed[: min(length, len(sealed) - 1)], sealed + b"\0" * (length + 1)):
        with pytest.raises((EnvelopeRefused, KeyMissing)):
            keys.unseal(other, **PLACE)


@pytest.mark.parametrize(
    "elsewhere",
    [
        {"row": UUID(int=ROW.int + 1)},
        {"column": "two_factor_secre"},
        {"table": "identity.user"},
        # the same letters, parted at another place
        {"table": "identity.userst", "column": "wo_factor_secret"},
        {"row": f"{ROW}t", "column": "wo_factor_secret"},
    ],
)
def test_an_envelope_does_not_open_elsewhere(keys: Keyring, elsewhere: dict[str, object]) -> None:
    sealed = keys.seal(b"JBSWY3DPEHPK3PXP", **PLACE)
    with pytest.raises(EnvelopeRefused, match="sealed for another place"):
        keys.unseal(sealed, **(PLACE | elsewhere))


def test_the_same_text_is_never_sealed_alike(keys: Keyring) -> None:
    assert len({keys.seal(b"same", **PLACE) for _ in range(100)}) == 100


def test_another_key_of_the_same_id_does_not_open_it(tmp_path: Path) -> None:
    one, other = make_key(), make_key()
    sealed = ring(tmp_path / "one", one).seal(b"text", **PLACE)
    with pytest.raises(EnvelopeRefused):
        ring(tmp_path / "other", Key(one.key_id, other.written())).unseal(sealed, **PLACE)
    assert one.check_value != Key(one.key_id, other.written()).check_value


def test_a_missing_key_is_named_with_its_row(tmp_path: Path) -> None:
    one = make_key()
    sealed = ring(tmp_path / "one", one).seal(b"text", **PLACE)
    with pytest.raises(KeyMissing) as refused:
        ring(tmp_path / "other", make_key()).unseal(sealed, **PLACE)
    assert f"identity.users.two_factor_secret of {ROW}" in str(refused.value) and one.key_id in str(refused.value)
    assert "reelq secrets status" in (refused.value.hint or "")


def test_a_program_at_work_notices_a_new_key(tmp_path: Path) -> None:
    old, new = make_key(), make_key()
    at_work = ring(tmp_path / "keys", old)
    before = at_work.seal(b"text", **PLACE)
    rotated = ring(tmp_path / "keys", new, old)
    assert at_work.unseal(rotated.seal(b"new", **PLACE), **PLACE) == b"new"
    assert key_id_of(at_work.seal(b"text", **PLACE)) == new.key_id
    assert at_work.unseal(before, **PLACE) == b"text"


def test_a_program_at_work_outlives_a_broken_file(tmp_path: Path) -> None:
    at_work = ring(tmp_path / "keys", make_key())
    sealed = at_work.seal(b"text", **PLACE)
    (tmp_path / "keys").write_text("", encoding="ascii")
    assert at_work.unseal(at_work.seal(b"more", **PLACE), **PLACE) == b"more"
    (tmp_path / "keys").unlink()
    assert at_work.unseal(sealed, **PLACE) == b"text"


def test_nothing_is_sealed_as_nothing(keys: Keyring) -> None:
    with pytest.raises(ValueError, match="store null"):
        keys.seal(b"", **PLACE)


def test_nobody_sees_a_key(tmp_path: Path) -> None:
    """repr, format, a traceback with its locals, pickle and copy."""
    key = make_key()
    keys = ring(tmp_path / "keys", key)
    shown = [repr(key), str(key), f"{key}", repr(keys), repr(keys.content), repr(keyfile.entry(key)), repr([key]), repr(vars(keys))]
    try:
        keys.unseal(b"\x01\x02k1" + b"x" * 40, **PLACE)
    except KeyMissing as error:
        shown.append("".join(traceback.TracebackException.from_exception(error, capture_locals=True).format()))
    assert not [text for text in shown if key.written()[:12] in text]
    for take in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError):
            take(key)
        with pytest.raises(TypeError):
            take(keys)


def shown_with_locals(error: BaseException) -> str:
    """A traceback as the talkative ones print it: with every local variable."""
    return "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())


@pytest.mark.parametrize("more", ["nonsense", "key k1 2026-11-27 c2hvcnQ=", "current k1"])
def test_a_bad_file_shows_no_key_of_its_good_lines(tmp_path: Path, more: str) -> None:
    path = tmp_path / "keys"
    path.write_text(f"current {GOOD.key_id}\n{LINE}\n{more}\n", encoding="ascii")
    path.chmod(0o600)
    with pytest.raises(KeyFileError) as refused:
        keyfile.read(path)
    told = shown_with_locals(refused.value)
    assert "line 3" in told and GOOD.written()[:12] not in told


def test_a_full_disk_leaves_the_file_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "keys"
    keys = ring(path, make_key())
    before = path.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(KeyFileError, match="cannot be written: No space left on device") as refused:
        keyfile.replace(path, keys.content)
    assert path.read_bytes() == before and [one.name for one in tmp_path.iterdir()] == ["keys"]
    del before  # a local variable of this very test
    told = shown_with_locals(refused.value)
    assert keys.current.written()[:12] not in told


def test_a_file_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    os.umask(os.umask(0))
    ring(path, make_key())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one.name for one in tmp_path.iterdir()] == ["keys"], "nothing is left beside it"


def test_a_file_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    ring(path, make_key())
    before = path.read_bytes()
    with pytest.raises(KeyFileError, match="never overwritten"):
        keyfile.create(path, KeyFile("other", (keyfile.entry(Key("other", make_key().written())),)))
    assert path.read_bytes() == before and [one.name for one in tmp_path.iterdir()] == ["keys"]


def test_a_replaced_file_keeps_its_mode_and_a_link_stays(tmp_path: Path) -> None:
    path, link = tmp_path / "keys", tmp_path / "link"
    keys = ring(path, make_key())
    path.chmod(0o400)
    link.symlink_to(path)
    keyfile.replace(link, keys.content)
    assert stat.S_IMODE(path.stat().st_mode) == 0o400 and link.is_symlink()


GOOD = Key("k20261127-3f9a", base64.b64encode(bytes(range(32))).decode())  # the same in each test process
LINE = f"key {GOOD.key_id} 2026-11-27 {GOOD.written()}"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "it is empty"),
        ("\n\n", "it is empty"),
        ("# nothing\n", "it holds no key"),
        (LINE, "no line says which key is current"),
        (f"current k2\n{LINE}", "the current key k2 is not in it"),
        (f"current {GOOD.key_id}\n{LINE}\n{LINE}", "is there twice"),
        (f"current {GOOD.key_id}\ncurrent {GOOD.key_id}\n{LINE}", "line 2 is neither"),
        (f"current {GOOD.key_id}\nkey {GOOD.key_id} 2026-11-27 c2hvcnQ=", "has 5 bytes, not 32"),
        (f"current {GOOD.key_id}\nkey {GOOD.key_id} 2026-11-27 {GOOD.written()[:-4]}!!!!", "is not base64"),
        (f"current {GOOD.key_id}\nkey {GOOD.key_id} yesterday {GOOD.written()}", "line 2"),
        (f"current K\nkey K 2026-11-27 {GOOD.written()}", "an id is 1 to 63 of"),
        (f"current ..\nkey .. 2026-11-27 {GOOD.written()}", "an id is 1 to 63 of"),
        (GOOD.written(), "line 1 is neither"),
        ("ключ", "it is no text"),
    ],
)
def test_a_file_that_says_something_else_is_refused_in_a_line(tmp_path: Path, text: str, why: str) -> None:
    path = tmp_path / "keys"
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)
    with pytest.raises(KeyFileError) as refused:
        keyfile.read(path)
    assert why in str(refused.value) and "\n" not in str(refused.value) and refused.value.hint
    assert GOOD.written()[:10] not in str(refused.value)
    assert refused.value.__cause__ is None


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660, 0o606, 0o700, 0o500, 0o440, 0o4600])
def test_a_file_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "keys"
    ring(path, make_key())
    path.chmod(mode)
    with pytest.raises(KeyFileError, match=f"0600 or 0400, not {mode:04o}"):
        keyfile.read(path)


def test_what_is_no_file_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    for path in (tmp_path, tmp_path / "pipe", Path("/dev/null")):
        with pytest.raises(KeyFileError, match="must be a file"):
            keyfile.read(path)
    with pytest.raises(KeyFileError, match="is not there"):
        keyfile.read(tmp_path / "none")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_file_of_another_account_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    ring(path, make_key())
    os.chown(path, 12345, -1)
    with pytest.raises(KeyFileError, match="not to uid 12345"):
        keyfile.read(path)


def test_systemds_copy_is_taken_as_systemd_makes_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it gives the account an access list, the mode shows as 0440."""
    path = tmp_path / "reelq-secrets"
    keys = ring(path, make_key())
    path.chmod(0o440)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    found = Keyring.load(worker_settings.load({"CREDENTIALS_DIRECTORY": str(tmp_path)}))
    assert found.current.key_id == keys.current.key_id and found.is_credential
    path.chmod(0o644)
    with pytest.raises(KeyFileError, match="not 0644"):
        Keyring.load(worker_settings.load({"CREDENTIALS_DIRECTORY": str(tmp_path)}))


def test_an_empty_credential_and_no_setting_say_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "reelq-secrets").write_text("\n", encoding="ascii")
    for environ in ({}, {"CREDENTIALS_DIRECTORY": str(tmp_path)}, {"CREDENTIALS_DIRECTORY": str(tmp_path / "none")}):
        with pytest.raises(KeyFileError, match="no key file is named") as refused:
            Keyring.load(worker_settings.load(environ))
        assert "reelq secrets init" in (refused.value.hint or "")
