"""One key, and how nobody sees it: neither repr, a traceback, a pickle nor a copy shows its bytes."""

from __future__ import annotations

import base64
import binascii
import os
import re
from datetime import UTC, datetime
from typing import NoReturn

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32  # AES-256
NONCE_BYTES, TAG_BYTES = 12, 16  # as base.is_envelope has it
KEY_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
CHECK_BYTES = 8  # tells keys of one id apart; too short to be of use to anybody else


class Key:
    """A key of AES-256-GCM under its public id."""

    __slots__ = ("_cipher", "_text", "check_value", "key_id")

    def __init__(self, key_id: str, text: str) -> None:
        """`text` is base64 of 32 bytes.

        Raises:
            ValueError: the id or the key is not one; the key is not repeated.
        """
        if not KEY_ID.fullmatch(key_id):
            raise ValueError("an id is 1 to 63 of a-z, 0-9 and hyphens")
        try:
            raw = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            raise ValueError(f"key {key_id} is not base64") from None
        if len(raw) != KEY_BYTES:
            raise ValueError(f"key {key_id} has {len(raw)} bytes, not {KEY_BYTES}")
        self.key_id = key_id
        self._text = text
        self._cipher = AESGCM(raw)
        digest = hmac.HMAC(raw, hashes.SHA256())
        digest.update(b"reelq key check")
        self.check_value = digest.finalize()[:CHECK_BYTES].hex()  # public: the database keeps it

    def encrypt(self, plain: bytes, about: bytes) -> bytes:
        """Nonce, ciphertext and tag; `about` is authenticated and not in it."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, plain, about)

    def decrypt(self, sealed: bytes, about: bytes) -> bytes | None:
        """What was encrypted; None when a bit of it, or of `about`, is not as it was."""
        try:
            return self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], about)
        except InvalidTag:
            return None

    def written(self) -> str:
        """The key as its file has it. For worker.secrets.keyfile alone."""
        return self._text

    def __repr__(self) -> str:
        return f"<key {self.key_id} ********>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a key is neither pickled nor copied")


def make_key() -> Key:
    """A new key; its id is the day and a random end, such as k20261127-3f9a."""
    key_id = f"k{datetime.now(UTC):%Y%m%d}-{os.urandom(2).hex()}"
    return Key(key_id, base64.b64encode(AESGCM.generate_key(bit_length=8 * KEY_BYTES)).decode("ascii"))
