"""Keys are taken one after the other."""

from tests.support.wait import until
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding
from textual.screen import ModalScreen
from textual.widgets import Input

from rustygpt_tui.screens.sequential_input import SequentialInputApp


class Asking(ModalScreen[str]):
    """A dialog with one field."""

    def compose(self) -> ComposeResult:
        yield Input(id="asked")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        self.dismiss(event.value)


class Demo(SequentialInputApp[None]):
    """Two fields, and a dialog behind a key."""

    BINDINGS = [Binding("ctrl+o", "ask", priority=True)]

    def __init__(self) -> None:
        super().__init__()
        self.answers: list[str | None] = []

    def compose(self) -> ComposeResult:
        yield Input(id="first", select_on_focus=False)
        yield Input(id="second", select_on_focus=False)

    def action_ask(self) -> None:
        self.push_screen(Asking(), self.answers.append)

    def burst(self, *keys: str) -> None:
        """All keys at once, as a script types them."""
        for key in keys:
            self.post_message(events.Key(key, key if len(key) == 1 else None))

    def value(self, id: str) -> str:
        return self.query_one(f"#{id}", Input).value


async def test_a_burst_lands_in_the_fields_it_was_meant_for() -> None:
    """What is typed after tab belongs to the next field, however fast it came."""
    app = Demo()
    async with app.run_test():
        app.burst(*"ann", "tab", *"ann.org", "shift+tab", *"a")
        app.post_message(events.Paste("bel"))
        app.burst("tab", *"!")
        await until(lambda: app.value("second").endswith("!"))
        assert (app.value("first"), app.value("second")) == ("annabel", "ann.org!")


async def test_a_burst_reaches_a_dialog_that_it_opens() -> None:
    """The dialog gets the keys after the one that opened it, and those after its end go on."""
    app = Demo()
    async with app.run_test():
        app.burst("a", "ctrl+o", *"title", "enter", "b")
        await until(lambda: app.value("first") == "ab")
        assert app.answers == ["title"]


async def test_a_key_that_takes_its_target_away_holds_up_nothing() -> None:
    """Where the field goes with the key, the next key finds another."""
    app = Demo()
    async with app.run_test():
        app.query_one("#first").remove()
        app.burst("x", "tab", "y")
        await until(lambda: app.value("second").endswith("y"))
