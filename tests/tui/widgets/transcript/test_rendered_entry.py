"""The rendered lines of one entry."""

from dataclasses import replace

from tests.tui.sample_threads import ME, NAMES, START, answer, message

from rustygpt_tui.render import plain
from rustygpt_tui.render.text import width
from rustygpt_tui.widgets.transcript.entries import Entry, EntryContext, entries
from rustygpt_tui.widgets.transcript.rendered_entry import (
    GUTTER,
    append_text,
    estimate_rows,
    render_entry,
)


def _entry(**fields: object) -> Entry:
    base = entries([answer(1, **fields)], EntryContext(ME, NAMES, {}))[0]  # type: ignore[arg-type]
    return replace(base, day=None)


def _text(entry: Entry, limit: int = 40) -> list[str]:
    rendered = render_entry(entry, limit)
    return [plain(rendered.line(row)).rstrip() for row in range(rendered.height)]


def test_a_message_has_a_header_a_text_and_an_empty_line() -> None:
    """Author and time, then the text, then an empty line."""
    lines = _text(_entry(content="**hi** there", created_at=START.astimezone()))

    assert lines == [f"demo  {START.astimezone():%H:%M}", "hi there", ""]


def test_the_end_of_an_answer_is_shown() -> None:
    """Stopped, cut off, failed, deleted and pending messages each have a text."""
    endings = [
        _text(_entry(content="a", finish_reason=reason))[2]
        for reason in ("cancelled", "length", "timeout", "error")
    ]

    assert endings == [
        "■ stopped",
        "… cut off at the model's limit",
        "✗ took too long and was stopped",
        "✗ failed",
    ]
    assert _text(replace(_entry(content="a"), error="no\x1b model"))[2] == "✗ no model"
    assert _text(_entry(deleted_at=START))[1] == "deleted"
    assert _text(replace(_entry(content="a"), pending=True))[2] == "sending …"


def test_a_streamed_answer_grows() -> None:
    """The text has a cursor at its end, and starts again when it became shorter."""
    rendered = render_entry(_entry(streaming=True), 40, "Hel")
    append_text(rendered, "Hello *world*")
    grown = [plain(line) for line in rendered.body]
    append_text(rendered, "Bye")

    assert "writing" in plain(rendered.head[-1])
    assert grown == ["Hello world▌"]
    assert [plain(line) for line in rendered.body] == ["Bye▌"]


def test_dividers_are_above_the_header() -> None:
    """A new day and the first unread message have a divider each."""
    lines = _text(replace(_entry(content="a"), day=START, first_unread=True))

    assert lines[0].startswith("── Saturday 14 March 2026 ─")
    assert lines[2].startswith("── new ─")
    assert lines[4].startswith("demo")


def test_every_line_fits() -> None:
    """Long names, deep levels and wide characters stay within the width."""
    entry = replace(
        _entry(content="日本語 " * 30), author="n" * 90, branch_level=30, reply_to="x" * 90
    )
    rendered = render_entry(entry, 44)

    assert all(width(plain(rendered.line(row))) <= 44 - GUTTER for row in range(rendered.height))
    assert plain(rendered.line(1)).startswith("│ │ ")


def test_estimated_rows_are_close() -> None:
    """The estimate of a plain message differs from its rows by at most one."""
    entry = entries([message(3, "words and words " * 20)], EntryContext(ME, NAMES, {}))[0]

    assert abs(estimate_rows(entry, 60) - render_entry(entry, 60).height) <= 1
