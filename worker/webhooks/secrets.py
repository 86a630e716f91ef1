"""An endpoint's secret: whsec_ and the base64 of 32 random bytes. It is shown once; the database has its envelope."""

from __future__ import annotations

import base64
import secrets
from dataclasses import dataclass
from uuid import UUID, uuid4

from reelq.worker.secrets import Keyring

TABLE, COLUMN = "ops.webhook_secrets", "secret"
SECRET_BYTES = 32  # the specification takes 24 to 64


@dataclass(frozen=True, slots=True)
class NewSecret:
    """A secret that was just made, with the id of the row that its envelope opens in."""

    id: UUID
    sealed: bytes
    secret: str

    def __repr__(self) -> str:
        return f"<a new secret {self.id}>"


def make(keys: Keyring) -> NewSecret:
    """A new secret, sealed."""
    row, text = uuid4(), "whsec_" + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()
    return NewSecret(row, keys.seal(text.encode(), table=TABLE, row=row, column=COLUMN), text)


def opened(keys: Keyring, row: UUID, sealed: bytes) -> str:
    """What is in an envelope of that row.

    Raises:
        KeyMissing, EnvelopeRefused: of the keyring.
    """
    return keys.unseal(sealed, table=TABLE, row=row, column=COLUMN).decode()
