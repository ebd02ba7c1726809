"""Markdown rendered to lines."""

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.tui.render.sample_documents import FULL_DOCUMENT, documents

from rustygpt_tui.render import Span, plain
from rustygpt_tui.render.markdown import render
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
    """A link reference may be defined below its use."""
    assert _text("see [it]\n\n[it]: https://a.b") == ["see it (https://a.b)"]


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
