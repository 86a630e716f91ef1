"""Passwords, codes of a second factor, recovery codes: what is computed of them. What they allow is decided in SQL.

argon2id with the parameters that the database names (OWASP's, identity.argon2_parameters); bcrypt is read, for accounts that
come from another system. Nothing here logs, and no error repeats what was given.
"""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
import unicodedata
from datetime import datetime

import bcrypt
import pyotp
from argon2.exceptions import HashingError
from argon2.low_level import Type, hash_secret

from reelq.worker.errors import BadArgument

LEAST_LENGTH = 12  # characters; NIST SP 800-63B-4 asks for 15 where it is the only factor, and 8 beside another
MOST_BYTES = 1024  # hashing takes the same time for any length, but reading does not
SALT_BYTES, DIGEST_BYTES = 16, 32
BCRYPT_BYTES = 72  # what bcrypt has always read of a password; the library refuses more since 5.0
# Of a hash that somebody has put into the database, as its check has it: more would take a host down.
MOST_MEMORY_KIB, MOST_PASSES, MOST_LANES = 262_144, 10, 16
LEAST_BCRYPT_COST, MOST_BCRYPT_COST = 4, 14  # each step doubles the time; 14 is a second and more
STEP_S = 30
DIGITS = 6
RECOVERY_CODES = 10
ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # 32 letters, without those that look alike: 5 bits each
RECIPE = re.compile(r"\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,2}),p=(\d{1,2})(?:\$([A-Za-z0-9+/]{22}))?")


class UnusableHash(ValueError):
    """No password can be checked with it: it is no hash of ours, or costs more than a log-in may take."""


class WeakPassword(BadArgument):
    """RQ008: it may not be chosen. The message says why, and not what it was."""


def check(password: str, email: str) -> None:
    """Refuse what may not be chosen.

    Raises:
        WeakPassword: shorter than 12 characters, longer than 1 kB, or the address.
    """
    if any(character == "\0" or "\ud800" <= character <= "\udfff" for character in password):
        raise WeakPassword("a password must be text, without zero bytes and halves of characters", "Choose what can be typed again.")
    if too_long(password):
        raise WeakPassword(f"a password must have {MOST_BYTES} bytes at most", "Take a shorter one.")
    normal = normalised(password)
    if len(normal) < LEAST_LENGTH:
        raise WeakPassword(f"a password must have {LEAST_LENGTH} characters or more", "Four words that do not belong together are easy to keep.")
    if normal.casefold() == normalised(email).casefold():
        raise WeakPassword("a password must not be the address", "Choose something that others do not know.")
    if len(set(normal)) < 4:
        raise WeakPassword("a password must not be a few characters again and again", "Four words that do not belong together are easy to keep.")


def normalised(password: str) -> str:
    """NFKC, so that the same password typed on another keyboard is the same."""
    return unicodedata.normalize("NFKC", password)


def too_long(password: str) -> bool:
    """Whether it has more than 1 kB, as given or as hashed; such a one is never right."""
    return len(password) > MOST_BYTES or len(_bytes(password)) > MOST_BYTES


def may_hash_again(password: str, made_by: str) -> bool:
    """Whether a password that was right may be hashed anew: not one of which bcrypt has read only the beginning, since the rest is not proved."""
    return made_by.startswith("$argon2id$") or len(password.encode("utf-8", "surrogatepass")) <= BCRYPT_BYTES


def hash_password(password: str, parameters: str) -> str:
    """A new hash with a new salt; `parameters` as in $argon2id$v=19$m=19456,t=2,p=1."""
    found = RECIPE.fullmatch(parameters)
    if not found or found[4]:
        raise ValueError("parameters must be such as $argon2id$v=19$m=19456,t=2,p=1")
    return _argon2(_bytes(password), secrets.token_bytes(SALT_BYTES), int(found[1]), int(found[2]), int(found[3]))


def digest(password: str, recipe: str) -> str:
    """The whole hash of a password, by the beginning of one: parameters and salt of argon2id, or bcrypt.

    Raises:
        UnusableHash: it is no such beginning, or asks for more memory or time than a log-in may take.
    """
    found = RECIPE.fullmatch(recipe)
    if not found or not found[4]:
        cost = re.fullmatch(r"\$2[aby]\$([0-9]{2})\$[./A-Za-z0-9]{22}", recipe)
        if not cost:
            raise UnusableHash("recipe must be the beginning of a hash of argon2id or bcrypt")
        if not LEAST_BCRYPT_COST <= int(cost[1]) <= MOST_BCRYPT_COST:
            raise UnusableHash(f"the cost of bcrypt must be {LEAST_BCRYPT_COST} to {MOST_BCRYPT_COST}")
        # As it was typed: other systems do not normalise. Zero bytes, which C's bcrypt ends at, nobody types.
        typed = password.encode("utf-8", "surrogatepass")[:BCRYPT_BYTES].replace(b"\0", b" ")
        try:
            return bcrypt.hashpw(typed, recipe.encode()).decode()
        except ValueError as error:
            raise UnusableHash("bcrypt does not take this salt") from error
    memory, passes, lanes = int(found[1]), int(found[2]), int(found[3])
    if memory > MOST_MEMORY_KIB or passes > MOST_PASSES or lanes > MOST_LANES:
        raise UnusableHash("a hash asks for more memory, passes or lanes than a log-in may take")
    try:
        return _argon2(_bytes(password), base64.b64decode(found[4] + "=="), memory, passes, lanes)
    except HashingError as error:  # less memory than its lanes need, and the like
        raise UnusableHash("argon2id does not take these parameters") from error


def proof(password: str, recipe: str) -> bytes:
    """SHA-256 of the hash, which identity.finish_login compares: the hash itself leaves neither side."""
    # Too long a one takes the same way, as one that nobody has.
    return hashlib.sha256(digest("" if too_long(password) else password, recipe).encode()).digest()


def _argon2(password: bytes, salt: bytes, memory_kib: int, passes: int, lanes: int) -> str:
    """argon2id, version 19."""
    return hash_secret(password, salt, passes, memory_kib, lanes, DIGEST_BYTES, Type.ID, 19).decode()


def _bytes(password: str) -> bytes:
    """As it is hashed."""
    return normalised(password).encode("utf-8", "surrogatepass")


# A second factor


def new_totp_secret() -> str:
    """160 random bits in base32, as RFC 4226 asks for."""
    return pyotp.random_base32(32)


def totp_uri(secret: str, email: str, issuer: str) -> str:
    """What a QR code holds, for the user's device."""
    return pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name=issuer)


def totp_step(secret: str, code: str, at: datetime) -> int | None:
    """The 30 seconds (since 1970) whose code this is: the present, the one before or after; None when it is none of them."""
    totp = pyotp.TOTP(secret, digits=DIGITS, interval=STEP_S)
    now = int(at.timestamp()) // STEP_S
    given = bare(code)
    found = None
    for step in (now - 1, now, now + 1):
        if step >= 0 and secrets.compare_digest(totp.generate_otp(step).encode(), given.encode("utf-8", "surrogatepass")):
            found = step
    return found


def looks_like_code(code: str) -> bool:
    """Whether it is six digits; else it is taken for a recovery code."""
    return re.fullmatch(r"[0-9]{6}", bare(code)) is not None


def bare(code: str) -> str:
    """A code without what people type or paste with it: spaces, line ends, hyphens, digits of full width."""
    return re.sub(r"[\s\-\u2010-\u2015\u2212]", "", normalised(code))


def new_recovery_codes() -> list[str]:
    """Ten codes of 80 bits, for people to write down."""
    codes = ("".join(secrets.choice(ALPHABET) for _ in range(16)) for _ in range(RECOVERY_CODES))
    return ["-".join(code[at : at + 4] for at in range(0, 16, 4)) for code in codes]


def recovery_hash(code: str) -> bytes:
    """SHA-256 of a recovery code, however it is spaced and whatever its case. 80 bits are beyond guessing, so no slow hash is needed."""
    return hashlib.sha256(bare(code).upper().encode("utf-8", "surrogatepass")).digest()
