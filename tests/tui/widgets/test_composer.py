"""Where people write."""

import pytest
from textual.app import App, ComposeResult

from rustygpt_tui.widgets.composer import Composer


class Demo(App[None]):
    """A composer, and what it sent."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[str] = []

    def compose(self) -> ComposeResult:
        yield Composer(id="composer")

    def on_composer_submitted(self, event: Composer.Submitted) -> None:
        self.sent.append(event.text)


@pytest.mark.parametrize("key", ["ctrl+j", "shift+enter", "alt+enter"])
async def test_enter_sends_and_other_keys_break_the_line(key: str) -> None:
    """The text goes out whole and cleaned, and the composer is empty for the next."""
    app = Demo()
    async with app.run_test() as pilot:
        await pilot.press("a", key, "b", "enter")
        assert app.sent == ["a\nb"]
        assert app.query_one(Composer).text == ""


async def test_nothing_is_not_sent() -> None:
    """White space alone stays where it is."""
    app = Demo()
    async with app.run_test() as pilot:
        await pilot.press("space", "enter")
        assert app.sent == []


async def test_send_can_be_moved() -> None:
    """With another key for sending, enter is a line break like in any editor."""
    app = Demo()
    app.set_keymap({"rg.send": "ctrl+t"})
    async with app.run_test() as pilot:
        await pilot.press("a", "enter", "b", "ctrl+t")
        assert app.sent == ["a\nb"]
