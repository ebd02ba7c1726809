"""The base of dialogs whose fields are sent to the server; a failure keeps the fields."""

from typing import TypeVar

from textual import work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from rustygpt_tui.client.http import Client
from rustygpt_tui.conversation.view_models import validation_sentence
from rustygpt_tui.errors import ClientError
from rustygpt_tui.widgets.bindings import bindings
from rustygpt_tui.widgets.controls import Button
from rustygpt_tui.widgets.form import FailureLine, FormFields

T = TypeVar("T")


class FormDialog(ModalScreen[T | None]):
    """Fields, a button that sends them, and one that closes; dismissed with the result."""

    BINDINGS = bindings("dialog")
    HEADING = ""
    BUTTON = ""

    def __init__(self, client: Client) -> None:
        super().__init__()
        self._client = client
        self._is_sending = False

    def compose(self) -> ComposeResult:
        """Create the heading, the fields and the buttons."""
        with Vertical(classes="dialog"):
            with FormFields(classes="fields"):
                yield Static(Content.styled(self.HEADING, "bold"), classes="card-title")
                yield from self.fields()
                with Horizontal(classes="buttons"):
                    yield Button(self.BUTTON, variant="primary", id="submit", compact=True)
                    yield from self.other_buttons()
                    yield Button("Cancel", id="cancel", compact=True)
            yield FailureLine()

    def fields(self) -> ComposeResult:
        """Create the fields."""
        yield from ()

    def other_buttons(self) -> ComposeResult:
        """Create buttons beside the one that sends the fields."""
        yield from ()

    async def submit(self) -> T:
        """Send the fields and return the result.

        Raises ClientError, or ValueError when a field is invalid.
        """
        raise NotImplementedError

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Send the fields."""
        event.stop()
        self._send()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Send the fields, or close; Textual calls this one besides that of a subclass."""
        event.stop()
        if event.button.id == "submit":
            self._send()
        elif event.button.id == "cancel" and not self._is_sending:
            self.dismiss(None)

    async def action_dismiss(self, result: T | None = None) -> None:
        """Close the dialog, but not while a request is under way: its response may be a secret."""
        if not self._is_sending:
            self.dismiss(result)

    @work(group="form", exit_on_error=False)
    async def _send(self) -> None:
        """Send the fields once, however often the button is pressed meanwhile."""
        if self._is_sending:
            return
        self._is_sending = True
        self.query_one(FailureLine).hide()
        button = self.query_one("#submit", Button)
        button.label = f"{self.BUTTON} …"
        try:
            result = await self.submit()
        except ClientError as failure:
            self.query_one(FailureLine).show(failure.sentence)
        except ValueError as error:
            self.query_one(FailureLine).show(validation_sentence(error))
        else:
            self.dismiss(result)
        finally:
            self._is_sending = False
            button.label = self.BUTTON
