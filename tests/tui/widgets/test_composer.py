"""The text field for messages."""

import pytest
from textual import events
from textual.app import App, ComposeResult

from rustygpt_tui.widgets.composer import Composer

LINE_ENDS = ["\n", "\r\n", "\r", "\v", "\f", "\x85", "\u2028", "\u2029"]


class Demo(App[None]):
    """An app with a composer that records what was sent."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[str] = []

    def compose(self) -> ComposeResult:
        yield Composer(id="composer")

    def on_composer_submitted(self, event: Composer.Submitted) -> None:
        self.sent.append(event.text)


@pytest.mark.parametrize("key", ["ctrl+j", "shift+enter", "alt+enter"])
async def test_enter_sends_and_other_keys_break_the_line(key: str) -> None:
    """Enter posts the complete text and clears the field; other keys insert a line feed."""
    app = Demo()
    async with app.run_test() as pilot:
        await pilot.press("a", key, "b", "enter")
        assert app.sent == ["a\nb"]
        assert app.query_one(Composer).text == ""


async def test_an_empty_text_is_not_sent() -> None:
    """Enter on white space posts nothing."""
    app = Demo()
    async with app.run_test() as pilot:
        await pilot.press("space", "enter")
        assert app.sent == []


async def test_the_key_for_sending_can_be_changed() -> None:
    """With another key for sending, enter inserts a line feed."""
    app = Demo()
    app.set_keymap({"rg.send": "ctrl+t"})
    async with app.run_test() as pilot:
        await pilot.press("a", "enter", "b", "ctrl+t")
        assert app.sent == ["a\nb"]


@pytest.mark.parametrize("end", LINE_ENDS)
async def test_line_ends_of_every_kind_are_line_feeds(end: str) -> None:
    """In a paste, also at its end, and in a text that is put back into the field."""
    app = Demo()
    async with app.run_test() as pilot:
        composer = app.query_one(Composer)
        composer.focus()
        app.post_message(events.Paste(f"one{end}two{end}"))
        await pilot.pause()
        await pilot.press("t", "h", "enter")
        composer.set_text(f"three{end}four")
        assert composer.document.line_count == 2
        await pilot.press("enter")
        assert app.sent == ["one\ntwo\nth", "three\nfour"]
