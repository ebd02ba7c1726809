"""The start screen: progress of connecting to the server, or why that failed."""

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Static

from rustygpt_tui.widgets.controls import Button
from rustygpt_tui.widgets.form import FormFields


class StartScreen(Screen[None]):
    """Shows a line of progress; after a failure, one sentence and a button to try again."""

    class RetryRequested(Message):
        """The user pressed the button to try again."""

    def compose(self) -> ComposeResult:
        """Create the card in the middle of the screen."""
        with Vertical(classes="card"), FormFields(classes="fields"):
            yield Static(Content.styled("RustyGPT", "bold $text-primary"), classes="card-title")
            yield Static("", id="progress", markup=False)
            yield Static("", id="failure", markup=False)
            yield Button("Try again", id="again", variant="primary")

    def on_mount(self) -> None:
        """Show the first progress text."""
        self.show_progress("Connecting …")

    def show_progress(self, text: str) -> None:
        """Show a progress text, and hide the failure."""
        text_without_dots = text.rstrip(" .…")
        self.query_one("#progress", Static).update(
            Content(f"{text_without_dots[:1].upper()}{text_without_dots[1:]} …")
        )
        self.query_one("#failure", Static).display = False
        self.query_one("#again", Button).display = False

    def show_failure(self, sentence: str) -> None:
        """Show why connecting failed, with the button to try again."""
        self.query_one("#progress", Static).update("")
        failure = self.query_one("#failure", Static)
        failure.update(Content(sentence))
        failure.display = True
        button = self.query_one("#again", Button)
        button.display = True
        button.focus()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Report that the user wants to try again."""
        event.stop()
        self.post_message(self.RetryRequested())
