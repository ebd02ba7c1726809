"""The dialog that shows a secret once: an invite's link, a token, a first password."""

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from rustygpt_tui.widgets.bindings import bindings
from rustygpt_tui.widgets.controls import Button
from rustygpt_tui.widgets.form import FormFields


class ShowOnceDialog(ModalScreen[None]):
    """A text that cannot be shown again, with a button that copies it."""

    BINDINGS = bindings("dialog")

    def __init__(self, heading: str, note: str, text: str) -> None:
        """`note` says what to do with the text, and that it is not shown again."""
        super().__init__()
        self._heading = heading
        self._note = note
        self._text = text

    def compose(self) -> ComposeResult:
        """Create the text and the buttons."""
        with Vertical(classes="dialog"), FormFields(classes="fields"):
            yield Static(Content.styled(self._heading, "bold"), classes="card-title")
            yield Static(Content(self._note), classes="card-note")
            yield Static(Content(self._text), classes="card-title", id="text")
            with Horizontal(classes="buttons"):
                yield Button("Copy", variant="primary", id="copy", compact=True)
                yield Button("Done", id="done", compact=True)

    def on_mount(self) -> None:
        """Move the focus to the button that copies the text."""
        self.query_one("#copy").focus()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Copy the text, or close the dialog."""
        event.stop()
        if event.button.id == "copy":
            self.app.copy_to_clipboard(self._text)
        else:
            self.dismiss(None)
