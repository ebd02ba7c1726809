"""The text field for messages."""

import pytest
from textual.app import App, ComposeResult

from rustygpt_tui.widgets.composer import Composer


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
