"""Dialogs to choose from a list, to enter a line of text, and to create a conversation."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Checkbox, Input, OptionList, Select, Static
from textual.widgets.option_list import Option

from rustygpt_shared import text_rules
from rustygpt_shared.requests import AssistantMode, CreateConversation, default_assistant_mode
from rustygpt_tui.widgets.bindings import bindings

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
            yield Static(Content.styled(self._heading, "bold"), classes="card-title")
            yield OptionList(
                *(Option(Content(choice.label), id=choice.id) for choice in self._choices),
                markup=False,
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
            yield Static(Content.styled(self._heading, "bold"), classes="card-title")
            yield Input(self._value, max_length=text_rules.TITLE_MAX, select_on_focus=False)
            yield Static("", id="failure", classes="failure", markup=False)

    def on_mount(self) -> None:
        """Hide the failure line."""
        self.query_one("#failure").display = False

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Close the dialog with the title, or show why it is invalid."""
        try:
            self.dismiss(text_rules.title(event.value))
        except ValueError as error:
            failure = self.query_one("#failure", Static)
            failure.update(Content(f"{str(error).capitalize()}."))
            failure.display = True


class NewConversationDialog(ModalScreen[CreateConversation | None]):
    """Title, group or not, and assistant mode; dismissed with the request to create it."""

    BINDINGS = bindings("dialog")

    def compose(self) -> ComposeResult:
        """Create the three fields and the buttons."""
        with Vertical(classes="dialog"):
            yield Static(Content.styled("New conversation", "bold"), classes="card-title")
            yield Input(placeholder="Title", id="title", max_length=text_rules.TITLE_MAX)
            yield Checkbox("A group: other people will be in it", id="group")
            with self.prevent(Select.Changed):
                yield Select(
                    MODES,
                    value=default_assistant_mode(is_group=False),
                    allow_blank=False,
                    id="mode",
                )
            yield Static("", id="failure", classes="failure", markup=False)
            with Horizontal(classes="buttons"):
                yield Button("Create", variant="primary", id="create")
                yield Button("Cancel", id="cancel")

    def on_mount(self) -> None:
        """Hide the failure line."""
        self.query_one("#failure").display = False

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
            failure = self.query_one("#failure", Static)
            failure.update(Content("Give the conversation a title."))
            failure.display = True
            self.query_one("#title", Input).focus()
        else:
            self.dismiss(request)
