"""The field for the path of a file."""

from textual.app import App, ComposeResult
from textual.widgets import Input

from rustygpt_tui.widgets.path_input import PathInput


class FieldApp(App[None]):
    """Two fields, the first of which completes `a` to `abc`."""

    def compose(self) -> ComposeResult:
        yield PathInput(lambda text: "abc" if text == "a" else text, id="path")
        yield Input(id="other")


async def test_tab_completes_and_then_goes_on() -> None:
    """Without anything to complete it moves the focus, also from an empty field."""
    app = FieldApp()
    async with app.run_test() as pilot:
        field = app.query_one(PathInput)
        await pilot.press("a", "tab")
        assert (field.value, field.has_focus) == ("abc", True)
        await pilot.press("tab")
        assert app.query_one("#other").has_focus
        field.value = ""
        await pilot.press("shift+tab", "tab")
        assert app.query_one("#other").has_focus
