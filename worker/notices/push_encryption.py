"""How a push message is encrypted for a browser (RFC 8291, over aes128gcm of RFC 8188) and signed by us (VAPID, RFC 8292).

On `cryptography` alone: the library of the field for it, pywebpush, needs a package that comes without a wheel.
Sources: RFC 8188, section 2; RFC 8291, sections 3 and 4, with the example of appendix A as the test; RFC 8292, sections 2 and 3; read 2026-11-27.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

RECORD_BYTES = 4096  # the whole message is one record
LAST_RECORD = b"\x02"


def encrypt(told: bytes, p256dh: str, auth: str, *, salt: bytes | None = None, key: ec.EllipticCurvePrivateKey | None = None) -> bytes:
    """The body of the request; `p256dh` and `auth` are what the browser gave, in base64url. `salt` and `key` are new for each message.

    Raises:
        ValueError: the browser's keys are none.
    """
    point, secret = unpadded(p256dh), unpadded(auth)
    if len(secret) != 16:
        raise ValueError("auth has 16 bytes")
    theirs = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    ours, salt = key or ec.generate_private_key(ec.SECP256R1()), salt or os.urandom(16)
    mine = encoded(ours)
    input_key = _derived(secret, ours.exchange(ec.ECDH(), theirs), b"WebPush: info\0" + point + mine, 32)
    content_key = _derived(salt, input_key, b"Content-Encoding: aes128gcm\0", 16)
    nonce = _derived(salt, input_key, b"Content-Encoding: nonce\0", 12)
    head = salt + RECORD_BYTES.to_bytes(4, "big") + len(mine).to_bytes(1, "big") + mine
    return head + AESGCM(content_key).encrypt(nonce, told + LAST_RECORD, None)


def authorization(key: ec.EllipticCurvePrivateKey, claims: Mapping[str, Any]) -> str:
    """The header of a request by which a push service knows who sends."""
    words = [padless(json.dumps(part, separators=(",", ":")).encode()) for part in ({"typ": "JWT", "alg": "ES256"}, claims)]
    signed = ".".join(words)
    r, s = decode_dss_signature(key.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
    return f"vapid t={signed}.{padless(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}, k={padless(encoded(key))}"


def private_key(text: str) -> ec.EllipticCurvePrivateKey:
    """A key of the curve P-256: PEM, or its 32 bytes in base64url.

    Raises:
        ValueError: it is none.
    """
    if "-----BEGIN" not in text:
        if len(raw := unpadded(text)) != 32:
            raise ValueError("a key of 32 bytes is wanted")
        return ec.derive_private_key(int.from_bytes(raw, "big"), ec.SECP256R1())
    key = serialization.load_pem_private_key(text.encode(), None)
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise ValueError("a key of another kind")  # noqa: TRY004 - the text is wrong, not its type
    return key


def encoded(key: ec.EllipticCurvePrivateKey) -> bytes:
    """The public half, 65 bytes."""
    return key.public_key().public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)


def unpadded(text: str) -> bytes:
    """Bytes from base64url, with or without padding."""
    return base64.urlsafe_b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4))


def padless(raw: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _derived(salt: bytes, secret: bytes, info: bytes, length: int) -> bytes:
    return HKDF(hashes.SHA256(), length, salt, info).derive(secret)
