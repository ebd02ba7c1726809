"""The dialog of a conversation's settings: title, assistant mode, model and system prompt."""

from collections.abc import Sequence
from typing import cast

from msgspec import UNSET, UnsetType
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Input, Select, Static, TextArea

from rustygpt_shared import text_rules
from rustygpt_shared.models.assistant import ModelInfo
from rustygpt_shared.models.conversations import Conversation
from rustygpt_shared.requests import AssistantMode, UpdateConversation
from rustygpt_tui.client.http import Client
from rustygpt_tui.render.text import clean, one_line
from rustygpt_tui.screens.dialogs import MODES
from rustygpt_tui.screens.form_dialog import FormDialog
from rustygpt_tui.screens.model_picker import ModelDialog, default_label, model_label
from rustygpt_tui.widgets.controls import Button


class SettingsDialog(FormDialog[bool]):
    """Dismissed with True after the server accepted the changes; until then the fields are kept."""

    HEADING = "Conversation settings"
    BUTTON = "Save"

    def __init__(
        self, client: Client, conversation: Conversation, models: Sequence[ModelInfo] | str
    ) -> None:
        """`conversation` is as the server returns it: events do not carry the system prompt.

        `models` are those that may be chosen, or a sentence why they are not known.
        """
        super().__init__(client)
        self._conversation = conversation
        self._models = models
        self._model = conversation.model or ""

    def fields(self) -> ComposeResult:
        """Create the four fields."""
        info = self._conversation
        yield Static("Title", classes="label")
        yield Input(one_line(info.title), id="title", max_length=text_rules.TITLE_MAX, compact=True)
        yield Static("Assistant", classes="label")
        with self.prevent(Select.Changed):
            yield Select(
                MODES, value=info.assistant_mode, allow_blank=False, id="mode", compact=True
            )
        yield Static("Model", classes="label")
        yield from self._model_field()
        yield Static("System prompt", classes="label")
        prompt = clean(info.system_prompt or "")
        yield TextArea(prompt, id="prompt", tab_behavior="focus", compact=True)

    def _model_field(self) -> ComposeResult:
        """Create the choice of a model; a text field where the models are not known."""
        if not isinstance(self._models, str):
            label = Content(model_label(self._model, self._models))
            yield Button(label, id="model", compact=True)
            return
        model = one_line(self._model)
        yield Input(model, placeholder="The server's default", id="model", compact=True)
        note = f"Type the name of a model: {self._models}"
        yield Static(Content(note), id="models-note", classes="label wrapped")

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Choose a model; Textual calls this one besides that of the base."""
        event.stop()
        models = self._models
        if event.button.id != "model" or isinstance(models, str):
            return

        def on_chosen(model: str | None) -> None:
            if model is not None:
                self._model = model
                self.query_one("#model", Button).label = Content(model_label(model, models))

        first = default_label(models)
        dialog = ModelDialog("Model", models, first=first, current=self._model)
        self.app.push_screen(dialog, on_chosen)

    async def submit(self) -> bool:
        """Send the changes."""
        await self._client.update_conversation(self._conversation.id, self._requested_changes())
        return True

    def _requested_changes(self) -> UpdateConversation:
        """Return the fields that the user changed; raises ValueError for an invalid one."""
        info = self._conversation
        title = self.query_one("#title", Input).value
        mode = cast("AssistantMode", self.query_one("#mode", Select).value)
        return UpdateConversation(
            title=UNSET if title == one_line(info.title) else title,
            assistant_mode=UNSET if mode == info.assistant_mode else mode,
            model=_changed(self._chosen_model(), info.model),
            system_prompt=_changed(self.query_one("#prompt", TextArea).text, info.system_prompt),
        )

    def _chosen_model(self) -> str:
        if isinstance(self._models, str):
            return self.query_one("#model", Input).value
        return self._model


def _changed(text: str, before: str | None) -> str | UnsetType | None:
    """Return an optional text to send: UNSET if it is unchanged, None if it was emptied."""
    stripped = text.strip()
    return UNSET if stripped == (before or "").strip() else stripped or None
