"""Which names look alike: by case, compatibility forms and confusable letters.

A skeleton is what remains of a name when everything is removed that readers may overlook (Unicode
Technical Standard 39, section 4). Two names look alike if they share a skeleton. The database keeps
the skeletons of all names under an index and refuses a name that looks like another account's; here
they are computed, and compared with the reserved words. Form and length of names belong to
`rustygpt_shared.text_rules`.
"""

import functools
import re
import unicodedata
from collections.abc import Iterable
from typing import Final

from rustygpt_server.errors import ValidationFailed
from rustygpt_shared.problems import FieldError
from rustygpt_shared.text_rules import FILLERS

RESERVED_WORDS: Final = ("assistant", "system", "everyone", "here", "all")
_ASCII_ORDER: Final = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
_PART: Final = re.compile(r"[\w\s.'-]+")
_DOTS: Final = re.compile("[\u02d1\u1427\u119e\u3161\u30fc\u0640\ua78f\ua789\u02d0]|\\s[.'-]+\\s")
"""Letters that look like the dot or a dash between two names, and signs that stand alone."""
_SIGNS: Final = str.maketrans("5$@4376+\u2020", "ssaaetbtt")
"""Signs that stand for letters of a reserved word. User names may differ by them."""
_CYRILLIC: Final = dict(zip("\u0432\u043a\u043c\u043d\u043f", "bkmhn", strict=True))
"""Small letters that look like small capitals; the data of Unicode maps them to each other only."""
_NAMED_LETTER: Final = re.compile(
    r"LATIN (?:SMALL|CAPITAL) LETTER ([A-Z])(?: WITH .+)?|LATIN LETTER SMALL CAPITAL ([A-Z])"
    r"|(?:NEGATIVE )?(?:SQUARED|CIRCLED) LATIN CAPITAL LETTER ([A-Z])"
    r"|REGIONAL INDICATOR SYMBOL LETTER ([A-Z])"
)


def username_skeletons(username: str) -> list[str]:
    """Return the skeletons of a user name; raise ValidationFailed if it looks reserved."""
    if _is_reserved(username):
        raise _reserved("username")
    return skeletons(username)


def display_name_skeletons(display_name: str | None) -> list[str]:
    """Return the skeletons of a display name; raise ValidationFailed if it looks reserved.

    That is also so for a part between other signs: an answer is labelled `assistant · model`.
    """
    if display_name is None:
        return []
    plain = _DOTS.sub("\u00b7", unicodedata.normalize("NFKC", display_name))
    if any(_is_reserved(part) for part in [*_PART.findall(plain), display_name]):
        raise _reserved("display_name")
    return skeletons(display_name)


def reserved_skeletons() -> list[str]:
    """Return the skeletons of the reserved words."""
    return sorted(_reserved_skeletons())


def _is_reserved(name: str) -> bool:
    found = _skeletons(name)
    with_letters = {skeleton.translate(_SIGNS) for skeleton in found}
    return bool((found | with_letters) & _reserved_skeletons())


def _reserved(field: str) -> ValidationFailed:
    words = ", ".join(RESERVED_WORDS)
    return ValidationFailed.of_fields(
        [FieldError(field, f"this is, or looks like, a reserved word ({words})")]
    )


@functools.cache
def _reserved_skeletons() -> frozenset[str]:
    """Return the skeletons of the words as they are written, and in capitals (`ASS1STANT`)."""
    words = (form for word in RESERVED_WORDS for form in (word, word.upper()))
    return frozenset[str]().union(*(_skeletons(word) for word in words))


def skeletons(name: str) -> list[str]:
    """Return the skeletons of any name."""
    return sorted(_skeletons(name))


def _skeletons(name: str) -> frozenset[str]:
    """Return the skeletons of a name as it is written, and of its lower-case form.

    A capital I looks like a lower-case l, but its lower-case form does not: both count.
    """
    plain = unicodedata.normalize("NFKC", name)
    return frozenset((_skeleton(plain).casefold(), _skeleton(plain.casefold()).casefold()))


def _skeleton(name: str) -> str:
    letters = unicodedata.normalize("NFD", name)
    table = _prototypes()
    kept = (table.get(c) or _named_letter(c) or c for c in letters if not _is_overlooked(c))
    return "".join(kept).strip(" .'-_").replace("m", "rn").replace("w", "vv")


def _is_overlooked(character: str) -> bool:
    """Return whether readers overlook a character: marks, and characters without a form."""
    return character in FILLERS or unicodedata.category(character) in {"Mn", "Me", "Cf", "Cc"}


@functools.cache
def _prototypes() -> dict[str, str]:
    """Return the ASCII letter or digit for each character that is confusable with one.

    Loaded with the first name, because the table takes 50 ms.
    """
    from confusable_homoglyphs.utils import load

    table: dict[str, str] = {}
    for character, groups in load("confusables.json").items():
        similar = list(_similar(groups))
        letter = _ascii_letter([character, *similar])
        letter = letter or next(filter(None, map(_named_letter, similar)), None)
        if len(character) == 1 and letter:
            table[character] = letter
    return table | _CYRILLIC


def _named_letter(character: str) -> str | None:
    """Return the ASCII letter that Unicode's name of a character says, as a small letter."""
    if len(character) != 1 or character.isascii():
        return None
    match = _NAMED_LETTER.fullmatch(unicodedata.name(character, ""))
    return match[match.lastindex or 0].lower() if match else None


def _similar(groups: Iterable[dict[str, str]]) -> Iterable[str]:
    return (group["c"].strip("\u200e") for group in groups)


def _ascii_letter(characters: Iterable[str]) -> str | None:
    """Return the first of these that is an ASCII letter or digit, in one order for all."""
    found = [c for c in characters if len(c) == 1 and c in _ASCII_ORDER]
    return min(found, key=_ASCII_ORDER.index, default=None)
