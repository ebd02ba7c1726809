"""The transcript widget."""

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
    """An app with a transcript only, which records its messages."""

    def __init__(self, messages: Sequence[MessageView] = ()) -> None:
        super().__init__()
        self.messages = list(messages)
        self.texts = {message_id(500): ""}
        self.posted: list[object] = []

    def compose(self) -> ComposeResult:
        yield Transcript(self.texts.get)

    def on_mount(self) -> None:
        self.transcript.focus()
        self.show_all()

    def show_all(self) -> None:
        self.messages.sort(key=lambda m: m.path)
        self.transcript.show(entries(self.messages, CONTEXT))

    @property
    def transcript(self) -> Transcript:
        return self.query_one(Transcript)

    def on_transcript_link_clicked(self, event: Transcript.LinkClicked) -> None:
        self.posted.append(event.href)

    def on_transcript_end_seen(self) -> None:
        self.posted.append("end")

    def top(self) -> tuple[object, int]:
        """Return the message at the top of the view, and the row counted from its header."""
        located = self.transcript.entry_layout.line(self.transcript.scroll_offset.y)
        assert located is not None
        return located[0].id, located[1] - located[0].divider_rows

    def screen_text(self) -> list[str]:
        rows = range(self.transcript.size.height)
        return [self.transcript.render_line(y).text.rstrip() for y in rows]


async def test_it_opens_at_the_end_and_follows_it() -> None:
    """The newest message is in view, also after more are added."""
    app = Demo(chain(range(200)))
    async with app.run_test(size=(60, 20)) as pilot:
        await pilot.pause()
        assert "message 199" in "".join(app.screen_text())
        app.messages.append(message(200))
        app.show_all()
        await pilot.pause()
        assert "message 200" in "".join(app.screen_text())
        assert "end" in app.posted


async def test_a_scrolled_up_view_stays_and_counts_new_messages() -> None:
    """The line stays in place, a pill counts new messages, and a click goes to them."""
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


async def test_a_thread_that_fits_the_view_is_followed() -> None:
    """Going to a message of a thread that fits the view keeps following the end."""
    app = Demo(chain(range(3)))
    async with app.run_test(size=(60, 20)) as pilot:
        await pilot.pause()
        app.posted.clear()
        app.transcript.go_to(message_id(1))
        app.messages.append(message(3))
        app.show_all()
        await pilot.pause()
        assert app.transcript.following
        assert "end" in app.posted


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
    """Added, edited, streamed, resized or restyled: the line at the top drifts by 0 rows."""
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


async def _operate(app: Demo, kind: str, rng: random.Random, top_id: object) -> None:
    if kind == "grow":
        app.texts[message_id(500)] += "more **words**\n\n" * 3
        app.transcript.update_streaming([message_id(500)])
    elif kind == "resize":
        app.transcript.styles.width = rng.randrange(40, 60)
    elif kind == "theme":
        app.theme = rng.choice(["nord", "textual-light", "gruvbox"])
    else:
        _change(app, kind, rng, top_id)
        app.show_all()


def _change(app: Demo, kind: str, rng: random.Random, top_id: object) -> None:
    changed = rng.choice([m for m in app.messages if m.id != top_id and not m.streaming])
    number = rng.randrange(0, 400)
    if kind in {"edit", "remove"}:
        app.messages.remove(changed)
    if kind == "edit":
        app.messages.append(message(int(changed.path), "new\n\n" * number))
    path = number if kind == "before" else number + 400
    if kind in {"append", "before"} and all(m.id != message_id(path) for m in app.messages):
        app.messages.append(message(path, "some words " * rng.randrange(1, 40)))


async def test_ten_thousand_messages_are_one_widget() -> None:
    """The number of widgets does not depend on the number of messages."""
    app = Demo(chain(range(10_000)))
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        assert sum(1 for _ in app.screen.walk_children()) <= 4
        assert "message 9999" in "".join(app.screen_text())
        app.transcript.action_start()
        await pilot.pause()
        assert "message 0" in "".join(app.screen_text())


async def test_the_cursor_moves_over_messages() -> None:
    """Up and down select messages, and the selected one is in view."""
    app = Demo(chain(range(50)))
    async with app.run_test(size=(60, 20)) as pilot:
        await pilot.pause()
        for _ in range(30):
            app.transcript.action_cursor(-1)
        await pilot.pause()
        assert app.transcript.selected is not None
        assert f"▎ {app.transcript.selected.message.content}" in app.screen_text()


async def test_the_mouse_selects_text_without_the_gutter() -> None:
    """A selection over several messages survives messages added above it."""
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
        app.show_all()
        await pilot.pause()
        assert first is not None
        assert first.count("\n") == 3
        assert first.startswith("world")
        assert first.endswith("hello")
        assert app.screen.get_selected_text() == first


async def test_markup_and_escapes_of_users_are_shown_as_text() -> None:
    """Markup has no effect, and control characters are removed."""
    app = Demo([message(0, "[/b] [@click=app.quit]x[/] \x1b[2J", author_name="[red]\x1b]0;x")])
    async with app.run_test(size=(60, 20)) as pilot:
        await pilot.pause()
        text = "\n".join(app.screen_text())
        assert "[/b] [@click=app.quit]x[/] [2J" in text
        assert "\x1b" not in text


async def test_a_clicked_link_is_reported() -> None:
    """A click on a link posts its address, and does not open it."""
    app = Demo([message(0, "https://a.b/c")])
    async with app.run_test(size=(60, 20)) as pilot:
        await pilot.pause()
        row = next(i for i, line in enumerate(app.screen_text()) if "https" in line)
        await pilot.click(Transcript, offset=(4, row))
        assert "https://a.b/c" in app.posted


async def test_a_finished_answer_is_rendered_from_its_complete_text() -> None:
    """While streaming the text grows in place; at the end it is rendered again."""
    app = Demo([message(0), answer(500, streaming=True)])
    async with app.run_test(size=(60, 20)) as pilot:
        await pilot.pause()
        app.texts[message_id(500)] = "# Title\n\n- one"
        app.transcript.update_streaming([message_id(500)])
        await pilot.pause()
        growing = "\n".join(app.screen_text())
        app.messages[1] = answer(500, "# Title\n\n- one\n- two")
        app.show_all()
        rendered = app.transcript.entry_layout.rendered(1)
        assert "• one▌" in growing
        assert [plain(line) for line in rendered.body] == ["Title", "", "• one", "• two"]
