"""The position of the transcript while entries around it change."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import structs
from tests.tui.sample_threads import answer, chain, message, message_id
from tests.tui.widgets.transcript.transcript_app import CONTEXT, TranscriptApp, running
from textual.pilot import Pilot

from rustygpt_shared.models.messages import MessageView
from rustygpt_tui.widgets.transcript.entries import Quote, entries
from rustygpt_tui.widgets.transcript.folding import with_folds
from rustygpt_tui.widgets.transcript.visibility import VisibleEntry

LIVE = message_id(500)


async def test_it_opens_at_the_end_and_follows_it() -> None:
    """The newest message is in view, also after more are added."""
    app = TranscriptApp(chain(range(200)))
    async with running(app) as pilot:
        assert "message 199" in "".join(app.screen_text())
        app.add([message(200)])
        await pilot.pause()
        assert "message 200" in "".join(app.screen_text())
        assert app.reported(app.transcript.EndSeen)


async def test_a_thread_that_fits_the_view_is_followed() -> None:
    """Going to a message of a thread that fits the view keeps following the end."""
    app = TranscriptApp(chain(range(3)))
    async with running(app) as pilot:
        app.reports.clear()
        app.transcript.go_to(message_id(1))
        app.add([message(3)])
        await pilot.pause()
        assert app.transcript.following
        assert app.reported(app.transcript.EndSeen)


@pytest.mark.parametrize("columns", [20, 60, 120])
@pytest.mark.parametrize("start", [0, 3, 400])
async def test_a_page_added_above_keeps_every_line_in_place(columns: int, start: int) -> None:
    """200 earlier messages with branches, folds and dividers: the rows stay as they were."""
    page, window = _pages()
    quotes = {message_id(0): Quote("ana", "message 0")}
    app = TranscriptApp(window, replace(CONTEXT, first_unread=message_id(210), quotes=quotes))
    async with running(app, (columns, 20)) as pilot:
        app.transcript.set_window(has_more_above=True, has_more_below=False)
        app.transcript.fold(message_id(240))
        app.transcript.scroll_to(y=start)
        await pilot.pause()
        reference = next(e.id for e in app.transcript.visible_entries())
        before = app.header_row(reference), app.screen_text()[8:]
        app.add(page)
        app.transcript.set_window(has_more_above=False, has_more_below=False)
        await pilot.pause()
        assert (app.header_row(reference), app.screen_text()[8:]) == before


def _pages() -> tuple[list[MessageView], list[MessageView]]:
    """Return 200 messages, and 200 below them, of which every tenth one replies to the root."""
    rng = random.Random(7)
    thread = [message(0)]
    for number in range(1, 400):
        parent = thread[0] if number > 200 and number % 10 == 0 else thread[-1]
        content = f"message {number} " * rng.randrange(1, 30)
        depth = parent.depth + 1
        thread.append(message(number, content, parent_id=parent.id, depth=depth))
    return thread[:200], thread[200:]


async def test_the_row_of_a_removed_message_is_taken_by_the_next_one() -> None:
    """When the message at the top disappears, those below it stay in place."""
    app = TranscriptApp(chain(range(60)))
    async with running(app) as pilot:
        app.transcript.go_to(message_id(30))
        await pilot.pause()
        before = app.header_row(message_id(31))
        app.transcript.remove_messages([message_id(30)])
        await pilot.pause()
        assert app.header_row(message_id(31)) == before


async def test_going_to_a_message_before_the_first_layout_is_kept() -> None:
    """Without a size yet, the position is applied when there is one."""
    app = TranscriptApp(chain(range(60)))
    async with app.run_test(size=(60, 20)) as pilot:
        app.transcript.go_to(message_id(30))
        await pilot.pause()
        assert app.top() == (message_id(30), 0)


async def test_a_page_below_is_not_followed() -> None:
    """While there are later messages, the view stays where it is; at the end it follows again."""
    app = TranscriptApp(chain(range(60)))
    async with running(app) as pilot:
        app.transcript.set_window(has_more_above=False, has_more_below=True)
        await pilot.pause()
        before = app.top()
        app.add(chain(range(60, 70)))
        await pilot.pause()
        assert app.top() == before
        assert not app.transcript.following
        app.transcript.scroll_end(animate=False)
        app.transcript.set_window(has_more_above=False, has_more_below=False)
        await pilot.pause()
        assert app.transcript.following


async def test_a_change_of_the_view_is_reported_once_per_refresh() -> None:
    """Scrolling, resizing, growing, folding and loading each post one report."""
    app = TranscriptApp([*chain(range(60)), answer(500, streaming=True)])
    app.texts[LIVE] = "words"
    async with running(app) as pilot:
        transcript = app.transcript

        async def reports_of(change: Callable[[], object]) -> int:
            await pilot.pause()
            app.reports.clear()
            change()
            await pilot.pause()
            return app.reported(transcript.ViewChanged)

        assert (
            await reports_of(lambda: [transcript.update_streaming([LIVE]) for _ in range(9)]) == 1
        )
        assert await reports_of(lambda: transcript.action_page(-1)) == 1
        assert await reports_of(lambda: app.add([message(60), message(61)])) == 1
        assert await reports_of(lambda: transcript.fold(message_id(50))) == 1
        assert await reports_of(lambda: transcript.show_message_instead("Loading …")) == 1
        assert await reports_of(lambda: transcript.show_pills("", "↓ new")) == 1
        assert await reports_of(lambda: pilot.app.screen.styles.animate) == 0
        await pilot.resize_terminal(50, 18)
        await pilot.pause()
        assert app.reported(transcript.ViewChanged) >= 1


KINDS = ["page", "reply", "edit", "remove", "marks", "fold", "open", "grow", "resize", "window"]
OPERATIONS = st.lists(
    st.tuples(st.sampled_from([*KINDS, "pills", "scroll", "theme", "pending"]), st.integers(0)),
    min_size=1,
    max_size=10,
)


@given(OPERATIONS, st.integers(0, 400))
@settings(
    deadline=None, max_examples=15, suppress_health_check=[HealthCheck.too_slow], database=None
)
def test_no_change_moves_the_line_being_read(operations: list[tuple[str, int]], start: int) -> None:
    """After random changes: no drift, entries as rebuilt, and what is visible is what is drawn."""
    asyncio.run(_change_at_random(operations, start))


async def _change_at_random(operations: list[tuple[str, int]], start: int) -> None:
    page, window = _numbered(random.Random(start))
    app = TranscriptApp(window)
    app.texts[LIVE] = ""
    async with running(app, (60, 20)) as pilot:
        app.transcript.scroll_to(y=start)
        await pilot.pause()
        for kind, seed in operations:
            following = app.transcript.following
            in_view = {e.id: app.header_row(e.id) for e in app.transcript.visible_entries()}
            await Change(app, pilot, page, random.Random(seed)).make(kind)
            await pilot.pause()
            _check_entries(app)
            _check_visible(app)
            if kind not in {"scroll", "open", "resize"} and not following:
                _check_position(app, in_view, kind)


def _numbered(rng: random.Random) -> tuple[list[MessageView], list[MessageView]]:
    """Return a page and a window; every line of a text contains the message's number."""
    thread = [_text_message(0, 1, rng)]
    for number in range(1, 120):
        parent = thread[-1] if rng.random() < 0.7 else rng.choice(thread)
        path = f"{parent.path}/{number:03d}"
        added = _text_message(number, rng.randrange(1, 60), rng)
        fields = {"parent_id": parent.id, "path": path, "depth": parent.depth + 1}
        thread.append(structs.replace(added, **fields))
    thread.sort(key=lambda m: m.path)
    live = answer(500, streaming=True, path="~", depth=2, parent_id=message_id(0))
    return thread[:60], [*thread[60:], live]


def _text_message(number: int, words: int, rng: random.Random) -> MessageView:
    return message(
        number, f"#{number} " * words, path="m", created_at=None or message(0).created_at
    )


class Change:
    """One random change of the transcript."""

    def __init__(
        self, app: TranscriptApp, pilot: Pilot[None], page: list[MessageView], rng: random.Random
    ) -> None:
        self.app = app
        self.pilot = pilot
        self.page = page
        self.rng = rng

    async def make(self, kind: str) -> None:
        await getattr(self, f"_{kind}")()

    def _any(self) -> MessageView:
        return self.rng.choice([m for m in self.app.messages if not m.streaming])

    async def _page(self) -> None:
        size = self.rng.randrange(1, 40)
        added, self.page[:] = self.page[-size:], self.page[:-size]
        self.app.add(added)

    async def _reply(self) -> None:
        parent = self._any()
        number = 600 + self.rng.randrange(10_000)
        if all(m.id != message_id(number) for m in self.app.messages):
            added = _text_message(number, self.rng.randrange(1, 60), self.rng)
            path = f"{parent.path}/{number}"
            fields = {"parent_id": parent.id, "path": path, "depth": parent.depth + 1}
            self.app.add([structs.replace(added, **fields)])

    async def _pending(self) -> None:
        parent = self._any()
        fields = {"parent_id": parent.id, "path": f"{parent.path}\x7f0", "depth": parent.depth + 1}
        added = structs.replace(_text_message(99_999, 3, self.rng), **fields)
        context = replace(self.app.context, pending=frozenset({added.id}))
        self.app.transcript.update_messages([added], context)
        self.app.transcript.update_messages([], self.app.context, removed=[added.id])

    async def _edit(self) -> None:
        edited = self._any()
        number = edited.id.int - message_id(0).int
        changed = structs.replace(edited, content=f"#{number} " * self.rng.randrange(1, 90))
        visible = {e.id for e in self.app.transcript.visible_entries()}
        anchor = self.app.transcript._anchor
        if edited.id not in visible and anchor is not None and edited.id != anchor[0]:
            self.app.messages[self.app.messages.index(edited)] = changed
            self.app.transcript.update_messages([changed], self.app.context)

    async def _remove(self) -> None:
        removed = self._any()
        self.app.messages.remove(removed)
        self.app.transcript.remove_messages([removed.id])

    async def _marks(self) -> None:
        unread = frozenset(m.id for m in self.app.messages if self.rng.random() < 0.3)
        quotes = {m.id: Quote("x", "y") for m in self.page if self.rng.random() < 0.3}
        first = self._any().id
        self.app.context = replace(
            self.app.context, unread=unread, first_unread=first, quotes=quotes
        )
        self.app.transcript.update_messages([], self.app.context)

    async def _fold(self) -> None:
        self.app.transcript.fold(self._any().id)

    async def _open(self) -> None:
        self.app.transcript.select(self._any().id)

    async def _grow(self) -> None:
        self.app.texts[LIVE] += "#500 more **words**\n\n" * 3
        self.app.transcript.update_streaming([LIVE])

    async def _resize(self) -> None:
        await self.pilot.resize_terminal(self.rng.randrange(24, 90), self.rng.randrange(3, 24))

    async def _window(self) -> None:
        above, below = self.rng.random() < 0.5, self.rng.random() < 0.5
        self.app.transcript.set_window(has_more_above=above, has_more_below=below)

    async def _pills(self) -> None:
        self.app.transcript.show_pills(
            self.rng.choice(["", "↑ 1 new"]), self.rng.choice(["", "↓ 2 new"])
        )

    async def _scroll(self) -> None:
        self.app.transcript.scroll_to(y=self.rng.randrange(600))

    async def _theme(self) -> None:
        self.app.theme = self.rng.choice(["nord", "textual-light", "gruvbox"])


def _check_entries(app: TranscriptApp) -> None:
    """Compare the entries with those that are built from nothing."""
    folded = app.transcript._entry_list.folded
    assert list(app.transcript.entries) == with_folds(entries(app.messages, app.context), folded)


def _check_position(app: TranscriptApp, in_view: dict[UUID, int], kind: str) -> None:
    """The first message that was in view and still is there has its row, unless at the end."""
    layout = app.transcript.entry_layout
    remaining = [id_ for id_ in in_view if layout.shown_index(id_) is not None]
    scroll = app.transcript.scroll_offset.y
    if remaining and 0 < scroll < app.transcript.max_scroll_y and kind != "fold":
        assert app.header_row(remaining[0]) == in_view[remaining[0]], kind


def _check_visible(app: TranscriptApp) -> None:
    """Compare `visible_entries` with the rows that are drawn."""
    transcript = app.transcript
    drawn: dict[UUID, list[int]] = {}
    for y, text in enumerate(app.screen_text()):
        located = transcript.entry_layout.line(y + transcript.scroll_offset.y)
        if located is None or (" new" in text and text.lstrip()[0] in "↑↓"):
            continue
        entry, inner, _ = located
        row = inner - entry.divider_rows
        last = transcript.entry_layout.entry_height(entry.id) - entry.divider_rows - 2
        if 0 <= row <= last:
            drawn.setdefault(entry.id, []).append(row)
        if 0 < row <= last and not entry.message.streaming:
            assert f"#{entry.id.int - message_id(0).int} " in f"{text} "
    assert transcript.visible_entries() == [
        VisibleEntry(id_, min(1, last) in rows, last in rows)
        for id_, rows in drawn.items()
        for last in [_last_row(app, id_)]
    ]


def _last_row(app: TranscriptApp, id: UUID) -> int:
    layout = app.transcript.entry_layout
    index = layout.index(id)
    assert index is not None
    return layout.height(index) - layout.entries[index].divider_rows - 2
