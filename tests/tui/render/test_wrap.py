"""Wrapped lines."""

from hypothesis import example, given
from hypothesis import strategies as st

from rustygpt_tui.render import Span, plain
from rustygpt_tui.render.text import width
from rustygpt_tui.render.wrap import wrap, wrap_code

texts = st.text(alphabet="ab  \ncdé日本👍🏽👩\u200d☺\ufe0f-", max_size=80)


@example([("a", ""), ("a☺", ""), ("\ufe0f", "")], 3)
@given(st.lists(st.tuples(texts, st.sampled_from(["", "strong"])), max_size=4), st.integers(2, 30))
def test_lines_fit_and_keep_every_word(parts: list[tuple[str, str]], limit: int) -> None:
    """No line is too wide, and only spaces and line breaks are lost."""
    spans = [Span(text, style) for text, style in parts]

    lines = wrap(spans, limit)

    assert all(width(plain(line)) <= limit for line in lines)
    assert "".join(map(plain, lines)).replace(" ", "") == "".join(
        span.text for span in spans
    ).replace(" ", "").replace("\n", "")


def test_only_words_that_are_too_long_are_broken() -> None:
    """A word that fits a line is never broken; a longer one starts on its own line."""
    lines = wrap([Span("one two "), Span("thr", "strong"), Span("ee incomprehensibility")], 10)

    assert [plain(line) for line in lines] == ["one two", "three", "incomprehe", "nsibility"]


def test_continuation_lines_are_indented() -> None:
    """Lines after the first have the hanging indentation."""
    assert [plain(line) for line in wrap([Span("ab cd ef")], 5, hang=2)] == ["ab cd", "  ef"]


def test_code_keeps_its_spaces() -> None:
    """A line of code is broken at the width and loses no character."""
    lines = wrap_code((Span("    a  b"), Span("日本", "code.string")), 5)

    assert [plain(line) for line in lines] == ["    a", "  b日", "本"]
