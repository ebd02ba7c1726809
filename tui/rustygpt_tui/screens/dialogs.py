"""Dialogs: choose from a list, enter a line of text, create a conversation, open a link."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Select, Static
from textual.widgets.option_list import Option

from rustygpt_shared import text_rules
from rustygpt_shared.requests import AssistantMode, CreateConversation, default_assistant_mode
from rustygpt_tui.conversation.links import host_of
from rustygpt_tui.widgets.bindings import bindings
from rustygpt_tui.widgets.controls import Button, Checkbox
from rustygpt_tui.widgets.form import FailureLine, FormFields

MODES: Sequence[tuple[str, AssistantMode]] = (
    ("The assistant answers every message", "always"),
    ("The assistant answers when it is mentioned", "mention"),
    ("The assistant is off", "off"),
)


@dataclass(frozen=True)
class Choice:
    """One option of a list: its id and its label."""

    id: str
    label: str


class ChooseDialog(ModalScreen[str | None]):
    """A list of choices; dismissed with the id of the chosen one."""

    BINDINGS = bindings("dialog")

    def __init__(self, heading: str, choices: Sequence[Choice]) -> None:
        super().__init__()
        self._heading = heading
        self._choices = choices

    def compose(self) -> ComposeResult:
        """Create the heading and the list."""
        with Vertical(classes="dialog"):
            yield Static(Content.styled(self._heading, "bold"), classes="card-title docked")
            yield OptionList(
                *(Option(Content(choice.label), id=choice.id) for choice in self._choices),
                markup=False,
                classes="choices",
            )

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Close the dialog with the choice."""
        self.dismiss(event.option_id)


class TextInputDialog(ModalScreen[str | None]):
    """One line of text, a title; dismissed with it."""

    BINDINGS = bindings("dialog")

    def __init__(self, heading: str, value: str = "") -> None:
        super().__init__()
        self._heading = heading
        self._value = value

    def compose(self) -> ComposeResult:
        """Create the heading and the field."""
        with Vertical(classes="dialog"):
            with FormFields(classes="fields"):
                yield Static(Content.styled(self._heading, "bold"), classes="card-title")
                yield Input(
                    self._value,
                    max_length=text_rules.TITLE_MAX,
                    select_on_focus=False,
                    compact=True,
                )
            yield FailureLine()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Close the dialog with the title, or show why it is invalid."""
        try:
            self.dismiss(text_rules.title(event.value))
        except ValueError as error:
            self.query_one(FailureLine).show(f"{str(error).capitalize()}.")


class NewConversationDialog(ModalScreen[CreateConversation | None]):
    """Title, group or not, and assistant mode; dismissed with the request to create it."""

    BINDINGS = bindings("dialog")

    def compose(self) -> ComposeResult:
        """Create the three fields and the buttons."""
        with Vertical(classes="dialog"):
            with FormFields(classes="fields"):
                yield Static(Content.styled("New conversation", "bold"), classes="card-title")
                yield Input(
                    placeholder="Title", id="title", max_length=text_rules.TITLE_MAX, compact=True
                )
                yield Checkbox("A group: other people will be in it", id="group", compact=True)
                with self.prevent(Select.Changed):
                    yield Select(
                        MODES,
                        value=default_assistant_mode(is_group=False),
                        allow_blank=False,
                        id="mode",
                        compact=True,
                    )
                with Horizontal(classes="buttons"):
                    yield Button("Create", variant="primary", id="create", compact=True)
                    yield Button("Cancel", id="cancel", compact=True)
            yield FailureLine()

    def on_checkbox_changed(self, event: Checkbox.Changed) -> None:
        """Set the assistant mode that is usual for a group: it answers when it is mentioned."""
        self.query_one("#mode", Select).value = default_assistant_mode(is_group=event.value)

    def on_input_submitted(self) -> None:
        """Create the conversation."""
        self._create()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Create the conversation, or close the dialog."""
        if event.button.id == "create":
            self._create()
        else:
            self.dismiss(None)

    def _create(self) -> None:
        try:
            request = CreateConversation(
                title=self.query_one("#title", Input).value,
                is_group=self.query_one("#group", Checkbox).value,
                assistant_mode=cast("AssistantMode", self.query_one("#mode", Select).value),
            )
        except ValueError:
            self.query_one(FailureLine).show("Give the conversation a title.")
            self.query_one("#title", Input).focus()
        else:
            self.dismiss(request)


class LinkDialog(ModalScreen[str | None]):
    """The full address of a link, and its host; dismissed with `open`, `copy` or None.

    A link's text is written by other people: it need not be the address that it leads to.
    """

    BINDINGS = bindings("dialog")

    def __init__(self, address: str) -> None:
        super().__init__()
        self._address = address

    def compose(self) -> ComposeResult:
        """Create the address and the buttons; Enter opens nothing unless `Open` has the focus."""
        host = host_of(self._address)
        with Vertical(classes="dialog"), FormFields(classes="fields"):
            yield Static(Content.styled("Open this link?", "bold"), classes="card-title")
            yield Static(Content(self._address), classes="card-title", id="address")
            if host:
                yield Static(Content(f"It leads to {host}"), classes="card-title", id="host")
            with Horizontal(classes="buttons"):
                yield Button("Cancel", id="cancel", compact=True)
                yield Button("Copy", id="copy", compact=True)
                yield Button("Open", variant="primary", id="open", compact=True)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Close the dialog with the choice."""
        self.dismiss(None if event.button.id == "cancel" else event.button.id)
