"""The bytes of an envelope, as base.is_envelope has them.

    1 byte version, 1 byte length of the key id, the key id, 12 bytes nonce, ciphertext (1 byte at least), 16 bytes tag

Authenticated with it, and not in it: table, row and column, so that an envelope opens where it was sealed and nowhere else;
and its own head, so that nobody gives it another key's id.
"""

from __future__ import annotations

from uuid import UUID

from reelq.worker.errors import ReelqError
from reelq.worker.secrets.keys import NONCE_BYTES, TAG_BYTES, Key

VERSION = 1
PURPOSE = b"reelq envelope"


class EnvelopeRefused(ReelqError):
    """It does not open: it was changed, belongs to another row or column, or is no envelope. It tells nothing of what is in it."""

    hint = "Restore that row from a back-up, or have its secret set anew."


def place_of(table: str, row: UUID | int | str, column: str) -> str:
    """Where an envelope lies, for people."""
    return f"{table}.{column} of {row}"


def about(head: bytes, table: str, row: UUID | int | str, column: str) -> bytes:
    """What is authenticated beside the text. Each part has its length before it: no two places have the same bytes."""
    parts = (PURPOSE, head, table.encode(), str(row).encode(), column.encode())
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def seal(key: Key, plain: bytes, *, table: str, row: UUID | int | str, column: str) -> bytes:
    """An envelope of `plain` for one place.

    Raises:
        ValueError: there is nothing to seal.
    """
    if not plain:
        raise ValueError("there is nothing to seal: store null instead")
    name = key.key_id.encode("ascii")
    head = bytes((VERSION, len(name))) + name
    return head + key.encrypt(plain, about(head, table, row, column))


def unseal(key: Key, envelope: bytes, *, table: str, row: UUID | int | str, column: str) -> bytes:
    """What is in it.

    Raises:
        EnvelopeRefused: it was not sealed for this place under this key, or was changed since.
    """
    head = head_of(envelope, place_of(table, row, column))
    plain = key.decrypt(envelope[len(head) :], about(head, table, row, column))
    if plain is None:
        raise EnvelopeRefused(f"the envelope in {place_of(table, row, column)} does not open: it was changed, or sealed for another place")
    return plain


def key_id_of(envelope: bytes, place: str = "this column") -> str:
    """The id of the key that it was sealed under, as base.envelope_key has it.

    Raises:
        EnvelopeRefused: it is no envelope.
    """
    return head_of(envelope, place)[2:].decode("ascii", errors="backslashreplace")


def head_of(envelope: bytes, place: str) -> bytes:
    """Version, length and key id, of what has the shape of an envelope."""
    if len(envelope) > 1 and envelope[0] == VERSION and 1 <= envelope[1] <= 64:
        head = bytes(envelope[: 2 + envelope[1]])
        if len(envelope) > len(head) + NONCE_BYTES + TAG_BYTES:
            return head
    raise EnvelopeRefused(f"what is in {place} is no sealed envelope")
