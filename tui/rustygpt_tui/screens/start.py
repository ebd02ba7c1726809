"""The first screen: how far the server's start is, and what went wrong when it did not start."""

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Button, Static


class StartScreen(Screen[None]):
    """A name, a line of progress, and after a failure one sentence with a way on."""

    class RetryRequested(Message):
        """The person wants it tried again."""

    def compose(self) -> ComposeResult:
        """A card in the middle."""
        with Vertical(classes="card"):
            yield Static(Content.styled("RustyGPT", "bold $text-primary"), classes="card-title")
            yield Static("", id="progress", markup=False)
            yield Static("", id="failure", classes="failure", markup=False)
            yield Button("Try again", id="again", variant="primary")

    def on_mount(self) -> None:
        """Nothing has failed yet."""
        self.show_progress("Connecting …")

    def show_progress(self, text: str) -> None:
        """Tell how far it is."""
        text_without_dots = text.rstrip(" .…")
        self.query_one("#progress", Static).update(
            Content(f"{text_without_dots[:1].upper()}{text_without_dots[1:]} …")
        )
        self.query_one("#failure", Static).display = False
        self.query_one("#again", Button).display = False

    def show_failure(self, sentence: str) -> None:
        """Tell what went wrong."""
        self.query_one("#progress", Static).update("")
        failure = self.query_one("#failure", Static)
        failure.update(Content(sentence))
        failure.display = True
        button = self.query_one("#again", Button)
        button.display = True
        button.focus()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Try again."""
        event.stop()
        self.post_message(self.RetryRequested())
