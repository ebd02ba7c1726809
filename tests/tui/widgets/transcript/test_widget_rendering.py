"""The transcript with a rendering process: keys go on, and rows stay where they are."""

import msgspec
import pytest
from tests.support.function_calls import MAX_CALLS, calls
from tests.support.hostile_texts import HOSTILE_TEXTS, block_text
from tests.support.wait import until
from tests.tui.sample_threads import answer, message
from tests.tui.widgets.transcript.transcript_app import TranscriptApp, running

from rustygpt_tui.render.service import RenderService

_CODE = "text\n\n```python\nx = 'a'\n```\n\nend"


def _styles(app: TranscriptApp) -> set[str]:
    """Return the style names of all rows that are shown."""
    layout = app.transcript.entry_layout
    located = [layout.line(row) for row in range(layout.total)]
    return {span.style for found in located if found for span in found[2]}


async def test_colours_arrive_without_moving_a_row() -> None:
    """The text is there at once, and its rows stay when the colours come."""
    app = TranscriptApp([message(n, _CODE) for n in range(8)], service=RenderService())
    async with running(app):
        app.transcript.action_start()
        before = app.screen_text()
        assert "x = 'a'" in "\n".join(before)
        await until(lambda: any("code.string" in style for style in _styles(app)))

        assert app.screen_text() == before
        assert app.transcript.scroll_offset.y == 0


async def test_a_long_message_is_shown_as_written_and_then_rendered() -> None:
    """The message that is read stays in its place."""
    long = "**bold** words\n\n" * 1_000
    app = TranscriptApp([message(0, long), message(1, "the last one")], service=RenderService())
    async with running(app):
        row = app.row_of("the last one")
        assert "  **bold** words" in app.screen_text()
        await until(lambda: "  bold words" in app.screen_text())

        assert "  **bold** words" not in app.screen_text()
        assert app.row_of("the last one") == row


async def test_without_a_process_the_text_is_shown_without_colours() -> None:
    """Nothing else changes."""
    service = RenderService("no_such_name")
    app = TranscriptApp([message(0, _CODE)], service=service)
    async with running(app):
        await until(lambda: service._serving is not None and service._serving.done())

        assert "x = 'a'" in "\n".join(app.screen_text())
        assert not any("code.string" in style for style in _styles(app))
        assert service.counts.started == 1


async def test_an_answer_in_progress_gets_its_colours() -> None:
    """While it is written, and the same rows when it has ended."""
    code = "".join(f"x{number} = 'a'\n" for number in range(50))
    text = f"```python\n{code}```\n\nend\n\nmore\n"
    running_answer = answer(0, streaming=True)
    app = TranscriptApp([running_answer], service=RenderService())
    async with running(app):
        app.texts[running_answer.id] = text
        app.transcript.update_streaming([running_answer.id])
        await until(lambda: any("code.string" in style for style in _styles(app)))
        before = app.screen_text()
        app.messages = [msgspec.structs.replace(running_answer, content=text, streaming=False)]
        app.show_all()

        assert [row for row in app.screen_text() if "'a'" in row] == [
            row for row in before if "'a'" in row
        ]


async def test_the_process_ends_with_the_widget() -> None:
    """Nothing is left behind."""
    service = RenderService()
    app = TranscriptApp([message(0, _CODE)], service=service)
    async with running(app):
        await until(lambda: service._process.pid is not None)

    assert service._process.pid is None


_HOSTILE = (
    "quotes in quotes", "links that do not end", "nested items", "code in systemd", "a wide table",
)  # fmt: skip


@pytest.mark.parametrize("name", _HOSTILE)
async def test_keys_go_on_whatever_anybody_wrote(name: str) -> None:
    """Drawing calls a bounded number of functions, and keys move the cursor meanwhile."""
    messages = [message(number, f"{number} {HOSTILE_TEXTS[name]}") for number in range(40)]
    app = TranscriptApp(messages, service=RenderService())
    async with running(app) as pilot:
        drawing = calls(lambda: [app.transcript.entry_layout.measure(0, 400), app.screen_text()])
        app.transcript.action_end()
        before = app.transcript.scroll_offset.y
        await pilot.press("pageup")

        assert drawing < 4 * MAX_CALLS
        assert app.transcript.scroll_offset.y < before


async def test_many_short_texts_are_drawn_in_several_turns() -> None:
    """Each of them may be rendered at once, but not all together."""
    text = block_text("nested items", 4_000)
    app = TranscriptApp([message(number, text) for number in range(40)], service=RenderService())
    async with running(app):
        app.transcript.entry_layout.resize(59)
        drawing = calls(lambda: app.transcript.entry_layout.measure(0, 100_000))

        assert drawing < 4 * MAX_CALLS
