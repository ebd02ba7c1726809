"""The Markdown dialect of messages."""

import pytest
from tests.support.readable_words import WORDS, lost_words

from rustygpt_shared.markdown.parser import MAX_NESTING, make_parser


def _types(source: str) -> list[str]:
    return [token.type for token in make_parser().parse(source)]


def _inline_types(source: str) -> list[str]:
    return [token.type for token in make_parser().parseInline(source)[0].children or []]


@pytest.mark.parametrize("source", WORDS.values(), ids=WORDS.keys())
def test_every_word_is_in_a_token(source: str) -> None:
    """Renderers can show all of what was written."""
    text = []
    for token in make_parser().parse(source):
        text += [token.content, token.info]
        text += [part.content for part in token.children or []]

    assert lost_words(source, "\n".join(text)) == set()


def test_content_that_is_nested_too_deeply_is_code() -> None:
    """What follows it at a lower level is parsed as usual."""
    tokens = make_parser().parse(f"{'> ' * (MAX_NESTING + 3)}deep\n\nafter **b**")

    assert max(token.level for token in tokens) <= MAX_NESTING
    code = [token.content for token in tokens if token.type == "code_block"]
    assert code == ["> > > deep\n"]
    assert tokens[-2].content == "after **b**"


def test_definitions_are_tokens_and_footnotes_are_text() -> None:
    """A definition still works as one."""
    assert _types("[a]: /b\n")[0] == "definition"
    assert "link_open" in [
        part.type for part in make_parser().parse("[a]\n\n[a]: /b")[1].children or []
    ]
    assert _types("[^1]: note")[0] == "paragraph_open"


def test_surplus_cells_belong_to_the_last_column() -> None:
    """Rows with fewer cells and escaped bars are as before."""
    source = "| a | b |\n|---|---|\n| 1 | 2 | 3 | 4 |\n| 5 |\n| x \\| y | z |\n"
    cells = [token.content for token in make_parser().parse(source) if token.type == "inline"]

    assert cells == ["a", "b", "1", "2 | 3 | 4", "5", "", "x | y", "z"]


@pytest.mark.parametrize(
    ("source", "is_formula"),
    [
        ("$x$", True), ("$a_1 * b_2$", True), ("$$x$$", True), ("\\(x\\)", True),
        ("\\[x\\]", True), ("$5 and $10", False), ("$ x $", False), ("$x", False),
        ("\\(x", False), ("$x$5", False), ("a $ b", False), ("$$", False), ("$x\ny$", True),
    ],
)  # fmt: skip
def test_money_is_no_formula(source: str, is_formula: bool) -> None:
    """A formula keeps its characters, money is text."""
    assert ("math" in _inline_types(source)) == is_formula


def test_a_formula_may_have_lines_of_its_own() -> None:
    """Blank lines and what looks like other blocks belong to it; it may stay open."""
    tokens = make_parser().parse("text\n$$\n# a\n\n- b\n$$\nafter")
    assert [token.content for token in tokens if token.type == "math_block"] == [
        "$$\n# a\n\n- b\n$$\n"
    ]
    assert _types("\\[\nx\n\ny") == ["math_block"]
    assert _types("> $$\n> x\n\nafter")[1] == "math_block"


@pytest.mark.parametrize(
    "source",
    [
        "**a\uff08b\uff09**\u540e",
        "\u4e2d**\uff08b\uff09**\u540e",
        "~~a\u3002~~\u540e",
        "*a\uff09*\u540e",
    ],
)
def test_emphasis_ends_beside_wide_characters(source: str) -> None:
    """Punctuation before the mark and a letter after it are no obstacle."""
    assert any(name.endswith("_close") for name in _inline_types(source))


def test_emphasis_elsewhere_follows_commonmark() -> None:
    """Spaces on the inner side, and underscores within words, are no emphasis."""
    assert _inline_types("a ** b ** c") == ["text"]
    assert _inline_types("snake_case_name") == ["text"]
