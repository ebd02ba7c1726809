"""The transcript as people use it."""

import asyncio
import random
from collections.abc import Sequence

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.tui.sample_threads import ME, NAMES, answer, chain, message, message_id
from textual.app import App, ComposeResult

from rustygpt_shared.models.messages import MessageView
from rustygpt_tui.render import plain
from rustygpt_tui.widgets.transcript.entries import EntryContext, entries
from rustygpt_tui.widgets.transcript.widget import Transcript

CONTEXT = EntryContext(ME, NAMES, {})


class Demo(App[None]):
    """A transcript and nothing else."""

    def __init__(self, messages: Sequence[MessageView] = ()) -> None:
        super().__init__()
        self.messages = list(messages)
        self.texts = {message_id(500): ""}
        self.told: list[object] = []

    def compose(self) -> ComposeResult:
        yield Transcript(self.texts.get)

    def on_mount(self) -> None:
        self.transcript.focus()
        self.put()

    def put(self) -> None:
        self.messages.sort(key=lambda m: m.path)
        self.transcript.show(entries(self.messages, CONTEXT))

    @property
    def transcript(self) -> Transcript:
        return self.query_one(Transcript)

    def on_transcript_link_clicked(self, event: Transcript.LinkClicked) -> None:
        self.told.append(event.href)

    def on_transcript_end_seen(self) -> None:
        self.told.append("end")

    def top(self) -> tuple[object, int]:
        """The message at the top of the view, and the row counted from its header."""
        found = self.transcript.entry_layout.line(self.transcript.scroll_offset.y)
        assert found is not None
        return found[0].id, found[1] - found[0].divider_rows

    def screen_text(self) -> list[str]:
        rows = range(self.transcript.size.height)
        return [self.transcript.render_line(y).text.rstrip() for y in rows]


async def test_it_opens_at_the_end_and_follows_it() -> None:
    """The newest message is seen, and goes on being seen as more come."""
    app = Demo(chain(range(200)))
    async with app.run_test(size=(60, 20)) as pilot:
        await pilot.pause()
        assert "message 199" in "".join(app.screen_text())
        app.messages.append(message(200))
        app.put()
        await pilot.pause()
        assert "message 200" in "".join(app.screen_text())
        assert "end" in app.told


async def test_a_reader_above_the_end_is_not_moved_and_told_of_news() -> None:
    """Scrolled up, the line stays and a pill counts what came; a click goes there."""
    app = Demo(chain(range(100)))
    async with app.run_test(size=(60, 20)) as pilot:
        await pilot.pause()
        app.transcript.action_page(-1)
        before = app.top()
        app.messages.append(message(100))
        app.messages.sort(key=lambda m: m.path)
        app.transcript.show(entries(app.messages, CONTEXT), new_count=1)
        await pilot.pause()
        assert app.top() == before
        assert app.screen_text()[-1].strip() == "↓ 1 new"
        await pilot.click(Transcript, offset=(30, 19))
        assert "message 100" in "".join(app.screen_text())


async def test_who_sees_everything_sees_the_end() -> None:
    """Going to a message of a thread that fits the view leaves the reader at the end."""
    app = Demo(chain(range(3)))
    async with app.run_test(size=(60, 20)) as pilot:
        await pilot.pause()
        app.told.clear()
        app.transcript.go_to(message_id(1))
        app.messages.append(message(3))
        app.put()
        await pilot.pause()
        assert app.transcript.following
        assert "end" in app.told


OPERATIONS = st.lists(
    st.tuples(
        st.sampled_from(["append", "before", "edit", "grow", "resize", "theme", "remove"]),
        st.integers(0, 10_000),
    ),
    min_size=1,
    max_size=12,
)


@given(OPERATIONS, st.integers(2, 400))
@settings(
    deadline=None, max_examples=25, suppress_health_check=[HealthCheck.too_slow], database=None
)
def test_no_operation_moves_the_line_being_read(
    operations: list[tuple[str, int]], start: int
) -> None:
    """Appends, inserts above and below, edits, streams, new sizes and themes: 0 rows of drift."""
    asyncio.run(_drift(operations, start))


async def _drift(operations: list[tuple[str, int]], start: int) -> None:
    app = Demo([*chain(range(100, 180)), answer(500, streaming=True)])
    async with app.run_test(size=(60, 20)) as pilot:
        await pilot.pause()
        app.transcript.scroll_to(y=min(start, app.transcript.max_scroll_y - 30))
        await pilot.pause()
        for kind, seed in operations:
            before = app.top()
            await _operate(app, kind, random.Random(seed), before[0])
            await pilot.pause()
            assert app.top() == before, kind


async def _operate(app: Demo, kind: str, chance: random.Random, read: object) -> None:
    if kind == "grow":
        app.texts[message_id(500)] += "more **words**\n\n" * 3
        app.transcript.update_streaming([message_id(500)])
    elif kind == "resize":
        app.transcript.styles.width = chance.randrange(40, 60)
    elif kind == "theme":
        app.theme = chance.choice(["nord", "textual-light", "gruvbox"])
    else:
        _change(app, kind, chance, read)
        app.put()


def _change(app: Demo, kind: str, chance: random.Random, read: object) -> None:
    changed = chance.choice([m for m in app.messages if m.id != read and not m.streaming])
    number = chance.randrange(0, 400)
    if kind in {"edit", "remove"}:
        app.messages.remove(changed)
    if kind == "edit":
        app.messages.append(message(int(changed.path), "new\n\n" * number))
    path = number if kind == "before" else number + 400
    if kind in {"append", "before"} and all(m.id != message_id(path) for m in app.messages):
        app.messages.append(message(path, "some words " * chance.randrange(1, 40)))


async def test_ten_thousand_messages_are_one_widget() -> None:
    """However long a thread, the number of widgets is that of the screen."""
    app = Demo(chain(range(10_000)))
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        assert sum(1 for _ in app.screen.walk_children()) <= 4
        assert "message 9999" in "".join(app.screen_text())
        app.transcript.action_start()
        await pilot.pause()
        assert "message 0" in "".join(app.screen_text())


async def test_the_cursor_walks_over_messages() -> None:
    """Up and down select messages, and the selected one is in view."""
    app = Demo(chain(range(50)))
    async with app.run_test(size=(60, 20)) as pilot:
        await pilot.pause()
        for _ in range(30):
            app.transcript.action_cursor(-1)
        await pilot.pause()
        assert app.transcript.selected is not None
        assert f"▎ {app.transcript.selected.message.content}" in app.screen_text()


async def test_what_the_mouse_selects_is_the_text() -> None:
    """A selection over several messages has their text without marks, and survives news above."""
    app = Demo([message(number, "hello world") for number in range(10, 30)])
    async with app.run_test(size=(60, 20)) as pilot:
        await pilot.pause()
        app.transcript.scroll_to(y=2)
        await pilot.pause()
        await pilot.mouse_down(Transcript, offset=(8, 1))
        await pilot.hover(Transcript, offset=(7, 4))
        await pilot.mouse_up(Transcript, offset=(7, 4))
        first = app.screen.get_selected_text()
        app.messages.insert(0, message(1))
        app.put()
        await pilot.pause()
        assert first is not None
        assert first.count("\n") == 3
        assert first.startswith("world")
        assert first.endswith("hello")
        assert app.screen.get_selected_text() == first


async def test_hostile_text_stays_text() -> None:
    """Markup and escapes of others are neither obeyed nor let through."""
    app = Demo([message(0, "[/b] [@click=app.quit]x[/] \x1b[2J", author_name="[red]\x1b]0;x")])
    async with app.run_test(size=(60, 20)) as pilot:
        await pilot.pause()
        shown = "\n".join(app.screen_text())
        assert "[/b] [@click=app.quit]x[/] [2J" in shown
        assert "\x1b" not in shown


async def test_links_are_told_and_not_opened() -> None:
    """A click on a link tells its address."""
    app = Demo([message(0, "https://a.b/c")])
    async with app.run_test(size=(60, 20)) as pilot:
        await pilot.pause()
        row = next(i for i, line in enumerate(app.screen_text()) if "https" in line)
        await pilot.click(Transcript, offset=(4, row))
        assert "https://a.b/c" in app.told


async def test_a_finished_answer_is_what_its_text_says() -> None:
    """While it streams the text grows in place; at the end the whole text is drawn."""
    app = Demo([message(0), answer(500, streaming=True)])
    async with app.run_test(size=(60, 20)) as pilot:
        await pilot.pause()
        app.texts[message_id(500)] = "# Title\n\n- one"
        app.transcript.update_streaming([message_id(500)])
        await pilot.pause()
        growing = "\n".join(app.screen_text())
        app.messages[1] = answer(500, "# Title\n\n- one\n- two")
        app.put()
        page = app.transcript.entry_layout.rendered(1)
        assert "• one▌" in growing
        assert [plain(line) for line in page.body] == ["Title", "", "• one", "• two"]
