"""The dialog that chooses one of the server's models, by typing a part of its name."""

from collections.abc import Sequence
from typing import Final

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from rustygpt_shared.models.assistant import ModelInfo
from rustygpt_tui.render.text import one_line
from rustygpt_tui.widgets.bindings import bindings

_DIM: Final = "$foreground 60%"
_LIST_KEYS: Final = {
    "up": "cursor_up",
    "down": "cursor_down",
    "pageup": "page_up",
    "pagedown": "page_down",
}


class ModelDialog(ModalScreen[str | None]):
    """The models, filtered by what is typed; dismissed with a name, or "" for the first choice."""

    BINDINGS = bindings("dialog")

    def __init__(
        self, heading: str, models: Sequence[ModelInfo], *, first: str, current: str | None
    ) -> None:
        """`first` is the choice above the models; `current` is the model that is set now."""
        super().__init__()
        self._heading = heading
        self._models = models
        self._first = first
        self._current = current

    def compose(self) -> ComposeResult:
        """Create the field and the list."""
        with Vertical(classes="dialog models"):
            yield Static(Content.styled(self._heading, "bold"), classes="card-title")
            yield Input(placeholder="Type a part of the name", id="filter", compact=True)
            yield OptionList(id="models", markup=False)

    def on_mount(self) -> None:
        """Show all models, with the current one selected."""
        self.query_one("#models", OptionList).can_focus = False
        self._show("")

    def on_input_changed(self, event: Input.Changed) -> None:
        """Show the models that match."""
        event.stop()
        self._show(event.value)

    async def on_key(self, event: events.Key) -> None:
        """Move in the list while the field has the focus."""
        action = _LIST_KEYS.get(event.key)
        if action:
            event.stop()
            await self.query_one("#models", OptionList).run_action(action)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Choose the highlighted model."""
        event.stop()
        self.query_one("#models", OptionList).action_select()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Close the dialog with the choice."""
        self.dismiss((event.option_id or "").removeprefix("model:"))

    def _show(self, typed: str) -> None:
        words = typed.casefold().split()
        options = [] if words else [Option(Content(self._first), id="model:")]
        if not words and is_missing(self._current, self._models):
            options.append(Option(Content(model_label(self._current, self._models)), disabled=True))
        for model in self._models:
            text = f"{model.id} {model.provider}".casefold()
            if all(word in text for word in words):
                options.append(Option(_description(model), id=f"model:{model.id}"))
        option_list = self.query_one("#models", OptionList)
        option_list.clear_options()
        option_list.add_options(options or [Option("No model has this name.", disabled=True)])
        ids = [option.id for option in options]
        current = f"model:{self._current or ''}"
        option_list.highlighted = ids.index(current) if current in ids else 0


def _description(model: ModelInfo) -> Content:
    size = f"{model.context_tokens // 1024:,}k" if model.context_tokens >= 1024 else ""
    details = " · ".join(filter(None, [one_line(model.provider), size]))
    return Content.assemble(one_line(model.id), (f"  {details}", _DIM))


def default_label(models: Sequence[ModelInfo]) -> str:
    """Return the label of the server's default model."""
    name = next((one_line(model.id) for model in models if model.is_default), "")
    return f"The server's default ({name})" if name else "The server's default"


def is_missing(name: str | None, models: Sequence[ModelInfo]) -> bool:
    """Return whether a model that is set is not among those that may be chosen."""
    return bool(name) and all(model.id != name for model in models)


def model_label(name: str | None, models: Sequence[ModelInfo]) -> str:
    """Return the label of a model that is set, or of the default."""
    if not name:
        return default_label(models)
    return f"{one_line(name)} (not available)" if is_missing(name, models) else one_line(name)
