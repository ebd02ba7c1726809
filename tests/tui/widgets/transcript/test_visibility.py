"""Which entries are on screen."""

from dataclasses import replace

from tests.tui.sample_threads import ME, NAMES, message, message_id

from rustygpt_tui.widgets.transcript.entries import EntryContext, entries
from rustygpt_tui.widgets.transcript.layout import Layout
from rustygpt_tui.widgets.transcript.visibility import VisibleEntry, text_rows, visible_entries


def _layout() -> Layout:
    """Return three messages of 3, 5 and 3 rows below a divider of two rows."""
    messages = [message(0), message(1, "a\n\nb"), message(2)]
    built = [replace(entry, day=None) for entry in entries(messages, EntryContext(ME, NAMES))]
    layout = Layout(lambda _: None)
    layout.set_entries([replace(built[0], first_unread=True), *built[1:]])
    layout.measure(0, 100)
    return layout


def test_an_entry_is_on_screen_with_a_row_of_header_or_text() -> None:
    """Dividers and the empty row at the end do not count."""
    layout = _layout()

    assert [text_rows(layout, index) for index in range(3)] == [(2, 3, 3), (5, 6, 8), (10, 11, 11)]
    assert visible_entries(layout, 0, 1) == []
    assert visible_entries(layout, 4, 4) == []
    assert visible_entries(layout, 2, 2) == [VisibleEntry(message_id(0), False, False)]


def test_the_first_and_the_last_row_of_the_text_are_reported() -> None:
    """Of a message taller than the view, the start or the end may be visible, or neither."""
    layout = _layout()

    assert visible_entries(layout, 5, 7) == [VisibleEntry(message_id(1), True, False)]
    assert visible_entries(layout, 7, 7) == [VisibleEntry(message_id(1), False, False)]
    assert visible_entries(layout, 8, 12) == [
        VisibleEntry(message_id(1), False, True),
        VisibleEntry(message_id(2), True, True),
    ]


def test_nothing_is_visible_without_rows() -> None:
    """An empty layout or an empty range of rows has no visible entries."""
    assert visible_entries(Layout(lambda _: None), 0, 5) == []
    assert visible_entries(_layout(), 5, 4) == []
