"""Several keys, of which one is current. A program at work notices by itself that its file has changed."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn
from uuid import UUID

from reelq.worker.errors import KeyMissing
from reelq.worker.secrets import envelope as envelopes
from reelq.worker.secrets import keyfile
from reelq.worker.secrets.keyfile import KeyFile, KeyFileError
from reelq.worker.secrets.keys import Key
from reelq.worker.settings import CREDENTIAL_OF_KEYS, Settings, credential_of_keys


class Keyring:
    """The keys of this host. Safe to share between threads."""

    def __init__(self, path: Path, content: KeyFile, *, is_credential: bool = False) -> None:
        """Use `load`; the content is that of the file."""
        self.path = path
        self.is_credential = is_credential
        self._content = content
        self._keys = content.keys()
        self._seen = keyfile.signature(path)

    @classmethod
    def load(cls, settings: Settings) -> Keyring:
        """Read REELQ_SECRETS_FILE, or the systemd credential `reelq-secrets`.

        Raises:
            KeyFileError: there is none, or it is not safe; one line that says what to do. A SettingsError.
        """
        path = path_of(settings)
        is_credential = str(path) == credential_of_keys()
        seen = keyfile.signature(path)  # before it is read: a change in between is a change
        ring = cls(path, keyfile.read(path, is_credential=is_credential), is_credential=is_credential)
        ring._seen = seen
        return ring

    @property
    def current(self) -> Key:
        """The key that is sealed under."""
        return self._keys[self._content.current]

    @property
    def content(self) -> KeyFile:
        """What the file says."""
        return self._content

    def key_ids(self) -> list[str]:
        """The ids, as the file has them; they are public."""
        return list(self._keys)

    def get(self, key_id: str) -> Key | None:
        """A key by its id; None when it is not here."""
        return self._keys.get(key_id)

    def seal(self, plain: bytes, *, table: str, row: UUID | int | str, column: str) -> bytes:
        """An envelope of `plain` that opens in this place only, under the current key.

        `table` is named with its room, as identity.users; `row` is its primary key.

        Raises:
            ValueError: there is nothing to seal.
        """
        self._notice_change()
        return envelopes.seal(self.current, plain, table=table, row=row, column=column)

    def unseal(self, envelope: bytes, *, table: str, row: UUID | int | str, column: str) -> bytes:
        """What was sealed for this place.

        Raises:
            KeyMissing: RQ017, the key is not here.
            EnvelopeRefused: it was changed, or sealed for another place.
        """
        place = envelopes.place_of(table, row, column)
        key_id = envelopes.key_id_of(envelope, place)
        if key_id not in self._keys:
            self._notice_change()
        key = self._keys.get(key_id)
        if key is None:
            raise key_missing(key_id, place, self.path)
        return envelopes.unseal(key, envelope, table=table, row=row, column=column)

    def _notice_change(self) -> None:
        """Read the file again if it is another one. While it cannot be read the keys that are known stay in use."""
        seen = keyfile.signature(self.path)
        if seen is None or seen == self._seen:
            return
        try:
            content = keyfile.read(self.path, is_credential=self.is_credential)
        except KeyFileError:
            return
        # A key that is no more in the file is known to nothing that is sealed: forget has seen to that.
        self._keys = {**self._keys, **content.keys()}
        self._content = content
        self._seen = seen

    def __repr__(self) -> str:
        return f"<keys of {self.path}: {', '.join(self._keys)}; current {self._content.current}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("keys are neither pickled nor copied")


def path_of(settings: Settings) -> Path:
    """Where the keys are.

    Raises:
        KeyFileError: no setting says so.
    """
    if not settings.secrets_file:
        raise KeyFileError(
            f"no key file is named: REELQ_SECRETS_FILE is empty, and there is no systemd credential {CREDENTIAL_OF_KEYS}",
            "REELQ_SECRETS_FILE=/etc/reelq/secrets; reelq secrets init makes the file.",
        )
    return Path(settings.secrets_file)


def key_missing(key_id: str, place: str, path: Path) -> KeyMissing:
    """The refusal for what is sealed under a key that is not here."""
    return KeyMissing(
        f"{place} is sealed under key {key_id}, which is not in {path}",
        "Put the key file of the host that has this key here, or its copy; reelq secrets status names all rows of such keys.",
    )
