"""The contract's rules for text: messages, titles, names, addresses and passwords.

Each rule returns the text as it is stored, or raises ValueError with a sentence for a person.
"""

import re
import unicodedata
from collections.abc import Callable

MESSAGE_MAX = 65_536
TITLE_MAX = 256
USERNAME_MAX = 32
DISPLAY_NAME_MAX = 64
EMAIL_MAX = 254
PASSWORD_MIN = 8
PASSWORD_MAX = 1_024
TOKEN_MAX = 256
TOKEN_NAME_MAX = 64
PATH_MAX = 1_024
MODEL_MAX = 200
SYSTEM_PROMPT_MAX = 16_384
PROFILE_NAME_MAX = 48
PROFILE_DESCRIPTION_MAX = 500
ROUTE_PATTERN_MAX = 200
ROUTE_SEGMENTS_MAX = 20
REASON_MAX = 500
CLIENT_NAME_MAX = 64
USER_CODE_LETTERS = "BCDFGHJKLMNPQRSTVWXZ"
"""The letters of user codes: no vowel, so that they spell no word (RFC 8628, 6.1)."""
USER_CODE_LENGTH = 8
"""Eight of 20 letters have 34 bits; a code is valid for ten minutes, and few are accepted."""

_USERNAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,31}")
_EMAIL = re.compile(r"[^\s@]{1,64}@[^\s@.]+(?:\.[^\s@.]+)*")
_PROFILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,47}")
_PATH_LITERAL = re.compile(r"[A-Za-z0-9._~-]+")
_PATH_PARAMETER = re.compile(r":[A-Za-z_][A-Za-z0-9_]*|\{[A-Za-z_][A-Za-z0-9_]*\}")
FILLERS = frozenset("\u115f\u1160\u2800\u3164\uffa0\U0001d159")
"""Characters that fonts draw as blanks, although Unicode counts them as letters or symbols."""
_JOINERS = "\u200c\u200d"
"""Zero-width characters that Persian, Indic scripts and emoji are written with."""
_VIRAMA = 9
"""The combining class of the signs that Indic scripts join letters with."""


class TextRule:
    """A rule for one kind of text. The length is checked before anything else is done.

    Normal forms, regular expressions and lookups may take more than linear time, or much time for
    each character: they never get a text longer than `max_length` characters.
    """

    def __init__(
        self,
        max_length: int,
        subject: str,
        normalise: Callable[[str], str],
        *,
        trim: Callable[[str], str] = str.strip,
    ) -> None:
        """`trim` runs first, in linear time: what it removes does not count."""
        self.max_length = max_length
        self._subject = subject
        self._normalise = normalise
        self._trim = trim

    def __call__(self, text: str) -> str:
        """Return the text as it is stored; raise ValueError with a sentence for a person."""
        trimmed = self._trim(text)
        if len(trimmed) > self.max_length:
            raise ValueError(
                f"{self._subject} has at most {self.max_length:,} characters; "
                f"this one has {len(trimmed):,}"
            )
        return self._normalise(_plain(trimmed))


def is_visible(text: str) -> bool:
    """Return whether at least one character is visible: no blank, filler or zero-width one."""
    return any(
        character not in FILLERS and unicodedata.category(character)[0] in "LNPS"
        for character in text
    )


def plain_text(max_length: int, subject: str) -> TextRule:
    """Return a rule for text that is compared, and stored nowhere: it stays as it is."""
    return TextRule(max_length, subject, _unchanged, trim=_unchanged)


def required_text(max_length: int, subject: str) -> TextRule:
    """Return a rule for trimmed text of at least one character."""
    return TextRule(max_length, subject, lambda text: _some(text, subject))


def _plain(text: str) -> str:
    """Allow all Unicode text but NUL and lone surrogates.

    PostgreSQL cannot store the former, UTF-8 cannot encode the latter.
    """
    if "\x00" in text:
        raise ValueError("NUL characters are not allowed")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("lone surrogates are not allowed") from None
    return text


def _unchanged(text: str) -> str:
    return text


def _some(text: str, subject: str) -> str:
    if not text:
        raise ValueError(f"{subject} needs some text")
    return text


def _title(text: str) -> str:
    if not is_visible(text):
        raise ValueError("a title needs at least one visible character")
    return " ".join(text.split())


def _token_name(text: str) -> str:
    if not is_visible(text):
        raise ValueError("a token's name needs at least one visible character")
    return " ".join(text.split())


def _username(text: str) -> str:
    if not _USERNAME.fullmatch(text):
        raise ValueError(
            "a user name is 2 to 32 letters from a to z, digits, dots, dashes or underscores, "
            "and starts with a letter or digit"
        )
    return text


def _email(text: str) -> str:
    if not _EMAIL.fullmatch(text):
        raise ValueError("this is not an e-mail address")
    return text


def _display_name(text: str) -> str:
    name = unicodedata.normalize("NFC", " ".join(text.split()))
    if not is_visible(name) or any(_is_hidden(name, index) for index in range(len(name))):
        raise ValueError("a display name needs visible characters only")
    if len(name) > DISPLAY_NAME_MAX:  # a few characters have a longer normal form
        raise ValueError(f"a display name has at most {DISPLAY_NAME_MAX} characters")
    return name


def _is_hidden(name: str, index: int) -> bool:
    """Return whether a character is a control, or has no form and is not needed for spelling."""
    character = name[index]
    if unicodedata.category(character) not in {"Cc", "Cf", "Co"}:
        return False
    return character not in _JOINERS or not _joins(character, name[:index], name[index + 1 :])


def _joins(joiner: str, before: str, after: str) -> bool:
    """Return whether a joiner stands where scripts and emoji need it (RFC 5892, A.1 and A.2)."""
    last = before.rstrip("\ufe0f\U0001f3fb\U0001f3fc\U0001f3fd\U0001f3fe\U0001f3ff")[-1:]
    if not last or not after:
        return False
    if unicodedata.combining(before[-1]) == _VIRAMA:
        return True
    if joiner == "\u200d":
        return unicodedata.category(last) == unicodedata.category(after[0]) == "So"
    return unicodedata.bidirectional(before[-1]) == unicodedata.bidirectional(after[0]) == "AL"


def _password(text: str) -> str:
    if len(text) < PASSWORD_MIN:
        raise ValueError(f"a password has {PASSWORD_MIN} to {PASSWORD_MAX:,} characters")
    return text


def _client_name(text: str) -> str:
    if not is_visible(text) or any(_is_hidden(text, index) for index in range(len(text))):
        raise ValueError("a device's name needs visible characters only")
    return " ".join(text.split())


def _user_code(text: str) -> str:
    letters = "".join(text.split()).replace("-", "").upper()
    if len(letters) != USER_CODE_LENGTH or not set(letters) <= set(USER_CODE_LETTERS):
        raise ValueError(f"a code has {USER_CODE_LENGTH} letters, such as BCDF-GHJK")
    return letters


def _profile_name(text: str) -> str:
    if not _PROFILE_NAME.fullmatch(text):
        raise ValueError(
            f"a profile's name is 1 to {PROFILE_NAME_MAX} letters from a to z, digits, dots, "
            "dashes or underscores, and starts with a letter or digit"
        )
    return text


def is_path_parameter(segment: str) -> bool:
    """Return whether a segment of a pattern or template is a parameter: `{name}` or `:name`."""
    return _PATH_PARAMETER.fullmatch(segment) is not None


def _route_pattern(text: str) -> str:
    first, *segments = text.split("/")
    if first or not segments or len(segments) > ROUTE_SEGMENTS_MAX:
        raise ValueError(f"a pattern is / and 1 to {ROUTE_SEGMENTS_MAX} segments")
    if segments[-1] == "*":
        segments.pop()
    for segment in segments:
        if not (_PATH_LITERAL.fullmatch(segment) or is_path_parameter(segment)):
            raise ValueError(
                "a segment of a pattern is literal, {name} or :name, and the last one may be *"
            )
    return text


message = TextRule(MESSAGE_MAX, "a message", lambda text: _some(text, "a message"), trim=str.rstrip)
"""A message: 1 to 65,536 characters, without trailing white space."""
title = TextRule(TITLE_MAX, "a title", _title)
"""A title: 1 to 256 characters, one of them visible, trimmed, with single spaces."""
username = TextRule(USERNAME_MAX, "a user name", _username)
"""A user name: 2 to 32 ASCII letters, digits, dots, dashes or underscores."""
email = TextRule(EMAIL_MAX, "an e-mail address", _email)
"""An e-mail address; only its form is checked."""
display_name = TextRule(DISPLAY_NAME_MAX, "a display name", _display_name)
"""A display name: 1 to 64 characters in NFC, all of them visible."""
password = TextRule(PASSWORD_MAX, "a password", _password, trim=_unchanged)
"""A password, unchanged: 8 to 1,024 characters."""
model = required_text(MODEL_MAX, "a model's name")
"""The name of a model: 1 to 200 characters, trimmed."""
system_prompt = required_text(SYSTEM_PROMPT_MAX, "a system prompt")
"""A system prompt: 1 to 16,384 characters, trimmed."""
reason = required_text(REASON_MAX, "a reason")
"""Why a person changed something: 1 to 500 characters, trimmed."""
login_name = plain_text(EMAIL_MAX, "a user name or an e-mail address")
"""What a person types as their name to sign in, unchanged."""
given_password = plain_text(PASSWORD_MAX, "a password")
"""A password that is compared with the stored one, unchanged."""
setup_token = plain_text(TOKEN_MAX, "a set-up token")
"""The token that the server printed at its first start, unchanged."""
token_name = TextRule(TOKEN_NAME_MAX, "a token's name", _token_name)
"""The name of a personal token: 1 to 64 characters, one of them visible, with single spaces."""
invite_token = plain_text(TOKEN_MAX, "an invite's token")
"""The token of an invite, unchanged."""
device_code = plain_text(TOKEN_MAX, "a device code")
"""What a device asks with whether its code was confirmed, unchanged."""
client_name = TextRule(CLIENT_NAME_MAX, "a device's name", _client_name)
"""What a device calls itself: 1 to 64 characters, all of them visible."""
user_code = TextRule(32, "a code", _user_code)
"""What a person enters to confirm a device: eight letters, however they are grouped."""
path = plain_text(PATH_MAX, "the path of a message")
"""The path of a message in its thread, unchanged."""
profile_name = TextRule(PROFILE_NAME_MAX, "a profile's name", _profile_name)
"""A profile's name: 1 to 48 ASCII letters, digits, dots, dashes or underscores."""
profile_description = required_text(PROFILE_DESCRIPTION_MAX, "a description")
"""The description of a profile: 1 to 500 characters, trimmed."""
route_pattern = TextRule(ROUTE_PATTERN_MAX, "a pattern", _route_pattern)
"""A pattern of paths: at most 200 characters and 20 segments."""
