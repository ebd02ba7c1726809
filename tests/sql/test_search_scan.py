"""A search finds what a plain scan over all texts finds, in five languages."""

import random
import re
import unicodedata
from uuid import UUID

import pytest
from tests.support.database.database_builder import DatabaseBuilder
from tests.support.database.searching import find, index, language

VOCABULARIES = {
    "english": "The running dogs don't fear naïve cats of Mr. Smith's e-mail re-run 3.14 x86_64",
    "german": "Über die Straße fließt größere Häuser ÄRGER im Öl Weiß nicht 42 E-Mail Haus",
    "french": "L'école où l’élève déçu a reçu ça à côté d'Être âgé œuvre ÉTÉ aujourd'hui",
    "russian": "Собака ест ёлку Мир мира и миры «привет» объявление ЩЁТКА собаки —",
    "chinese and japanese": "東京都 京都 東京 ひらがな カタカナ 中文 文中 中 猫 Python3",
}
MARKS = (" ", " ", ", ", "! ", "\n", " — ", "… ", "`", "(", ") ")


def _text(choice: random.Random, words: list[str], *, has_blanks: bool) -> str:
    marks = MARKS if has_blanks else ("", "", "。", "、", " ", "「")
    count = choice.randint(1, 12)
    text = "".join(choice.choice(words) + choice.choice(marks) for _ in range(count))
    return unicodedata.normalize(choice.choice(["NFC", "NFD"]), text)


def _words(text: str) -> list[str]:
    """Sequences of letters and digits, in lower case."""
    return re.findall(r"[^\W_]+", unicodedata.normalize("NFC", text).lower())


def _plain_words(text: str) -> list[str]:
    """The words without the accents of Latin letters, as many people type them."""
    letters = unicodedata.normalize("NFD", " ".join(_words(text)))
    plain = re.sub(r"([a-z])[\u0300-\u036f]+", r"\1", letters)
    return unicodedata.normalize("NFC", plain).split()


def _scan(texts: list[str], query: str, *, has_blanks: bool) -> set[str]:
    """The texts that have the words of the query one after the other, or just the characters.

    One word alone is also found where it has accents.
    """
    if not has_blanks and not query.isascii():
        return {text for text in texts if query in unicodedata.normalize("NFC", text)}
    wanted = _words(query)
    if len(wanted) == 1:
        return {text for text in texts if wanted[0] in _words(text) + _plain_words(text)}
    return {
        text
        for text in texts
        if any(
            _words(text)[start : start + len(wanted)] == wanted
            for start in range(len(_words(text)))
        )
    }


def _queries(choice: random.Random, texts: list[str], *, has_blanks: bool) -> list[str]:
    """Words of the texts, two that may follow each other, or parts of runs."""
    words = [word for text in texts for word in _words(text)]
    if has_blanks:
        pairs = [f"{choice.choice(words)} {choice.choice(words)}" for _ in range(5)]
        starts = [text for text in texts if len(_words(text)) > 1]
        return [*choice.sample(words, 8), *pairs, *(" ".join(_words(t)[:2]) for t in starts[:5])]
    runs = [run for word in words for run in re.findall(r"[^\x00-\x7f]+", word)]
    parts = [run[start : start + choice.randint(1, 4)] for run in runs for start in (0, 1, 2)]
    return choice.sample([part for part in parts if part], 12)


async def _corpus(builder: DatabaseBuilder, texts: list[str]) -> UUID:
    ada = await builder.person("ada")
    conversation_id = await builder.conversation(ada)
    for text in texts:
        builder.advance_time(0.5)
        await builder.post(ada, conversation_id, text)
    await index(builder)
    return ada


@pytest.mark.parametrize("name", VOCABULARIES)
async def test_a_search_finds_what_a_scan_finds(builder: DatabaseBuilder, name: str) -> None:
    """Words and words in order, exactly; the index without endings, as `simple` has it."""
    choice = random.Random(name)
    has_blanks = "chinese" not in name
    words = VOCABULARIES[name].split()
    texts = sorted({_text(choice, words, has_blanks=has_blanks) for _ in range(60)})
    async with language(builder, "simple"):
        ada = await _corpus(builder, texts)
        for query in _queries(choice, texts, has_blanks=has_blanks):
            expected = _scan(texts, query, has_blanks=has_blanks)
            assert set(await find(builder, ada, f'"{query}"')) == expected, query


@pytest.mark.parametrize("name", VOCABULARIES)
async def test_a_language_only_adds_to_what_is_found(builder: DatabaseBuilder, name: str) -> None:
    """Each word is found as it is written, also with the endings of a language."""
    choice = random.Random(name)
    has_blanks = "chinese" not in name
    words = VOCABULARIES[name].split()
    texts = sorted({_text(choice, words, has_blanks=has_blanks) for _ in range(40)})
    known = name if name in {"german", "french", "russian"} else "english"
    async with language(builder, known):
        ada = await _corpus(builder, texts)
        for query in _queries(choice, texts, has_blanks=has_blanks):
            expected = _scan(texts, query, has_blanks=has_blanks)
            assert set(await find(builder, ada, f'"{query}"')) >= expected, query
