"""The contract's rules for text: messages, titles, names, addresses and passwords.

Each rule returns the text as it is stored, or raises ValueError with a sentence for a person.
"""

import re
import unicodedata

MESSAGE_MAX = 65_536
TITLE_MAX = 256
USERNAME_MAX = 40
DISPLAY_NAME_MAX = 100
EMAIL_MAX = 254
PASSWORD_MIN = 8
PASSWORD_MAX = 1_024

_USERNAME = re.compile(r"[^\W_](?:[\w.-]{0,38}[^\W_])?")
_EMAIL = re.compile(r"[^\s@]{1,64}@[^\s@.]+(?:\.[^\s@.]+)*")


def plain(text: str) -> str:
    """Allow all Unicode text but NUL and lone surrogates.

    PostgreSQL cannot store the former, UTF-8 cannot encode the latter.
    """
    if "\x00" in text:
        raise ValueError("NUL characters are not allowed")
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError("lone surrogates are not allowed")
    return text


def message(text: str) -> str:
    """Return a message: 1 to 65,536 characters, without trailing white space."""
    trimmed = plain(text).rstrip()
    if not trimmed:
        raise ValueError("a message needs some text")
    return _at_most(trimmed, MESSAGE_MAX, "a message")


def title(text: str) -> str:
    """Return a title: 1 to 256 characters, trimmed, with single spaces."""
    folded = " ".join(plain(text).split())
    if not folded:
        raise ValueError("a title needs some text")
    return _at_most(folded, TITLE_MAX, "a title")


def username(text: str) -> str:
    """Return a user name: 1 to 40 letters, digits, dots, dashes or underscores, in NFKC."""
    name = unicodedata.normalize("NFKC", plain(text).strip())
    if len(name) > USERNAME_MAX or not _USERNAME.fullmatch(name):
        raise ValueError(
            "a user name is 1 to 40 letters, digits, dots, dashes or underscores, "
            "and starts and ends with a letter or digit"
        )
    return name


def email(text: str) -> str:
    """Return an e-mail address; only its form is checked."""
    address = plain(text).strip()
    if len(address) > EMAIL_MAX or not _EMAIL.fullmatch(address):
        raise ValueError("this is not an e-mail address")
    return address


def display_name(text: str) -> str:
    """Return a display name: 1 to 100 characters, all of them visible."""
    name = " ".join(plain(text).split())
    if not name or any(unicodedata.category(c) in {"Cc", "Cf", "Co"} for c in name):
        raise ValueError("a display name needs visible characters only")
    return _at_most(name, DISPLAY_NAME_MAX, "a display name")


def password(text: str) -> str:
    """Return a password unchanged: 8 to 1,024 characters."""
    if not PASSWORD_MIN <= len(plain(text)) <= PASSWORD_MAX:
        raise ValueError(f"a password has {PASSWORD_MIN} to {PASSWORD_MAX:,} characters")
    return text


def _at_most(text: str, limit: int, subject: str) -> str:
    if len(text) > limit:
        raise ValueError(f"{subject} has at most {limit:,} characters; this one has {len(text):,}")
    return text
