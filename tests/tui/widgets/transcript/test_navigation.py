"""Moving the cursor over messages."""

from tests.tui.sample_threads import chain, message, message_id
from tests.tui.widgets.transcript.transcript_app import TranscriptApp, running

from rustygpt_shared.models.messages import MessageView
from rustygpt_tui.widgets.transcript.reports import TranscriptReports


def _branches() -> list[MessageView]:
    """Return the root 0 with replies 1, 4 and 5; 1 has the replies 2 and 3."""
    return [
        message(0),
        message(1, depth=2),
        message(2, depth=3),
        message(3, depth=3, parent_id=message_id(1)),
        message(4, depth=2, parent_id=message_id(0)),
        message(5, depth=2, parent_id=message_id(0)),
    ]


def _selected(app: TranscriptApp) -> int | None:
    selected = app.transcript.selected
    return selected.id.int - message_id(0).int if selected else None


async def test_the_cursor_moves_over_messages() -> None:
    """Up and down select messages, and the selected one is in view."""
    app = TranscriptApp(chain(range(50)))
    async with running(app) as pilot:
        for _ in range(30):
            app.transcript.action_cursor(-1)
        await pilot.pause()
        assert app.transcript.selected is not None
        assert f"▎ {app.transcript.selected.message.content}" in app.screen_text()


async def test_the_cursor_follows_the_end_and_skips_folded_messages() -> None:
    """Down from the last message follows the end; hidden messages are passed over."""
    app = TranscriptApp(chain(range(50)))
    async with running(app, (60, 12)) as pilot:
        app.transcript.select(message_id(40))
        app.transcript.fold(message_id(40))
        app.transcript.action_cursor(1)
        await pilot.pause()
        assert (_selected(app), app.transcript.following) == (40, True)


async def test_keys_go_to_parent_and_siblings() -> None:
    """`-` selects the parent, `]` and `[` other replies to it; ends are not passed."""
    app = TranscriptApp(_branches())
    async with running(app) as pilot:
        selected: list[int | None] = []
        app.transcript.select(message_id(1))
        for key in ("]", "]", "]", "[", "[", "[", "minus", "minus"):
            await pilot.press(key)
            selected.append(_selected(app))
        assert selected == [4, 5, 5, 4, 1, 1, 0, 0]


async def test_a_parent_or_sibling_beyond_the_entries_is_requested() -> None:
    """The request has the message it starts from."""
    app = TranscriptApp(_branches()[2:5])
    async with running(app):
        transcript = app.transcript
        transcript.set_window(has_more_above=True, has_more_below=True)
        transcript.select(message_id(4))
        app.reports.clear()
        transcript.action_parent()
        transcript.action_sibling(-1)
        transcript.action_sibling(1)
        requests = [
            (report.message.id, getattr(report, "step", 0))
            for report in app.reports
            if isinstance(
                report, TranscriptReports.ParentRequested | TranscriptReports.SiblingRequested
            )
        ]
        assert requests == [(message_id(4), step) for step in (0, -1, 1)]


async def test_without_more_messages_no_sibling_is_requested() -> None:
    """At the ends of a complete thread the cursor stays."""
    app = TranscriptApp(_branches())
    async with running(app):
        app.transcript.select(message_id(5))
        app.transcript.action_sibling(1)
        app.transcript.select(message_id(0))
        app.transcript.action_parent()
        assert _selected(app) == 0
        assert not app.reported(app.transcript.SiblingRequested)
        assert not app.reported(app.transcript.ParentRequested)


async def test_start_and_end_are_requested_where_there_is_more() -> None:
    """Instead of going to the edge of the entries; at the ends of the thread it goes there."""
    app = TranscriptApp(chain(range(50)))
    async with running(app) as pilot:
        transcript = app.transcript
        transcript.set_window(has_more_above=True, has_more_below=True)
        await pilot.press("g", "G")
        transcript.follow()
        counts = app.reported(transcript.StartRequested), app.reported(transcript.EndRequested)
        transcript.set_window(has_more_above=False, has_more_below=False)
        await pilot.press("g")
        first = _selected(app)
        await pilot.press("G")
        assert counts == (1, 2)
        assert (first, _selected(app), transcript.following) == (0, 49, True)
