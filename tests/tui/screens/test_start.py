"""The start screen."""

from textual.app import App
from textual.widgets import Button, Static

from rustygpt_tui.screens.start import StartScreen


class Demo(App[None]):
    """An app with the start screen that counts the attempts to try again."""

    def __init__(self) -> None:
        super().__init__()
        self.start = StartScreen()
        self.retries = 0

    async def on_mount(self) -> None:
        await self.push_screen(self.start)

    def on_start_screen_retry_requested(self) -> None:
        self.retries += 1

    def text_of(self, id: str) -> str:
        return str(self.start.query_one(id, Static).content)


async def test_progress_texts_have_one_form() -> None:
    """They start with a capital letter and end in an ellipsis."""
    app = Demo()
    async with app.run_test():
        assert app.text_of("#progress") == "Connecting …"
        app.start.show_progress("preparing the database ...")
        assert app.text_of("#progress") == "Preparing the database …"
        assert not app.start.query_one("#again").display


async def test_a_failure_has_a_button_to_try_again() -> None:
    """The sentence is no markup, the button has the focus, and progress hides both."""
    app = Demo()
    async with app.run_test() as pilot:
        app.start.show_failure("No server answers at [/x].")
        await pilot.pause()
        assert app.text_of("#failure") == "No server answers at [/x]."
        assert isinstance(app.start.focused, Button)
        await pilot.press("enter")
        assert app.retries == 1
        app.start.show_progress("Connecting")
        assert not app.start.query_one("#failure").display
