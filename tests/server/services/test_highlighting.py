"""What a search shows of a message."""

import pytest

from rustygpt_server.db.search import SearchTerm
from rustygpt_server.services.highlighting import SHOWN, highlight, pattern_of


def _shown(text: str, terms: list[SearchTerm], words: list[str]) -> str:
    """The fragments in one text, with brackets around what was found."""
    fragments = highlight(text, pattern_of(terms, words))
    return "".join(f"[{f.text}]" if f.is_match else f.text for f in fragments)


@pytest.mark.parametrize(
    ("text", "term", "words", "shown"),
    [
        ("She was running.", SearchTerm(0, "run"), ["run"], "She was [running]."),
        ("Happy, happily", SearchTerm(0, "happy"), ["happi", "happy"], "[Happy], [happily]"),
        ("cat scatter Cat", SearchTerm(0, "cat"), ["cat"], "[cat] scatter [Cat]"),
        ("publisher", SearchTerm(0, "publ", is_prefix=True), ["publ"], "[publisher]"),
        ("self.hub.publish()", SearchTerm(0, "hub.publish"), ["hub", "publish"],
         "self.[hub].[publish]()"),
        ("私は東京が好き", SearchTerm(0, "東京"), ["東京"], "私は[東京]が好き"),
        ("<b>bold</b>\n\tnext", SearchTerm(0, "bold"), ["bold"], "<b>[bold]</b> next"),
        ("a.b", SearchTerm(0, "not", is_negated=True), [], "a.b"),
    ],
)  # fmt: skip
def test_words_are_marked(text: str, term: SearchTerm, words: list[str], shown: str) -> None:
    """With their endings, as beginnings, in any script; and text stays text."""
    assert _shown(text, [term], words) == shown


def test_a_part_of_a_long_text_is_shown() -> None:
    """The first word that was found, with what is around it, and signs where it was cut."""
    text = "x " * 20_000 + "needle" + " y" * 20_000
    shown = _shown(text, [SearchTerm(0, "needle")], ["needl", "needle"])

    assert shown.startswith("…x x ")
    assert "x [needle] y" in shown
    assert shown.endswith(" y…")
    assert len(shown) <= SHOWN + 4


def test_a_text_without_the_word_is_shown_from_its_start() -> None:
    """The database may know that a word is another one's form where this module does not."""
    assert _shown("die Häuser", [SearchTerm(0, "haus")], ["haus"]) == "die Häuser"


def test_the_work_for_a_hostile_text_is_bounded() -> None:
    """It grows with the text, whatever is in it: no part of it is tried again and again."""
    terms = [SearchTerm(0, "a" * 20 + "b", is_prefix=True)] * 20
    for text in ("a" * 65_536, "a" * 19 + " " + "a" * 65_000, ("a" * 20 + " ") * 3_000):
        assert highlight(text, pattern_of(terms, ["aaaaaaaaaaaaaaaaaaaab"]))
