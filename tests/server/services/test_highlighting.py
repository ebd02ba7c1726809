"""What a search shows of a message."""

import pytest
from tests.support.function_calls import calls

from rustygpt_server.db.search import SearchTerm
from rustygpt_server.services.highlighting import SEARCHED, SHOWN, Highlighter


def _shown(text: str, terms: list[SearchTerm], words: list[str]) -> str:
    """The fragments in one text, with brackets around what was found."""
    fragments = Highlighter(terms, words).fragments(text)
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
        ("Cafés, café", SearchTerm(0, "cafe"), ["cafe"], "[Cafés], [café]"),
        ("die Häuser", SearchTerm(0, "haus"), ["haus"], "die [Häuser]"),
        ("a.b", SearchTerm(0, "not", is_negated=True), [], "a.b"),
    ],
)  # fmt: skip
def test_words_are_marked(text: str, term: SearchTerm, words: list[str], shown: str) -> None:
    """With their endings, as beginnings, in any script; and text stays text."""
    assert _shown(text, [term], words) == shown


def test_a_part_of_a_long_text_is_shown() -> None:
    """The first word that was found, with what is around it, and signs where it was cut."""
    text = "x " * (SEARCHED // 3) + "needle" + " y" * 20_000
    shown = _shown(text, [SearchTerm(0, "needle")], ["needl", "needle"])

    assert shown.startswith("…x x ")
    assert "x [needle] y" in shown
    assert shown.endswith(" y…")
    assert len(shown) <= SHOWN + 4


def test_a_text_without_the_word_is_shown_from_its_start() -> None:
    """The database may know that a word is another one's form where this module does not."""
    assert _shown("they went", [SearchTerm(0, "go")], ["go"]) == "they went"


def test_a_word_far_behind_is_not_looked_for() -> None:
    """The work for a page is bounded, whatever is in it: the text is shown from its start."""
    terms = [SearchTerm(0, "needle"), SearchTerm(0, "猫")]
    text = "x " * SEARCHED + "needle 猫"

    assert _shown(text, terms, ["needl", "needle"]) == text[:SHOWN] + "…"
    assert calls(lambda: Highlighter(terms, ["needl"]).fragments(text)) < 5 * SEARCHED
