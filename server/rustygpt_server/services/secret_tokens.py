"""New secrets of sessions, personal tokens and invites, and the hashes that the database has."""

import base64
import hashlib
import re
import secrets
import string
from typing import Final

TOKEN_PREFIX: Final = "rgpt_"  # noqa: S105 - what each token begins with
INVITE_PREFIX: Final = "rgpi_"
_ALPHABET: Final = string.ascii_letters + string.digits
_RANDOM_CHARACTERS: Final = 43
"""43 of 62 characters have 256 bits of entropy."""
_PERSONAL_TOKEN: Final = re.compile(rf"{TOKEN_PREFIX}[0-9A-Za-z]{{{_RANDOM_CHARACTERS}}}")


def new_token() -> str:
    """Return 32 random bytes in base64url without padding: the token of a session."""
    return base64url(secrets.token_bytes(32))


def new_prefixed_token(prefix: str) -> str:
    """Return a secret that scanners recognise: the prefix, then 43 letters and digits.

    It has no other signs, so that a double click selects all of it.
    """
    return prefix + "".join(secrets.choice(_ALPHABET) for _ in range(_RANDOM_CHARACTERS))


def is_personal_token(text: str) -> bool:
    """Return whether a text has the form of a personal token."""
    return _PERSONAL_TOKEN.fullmatch(text) is not None


def hash_token(token: str) -> bytes:
    """Return the SHA-256 of a token, which is what the database has."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()


def base64url(data: bytes) -> str:
    """Return bytes in base64url (RFC 4648, 5) without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
