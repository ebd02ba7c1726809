"""What text may be: the contract's rules for messages, titles and names.

Each check answers the text as it is kept, or raises ValueError with a sentence for a person.
"""

import re
import unicodedata

MESSAGE_MAX = 65_536
TITLE_MAX = 256
PASSWORD_MIN = 8
PASSWORD_MAX = 1_024

_USERNAME = re.compile(r"[^\W_](?:[\w.-]{0,38}[^\W_])?")
_EMAIL = re.compile(r"[^\s@]{1,64}@[^\s@.]+(?:\.[^\s@.]+)*")


def plain(text: str) -> str:
    """Any Unicode text but NUL and lone surrogates, which PostgreSQL and UTF-8 cannot hold."""
    if "\x00" in text:
        raise ValueError("NUL characters are not allowed")
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError("lone surrogates are not allowed")
    return text


def message(text: str) -> str:
    """A message: 1 to 65,536 characters after trailing white space is cut."""
    kept = plain(text).rstrip()
    if not kept:
        raise ValueError("a message needs some text")
    return _at_most(kept, MESSAGE_MAX, "a message")


def title(text: str) -> str:
    """A title: 1 to 256 characters, trimmed, inner runs of white space made one space."""
    kept = " ".join(plain(text).split())
    if not kept:
        raise ValueError("a title needs some text")
    return _at_most(kept, TITLE_MAX, "a title")


def username(text: str) -> str:
    """A user name: 1 to 40 letters, digits, dots, dashes and underscores, in form NFKC."""
    kept = unicodedata.normalize("NFKC", plain(text).strip())
    if len(kept) > 40 or not _USERNAME.fullmatch(kept):
        raise ValueError(
            "a user name is 1 to 40 letters, digits, dots, dashes or underscores, "
            "and starts and ends with a letter or digit"
        )
    return kept


def email(text: str) -> str:
    """An e-mail address, as far as its shape can tell."""
    kept = plain(text).strip()
    if len(kept) > 254 or not _EMAIL.fullmatch(kept):
        raise ValueError("this is not an e-mail address")
    return kept


def display_name(text: str) -> str:
    """A name to show: 1 to 100 characters without control characters."""
    kept = " ".join(plain(text).split())
    if not kept or any(unicodedata.category(c) in {"Cc", "Cf", "Co"} for c in kept):
        raise ValueError("a display name needs visible characters only")
    return _at_most(kept, 100, "a display name")


def password(text: str) -> str:
    """A password: 8 to 1,024 characters, taken as it is."""
    if not PASSWORD_MIN <= len(plain(text)) <= PASSWORD_MAX:
        raise ValueError(f"a password has {PASSWORD_MIN} to {PASSWORD_MAX:,} characters")
    return text


def _at_most(text: str, limit: int, what: str) -> str:
    if len(text) > limit:
        raise ValueError(f"{what} has at most {limit:,} characters; this one has {len(text):,}")
    return text
