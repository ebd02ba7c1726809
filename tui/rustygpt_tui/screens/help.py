"""The help screen: all keys by scope, with the ids that a user's keymap refers to."""

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from rustygpt_tui.keymap import FILE_NAME, SCOPES, Keymap, keys_of
from rustygpt_tui.render.text import pad
from rustygpt_tui.widgets.bindings import bindings

_WIDTH_WITH_IDS = 104
"""The width of the terminal, in cells, from which the ids are shown."""
_WIDTH_WITH_COLUMNS = 60
"""The width from which keys and descriptions are in columns."""
_NAMES = {
    "question_mark": "?",
    "slash": "/",
    "minus": "-",
    "comma": ",",
    "full_stop": ".",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "escape": "esc",
    "pageup": "pgup",
    "pagedown": "pgdn",
    "up": "↑",
    "down": "↓",
    "left": "←",
    "right": "→",
}


class HelpScreen(ModalScreen[None]):
    """Lists the table of keys; esc closes it."""

    BINDINGS = bindings("dialog")

    def __init__(self, keymap: Keymap, folder: str) -> None:
        super().__init__()
        self._keymap = keymap
        self._folder = folder

    def compose(self) -> ComposeResult:
        """Create one text that scrolls."""
        with VerticalScroll(classes="dialog help"):
            yield Static(self._page(), markup=False)

    def _page(self) -> Content:
        ids = self.app.size.width >= _WIDTH_WITH_IDS
        column = 24 if self.app.size.width >= _WIDTH_WITH_COLUMNS else 0
        parts: list[str | Content | tuple[str, str]] = [("Keys\n", "bold $text-primary")]
        parts.extend((f"\n{error}\n", "$text-warning") for error in self._keymap.errors)
        for scope, heading in SCOPES.items():
            parts.append((f"\n{heading}\n", "bold"))
            for key in keys_of(scope):
                keys = ", ".join(key_label(part) for part in self._keymap.keys(key).split(","))
                parts.append((pad(f"  {keys}  ", column), "$text-primary"))
                parts.append(pad(key.description, 46) if ids else key.description)
                parts.append((f" {key.id}\n" if ids else "\n", "$foreground 45%"))
        note = f'\nMove a key in {self._folder}/{FILE_NAME}:  [keys]  "rg.reply" = "ctrl+r"\n'
        parts.append((note, "$foreground 60%"))
        return Content.assemble(*parts)


def key_label(key: str) -> str:
    """Return the label of a key, such as "esc" for "escape"."""
    modifier, _, last = key.rpartition("+")
    name = _NAMES.get(last, last)
    return f"{modifier}+{name}" if modifier else name
