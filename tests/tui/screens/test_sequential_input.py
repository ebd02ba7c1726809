"""Keys are handled one after the other."""

from tests.support.wait import until
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding
from textual.screen import ModalScreen, Screen
from textual.widgets import Input

from rustygpt_tui.screens.sequential_input import SequentialInputApp
from rustygpt_tui.widgets.controls import Button


class InputDialog(ModalScreen[str]):
    """A dialog with one field."""

    BINDINGS = [Binding("escape", "dismiss(None)")]

    def compose(self) -> ComposeResult:
        yield Input(id="text")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        self.dismiss(event.value)


class Demo(SequentialInputApp[None]):
    """An app with two fields, and a key that opens a dialog."""

    BINDINGS = [Binding("ctrl+o,alt+o", "ask", priority=True)]

    def __init__(self) -> None:
        super().__init__()
        self.results: list[str | None] = []

    def compose(self) -> ComposeResult:
        yield Input(id="first", select_on_focus=False)
        yield Input(id="second", select_on_focus=False)

    def action_ask(self) -> None:
        self.push_screen(InputDialog(), self.results.append)

    def burst(self, *keys: str) -> None:
        """Post all keys at once, as a script types them."""
        for key in keys:
            self.post_message(events.Key(key, key if len(key) == 1 else None))

    def value(self, id: str) -> str:
        return self.query_one(f"#{id}", Input).value


async def test_a_burst_of_keys_fills_the_intended_fields() -> None:
    """Keys after tab reach the next field, however fast they arrive."""
    app = Demo()
    async with app.run_test():
        app.burst(*"ann", "tab", *"ann.org", "shift+tab", *"a")
        app.post_message(events.Paste("bel"))
        app.burst("tab", *"!")
        await until(lambda: app.value("second").endswith("!"))
        assert (app.value("first"), app.value("second")) == ("annabel", "ann.org!")


async def test_a_burst_of_keys_reaches_a_dialog_it_opens() -> None:
    """Keys after the one that opens the dialog reach it; keys after its end do not."""
    app = Demo()
    async with app.run_test():
        app.burst("a", "ctrl+o", *"title", "enter", "b")
        await until(lambda: app.value("first") == "ab")
        assert app.results == ["title"]


async def test_a_removed_target_does_not_block_the_next_key() -> None:
    """When the focused field is removed, the next key reaches another one."""
    app = Demo()
    async with app.run_test():
        app.query_one("#first").remove()
        app.burst("x", "tab", "y")
        await until(lambda: app.value("second").endswith("y"))


async def test_escape_and_a_quick_key_are_two_keys() -> None:
    """Terminals report them as alt and the key; with a binding on that, it stays one."""
    app = Demo()
    async with app.run_test():
        app.action_ask()
        await until(lambda: isinstance(app.screen, InputDialog) and app.focused is not None)
        app.post_message(events.Key("alt+n", "n"))
        await until(lambda: app.value("first") == "n" if len(app.screen_stack) == 1 else False)
        assert app.results == [None]
        app.post_message(events.Key("alt+o", "o"))
        await until(lambda: isinstance(app.screen, InputDialog))


async def test_escape_and_a_quick_enter_are_two_keys() -> None:
    """Both reach the screen that they are meant for."""
    app = Demo()
    async with app.run_test():
        app.action_ask()
        await until(lambda: isinstance(app.screen, InputDialog) and app.focused is not None)
        app.post_message(events.Key("alt+enter", None))
        app.post_message(events.Key("alt+space", None))
        await until(lambda: app.value("first") == " ")
        assert app.results == [None]


async def test_keys_after_one_that_closes_a_screen_reach_the_one_below() -> None:
    """In order and without a pause, however often screens are pushed and popped."""
    app = Demo()
    async with app.run_test():
        for number in range(10):
            app.burst("ctrl+o", *"text", "escape", str(number), "ctrl+o", "enter")
        await until(lambda: app.value("first") == "0123456789" and len(app.results) == 20)
        assert app.results == [None, ""] * 10


class Chain(Screen[None]):
    """A screen with a button that opens a dialog, and that closes with the dialog."""

    def compose(self) -> ComposeResult:
        yield Button("open", id="open")

    def on_button_pressed(self) -> None:
        self.app.push_screen(InputDialog(), self._on_title)

    def _on_title(self, _title: str | None) -> None:
        self.dismiss(None)


async def test_keys_wait_while_several_screens_are_popped() -> None:
    """One that closes because another one did gets none of the keys that follow."""
    app = Demo()
    async with app.run_test():
        app.push_screen(Chain())
        await until(lambda: app.focused is not None and app.focused.id == "open")
        app.burst("enter", *"title", "enter", *"below")
        await until(lambda: app.value("first") == "below")


class Counter(SequentialInputApp[None]):
    """An app with a button, whose presses are counted and open a dialog."""

    def __init__(self) -> None:
        super().__init__()
        self.presses = 0

    def compose(self) -> ComposeResult:
        yield Button("open")

    def on_button_pressed(self) -> None:
        self.presses += 1
        self.push_screen(InputDialog())


async def test_a_button_is_pressed_again_as_soon_as_its_screen_is_back() -> None:
    """Enter directly after Escape counts."""
    app = Counter()
    async with app.run_test():
        for _ in range(10):
            for key, character in (("enter", "\r"), ("escape", "\x1b")):
                app.post_message(events.Key(key, character))
        await until(lambda: app.presses == 10)


async def test_keys_wait_for_a_request() -> None:
    """They reach what takes the keys after it."""
    app = Demo()
    async with app.run_test():
        with app.holding_keys():
            app.burst(*"title")
            await until(lambda: len(app._key_queue) == len("title"))
            assert app.value("first") == ""
            app.query_one("#second").focus()
        await until(lambda: app.value("second") == "title")


async def test_escape_and_a_capital_are_two_keys() -> None:
    """Terminals send the bytes of alt, shift and the letter for both."""
    app = Demo()
    async with app.run_test():
        app.post_message(events.Key("alt+shift+g", "G"))
        await until(lambda: app.value("first") == "G")
