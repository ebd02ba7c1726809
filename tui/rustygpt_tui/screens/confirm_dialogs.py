"""Dialogs that ask before something is lost."""

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from rustygpt_shared import text_rules
from rustygpt_tui.render.text import one_line, shorten
from rustygpt_tui.widgets.bindings import bindings
from rustygpt_tui.widgets.controls import Button
from rustygpt_tui.widgets.form import FailureLine, FormFields

_WORDS = 120


class ConfirmDialog(ModalScreen[bool | None]):
    """A question, what it is about, and a button; dismissed with True when that was pressed."""

    BINDINGS = bindings("dialog")

    def __init__(self, question: str, subject: str, button: str) -> None:
        super().__init__()
        self._question = question
        self._subject = shorten(one_line(subject), _WORDS)
        self._button = button

    def compose(self) -> ComposeResult:
        """Create the question and the buttons; the one that changes something has the focus."""
        with Vertical(classes="dialog"), FormFields(classes="fields"):
            yield Static(Content.styled(self._question, "bold"), classes="card-title")
            yield Static(Content(self._subject), classes="card-title")
            with Horizontal(classes="buttons"):
                yield Button(self._button, variant="primary", id="confirm", compact=True)
                yield Button("Cancel", id="cancel", compact=True)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Close the dialog with the choice."""
        self.dismiss(event.button.id == "confirm")


class DeleteDialog(ModalScreen[bool | None]):
    """Asks for the title of what will be gone; dismissed with True when it was typed."""

    BINDINGS = bindings("dialog")

    def __init__(self, title: str) -> None:
        super().__init__()
        self._expected = one_line(title)

    def compose(self) -> ComposeResult:
        """Create the question and the field."""
        with Vertical(classes="dialog"):
            with FormFields(classes="fields"):
                yield Static(
                    Content.styled("Delete this conversation for everybody?", "bold"),
                    classes="card-title",
                )
                yield Static(Content(self._expected), classes="card-title")
                yield Static("Everything in it is gone. Type its title to go on.", classes="label")
                yield Input(max_length=text_rules.TITLE_MAX, compact=True)
            yield FailureLine()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Close the dialog if the title was typed."""
        if one_line(event.value).strip() == self._expected:
            self.dismiss(True)
        else:
            self.query_one(FailureLine).show(
                "That is not its title. Esc closes, and nothing is lost."
            )
