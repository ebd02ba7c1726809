"""The buttons and checkboxes of forms and dialogs."""

from textual.app import App, ComposeResult
from textual.content import Content

from rustygpt_tui.widgets.controls import Checkbox


class Demo(App[None]):
    """An app with a checkbox."""

    def compose(self) -> ComposeResult:
        yield Checkbox(Content("A [b]group"), compact=True)


async def test_the_state_is_visible_without_colours() -> None:
    """The mark is there only when it is on."""
    app = Demo()
    async with app.run_test() as pilot:
        checkbox = app.query_one(Checkbox)
        assert checkbox.render().plain == "[ ] A [b]group "
        await pilot.press("space")
        assert checkbox.render().plain == "[x] A [b]group "
