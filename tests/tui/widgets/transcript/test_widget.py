"""The transcript widget."""

from dataclasses import replace

from tests.tui.sample_threads import ME, START, answer, chain, message, message_id
from tests.tui.widgets.transcript.transcript_app import CONTEXT, TranscriptApp, running

from rustygpt_tui.render import plain
from rustygpt_tui.widgets.transcript.entries import Quote
from rustygpt_tui.widgets.transcript.live_answer import LiveAnswer
from rustygpt_tui.widgets.transcript.reports import TranscriptReports
from rustygpt_tui.widgets.transcript.widget import MAX_MISSING_PARENTS, Transcript


async def test_ten_thousand_messages_are_one_widget() -> None:
    """The number of widgets does not depend on the number of messages."""
    app = TranscriptApp(chain(range(10_000)))
    async with running(app, (120, 40)) as pilot:
        assert sum(1 for _ in app.screen.walk_children()) <= 4
        assert "message 9999" in "".join(app.screen_text())
        app.transcript.action_start()
        await pilot.pause()
        assert "message 0" in "".join(app.screen_text())


async def test_the_mouse_selects_text_without_the_gutter() -> None:
    """A selection over several messages survives messages added above it."""
    app = TranscriptApp([message(number, "hello world") for number in range(10, 30)])
    async with running(app) as pilot:
        app.transcript.scroll_to(y=2)
        await pilot.pause()
        await pilot.mouse_down(Transcript, offset=(8, 1))
        await pilot.hover(Transcript, offset=(7, 4))
        await pilot.mouse_up(Transcript, offset=(7, 4))
        first = app.screen.get_selected_text()
        app.messages.insert(0, message(9))
        app.show_all()
        await pilot.pause()
        assert first is not None
        assert first.count("\n") == 3
        assert first.startswith("world")
        assert first.endswith("hello")
        assert app.screen.get_selected_text() == first


async def test_markup_and_escapes_of_users_are_shown_as_text() -> None:
    """Markup has no effect, and control characters are removed."""
    app = TranscriptApp(
        [message(0, "[/b] [@click=app.quit]x[/] \x1b[2J", author_name="[red]\x1b]0;x")]
    )
    async with running(app):
        text = "\n".join(app.screen_text())
        assert "[/b] [@click=app.quit]x[/] [2J" in text
        assert "\x1b" not in text


async def test_a_clicked_link_is_reported() -> None:
    """A click on a link posts its address, and does not open it."""
    app = TranscriptApp([message(0, "https://a.b/c")])
    async with running(app) as pilot:
        row = next(i for i, line in enumerate(app.screen_text()) if "https" in line)
        await pilot.click(Transcript, offset=(4, row))
        clicked = [r for r in app.reports if isinstance(r, TranscriptReports.LinkClicked)]
        assert [report.href for report in clicked] == ["https://a.b/c"]


async def test_a_finished_answer_is_rendered_from_its_complete_text() -> None:
    """While streaming the text grows in place; at the end it is rendered again."""
    app = TranscriptApp([message(0), answer(500, streaming=True, parent_id=message_id(0))])
    async with running(app) as pilot:
        app.texts[message_id(500)] = "# Title\n\n- one"
        app.transcript.update_streaming([message_id(500)])
        await pilot.pause()
        growing = "\n".join(app.screen_text())
        app.messages[1] = answer(500, "# Title\n\n- one\n- two", parent_id=message_id(0))
        app.show_all()
        rendered = app.transcript.entry_layout.rendered(1)
        assert "• one▌" in growing
        assert [plain(line) for line in rendered.body] == ["Title", "", "• one", "• two"]


async def test_rows_at_the_edges_say_that_there_is_more() -> None:
    """Above the first and below the last entry; they are no part of the thread's text."""
    app = TranscriptApp(chain(range(3)))
    async with running(app) as pilot:
        app.transcript.set_window(has_more_above=True, has_more_below=True)
        await pilot.pause()
        text = app.screen_text()
        assert text[0].strip() == "⋯ earlier messages"
        assert text[app.transcript.entry_layout.total - 1].strip() == "⋯ later messages"
        assert len(app.transcript.visible_entries()) == 3
        await pilot.click(Transcript, offset=(10, 0))
        assert app.transcript.selected is None


async def test_more_messages_are_asked_for_once() -> None:
    """Near an edge one report is posted; it is repeated after a page or another visit."""
    app = TranscriptApp(chain(range(200)))
    async with running(app) as pilot:
        transcript = app.transcript
        transcript.set_window(has_more_above=True, has_more_below=False)
        counts = [app.reported(transcript.NearStart)]
        for y in (50, 30, 10):
            transcript.scroll_to(y=y)
            await pilot.pause()
        counts.append(app.reported(transcript.NearStart))
        transcript.scroll_to(y=300)
        await pilot.pause()
        transcript.scroll_to(y=5)
        await pilot.pause()
        counts.append(app.reported(transcript.NearStart))
        transcript.set_window(has_more_above=True, has_more_below=True)
        counts.append(app.reported(transcript.NearStart))
        assert counts == [0, 1, 2, 3]
        assert not app.reported(transcript.NearEnd)


async def test_pills_cover_rows_and_are_clicked() -> None:
    """A covered row is not visible; a click reports the direction, and selects no message."""
    app = TranscriptApp(chain(range(50)))
    async with running(app) as pilot:
        transcript = app.transcript
        transcript.go_to(message_id(10))
        transcript.scroll_to(y=transcript.scroll_offset.y + 1)
        await pilot.pause()
        before = transcript.visible_entries()
        transcript.show_pills("↑ 1 new", "↓ the answer goes on")
        await pilot.pause()
        covered = transcript.visible_entries()
        text = app.screen_text()
        await pilot.click(Transcript, offset=(30, 0))
        await pilot.click(Transcript, offset=(30, 19))
        clicked = [r for r in app.reports if isinstance(r, TranscriptReports.PillClicked)]
        assert (text[0].strip(), text[-1].strip()) == ("↑ 1 new", "↓ the answer goes on")
        assert before[0] == replace(before[0], id=message_id(10), top_visible=True)
        assert message_id(10) not in {entry.id for entry in covered}
        assert [report.direction for report in clicked] == ["above", "below"]
        assert transcript.selected is None


async def test_a_low_view_has_no_pills() -> None:
    """With three rows the pills would leave one row of text."""
    app = TranscriptApp(chain(range(50)))
    async with running(app, (60, 3)) as pilot:
        app.transcript.show_pills("↑ 1 new", "↓ 2 new")
        await pilot.pause()
        assert "new" not in "".join(app.screen_text())


async def test_marks_change_only_their_entries() -> None:
    """The line being read stays where it is, and unmarked entries stay rendered."""
    app = TranscriptApp(chain(range(50)))
    async with running(app) as pilot:
        transcript = app.transcript
        transcript.go_to(message_id(20))
        await pilot.pause()
        unmarked = transcript.entry_layout.rendered(22)
        transcript.set_marks(message_id(20), frozenset({message_id(20), message_id(21)}))
        await pilot.pause()
        assert app.header_row(message_id(20)) == 0
        assert [line.rstrip()[-1] for line in app.screen_text() if "09:12" in line][:3] == [
            "●",
            "●",
            "2",
        ]
        assert transcript.entry_layout.rendered(22) is unmarked
        transcript.set_marks(None, frozenset())
        assert not any(entry.unread or entry.first_unread for entry in transcript.entries)


async def test_a_folded_branch_is_neither_drawn_nor_visible() -> None:
    """The header says how much is folded; a message that arrives there is counted."""
    app = TranscriptApp(chain(range(30)))
    async with running(app) as pilot:
        transcript = app.transcript
        transcript.select(message_id(5))
        await pilot.press("o")
        app.context = replace(CONTEXT, unread=frozenset({message_id(30)}))
        app.add([message(30)])
        await pilot.pause()
        text = "\n".join(app.screen_text())
        assert "▸ 25 folded (1 new)" in text
        assert "message 6" not in text
        assert transcript.visible_entries()[-1].id == message_id(5)
        await pilot.press("o")
        assert "message 6" in "\n".join(app.screen_text())


async def test_going_to_a_folded_message_opens_the_folds_above_it() -> None:
    """Both of two nested folds open, others stay."""
    app = TranscriptApp(chain(range(30)))
    async with running(app) as pilot:
        transcript = app.transcript
        for number in (20, 10, 2):
            transcript.fold(message_id(number))
        transcript.go_to(message_id(15))
        await pilot.pause()
        assert "message 15" in "\n".join(app.screen_text())
        assert [entry.folded for entry in transcript.entries if entry.folded] == [9]


async def test_a_message_without_replies_is_not_folded() -> None:
    """Its first reply is shown when it arrives."""
    app = TranscriptApp(chain(range(3)))
    async with running(app) as pilot:
        app.transcript.fold(message_id(2))
        app.add([message(3)])
        await pilot.pause()
        assert "message 3" in "\n".join(app.screen_text())


async def test_folding_a_branch_whose_start_is_above_the_view_goes_there() -> None:
    """The folded message is at the top of the view afterwards."""
    app = TranscriptApp(chain(range(80)))
    async with running(app) as pilot:
        app.transcript.fold(message_id(10))
        app.transcript.unfold(message_id(10))
        app.transcript.go_to(message_id(40))
        app.transcript.fold(message_id(10))
        await pilot.pause()
        assert "▸ 69 folded" in "\n".join(app.screen_text())


async def test_parents_without_a_quote_are_missing() -> None:
    """Bounded, of entries near the view; a quote for one changes its replies."""
    replies = [message(n, depth=2, parent_id=message_id(n - 1_000)) for n in range(1_000, 1_400)]
    app = TranscriptApp(replies)
    async with running(app) as pilot:
        transcript = app.transcript
        missing = transcript.missing_parents()
        app.context = replace(CONTEXT, quotes={id_: Quote("ana", "hello") for id_ in missing})
        app.add([])
        await pilot.pause()
        assert len(missing) == MAX_MISSING_PARENTS
        assert message_id(399) in missing
        assert "↳ ana: hello" in "\n".join(app.screen_text())
        assert not missing & transcript.missing_parents()


async def test_the_lowest_leaf_is_the_branch_the_reader_is_at_the_end_of() -> None:
    """Its end is on screen and it has no replies; the last entry counts at the thread's end."""
    thread = [*chain(range(30)), message(30, depth=2, parent_id=message_id(0))]
    app = TranscriptApp(thread)
    async with running(app, (60, 9)) as pilot:
        transcript = app.transcript

        def leaf() -> int | None:
            found = transcript.lowest_leaf()
            return found.id.int - message_id(0).int if found else None

        at_end = leaf()
        transcript.set_window(has_more_above=False, has_more_below=True)
        with_more = leaf()
        transcript.go_to(message_id(10))
        await pilot.pause()
        paths = transcript.view_paths()
        assert (at_end, with_more, leaf()) == (30, 29, None)
        assert paths == (thread[10].path, thread[12].path)


async def test_a_confirmed_message_takes_the_place_of_the_unconfirmed_one() -> None:
    """In the branch it belongs to: no other row moves, and the cursor stays on it."""
    thread = [*chain(range(20)), message(20, depth=2, parent_id=message_id(0))]
    fields = {"depth": 12, "parent_id": message_id(10), "created_at": START}
    pending = message(99, path=f"{thread[10].path}\x7f0", author_user_id=ME, **fields)
    confirmed = message(21, "message 99", path=f"{thread[10].path}a", **fields)
    app = TranscriptApp(thread)
    async with running(app) as pilot:
        transcript = app.transcript
        transcript.go_to(message_id(9))
        app.context = replace(CONTEXT, pending=frozenset({pending.id}))
        app.add([pending])
        transcript.select(pending.id)
        await pilot.pause()
        before = app.screen_text()
        transcript.update_messages([confirmed], CONTEXT, confirmed={pending.id: confirmed.id})
        await pilot.pause()
        after = app.screen_text()
        assert transcript.selected is not None
        assert transcript.selected.id == confirmed.id
        assert [line.replace("  sending …", "") for line in before] == after
        assert "sending" in "".join(before)


async def test_while_a_text_replaces_the_messages_none_is_visible() -> None:
    """During loading nothing is seen, and no pill is drawn."""
    app = TranscriptApp(chain(range(5)))
    async with running(app):
        app.transcript.show_pills("↑ 1 new", "")
        app.transcript.show_message_instead("Loading …")
        assert app.transcript.visible_entries() == []
        assert app.transcript.view_paths() is None
        assert "new" not in "".join(app.screen_text())


async def test_a_key_and_a_click_unfold_the_reasoning() -> None:
    """Of the selected message, or of the one whose line is clicked; the line at the top stays."""
    messages = [*chain(range(5)), answer(5, "the text", reasoning="thought one\nthought two")]
    app = TranscriptApp([*messages, message(6)])
    async with running(app) as pilot:
        app.transcript.select(messages[-1].id)
        await pilot.press("t")
        assert "thought two" in "\n".join(app.screen_text())
        app.add([message(7)])
        await pilot.pause()
        assert "▾ reasoning, 4 words" in "\n".join(app.screen_text())
        row = next(i for i, line in enumerate(app.screen_text()) if "▾ reasoning" in line)
        await pilot.click(Transcript, offset=(5, row))
        assert "thought two" not in "\n".join(app.screen_text())
        row = next(i for i, line in enumerate(app.screen_text()) if "▸ reasoning" in line)
        await pilot.click(Transcript, offset=(5, row))
        assert "thought two" in "\n".join(app.screen_text())


async def test_the_header_of_an_answer_in_progress_changes_without_moving_rows() -> None:
    """A new label takes the place of the one before."""
    live = {message_id(1): LiveAnswer("", ("waiting 1 s",))}
    app = TranscriptApp([message(0), answer(1, streaming=True), message(2)])
    async with running(app) as pilot:
        app.transcript.entry_layout._live_of = live.get
        app.transcript.update_live([message_id(1)])
        await pilot.pause()
        before = app.screen_text()
        live[message_id(1)] = LiveAnswer("", ("waiting 2 s",))
        app.transcript.update_live([message_id(1), message_id(0)])
        await pilot.pause()
        assert app.screen_text() == [line.replace("1 s", "2 s") for line in before]
        assert "waiting 2 s" in "\n".join(app.screen_text())
