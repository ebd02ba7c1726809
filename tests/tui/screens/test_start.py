"""The first screen."""

from textual.app import App
from textual.widgets import Button, Static

from rustygpt_tui.screens.start import StartScreen


class Demo(App[None]):
    """The start screen, and how often it was tried again."""

    def __init__(self) -> None:
        super().__init__()
        self.start = StartScreen()
        self.again = 0

    async def on_mount(self) -> None:
        await self.push_screen(self.start)

    def on_start_screen_retry_requested(self) -> None:
        self.again += 1

    def said(self, id: str) -> str:
        return str(self.start.query_one(id, Static).content)


async def test_progress_is_said_in_one_form() -> None:
    """However the words come, they begin with a capital and end in three dots."""
    app = Demo()
    async with app.run_test():
        assert app.said("#progress") == "Connecting …"
        app.start.show_progress("preparing the database ...")
        assert app.said("#progress") == "Preparing the database …"
        assert not app.start.query_one("#again").display


async def test_a_failure_has_a_way_on() -> None:
    """The sentence is text, the button has the focus, and trying again hides both."""
    app = Demo()
    async with app.run_test() as pilot:
        app.start.show_failure("No server answers at [/x].")
        await pilot.pause()
        assert app.said("#failure") == "No server answers at [/x]."
        assert isinstance(app.start.focused, Button)
        await pilot.press("enter")
        assert app.again == 1
        app.start.show_progress("Connecting")
        assert not app.start.query_one("#failure").display
