"""Cleaned text and its width in cells."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from rustygpt_tui.render.text import (
    clean,
    clusters,
    cut,
    one_line,
    pad,
    shorten,
    strip_markdown,
    width,
)

HOSTILE = "\x1b[31m\x07\x9b2J\x7f\u202ea\u2066b\u061c\ufeff\U000e0041\ud800\r"


def test_control_characters_are_removed() -> None:
    """Escapes, C1 controls, direction overrides and tags are removed; emoji joiners stay."""
    assert clean(HOSTILE) == "[31m2Jab\n"
    assert clean("👩\u200d👧 ☺\ufe0f\n\tx") == "👩\u200d👧 ☺\ufe0f\n\tx"


@given(st.text())
def test_clean_text_has_no_control_but_line_feed_and_tab(text: str) -> None:
    """Any text is cleaned of all control characters but line feed and tab."""
    assert all(c in "\n\t" or (c >= " " and not "\x7f" <= c <= "\x9f") for c in clean(text))


@pytest.mark.parametrize(
    "text",
    ["plain", "日本語", "é́", "👩‍👩‍👧‍👦 x", "👍🏽", "☺️", "1️⃣", "กำ", "🏳️‍🌈", "한국어", "a\u0301b"],
)
def test_widths_agree_with_the_terminal_library(text: str) -> None:
    """Widths equal those of the library that draws the text."""
    assert width(text) == cell_len(text)


@given(st.text(alphabet="ab é日本👍🏽👩\u200d☺\ufe0f"), st.integers(0, 20))
def test_a_cut_loses_nothing_and_fits(text: str, limit: int) -> None:
    """Both parts together are the text, and no cluster is split."""
    head, rest = cut(text, limit)

    assert head + rest == text
    assert width(head) <= limit
    assert "".join(cluster for cluster, _ in clusters(text)) == text


def test_texts_are_shortened_and_padded() -> None:
    """A shortened text ends in an ellipsis; a padded one has the requested width."""
    assert shorten("a long title", 8) == "a long…"
    assert shorten("日本語", 5) == "日本…"
    assert pad("日", 4) == "日  "
    assert one_line(" a\n\tb\x1b ") == "a b"


def test_an_excerpt_has_no_markup() -> None:
    """Markdown markup is removed, and what it marks stays."""
    assert strip_markdown("# Title\n> `code` and **bold**") == "Title\ncode and bold"
