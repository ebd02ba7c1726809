"""Markdown rendered to lines."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.readable_words import WORDS, lost_words
from tests.support.text_cases import (
    CR,
    CRLF,
    FENCES,
    LATEX,
    MARKUP,
    RTL,
    TABS,
    UNCLOSED,
    WIDE,
    WIDETABLE,
    ZW,
)
from tests.tui.render.sample_documents import FULL_DOCUMENT, documents

from rustygpt_tui.render import Span, plain
from rustygpt_tui.render.markdown import render
from rustygpt_tui.render.selection import selected_text
from rustygpt_tui.render.text import width


def _text(source: str, limit: int = 40) -> list[str]:
    return [plain(line).rstrip() for line in render(source, limit)]


@given(documents | st.text(max_size=60), st.integers(16, 60))
@settings(deadline=None, max_examples=300)
def test_lines_fit_and_have_no_control_characters(source: str, limit: int) -> None:
    """Any text renders to lines that fit the width and have no control characters."""
    for line in render(source, limit):
        assert width(plain(line)) <= limit
        assert all(c >= " " and not "\x7f" <= c <= "\x9f" for c in plain(line))


def test_entities_do_not_produce_control_characters() -> None:
    """A direction override written as an entity is removed too."""
    assert _text("a&#x202e;b &#27;[31m") == ["ab �[31m"]


def test_blocks_are_separated_and_items_are_not() -> None:
    """One empty line between blocks, none between items; item numbers increase."""
    assert _text("# T\npara\n- a\n- b\n\n\n3. c\n3. d") == [
        "T", "", "para", "", "• a", "• b", "", "3. c", "4. d",
    ]  # fmt: skip


def test_single_line_breaks_are_kept() -> None:
    """A single line break starts a new line."""
    assert _text("one\ntwo") == ["one", "two"]


def test_nested_lists_and_tasks() -> None:
    """Nested items are indented under their parents, tasks have boxes."""
    assert _text("- a\n  - b\n    1. c\n- [x] d\n- [ ] e") == [
        "• a", "  ◦ b", "    1. c", "☑ d", "☐ e",
    ]  # fmt: skip


def test_tables_align_and_shrink() -> None:
    """Columns are aligned; a table that is too wide wraps its widest column."""
    source = "| a | n |\n|---|--:|\n| some words here | 5 |\n| x | 10 |"

    assert _text(source) == [
        "a               │  n",
        "────────────────┼───",
        "some words here │  5",
        "x               │ 10",
    ]
    assert _text(source, 16)[2:4] == ["some words  │  5", "here        │"]


def test_links_show_their_address() -> None:
    """The address follows unless it is the text; only web and mail addresses are links."""
    spans = render("[docs](https://a.b) <https://c.d> [x](ftp://e.f) ![p](http://i.j/k.png)", 200)[
        0
    ]

    assert plain(spans) == ("docs (https://a.b) https://c.d x (ftp://e.f) ▣ p (http://i.j/k.png)")
    assert {span.link for span in spans} == {"", "https://a.b", "https://c.d", "http://i.j/k.png"}


def test_scripts_are_no_links() -> None:
    """A link to a script stays text."""
    assert all(not span.link for span in render("[a](javascript:alert(1))", 80)[0])


def test_references_are_resolved() -> None:
    """A link reference may be defined below its use; the definition is shown."""
    lines = _text("see [it]\n\n[it]: https://a.b")

    assert lines == ["see it (https://a.b)", "", "[it]: https://a.b"]


def test_html_is_text() -> None:
    """Tags are shown as text."""
    assert _text("<b>x</b> [bold]y[/bold]") == ["<b>x</b> [bold]y[/bold]"]


def test_inline_markup_has_style_names() -> None:
    """Each kind of inline markup has a style name."""
    line = render("**a** *b* `c` ~~d~~", 80)[0]

    assert line == (
        Span("a", "strong"), Span(" "), Span("b", "emphasis"), Span(" "), Span("c", "code"),
        Span(" "), Span("d", "strike"),
    )  # fmt: skip


def test_every_kind_of_block_is_rendered() -> None:
    """All words of a document with every kind of block are rendered."""
    text = "\n".join(_text(FULL_DOCUMENT, 60))

    for part in ("Title here", "third", "Setext", "7. seven", "▌ ▌ nested", "lazy", "def f(x):",
                 "indented code", "▣ alt", "<b>html</b>"):  # fmt: skip
        assert part in text


@pytest.mark.parametrize("limit", [12, 40, 80])
@pytest.mark.parametrize("source", WORDS.values(), ids=WORDS.keys())
def test_nothing_that_was_written_is_lost(source: str, limit: int) -> None:
    """Every word is visible; one that is longer than a line is joined when it is copied."""
    shown = selected_text((line, 0, None) for line in render(source, limit))

    assert lost_words(source, shown) == set()


def test_formulas_keep_every_character() -> None:
    """Also where Markdown would take characters as markup; money is no formula."""
    text = " ".join(_text(LATEX, 100))

    for part in (
        "$a_1 * b_2 * c_3$", r"\(x_1^2\)", r"\[ \sum_{i=1}^n i_i \]", "Costs $5 and $10.",
        r"\begin{aligned} a &= b_1 * c_2 \\ &= d_*e_* \end{aligned}",
    ):  # fmt: skip
        assert part in text


def test_every_kind_of_line_end_ends_a_line() -> None:
    """None is removed, which would join two words."""
    assert _text(CR) == ["progress 10%", "progress 50%", "progress 100%", "done"]
    assert _text("a\rb\vc\fd\x85e\u2028f\u2029g\r\nh") == list("abcdefgh")
    assert _text(CRLF)[-2:] == ["line with", "lone cr"]


def test_emphasis_works_beside_wide_characters() -> None:
    """A wide bracket and a wide letter are no reason to leave it unmarked."""
    spans = [span for line in render(MARKUP, 300) for span in line]

    assert Span("bold\uff08\u62ec\u53f7\uff09", "strong") in spans


def test_a_table_that_is_too_wide_becomes_a_list_of_its_cells() -> None:
    """Words are not broken into letters; each cell has the heading of its column."""
    lines = _text(WIDETABLE, 80)

    assert len(lines) == 14
    assert lines[3] == "column03 header: value 03 with words"
    assert _text("| one | two |\n|---|---|\n| a | b |\n| c | |", 8) == [
        "one: a", "two: b", "\u2500" * 8, "one: c", "two",
    ]  # fmt: skip


def test_columns_of_wide_characters_are_aligned() -> None:
    """Emoji of several characters, flags and combining marks take the cells that they take."""
    rows = render(WIDE, 80)[2:7]

    borders = {
        tuple(width(plain(row[:at])) for at, span in enumerate(row) if span.text in {" │ ", "─┼─"})
        for row in rows
        if plain(row)[3] != "─"
    }
    assert len(borders) == 1


def test_fences_end_where_they_should() -> None:
    """Longer fences hold shorter ones; an open one goes on to the end."""
    assert _text(UNCLOSED)[-2:] == [" # heading? no", " **bold?** no"]
    assert [line.strip() for line in _text(FENCES)[:4]] == ["md", "```py", "inner", "```"]


def test_tabs_are_spaces() -> None:
    """In code up to the next stop; in a cell of a table one space."""
    text = _text(TABS)

    assert {" all:", "     echo hi", "         deep", " indented code by tab"} <= set(text)
    assert "a b │ c" in text
    assert _text("```\nab\tc\n```") == [" ab  c"]


def test_blank_letters_have_the_width_of_spaces() -> None:
    """Terminals do not agree on the width of fillers, so spaces of that width replace them."""
    assert plain(render("a\u3164b\uffa0c", 20)[0]) == "a\u3000b c"
    assert "zalgo" in "\n".join(_text(ZW))


def test_directions_are_not_overridden() -> None:
    """Letters of both directions stay as they are."""
    text = "\n".join(_text(RTL, 80))

    assert "\u05e9\u05dc\u05d5\u05dd" in text
    assert not set(text) & set("\u202e\u202c\u2066\u2069")
