"""The rendered lines of one entry."""

from dataclasses import replace

import pytest
from tests.tui.sample_threads import ME, NAMES, START, answer, message

from rustygpt_tui.render import plain
from rustygpt_tui.render.text import width
from rustygpt_tui.render.text_renderer import TextRenderer
from rustygpt_tui.widgets.transcript.entries import Entry, EntryContext, Quote, entries
from rustygpt_tui.widgets.transcript.live_answer import LiveAnswer
from rustygpt_tui.widgets.transcript.rendered_entry import (
    GUTTER,
    append_text,
    estimate_rows,
    indentation,
    render_entry,
    show_live,
)


def _entry(**fields: object) -> Entry:
    base = entries([answer(1, **fields)], EntryContext(ME, NAMES))[0]  # type: ignore[arg-type]
    return replace(base, day=None, quote=None)


def _text(entry: Entry, limit: int = 40) -> list[str]:
    rendered = render_entry(entry, limit, TextRenderer())
    return [plain(rendered.line(row)).rstrip() for row in range(rendered.height)]


def test_a_message_has_a_header_a_text_and_an_empty_line() -> None:
    """Author and time, then the text, then an empty line."""
    lines = _text(_entry(content="**hi** there", created_at=START.astimezone()))

    assert lines == [f"assistant · demo  {START.astimezone():%H:%M}", "hi there", ""]


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
    assert _text(replace(_entry(content="a"), pending=True))[0].endswith("  sending …")


def test_a_streamed_answer_grows() -> None:
    """The text has a cursor at its end, and starts again when it became shorter."""
    rendered = render_entry(_entry(streaming=True), 40, TextRenderer(), "Hel")
    append_text(rendered, TextRenderer(), "Hello *world*")
    grown = [plain(line) for line in rendered.body]
    append_text(rendered, TextRenderer(), "Bye")

    assert "writing" in plain(rendered.head[-1])
    assert grown == ["Hello world▌"]
    assert [plain(line) for line in rendered.body] == ["Bye▌"]


def test_dividers_are_above_the_header() -> None:
    """A new day and the first unread message have a divider each."""
    lines = _text(replace(_entry(content="a"), day=START, first_unread=True))

    assert lines[0].startswith("── Saturday 14 March 2026 ─")
    assert lines[2].startswith("── new ─")
    assert lines[4].startswith("assistant · demo")


@pytest.mark.parametrize("limit", [4, 12, 20, 44, 60, 120])
def test_every_line_fits(limit: int) -> None:
    """Long names, deep levels and wide characters stay within the width."""
    entry = replace(
        _entry(content="日本語 " * 30), author="n" * 90, branch_level=30, quote=Quote("x" * 90, "y")
    )
    rendered = render_entry(entry, limit, TextRenderer())
    widths = [width(plain(rendered.line(row))) for row in range(rendered.height)]

    assert max(widths) <= max(4, limit - GUTTER)


@pytest.mark.parametrize(("limit", "cells"), [(200, 8), (60, 8), (40, 8), (24, 4), (20, 0), (8, 0)])
def test_the_indentation_leaves_space_for_the_text(limit: int, cells: int) -> None:
    """It has a maximum, takes half of the width at most, and none of the last 16 cells."""
    assert indentation(replace(_entry(), branch_level=30), limit) == cells


def test_the_header_says_what_is_answered() -> None:
    """Author and first words of the parent, without markup, cut to the width."""
    quote = Quote("ana", "# A **question**\nabout `x`")
    header = _text(replace(_entry(content="a"), quote=quote), 60)[0]
    cut = _text(replace(_entry(content="a"), quote=quote), 40)[0]

    assert header.endswith("  ↳ ana: A question about x")
    assert cut.endswith("  ↳ ana: A qu…")
    assert _text(replace(_entry(), quote=Quote("ana", "")))[0].endswith("  ↳ ana")
    assert _text(replace(_entry(), quote=Quote()), 60)[0].endswith("  ↳ an earlier message")


def test_the_header_marks_unread_messages_and_folds() -> None:
    """An unread message has a mark; a folded branch says how much it hides."""
    folded = replace(_entry(), unread=True, folded=1_200)

    assert _text(folded, 60)[0].endswith(" ●  ▸ 1,200 folded")
    assert _text(replace(folded, folded_unread=3), 60)[0].endswith("▸ 1,200 folded (3 new)")


def test_a_hidden_entry_has_no_rows() -> None:
    """Neither rendered nor estimated, and without its dividers."""
    hidden = replace(_entry(content="a"), first_unread=True, hidden=True)

    assert (render_entry(hidden, 40, TextRenderer()).height, estimate_rows(hidden, 40)) == (0, 0)
    assert hidden.divider_rows == 0


def test_estimated_rows_are_close() -> None:
    """The estimate of a plain message differs from its rows by at most one."""
    entry = entries([message(3, "words and words " * 20)], EntryContext(ME, NAMES))[0]

    assert abs(estimate_rows(entry, 60) - render_entry(entry, 60, TextRenderer()).height) <= 1


def test_the_reasoning_is_one_line_above_the_text() -> None:
    """It has a number of words; unfolded it stands below that line, as it is written."""
    folded = _entry(content="so", reasoning="first *this*,\n\nthen\x1b[2J that")

    assert _text(folded)[1:3] == ["▸ reasoning, 4 words", "so"]
    assert _text(replace(folded, reasoning_open=True))[1:] == [
        "▾ reasoning, 4 words",
        "first *this*,",
        "",
        "then[2J that",
        "",
        "so",
        "",
    ]
    assert _text(_entry(content="so", reasoning=" \n"))[1] == "so"
    assert _text(_entry(reasoning="thought", deleted_at=START))[1:] == ["deleted", ""]


def test_reasoning_is_shown_while_it_grows() -> None:
    """The words are counted up, until the text begins."""
    rendered = render_entry(
        _entry(streaming=True), 40, TextRenderer(), "", live=LiveAnswer("one t")
    )
    before = plain(rendered.line(1))
    show_live(rendered, LiveAnswer("one two three"))
    growing = plain(rendered.line(1))
    append_text(rendered, TextRenderer(), "Hello")
    show_live(rendered, LiveAnswer("one two three"))

    assert before == "▸ reasoning … 2 words"
    assert growing == "▸ reasoning … 3 words"
    assert plain(rendered.line(1)) == "▸ reasoning, 3 words"
    assert plain(rendered.line(2)) == "Hello▌"


def test_the_header_has_the_label_that_fits() -> None:
    """The longest one that fits beside name, time and number of the answer."""
    entry = replace(_entry(streaming=True), siblings=(2, 3))
    labels = ("writing · ~43 tok/s", "writing ~43/s", "writing")
    headers = {
        limit: plain(
            render_entry(entry, limit, TextRenderer(), live=LiveAnswer("", labels)).head[0]
        )
        for limit in (60, 54, 48)
    }

    time = f"{entry.message.created_at.astimezone():%H:%M}"
    assert headers[60] == f"assistant · demo  {time}  2 of 3  writing · ~43 tok/s"
    assert headers[54] == f"assistant · demo  {time}  2 of 3  writing ~43/s"
    assert headers[48] == f"assistant · demo  {time}  2 of 3  writing"


def test_messages_that_did_not_fit_are_counted_below_the_text() -> None:
    """Of an answer in progress and of one that has ended."""
    ended = _text(_entry(content="a", omitted_messages=12, finish_reason="length"), 60)
    live = LiveAnswer(omitted_messages=1)
    running = render_entry(_entry(streaming=True), 60, TextRenderer(), "a", live=live)

    assert ended[2:4] == [
        "12 earlier messages did not fit into the model's context",
        "… cut off at the model's limit",
    ]
    assert plain(running.line(2)) == "1 earlier message did not fit into the model's context"


def test_a_failed_answer_says_which_key_asks_again() -> None:
    """Only for those who may, and not below an answer that is complete."""
    endings = {
        (reason, may): _text(replace(_entry(content="a", finish_reason=reason), may_ask_again=may))[
            2
        ]
        for reason in ("error", "cancelled", "timeout", "stop")
        for may in (True, False)
    }

    assert endings["error", True] == "✗ failed · R asks again"
    assert endings["cancelled", True] == "■ stopped · R asks again"
    assert endings["timeout", True].endswith("stopped · R")
    assert endings["error", False] == "✗ failed"
    assert endings["stop", True] == ""
